"""A step taken twice, at once, after a crash or for old dates has one effect, and says why it has no other."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from actions.cycle import cycles
from actions.recovery import restores
from actions.stages import steps
from actions.stages.steps import Span, StepRef
from database import Database
from models import Assignment, Cycle, Letter, MailAttempt, Stage, StageStep, TrailEntry
from rules.terms import ActKind, CycleState, StageKind, StageState, Step
from rules.time.stages import StepRefused
from tests.actions.rosters import contents, unchanged
from tests.actions.world import World, in_use

OPENING = ("assignment", "letter", "action_link", "wave")


def run(world: World, stage: StageKind, step: Step, occasion: str = "", size: int = 3) -> Any:
    return steps.run(world.db.transaction, world.ref(stage, step, occasion), at=world.at, size=size)


def shape(world: World) -> dict[str, list[Any]]:
    """What an opening leaves behind, without what is random."""
    return {
        "duties": [(a.kind, a.subject, a.person_id, a.told_at) for a in world.all(Assignment)],
        "letters": sorted((m.key, m.state) for m in world.all(Letter)),
        "steps": sorted((s.step, s.occasion, s.counts, s.finished_at) for s in world.all(StageStep)),
        "stage": [(s.kind, s.state) for s in world.all(Stage)],
        "trail": [(e.type, e.content["after"]) for e in world.all(TrailEntry)],
    }


def test_a_step_taken_twice_is_taken_once(launched: World) -> None:
    launched.go("2026-01-05")
    counts = run(launched, StageKind.TARGET_SETTING, Step.OPEN)
    assert counts == {"assignments": 7, "letters": 7}
    with unchanged(launched.db), pytest.raises(StepRefused, match="already done"):
        run(launched, StageKind.TARGET_SETTING, Step.OPEN)


def test_the_size_of_batches_makes_no_difference(lived: Callable[[str], World], world_at: Callable[..., World]) -> None:
    found = []
    for size in (1, 2, 1000):
        world = world_at("launched").go("2026-01-05")
        run(world, StageKind.TARGET_SETTING, Step.OPEN, size=size)
        found.append(shape(world))
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(("restored", "marked"), [("2026-01-05", 7), ("2026-01-04", 0)])
def test_letters_of_a_step_that_may_have_been_taken_before_a_restore_are_marked(
    launched: World, restored: str, marked: int
) -> None:
    launched.go(restored)
    with launched.db.transaction() as session:
        restores.restored(session, launched.at - timedelta(hours=30), at=launched.at)
    launched.go("2026-01-05")
    run(launched, StageKind.TARGET_SETTING, Step.OPEN)
    assert len([one for one in launched.all(MailAttempt) if one.owner.startswith(restores.COPY)]) == marked


@pytest.mark.parametrize("dies_in", ["ask", "invite"])
def test_a_run_that_dies_in_its_second_batch_is_gone_on_with(
    world_at: Callable[..., World], monkeypatch: pytest.MonkeyPatch, dies_in: str
) -> None:
    whole = world_at("launched").go("2026-01-05")
    run(whole, StageKind.TARGET_SETTING, Step.OPEN)
    broken = in_use(world_at("launched").go("2026-01-05"))
    with monkeypatch.context() as patch:
        kill(patch, dies_in)
        with pytest.raises(RuntimeError, match="killed"):
            run(broken, StageKind.TARGET_SETTING, Step.OPEN)
    assert broken.stage(StageKind.TARGET_SETTING).state is StageState.OPENING
    run(broken, StageKind.TARGET_SETTING, Step.OPEN)
    assert shape(broken) == shape(whole)


def kill(patch: pytest.MonkeyPatch, phase: str) -> None:
    """Let a phase's second batch do its work and die before it is committed."""
    phases, batches = steps.phases_of, []

    def dying(stage: StageKind, step: Step) -> Any:
        return [replace(one, take=take(one)) if one.name == phase else one for one in phases(stage, step)]

    def take(one: steps.Phase) -> Callable[..., Any]:
        def work(context: steps.Context, lo: int, hi: int) -> Any:
            counts = one.take(context, lo, hi)
            batches.append(lo)
            if len(batches) == 2:
                raise RuntimeError("killed")
            return counts

        return work

    patch.setattr(steps, "phases_of", dying)


def test_a_batch_that_was_committed_is_a_no_op(launched: World) -> None:
    """A retry after a lost answer: the same span again, whole or in part, changes nothing."""
    launched.go("2026-01-05")
    ref = launched.ref(StageKind.TARGET_SETTING, Step.OPEN)
    with launched.db.transaction() as session:
        steps.begin(session, ref, at=launched.at)
    with launched.db.transaction() as session:
        span = steps.next_span(session, ref, at=launched.at, size=4)
        assert span is not None
        assert steps.take(session, ref, span, at=launched.at)["assignments"] == 3
    for again in (span, Span(span.phase, 1, 2)):
        with unchanged(launched.db), launched.db.transaction() as session:
            assert steps.take(session, ref, again, at=launched.at) == {}


def test_a_step_is_not_finished_before_its_batches_are(launched: World) -> None:
    launched.go("2026-01-05")
    ref = launched.ref(StageKind.TARGET_SETTING, Step.OPEN)
    with launched.db.transaction() as session:
        steps.begin(session, ref, at=launched.at)
    with pytest.raises(StepRefused, match="not through"), launched.db.transaction() as session:
        steps.finish(session, ref, at=launched.at)
    assert launched.stage(StageKind.TARGET_SETTING).state is StageState.OPENING


