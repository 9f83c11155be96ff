"""The employee objects to the result, with reasons, within the window from receipt (PP 30/2019 art. 59)."""

from typing import Any

from actions import objections, results
from actions.acts.act import Act, ActForm, Acting, Done, Text
from rules.words import ActKind, Proof, Role


class Form(ActForm):
    reasons: Text


def show(acting: Acting) -> dict[str, Any]:
    return results.shown(acting.session, acting.case.id)


def carry_out(acting: Acting, form: Form) -> Done:
    objection = objections.file(acting, form.reasons)
    return Done(
        after={"objection": objection.id},
        why=form.reasons,
        summary={"decide_until": objection.decide_until.isoformat()},
    )


ACT = Act(ActKind.OBJECT, Proof.CODE, Form, show, carry_out)
ROLE = Role.EMPLOYEE
