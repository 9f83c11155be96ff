"""How far a cycle is, per stage and per unit, in counts: for the console, the command line and the status table."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, not_, null, or_, select
from sqlalchemy.orm import Session

from actions.line.calendars import calendar_of
from actions.line.deadlines import deadlines_of
from actions.stages.due import cycle_facts, stages_of
from actions.stages.finalization import blocked_by
from models import Agency, Appraisal, Assignment, Chain, Cycle, Stage, Unit
from rules.terms import AssignmentState, StageKind, StageState, Step
from rules.time.calendar import Calendar
from rules.time.stages import OVER, StageFacts, due_steps, missed

COUNTED = (AssignmentState.OPEN, AssignmentState.DONE, AssignmentState.LAPSED)


@dataclass(frozen=True, slots=True)
class Tally:
    """Duties, rights not counted; in finalization the appraisals. Overdue ones are open past their own deadline."""

    expected: int = 0
    done: int = 0
    overdue: int = 0

    @property
    def percent(self) -> int | None:
        """Whole percent, rounded down: 100 means all; None if nothing is expected yet."""
        return self.done * 100 // self.expected if self.expected else None


@dataclass(frozen=True, slots=True)
class StageProgress:
    stage: StageKind
    state: StageState
    revision: int
    opens_at: datetime
    due_at: datetime
    closes_at: datetime
    tally: Tally
    next_action: str
    """What the clock does next or what it waits for, in words for ops."""
    starved: bool = False
    """It waits for HR to give it the time that it lacks."""


@dataclass(frozen=True, slots=True)
class UnitProgress:
    unit_id: int
    code: str
    name: str
    stage: StageKind
    tally: Tally


def of_cycle(session: Session, cycle: Cycle, *, at: datetime) -> list[StageProgress]:
    """The six stages in their order."""
    agency = session.get_one(Agency, cycle.agency_id)
    stages = stages_of(session, cycle)
    facts = cycle_facts(session, cycle, agency, stages, at=at)
    due = {one.stage: one.step for one in reversed(due_steps(facts, at))}
    calendar = calendar_of(session, agency, at)
    found = []
    for kind, stage in sorted(stages.items(), key=lambda item: list(StageKind).index(item[0])):
        words = f"now: {due[kind].value}" if kind in due else _outlook(session, facts.stages[kind], cycle, calendar, at)
        tally = _tally(session, cycle, stage, at).get(None, Tally())
        found.append(
            StageProgress(
                kind,
                stage.state,
                stage.revision,
                stage.opens_at,
                stage.due_at,
                stage.closes_at,
                tally,
                words,
                starved(facts.stages[kind], at),
            )
        )
    return found


def of_units(session: Session, cycle: Cycle, *, at: datetime, stage: StageKind | None = None) -> list[UnitProgress]:
    """Units that owe something, in every stage that has opened (or in one), by unit code."""
    units = {unit.id: unit for unit in session.scalars(select(Unit).filter_by(agency_id=cycle.agency_id))}
    found = []
    for kind, row in stages_of(session, cycle).items():
        if stage in (None, kind) and row.state is not StageState.PLANNED:
            for unit, tally in _tally(session, cycle, row, at, by_unit=True).items():
                if unit is not None:
                    found.append(UnitProgress(unit, units[unit].code, units[unit].name, kind, tally))
    order = list(StageKind)
    return sorted(found, key=lambda one: (one.code, order.index(one.stage)))


def as_data(session: Session, cycle: Cycle, agency: Agency, *, at: datetime, units: bool = False) -> dict[str, Any]:
    """The status as plain data with days in the agency's zone: what the command line and the JSON API print."""
    local = calendar_of(session, agency, at).local_date
    stages = [
        {"stage": one.stage.value, "state": one.state.value, "opens": local(one.opens_at).isoformat(),
         "due": local(one.due_at).isoformat(), "closes": local(one.closes_at).isoformat(),
         **_tally_data(one.tally), "next": one.next_action}
        for one in of_cycle(session, cycle, at=at)
    ]  # fmt: skip
    data = {"agency": agency.code, "year": cycle.year, "cycle_id": cycle.id, "state": cycle.state.value,
            "enrolled": cycle.enrolled_at is not None, "stages": stages}  # fmt: skip
    if units:
        data["units"] = [
            {"unit": one.code, "name": one.name, "stage": one.stage.value, **_tally_data(one.tally)}
            for one in of_units(session, cycle, at=at)
        ]
    return data


