"""Mid-year: the rater answers the report and agrees to, or declines, changed targets."""

from typing import Any, Literal

from sqlalchemy import select

from actions.acts.act import Act, ActForm, Acting, Done, Text
from actions.cases import plans
from actions.cases.case_files import MID_YEAR_FEEDBACK, MID_YEAR_REPORT
from actions.duties.notices import tell
from models import Note, Plan
from rules.terms import ActKind, NoteKind, PlanState, Proof, Role


class Form(ActForm):
    feedback: Text
    changes: Literal["agree", "decline", "none"] = "none"


def show(acting: Acting) -> dict[str, Any]:
    plan = plans.current_plan(acting.session, acting.case.id, PlanState.ESTABLISHED)
    proposed = plans.current_plan(acting.session, acting.case.id, PlanState.SUBMITTED)
    actuals = plans.latest_actuals(acting.session, plan) if plan else {}
    return {
        "plan": plans.as_items(plan) if plan else None,
        "proposed": plans.as_items(proposed) if proposed else None,
        "change_reason": proposed.change_reason if proposed else "",
        "actuals": {i: {"value": str(a.value), "evidence": a.evidence} for i, a in actuals.items()},
        "summary": _summary(acting),
    }


def problems(acting: Acting, form: Form) -> dict[str, str]:
    proposed = plans.current_plan(acting.session, acting.case.id, PlanState.SUBMITTED)
    return {"changes": "answer_the_proposal"} if proposed is not None and form.changes == "none" else {}


def _summary(acting: Acting) -> str:
    """What the employee wrote with the last report."""
    said = select(Note.text).where(Note.appraisal_id == acting.case.id, Note.nonce.startswith(MID_YEAR_REPORT))
    return acting.session.scalar(said.order_by(Note.id.desc()).limit(1)) or ""


def carry_out(acting: Acting, form: Form) -> Done:
    session, case = acting.session, acting.case
    proposed = plans.current_plan(session, case.id, PlanState.SUBMITTED)
    if proposed is not None and form.changes == "agree":
        _agree(acting, proposed)
    elif proposed is not None:
        proposed.state, proposed.returned_reason = PlanState.RETURNED, form.feedback
    session.add(
        Note(appraisal_id=case.id, author_id=acting.person.id, kind=NoteKind.FEEDBACK, on=acting.today,
             text=form.feedback, nonce=f"{MID_YEAR_FEEDBACK}{acting.assignment.id}", at=acting.at)
    )  # fmt: skip
    _tell_employee(acting, proposed, form.changes)
    return Done(
        after={"feedback": form.feedback, "changes": form.changes if proposed else "none"},
        summary={"changes": form.changes if proposed else "none"},
    )


def _tell_employee(acting: Acting, proposed: Plan | None, changes: str) -> None:
    """One letter, whether the rater answered a proposal too or gave feedback only; the words stand on the page."""
    kind, facts = "feedback_given", {"by": acting.person.name}
    if proposed is not None:
        kind, facts = "targets_changed", facts | {"agreed": changes == "agree", "reason": proposed.change_reason}
    occasion = f"{acting.case.id}-{acting.assignment.id}"
    tell(acting.session, acting.stage, acting.case.employee_id, kind, occasion, facts, at=acting.at)


def _agree(acting: Acting, new: Plan) -> None:
    """The changed plan takes the old one's place; what was reported moves along to its indicators."""
    session, case = acting.session, acting.case
    old = plans.current_plan(session, case.id, PlanState.ESTABLISHED)
    actuals = plans.latest_actuals(session, old) if old else {}
    plans.supersede(session, case.id, PlanState.ESTABLISHED)
    new.state, new.established_at, new.established_by_id = PlanState.ESTABLISHED, acting.at, acting.person.id
    if old is not None:
        before = {
            (item.number, i.number): actuals[i.id] for item in old.items for i in item.indicators if i.id in actuals
        }
        moved = {
            i.id: (known.value, known.evidence) for item in new.items for i in item.indicators
            if (known := before.get((item.number, i.number))) is not None
        }  # fmt: skip
        plans.record_actuals(session, case.id, acting.stage.id, moved, at=acting.at)


ACT = Act(ActKind.GIVE_FEEDBACK, Proof.LINK, Form, show, carry_out, problems)
ROLE = Role.RATER
