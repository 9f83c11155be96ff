"""One item of the audit's work list: blind reading, reveal, finding, reply, conclusion. No rating is written here."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.cases import objections
from actions.duties import assignments
from actions.duties.assignments import Duty
from actions.duties.notices import employee_of, tell
from actions.line.holders import Holder, line_for_one
from models import Appraisal, AuditFrameItem, AuditItem, Cycle, Examination, Finding, Recommendation, Result, Stage
from rules.pack.numeric import band_of
from rules.pack.pack import Pack
from rules.pack.quadrant import quadrant
from rules.terms import ActKind, AuditAttribute, AuditItemState, Predicate, Role, Scheme
from rules.time.calendar import Calendar


def item_of(session: Session, subject: str) -> tuple[AuditItem, int]:
    """The item and reader number that an assignment's subject (`item:<id>:<reader>`) names, locked."""
    _, item_id, reader = subject.split(":")
    return session.get_one(AuditItem, int(item_id), with_for_update=True), int(reader)


def finding_of(session: Session, subject: str) -> Finding:
    return session.get_one(Finding, int(subject.split(":")[1]), with_for_update=True)


def blind_predicate(pack: Pack, examination: Examination) -> Predicate | None:
    """What the pack makes of an examiner's own judgement; by number innovation is taken as the rater found it."""
    if pack.scheme is Scheme.NUMERIC:
        return band_of(pack, Decimal(examination.score)).predicate if examination.score is not None else None
    if examination.result_rating is None or examination.behavior_rating is None:
        return None
    return quadrant(pack, examination.result_rating, examination.behavior_rating)


def reveal(session: Session, cycle: Cycle, stage: Stage, item: AuditItem, calendar: Calendar, *, at: datetime) -> bool:
    """Once every reading is locked, hold it against the rater's; differences become findings the rater may answer.

    A later draw may give an item a second reader after its findings were made: only what is new becomes one.
    """
    readings = session.scalars(select(Examination).filter_by(item_id=item.id).order_by(Examination.reader)).all()
    if not readings or any(reading.locked_at is None for reading in readings):
        return False
    pack = Pack.model_validate_json(cycle.pack)
    frame = session.get_one(AuditFrameItem, item.frame_item_id)
    rated = session.scalars(select(Result).filter_by(rating_id=frame.rating_id)).one().predicate
    made = set(session.scalars(select(Finding.attribute).filter_by(item_id=item.id)))
    found = {name: words for name, words in deviations(pack, rated, readings).items() if name not in made}
    if not found:
        item.state = item.state if made else AuditItemState.CONCUR
        return True
    item.state = AuditItemState.DISCREPANT
    until = calendar.end_of_day(calendar.add_working_days(calendar.local_date(at), pack.reply_working_days))
    case = session.get_one(Appraisal, item.appraisal_id)
    for attribute, words in found.items():
        finding = Finding(
            item_id=item.id, attribute=attribute, text=words, made_at=at, reply_until=until, conclusion=""
        )
        session.add(finding)
        session.flush()
        _ask_rater(session, stage, cycle.agency_id, case, finding, calendar.local_date(at), at)
    return True


def deviations(pack: Pack, rated: Predicate, readings: list[Examination] | tuple | object) -> dict[AuditAttribute, str]:
    """E and P by any reader; J only beyond the noise of one honest reader: two bands, or both readers the same way."""
    listed = list(readings)  # type: ignore[call-overload]
    found: dict[AuditAttribute, str] = {}
    for attribute, lacking in (
        (AuditAttribute.EVIDENCE, [r for r in listed if r.evidence_ok is False]),
        (AuditAttribute.PROCEDURE, [r for r in listed if r.procedure_ok is False]),
    ):
        if lacking:
            found[attribute] = "\n".join(reading.text for reading in lacking)
    gaps = [pack.rank(blind) - pack.rank(rated) for r in listed if (blind := blind_predicate(pack, r)) is not None]
    together = len(gaps) > 1 and (all(gap > 0 for gap in gaps) or all(gap < 0 for gap in gaps))
    if gaps and (together or all(abs(gap) >= 2 for gap in gaps)):
        found[AuditAttribute.JUDGEMENT] = "\n".join(reading.text for reading in listed)
    return found


