"""The tables of a backup: copied while others write, as of one instant, and put into an empty database."""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from actions.store import schema
from database import Database
from models import Base
from rules.refused import Refused

SQLITE_FILE, TABLES = "appraisal.db", "tables"
_CHUNK = 1 << 20


class BackupRefused(Refused):
    """A backup cannot be made or put in place; the message says why and what to do, and nothing was changed."""


@dataclass(frozen=True, slots=True)
class Copied:
    """A table of a backup, as its manifest tells it."""

    name: str
    rows: int
    columns: Sequence[str]

    def told(self) -> dict[str, Any]:
        return asdict(self)


def file_of(url: str) -> Path:
    """The file of a SQLite database."""
    return Path(make_url(url).database or "")


def is_in_use(file: Path) -> bool:
    """Whether another process has the SQLite database open."""
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=1)) as connection:
        try:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            return True
    return False


def copy_out(db: Database, folder: Path) -> list[Copied]:
    """Copy all tables into the folder, in the order in which they can be filled. Nobody is kept waiting."""
    if db.is_sqlite:
        return _copy_file(file_of(db.url), folder / SQLITE_FILE)
    (folder / TABLES).mkdir(0o700)
    as_of_now = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with db.engine.connect().execution_options(**as_of_now) as connection:
        return [_copy_table(connection, table, folder) for table in Base.metadata.sorted_tables]


def _copy_file(source: Path, target: Path) -> list[Copied]:
    target.touch(0o600)
    with closing(sqlite3.connect(source, timeout=60)) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))
    with closing(sqlite3.connect(target)) as copy:
        if (said := copy.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            raise BackupRefused(f"{source} is damaged ({said}). Ops mend it, or restore an older backup.")
        counts = [copy.execute(f"SELECT count(*) FROM {_quoted(name)}").fetchone()[0] for name in _TABLES]  # noqa: S608
    return [Copied(name, count, ()) for name, count in zip(_TABLES, counts, strict=True)]


def _copy_table(connection: Connection, table: Any, folder: Path) -> Copied:
    path, columns = folder / TABLES / f"{table.name}.copy", [column.name for column in table.columns]
    path.touch(0o600)
    wanted = f"SELECT {', '.join(map(_quoted, columns))} FROM {_quoted(table.name)}"  # noqa: S608
    with path.open("wb") as file, _raw(connection).cursor() as cursor:
        with cursor.copy(f"COPY ({wanted}) TO STDOUT") as rows:
            for data in rows:
                file.write(data)
        return Copied(table.name, cursor.rowcount, columns)


def copy_in(db: Database, folder: Path, version: str, tables: Iterable[Copied]) -> None:
    """Make the tables as of `version` in an empty PostgreSQL database and fill them; all of it, or an error."""
    schema.upgrade_to(db, version)
    with db.engine.begin() as connection:
        for table in tables:
            _fill(connection, table, folder / TABLES / f"{table.name}.copy")


def _fill(connection: Connection, table: Copied, path: Path) -> None:
    named, columns = _quoted(table.name), ", ".join(map(_quoted, table.columns))
    with path.open("rb") as file, _raw(connection).cursor() as cursor:
        cursor.execute(f"DELETE FROM {named}")  # noqa: S608 - what a new database is given
        with cursor.copy(f"COPY {named} ({columns}) FROM STDIN") as rows:
            while data := file.read(_CHUNK):
                rows.write(data)
        if cursor.rowcount != table.rows:
            raise BackupRefused(f"{path} has {cursor.rowcount} rows of {table.rows}. Use another backup.")
    for column in table.columns:
        _count_on(connection, named, column)


def _count_on(connection: Connection, named: str, column: str) -> None:
    """New rows get numbers after those there are."""
    owned = text("SELECT pg_get_serial_sequence(:table, :column)")
    if sequence := connection.execute(owned, {"table": named, "column": column}).scalar_one():
        last = f"SELECT coalesce(max({_quoted(column)}), 0) + 1 FROM {named}"  # noqa: S608
        connection.execute(text(f"SELECT setval('{sequence}', ({last}), false)"))


def _raw(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _quoted(name: str) -> str:
    """Also when it comes from a manifest that somebody has written."""
    return '"' + name.replace('"', '""') + '"'


_TABLES = [table.name for table in Base.metadata.sorted_tables]
