"""Mid-year: the employee reports what was reached, with evidence, and may ask for changed targets."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from actions.acts.act import Act, ActForm, Acting, ActRefused, Done, MaybeText, Text
from actions.cases import plans
from actions.cases.case_files import MID_YEAR_REPORT
from actions.duties import assignments
from models import Note, Plan
from rules.terms import ActKind, AppraisalState, NoteKind, PlanState, Proof, Role


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


def unmatched(acting: Acting, actuals: list[ActualForm] | None) -> dict[str, str]:
    """What was sent against the plan: every indicator exactly once, none from elsewhere."""
    plan = plans.current_plan(acting.session, acting.case.id, PlanState.ESTABLISHED)
    if plan is None or not actuals:
        return {}
    known = {indicator.id for item in plan.items for indicator in item.indicators}
    given = [actual.indicator_id for actual in actuals]
    matches = set(given) == known and len(given) == len(known)
    return {} if matches else {"actuals": "every_indicator_once"}


def reported(actuals: list[ActualForm]) -> dict[int, tuple[Decimal, str]]:
    return {actual.indicator_id: (actual.value, actual.evidence) for actual in actuals}


def problems(acting: Acting, form: Form) -> dict[str, str]:
    found = unmatched(acting, form.actuals)
    wanted = {n: a for n, a in enumerate(form.actuals or []) if a.new_target is not None}
    if wanted and form.change_reason is not None and len(form.change_reason) < 10:
        found["change_reason"] = "reason_required"
    plan = plans.current_plan(acting.session, acting.case.id, PlanState.ESTABLISHED)
    lower = {i.id for item in plan.items for i in item.indicators if i.lower_is_better} if plan else set()
    zero = [n for n, a in wanted.items() if a.indicator_id in lower and not a.new_target]
    return found | {f"actuals.{n}.new_target": "target_above_zero" for n in zero}


def carry_out(acting: Acting, form: Form) -> Done:
    session, case = acting.session, acting.case
    plan = plans.current_plan(session, case.id, PlanState.ESTABLISHED)
    if plan is None:
        raise ActRefused("no_established_plan")
    note = Note(
        appraisal_id=case.id, author_id=acting.person.id, kind=NoteKind.ACTIVITY, on=acting.today, text=form.summary,
        nonce=f"{MID_YEAR_REPORT}{acting.assignment.id}", at=acting.at,
    )  # fmt: skip
    session.add(note)
    number = plans.record_actuals(session, case.id, acting.stage.id, reported(form.actuals), at=acting.at)
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
    items = plans.as_items(plan)
    for item in items:
        for indicator in item["indicators"]:
            indicator["target"] = wanted.get(indicator["id"], indicator["target"])
    plans.supersede(acting.session, acting.case.id, PlanState.SUBMITTED)
    plans.write_plan(acting.session, acting.case.id, items, PlanState.SUBMITTED, at=acting.at, change_reason=reason)


ACT = Act(ActKind.REPORT_PROGRESS, Proof.LINK, Form, show, carry_out, problems)
ROLE = Role.EMPLOYEE
