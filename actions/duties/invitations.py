"""Telling people what they owe: one link to one desk, and one letter that lists it all."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from actions.duties import calendar_files
from actions.duties.links import ensure_links, kid_of
from actions.line import objection_windows
from actions.line.deadlines import deadlines_of
from actions.mail.letters import Owed, queue
from actions.store.bulk import portions
from models import Agency, Assignment, Cycle, Person, Stage, Wave
from rules.terms import ActKind, AssignmentState, StageKind
from rules.time.stages import FROM_RECEIPT


@dataclass(frozen=True, slots=True)
class OpenDuty:
    kind: ActKind
    optional: bool
    due: datetime
    untold: bool
    waits: bool = False
    """Its clock has not begun: it runs from receipt, and until then no date ends it."""


def open_duties_of(
    session: Session, stage: Stage, people: Iterable[int], at: datetime | None = None
) -> dict[int, list[OpenDuty]]:
    """What each person still owes in the stage, oldest first; with `at`, only what would still be accepted then."""
    deadlines = deadlines_of(session, stage)
    found: dict[int, list[OpenDuty]] = defaultdict(list)
    for portion in portions(sorted(set(people))):
        rows = session.execute(_open_duties(), {"b_stage": stage.id, "b_people": portion}).tuples()
        for person, kind, optional, unit, own, told in rows:
            if at is not None and not deadlines.takes(kind, person, unit, own, at):
                continue
            due = deadlines.due_for(person, unit, own)
            waits = kind in FROM_RECEIPT and own is None
            found[person].append(OpenDuty(kind, optional, due, told is None, waits))
    return found


@cache
def _open_duties():
    return (
        select(
            Assignment.person_id, Assignment.kind, Assignment.optional, Assignment.unit_id, Assignment.due_at,
            Assignment.told_at,
        )
        .where(Assignment.stage_id == bindparam("b_stage"), Assignment.state == AssignmentState.OPEN,
               Assignment.person_id.in_(bindparam("b_people", expanding=True)))
        .order_by(Assignment.id)
    )  # fmt: skip


def facts_for(agency: Agency, cycle: Cycle, stage: Stage, person: Person, duties: Sequence[OpenDuty]) -> dict[str, Any]:
    """The facts that every letter about a desk has; nothing in it is secret, a score or a comment."""
    counts: dict[str, int] = {}
    for duty in duties:
        counts[duty.kind.value] = counts.get(duty.kind.value, 0) + 1
    dues = [duty.due for duty in duties if not duty.optional] or [duty.due for duty in duties] or [stage.due_at]
    return {
        "name": person.name, "agency": agency.name, "year": cycle.year, "stage": stage.kind.value, "zone": agency.zone,
        "due": min(dues).isoformat(), "contact": agency.contact,
        "duties": [{"kind": kind, "count": count} for kind, count in counts.items()],
    }  # fmt: skip


def invite(
    session: Session, stage: Stage, people: Sequence[int], *, kind: str, occasion: str, at: datetime,
    wave: Wave | None = None, duties: dict[int, list[OpenDuty]] | None = None, more: dict[str, Any] | None = None,
) -> int:  # fmt: skip
    """Queue one letter of `kind` to each person about their desk, with the desk's link; returns how many were new."""
    cycle = session.get_one(Cycle, stage.cycle_id)
    agency = session.get_one(Agency, cycle.agency_id)
    duties = duties if duties is not None else open_duties_of(session, stage, people, at)
    links = ensure_links(session, stage, kid_of(cycle), people, at=at)
    letters = []
    windows = objection_windows.facts_of(session, cycle, people, at=at) if kind == "result_issued" else {}
    dated = agency.calendar_file and kind in calendar_files.WITH_DATE
    before = calendar_files.told_before(session, agency, stage, people) if dated else {}
    for portion in portions(sorted(set(people))):
        for person in session.scalars(select(Person).where(Person.id.in_(portion))):
            facts = facts_for(agency, cycle, stage, person, duties.get(person.id, [])) | (more or {})
            facts |= windows.get(person.id, {})
            if dated:
                facts |= calendar_files.entry(agency, cycle, stage, person.id, facts["due"], before.get(person.id))
            letters.append(
                Owed(kind, f"{kind}:{stage.id}.{person.id}:{occasion}", person.id, person.email, person.locale, facts,
                     link_id=links[person.id], stage_id=stage.id, cycle_id=cycle.id,
                     not_after=_last_use(stage, duties.get(person.id, [])),
                     thread=_first(stage, person.id) if (kind, occasion) != (first_kind(stage), "open") else None)
            )  # fmt: skip
    added = queue(session, letters, at=at, wave=wave)
    mark_told(session, stage, people, at=at)
    return added


def first_kind(stage: Stage) -> str:
    """The kind of letter that opens a stage: results come with the letter that opens objection handling."""
    return "result_issued" if stage.kind is StageKind.OBJECTION_HANDLING else "stage_invitation"


def _first(stage: Stage, person_id: int) -> str:
    return f"{first_kind(stage)}:{stage.id}.{person_id}:open"


def _last_use(stage: Stage, duties: Sequence[OpenDuty]) -> datetime:
    return max([stage.closes_at, *(duty.due for duty in duties)])


def mark_told(session: Session, stage: Stage, people: Iterable[int], *, at: datetime) -> None:
    """Note that a letter now covers everything these people owe in the stage."""
    for portion in portions(sorted(set(people))):
        untold = update(Assignment).where(
            Assignment.stage_id == stage.id, Assignment.person_id.in_(portion), Assignment.told_at.is_(None),
            Assignment.state == AssignmentState.OPEN,
        )  # fmt: skip
        session.execute(untold.values(told_at=at).execution_options(synchronize_session=False))


def untold_people(session: Session, stage: Stage, after: int, size: int) -> Sequence[int]:
    """People who owe something that no letter has covered yet, by id."""
    query = select(Assignment.person_id).where(
        Assignment.stage_id == stage.id, Assignment.state == AssignmentState.OPEN, Assignment.told_at.is_(None),
        Assignment.person_id > after,
    )  # fmt: skip
    return session.scalars(query.distinct().order_by(Assignment.person_id).limit(size)).all()


def count_untold(session: Session, stage_id: int) -> int:
    query = select(func.count()).select_from(Assignment).where(
        Assignment.stage_id == stage_id, Assignment.state == AssignmentState.OPEN, Assignment.told_at.is_(None),
        Assignment.optional.is_(False),
    )  # fmt: skip
    return session.scalar(query) or 0
