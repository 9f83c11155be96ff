"""The facts of an evaluation document: everything it says about one case, as JSON."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from actions.acts.act import ActRefused
from actions.cases import plans
from actions.line.calendars import calendar_of
from models import (
    ActingMandate,
    Agency,
    Appraisal,
    Cycle,
    Objection,
    Person,
    Posting,
    RatingRecord,
    Result,
    ResultItem,
    Segment,
    Unit,
    UnitPredicate,
)
from rules.pack.pack import Pack
from rules.roster.officials import shown
from rules.terms import Locale, PlanState, Role

Facts = dict[str, Any]


def document_no(agency: Agency, cycle: Cycle, appraisal_id: int) -> str:
    """The number of a case's document for good; versions count up under it."""
    return f"{agency.code.upper()}/{cycle.year}/{appraisal_id}"


def document_facts(session: Session, appraisal_id: int, at: datetime) -> Facts:
    """All that the document says, as JSON; ActRefused `no_result` before there is an issued result or an explanation.

    A final case is dated when it became final and keeps its facts; any other is a draft dated `at`.
    """
    case = session.get_one(Appraisal, appraisal_id)
    cycle = session.get_one(Cycle, case.cycle_id)
    agency = session.get_one(Agency, cycle.agency_id)
    issued = _issued(session, case.id)
    if not issued and case.explained_at is None:
        raise ActRefused("no_result")
    zone_day = calendar_of(session, agency, at).local_date
    pack = Pack.model_validate_json(cycle.pack)
    dated = case.finalized_at or at
    rated = _raters_rating(session, case.id)
    objection = _objection(session, case.id)
    segments = _segments(session, case.id)
    authority = objection.decided_by_id if objection and objection.decided_by_id else case.authority_id
    official = rated.official_id if rated else case.rater_id
    return {
        "no": document_no(agency, cycle, case.id), "version": max(len(issued), 1), "agency": agency.name,
        "zone": agency.zone, "year": cycle.year, "final": case.finalized_at is not None, "dated": dated.isoformat(),
        "replaces": _replaces(issued, objection),
        "period": [max(date(cycle.year, 1, 1), segments[0].from_on).isoformat() if segments else f"{cycle.year}-01-01",
                   f"{cycle.year}-12-31"],
        "employee": _employee(session, case, segments, zone_day(dated)),
        "rater": _official(session, official, zone_day(rated.at if rated else dated), rated and rated.mandate_id),
        "authority": _official(session, authority, zone_day((objection and objection.decided_at) or dated), None),
        "segments": [_segment(session, one) for one in segments],
        "organisation": _organisation(session, case), "plan": _plan(session, case.id),
        "rating": _rating(session, issued[-1], rated) if issued else None,
        "result": _result(issued[-1]) if issued else None,
        "recommendation": rated.recommendation if rated and issued else "",
        "objection": _objection_facts(objection) if objection else None,
        "no_result": None if issued or case.explained_at is None else {
            "state": case.state.value, "explanation": case.explanation, "at": case.explained_at.isoformat()},
        "pack": {"title": pack.title[Locale.ID], "name": pack.name, "version": pack.version,
                 "sha256": cycle.pack_sha256, "legal_basis": list(pack.legal_basis)},
        "labels": pack.labels[Locale.ID].model_dump(mode="json")
        | {"aspects": {one.key: one.title[Locale.ID] for one in pack.behavior_aspects}},
    }  # fmt: skip


def _issued(session: Session, appraisal_id: int) -> list[Result]:
    query = select(Result).where(Result.appraisal_id == appraisal_id, Result.issued_at.is_not(None))
    return list(session.scalars(query.order_by(Result.id)))


def _replaces(issued: list[Result], objection: Objection | None) -> Facts | None:
    if len(issued) < 2:
        return None
    old = issued[-2]
    assert old.issued_at is not None
    by_objection = objection is not None and objection.result_id == old.id
    return {"version": len(issued) - 1, "issued_at": old.issued_at.isoformat(),
            "cause": "objection" if by_objection else "audit"}  # fmt: skip


def _raters_rating(session: Session, appraisal_id: int) -> RatingRecord | None:
    query = select(RatingRecord).filter_by(appraisal_id=appraisal_id, role=Role.RATER)
    return session.scalar(query.order_by(RatingRecord.number.desc()).limit(1))


def _objection(session: Session, appraisal_id: int) -> Objection | None:
    query = select(Objection).filter_by(appraisal_id=appraisal_id).order_by(Objection.id.desc()).limit(1)
    return session.scalar(query.options(selectinload(Objection.statements)))


def _segments(session: Session, appraisal_id: int) -> list[Segment]:
    return list(session.scalars(select(Segment).filter_by(appraisal_id=appraisal_id).order_by(Segment.number)))


def _segment(session: Session, one: Segment) -> Facts:
    rater = session.get(Person, one.rater_id) if one.rater_id else None
    return {"from": one.from_on.isoformat(), "to": one.to_on.isoformat() if one.to_on else None, "post": one.post,
            "unit": session.get_one(Unit, one.unit_id).name, "rater": rater.name if rater else ""}  # fmt: skip


