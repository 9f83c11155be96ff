"""Who holds a duty on a day: the superior, whoever acts for them, or the next official up the line."""

from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol, TypeVar

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import SQLCoreOperations

from actions.store.bulk import portions
from models import Absence, ActingMandate, Person, RoleGrant, Supervision
from rules.terms import Role

MAX_CLIMB = 12
Row = TypeVar("Row", bound=tuple[Any, ...])


@dataclass(frozen=True, slots=True)
class Holder:
    person_id: int
    mandate_id: int | None = None
    why: str = ""
    """Why it is not the direct superior: acting, or climbed."""


class Superiors(Protocol):
    def get(self, person: int, /) -> int | None: ...


class Mandates(Protocol):
    def get(self, person: int, default: tuple[()], /) -> Sequence[tuple[int, int]]: ...


@dataclass(slots=True)
class Line:
    """The chain of superiors of one agency as of one day, with mandates and absences."""

    today: date
    superior: Superiors = field(default_factory=dict)
    acting: Mandates = field(default_factory=dict)
    """principal -> [(person, mandate)]"""
    away: Container[int] = frozenset()
    active: Container[int] = frozenset()
    authorities: Sequence[int] = ()
    """People who may be named when the line has no independent official: appointing authorities."""

    def rater(self, employee: int, superior: int | None) -> Holder | None:
        """Who rates `employee` today when `superior` is the direct superior; never the employee."""
        return self._climb(superior, {employee})

    def authority(self, employee: int, rater: int | None, involved: Iterable[int] = ()) -> Holder | None:
        """Who decides objections to a rating by `rater`: neither of the two, climbing while one person holds both.

        `involved`: others who must not decide, because they rated the case or stand in for the rater.
        """
        if rater is None:
            return None
        barred = {employee, rater, *involved} | {person for person, _ in self.acting.get(rater, ())}
        if (found := self._climb(self.superior.get(rater), barred)) is not None:
            return found
        named = [person for person in self.authorities if person not in barred and self.present(person)]
        return Holder(named[0], why="named: the line has no independent official") if named else None

    def present(self, person: int) -> bool:
        return person in self.active and person not in self.away

    def stands_in(self, person: int) -> Holder | None:
        """Who does today what the post of `person` owes: the person, whoever acts for them, or the next one up."""
        return self._climb(person, set())

    def _climb(self, start: int | None, barred: set[int]) -> Holder | None:
        person, why = start, ""
        for _ in range(MAX_CLIMB):
            if person is None:
                return None
            if (holder := self._in_post(person, barred)) is not None:
                return Holder(holder.person_id, holder.mandate_id, why or holder.why)
            why, person = "climbed: the official below is away, gone or involved", self.superior.get(person)
        return None

    def _in_post(self, person: int, barred: set[int]) -> Holder | None:
        """The person, or whoever acts for them today (an acting official goes before an absent holder)."""
        for acting, mandate in self.acting.get(person, ()):
            if acting not in barred and self.present(acting):
                return Holder(acting, mandate, "acting")
        return Holder(person) if self.present(person) and person not in barred else None


def line_on(session: Session, agency_id: int, today: date) -> Line:
    """Read the whole line of an agency as of a day: for what looks at all of it; a few columns per person."""
    people = select(Person.id).where(Person.agency_id == agency_id)
    superiors = select(Supervision.person_id, Supervision.superior_id).where(Supervision.person_id.in_(people))
    acting: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for principal, person, mandate in session.execute(_mandates(today)):
        acting[principal].append((person, mandate))
    return Line(
        today,
        superior=dict(session.execute(superiors.where(*_supervised(today))).tuples().all()),
        acting=acting,
        away=frozenset(session.scalars(_absent(today))),
        active=frozenset(session.scalars(people.where(*_active(today)))),
        authorities=session.scalars(role_holders(agency_id, Role.APPOINTING_AUTHORITY, today)).all(),
    )


