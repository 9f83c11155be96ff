"""The HR console's way in: a code mailed to the address on file, typed in the browser that asked for it.

The letter alone opens nothing, so a scanner that follows and presses everything in it gets nowhere; nor does the
browser alone. What a stranger asks for never keeps an officer out: see `actions.access.codes`.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions.access import waiting
from actions.access.sessions import IDLE, LONGEST
from actions.line.calendars import calendar_of
from actions.line.holders import holds_role
from actions.mail import letters
from actions.store import throttles, trail
from models import Agency, Knock, Person, SigninCode, WebSession
from rules.proof.tokens import hash_step_code, step_code, step_code_matches
from rules.refused import Refused
from rules.terms import Role

TRIES = 5
LETTERS_AN_HOUR = 3
"""To one person, before requests are answered with the code of the newest letter."""
SHARED_FOR = timedelta(minutes=7)
WRONG_AN_HOUR = 300
"""For one person, in browsers in which they never signed in before."""
CONFIRMED_FOR = timedelta(minutes=15)
"""So long a code that was entered for one weighty act counts for others in the same session."""
MAY_READ = (Role.PERFORMANCE_ADMIN, Role.APPOINTING_AUTHORITY)


class CodeRefused(Refused):
    """`why`: `many` (requests), `none` (nothing outstanding: used, expired, tried too often, never sent), `guessed`
    (too many wrong ones), `waits` (the address is new). `until`: when it is otherwise, if that is known."""

    def __init__(self, why: str, until: datetime | None = None) -> None:
        super().__init__(why)
        self.why, self.until = why, until


@dataclass(frozen=True, slots=True)
class Officer:
    """Somebody in the console. Only HR steers; the appointing authority reads. `rested`: idle for too long."""

    row: WebSession
    person: Person
    agency: Agency
    today: date
    may_steer: bool
    rested: bool = False

    def confirmed(self, at: datetime) -> bool:
        """Whether a code for weighty acts was entered here of late; that of signing in is none."""
        return self.row.confirmed_at is not None and at < self.row.confirmed_at + CONFIRMED_FOR


@dataclass(frozen=True, slots=True)
class Entered:
    """What became of a typed code: the secret of a new session and whose it is, or how many tries are left."""

    secret: str = ""
    person_id: int = 0
    tries_left: int = 0


def mail_codes(session: Session, knock: Knock, address: str, *, master: bytes, at: datetime) -> int:
    """Mail a code to whoever has that address and a role today; returns to how many. A new address waits first."""
    query = select(Person).where(func.lower(Person.email) == address.strip().lower()).order_by(Person.id)
    mailed = 0
    for person in session.scalars(query.with_for_update()).all():
        if _roles(session, person, at) and waiting.pending(session, person.id, at=at) is None:
            mailed += _make_code(session, knock, person, master=master, at=at)
    return mailed


def _make_code(session: Session, knock: Knock, person: Person, *, master: bytes, at: datetime) -> bool:
    """Whether a letter of its own goes out; else the newest letter's code counts for this knock too."""
    hour = at - timedelta(hours=1)
    sent = select(SigninCode).where(
        SigninCode.person_id == person.id, SigninCode.same_as_id.is_(None), SigninCode.made_at > hour
    )
    newest = session.scalar(sent.order_by(SigninCode.id.desc()).limit(1))
    shared = newest if newest and newest.used_at is None and newest.made_at > at - SHARED_FOR else None
    if shared is not None and (session.scalar(sent.with_only_columns(func.count())) or 0) < LETTERS_AN_HOUR:
        shared = None
    salt = shared.salt if shared else secrets.token_hex(16)
    code = SigninCode(knock_id=knock.id, person_id=person.id, salt=salt, code_hmac="", made_at=at,
                      same_as_id=shared.id if shared else None)  # fmt: skip
    session.add(code)
    session.flush()
    written = step_code(_bound(shared or code), salt, master=master)
    code.code_hmac = hash_step_code(written, _bound(code), master=master)
    session.flush()
    if shared is None:
        _queue(session, person, code, knock, at)
    return shared is None


def _bound(code: SigninCode) -> str:
    return f"sign-in {code.id}|knock {code.knock_id}|person {code.person_id}"


