"""Pages and style sheets are compressed; what holds a link or answers a program is not."""

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

AS_IT_IS = ("/a/", "/api/")
"""The landing page holds the link's token beside words of the query: its length would tell of the token (BREACH).

Elsewhere the secrets are in cookies, which are in no body, and in nonces, which are new on each page; and no other
site can make a browser ask for a page of somebody's session, since the cookies are SameSite=Strict.
"""
LEAST = 1000
"""Bytes; below that one packet carries it anyway."""
LEVEL = 5


class Compressed:
    """Gzip for whoever takes it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app, self.gzip = app, GZipMiddleware(app, minimum_size=LEAST, compresslevel=LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        as_it_is = scope["type"] != "http" or scope["path"].startswith(AS_IT_IS)
        await (self.app if as_it_is else self.gzip)(scope, receive, send)
