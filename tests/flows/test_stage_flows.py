"""Every step twice is the step once; what is not due says so; a run that died goes on."""

from datetime import UTC, date, datetime
from typing import get_args

import pytest
from prefect.artifacts import Artifact
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from sqlalchemy import func, select, update

import database
import settings
from actions.cycle import cycles
from actions.cycle.launching import Launched
from actions.stages import steps
from flows import (
    audit_sampling,
    finalization,
    mid_year_review,
    objection_handling,
    step,
    supervisor_scoring,
    target_setting,
)
from models import Assignment, Cycle, Letter, Stage, StageStep, TrailEntry
from rules.terms import AssignmentState, StageKind, StageState
from rules.time.stages import STEPS
from tests.flows.conftest import EARLY, YEAR, move_to

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.usefixtures("prefect_server")]
MODULES = (target_setting, mid_year_review, supervisor_scoring, objection_handling, audit_sampling, finalization)
OPENS = date(2027, 1, 4)


def rows(db: database.Database) -> dict[str, int]:
    with db.reading() as session:
        return {
            table.__tablename__: session.scalar(select(func.count()).select_from(table)) or 0
            for table in (Assignment, Letter, StageStep, TrailEntry)
        }


def run(step_name: str, **more) -> tuple[str, str]:
    state = target_setting.target_setting("contoh", YEAR, step_name, return_state=True, **more)
    return str(state.name), str(state.message)


@pytest.mark.parametrize(("module", "kind"), list(zip(MODULES, StageKind, strict=True)), ids=lambda x: str(x)[-20:])
def test_each_flow_offers_exactly_the_steps_of_its_stage(module, kind: StageKind) -> None:
    assert get_args(module.Step) == tuple(one.value for one in STEPS[kind])
    assert getattr(module, kind.value).name == kind.value.replace("_", "-")


def test_opening_twice_owes_each_letter_once(db: database.Database, launched: Launched) -> None:
    move_to(OPENS)
    assert run("open") == ("Completed", "5 assignments, 5 letters")
    before = rows(db)
    assert run("open") == ("Skipped", "already done")
    assert rows(db) == before
    assert before["letter"] == 5
    with db.reading() as session:
        assert session.scalars(select(Stage.state).filter_by(kind=StageKind.TARGET_SETTING)).one() is StageState.OPEN


def test_a_step_that_is_not_due_changes_nothing_and_says_when_it_is(db: database.Database, launched: Launched) -> None:
    before = rows(db)
    name, message = run("open")
    assert (name, message) == ("Skipped", "not due now: the stage is planned, opens 2027-01-01 16:00 UTC")
    assert run("remind")[1].startswith("not due now")
    assert rows(db) == before


def test_a_run_booked_for_dates_that_moved_is_skipped(db: database.Database, launched: Launched) -> None:
    move_to(OPENS)
    with db.transaction() as session:
        session.execute(update(Stage).values(revision=3))
    assert run("open", revision=1) == ("Skipped", "booked for revision 1 of the dates, which are now at revision 3")
    assert run("open", revision=3)[0] == "Completed"


def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPRAISAL_BATCH_PEOPLE", "2")
    settings.load.cache_clear()


def test_nothing_is_done_while_the_cycle_is_paused_or_unknown(db: database.Database, launched: Launched) -> None:
    move_to(OPENS)
    with db.transaction() as session:
        cycles.pause(session, session.get_one(Cycle, launched.cycle_id), "flood", at=EARLY)
    assert run("open") == ("Skipped", "the cycle is paused")
    state = target_setting.target_setting("nowhere", YEAR, "open", return_state=True)
    assert state.message == f"there is no cycle {YEAR} of nowhere"


def test_a_run_that_died_goes_on_where_it_stood_and_tells_no_values(
    db: database.Database, launched: Launched, monkeypatch: pytest.MonkeyPatch
) -> None:
    move_to(OPENS)
    small_batches(monkeypatch)
    whole, calls = steps.take, iter(range(100))

    def dying(*args, **kwargs):
        if next(calls) == 2:
            raise KeyError("ani@contoh.example")
        return whole(*args, **kwargs)

    monkeypatch.setattr(steps, "take", dying)
    state = target_setting.target_setting("contoh", YEAR, "open", return_state=True)
    assert state.type is StateType.FAILED
    assert "KeyError at " in str(state.message)
    assert "tasks/steps.py" in str(state.message)
    assert "ani@" not in str(state.message)
    monkeypatch.setattr(steps, "take", whole)
    assert run("open") == ("Completed", "5 assignments, 5 letters")
    assert rows(db)["letter"] == 5


def test_a_long_step_ends_after_its_share_and_the_next_run_goes_on(
    db: database.Database, launched: Launched, monkeypatch: pytest.MonkeyPatch
) -> None:
    move_to(OPENS)
    small_batches(monkeypatch)
    monkeypatch.setattr(step, "MOST_BATCHES", 2)
    names = [run("open")[0] for _ in range(4)]
    assert names == ["Continued", "Continued", "Continued", "Completed"]
    assert rows(db)["letter"] == 5
    bar = Artifact.get("progress-contoh-2027-target-setting-open")
    assert bar is not None
    assert float(str(bar.data)) == 100.0


def test_a_reminder_finds_its_own_occasion(db: database.Database, launched: Launched) -> None:
    move_to(OPENS)
    run("open")
    move_to(date(2027, 1, 19))
    with db.reading() as session:
        from actions.stages.due import due

        (owed,) = [ref for ref in due(session, at=move_to(date(2027, 1, 19), 3)) if ref.step == "remind"]
    assert run("remind") == ("Completed", "5 reminders")
    assert run("remind", occasion=owed.occasion) == ("Skipped", "already done")
    assert rows(db)["letter"] == 10


def test_what_repeats_may_be_done_again(db: database.Database, launched: Launched) -> None:
    move_to(OPENS)
    run("open")
    for hour in (4, 6):
        with db.transaction() as session:
            values = {"due_at": datetime(2027, 1, 4, 3, tzinfo=UTC), "state": AssignmentState.OPEN}
            session.execute(update(Assignment).values(values))
        move_to(date(2027, 1, 5), hour)
        assert run("lapse") == ("Completed", "nothing to do")


def test_closing_leaves_a_page(db: database.Database, launched: Launched, client: SyncPrefectClient) -> None:
    move_to(OPENS)
    run("open")
    move_to(date(2027, 2, 1))
    assert run("close")[0] == "Completed"
    page = Artifact.get("closed-contoh-2027-target-setting")
    assert page is not None
    assert "| expected | 5 |" in str(page.data)
    assert "| lapsed | 5 |" in str(page.data)
    assert '"not done" : 5' in str(page.data)
    table = Artifact.get("cycle-contoh-2027")
    assert table is not None, "a closed cycle is looked at no more, so its last close shows how it ended"
    assert "closed" in str(table.data)
