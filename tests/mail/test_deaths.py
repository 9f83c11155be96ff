"""What a dead dispatcher held is taken back by those that live, without any repair run."""

import logging
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from actions.mail import deaths, outbox
from actions.mail import dispatcher as dispatch
from actions.mail.dispatcher import Dispatcher
from actions.mail.presence import Presence
from database import Database
from models import Letter, MailAttempt
from rules.terms import Lane, LetterState
from simulation.sink import Sink
from tests.mail.posting import AT, assert_sound, dispatcher, letter, owe, states
from tests.mail.test_dispatch import running

HOLDER = """
import sys, time
from pathlib import Path
from actions.mail.presence import Presence
Presence(Path(sys.argv[1])).announce(sys.argv[2])
print("here", flush=True)
time.sleep(60)
"""


def holder(folder: Path, owner: str) -> subprocess.Popen[str]:
    made = subprocess.Popen([sys.executable, "-c", HOLDER, folder, owner], stdout=subprocess.PIPE, text=True)
    assert made.stdout is not None
    assert made.stdout.readline() == "here\n"
    return made


def claim(db: Database, owner: str, count: int, *, dots: int = 0) -> list[int]:
    """Letters that this owner holds, of so many of which the dot may be out."""
    with db.transaction() as session:
        claimed = outbox.claim(session, f"{owner}/1", list(Lane), count, at=AT)
        outbox.mark_dots(session, claimed[:dots], at=AT)
        return [one.id for one in claimed]


def end_leases(db: Database) -> None:
    with db.transaction() as session:
        past = outbox.database_now(session) - timedelta(seconds=1)
        session.execute(update(Letter).where(Letter.state == LetterState.SENDING).values(lease_until=past))


def test_a_process_is_gone_when_it_was_killed_and_not_before(tmp_path: Path) -> None:
    seen, living = Presence(tmp_path / "seen"), holder(tmp_path / "seen", "a")
    try:
        seen.announce("b")
        assert (seen.alive(), seen.gone()) == (["a", "b"], [])
        assert (tmp_path / "seen").stat().st_mode & 0o777 == 0o700
        assert (tmp_path / "seen" / "a").stat().st_mode & 0o777 == 0o600
    finally:
        living.send_signal(signal.SIGKILL)
        living.wait()
    assert (seen.alive(), seen.gone()) == (["b"], ["a"])
    seen.forget("a")
    seen.leave("b")
    assert (seen.alive(), seen.gone()) == ([], [])


def test_what_a_killed_process_held_goes_on_at_once_on_its_own_machine(both: Database, tmp_path: Path) -> None:
    owe(both, 6)
    dead, living = holder(tmp_path, "dead"), holder(tmp_path, "alive")
    try:
        lost = claim(both, "dead", 3, dots=1)
        kept = claim(both, "alive", 3)
        dead.kill()
        dead.wait()
        counts = deaths.take_back(both, Presence(tmp_path), at=AT)
        assert dict(counts) == {"requeued": 2, "ambiguous": 1, "sent_again": 0}
        assert [letter(both, id).state.value for id in lost] == ["ambiguous", "queued", "queued"]
        assert {letter(both, id).state.value for id in kept} == {"sending"}
        assert Presence(tmp_path).gone() == []
        later = AT + timedelta(minutes=30)
        assert deaths.take_back(both, Presence(tmp_path), at=later)["sent_again"] == 1
    finally:
        living.kill()
        living.wait()


def test_on_another_machine_a_resident_dispatcher_does_it_when_the_lease_ends(
    both: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "TEND_SECONDS", 0.1)
    owe(both, 4)
    claim(both, "elsewhere", 4, dots=1)
    with both.transaction() as session:
        session.execute(update(MailAttempt).values(begun_at=AT - timedelta(minutes=31)))
    with Sink() as sink:
        with running(dispatcher(both, sink, now=lambda: AT + timedelta(minutes=2))):
            time.sleep(0.5)
            assert states(both) == {"sending": 4}, "a lease that runs is respected"
            end_leases(both)
            sink.wait_for_letters(4)
        assert states(both) == {"accepted": 4}, "in doubt since its dot, half an hour before"
        assert_sound(both, sink)


def test_a_code_of_which_nobody_knows_is_explained_at_once_and_never_sent_again(both: Database) -> None:
    (owed,) = owe(both, 1)
    claim(both, "elsewhere", 1, dots=1)
    with both.transaction() as session:
        session.execute(update(Letter).values(kind="step_code"))
    end_leases(both)
    deaths.take_back(both, None, at=AT)
    found = letter(both, owed)
    assert (found.state, found.ended_at) == (LetterState.AMBIGUOUS, AT)


def test_nothing_overdue_writes_nothing(db: Database) -> None:
    owe(db, 2)
    claim(db, "elsewhere", 1)
    with db.transaction():  # whoever wrote would wait for this for a minute
        began = time.monotonic()
        assert not any(deaths.take_back(db, None, at=AT).values())
        assert time.monotonic() - began < 5


def test_a_resident_dispatcher_logs_its_start_its_end_and_when_the_relay_is_down(
    both: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="actions.mail.dispatcher")
    owe(both, 3)
    with Sink() as sink:
        port = sink.port
    with running(Dispatcher(both, dispatcher(both, sink).post, tuple(Lane), lambda: AT, 2)):
        until = time.monotonic() + 10
        while not any("takes nothing" in one for one in caplog.messages) and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.5)
        with Sink(port=port) as back:
            back.wait_for_letters(3, seconds=30)
            time.sleep(0.3)
    said = [one.split(":")[0] for one in caplog.messages]
    assert "begins" in said[0]
    assert len([one for one in said if "takes nothing" in one]) == 1, "once, not with every try"
    assert any("takes letters again" in one for one in said)
    assert "ends" in said[-1]
    assert "3 accepted" in caplog.messages[-1]
    assert "@kota.example" not in caplog.text
