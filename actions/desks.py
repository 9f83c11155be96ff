"""A desk: everything one person owes, or may do, in one stage of one cycle, and what they did there."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, Literal

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, joinedload

from actions.acts import ACTS
from actions.acts.act import Act, Acting, ActRefused
from actions.bulk import insert_new
from actions.deadlines import deadlines_of
from actions.perform import situation
from models import Agency, Appraisal, Assignment, Cycle, Draft, Note, Person, Stage, Submission, Unit
from rules.words import ActKind, AssignmentState, NoteKind, Role, StageState


@dataclass(frozen=True, slots=True)
class Task:
    """One line of a desk. `about` is the employee or unit concerned."""

    id: int
    kind: ActKind
    role: Role
    state: AssignmentState
    optional: bool
    about: str
    unit: str
    due: datetime
    closes: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Desk:
    person: Person
    agency: Agency
    cycle: Cycle
    stage: Stage
    tasks: Sequence[Task]

    @property
    def open(self) -> Sequence[Task]:
        return [task for task in self.tasks if task.state is AssignmentState.OPEN]

    @property
    def closed(self) -> bool:
        return self.stage.state is StageState.CLOSED


def desk_of(session: Session, person_id: int, stage_id: int) -> Desk:
    """Read a desk; changes nothing."""
    stage = session.get_one(Stage, stage_id)
    cycle = session.get_one(Cycle, stage.cycle_id)
    deadlines = deadlines_of(session, stage)
    tasks = []
    for one in session.scalars(_assignments(), {"b_stage": stage_id, "b_person": person_id}):
        about, unit = _about(session, one)
        tasks.append(
            Task(one.id, one.kind, one.role, one.state, one.optional, about, unit, deadlines.due(one),
                 deadlines.closes(one), one.ended_at)
        )  # fmt: skip
    return Desk(session.get_one(Person, person_id), session.get_one(Agency, cycle.agency_id), cycle, stage, tasks)


@cache
def _assignments():
    case = joinedload(Assignment.appraisal)
    return (
        select(Assignment)
        .where(Assignment.stage_id == bindparam("b_stage"), Assignment.person_id == bindparam("b_person"),
               Assignment.state != AssignmentState.WITHDRAWN)
        .options(case.joinedload(Appraisal.employee), case.joinedload(Appraisal.unit))
        .order_by(Assignment.id)
    )  # fmt: skip


def _about(session: Session, one: Assignment) -> tuple[str, str]:
    if one.appraisal is None:
        unit = session.get(Unit, one.unit_id) if one.unit_id else None
        return (unit.name, unit.name) if unit else ("", "")
    blind = one.kind is ActKind.EXAMINE
    return ("" if blind else one.appraisal.employee.name), one.appraisal.unit.name


@dataclass(frozen=True, slots=True)
class Sheet:
    """A form about to be shown: what the act shows, the version it is made from, a nonce, and any draft."""

    task: Assignment
    act: Act
    acting: Acting
    shown: Mapping[str, Any]
    version: int
    nonce: str
    draft: Mapping[str, Any] | None
    draft_is_old: bool
    draft_at: datetime | None = None


def sheet(session: Session, person_id: int, stage_id: int, assignment_id: int, *, at: datetime) -> Sheet:
    """Read what is needed to show an act's form; ActRefused if it is not on this person's desk."""
    assignment = session.get(Assignment, assignment_id)
    if assignment is None or assignment.person_id != person_id or assignment.stage_id != stage_id:
        raise ActRefused("not_yours")
    acting = situation(session, assignment, person_id, at=at)
    act = ACTS[assignment.kind]
    draft = session.get(Draft, (assignment_id, person_id))
    return Sheet(
        assignment, act, acting, act.show(acting), assignment.version, secrets.token_urlsafe(16),
        draft.body if draft else None, bool(draft and draft.version != assignment.version),
        draft.at if draft else None,
    )  # fmt: skip


def keep_draft(
    session: Session, person_id: int, assignment_id: int, body: Mapping[str, Any], version: int, *, at: datetime,
    based_on: datetime | Literal["any"] | None = "any",
) -> None:  # fmt: skip
    """Keep half-written work as it is, checked only for whose it is; 200 kB at most.

    `based_on` is when the draft that it goes on from was kept: ActRefused("draft_changed") if there is another by now.
    """
    assignment = session.get(Assignment, assignment_id)
    if assignment is None or assignment.person_id != person_id:
        raise ActRefused("not_yours")
    if assignment.state is not AssignmentState.OPEN:
        raise ActRefused("closed", closed_at=assignment.ended_at)
    if len(str(body)) > 200_000:
        raise ActRefused("too_large")
    there = session.get(Draft, (assignment_id, person_id))
    if based_on != "any" and (there.at if there else None) != based_on:
        raise ActRefused("draft_changed")
    session.merge(Draft(assignment_id=assignment_id, person_id=person_id, body=dict(body), version=version, at=at))
    session.flush()


def submissions_of(session: Session, person_id: int, stage_id: int) -> Sequence[Submission]:
    """What the person did at this desk, newest first."""
    return session.scalars(_submissions(), {"b_person": person_id, "b_stage": stage_id}).all()


@cache
def _submissions():
    here = select(Assignment.id).where(Assignment.stage_id == bindparam("b_stage"))
    query = select(Submission).where(Submission.person_id == bindparam("b_person"), Submission.assignment_id.in_(here))
    return query.order_by(Submission.id.desc())


def add_note(
    session: Session, person_id: int, appraisal_id: int, text: str, nonce: str, *, at: datetime, today: date,
    reply_to: int | None = None,
) -> None:  # fmt: skip
    """An activity by the employee or feedback by the rater, at any time of the year; the same nonce adds once."""
    from actions import trail

    case = session.get(Appraisal, appraisal_id)
    if case is None or (kind := note_kind(session, person_id, case, today)) is None:
        raise ActRefused("not_yours")
    cycle = session.get_one(Cycle, case.cycle_id)
    if case.finalized_at is not None:
        raise ActRefused("closed", closed_at=case.finalized_at)
    if not 3 <= len(text.strip()) <= 4000:
        raise ActRefused("text_length")
    row = {"appraisal_id": case.id, "author_id": person_id, "kind": kind, "reply_to_id": reply_to, "on": today,
           "text": text.strip(), "nonce": nonce, "at": at}  # fmt: skip
    if insert_new(session, Note, [row]):
        trail.record(
            session, cycle.agency_id, f"note.{kind.value}", f"appraisal:{case.id}", at=at,
            actor=trail.Actor(person_id), after={"text": text.strip()},
        )  # fmt: skip


def note_kind(session: Session, person_id: int, case: Appraisal, today: date) -> NoteKind | None:
    """What a note of this person on the case is; None if they are neither its employee nor its rater."""
    from actions.holders import line_for_one

    if person_id == case.employee_id:
        return NoteKind.ACTIVITY
    agency_id = session.get_one(Cycle, case.cycle_id).agency_id
    rater = line_for_one(session, agency_id, today).rater(case.employee_id, case.rater_id)
    return NoteKind.FEEDBACK if person_id in (rater.person_id if rater else None, case.rater_id) else None


def notes_of(session: Session, appraisal_id: int) -> Sequence[Note]:
    return session.scalars(select(Note).filter_by(appraisal_id=appraisal_id).order_by(Note.at.desc())).all()


def cases_of(session: Session, person_id: int, cycle_id: int) -> Sequence[Appraisal]:
    """The person's own case first, then the cases of the people they rate."""
    found = session.scalars(_cases(), {"b_cycle": cycle_id, "b_person": person_id})
    return sorted(found, key=lambda case: (case.employee_id != person_id, case.id))


@cache
def _cases():
    person = bindparam("b_person")
    return (
        select(Appraisal)
        .where(Appraisal.cycle_id == bindparam("b_cycle"),
               (Appraisal.employee_id == person) | (Appraisal.rater_id == person))
        .options(joinedload(Appraisal.employee), joinedload(Appraisal.unit))
    )  # fmt: skip
