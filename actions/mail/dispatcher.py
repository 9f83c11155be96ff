"""The dispatcher: claims small sets, sends over kept connections, and commits each reply before the next is relied on.

Any number of processes may run it. No transaction is open while a letter is on its way. Urgent letters have
connections of their own.
"""

import asyncio
import gc
import logging
import math
import os
import secrets
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

import settings
from actions.mail import deaths, limits, outbox
from actions.mail.envelopes import Envelope, Post, envelope, post_of, secrets_of
from actions.mail.journal import Journal, what
from actions.mail.outbox import Claimed, Settled, Taken
from actions.mail.presence import Presence
from actions.recovery import restores
from database import AWAY, Database
from notifications.smtp import NOT_OURS, Connection, Reply
from rules.mail.smtp_outcomes import MOST_BUGS, Outcome, classify, retry_delay
from rules.terms import Lane, LetterState, SmtpPhase

RENEW_SECONDS = 60
TEND_SECONDS = 30.0
"""How often letters of dispatchers that are gone are looked for."""
REPEAT_SECONDS = 300.0
"""How often a log says again that the relay is down."""
LOOK_AGAIN = 0.5
"""A resident dispatcher with nothing to do looks for new letters this often, in seconds."""
URGENT_CONNECTIONS = 2
AHEAD = 3
"""Letters claimed for each connection: a process that dies keeps no more of them until its leases end."""
STALE_SECONDS = 10.0
"""A letter that waited longer for a connection is looked at afresh: its stage may have closed meanwhile."""
ODD_ONE_OUT = 30.0
"""Seconds that a connection rests which alone was refused while others work: the server allows no more of them."""
ODD_WAIT = 0.3
"""Seconds after which the others have shown whether they work."""
DATABASE_TRIES = 5
MOST_CLERKS = 4
"""On PostgreSQL: one for each street's claims, one for the journal, and one to spare."""
SHORT_REST = 3.0
"""Seconds that it is worth waiting for a relay that somebody else could not reach."""

