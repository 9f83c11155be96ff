"""Two claims of one letter: a lease that was lost, or a crash that undid a claim. Each keeps to what is its own."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from actions.mail import dispatcher as dispatch
from actions.mail import journal as mail_journal
from actions.mail import limits, outbox
from actions.mail.envelopes import Envelope
from actions.mail.journal import Journal
from actions.mail.outbox import Claimed
from database import Database
from models import Letter, MailAttempt
from rules.mail.smtp_outcomes import classify
from rules.terms import Lane, LetterState, SmtpPhase
from simulation.sink import Sink
from tests.mail.posting import AT, dispatcher, due_again, letter, lose_leases, owe, states

REFUSED = outbox.Settled(LetterState.DEFERRED, SmtpPhase.RCPT, 450, "4.2.0 later", charge=True)
ACCEPTED = outbox.Settled(LetterState.ACCEPTED, SmtpPhase.DONE, 250, "2.0.0 ok")
GONE = OperationalError("x", None, Exception("gone"))


def claim(db: Database, owner: str) -> list[Claimed]:
    with db.transaction() as session:
        return outbox.claim(session, owner, list(Lane), 10, at=AT)


def undo_claims(db: Database) -> None:
    """What a crash of the server does to claims that had not reached the disk."""
    with db.transaction() as session:
        undone = update(Letter).values(
            state=LetterState.QUEUED, lease_owner=None, lease_until=None, attempts=Letter.attempts - 1
        )
        session.execute(undone)


def at_dot(db: Database, one: Claimed, content: str) -> bool:
    with db.transaction() as session:
        return outbox.mark_dots(session, [one], at=AT, contents={one.fence: content}) == {one.fence}


def end(db: Database, one: Claimed, how: outbox.Settled) -> bool:
    with db.transaction() as session:
        return outbox.settle(session, one, how, at=AT)


def attempts(db: Database) -> dict[str, tuple[int, SmtpPhase | None, LetterState | None]]:
    with db.reading() as session:
        return {one.owner: (one.number, one.phase, one.outcome) for one in session.scalars(select(MailAttempt))}


def undone_and_claimed_again(db: Database) -> tuple[Claimed, Claimed]:
    owe(db, 1)
    (first,) = claim(db, "first")
    undo_claims(db)
    (second,) = claim(db, "second")
    assert first.attempt == second.attempt
    return first, second


def lost_and_claimed_again(db: Database) -> tuple[Claimed, Claimed]:
    owe(db, 1)
    (stale,) = claim(db, "one/1")
    lose_leases(db)
    due_again(db)
    (live,) = claim(db, "one/2")
    return stale, live


def test_whose_claim_was_undone_hides_nothing_that_the_next_one_did(both: Database) -> None:
    first, second = undone_and_claimed_again(both)
    assert at_dot(both, second, "b" * 64)
    assert end(both, second, ACCEPTED)
    assert not end(both, first, REFUSED)
    assert states(both) == {"accepted": 1}
    assert attempts(both) == {
        "second": (1, SmtpPhase.DONE, LetterState.ACCEPTED), "first": (1, SmtpPhase.RCPT, LetterState.DEFERRED)
    }  # fmt: skip


@pytest.mark.parametrize("first_ends", ["before", "after"])
def test_a_death_at_the_dot_leaves_a_doubt_whatever_an_undone_claim_says(both: Database, first_ends: str) -> None:
    first, second = undone_and_claimed_again(both)
    if first_ends == "before":
        end(both, first, REFUSED)
    assert at_dot(both, second, "b" * 64)
    if first_ends == "after":
        end(both, first, REFUSED)
    assert lose_leases(both) == {"requeued": 0, "ambiguous": 1}
    assert letter(both, second.id).content_sha256 == "b" * 64


def test_what_another_owner_has_at_its_dot_stays_when_a_claim_is_given_back(both: Database) -> None:
    first, second = undone_and_claimed_again(both)
    with both.transaction() as session:
        session.add(MailAttempt(letter_id=first.id, number=1, owner="first", begun_at=AT, phase=SmtpPhase.DOT))
        session.flush()
        assert outbox.give_back(session, [second]) == 1
    assert attempts(both) == {"first": (1, SmtpPhase.DOT, None)}


def with_journal(db: Database, do: Callable[[Journal], Awaitable[Any]], now: Callable[[], Any] = lambda: AT) -> Any:
    async def main() -> Any:
        journal = Journal(db, now, Counter(), 2)
        writer = asyncio.create_task(journal.run())
        try:
            return await do(journal), journal.counts
        finally:
            journal.close()
            await writer

    return asyncio.run(main())


def ready(one: Claimed) -> Envelope:
    return Envelope(one, "b@bounce.example", b"x\r\n", 0.0)


def test_of_two_dots_of_a_letter_in_one_commit_only_the_one_that_holds_it_goes_out(both: Database) -> None:
    stale, live = lost_and_claimed_again(both)

    async def do(journal: Journal) -> list[bool]:
        return await asyncio.gather(journal.at_dot(ready(stale)), journal.at_dot(ready(live)))

    assert with_journal(both, do)[0] == [False, True]


def test_of_two_ends_of_a_letter_in_one_commit_the_one_that_holds_it_counts(both: Database) -> None:
    stale, live = lost_and_claimed_again(both)
    with both.transaction() as session:
        ended = outbox.settle_all(session, [(live, ACCEPTED), (stale, REFUSED)], at=AT)
    assert ended == [True, False]
    assert states(both) == {"accepted": 1}


def test_a_dot_that_was_allowed_is_not_taken_back_when_slowing_down_fails(
    both: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    owe(both, 2)
    with both.transaction() as session:
        session.execute(update(Letter).values(not_after=AT + timedelta(seconds=10)))
    sent, refused = claim(both, "me")
    real, now, calls = limits.slow_down, [AT], []

    def slow_down(*args: Any, **more: Any) -> None:
        calls.append(1)
        if len(calls) == 1:
            now[0] = AT + timedelta(seconds=11)  # its time passes while the database is away
            raise GONE
        real(*args, **more)

    monkeypatch.setattr(limits, "slow_down", slow_down)
    outcome = classify(SmtpPhase.MAIL, 454, "4.7.0 too many")
    assert outcome.slow_down

    async def do(journal: Journal) -> bool:
        journal.ended(refused, outbox.Settled(LetterState.DEFERRED, SmtpPhase.MAIL, 454, "4.7.0"), outcome)
        allowed = await journal.at_dot(ready(sent))
        while len(calls) < 2:
            await asyncio.sleep(0.01)
        journal.ended(sent, ACCEPTED)
        return allowed

    allowed, counts = with_journal(both, do, lambda: now[0])
    assert allowed
    assert counts == {"accepted": 1, "deferred": 1}
    assert letter(both, sent.id).state is LetterState.ACCEPTED


def test_nobody_waits_for_a_journal_that_gave_up(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_journal, "PATIENCE", 0.5)

    tried = threading.Event()

    def broken(*_args: Any, **_more: Any) -> None:
        tried.set()
        raise GONE

    monkeypatch.setattr(outbox, "mark_dots", broken)
    owe(db, 1)
    (one,) = claim(db, "me")

    async def main() -> list[bool]:
        journal = Journal(db, lambda: AT, Counter(), 1)
        writer = asyncio.create_task(journal.run())
        asked = [journal.at_dot(ready(one))]
        await asyncio.to_thread(tried.wait)
        asked += [journal.at_dot(ready(one)), journal.flush()]  # while the first is tried
        with pytest.raises(OperationalError):
            await writer
        asked += [journal.at_dot(ready(one)), journal.flush()]
        return await asyncio.wait_for(asyncio.gather(*asked), 5)

    assert asyncio.run(main()) == [False] * 5


def test_a_dispatcher_whose_journal_gave_up_ends_although_letters_wait(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_journal, "PATIENCE", 0.3)
    owe(db, 6, wave="a")
    times = []

    def broken(*_args: Any, **_more: Any) -> None:
        raise GONE

    async def send(_self: Any, *_args: Any, before_dot: Callable[[], Awaitable[bool]], **_more: Any) -> None:
        times.append(1)
        if len(times) == 1:
            await before_dot()
        await asyncio.sleep(60)

    monkeypatch.setattr(outbox, "mark_dots", broken)
    monkeypatch.setattr(dispatch.Connection, "send", send)
    began = time.monotonic()
    with Sink() as sink, pytest.raises(OperationalError):
        asyncio.run(asyncio.wait_for(dispatcher(db, sink, lanes=(Lane.DIGEST,)).drain(1000), 20))
    assert time.monotonic() - began < 15
