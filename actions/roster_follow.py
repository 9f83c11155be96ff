"""Running cycles follow the roster: raters and authorities, segments, newcomers, leavers, links to old addresses."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Row, exists, func, or_, select, update

from actions import cycles, distribution
from actions.calendars import calendar_of
from actions.holders import Holder, Line, line_on, role_holders
from actions.roster_rows import Taking, add_rows, change_rows, in_portions, table_of
from actions.steps import StepRef, context_of, phases_of
from models import (
    ActionLink,
    Appraisal,
    Assignment,
    Cycle,
    Person,
    Plan,
    Posting,
    Result,
    Segment,
    SelfAssessment,
    Stage,
    Unit,
)
from rules.words import AppraisalState, AssignmentState, CycleState, LinkState, PlanState, Role, StageState, Step

LEFT_SERVICE = "left_service"
STAYS = frozenset(
    {AppraisalState.FINAL, AppraisalState.EXCLUDED, AppraisalState.NOT_RATABLE, AppraisalState.CLOSED_EARLY}
)
"""What a change of the roster no longer touches."""
EARNED = frozenset({AppraisalState.ISSUED, AppraisalState.OBJECTED, AppraisalState.DECIDED})
"""A result that was issued stands, and so does the right to object, when the employee leaves after it."""


class Case(NamedTuple):
    id: int
    employee: int
    unit: int
    rater: int | None
    authority: int | None
    state: AppraisalState
    explanation: str


class Duty(NamedTuple):
    id: int
    person: int
    mandate: int | None
    role: Role
    appraisal: int | None
    unit: int | None


def follow(taking: Taking) -> None:
    """Let every cycle of the agency that is not closed follow; the line is that of `as_of`."""
    running = select(Cycle).where(Cycle.agency_id == taking.agency.id, Cycle.state != CycleState.CLOSED)
    found = taking.session.scalars(running.order_by(Cycle.id)).all()
    if found and (taking.added or taking.returned or taking.moved or taking.led_anew or taking.leavers):
        line = line_on(taking.session, taking.agency.id, taking.as_of)
        for cycle in found:
            _follow(taking, cycle, line)
    for cycle in found:
        enroll(taking, cycle)
    renew_links(taking)


def _follow(taking: Taking, cycle: Cycle, line: Line) -> None:
    returned = set(taking.returned)
    cases = _cases(taking, cycle)
    _close_leavers(taking, [case for case in cases if case.employee in taking.leavers])
    _reopen_returned(taking, [case for case in cases if case.employee in returned])
    cases = [case for case in _cases(taking, cycle) if case.state not in STAYS]
    changed = _change_lines(taking, cases, line)
    _change_segments(taking, cycle, changed)
    now = {case.id: case for case in cases} | {case.id: case for case in changed}
    _move_duties(taking, cycle, now, {case.id for case in changed}, line)


def _cases(taking: Taking, cycle: Cycle) -> list[Case]:
    query = select(Appraisal.id, Appraisal.employee_id, Appraisal.unit_id, Appraisal.rater_id, Appraisal.authority_id,
                   Appraisal.state, Appraisal.explanation)  # fmt: skip
    return [Case(*row) for row in taking.session.execute(query.where(Appraisal.cycle_id == cycle.id))]


# leavers, and who comes back


def _close_leavers(taking: Taking, cases: Iterable[Case]) -> None:
    """An appraisal of somebody who left ends without a result, explained; what is still owed for it is withdrawn."""
    closing = {case.id: case for case in cases if case.state not in STAYS | EARNED}
    change_rows(taking.session, Appraisal, [
        {"id": case, "state": AppraisalState.CLOSED_EARLY, "explanation": LEFT_SERVICE, "explained_at": taking.at}
        for case in closing
    ])  # fmt: skip
    withdrawn: list[int] = []
    for ids in in_portions(closing):
        query = select(Assignment.id).where(Assignment.appraisal_id.in_(ids))
        withdrawn += taking.session.scalars(query.where(Assignment.state == AssignmentState.OPEN))
    change_rows(taking.session, Assignment, [
        {"id": duty, "state": AssignmentState.WITHDRAWN, "ended_at": taking.at} for duty in withdrawn
    ])  # fmt: skip
    _end_segments(taking, {case.id: taking.leavers[case.employee] for case in closing.values()})
    taking.counts["appraisals_closed"] += len(closing)
    taking.counts["assignments_withdrawn"] += len(withdrawn)


def _reopen_returned(taking: Taking, cases: Iterable[Case]) -> None:
    """Undo what `_close_leavers` did for people whom a later file names again."""
    reopening = [case.id for case in cases if case.state is AppraisalState.CLOSED_EARLY
                 and case.explanation == LEFT_SERVICE]  # fmt: skip
    change: list[dict[str, Any]] = []
    duties: list[int] = []
    for ids in in_portions(reopening):
        states = _states_reached(taking, ids)
        change += [{"id": case, "state": states.get(case, AppraisalState.PLAN_DRAFT), "explanation": "",
                    "explained_at": None} for case in ids]  # fmt: skip
        query = (
            select(Assignment.id)
            .join(Stage, Stage.id == Assignment.stage_id)
            .join(Appraisal, Appraisal.id == Assignment.appraisal_id)
            .where(
                Assignment.appraisal_id.in_(ids), Assignment.state == AssignmentState.WITHDRAWN,
                Assignment.ended_at == Appraisal.explained_at, Stage.state != StageState.CLOSED,
            )
        )  # fmt: skip
        duties += taking.session.scalars(query)
    change_rows(taking.session, Appraisal, change)
    change_rows(taking.session, Assignment, [
        {"id": duty, "state": AssignmentState.OPEN, "ended_at": None, "told_at": None} for duty in duties
    ])  # fmt: skip
    taking.counts["appraisals_reopened"] += len(reopening)


def _states_reached(taking: Taking, ids: Iterable[int]) -> dict[int, AppraisalState]:
    """How far each appraisal had come, by what there is of it."""
    states: dict[int, AppraisalState] = {}
    for plan_state, state in ((PlanState.SUBMITTED, AppraisalState.PLAN_SUBMITTED),
                              (PlanState.ESTABLISHED, AppraisalState.PLAN_ESTABLISHED)):  # fmt: skip
        query = select(Plan.appraisal_id).where(Plan.appraisal_id.in_(ids), Plan.state == plan_state)
        states |= dict.fromkeys(taking.session.scalars(query), state)
    assessed = select(SelfAssessment.appraisal_id).where(SelfAssessment.appraisal_id.in_(ids))
    states |= dict.fromkeys(taking.session.scalars(assessed), AppraisalState.SELF_ASSESSED)
    results = select(Result.appraisal_id, Result.issued_at)
    for case, issued in taking.session.execute(
        results.where(Result.appraisal_id.in_(ids), Result.superseded_at.is_(None))
    ):
        states[case] = AppraisalState.ISSUED if issued else AppraisalState.RATED
    return states


# raters, authorities, segments


def _change_lines(taking: Taking, cases: Iterable[Case], line: Line) -> list[Case]:
    """Write the new unit, rater and authority where they changed; returns the cases as they are now."""
    moved, led_anew = set(taking.moved), set(taking.led_anew)
    changed: list[Case] = []
    units = _units(taking, moved)
    for case in cases:
        rater = line.superior.get(case.employee) if case.employee in led_anew else case.rater
        authority = case.authority
        if case.employee in led_anew or case.rater in led_anew or case.authority in taking.leavers:
            holder = line.authority(case.employee, rater)
            authority = holder.person_id if holder else None
        new = case._replace(unit=units.get(case.employee, case.unit), rater=rater, authority=authority)
        if new != case or case.employee in moved:
            changed.append(new)
            taking.counts["raters_changed"] += new.rater != case.rater
    change_rows(taking.session, Appraisal, [
        {"id": case.id, "unit_id": case.unit, "rater_id": case.rater, "authority_id": case.authority}
        for case in changed
    ])  # fmt: skip
    return changed


def _units(taking: Taking, people: Iterable[int]) -> dict[int, int]:
    return {person: unit for person, (unit, _) in _postings(taking, people).items()}


def _postings(taking: Taking, people: Iterable[int]) -> dict[int, tuple[int, str]]:
    """Person -> unit and post."""
    found: dict[int, tuple[int, str]] = {}
    for ids in in_portions(people):
        query = select(Posting.person_id, Posting.unit_id, Posting.post)
        for person, unit, post in taking.session.execute(
            query.where(Posting.person_id.in_(ids), Posting.to_on.is_(None))
        ):
            found[person] = unit, post
    return found


def _change_segments(taking: Taking, cycle: Cycle, cases: Iterable[Case]) -> None:
    """End the segment of the old post or rater and begin the next; after the cycle's year no time is counted anew."""
    if taking.as_of > date(cycle.year, 12, 31):
        return
    by_id = {case.id: case for case in cases}
    posts = _postings(taking, [case.employee for case in by_id.values()])
    add: list[dict[str, Any]] = []
    change: list[dict[str, Any]] = []
    for case_id, last in _last_segments(taking, by_id).items():
        case = by_id[case_id]
        unit, post = posts.get(case.employee, (case.unit, last.post))
        new = {"unit_id": unit, "rater_id": case.rater, "post": post}
        if last.to_on is None and new == {"unit_id": last.unit_id, "rater_id": last.rater_id, "post": last.post}:
            continue
        if last.from_on >= taking.as_of:
            change.append({"id": last.id, **new, "to_on": None})
            continue
        if last.to_on is None:
            change.append({"id": last.id, "to_on": taking.eve})
        add.append({"appraisal_id": case_id, "number": last.number + 1, **new, "from_on": taking.as_of, "to_on": None})
    change_rows(taking.session, Segment, change)
    add_rows(taking.session, Segment, add)


