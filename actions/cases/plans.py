"""Reading and writing plan versions."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from models import Actual, Appraisal, Indicator, Plan, ResultItem
from rules.terms import Aspect, ItemKind, PlanState


def current_plan(session: Session, appraisal_id: int, *states: PlanState) -> Plan | None:
    """The newest plan version in one of the states (any, if none is named), with items and indicators."""
    query = select(Plan).filter_by(appraisal_id=appraisal_id).order_by(Plan.number.desc()).limit(1)
    if states:
        query = query.where(Plan.state.in_(states))
    return session.scalar(query.options(selectinload(Plan.items).selectinload(ResultItem.indicators)))


def all_plans(session: Session, appraisal_id: int) -> Sequence[Plan]:
    query = select(Plan).filter_by(appraisal_id=appraisal_id).order_by(Plan.number)
    return session.scalars(query.options(selectinload(Plan.items).selectinload(ResultItem.indicators))).all()


def write_plan(
    session: Session, appraisal_id: int, items: Sequence[dict[str, Any]], state: PlanState, *, at: datetime, **more: Any
) -> Plan:
    """Write a new version. Items: title, kind, assigned_by, supports_id, indicators: text, aspect, target, unit, ..."""
    last = session.scalar(select(func.max(Plan.number)).filter_by(appraisal_id=appraisal_id)) or 0
    plan = Plan(appraisal_id=appraisal_id, number=last + 1, state=state, drafted_at=at, **more)
    session.add(plan)
    session.flush()
    for number, item in enumerate(items, 1):
        row = ResultItem(
            plan_id=plan.id, number=number, kind=ItemKind(item["kind"]), title=item["title"],
            assigned_by=item.get("assigned_by", ""), supports_id=item.get("supports_id"),
        )  # fmt: skip
        session.add(row)
        session.flush()
        session.add_all(_indicator(row.id, n, indicator) for n, indicator in enumerate(item["indicators"], 1))
    session.flush()
    return plan


def _indicator(item_id: int, number: int, given: dict[str, Any]) -> Indicator:
    return Indicator(
        item_id=item_id, number=number, text=given["text"], aspect=Aspect(given["aspect"]),
        target=Decimal(str(given["target"])), unit=given["unit"],
        lower_is_better=bool(given.get("lower_is_better", False)),
        target_is_maximum=bool(given.get("target_is_maximum", False)),
    )  # fmt: skip


def supersede(session: Session, appraisal_id: int, *states: PlanState) -> None:
    """Set aside the versions in the given states: they stay readable."""
    for plan in session.scalars(select(Plan).where(Plan.appraisal_id == appraisal_id, Plan.state.in_(states))):
        plan.state = PlanState.SUPERSEDED
    session.flush()


def as_items(plan: Plan) -> list[dict[str, Any]]:
    """The plan as plain data, in the shape `write_plan` and the form take."""
    return [
        {
            "title": item.title, "kind": item.kind.value, "assigned_by": item.assigned_by,
            "supports_id": item.supports_id,
            "indicators": [
                {"id": i.id, "text": i.text, "aspect": i.aspect.value, "target": str(i.target), "unit": i.unit,
                 "lower_is_better": i.lower_is_better, "target_is_maximum": i.target_is_maximum}
                for i in item.indicators
            ],
        }
        for item in plan.items
    ]  # fmt: skip


def superiors_items(session: Session, appraisal: Appraisal) -> list[dict[str, Any]]:
    """Items of the rater's own established plan in the same cycle; empty, never blocking, if there is none."""
    if appraisal.rater_id is None:
        return []
    theirs = select(Appraisal.id).filter_by(cycle_id=appraisal.cycle_id, employee_id=appraisal.rater_id)
    if (appraisal_id := session.scalar(theirs)) is None:
        return []
    plan = current_plan(session, appraisal_id, PlanState.ESTABLISHED, PlanState.SUBMITTED)
    return [{"id": item.id, "title": item.title} for item in plan.items] if plan else []


def record_actuals(
    session: Session, appraisal_id: int, stage_id: int, reported: dict[int, tuple[Decimal, str]], *, at: datetime
) -> int:
    """Add one report of what was reached: indicator id -> (value, evidence); returns the report's number."""
    numbers = select(func.max(Actual.submission_no)).where(Actual.indicator_id.in_(reported or [0]))
    number = (session.scalar(numbers) or 0) + 1
    session.add_all(
        Actual(indicator_id=i, stage_id=stage_id, submission_no=number, value=value, evidence=evidence, at=at)
        for i, (value, evidence) in reported.items()
    )
    session.flush()
    return number


def latest_actuals(session: Session, plan: Plan) -> dict[int, Actual]:
    """Indicator id -> the last report of it."""
    ids = [indicator.id for item in plan.items for indicator in item.indicators]
    query = select(Actual).where(Actual.indicator_id.in_(ids)).order_by(Actual.submission_no)
    return {actual.indicator_id: actual for actual in session.scalars(query)}
