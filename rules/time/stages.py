"""Which steps of a cycle's stages are due: the table the tick reads. Level-triggered, so a missed tick heals itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from rules.refused import Refused
from rules.terms import ActKind, StageKind, StageState, Step

ORDER: tuple[StageKind, ...] = tuple(StageKind)

OVER = frozenset({StageState.CLOSED, StageState.SKIPPED})
"""Nothing of such a stage is ahead any more."""

STEPS: Mapping[StageKind, tuple[Step, ...]] = {
    StageKind.TARGET_SETTING: (Step.OPEN, Step.REMIND, Step.LAPSE, Step.DEFAULT, Step.CLOSE),
    StageKind.MID_YEAR_REVIEW: (Step.OPEN, Step.REMIND, Step.LAPSE, Step.CLOSE),
    StageKind.SUPERVISOR_SCORING: (Step.OPEN, Step.REMIND, Step.LAPSE, Step.CLOSE, Step.ISSUE),
    StageKind.OBJECTION_HANDLING: (Step.OPEN, Step.REMIND, Step.LAPSE, Step.CLOSE),
    StageKind.AUDIT_SAMPLING: (Step.OPEN, Step.FREEZE, Step.DRAW, Step.REMIND, Step.LAPSE, Step.EVALUATE, Step.CLOSE),
    StageKind.FINALIZATION: (Step.OPEN, Step.REMIND, Step.LAPSE, Step.FINALIZE, Step.CLOSE),
}


NEVER_LAPSE = frozenset({ActKind.DECIDE_OBJECTION, ActKind.DECIDE_RECOMMENDATION})
"""What an authority owes stays owed, and is accepted, when its date has passed: it escalates, no clock decides it."""
FROM_RECEIPT = frozenset({ActKind.ACKNOWLEDGE, ActKind.OBJECT})
"""Rights whose clock starts when the result is received; before that no date ends them (PP 30/2019 art. 59)."""


class StepRefused(Refused):
    """The step is not due, was done, or belongs to an older revision of the dates; the message says which."""


@dataclass(frozen=True, slots=True)
class StageFacts:
    """What the database knows of a stage; `today` and `at` are in the agency's zone and UTC."""

    kind: StageKind
    state: StageState
    opens_at: datetime
    closes_at: datetime
    finished: frozenset[tuple[Step, str]] = frozenset()
    """(step, occasion) of the steps that are done."""
    reminder: date | None = None
    """The latest reminder day that is owed for any date of the stage, if any."""
    lapsing: bool = False
    """Some case's own clock has run out."""
    due_at: datetime | None = None
    """Until when it may open: nobody is asked for what is due already."""
    lacking: int = 0
    """How many days it has less than it needs, because it opened late: HR gives them before it can close."""
    open_cases: int = 0
    """What the close of the stage must wait for: open windows and objections, recommendations, a frame to freeze."""


@dataclass(frozen=True, slots=True)
class CycleFacts:
    stages: Mapping[StageKind, StageFacts]
    enrolled: bool
    default_due: bool = False
    """The second week of January is over (PermenPANRB 8/2021, annex, item 5)."""
    draw_ready: int = 0
    """Audit stage number whose draw is due: published, waited for, seed recorded; 0 if none."""
    evaluation_ready: int = 0
    finalizable: bool = False
    """Something can be finalized that is not yet."""
    blocked: int = 0
    """What keeps finalization from ending."""


@dataclass(frozen=True, slots=True)
class DueStep:
    stage: StageKind
    step: Step
    occasion: str = ""


def due_steps(cycle: CycleFacts, at: datetime) -> list[DueStep]:
    """List what is due as of `at`, in the order in which it should be done."""
    if not cycle.enrolled:
        return []
    due: list[DueStep] = []
    for kind in ORDER:
        if (stage := cycle.stages.get(kind)) is not None:
            due += [step for step in _steps_of(stage, cycle, at) if (step.step, step.occasion) not in stage.finished]
    return due


