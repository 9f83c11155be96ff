"""Taking one step of one stage: begin, batch by batch with a committed cursor, finish. Each call is one transaction.

A step consists of phases over a population (appraisals, people who owe something, or once). A process that dies
between two calls leaves a cursor, and the next run goes on from there; a batch taken twice finds its cursor moved.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.line.calendars import calendar_of
from actions.recovery import restores
from actions.store import trail
from actions.store.bulk import insert_new
from models import Agency, Appraisal, Assignment, Cycle, Stage, StageStep
from rules.pack.pack import Pack
from rules.terms import AssignmentState, CycleState, StageKind, StageState, Step
from rules.time.calendar import Calendar
from rules.time.stages import StageFacts, StepRefused, check_step, state_allows

BATCH = 1000
ROUNDS = "rounds"
REPEATABLE = frozenset({Step.LAPSE, Step.FINALIZE})
"""Steps whose every case is guarded by itself: they run whenever there is something to do."""


@dataclass(frozen=True, slots=True)
class StepRef:
    """Names one step for everybody: the tick, a Prefect run, a person at the command line."""

    agency: str
    year: int
    stage: StageKind
    step: Step
    occasion: str = ""
    revision: int = 1


@dataclass(frozen=True, slots=True)
class Span:
    """One batch: ids from `lo` to `hi` of a phase's population."""

    phase: str
    lo: int
    hi: int


@dataclass(slots=True)
class Context:
    """What a batch needs to know; `today` is in the agency's zone."""

    session: Session
    at: datetime
    today: date
    agency: Agency
    cycle: Cycle
    stage: Stage
    pack: Pack
    calendar: Calendar
    occasion: str


Counts = Mapping[str, int]
Population = Callable[[Context, int, int], Sequence[int]]
"""(context, after, size) -> ids above `after`, ascending"""


@dataclass(frozen=True, slots=True)
class Phase:
    name: str
    population: Population
    take: Callable[[Context, int, int], Counts]


def appraisals(context: Context, after: int, size: int) -> Sequence[int]:
    query = select(Appraisal.id).where(Appraisal.cycle_id == context.cycle.id, Appraisal.id > after)
    return context.session.scalars(query.order_by(Appraisal.id).limit(size)).all()


def owing(context: Context, after: int, size: int) -> Sequence[int]:
    """People with something open in the stage."""
    query = select(Assignment.person_id).where(
        Assignment.stage_id == context.stage.id, Assignment.state == AssignmentState.OPEN, Assignment.person_id > after
    )
    return context.session.scalars(query.distinct().order_by(Assignment.person_id).limit(size)).all()


def once(_context: Context, after: int, _size: int) -> Sequence[int]:
    return [1] if after < 1 else []


def phases_of(stage: StageKind, step: Step) -> Sequence[Phase]:
    from actions.stages.table import PHASES

    return PHASES[stage, step]


def begin(session: Session, ref: StepRef, *, at: datetime) -> None:
    """Lock the stage and start, or go on with, the step; StepRefused says why not, in words for ops."""
    stage = _locked_stage(session, ref)
    cycle = session.get_one(Cycle, stage.cycle_id)
    facts = StageFacts(stage.kind, stage.state, stage.opens_at, stage.closes_at, _finished(session, stage.id))
    check_step(facts, ref.step, ref.occasion, revision=stage.revision, asked=ref.revision)
    if not state_allows(ref.step, stage.state):
        raise StepRefused(f"the stage is {stage.state.value}")
    if cycle.state is not CycleState.RUNNING:
        raise StepRefused(f"the cycle is {cycle.state.value}")
    if ref.step in (Step.OPEN, Step.CLOSE):
        stage.state = StageState.OPENING if ref.step is Step.OPEN else StageState.CLOSING
    for phase in phases_of(ref.stage, ref.step):
        row = {"stage_id": stage.id, "step": ref.step, "occasion": f"{ref.occasion}/{phase.name}", "cursor": 0,
               "begun_at": at, "counts": "{}"}  # fmt: skip
        if not insert_new(session, StageStep, [row]) and ref.step in REPEATABLE:
            again = _row(session, stage.id, ref, phase.name)
            if again.finished_at is not None:
                again.cursor, again.finished_at = 0, None  # what a run that died had done is still to be told


def next_span(session: Session, ref: StepRef, *, at: datetime, size: int = BATCH) -> Span | None:
    """The next batch that is not committed yet; None when all phases are through."""
    context = context_of(session, ref, at=at)
    for phase in phases_of(ref.stage, ref.step):
        row = _row(session, context.stage.id, ref, phase.name, lock=False)
        if row.finished_at is not None:
            continue
        if ids := phase.population(context, row.cursor, size):
            return Span(phase.name, row.cursor + 1, ids[-1])
        return Span(phase.name, row.cursor + 1, row.cursor)  # empty: tells take() to close the phase
    return None


def take(session: Session, ref: StepRef, span: Span, *, at: datetime) -> Counts:
    """Take one batch; one that was committed before is a no-op, so a retry is harmless."""
    context = context_of(session, ref, at=at)
    row = _row(session, context.stage.id, ref, span.phase)
    if row.finished_at is not None or (row.cursor >= max(span.hi, 1) and span.hi >= span.lo):
        return {}
    if span.hi < span.lo:
        row.finished_at = at
        return {}
    phase = next(p for p in phases_of(ref.stage, ref.step) if p.name == span.phase)
    counts = phase.take(context, row.cursor + 1, span.hi)
    restores.made_again(session, context.cycle.id, _due_at(context.stage, ref), at=at)
    total = json.loads(row.counts)
    row.counts = json.dumps({key: total.get(key, 0) + counts.get(key, 0) for key in {*total, *counts}})
    row.cursor = span.hi
    return counts


