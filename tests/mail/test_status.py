"""`mail status` and `mail waves` say no more than is known, and never cut what somebody must copy."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner

from actions.mail import outbox
from cli.mail import commands
from database import Database
from models import Letter, Wave
from rules.terms import Lane, LetterState
from simulation.sink import Do, Sink
from tests.mail.posting import AT, due_again, owe, send
from tests.mail.test_deaths import claim, end_leases

LONG = f"supervisor_scoring.remind:{'1234567890' * 4}"


def appraisal(*words: str) -> str:
    return CliRunner(env={"COLUMNS": "40"}).invoke(commands.app, words, catch_exceptions=False).output


def status() -> dict[str, Any]:
    return json.loads(appraisal("status", "--json"))


def stands() -> dict[str, int]:
    return {row["stands"]: row["count"] for row in status()["waiting"]}


def put(db: Database, **values: Any) -> None:
    with db.transaction() as session:
        session.execute(update(Wave).values(**values))


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")


def test_nobody_was_reached_while_letters_are_queued(db: Database) -> None:
    assert "Everybody was reached" not in appraisal("status")
    owe(db, 3, wave="a")
    assert "3 letters are still to go; 0 did not reach their person." in appraisal("status")
    with Sink() as sink:
        send(db, sink)
    assert "Everybody was reached." in appraisal("status")


def test_nobody_is_called_reached_before_any_invitation_is_written(db: Database) -> None:
    owe(db, 1)
    with Sink() as sink:
        send(db, sink)
    with db.transaction() as session:
        session.execute(update(Letter).values(kind="sign_in"))
    said = appraisal("status")
    assert "No invitation has been written yet." in said
    assert "Everybody was reached" not in said


def test_what_waits_says_for_what(both: Database) -> None:
    owe(both, 5, wave=LONG)
    owe(both, 2)
    assert stands() == {"queued": 7}
    put(both, canary=2)
    assert stands() == {"queued": 4, "waiting for the canary": 3}
    put(both, canary=0, canary_until=AT + timedelta(days=9999))
    assert stands() == {"queued": 2, "waiting for the canary": 5}
    put(both, paused_at=AT, paused_reason="the relay refuses us")
    assert stands() == {"queued": 2, "held: its wave is stopped": 5}
    put(both, awaits_release=True)
    assert stands() == {"queued": 2, "waiting for release": 5}
    with both.transaction() as session:
        outbox.pause(session, "moving house", at=AT)
    assert stands() == {"held: delivery is stopped": 2, "waiting for release": 5}
    said = appraisal("status")
    assert "Delivery is stopped: moving house" in said
    assert "7 letters are still to go" in said


def test_a_relay_that_is_down_shows_since_when_until_it_is_back(both: Database) -> None:
    owe(both, 3, wave="a")
    with Sink() as sink:
        port = sink.port
    send(both, Sink(port=port))
    found = status()
    assert found["relay_down_since"][:2] == "20"
    assert "Connect call failed" in found["relay_down_reason"]
    assert stands() == {"queued: the relay is down": 3}
    assert "The relay is down since 20" in appraisal("status")
    (wave,) = json.loads(appraisal("waves", "--json"))
    assert wave["stands"].startswith("the relay is down since 20")
    since = found["relay_down_since"]
    from models import Bucket

    with both.transaction() as session:
        session.execute(update(Bucket).values(down_until=0.0))
    send(both, Sink(port=port))
    assert status()["relay_down_since"] == since, "since the first time"
    with both.transaction() as session:
        session.execute(update(Bucket).values(down_until=0.0))
    due_again(both)
    with Sink(port=port) as sink:
        assert send(both, sink) == {"accepted": 3}
    assert status()["relay_down_since"] is None


def test_a_key_that_a_release_needs_is_never_cut(db: Database) -> None:
    owe(db, 5, wave=LONG)
    put(db, awaits_release=True)
    lines = [line.strip() for line in appraisal("waves").splitlines()]
    assert lines[0] == LONG
    assert lines[2] == f"awaiting release: `appraisal mail release {LONG} --by NIP`"


def test_a_wave_that_is_only_being_sent_is_not_through(db: Database) -> None:
    owe(db, 2, wave="a")
    claim(db, "somebody", 2)
    (wave,) = json.loads(appraisal("waves", "--json"))
    assert (wave["states"], wave["stands"]) == ({"sending": 2}, "")
    assert "2 letters are still to go" in appraisal("status")


def test_what_is_in_doubt_is_explained(db: Database) -> None:
    owe(db, 2, lane=Lane.URGENT)
    claim(db, "somebody", 2, dots=2)
    end_leases(db)
    with db.transaction() as session:
        outbox.reap(session, at=AT)
    with db.transaction() as session:
        first = session.scalars(select(Letter).order_by(Letter.id)).first()
        first.kind, first.ended_at = "step_code", AT
    whys = [row["why"] for row in status()["not_reached"]]
    assert whys == [
        "the process that was sending it died; it may have arrived: a person decides",
        "the process that was sending it died; the same copy goes out once more after 2026-01-05 02:30 UTC",
    ]


def test_a_lost_reply_is_not_called_reached(db: Database) -> None:
    owe(db, 1)
    with Sink() as sink:
        sink.on("DOT", Do(keep=True, drop=True), times=1)
        send(db, sink)
    assert "Everybody was reached" not in appraisal("status")
    with db.reading() as session:
        assert session.scalars(select(Letter.state)).all() == [LetterState.AMBIGUOUS]
