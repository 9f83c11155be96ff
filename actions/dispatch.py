"""The dispatcher: claims small sets, sends over kept connections, and commits each reply before the next is relied on.

Any number of processes may run it. No transaction is open while a letter is on its way.
"""

import asyncio
import os
import random
import secrets
import socket
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import settings
from actions import outbox
from actions.envelopes import Envelope, Post, envelope, post_of, secrets_of
from actions.outbox import Claimed, Settled
from database import Database
from notifications.smtp import Connection, Reply
from rules.smtp_outcomes import Outcome, classify, retry_delay, wave_must_stop
from rules.words import Lane, LetterState, SmtpPhase

GROUP, GROUP_SECONDS = 20, 0.02
"""Replies are committed together up to so many or so long."""
RENEW_SECONDS = 60
LOOK_AGAIN = 0.5
"""A resident dispatcher with nothing to do looks for new letters this often, in seconds."""
BACK_OFF_FIRST, BACK_OFF_MOST = 1.0, 300.0

Now = Callable[[], datetime]


@dataclass(slots=True)
class Health:
    """What this dispatcher has learned of a wave: whether it is the letters or our set-up that is refused."""

    tried: int = 0
    our_setup: int = 0
    in_a_row: int = 0


@dataclass
class Dispatcher:
    db: Database
    post: Post
    lanes: Collection[Lane]
    now: Now
    connections: int = 5
    owner: str = field(default_factory=lambda: f"{socket.gethostname()[:20]}-{os.getpid()}-{secrets.token_hex(4)}")
    counts: Counter[str] = field(default_factory=Counter)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _failures: int = 0
    _down_until: float = 0.0
    _health: dict[int, Health] = field(default_factory=dict)

    async def drain(self, limit: int) -> Mapping[str, int]:
        """Send up to `limit` letters that are due, and return when there are no more, or the relay is down."""
        return await self._run(limit, resident=False)

    async def reside(self) -> Mapping[str, int]:
        """Send whatever becomes due until `stop()`."""
        return await self._run(None, resident=True)

    def stop(self) -> None:
        """Finish what is under way, give the rest back, end."""
        self.stopping.set()

    async def _run(self, limit: int | None, *, resident: bool) -> Mapping[str, int]:
        waiting: asyncio.Queue[Envelope] = asyncio.Queue()
        settled: asyncio.Queue[tuple[Envelope, Settled] | None] = asyncio.Queue()
        workers = [asyncio.create_task(self._work(waiting, settled)) for _ in range(self.connections)]
        settler = asyncio.create_task(self._settle(settled))
        renewer = asyncio.create_task(self._renew())
        try:
            await self._feed(waiting, limit, resident=resident)
            if self.stopping.is_set():
                await self._give_back(waiting)
            await waiting.join()
        finally:
            renewer.cancel()
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, renewer, return_exceptions=True)
            await settled.put(None)
            await settler
        return dict(self.counts)

    async def _feed(self, waiting: asyncio.Queue[Envelope], limit: int | None, *, resident: bool) -> None:
        taken = 0
        while not self.stopping.is_set() and (limit is None or taken < limit):
            if (rest := self._down_until - time.monotonic()) > 0:
                if not resident:
                    await waiting.join()
                    return
                await self._pause(rest)
                continue
            room = 2 * self.connections - waiting.qsize()
            room = room if limit is None else min(room, limit - taken)
            envelopes = await asyncio.to_thread(self._claim, room) if room > 0 else None
            if envelopes:
                taken += len(envelopes)
                for one in envelopes:
                    waiting.put_nowait(one)
            elif envelopes is None:
                await asyncio.sleep(0.002)
            elif resident:
                await self._pause(LOOK_AGAIN)
            else:
                await waiting.join()  # replies may put letters back that are due again at once
                return

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.stopping.wait(), seconds)
        except TimeoutError:
            return

    def _claim(self, room: int) -> list[Envelope]:
        """Claim, and note the attempt, in one transaction; a letter that cannot be written harms no other."""
        at = self.now()
        with self.db.transaction() as session:
            claimed = outbox.claim(session, self.owner, self.lanes, room, at=at)
            ready = []
            for one in claimed:
                try:
                    ready.append(envelope(one, secrets_of(session, one, self.post), self.post))
                except Exception as bug:  # whatever is wrong with one letter, its neighbours go out
                    self.counts["held"] += 1
                    self._hold(session, one, bug, at)
            outbox.begin_attempts(session, [one.claimed for one in ready], at=at)
        return ready

    @staticmethod
    def _hold(session, one: Claimed, bug: Exception, at: datetime) -> None:
        outbox.begin_attempts(session, [one], at=at)
        words = f"cannot be written: {type(bug).__name__}: {bug}"
        outbox.settle(session, one, Settled(LetterState.HELD, SmtpPhase.CONNECT, reply=words), at=at)

    async def _work(
        self, waiting: asyncio.Queue[Envelope], settled: asyncio.Queue[tuple[Envelope, Settled] | None]
    ) -> None:
        connection = Connection(self.post.relay, local_hostname=self.post.bounce_domain)
        try:
            while True:
                one = await waiting.get()
                try:
                    reply = await connection.send(
                        one.envelope_from, one.claimed.address, one.message, letter_id=one.claimed.id
                    )
                    outcome = classify(reply.phase, reply.code, reply.text, bug=reply.bug)
                    await settled.put((one, self._ended(one, reply, outcome)))
                    if outcome.close:
                        await connection.close()
                    if reply.phase is SmtpPhase.CONNECT:
                        await self._relay_down()
                    else:
                        self._failures = 0
                except asyncio.CancelledError:
                    lost = classify(connection.last.phase, None, "cancelled")
                    settled.put_nowait((one, Settled(lost.state, connection.last.phase, reply="cancelled")))
                    raise
                finally:
                    waiting.task_done()
        finally:
            await connection.close()

    async def _relay_down(self) -> None:
        """Full jitter between nothing and twice the last wait, up to five minutes."""
        self._failures += 1
        most = min(BACK_OFF_FIRST * 2**self._failures, BACK_OFF_MOST)
        self._down_until = time.monotonic() + random.uniform(0, most)  # noqa: S311 - no secret, only spread

    def _ended(self, one: Envelope, reply: Reply, outcome: Outcome) -> Settled:
        wait = timedelta(0)
        if outcome.state is LetterState.DEFERRED:
            wait = retry_delay(one.claimed.charged + 1)
        elif outcome.state is LetterState.QUEUED:
            wait = timedelta(seconds=min(300, 2 ** min(self._failures + 1, 8)))
        return Settled(
            outcome.state, reply.phase, reply.code, reply.text, outcome.charge_attempt, wait, outcome.address_state,
            one.sha256,
        )  # fmt: skip

    async def _settle(self, settled: asyncio.Queue[tuple[Envelope, Settled] | None]) -> None:
        while True:
            first = await settled.get()
            if first is None:
                return
            group, end = [first], False
            until = time.monotonic() + GROUP_SECONDS
            while len(group) < GROUP and (rest := until - time.monotonic()) > 0:
                try:
                    more = await asyncio.wait_for(settled.get(), rest)
                except TimeoutError:
                    break
                if more is None:
                    end = True
                    break
                group.append(more)
            await asyncio.to_thread(self._record, group)
            if end:
                return

    def _record(self, group: list[tuple[Envelope, Settled]]) -> None:
        at = self.now()
        with self.db.transaction() as session:
            for one, how in group:
                written = outbox.settle(session, one.claimed, how, at=at)
                self.counts[how.state.value if written else "lease_lost"] += 1
                if (reason := self._wave_trouble(one.claimed, how)) and one.claimed.wave_id is not None:
                    outbox.pause_wave(session, one.claimed.wave_id, reason, at=at)
                elif reason:
                    outbox.pause(session, reason, at=at)

    def _wave_trouble(self, one: Claimed, how: Settled) -> str:
        """Why the wave must stop; empty while it need not."""
        outcome = classify(how.phase, how.code, how.reply)
        health = self._health.setdefault(one.wave_id or 0, Health())
        health.tried += 1
        health.our_setup += outcome.our_setup
        health.in_a_row = health.in_a_row + 1 if outcome.our_setup else 0
        if outcome.stop_wave:
            return f"the relay refuses us, not the letter: {how.code} {how.reply}"[:300]
        if wave_must_stop(health.our_setup, health.tried, health.in_a_row):
            return f"{health.our_setup} of {health.tried} refused for our set-up: {how.code} {how.reply}"[:300]
        return ""

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            await asyncio.to_thread(self._renew_once)

    def _renew_once(self) -> None:
        with self.db.transaction() as session:
            outbox.renew(session, self.owner)

    async def _give_back(self, waiting: asyncio.Queue[Envelope]) -> None:
        unsent = []
        while not waiting.empty():
            unsent.append(waiting.get_nowait().claimed)
            waiting.task_done()
        if unsent:
            await asyncio.to_thread(self._return, unsent)

    def _return(self, unsent: list[Claimed]) -> None:
        with self.db.transaction() as session:
            self.counts["given_back"] += outbox.give_back(session, unsent)


def deliver_batch(
    db: Database, *, lanes: Collection[Lane], limit: int, now: Now, connections: int = 5
) -> Mapping[str, int]:
    """Send up to `limit` due letters of the lanes and return how they ended, in counts."""

    async def send() -> Mapping[str, int]:
        return await Dispatcher(db, post_of(settings.load()), lanes, now, connections).drain(limit)

    return asyncio.run(send())


def reside(db: Database, *, lanes: Collection[Lane], now: Now, connections: int = 5) -> Mapping[str, int]:
    """Send whatever becomes due until SIGTERM or SIGINT; then give back what is not under way."""
    import signal

    async def run() -> Mapping[str, int]:
        dispatcher = Dispatcher(db, post_of(settings.load()), lanes, now, connections)
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, dispatcher.stop)
        return await dispatcher.reside()

    return asyncio.run(run())
