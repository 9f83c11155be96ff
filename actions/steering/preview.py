"""What a steering act touches, said before it is done; and how it is refused."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple, ParamSpec

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.line.calendars import calendar_of
from actions.store.bulk import portions
from models import Agency, Cycle, Person, Posting, Unit
from notifications import words
from rules.refused import Refused
from rules.terms import ActKind, CycleState, Locale, StageKind
from rules.time.calendar import Calendar

P = ParamSpec("P")


class Said(NamedTuple):
    """One sentence for HR, in Indonesian and English."""

    id: str
    en: str


def stage_name(kind: StageKind) -> Said:
    return Said(words.STAGES[Locale.ID][kind], words.STAGES[Locale.EN][kind])


def act_name(kind: ActKind) -> Said:
    return Said(words.DUTIES[Locale.ID][kind][0], words.DUTIES[Locale.EN][kind][0])


class SteeringRefused(Refused):
    """It cannot be done; the sentence says why, who can mend it and how.

    `field`: the part of the order that it is about, if it is about one. `all`: everything that is wrong, said at once.
    """

    def __init__(self, id: str, en: str, *, field: str = "", also: "Sequence[SteeringRefused]" = ()) -> None:
        super().__init__(en)
        self.said, self.field = Said(id, en), field
        self.all: Sequence[SteeringRefused] = also or (self,)


class Problems:
    """What is wrong with an order: looked for to the end, so that it is refused in one round."""

    def __init__(self) -> None:
        self._all: list[SteeringRefused] = []

    def look(self, check: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Make a check, and note what it refuses."""
        try:
            check(*args, **kwargs)
        except SteeringRefused as refused:
            self._all += refused.all

    def refuse(self) -> None:
        """Refuse the order if anything was wrong with it."""
        if self._all:
            raise refused_together(self._all)


def refused_together(problems: Sequence[SteeringRefused]) -> SteeringRefused:
    """Several refusals as one, each still at its own part of the order."""
    if len(problems) == 1:
        return problems[0]
    sentences = zip(*(problem.said for problem in problems), strict=True)
    return SteeringRefused(*(" ".join(said) for said in sentences), also=problems)


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


LONGEST = {"decree_no": 200, "reason": 1000}
"""In letters and lists nobody reads more; a roster's own texts are shorter."""
_NAMES = {"decree_no": ("nomor surat keputusan", "the decree number"), "reason": ("alasan", "the reason")}


def require(*, optional: str = "", **texts: str) -> None:
    """Refuse an order without its decree number or reason, or with more than anybody reads."""
    problems = [*map(_too_long, texts.items()), *(_missing(name) for name, text in texts.items()
                                                  if not text.strip() and name != optional)]  # fmt: skip
    if found := [problem for problem in problems if problem is not None]:
        raise refused_together(found)


def _missing(name: str) -> SteeringRefused:
    id, en = _NAMES[name]
    return SteeringRefused(
        f"{id.capitalize()} belum diisi: Pengelola Kinerja mengisinya.",
        f"{en.capitalize()} is missing: HR states it.",
        field=name,
    )


def _too_long(text: tuple[str, str]) -> SteeringRefused | None:
    name, typed = text
    over = len(typed.strip()) - LONGEST[name]
    if over <= 0:
        return None
    (id, en), most = _NAMES[name], LONGEST[name]
    return SteeringRefused(
        f"{id.capitalize()} {over} karakter terlalu panjang: paling banyak {most}; Pengelola Kinerja meringkasnya.",
        f"{en.capitalize()} is {over} characters too long, {most} at the most: HR shortens it.",
        field=name,
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
