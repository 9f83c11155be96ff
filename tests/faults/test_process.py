"""F1 to F11: dispatchers that are killed, told to end, starved, blocked or put to sleep, at every point of a letter."""

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from actions.mail import dispatcher as dispatch
from actions.mail import outbox, waves
from actions.mail.journal import Journal
from database import Database
from models import Letter
from rules.terms import Lane, LetterState
from simulation.sink import Do, Sink
from tests.faults.held import Hold
from tests.faults.runner import KILLED, PATIENCE, Orders, Process, run
from tests.mail.posting import AT, assert_sound, dispatcher, due_again, letter, lose_leases, owe, send, states
from tests.mail.test_dispatch import running

ONE_LANE = (Lane.DIGEST,)
HALF_AN_HOUR = AT + timedelta(minutes=31)
"""When a letter in doubt is sent once more."""
MANY = 12


def wait_until(what: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < until, "in vain"
        time.sleep(0.01)


def count_in(db: Database, state: LetterState) -> int:
    return states(db).get(state.value, 0)


def let_the_others_go_out(db: Database, sink: Sink) -> Counter[str]:
    """End the leases of the dead, and send what they left as well as what is in doubt; what the reaper did."""
    reaped = Counter(lose_leases(db))
    until = time.monotonic() + PATIENCE
    while states(db) != {"accepted": MANY}:  # a killed client's locks live until its server notices
        with db.transaction() as session:
            outbox.resolve_ambiguous(session, at=HALF_AN_HOUR)
        due_again(db)
        send(db, sink, lanes=ONE_LANE, now=lambda: HALF_AN_HOUR)
        assert time.monotonic() < until, states(db)
        reaped.update(lose_leases(db))
    return reaped


@pytest.mark.parametrize(
    ("point", "passed", "doubts"),
    [
        pytest.param("claiming", 0, {0}, id="f1-before-the-claim-commits"),
        pytest.param("claimed", 0, {0}, id="f2-after-the-claim"),
        pytest.param("connecting", 0, {0}, id="f2-before-it-connects"),
        pytest.param("rcpt", 0, {0}, id="f3-after-mail"),
        pytest.param("data", 0, {0}, id="f3-after-rcpt"),
        pytest.param("half", 0, {0}, id="f4-in-the-middle-of-the-body"),
        pytest.param("dot", 4, {1}, id="f5-between-the-dot-and-its-reply"),
        pytest.param("answered", 4, {1}, id="f6-between-the-reply-and-the-database"),
        pytest.param("settling", 4, {1}, id="f6-before-the-reply-is-committed"),
        pytest.param("settled", 0, {0, 1}, id="f7-after-the-reply-is-committed"),
    ],
)
def test_f1_to_f7_killed_at_any_point_nothing_is_lost_and_only_a_letter_past_its_dot_is_sent_again(
    both: Database, point: str, passed: int, doubts: set[int]
) -> None:
    """At f7 the dot of the next letter may be on record in the same commit."""
    owe(both, MANY, wave="a")
    with Sink() as sink:
        assert run(Orders(both.url, sink.port, die=point, after=passed)) == KILLED
        out, held = count_in(both, LetterState.ACCEPTED), count_in(both, LetterState.SENDING)
        assert out >= (1 if point == "settled" else passed - 1)
        assert held == 0 if point == "claiming" else 1 <= held <= dispatch.AHEAD + 2, "waiting, under way, answered"
        assert out <= len(sink.letters) <= out + 1
        doubled = len(sink.letters) - out
        reaped = let_the_others_go_out(both, sink)
        assert reaped["ambiguous"] in doubts
        assert reaped.total() == held
        assert len(sink.letters) == MANY + doubled
        with both.reading() as session:
            wave = waves.seen(session, waves.find(session, "a"))
        assert (wave.states, wave.waiting) == ({"accepted": MANY}, 0), "it is counted from the letters themselves"
        assert_sound(both, sink, everything_out=True)


def test_f5_a_letter_whose_dot_the_server_lost_with_the_dead_process_is_not_lost(both: Database) -> None:
    owe(both, MANY)
    with Sink() as sink:
        sink.on("DOT", Do(drop=True), after=4, times=1)
        assert run(Orders(both.url, sink.port, die="dot", after=4)) == KILLED
        assert let_the_others_go_out(both, sink)["ambiguous"] == 1
        assert len(sink.letters) == MANY
        assert_sound(both, sink, everything_out=True)


def test_f8_told_to_end_a_process_finishes_what_is_under_way_and_gives_the_rest_back(both: Database) -> None:
    owe(both, MANY, wave="a")
    go = threading.Event()
    with Sink() as sink:
        sink.on("DOT", Do(hold=go))
        process = Process(Orders(both.url, sink.port, resident=True, connections=2))
        sink.wait_for("DOT", 2, seconds=PATIENCE)
        process.say(signal.SIGTERM)
        wait_until(lambda: count_in(both, LetterState.SENDING) == 2)
        go.set()
        assert process.end() == 0
        assert states(both) == {"accepted": 2, "queued": MANY - 2}
        assert send(both, sink) == {"accepted": MANY - 2}
        assert len(sink.letters) == MANY
        assert_sound(both, sink, everything_out=True)


def test_f8_told_twice_it_breaks_off_and_says_what_is_in_doubt(both: Database) -> None:
    owe(both, MANY, wave="a")
    with Sink() as sink:
        sink.on("DOT", Do(silent=True), times=2)
        process = Process(Orders(both.url, sink.port, resident=True, connections=2))
        sink.wait_for("DOT", 2, seconds=PATIENCE)
        process.say(signal.SIGTERM)
        wait_until(lambda: count_in(both, LetterState.SENDING) == 2)
        process.say(signal.SIGTERM)
        assert process.end() == 0
        assert states(both) == {"ambiguous": 2, "queued": MANY - 2}, "without waiting for a lease to end"
        let_the_others_go_out(both, sink)
        assert len(sink.letters) == MANY + 2
        assert_sound(both, sink, everything_out=True)


def test_f9_a_letter_that_kills_whoever_writes_it_keeps_none_of_its_neighbours(both: Database) -> None:
    """Killed as for want of memory: whatever was claimed with it dies with it, but not for ever."""
    poison = letter(both, owe(both, MANY)[4]).address
    now, deaths = AT, 0
    with Sink() as sink:
        while count_in(both, LetterState.ACCEPTED) < MANY - 1:
            orders = Orders(both.url, sink.port, at=now, die="writing", to=poison, connections=3)
            deaths += run(orders) == KILLED
            end_leases(both)
            with both.transaction() as session:
                outbox.reap(session, at=now)
                due = session.scalars(select(func.min(Letter.next_at)).filter_by(state=LetterState.QUEUED)).one()
            now = max(now, due + timedelta(minutes=1))
            assert deaths < 6, f"{states(both)}: its neighbours never leave"
        assert deaths >= 3
        assert_sound(both, sink)
        assert run(Orders(both.url, sink.port, at=now + timedelta(hours=9))) == 0
        assert_sound(both, sink, everything_out=True)
        assert len(sink.letters) == MANY


def end_leases(db: Database) -> None:
    with db.transaction() as session:
        past = outbox.database_now(session) - timedelta(seconds=1)
        session.execute(update(Letter).where(Letter.state == LetterState.SENDING).values(lease_until=past))


def blocked(monkeypatch: pytest.MonkeyPatch, of: type, name: str) -> tuple[threading.Event, threading.Event]:
    """The first time that this is called nothing else of the event loop runs either: (when it stands, let it go)."""
    stands, go, real = threading.Event(), threading.Event(), getattr(of, name)

    def block(self, *args, **more):
        if not stands.is_set():
            stands.set()
            assert go.wait(PATIENCE)
        return real(self, *args, **more)

    monkeypatch.setattr(of, name, block)
    return stands, go


@pytest.mark.parametrize(("of", "name", "past_dot"), [(Journal, "at_dot", False), (Journal, "ended", True)])
def test_f10_whoever_was_blocked_for_longer_than_its_lease_writes_and_sends_nothing_late(
    both: Database, monkeypatch: pytest.MonkeyPatch, of: type, name: str, past_dot: bool
) -> None:
    owe(both, 6)
    stands, go = blocked(monkeypatch, of, name)
    with Sink() as sink:
        late = dispatcher(both, sink, connections=1, lanes=ONE_LANE, owner="late")
        with running(late, resident=False):
            assert stands.wait(PATIENCE)
            assert lose_leases(both) == {"requeued": 2 if past_dot else 3, "ambiguous": 1 if past_dot else 0}
            others = send(both, sink, lanes=ONE_LANE)
            assert others == {"accepted": 5 if past_dot else 6}
            before = len(sink.letters)
            go.set()
        assert len(sink.letters) == before, "the late one sends nothing any more"
        assert late.counts["lease_lost"] >= 1
        assert late.counts["accepted"] == 0
        with both.transaction() as session:
            assert outbox.resolve_ambiguous(session, at=HALF_AN_HOUR) == 0, "its word of the reply is kept"
        assert_sound(both, sink, everything_out=True)


def stopped(process: Process) -> bool:
    return Path(f"/proc/{process.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"


@pytest.mark.parametrize("phase", ["DATA", "DOT"])
def test_f11_whoever_slept_for_longer_than_its_lease_wakes_up_and_doubles_nothing(both: Database, phase: str) -> None:
    owe(both, 6)
    doubtful, go = phase == "DOT", threading.Event()
    with Sink() as sink:
        sink.on(phase, Do(hold=go), times=1)
        process = Process(Orders(both.url, sink.port))
        sink.wait_for(phase, seconds=PATIENCE)
        process.say(signal.SIGSTOP)
        wait_until(lambda: stopped(process))
        assert lose_leases(both) == {"requeued": 3 - doubtful, "ambiguous": int(doubtful)}
        assert send(both, sink, lanes=ONE_LANE) == {"accepted": 6 - doubtful}
        process.say(signal.SIGCONT)
        go.set()
        assert process.end() == 0
        with both.transaction() as session:
            assert outbox.resolve_ambiguous(session, at=HALF_AN_HOUR) == 0, "it heard the reply, and said so"
        assert sum(sink.copies().values()) == len(sink.copies()) == 6
        assert_sound(both, sink, everything_out=True)


def test_f11_a_letter_is_not_sent_after_its_time_by_a_machine_that_slept_with_it(
    both: Database, sink: Sink, hold: Hold
) -> None:
    """While a machine sleeps its monotonic clock stands still; only the clock on the wall has moved when it wakes."""
    owe(both, 6)
    with both.transaction() as session:
        session.execute(update(Letter).values(not_after=AT + timedelta(hours=1)))
    slept = timedelta(0)
    with hold.at("DATA", lambda: AT + slept, seconds=3 * 86400):
        slept = timedelta(days=3)
    assert not sink.letters
    assert states(both) == {"expired": 6}
    assert_sound(both, sink)
