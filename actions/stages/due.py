"""What is due as of now: the facts of each running cycle, held against the table of steps."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from actions.audit import ceremony
from actions.line.calendars import calendar_of
from actions.line.deadlines import deadlines_of
from actions.stages import finalization, objection_handling, reminders
from actions.stages.steps import Context, StepRef
from models import (
    Absence,
    ActingMandate,
    Agency,
    Appraisal,
    Assignment,
    Cycle,
    Objection,
    Person,
    Stage,
    StageStep,
)
from rules.pack.pack import Pack
from rules.terms import ActKind, AssignmentState, CycleState, ObjectionState, StageKind, StageState, Step
from rules.time import following
from rules.time.stages import NEVER_LAPSE, OVER, CycleFacts, StageFacts, StepRefused, check_step, due_steps, missed

ACTIVE = (StageState.OPEN, StageState.CLOSING)
UNDECIDED = (ObjectionState.FILED, ObjectionState.UNDER_EXAMINATION)


def due(session: Session, *, at: datetime) -> list[StepRef]:
    """Every step of every running cycle that is due, in the order in which it should be done."""
    found: list[StepRef] = []
    running = select(Cycle, Agency).join(Agency).where(Cycle.state == CycleState.RUNNING).order_by(Cycle.id)
    for cycle, agency in session.execute(running).tuples():
        stages = stages_of(session, cycle)
        facts = cycle_facts(session, cycle, agency, stages, at=at)
        found += [
            StepRef(agency.code, cycle.year, one.stage, one.step, one.occasion, stages[one.stage].revision)
            for one in due_steps(facts, at)
        ]
    return found


def stages_of(session: Session, cycle: Cycle) -> dict[StageKind, Stage]:
    return {stage.kind: stage for stage in session.scalars(select(Stage).filter_by(cycle_id=cycle.id))}


def resolve(session: Session, asked: StepRef, *, at: datetime) -> StepRef:
    """Complete what a person or a booked run asks for from what is due: occasion "", revision 0 mean the current one.

    StepRefused, in words for ops, if the step is not due as of `at`: done, superseded, too early or held up.
    """
    query = select(Cycle, Agency).join(Agency).where(Agency.code == asked.agency, Cycle.year == asked.year)
    if (found := session.execute(query).tuples().first()) is None:
        raise StepRefused(f"there is no cycle {asked.year} of {asked.agency}")
    cycle, agency = found
    if cycle.state is not CycleState.RUNNING:
        raise StepRefused(f"the cycle is {cycle.state.value}")
    stages = stages_of(session, cycle)
    revision = stages[asked.stage].revision
    facts = cycle_facts(session, cycle, agency, stages, at=at)
    stage = facts.stages[asked.stage]
    check_step(stage, asked.step, asked.occasion, revision=revision, asked=asked.revision or revision)
    for one in due_steps(facts, at):
        if (one.stage, one.step) == (asked.stage, asked.step) and asked.occasion in ("", one.occasion):
            return replace(asked, occasion=one.occasion, revision=revision)
    raise StepRefused(f"not due now: the stage is {stage.state.value}, {_outlook(stage, at)}")


def _outlook(stage: StageFacts, at: datetime) -> str:
    opens, closes = (f"{moment:%Y-%m-%d %H:%M} UTC" for moment in (stage.opens_at, stage.closes_at))
    if stage.state is StageState.PLANNED:
        waits = "waits for what comes before it" + (", and for HR to extend it" if missed(stage, at) else "")
        return f"opens {opens}" if at < stage.opens_at else waits
    if stage.lacking and at >= stage.closes_at:
        return f"{stage.lacking} days short of its least length, HR extends it"
    return f"closes {closes}, {stage.open_cases} cases wait" if stage.open_cases else f"closes {closes}"


def boundaries(session: Session, cycle: Cycle, agency: Agency, *, at: datetime) -> list[tuple[StepRef, datetime]]:
    """The openings and closes that lie ahead, for whoever wants to see the year; nothing depends on them."""
    ahead = []
    for kind, stage in stages_of(session, cycle).items():
        opening = [(Step.OPEN, stage.opens_at)] if stage.state is StageState.PLANNED else []
        closing = [(Step.CLOSE, stage.closes_at)] if stage.state not in OVER else []
        ahead += [
            (StepRef(agency.code, cycle.year, kind, step, "", stage.revision), when)
            for step, when in (*opening, *closing) if when > at
        ]  # fmt: skip
    return sorted(ahead, key=lambda one: one[1])


def cycle_facts(
    session: Session, cycle: Cycle, agency: Agency, stages: dict[StageKind, Stage], *, at: datetime
) -> CycleFacts:
    calendar = calendar_of(session, agency, at)
    today = calendar.local_date(at)
    pack = Pack.model_validate_json(cycle.pack)
    known = {}
    for kind, stage in stages.items():
        context = Context(session, at, today, agency, cycle, stage, pack, calendar, "")
        known[kind] = _stage_facts(context)
    final = stages.get(StageKind.FINALIZATION)
    final_open = final is not None and final.state in ACTIVE
    blocked = sum(finalization.blocked_by(session, cycle.id).values()) if final_open else 0
    left = finalization.finalizable(session, cycle.id) if final_open else 0
    draw_ready, evaluation_ready = ceremony.ready(session, cycle, at=at) if _audit_open(stages) else (0, 0)
    return CycleFacts(
        known, enrolled=cycle.enrolled_at is not None, default_due=today > cycle.plan_default_after,
        draw_ready=draw_ready, evaluation_ready=evaluation_ready, finalizable=bool(left) and not blocked,
        blocked=blocked,
    )  # fmt: skip


def _audit_open(stages: dict[StageKind, Stage]) -> bool:
    stage = stages.get(StageKind.AUDIT_SAMPLING)
    return stage is not None and stage.state in ACTIVE


def _stage_facts(context: Context) -> StageFacts:
    session, stage = context.session, context.stage
    finished = select(StageStep.step, StageStep.occasion).where(
        StageStep.stage_id == stage.id, StageStep.finished_at.is_not(None)
    )
    base = StageFacts(
        stage.kind, stage.state, stage.opens_at, closes_at(context),
        frozenset(session.execute(finished).tuples().all()), due_at=last_opening(context),
    )  # fmt: skip
    if stage.state not in ACTIVE:
        return base
    return StageFacts(
        base.kind, base.state, base.opens_at, base.closes_at, base.finished, reminder=_reminder(context),
        lapsing=_lapsing(context), open_cases=_open_cases(context), due_at=base.due_at, lacking=_lacking(context),
    )  # fmt: skip


def closes_at(context: Context) -> datetime:
    """The stage's close, put off by the last extension of a unit or person."""
    deadlines = deadlines_of(context.session, context.stage)
    return max([context.stage.closes_at, *deadlines.by_person.values(), *deadlines.by_unit.values()])


