"""How a run shows that it lives, from a thread beside its work, and what it may do only as long as it does."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

from prefect.runtime import flow_run

import database
from actions.stages import leases
from actions.stages.leases import Held
from tasks.failing import guarded

BEAT = 10.0
"""Seconds between two signs of life."""

log = logging.getLogger(__name__)


@contextmanager
def held(name: str) -> Iterator[Held | None]:
    """Hold the lease as long as the block lasts; None if another run that lives has it."""
    with guarded(), database.transaction() as session:
        lease = leases.take(session, name, str(flow_run.id or name))
    if lease is None:
        yield None
        return
    over = Event()
    beating = Thread(target=_beat, args=(lease, over), name=f"lease {name}", daemon=True)
    beating.start()
    try:
        yield lease
    finally:
        over.set()
        beating.join(BEAT)
        with suppress(*database.AWAY), database.current().transaction(lasting=False) as session:
            leases.release(session, lease)


@contextmanager
def alive(kind: str) -> Iterator[None]:
    """Show that this run lives, where any number of its kind may run."""
    with held(f"{kind}:{flow_run.id}"):
        yield


def _beat(lease: Held, over: Event) -> None:
    while not over.wait(BEAT):
        try:
            with database.current().transaction(lasting=False) as session:
                if not leases.renew(session, lease):
                    log.warning("the lease %s is lost: another run has taken over", lease.name)
                    return
        except database.AWAY as error:
            log.warning("no sign of life could be given: %s", type(error).__name__)
