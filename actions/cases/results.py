"""Results: derived by the pinned pack from one rating, issued, received, superseded; never deleted."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions.cases import plans
from models import Appraisal, Assignment, Cycle, RatingRecord, Result, UnitPredicate
from rules.pack.numeric import Measured, MeasuredItem
from rules.pack.pack import Pack
from rules.pack.predicates import Inputs, derive
from rules.terms import ActKind, AppraisalState, AssignmentState, PlanState, ReceiptKind

if TYPE_CHECKING:
    from actions.acts.act import Acting
    from actions.stages.steps import Context


LATE = timedelta(days=1)


def current(session: Session, appraisal_id: int) -> Result | None:
    return session.scalar(select(Result).where(Result.appraisal_id == appraisal_id, Result.superseded_at.is_(None)))


def current_rating(session: Session, appraisal_id: int) -> RatingRecord | None:
    query = select(RatingRecord).filter_by(appraisal_id=appraisal_id).order_by(RatingRecord.number.desc()).limit(1)
    return session.scalar(query)


def next_number(session: Session, appraisal_id: int) -> int:
    return (session.scalar(select(func.max(RatingRecord.number)).filter_by(appraisal_id=appraisal_id)) or 0) + 1


def inputs_of(session: Session, case: Appraisal, rating: RatingRecord) -> Inputs:
    """What the pack needs of a rating: a stated SKP score, or else the plan with what was reached."""
    predicate = select(UnitPredicate.predicate).filter_by(cycle_id=case.cycle_id, unit_id=case.unit_id)
    scores = {key: Decimal(str(value)) for key, value in rating.behavior_notes.get("scores", {}).items()}
    return Inputs(
        org_predicate=session.scalar(predicate), result_rating=rating.result_rating,
        behavior_rating=rating.behavior_rating, skp_score=rating.skp_score, behavior_aspects=scores,
        items=() if rating.skp_score is not None else measured(session, case.id),
        behavior_score=rating.behavior_score if not scores else None, innovation=rating.innovation,
        innovation_evidence=rating.innovation_evidence,
    )  # fmt: skip


def measured(session: Session, appraisal_id: int) -> tuple[MeasuredItem, ...]:
    """The established plan with the last reported actuals; empty while an indicator has none: nothing is presumed."""
    plan = plans.current_plan(session, appraisal_id, PlanState.ESTABLISHED)
    actuals = plans.latest_actuals(session, plan) if plan else {}
    if plan is None or any(i.id not in actuals for item in plan.items for i in item.indicators):
        return ()
    return tuple(
        MeasuredItem(item.title, item.kind, tuple(
            Measured(i.text, i.target, actuals[i.id].value, i.lower_is_better, i.target_is_maximum)
            for i in item.indicators
        ))
        for item in plan.items
    )  # fmt: skip


def derive_result(session: Session, case: Appraisal, rating: RatingRecord, *, at: datetime) -> Result:
    """Let the cycle's own pack derive the predicate of a rating; the result before it is superseded."""
    cycle = session.get_one(Cycle, case.cycle_id)
    pack = Pack.model_validate_json(cycle.pack)
    derivation = derive(pack, inputs_of(session, case, rating))
    if (old := current(session, case.id)) is not None:
        old.superseded_at = at
        session.flush()
    result = Result(
        appraisal_id=case.id, rating_id=rating.id, predicate=derivation.predicate, score=derivation.score,
        why=derivation.why, pack_name=cycle.pack_name, pack_version=cycle.pack_version,
        pack_sha256=cycle.pack_sha256, derived_at=at,
    )  # fmt: skip
    session.add(result)
    session.flush()
    return result


def outcome_of(result: Result) -> dict[str, Any]:
    """What a result says, for whoever is about to make it final."""
    score = str(result.score) if result.score is not None else None
    return {"predicate": result.predicate.value, "score": score, "why": result.why}


def issue(session: Session, case: Appraisal, *, at: datetime) -> None:
    """Make the derived result known: from here the employee may read it and the clocks can start."""
    result = current(session, case.id)
    if result is None:
        raise ValueError(f"appraisal {case.id} has no result to issue")
    if result.issued_at is None:
        result.issued_at = at
    if case.state is AppraisalState.RATED:
        case.state = AppraisalState.ISSUED


def receive(acting: "Acting", result: Result, kind: ReceiptKind) -> datetime:
    """Record the first proof of receipt and start the objection window from it; returns its end."""
    if result.received_at is None:
        _start_window(acting, result, kind, acting.at)
    assert result.objection_until is not None
    return result.objection_until


def deem_received(context: "Context", result: Result, moment: datetime) -> None:
    """Count a result as received at `moment` that was delivered but never opened.

    If the engine stood still meanwhile, by pause or outage, the receipt counts from now: that is nobody's to lose.
    """
    _start_window(context, result, ReceiptKind.DEEMED, moment if context.at - moment < LATE else context.at)


def _start_window(where: "Acting | Context", result: Result, kind: ReceiptKind, at: datetime) -> None:
    result.received_at, result.receipt_kind = at, kind
    result.objection_until = where.calendar.window_end(at, where.pack.objection_days, where.pack.day_kind)
    rights = select(Assignment).where(
        Assignment.appraisal_id == result.appraisal_id, Assignment.kind == ActKind.OBJECT,
        Assignment.state == AssignmentState.OPEN,
    )  # fmt: skip
    for assignment in where.session.scalars(rights):
        assignment.due_at = result.objection_until
    if kind is ReceiptKind.DEEMED:
        unread = select(Assignment).where(
            Assignment.appraisal_id == result.appraisal_id, Assignment.kind == ActKind.ACKNOWLEDGE,
            Assignment.state == AssignmentState.OPEN,
        )  # fmt: skip
        for assignment in where.session.scalars(unread):
            assignment.due_at = result.objection_until
    where.session.flush()


def shown(session: Session, appraisal_id: int) -> dict[str, Any]:
    """What a person who may read the result sees: predicate, how it came about, the rater's words, the plan."""
    result, rating = current(session, appraisal_id), current_rating(session, appraisal_id)
    plan = plans.current_plan(session, appraisal_id, PlanState.ESTABLISHED)
    actuals = plans.latest_actuals(session, plan) if plan else {}
    return {
        "plan": plans.as_items(plan) if plan else None,
        "actuals": {i: {"value": str(a.value), "evidence": a.evidence} for i, a in actuals.items()},
        "result": None if result is None or result.issued_at is None else shown_result(result),
        "rating": None if rating is None or result is None or result.issued_at is None else shown_rating(rating),
    }  # fmt: skip


def shown_result(result: Result) -> dict[str, Any]:
    return {
        "predicate": result.predicate.value, "score": str(result.score) if result.score is not None else None,
        "why": result.why, "issued_at": result.issued_at, "received_at": result.received_at,
        "objection_until": result.objection_until,
    }  # fmt: skip


def shown_rating(rating: RatingRecord) -> dict[str, Any]:
    return {
        "result": rating.result_rating.value if rating.result_rating else None,
        "behavior": rating.behavior_rating.value if rating.behavior_rating else None,
        "notes": rating.behavior_notes, "feedback": rating.feedback, "recommendation": rating.recommendation,
        "innovation": rating.innovation, "role": rating.role.value,
    }  # fmt: skip
