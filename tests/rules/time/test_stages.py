"""The table of due steps, every combination of what the database can know."""

from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest

from rules.terms import StageKind, StageState, Step
from rules.time.stages import (
    ORDER,
    REQUIRED_STATES,
    STEPS,
    CycleFacts,
    DueStep,
    StageFacts,
    StepRefused,
    check_step,
    due_steps,
    state_allows,
)

OPENS = datetime(2026, 12, 1, tzinfo=UTC)
CLOSES = OPENS + timedelta(days=30)
TIMES = {"before": OPENS - timedelta(seconds=1), "at": OPENS, "during": OPENS + timedelta(days=3), "end": CLOSES}
TODAY = date(2026, 12, 4)
ISSUED = StageFacts(
    StageKind.SUPERVISOR_SCORING, StageState.CLOSED, OPENS, CLOSES, frozenset({(Step.ISSUE, ""), (Step.CLOSE, "")})
)
NOT_ISSUED = StageFacts(StageKind.SUPERVISOR_SCORING, StageState.CLOSING, OPENS, CLOSES + timedelta(days=99))
AFTER_RESULTS = (StageKind.OBJECTION_HANDLING, StageKind.AUDIT_SAMPLING, StageKind.FINALIZATION)


def found(stage: StageFacts, at: datetime, *, issued: bool = True, **facts: object) -> set[tuple[Step, str]]:
    stages = {StageKind.SUPERVISOR_SCORING: ISSUED if issued else NOT_ISSUED} | {stage.kind: stage}
    cycle = CycleFacts(stages, **({"enrolled": True} | facts))  # type: ignore[arg-type]
    return {(one.step, one.occasion) for one in due_steps(cycle, at) if one.stage is stage.kind}


@pytest.mark.parametrize("kind", StageKind)
@pytest.mark.parametrize("state", StageState)
@pytest.mark.parametrize("time", TIMES)
def test_every_combination(kind: StageKind, state: StageState, time: str) -> None:
    """Said once more, the other way round: for each step when it is due, over all that can be known."""
    at, both = TIMES[time], (False, True)
    for issued, lapsing, remind, waits, default, draw, evaluate, left, blocked in product(*[both] * 9):
        stage = StageFacts(kind, state, OPENS, CLOSES, reminder=TODAY if remind else None, lapsing=lapsing,
                           open_cases=int(waits))  # fmt: skip
        due = found(stage, at, issued=issued, default_due=default, draw_ready=2 * draw, evaluation_ready=int(evaluate),
                    finalizable=left, blocked=int(blocked))  # fmt: skip
        active = state in (StageState.OPEN, StageState.CLOSING)
        waiting = {
            StageKind.OBJECTION_HANDLING: waits,
            StageKind.AUDIT_SAMPLING: waits,
            StageKind.FINALIZATION: blocked or left,
        }.get(kind, False)
        closes = active and at >= CLOSES and not waiting
        before_results = kind not in AFTER_RESULTS or issued
        audit = active and kind is StageKind.AUDIT_SAMPLING
        expected = {
            (Step.OPEN, ""): state in (StageState.PLANNED, StageState.OPENING) and at >= OPENS and before_results,
            (Step.LAPSE, "now"): active and lapsing,
            (Step.DEFAULT, ""): active and kind is StageKind.TARGET_SETTING and default,
            (Step.FREEZE, ""): audit,
            (Step.DRAW, "2"): audit and draw,
            (Step.EVALUATE, "1"): audit and evaluate,
            (Step.FINALIZE, "now"): active and kind is StageKind.FINALIZATION and left,
            (Step.CLOSE, ""): closes,
            (Step.REMIND, "2026-12-04"): active and remind and not closes,
            (Step.ISSUE, ""): state is StageState.CLOSED and kind is StageKind.SUPERVISOR_SCORING,
        }
        assert due == {step for step, is_due in expected.items() if is_due}
        assert {step for step, _ in due} <= set(STEPS[kind])
        assert all(state_allows(step, state) for step, _ in due)


def test_nothing_is_due_before_everybody_is_enrolled() -> None:
    stage = StageFacts(StageKind.TARGET_SETTING, StageState.PLANNED, OPENS, CLOSES)
    assert found(stage, CLOSES, enrolled=False) == set()
    assert found(stage, CLOSES) == {(Step.OPEN, "")}


@pytest.mark.parametrize("kind", StageKind)
def test_what_is_finished_is_not_due_again(kind: StageKind) -> None:
    for state in StageState:
        stage = StageFacts(kind, state, OPENS, CLOSES, reminder=TODAY)
        due = found(stage, CLOSES, default_due=True)
        again = StageFacts(kind, state, OPENS, CLOSES, frozenset(due), reminder=TODAY)
        assert found(again, CLOSES, default_due=True) == set()


def test_steps_come_in_the_order_of_the_stages() -> None:
    stages = {kind: StageFacts(kind, StageState.PLANNED, OPENS, CLOSES) for kind in reversed(ORDER[:3])}
    listed = due_steps(CycleFacts(stages, enrolled=True), OPENS)
    assert listed == [DueStep(kind, Step.OPEN) for kind in ORDER[:3]]


def test_lapses_come_before_the_close_of_the_same_tick() -> None:
    """Silent sides are heard of before the stage asks whether it may close."""
    stage = StageFacts(StageKind.OBJECTION_HANDLING, StageState.OPEN, OPENS, CLOSES, lapsing=True)
    stages = {StageKind.SUPERVISOR_SCORING: ISSUED, stage.kind: stage}
    assert [one.step for one in due_steps(CycleFacts(stages, enrolled=True), CLOSES)] == [Step.LAPSE, Step.CLOSE]


@pytest.mark.parametrize("kind", StageKind)
@pytest.mark.parametrize("step", Step)
def test_a_stage_takes_its_own_steps_only(kind: StageKind, step: Step) -> None:
    stage = StageFacts(kind, StageState.OPEN, OPENS, CLOSES)
    if step in STEPS[kind]:
        check_step(stage, step, "", revision=1, asked=1)
        return
    with pytest.raises(StepRefused, match=f"{kind.value} has no step {step.value}"):
        check_step(stage, step, "", revision=1, asked=1)


def test_a_refusal_says_whether_it_was_done_or_booked_for_other_dates() -> None:
    stage = StageFacts(
        StageKind.TARGET_SETTING, StageState.OPEN, OPENS, CLOSES, frozenset({(Step.REMIND, "2026-12-04")})
    )
    with pytest.raises(StepRefused, match="already done"):
        check_step(stage, Step.REMIND, "2026-12-04", revision=1, asked=1)
    check_step(stage, Step.REMIND, "2026-12-07", revision=1, asked=1)
    for asked in (1, 3):
        with pytest.raises(StepRefused, match=f"revision {asked} .* revision 2"):
            check_step(stage, Step.REMIND, "2026-12-07", revision=2, asked=asked)


@pytest.mark.parametrize("step", Step)
@pytest.mark.parametrize("state", StageState)
def test_a_step_needs_its_state(step: Step, state: StageState) -> None:
    needed = {Step.OPEN: {StageState.PLANNED, StageState.OPENING}, Step.ISSUE: {StageState.CLOSED}}
    assert state_allows(step, state) is (state in needed.get(step, {StageState.OPEN, StageState.CLOSING}))
    assert set(REQUIRED_STATES) == set(needed)