def _posting(session: Session, person_id: int, on: date) -> Posting | None:
    """The post held on a day, or the last one before."""
    query = select(Posting).where(Posting.person_id == person_id, Posting.from_on <= on)
    return session.scalar(query.order_by(Posting.from_on.desc()).limit(1))


def _employee(session: Session, case: Appraisal, segments: list[Segment], on: date) -> Facts:
    person = session.get_one(Person, case.employee_id)
    held = segments[-1] if segments else _posting(session, person.id, on)
    return {"name": person.name, "nip": shown(person.nip), "post": held.post if held else "",
            "unit": session.get_one(Unit, held.unit_id if held else case.unit_id).name,
            "employment": person.employment.value}  # fmt: skip


def _official(session: Session, person_id: int | None, on: date, mandate_id: int | None) -> Facts | None:
    if person_id is None:
        return None
    person, held = session.get_one(Person, person_id), _posting(session, person_id, on)
    mandate = session.get(ActingMandate, mandate_id) if mandate_id else None
    acted_in = _posting(session, mandate.principal_id, on) if mandate else None
    return {
        "name": person.name, "nip": shown(person.nip), "post": held.post if held else "",
        "unit": session.get_one(Unit, held.unit_id).name if held else "",
        "mandate": None if mandate is None else {
            "kind": mandate.kind.value, "decree_no": mandate.decree_no, "post": acted_in.post if acted_in else ""},
    }  # fmt: skip


def _organisation(session: Session, case: Appraisal) -> Facts | None:
    unit = session.scalar(select(UnitPredicate).filter_by(cycle_id=case.cycle_id, unit_id=case.unit_id))
    if unit is None:
        return None
    return {
        "predicate": unit.predicate.value, "reason": unit.reason, "at": unit.set_at.isoformat(),
        "by": session.get_one(Person, unit.set_by_id).name,
        "pattern": (unit.distribution or {}).get("fit"),
    }  # fmt: skip


_UNREPORTED = {"actual": None, "evidence": ""}


def _plan(session: Session, appraisal_id: int) -> Facts | None:
    plan = plans.current_plan(session, appraisal_id, PlanState.ESTABLISHED)
    if plan is None:
        return None
    actuals = plans.latest_actuals(session, plan)
    above = {item.supports_id for item in plan.items if item.supports_id}
    superiors = select(ResultItem.id, ResultItem.title).where(ResultItem.id.in_(above))
    titles = dict(session.execute(superiors).tuples().all())
    items = []
    for item, plain in zip(plan.items, plans.as_items(plan), strict=True):
        indicators = []
        for one in plain["indicators"]:
            actual = actuals.get(one["id"])
            reached = {"actual": str(actual.value), "evidence": actual.evidence} if actual else _UNREPORTED
            indicators.append({key: one[key] for key in ("aspect", "text", "target", "unit")} | reached)
        items.append({"kind": item.kind.value, "title": item.title, "assigned_by": item.assigned_by,
                      "supports": titles.get(item.supports_id or 0, ""), "indicators": indicators})  # fmt: skip
    established = plan.established_at.isoformat() if plan.established_at else None
    return {"is_default": plan.is_default, "established_at": established, "items": items}


def _rating(session: Session, result: Result, rated: RatingRecord | None) -> Facts:
    rating = session.get_one(RatingRecord, result.rating_id)
    notes = rating.behavior_notes or {}
    return {
        "result": rating.result_rating.value if rating.result_rating else None,
        "behavior": rating.behavior_rating.value if rating.behavior_rating else None,
        "values": notes.get("values", {}), "scores": notes.get("scores", {}), "innovation": rating.innovation,
        "innovation_evidence": rating.innovation_evidence, "feedback": (rated or rating).feedback,
        "rated_at": (rated or rating).at.isoformat(),
    }  # fmt: skip


def _result(result: Result) -> Facts:
    moments = {name: getattr(result, name) for name in ("issued_at", "received_at", "objection_until")}
    return {
        "predicate": result.predicate.value, "score": str(result.score) if result.score is not None else None,
        "why": result.why, "receipt_kind": result.receipt_kind.value if result.receipt_kind else None,
    } | {name: moment.isoformat() if moment else None for name, moment in moments.items()}  # fmt: skip


def _objection_facts(objection: Objection) -> Facts:
    return {
        "state": objection.state.value, "reasons": objection.reasons, "filed_at": objection.filed_at.isoformat(),
        "statements_until": objection.statements_until.isoformat(), "decide_until": objection.decide_until.isoformat(),
        "outcome": objection.outcome.value if objection.outcome else None,
        "decision_reasons": objection.decision_reasons,
        "decided_at": objection.decided_at.isoformat() if objection.decided_at else None,
        "statements": {one.role.value: {"outcome": one.outcome.value, "text": one.text, "at": one.at.isoformat()}
                       for one in objection.statements},
    }  # fmt: skip
