"""A dispatcher in a process of its own, that ends itself with SIGKILL at the point that a test names.

`claiming`: a claim is written, but not committed. `claimed`: it is committed. `writing`: one letter is being written.
`connecting`, `rcpt` (MAIL is answered), `data` (RCPT is), `half` (half of the body is out), `dot` (the dot is, its
reply is not there), `answered` (the 250 is there, nothing of it in the database), `settling` (written, but not
committed), `settled` (committed).
"""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.process import BaseProcess
from typing import Any

import settings
from actions.mail import dispatcher, journal
from actions.mail.dispatcher import Dispatcher
from database import Database
from notifications.smtp import Connection
from rules.terms import Lane, SmtpPhase
from tests.mail.office import SECRET
from tests.mail.posting import AT, post_to

PATIENCE = 60
KILLED = -signal.SIGKILL
FORKS = multiprocessing.get_context("forkserver")  # a fork of pytest itself would share its connections
FORKS.set_forkserver_preload([__name__, "tests.accidents.runner"])
PHASES = {
    "rcpt": SmtpPhase.RCPT, "data": SmtpPhase.DATA, "answered": SmtpPhase.DONE,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Orders:
    url: str
    port: int
    at: datetime = AT
    die: str = ""
    after: int = 0
    """So many times the point is passed alive."""
    to: str = ""
    """At `writing`: the address of the letter that kills."""
    resident: bool = False
    connections: int = 1
    lanes: tuple[Lane, ...] = (Lane.DIGEST,)


@dataclass
class Fate:
    left: int

    def strike(self) -> None:
        """End this process, as the kernel does when memory runs out: nothing is cleaned up."""
        if self.left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1


def after(fate: Fate, of: Any, name: str) -> None:
    """Strike whenever that has been called."""
    real = getattr(of, name)

    def called(*args: Any, **more: Any) -> Any:
        answer = real(*args, **more)
        fate.strike()
        return answer

    setattr(of, name, called)


def arm(orders: Orders) -> None:
    fate = Fate(orders.after)
    if orders.die in PHASES:
        _arm_phase(fate, PHASES[orders.die])
    elif orders.die == "claiming":
        after(fate, dispatcher.outbox, "take_due")
    elif orders.die == "claimed":
        after(fate, Dispatcher, "_claim")
    elif orders.die == "connecting":
        after(fate, Connection, "_client")
    elif orders.die == "writing":
        _arm_writing(fate, orders.to)
    elif orders.die == "half":
        _arm_body(fate)
    elif orders.die == "dot":
        _arm_dot(fate)
    elif orders.die == "settling":
        _arm_settling(fate)
    elif orders.die == "settled":
        _arm_settled(fate)
    else:
        assert not orders.die, orders.die


def _arm_phase(fate: Fate, phase: SmtpPhase) -> None:
    """`last` says how far the letter got as soon as it has."""

    def noted(self: Connection, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name == "last" and value.phase is phase:
            fate.strike()

    Connection.__setattr__ = noted  # type: ignore[method-assign]


def _arm_writing(fate: Fate, to: str) -> None:
    real = dispatcher.envelope

    def written(one: Any, *rest: Any) -> Any:
        if one.address == to:
            fate.strike()
        return real(one, *rest)

    dispatcher.envelope = written


async def _on_the_wire(connection: Connection) -> None:
    while connection._now()._transport.get_write_buffer_size():
        await asyncio.sleep(0.001)


def _arm_body(fate: Fate) -> None:
    def half(self: Connection, message: bytes) -> None:
        os.write(self._now()._transport.get_extra_info("socket").fileno(), message[: len(message) // 2])
        fate.strike()

    Connection._body = half


def _arm_dot(fate: Fate) -> None:
    async def dot(self: Connection) -> Any:
        self.last = self.last.__class__(SmtpPhase.DOT, None)
        reply = asyncio.ensure_future(self._ask(b".\r\n", 60))
        await asyncio.sleep(0)
        await _on_the_wire(self)
        fate.strike()
        return await reply

    Connection._dot = dot


def _arm_settling(fate: Fate) -> None:
    real = journal.outbox.settle_all

    def settled(session: Any, ended: Any, **more: Any) -> Any:
        answer = real(session, ended, **more)
        if ended:
            fate.strike()
        return answer

    journal.outbox.settle_all = settled


def _arm_settled(fate: Fate) -> None:
    real = journal.Journal._answer

    def answer(self: Any, group: Any, *rest: Any) -> None:
        if group.ended:
            fate.strike()
        real(self, group, *rest)

    journal.Journal._answer = answer


def main(orders: Orders) -> None:
    os.environ["APPRAISAL_SECRET"] = SECRET
    settings.load.cache_clear()
    dispatcher.post_of = lambda _chosen: post_to(orders.port)
    arm(orders)
    way: Callable[..., Any] = dispatcher.reside if orders.resident else dispatcher.deliver_batch
    more = {} if orders.resident else {"limit": 100_000}
    way(
        Database(orders.url), lanes=orders.lanes, now=lambda: orders.at, connections=orders.connections, **more
    )  # fmt: skip


@dataclass
class Process:
    """One that runs; `Process(Orders(...))` begins at once."""

    orders: Orders
    process: BaseProcess = field(init=False)

    def __post_init__(self) -> None:
        self.process = FORKS.Process(target=main, args=(self.orders,), daemon=True)
        self.process.start()

    def say(self, sign: signal.Signals) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, sign)

    def end(self) -> int | None:
        """Wait for its end; the exit code, KILLED if it was."""
        self.process.join(PATIENCE)
        return self.process.exitcode


def run(orders: Orders) -> int | None:
    return Process(orders).end()
