"""What the file of one employee holds beside plan and result: versions, mid-year, objection, decisions, old results."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from actions.cases import plans, results
from models import (
    Actual,
    Appraisal,
    AuditItem,
    Note,
    Objection,
    Person,
    Plan,
    RatingRecord,
    Recommendation,
    Result,
    SelfAssessment,
    Stage,
)
from rules.terms import PlanState, StageKind

MID_YEAR_REPORT, MID_YEAR_FEEDBACK = "mid-year-report:", "mid-year:"
"""How the nonces of the notes begin that the two acts of mid-year leave behind."""


def story(session: Session, case: Appraisal) -> dict[str, Any]:
    """All that the employee, and who rates them, may read beside the plan and result in force; nothing unissued."""
    objections = _objections(session, case.id)
    recommendations = _recommendations(session, case.id)
    versions = plans.all_plans(session, case.id)
    old = _superseded(session, case.id)
    names = _names(session, [
        *(plan.established_by_id for plan in versions), *(one.decided_by_id for one in objections),
        *(one.decided_by_id for one in recommendations), *(rating.official_id for _, rating in old),
        *(statement.by_id for one in objections for statement in one.statements),
    ])  # fmt: skip
    return {
        "versions": [_version(plan, names) for plan in reversed(versions)] if len(versions) > 1 else [],
        "mid_year": _mid_year(session, case.id, versions),
        "self": _self(session, case.id),
        "objections": [_objection(one, names) for one in objections],
        "recommendations": [_recommendation(one, names) for one in recommendations],
        "earlier": [_earlier(result, rating, names) for result, rating in old],
    }


def has_document(session: Session, case: Appraisal) -> bool:
    """Whether there is something to read in one: a result that was issued, or HR's account of why there is none."""
    result = results.current(session, case.id)
    return case.explained_at is not None or (result is not None and result.issued_at is not None)


def _names(session: Session, people: Iterable[int | None]) -> Mapping[int | None, str]:
    listed = {person for person in people if person is not None}
    query = select(Person.id, Person.name).where(Person.id.in_(listed))
    return dict(session.execute(query).tuples().all()) if listed else {}


def _version(plan: Plan, names: Mapping[int | None, str]) -> dict[str, Any]:
    return {
        "number": plan.number, "state": plan.state.value, "is_default": plan.is_default,
        "drafted_at": plan.drafted_at, "established_at": plan.established_at,
        "by": names.get(plan.established_by_id, ""), "returned": plan.returned_reason,
        "change": plan.change_reason, "items": plans.as_items(plan),
        "in_force": plan.state is PlanState.ESTABLISHED,
    }  # fmt: skip


def _mid_year(session: Session, appraisal_id: int, versions: Sequence[Plan]) -> dict[str, Any] | None:
    """The report as it was made, on the version that it was about, and what the rater answered."""
    notes = session.scalars(select(Note).filter_by(appraisal_id=appraisal_id).order_by(Note.id)).all()
    reported = [note for note in notes if note.nonce.startswith(MID_YEAR_REPORT)]
    answered = [note for note in notes if note.nonce.startswith(MID_YEAR_FEEDBACK)]
    for plan in reversed(versions):
        indicators = [indicator.id for item in plan.items for indicator in item.indicators]
        query = (
            select(Actual).join(Stage, Stage.id == Actual.stage_id)
            .where(Actual.indicator_id.in_(indicators), Stage.kind == StageKind.MID_YEAR_REVIEW)
            .order_by(Actual.submission_no)
        )  # fmt: skip
        # what moved along to a changed plan was not reported on it
        given = {one.indicator_id: one for one in session.scalars(query) if one.at != plan.established_at}
        if given:
            return {
                "items": plans.as_items(plan), "at": max(one.at for one in given.values()),
                "actuals": {id: {"value": str(one.value), "evidence": one.evidence} for id, one in given.items()},
                "summaries": [note.text for note in reported], "feedback": [note.text for note in answered],
                "notes": [note.id for note in (*reported, *answered)],
            }  # fmt: skip
    return None


def _self(session: Session, appraisal_id: int) -> dict[str, Any] | None:
    query = select(SelfAssessment).filter_by(appraisal_id=appraisal_id).order_by(SelfAssessment.number.desc())
    own = session.scalars(query.limit(1)).first()
    return own and {
        "result": own.result_rating and own.result_rating.value,
        "behavior": own.behavior_rating and own.behavior_rating.value, "text": own.text, "at": own.at,
    }  # fmt: skip


def _objections(session: Session, appraisal_id: int) -> Sequence[Objection]:
    query = select(Objection).filter_by(appraisal_id=appraisal_id).order_by(Objection.id)
    return session.scalars(query.options(selectinload(Objection.statements))).all()


def _objection(one: Objection, names: Mapping[int | None, str]) -> dict[str, Any]:
    return {
        "state": one.state.value, "reasons": one.reasons, "filed_at": one.filed_at, "decide_until": one.decide_until,
        "outcome": one.outcome and one.outcome.value, "decision": one.decision_reasons, "decided_at": one.decided_at,
        "by": names.get(one.decided_by_id, ""),
        "statements": [
            {"role": said.role.value, "outcome": said.outcome.value, "text": said.text, "at": said.at,
             "by": names.get(said.by_id, "")}
            for said in one.statements
        ],
    }  # fmt: skip


def _recommendations(session: Session, appraisal_id: int) -> Sequence[Recommendation]:
    """Only those that were decided: an examination under way is the auditors' own."""
    query = select(Recommendation).join(AuditItem, AuditItem.id == Recommendation.item_id)
    decided = AuditItem.appraisal_id == appraisal_id, Recommendation.outcome.is_not(None)
    return session.scalars(query.where(*decided).order_by(Recommendation.id)).all()


def _recommendation(one: Recommendation, names: Mapping[int | None, str]) -> dict[str, Any]:
    return {
        "text": one.text, "outcome": one.outcome and one.outcome.value, "reasons": one.reasons,
        "hearing": one.employee_hearing, "by": names.get(one.decided_by_id, ""), "decided_at": one.decided_at,
    }  # fmt: skip


def _superseded(session: Session, appraisal_id: int) -> Sequence[tuple[Result, RatingRecord]]:
    """Results that were issued and that another one has replaced, newest first."""
    query = select(Result, RatingRecord).join(RatingRecord, RatingRecord.id == Result.rating_id).where(
        Result.appraisal_id == appraisal_id, Result.issued_at.is_not(None), Result.superseded_at.is_not(None)
    )  # fmt: skip
    return session.execute(query.order_by(Result.id.desc())).tuples().all()


def _earlier(result: Result, rating: RatingRecord, names: Mapping[int | None, str]) -> dict[str, Any]:
    return {
        "result": results.shown_result(result), "rating": results.shown_rating(rating),
        "by": names.get(rating.official_id, ""), "superseded_at": result.superseded_at,
    }  # fmt: skip
