"""The employee confirms having received the result, which is not agreeing to it; the objection clock starts."""

from typing import Any

from actions.acts.act import Act, ActForm, Acting, ActRefused, Done
from actions.cases import results
from rules.terms import ActKind, Proof, ReceiptKind, Role


class Form(ActForm):
    pass


def show(acting: Acting) -> dict[str, Any]:
    return results.shown(acting.session, acting.case.id)


def carry_out(acting: Acting, form: Form) -> Done:
    result = results.current(acting.session, acting.case.id)
    if result is None or result.issued_at is None:
        raise ActRefused("no_result")
    until = results.receive(acting, result, ReceiptKind.ACKNOWLEDGED)
    return Done(after={"received": acting.at.isoformat()}, summary={"objection_until": until.isoformat()})


ACT = Act(ActKind.ACKNOWLEDGE, Proof.LINK, Form, show, carry_out)
ROLE = Role.EMPLOYEE
