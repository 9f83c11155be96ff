"""A dispatcher that is killed in the middle of a wave: nobody goes without a letter, hardly anybody gets it twice."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from email import message_from_bytes

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import select, update

import clock
from actions.mail import outbox
from actions.stages import steps
from cli.machine.processes import free_port
from database import Database
from models import Letter, MailAttempt
from rules.terms import LetterState, SmtpPhase, StageKind, Step
from simulation.mailbox import Mailbox, serve
from tests.accidents.world import (
    PATIENCE,
    Process,
    catch_up,
    certificate_of,
    check_whole,
    count_letters,
    differences,
    environment,
    morning,
    ref,
    run,
    run_at_once,
)

OPENS = morning(date(2026, 1, 2))
CONNECTIONS = 5
"""Of a dispatcher; so many letters can be past their dot when it dies."""
SENT, LOST = 10, 2


@dataclass
class Stalling(Mailbox):
    """Answers SENT letters; of those after them it loses LOST and keeps the rest, and answers none."""

    stalls: bool = True
    silent: int = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if not self.stalls or len(self.letters) < SENT:
            return await super().handle_DATA(server, session, envelope)
        self.silent += 1
        if self.silent > LOST:
            await super().handle_DATA(server, session, envelope)
        await asyncio.sleep(PATIENCE)
        return "451 4.3.0 nobody waits for this any more"

    def copies(self) -> dict[str, list[bytes]]:
        """Message-ID -> every copy that was kept, to the last byte."""
        found: dict[str, list[bytes]] = defaultdict(list)
        for letter in self.letters:
            found[message_from_bytes(letter.content)["Message-ID"]].append(letter.content)
        return found


@pytest.fixture
def mailbox() -> Iterator[tuple[Stalling, int]]:
    box, port = Stalling(), free_port()
    server = serve(box, port)
    yield box, port
    server.stop()


@pytest.fixture
def opened(world: Database) -> Database:
    clock.move_to(OPENS)
    steps.run(world.transaction, ref(StageKind.TARGET_SETTING, Step.OPEN), at=OPENS)
    return world


def wait_for(box: Stalling, silent: int) -> None:
    until = time.monotonic() + PATIENCE
    while box.silent < silent:
        assert time.monotonic() < until, f"{len(box.letters)} letters, {box.silent} without an answer"
        time.sleep(0.01)


def let_the_lease_end(db: Database) -> None:
    """As if the time of a lease had passed by the database's clock."""
    with db.transaction() as session:
        held = update(Letter).where(Letter.state == LetterState.SENDING)
        session.execute(held.values(lease_until=outbox.database_now(session) - timedelta(seconds=1)))


def test_a_dispatcher_killed_in_the_middle_of_a_wave_loses_nothing_and_doubles_no_more_than_its_connections_held(
    opened: Database, reference: Database, mailbox: tuple[Stalling, int]
) -> None:
    box, port = mailbox
    catch_up(reference, OPENS)
    env = environment(opened, port)
    dispatcher = Process(env, "deliver").go()
    wait_for(box, CONNECTIONS)
    dispatcher.kill()
    box.stalls = False
    owed = certificate_of(opened).owed
    assert count_letters(opened, LetterState.ACCEPTED) == SENT
    held = count_letters(opened, LetterState.SENDING)
    assert held >= CONNECTIONS

    assert run(env, "deliver") == {"accepted": owed - SENT - held}, "another goes on at once with what nobody holds"
    with opened.transaction() as session:
        assert outbox.reap(session, at=OPENS) == {"requeued": 0, "ambiguous": 0}, "a lease that runs is respected"
    let_the_lease_end(opened)
    with opened.transaction() as session:
        reaped = outbox.reap(session, at=OPENS)
        assert reaped == {"requeued": held - CONNECTIONS, "ambiguous": CONNECTIONS}
        assert outbox.resolve_ambiguous(session, at=OPENS + timedelta(minutes=29)) == 0
    assert not certificate_of(opened).clean, "some are still to be sent again"

    clock.move_to(OPENS + timedelta(minutes=31))
    with opened.transaction() as session:
        assert outbox.resolve_ambiguous(session, at=clock.now()) == CONNECTIONS
    assert run(env, "deliver") == {"accepted": held}

    copies = box.copies()
    assert len(copies) == owed, "nobody goes without"
    assert sum(len(each) - 1 for each in copies.values()) == CONNECTIONS - LOST
    assert all(len(set(each)) == 1 for each in copies.values()), "a copy is the same to the last byte"
    certificate = check_whole(opened)
    assert (certificate.states, certificate.doubled) == ({"accepted": owed}, 0)
    assert certificate.repeated == CONNECTIONS, "it tells of copies that may be out, those that were lost included"
    assert differences(opened, reference) == {}
    with opened.reading() as session:
        doubtful = session.scalars(select(MailAttempt).filter_by(outcome=LetterState.AMBIGUOUS)).all()
        assert {attempt.phase for attempt in doubtful} == {SmtpPhase.DOT}


def test_two_dispatchers_at_once_send_each_letter_once(opened: Database, mailbox: tuple[Stalling, int]) -> None:
    box, port = mailbox
    box.stalls = False
    sent = run_at_once(environment(opened, port), "deliver")
    certificate = check_whole(opened)
    assert sum(one.get("accepted", 0) for one in sent) == certificate.owed == len(box.letters) == len(box.copies())
    assert certificate.repeated == 0