def _steps_of(stage: StageFacts, cycle: CycleFacts, at: datetime) -> Sequence[DueStep]:
    kind = stage.kind
    if stage.state in (StageState.PLANNED, StageState.OPENING):
        ready = at >= stage.opens_at and not missed(stage, at) and _may_open(kind, cycle)
        return [DueStep(kind, Step.OPEN)] if ready else []
    if stage.state is StageState.SKIPPED:
        return []
    if stage.state is StageState.CLOSED:
        return [DueStep(kind, Step.ISSUE)] if kind is StageKind.SUPERVISOR_SCORING else []
    due: list[DueStep] = []
    if stage.lapsing:
        due.append(DueStep(kind, Step.LAPSE, "now"))
    due += _own_steps(kind, cycle)
    if at >= stage.closes_at and _may_close(stage, cycle):
        return [*due, DueStep(kind, Step.CLOSE)]
    if stage.reminder is not None:
        due.append(DueStep(kind, Step.REMIND, stage.reminder.isoformat()))
    return due


def _own_steps(kind: StageKind, cycle: CycleFacts) -> list[DueStep]:
    if kind is StageKind.TARGET_SETTING and cycle.default_due:
        return [DueStep(kind, Step.DEFAULT)]
    if kind is StageKind.FINALIZATION and cycle.finalizable:
        return [DueStep(kind, Step.FINALIZE, "now")]
    if kind is StageKind.AUDIT_SAMPLING:
        due = [DueStep(kind, Step.FREEZE)]
        due += [DueStep(kind, Step.DRAW, str(cycle.draw_ready))] if cycle.draw_ready else []
        due += [DueStep(kind, Step.EVALUATE, str(cycle.evaluation_ready))] if cycle.evaluation_ready else []
        return due
    return []


def _may_open(kind: StageKind, cycle: CycleFacts) -> bool:
    """Results before objections and audit; objections and audit closed, or their time over, before finalization."""
    scoring = cycle.stages.get(StageKind.SUPERVISOR_SCORING)
    if kind in (StageKind.OBJECTION_HANDLING, StageKind.AUDIT_SAMPLING, StageKind.FINALIZATION):
        return scoring is None or (Step.ISSUE, "") in scoring.finished
    return True


def missed(stage: StageFacts, at: datetime) -> bool:
    """Whether its time passed before it could open. It is HR's to give it more: no stage opens and closes at once."""
    return stage.state is StageState.PLANNED and stage.due_at is not None and at > stage.due_at


def _may_close(stage: StageFacts, cycle: CycleFacts) -> bool:
    if stage.lacking:
        return False
    if stage.kind in (StageKind.OBJECTION_HANDLING, StageKind.AUDIT_SAMPLING):
        return not stage.open_cases  # a decision that is overdue escalates, it is never made by the clock
    if stage.kind is StageKind.FINALIZATION:
        return not cycle.blocked and not cycle.finalizable
    return True


def check_step(stage: StageFacts, step: Step, occasion: str, *, revision: int, asked: int) -> None:
    """Refuse a step that was done, that the stage does not have, or that was booked for dates that have moved."""
    if step not in STEPS[stage.kind]:
        raise StepRefused(f"{stage.kind.value} has no step {step.value}")
    if asked != revision:
        raise StepRefused(f"booked for revision {asked} of the dates, which are now at revision {revision}")
    if (step, occasion) in stage.finished:
        raise StepRefused("already done")


REQUIRED_STATES: Mapping[Step, frozenset[StageState]] = {
    Step.OPEN: frozenset({StageState.PLANNED, StageState.OPENING}),
    Step.ISSUE: frozenset({StageState.CLOSED}),
}
"""A step that is not listed needs an open or closing stage."""


def state_allows(step: Step, state: StageState) -> bool:
    return state in REQUIRED_STATES.get(step, frozenset({StageState.OPEN, StageState.CLOSING}))
