"""Somebody without their letter: the link that counts goes, once more, to the address on record."""

import re
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions.duties.invitations import invite
from actions.line.calendars import calendar_of
from actions.store import throttles
from models import Agency, Assignment, Cycle, Person, Stage
from rules.terms import AssignmentState, CycleState, StageState

LETTERS_A_DAY = 3
"""For one desk, whoever asked; after that one an hour. Each has the same link, so no more of them help nobody."""


def mail_links(session: Session, said: str, *, at: datetime) -> int:
    """Mail their links to whoever has that NIP or address and a desk in an open stage; returns how many."""
    mailed = 0
    for person in _named(session, said):
        agency = session.get_one(Agency, person.agency_id)
        today = calendar_of(session, agency, at).local_date(at)
        if person.active_to is None or person.active_to >= today:
            mailed += sum(mail_link(session, person.id, stage, at=at) for stage in _open_desks(session, person.id))
    return mailed


def _named(session: Session, said: str) -> list[Person]:
    number = re.sub(r"[\s.'-]", "", said)
    if re.fullmatch(r"[0-9]{18}", number):
        return list(session.scalars(select(Person).filter_by(nip=number)))
    if "@" not in said:
        return []
    return list(session.scalars(select(Person).where(func.lower(Person.email) == said.strip().lower())))


def _open_desks(session: Session, person_id: int) -> list[Stage]:
    mine = select(Assignment.stage_id).where(
        Assignment.person_id == person_id, Assignment.state != AssignmentState.WITHDRAWN
    )
    query = select(Stage).join(Cycle, Cycle.id == Stage.cycle_id).where(
        Stage.id.in_(mine), Stage.state.in_((StageState.OPENING, StageState.OPEN)), Cycle.state != CycleState.CLOSED
    )  # fmt: skip
    return list(session.scalars(query.order_by(Stage.id)))


def mail_link(session: Session, person_id: int, stage: Stage, *, at: datetime) -> bool:
    """Send the invitation to one desk again, with the same link; False if enough of them are out."""
    key = f"reissue:{stage.id}.{person_id}"
    number = throttles.take(session, key, LETTERS_A_DAY, throttles.DAY, at=at)
    occasion = f"reissue-{at:%Y%m%d}-{number}"
    if not number:
        if not throttles.take(session, f"{key}:hour", 1, throttles.HOUR, at=at):
            return False
        occasion = f"reissue-{at:%Y%m%dT%H}"
    invite(session, stage, [person_id], kind="stage_invitation", occasion=occasion, at=at)
    return True
