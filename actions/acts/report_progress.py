"""Mid-year: the employee reports what was reached, with evidence, and may ask for changed targets."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from actions import assignments, plans
from actions.acts.act import Act, ActForm, Acting, ActInvalid, ActRefused, Done, MaybeText, Text
from models import Plan
from rules.words import ActKind, AppraisalState, PlanState, Proof, Role


class ActualForm(BaseModel):
    model_config = ConfigDict(extra="forbid")

    indicator_id: int
    value: Annotated[Decimal, Field(ge=0, max_digits=15, decimal_places=4)]
    evidence: MaybeText = ""
    new_target: Annotated[Decimal, Field(ge=0, max_digits=15, decimal_places=4)] | None = None


class Form(ActForm):
    actuals: Annotated[list[ActualForm], Field(min_length=1, max_length=80)]
    summary: Text
    change_reason: MaybeText = ""


def show(acting: Acting) -> dict[str, Any]:
    plan = plans.current_plan(acting.session, acting.case.id, PlanState.ESTABLISHED)
    actuals = plans.latest_actuals(acting.session, plan) if plan else {}
    return {
        "plan": plans.as_items(plan) if plan else None,
        "is_default": bool(plan and plan.is_default),
        "actuals": {i: {"value": str(a.value), "evidence": a.evidence} for i, a in actuals.items()},
    }


def reported(plan: Plan, actuals: list[Any]) -> dict[int, tuple[Decimal, str]]:
    """Match what was sent with the plan; every indicator exactly once, none from elsewhere."""
    known = {indicator.id for item in plan.items for indicator in item.indicators}
    given = [actual.indicator_id for actual in actuals]
    if set(given) != known or len(given) != len(known):
        raise ActInvalid({"actuals": "every_indicator_once"})
    return {actual.indicator_id: (actual.value, actual.evidence) for actual in actuals}


def carry_out(acting: Acting, form: Form) -> Done:
    session, case = acting.session, acting.case
    plan = plans.current_plan(session, case.id, PlanState.ESTABLISHED)
    if plan is None:
        raise ActRefused("no_established_plan")
    number = plans.record_actuals(session, case.id, acting.stage.id, reported(plan, form.actuals), at=acting.at)
    wanted = {a.indicator_id: str(a.new_target) for a in form.actuals if a.new_target is not None}
    if wanted:
        _propose(acting, plan, wanted, form.change_reason)
    if case.state is AppraisalState.PLAN_ESTABLISHED:
        case.state = AppraisalState.IN_PROGRESS
    assignments.open_for_rater(acting, ActKind.GIVE_FEEDBACK)
    return Done(
        after={"report": number, "summary": form.summary, "changes": len(wanted)},
        summary={"reported": len(form.actuals), "changes": len(wanted)},
    )


def _propose(acting: Acting, plan: Plan, wanted: dict[int, str], reason: str) -> None:
    if len(reason) < 10:
        raise ActInvalid({"change_reason": "reason_required"})
    items = plans.as_items(plan)
    for item in items:
        for indicator in item["indicators"]:
            indicator["target"] = wanted.get(indicator["id"], indicator["target"])
            if indicator["lower_is_better"] and not Decimal(indicator["target"]):
                raise ActInvalid({"actuals": "target_above_zero"})
    plans.supersede(acting.session, acting.case.id, PlanState.SUBMITTED)
    plans.write_plan(acting.session, acting.case.id, items, PlanState.SUBMITTED, at=acting.at, change_reason=reason)


ACT = Act(ActKind.REPORT_PROGRESS, Proof.LINK, Form, show, carry_out)
ROLE = Role.EMPLOYEE
