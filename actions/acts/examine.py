"""An examiner without conflict reads one appraisal blind and locks an own judgement, which never changes after."""

from typing import Any, Literal

from sqlalchemy import select

from actions import audit_cases, audit_conflicts, audits, plans
from actions.acts.act import Act, ActForm, Acting, ActInvalid, ActRefused, Done, Text
from actions.acts.score import Score
from actions.holders import role_holders
from models import Assignment, AuditItem, Examination, SelfAssessment
from rules.words import ActKind, AssignmentState, AuditItemState, PlanState, Proof, Rating, Role, Scheme


class Form(ActForm):
    no_conflict: Literal["yes", "decline"]
    result_rating: Rating | None = None
    behavior_rating: Rating | None = None
    skp_score: Score | None = None
    evidence_ok: Literal["yes", "no"] | None = None
    procedure_ok: Literal["yes", "no"] | None = None
    text: Text


def show(acting: Acting) -> dict[str, Any]:
    """Targets, actuals, evidence and the self-report without its ratings; nothing of the rater, the arm or a flag."""
    plan = plans.current_plan(acting.session, acting.case.id, PlanState.ESTABLISHED)
    actuals = plans.latest_actuals(acting.session, plan) if plan else {}
    own = acting.session.scalar(
        select(SelfAssessment.text).filter_by(appraisal_id=acting.case.id).order_by(SelfAssessment.number.desc())
    )
    return {
        "plan": plans.as_items(plan) if plan else None,
        "is_default": bool(plan and plan.is_default),
        "actuals": {i: {"value": str(a.value), "evidence": a.evidence} for i, a in actuals.items()},
        "self_report": own or "",
        "scheme": acting.pack.scheme.value,
    }


def carry_out(acting: Acting, form: Form) -> Done:
    session = acting.session
    item, reader = audit_cases.item_of(session, acting.assignment.subject)
    reading = session.scalars(
        select(Examination).filter_by(item_id=item.id, reader=reader, auditor_id=acting.person.id)
    ).one()
    if reading.locked_at is not None:
        raise ActRefused("locked")
    conflicts = audit_conflicts.Conflicts(session, acting.cycle, [acting.person.id], acting.today)
    if form.no_conflict == "decline" or not conflicts.none(acting.person.id, item.appraisal_id):
        return _decline(acting, item, reading, form.text)
    _judge(acting, reading, form)
    reading.no_conflict_declared, reading.text, reading.locked_at = True, form.text, acting.at
    session.flush()
    readings = session.scalars(select(Examination).filter_by(item_id=item.id)).all()
    if all(one.locked_at is not None for one in readings):
        item.state = AuditItemState.BLIND_SCORED
        audit_cases.reveal(session, acting.cycle, acting.stage, item, acting.calendar, at=acting.at)
    return Done(
        after={"item": item.id, "reader": reader, "evidence_ok": form.evidence_ok, "procedure_ok": form.procedure_ok},
        why=form.text, summary={"locked": True},
    )  # fmt: skip


def _judge(acting: Acting, reading: Examination, form: Form) -> None:
    if form.evidence_ok is None or form.procedure_ok is None:
        raise ActInvalid({"evidence_ok": "answer_both"})
    numeric = acting.pack.scheme is Scheme.NUMERIC
    if numeric and form.skp_score is None:
        raise ActInvalid({"skp_score": "missing"})
    if not numeric and (form.result_rating is None or form.behavior_rating is None):
        raise ActInvalid({"result_rating": "both_ratings_required"})
    reading.result_rating, reading.behavior_rating = form.result_rating, form.behavior_rating
    reading.score = str(form.skp_score) if form.skp_score is not None else None
    reading.evidence_ok, reading.procedure_ok = form.evidence_ok == "yes", form.procedure_ok == "yes"


def _decline(acting: Acting, item: AuditItem, reading: Examination, why: str) -> Done:
    """Hand the reading to the least loaded examiner without a conflict; nobody left is HR's to solve outside."""
    session = acting.session
    auditors = session.scalars(role_holders(acting.agency.id, Role.AUDITOR, acting.today)).all()
    asked = Assignment.kind == ActKind.EXAMINE, Assignment.subject.in_([f"item:{item.id}:{n}" for n in (1, 2)])
    taken = set(session.scalars(select(Assignment.person_id).where(*asked)))  # who declined is not asked again
    refusals = audit_conflicts.Conflicts(session, acting.cycle, auditors, acting.today)
    free = [a for a in auditors if a not in taken and refusals.none(a, item.appraisal_id)]
    if not free:
        raise ActRefused("external_auditor_needed")
    load = {a: len(session.scalars(select(Examination.id).filter_by(auditor_id=a)).all()) for a in free}
    other = min(free, key=lambda a: (load[a], a))
    number = reading.reader
    session.delete(reading)
    acting.assignment.state, acting.assignment.ended_at = AssignmentState.DONE, acting.at  # makes room for the next
    session.flush()
    audits.ask_to_examine(session, acting.cycle, item, other, number, at=acting.at)
    return Done(after={"item": item.id, "declined": True, "to": other}, why=why, summary={"declined": True})


ACT = Act(ActKind.EXAMINE, Proof.CODE, Form, show, carry_out)
ROLE = Role.AUDITOR