def finish(session: Session, ref: StepRef, *, at: datetime) -> Counts:
    """Mark the step done, move the stage's state and put the counts on the trail."""
    stage = _locked_stage(session, ref)
    if ref.step not in REPEATABLE and _unfinished(session, stage.id, ref):
        raise StepRefused("its batches are not through yet")
    rows = session.scalars(
        select(StageStep).where(StageStep.stage_id == stage.id, StageStep.step == ref.step,
                                StageStep.occasion.startswith(f"{ref.occasion}/", autoescape=True))
    ).all()  # fmt: skip
    counts: dict[str, int] = {}
    for row in rows:
        for key, count in json.loads(row.counts).items():
            counts[key] = counts.get(key, 0) + count
        row.counts = "{}" if ref.step in REPEATABLE else row.counts
    if ref.step not in REPEATABLE:
        row = {"stage_id": stage.id, "step": ref.step, "occasion": ref.occasion, "cursor": 0, "begun_at": at,
               "finished_at": at, "counts": json.dumps(counts)}  # fmt: skip
        if not insert_new(session, StageStep, [row]):
            return counts
    elif any(counts.values()):
        _count_round(session, stage.id, ref, at)
    if ref.step is Step.OPEN and stage.state is StageState.OPENING:
        stage.state = StageState.OPEN
    elif ref.step is Step.CLOSE:
        stage.state = StageState.CLOSED
        if stage.kind is StageKind.FINALIZATION:
            session.get_one(Cycle, stage.cycle_id).state = CycleState.CLOSED
    if any(counts.values()) or ref.step not in REPEATABLE:
        agency_id = session.get_one(Cycle, stage.cycle_id).agency_id
        subject, kind = f"stage:{stage.id}", f"{stage.kind.value}.{ref.step.value}"
        trail.record(
            session, agency_id, kind, subject, at=at, after=counts, why=f"policy pack, {ref.occasion or 'once'}"
        )
        if ref.step in (Step.CLOSE, Step.ISSUE):
            trail.checkpoint(session, agency_id, kind, at=at)
    return counts


def rounds(session: Session, ref: StepRef) -> int:
    """How often a repeatable step has had an effect: tells one time from the next."""
    stage = session.scalars(_find_stage(ref)).one()
    query = select(StageStep.cursor).filter_by(stage_id=stage.id, step=ref.step, occasion=f"{ref.occasion}/{ROUNDS}")
    return session.scalar(query) or 0


def _due_at(stage: Stage, ref: StepRef) -> datetime | None:
    """When the step fell due, where that is a date of the stage."""
    return {Step.OPEN: stage.opens_at, Step.CLOSE: stage.closes_at}.get(ref.step)


def _unfinished(session: Session, stage_id: int, ref: StepRef) -> bool:
    return any(_row(session, stage_id, ref, phase.name).finished_at is None for phase in phases_of(ref.stage, ref.step))


def _count_round(session: Session, stage_id: int, ref: StepRef, at: datetime) -> None:
    row = {"stage_id": stage_id, "step": ref.step, "occasion": f"{ref.occasion}/{ROUNDS}", "cursor": 0,
           "begun_at": at, "counts": "{}"}  # fmt: skip
    insert_new(session, StageStep, [row])
    _row(session, stage_id, ref, ROUNDS).cursor += 1


def run(transaction: Callable, ref: StepRef, *, at: datetime, size: int = BATCH) -> Counts:
    """Take the whole step in this process, one transaction after the other."""
    with transaction() as session:
        begin(session, ref, at=at)
    while True:
        with transaction() as session:
            if (span := next_span(session, ref, at=at, size=size)) is None:
                return finish(session, ref, at=at)
            take(session, ref, span, at=at)


def context_of(session: Session, ref: StepRef, *, at: datetime) -> Context:
    stage = session.scalars(_find_stage(ref)).one()
    cycle = session.get_one(Cycle, stage.cycle_id)
    agency = session.get_one(Agency, cycle.agency_id)
    calendar = calendar_of(session, agency, at)
    return Context(
        session, at, calendar.local_date(at), agency, cycle, stage, Pack.model_validate_json(cycle.pack), calendar,
        ref.occasion,
    )  # fmt: skip


def _find_stage(ref: StepRef):
    return (
        select(Stage).join(Cycle, Cycle.id == Stage.cycle_id).join(Agency, Agency.id == Cycle.agency_id)
        .where(Agency.code == ref.agency, Cycle.year == ref.year, Stage.kind == ref.stage)
    )  # fmt: skip


def _locked_stage(session: Session, ref: StepRef) -> Stage:
    query = _find_stage(ref).with_for_update(of=Stage).execution_options(populate_existing=True)
    if (stage := session.scalar(query)) is None:
        raise StepRefused(f"no cycle {ref.year} of {ref.agency}, or it has no stage {ref.stage.value}")
    return stage


def _row(session: Session, stage_id: int, ref: StepRef, phase: str, *, lock: bool = True) -> StageStep:
    query = select(StageStep).filter_by(stage_id=stage_id, step=ref.step, occasion=f"{ref.occasion}/{phase}")
    query = query.with_for_update() if lock else query
    return session.scalars(query.execution_options(populate_existing=True)).one()


def _finished(session: Session, stage_id: int) -> frozenset[tuple[Step, str]]:
    query = select(StageStep.step, StageStep.occasion).where(
        StageStep.stage_id == stage_id, StageStep.finished_at.is_not(None)
    )
    return frozenset(session.execute(query).tuples().all())
