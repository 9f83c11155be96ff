"""Which date a person's calendar is told of a desk, in letters of an agency that wants it: the one the letter says."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.store.bulk import portions
from models import Agency, Cycle, Letter, Stage

WITH_DATE = frozenset({"stage_invitation", "reminder", "deadline_moved", "asked_again", "receipt_deemed"})
"""Kinds of letters about a desk that name its deadline."""
_KINDS = {*WITH_DATE, "reassigned_notice", "receipt"}  # which may withdraw it, or tell of the window to object


def told_before(session: Session, agency: Agency, stage: Stage, people: Iterable[int]) -> dict[int, Mapping[str, Any]]:
    """What the calendars of these people were last told of their desks; nothing where the agency wants no files."""
    found: dict[int, Mapping[str, Any]] = {}
    for portion in portions(sorted(set(people))) if agency.calendar_file else ():
        query = select(Letter.person_id, Letter.facts).where(
            Letter.stage_id == stage.id, Letter.person_id.in_(portion), Letter.kind.in_(_KINDS)
        )  # fmt: skip
        rows = session.execute(query.order_by(Letter.id)).tuples()
        found |= {person: facts["calendar"] for person, facts in rows if "calendar" in facts}
    return found


def entry(
    agency: Agency, cycle: Cycle, stage: Stage, person_id: int, due: str, before: Mapping[str, Any] | None, *,
    cancelled: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """The fact `calendar` of a letter: always the same UID, and a SEQUENCE that is raised with each new date."""
    desk = f"{agency.code}:{cycle.year}:{stage.id}.{person_id}"
    said = {"due": due, "cancelled": cancelled}
    changed = before is not None and any(before[name] != value for name, value in said.items())
    sequence = (before["sequence"] if before else 0) + changed
    return {
        "calendar": {"uid": f"{sha256(desk.encode()).hexdigest()[:32]}@appraisal.example", "sequence": sequence, **said}
    }
