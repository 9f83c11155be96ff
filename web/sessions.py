"""The cookie: a secret, and when it was last used, so that reading keeps a session alive without a write."""

import hmac
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

import settings
from rules.tokens import Purpose, key_for

REFRESH = timedelta(minutes=1)
DESK, CONSOLE = "s", "h"
"""Cookies of their own, so that HR can sit at their desk and in the console in one browser."""


def cookie_name(name: str = DESK) -> str:
    """`__Host-s`, which no sibling domain can set; plain `s` where there is no TLS, that is on the own machine."""
    return f"__Host-{name}" if _secure() else name


def _secure() -> bool:
    return settings.load().base_url.startswith("https://")


def _macs(text: str) -> list[str]:
    """The newest first: that of the master secret before a rotation still counts."""
    keys = [key_for(master, Purpose.SESSION_SEEN) for master in settings.load().masters]
    return [hmac.new(key, text.encode(), "sha256").hexdigest()[:32] for key in keys]


def set_cookie(response: Response, secret: str, at: datetime, name: str = DESK) -> None:
    text = f"{secret}.{int(at.timestamp())}"
    response.set_cookie(
        cookie_name(name), f"{text}.{_macs(text)[0]}", path="/", secure=_secure(), httponly=True, samesite="strict"
    )


def clear_cookie(response: Response, name: str = DESK) -> None:
    response.delete_cookie(cookie_name(name), path="/", secure=_secure(), httponly=True, samesite="strict")


def read_cookie(request: Request, name: str = DESK) -> tuple[str, datetime] | None:
    """The secret and when it was last used, if the cookie is as we set it."""
    secret, _, rest = request.cookies.get(cookie_name(name), "").partition(".")
    stamp, _, mac = rest.partition(".")
    if not (secret and stamp.isascii() and stamp.isdigit() and len(stamp) < 12):
        return None
    if not any(hmac.compare_digest(mac.encode(), ours.encode()) for ours in _macs(f"{secret}.{stamp}")):
        return None
    return secret, datetime.fromtimestamp(int(stamp), UTC)
