"""An agency on each database, and settings that touch nothing outside the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import settings
from database import Database
from simulation.sink import Sink
from tests.faults.held import Hold
from tests.mail.office import SECRET, Office


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("APPRAISAL_SECRET", SECRET)
    monkeypatch.setenv("APPRAISAL_HOME", str(tmp_path / "home"))
    settings.load.cache_clear()
    yield
    settings.load.cache_clear()


@pytest.fixture
def office(db: Database) -> Office:
    return Office.make(db)


@pytest.fixture
def each(both: Database) -> Office:
    """The agency on SQLite and on PostgreSQL."""
    return Office.make(both)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as started:
        yield started


@pytest.fixture
def hold(both: Database, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> Hold:
    """Keeps a letter under way, on each database."""
    return Hold(both, sink, monkeypatch)
