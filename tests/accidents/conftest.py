"""Two databases with the same cycle launched: one for the accident, one that it is compared with."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import database
import settings
from database import Database
from tests.accidents.world import SECRET, launch


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("APPRAISAL_SECRET", SECRET)
    settings.load.cache_clear()
    yield
    settings.load.cache_clear()


@pytest.fixture(scope="session")
def launched(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Path:
    """A SQLite file with the cycle launched, to copy."""
    path = tmp_path_factory.mktemp("launched") / "appraisal.db"
    shutil.copy(migrated, path)
    made = Database(f"sqlite:///{path}")
    database.use(made)
    launch(made)
    database.use(None)
    made.close()
    return path


@pytest.fixture
def reference(tmp_path: Path, launched: Path) -> Iterator[Database]:
    """Where nothing goes wrong."""
    shutil.copy(launched, tmp_path / "reference.db")
    made = Database(f"sqlite:///{tmp_path}/reference.db", durable=False)
    yield made
    made.close()


@pytest.fixture
def world(both: Database) -> Database:
    """Where the accident happens, on SQLite and on PostgreSQL; the database of this process."""
    launch(both)
    return both
