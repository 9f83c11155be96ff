"""The rater judges results and behaviour; the pack derives the predicate at once and says why."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from actions.acts.act import Act, ActForm, Acting, ActInvalid, ActRefused, Done, MaybeText, Text
from actions.cases import plans, results
from models import Assignment, Note, Person, RatingRecord, SelfAssessment, UnitPredicate
from rules.pack.contradictions import Doubt, of_behavior, of_result, of_text, shares
from rules.pack.numeric import ScoreRefused
from rules.pack.predicates import Derivation, NotDerivable, derive
from rules.terms import ActKind, AppraisalState, BehaviorValue, ItemKind, PlanState, Proof, Rating, Role, Scheme

Score = Annotated[Decimal, Field(ge=0, le=120, decimal_places=2)]


class BehaviorNote(BaseModel):
    model_config = ConfigDict(extra="forbid")

    value: BehaviorValue
    seen: Rating
    text: MaybeText = ""


class AspectScore(BaseModel):
    model_config = ConfigDict(extra="forbid")

    aspect: str
    score: Score


class Judgement(ActForm):
    """What an official judges: ratings and seven notes by quadrant, scores per aspect by number."""

    result_rating: Rating | None = None
    behavior_rating: Rating | None = None
    notes: list[BehaviorNote] = Field(default=[], max_length=7)
    aspects: list[AspectScore] = Field(default=[], max_length=10)
    skp_score: Score | None = None
    """By number, and only where nothing was reported to measure, or an authority corrects what was measured."""
    innovation: MaybeText = ""
    innovation_evidence: MaybeText = ""


class Form(Judgement):
    feedback: Text
    recommendation: MaybeText = ""


def lacking(acting: Acting, form: Judgement) -> dict[str, str]:
    """Field -> what a judgement lacks for the pack's scheme; nothing is filled in for anybody."""
    return _twice(form) | _missing(acting, form)


def _twice(form: Judgement) -> dict[str, str]:
    values, aspects = [note.value for note in form.notes or []], [one.aspect for one in form.aspects or []]
    listed = {"notes": values, "aspects": aspects}
    return {name: "twice" for name, rows in listed.items() if len(set(rows)) != len(rows)}


def _missing(acting: Acting, form: Judgement) -> dict[str, str]:
    if acting.pack.scheme is Scheme.NUMERIC:
        given = {one.aspect for one in form.aspects or [] if one.score is not None}
        needed = [aspect.key for aspect in acting.pack.behavior_aspects if not aspect.leaders_only]
        found = {f"aspects.{key}.score": "missing" for key in needed if key not in given}
        if form.skp_score is None and not results.measured(acting.session, acting.case.id):
            found["skp_score"] = "missing"
        return found
    found = {name: "choose" for name in ("result_rating", "behavior_rating") if getattr(form, name) is None}
    seen = {note.value for note in form.notes or [] if note.seen is not None}
    found |= {f"notes.{value.value}.seen": "choose" for value in BehaviorValue if value not in seen}
    explained = any(len(note.text or "") >= 10 for note in form.notes or [])
    if form.behavior_rating not in (None, Rating.MEETS) and not explained:
        found["notes"] = "say_what_was_seen"
    return found


def contradictions(acting: Acting, form: Judgement) -> list[Doubt]:
    """What of a judgement contradicts itself, or what was reported."""
    values = {note.value: note.seen for note in form.notes}
    main = [item for item in results.measured(acting.session, acting.case.id) if item.kind is ItemKind.MAIN]
    reached = shares(indicator for item in main for indicator in item.indicators)
    return of_behavior(form.behavior_rating, values) + of_result(form.result_rating, reached)


def filled(form: Judgement) -> dict[str, object]:
    """What of a judgement was filled in, by field; a choice that uses none of it makes it a doubt."""
    names = ("result_rating", "behavior_rating", "notes", "aspects", "skp_score", "innovation", "innovation_evidence")
    return {name: value for name in names if (value := getattr(form, name))}


def derived(acting: Acting, form: Judgement) -> Derivation | None:
    """What the pack would make of the judgement; None where it cannot say. Nothing is written."""
    if not _whole(form) or lacking(acting, form):
        return None
    rating = _rating(acting, form, Role.RATER, "", "")
    try:
        return derive(acting.pack, results.inputs_of(acting.session, acting.case, rating))
    except (NotDerivable, ValueError):
        return None


def _whole(form: Judgement) -> bool:
    """Whether what was sent of it could be read."""
    texts = (form.innovation, form.innovation_evidence, form.notes, form.aspects)
    rows = [note.value and note.seen for note in form.notes or []] + [one.aspect for one in form.aspects or []]
    scores = [one.score for one in form.aspects or []]
    return all(part is not None for part in (*texts, *rows, *scores))


