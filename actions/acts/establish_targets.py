"""The rater establishes the plan, or returns it with a reason (PermenPANRB 6/2022 art. 14)."""

from typing import Any, Literal

from actions.acts.act import Act, ActForm, Acting, ActRefused, Done, MaybeText
from actions.cases import plans
from actions.duties import assignments
from actions.duties.notices import tell
from rules.terms import ActKind, AppraisalState, PlanState, Proof, Role


class Form(ActForm):
    decision: Literal["establish", "return"]
    reason: MaybeText = ""


def show(acting: Acting) -> dict[str, Any]:
    plan = plans.current_plan(acting.session, acting.case.id, PlanState.SUBMITTED)
    return {
        "plan": plans.as_items(plan) if plan else None,
        "versions": len(plans.all_plans(acting.session, acting.case.id)),
    }


def problems(_acting: Acting, form: Form) -> dict[str, str]:
    unsaid = form.decision == "return" and form.reason is not None and len(form.reason) < 10
    return {"reason": "reason_required"} if unsaid else {}


def carry_out(acting: Acting, form: Form) -> Done:
    session, case = acting.session, acting.case
    plan = plans.current_plan(session, case.id, PlanState.SUBMITTED)
    if plan is None:
        raise ActRefused("nothing_to_establish")
    if form.decision == "return":
        plan.state, plan.returned_reason = PlanState.RETURNED, form.reason
        if case.state is AppraisalState.PLAN_SUBMITTED:
            case.state = AppraisalState.PLAN_DRAFT
        assignments.reopen_for_employee(
            acting, ActKind.DRAFT_TARGETS, notice="plan_returned",
            facts={"by": acting.person.name, "reason": form.reason},
        )  # fmt: skip
        return Done(after={"plan": plan.number, "state": "returned"}, why=form.reason, summary={"decision": "return"})
    plans.supersede(session, case.id, PlanState.ESTABLISHED)
    plan.state, plan.established_at, plan.established_by_id = PlanState.ESTABLISHED, acting.at, acting.person.id
    if case.state in (AppraisalState.PLAN_DRAFT, AppraisalState.PLAN_SUBMITTED):
        case.state = AppraisalState.PLAN_ESTABLISHED
    told = {"by": acting.person.name, "version": plan.number}
    tell(session, acting.stage, case.employee_id, "plan_established", f"{case.id}-{plan.number}", told, at=acting.at)
    return Done(after={"plan": plan.number, "state": "established"}, summary={"decision": "establish"})


ACT = Act(ActKind.ESTABLISH_TARGETS, Proof.LINK, Form, show, carry_out, problems)
ROLE = Role.RATER
