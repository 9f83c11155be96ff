"""A mail server that misbehaves on purpose: scripted per phase and letter, and it remembers everything.

It runs in a thread of its own on 127.0.0.1, so that any number of processes can talk to it::

    with Sink() as sink:
        sink.on("RCPT", "550 5.1.1 no such user", to="p4@kota.example")
        sink.on("DOT", Do(keep=True, drop=True), times=1)     # accepted, but the reply is lost
        ...
        assert len(sink.letters) == 9

A phase is the verb that was received (CONNECT, EHLO, MAIL, RCPT, DATA, RSET, QUIT, ...), or BODY (some of it has
arrived, the dot has not), or DOT. The first rule that fits decides; without one the server is friendly. What a rule
does is a reply, or a `Do`: wait, drop, stay silent, drip byte by byte, keep a letter in spite of the reply, hold until
a test lets go.
"""

import asyncio
import contextlib
import ssl
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

_USUAL = {"CONNECT": "220 sink ESMTP", "DATA": "354 go on", "QUIT": "221 bye", "DOT": "250 2.0.0 kept",
          "AUTH": "235 welcome", "STARTTLS": "220 go"}  # fmt: skip
NOTHING = ""


@dataclass(frozen=True, slots=True)
class Do:
    """What the server does at one point. `reply` None is the usual one; NOTHING is none at all.

    `wait`: seconds before it answers. `drop`: closes after the reply, or without one if `reply` is not given.
    `silent`: never answers, the connection stays open. `drip`: seconds between single bytes of the reply.
    `keep`: whether a letter counts as accepted (at DOT; by default if the reply is 2xx). `hold`: waits for this event.
    `reset`: closes with RST instead of FIN.
    """

    reply: str | bytes | None = None
    wait: float = 0.0
    drop: bool = False
    silent: bool = False
    drip: float = 0.0
    keep: bool | None = None
    hold: threading.Event | None = None
    reset: bool = False


@dataclass(slots=True)
class _Rule:
    phase: str
    do: Do
    to: str
    times: int | None
    after: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """A letter that the server accepted, with the monotonic time of its dot and the connection it came over."""

    at: float
    to: str
    envelope_from: str
    content: bytes
    connection: int

    @property
    def message_id(self) -> str:
        head = self.content.split(b"\r\n\r\n", 1)[0].decode("ascii", "replace")
        return next(line[12:].strip() for line in head.split("\r\n") if line.lower().startswith("message-id:"))