def _queue(session: Session, person: Person, code: SigninCode, knock: Knock, at: datetime) -> None:
    agency = session.get_one(Agency, person.agency_id)
    minutes = int((knock.expires_at - knock.made_at).total_seconds() // 60)
    facts = {"name": person.name, "agency": agency.name, "contact": agency.contact, "minutes": minutes}
    owed = letters.owed_to(
        person, "sign_in", f"sign_in:{person.id}:{code.id}", facts, link_id=code.id, not_after=knock.expires_at
    )
    letters.queue(session, [owed], at=at)


def digits(session: Session, code_id: int, *, master: bytes) -> str:
    """The digits to write into the letter, derived again: they are stored nowhere."""
    code = session.get_one(SigninCode, code_id)
    return step_code(_bound(code), code.salt, master=master)


def _today(session: Session, person: Person, at: datetime) -> date:
    return calendar_of(session, session.get_one(Agency, person.agency_id), at).local_date(at)


def _roles(session: Session, person: Person, at: datetime) -> set[Role]:
    """The roles that open the console, as of the agency's day; none for somebody who left."""
    today = _today(session, person, at)
    if person.active_to is not None and person.active_to < today:
        return set()
    return {role for role in MAY_READ if holds_role(session, person, role, today)}


def enter(session: Session, browser_sha256: str, typed: str, *, master: bytes, at: datetime, known: int = 0) -> Entered:
    """Begin a session if the code belongs to what this browser asked for; else count the try. Commit either way.

    A knock for an address that nobody has takes wrong codes exactly like any other. `known`: the id of whoever
    signed in here before. CodeRefused if there is nothing to type a code for.
    """
    query = select(Knock).filter_by(browser_sha256=browser_sha256).with_for_update()
    knock = session.scalar(query.execution_options(populate_existing=True))
    if knock is None or knock.used_at is not None or at >= knock.expires_at or knock.tries >= TRIES:
        raise CodeRefused("none")
    codes = session.scalars(select(SigninCode).filter_by(knock_id=knock.id).order_by(SigninCode.id)).all()
    keys = [f"wrong_code:{code.person_id}" for code in codes if code.person_id != known]
    if any(throttles.used_up(session, key, WRONG_AN_HOUR, throttles.HOUR, at=at) for key in keys):
        raise CodeRefused("guessed", at + timedelta(seconds=throttles.seconds_left(throttles.HOUR, at=at)))
    if (code := _right(codes, typed, master)) is not None and _spend(session, code, at):
        person = session.get_one(Person, code.person_id)
        if _roles(session, person, at) and waiting.pending(session, person.id, at=at) is None:
            knock.used_at = at
            return Entered(_begin(session, person, at), person.id)
    knock.tries += 1
    session.flush()
    for key in keys:
        throttles.take(session, key, WRONG_AN_HOUR, throttles.HOUR, at=at)
    return Entered(tries_left=TRIES - knock.tries)


def _right(codes: Sequence[SigninCode], typed: str, master: bytes) -> SigninCode | None:
    if not codes:
        step_code_matches(typed, "0" * 64, "nobody", master=master)  # as long as for somebody
    fits = [one for one in codes if step_code_matches(typed, one.code_hmac, _bound(one), master=master)]
    return fits[0] if fits else None


def _spend(session: Session, code: SigninCode, at: datetime) -> bool:
    """Of all that share a letter's code one counts, and that once."""
    mailed = session.get_one(SigninCode, code.same_as_id or code.id, with_for_update=True, populate_existing=True)
    if mailed.used_at is not None:
        return False
    mailed.used_at = code.used_at = at
    return True


def _begin(session: Session, person: Person, at: datetime) -> str:
    secret = secrets.token_urlsafe(32)
    row = WebSession(secret_sha256=_digest(secret), person_id=person.id, begun_at=at, seen_at=at, proven_at=at)
    session.add(row)
    session.flush()
    trail.record(session, person.agency_id, "console.signed_in", f"person:{person.id}", at=at,
                 actor=trail.Actor(person.id), after={"session": row.id})  # fmt: skip
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


def sessions_of(session: Session, person_id: int, *, at: datetime) -> Sequence[WebSession]:
    """The person's sessions that can still be used, at the console and at desks, the newest first."""
    query = select(WebSession).where(
        WebSession.person_id == person_id, WebSession.ended_at.is_(None), WebSession.begun_at > at - LONGEST
    )
    return session.scalars(query.order_by(WebSession.id.desc()).limit(50)).all()


def end_others(session: Session, officer: Officer, session_id: int | None, *, at: datetime) -> int:
    """End one other session of the officer's own, or all of them; returns how many."""
    others = [one for one in sessions_of(session, officer.person.id, at=at) if one.id != officer.row.id]
    ended = [one for one in others if session_id is None or one.id == session_id]
    for one in ended:
        one.ended_at = at
    session.flush()
    if ended:
        trail.record(session, officer.agency.id, "console.session_ended", f"person:{officer.person.id}", at=at,
                     actor=trail.Actor(officer.person.id), after={"sessions": [one.id for one in ended]})  # fmt: skip
    return len(ended)


def end(session: Session, officer: Officer, *, at: datetime) -> None:
    """The session is over, which is on record like its beginning."""
    officer.row.ended_at = at
    session.flush()
    trail.record(session, officer.agency.id, "console.signed_out", f"person:{officer.person.id}", at=at,
                 actor=trail.Actor(officer.person.id), after={"session": officer.row.id})  # fmt: skip
