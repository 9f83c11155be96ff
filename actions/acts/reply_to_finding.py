"""The rater answers a finding; silence is no consent and is recorded as silence."""

from typing import Any

from actions.acts.act import Act, ActForm, Acting, ActRefused, Done, Text
from actions.audit import items
from actions.cases import results
from rules.pack.contradictions import Doubt, of_text
from rules.terms import ActKind, Proof, Role


class Form(ActForm):
    reply: Text


def show(acting: Acting) -> dict[str, Any]:
    finding = items.finding_of(acting.session, acting.assignment.subject)
    return results.shown(acting.session, acting.case.id) | {
        "attribute": finding.attribute.value, "finding": finding.text, "reply_until": finding.reply_until,
    }  # fmt: skip


def doubts(_acting: Acting, form: Form) -> list[Doubt]:
    return of_text("reply", form.reply)


def carry_out(acting: Acting, form: Form) -> Done:
    finding = items.finding_of(acting.session, acting.assignment.subject)
    if finding.reply is not None:
        raise ActRefused("answered_already")
    finding.reply, finding.replied_by_id, finding.replied_at = form.reply, acting.person.id, acting.at
    items.ask_conclusion(acting.session, acting.stage, finding, at=acting.at)
    return Done(after={"finding": finding.id}, why=form.reply, summary={"replied": True})


ACT = Act(ActKind.REPLY_TO_FINDING, Proof.CODE, Form, show, carry_out, doubts=doubts)
ROLE = Role.RATER
