"""Many rows at once, where the same rows the second time change nothing."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models.base import Base

T = TypeVar("T")
PORTION = 500  # SQLite allows 32,766 variables to a statement


def insert_new(session: Session, model: type[Base], rows: Iterable[Mapping[str, Any]]) -> int:
    """Insert the rows whose unique key is not there yet and return how many that were."""
    assert isinstance(model.__table__, Table)
    listed, added = list(rows), 0
    key = next(iter(model.__table__.primary_key.columns))
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    for start in range(0, len(listed), PORTION):
        statement = dialect.insert(model.__table__).values(listed[start : start + PORTION]).on_conflict_do_nothing()
        added += len(session.connection().execute(statement.returning(key)).all())
    return added


def portions(items: Sequence[T], size: int = PORTION) -> Iterable[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
