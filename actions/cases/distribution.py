"""Unit predicates and the pattern of predicates in a unit: checked when results are issued, never re-rated."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from actions.duties import assignments
from actions.duties.assignments import Duty
from actions.line.holders import Holder, Line, line_on
from actions.stages.steps import Context, Counts
from models import Appraisal, Assignment, Posting, Result, Unit, UnitPredicate
from rules.pack.distribution import Fit, pooled, verdict
from rules.terms import ActKind, AssignmentState, DistributionMode, Predicate, Role, StageKind


def heads(session: Session, agency_id: int, today: date) -> Mapping[int, int]:
    """Unit -> the person who heads it on a day."""
    query = select(Posting.unit_id, Posting.person_id).join(Unit, Unit.id == Posting.unit_id).where(
        Unit.agency_id == agency_id, Posting.is_unit_head, Posting.from_on <= today,
        or_(Posting.to_on.is_(None), Posting.to_on >= today),
    )  # fmt: skip
    return dict(session.execute(query.order_by(Posting.id)).tuples().all())


def head_above(session: Session, unit: Unit, heads_of: Mapping[int, int], authorities: Sequence[int]) -> int | None:
    """Head of the next unit above that has one; for the root the appointing authority, else its own head."""
    parent_id = unit.parent_id
    while parent_id is not None:
        if (head := heads_of.get(parent_id)) is not None:
            return head
        parent_id = session.get_one(Unit, parent_id).parent_id
    return next(iter(authorities), heads_of.get(unit.id))


def official_above(session: Session, unit: Unit, heads_of: Mapping[int, int], line: Line) -> Holder | None:
    """Who answers today for the organisation above a unit: its head, whoever stands in, or the next one up."""
    above = head_above(session, unit, heads_of, line.authorities)
    if above is None:
        return None
    present = next((person for person in line.authorities if line.present(person)), None)
    return line.stands_in(above) or (Holder(present) if present is not None else None)


def rehold(context: Context, _lo: int, _hi: int) -> Counts:
    """Move what heads owe to whoever answers for them today: an absent head keeps no unit waiting."""
    session = context.session
    query = select(Assignment).filter_by(stage_id=context.stage.id, role=Role.UNIT_HEAD, state=AssignmentState.OPEN)
    if not (listed := session.scalars(query).all()):
        return {}
    line, heads_of = (
        line_on(session, context.agency.id, context.today),
        heads(session, context.agency.id, context.today),
    )
    moved = 0
    for one in listed:
        holder = official_above(session, session.get_one(Unit, one.unit_id), heads_of, line)
        if holder is not None and (holder.person_id, holder.mandate_id) != (one.person_id, one.mandate_id):
            one.person_id, one.mandate_id, one.told_at = holder.person_id, holder.mandate_id, None
            moved += 1
    session.flush()
    return {"moved": moved}


def check_units(context: Context, _lo: int, _hi: int) -> Counts:
    """Hold each unit's predicates against the pattern of its own predicate; a miss asks the head above for reasons."""
    session, pack = context.session, context.pack
    if pack.distribution_mode is DistributionMode.OFF:
        return {}
    units = {u.unit_id: u for u in session.scalars(select(UnitPredicate).filter_by(cycle_id=context.cycle.id))}
    missed = 0
    for group, counted in _pooled(context, units).items():
        row = units[group]
        found = verdict(pack, row.predicate, counted)
        row.distribution = found.as_json()
        if found.fit in (Fit.BROKEN, Fit.INFEASIBLE) and pack.distribution_mode is not DistributionMode.WARN:
            missed += _ask_override(context, group)
    return {"units": len(units), "patterns_missed": missed}


def _pooled(context: Context, units: Mapping[int, UnitPredicate]) -> Mapping[int, Counter[Predicate]]:
    """Predicates per unit that has one of its own; people of a small unit count with those of the unit above."""
    counted: dict[int, Counter[Predicate]] = defaultdict(Counter)
    query = select(Appraisal.unit_id, Result.predicate).join(Result, Result.appraisal_id == Appraisal.id).where(
        Appraisal.cycle_id == context.cycle.id, Result.superseded_at.is_(None)
    )  # fmt: skip
    for unit, predicate in context.session.execute(query):
        counted[unit][predicate] += 1
    tree = select(Unit.id, Unit.parent_id).filter_by(agency_id=context.agency.id)
    parents = dict(context.session.execute(tree).tuples().all())
    sizes = {unit: count.total() for unit, count in counted.items()}
    together: dict[int, Counter[Predicate]] = defaultdict(Counter)
    for unit, where in pooled(sizes, parents, context.pack.min_unit_size).items():
        together[where if where in units else unit].update(counted[unit])
    return {unit: count for unit, count in together.items() if unit in units}


def _ask_override(context: Context, unit_id: int) -> int:
    line = line_on(context.session, context.agency.id, context.today)
    unit = context.session.get_one(Unit, unit_id)
    above = official_above(context.session, unit, heads(context.session, context.agency.id, context.today), line)
    if above is None:
        return 0
    stage = assignments.stage_of(context.session, context.cycle.id, StageKind.OBJECTION_HANDLING)
    duty = Duty(ActKind.OVERRIDE_DISTRIBUTION, f"unit:{unit_id}", Role.UNIT_HEAD, above, unit_id=unit_id)
    return assignments.open_duties(context.session, stage.id, [duty], at=context.at)
