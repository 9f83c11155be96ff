"""The connection itself: framing, heads that never end, and who holds a connection without asking for anything."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

import settings
import web.server
from rules.terms import StageKind
from web.app import create_app

STAGE = StageKind.TARGET_SETTING
SOON = 0.6


@pytest.fixture
def port(office, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The application as `python -m web.server` serves it, but for shorter waits."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    monkeypatch.setenv("APPRAISAL_BASE_URL", f"http://127.0.0.1:{number}")
    monkeypatch.setattr(web.server, "HEAD_SECONDS", SOON)
    settings.load.cache_clear()
    config = uvicorn.Config(
        create_app(), host="127.0.0.1", port=number, http=web.server.Protocol, ws="none", log_level="error",
        timeout_keep_alive=5, h11_max_incomplete_event_size=web.server.MAX_HEAD,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
    yield number
    server.should_exit = True
    thread.join()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def everything(wire: socket.socket) -> bytes:
    """What comes until the server hangs up."""
    got = b""
    try:
        while piece := wire.recv(65536):
            got += piece
    except ConnectionResetError:
        pass
    return got


def head(port: int, *lines: str, target: str = "/hr", method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{port}", *lines, "", ""]).encode()


def statuses(answer: bytes) -> list[int]:
    return [int(part.split(b" ")[0]) for part in answer.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize("path", ["/a", "/api/v1/session", "/hr"])
def test_two_lengths_on_one_request_have_one_answer_and_end_the_connection(port, path):
    hidden = head(port, target="/hr/c/1")
    both = head(
        port, f"Origin: http://127.0.0.1:{port}", "Content-Length: 5", "Transfer-Encoding: chunked", target=path,
        method="POST",
    )  # fmt: skip
    with connect(port) as wire:
        wire.sendall(both + b"0\r\n\r\n" + hidden)
        answer = everything(wire)
    assert statuses(answer) == [400]
    assert b"connection: close" in answer.lower()


def test_a_head_that_is_too_large_is_refused_complete_or_not(port):
    for line, end in (("X: " + "x" * 20_000, True), ("X: " + "x" * 70_000, False)):
        with connect(port) as wire:
            sent = head(port, line)
            wire.sendall(sent if end else sent[:-4])
            assert statuses(everything(wire)) in ([400], [431])


def test_many_small_headers_are_too_much_as_well(port):
    with connect(port) as wire:
        wire.sendall(head(port, *[f"X-{n}: 1" for n in range(3000)]))
        assert statuses(everything(wire)) in ([400], [431])


def test_half_open_connections_do_not_stay_and_nobody_waits_for_them(port):
    idle = [connect(port) for _ in range(200)]
    half = [connect(port) for _ in range(200)]
    for wire in half:
        wire.sendall(b"GET /hr HTTP/1.1\r\nHost: ")
    begun = time.monotonic()
    with connect(port) as wire:
        wire.sendall(head(port, "Connection: close"))
        assert statuses(everything(wire)) == [200]
    assert time.monotonic() - begun < 2
    for wire in idle + half:
        assert everything(wire) == b""
        wire.close()
    assert time.monotonic() - begun < SOON + 4


def test_a_head_that_trickles_wins_no_time_not_even_after_an_answer(port):
    with connect(port) as wire:
        wire.sendall(head(port))
        assert statuses(wire.recv(65536)) == [200]
        begun = time.monotonic()
        try:
            for letter in b"GET /hr HTTP/1.1\r\nHost: abcdefghijklmnopqrstuvwxyz":
                wire.sendall(bytes([letter]))
                time.sleep(0.1)
        except OSError:
            pass
        assert time.monotonic() - begun < SOON + 2


def test_a_connection_is_kept_for_the_next_request_while_it_is_used(port):
    with connect(port) as wire:
        for _ in range(4):
            wire.sendall(head(port))
            assert statuses(wire.recv(65536)) == [200]
            time.sleep(SOON / 2)
