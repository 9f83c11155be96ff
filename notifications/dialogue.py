"""Commands and replies on an open SMTP connection; several commands may be on their way (RFC 2920)."""

import asyncio
from collections import deque

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
        self._awaited: deque[asyncio.Future[Answer]] = deque()
        transport.set_protocol(self)

    @property
    def is_open(self) -> bool:
        return not self._transport.is_closing()

    def say(self, words: bytes, replies: int) -> list[asyncio.Future[Answer]]:
        """Write, and return what will hold that many replies; SMTPServerDisconnected if nobody listens any more."""
        if self._transport.is_closing():
            raise SMTPServerDisconnected("Connection lost")
        expected = [self._loop.create_future() for _ in range(replies)]
        self._awaited.extend(expected)
        self._transport.write(words)
        return expected

    async def hear(self, reply: asyncio.Future[Answer], timeout: float) -> Answer:
        """Code and text; SMTPReadTimeoutError, SMTPServerDisconnected, SMTPResponseException if there is none."""
        timer = self._loop.call_later(timeout, _too_late, reply)
        try:
            return await reply
        finally:
            timer.cancel()

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            while self._awaited and (answer := self._read()) is not None:
                _settle(self._awaited.popleft(), answer)
        except ValueError as nonsense:
            self._fail(SMTPResponseException(NONSENSE, str(nonsense)))
        if not self._awaited:
            self._buffer = b""

    def eof_received(self) -> bool:
        self._fail(SMTPServerDisconnected("Unexpected EOF received"))
        return False  # closes the transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(SMTPServerDisconnected("Connection lost"))

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
        while self._awaited:
            reply = self._awaited.popleft()
            if not reply.done():
                reply.set_exception(why)
                reply.exception()  # nobody may come to look at it


def _settle(reply: asyncio.Future[Answer], answer: Answer) -> None:
    if not reply.done():
        reply.set_result(answer)


def _too_late(reply: asyncio.Future[Answer]) -> None:
    if not reply.done():
        reply.set_exception(SMTPReadTimeoutError("Timed out waiting for server response"))
