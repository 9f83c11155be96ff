"""Until when one person may object: a date once they have received their result, before that what it hangs on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions.line.calendars import calendar_of
from actions.store.bulk import portions
from models import Agency, Appraisal, Assignment, Cycle, Letter, Result, Stage
from rules.pack.pack import Pack
from rules.terms import AssignmentState, DayKind, LetterState, StageKind
from rules.time.calendar import Calendar
from rules.time.stages import FROM_RECEIPT

PROVEN = (LetterState.ACCEPTED, LetterState.DELIVERED)


@dataclass(frozen=True, slots=True)
class Window:
    """The window to object of somebody who has not received their result yet."""

    days: int
    working: bool
    """Whether working days are counted."""
    today: datetime
    until: datetime
    """When it ends if they confirm receipt today."""
    deemed: datetime | None = None
    """When the result counts as received without that; None while its letter was not delivered."""
    deemed_until: datetime | None = None
    """When the window ends then."""


def window_of(session: Session, person_id: int, stage: Stage, *, at: datetime) -> Window | None:
    """The person's window that has not begun; None if it has, or if there is nothing to object to."""
    if stage.kind is not StageKind.OBJECTION_HANDLING:
        return None
    waiting = select(Assignment.id).where(
        Assignment.stage_id == stage.id, Assignment.person_id == person_id, Assignment.kind.in_(FROM_RECEIPT),
        Assignment.state == AssignmentState.OPEN, Assignment.due_at.is_(None),
    )  # fmt: skip
    if session.scalar(waiting.limit(1)) is None:
        return None
    cycle = session.get_one(Cycle, stage.cycle_id)
    pack, calendar = Pack.model_validate_json(cycle.pack), _calendar(session, cycle, at)
    delivered = select(func.min(Letter.accepted_at)).where(
        Letter.person_id == person_id, Letter.stage_id == stage.id, Letter.kind == "result_issued",
        Letter.state.in_(PROVEN),
    )  # fmt: skip
    accepted = session.scalar(delivered)
    deemed = calendar.deemed_receipt(accepted, pack.deemed_receipt_days) if accepted is not None else None
    return Window(
        pack.objection_days, pack.day_kind is DayKind.WORKING, at, _end(pack, calendar, at), deemed,
        _end(pack, calendar, deemed) if deemed is not None else None,
    )  # fmt: skip


def _calendar(session: Session, cycle: Cycle, at: datetime) -> Calendar:
    return calendar_of(session, session.get_one(Agency, cycle.agency_id), at)


def _end(pack: Pack, calendar: Calendar, received: datetime) -> datetime:
    return calendar.window_end(received, pack.objection_days, pack.day_kind)


def facts_of(
    session: Session, cycle: Cycle, people: Iterable[int], *, at: datetime
) -> Mapping[int, Mapping[str, Any]]:  # fmt: skip
    """What the letter about a result says of the window of each of these people."""
    pack, calendar = Pack.model_validate_json(cycle.pack), _calendar(session, cycle, at)
    rule = {
        "objection_days": pack.objection_days, "day_kind": pack.day_kind.value,
        "deemed_days": pack.deemed_receipt_days, "if_on": at.isoformat(),
        "if_until": _end(pack, calendar, at).isoformat(), "until": None,
    }  # fmt: skip
    found: dict[int, Mapping[str, Any]] = {}
    for portion in portions(sorted(set(people))):
        known = (
            select(Appraisal.employee_id, Result.objection_until).join(Appraisal, Appraisal.id == Result.appraisal_id)
            .where(Appraisal.cycle_id == cycle.id, Appraisal.employee_id.in_(portion), Result.superseded_at.is_(None),
                   Result.objection_until.is_not(None))
        )  # fmt: skip
        begun = dict(session.execute(known).tuples().all())
        for person in portion:
            until = begun.get(person)
            found[person] = rule | {"until": until.isoformat()} if until is not None else rule
    return found
