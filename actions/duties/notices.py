"""Telling one person what happened: each event has a letter of its own, which leads to the page that shows it."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from actions.duties.invitations import facts_for
from actions.duties.links import ensure_links, kid_of
from actions.mail import letters
from models import Agency, Appraisal, Assignment, Cycle, Person, Stage
from rules.terms import AssignmentState


def tell(
    session: Session, stage: Stage, person_id: int, kind: str, occasion: str, facts: Mapping[str, Any], *, at: datetime,
    covers: Collection[str] = (),
) -> None:  # fmt: skip
    """Queue a letter of `kind` to a person about one event; the same kind, person and occasion again changes nothing.

    `covers`: subjects of the duties that it asks for, which no later digest then has to mention.
    """
    cycle = session.get_one(Cycle, stage.cycle_id)
    agency = session.get_one(Agency, cycle.agency_id)
    person = session.get_one(Person, person_id)
    link = ensure_links(session, stage, kid_of(cycle), [person_id], at=at)
    told = facts_for(agency, cycle, stage, person, []) | {"at": at.isoformat(), **facts}
    owed = letters.owed_to(
        person, kind, f"{kind}:{stage.id}.{person_id}:{occasion}", told, link_id=link[person_id], stage_id=stage.id,
        cycle_id=cycle.id,
    )  # fmt: skip
    letters.queue(session, [owed], at=at)
    if covers:
        _mark_told(session, stage, person_id, covers, at)


def _mark_told(session: Session, stage: Stage, person_id: int, subjects: Collection[str], at: datetime) -> None:
    covered = update(Assignment).where(
        Assignment.stage_id == stage.id, Assignment.person_id == person_id, Assignment.subject.in_(subjects),
        Assignment.state == AssignmentState.OPEN, Assignment.told_at.is_(None),
    )  # fmt: skip
    session.flush()
    session.execute(covered.values(told_at=at).execution_options(synchronize_session=False))


def name_of(session: Session, person_id: int | None) -> str:
    """The name as it is written, empty for nobody."""
    query = select(Person.name).where(Person.id == person_id)
    return (session.scalar(query) or "") if person_id is not None else ""


def employee_of(session: Session, case: Appraisal) -> str:
    return name_of(session, case.employee_id)
