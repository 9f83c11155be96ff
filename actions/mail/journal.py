"""What happens to letters under way, written by one writer per process: whatever is pending goes into one commit.

A connection that must be certain before it goes on waits for that commit and for nothing else.
"""

import asyncio
import logging
import math
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeVar

from sqlalchemy.orm import Session

from actions.mail import limits, outbox
from actions.mail.envelopes import Envelope
from actions.mail.outbox import Claimed, Fence, Settled
from database import AWAY, Database
from rules.mail.smtp_outcomes import ACCEPTED, Health, Outcome, classify
from rules.terms import LetterState, SmtpPhase

GROUP, GROUP_SECONDS = 20, 0.02
"""Replies that nobody waits for are committed together: up to so many, or so long."""
COMPANY_SECONDS = 0.0015
"""What somebody waits for is committed after so long: by then the other connections have come as far."""
LATELY = 5.0
"""Seconds over which the rate is observed."""
RETRY_FIRST, RETRY_MOST, PATIENCE = 0.1, 5.0, 600.0
"""Seconds between tries, and in all, while the database does not take what happened."""

Done = TypeVar("Done")
log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Group:
    dots: list[tuple[Envelope, asyncio.Future[bool]]] = field(default_factory=list)
    ended: list[tuple[Claimed, Settled, Outcome | None]] = field(default_factory=list)
    back: list[Claimed] = field(default_factory=list)
    flushed: list[asyncio.Future[bool]] = field(default_factory=list)
    troubles: list[tuple[Claimed, str]] = field(default_factory=list)
    """Why waves must stop."""

    @property
    def waiters(self) -> list[asyncio.Future[bool]]:
        return [*(future for _, future in self.dots), *self.flushed]

    def __len__(self) -> int:
        return len(self.dots) + len(self.flushed) + len(self.ended) + len(self.back)