def _ask_rater(
    session: Session, stage: Stage, agency_id: int, case: Appraisal, finding: Finding, today: date, at: datetime
) -> None:
    holder = line_for_one(session, agency_id, today).rater(case.employee_id, case.rater_id)
    if holder is None:
        finding.reply, finding.replied_at = "", at
        ask_conclusion(session, stage, finding, at=at)
        return
    duty = Duty(
        ActKind.REPLY_TO_FINDING, f"finding:{finding.id}", Role.RATER, holder, case.id, case.unit_id,
        due_at=finding.reply_until,
    )  # fmt: skip
    assignments.open_duties(session, stage.id, [duty], at=at)
    _tell(session, stage, case, duty, finding.reply_until, at=at)


def ask_conclusion(session: Session, stage: Stage, finding: Finding, *, at: datetime) -> None:
    """The first reader concludes, with the rater's reply or their recorded silence at hand."""
    item = session.get_one(AuditItem, finding.item_id)
    case = session.get_one(Appraisal, item.appraisal_id)
    reader = session.scalars(select(Examination.auditor_id).filter_by(item_id=item.id, reader=1)).one()
    duty = Duty(ActKind.CONCLUDE_FINDING, f"finding:{finding.id}", Role.AUDITOR, Holder(reader), case.id, case.unit_id)
    assignments.open_duties(session, stage.id, [duty], at=at)
    _tell(session, stage, case, duty, stage.due_at, at=at, silent=not finding.reply)


def conclude_item(session: Session, item: AuditItem) -> None:
    """The item follows its findings: open while one is; then decided, recommended, confirmed or withdrawn."""
    findings = session.scalars(select(Finding).filter_by(item_id=item.id)).all()
    if any(finding.confirmed is None for finding in findings):
        return
    asked = session.scalar(select(Recommendation).filter_by(item_id=item.id))
    if asked is not None:
        item.state = AuditItemState.RECOMMENDED if asked.outcome is None else AuditItemState.DECIDED
        return
    item.state = AuditItemState.CONFIRMED if any(f.confirmed for f in findings) else AuditItemState.WITHDRAWN


def recommend(session: Session, item: AuditItem, text: str, *, at: datetime) -> None:
    """Note that the result should be looked at again; several findings of an item make one recommendation."""
    there = session.scalar(select(Recommendation).filter_by(item_id=item.id))
    if there is None:
        session.add(Recommendation(item_id=item.id, text=text, review_result=True, made_at=at))
    else:
        there.text = f"{there.text}\n{text}"
    session.flush()


def ask_authority(session: Session, cycle: Cycle, stage: Stage, item: AuditItem, today: date, *, at: datetime) -> None:
    """Once every finding is concluded, ask the authority, who alone may change a result, to look at it again."""
    row = session.scalar(select(Recommendation).filter_by(item_id=item.id))
    if row is None or item.state is not AuditItemState.RECOMMENDED:
        return
    case = session.get_one(Appraisal, item.appraisal_id)
    holder = objections.authority_of(session, case, cycle.agency_id, today)
    if holder is not None:
        duty = Duty(
            ActKind.DECIDE_RECOMMENDATION, f"recommendation:{row.id}", Role.OBJECTION_AUTHORITY, holder, case.id,
            case.unit_id,
        )  # fmt: skip
        assignments.open_duties(session, stage.id, [duty], at=at)
        _tell(session, stage, case, duty, stage.due_at, at=at)


_AUDIENCES = {Role.RATER: "rater", Role.AUDITOR: "auditor", Role.OBJECTION_AUTHORITY: "authority"}


def _tell(
    session: Session, stage: Stage, case: Appraisal, duty: Duty, due: datetime, *, at: datetime, **more: bool
) -> None:
    """The letter about one finding or recommendation to whoever has to answer for it."""
    facts = {
        "audience": _AUDIENCES[duty.role], "employee": employee_of(session, case), "due": due.isoformat(), **more,
    }  # fmt: skip
    occasion = f"{duty.kind.value}-{duty.subject}"
    tell(session, stage, duty.holder.person_id, "audit_notice", occasion, facts, at=at, covers=[duty.subject])
