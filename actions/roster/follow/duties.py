"""Open duties go to who holds them now: raters', authorities' and heads' duties after a change of the roster."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import select, update

from actions.cases import distribution
from actions.line.holders import Holder, Line, role_holders
from actions.roster.follow.cases import Case
from actions.roster.rows import Taking, change_rows, in_portions
from models import Appraisal, Assignment, Cycle, Stage, Unit
from rules.terms import AssignmentState, Role


class Duty(NamedTuple):
    id: int
    person: int
    mandate: int | None
    role: Role
    appraisal: int | None
    unit: int | None


def move_duties(taking: Taking, cycle: Cycle, cases: Mapping[int, Case], changed: set[int], line: Line) -> None:
    """Give open duties of changed cases, and all that leavers hold for others, to who holds them now."""
    heirs = _Heirs(taking, line)
    change: list[dict[str, Any]] = []
    for duty in _open_duties(taking, cycle):
        case = cases.get(duty.appraisal or 0)
        leaves = duty.person in taking.leavers
        if duty.role is Role.EMPLOYEE or not (leaves or duty.appraisal in changed):
            continue
        holder = heirs.of(duty, case)
        if holder is not None and (holder.person_id, holder.mandate_id) != (duty.person, duty.mandate):
            change.append({"id": duty.id, "person_id": holder.person_id, "mandate_id": holder.mandate_id,
                           "told_at": None})  # fmt: skip
        elif holder is None:
            taking.counts["assignments_stuck"] += 1
    change_rows(taking.session, Assignment, change)
    taking.counts["assignments_moved"] += len(change)
    moved = [case for case in changed if cases[case].employee in set(taking.moved)]
    for ids in in_portions(moved):
        in_unit = update(Assignment).where(
            Assignment.appraisal_id.in_(ids), Assignment.state == AssignmentState.OPEN, Assignment.unit_id.is_not(None)
        )
        new_unit = select(Appraisal.unit_id).where(Appraisal.id == Assignment.appraisal_id).scalar_subquery()
        taking.session.execute(in_unit.values(unit_id=new_unit).execution_options(synchronize_session=False))


def _open_duties(taking: Taking, cycle: Cycle) -> Iterable[Duty]:
    query = (
        select(Assignment.id, Assignment.person_id, Assignment.mandate_id, Assignment.role, Assignment.appraisal_id,
               Assignment.unit_id)
        .join(Stage, Stage.id == Assignment.stage_id)
        .where(Stage.cycle_id == cycle.id, Assignment.state == AssignmentState.OPEN, Assignment.role != Role.EMPLOYEE)
    )  # fmt: skip
    return [Duty(*row) for row in taking.session.execute(query)]


class _Heirs:
    """Who takes over a duty on `as_of`."""

    def __init__(self, taking: Taking, line: Line) -> None:
        self.taking, self.line = taking, line
        self.named: dict[Role, int | None] = {}

    def of(self, duty: Duty, case: Case | None) -> Holder | None:
        """None: nobody, or nobody else; HR then sees the duty of somebody who left."""
        leaves = duty.person in self.taking.leavers
        if duty.role is Role.RATER and case is not None:
            return self.line.rater(case.employee, case.rater)
        if duty.role is Role.OBJECTION_AUTHORITY and case is not None:
            if leaves or duty.person == case.rater:  # who hears a case goes on hearing it unless they may not
                return self.line.authority(case.employee, case.rater)
            return Holder(duty.person, duty.mandate)
        if not leaves:
            return Holder(duty.person, duty.mandate)
        person = self._head_above(duty.unit) if duty.role is Role.UNIT_HEAD else self._named(duty.role)
        return Holder(person) if person is not None and person not in self.taking.leavers else None

    def _head_above(self, unit_id: int | None) -> int | None:
        unit = self.taking.session.get(Unit, unit_id) if unit_id is not None else None
        if unit is None:
            return None
        heads = distribution.heads(self.taking.session, self.taking.agency.id, self.taking.as_of)
        return distribution.head_above(self.taking.session, unit, heads, self.line.authorities)

    def _named(self, role: Role) -> int | None:
        """Another person with a granted role; who may audit a case is not for a roster to say."""
        if role not in (Role.PERFORMANCE_ADMIN, Role.APPOINTING_AUTHORITY):
            return None
        if role not in self.named:
            query = role_holders(self.taking.agency.id, role, self.taking.as_of)
            self.named[role] = self.taking.session.scalars(query).first()
        return self.named[role]
