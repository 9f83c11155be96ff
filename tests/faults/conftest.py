"""An agency on each database, and settings that touch nothing outside the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import settings
from database import Database
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