def _end_segments(taking: Taking, last_days: Mapping[int, date]) -> None:
    change_rows(taking.session, Segment, [
        {"id": last.id, "to_on": max(last.from_on, last_days[case])}
        for case, last in _last_segments(taking, last_days).items() if last.to_on is None
    ])  # fmt: skip


def _last_segments(taking: Taking, cases: Iterable[int]) -> dict[int, Row[Any]]:
    last: dict[int, Row[Any]] = {}
    columns = (Segment.id, Segment.appraisal_id, Segment.number, Segment.unit_id, Segment.rater_id, Segment.post,
               Segment.from_on, Segment.to_on)  # fmt: skip
    for ids in in_portions(cases):
        query = select(*columns).where(Segment.appraisal_id.in_(ids)).order_by(Segment.number)
        last |= {row.appraisal_id: row for row in taking.session.execute(query)}
    return last


# duties


def _move_duties(taking: Taking, cycle: Cycle, cases: Mapping[int, Case], changed: set[int], line: Line) -> None:
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
        elif holder is None and leaves:
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
        person = self._head_above(duty.unit) if duty.role is Role.UNIT_HEAD else self._any(duty.role)
        return Holder(person) if person is not None and person not in self.taking.leavers else None

    def _head_above(self, unit_id: int | None) -> int | None:
        unit = self.taking.session.get(Unit, unit_id) if unit_id is not None else None
        if unit is None:
            return None
        heads = distribution.heads(self.taking.session, self.taking.agency.id, self.taking.as_of)
        return distribution.head_above(self.taking.session, unit, heads, self.line.authorities)

    def _any(self, role: Role) -> int | None:
        if role not in self.named:
            query = role_holders(self.taking.agency.id, role, self.taking.as_of)
            self.named[role] = self.taking.session.scalars(query).first()
        return self.named[role]


