"""The cookie: a secret, and when it was last used, so that reading keeps a session alive without a write."""

import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

import settings
from rules.proof.tokens import Purpose, key_for

REFRESH = timedelta(minutes=1)
DESK, CONSOLE, KNOCK, KNOWN = "s", "h", "b", "k"
"""Cookies of their own, so that HR can sit at their desk and in the console in one browser.

KNOCK is kept by the browser that asked to be let in, KNOWN by one in which somebody proved who they are.
"""
KNOWN_FOR = timedelta(days=180)


def cookie_name(name: str = DESK) -> str:
    """`__Host-s`, which no sibling domain can set; plain `s` where there is no TLS, that is on the own machine."""
    return f"__Host-{name}" if _secure() else name


def _secure() -> bool:
    return settings.load().base_url.startswith("https://")


def _macs(text: str, purpose: Purpose = Purpose.SESSION_SEEN) -> list[str]:
    """The newest first: that of the master secret before a rotation still counts."""
    keys = [key_for(master, purpose) for master in settings.load().masters]
    return [hmac.new(key, text.encode(), "sha256").hexdigest()[:32] for key in keys]


def set_cookie(response: Response, secret: str, at: datetime, name: str = DESK) -> None:
    text = f"{secret}.{int(at.timestamp())}"
    response.set_cookie(
        cookie_name(name), f"{text}.{_macs(text)[0]}", path="/", secure=_secure(), httponly=True, samesite="strict"
    )


@dataclass(frozen=True, slots=True)
class Known:
    """A browser in which a person proved who they are: others cannot use up what is counted for it."""

    person_id: int
    browser: str


def set_known(response: Response, person_id: int, at: datetime) -> None:
    text = f"{person_id}.{secrets.token_hex(8)}.{int(at.timestamp())}"
    response.set_cookie(
        cookie_name(KNOWN), f"{text}.{_macs(text, Purpose.KNOWN_BROWSER)[0]}", path="/", secure=_secure(),
        httponly=True, samesite="strict", max_age=int(KNOWN_FOR.total_seconds()),
    )  # fmt: skip


def read_known(request: Request) -> Known | None:
    text, _, mac = request.cookies.get(cookie_name(KNOWN), "").rpartition(".")
    macs = _macs(text, Purpose.KNOWN_BROWSER)
    if not any(hmac.compare_digest(mac.encode(), ours.encode()) for ours in macs):
        return None
    person, browser, _ = text.split(".")
    return Known(int(person), browser)


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
