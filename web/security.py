"""What holds for every request, whoever answers it: trusted host, same origin, size, headers, and no token in a log."""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rules.proof.tokens import fingerprint
from web.render import look_for, refusal

MAX_BODY = 1_000_000
BODY_SECONDS = 30.0
"""For a whole form to arrive: a slow phone needs a few, a client that trickles holds its connection no longer."""
HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
METHODS = frozenset({"GET", "HEAD", "POST"})
MAX_HEADERS = 16_384
"""Bytes of all names and values: cookies of every application on a domain fit in, floods do not."""
ASK_AGAIN_AFTER = 60
"""Seconds that a refused flood is told to wait, unless whoever refused it knows better."""
log = logging.getLogger("web.access")


class _BadBody(Exception):
    """It is too large (413) or comes too slowly (408); the connection is not used again."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class Guard:
    """Outermost: refuses what no page should see and puts the headers on every answer, also on errors."""

    def __init__(self, app: ASGIApp, base_url: str, own_rules: tuple[str, ...] = ("/api/",)) -> None:
        """`own_rules`: path prefixes that authenticate without cookies, and so need no same-origin check."""
        self.app, self.own_rules = app, own_rules
        parts = urlsplit(base_url)
        self.origin, self.host = f"{parts.scheme}://{parts.netloc}", parts.netloc.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if status == 429:
                    headers.setdefault("Retry-After", str(ASK_AGAIN_AFTER))
            await send(message)

        try:
            answer = self._refused(scope)
            if answer is None:
                await self.app(scope, _limited(receive), send_with_headers)
            else:
                await answer(scope, receive, send_with_headers)
        except _BadBody as bad:
            if not status:
                page = _for_good(refused(scope, bad.status, bad.code))
                await page(scope, receive, send_with_headers)
        except Exception:
            log.exception("%s failed", _route(scope))
            if status:
                raise
            await refused(scope, 500, "error")(scope, receive, send_with_headers)
        log.info("%s %s %s %.0f ms", scope["method"], _route(scope), status, 1000 * (time.perf_counter() - begun))

    def _refused(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        own_rules = scope["path"].startswith(self.own_rules)
        if "transfer-encoding" in headers and "content-length" in headers:
            return _for_good(refused(scope, 400, "bad_request"))  # two lengths hide a second request
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADERS:
            return _for_good(refused(scope, 431, "too_large"))
        if headers.get("host", "").lower() != self.host:
            return refused(scope, 400, "host")
        if "\0" in scope["path"] or b"%00" in scope.get("query_string", b""):
            return refused(scope, 400, "bad_request")
        if scope["method"] not in METHODS and not own_rules:
            return refused(scope, 405, "method")
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit() and len(length) < 19 and int(length) <= MAX_BODY):
            return refused(scope, 413, "too_large")
        if scope["method"] == "POST" and not own_rules and not self._same_origin(headers):
            return refused(scope, 403, "cross_site")
        return None

    def _same_origin(self, headers: Headers) -> bool:
        if (site := headers.get("sec-fetch-site")) is not None:
            return site == "same-origin"
        return headers.get("origin") == self.origin


def _limited(receive: Receive) -> Receive:
    taken, whole, until = 0, False, time.monotonic() + BODY_SECONDS

    async def receive_limited() -> Message:
        nonlocal taken, whole
        if whole:
            return await receive()  # waits for the client to hang up, as long as that takes
        try:
            message = await asyncio.wait_for(receive(), until - time.monotonic())
        except TimeoutError:
            raise _BadBody(408, "too_slow") from None
        taken += len(message.get("body", b""))
        whole = not message.get("more_body", False)
        if taken > MAX_BODY:
            raise _BadBody(413, "too_large")
        return message

    return receive_limited


def refused(scope: Scope, status: int, code: str) -> Response:
    """Say no in the way of whoever asked: JSON to programs, a page to people."""
    if f"{scope['path']}/".startswith("/api/"):
        return JSONResponse({"code": code, "details": {}}, status)
    lang = QueryParams(scope.get("query_string", b"")).get("lang")
    return refusal(look_for(lang), status, code)


def _for_good(response: Response) -> Response:
    """Nothing more is read from this connection."""
    response.headers["Connection"] = "close"
    return response


def _route(scope: Scope) -> str:
    """The name of the page and, of a token, only what tells two apart: paths and referrers are never logged."""
    endpoint = scope.get("endpoint")
    params: dict[str, Any] = scope.get("path_params", {})
    token = f" {fingerprint(params['token'])}" if "token" in params else ""
    return f"{getattr(endpoint, '__name__', 'nothing')}{token}"
