"""Objections (PP 30/2019 art. 59): filed in time, both sides heard, decided by somebody independent, final."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from actions.acts.act import Acting, ActRefused
from actions.cases import results
from actions.duties import assignments
from actions.duties.assignments import Duty
from actions.duties.notices import employee_of, tell
from actions.line.deadlines import deadlines_of
from actions.line.holders import Holder, line_for_one
from actions.store.bulk import insert_new
from models import Appraisal, Assignment, Objection, RatingRecord, Stage, Statement
from rules.terms import ActKind, AppraisalState, AssignmentState, ObjectionState, ReceiptKind, Role, StatementOutcome

SIDES = (Role.EMPLOYEE, Role.RATER)


def file(acting: Acting, reasons: str) -> Objection:
    """File an objection to the current result; the result counts as received if it was not acknowledged yet."""
    session, case = acting.session, acting.case
    result = results.current(session, case.id)
    if result is None or result.issued_at is None:
        raise ActRefused("no_result")
    if result.rating_id != _raters_last(session, case.id):
        raise ActRefused("decision_final")
    results.receive(acting, result, ReceiptKind.OPENED)
    if not (deadlines := deadlines_of(session, acting.stage)).accepts(acting.assignment, acting.at):
        raise ActRefused("window_closed", until=deadlines.closes(acting.assignment).isoformat())
    pack, calendar = acting.pack, acting.calendar
    until = calendar.end_of_day(acting.today + timedelta(days=pack.statement_days))
    decide = calendar.end_of_day(acting.today + timedelta(days=pack.decision_days))
    row = {
        "appraisal_id": case.id, "result_id": result.id, "state": ObjectionState.FILED, "reasons": reasons,
        "filed_at": acting.at, "statements_until": until, "decide_until": decide, "late_ground": "",
        "decision_reasons": "",
    }  # fmt: skip
    if not insert_new(session, Objection, [row]):
        raise ActRefused("already_objected")
    objection = session.scalars(select(Objection).filter_by(result_id=result.id)).one()
    case.state = AppraisalState.OBJECTED
    _ask_both(acting, objection)
    return objection


def _raters_last(session: Session, appraisal_id: int) -> int | None:
    """The rater's own rating; a result that rests on an authority's is final."""
    query = select(RatingRecord.id).filter_by(appraisal_id=appraisal_id, role=Role.RATER)
    return session.scalar(query.order_by(RatingRecord.number.desc()).limit(1))


def _ask_both(acting: Acting, objection: Objection) -> None:
    case, session = acting.case, acting.session
    line = line_for_one(session, acting.agency.id, acting.today)
    sides = [(Role.EMPLOYEE, Holder(case.employee_id)), (Role.RATER, line.rater(case.employee_id, case.rater_id))]
    duties = [
        Duty(ActKind.EXPLAIN, f"objection:{objection.id}:{role.value}", role, holder, case.id, case.unit_id,
             due_at=objection.statements_until)
        for role, holder in sides
        if holder is not None
    ]  # fmt: skip
    assignments.open_duties(session, acting.stage.id, duties, at=acting.at)
    if any(holder is None for _, holder in sides):
        session.add(
            Statement(objection_id=objection.id, role=Role.RATER, outcome=StatementOutcome.SILENT, at=acting.at)
        )
        session.flush()
    employee, explain_by = employee_of(session, case), objection.statements_until.isoformat()
    for duty in duties:
        own = duty.role is Role.EMPLOYEE
        facts = {
            "audience": duty.role.value, "employee": employee, "explain_by": explain_by,
            "due": objection.decide_until.isoformat() if own else explain_by,
        }  # fmt: skip
        tell(session, acting.stage, duty.holder.person_id, "objection_notice", f"{objection.id}-filed", facts,
             at=acting.at, covers=[duty.subject])  # fmt: skip


def of(acting: Acting) -> Objection:
    """The objection that an assignment is about."""
    number = int(acting.assignment.subject.split(":")[1])
    query = select(Objection).filter_by(id=number).options(selectinload(Objection.statements)).with_for_update()
    return acting.session.scalars(query).one()


def hear(acting: Acting, objection: Objection, outcome: StatementOutcome, text: str) -> None:
    """Record one side's statement; once both are there the authority is asked to decide."""
    _state(acting.session, objection, acting.assignment.role, outcome, text, acting.person.id, acting.at)
    ask_authority(acting.session, objection, acting.stage, acting.agency.id, acting.today, at=acting.at)


def _state(
    session: Session,
    objection: Objection,
    role: Role,
    outcome: StatementOutcome,
    text: str,
    by: int | None,
    at: datetime,
) -> None:
    row = {"objection_id": objection.id, "role": role, "outcome": outcome, "text": text, "by_id": by, "at": at}
    insert_new(session, Statement, [row])


