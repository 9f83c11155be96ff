"""A backup of an installation, consistent while it runs, and putting one in place so that no letter goes out twice."""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text

import database
import settings
from actions.mail.presence import Presence
from actions.recovery import backup_tables, restores
from actions.recovery.backup_tables import SQLITE_FILE, BackupRefused, Copied
from actions.stages import due
from actions.store import schema
from database import Database
from models import MailSwitch

FORMAT = 1
MANIFEST, HOME, ENVIRONMENT, AGENCIES = "manifest.json", "home", "environment", "agencies"
SECRET = "secret"  # noqa: S105 - the name of a file
LEFT_OUT = ("logs", "prefect", "dispatchers")
"""Folders of the home that start anew: Prefect's history loses nothing of the cycles, and makes itself a credential."""
SPARED = (".db", ".db-wal", ".db-shm", ".db-journal", ".lock", ".pid", ".sock")
SECRETS = ("SECRET", "URL")
"""A variable whose name ends so may hold a password."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a backup holds."""

    folder: Path
    rows: int
    octets: int
    with_secrets: bool


@dataclass(frozen=True, slots=True)
class PutBack:
    """A restored installation, and what it would send once a person lets it."""

    made_at: datetime
    again: restores.Again
    steps: int
    """Steps of cycles that fell due since the backup: their letters come on top."""
    aside: str
    """Where what was there before is kept; empty if nothing was."""


def make(db: Database, chosen: settings.Settings, to: Path, *, at: datetime, with_secrets: bool = True) -> Made:
    """Write a backup into a new folder, which only its owner may read; BackupRefused if something is there."""
    if to == Path():
        raise BackupRefused("No folder is named. Name one that is not there yet, best on another disk.")
    to = to.absolute()
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise BackupRefused(f"{to} is there already. Name a folder that is not, so that no backup overwrites another.")
    if to.is_relative_to(chosen.home.absolute()):
        raise BackupRefused(f"{to} lies in the home that is backed up: name a folder elsewhere, best on another disk.")
    with db.reading() as session:  # refuses tables of another version
        switch = session.get(MailSwitch, 1)
        about = {"identity": switch.identity if switch else "", "generation": switch.generation if switch else 1}
    secret = _print_of(chosen)  # an installation that never signed anything makes its secret here
    with _whole_or_nothing(to) as part:
        tables = backup_tables.copy_out(db, part)
        _copy_home(chosen.home, part / HOME, with_secrets=with_secrets)
        if "agencies_dir" in chosen.model_fields_set and chosen.agencies_dir.is_dir():
            _copy_folder(chosen.agencies_dir, part / AGENCIES, ())
        _write(part / ENVIRONMENT, _environment(with_secrets))
        files = {str(path.relative_to(part)): _sha256(path) for path in _files(part)}
        manifest = {
            "format": FORMAT, "made_at": at.isoformat(), "database": _kind(db), "version": database.SCHEMA, **about,
            "tables": [table.told() for table in tables], "secrets": with_secrets, "secret": secret,
            "files": files,
        }  # fmt: skip
        octets = sum(path.stat().st_size for path in _files(part))
        _write(part / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True))
    return Made(to, sum(table.rows for table in tables), octets, with_secrets)


def restore(
    source: Path, chosen: settings.Settings, *, at: datetime, overwrite: bool = False, new_secret: bool = False
) -> PutBack:
    """Put a backup in place of this installation, delivery stopped; BackupRefused changes nothing.

    `overwrite`: what is there is moved aside, not deleted. `new_secret`: links that were mailed may become worthless.
    """
    manifest, db = _checked(source), Database(chosen.database)
    try:
        _demand_fitting(db, manifest)
        _demand_secret(source, chosen, manifest, new_secret=new_secret)
        _demand_quiet(db, chosen)
        return _restore(db, source, chosen, manifest, at, overwrite=overwrite)
    finally:
        db.close()


