"""A pause and a resume told to the people concerned: one letter a person, with what it means for their own dates."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions.duties import invitations
from actions.duties.links import ensure_links, kid_of
from actions.line.deadlines import deadlines_of
from actions.mail import letters
from actions.store.bulk import portions
from models import Agency, Assignment, Cycle, Letter, Person, Stage
from rules.terms import AssignmentState, StageState

Dates = Mapping[int, Sequence[tuple[Stage, datetime, bool]]]
"""person -> their open desks: stage, when the first of it is due, and whether that date still waits for receipt."""


def open_dates(session: Session, cycle: Cycle) -> Dates:
    """The desks on which somebody has something open, each with its earliest date, first due first."""
    found: dict[int, list[tuple[Stage, datetime, bool]]] = defaultdict(list)
    opened = (StageState.OPENING, StageState.OPEN)
    query = select(Stage).where(Stage.cycle_id == cycle.id, Stage.state.in_(opened))
    for stage in session.scalars(query.order_by(Stage.opens_at)):
        people = select(Assignment.person_id).where(
            Assignment.stage_id == stage.id, Assignment.state == AssignmentState.OPEN
        )  # fmt: skip
        listed = session.scalars(people.distinct().order_by(Assignment.person_id)).all()
        deadlines = deadlines_of(session, stage)
        for person, duties in invitations.open_duties_of(session, stage, listed).items():
            dated = [duty.due for duty in duties if not duty.optional] or [d.due for d in duties if not d.waits]
            found[person].append((stage, min(dated) if dated else deadlines.stage.due_at, not dated))
    return found


def tell(
    session: Session, cycle: Cycle, kind: str, before: Dates, *, reason: str, at: datetime, after: Dates | None = None
) -> int:  # fmt: skip
    """Owe everybody in `before` the letter of that kind (cycle_paused, cycle_resumed); returns how many were new."""
    agency = session.get_one(Agency, cycle.agency_id)
    links: dict[int, dict[int, int]] = {}
    for stage in {desks[0][0].id: desks[0][0] for desks in before.values()}.values():
        first = [person for person, desks in before.items() if desks[0][0].id == stage.id]
        links[stage.id] = ensure_links(session, stage, kid_of(cycle), first, at=at)
    earlier = select(func.count()).select_from(Letter).where(Letter.cycle_id == cycle.id, Letter.kind == kind)
    wave = letters.wave_of(session, f"{kind}:{cycle.id}.{at:%Y%m%d%H%M%S}", cycle.id, None, at=at)
    known = session.scalar(earlier) or 0
    owed = []
    for portion in portions(sorted(before)):
        for person in session.scalars(select(Person).where(Person.id.in_(portion))):
            stage = before[person.id][0][0]
            facts = invitations.facts_for(agency, cycle, stage, person, []) | {
                "at": at.isoformat(),
                "reason": reason,
                "dates": _told(before[person.id], (after or {}).get(person.id)),
            }
            owed.append(letters.owed_to(
                person, kind, f"{kind}:{cycle.id}.{person.id}:{at:%Y%m%d%H%M%S}.{known}", facts,
                link_id=links[stage.id][person.id], stage_id=stage.id, cycle_id=cycle.id,
            ))  # fmt: skip
    return letters.queue(session, owed, at=at, wave=wave)


def _told(
    before: Sequence[tuple[Stage, datetime, bool]], after: Sequence[tuple[Stage, datetime, bool]] | None
) -> list[dict[str, Any]]:
    """Each desk with the date that it had, and the one that it has now; neither while it waits for receipt."""
    new = {stage.id: due for stage, due, _ in after or ()}
    return [
        {"stage": stage.kind.value, "due": None if waits else new.get(stage.id, due).isoformat(),
         "old_due": None if waits else due.isoformat()}
        for stage, due, waits in before
    ]  # fmt: skip
