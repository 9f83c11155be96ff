"""A dispatcher process of the soak: real in everything, but its time runs faster, and so does its patience."""

import asyncio
import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from multiprocessing.process import BaseProcess

from actions.mail import dispatcher
from actions.mail.envelopes import Post
from database import Database
from notifications.letter import Mailbox
from notifications.relay import Relay
from notifications.smtp import Connection, Timeouts
from rules.terms import Lane

BEGINS = datetime(2026, 1, 5, 2, tzinfo=UTC)
SPEED = 120
"""Minutes between two tries are half seconds."""
IMPATIENT = Timeouts(connect=2, mail=2, rcpt=2, data=2, dot=3, quit=1)
REST = 0.3
"""Seconds that a connection rests which alone was refused."""
CONNECTIONS = 5
IN_ALL = CONNECTIONS + dispatcher.URGENT_CONNECTIONS
"""Connections of one process, those for urgent letters included."""
PATIENCE = 30
FORKS = multiprocessing.get_context("forkserver")  # a restart costs a fork, not an import of everything
FORKS.set_forkserver_preload([__name__])


def clock_since(began: float) -> Callable[[], datetime]:
    return lambda: BEGINS + timedelta(seconds=(time.time() - began) * SPEED)


def post_to(port: int) -> Post:
    return Post(
        Relay.parse(f"smtp://127.0.0.1:{port}"), Mailbox("Kinerja", "kinerja@soak.example"), None,
        "bounce.soak.example", "http://127.0.0.1:8080", b"soak-soak-soak-soak-soak-soak-so",
    )  # fmt: skip


def main(url: str, port: int, owner: str, began: float) -> None:
    """Send whatever becomes due until SIGTERM."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.disable(logging.WARNING)
    dispatcher.Connection = partial(Connection, timeouts=IMPATIENT)  # type: ignore[assignment]
    dispatcher.ODD_ONE_OUT = REST
    db = Database(url)
    one = dispatcher.Dispatcher(db, post_to(port), tuple(Lane), clock_since(began), CONNECTIONS, owner=owner)

    async def reside() -> dict[str, int]:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, one.stop)
        return dict(await one.reside())

    dispatcher._loop(reside())


@dataclass
class Place:
    """Where a dispatcher stands; when it is killed another one takes its place at once."""

    url: str
    port: int
    name: str
    began: float
    process: BaseProcess = field(init=False)
    owner: str = field(init=False)
    _lives: count = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.owner = f"{self.name}-{next(self._lives):07d}"
        self.process = FORKS.Process(target=main, args=(self.url, self.port, self.owner, self.began), daemon=True)
        self.process.start()

    def kill(self) -> str:
        """kill -9, and start the next; the name of the dead."""
        dead, process = self.owner, self.process
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join(PATIENCE)
        assert process.exitcode == -signal.SIGKILL, f"it had ended by itself with {process.exitcode}"
        process.close()
        self.start()
        return dead

    def stop(self) -> None:
        self.process.terminate()
        self.process.join(PATIENCE)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join(PATIENCE)
