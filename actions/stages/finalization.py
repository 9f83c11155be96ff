"""Finalization: refused while anything is open, saying what; locks; final letters; HR accounts for the rest."""

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions.duties import assignments, invitations
from actions.duties.assignments import Duty
from actions.duties.links import ensure_links, kid_of
from actions.exports.facts import document_no
from actions.line.holders import Holder, Line, role_holders
from actions.mail import letters
from actions.stages.common import INVITE, REHOLD, REMIND, ask
from actions.stages.steps import Context, Counts, Phase, appraisals
from models import Appraisal, Assignment, AuditPlan, Objection, Person, Stage
from rules.terms import ActKind, AppraisalState, AssignmentState, ObjectionState, Role, StageKind, StageState, Step

READY = frozenset({AppraisalState.ISSUED, AppraisalState.DECIDED})
WITH_RESULT = READY | {AppraisalState.OBJECTED, AppraisalState.FINAL}
EXPLAINED = frozenset(
    {AppraisalState.EXCLUDED, AppraisalState.NOT_RATABLE, AppraisalState.NOT_RATED, AppraisalState.CLOSED_EARLY}
)


def _duties(context: Context, _line: Line, case: Appraisal) -> Iterable[Duty]:
    """HR accounts for each case without a result; the work is spread evenly over the HR people."""
    if case.state in WITH_RESULT or case.explained_at is not None:
        return []
    admins = context.session.scalars(role_holders(context.agency.id, Role.PERFORMANCE_ADMIN, context.today)).all()
    if not admins:
        return []
    holder = Holder(admins[case.id % len(admins)])
    return [Duty(ActKind.ACCOUNT_FOR, f"appraisal:{case.id}", Role.PERFORMANCE_ADMIN, holder, case.id, case.unit_id)]


def ask_for_accounts(context: Context, stage: Stage, cases: Iterable[Appraisal]) -> int:
    """Ask for the accounts of cases that are without a result only since the stage opened."""
    line = Line(context.today)
    duties = [
        replace(duty, round=assignments.next_round(context.session, stage.id, duty.kind, duty.subject))
        for case in cases
        for duty in _duties(context, line, case)
        if assignments.find_open(context.session, stage.id, duty.kind, duty.subject) is None
    ]
    return assignments.open_duties(context.session, stage.id, duties, at=context.at)


def blocked_by(session: Session, cycle_id: int) -> dict[str, int]:
    """What keeps the cycle from being finalized, in counts: an empty answer means nothing does."""
    mandatory = select(func.count()).select_from(Assignment).join(Stage, Stage.id == Assignment.stage_id).where(
        Stage.cycle_id == cycle_id, Assignment.state == AssignmentState.OPEN, Assignment.optional.is_(False)
    )  # fmt: skip
    objections = select(func.count()).select_from(Objection).join(Appraisal).where(
        Appraisal.cycle_id == cycle_id, Objection.state.in_((ObjectionState.FILED, ObjectionState.UNDER_EXAMINATION))
    )  # fmt: skip
    unexplained = select(func.count()).select_from(Appraisal).where(
        Appraisal.cycle_id == cycle_id, Appraisal.state.not_in(WITH_RESULT),
        Appraisal.explained_at.is_(None),
    )  # fmt: skip
    stages = select(func.count()).select_from(Stage).where(
        Stage.cycle_id == cycle_id, Stage.state != StageState.CLOSED,
        Stage.kind.in_((StageKind.SUPERVISOR_SCORING, StageKind.OBJECTION_HANDLING, StageKind.AUDIT_SAMPLING)),
    )  # fmt: skip
    counts = {
        "open_assignments": session.scalar(mandatory), "open_objections": session.scalar(objections),
        "unexplained": session.scalar(unexplained), "open_stages": session.scalar(stages),
        "audit_not_evaluated": _unevaluated(session, cycle_id),
    }  # fmt: skip
    return {name: count for name, count in counts.items() if count}


def _unevaluated(session: Session, cycle_id: int) -> int:
    query = select(func.count()).select_from(AuditPlan).where(
        AuditPlan.cycle_id == cycle_id, AuditPlan.closed_at.is_(None), AuditPlan.annulled_at.is_(None),
        AuditPlan.frozen_at.is_not(None),
    )  # fmt: skip
    return session.scalar(query) or 0


def finalizable(session: Session, cycle_id: int) -> int:
    query = select(func.count()).select_from(Appraisal).where(
        Appraisal.cycle_id == cycle_id, Appraisal.finalized_at.is_(None),
    )  # fmt: skip
    return session.scalar(query) or 0


def _finalize(context: Context, lo: int, hi: int) -> Counts:
    """Lock the batch and owe each employee the final letter; refused as a whole while anything is open."""
    session = context.session
    if blocked_by(session, context.cycle.id):
        return {}
    query = select(Appraisal).where(
        Appraisal.cycle_id == context.cycle.id, Appraisal.id.between(lo, hi), Appraisal.finalized_at.is_(None)
    )  # fmt: skip
    listed = session.scalars(query.with_for_update()).all()
    for case in listed:
        case.finalized_at = context.at
        if case.state in READY:
            case.state = AppraisalState.FINAL
    session.flush()
    _final_letters(context, listed)
    return {"finalized": len(listed)}


def _final_letters(context: Context, listed: Iterable[Appraisal]) -> None:
    session = context.session
    states = {case.employee_id: case for case in listed if case.state is not AppraisalState.EXCLUDED}
    links = ensure_links(session, context.stage, kid_of(context.cycle), states, at=context.at)
    key = f"finalization.final:{context.stage.id}"
    wave = letters.wave_of(session, key, context.cycle.id, context.stage.id, at=context.at)
    owed = []
    for person in session.scalars(select(Person).where(Person.id.in_(states))):
        case = states[person.id]
        facts = invitations.facts_for(context.agency, context.cycle, context.stage, person, []) | {
            "at": context.at.isoformat(),
            "document_no": document_no(context.agency, context.cycle, case.id),
        }
        owed.append(
            letters.owed_to(person, "final_letter", f"final_letter:{case.id}:{context.cycle.year}", facts,
                            link_id=links[person.id], stage_id=context.stage.id, cycle_id=context.cycle.id)
        )  # fmt: skip
    letters.queue(session, owed, at=context.at, wave=wave)


PHASES = {
    Step.OPEN: (ask(_duties), INVITE),
    Step.REMIND: REMIND,
    Step.LAPSE: (REHOLD,),
    Step.FINALIZE: (Phase("finalize", appraisals, _finalize),),
    Step.CLOSE: (),
}
