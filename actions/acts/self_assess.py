"""The employee reports the year's actuals and assesses themself."""

from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import func, select

from actions.acts.act import Act, ActForm, Acting, ActRefused, Done, Text
from actions.acts.report_progress import ActualForm, reported, unmatched
from actions.cases import plans
from models import SelfAssessment
from rules.terms import ActKind, AppraisalState, PlanState, Proof, Rating, Role


class Form(ActForm):
    actuals: Annotated[list[ActualForm], Field(min_length=1, max_length=80)]
    result_rating: Rating
    behavior_rating: Rating
    text: Text


def show(acting: Acting) -> dict[str, Any]:
    plan = plans.current_plan(acting.session, acting.case.id, PlanState.ESTABLISHED)
    actuals = plans.latest_actuals(acting.session, plan) if plan else {}
    return {
        "plan": plans.as_items(plan) if plan else None,
        "is_default": bool(plan and plan.is_default),
        "actuals": {i: {"value": str(a.value), "evidence": a.evidence} for i, a in actuals.items()},
    }


def problems(acting: Acting, form: Form) -> dict[str, str]:
    return unmatched(acting, form.actuals)


def carry_out(acting: Acting, form: Form) -> Done:
    session, case = acting.session, acting.case
    plan = plans.current_plan(session, case.id, PlanState.ESTABLISHED)
    if plan is None:
        raise ActRefused("no_established_plan")
    plans.record_actuals(session, case.id, acting.stage.id, reported(form.actuals), at=acting.at)
    last = session.scalar(select(func.max(SelfAssessment.number)).filter_by(appraisal_id=case.id)) or 0
    session.add(
        SelfAssessment(appraisal_id=case.id, number=last + 1, result_rating=form.result_rating,
                       behavior_rating=form.behavior_rating, text=form.text, at=acting.at)
    )  # fmt: skip
    if case.state in (AppraisalState.PLAN_ESTABLISHED, AppraisalState.IN_PROGRESS):
        case.state = AppraisalState.SELF_ASSESSED
    return Done(
        after={"result": form.result_rating.value, "behavior": form.behavior_rating.value, "text": form.text},
        summary={"reported": len(form.actuals)},
    )


ACT = Act(ActKind.SELF_ASSESS, Proof.LINK, Form, show, carry_out, problems)
ROLE = Role.EMPLOYEE
