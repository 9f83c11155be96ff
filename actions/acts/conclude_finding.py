"""The examiner confirms or withdraws a finding after the rater was heard, and may recommend; a rating is not theirs."""

from typing import Any, Literal

from actions.acts.act import Act, ActForm, Acting, ActRefused, Done, MaybeText, Text
from actions.audit import items
from models import AuditItem
from rules.pack.contradictions import Doubt, of_text, unused
from rules.terms import ActKind, Proof, Role


class Form(ActForm):
    conclusion: Literal["confirmed", "withdrawn"]
    text: Text
    review_result: Literal["yes", "no"] = "no"
    recommendation: MaybeText = ""


def show(acting: Acting) -> dict[str, Any]:
    finding = items.finding_of(acting.session, acting.assignment.subject)
    return {
        "attribute": finding.attribute.value, "finding": finding.text, "reply": finding.reply or "",
        "silent": finding.reply == "",
    }  # fmt: skip


def problems(_acting: Acting, form: Form) -> dict[str, str]:
    if form.review_result != "yes" or form.recommendation is None or form.conclusion is None:
        return {}
    founded = form.conclusion == "confirmed" and len(form.recommendation) >= 10
    return {} if founded else {"recommendation": "confirmed_with_reasons"}


def doubts(_acting: Acting, form: Form) -> list[Doubt]:
    choice = "conclusion.no_review" if form.conclusion == "confirmed" else "conclusion.withdrawn"
    spare = {} if form.review_result == "yes" else {"recommendation": form.recommendation}
    return unused(spare, choice) + of_text("text", form.text)


def carry_out(acting: Acting, form: Form) -> Done:
    session = acting.session
    finding = items.finding_of(session, acting.assignment.subject)
    if finding.confirmed is not None:
        raise ActRefused("concluded_already")
    finding.confirmed, finding.conclusion = form.conclusion == "confirmed", form.text
    finding.concluded_at = acting.at
    session.flush()
    item = session.get_one(AuditItem, finding.item_id, with_for_update=True)
    if form.review_result == "yes":
        items.recommend(session, item, form.recommendation, at=acting.at)
    items.conclude_item(session, item)
    items.ask_authority(session, acting.cycle, acting.stage, item, acting.today, at=acting.at)
    return Done(
        after={"finding": finding.id, "confirmed": finding.confirmed, "review": form.review_result},
        why=form.text, summary={"conclusion": form.conclusion},
        follows={"conclusion": form.conclusion, "review": form.review_result == "yes"},
    )  # fmt: skip


ACT = Act(ActKind.CONCLUDE_FINDING, Proof.CODE, Form, show, carry_out, problems, doubts)
ROLE = Role.AUDITOR
