"""What a steering act touches, said before it is done; and how it is refused."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.bulk import portions
from actions.calendars import calendar_of
from models import Agency, Cycle, Person, Posting, Unit
from notifications import words
from rules.calendar import Calendar
from rules.words import ActKind, CycleState, Locale, StageKind


class Said(NamedTuple):
    """One sentence for HR, in Indonesian and English."""

    id: str
    en: str


def stage_name(kind: StageKind) -> Said:
    return Said(words.STAGES[Locale.ID][kind], words.STAGES[Locale.EN][kind])


def act_name(kind: ActKind) -> Said:
    return Said(words.DUTIES[Locale.ID][kind][0], words.DUTIES[Locale.EN][kind][0])


class SteeringRefused(Exception):
    """It cannot be done; the sentence says why, who can mend it and how."""

    def __init__(self, id: str, en: str) -> None:
        super().__init__(en)
        self.said = Said(id, en)


class Touched(NamedTuple):
    person_id: int
    name: str
    how: str
    """`letter`, `told` and the like: a code; the pages put it in words."""
    nip: str = ""
    unit: str = ""
    """Name of the unit, so that namesakes can be told apart; empty for who holds no post."""


@dataclass(frozen=True, slots=True)
class Preview:
    """Whom an act touches. `counts` are named in code; `people` is complete, pages list the first."""

    action: str
    people: Sequence[Touched]
    counts: Mapping[str, int] = field(default_factory=dict)
    notes: Sequence[Said] = ()
    stages: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    """Later stages that move along: each date before and after."""

    @property
    def digest(self) -> str:
        """Changes when somebody else is touched than was shown, so that a confirmation can notice."""
        said = [
            self.action,
            sorted((one.person_id, one.how) for one in self.people),
            sorted(self.counts.items()),
            self.stages,
        ]
        return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def touched(session: Session, people: Iterable[tuple[int, str]]) -> list[Touched]:
    """The people with name, NIP and unit, sorted by name; the same person may be touched in two ways."""
    listed = sorted(set(people))
    who: dict[int, tuple[str, str]] = {}
    units: dict[int, str] = {}
    for portion in portions(sorted({person for person, _ in listed})):
        persons = select(Person.id, Person.name, Person.nip).where(Person.id.in_(portion))
        who |= {person: (name, nip) for person, name, nip in session.execute(persons).tuples()}
        posts = (
            select(Posting.person_id, Unit.name)
            .join(Unit, Unit.id == Posting.unit_id)
            .where(Posting.person_id.in_(portion))
            .order_by(Posting.from_on)
        )
        units |= dict(session.execute(posts).tuples().all())
    found = [
        Touched(person, who[person][0], how, who[person][1] or "", units.get(person, "")) for person, how in listed
    ]
    return sorted(found, key=lambda touch: (touch.name, touch))


def require(**texts: str) -> None:
    """Refuse an order without its decree number or reason."""
    names = {"decree_no": ("nomor surat keputusan", "the decree number"), "reason": ("alasan", "the reason")}
    for name, text in texts.items():
        if not text.strip():
            lacking = names[name]
            raise SteeringRefused(
                f"{lacking[0].capitalize()} belum diisi: Pengelola Kinerja mengisinya.",
                f"{lacking[1].capitalize()} is missing: HR states it.",
            )


def situation(session: Session, cycle: Cycle, at: datetime) -> tuple[Agency, Calendar, date]:
    """The agency, its calendar and the day it is there; refused once the cycle is closed."""
    if cycle.state is CycleState.CLOSED:
        raise SteeringRefused(
            f"Siklus {cycle.year} sudah ditutup; hasilnya tetap dan tidak dapat diubah lagi.",
            f"The cycle {cycle.year} is closed; its results are final and cannot be steered any more.",
        )
    agency = session.get_one(Agency, cycle.agency_id)
    calendar = calendar_of(session, agency, at)
    return agency, calendar, calendar.local_date(at)