def silence(session: Session, assignment: Assignment, *, at: datetime) -> Objection:
    """Record that one side let its time pass: heard means asked, nobody can block a decision by silence."""
    objection = session.get_one(Objection, int(assignment.subject.split(":")[1]))
    _state(session, objection, assignment.role, StatementOutcome.SILENT, "", None, at)
    return objection


def ask_authority(
    session: Session, objection: Objection, stage: Stage, agency_id: int, today: Any, *, at: datetime
) -> bool:
    """Open the decision once both sides were heard (or refused, or were silent); False while it is too early."""
    heard = session.scalars(select(Statement.role).filter_by(objection_id=objection.id)).all()
    if set(heard) != set(SIDES) or objection.state is not ObjectionState.FILED:
        return False
    case = session.get_one(Appraisal, objection.appraisal_id)
    holder = authority_of(session, case, agency_id, today)
    objection.state = ObjectionState.UNDER_EXAMINATION
    if holder is None:
        return False  # HR names an authority; the console shows the case until then
    duty = Duty(
        ActKind.DECIDE_OBJECTION, f"objection:{objection.id}", Role.OBJECTION_AUTHORITY, holder, case.id, case.unit_id,
        due_at=objection.decide_until,
    )  # fmt: skip
    assignments.open_duties(session, stage.id, [duty], at=at)
    facts = {
        "audience": "authority", "employee": employee_of(session, case), "at": objection.filed_at.isoformat(),
        "due": objection.decide_until.isoformat(),
    }  # fmt: skip
    tell(session, stage, holder.person_id, "objection_notice", f"{objection.id}-decide", facts, at=at,
         covers=[duty.subject])  # fmt: skip
    return True


def authority_of(session: Session, case: Appraisal, agency_id: int, today: Any) -> Holder | None:
    """The authority on a day: the one named for the case if still independent and present, else by the line.

    Not independent is whoever rated, holds the rater's duties today or is the direct superior (PP 30/2019 art. 59).
    """
    line = line_for_one(session, agency_id, today)
    rater = line.rater(case.employee_id, case.rater_id)
    involved = raters_of(session, case) | ({rater.person_id} if rater else set())
    named = case.authority_id
    if named is not None and named not in involved | {case.employee_id} and line.present(named):
        return Holder(named)
    return line.authority(case.employee_id, case.rater_id or (rater.person_id if rater else None), involved)


def raters_of(session: Session, case: Appraisal) -> set[int]:
    """Who rated the case, and who its direct superior is."""
    query = select(RatingRecord.official_id).filter_by(appraisal_id=case.id, role=Role.RATER)
    return set(session.scalars(query)) | ({case.rater_id} if case.rater_id else set())


def withdraw(acting: Acting, objection: Objection) -> None:
    """The employee takes the objection back: the result stands, what others owed for it is no longer owed."""
    objection.state = ObjectionState.WITHDRAWN
    acting.case.state = AppraisalState.ISSUED
    _tell_withdrawn(acting, objection)
    subjects = [f"objection:{objection.id}", *(f"objection:{objection.id}:{side.value}" for side in SIDES)]
    about = Assignment.subject.in_(subjects), Assignment.id != acting.assignment.id
    assignments.end(acting.session, select(Assignment).where(*about), AssignmentState.WITHDRAWN, at=acting.at)


def _tell_withdrawn(acting: Acting, objection: Objection) -> None:
    """Whoever was asked for something is told that nothing is asked any more."""
    session = acting.session
    query = select(Assignment.person_id, Assignment.role).where(
        Assignment.subject.in_((f"objection:{objection.id}", f"objection:{objection.id}:{Role.RATER.value}")),
        Assignment.state.in_((AssignmentState.OPEN, AssignmentState.DONE)),
    )  # fmt: skip
    for person_id, role in session.execute(query).tuples():
        audience = "rater" if role is Role.RATER else "authority"
        facts = {"audience": audience, "employee": employee_of(session, acting.case)}
        tell(session, acting.stage, person_id, "objection_withdrawn", f"{objection.id}", facts, at=acting.at)


def shown(session: Session, objection: Objection) -> dict[str, Any]:
    """What the sides and the authority may read of it."""
    statements = session.scalars(select(Statement).filter_by(objection_id=objection.id)).all()
    return results.shown(session, objection.appraisal_id) | {
        "reasons": objection.reasons,
        "filed_at": objection.filed_at,
        "decide_until": objection.decide_until,
        "statements": [{"role": s.role.value, "outcome": s.outcome.value, "text": s.text} for s in statements],
    }
