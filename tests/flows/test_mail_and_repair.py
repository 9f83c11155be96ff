"""The outbox is drained until nothing is due; broken promises are mended or told."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

import database
import settings
from actions.cycle.launching import Launched
from actions.mail import dispatcher, outbox
from actions.stages import steps
from actions.stages.steps import StepRef
from actions.store import throttles
from cli.machine.processes import free_port
from flows.deliver_mail import deliver_mail
from flows.repair import repair
from models import Assignment, Letter, Person, Throttle
from rules.terms import AddressState, Lane, LetterState, StageKind, Step
from tests.flows.conftest import YEAR, move_to

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.usefixtures("client")]
OPENS = date(2027, 1, 4)


@pytest.fixture
def opened(db: database.Database, launched: Launched) -> None:
    steps.run(db.transaction, StepRef("contoh", YEAR, StageKind.TARGET_SETTING, Step.OPEN), at=move_to(OPENS))


def told(flow) -> tuple[str, str]:
    state = flow(return_state=True)
    return str(state.name), str(state.message)


def accept(db: database.Database, *, lanes, limit: int, now) -> dict[str, int]:
    """Settle two letters at most, as the dispatcher does."""
    with db.transaction() as session:
        claimed = outbox.claim(session, "test", lanes, min(limit, 2), at=now())
        for one in claimed:
            outbox.settle(session, one, outbox.Settled(LetterState.ACCEPTED, "done"), at=now())  # type: ignore[arg-type]
    return {"accepted": len(claimed)}


@pytest.mark.usefixtures("opened")
def test_mail_is_sent_batch_by_batch_until_none_is_due(db: database.Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "deliver_batch", accept)
    assert told(deliver_mail) == ("Completed", "5 accepted")
    assert told(deliver_mail) == ("Completed", "nothing to do")
    with db.reading() as session:
        assert set(session.scalars(select(Letter.state))) == {LetterState.ACCEPTED}


@pytest.mark.usefixtures("opened")
def test_a_relay_that_takes_nothing_ends_red_after_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(dispatcher, "deliver_batch", lambda db, **_: calls.append(1) or {"queued": 5})
    name, message = told(deliver_mail)
    assert (name, len(calls)) == ("Failed", 1)
    assert "5 queued" in message


@pytest.mark.usefixtures("opened")
def test_the_real_dispatcher_runs_inside_the_task_and_loses_nothing_when_nobody_listens(
    db: database.Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("APPRAISAL_HOME", str(tmp_path))
    monkeypatch.setenv("APPRAISAL_SMTP_URL", f"smtp://127.0.0.1:{free_port()}")
    settings.load.cache_clear()
    name, message = told(deliver_mail)
    settings.load.cache_clear()
    assert name == "Failed"
    assert "letters wait for the next tick" in message
    with db.reading() as session:
        assert set(session.scalars(select(Letter.state))) == {LetterState.QUEUED}


@pytest.mark.usefixtures("opened")
def test_stopped_delivery_is_respected_without_repeating_the_reason(db: database.Database) -> None:
    with db.transaction() as session:
        outbox.pause(session, "550 ani@contoh.example is unknown", at=move_to(OPENS, 3))
    assert told(deliver_mail) == ("Stopped", "delivery is stopped; nothing to do")


@pytest.mark.usefixtures("opened")
def test_repair_takes_back_letters_of_dead_processes_and_then_is_clean(db: database.Database) -> None:
    with db.transaction() as session:
        assert len(outbox.claim(session, "dead", [Lane.INVITATION], 2, at=move_to(OPENS), lease=-timedelta(1))) == 2
    assert told(repair) == ("Mended", "2 requeued")
    assert told(repair) == ("Clean", "nothing to do")


@pytest.mark.usefixtures("opened")
def test_repair_tells_hr_of_lost_letters_and_is_red_while_nobody_can_be_told(db: database.Database) -> None:
    with db.transaction() as session:
        first, second = session.scalars(select(Letter.id).order_by(Letter.id).limit(2)).all()
        session.execute(update(Letter).where(Letter.id == first).values(state=LetterState.FAILED_PERM))
    assert told(repair) == ("Mended", "1 lost letters told")
    assert told(repair) == ("Clean", "nothing to do")
    with db.transaction() as session:
        assert session.scalars(select(Letter).filter_by(kind="bounce_notice")).one().facts["total"] == 1
        session.execute(update(Letter).where(Letter.id == second).values(state=LetterState.FAILED_PERM))
        session.execute(update(Person).values(email_state=AddressState.HARD))
    move_to(OPENS + timedelta(days=1))
    assert told(repair)[0] == "Clean"  # Isra Mikraj: HR is left alone
    move_to(OPENS + timedelta(days=2))
    name, message = told(repair)
    assert name == "Failed"
    assert "1 lost letters untold" in message


@pytest.mark.usefixtures("opened")
def test_repair_is_red_while_somebody_was_not_told_for_a_working_day(db: database.Database) -> None:
    with db.transaction() as session:
        first = session.scalars(select(Assignment.id).limit(1)).one()
        session.execute(update(Assignment).where(Assignment.id == first).values(told_at=None))
    assert told(repair)[0] == "Clean"
    move_to(OPENS + timedelta(days=3))
    name, message = told(repair)
    assert name == "Failed"
    assert "1 untold" in message


def test_repair_names_steps_that_should_have_been_taken(launched: Launched) -> None:
    assert told(repair)[0] == "Clean"
    move_to(OPENS)
    name, message = told(repair)
    assert name == "Failed"
    assert "1 steps overdue" in message


def test_repair_forgets_what_no_limit_needs_any_more(db: database.Database, launched: Launched) -> None:
    at = move_to(OPENS)
    with db.transaction() as session:
        for days in (3, 0):
            assert throttles.take(session, f"x:{days}", 5, throttles.MINUTE, at=at - timedelta(days=days))
    told(repair)
    with db.reading() as session:
        assert session.scalars(select(Throttle.key)).all() == ["x:0"]