def record(acting: Acting, form: Judgement, role: Role, *, feedback: str, recommendation: str = "") -> RatingRecord:
    """Write the judgement and derive the result from it; ActInvalid if the pack cannot derive one."""
    session, case = acting.session, acting.case
    rating = _rating(acting, form, role, feedback, recommendation)
    session.add(rating)
    session.flush()
    try:
        results.derive_result(session, case, rating, at=acting.at)
    except NotDerivable as missing:
        raise ActInvalid(dict.fromkeys(missing.missing, "missing")) from missing
    except (ScoreRefused, ValueError) as refused:
        raise ActInvalid({"form": str(refused)}) from refused
    return rating


def _rating(acting: Acting, form: Judgement, role: Role, feedback: str, recommendation: str) -> RatingRecord:
    session, case = acting.session, acting.case
    return RatingRecord(
        appraisal_id=case.id, number=results.next_number(session, case.id), role=role, official_id=acting.person.id,
        mandate_id=acting.assignment.mandate_id, result_rating=form.result_rating, skp_score=form.skp_score,
        behavior_rating=form.behavior_rating, innovation=form.innovation,
        innovation_evidence=form.innovation_evidence, feedback=feedback, recommendation=recommendation, at=acting.at,
        behavior_notes={
            "values": {n.value.value: {"seen": n.seen.value, "text": n.text} for n in form.notes},
            "scores": {one.aspect: str(one.score) for one in form.aspects},
        },
    )  # fmt: skip


def show(acting: Acting) -> dict[str, Any]:
    session, case = acting.session, acting.case
    plan = plans.current_plan(session, case.id, PlanState.ESTABLISHED)
    actuals = plans.latest_actuals(session, plan) if plan else {}
    own = session.scalar(select(SelfAssessment).filter_by(appraisal_id=case.id).order_by(SelfAssessment.number.desc()))
    notes = session.scalars(select(Note).filter_by(appraisal_id=case.id).order_by(Note.at)).all()
    return {
        "plan": plans.as_items(plan) if plan else None, "is_default": bool(plan and plan.is_default),
        "actuals": {i: {"value": str(a.value), "evidence": a.evidence} for i, a in actuals.items()},
        "self": None if own is None else {
            "result": own.result_rating.value if own.result_rating else None,
            "behavior": own.behavior_rating.value if own.behavior_rating else None, "text": own.text,
        },
        "notes": [{"kind": n.kind.value, "on": n.on, "text": n.text} for n in notes],
        "scheme": acting.pack.scheme.value, "blocked_by": missing_predicate(acting),
        "aspects": [{"key": a.key, "title": dict(a.title)} for a in acting.pack.behavior_aspects],
        "matrix": {
            r.value: {b.value: p.value for b, p in row.items()} for r, row in (acting.pack.matrix or {}).items()
        },
    }  # fmt: skip


def missing_predicate(acting: Acting) -> str:
    """Who has to set the unit's predicate first (PermenPANRB 6/2022 art. 24-25); empty if it is set."""
    session, case = acting.session, acting.case
    found = select(UnitPredicate.id).filter_by(cycle_id=case.cycle_id, unit_id=case.unit_id)
    if not acting.pack.org_predicate_required or session.scalar(found) is not None:
        return ""
    asked = select(Person.name).join(Assignment, Assignment.person_id == Person.id)
    asked = asked.where(Assignment.stage_id == acting.stage.id, Assignment.kind == ActKind.SET_UNIT_PREDICATE)
    return session.scalar(asked.where(Assignment.unit_id == case.unit_id).limit(1)) or "PPK"


def problems(acting: Acting, form: Form) -> dict[str, str]:
    found = lacking(acting, form)
    if form.skp_score is not None and results.measured(acting.session, acting.case.id):
        found["skp_score"] = "measured_by_the_plan"
    least = acting.pack.least_feedback
    if least and form.feedback is not None and len(form.feedback) < least:
        found["feedback"] = f"short:{least}"
    return found


def doubts(acting: Acting, form: Form) -> list[Doubt]:
    return contradictions(acting, form) + of_text("feedback", form.feedback)


def carry_out(acting: Acting, form: Form) -> Done:
    case = acting.case
    if first := missing_predicate(acting):
        raise ActRefused("unit_predicate_first", official=first)
    rating = record(acting, form, Role.RATER, feedback=form.feedback, recommendation=form.recommendation)
    before = case.state
    case.state = AppraisalState.RATED
    result = results.current(acting.session, case.id)
    assert result is not None
    return Done(
        before={"state": before.value},
        after={"rating": rating.number, "predicate": result.predicate.value, "why": result.why},
        why=form.feedback,
        summary={"predicate": result.predicate.value},
        follows=results.outcome_of(result),
    )


ACT = Act(ActKind.SCORE, Proof.CODE, Form, show, carry_out, problems, doubts)
ROLE = Role.RATER
