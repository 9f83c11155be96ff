"""What is due is started once, whoever asks and however often; what does not come to its end is tried, then told."""

import contextvars
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun, State
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.states import Completed, Crashed, Failed, Running
from sqlalchemy import func, select, update

import database
from actions.cycle import cycles, launching
from actions.cycle.launching import Launched
from actions.stages import leases, steps
from actions.stages.due import due
from actions.stages.leases import of_stage
from actions.stages.steps import StepRef
from flows.target_setting import target_setting
from flows.tick import tick
from models import Assignment, Cycle, Lease, Stage, StageStep
from rules.terms import StageKind, Step
from tasks import cycles as cycle_tasks
from tasks import runs
from tasks import steps as step_tasks
from tasks.cycles import look
from tasks.failing import Broken
from tests.flows.conftest import YEAR, move_to

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.usefixtures("client")]
OPENS = date(2027, 1, 4)
STEP = FlowRunFilter(tags=FlowRunFilterTags(all_=["agency:contoh", f"year:{YEAR}", "stage:target_setting"]))


@pytest.fixture(autouse=True)
def nothing_booked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Booking the year ahead is tested with the launch; here it would only take time."""
    monkeypatch.setattr(cycle_tasks, "book", lambda agency, year: {})


def started(client: SyncPrefectClient) -> list[FlowRun]:
    """Runs of the stage that were started now, oldest first; those booked ahead left out."""
    found = [run for run in client.read_flow_runs(flow_run_filter=STEP) if "booked" not in run.tags]
    return sorted(found, key=lambda run: str(run.idempotency_key))


def set_state(client: SyncPrefectClient, run: FlowRun, state: State) -> None:
    client.set_flow_run_state(run.id, state, force=True)


def beat() -> tuple[str, str]:
    state = tick(return_state=True)
    return str(state.name), str(state.message)


def test_a_tick_with_nothing_due_says_that_it_is_idle(client: SyncPrefectClient, launched: Launched) -> None:
    assert beat() == ("Idle", "nothing to do")
    assert started(client) == []


def test_two_ticks_at_once_start_one_run(client: SyncPrefectClient, launched: Launched) -> None:
    move_to(OPENS)
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(contextvars.copy_context().run, beat) for _ in range(2)]
        assert all(future.result()[0] == "Completed" for future in futures)
    (run,) = started(client)
    assert run.idempotency_key == f"contoh:{YEAR}:target_setting:open::1:a1"
    assert run.name == f"contoh {YEAR} · target setting · open"
    assert run.parameters == {"agency": "contoh", "year": YEAR, "step": "open", "occasion": "", "revision": 1}
    assert run.parent_task_run_id is None
    assert set(run.tags) >= {"agency:contoh", f"year:{YEAR}", "stage:target_setting"}
    assert beat()[1] == "1 running"


def test_a_run_that_ended_without_effect_is_tried_three_times_and_then_told(
    client: SyncPrefectClient, launched: Launched
) -> None:
    move_to(OPENS)
    for attempt in (1, 2, 3):
        assert beat()[1] == "1 started"
        listed = started(client)
        assert [str(run.idempotency_key)[-2:] for run in listed] == [f"a{n}" for n in range(1, attempt + 1)]
        set_state(client, listed[-1], Failed() if attempt < 3 else Completed())
    assert beat()[1] == "1 stuck"
    assert beat()[1] == "1 stuck"
    assert len(started(client)) == 3
    assert stuck_events(client) == [{"stage": "target_setting", "step": "open", "attempts": 3}]


def stuck_events(client: SyncPrefectClient) -> list[dict]:
    wanted = EventFilter(event=EventNameFilter(name=["appraisal.stage.stuck"]))
    for _ in range(60):
        answer = client._client.post("/events/filter", json={"filter": wanted.model_dump(mode="json")})
        if events := answer.json()["events"]:
            assert {event["resource"]["prefect.resource.id"] for event in events} == {f"appraisal.cycle.contoh.{YEAR}"}
            return [event["payload"] for event in events]
        time.sleep(0.25)
    return []


def test_a_run_that_only_ended_its_share_is_no_failed_attempt(client: SyncPrefectClient, launched: Launched) -> None:
    move_to(OPENS)
    for _ in range(5):
        assert beat()[1] == "1 started"
        set_state(client, started(client)[-1], Completed(name=runs.CONTINUED))
    assert len(started(client)) == 5


def test_a_run_that_shows_no_life_is_followed_by_another(
    client: SyncPrefectClient, launched: Launched, monkeypatch: pytest.MonkeyPatch
) -> None:
    move_to(OPENS)
    beat()
    set_state(client, started(client)[0], Running())
    assert beat()[1] == "1 running"
    monkeypatch.setattr(runs, "RUNNING_LOST", timedelta(0))
    assert beat()[1] == "1 started"
    assert len(started(client)) == 2


def test_a_run_that_showed_life_and_died_is_followed_within_a_minute_and_shown_as_crashed(
    client: SyncPrefectClient, db: database.Database, launched: Launched
) -> None:
    """Long before its state is so old that it would be suspicious by itself."""
    move_to(OPENS)
    beat()
    (first,) = started(client)
    set_state(client, first, Running())
    name = of_stage(StepRef("contoh", YEAR, StageKind.TARGET_SETTING, Step.OPEN))
    with db.transaction() as session:
        assert leases.take(session, name, str(first.id)) is not None
    assert beat()[1] == "1 running"
    with db.transaction() as session:
        session.execute(update(Lease).values(until=leases.database_now(session) - timedelta(seconds=1)))
    assert beat()[1] == "1 started"
    dead, second = started(client)
    assert (dead.id, dead.state_name, str(second.idempotency_key)[-2:]) == (first.id, "Crashed", "a2")
    with db.reading() as session:
        assert leases.signs(session) == leases.Signs(), "nothing is left of the dead"


def test_a_long_step_that_shows_life_is_left_alone_however_long_it_takes(
    client: SyncPrefectClient, db: database.Database, launched: Launched, monkeypatch: pytest.MonkeyPatch
) -> None:
    move_to(OPENS)
    beat()
    (first,) = started(client)
    set_state(client, first, Running())
    monkeypatch.setattr(runs, "RUNNING_LOST", timedelta(0))
    with db.transaction() as session:
        assert leases.take(session, "anything", str(first.id)) is not None
    assert beat()[1] == "1 running"
    assert [run.state_name for run in started(client)] == ["Running"]


def test_deaths_do_not_make_a_step_stuck_but_are_told(client: SyncPrefectClient, launched: Launched) -> None:
    move_to(OPENS)
    for number in range(1, 6):
        assert beat()[1] == "1 started"
        assert len(started(client)) == number
        set_state(client, started(client)[-1], Crashed())
    assert stuck_events(client) == [{"stage": "target_setting", "step": "open", "attempts": 3}]


def test_a_step_that_another_run_is_taking_is_left_to_it(
    client: SyncPrefectClient, db: database.Database, launched: Launched
) -> None:
    at = move_to(OPENS)
    ref = StepRef("contoh", YEAR, StageKind.TARGET_SETTING, Step.OPEN)
    with db.transaction() as session:
        assert leases.take(session, of_stage(ref), "another") is not None
    state = target_setting("contoh", YEAR, "open", return_state=True)
    assert (state.name, state.message) == ("Busy", "another run is taking a step of this stage")
    with db.reading() as session:
        assert ref in due(session, at=at)


def test_a_run_that_lost_its_lease_keeps_nothing_of_what_it_does_next(
    client: SyncPrefectClient, db: database.Database, launched: Launched
) -> None:
    """It hung for longer than its lease, and another took over meanwhile."""
    move_to(OPENS)
    begun = step_tasks.begin.fn(StepRef("contoh", YEAR, StageKind.TARGET_SETTING, Step.OPEN))
    with db.transaction() as session:
        held = leases.take(session, "stage", "first")
    with db.transaction() as session:
        session.execute(update(Lease).values(token="another"))
    assert begun.first is not None
    with pytest.raises(Broken, match="LeaseLost"):
        step_tasks.take_batch.fn(begun.ref, begun.first, held)
    with db.reading() as session:
        assert session.scalar(select(func.max(StageStep.cursor))) == 0


def test_what_repeats_gets_a_new_key_only_after_it_had_an_effect(db: database.Database, launched: Launched) -> None:
    at = move_to(OPENS)
    steps.run(db.transaction, StepRef("contoh", YEAR, StageKind.TARGET_SETTING, Step.OPEN), at=at)
    ref = StepRef("contoh", YEAR, StageKind.TARGET_SETTING, Step.LAPSE, "now")

    def key() -> str:
        with db.transaction() as session:
            session.execute(update(Assignment).values(due_at=at - timedelta(days=1)))
        return next(key for one, key in look.fn().due if one == ref)

    first = key()
    assert first == f"contoh:{YEAR}:target_setting:lapse:now.20270104.0:1"
    steps.run(db.transaction, ref, at=at)
    assert key() == first
    with db.transaction() as session:
        stage = session.scalars(select(Stage).filter_by(kind=StageKind.TARGET_SETTING)).one()
        steps._count_round(session, stage.id, ref, at)
    assert key() == f"contoh:{YEAR}:target_setting:lapse:now.20270104.1:1"


def test_the_steps_of_a_stage_are_started_one_at_a_time(
    client: SyncPrefectClient, db: database.Database, launched: Launched
) -> None:
    at = move_to(OPENS)
    steps.run(db.transaction, StepRef("contoh", YEAR, StageKind.TARGET_SETTING, Step.OPEN), at=at)
    move_to(date(2027, 2, 2))
    due = [ref.step.value for ref, _ in look.fn().due if ref.stage is StageKind.TARGET_SETTING]
    assert due[-2:] == ["default", "close"]
    beat()
    assert len(started(client)) == 1


def test_an_unfinished_enrolment_and_waiting_letters_are_taken_up_once(
    client: SyncPrefectClient, db: database.Database, launched: Launched
) -> None:
    steps.run(db.transaction, StepRef("contoh", YEAR, StageKind.TARGET_SETTING, Step.OPEN), at=move_to(OPENS))
    with db.transaction() as session:
        session.get_one(Cycle, launched.cycle_id).enrolled_at = None
    assert beat()[1] == "1 enrolments, 1 mail runs"
    assert beat() == ("Idle", "nothing to do")
    by_name = Counter(run.name for run in client.read_flow_runs() if "booked" not in run.tags)
    assert by_name["deliver-mail"] == 1
    assert by_name[f"contoh {YEAR} · annual-cycle"] == 1
    assert by_name["repair"] == 1


def test_a_deployment_that_is_missing_makes_the_tick_red_but_keeps_nobody_waiting(
    client: SyncPrefectClient, db: database.Database, launched: Launched, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps.run(db.transaction, StepRef("contoh", YEAR, StageKind.TARGET_SETTING, Step.OPEN), at=move_to(OPENS))
    move_to(date(2027, 1, 19))
    monkeypatch.setattr(runs, "deployment_of", lambda ref: "nowhere/default")
    name, message = beat()
    assert name == "Failed"
    assert f"contoh {YEAR} · target setting · " in message
    assert "1 mail runs" in message


def test_launching_anew_after_the_run_died_changes_nothing(db: database.Database, launched: Launched) -> None:
    at = move_to(OPENS)
    assert launching.enroll_all(db.transaction, launched.cycle_id, at=at) == 0
    with db.transaction() as session:
        session.get_one(Cycle, launched.cycle_id).enrolled_at = None
        assert cycles.enroll(session, launched.cycle_id, after=0, at=at).added == 0