@dataclass
class Sink:
    """`max_connections` at once (others get 421), `max_letters` per connection (then 421), `per_second` letters in any
    second (then 454): None is no limit. `extensions` are offered at EHLO.
    """

    max_connections: int | None = None
    max_letters: int | None = None
    per_second: int | None = None
    extensions: Sequence[str] = ("SIZE 10000000", "8BITMIME")
    tls: ssl.SSLContext | None = None
    port: int = 0
    letters: list[Arrival] = field(default_factory=list)
    commands: list[tuple[int, str]] = field(default_factory=list)
    """(connection, line), in order."""
    connections: int = 0
    open_now: int = 0
    most_open: int = 0
    reached: Counter[str] = field(default_factory=Counter)
    """How often each phase was reached."""
    _rules: list[_Rule] = field(default_factory=list)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _stop: asyncio.Event = field(init=False)

    # ---- what tests say

    def on(self, phase: str, do: Do | str, *, to: str = "", times: int | None = None, after: int = 0) -> None:
        """At that phase, for letters to addresses that contain `to`, do this: `times` times, after letting `after` by.

        CONNECT, EHLO, MAIL, RSET and QUIT know no recipient: leave `to` empty.
        """
        with self._changed:
            self._rules.append(_Rule(phase, do if isinstance(do, Do) else Do(do), to, times, after))

    def forget(self) -> None:
        """Be friendly from now on."""
        with self._changed:
            self._rules.clear()

    def hang_up(self) -> None:
        """Close every connection, as a server does with those that are idle for long; returns when they are closed."""
        self._loop.call_soon_threadsafe(lambda: [writer.close() for writer in list(self._writers)])
        with self._changed:
            assert self._changed.wait_for(lambda: not self._writers, 10)

    def wait_for(self, phase: str, times: int = 1, *, seconds: float = 10.0) -> None:
        """Block until a phase was reached so often; AssertionError if it is not."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.reached[phase] >= times, seconds), f"{phase} was not reached"

    def wait_for_letters(self, count: int, *, seconds: float = 10.0) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.letters) >= count, seconds), f"{len(self.letters)} came"

    def copies(self) -> Counter[str]:
        """How many copies of each Message-ID were accepted."""
        return Counter(letter.message_id for letter in self.letters)

    def busiest(self, seconds: float) -> int:
        """The most letters that were accepted in any window of that length."""
        times = sorted(letter.at for letter in self.letters)
        most = first = 0
        for last, at in enumerate(times):
            while at - times[first] >= seconds:
                first += 1
            most = max(most, last - first + 1)
        return most

    # ---- running

    def __enter__(self) -> "Sink":
        started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self, started: threading.Event) -> None:
        async def main() -> None:
            self._stop = asyncio.Event()
            server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=1 << 26)
            self.port = server.sockets[0].getsockname()[1]
            started.set()
            await self._stop.wait()
            server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(main())
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._changed:
            self.connections += 1
            self.open_now += 1
            self.most_open = max(self.most_open, self.open_now)
            self._writers.add(writer)
            number, full = self.connections, self.max_connections is not None and self.open_now > self.max_connections
        talk = _Talk(self, number, reader, writer)
        try:
            await talk.run(full=full)
        except (_Gone, ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            with self._changed:
                self.open_now -= 1
                self._writers.discard(writer)
                self._changed.notify_all()
            writer.close()

    def _rule(self, phase: str, to: str) -> Do:
        with self._changed:
            self.reached[phase] += 1
            self._changed.notify_all()
            for rule in self._rules:
                if rule.phase != phase or rule.to not in to:
                    continue
                if rule.after > 0:
                    rule.after -= 1
                    continue
                if rule.times is not None:
                    if rule.times <= 0:
                        continue
                    rule.times -= 1
                return rule.do
        return Do()

    def _keep(self, letter: Arrival) -> None:
        with self._changed:
            self.letters.append(letter)
            self._changed.notify_all()

    def _too_fast(self) -> bool:
        now = time.monotonic()
        return self.per_second is not None and sum(now - one.at < 1.0 for one in self.letters) >= self.per_second


class _Gone(Exception):
    """The connection is over."""


@dataclass
class _Talk:
    """One connection."""

    sink: Sink
    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    sender: str = ""
    to: str = ""
    letters: int = 0
    in_letter: bool = False

    async def run(self, *, full: bool) -> None:
        await self.answer("CONNECT", "421 4.7.0 too many connections" if full else None)
        while line := await self.reader.readline():
            command = line.decode("utf-8", "replace").rstrip("\r\n")
            with self.sink._changed:
                self.sink.commands.append((self.number, command))
            await self.obey(command, command.split(" ")[0].upper())

    async def obey(self, command: str, verb: str) -> None:
        if verb == "MAIL":
            self.sender, self.to = command[10:].split(">")[0].lstrip("<"), ""
            if self.in_letter:
                await self.say(Do("503 5.5.1 nested MAIL"), "")
                return
            if self.sink.max_letters is not None and self.letters >= self.sink.max_letters:
                await self.say(Do("421 4.7.0 enough for one connection"), "")
        elif verb == "RCPT":
            self.to = command[8:].split(">")[0].lstrip("<")
        ehlo = "\r\n".join(["250-sink", *(f"250-{one}" for one in self.sink.extensions), "250 HELP"])
        said = await self.answer(verb, ehlo if verb in ("EHLO", "HELO") else None)
        self.in_letter = said.startswith("2") if verb == "MAIL" else self.in_letter and verb != "RSET"
        if verb == "DATA" and said.startswith("354"):
            await self.body()
        elif verb == "STARTTLS" and said.startswith("220") and self.sink.tls:
            await self.writer.start_tls(self.sink.tls)
        elif verb == "QUIT":
            raise _Gone

    async def body(self) -> None:
        first = await self.reader.readline()
        if (do := self.sink._rule("BODY", self.to)) != Do():
            await self.say(do, NOTHING)
        rest = b"" if first == b".\r\n" else await self.reader.readuntil(b"\r\n.\r\n")
        content = (first + rest)[:-3].replace(b"\r\n..", b"\r\n.")
        content = content[1:] if content.startswith(b"..") else content
        self.letters += 1
        self.in_letter = False
        do = self.sink._rule("DOT", self.to)
        usual = "454 4.7.0 throttled: too fast" if self.sink._too_fast() else _USUAL["DOT"]
        reply = usual if do.reply is None else do.reply
        good = reply.startswith("2") if isinstance(reply, str) else reply.startswith(b"2")
        if good and not do.drop if do.keep is None else do.keep:
            self.sink._keep(Arrival(time.monotonic(), self.to, self.sender, content, self.number))
        await self.say(do, usual)

    async def answer(self, phase: str, usual: str | None) -> str:
        do = self.sink._rule(phase, self.to)
        return await self.say(do, usual or _USUAL.get(phase, "250 ok"))

    async def say(self, do: Do, usual: str) -> str:
        if do.wait:
            await asyncio.sleep(do.wait)
        while do.hold is not None and not do.hold.is_set():
            await asyncio.sleep(0.005)
        if do.silent:
            await asyncio.sleep(3600)
        reply = (NOTHING if do.drop or do.reset else usual) if do.reply is None else do.reply
        data = reply if isinstance(reply, bytes) else reply.encode() + b"\r\n" if reply else b""
        for piece in [data[i : i + 1] for i in range(len(data))] if do.drip else [data] if data else []:
            self.writer.write(piece)
            await self.writer.drain()
            if do.drip:
                await asyncio.sleep(do.drip)
        if do.reset:
            self.writer.transport.abort()
        if do.drop or do.reset or data.startswith(b"421"):
            raise _Gone
        return data.decode("utf-8", "replace")
