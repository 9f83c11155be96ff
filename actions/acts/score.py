"""The rater judges results and behaviour; the pack derives the predicate at once and says why."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import select

from actions import plans, results
from actions.acts.act import Act, ActForm, Acting, ActInvalid, ActRefused, Done, MaybeText, Text
from models import Assignment, Note, Person, RatingRecord, SelfAssessment, UnitPredicate
from rules.numeric import ScoreRefused
from rules.pack import Pack
from rules.predicates import NotDerivable
from rules.words import ActKind, AppraisalState, BehaviorValue, PlanState, Proof, Rating, Role, Scheme

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

    @model_validator(mode="after")
    def _each_once(self) -> "Judgement":
        if len({note.value for note in self.notes}) != len(self.notes):
            raise ValueError("a value has two notes")
        if len({one.aspect for one in self.aspects}) != len(self.aspects):
            raise ValueError("an aspect has two scores")
        return self


class Form(Judgement):
    feedback: Text
    recommendation: MaybeText = ""


def check(pack: Pack, form: Judgement) -> None:
    """Refuse a judgement that is incomplete for the pack's scheme; nothing is filled in for anybody."""
    if pack.scheme is Scheme.NUMERIC:
        return
    if form.result_rating is None or form.behavior_rating is None:
        raise ActInvalid({"result_rating": "both_ratings_required"})
    if {note.value for note in form.notes} != set(BehaviorValue):
        raise ActInvalid({"notes": "all_seven_values"})
    if form.behavior_rating is not Rating.MEETS and not any(len(note.text) >= 10 for note in form.notes):
        raise ActInvalid({"notes": "say_what_was_seen"})


def record(acting: Acting, form: Judgement, role: Role, *, feedback: str, recommendation: str = "") -> RatingRecord:
    """Write the judgement and derive the result from it; ActInvalid if the pack cannot derive one."""
    session, case = acting.session, acting.case
    rating = RatingRecord(
        appraisal_id=case.id, number=results.next_number(session, case.id), role=role, official_id=acting.person.id,
        mandate_id=acting.assignment.mandate_id, result_rating=form.result_rating, skp_score=form.skp_score,
        behavior_rating=form.behavior_rating, innovation=form.innovation,
        innovation_evidence=form.innovation_evidence, feedback=feedback, recommendation=recommendation, at=acting.at,
        behavior_notes={
            "values": {n.value.value: {"seen": n.seen.value, "text": n.text} for n in form.notes},
            "scores": {one.aspect: str(one.score) for one in form.aspects},
        },
    )  # fmt: skip
    session.add(rating)
    session.flush()
    try:
        results.derive_result(session, case, rating, at=acting.at)
    except NotDerivable as lacking:
        raise ActInvalid(dict.fromkeys(lacking.missing, "missing")) from lacking
    except (ScoreRefused, ValueError) as refused:
        raise ActInvalid({"form": str(refused)}) from refused
    return rating


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


def carry_out(acting: Acting, form: Form) -> Done:
    case = acting.case
    if first := missing_predicate(acting):
        raise ActRefused("unit_predicate_first", official=first)
    check(acting.pack, form)
    if form.skp_score is not None and results.measured(acting.session, case.id):
        raise ActInvalid({"skp_score": "measured_by_the_plan"})
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
    )


ACT = Act(ActKind.SCORE, Proof.CODE, Form, show, carry_out)
ROLE = Role.RATER