# newcomers


def enroll(taking: Taking, cycle: Cycle) -> None:
    """Give whoever has a post but no appraisal yet theirs, with what the open stages ask; the launch comes first."""
    if cycle.enrolled_at is None or taking.as_of > date(cycle.year, 12, 31):
        return
    session = taking.session
    last_case = session.scalar(select(func.max(Appraisal.id))) or 0
    calendar = calendar_of(session, taking.agency, taking.at)
    at = max(taking.at, calendar.start_of_day(taking.as_of))
    missing = _without_appraisal(taking, cycle)
    while missing:
        enrolled = cycles.enroll(session, cycle.id, after=missing[0] - 1, at=at)
        taking.counts["appraisals_opened"] += enrolled.added
        missing = [person for person in missing if person > enrolled.last]
    session.flush()
    newest = session.scalar(select(func.max(Appraisal.id)).filter_by(cycle_id=cycle.id)) or 0
    if newest > last_case:
        _ask(taking, cycle, last_case + 1, newest)


def _without_appraisal(taking: Taking, cycle: Cycle) -> list[int]:
    has_one = exists().where(Appraisal.cycle_id == cycle.id, Appraisal.employee_id == Person.id)
    query = (
        select(Person.id)
        .join(Posting, Posting.person_id == Person.id)
        .where(
            Person.agency_id == taking.agency.id, Posting.to_on.is_(None), Posting.from_on <= taking.as_of, ~has_one,
            or_(Person.active_to.is_(None), Person.active_to >= taking.as_of),
        )
        .order_by(Person.id)
    )  # fmt: skip
    return list(taking.session.scalars(query))


def _ask(taking: Taking, cycle: Cycle, lo: int, hi: int) -> None:
    """Do for new appraisals what the opening of each open stage did for the others; its letters go out untold."""
    stages = select(Stage).where(Stage.cycle_id == cycle.id, Stage.state.in_((StageState.OPENING, StageState.OPEN)))
    for stage in taking.session.scalars(stages.order_by(Stage.id)).all():
        ref = StepRef(taking.agency.code, cycle.year, stage.kind, Step.OPEN)
        context = context_of(taking.session, ref, at=taking.at)
        for phase in phases_of(stage.kind, Step.OPEN):
            if phase.name in ("plans", "ask"):
                phase.take(context, lo, hi)


# addresses


def renew_links(taking: Taking) -> None:
    """Links mailed to an address that was changed end; their owners count as untold and get new ones."""
    for ids in in_portions(taking.readdressed):
        links = table_of(ActionLink)
        ended = update(links).where(links.c.person_id.in_(ids), links.c.state == LinkState.ACTIVE)
        values = {"state": LinkState.REVOKED, "revoked_at": taking.at, "revoked_reason": "address_changed"}
        taking.counts["links_revoked"] += taking.session.connection().execute(ended.values(values)).rowcount
        untold = update(Assignment).where(Assignment.person_id.in_(ids), Assignment.state == AssignmentState.OPEN)
        values = {"told_at": None, "version": Assignment.version + 1}
        taking.session.execute(untold.values(values).execution_options(synchronize_session=False))
