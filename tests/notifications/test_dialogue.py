"""Waiting for answers: each has its own time, and a timer that rings for an earlier one breaks nothing."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

from aiosmtplib import SMTPReadTimeoutError, SMTPServerDisconnected

from notifications.dialogue import Dialogue

TICK = 0.1


def with_speaker(
    speak: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    talk: Callable[[Dialogue], Awaitable[Any]],
) -> Any:
    async def main() -> Any:
        loop = asyncio.get_running_loop()
        server = await asyncio.start_server(speak, "127.0.0.1", 0)
        transport, _ = await loop.create_connection(asyncio.Protocol, *server.sockets[0].getsockname())
        try:
            return await talk(Dialogue(cast(asyncio.Transport, transport)))
        finally:
            transport.close()
            server.close()

    return asyncio.run(main())


async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An answer to each line, a tick apart."""
    while await reader.readline():
        await asyncio.sleep(TICK)
        writer.write(b"250 ok\r\n")
    writer.close()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


def test_each_answer_has_its_own_time() -> None:
    async def talk(to: Dialogue) -> tuple[Exception | None, int]:
        failed = await to.ask(b"a\r\nb\r\nc\r\nd\r\n", [2.5 * TICK] * 4)
        return failed, len(to.heard)

    assert with_speaker(slow, talk) == (None, 4)


def test_a_shorter_time_after_a_longer_one_is_kept() -> None:
    async def talk(to: Dialogue) -> tuple[Exception | None, float]:
        asyncio.get_running_loop().call_later(TICK / 2, to.data_received, b"250 ok\r\n")
        assert await to.ask(b"a\r\n", [60]) is None
        began = time.monotonic()
        failed = await asyncio.wait_for(to.ask(b"b\r\n", [TICK]), 5)
        return failed, time.monotonic() - began

    failed, took = with_speaker(silent, talk)
    assert isinstance(failed, SMTPReadTimeoutError)
    assert TICK * 0.8 <= took < 2


def test_what_was_answered_before_it_broke_off_is_kept() -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"550-5.1.1 no\r\n550 such person\r\n")
        await writer.drain()
        writer.close()

    async def talk(to: Dialogue) -> tuple[Exception | None, list[Any]]:
        return await to.ask(b"a\r\nb\r\n", [5, 5]), to.heard

    failed, heard = with_speaker(speak, talk)
    assert isinstance(failed, SMTPServerDisconnected)
    assert heard == [(550, "5.1.1 no\nsuch person")]


def test_what_nobody_asked_for_answers_nothing() -> None:
    async def talk(to: Dialogue) -> tuple[Exception | None, list[Any]]:
        to.data_received(b"421 going away\r\n")
        return await to.ask(b"a\r\n", [5]), to.heard

    assert with_speaker(slow, talk) == (None, [(250, "ok")])
