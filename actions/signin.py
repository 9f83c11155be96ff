"""The HR console's way in: a link mailed to the address on file of whoever holds the role on that day, spent once."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions import letters, throttles
from actions.calendars import calendar_of
from actions.holders import holds_role
from actions.sessions import IDLE, LONGEST
from models import Agency, Person, SigninLink, WebSession
from rules.words import Role

LIVES = timedelta(minutes=15)
PER_HOUR = 3
MAY_READ = (Role.PERFORMANCE_ADMIN, Role.APPOINTING_AUTHORITY)


@dataclass(frozen=True, slots=True)
class Officer:
    """Somebody in the console. Only HR steers; the appointing authority reads. `rested`: idle for too long."""

    row: WebSession
    person: Person
    agency: Agency
    today: date
    may_steer: bool
    rested: bool = False


def ask(session: Session, address: str, *, at: datetime) -> int:
    """Mail a sign-in link to whoever has that address and a role today, three an hour at most; returns how many.

    The caller answers the same whatever this returns, so that nobody learns who holds a role.
    """
    query = select(Person).where(func.lower(Person.email) == address.strip().lower()).order_by(Person.id)
    asked = 0
    for person in session.scalars(query).all():
        if _roles(session, person, at) and throttles.take(
            session, f"signin:{person.id}", PER_HOUR, throttles.HOUR, at=at
        ):
            _queue(session, person, at)
            asked += 1
    return asked


def _queue(session: Session, person: Person, at: datetime) -> None:
    link = SigninLink(id=secrets.randbits(63) or 1, person_id=person.id, made_at=at, expires_at=at + LIVES)
    session.add(link)
    session.flush()
    agency = session.get_one(Agency, person.agency_id)
    facts = {"name": person.name, "agency": agency.name, "contact": agency.contact,
             "minutes": int(LIVES.total_seconds() // 60)}  # fmt: skip
    owed = letters.owed_to(
        person, "sign_in", f"sign_in:{person.id}:{link.id}", facts, link_id=link.id, not_after=link.expires_at
    )
    letters.queue(session, [owed], at=at)


def _today(session: Session, person: Person, at: datetime) -> date:
    return calendar_of(session, session.get_one(Agency, person.agency_id), at).local_date(at)


def _roles(session: Session, person: Person, at: datetime) -> set[Role]:
    """The roles that open the console, as of the agency's day; none for somebody who left."""
    today = _today(session, person, at)
    if person.active_to is not None and person.active_to < today:
        return set()
    return {role for role in MAY_READ if holds_role(session, person, role, today)}


def for_whom(session: Session, link_id: int | None, *, at: datetime, lock: bool = False) -> Person | None:
    """Whom an (already verified) sign-in link lets in; None if it is unknown, spent, too old, or the role is over."""
    link = session.get(SigninLink, link_id, with_for_update=lock or None) if link_id is not None else None
    if link is None or link.used_at is not None or at >= link.expires_at:
        return None
    person = session.get_one(Person, link.person_id)
    return person if _roles(session, person, at) else None


def begin(session: Session, link_id: int | None, *, at: datetime) -> str | None:
    """Spend the link and begin a session: its secret, of which only the hash is stored. None if it does not count."""
    if (person := for_whom(session, link_id, at=at, lock=True)) is None or link_id is None:
        return None
    session.get_one(SigninLink, link_id).used_at = at
    secret = secrets.token_urlsafe(32)
    session.add(
        WebSession(secret_sha256=_digest(secret), person_id=person.id, begun_at=at, seen_at=at, proven_at=at)
    )  # fmt: skip
    session.flush()
    return secret


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def find(session: Session, secret: str, *, at: datetime, seen: datetime | None = None) -> Officer | None:
    """Whose session a secret belongs to; None if none, ended, too long ago, or the role is no longer held."""
    query = select(WebSession).where(
        WebSession.secret_sha256 == _digest(secret), WebSession.ended_at.is_(None), WebSession.link_id.is_(None)
    )
    row = session.scalar(query)
    if row is None or at >= row.begun_at + LONGEST:
        return None
    person = session.get_one(Person, row.person_id)
    if not (roles := _roles(session, person, at)):
        return None
    last = max(row.seen_at, min(seen, at)) if seen else row.seen_at
    return Officer(
        row, person, session.get_one(Agency, person.agency_id), _today(session, person, at),
        may_steer=Role.PERFORMANCE_ADMIN in roles, rested=at >= last + IDLE,
    )  # fmt: skip


def end(session: Session, officer: Officer, *, at: datetime) -> None:
    officer.row.ended_at = at
    session.flush()