@dataclass
class Journal:
    db: Database
    now: Callable[[], datetime]
    counts: Counter[str]
    connections: int = 1
    """When so many wait at their dots, nobody else can come."""
    clerks: Executor | None = None
    """Who writes; None: the loop's own threads."""
    accepted: deque[float] = field(default_factory=lambda: deque(maxlen=10_000))
    """When letters were accepted lately, by the monotonic clock."""
    held: dict[int, Claimed] = field(default_factory=dict)
    """What was claimed here and of whose end no commit is known, by letter id."""
    latest: str = ""
    """Message-ID of the last letter whose acceptance is committed."""
    _pending: _Group = field(default_factory=_Group)
    _due: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when what is pending is to be written now."""
    _by: float = math.inf
    """When it is to be written at the latest, by the loop's clock."""
    _closing: bool = False
    _ended: bool = False
    _health: dict[int, Health] = field(default_factory=dict)

    def hold(self, claimed: Iterable[Claimed]) -> None:
        """Keep their leases alive until their end is committed."""
        self.held.update({one.id: one for one in claimed})

    def let_go(self, one: Claimed) -> None:
        """Its lease was lost, or its end is committed; a later claim of the same letter stays."""
        if self.held.get(one.id) is one:
            del self.held[one.id]

    def at_dot(self, one: Envelope) -> asyncio.Future[bool]:
        """Note that its dot is about to go out; False: the lease was lost or its time is over, it must not."""
        future = self._awaited()
        self._pending.dots.append((one, future))
        if len(self._pending.dots) >= self.connections:
            self._due.set()
        return future

    def flush(self) -> asyncio.Future[bool]:
        """Done when all that was noted before is committed."""
        future = self._awaited()
        self._pending.flushed.append(future)
        return future

    def _awaited(self) -> asyncio.Future[bool]:
        future = asyncio.get_running_loop().create_future()
        if self._ended:
            future.set_result(False)
        else:
            self._write_within(COMPANY_SECONDS)
        return future

    def ended(self, one: Claimed, how: Settled, outcome: Outcome | None = None) -> bool:
        """Note how an attempt ended; committed within GROUP_SECONDS, or with what somebody waits for.

        True: its wave must stop, and will with that commit.
        """
        self._pending.ended.append((one, how, outcome))
        if reason := self._trouble(one, how):
            self._pending.troubles.append((one, reason))
        self._write_soon()
        return bool(reason)

    def back(self, one: Claimed) -> None:
        """Return a letter that was not begun."""
        self._pending.back.append(one)
        self._write_soon()

    async def run(self) -> None:
        """Write until `close()`; raises when the database has taken nothing for PATIENCE seconds."""
        try:
            await self._run()
        finally:  # nobody waits for what is not written any more
            self._ended = True
            _set((future, False) for future in self._pending.waiters)

    async def _run(self) -> None:
        while True:
            await self._due.wait()
            group, self._pending = self._pending, _Group()
            self._by = math.inf
            if not self._closing:
                self._due.clear()
            if len(group):
                await self._persist(group)
            elif self._closing:
                return

    def close(self) -> None:
        """Write what is pending, then end."""
        self._closing = True
        self._due.set()

    def _write_soon(self) -> None:
        self._write_within(GROUP_SECONDS)
        if len(self._pending) >= GROUP:
            self._due.set()

    def _write_within(self, seconds: float) -> None:
        """Others may come along until then."""
        loop = asyncio.get_running_loop()
        if (by := loop.time() + seconds) < self._by:
            self._by = by
            loop.call_at(by, self._ring, by)

    def _ring(self, by: float) -> None:
        if by == self._by:  # else it was written before, or is to be written sooner
            self._due.set()

    async def _persist(self, group: _Group) -> None:
        """Write, and try again as long as the database is away: what a server said is not forgotten for that."""
        now = time.monotonic()
        self.accepted.extend(now for _, how, _ in group.ended if how.state is LetterState.ACCEPTED)
        slow = {_scope(how, one) for one, how, outcome in group.ended if outcome is not None and outcome.slow_down}
        try:
            self.counts.update(await self._patiently(partial(self._write, group), len(group)))
            for one in [*(one for one, _, _ in group.ended), *group.back]:
                self.let_go(one)
            taken = [one for one, how, _ in group.ended if how.state is LetterState.ACCEPTED]
            self.latest = taken[-1].message_id if taken else self.latest
            if slow:  # by itself: dots that were allowed are not looked at again if this fails
                await self._patiently(partial(self._slow_down, slow, self._observed(now)), len(slow))
        finally:
            _set((future, False) for future in group.waiters)

    async def _patiently(self, write: Callable[..., Done], replies: int) -> Done:
        wait, until = RETRY_FIRST, time.monotonic() + PATIENCE
        again = False
        while True:
            try:
                work = partial(write, again=again)
                return await asyncio.get_running_loop().run_in_executor(self.clerks, work)
            except AWAY as failed:
                if time.monotonic() + wait > until:
                    raise
                log.warning("the database does not take %d replies (%s)", replies, what(failed))
                await asyncio.sleep(wait)
                wait, again = min(2 * wait, RETRY_MOST), True

    def _write(self, group: _Group, *, again: bool) -> Counter[str]:
        at, counts = self.now(), Counter[str]()
        with self.db.writing() as connection:
            dots, ended = [one.claimed for one, _ in group.dots], [(one, how) for one, how, _ in group.ended]
            known = outbox.on_record(connection, ended) if again else set()
            contents = {one.claimed.fence: one.sha256 for one, _ in group.dots}
            ours = outbox.mark_dots(connection, dots, at=at, contents=contents)
            written = outbox.settle_all(connection, ended, at=at)
            for (one, how, _), kept in zip(group.ended, written, strict=True):
                counts[how.state.value if kept or one.id in known else "lease_lost"] += 1
            if group.troubles:
                with Session(connection) as session:
                    for one, reason in group.troubles:
                        _stop(session, one, reason, at)
            late = [one for one in dots if one.fence in ours and one.not_after is not None and one.not_after < at]
            outbox.give_back(connection, [*group.back, *late])
        self._answer(group, ours - {one.fence for one in late})
        return counts

    def _answer(self, group: _Group, ours: set[Fence]) -> None:
        answers = [(future, True) for future in group.flushed]
        answers += [(future, one.claimed.fence in ours) for one, future in group.dots]
        if answers:
            answers[0][0].get_loop().call_soon_threadsafe(_set, answers)

    def _slow_down(self, scopes: Iterable[str], observed: float, *, again: bool) -> None:
        """Where we were told to, in a transaction of its own: locks are never taken the other way round."""
        with self.db.transaction() as session:
            for scope in sorted(scopes):
                limits.slow_down(session, scope, observed=observed)

    def _observed(self, now: float) -> float:
        while self.accepted and now - self.accepted[0] >= LATELY:
            self.accepted.popleft()
        return len(self.accepted) / max(0.5, now - self.accepted[0]) if self.accepted else 0.0

    def _trouble(self, one: Claimed, how: Settled) -> str:
        """Why the wave must stop; empty while it need not."""
        outcome = ACCEPTED if how.state is LetterState.ACCEPTED else classify(how.phase, how.code, how.reply)
        health = self._health.setdefault(one.wave_id or 0, Health())
        reason = health.trouble(outcome, one.domain)
        return f"{reason}: {how.code} {how.reply}"[:300] if reason else ""


def what(failed: Exception) -> str:
    """The driver's own word for it, without any data."""
    return type(getattr(failed, "orig", None) or failed).__name__


def _stop(session: Session, one: Claimed, reason: str, at: datetime) -> None:
    if one.wave_id is not None:
        outbox.pause_wave(session, one.wave_id, reason, at=at)
    else:
        outbox.pause(session, reason, at=at)


def _set(answers: Iterable[tuple[asyncio.Future[bool], bool]]) -> None:
    for future, answer in answers:
        if not future.done():
            future.set_result(answer)


def _scope(how: Settled, one: Claimed) -> str:
    """Whom the server spoke of: at RCPT of the domain, elsewhere of itself."""
    return f"domain:{one.domain}" if how.phase is SmtpPhase.RCPT else limits.RELAY
