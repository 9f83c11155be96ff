"""Opening, moving and ending what people owe."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from actions.line.holders import Holder, line_for_one
from actions.store.bulk import insert_new
from models import Assignment, Posting, Stage
from rules.terms import ActKind, AssignmentState, Role, StageKind

if TYPE_CHECKING:
    from actions.acts.act import Acting


@dataclass(frozen=True, slots=True)
class Duty:
    """One thing to be asked of one person."""

    kind: ActKind
    subject: str
    role: Role
    holder: Holder
    appraisal_id: int | None = None
    unit_id: int | None = None
    optional: bool = False
    due_at: datetime | None = None
    round: int = 1


def open_duties(session: Session, stage_id: int, duties: Iterable[Duty], *, at: datetime) -> int:
    """Open the duties that are not open yet and were not asked before in the same round; returns how many were new."""
    return insert_new(session, Assignment, [_row(stage_id, duty, at) for duty in duties])


def _row(stage_id: int, duty: Duty, at: datetime) -> dict[str, Any]:
    return {
        "stage_id": stage_id, "kind": duty.kind, "subject": duty.subject, "round": duty.round, "role": duty.role,
        "person_id": duty.holder.person_id, "mandate_id": duty.holder.mandate_id, "appraisal_id": duty.appraisal_id,
        "unit_id": duty.unit_id, "optional": duty.optional, "due_at": duty.due_at, "opened_at": at,
        "state": AssignmentState.OPEN, "version": 1,
    }  # fmt: skip


def next_round(session: Session, stage_id: int, kind: ActKind, subject: str) -> int:
    query = select(func.max(Assignment.round)).filter_by(stage_id=stage_id, kind=kind, subject=subject)
    return (session.scalar(query) or 0) + 1


def open_for_rater(acting: "Acting", kind: ActKind) -> None:
    """Ask the rater of the case, or whoever holds that duty today; a still open one of the same kind is enough."""
    case = acting.case
    subject = f"appraisal:{case.id}"
    if find_open(acting.session, acting.stage.id, kind, subject) is not None:
        return
    line = line_for_one(acting.session, acting.agency.id, acting.today)
    if (holder := line.rater(case.employee_id, case.rater_id)) is None:
        return  # HR sees the case without rater; nobody is guessed
    number = next_round(acting.session, acting.stage.id, kind, subject)
    duty = Duty(kind, subject, Role.RATER, holder, case.id, case.unit_id, round=number)
    open_duties(acting.session, acting.stage.id, [duty], at=acting.at)


def reopen_for_employee(acting: "Acting", kind: ActKind, *, notice: str, facts: Mapping[str, Any]) -> None:
    """Ask the employee again, and tell them at once rather than with the next digest, by a letter of kind `notice`."""
    from actions.duties.notices import tell
    from actions.line.deadlines import deadlines_of

    case = acting.case
    subject = f"appraisal:{case.id}"
    number = next_round(acting.session, acting.stage.id, kind, subject)
    if find_open(acting.session, acting.stage.id, kind, subject) is None:
        duty = Duty(kind, subject, Role.EMPLOYEE, Holder(case.employee_id), case.id, case.unit_id, round=number)
        open_duties(acting.session, acting.stage.id, [duty], at=acting.at)
    acting.session.flush()
    asked = find_open(acting.session, acting.stage.id, kind, subject)
    assert asked is not None
    due = deadlines_of(acting.session, acting.stage).due(asked)
    tell(
        acting.session, acting.stage, case.employee_id, notice, f"{case.id}-{number}",
        {"due": due.isoformat(), **facts}, at=acting.at, covers=[subject],
    )  # fmt: skip


def find_open(session: Session, stage_id: int, kind: ActKind, subject: str) -> Assignment | None:
    query = select(Assignment).filter_by(stage_id=stage_id, kind=kind, subject=subject, state=AssignmentState.OPEN)
    return session.scalar(query)


def end(session: Session, query: Select[tuple[Assignment]], state: AssignmentState, *, at: datetime) -> int:
    """End the open assignments that the query selects without an act of their holder."""
    found = session.scalars(query.where(Assignment.state == AssignmentState.OPEN).with_for_update()).all()
    for assignment in found:
        assignment.state, assignment.ended_at = state, at
    session.flush()
    return len(found)


def stage_of(session: Session, cycle_id: int, kind: StageKind) -> Stage:
    return session.scalars(select(Stage).filter_by(cycle_id=cycle_id, kind=kind)).one()


def posting_on(person_id: int, today: date) -> Select[tuple[Posting]]:
    """The post that a person holds on a day (the newest, should two overlap)."""
    in_force = Posting.from_on <= today, or_(Posting.to_on.is_(None), Posting.to_on >= today)
    return select(Posting).where(Posting.person_id == person_id, *in_force).order_by(Posting.from_on.desc()).limit(1)
