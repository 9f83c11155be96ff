"""Visitors of the web benchmark, in a process of their own: so many requests a second, whether answers come or not.

A request's time counts from when it was meant to leave, so that a slow server cannot hide by being asked less.
"""

import asyncio
import json
import sys
import time
from typing import Any

from benchmarks.measure import await_go

TIMEOUT = 30


class Line:
    """One kept connection."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and head of the answer; the body is read and left."""
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.streams
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        await reader.readexactly(length)
        return int(head[9:12]), head

    async def close(self) -> None:
        if self.streams is not None:
            self.streams[1].close()
            self.streams = None


def request_of(port: int, path: str, cookie: str = "") -> bytes:
    kept = f"Cookie: {cookie}\r\n" if cookie else ""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: */*\r\n{kept}\r\n".encode()


async def enter(line: Line, port: int, token: str) -> str:
    """Press the button of a link's page; the cookie of the session that it began."""
    body = f"token={token}"
    answer = (
        f"POST /a HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nSec-Fetch-Site: same-origin\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    )
    status, head = await line.ask(answer.encode())
    for field in head.split(b"\r\n"):
        if field.lower().startswith(b"set-cookie:"):
            return field.partition(b":")[2].split(b";")[0].strip().decode()
    raise RuntimeError(f"no session began: {status}")


async def visit(port: int, requests: list[bytes], rate: float, seconds: float) -> dict[str, Any]:
    """Send the requests in turn at that rate; seconds each took, and how many were not answered with 200."""
    free: list[Line] = []
    lines: list[Line] = []
    took: list[float] = []
    failed = 0

    async def one(request: bytes, due: float) -> None:
        nonlocal failed
        if free:
            line = free.pop()
        else:
            lines.append(line := Line(port))
        try:
            status, _ = await asyncio.wait_for(line.ask(request), TIMEOUT)
            failed += status != 200
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            failed += 1
            await line.close()
        took.append(time.perf_counter() - due)
        free.append(line)

    began, tasks = time.perf_counter(), []
    for number in range(int(rate * seconds)):
        due = began + number / rate
        if (rest := due - time.perf_counter()) > 0:
            await asyncio.sleep(rest)
        tasks.append(asyncio.create_task(one(requests[number % len(requests)], due)))
    await asyncio.gather(*tasks)
    for line in lines:
        await line.close()
    return {"took": took, "failed": failed}


async def main(asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Enter all desks, then the rounds: each path at that rate, in turns; the first turn of each warms up."""
    port, tokens = asked["port"], asked["tokens"]
    line = Line(port)
    cookies = [await enter(line, port, token) for token in tokens]
    await line.close()
    pages = {
        "static": [request_of(port, "/static/style.css")],
        "landing": [request_of(port, f"/a/{token}") for token in tokens],
        "desk": [request_of(port, "/w", cookie) for cookie in cookies],
    }
    for requests in pages.values():
        await visit(port, requests, asked["rate"] / 4, 1)
    await_go()
    rounds = []
    for _ in range(asked["rounds"]):
        found = {name: await visit(port, listed, asked["rate"], asked["seconds"]) for name, listed in pages.items()}
        rounds.append(found)
    return rounds


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(json.loads(sys.argv[1])))))
