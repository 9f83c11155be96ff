"""Sending what the outbox owes, a task run for thousands of letters."""

from collections.abc import Collection, Mapping

from prefect import task

import clock
import database
from actions import outbox
from rules.words import Lane
from tasks.failing import RETRY, guarded

LETTERS = 5000
"""At most so many in a task run; within it small sets are claimed, so a dead process holds few."""


@task(name="deliver", task_run_name="letters, batch {number}", **RETRY)
def deliver(number: int, lanes: Collection[Lane] = tuple(Lane)) -> Mapping[str, int]:
    """Send up to LETTERS letters that are due and return how they ended, in counts; nothing due, nothing counted.

    The outbox itself tries letters again, so a retry here only covers a database that was lost: it goes on with
    what is still owed.
    """
    from actions import dispatch

    with guarded():
        return dispatch.deliver_batch(database.current(), lanes=lanes, limit=LETTERS, now=clock.now)


@task(name="letters waiting", **RETRY)
def waiting() -> tuple[bool, str]:
    """Whether a letter may be sent now, and why delivery is stopped, if it is."""
    with guarded(), database.reading() as session:
        if stopped := outbox.paused(session):
            return False, stopped
        due = outbox.next_due(session, list(Lane))
        return due is not None and due <= clock.now(), ""
