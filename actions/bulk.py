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
    """Insert the rows whose unique key is not there yet and return how many that were. All rows name the same columns.

    The statement is the same for any number of rows, so it is compiled once: one of all the values would be compiled
    value by value, which took most of the time of opening a stage.
    """
    listed = list(rows)
    if not listed:
        return 0
    assert isinstance(model.__table__, Table)
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        statement = sqlite.insert(model.__table__).on_conflict_do_nothing()
        return connection.execute(statement, listed, execution_options={"preserve_rowcount": True}).rowcount
    key = next(iter(model.__table__.primary_key.columns))
    statement = postgresql.insert(model.__table__).on_conflict_do_nothing().returning(key)
    return len(connection.execute(statement, listed).all())


def portions(items: Sequence[T], size: int = PORTION) -> Iterable[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