def test_two_runs_at_once_open_a_stage_once(both: Database) -> None:
    """On SQLite and on PostgreSQL: every batch by one of the two, the state moved once, one entry on the trail."""
    world = World.make(both).go("2026-01-05")
    barrier, failed = threading.Barrier(2), []

    def racer() -> None:
        barrier.wait()
        try:
            run(world, StageKind.TARGET_SETTING, Step.OPEN, size=2)
        except StepRefused as refused:
            failed.append(str(refused))

    threads = [threading.Thread(target=racer) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed in ([], ["already done"])
    assert len(world.open(None, ActKind.DRAFT_TARGETS)) == 7
    assert len(world.all(Letter, kind="stage_invitation")) == 7
    assert world.stage(StageKind.TARGET_SETTING).state is StageState.OPEN
    opened = [e.content["after"] for e in world.all(TrailEntry) if e.type == "target_setting.open"]
    assert opened == [{"assignments": 7, "letters": 7}]


def test_what_was_booked_for_dates_that_have_moved_is_refused(launched: World) -> None:
    booked = launched.ref(StageKind.TARGET_SETTING, Step.OPEN)
    with launched.db.transaction() as session:
        session.scalars(select(Stage).filter_by(kind=StageKind.TARGET_SETTING)).one().revision += 1
    with unchanged(launched.db), pytest.raises(StepRefused, match=r"revision 1 of the dates, .* revision 2"):
        steps.run(launched.db.transaction, booked, at=launched.at)


@pytest.mark.parametrize(
    ("stage", "step", "why"),
    [
        (StageKind.TARGET_SETTING, Step.CLOSE, "the stage is planned"),
        (StageKind.TARGET_SETTING, Step.REMIND, "the stage is planned"),
        (StageKind.TARGET_SETTING, Step.DRAW, "has no step draw"),
        (StageKind.SUPERVISOR_SCORING, Step.ISSUE, "the stage is planned"),
    ],
)
def test_a_step_that_the_stage_is_not_ready_for_is_refused(
    launched: World, stage: StageKind, step: Step, why: str
) -> None:
    with unchanged(launched.db), pytest.raises(StepRefused, match=why):
        run(launched, stage, step, "2026-01-05" if step is Step.REMIND else "")


def test_an_unknown_cycle_is_refused_in_words(launched: World) -> None:
    ref = replace(launched.ref(StageKind.TARGET_SETTING, Step.OPEN), year=2031)
    with pytest.raises(StepRefused, match="no cycle 2031 of kota"):
        steps.run(launched.db.transaction, ref, at=launched.at)


def test_a_paused_or_closed_cycle_takes_no_step(launched: World) -> None:
    launched.go("2026-01-05")
    for state in (CycleState.PAUSED, CycleState.CLOSED):
        with launched.db.transaction() as session:
            cycle = session.get_one(Cycle, launched.cycle_id)
            cycle.state, cycle.paused_at = state, launched.at
        with unchanged(launched.db), pytest.raises(StepRefused, match=f"cycle is {state.value}"):
            run(launched, StageKind.TARGET_SETTING, Step.OPEN)
        assert launched.tick() == []


def test_a_resumed_cycle_goes_on_with_every_date_later_by_as_long_as_it_stood(targets: World) -> None:
    due_at = targets.stage(StageKind.TARGET_SETTING).due_at
    with targets.db.transaction() as session:
        cycles.pause(session, session.get_one(Cycle, targets.cycle_id), "Banjir", at=targets.at)
    targets.go("2026-01-12")
    with targets.db.transaction() as session:
        cycles.resume(session, session.get_one(Cycle, targets.cycle_id), "Surut", at=targets.at)
    assert (targets.stage(StageKind.TARGET_SETTING).due_at - due_at).days == 7
    assert targets.stage(StageKind.TARGET_SETTING).revision == 2


def test_a_step_that_may_repeat_runs_again_and_leaves_no_trail_when_it_did_nothing(issued: World) -> None:
    before = [e.type for e in issued.all(TrailEntry)]
    for _ in range(2):
        assert not any(run(issued, StageKind.OBJECTION_HANDLING, Step.LAPSE, "now").values())
    assert [e.type for e in issued.all(TrailEntry)] == before
    issued.go("2027-01-29")
    assert run(issued, StageKind.OBJECTION_HANDLING, Step.LAPSE, "now")["deemed_received"] == 7
    assert issued.all(TrailEntry)[-1].content["after"]["deemed_received"] == 7


def test_closing_ends_what_is_open_and_the_state_follows(targets: World) -> None:
    targets.go("2026-02-01 00:10")
    assert run(targets, StageKind.TARGET_SETTING, Step.CLOSE)["lapsed"] == 7
    assert targets.stage(StageKind.TARGET_SETTING).state is StageState.CLOSED
    assert targets.open(None, ActKind.DRAFT_TARGETS) == []


def test_a_reference_is_plain_data_that_survives_the_way_through_a_queue(launched: World) -> None:
    from pydantic import TypeAdapter

    adapter = TypeAdapter(StepRef)
    ref = launched.ref(StageKind.AUDIT_SAMPLING, Step.DRAW, "2")
    assert adapter.validate_json(adapter.dump_json(ref)) == ref
    assert contents(launched.db)["stage_step"] == []