def last_opening(context: Context) -> datetime:
    """Until when the stage may open: as long as something of it is not due, for somebody at least."""
    deadlines = deadlines_of(context.session, context.stage)
    return max([context.stage.due_at, *deadlines.by_person.values(), *deadlines.by_unit.values()])


def _lacking(context: Context) -> int:
    """How many days an open stage has less than the cycle's pack wants, because it opened late."""
    stage, local = context.stage, context.calendar.local_date
    opened = context.session.scalar(
        select(StageStep.finished_at).filter_by(stage_id=stage.id, step=Step.OPEN, occasion="")
    )
    least = context.pack.least(stage.kind)
    return following.lacking(local(stage.opens_at), local(stage.closes_at), local(opened or stage.opens_at), least)


def _reminder(context: Context):
    """The reminder day that is owed: a rung of a date, or today if somebody owes what no letter covered yet."""
    if not context.calendar.is_working_day(context.today):
        return None
    morning = context.calendar.start_of_day(context.today)
    fresh = exists().where(
        Assignment.stage_id == context.stage.id, Assignment.state == AssignmentState.OPEN,
        Assignment.told_at.is_(None), Assignment.opened_at < morning,
    )  # fmt: skip
    if context.session.scalar(select(fresh)):
        return context.today
    return reminders.owed_on(context, context.today)


def _lapsing(context: Context) -> bool:
    """Whether a clock of a single case ran out, or a duty has to move to somebody else."""
    overdue = select(Assignment).where(
        Assignment.stage_id == context.stage.id, Assignment.state == AssignmentState.OPEN,
        Assignment.due_at < context.at, Assignment.kind.not_in(NEVER_LAPSE),
    )  # fmt: skip
    deadlines = deadlines_of(context.session, context.stage)
    if any(not deadlines.accepts(one, context.at) for one in context.session.scalars(overdue)):
        return True
    if context.stage.kind is StageKind.OBJECTION_HANDLING and objection_handling.deemed_cases(context):
        return True
    return _line_changed(context)


def _line_changed(context: Context) -> bool:
    """A mandate or an absence began or ended, or somebody left, since the stage last looked at who holds what."""
    last = context.session.scalar(
        select(func.max(StageStep.finished_at)).where(
            StageStep.stage_id == context.stage.id, StageStep.occasion == "now/rehold"
        )
    )
    seen = context.calendar.local_date(last or context.stage.opens_at)
    left = exists().where(
        Person.agency_id == context.agency.id, Person.active_to >= seen, Person.active_to < context.today
    )
    if context.session.scalar(select(left)):
        return True
    for table in (ActingMandate, Absence):
        holder = table.principal_id if table is ActingMandate else table.person_id
        began = (table.from_on > seen) & (table.from_on <= context.today)
        ended = (table.to_on >= seen) & (table.to_on < context.today)
        ours = select(Person.id).where(Person.id == holder, Person.agency_id == context.agency.id).exists()
        if context.session.scalar(select(exists().where(or_(began, ended), ours))):
            return True
    return False


def _open_cases(context: Context) -> int:
    """What the close must wait for, in counts."""
    session, stage = context.session, context.stage
    still_open = (
        select(func.count())
        .select_from(Assignment)
        .where(Assignment.stage_id == stage.id, Assignment.state == AssignmentState.OPEN)
    )
    if stage.kind is StageKind.AUDIT_SAMPLING:
        waiting = still_open.where(Assignment.kind == ActKind.DECIDE_RECOMMENDATION)
        return (session.scalar(waiting) or 0) + ceremony.unfrozen(session, context.cycle)
    if stage.kind is not StageKind.OBJECTION_HANDLING:
        return 0
    own_clock = still_open.where(or_(Assignment.optional.is_(False), Assignment.due_at >= context.at))
    undecided = select(func.count()).select_from(Objection).join(Appraisal, Appraisal.id == Objection.appraisal_id)
    undecided = undecided.where(Appraisal.cycle_id == context.cycle.id, Objection.state.in_(UNDECIDED))
    unread = objection_handling.count_unread(session, context.cycle.id, stage.id)
    return (session.scalar(own_clock) or 0) + (session.scalar(undecided) or 0) + unread
