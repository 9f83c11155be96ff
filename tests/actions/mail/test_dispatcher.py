"""The dispatcher against a real SMTP server and real databases."""

import socket
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from actions.mail import dispatcher, letters, outbox
from actions.mail.envelopes import Post
from database import Database
from models import Agency, Letter, MailAttempt, Person
from notifications.letter import Mailbox as Address
from notifications.relay import Relay
from notifications.samples import samples
from rules.terms import AddressState, Lane, LetterState, Locale
from simulation.mailbox import Mailbox, serve

AT = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
MASTER = b"0123456789abcdef0123456789abcdef"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box, port = Mailbox(), free_port()
    server = serve(box, port)
    yield box, port
    server.stop()


def post_to(port: int) -> Post:
    return Post(
        Relay.parse(f"smtp://127.0.0.1:{port}"), Address("Kinerja", "kinerja@appraisal.example"), None,
        "bounce.appraisal.example", "http://127.0.0.1:8080", MASTER,
    )  # fmt: skip


def owe(db: Database, count: int) -> None:
    with db.transaction() as session:
        agency = Agency(code="kota", name="Kota", zone="Asia/Jakarta", indicators="{}")
        session.add(agency)
        session.flush()
        people = [
            Person(agency_id=agency.id, nip=f"{n:018d}", name=f"Pegawai {n}", email=f"p{n}@kota.example",
                   active_from=date(2020, 1, 1))
            for n in range(count)
        ]  # fmt: skip
        session.add_all(people)
        session.flush()
        facts = samples("launch_certificate", Locale.ID)[0]
        owed = [letters.owed_to(p, "launch_certificate", f"launch_certificate:{p.id}:test", facts) for p in people]
        assert letters.queue(session, owed, at=AT) == count
        assert letters.queue(session, owed, at=AT) == 0


def send(db: Database, port: int, limit: int = 1000) -> dict[str, int]:
    import asyncio

    async def run() -> dict[str, int]:
        return dict(await dispatcher.Dispatcher(db, post_to(port), list(Lane), lambda: AT, connections=3).drain(limit))

    return asyncio.run(run())


def test_every_letter_arrives_once_and_its_reply_is_recorded(both: Database, mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    owe(both, 60)
    assert send(both, port) == {"accepted": 60}
    assert send(both, port) == {}
    assert len(box.letters) == len({letter.to for letter in box.letters}) == 60
    with both.reading() as session:
        assert session.scalar(select(func.count()).select_from(Letter).filter_by(state=LetterState.ACCEPTED)) == 60
        attempts = session.scalars(select(MailAttempt)).all()
        assert [a.outcome for a in attempts] == [LetterState.ACCEPTED] * 60
        found = letters.certificate(session)
        assert found.clean
        assert (found.owed, found.missing, found.doubled) == (60, 0, 0)


def test_a_dead_address_is_told_to_hr_and_its_neighbours_go_out(db: Database, mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    owe(db, 10)
    box.refused.add("p4@kota.example")
    assert send(db, port) == {"accepted": 9, "failed_perm": 1}
    with db.reading() as session:
        person = session.scalars(select(Person).filter_by(email="p4@kota.example")).one()
        assert person.email_state is AddressState.HARD


def test_a_letter_that_cannot_be_written_is_held_and_harms_no_other(db: Database, mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    owe(db, 5)
    with db.transaction() as session:
        session.scalars(select(Letter).limit(1)).one().facts = {"name": "nobody"}
    assert send(db, port) == {"accepted": 4, "held": 1}
    assert len(box.letters) == 4


def test_a_relay_that_is_down_loses_and_charges_nothing(db: Database, mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    owe(db, 8)
    counts = send(db, free_port())
    assert set(counts) == {"queued"}
    with db.reading() as session:
        assert all(
            letter.state is LetterState.QUEUED and letter.charged == 0 for letter in session.scalars(select(Letter))
        )
    with db.transaction() as session:
        for letter in session.scalars(select(Letter)):
            letter.next_at = AT
    assert send(db, port) == {"accepted": 8}
    assert len(box.letters) == 8


def test_a_pause_stops_delivery(db: Database, mailbox: tuple[Mailbox, int]) -> None:
    _, port = mailbox
    owe(db, 3)
    with db.transaction() as session:
        outbox.pause(session, "restored from backup", at=AT)
    assert send(db, port) == {}
    with db.transaction() as session:
        outbox.resume(session)
    assert send(db, port) == {"accepted": 3}


def test_an_expired_lease_is_ambiguous_and_sent_again_once_the_same(db: Database, mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    owe(db, 2)
    with db.transaction() as session:
        claimed = outbox.claim(session, "dead", list(Lane), 1, at=AT, lease=timedelta(seconds=-1))
        assert outbox.mark_dots(session, claimed, at=AT) == {claimed[0].fence}
    with db.transaction() as session:
        assert outbox.reap(session, at=AT) == {"requeued": 0, "ambiguous": 1}
        assert outbox.resolve_ambiguous(session, at=AT + timedelta(minutes=5)) == 0
        assert outbox.resolve_ambiguous(session, at=AT + timedelta(minutes=31)) == 1
    with db.transaction() as session:
        for letter in session.scalars(select(Letter)):
            letter.next_at = AT
    assert send(db, port) == {"accepted": 2}
    assert len(box.letters) == 2
    with db.transaction() as session:
        late = outbox.Settled(LetterState.FAILED_PERM, outbox.SmtpPhase.DOT)
        assert not outbox.settle(session, claimed[0], late, at=AT), "the fence lets no late write through"
