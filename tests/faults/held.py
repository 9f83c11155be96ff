"""A letter that is kept under way while something changes around it."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import pytest

from database import Database
from rules.terms import Lane
from simulation.sink import Do, Sink
from tests.faults.runner import PATIENCE
from tests.mail.posting import send

BULK = tuple(lane for lane in Lane if lane is not Lane.URGENT)


@dataclass
class Hold:
    db: Database
    sink: Sink
    monkeypatch: pytest.MonkeyPatch

    @contextmanager
    def at(self, phase: str, now: Callable[[], datetime], *, seconds: float = 60) -> Iterator[None]:
        """During the block the only connection stands at that phase, with more claimed behind it; then all goes on.

        The clock on the wall has moved on by then, as if the letter under way had taken so long.
        """
        go, real = threading.Event(), time.time
        self.sink.on(phase, Do(hold=go), times=1)
        with ThreadPoolExecutor(1) as pool:
            sent = pool.submit(send, self.db, self.sink, connections=1, lanes=BULK, now=now)
            try:
                self.sink.wait_for(phase, seconds=PATIENCE)
                yield
                self.monkeypatch.setattr(time, "time", lambda: real() + seconds)
            finally:
                go.set()
            sent.result(PATIENCE)
