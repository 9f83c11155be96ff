"""The employee drafts the plan (SKP): what will be achieved and how it is measured."""

import json
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from actions.acts.act import Act, ActForm, Acting, Done, Line, MaybeText
from actions.cases import plans
from actions.duties import assignments
from models import Posting
from rules.terms import ActKind, AppraisalState, Aspect, ItemKind, PlanState, Proof, Role


class IndicatorForm(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Line
    aspect: Aspect
    target: Annotated[Decimal, Field(ge=0, max_digits=15, decimal_places=4)]
    unit: Line
    lower_is_better: bool = False
    target_is_maximum: bool = False


class ItemForm(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: Line
    kind: ItemKind = ItemKind.MAIN
    assigned_by: MaybeText = ""
    supports_id: int | None = None
    indicators: Annotated[list[IndicatorForm], Field(min_length=1, max_length=6)]


class Form(ActForm):
    items: Annotated[list[ItemForm], Field(min_length=1, max_length=12)]


def show(acting: Acting) -> dict[str, Any]:
    case, session = acting.case, acting.session
    plan = plans.current_plan(session, case.id)
    return {
        "plan": plans.as_items(plan) if plan and plan.state is not PlanState.SUPERSEDED else None,
        "is_default": bool(plan and plan.is_default),
        "returned_reason": plan.returned_reason if plan and plan.state is PlanState.RETURNED else "",
        "suggestions": suggestions(acting),
        "supports": plans.superiors_items(session, case),
    }


def suggestions(acting: Acting) -> list[dict[str, Any]]:
    """The agency's indicators for the employee's job family: a start, to be made one's own."""
    families = json.loads(acting.agency.indicators or "{}")
    query = assignments.posting_on(acting.case.employee_id, acting.today)
    posting: Posting | None = acting.session.scalar(query)
    return families.get(posting.job_family if posting else "", []) or families.get("default", [])


def problems(acting: Acting, form: Form) -> dict[str, str]:
    found: dict[str, str] = {}
    items = form.items or []
    if items and all(item.kind is ItemKind.ADDITIONAL for item in items):
        found["items"] = "main_item_required"
    allowed = {item["id"] for item in plans.superiors_items(acting.session, acting.case)}
    for n, item in enumerate(items):
        if item.supports_id is not None and item.supports_id not in allowed:
            found[f"items.{n}.supports_id"] = "not_superiors_item"
        for m, one in enumerate(item.indicators or []):
            if one.lower_is_better and one.target is not None and one.target <= 0:
                found[f"items.{n}.indicators.{m}.target"] = "target_above_zero"
    return found


def carry_out(acting: Acting, form: Form) -> Done:
    session, case = acting.session, acting.case
    plans.supersede(session, case.id, PlanState.DRAFT, PlanState.SUBMITTED, PlanState.RETURNED)
    plan = plans.write_plan(
        session, case.id, [item.model_dump(mode="json") for item in form.items], PlanState.SUBMITTED, at=acting.at
    )
    if case.state is AppraisalState.PLAN_DRAFT:
        case.state = AppraisalState.PLAN_SUBMITTED
    assignments.open_for_rater(acting, ActKind.ESTABLISH_TARGETS)
    return Done(
        after={"plan": plan.number, "items": len(form.items), "state": plan.state.value},
        summary={"items": [item.title for item in form.items]},
    )


ACT = Act(ActKind.DRAFT_TARGETS, Proof.LINK, Form, show, carry_out, problems)
ROLE = Role.EMPLOYEE
