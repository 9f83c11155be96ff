"""Eight digits mailed to the address on file: whoever a link was forwarded to does not have them."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions import letters
from actions.sessions import Visit, prove
from models import ActionLink, StepCode, WebSession
from rules.tokens import hash_step_code, step_code, step_code_matches

LIVES = timedelta(minutes=10)
TRIES = 5
PER_HOUR = 3


class CodeRefused(Exception):
    """`why` is `too_many` (requests) or `none` (no code outstanding: used, expired, tried too often, never sent)."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Verdict:
    """`secret` is the session's new secret if the code was right."""

    secret: str | None
    tries_left: int


def _bound(link: ActionLink, session_id: int) -> str:
    return f"link {link.id}|generation {link.generation}|session {session_id}|step"


def request(session: Session, visit: Visit, *, master: bytes, at: datetime) -> StepCode:
    """Make a code, end the one before it and queue the letter; CodeRefused after three in an hour for one link."""
    session.scalars(select(ActionLink.id).where(ActionLink.id == visit.link.id).with_for_update()).one()
    of_link = select(StepCode).join(WebSession).where(WebSession.link_id == visit.link.id)
    recent = of_link.where(StepCode.made_at > at - timedelta(hours=1)).with_only_columns(func.count())
    if (session.scalar(recent) or 0) >= PER_HOUR:
        raise CodeRefused("too_many")
    for old in session.scalars(select(StepCode).filter_by(session_id=visit.row.id, used_at=None)):
        old.expires_at = min(old.expires_at, at)
    salt, bound = secrets.token_hex(16), _bound(visit.link, visit.row.id)
    code = StepCode(
        session_id=visit.row.id, salt=salt, made_at=at, expires_at=at + LIVES, tries=0,
        code_hmac=hash_step_code(step_code(bound, salt, master=master), bound, master=master),
    )  # fmt: skip
    session.add(code)
    session.flush()
    facts = {"name": visit.person.name, "agency": visit.agency.name, "contact": visit.agency.contact,
             "minutes": int(LIVES.total_seconds() // 60)}  # fmt: skip
    owed = letters.owed_to(
        visit.person, "step_code", f"step_code:{code.id}:sent", facts, link_id=visit.link.id, code_id=code.id,
        stage_id=visit.stage.id, cycle_id=visit.cycle.id, not_after=code.expires_at,
    )  # fmt: skip
    letters.queue(session, [owed], at=at)
    return code


def digits(session: Session, code_id: int, *, master: bytes) -> str:
    """The digits to write into the letter, derived again: they are stored nowhere."""
    code = session.get_one(StepCode, code_id)
    row = session.get_one(WebSession, code.session_id)
    link = session.get_one(ActionLink, row.link_id)
    return step_code(_bound(link, row.id), code.salt, master=master)


def outstanding(session: Session, visit: Visit, *, at: datetime, lock: bool = False) -> StepCode | None:
    query = select(StepCode).where(
        StepCode.session_id == visit.row.id, StepCode.used_at.is_(None), StepCode.expires_at > at,
        StepCode.tries < TRIES,
    ).order_by(StepCode.id.desc()).limit(1)  # fmt: skip
    return session.scalar(query.with_for_update().execution_options(populate_existing=True) if lock else query)


def verify(session: Session, visit: Visit, typed: str, *, master: bytes, at: datetime) -> Verdict:
    """Spend the code if it is right, count the try if it is not: commit either way.

    CodeRefused("none") if nothing is outstanding. Of two at once the second finds the code spent.
    """
    if (code := outstanding(session, visit, at=at, lock=True)) is None:
        raise CodeRefused("none")
    if step_code_matches(typed, code.code_hmac, _bound(visit.link, visit.row.id), master=master):
        code.used_at = at
        return Verdict(prove(session, visit, at=at), 0)
    code.tries += 1
    session.flush()
    return Verdict(None, TRIES - code.tries)
