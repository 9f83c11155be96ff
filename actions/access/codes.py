"""Eight digits mailed to the address on file: whoever a link was forwarded to does not have them.

What a stranger with a forwarded link causes is limited, what the owner needs is not: each session has its own
requests and tries, and once many letters went out in an hour the code of the newest one counts in every session that
asked. So nobody fills a mailbox, and nobody uses up what the owner of the mailbox has.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions.access import waiting
from actions.access.sessions import Visit, prove
from actions.access.signin import CodeRefused, Officer
from actions.mail import letters
from actions.store import throttles
from models import ActionLink, Person, StepCode, WebSession
from rules.proof.tokens import hash_step_code, step_code, step_code_matches

LIVES = timedelta(minutes=10)
TRIES = 5
ASKS_AN_HOUR = 5
"""In one session."""
LETTERS_AN_HOUR = 3
"""Before requests are answered with the code of the newest letter."""
SHARED_FOR = LIVES / 2
"""So long a letter's code is given to other sessions: they must still have time to type it."""
WRONG_AN_HOUR = 300
"""For one person, in browsers that never proved to be theirs: far from a guess among 100,000,000."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`secret` is the session's new secret if the code was right."""

    secret: str | None
    tries_left: int


def _bound(row: WebSession, link: ActionLink | None) -> str:
    where = f"link {link.id}|generation {link.generation}" if link else f"console of {row.person_id}"
    return f"{where}|session {row.id}|step"


def _link_of(who: Visit | Officer) -> ActionLink | None:
    return who.link if isinstance(who, Visit) else None


def _of_same_door(who: Visit | Officer):
    """Codes asked for through the same link, or at the console by the same person."""
    link = _link_of(who)
    here = WebSession.link_id == link.id if link else WebSession.link_id.is_(None)
    return select(StepCode).join(WebSession).where(WebSession.person_id == who.person.id, here)


def request(session: Session, who: Visit | Officer, *, master: bytes, at: datetime) -> StepCode:
    """Make a code and queue its letter, or let the newest letter's code count here too.

    CodeRefused: `many` in this session, or `waits` while the address is new.
    """
    session.scalars(select(Person.id).where(Person.id == who.person.id).with_for_update()).one()
    waiting.check(session, who.person.id, at=at, refused=lambda until: CodeRefused("waits", until))
    hour = at - timedelta(hours=1)
    mine = select(StepCode.made_at).where(StepCode.session_id == who.row.id, StepCode.made_at > hour)
    asked = session.scalars(mine.order_by(StepCode.made_at)).all()
    if len(asked) >= ASKS_AN_HOUR:
        raise CodeRefused("many", asked[-ASKS_AN_HOUR] + timedelta(hours=1))
    mailed = _of_same_door(who).where(StepCode.same_as_id.is_(None), StepCode.made_at > hour)
    newest = session.scalar(mailed.order_by(StepCode.id.desc()).limit(1))
    if newest is not None and newest.used_at is None and newest.made_at > at - SHARED_FOR:
        count = session.scalar(mailed.with_only_columns(func.count())) or 0
        if count >= LETTERS_AN_HOUR:
            return _shared(session, who, newest, master=master, at=at)
    return _mailed(session, who, master=master, at=at)


def _shared(session: Session, who: Visit | Officer, newest: StepCode, *, master: bytes, at: datetime) -> StepCode:
    """The digits of a letter that is out, to be typed in this session as well."""
    bound = _bound(who.row, _link_of(who))
    code = StepCode(
        session_id=who.row.id, salt=newest.salt, made_at=at, expires_at=newest.made_at + LIVES, tries=0,
        same_as_id=newest.id,
        code_hmac=hash_step_code(digits(session, newest.id, master=master), bound, master=master),
    )  # fmt: skip
    session.add(code)
    session.flush()
    return code


def _mailed(session: Session, who: Visit | Officer, *, master: bytes, at: datetime) -> StepCode:
    link = _link_of(who)
    salt, bound = secrets.token_hex(16), _bound(who.row, link)
    code = StepCode(
        session_id=who.row.id, salt=salt, made_at=at, expires_at=at + LIVES, tries=0,
        code_hmac=hash_step_code(step_code(bound, salt, master=master), bound, master=master),
    )  # fmt: skip
    session.add(code)
    session.flush()
    facts = {"name": who.person.name, "agency": who.agency.name, "contact": who.agency.contact,
             "minutes": int(LIVES.total_seconds() // 60)}  # fmt: skip
    desk = (
        {"link_id": who.link.id, "stage_id": who.stage.id, "cycle_id": who.cycle.id} if isinstance(who, Visit) else {}
    )
    owed = letters.owed_to(
        who.person, "step_code", f"step_code:{code.id}:sent", facts, code_id=code.id, not_after=code.expires_at,
        **desk,
    )  # fmt: skip
    letters.queue(session, [owed], at=at)
    return code


def digits(session: Session, code_id: int, *, master: bytes) -> str:
    """The digits to write into the letter, derived again: they are stored nowhere."""
    code = session.get_one(StepCode, code_id)
    row = session.get_one(WebSession, code.session_id)
    link = session.get_one(ActionLink, row.link_id) if row.link_id is not None else None
    return step_code(_bound(row, link), code.salt, master=master)


def outstanding(session: Session, who: Visit | Officer, *, at: datetime, lock: bool = False) -> StepCode | None:
    """The newest code of the session, if it can still be typed; an older one never is."""
    query = select(StepCode).where(StepCode.session_id == who.row.id).order_by(StepCode.id.desc()).limit(1)
    query = query.with_for_update().execution_options(populate_existing=True) if lock else query
    code = session.scalar(query)
    if code is None or code.used_at is not None or code.expires_at <= at or code.tries >= TRIES:
        return None
    return code if _letter_of(session, code, lock=lock).used_at is None else None


def _letter_of(session: Session, code: StepCode, *, lock: bool = False) -> StepCode:
    """The code that was mailed: of those that share it, one counts."""
    if code.same_as_id is None:
        return code
    return session.get_one(StepCode, code.same_as_id, with_for_update=lock or None, populate_existing=lock)


def verify(
    session: Session, who: Visit | Officer, typed: str, *, master: bytes, at: datetime, known: bool = False
) -> Verdict:
    """Spend the code if it is right, count the try if it is not: commit either way.

    CodeRefused: `none` if nothing is outstanding, `guessed` after too many wrong ones, in browsers that are not
    `known` as this person's. Of two at once the second finds the code spent.
    """
    if (code := outstanding(session, who, at=at, lock=True)) is None:
        raise CodeRefused("none")
    waiting.check(session, who.person.id, at=at, refused=lambda until: CodeRefused("waits", until))
    key = f"wrong_code:{who.person.id}"
    if not known and throttles.used_up(session, key, WRONG_AN_HOUR, throttles.HOUR, at=at):
        raise CodeRefused("guessed", at + timedelta(seconds=throttles.seconds_left(throttles.HOUR, at=at)))
    if step_code_matches(typed, code.code_hmac, _bound(who.row, _link_of(who)), master=master):
        code.used_at = _letter_of(session, code).used_at = at
        return Verdict(prove(session, who.row, at=at), 0)
    code.tries += 1
    session.flush()
    if not known:
        throttles.take(session, key, WRONG_AN_HOUR, throttles.HOUR, at=at)
    return Verdict(None, TRIES - code.tries)
