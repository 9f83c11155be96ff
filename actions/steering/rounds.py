"""Asking anew, in a new round, what was done or lapsed; what went before stays as it is."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session, aliased

from actions.duties.assignments import Duty, open_duties
from actions.line.holders import Holder, Line
from actions.store.bulk import portions
from models import Appraisal, Assignment, Plan, Result, SelfAssessment
from rules.terms import ActKind, AppraisalState, AssignmentState, PlanState, Role

BEYOND = frozenset(
    {AppraisalState.EXCLUDED, AppraisalState.NOT_RATABLE, AppraisalState.CLOSED_EARLY, AppraisalState.FINAL}
)
JUDGED = frozenset({AppraisalState.RATED, AppraisalState.ISSUED, AppraisalState.OBJECTED, AppraisalState.DECIDED})
"""A self-assessment can no longer be heard in these."""


def last_rounds(stage_id: int) -> Select[tuple[Assignment]]:
    """The newest round of everything that was ever asked in a stage."""
    newer = aliased(Assignment)
    later = exists().where(
        newer.stage_id == Assignment.stage_id, newer.kind == Assignment.kind, newer.subject == Assignment.subject,
        newer.round > Assignment.round,
    )  # fmt: skip
    return select(Assignment).where(Assignment.stage_id == stage_id, ~later).order_by(Assignment.id)


def cases_of(session: Session, assignments: Iterable[Assignment]) -> dict[int, Appraisal]:
    ids = sorted({one.appraisal_id for one in assignments if one.appraisal_id is not None})
    found: dict[int, Appraisal] = {}
    for portion in portions(ids):
        found |= {case.id: case for case in session.scalars(select(Appraisal).where(Appraisal.id.in_(portion)))}
    return found


def duties_again(
    session: Session, ended: Sequence[Assignment], cases: Mapping[int, Appraisal], line: Line
) -> list[tuple[Assignment, Duty]]:
    """What can be asked anew, and of whom today; left out is what nobody holds or what would be refused anyway."""
    plans = _submitted(session, [one for one in ended if one.kind is ActKind.ESTABLISH_TARGETS])
    found = []
    for one in ended:
        case = cases.get(one.appraisal_id) if one.appraisal_id is not None else None
        if case is not None and not _possible(one, case, plans):
            continue
        if (holder := _holder(one, case, line)) is not None:
            duty = Duty(one.kind, one.subject, one.role, holder, one.appraisal_id, one.unit_id, one.optional,
                        round=one.round + 1)  # fmt: skip
            found.append((one, duty))
    return found


def _possible(one: Assignment, case: Appraisal, submitted: set[int]) -> bool:
    if case.state in BEYOND or case.finalized_at is not None:
        return False
    if one.kind is ActKind.ESTABLISH_TARGETS:
        return case.id in submitted
    return not (one.kind is ActKind.SELF_ASSESS and case.state in JUDGED)


def _submitted(session: Session, asked: Sequence[Assignment]) -> set[int]:
    found: set[int] = set()
    for portion in portions(sorted({one.appraisal_id for one in asked if one.appraisal_id is not None})):
        query = select(Plan.appraisal_id).where(Plan.appraisal_id.in_(portion), Plan.state == PlanState.SUBMITTED)
        found.update(session.scalars(query))
    return found


def _holder(one: Assignment, case: Appraisal | None, line: Line) -> Holder | None:
    if one.role is Role.RATER and case is not None:
        return line.rater(case.employee_id, case.rater_id)
    return Holder(one.person_id) if one.person_id in line.active else None


def ask_again(session: Session, stage_id: int, duties: Iterable[Duty], *, at: datetime) -> int:
    """Open the new rounds; one that is open already is enough."""
    return open_duties(session, stage_id, duties, at=at)


def may_be_rated_again(session: Session, cases: Iterable[Appraisal]) -> None:
    """Take back that nobody rated these cases: how far each had come follows from what there is of it."""
    listed = [case for case in cases if case.state is AppraisalState.NOT_RATED]
    assessed: set[int] = set()
    for portion in portions([case.id for case in listed]):
        assessed.update(
            session.scalars(select(SelfAssessment.appraisal_id).where(SelfAssessment.appraisal_id.in_(portion)))
        )
    for case in listed:
        case.state = AppraisalState.SELF_ASSESSED if case.id in assessed else AppraisalState.PLAN_ESTABLISHED
        case.explanation, case.explained_at = "", None
    session.flush()
    _no_account_needed(session, [case.id for case in listed])


def _no_account_needed(session: Session, ids: Sequence[int]) -> None:
    for portion in portions(ids):
        query = select(Assignment).where(
            Assignment.appraisal_id.in_(portion), Assignment.kind == ActKind.ACCOUNT_FOR,
            Assignment.state == AssignmentState.OPEN,
        )  # fmt: skip
        for one in session.scalars(query):
            one.state = AssignmentState.WITHDRAWN
    session.flush()


def issued(session: Session, appraisal_id: int) -> bool:
    """Whether the employee has been given a result."""
    query = select(Result.id).where(Result.appraisal_id == appraisal_id, Result.issued_at.is_not(None))
    return session.scalar(query.limit(1)) is not None
