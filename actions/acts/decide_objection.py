"""The authority keeps, raises or lowers the result, with reasons and finally (PP 30/2019 art. 59)."""

from typing import Any, Literal

from actions.acts.act import Act, Acting, ActInvalid, ActRefused, Done, Text
from actions.acts.score import Judgement, contradictions, derived, filled, lacking, record
from actions.cases import objections, results
from actions.duties.notices import employee_of, tell
from models import Objection
from rules.pack.contradictions import Doubt, of_text, unused
from rules.pack.pack import Pack
from rules.terms import ActKind, AppraisalState, ObjectionOutcome, ObjectionState, Predicate, Proof, Role


class Form(Judgement):
    decision: Literal["keep", "change"]
    reasons: Text


def show(acting: Acting) -> dict[str, Any]:
    return objections.shown(acting.session, objections.of(acting)) | {
        "scheme": acting.pack.scheme.value,
        "aspects": [{"key": a.key, "title": dict(a.title)} for a in acting.pack.behavior_aspects],
    }


def carry_out(acting: Acting, form: Form) -> Done:
    session, case = acting.session, acting.case
    objection = objections.of(acting)
    if objection.state is not ObjectionState.UNDER_EXAMINATION:
        raise ActRefused("not_under_examination")
    if acting.person.id in (case.employee_id, *objections.raters_of(session, case)):
        raise ActRefused("not_independent")
    before = results.current(session, case.id)
    assert before is not None
    outcome = ObjectionOutcome.KEEP
    if form.decision == "change":
        record(acting, form, Role.OBJECTION_AUTHORITY, feedback=form.reasons).locked_at = acting.at
        after = results.current(session, case.id)
        assert after is not None
        outcome = compare(acting.pack, before.predicate, before.score, after.predicate, after.score)
        after.issued_at, after.received_at, after.receipt_kind = acting.at, None, None
    objection.state, objection.outcome, objection.decision_reasons = ObjectionState.DECIDED, outcome, form.reasons
    objection.decided_by_id, objection.decided_at = acting.person.id, acting.at
    case.state = AppraisalState.DECIDED
    session.flush()
    _tell_sides(acting, objection, changed=form.decision == "change")
    current = results.current(session, case.id)
    assert current is not None
    return Done(
        before={"predicate": before.predicate.value, "score": str(before.score)},
        after={"predicate": current.predicate.value, "score": str(current.score), "outcome": outcome.value},
        why=form.reasons,
        summary={"outcome": outcome.value},
        follows={"outcome": outcome.value} | results.outcome_of(current),
    )


def problems(acting: Acting, form: Form) -> dict[str, str]:
    if form.decision != "change":
        return {}
    found = lacking(acting, form)
    before, after = results.current(acting.session, acting.case.id), derived(acting, form)
    if before is not None and after is not None:
        try:
            compare(acting.pack, before.predicate, before.score, after.predicate, after.score)
        except ActInvalid as same:
            found |= same.errors
    return found


def doubts(acting: Acting, form: Form) -> list[Doubt]:
    judged = unused(filled(form), "decision.keep") if form.decision == "keep" else contradictions(acting, form)
    return judged + of_text("reasons", form.reasons)


def _tell_sides(acting: Acting, objection: Objection, *, changed: bool) -> None:
    """Who decided, and whether the result stands, to the employee and to whoever rated; the reasons are on the page."""
    session, case = acting.session, acting.case
    facts = {
        "employee": employee_of(session, case), "by": acting.person.name, "changed": changed,
        "filed": objection.filed_at.isoformat(),
    }  # fmt: skip
    raters = {statement.by_id for statement in objection.statements if statement.role is Role.RATER} | {case.rater_id}
    for person_id in {case.employee_id, *raters} - {None}:
        audience = "employee" if person_id == case.employee_id else "rater"
        tell(session, acting.stage, person_id, "objection_decided", f"{objection.id}", facts | {"audience": audience},
             at=acting.at)  # fmt: skip


def compare(pack: Pack, old: Predicate, old_score: Any, new: Predicate, new_score: Any) -> ObjectionOutcome:
    """Raised or lowered by the predicate, within one by the score; the same of both is refused as no change."""
    was, becomes = (-pack.rank(old), old_score or 0), (-pack.rank(new), new_score or 0)
    if was == becomes:
        raise ActInvalid({"decision": "changes_nothing"})
    return ObjectionOutcome.RAISE if becomes > was else ObjectionOutcome.LOWER


ACT = Act(ActKind.DECIDE_OBJECTION, Proof.CODE, Form, show, carry_out, problems, doubts)
ROLE = Role.OBJECTION_AUTHORITY
