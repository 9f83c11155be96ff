"""The employee objects to the result, with reasons, within the window from receipt (PP 30/2019 art. 59)."""

from typing import Any

from actions.acts.act import Act, ActForm, Acting, Done, Text
from actions.cases import objections, results
from rules.pack.contradictions import Doubt, of_text
from rules.terms import ActKind, Proof, Role


class Form(ActForm):
    reasons: Text


def show(acting: Acting) -> dict[str, Any]:
    return results.shown(acting.session, acting.case.id)


def doubts(_acting: Acting, form: Form) -> list[Doubt]:
    return of_text("reasons", form.reasons)


def carry_out(acting: Acting, form: Form) -> Done:
    objection = objections.file(acting, form.reasons)
    return Done(
        after={"objection": objection.id},
        why=form.reasons,
        summary={"decide_until": objection.decide_until.isoformat()},
        follows={"decide_until": objection.decide_until.isoformat()},
    )


ACT = Act(ActKind.OBJECT, Proof.CODE, Form, show, carry_out, doubts=doubts)
ROLE = Role.EMPLOYEE