Now = Callable[[], datetime]
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Street:
    """Lanes that share connections, apart from those of other streets."""

    lanes: Collection[Lane]
    connections: int
    waiting: asyncio.Queue[Envelope] = field(default_factory=asyncio.Queue)
    again: bool = False
    """Whether a letter went back that is due at once."""
    hungry: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when so few are waiting that more should be claimed, or when there may be another reason to look."""

    @property
    def room(self) -> int:
        return AHEAD * self.connections - self.waiting.qsize()

    @property
    def is_full(self) -> bool:
        """Whether more than one waits for each connection: a claim costs about as much for one letter as for many."""
        return self.waiting.qsize() > self.connections

    async def next(self) -> Envelope:
        """The letter that has waited longest."""
        found = await self.waiting.get()
        if not self.is_full:
            self.hungry.set()
        return found

    async def hunger(self) -> None:
        """Wait until more should be claimed, or somebody should look why not."""
        self.hungry.clear()
        if self.is_full:
            timer = asyncio.get_running_loop().call_later(LOOK_AGAIN / 2, self.hungry.set)
            await self.hungry.wait()
            timer.cancel()


@dataclass(slots=True)
class Found:
    """What one claim brought; `bad`: letters that cannot be written, and why."""

    ready: list[Envelope] = field(default_factory=list)
    bad: list[tuple[Claimed, str]] = field(default_factory=list)
    wait: float | None = None
    """Seconds after which more may be had; None: nothing else is due."""


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
    mark: restores.Mark | None = None
    """What is remembered outside the database, so that a restored backup does not send everything again."""
    presence: Presence | None = None
    """How others of this machine see that it lives, and it them; None: what the dead held waits for its lease's end."""
    _outage: "Outage" = field(default_factory=lambda: Outage())
    _left: int | None = None
    _down_until: float = 0.0
    _failed: bool = False
    """Whether this dispatcher itself could not reach the relay."""
    _connected: list[Connection] = field(default_factory=list)
    _stopped: dict[int | None, float] = field(default_factory=dict)
    """Until when letters of a wave were claimed that may not know yet that it was stopped."""
    _probing: bool = False
    """Whether nobody has got through since the relay was last down."""
    _streets: list[Street] = field(default_factory=list)
    _workers: list[asyncio.Task[None]] = field(default_factory=list)
    _claims: Iterator[int] = field(default_factory=lambda: count(1))
    _clerks: ThreadPoolExecutor = field(init=False)
    """Who talks to the database while letters are on their way; on SQLite one, since only one can write at a time."""
    _noted: str = ""
    """Message-ID that the mark has."""
    _lost: deque[str] = field(default_factory=lambda: deque(maxlen=200))
    """Names of claims that failed: if one was committed all the same, nobody knows what it holds."""

    async def drain(self, limit: int) -> Mapping[str, int]:
        """Send up to `limit` letters that are due, and return when there are no more, or the relay is down."""
        self._left = limit
        return await self._run(resident=False)

    async def reside(self) -> Mapping[str, int]:
        """Send whatever becomes due until `stop()`."""
        self._left = None
        return await self._run(resident=True)

    def stop(self) -> None:
        """Finish what is under way, give the rest back, end; a second time, break off what is under way."""
        if self.stopping.is_set():
            for worker in self._workers:
                worker.cancel()
        self.stopping.set()
        for street in self._streets:
            street.hungry.set()

    async def _run(self, *, resident: bool) -> Mapping[str, int]:
        self._streets = streets = self._opened()
        self._clerks = ThreadPoolExecutor(1 if self.db.is_sqlite else MOST_CLERKS, "mail-clerk")
        self.journal = Journal(
            self.db, self.now, self.counts, sum(street.connections for street in streets), self._clerks
        )
        writer = asyncio.create_task(self.journal.run())
        writer.add_done_callback(lambda task: None if task.cancelled() or task.exception() is None else self._give_up())
        self._workers = [
            asyncio.create_task(self._work(street)) for street in streets for _ in range(street.connections)
        ]
        keepers = [
            asyncio.create_task(self._every(seconds, do))
            for seconds, do in (
                (RENEW_SECONDS, self._renew), (restores.BEAT_SECONDS, self._beat), (TEND_SECONDS, self._tend),
                (restores.NOTE_SECONDS, self._note),
            )
        ]  # fmt: skip
        log.info("dispatcher %s begins: %s by %d connections", self.owner, ", ".join(self.lanes), self.connections)
        try:
            await asyncio.to_thread(self._arrive)
            await self._feed_all(streets, resident=resident)
            await self._finish(streets)
        finally:
            for task in [*self._workers, *keepers]:
                task.cancel()
            await asyncio.gather(*self._workers, *keepers, return_exceptions=True)
            self.journal.close()
            try:
                await writer
            finally:
                self._clerks.shutdown()
        await asyncio.to_thread(self._depart)
        counts = {state: count for state, count in self.counts.items() if count}
        log.info("dispatcher %s ends: %s", self.owner, ", ".join(f"{n} {state}" for state, n in counts.items()))
        return counts

    def _opened(self) -> list[Street]:
        urgent = [lane for lane in self.lanes if lane is Lane.URGENT]
        others = [lane for lane in self.lanes if lane is not Lane.URGENT]
        found = [Street(urgent, min(self.connections, URGENT_CONNECTIONS))] if urgent else []
        return [*found, Street(others, self.connections)] if others else found

    async def _feed_all(self, streets: Collection[Street], *, resident: bool) -> None:
        """Others may take an hour: as long as they do, what becomes urgent meanwhile is sent as well."""
        *first, last = streets
        if first and not resident:
            over = asyncio.Event()
            ahead = asyncio.create_task(self._feed(first[0], resident=True, over=over))
            try:
                await self._feed(last, resident=False)
            finally:
                over.set()
                await ahead
            streets = first
        await asyncio.gather(*(self._feed(street, resident=resident) for street in streets))

    def _give_up(self) -> None:
        """The database takes nothing any more: whatever is sent now would be forgotten."""
        self.stop()
        self.stop()

    async def _finish(self, streets: Collection[Street]) -> None:
        """Wait for what is under way; when stopping, what is not begun goes back first."""
        if self.stopping.is_set():
            for street in streets:
                self._empty(street)
        await self._sent(streets)

    async def _sent(self, streets: Collection[Street]) -> None:
        """Wait until nothing waits and nothing is under way, or nobody is left to send it."""
        joined = asyncio.gather(*(street.waiting.join() for street in streets))
        gone = asyncio.create_task(asyncio.wait(self._workers))
        await asyncio.wait([joined, gone], return_when=asyncio.FIRST_COMPLETED)
        joined.cancel()
        gone.cancel()

    def _empty(self, street: Street) -> None:
        while not street.waiting.empty():
            self._return(street.waiting.get_nowait().claimed, "given_back")
            street.waiting.task_done()

    # ---- claiming

    async def _feed(self, street: Street, *, resident: bool, over: asyncio.Event | None = None) -> None:
        while not self.stopping.is_set() and self._left != 0 and not (over and over.is_set()):
            if (rest := self._down_until - time.monotonic()) > 0:
                if not resident and (self._failed or rest > SHORT_REST):
                    await self._report_down(street)
                    return
                await self._pause(min(rest, LOOK_AGAIN))
            elif street.is_full:
                await street.hunger()
            elif not await self._fetch(street, resident=resident, over=over):
                return

    async def _fetch(self, street: Street, *, resident: bool, over: asyncio.Event | None) -> bool:
        """Claim once and wait as long as it makes sense; False: there is no more to do."""
        room = street.room if self._left is None else min(street.room, self._left)
        self._spend(room)
        asked = time.time()
        found = await self._claim_patiently(street.lanes, room, resident=resident, over=over)
        self._spend(len(found.ready) + len(found.bad) - room)
        self.journal.hold([*(one.claimed for one in found.ready), *(one for one, _ in found.bad)])
        for one, words in found.bad:
            self.journal.ended(one, Settled(LetterState.HELD, SmtpPhase.CONNECT, reply=words))
        for one in found.ready:
            if asked < self._stopped.get(one.claimed.wave_id, 0.0):  # claimed while its wave was being stopped
                self._return(one.claimed, "queued")
            else:
                street.waiting.put_nowait(one)
        if found.ready or found.bad:
            return True
        if found.wait is not None:
            await self._pause(found.wait)
        elif resident:
            await self._pause(LOOK_AGAIN)
        else:
            await self._sent([street])
            again, street.again = street.again, False
            return again and await self.journal.flush()
        return True

    def _spend(self, count: int) -> None:
        if self._left is not None:
            self._left -= count

    async def _claim_patiently(
        self, lanes: Collection[Lane], room: int, *, resident: bool, over: asyncio.Event | None
    ) -> "Found":
        """A database that is away for a while is waited for: always by a resident dispatcher, a few times by others."""
        for tries in range(1, 1_000_000):
            try:
                claim = partial(self._claim, lanes, room, again=tries > 1)
                return await asyncio.get_running_loop().run_in_executor(self._clerks, claim)
            except AWAY as failed:
                if not resident and tries >= DATABASE_TRIES:
                    raise
                log.warning("no letters can be claimed (%s)", what(failed))
                await self._pause(min(0.2 * tries, 5.0))
                if self.stopping.is_set() or (over and over.is_set()):
                    break
        return Found()

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.stopping.wait(), seconds)
        except TimeoutError:
            return

    def _claim(self, lanes: Collection[Lane], room: int, *, again: bool) -> "Found":
        """Claim in one transaction and write the letters after it; one that cannot be written harms no other.

        Each claim has a name of its own, so that what one took whose commit was not answered can be let go.
        """
        name, at = f"{self.owner}/{next(self._claims)}", self.now()
        try:
            with self.db.transaction(lasting=False) as session:  # the dot lasts, and what was before it
                if again:
                    outbox.release(session, self._lost)
                taken, told = self._take(session, name, lanes, room, at)
        except AWAY:
            self._lost.append(name)
            raise
        found = Found(wait=taken.wait)
        for one, secret in told:
            written = secret if isinstance(secret, Exception) else _written(one, secret, self.post)
            if isinstance(written, Exception):
                found.bad.append((one, f"cannot be written: {type(written).__name__}: {written}"))
            else:
                found.ready.append(written)
        return found

    def _take(
        self, session: Session, name: str, lanes: Collection[Lane], room: int, at: datetime
    ) -> tuple[Taken, list[tuple[Claimed, dict[str, Any] | Exception]]]:
        allowance = limits.Allowance.load(session)
        if (rest := self._breaker(allowance)) > 0:
            self._down_until = time.monotonic() + rest
            return Taken([], 0.0), []
        room = 1 if self._probing else room
        taken = outbox.take_due(session, name, lanes, room, at=at, allowance=allowance)
        return taken, [(one, _told(session, one, self.post)) for one in taken.letters]

    def _breaker(self, allowance: limits.Allowance | None) -> float:
        """Seconds for which the relay is left alone by everybody."""
        self._probing = allowance is not None and allowance.probing
        if self._probing:
            self._outage.on_record = True
            self._outage.goes_on("so others found")
        elif self._outage.on_record:  # else what was read may be older than what was met
            self._outage.ends()
        return allowance.down_for if allowance is not None else 0.0

    async def _report_down(self, street: Street) -> None:
        await self._sent([street])
        if not self._failed:
            due = await asyncio.to_thread(self._count_due, street.lanes)
            self.counts["queued"] += due

    def _count_due(self, lanes: Collection[Lane]) -> int:
        with self.db.reading() as session:
            return outbox.count_due(session, lanes, at=self.now())

    # ---- sending

    async def _work(self, street: Street) -> None:
        connection = Connection(self.post.relay, local_hostname=self.post.bounce_domain)
        self._connected.append(connection)
        try:
            while True:
                one = await street.next()
                try:
                    if abs(time.time() - one.made_at) > STALE_SECONDS:
                        street.again = True
                        self._spend(-1)
                        self.journal.back(one.claimed)
                        continue
                    rest = await self._send(connection, one)
                finally:
                    street.waiting.task_done()
                if rest:
                    await self._pause(rest)
        finally:
            await connection.close()

    async def _send(self, connection: Connection, one: Envelope) -> float:
        """Hand one letter over and note what came of it; seconds for which this connection should rest."""
        if self._down_until > time.monotonic() or one.made_at < self._stopped.get(one.claimed.wave_id, 0.0):
            self._return(one.claimed, "queued")
            return 0.0

        async def before_dot() -> bool:
            return await self.journal.at_dot(one)

        try:
            reply = await connection.send(
                one.envelope_from, one.claimed.address, one.message, letter_id=one.claimed.id,
                before_dot=before_dot,
            )  # fmt: skip
        except asyncio.CancelledError:
            lost = classify(connection.last.phase, None, "cancelled")
            self.journal.ended(one.claimed, self._ended(one, Reply(connection.last.phase, None, "cancelled"), lost))
            raise
        if reply.text == NOT_OURS:
            self.journal.let_go(one.claimed)
            self.counts["lease_lost"] += 1
            return 0.0
        outcome = classify(reply.phase, reply.code, reply.text, bug=reply.bug)
        met = reply.phase is not SmtpPhase.CONNECT
        stop = self.journal.ended(one.claimed, self._ended(one, reply, outcome), outcome if met else None)
        if outcome.close:
            await connection.close()
        if stop:
            self._stopped[one.claimed.wave_id] = math.inf
            await self.journal.flush()
            self._stopped[one.claimed.wave_id] = time.time()
            return 0.0
        return await self._learn(reply, connection)

    async def _learn(self, reply: Reply, connection: Connection) -> float:
        """Open or close the breaker for everybody; one connection refused while others work only rests itself."""
        if reply.phase is not SmtpPhase.CONNECT:
            if self._probing:
                self._probing = False
                await asyncio.to_thread(self._works)
            self._outage.ends()
            return 0.0
        if reply.code is not None:
            await self._pause(ODD_WAIT)
            if any(other.is_open for other in self._connected if other is not connection):
                return ODD_ONE_OUT
        self._failed = True
        said = f"{reply.code or ''} {reply.text}".strip()
        self._outage.goes_on(said)
        if self._down_until <= time.monotonic():
            await asyncio.to_thread(self._fails, said)
        return 0.0

    def _works(self) -> None:
        with _database_may_fail(), self.db.transaction() as session:
            limits.relay_works(session)

    def _fails(self, said: str) -> None:
        with _database_may_fail(), self.db.transaction() as session:
            self._down_until = time.monotonic() + limits.relay_failed(session, said)

    def _ended(self, one: Envelope, reply: Reply, outcome: Outcome) -> Settled:
        claimed, state, wait = one.claimed, outcome.state, timedelta(0)
        if outcome.our_bug and claimed.bugs + 1 >= MOST_BUGS:
            state = LetterState.HELD
        elif state is LetterState.DEFERRED or outcome.our_bug:
            wait = retry_delay(claimed.charged + 1 if state is LetterState.DEFERRED else claimed.bugs + 1)
        elif state is LetterState.QUEUED and reply.phase is not SmtpPhase.CONNECT:
            wait = timedelta(seconds=min(300, 2 ** min(claimed.attempt, 8)))
        return Settled(
            state, reply.phase, reply.code, reply.text, outcome.charge_attempt, wait, outcome.address_state,
            one.sha256 if reply.phase in (SmtpPhase.DOT, SmtpPhase.DONE) else None, outcome.our_bug,
        )  # fmt: skip

    def _return(self, one: Claimed, name: str) -> None:
        """Give a letter back that was not begun."""
        self.journal.back(one)
        self.counts[name] += 1

    # ---- staying alive

    async def _every(self, seconds: float, do: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(seconds)
            await asyncio.to_thread(do)

    def _renew(self) -> None:
        with _database_may_fail(), self.db.transaction() as session:
            outbox.renew(session, list(self.journal.held.values()))

    def _arrive(self) -> None:
        """Be seen, look whether the database was set back, and take back what the dead left; then letters may go."""
        if self.presence is not None:
            try:
                self.presence.announce(self.owner)
            except OSError as failed:
                log.warning("this dispatcher cannot be seen by others (%s)", type(failed).__name__)
        if self.mark is not None:
            with _database_may_fail():
                self.mark.arrive(self.db, at=self.now())
        self._tend()

    def _depart(self) -> None:
        self._note()
        self._beat()
        if self.presence is not None:
            self.presence.leave(self.owner)

    def _beat(self) -> None:
        if self.mark is not None:
            with _database_may_fail():
                self.mark.beat(self.db, at=self.now())

    def _note(self) -> None:
        """Remember outside the database what was last accepted, once it is committed."""
        if self.mark is not None and (latest := self.journal.latest) not in ("", self._noted):
            self.mark.note(latest, at=self.now())
            self._noted = latest

    def _tend(self) -> None:
        if self._left is not None and self.presence is None:
            return
        with _database_may_fail():
            counts = deaths.take_back(self.db, self.presence, at=self.now())
            if any(counts.values()):
                words = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items())
                log.info("letters of dispatchers that are gone: %s", words)


