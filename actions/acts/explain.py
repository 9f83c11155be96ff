"""Rater or employee is heard on an objection: a statement, a refusal in words, or the employee's withdrawal."""

from typing import Any, Literal

from actions import objections
from actions.acts.act import Act, ActForm, Acting, ActInvalid, Done, MaybeText
from rules.words import ActKind, Proof, Role, StatementOutcome


class Form(ActForm):
    answer: Literal["given", "refused", "withdraw"]
    text: MaybeText = ""


def show(acting: Acting) -> dict[str, Any]:
    return objections.shown(acting.session, objections.of(acting)) | {
        "may_withdraw": acting.assignment.role is Role.EMPLOYEE
    }


def carry_out(acting: Acting, form: Form) -> Done:
    objection = objections.of(acting)
    if form.answer == "withdraw":
        if acting.assignment.role is not Role.EMPLOYEE:
            raise ActInvalid({"answer": "only_the_objector_withdraws"})
        objections.withdraw(acting, objection)
        return Done(after={"state": "withdrawn"}, why=form.text, summary={"answer": "withdraw"})
    if form.answer == "given" and len(form.text) < 10:
        raise ActInvalid({"text": "reason_required"})
    objections.hear(acting, objection, StatementOutcome(form.answer), form.text)
    return Done(after={"statement": form.answer}, why=form.text, summary={"answer": form.answer})


ACT = Act(ActKind.EXPLAIN, Proof.CODE, Form, show, carry_out)
ROLE = Role.RATER
