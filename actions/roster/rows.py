"""What one import of a roster knows while it runs, and how it writes many rows without an object for each."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Table, bindparam, delete, insert, update
from sqlalchemy.orm import Session

from actions.access.address_changes import Moved
from actions.store.bulk import portions
from models import Agency, Base
from rules.roster.changes import ChangeKind
from rules.roster.doctor import RosterRow

Key = TypeVar("Key", int, str)


class Note(NamedTuple):
    """A change as the import meets it; a person who is named in it stands there by id."""

    person: int
    kind: ChangeKind
    cell: str = ""
    before: str | int | None = ""
    after: str | int | None = ""


@dataclass(slots=True)
class Taking:
    """One import under way."""

    session: Session
    agency: Agency
    as_of: date
    at: datetime
    since: date | None
    """The day of the import before; None: this is the agency's first."""
    counts: Counter[str] = field(default_factory=Counter)
    ids: dict[str, int] = field(default_factory=dict)
    """NIP -> person, of all the agency ever had."""
    starts: dict[int, date] = field(default_factory=dict)
    """Person -> the first day of relations that begin with this import, where that is not `as_of`."""
    notes: list[Note] = field(default_factory=list)
    """What happens to whom, as it is found: the preview and the report read nothing else."""
    asked: set[int] = field(default_factory=set)
    """Who is missing, while a new NIP may be theirs: nothing happens to them until HR has answered."""
    superiors_said: set[int] = field(default_factory=set)
    """Whose cell of the superior says something else than in the file before."""
    renamed: list[tuple[int, str, str]] = field(default_factory=list)
    """Person, NIP before and now."""
    touched: set[int] = field(default_factory=set)
    added: list[int] = field(default_factory=list)
    new: set[int] = field(default_factory=set)
    """The same people, to ask of one of them."""
    returned: list[int] = field(default_factory=list)
    moved: list[int] = field(default_factory=list)
    """Who holds another post or sits in another unit."""
    led_anew: list[int] = field(default_factory=list)
    """Who has another superior, or none any more."""
    readdressed: list[int] = field(default_factory=list)
    addresses: list[Moved] = field(default_factory=list)
    leavers: dict[int, date] = field(default_factory=dict)
    """Person -> last day of service, of those whose service is found ended by this import."""
    gone: set[int] = field(default_factory=set)
    """Who serves no longer, from this import on or from before, and has no accepted row."""
    raters: list[tuple[int, int | None, int | None]] = field(default_factory=list)
    """Appraisal, its rater before and now."""
    closed: list[int] = field(default_factory=list)
    """Appraisals that end because the employee left."""

    @property
    def eve(self) -> date:
        """The last day of what ends with this import."""
        return self.as_of - timedelta(days=1)

    def in_service(self, row: RosterRow) -> bool:
        """Whether the row's last day, if it names one, is still to come on `as_of`."""
        return row.active_to is None or row.active_to >= self.as_of

    def note(self, person: int, kind: ChangeKind, cell: str = "", before: Any = "", after: Any = "") -> None:
        self.notes.append(Note(person, kind, cell, before, after))

    def start(self, person: int) -> date:
        return self.starts.get(person, self.as_of)


def table_of(model: type[Base]) -> Table:
    assert isinstance(model.__table__, Table)
    return model.__table__


def add_rows(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that cannot be there yet; one that is raises."""
    if rows:
        session.connection().execute(insert(table_of(model)), rows)


def change_rows(session: Session, model: type[Base], rows: Iterable[Mapping[str, Any]]) -> None:
    """Set columns by id (`{"id": 7, "to_on": day}`), and raise the version where the table has one."""
    table = table_of(model)
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        alike[tuple(key for key in row if key != "id")].append({f"_{key}": value for key, value in row.items()})
    for columns, values in alike.items():
        new: dict[str, Any] = {column: bindparam(f"_{column}") for column in columns}
        if "version" in table.c:
            new["version"] = table.c.version + 1
        session.connection().execute(update(table).where(table.c.id == bindparam("_id")).values(new), values)


def drop_rows(session: Session, model: type[Base], ids: Sequence[int]) -> None:
    """Delete what was to begin and never did."""
    table = table_of(model)
    for portion in portions(ids):
        session.connection().execute(delete(table).where(table.c.id.in_(portion)))


def in_portions(ids: Iterable[Key]) -> Iterator[Sequence[Key]]:
    return iter(portions(sorted(set(ids))))
