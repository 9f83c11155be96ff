"""Phases that several stages share: ask, invite, remind, move duties to who holds them now, lapse."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from actions.duties import assignments, invitations
from actions.duties.assignments import Duty
from actions.line.deadlines import deadlines_of
from actions.line.holders import Holder, Line, line_above, line_on
from actions.mail import letters
from actions.stages import reminders
from actions.stages.steps import Context, Counts, Phase, appraisals, owing
from models import Appraisal, Assignment
from rules.terms import ActKind, AppraisalState, AssignmentState, Role

ENDED = frozenset(
    {AppraisalState.EXCLUDED, AppraisalState.NOT_RATABLE, AppraisalState.CLOSED_EARLY, AppraisalState.FINAL}
)
DutiesFor = Callable[[Context, Line, Appraisal], Iterable[Duty]]


def cases(context: Context, lo: int, hi: int) -> Sequence[Appraisal]:
    """The appraisals of a batch that still take part."""
    query = select(Appraisal).where(
        Appraisal.cycle_id == context.cycle.id, Appraisal.id.between(lo, hi), Appraisal.state.not_in(ENDED)
    )
    return context.session.scalars(query.order_by(Appraisal.id)).all()


def ask(duties_for: DutiesFor) -> Phase:
    """Open what `duties_for` says is owed for each appraisal."""

    def take(context: Context, lo: int, hi: int) -> Counts:
        listed = cases(context, lo, hi)
        line = _line_above(context, (case.rater_id for case in listed))
        duties = [duty for case in listed for duty in duties_for(context, line, case)]
        return {"assignments": assignments.open_duties(context.session, context.stage.id, duties, at=context.at)}

    return Phase("ask", appraisals, take)


def employee_duty(kind: ActKind, case: Appraisal, **more: object) -> Duty:
    return Duty(kind, f"appraisal:{case.id}", Role.EMPLOYEE, Holder(case.employee_id), case.id, case.unit_id, **more)  # type: ignore[arg-type]


def rater_duty(kind: ActKind, line: Line, case: Appraisal) -> list[Duty]:
    """The duty of today's rater; none if the line has none, which HR sees as work."""
    holder = line.rater(case.employee_id, case.rater_id)
    return [Duty(kind, f"appraisal:{case.id}", Role.RATER, holder, case.id, case.unit_id)] if holder else []


def _invite(context: Context, lo: int, hi: int) -> Counts:
    people = _owing_between(context, lo, hi)
    key = f"{context.stage.kind.value}.open:{context.stage.id}"
    wave = letters.wave_of(context.session, key, context.cycle.id, context.stage.id, at=context.at)
    invited = invitations.invite(
        context.session, context.stage, people, kind=invitations.first_kind(context.stage),
        occasion="open", at=context.at, wave=wave,
    )  # fmt: skip
    return {"letters": invited}


def _owing_between(context: Context, lo: int, hi: int) -> Sequence[int]:
    query = select(Assignment.person_id).where(
        Assignment.stage_id == context.stage.id, Assignment.state == AssignmentState.OPEN,
        Assignment.person_id.between(lo, hi),
    )  # fmt: skip
    return context.session.scalars(query.distinct().order_by(Assignment.person_id)).all()


def _remind(context: Context, lo: int, hi: int) -> Counts:
    return reminders.remind(context, _owing_between(context, lo, hi), date.fromisoformat(context.occasion))


def _escalate(context: Context, _lo: int, _hi: int) -> Counts:
    return reminders.escalate(context, date.fromisoformat(context.occasion))


def _rehold(context: Context, lo: int, hi: int) -> Counts:
    """Move raters' duties to who holds them today: a mandate began or ended, somebody left or came back."""
    moved = 0
    query = select(Assignment, Appraisal.employee_id, Appraisal.rater_id).join(Appraisal).where(
        Assignment.stage_id == context.stage.id, Assignment.state == AssignmentState.OPEN,
        Assignment.role == Role.RATER, Assignment.appraisal_id.between(lo, hi),
    )  # fmt: skip
    found = context.session.execute(query).tuples().all()
    line = _line_above(context, (rater for _, _, rater in found))
    for assignment, employee, rater in found:
        holder = line.rater(employee, rater)
        if holder is not None and (holder.person_id, holder.mandate_id) != (
            assignment.person_id,
            assignment.mandate_id,
        ):
            move(context.session, assignment, holder)
            moved += 1
    context.session.flush()
    return {"moved": moved}


def move(session: Session, assignment: Assignment, holder: Holder) -> None:
    """Give an open assignment to somebody else: it leaves the old desk at once and is untold for the new one."""
    assignment.person_id, assignment.mandate_id, assignment.told_at = holder.person_id, holder.mandate_id, None


def lapse_open(context: Context, lo: int, hi: int, *, all_of_them: bool) -> Sequence[Assignment]:
    """End assignments whose time is over; at the close of a stage all mandatory and optional ones still open."""
    deadlines = deadlines_of(context.session, context.stage)
    query = select(Assignment).where(
        Assignment.stage_id == context.stage.id, Assignment.state == AssignmentState.OPEN,
        Assignment.person_id.between(lo, hi),
    )  # fmt: skip
    ended = []
    for assignment in context.session.scalars(query.with_for_update()):
        own_clock_over = assignment.due_at is not None and not deadlines.accepts(assignment, context.at)
        if all_of_them or own_clock_over:
            assignment.state, assignment.ended_at = AssignmentState.LAPSED, context.at
            ended.append(assignment)
    context.session.flush()
    return ended


def _close(context: Context, lo: int, hi: int) -> Counts:
    return {"lapsed": len(lapse_open(context, lo, hi, all_of_them=True))}


def _line_above(context: Context, raters: Iterable[int | None]) -> Line:
    people = {rater for rater in raters if rater is not None}
    return line_above(context.session, context.agency.id, people, context.today)


def line_of(context: Context) -> Line:
    return line_on(context.session, context.agency.id, context.today)


def set_states(session: Session, ids: Sequence[int], state: AppraisalState, explanation: str = "") -> None:
    values: dict[str, object] = {"state": state, "version": Appraisal.version + 1}
    if explanation:
        values["explanation"] = explanation
    statement = update(Appraisal).where(Appraisal.id.in_(ids)).values(values)
    session.execute(statement.execution_options(synchronize_session=False))


INVITE = Phase("invite", owing, _invite)
REMIND = (Phase("remind", owing, _remind), Phase("escalate", lambda c, a, s: [1] if a < 1 else [], _escalate))
REHOLD = Phase("rehold", appraisals, _rehold)
CLOSE = Phase("close", owing, _close)
