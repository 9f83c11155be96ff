"""Letters to send, a dispatcher to send them with, and what must hold after anything that went wrong."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update

from actions.mail import letters, outbox
from actions.mail.dispatcher import Dispatcher
from actions.mail.envelopes import Post
from actions.mail.limits import set_limit
from database import Database
from models import Agency, Cycle, Letter, Person
from notifications.letter import Mailbox as Address
from notifications.relay import Relay
from notifications.samples import samples
from rules.mail.limits import Limit
from rules.terms import CycleState, Lane, LetterState, Locale
from simulation.sink import Sink
from simulation.soundness import breaches

AT = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
MASTER = b"0123456789abcdef0123456789abcdef"
KIND = "launch_certificate"
UNDER_WAY = (LetterState.QUEUED, LetterState.SENDING, LetterState.DEFERRED)


def post_to(port: int) -> Post:
    """As settings that lead to a mail server on this machine."""
    return Post(
        Relay.parse(f"smtp://127.0.0.1:{port}"), Address("Kinerja", "kinerja@appraisal.example"), None,
        "bounce.appraisal.example", "http://127.0.0.1:8080", MASTER,
    )  # fmt: skip


def agency_of(db: Database) -> int:
    with db.transaction() as session:
        if (found := session.scalar(select(Agency.id).filter_by(code="kota"))) is None:
            agency = Agency(code="kota", name="Kota", zone="Asia/Jakarta", indicators="{}")
            session.add(agency)
            session.flush()
            found = agency.id
        return found


def owe(
    db: Database, count: int, *, domain: str = "kota.example", lane: Lane | None = None, wave: str = "",
    at: datetime = AT,
) -> list[int]:  # fmt: skip
    """Queue a letter to each of so many new people; ids in order. `wave`: its key, made on first use."""
    agency = agency_of(db)
    with db.transaction() as session:
        first = session.scalar(select(func.count()).select_from(Person)) or 0
        people = [
            Person(agency_id=agency, nip=f"{n:018d}", name=f"Pegawai {n}", email=f"p{n}@{domain}",
                   active_from=date(2020, 1, 1))
            for n in range(first, first + count)
        ]  # fmt: skip
        session.add_all(people)
        session.flush()
        facts = samples(KIND, Locale.ID)[0]
        made = letters.wave_of(session, wave, _cycle(session, agency), None, at=at) if wave else None
        owed = [letters.owed_to(person, KIND, f"{KIND}:{person.id}:test", facts) for person in people]
        assert letters.queue(session, owed, at=at, wave=made) == count
        ids = list(session.scalars(select(Letter.id).where(Letter.person_id.in_([one.id for one in people]))))
        if lane is not None:
            session.execute(update(Letter).where(Letter.id.in_(ids)).values(lane=lane))
        return sorted(ids)


def _cycle(session, agency: int) -> int:
    if (found := session.scalar(select(Cycle.id))) is None:
        cycle = Cycle(agency_id=agency, year=2026, state=CycleState.RUNNING, pack_name="p", pack_version="1", pack="{}",
                      pack_sha256="", plan_default_after=date(2026, 1, 14), launched_at=AT)  # fmt: skip
        session.add(cycle)
        session.flush()
        found = cycle.id
    return found


def dispatcher(db: Database, sink: Sink, *, lanes: tuple[Lane, ...] = tuple(Lane), connections: int = 3, **more: Any):
    return Dispatcher(db, post_to(sink.port), lanes, more.pop("now", lambda: AT), connections, **more)


def send(db: Database, sink: Sink, limit: int = 100_000, **more: Any) -> Mapping[str, int]:
    return asyncio.run(dispatcher(db, sink, **more).drain(limit))


def limit(db: Database, scope: str, text: str, *, connections: int | None = None) -> None:
    with db.transaction() as session:
        set_limit(session, scope, None if text == "none" else Limit.parse(text), max_connections=connections)


def states(db: Database) -> dict[str, int]:
    with db.reading() as session:
        counted = session.execute(select(Letter.state, func.count()).group_by(Letter.state))
        return {state.value: count for state, count in counted}


def due_again(db: Database) -> None:
    """As if the waiting of all retries were over."""
    with db.transaction() as session:
        session.execute(update(Letter).where(Letter.state.in_(UNDER_WAY)).values(next_at=AT))


def letter(db: Database, id: int) -> Letter:
    with db.reading() as session:
        return session.get_one(Letter, id)


def lose_leases(db: Database) -> Mapping[str, int]:
    """As if every process that holds a letter had been dead for longer than a lease; what the reaper did."""
    with db.transaction() as session:
        past = outbox.database_now(session) - timedelta(seconds=1)
        session.execute(update(Letter).where(Letter.state == LetterState.SENDING).values(lease_until=past))
    with db.transaction() as session:
        return outbox.reap(session, at=AT)


def assert_sound(
    db: Database, sink: Sink, *, deaths: int = 0, everything_out: bool = False,
    most_per_window: tuple[float, int] | None = None,
) -> None:  # fmt: skip
    """I1 to I8: what must hold whenever nothing is under way any more, from the tables and the mail server alone.

    `deaths`: connections that were cut by killing their process. `everything_out`: whether all that is owed should
    have been accepted by now; what was given up must be on HR's list in any case. `most_per_window`: seconds, and the
    most letters that the limits allow in any window of that length.
    """
    found = breaches(
        db, sink, deaths=deaths, everything_out=everything_out, most_per_window=most_per_window
    )  # fmt: skip
    assert not found, found
