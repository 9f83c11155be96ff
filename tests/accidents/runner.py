"""What a process of a test does: it says ready, waits for the word, does one thing and answers.

It may kill itself, without any cleaning up, at the point that a test names: `take:3` while the third batch is written
but not committed, `batch:3` once it is committed and the next not begun, `finish` while the end is not committed.
"""

import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import clock
import database
import settings
from actions.mail import dispatcher
from actions.stages import steps
from actions.stages.table import PHASES
from rules.terms import Lane
from rules.time.stages import StepRefused

assert PHASES


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(point: str) -> None:
    """Make the step end this process at the point."""
    where, _, number = point.partition(":")
    taken = 0
    take, next_span, finish = steps.take, steps.next_span, steps.finish

    def counted_take(*args: Any, **more: Any) -> Any:
        nonlocal taken
        counts, taken = take(*args, **more), taken + 1
        if where == "take" and taken == int(number):
            die()
        return counts

    def checked_next(*args: Any, **more: Any) -> Any:
        if where == "batch" and taken == int(number):
            die()
        return next_span(*args, **more)

    def last(*args: Any, **more: Any) -> Any:
        counts = finish(*args, **more)
        if where == "finish":
            die()
        return counts

    steps.take, steps.next_span, steps.finish = counted_take, checked_next, last


def step(spec: dict[str, Any]) -> object:
    arm(spec.get("die", ""))
    try:
        return dict(steps.run(database.transaction, spec["ref"], at=clock.now(), size=spec["size"]))
    except StepRefused as refused:
        return str(refused)


def deliver(_spec: dict[str, Any]) -> object:
    return dict(dispatcher.deliver_batch(database.current(), lanes=tuple(Lane), limit=1_000_000, now=clock.now))


def tick(spec: dict[str, Any]) -> object:
    """One tick; `running_lost`: after what time a run that shows no life is taken for dead."""
    from flows.tick import tick as beat
    from tasks import runs

    runs.RUNNING_LOST = spec.get("running_lost", runs.RUNNING_LOST)
    state = beat(return_state=True)
    return state.name, state.message


DO: dict[str, Callable[[dict[str, Any]], object]] = {"step": step, "deliver": deliver, "tick": tick}


def main(env: dict[str, str], spec: dict[str, Any], pipe: Connection) -> None:
    os.environ |= env
    settings.load.cache_clear()
    assert database.current().simulated
    if spec["do"] == "tick":
        import flows.tick  # noqa: F401 - before the word, so that two begin together
    pipe.send("ready")
    pipe.recv()
    pipe.send(DO[spec["do"]](spec))
