"""Many rows at once, where the same rows the second time change nothing."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar, cast

from sqlalchemy import Dialect, Executable, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models.base import Base

T = TypeVar("T")
PORTION = 500  # SQLite allows 32,766 variables to a statement


def insert_new(session: Session, model: type[Base], rows: Iterable[Mapping[str, Any]]) -> int:
    """Insert the rows whose unique key is not there yet and return how many that were. All rows name the same columns.

    One statement, prepared once and executed with every row: a single one with all the values costs several times as
    much, to compile here and to parse in PostgreSQL's driver.
    """
    if not (listed := list(rows)):
        return 0
    connection = session.connection()
    statement = _insert(connection.dialect, model, tuple(listed[0]))
    return connection.execute(statement, listed, execution_options={"preserve_rowcount": True}).rowcount


@lru_cache(maxsize=256)
def _insert(dialect: Dialect, model: type[Base], columns: tuple[str, ...]) -> Executable:
    """SQLAlchemy keeps no compiled statement that has ON CONFLICT, so we do."""
    assert isinstance(model.__table__, Table)
    insert = (sqlite if dialect.name == "sqlite" else postgresql).insert(model.__table__)
    known = insert.inline().on_conflict_do_nothing()  # it returns nothing, so it may be executed with many rows
    return cast("Executable", known.compile(dialect=dialect, column_keys=list(columns)))


def portions(items: Sequence[T], size: int = PORTION) -> Iterable[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
