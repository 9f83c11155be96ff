"""HR accounts for an appraisal that ends without a result: nothing is presumed for a silent rater."""

from typing import Any, Literal

from actions.acts.act import Act, ActForm, Acting, ActRefused, Done, Text
from models import Person
from rules.pack.contradictions import Doubt, of_text
from rules.terms import ActKind, AppraisalState, Proof, Role

STATES = {
    "rater_silent": AppraisalState.NOT_RATED,
    "not_ratable": AppraisalState.NOT_RATABLE,
    "closed_early": AppraisalState.CLOSED_EARLY,
    "excluded": AppraisalState.EXCLUDED,
}
WITH_RESULT = frozenset({AppraisalState.ISSUED, AppraisalState.OBJECTED, AppraisalState.DECIDED, AppraisalState.FINAL})


class Form(ActForm):
    ground: Literal["rater_silent", "not_ratable", "closed_early", "excluded"]
    explanation: Text


def show(acting: Acting) -> dict[str, Any]:
    case = acting.case
    rater = acting.session.get(Person, case.rater_id) if case.rater_id else None
    return {"state": case.state.value, "rater": rater.name if rater else "", "so_far": case.explanation}


def doubts(_acting: Acting, form: Form) -> list[Doubt]:
    return of_text("explanation", form.explanation)


def carry_out(acting: Acting, form: Form) -> Done:
    case = acting.case
    before = case.state
    if before in WITH_RESULT:
        raise ActRefused("has_result")
    case.state, case.explanation, case.explained_at = STATES[form.ground], form.explanation, acting.at
    return Done(
        before={"state": before.value},
        after={"state": case.state.value},
        why=form.explanation,
        summary={"ground": form.ground},
        follows={"ground": form.ground},
    )


ACT = Act(ActKind.ACCOUNT_FOR, Proof.CODE, Form, show, carry_out, doubts=doubts)
ROLE = Role.PERFORMANCE_ADMIN
