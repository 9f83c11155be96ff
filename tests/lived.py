"""Years lived up to a day: made once a session, copied for each test that goes on from there.

A test module names this plugin: `pytest_plugins = ["tests.lived"]`.
"""

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

import clock
import database
from database import Database
from models import Stage
from rules.terms import StageKind, StageState
from tests.living import go_on, launched


@pytest.fixture(scope="session")
def lived_january(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lived") / "january.db"
    made = launched(path)
    go_on(made, date(2026, 1, 6))
    made.close()
    database.use(None)
    return path


@pytest.fixture(scope="session")
def lived_december(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lived") / "december.db"
    made = launched(path)
    with made.transaction() as session:
        past = Stage.kind.in_((StageKind.TARGET_SETTING, StageKind.MID_YEAR_REVIEW))
        session.execute(update(Stage).where(past).values(state=StageState.CLOSED))
    clock.move_to(datetime(2026, 12, 1, tzinfo=UTC))
    go_on(made, date(2026, 12, 4))
    made.close()
    database.use(None)
    return path


@pytest.fixture
def january(tmp_path: Path, lived_january: Path) -> Iterator[Database]:
    """Mamuju on 6 January 2026: targets are being set, about half the people have drafted theirs."""
    yield from _copy(lived_january, tmp_path)


@pytest.fixture
def december(tmp_path: Path, lived_december: Path) -> Iterator[Database]:
    """Mamuju on 4 December 2026: the first ratings are in; the two stages before never asked anybody."""
    yield from _copy(lived_december, tmp_path)


def _copy(lived: Path, tmp_path: Path) -> Iterator[Database]:
    shutil.copy(lived, tmp_path / "lived.db")
    made = Database(f"sqlite:///{tmp_path}/lived.db")
    database.use(made)
    yield made
    database.use(None)
    made.close()
