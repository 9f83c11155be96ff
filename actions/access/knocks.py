"""Asking to be let in: put down in the same way whoever asks for whomever, and answered afterwards by mail.

Nothing that the asking browser can see, or measure, depends on whether anybody has the address or NIP that it named.
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from actions.access import lost_links, signin
from models import Knock, SigninCode
from rules.terms import Door

LIVES = timedelta(minutes=15)
FORGOTTEN = timedelta(days=1)
SWEPT = 20
"""At most so many that a process left unanswered are answered with the next one."""


def digest(browser: str) -> str:
    return hashlib.sha256(browser.encode()).hexdigest()


def knock(session: Session, door: Door, said: str, *, at: datetime) -> tuple[int, str]:
    """Put the request down: its id, and the secret that the asking browser keeps."""
    browser = secrets.token_urlsafe(32)
    asked = Knock(
        door=door, said=said.strip()[:254], browser_sha256=digest(browser), made_at=at,
        expires_at=at + LIVES, tries=0,
    )  # fmt: skip
    session.add(asked)
    session.flush()
    return asked.id, browser


def unanswered(session: Session, *, at: datetime) -> Sequence[int]:
    """Requests that nobody has looked up yet, the oldest first; those that are over stay without an answer."""
    query = select(Knock.id).where(Knock.answered_at.is_(None), Knock.expires_at > at)
    return session.scalars(query.order_by(Knock.id).limit(SWEPT)).all()


def answer(session: Session, knock_id: int, *, master: bytes, at: datetime) -> int:
    """Look up whom it concerns and queue what they are mailed; done twice it is done once. Returns how many letters."""
    asked = session.get(Knock, knock_id, with_for_update=True, populate_existing=True)
    if asked is None or asked.answered_at is not None or asked.expires_at <= at:
        return 0
    said, asked.said, asked.answered_at = asked.said, "", at
    session.flush()
    if asked.door is Door.CONSOLE:
        return signin.mail_codes(session, asked, said, master=master, at=at)
    return lost_links.mail_links(session, said, at=at)


def forget(session: Session, *, at: datetime) -> int:
    """Delete what was asked more than a day ago; returns how many."""
    old = Knock.made_at < at - FORGOTTEN
    codes = delete(SigninCode).where(
        exists().where(Knock.id == SigninCode.knock_id, old), SigninCode.made_at < at - FORGOTTEN
    )
    session.execute(codes.execution_options(synchronize_session=False))
    kept = exists().where(SigninCode.knock_id == Knock.id)
    gone = delete(Knock).where(old, ~kept)
    return session.connection().execute(gone).rowcount