def line_above(session: Session, agency_id: int, people: Iterable[int], today: date) -> Line:
    """The line of these people and all above them: what a batch needs, read in as many queries as there are levels."""
    superior: dict[int, int] = {}
    acting: dict[int, list[tuple[int, int]]] = defaultdict(list)
    known, level = set[int](), set(people)
    above = select(Supervision.person_id, Supervision.superior_id).where(*_supervised(today))
    while level:
        known |= level
        for person, boss in _of(session, above, Supervision.person_id, level):
            superior[person] = boss
        level = set(superior.values()) - known
    for principal, person, mandate in _of(session, _mandates(today), ActingMandate.principal_id, known):
        acting[principal].append((person, mandate))
    authorities = session.scalars(role_holders(agency_id, Role.APPOINTING_AUTHORITY, today)).all()
    known.update(authorities, (person for found in acting.values() for person, _ in found))
    active = select(Person.id).where(Person.agency_id == agency_id, *_active(today))
    return Line(
        today,
        superior=superior,
        acting=acting,
        away=frozenset(person for (person,) in _of(session, _absent(today), Absence.person_id, known)),
        active=frozenset(person for (person,) in _of(session, active, Person.id, known)),
        authorities=authorities,
    )


def _of(session: Session, query: Select[Row], column: SQLCoreOperations[int], people: Iterable[int]) -> Iterable[Row]:
    for portion in portions(sorted(people)):
        yield from session.execute(query.where(column.in_(portion))).tuples()


def line_for_one(session: Session, agency_id: int, today: date) -> Line:
    """The same line, asked person by person: for a single case in a large agency."""
    return Line(
        today,
        superior=_AskedSuperiors(session, today),
        acting=_AskedMandates(session, today),
        away=_Asked(session, _absent(today), Absence.person_id),
        active=_Asked(session, select(Person.id).where(*_active(today)), Person.id),
        authorities=session.scalars(role_holders(agency_id, Role.APPOINTING_AUTHORITY, today)).all(),
    )


@dataclass(slots=True)
class _AskedSuperiors:
    session: Session
    today: date

    def get(self, person: int, /) -> int | None:
        query = select(Supervision.superior_id).where(Supervision.person_id == person, *_supervised(self.today))
        return self.session.scalar(query)


@dataclass(slots=True)
class _AskedMandates:
    session: Session
    today: date

    def get(self, person: int, default: tuple[()], /) -> Sequence[tuple[int, int]]:
        rows = self.session.execute(_mandates(self.today).where(ActingMandate.principal_id == person))
        return [(acting, mandate) for _, acting, mandate in rows] or default


@dataclass(slots=True)
class _Asked:
    session: Session
    query: Select[tuple[int]]
    column: SQLCoreOperations[int]

    def __contains__(self, person: object, /) -> bool:
        return self.session.scalar(self.query.where(self.column == person).limit(1)) is not None


def _supervised(today: date) -> tuple[ColumnElement[bool], ...]:
    return Supervision.from_on <= today, or_(Supervision.to_on.is_(None), Supervision.to_on >= today)


def _active(today: date) -> tuple[ColumnElement[bool], ...]:
    return Person.active_from <= today, or_(Person.active_to.is_(None), Person.active_to >= today)


def _mandates(today: date) -> Select[tuple[int, int, int]]:
    query = select(ActingMandate.principal_id, ActingMandate.person_id, ActingMandate.id).order_by(ActingMandate.id)
    return query.where(ActingMandate.from_on <= today, ActingMandate.to_on >= today)


def role_holders(agency_id: int, role: Role, today: date) -> Select[tuple[int]]:
    """Ids of the people who hold a granted role on a day, in a stable order."""
    return (
        select(RoleGrant.person_id)
        .join(Person, Person.id == RoleGrant.person_id)
        .where(
            Person.agency_id == agency_id,
            RoleGrant.role == role,
            RoleGrant.from_on <= today,
            or_(RoleGrant.to_on.is_(None), RoleGrant.to_on >= today),
            or_(Person.active_to.is_(None), Person.active_to >= today),
        )
        .order_by(RoleGrant.person_id)
    )


def holds_role(session: Session, person: Person, role: Role, today: date) -> bool:
    query = role_holders(person.agency_id, role, today).where(RoleGrant.person_id == person.id)
    return session.scalar(query) is not None


def _absent(today: date) -> Select[tuple[int]]:
    return select(Absence.person_id).where(Absence.from_on <= today, Absence.to_on >= today)