def _restore(
    db: Database, source: Path, chosen: settings.Settings, manifest: Mapping[str, Any], at: datetime, *, overwrite: bool
) -> PutBack:
    made_at = datetime.fromisoformat(manifest["made_at"])
    put = _put_file if db.is_sqlite else _put_tables
    with put(db, source, chosen, manifest, at, overwrite=overwrite) as aside:
        schema.upgrade(db)
        with db.transaction() as session:
            again = restores.restored(session, made_at, at=at)
        if not db.simulated:
            restores.Mark(chosen.home, chosen.outside).beat(db, at=at)
        with db.reading() as session:
            steps = len(list(due.due(session, at=at)))
    return PutBack(made_at, again, steps, aside)


# ---- making


@contextmanager
def _whole_or_nothing(to: Path) -> Iterator[Path]:
    to.parent.mkdir(parents=True, exist_ok=True)
    part = to.with_name(f".{to.name}.{secrets.token_hex(4)}.part")
    part.mkdir(0o700)
    try:
        yield part
        if to.exists():
            to.rmdir()
        part.rename(to)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _copy_home(home: Path, to: Path, *, with_secrets: bool) -> None:
    spared = () if with_secrets else (SECRET,)
    _copy_folder(home, to, spared)


def _copy_folder(source: Path, to: Path, spared: tuple[str, ...]) -> None:
    """Plain files only; what is a link leads elsewhere, and is none of ours."""
    to.mkdir(0o700)
    for path in sorted(source.iterdir()) if source.is_dir() else ():
        if path.is_symlink() or path.name in spared:
            continue
        if path.is_dir() and path.name not in LEFT_OUT:
            _copy_folder(path, to / path.name, ())
        elif path.is_file() and not path.name.endswith(SPARED) and not path.name.startswith("outbox-"):
            _copy(path, to / path.name)


def _copy(source: Path, to: Path) -> None:
    to.touch(0o600)
    shutil.copyfile(source, to)


def _environment(with_secrets: bool) -> str:
    """The settings of this process, to be read by people and by `set -a; . environment`."""
    lines = []
    for name in sorted(name for name in os.environ if name.startswith("APPRAISAL_")):
        hidden = not with_secrets and name.endswith(SECRETS)
        value = "'" + os.environ[name].replace("'", "'\\''") + "'"
        lines.append(f"# {name}: left out" if hidden else f"{name}={value}")
    return "\n".join(lines) + "\n" if lines else ""


def _write(path: Path, words: str) -> None:
    path.touch(0o600)
    path.write_text(words, "utf-8")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _kind(db: Database) -> str:
    return "sqlite" if db.is_sqlite else "postgresql"


def _print_of(chosen: settings.Settings) -> str:
    """Tells whether a secret is the same; a random one of 32 characters is not found from it."""
    return hashlib.sha256(b"appraisal backup:" + chosen.master).hexdigest()[:16]


# ---- putting back


def _checked(source: Path) -> Mapping[str, Any]:
    """What the backup says of itself, if all of it is there and unchanged."""
    try:
        said = json.loads((source / MANIFEST).read_text("utf-8"))
        files, format = dict(said["files"]), said["format"]
    except (OSError, ValueError, KeyError, TypeError):
        raise BackupRefused(f"{source} is no backup: `appraisal backup FOLDER` makes one.") from None
    if format != FORMAT:
        raise BackupRefused(f"{source} was made by a newer program (format {format}). Ops install that program first.")
    found = {str(path.relative_to(source)) for path in _files(source)} - {MANIFEST}
    changed = [name for name in found & set(files) if _sha256(source / name) != files[name]]
    if wrong := sorted([*(found ^ set(files)), *changed]):
        raise BackupRefused(
            f"{source} is not as it was made: {', '.join(wrong[:5])} missing, added or changed. Use another backup."
        )
    return said


def _demand_fitting(db: Database, manifest: Mapping[str, Any]) -> None:
    if manifest["database"] != _kind(db):
        raise BackupRefused(
            f"The backup is of {manifest['database']}, and APPRAISAL_DATABASE_URL names {_kind(db)}. Set it to the kind"
            " of database that was backed up."
        )
    if manifest["version"] > database.SCHEMA:
        raise BackupRefused(
            f"The backup has tables of version {manifest['version']}, this program knows {database.SCHEMA}. Ops install"
            " the newer program first."
        )


