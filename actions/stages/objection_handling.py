"""Objection handling: receipts and the window of 14 days, both sides heard, the authority decides, finally."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from actions.cases import distribution, objections, results
from actions.duties import invitations
from actions.duties.assignments import Duty
from actions.stages.common import CLOSE, INVITE, REHOLD, REMIND, ask, employee_duty, lapse_open
from actions.stages.steps import Context, Counts, Phase, once, owing
from actions.store.bulk import portions
from models import Appraisal, Assignment, Letter, Objection, RatingRecord, Result, Stage
from rules.terms import ActKind, AppraisalState, AssignmentState, LetterState, ObjectionState, Role, Step

PROVEN = (LetterState.ACCEPTED, LetterState.DELIVERED)
UNDER_WAY = (LetterState.QUEUED, LetterState.SENDING, LetterState.DEFERRED)


def rights(case: Appraisal) -> list[Duty]:
    """Reading and objecting are rights with the case's own clock; the end is known once receipt is."""
    if case.state is not AppraisalState.ISSUED:
        return []
    return [
        employee_duty(ActKind.ACKNOWLEDGE, case, optional=True),
        employee_duty(ActKind.OBJECT, case, optional=True),
    ]


def tell_results(context: Context, stage: Stage, cases: Iterable[Appraisal]) -> None:
    """Owe the letter about their result to employees whose rights were opened after the stage had."""
    employees = [case.employee_id for case in cases]
    query = select(Assignment.person_id).where(
        Assignment.stage_id == stage.id, Assignment.kind == ActKind.ACKNOWLEDGE, Assignment.told_at.is_(None),
        Assignment.state == AssignmentState.OPEN, Assignment.person_id.in_(employees),
    )  # fmt: skip
    people = context.session.scalars(query.distinct().order_by(Assignment.person_id)).all()
    invitations.invite(context.session, stage, people, kind="result_issued", occasion="late", at=context.at)


def _unread(cycle_id: int, stage_id: int, *states: LetterState) -> Select[tuple[Result, datetime | None]]:
    """Raters' results that are issued and not received, with when the letter about each was accepted."""
    return (
        select(Result, func.min(Letter.accepted_at))
        .join(Appraisal, Appraisal.id == Result.appraisal_id).join(Result.rating)
        .join(Letter, Letter.person_id == Appraisal.employee_id)
        .where(Appraisal.cycle_id == cycle_id, RatingRecord.role == Role.RATER, Result.issued_at.is_not(None),
               Result.received_at.is_(None), Result.superseded_at.is_(None), Letter.kind == "result_issued",
               Letter.stage_id == stage_id, Letter.state.in_(states))
        .group_by(Result.id)
    )  # fmt: skip


def deemed_cases(context: Context) -> list[tuple[Result, datetime]]:
    """Results never opened that count as received by now, and since when: the pack's days after proven delivery."""
    days = context.pack.deemed_receipt_days
    query = _unread(context.cycle.id, context.stage.id, *PROVEN)
    query = query.where(Letter.accepted_at <= context.at - timedelta(days=days))
    found = []
    for result, accepted in context.session.execute(query).tuples():
        assert accepted is not None
        moment = context.calendar.deemed_receipt(accepted, days)
        if moment < context.at:
            found.append((result, moment))
    return found


def count_unread(session: Session, cycle_id: int, stage_id: int) -> int:
    """Issued results whose letter arrived, or is under way, and whose window has not begun: the stage waits for it."""
    listed = _unread(cycle_id, stage_id, *PROVEN, *UNDER_WAY).with_only_columns(Result.id).subquery()
    return session.scalar(select(func.count()).select_from(listed)) or 0


def _receipts(context: Context, _lo: int, _hi: int) -> Counts:
    found = deemed_cases(context)
    for result, moment in found:
        results.deem_received(context, result, moment)
    _tell_deemed(context, [result for result, _ in found])
    return {"deemed_received": len(found)}


def _tell_deemed(context: Context, received: Iterable[Result]) -> None:
    """Write to whoever did not confirm that their time to object has begun, and until when it runs."""
    windows: dict[tuple[datetime, datetime], list[int]] = defaultdict(list)
    for result in received:
        assert result.received_at is not None
        assert result.objection_until is not None
        windows[result.received_at, result.objection_until].append(result.appraisal_id)
    for (since, until), cases in windows.items():
        people: list[int] = []
        for portion in portions(cases):
            people += context.session.scalars(select(Appraisal.employee_id).where(Appraisal.id.in_(portion)))
        dates = {"at": since.isoformat(), "until": until.isoformat(), "due": until.isoformat()}
        invitations.invite(context.session, context.stage, people, kind="receipt_deemed", occasion="deemed",
                           at=context.at, more=dates)  # fmt: skip


def _lapse(context: Context, lo: int, hi: int) -> Counts:
    """Close what ran out: a passed window needs no word; a silent side was asked, so the authority decides."""
    ended = lapse_open(context, lo, hi, all_of_them=False)
    for assignment in ended:
        if assignment.kind is ActKind.EXPLAIN:
            objection = objections.silence(context.session, assignment, at=context.at)
            objections.ask_authority(
                context.session, objection, context.stage, context.agency.id, context.today, at=context.at
            )
    return {"lapsed": len(ended)}


def _authorities(context: Context, _lo: int, _hi: int) -> Counts:
    """An authority who is away, gone or involved by now is replaced, and the new one hears the case anew."""
    moved = 0
    query = select(Assignment).filter_by(
        stage_id=context.stage.id, kind=ActKind.DECIDE_OBJECTION, state=AssignmentState.OPEN
    )
    for assignment in context.session.scalars(query):
        case = context.session.get_one(Appraisal, assignment.appraisal_id)
        holder = objections.authority_of(context.session, case, context.agency.id, context.today)
        if holder is not None and holder.person_id != assignment.person_id:
            assignment.person_id, assignment.mandate_id, assignment.told_at = holder.person_id, holder.mandate_id, None
            moved += 1
    for objection in context.session.scalars(select(Objection).filter_by(state=ObjectionState.UNDER_EXAMINATION)):
        case = context.session.get_one(Appraisal, objection.appraisal_id)
        if case.cycle_id == context.cycle.id:
            moved += _ask_if_unasked(context, objection)
    return {"moved": moved}


def _ask_if_unasked(context: Context, objection: Objection) -> int:
    query = select(Assignment.id).filter_by(stage_id=context.stage.id, subject=f"objection:{objection.id}")
    if context.session.scalar(query) is not None:
        return 0
    objection.state = ObjectionState.FILED
    return int(
        objections.ask_authority(
            context.session, objection, context.stage, context.agency.id, context.today, at=context.at
        )
    )


PHASES = {
    Step.OPEN: (ask(lambda _c, _l, case: rights(case)), INVITE),
    Step.REMIND: REMIND,
    Step.LAPSE: (
        Phase("receipts", once, _receipts),
        Phase("lapse", owing, _lapse),
        REHOLD,
        Phase("authorities", once, _authorities),
        Phase("heads", once, distribution.rehold),
    ),
    Step.CLOSE: (CLOSE,),
}
