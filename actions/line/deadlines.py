"""Until when somebody may act: the stage's close, the case's own clock, or an extension by decree."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from models import Assignment, Extension, Stage, Unit
from rules.terms import ActKind
from rules.time.stages import FROM_RECEIPT, NEVER_LAPSE

SECOND = timedelta(seconds=1)


@dataclass(slots=True)
class Deadlines:
    """The deadlines of one stage; extensions for a person go before those for a unit, the later one counts."""

    stage: Stage
    by_person: dict[int, datetime] = field(default_factory=dict)
    by_unit: dict[int, datetime] = field(default_factory=dict)
    """Spread over the units below."""

    def due(self, assignment: Assignment) -> datetime:
        """When it should be done: what letters and pages say."""
        return self._latest(assignment, assignment.due_at or self.stage.due_at)

    def closes(self, assignment: Assignment) -> datetime:
        """The last moment at which it is accepted."""
        return self._latest(assignment, assignment.due_at or self.stage.closes_at)

    def accepts(self, assignment: Assignment, at: datetime) -> bool:
        """Whether an act comes in time: in the last second too, and what waits for receipt or an authority always."""
        return self.takes(assignment.kind, assignment.person_id, assignment.unit_id, assignment.due_at, at)

    def takes(self, kind: ActKind, person_id: int, unit_id: int | None, own: datetime | None, at: datetime) -> bool:
        waits = kind in FROM_RECEIPT and own is None
        closes = self._extended(person_id, unit_id, own or self.stage.closes_at)
        return waits or kind in NEVER_LAPSE or at < closes + SECOND

    def due_for(self, person_id: int, unit_id: int | None, own: datetime | None) -> datetime:
        return self._extended(person_id, unit_id, own or self.stage.due_at)

    def closes_for(self, person_id: int, unit_id: int | None, own: datetime | None) -> datetime:
        return self._extended(person_id, unit_id, own or self.stage.closes_at)

    def _latest(self, assignment: Assignment, base: datetime) -> datetime:
        return self._extended(assignment.person_id, assignment.unit_id, base)

    def _extended(self, person_id: int, unit_id: int | None, base: datetime) -> datetime:
        more = [self.by_person.get(person_id), self.by_unit.get(unit_id) if unit_id is not None else None]
        return max([base, *(moment for moment in more if moment is not None)])


def deadlines_of(session: Session, stage: Stage) -> Deadlines:
    found = Deadlines(stage)
    children: dict[int, list[int]] | None = None
    for person_id, unit_id, due_at in session.execute(_extensions(), {"b_stage": stage.id}).tuples():
        if person_id is not None:
            found.by_person[person_id] = due_at
        elif unit_id is not None:
            children = children or _children(session, unit_id)
            for unit in _below(unit_id, children):
                found.by_unit[unit] = max(due_at, found.by_unit.get(unit, due_at))
    return found


@cache
def _extensions():
    columns = select(Extension.person_id, Extension.unit_id, Extension.due_at)
    return columns.where(Extension.stage_id == bindparam("b_stage")).order_by(Extension.id)


def units_below(session: Session, unit_id: int) -> set[int]:
    """The unit itself and all below it."""
    return _below(unit_id, _children(session, unit_id))


def _children(session: Session, unit_id: int) -> dict[int, list[int]]:
    agency = select(Unit.agency_id).where(Unit.id == unit_id).scalar_subquery()
    children: dict[int, list[int]] = {}
    for unit, parent in session.execute(select(Unit.id, Unit.parent_id).where(Unit.agency_id == agency)):
        if parent is not None:
            children.setdefault(parent, []).append(unit)
    return children


def _below(unit: int, children: dict[int, list[int]]) -> set[int]:
    found, waiting = set(), [unit]
    while waiting:
        if (one := waiting.pop()) not in found:
            found.add(one)
            waiting += children.get(one, [])
    return found
