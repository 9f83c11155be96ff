"""The engine and `transaction()`: SQLite to try it, PostgreSQL to live on, the same code for both."""

import random
import select
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.orm import Session

from private_files import reserve
from rules.refused import Refused

AWAY = (DBAPIError, PoolExhausted)
"""What is raised while the database takes nothing: gone, full, read only, locked, or all connections in use."""

SCHEMA = "0009"
"""The version of the tables that this code reads and writes: the newest migration."""

BUSY_MILLISECONDS = 60_000
"""How long SQLite waits for the write lock before it gives up."""


class SchemaRefused(Refused):
    """The database cannot be used as asked; the message says why and what to do."""


class Database:
    """One database and the ways to talk to it: a transaction that commits, a reading and a glance that never do."""

    def __init__(self, url: str, *, durable: bool = True, schema: str = "") -> None:
        """`durable=False` spares the disk: for databases that are thrown away.

        With `schema`, sessions are refused (SchemaRefused) unless the tables have that version when the first begins.
        """
        self.url, self.durable = url, durable
        self.is_sqlite = url.startswith("sqlite")
        self._demanded = schema

    @cached_property
    def engine(self) -> Engine:
        if self.is_sqlite:
            return _sqlite_engine(self.url, durable=self.durable)
        return _server_engine(self.url)

    @contextmanager
    def transaction(self, *, lasting: bool = True) -> Iterator[Session]:
        """Commit at the end, roll back on any error; on SQLite the write lock is taken at once.

        What is not `lasting` does not wait for the disk: a power cut may undo it, but only with all that came later.
        """
        self._demand_schema()
        engine = self.engine if lasting else self._hasty_engine
        with Session(engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """`transaction()` without a session, for statements that need none."""
        self._demand_schema()
        with self.engine.begin() as connection:
            yield connection

    @cached_property
    def _hasty_engine(self) -> Engine:
        return self.engine.execution_options(lasting=False)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for questions; whatever it wrote by mistake is rolled back."""
        self._demand_schema()
        engine = self.engine.execution_options(reading=True)
        with Session(engine, expire_on_commit=False) as session:
            yield session  # closing rolls back; an explicit rollback would expire what was read

    @contextmanager
    def glance(self) -> Iterator[Session]:
        """A session for a few quick questions, each by itself, none of which can write.

        A server begins and ends no transaction around them: that would be two journeys more for each page.
        """
        self._demand_schema()
        if self.is_sqlite:
            with self.reading() as session:
                yield session
        else:
            with Session(self._glancing_engine, expire_on_commit=False) as session:
                yield session

    @cached_property
    def _glancing_engine(self) -> Engine:
        """Connections of their own, which the server itself keeps from writing."""
        made = _server_engine(self.url, isolation_level="AUTOCOMMIT")

        @event.listens_for(made, "connect")
        def _connect(connection: Any, _record: Any) -> None:
            connection.autocommit = True
            connection.execute("SET default_transaction_read_only = on")

        return made

    @cached_property
    def simulated(self) -> bool:
        """Whether this database was made for a simulation and so has a clock of its own."""
        with self.reading() as session:
            return session.execute(text("SELECT kind FROM installation")).scalar_one_or_none() == "simulation"

    def close(self) -> None:
        self.engine.dispose()
        if "_glancing_engine" in self.__dict__:
            self._glancing_engine.dispose()

    def _demand_schema(self) -> None:
        if not self._demanded:
            return
        found = self._schema()
        if found < self._demanded:
            state = f"has tables of version {found}" if found else "has no tables yet"
            raise SchemaRefused(
                f"The database {state}; this program needs version {self._demanded}. "
                "Nothing was done. Ops create or migrate it with: appraisal db upgrade"
            )
        if found > self._demanded:
            raise SchemaRefused(
                f"The database has tables of version {found}; this program knows {self._demanded}: a newer one made "
                "it. Nothing was done. Ops install that program, or restore the backup from before."
            )
        self._demanded = ""  # asked once: a process that runs while ops migrate goes on

    def _schema(self) -> str:
        """The version of the tables; empty if there are none, and no file is made to find that out."""
        if self.is_sqlite and not _is_there(self.url):
            return ""
        with self.engine.execution_options(reading=True).connect() as connection:
            try:
                return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none() or ""
            except (OperationalError, ProgrammingError):
                connection.rollback()
                if inspect(connection).has_table("alembic_version"):
                    raise
                return ""


def _server_engine(url: str, **more: Any) -> Engine:
    engine = create_engine(url, pool_size=10, max_overflow=20, hide_parameters=True, **more)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if not connection.get_execution_options().get("lasting", True):
            connection.exec_driver_sql("SET LOCAL synchronous_commit = off")

    @event.listens_for(engine, "checkout")
    def _checkout(connection: Any, _record: Any, _proxy: Any) -> None:
        """A server that ended a kept connection has said so: nothing else comes unasked. Cheaper than asking it."""
        if connection.closed or _has_news(connection.fileno()):
            raise InvalidatePoolError

    return engine


def _has_news(descriptor: int) -> bool:
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(0))


def _is_there(url: str) -> bool:
    path = make_url(url).database or ":memory:"
    return path.startswith((":memory:", "file:")) or Path(path).exists()


def _sqlite_engine(url: str, *, durable: bool) -> Engine:
    path = make_url(url).database or ":memory:"
    engine = create_engine(url, connect_args={"timeout": 60, "check_same_thread": False}, hide_parameters=True)

    @event.listens_for(engine, "do_connect")
    def _make_file(*_: Any) -> None:  # not before: where a backup is put back, nothing may be there
        if not path.startswith((":memory:", "file:")):
            reserve(Path(path))  # SQLite gives its journals the mode of the database

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        disk = "synchronous=FULL" if durable else "synchronous=OFF"  # who only reads may be the last to close the file
        connection.isolation_level = None  # the driver's own BEGIN is too late for a write lock
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", disk, f"busy_timeout={BUSY_MILLISECONDS}"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        asked = connection.get_execution_options()
        if asked.get("reading", False):
            connection.exec_driver_sql("BEGIN")
        else:
            if durable:
                _wait_for_disk(connection, "FULL" if asked.get("lasting", True) else "NORMAL")
            _begin_writing(connection)

    return engine


def _wait_for_disk(connection: Connection, how: str) -> None:
    """`FULL`: at each commit, for all that was written before as well. `NORMAL`: not at this one."""
    if connection.info.get("synchronous") != how:
        _raw(connection).execute(f"PRAGMA synchronous={how}")
        connection.info["synchronous"] = how


def _begin_writing(connection: Connection) -> None:
    """Take the write lock, looking for it more often than SQLite does, and as often however long it takes.

    SQLite looks again after 1, 2, 5, 10 and more milliseconds, while writers that take turns hold it for less than one:
    whoever waits longest would have it last.
    """
    raw, until = _raw(connection), time.monotonic() + BUSY_MILLISECONDS / 1000
    raw.execute("PRAGMA busy_timeout=0")
    try:
        while time.monotonic() < until:
            try:
                raw.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as locked:
                if locked.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    break
                time.sleep(random.uniform(0.0001, 0.0008))  # noqa: S311 - only spread
            else:
                return
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # says why not, in SQLAlchemy's words
    finally:
        raw.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")


def _raw(connection: Connection) -> sqlite3.Connection:
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    return raw


_current: list[Database] = []


def current() -> Database:
    """The database of this process, from the settings unless `use()` named another."""
    if not _current:
        import settings

        _current.append(Database(settings.load().database, schema=SCHEMA))
    return _current[0]


def use(database: Database | None) -> None:
    """Make `database` the one of this process; None forgets it."""
    _current[:] = [database] if database else []


@contextmanager
def transaction() -> Iterator[Session]:
    with current().transaction() as session:
        yield session


@contextmanager
def reading() -> Iterator[Session]:
    with current().reading() as session:
        yield session


@contextmanager
def glance() -> Iterator[Session]:
    with current().glance() as session:
        yield session
