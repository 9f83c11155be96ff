"""A mail server that does what a test tells it to, on 127.0.0.1."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

DROP, SILENT = "DROP", "SILENT"


@dataclass
class Sink:
    """`answers` maps a verb (EHLO, MAIL, ..., DOT) to replies used up in turn; the last one stays."""

    answers: dict[str, list[str]] = field(default_factory=dict)
    extensions: list[str] = field(default_factory=lambda: ["SIZE 10000000"])
    tls: ssl.SSLContext | None = None
    implicit: bool = False
    greeting: str = "220 sink ESMTP"
    port: int = 0
    connections: int = 0
    commands: list[str] = field(default_factory=list)
    received: list[bytes] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def answer(self, verb: str, usual: str) -> str:
        turn = self.answers.get(verb, [usual])
        return turn.pop(0) if len(turn) > 1 else turn[0]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        try:
            if await self.say(writer, self.greeting):
                await self.talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            command = line.decode().rstrip("\r\n")
            self.commands.append(command)
            verb = command.split(" ")[0].upper()
            usual = {"DATA": "354 go on", "QUIT": "221 bye", "AUTH": "235 welcome", "STARTTLS": "220 go"}.get(
                verb, "250 ok"
            )
            if verb == "EHLO":
                usual = "\r\n".join(["250-sink", *(f"250-{e}" for e in self.extensions), "250 HELP"])
            reply = self.answer(verb, usual)
            if not await self.say(writer, reply):
                return
            if verb == "STARTTLS" and self.tls and reply.startswith("220"):
                await writer.start_tls(self.tls)
            if verb == "DATA" and reply.startswith("354"):
                body = await reader.readuntil(b"\r\n.\r\n")
                reply = self.answer("DOT", "250 2.0.0 queued")
                if reply.startswith(("250", DROP, SILENT)):
                    self.received.append(body[:-3].replace(b"\r\n..", b"\r\n."))
                if not await self.say(writer, reply):
                    return

    async def say(self, writer: asyncio.StreamWriter, reply: str) -> bool:
        if reply == DROP:
            return False
        if reply == SILENT:
            await asyncio.sleep(30)
            return False
        writer.write(reply.encode() + b"\r\n")
        await writer.drain()
        return not reply.startswith("421")


@asynccontextmanager
async def running(sink: Sink) -> AsyncIterator[Sink]:
    server = await asyncio.start_server(sink.serve, "127.0.0.1", 0, ssl=sink.tls if sink.implicit else None)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
        for writer in sink.writers:
            writer.close()


@pytest.fixture
def run_sink() -> Callable[[Sink], object]:
    return running


@pytest.fixture
def sink() -> type[Sink]:
    return Sink