def _demand_secret(source: Path, chosen: settings.Settings, manifest: Mapping[str, Any], *, new_secret: bool) -> None:
    comes_along = not chosen.secret and (source / HOME / SECRET).is_file()
    if comes_along or new_secret:
        return
    kept = chosen.home / SECRET
    if (chosen.secret or kept.is_file()) and _print_of(chosen) == manifest["secret"]:
        return
    raise BackupRefused(
        "The secret here is not the one of the backup: no link that was mailed would open any more. Set"
        f" APPRAISAL_SECRET to that of {source / ENVIRONMENT}, or say --new-secret to mail links anew."
    )


def _demand_quiet(db: Database, chosen: settings.Settings) -> None:
    """Nobody may be at work here: what they write would be lost, or go into what is restored."""
    working = bool(Presence(chosen.home / "dispatchers").alive())
    if db.is_sqlite:
        file = backup_tables.file_of(db.url)
        working = working or (file.is_file() and backup_tables.is_in_use(file))
    else:
        with db.engine.connect() as connection:
            working = working or bool(connection.execute(text(_OTHERS)).scalar_one())
    if working:
        raise BackupRefused(
            "Processes are at work on this database. End `appraisal serve`, workers, pages and dispatchers first."
        )


_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend'"
)


def _has_tables(db: Database) -> bool:
    with db.engine.connect() as connection:
        return connection.execute(text("SELECT to_regclass('alembic_version')")).scalar_one() is not None


def _aside(at: datetime) -> str:
    return f"before_{at:%Y%m%d_%H%M%S}"


@contextmanager
def _put_file(
    db: Database, source: Path, chosen: settings.Settings, manifest: Mapping[str, Any], at: datetime, *, overwrite: bool
) -> Iterator[str]:
    """SQLite: what is there moves aside as a whole and comes back if anything fails."""
    file = backup_tables.file_of(db.url)
    inside = file.absolute().is_relative_to(chosen.home.absolute())
    old = [file.with_name(file.name + end) for end in ("", "-wal", "-shm")] if not inside else []
    there = [path for path in [chosen.home, *old] if path.exists() and (path.is_file() or any(path.iterdir()))]
    if there and not overwrite:
        raise _in_the_way(", ".join(map(str, there)))
    moved = [(path, path.with_name(f"{path.name}.{_aside(at)}")) for path in there]
    for path, aside in moved:
        path.rename(aside)
    try:
        _place_home(source, chosen)
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _copy(source / SQLITE_FILE, file)
        yield ", ".join(str(aside) for _, aside in moved)
    except BaseException:
        db.close()
        shutil.rmtree(chosen.home, ignore_errors=True)
        for path in (*old, file):
            path.unlink(missing_ok=True)
        for path, aside in moved:
            aside.rename(path)
        raise


@contextmanager
def _put_tables(
    db: Database, source: Path, chosen: settings.Settings, manifest: Mapping[str, Any], at: datetime, *, overwrite: bool
) -> Iterator[str]:
    """PostgreSQL: the schema that is there gets another name, and its own again if anything fails."""
    moved = _has_tables(db)
    if moved and not overwrite:
        raise _in_the_way("the database")
    aside = _aside(at)
    if moved:
        _in_schemas(db, f"ALTER SCHEMA public RENAME TO {aside}", "CREATE SCHEMA public")
    try:
        tables = [Copied(**table) for table in manifest["tables"]]
        backup_tables.copy_in(db, source, manifest["version"], tables)
        _place_home(source, chosen)
        yield f"schema {aside}" if moved else ""
    except BaseException:
        if moved:
            _in_schemas(db, "DROP SCHEMA public CASCADE", f"ALTER SCHEMA {aside} RENAME TO public")
        else:
            _in_schemas(db, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
        raise


def _in_schemas(db: Database, *statements: str) -> None:
    db.engine.dispose()
    with db.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def _in_the_way(what: str) -> BackupRefused:
    return BackupRefused(
        f"{what} is in use by an installation. With --overwrite it is moved aside, and nothing of it is deleted."
    )


def _place_home(source: Path, chosen: settings.Settings) -> None:
    """The files of the home, but none that is there already: a database server's home has files of this machine."""
    chosen.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in _files(source / HOME):
        to = chosen.home / path.relative_to(source / HOME)
        to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not to.exists():
            _copy(path, to)
