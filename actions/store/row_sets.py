"""One statement for many rows, straight to the driver: for what is done for each letter.

The rows come as a table that the statement reads. Executing a statement once for each row costs several times as much,
most of all in PostgreSQL's driver; on SQLite it lets another thread in, and waits for it, at each of them.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.types import TypeEngine

Columns = Mapping[str, InstrumentedAttribute[Any]]
Rows = Sequence[Sequence[Any]]
Kinds = Mapping[str, TypeEngine[Any]]
Processor = Callable[[Any], Any] | None


On = Session | Connection
"""A session, or its connection where many statements follow each other."""


def connection_of(on: On) -> Connection:
    return on if isinstance(on, Connection) else on.connection()


def full_name(column: InstrumentedAttribute[Any]) -> str:
    """As a statement says it: table and column."""
    of = column.property.columns[0]
    return f"{of.table.name}.{of.name}"


class RowSet:
    """A statement for both databases, in their common words.

    `{given}` stands for a table of that name, `{locked}` for the lock on letters where there is one, `{skipping}` for
    the one that passes over letters locked by others, `{now}` for the database's clock, `{at}` for a parameter of that
    name that all rows share. Values go in and come out as the models' columns have them.
    """

    def __init__(
        self,
        statement: str,
        given: Columns = MappingProxyType({}),
        *,
        shared: Columns | None = None,
        found: Sequence[Any] = (),
    ) -> None:
        self._statement = statement
        self._given = {name: column.type for name, column in given.items()}
        self._shared = {name: column.type for name, column in (shared or {}).items()}
        self._found = [column.type for column in found]
        self._known: WeakKeyDictionary[Dialect, _Spoken] = WeakKeyDictionary()

    def execute(self, on: On, rows: Rows = (), **shared: Any) -> Sequence[tuple[Any, ...]]:
        """Run it with these rows, each in the order of `given`; returns what it finds. Errors are SQLAlchemy's own."""
        connection = connection_of(on)
        spoken = self._spoken(connection.dialect)
        values = spoken.values(rows)
        for name, processor in spoken.shared:
            values[name] = _told(processor, shared[name])
        raw = connection.connection
        cursor = raw.cursor()
        try:
            cursor.execute(spoken.words, values)
            found = cursor.fetchall() if spoken.found else ()
        except connection.dialect.loaded_dbapi.Error as failed:
            if connection.dialect.is_disconnect(failed, raw, cursor):  # type: ignore[arg-type]
                connection.invalidate(failed)
            base = connection.dialect.loaded_dbapi.Error
            raise DBAPIError.instance(spoken.words, None, failed, base, hide_parameters=True) from failed
        finally:
            cursor.close()
        return [_read(row, spoken.readers) for row in found] if spoken.readers else found

    def _spoken(self, dialect: Dialect) -> "_Spoken":
        if (spoken := self._known.get(dialect)) is None:
            self._known[dialect] = spoken = self._speak(dialect)
        return spoken

    def _speak(self, dialect: Dialect) -> "_Spoken":
        sqlite = dialect.name == "sqlite"
        table, values = (_sqlite if sqlite else _postgresql)(self._given, dialect)
        places = {name: f":{name}" if sqlite else f"%({name})s" for name in self._shared}
        lock = "" if sqlite else "FOR UPDATE OF letter"
        skip = "" if sqlite else f"{lock} SKIP LOCKED"
        now = "strftime('%Y-%m-%d %H:%M:%f000', 'now')" if sqlite else "clock_timestamp()"
        words = self._statement.format(given=table, locked=lock, skipping=skip, now=now, **places)
        readers = [(place, _reader(kind, dialect)) for place, kind in enumerate(self._found)]
        return _Spoken(
            words, values, [(name, _processor(kind, dialect)) for name, kind in self._shared.items()],
            bool(self._found), [(place, reader) for place, reader in readers if reader is not None],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Spoken:
    """The statement in one database's words, and how values get in and out."""

    words: str
    values: Callable[[Rows], dict[str, Any]]
    shared: Sequence[tuple[str, Processor]]
    found: bool
    """Whether it finds anything."""
    readers: Sequence[tuple[int, Callable[[Any], Any]]]
    """Where in a row a value has to be read, and how."""


def _read(row: Sequence[Any], readers: Sequence[tuple[int, Callable[[Any], Any]]]) -> tuple[Any, ...]:
    values = list(row)
    for place, reader in readers:
        if (value := values[place]) is not None:
            values[place] = reader(value)
    return tuple(values)


def _sqlite(given: Kinds, dialect: Dialect) -> tuple[str, Callable[[Rows], dict[str, Any]]]:
    columns = ", ".join(f"json_extract(value, '$[{number}]') AS {name}" for number, name in enumerate(given))
    processors = [_processor(kind, dialect) for kind in given.values()]

    def values(rows: Rows) -> dict[str, Any]:
        return {"given": json.dumps([list(map(_told, processors, row)) for row in rows])}

    return f"(SELECT {columns} FROM json_each(:given)) AS given", values  # noqa: S608 - our own words only


def _postgresql(given: Kinds, dialect: Dialect) -> tuple[str, Callable[[Rows], dict[str, Any]]]:
    arrays = ", ".join(f"%({_array(name)})s::{kind.compile(dialect)}[]" for name, kind in given.items())
    columns = [(_array(name), number, _processor(kind, dialect)) for number, (name, kind) in enumerate(given.items())]

    def values(rows: Rows) -> dict[str, Any]:
        return {name: [_told(processor, row[number]) for row in rows] for name, number, processor in columns}

    return f"unnest({arrays}) AS given({', '.join(given)})", values


def _array(name: str) -> str:
    return f"given_{name}"


def _processor(kind: TypeEngine[Any], dialect: Dialect) -> Processor:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _reader(kind: TypeEngine[Any], dialect: Dialect) -> Processor:
    return kind.dialect_impl(dialect).result_processor(dialect, None)


def _told(processor: Processor, value: Any) -> Any:
    return value if processor is None or value is None else processor(value)