@dataclass(slots=True)
class Outage:
    """Says in the log when the relay is down and when it is back, and in between only now and then."""

    since: float = 0.0
    said: float = 0.0
    on_record: bool = False
    """Whether the database was seen to say so."""

    def goes_on(self, why: str) -> None:
        now = time.monotonic()
        self.since = self.since or now
        if now - self.said >= REPEAT_SECONDS or not self.said:
            self.said = now
            log.warning("the relay takes nothing since %d s, letters wait: %s", now - self.since, why)

    def ends(self) -> None:
        if self.since:
            log.info("the relay takes letters again, after %d s", time.monotonic() - self.since)
            self.since = self.said = 0.0
            self.on_record = False


@contextmanager
def _database_may_fail() -> Iterator[None]:
    """What is done again soon need not be done now."""
    try:
        yield
    except AWAY as failed:
        log.warning("the database does not answer (%s)", what(failed))


def _written(one: Claimed, secret: dict[str, Any], post: Post) -> Envelope | Exception:
    try:
        return envelope(one, secret, post)
    except Exception as bug:  # whatever is wrong with one letter, its neighbours go out
        return bug


def _told(session: Session, one: Claimed, post: Post) -> dict[str, Any] | Exception:
    try:
        return secrets_of(session, one, post)
    except AWAY:
        raise
    except Exception as bug:
        return bug


