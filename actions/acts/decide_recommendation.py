"""The authority follows or declines the audit's recommendation; before a lowering the employee is heard."""

from typing import Any

from sqlalchemy import select

from actions.acts.act import Act, Acting, ActInvalid, ActRefused, Done, MaybeText, Text
from actions.acts.decide_objection import compare
from actions.acts.score import Judgement, contradictions, derived, filled, lacking, record
from actions.audit import items
from actions.cases import objections, results
from actions.cases.corrections import announce
from models import AuditItem, Finding, Objection, Recommendation
from rules.pack.contradictions import Doubt, of_text, unused
from rules.terms import ActKind, AppraisalState, ObjectionOutcome, ObjectionState, Proof, RecommendationOutcome, Role


class Form(Judgement):
    outcome: RecommendationOutcome
    reasons: Text
    hearing: MaybeText = ""
    """What the employee said, or that they were asked and stayed silent; required to lower a result."""


def _row(acting: Acting) -> Recommendation:
    return acting.session.get_one(Recommendation, int(acting.assignment.subject.split(":")[1]), with_for_update=True)


def show(acting: Acting) -> dict[str, Any]:
    row = _row(acting)
    findings = acting.session.scalars(select(Finding).filter_by(item_id=row.item_id)).all()
    return results.shown(acting.session, acting.case.id) | {
        "recommendation": row.text, "scheme": acting.pack.scheme.value,
        "aspects": [{"key": a.key, "title": dict(a.title)} for a in acting.pack.behavior_aspects],
        "findings": [
            {"attribute": f.attribute.value, "text": f.text, "reply": f.reply or "", "conclusion": f.conclusion}
            for f in findings
        ],
    }  # fmt: skip


def carry_out(acting: Acting, form: Form) -> Done:
    session, case, row = acting.session, acting.case, _row(acting)
    if acting.person.id in (case.employee_id, *objections.raters_of(session, case)):
        raise ActRefused("not_independent")
    open_objection = select(Objection.id).where(
        Objection.appraisal_id == case.id,
        Objection.state.in_((ObjectionState.FILED, ObjectionState.UNDER_EXAMINATION)),
    )
    if session.scalar(open_objection) is not None:
        raise ActRefused("objection_first")
    before = results.current(session, case.id)
    assert before is not None
    if form.outcome is RecommendationOutcome.FOLLOWED:
        _correct(acting, form)
    row.outcome, row.reasons, row.employee_hearing = form.outcome, form.reasons, form.hearing
    row.decided_by_id, row.decided_at = acting.person.id, acting.at
    session.flush()
    items.conclude_item(session, session.get_one(AuditItem, row.item_id, with_for_update=True))
    announce(acting, f"audit-{row.id}", cause="audit", changed=form.outcome is RecommendationOutcome.FOLLOWED)
    after = results.current(session, case.id)
    assert after is not None
    return Done(
        before={"predicate": before.predicate.value, "score": str(before.score)},
        after={"predicate": after.predicate.value, "score": str(after.score), "outcome": form.outcome.value},
        why=form.reasons, summary={"outcome": form.outcome.value},
        follows={"outcome": form.outcome.value} | results.outcome_of(after),
    )  # fmt: skip


def _correct(acting: Acting, form: Form) -> None:
    session, case = acting.session, acting.case
    old = results.current(session, case.id)
    assert old is not None
    record(acting, form, Role.OBJECTION_AUTHORITY, feedback=form.reasons).locked_at = acting.at
    new = results.current(session, case.id)
    assert new is not None
    compare(acting.pack, old.predicate, old.score, new.predicate, new.score)
    new.issued_at = acting.at
    case.state = AppraisalState.DECIDED


def problems(acting: Acting, form: Form) -> dict[str, str]:
    if form.outcome is not RecommendationOutcome.FOLLOWED:
        return {}
    found = lacking(acting, form)
    before, after = results.current(acting.session, acting.case.id), derived(acting, form)
    if before is None or after is None:
        return found
    try:
        outcome = compare(acting.pack, before.predicate, before.score, after.predicate, after.score)
    except ActInvalid:
        return found | {"outcome": "changes_nothing"}
    if outcome is ObjectionOutcome.LOWER and form.hearing is not None and len(form.hearing) < 10:
        found["hearing"] = "employee_is_heard_first"
    return found


def doubts(acting: Acting, form: Form) -> list[Doubt]:
    if form.outcome is RecommendationOutcome.FOLLOWED:
        judged = contradictions(acting, form)
    else:
        judged = unused(filled(form), "outcome.declined")
    return judged + of_text("reasons", form.reasons)


ACT = Act(ActKind.DECIDE_RECOMMENDATION, Proof.CODE, Form, show, carry_out, problems, doubts)
ROLE = Role.OBJECTION_AUTHORITY
