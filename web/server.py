"""The pages on the wire: `python -m web.server --host 127.0.0.1 --port 8080`. Whoever says nothing is not waited for.

uvicorn waits for ever for the first request of a connection, and for the rest of a head that trickles in.
"""

import argparse
import asyncio
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
"""From a connection, or from the first byte of a further request, to the end of its head."""
IDLE_SECONDS = 5
"""Between two requests of one connection."""
DRAIN_SECONDS = 30.0
"""For a client to take what it asked for."""
MAX_HEAD = 16_384


class Protocol(H11Protocol):
    """uvicorn's own, that ends connections which are held open without asking for anything, or without reading."""

    _head: asyncio.TimerHandle | None = None
    _drain: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch_head()

    def _watch_head(self) -> None:
        """The clock runs from the first wait on: a byte now and then wins no time."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._head = _stop(self._head)
        elif self._head is None:
            self._head = self.loop.call_later(HEAD_SECONDS, self._hang_up)

    def on_response_complete(self) -> None:
        self._head = _stop(self._head)
        super().on_response_complete()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._drain = self._drain or self.loop.call_later(DRAIN_SECONDS, self._hang_up)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._drain = self._drain or self.loop.call_later(DRAIN_SECONDS, self._hang_up)

    def resume_writing(self) -> None:
        self._drain = _stop(self._drain)
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head, self._drain = _stop(self._head), _stop(self._drain)
        super().connection_lost(exc)

    def _hang_up(self) -> None:
        self.transport.abort()


def _stop(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()


def run(host: str, port: int, **more: Any) -> None:
    """Serve until told to stop."""
    uvicorn.run(
        "web.app:create_app", factory=True, host=host, port=port, http="web.server:Protocol",
        ws="none", access_log=False, timeout_keep_alive=IDLE_SECONDS,
        h11_max_incomplete_event_size=MAX_HEAD, **more,
    )  # fmt: skip


def main() -> None:
    words = argparse.ArgumentParser(prog="python -m web.server", description="Serve the pages.")
    words.add_argument("--host", default="127.0.0.1")
    words.add_argument("--port", type=int, default=8080)
    words.add_argument("--workers", type=int, default=1)
    words.add_argument("--log-level", default="info")
    words.add_argument("--log-config", default=None)
    given = words.parse_args()
    more = {"log_config": given.log_config} if given.log_config else {}
    run(given.host, given.port, log_level=given.log_level, workers=given.workers, **more)


if __name__ == "__main__":
    main()
