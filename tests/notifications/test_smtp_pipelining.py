"""Servers that take several commands at once: fewer journeys, and nobody mistakes one reply for another."""

import asyncio
from typing import Any

import pytest

from notifications.smtp import Connection, Relay, Reply, Timeouts, Tls
from rules.terms import SmtpPhase
from tests.notifications.test_smtp import BODY, FROM, QUICK, TO, Run, one, with_server

FAST = ["PIPELINING", "DSN"]


def test_all_commands_of_a_letter_are_sent_before_the_first_reply() -> None:
    got: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        await reader.readline()
        writer.write(b"250-sink\r\n250 PIPELINING\r\n")
        got.extend([await reader.readline() for _ in range(3)])  # answers nothing before it has them all
        writer.write(b"250 ok\r\n250 ok\r\n354 go\r\n")
        got.append(await reader.readuntil(b"\r\n.\r\n"))
        writer.write(b"250 2.0.0 queued\r\n")
        await reader.read()
        writer.close()

    async def main() -> Reply:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        to_server = Connection(Relay("127.0.0.1", port, Tls.NONE), timeouts=Timeouts(2, 1, 1, 1, 1, 0.2))
        try:
            return await to_server.send(FROM, TO, BODY)
        finally:
            await to_server.close()
            server.close()

    assert asyncio.run(main()) == Reply(SmtpPhase.DONE, 250, "2.0.0 queued")
    assert [line[:4] for line in got] == [b"MAIL", b"RCPT", b"DATA", got[3][:4]]


@pytest.mark.parametrize(
    ("answers", "phase"),
    [({"MAIL": ["450 4.2.0 later", "250 ok"], "RCPT": ["503 5.5.1 no", "250 ok"], "DATA": ["503 5.5.1 no", "354 go"]},
      SmtpPhase.MAIL),
     ({"RCPT": ["450 4.2.0 later", "250 ok"], "DATA": ["554 5.5.1 no", "354 go"]}, SmtpPhase.RCPT),
     ({"DATA": ["450 4.2.0 later", "354 go"]}, SmtpPhase.DATA),
     ({"DOT": ["450 4.2.0 later", "250 ok"]}, SmtpPhase.DOT)],
)  # fmt: skip
def test_the_first_refusal_decides_and_the_next_letter_goes_over_the_same_connection(
    run_sink: Run, sink: Any, answers: dict[str, list[str]], phase: SmtpPhase
) -> None:
    server = sink(extensions=FAST, answers=answers)

    async def two(to_server: Connection) -> tuple[Reply, Reply]:
        return await one(to_server), await one(to_server)

    refused, accepted = with_server(run_sink, server, two)
    assert refused == Reply(phase, 450, "4.2.0 later")
    assert accepted.accepted
    assert server.connections == 1
    assert server.received == [BODY]


def test_a_server_that_wants_a_letter_for_nobody_gets_none(run_sink: Run, sink: Any) -> None:
    server = sink(extensions=FAST, answers={"RCPT": ["550 5.1.1 unknown", "250 ok"]})

    async def two(to_server: Connection) -> tuple[Reply, Reply]:
        return await one(to_server), await one(to_server)

    refused, accepted = with_server(run_sink, server, two)
    assert refused == Reply(SmtpPhase.RCPT, 550, "5.1.1 unknown")
    assert accepted.accepted
    assert server.connections == 2
    assert server.received == [BODY]


@pytest.mark.parametrize("how", ["DROP", "SILENT", "421 4.3.2 bye", "hello\tthere"])
@pytest.mark.parametrize(("verb", "phase"), [("RCPT", SmtpPhase.RCPT), ("DATA", SmtpPhase.DATA)])
def test_a_server_that_falls_silent_in_between_leaves_no_doubt(
    run_sink: Run, sink: Any, verb: str, phase: SmtpPhase, how: str
) -> None:
    server = sink(extensions=FAST, answers={verb: [how]})

    async def ask(to_server: Connection) -> tuple[Reply, bool]:
        return await one(to_server), to_server.is_open

    reply, still_open = with_server(run_sink, server, ask, timeouts=QUICK)
    assert reply.phase is phase
    assert reply.code == (421 if how.startswith("421") else None)
    assert not still_open
    assert server.received == []
