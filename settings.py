"""What the environment decides, read once where a process starts."""

import os
import secrets
from functools import cache
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

DATABASES = ("sqlite:///", "postgresql+psycopg://")


class SettingsRefused(ValueError):
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
    mail_release_above: int | None = None
    """A wave of more letters waits until a second person releases it; unset: 1,000, and never in a simulated year."""
    mail_canary: int | None = None
    """So many letters of a large wave go ahead, the rest ten minutes later; unset: 50 of more than 1,000; 0: none."""
    agencies_dir: Path = Path("examples")
    """Where an agency named without a path is looked for, by the launch form, the command line and the API."""
    prefect_ui_url: str = "http://127.0.0.1:4200"

    @property
    def database(self) -> str:
        if self.database_url and not self.database_url.startswith(DATABASES):
            raise SettingsRefused(f"APPRAISAL_DATABASE_URL must begin with one of: {' '.join(DATABASES)}")
        return self.database_url or f"sqlite:///{self.home.absolute() / 'appraisal.db'}"

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


def _long_enough(name: str, secret: str) -> bytes:
    if len(secret) < 32:
        raise SettingsRefused(f"{name} must have at least 32 characters: openssl rand -hex 32")
    return secret.encode()


def _kept_secret(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes().strip()
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(32))
    return path.read_bytes().strip()


@cache
def load() -> Settings:
    """Return the settings of this process."""
    return Settings()
