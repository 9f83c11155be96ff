"""Supervisor scoring: unit predicates, self-assessment, ratings; nothing is presumed; then results are issued."""

from collections.abc import Iterable

from sqlalchemy import select

from actions.cases import distribution, results
from actions.duties import assignments
from actions.duties.assignments import Duty
from actions.line.holders import Line
from actions.stages import finalization, objection_handling
from actions.stages.common import CLOSE, INVITE, REHOLD, REMIND, ask, cases, employee_duty, line_of, rater_duty
from actions.stages.mid_year_review import PLANS
from actions.stages.steps import Context, Counts, Phase, appraisals, once
from models import Appraisal, RatingRecord, Unit
from rules.terms import ActKind, AppraisalState, Role, StageKind, StageState, Step


def _scoring_duties(_context: Context, line: Line, case: Appraisal) -> Iterable[Duty]:
    return [employee_duty(ActKind.SELF_ASSESS, case), *rater_duty(ActKind.SCORE, line, case)]


def _unit_predicates(context: Context, _lo: int, _hi: int) -> Counts:
    """Ask the head of the organisation above each unit that has cases; the root is the appointing authority's."""
    if not context.pack.org_predicate_required:
        return {}
    line = line_of(context)
    heads = distribution.heads(context.session, context.agency.id, context.today)
    with_cases = select(Appraisal.unit_id).where(Appraisal.cycle_id == context.cycle.id).distinct()
    duties = []
    for unit in context.session.scalars(select(Unit).where(Unit.id.in_(with_cases)).order_by(Unit.id)):
        above = distribution.official_above(context.session, unit, heads, line)
        if above is not None:
            subject = f"unit:{unit.id}"
            duties.append(Duty(ActKind.SET_UNIT_PREDICATE, subject, Role.UNIT_HEAD, above, unit_id=unit.id))
    return {"unit_predicates": assignments.open_duties(context.session, context.stage.id, duties, at=context.at)}


def _lock(context: Context, lo: int, hi: int) -> Counts:
    """Lock every rating; a case without one is explained as such and is HR's to account for."""
    session, silent, locked = context.session, 0, 0
    listed = cases(context, lo, hi)
    query = select(RatingRecord).where(RatingRecord.appraisal_id.in_([case.id for case in listed]))
    rated = {rating.appraisal_id: rating for rating in session.scalars(query.order_by(RatingRecord.number))}
    for case in listed:
        if (rating := rated.get(case.id)) is None:
            case.state, case.explanation = AppraisalState.NOT_RATED, "rater_silent"
            silent += 1
        elif rating.locked_at is None:
            rating.locked_at = context.at
            locked += 1
    session.flush()
    return {"locked": locked, "not_rated": silent}


def _issue(context: Context, lo: int, hi: int) -> Counts:
    rated = [case for case in cases(context, lo, hi) if case.state is AppraisalState.RATED]
    for case in rated:
        results.issue(context.session, case, at=context.at)
    return {"issued": len(rated)}


def _late(context: Context, lo: int, hi: int) -> Counts:
    """Results that follow an extension after the close: the rights and accounts that later stages asked for already."""
    session, listed = context.session, cases(context, lo, hi)
    duties, stages = [], {}
    for kind in (StageKind.OBJECTION_HANDLING, StageKind.FINALIZATION):
        stages[kind] = assignments.stage_of(session, context.cycle.id, kind)
    if stages[StageKind.OBJECTION_HANDLING].state is StageState.OPEN:
        duties = [duty for case in listed for duty in objection_handling.rights(case)]
    opened = assignments.open_duties(session, stages[StageKind.OBJECTION_HANDLING].id, duties, at=context.at)
    if opened:
        objection_handling.tell_results(context, stages[StageKind.OBJECTION_HANDLING], listed)
    if stages[StageKind.FINALIZATION].state is StageState.OPEN:
        opened += finalization.ask_for_accounts(context, stages[StageKind.FINALIZATION], listed)
    return {"late": opened} if opened else {}


HEADS = Phase("heads", once, distribution.rehold)
PHASES = {
    Step.OPEN: (PLANS, Phase("predicates", once, _unit_predicates), ask(_scoring_duties), INVITE),
    Step.REMIND: REMIND,
    Step.LAPSE: (REHOLD, HEADS),
    Step.CLOSE: (CLOSE, Phase("lock", appraisals, _lock)),
    Step.ISSUE: (
        Phase("issue", appraisals, _issue),
        Phase("distribution", once, distribution.check_units),
        Phase("late", appraisals, _late),
    ),
}
