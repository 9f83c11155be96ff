"""Rater or employee is heard on an objection: a statement, a refusal in words, or the employee's withdrawal."""

from typing import Any, Literal

from actions.acts.act import Act, ActForm, Acting, Done, MaybeText
from actions.cases import objections
from rules.pack.contradictions import Doubt, unused
from rules.terms import ActKind, Proof, Role, StatementOutcome


class Form(ActForm):
    answer: Literal["given", "refused", "withdraw"]
    text: MaybeText = ""


def show(acting: Acting) -> dict[str, Any]:
    return objections.shown(acting.session, objections.of(acting)) | {
        "may_withdraw": acting.assignment.role is Role.EMPLOYEE
    }


def problems(acting: Acting, form: Form) -> dict[str, str]:
    found: dict[str, str] = {}
    if form.answer == "withdraw" and acting.assignment.role is not Role.EMPLOYEE:
        found["answer"] = "only_the_objector_withdraws"
    if form.answer == "given" and form.text is not None and len(form.text) < 10:
        found["text"] = "reason_required"
    return found


def doubts(_acting: Acting, form: Form) -> list[Doubt]:
    return unused({"text": form.text}, "answer.refused") if form.answer == "refused" else []


def carry_out(acting: Acting, form: Form) -> Done:
    objection = objections.of(acting)
    if form.answer == "withdraw":
        objections.withdraw(acting, objection)
        return Done(
            after={"state": "withdrawn"},
            why=form.text,
            summary={"answer": "withdraw"},
            follows={"answer": "withdraw"},
        )
    objections.hear(acting, objection, StatementOutcome(form.answer), form.text)
    return Done(after={"statement": form.answer}, why=form.text, summary={"answer": form.answer})


ACT = Act(ActKind.EXPLAIN, Proof.CODE, Form, show, carry_out, problems, doubts)
ROLE = Role.RATER