def _dispatcher(db: Database, lanes: Collection[Lane], now: Now, connections: int) -> Dispatcher:
    chosen = settings.load()
    mark = None if db.simulated else restores.Mark(chosen.home, chosen.outside)
    return Dispatcher(
        db, post_of(chosen), lanes, now, connections, mark=mark, presence=None if db.simulated else presence()
    )


def presence() -> Presence:
    """Of all dispatchers of this installation on this machine."""
    return Presence(settings.load().home / "dispatchers")


def deliver_batch(
    db: Database, *, lanes: Collection[Lane], limit: int, now: Now, connections: int = 5
) -> Mapping[str, int]:
    """Send up to `limit` due letters of the lanes and return how they ended, in counts."""

    async def send() -> Mapping[str, int]:
        return await _dispatcher(db, lanes, now, connections).drain(limit)

    return _loop(send())


def reside(db: Database, *, lanes: Collection[Lane], now: Now, connections: int = 5) -> Mapping[str, int]:
    """Send whatever becomes due until SIGTERM or SIGINT; then give back what is not under way.

    A second signal breaks off what is under way: what was past its dot is then in doubt.
    """
    import signal

    async def run() -> Mapping[str, int]:
        dispatcher = _dispatcher(db, lanes, now, connections)
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, dispatcher.stop)
        return await dispatcher.reside()

    return _loop(run())


def _loop(work: Coroutine[Any, Any, Mapping[str, int]]) -> Mapping[str, int]:
    """Run on uvloop where it exists (not on Windows): a third less CPU for what goes over the wire."""
    with _steady():
        try:
            import uvloop
        except ImportError:
            return asyncio.run(work)
        return uvloop.run(work)


@contextmanager
def _steady() -> Iterator[None]:
    """Look for rubbish less often, and not in all that was there before: letters leave none."""
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
