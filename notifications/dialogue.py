"""Commands and replies on an open SMTP connection; several commands may be on their way (RFC 2920)."""

import asyncio
from collections.abc import Sequence

from aiosmtplib import SMTPReadTimeoutError, SMTPResponseException, SMTPServerDisconnected

MAX_LINE, MAX_REPLY = 8192, 32_768
NONSENSE = -1
"""The code of a reply that could not be understood."""

Answer = tuple[int, str]


class Dialogue(asyncio.Protocol):
    """Takes a transport over from whoever opened it. What the server says without being asked is passed over."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self.heard: list[Answer] = []
        """The answers to what was asked last, in their order."""
        self._waits: Sequence[float] = ()
        self._done: asyncio.Future[Exception | None] | None = None
        """What whoever asked waits for; None: nobody asked."""
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        """Rings at some deadline or before: moving one is frequent and missing one is rare."""
        self._rings = 0.0
        transport.set_protocol(self)

    @property
    def is_open(self) -> bool:
        return not self._transport.is_closing()

    def say(self, words: bytes) -> None:
        """Write what is not answered; SMTPServerDisconnected if nobody listens any more."""
        if self._transport.is_closing():
            raise SMTPServerDisconnected("Connection lost")
        self._transport.write(words)

    async def ask(self, words: bytes, waits: Sequence[float]) -> Exception | None:
        """Write and wait for one answer for each of `waits`, in seconds since the one before; they are in `heard`.

        Returns what broke the dialogue before all were there: SMTPReadTimeoutError, SMTPServerDisconnected, or
        SMTPResponseException if what came is no answer.
        """
        self.heard, self._waits = [], waits
        self.say(words)
        self._done = done = self._loop.create_future()
        self._wait(waits[0])
        try:
            return await done
        finally:
            self._done = None

    def close(self) -> None:
        self._transport.close()
        self._quiet()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            while self._listens and (answer := self._read()) is not None:
                self._take(answer)
        except ValueError as nonsense:
            self._fail(SMTPResponseException(NONSENSE, str(nonsense)))
        if not self._listens:
            self._buffer = b""

    def eof_received(self) -> bool:
        self._fail(SMTPServerDisconnected("Unexpected EOF received"))
        return False  # closes the transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(SMTPServerDisconnected("Connection lost"))
        self._quiet()

    @property
    def _listens(self) -> bool:
        return self._done is not None and not self._done.done()

    def _take(self, answer: Answer) -> None:
        self.heard.append(answer)
        if len(self.heard) == len(self._waits):
            self._end(None)
        else:
            self._wait(self._waits[len(self.heard)])

    def _read(self) -> Answer | None:
        """Take one whole reply out of the buffer; ValueError if it is none."""
        lines, start = [], 0
        while (end := self._buffer.find(b"\n", start)) >= 0:
            line = self._buffer[start:end]
            if len(line) > MAX_LINE:
                break
            if not line[:3].isdigit():
                raise ValueError(f"Malformed SMTP response line: {line.decode(errors='ignore')}")
            lines.append(line[4:].strip())
            start = end + 1
            if line[3:4] != b"-":
                self._buffer = self._buffer[start:]
                return int(line[:3]), b"\n".join(lines).decode("utf-8", "replace")
        if len(self._buffer) > MAX_REPLY or len(self._buffer) - start > MAX_LINE:
            raise ValueError("Response too long")
        return None

    def _fail(self, why: Exception) -> None:
        self._buffer = b""
        self._end(why)

    def _end(self, why: Exception | None) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_result(why)

    def _wait(self, seconds: float) -> None:
        self._deadline = self._loop.time() + seconds
        if self._timer is None or self._rings > self._deadline:
            self._quiet()
            self._arm()

    def _arm(self) -> None:
        self._rings = self._deadline
        self._timer = self._loop.call_at(self._rings, self._look)

    def _look(self) -> None:
        self._timer = None
        if not self._listens:
            return
        if self._loop.time() < self._deadline:
            self._arm()
        else:
            self._fail(SMTPReadTimeoutError("Timed out waiting for server response"))

    def _quiet(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
