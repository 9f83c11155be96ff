"""Sending what the outbox owes, a task run for thousands of letters."""

from collections.abc import Collection, Mapping

from prefect import task

import clock
import database
from actions.mail import outbox
from rules.terms import Lane, LetterState
from tasks.failing import RETRY, guarded

LETTERS = 5000
"""At most so many in a task run; within it small sets are claimed, so a dead process holds few."""


@task(name="deliver", task_run_name="letters, batch {number}", **RETRY)
def deliver(number: int, lanes: Collection[Lane] = tuple(Lane)) -> Mapping[str, int]:
    """Send up to LETTERS letters that are due and return how they ended, in counts; nothing due, nothing counted.

    The outbox itself tries letters again, so a retry here only covers a database that was lost: it goes on with
    what is still owed.
    """
    from actions.mail import dispatcher

    with guarded():
        return dispatcher.deliver_batch(database.current(), lanes=lanes, limit=LETTERS, now=clock.now)


def is_down(sent: Mapping[str, int]) -> bool:
    """Whether letters were tried and every one has to be tried again: going on would only try more in vain."""
    again = {LetterState.QUEUED.value, LetterState.DEFERRED.value}
    ended = {state for state, count in sent.items() if count}
    return bool(ended) and ended <= again


@task(name="letters waiting", **RETRY)
def waiting() -> tuple[bool, bool]:
    """Whether a letter may be sent, and whether delivery is stopped; its reason may quote a reply, so it stays here.

    What a dead process held is taken back first, or it would wait for the hourly repair.
    """
    from actions.mail import deaths, dispatcher

    with guarded():
        deaths.take_back(database.current(), dispatcher.presence(), at=clock.now())
    with guarded(), database.reading() as session:
        if outbox.paused(session):
            return False, True
        due = outbox.next_due(session, list(Lane))
        return due is not None and due <= clock.now(), False
