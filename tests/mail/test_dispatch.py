"""The dispatcher against a mail server that misbehaves, on both databases."""

import asyncio
import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from actions.mail import dispatcher as dispatch
from actions.mail import journal, outbox
from database import Database
from models import Letter, MailAttempt
from notifications.smtp import Connection
from rules.mail.smtp_outcomes import MOST_BUGS
from rules.terms import Lane, SmtpPhase
from simulation.sink import Do, Sink
from tests.mail.posting import (
    AT,
    assert_sound,
    dispatcher,
    due_again,
    letter,
    owe,
    send,
    states,
)  # fmt: skip


@contextmanager
def running(one: dispatch.Dispatcher, *, resident: bool = True):
    """The dispatcher in a thread, told to stop at the end."""
    loops: list[asyncio.AbstractEventLoop] = []

    async def main() -> None:
        loops.append(asyncio.get_running_loop())
        await (one.reside() if resident else one.drain(100_000))

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    try:
        yield
    finally:
        loops[0].call_soon_threadsafe(one.stop)
        thread.join(20)
    assert not thread.is_alive()


def test_nothing_is_on_record_of_a_letter_before_its_dot_and_its_dot_before_it_goes_out(both: Database) -> None:
    (owed,) = owe(both, 1)
    at_body, at_dot = threading.Event(), threading.Event()
    with Sink() as sink:
        sink.on("DATA", Do(hold=at_body))
        sink.on("DOT", Do(hold=at_dot))
        with running(dispatcher(both, sink, connections=1)):

            def attempt() -> MailAttempt | None:
                with both.reading() as session:
                    return session.scalar(select(MailAttempt).filter_by(letter_id=owed))

            sink.wait_for("DATA")
            assert attempt() is None
            at_body.set()
            sink.wait_for("DOT")
            seen = attempt()
            assert seen is not None
            assert (seen.phase, seen.outcome) == (SmtpPhase.DOT, None)
            assert seen.content_sha256
            at_dot.set()
            sink.wait_for_letters(1)
    assert states(both) == {"accepted": 1}
    assert_sound(both, sink)


def test_a_lease_lost_before_the_dot_sends_no_dot(both: Database) -> None:
    owe(both, 1)
    go = threading.Event()
    with Sink() as sink:
        sink.on("DATA", Do(hold=go), times=1)
        with running(dispatcher(both, sink, connections=1, lanes=(Lane.DIGEST,))):
            sink.wait_for("DATA")
            with both.transaction() as session:  # in one, or the dispatcher might claim it anew in between
                session.execute(update(Letter).values(lease_until=outbox.database_now(session) - timedelta(seconds=1)))
                assert outbox.reap(session, at=AT) == {"requeued": 1, "ambiguous": 0}
                (other,) = outbox.claim(session, "other", list(Lane), 1, at=AT)
            go.set()
            time.sleep(0.5)
            assert sink.reached["DOT"] == 0
        assert not sink.letters
    assert letter(both, other.id).lease_owner == "other"


def test_a_copy_that_would_differ_is_not_sent(db: Database) -> None:
    (owed,) = owe(db, 1)
    with db.transaction() as session:
        session.execute(update(Letter).values(ambiguities=1, content_sha256="0" * 64, first_tried_at=AT))
    with Sink() as sink:
        assert send(db, sink) == {"held": 1}
        assert not sink.letters
    assert "may have arrived" in letter(db, owed).reply


def test_a_letter_that_fails_for_our_own_bug_is_held_after_five_tries(
    both: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, *_ = owe(both, 4)
    address = letter(both, bad).address
    real = Connection._send

    async def broken(self: Connection, sender: bytes, to: bytes, *rest):
        if to.decode() == address:
            raise KeyError("a bug of ours")
        return await real(self, sender, to, *rest)

    monkeypatch.setattr(Connection, "_send", broken)
    with Sink() as sink:
        for _ in range(MOST_BUGS + 1):
            send(both, sink)
            due_again(both)
        assert states(both) == {"accepted": 3, "held": 1}
        assert letter(both, bad).bugs == MOST_BUGS
        assert_sound(both, sink)


@pytest.mark.parametrize(
    "address", ["a\0@kota.example", "two@kota.example, three@kota.example", "sití@kota.example", ""]
)
def test_an_odd_address_harms_no_neighbour(db: Database, address: str) -> None:
    from models import Person

    bad, *_ = owe(db, 5)
    with db.transaction() as session:
        session.execute(update(Person).where(Person.id == letter(db, bad).person_id).values(email=address))
    with Sink() as sink:
        assert send(db, sink, connections=1) == {"accepted": 4, "held": 1}
        assert all(one.to.startswith("p") for one in sink.letters)
        assert_sound(db, sink)


def test_what_a_server_said_is_kept_while_the_database_is_away(both: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    owe(both, 20)
    real, failures = outbox.settle_all, iter(range(4))

    def failing(*args, **more):
        if next(failures, None) is not None:
            raise OperationalError("UPDATE", {}, RuntimeError("server closed the connection"))
        return real(*args, **more)

    monkeypatch.setattr(journal.outbox, "settle_all", failing)
    with Sink() as sink:
        assert send(both, sink) == {"accepted": 20}
        assert_sound(both, sink)


def test_claims_are_tried_again_and_in_the_end_it_says_so(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    owe(db, 3)

    def failing(*_args, **_more):
        raise OperationalError("UPDATE", {}, RuntimeError("away"))

    monkeypatch.setattr(dispatch, "DATABASE_TRIES", 2)
    with Sink() as sink:
        with monkeypatch.context() as patch:
            patch.setattr(outbox, "take_due", failing)
            with pytest.raises(OperationalError):
                send(db, sink)
        assert send(db, sink) == {"accepted": 3}


def test_told_to_stop_it_finishes_what_is_under_way_and_gives_the_rest_back(both: Database) -> None:
    owe(both, 30)
    go = threading.Event()
    with Sink() as sink:
        sink.on("DOT", Do(hold=go))
        one = dispatcher(both, sink, connections=2, lanes=(Lane.DIGEST,))
        with running(one):
            sink.wait_for("DOT", 2)
            threading.Timer(0.3, go.set).start()
        assert states(both) == {"accepted": 2, "queued": 28}
        assert one.counts["given_back"] == dispatch.AHEAD * 2 - 2
        assert_sound(both, sink)


def test_told_twice_it_breaks_off_and_what_was_past_its_dot_is_in_doubt(db: Database) -> None:
    owe(db, 10)
    with Sink() as sink:
        sink.on("DOT", Do(silent=True))
        one = dispatcher(db, sink, connections=2, lanes=(Lane.DIGEST,))
        with running(one):
            sink.wait_for("DOT", 2)
            one.stopping.set()
        assert states(db) == {"ambiguous": 2, "queued": 8}
        assert_sound(db, sink)


def test_a_letter_that_waited_long_for_a_connection_is_looked_at_afresh(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    owe(db, 5)
    with db.transaction() as session:
        session.execute(update(Letter).values(not_after=AT + timedelta(minutes=1)))
    monkeypatch.setattr(dispatch, "STALE_SECONDS", -1.0)
    times = iter([AT] * 3)
    with Sink() as sink:
        counts = send(db, sink, connections=1, lanes=(Lane.DIGEST,), now=lambda: next(times, AT + timedelta(hours=1)))
        assert not sink.letters
    assert states(db) == {"expired": 5}
    assert counts == {}
