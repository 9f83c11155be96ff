"""What all tests share: a database of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import database
from database import Database
from models import Base, Installation


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    """An empty database with all tables, and the one of this process as long as the test runs."""
    made = Database(f"sqlite:///{tmp_path}/appraisal.db")
    Base.metadata.create_all(made.engine)
    with made.transaction() as session:
        session.add(Installation(id=1, kind="simulation", virtual_now=None))
    database.use(made)
    yield made
    database.use(None)
    made.close()