def _tally_data(tally: Tally) -> dict[str, Any]:
    return {"expected": tally.expected, "done": tally.done, "overdue": tally.overdue, "percent": tally.percent}


def stamp(session: Session, cycle: Cycle, *, at: datetime) -> str:
    """Changes whenever the progress may have: the length of the agency's trail, and the hour, for what runs late."""
    length = session.scalar(select(Chain.length).filter_by(agency_id=cycle.agency_id)) or 0
    return f"{at:%Y-%m-%d %H}h UTC, trail {length}"


def _tally(
    session: Session, cycle: Cycle, stage: Stage, at: datetime, *, by_unit: bool = False
) -> Mapping[int | None, Tally]:
    """Per unit, or under None for the whole stage."""
    if stage.kind is StageKind.FINALIZATION:
        return _finalized(session, cycle, by_unit=by_unit)
    late = and_(Assignment.state == AssignmentState.OPEN, past(session, stage, at))
    query = select(
        Assignment.unit_id if by_unit else null(), Assignment.state, func.count(),
        func.sum(case((late, 1), else_=0)),
    ).where(
        Assignment.stage_id == stage.id, Assignment.optional.is_(False), Assignment.state.in_(COUNTED)
    )  # fmt: skip
    query = query.group_by(Assignment.state, *([Assignment.unit_id] if by_unit else []))
    counts: dict[int | None, list[int]] = defaultdict(lambda: [0, 0, 0])
    for unit, state, count, overdue in session.execute(query).tuples():
        entry = counts[unit]
        entry[0] += count
        entry[1] += count if state is AssignmentState.DONE else 0
        entry[2] += int(overdue)
    return {unit: Tally(*entry) for unit, entry in counts.items()}


def past(session: Session, stage: Stage, at: datetime) -> ColumnElement[bool]:
    """Whether an assignment of the stage is past its own deadline, extensions counted."""
    deadlines = deadlines_of(session, stage)
    people = [person for person, until in deadlines.by_person.items() if until >= at]
    units = [unit for unit, until in deadlines.by_unit.items() if until >= at]
    extended = or_(
        Assignment.person_id.in_(people), and_(Assignment.unit_id.is_not(None), Assignment.unit_id.in_(units))
    )
    return and_(func.coalesce(Assignment.due_at, stage.due_at) < at, not_(extended))


def _finalized(session: Session, cycle: Cycle, *, by_unit: bool) -> Mapping[int | None, Tally]:
    done = func.sum(case((Appraisal.finalized_at.is_not(None), 1), else_=0))
    query = select(Appraisal.unit_id if by_unit else null(), func.count(), done).where(Appraisal.cycle_id == cycle.id)
    query = query.group_by(Appraisal.unit_id) if by_unit else query
    return {unit: Tally(count, int(final or 0)) for unit, count, final in session.execute(query).tuples()}


def starved(stage: StageFacts, at: datetime) -> bool:
    """Whether the stage stands still because it has less time than it needs: HR extends it."""
    return missed(stage, at) or (stage.state not in OVER and bool(stage.lacking) and at >= stage.closes_at)


def _outlook(session: Session, stage: StageFacts, cycle: Cycle, calendar: Calendar, at: datetime) -> str:
    if cycle.enrolled_at is None:
        return "waits: people are being enrolled"
    if stage.state in OVER:
        return "not held: the cycle began after it" if stage.state is StageState.SKIPPED else ""
    if missed(stage, at):
        return f"HR extends it: its time passed on {calendar.local_date(stage.due_at or at)} before it could open"
    if stage.lacking and at >= stage.closes_at:
        return f"HR extends it: it opened late and is {stage.lacking} days short of its least length"
    if stage.state is StageState.PLANNED:
        return f"opens {calendar.local_date(stage.opens_at)}" if at < stage.opens_at else "waits: results not issued"
    if at < stage.closes_at:
        return f"closes {calendar.local_date(stage.closes_at)}"
    if stage.kind is StageKind.FINALIZATION:
        blocks = blocked_by(session, cycle.id)
        return "waits: " + ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in blocks.items())
    return f"waits: {stage.open_cases} cases are open"


def next_of(progress: list[StageProgress]) -> str:
    """The one line that matters: the first stage that is not over."""
    for one in progress:
        if one.state not in OVER or one.next_action == f"now: {Step.ISSUE.value}":
            return f"{one.stage.value.replace('_', ' ')}: {one.next_action}"
    return "the cycle is closed"
