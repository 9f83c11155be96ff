"""What the environment decides, read once where a process starts."""

import logging
import os
import re
import secrets
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from rules.refused import Refused
from rules.terms import Locale

DATABASES = ("sqlite:///", "postgresql+psycopg://")
SERVER_URL = "postgresql+psycopg://user:password@host:5432/database"
MOST_LETTERS = 2**31 - 1
"""What a column of the database holds."""
Letters = Annotated[int, Field(ge=0, le=MOST_LETTERS)]

log = logging.getLogger(__name__)


class SettingsRefused(Refused, ValueError):
    """A setting cannot be used; the message names the variable and says what to write."""


class Settings(BaseSettings):
    """Environment variables with the prefix `APPRAISAL_`; without any, everything runs embedded under `.appraisal/`."""

    model_config = SettingsConfigDict(env_prefix="APPRAISAL_", frozen=True)

    home: Path = Path(".appraisal")
    database_url: str = ""
    smtp_url: str = "smtp://127.0.0.1:1025"
    base_url: str = "http://127.0.0.1:8080"
    secret: str = Field(default="", repr=False)
    """Master secret of all links and codes, at least 32 characters; never in the database."""
    secret_previous: str = Field(default="", repr=False)
    """The secret before a rotation: it signs nothing, but what it signed still counts as long as it stands here."""
    mail_from: str = "Kinerja ASN <kinerja@appraisal.example>"
    mail_reply_to: str = ""
    bounce_domain: str = "bounce.appraisal.example"
    mail_release_above: Letters | None = None
    """A wave of more letters waits until a second person releases it; unset: 1,000, and never in a simulated year."""
    mail_canary: Letters | None = None
    """So many letters of a large wave go ahead, the rest ten minutes later; unset: 50 of more than 1,000; 0: none."""
    locale: Locale | None = None
    """Language in which commands speak to people; unset: each its usual one. Letters and pages follow the person."""
    state_dir: Path | None = None
    """Where this machine remembers what it sent, outside of all that a backup of the home brings back."""
    agencies_dir: Path = Path("examples")
    """Where an agency named without a path is looked for, by the launch form, the command line and the API."""
    prefect_ui_url: str = "http://127.0.0.1:4200"
    batch_people: Annotated[int, Field(ge=1, le=100_000)] = 2500
    """People in one batch of a step: one task run, one transaction, and what a death of the run repeats at most."""

    @field_validator("home", "agencies_dir", "state_dir", mode="before")
    @classmethod
    def _is_a_folder(cls, value: object) -> object:
        if isinstance(value, str) and not value.strip():
            raise ValueError("must name a folder; left out, it is the usual one")
        return value

    @field_validator("locale", mode="before")
    @classmethod
    def _is_a_language(cls, value: object) -> object:
        if value in ("", None):
            return None
        if value not in set(Locale):
            raise ValueError("must be id or en")
        return value

    @field_validator("base_url")
    @classmethod
    def _leads_to_the_pages(cls, value: str) -> str:
        parts = _address(value)
        if parts.path not in ("", "/"):
            raise ValueError("must end after the host: the pages know no folder above them")
        if parts.port == {"http": 80, "https": 443}[parts.scheme]:
            raise ValueError("must leave out the usual port, as browsers do")
        if value != value.lower():
            raise ValueError("must be in lower case, as browsers send it")
        return value.rstrip("/")

    @field_validator("prefect_ui_url")
    @classmethod
    def _leads_somewhere(cls, value: str) -> str:
        _address(value)
        return value

    @field_validator("bounce_domain")
    @classmethod
    def _is_a_domain(cls, value: str) -> str:
        from rules.mail.addresses import AddressRefused, parse_address

        try:
            parse_address(f"{'b' * 64}@{value}")
        except AddressRefused as refused:
            raise ValueError(f"must be a domain name such as bounce.agency.go.id: {refused}") from refused
        if not value.isascii():
            raise ValueError("must be a domain name in ASCII (xn--...)")
        return value

    @field_validator("state_dir")
    @classmethod
    def _is_elsewhere(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        home = info.data.get("home")
        if value is not None and home is not None and value.absolute().is_relative_to(home.absolute()):
            raise ValueError("must lie outside of APPRAISAL_HOME: a backup of the home must not bring it back")
        return value

    @property
    def outside(self) -> Path | None:
        """Where marks against restored backups are kept; None: this user has no folder but the home."""
        if self.state_dir is not None:
            return self.state_dir.absolute()
        if xdg := os.environ.get("XDG_STATE_HOME", ""):
            return Path(xdg) / "appraisal"
        try:
            return Path.home() / ".local" / "state" / "appraisal"
        except RuntimeError:
            return None

    @property
    def database(self) -> str:
        if "database_url" not in self.model_fields_set:
            return f"sqlite:///{self.home.absolute() / 'appraisal.db'}"
        if not self.database_url.startswith(DATABASES):
            raise SettingsRefused(
                f"APPRAISAL_DATABASE_URL must begin with one of: {' '.join(DATABASES)}\n"
                "Ops write it so, or leave the variable out to use SQLite under APPRAISAL_HOME."
            )
        _demand_readable(self.database_url)
        return self.database_url

    @property
    def master(self) -> bytes:
        """The master secret; embedded use makes one on first start and keeps it beside the database, mode 0600."""
        if self.secret:
            return _long_enough("APPRAISAL_SECRET", self.secret)
        if self.database_url and not self.database_url.startswith("sqlite"):
            raise SettingsRefused("APPRAISAL_SECRET is required with a database server: openssl rand -hex 32")
        return _kept_secret(self.home / "secret")

    @property
    def masters(self) -> tuple[bytes, ...]:
        """What may have signed a link that comes back: the master secret and the one before it."""
        if not self.secret_previous:
            return (self.master,)
        return self.master, _long_enough("APPRAISAL_SECRET_PREVIOUS", self.secret_previous)


def _address(url: str) -> SplitResult:
    """The parts of a web address; ValueError unless it is one that links can be built on."""
    example = "must look like https://kinerja.agency.go.id or http://127.0.0.1:8080"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(example) from None
    host = parts.hostname or ""
    named = re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", host, re.ASCII) is not None or _is_ip(host)
    if parts.scheme not in ("http", "https") or not named or port == 0 or not url.isprintable() or " " in url:
        raise ValueError(example)
    if "?" in url or "#" in url or "@" in parts.netloc:
        raise ValueError(f"{example}: no user, query or fragment")
    return parts


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _demand_readable(url: str) -> None:
    """Refuse an URL that SQLAlchemy or the driver cannot read, without showing it: it may hold a password."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        read = make_url(url)
    except (ArgumentError, ValueError):
        raise SettingsRefused(
            f"APPRAISAL_DATABASE_URL cannot be read. Ops write it like {SERVER_URL}: "
            "the port is a number, and special characters of the password are percent-encoded."
        ) from None
    if read.database in (None, "", ":memory:"):
        raise SettingsRefused(
            f"APPRAISAL_DATABASE_URL names no database. Ops write it like {SERVER_URL} or sqlite:////folder/file.db"
        )
    if read.drivername.startswith("postgresql"):
        from psycopg import ProgrammingError
        from psycopg.conninfo import make_conninfo

        try:
            make_conninfo(**dict.fromkeys(read.query, ""))
        except ProgrammingError as unknown:
            raise SettingsRefused(f"APPRAISAL_DATABASE_URL: {unknown}. Ops correct what follows its '?'.") from None


def _long_enough(name: str, secret: str) -> bytes:
    if len(secret) < 32:
        raise SettingsRefused(f"{name} must have at least 32 characters: openssl rand -hex 32")
    return secret.encode()


def _kept_secret(path: Path) -> bytes:
    from private_files import SecretRefused, keep_secret

    try:
        secret, _ = keep_secret(path, lambda: secrets.token_hex(32), least=32)
    except SecretRefused as refused:
        raise SettingsRefused(str(refused)) from None
    return secret.encode()


@cache
def load() -> Settings:
    """Return the settings of this process; SettingsRefused names every variable that cannot be used."""
    try:
        read = Settings()
    except ValidationError as error:
        faults = [f"APPRAISAL_{str(one['loc'][0]).upper()}: {_fault(one['msg'])}" for one in error.errors()]
        raise SettingsRefused("\n".join([*faults, "Ops correct the environment: see docs/settings.md."])) from None
    base = urlsplit(read.base_url)
    if base.scheme == "http" and not _is_here(base.hostname or ""):
        log.warning(
            "APPRAISAL_BASE_URL is plain http to another machine: links and codes cross the network in clear. "
            "Ops put a proxy with TLS before the pages and write https"
        )
    return read


def _fault(words: str) -> str:
    return words.removeprefix("Value error, ")


def _is_here(host: str) -> bool:
    return host == "localhost" or (_is_ip(host) and ip_address(host).is_loopback)
