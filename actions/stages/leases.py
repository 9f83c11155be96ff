"""Leases on work that one run at a time may do: taken, renewed while it lives, demanded by each of its transactions.

A process that dies renews nothing, and after LASTS seconds the next one may take its work. One that only hung finds its
lease lost at its next transaction, and nothing it does is kept. All times are the database's, which is one for all.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from actions.mail.claims import database_now
from actions.stages.steps import StepRef
from actions.store.bulk import insert_new
from models import Lease

LASTS = timedelta(seconds=60)
"""Without a sign of life for so long, the holder is dead."""
SILENT = "90s"
"""A server ends a transaction that says nothing for so long: its process hangs, or its machine is gone."""
_PATIENCE = text(
    f"SELECT set_config('idle_in_transaction_session_timeout', '{SILENT}', true),"
    " set_config('tcp_keepalives_idle', '30', true), set_config('tcp_keepalives_interval', '10', true),"
    " set_config('tcp_keepalives_count', '3', true), set_config('tcp_user_timeout', '60000', true)"
)


class LeaseLost(Exception):
    """Another run has taken over; what this one was about to do is not kept."""


@dataclass(frozen=True, slots=True)
class Held:
    """A lease as its holder knows it."""

    name: str
    token: str


def of_stage(ref: StepRef) -> str:
    """The steps of a stage have an order: one run at a time takes any of them."""
    return f"stage:{ref.agency}:{ref.year}:{ref.stage.value}"


def take(session: Session, name: str, holder: str) -> Held | None:
    """Take a lease that nobody has, or whose holder is dead; None while somebody else lives.

    Who holds it already, and asks again because an answer was lost, gets it with a new token.
    """
    now, made = database_now(session), Held(name, secrets.token_hex(16))
    row = {"name": name, "holder": holder, "token": made.token, "until": now + LASTS}
    if insert_new(session, Lease, [row]):
        return made
    query = select(Lease).filter_by(name=name).with_for_update(skip_locked=True)
    there = session.scalar(query.execution_options(populate_existing=True))
    if there is None:  # it is just being released, or its holder's transaction is still open: it may commit
        return None
    if there.until > now and there.holder != holder:
        return None
    there.holder, there.token, there.until = holder, made.token, now + LASTS
    return made


def renew(session: Session, held: Held) -> bool:
    """Show that the holder lives; False if it has lost the lease."""
    ours = update(Lease).where(Lease.name == held.name, Lease.token == held.token)
    until = database_now(session) + LASTS
    return bool(session.connection().execute(ours.values(until=until)).rowcount)


def demand(session: Session, held: Held | None) -> None:
    """Keep the lease until this transaction ends, so that nobody takes it before; LeaseLost if somebody has."""
    if held is None:
        return
    if session.get_bind().dialect.name == "postgresql":
        session.execute(_PATIENCE)
    ours = select(Lease.token).filter_by(name=held.name).with_for_update(read=True, key_share=True)
    if session.scalar(ours) != held.token:  # renewing does not wait for us, taking does
        raise LeaseLost(held.name)


def release(session: Session, held: Held) -> None:
    session.execute(delete(Lease).where(Lease.name == held.name, Lease.token == held.token))


@dataclass(frozen=True, slots=True)
class Signs:
    """Which runs live, by the leases that there are; of others nothing is known."""

    alive: Mapping[str, str] = field(default_factory=dict)
    """Name of each lease that is held, and the run that holds it."""
    dead: frozenset[str] = frozenset()
    """Runs that showed no life any more, and did not come to their end."""

    def lives(self, run: str) -> bool:
        return run in self.alive.values()


def signs(session: Session) -> Signs:
    """What all leases say now."""
    now = database_now(session)
    found = session.execute(select(Lease.name, Lease.holder, Lease.until)).tuples().all()
    alive = {name: holder for name, holder, until in found if until > now}
    return Signs(alive, frozenset(holder for _, holder, until in found if until <= now) - set(alive.values()))


def living(session: Session) -> Mapping[str, str]:
    """Name of each lease that is held, and the run that holds it."""
    return signs(session).alive


def forget_the_dead(session: Session) -> int:
    """Remove the leases that ended without being released; how many."""
    dead = delete(Lease).where(Lease.until <= database_now(session))
    return session.connection().execute(dead).rowcount
