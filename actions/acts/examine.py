"""An examiner without conflict reads one appraisal blind and locks an own judgement, which never changes after."""

from typing import Any, Literal

from sqlalchemy import select

from actions.acts.act import Act, ActForm, Acting, ActRefused, Done, Text
from actions.acts.score import Score
from actions.audit import ceremony, items
from actions.audit import conflicts as audit_conflicts
from actions.cases import plans
from actions.line.holders import role_holders
from models import Assignment, AuditItem, Examination, SelfAssessment
from rules.pack.contradictions import Doubt, of_text, unused
from rules.terms import ActKind, AssignmentState, AuditItemState, PlanState, Proof, Rating, Role, Scheme

_JUDGED = ("result_rating", "behavior_rating", "skp_score", "evidence_ok", "procedure_ok")


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
    item, reader = items.item_of(session, acting.assignment.subject)
    reading = session.scalars(
        select(Examination).filter_by(item_id=item.id, reader=reader, auditor_id=acting.person.id)
    ).one()
    if reading.locked_at is not None:
        raise ActRefused("locked")
    conflicts = audit_conflicts.Conflicts(session, acting.cycle, [acting.person.id], acting.today)
    if form.no_conflict == "decline" or not conflicts.none(acting.person.id, item.appraisal_id):
        return _decline(acting, item, reading, form.text)
    _judge(reading, form)
    reading.no_conflict_declared, reading.text, reading.locked_at = True, form.text, acting.at
    session.flush()
    readings = session.scalars(select(Examination).filter_by(item_id=item.id)).all()
    if all(one.locked_at is not None for one in readings):
        item.state = AuditItemState.BLIND_SCORED
        items.reveal(session, acting.cycle, acting.stage, item, acting.calendar, at=acting.at)
    return Done(
        after={"item": item.id, "reader": reader, "evidence_ok": form.evidence_ok, "procedure_ok": form.procedure_ok},
        why=form.text, summary={"locked": True}, follows={"locked": True},
    )  # fmt: skip


def problems(acting: Acting, form: Form) -> dict[str, str]:
    if form.no_conflict != "yes":
        return {}
    needed = {"evidence_ok": "choose", "procedure_ok": "choose"}
    if acting.pack.scheme is Scheme.NUMERIC:
        needed["skp_score"] = "missing"
    else:
        needed |= {"result_rating": "choose", "behavior_rating": "choose"}
    return {name: code for name, code in needed.items() if getattr(form, name) is None}


def doubts(_acting: Acting, form: Form) -> list[Doubt]:
    judged = {name: getattr(form, name) for name in _JUDGED}
    return (unused(judged, "no_conflict.decline") if form.no_conflict == "decline" else []) + of_text("text", form.text)


def _judge(reading: Examination, form: Form) -> None:
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
    ceremony.ask_to_examine(session, acting.cycle, item, other, number, at=acting.at)
    return Done(after={"item": item.id, "declined": True, "to": other}, why=why, summary={"declined": True},
                follows={"declined": True})  # fmt: skip


ACT = Act(ActKind.EXAMINE, Proof.CODE, Form, show, carry_out, problems, doubts)
ROLE = Role.AUDITOR
