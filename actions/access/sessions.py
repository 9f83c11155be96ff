"""Short sessions at a desk: begun with a link, bound to it, ended by time, by the person or with the link."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import bindparam, exists, func, select
from sqlalchemy.orm import Session

from actions.duties import links
from actions.duties.links import LinkRefused, OpenedLink
from actions.line.calendars import calendar_of
from models import ActionLink, Agency, Cycle, Person, Stage, StepCode, WebSession
from rules.terms import LinkState, Proof

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=8)
BEGUN_AN_HOUR = 60
"""Sessions of one link, before new ones take over those that were never used."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One person at one desk. `rested`: idle for too long, so nothing may be read or done in it any more."""

    row: WebSession
    link: ActionLink
    person: Person
    stage: Stage
    cycle: Cycle
    agency: Agency
    rested: bool = False

    @property
    def proof(self) -> Proof:
        return Proof.CODE if self.row.proven_at is not None else Proof.LINK


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def begin(session: Session, opened: OpenedLink, *, at: datetime) -> str:
    """Begin a session and return its secret, of which only the hash is stored.

    Pressing the button again and again, as scanners do, makes no more rows than BEGUN_AN_HOUR, and keeps nobody out:
    then the newcomer takes over the oldest session in which nothing was sent.
    """
    secret = secrets.token_urlsafe(32)
    hour = WebSession.link_id == opened.link.id, WebSession.begun_at > at - timedelta(hours=1)
    row = None
    if (session.scalar(select(func.count()).select_from(WebSession).where(*hour)) or 0) >= BEGUN_AN_HOUR:
        unused = WebSession.proven_at.is_(None), WebSession.seen_at == WebSession.begun_at
        coded = exists().where(StepCode.session_id == WebSession.id)
        query = select(WebSession).where(*hour, *unused, ~coded).order_by(WebSession.begun_at, WebSession.id)
        row = session.scalar(query.limit(1).with_for_update(skip_locked=True))
    if row is None:
        row = WebSession(person_id=opened.person.id, link_id=opened.link.id)
        session.add(row)
    row.secret_sha256, row.begun_at, row.seen_at, row.ended_at = _digest(secret), at, at, None
    session.flush()
    return secret


def find(session: Session, secret: str, *, at: datetime, seen: datetime | None = None) -> Visit | None:
    """The visit that a secret belongs to; None if there is none, it ended, or its link no longer counts.

    `seen` is a later sign of life than the one stored: reading is noted in the cookie, for a GET writes nothing.
    """
    found = session.execute(_living(), {"b_secret": _digest(secret)}).tuples().one_or_none()
    if found is None or at >= found[0].begun_at + LONGEST:
        return None
    row, link = found
    try:
        opened = links.opened(link)
    except LinkRefused:
        return None
    last = max(row.seen_at, min(seen, at)) if seen else row.seen_at
    agency = session.get_one(Agency, opened.cycle.agency_id)
    left = opened.person.active_to
    if left is not None and left < calendar_of(session, agency, at).local_date(at):
        return None
    return Visit(row, opened.link, opened.person, opened.stage, opened.cycle, agency, rested=at >= last + IDLE)


@cache
def _living():
    return (
        select(WebSession, ActionLink)
        .join(ActionLink, ActionLink.id == WebSession.link_id)
        .where(WebSession.secret_sha256 == bindparam("b_secret"), WebSession.ended_at.is_(None),
               ActionLink.state == LinkState.ACTIVE)
        .options(*links.with_desk())
    )  # fmt: skip


def end(session: Session, visit: Visit, *, at: datetime) -> None:
    visit.row.ended_at = at
    session.flush()


def prove(session: Session, row: WebSession, *, at: datetime) -> str:
    """Note that a code was entered; the session gets a new secret, so what was known before it is worth nothing."""
    secret = secrets.token_urlsafe(32)
    row.secret_sha256, row.proven_at, row.seen_at = _digest(secret), at, at
    if row.link_id is None:
        row.confirmed_at = at
    session.flush()
    return secret
