"""What the audit's sample says: deviations among the first items of the assurance arm against the declared ladder."""

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.audit import ceremony
from actions.store import trail
from models import (
    AuditDraw,
    AuditDrawItem,
    AuditEvaluation,
    AuditFrameItem,
    AuditItem,
    AuditPlan,
    Cycle,
    Finding,
)
from rules.audit.draw import arm_order
from rules.audit.sampling import decide_stage, hyper_upper
from rules.pack.pack import Pack
from rules.terms import Arm, AuditAttribute, AuditDecision, AuditItemState, Stratum

GATES = (AuditAttribute.EVIDENCE, AuditAttribute.PROCEDURE)
"""Attributes that decide; judgement is estimated and gates nothing in the first year."""


def evaluate(session: Session, cycle: Cycle, stage_no: int, *, at: datetime) -> AuditDecision:
    """Evaluate one stage of the sample; closes the audit unless it expands. The same stage again changes nothing."""
    plan = ceremony.need_plan(session, cycle.id)
    there = session.scalars(select(AuditEvaluation).filter_by(plan_id=plan.id, stage_no=stage_no)).all()
    if there:
        return _worst([row.decision for row in there])
    if session.scalar(select(AuditDraw.stage_no).filter_by(plan_id=plan.id, stage_no=stage_no)) is None:
        raise ceremony.AuditRefused(f"Stage {stage_no} is not drawn yet: the seed is recorded, then it is drawn.")
    pack = Pack.model_validate_json(cycle.pack)
    sample, voids = _sample(session, plan, stage_no)
    population = _population(session, plan)
    rows = [_row(session, plan, pack, stage_no, a, sample, voids, population, at) for a in GATES]
    session.add_all(rows)
    session.flush()
    decision = _worst([row.decision for row in rows])
    if decision is not AuditDecision.EXPAND:
        close(session, cycle, plan, decision, at=at)
    after = {"stage": stage_no, "decision": decision.value, "examined": len(sample),
             "deviations": {row.attribute.value: row.deviations for row in rows}}  # fmt: skip
    trail.record(session, cycle.agency_id, f"audit.evaluated.{stage_no}", f"audit:{plan.id}", at=at, after=after)
    return decision


def _worst(decisions: Sequence[AuditDecision]) -> AuditDecision:
    order = (AuditDecision.ESCALATE, AuditDecision.NOT_ASSURED, AuditDecision.EXPAND, AuditDecision.ACCEPT)
    return min(decisions, key=order.index)


def _row(
    session: Session, plan: AuditPlan, pack: Pack, stage_no: int, attribute: AuditAttribute,
    sample: Sequence[AuditItem], voids: int, population: int, at: datetime,
) -> AuditEvaluation:  # fmt: skip
    found = len(deviating(session, sample, attribute))
    decision, upper = AuditDecision.ACCEPT, 0
    if population:
        rungs = ceremony.ladder_of(population, pack)
        decision = decide_stage(rungs, stage_no, found)
        upper = hyper_upper(found, len(sample), population, rungs.steps[stage_no - 1].alpha)
    return AuditEvaluation(
        plan_id=plan.id, stage_no=stage_no, attribute=attribute, examined=len(sample), deviations=found, voids=voids,
        upper_bound=upper, decision=decision, at=at,
    )  # fmt: skip


def deviating(session: Session, sample: Sequence[AuditItem], attribute: AuditAttribute) -> set[int]:
    """Items with a confirmed finding of the attribute; what was not examined counts as deviating."""
    ids = [item.id for item in sample]
    confirmed = select(Finding.item_id).where(
        Finding.item_id.in_(ids), Finding.attribute == attribute, Finding.confirmed.is_(True)
    )
    return set(session.scalars(confirmed)) | {i.id for i in sample if i.state is AuditItemState.NOT_EXAMINED}


def _sample(session: Session, plan: AuditPlan, stage_no: int) -> tuple[list[AuditItem], int]:
    """The first n non-void items of the assurance arm in ticket order; a void is replaced by the arm's next ticket."""
    assert plan.roster is not None
    assert plan.plan is not None
    assert plan.seed is not None
    wanted = json.loads(plan.plan)["arms"][Arm.ASSURANCE.value]["take"][stage_no - 1]
    query = (
        select(AuditFrameItem.code, AuditItem).join(AuditItem, AuditItem.frame_item_id == AuditFrameItem.id)
        .where(AuditItem.plan_id == plan.id)
    )  # fmt: skip
    items = dict(session.execute(query).tuples().all())
    sample, voids = [], 0
    for one in arm_order(plan.roster, plan.plan, plan.seed, Arm.ASSURANCE.value):
        item = items.get(one.id)
        if item is None or len(sample) == wanted:
            break
        if item.state is AuditItemState.VOID:
            voids += 1
        else:
            sample.append(item)
    return sample, voids


def _population(session: Session, plan: AuditPlan) -> int:
    query = select(AuditFrameItem.id).where(
        AuditFrameItem.plan_id == plan.id, AuditFrameItem.stratum.in_((Stratum.FLAGGED, Stratum.GENERAL))
    )
    return len(session.scalars(query).all())


def close(session: Session, cycle: Cycle, plan: AuditPlan, decision: AuditDecision, *, at: datetime) -> None:
    """Issue the audit's one statement about the agency; it names nobody."""
    if plan.closed_at is not None:
        return
    rows = session.scalars(select(AuditEvaluation).filter_by(plan_id=plan.id).order_by(AuditEvaluation.id)).all()
    draws = session.scalars(select(AuditDraw).filter_by(plan_id=plan.id).order_by(AuditDraw.stage_no)).all()
    drawn = session.scalars(select(AuditDrawItem.id).where(AuditDrawItem.draw_id.in_([d.id for d in draws[-1:]]))).all()
    plan.statement = {
        "decision": decision.value, "population": plan.population, "drawn": len(drawn),
        "roster_sha256": plan.roster_sha256, "plan_sha256": plan.plan_sha256, "seed": plan.seed,
        "draws": [{"stage": d.stage_no, "draw_sha256": d.draw_sha256} for d in draws],
        "evaluations": [
            {"stage": r.stage_no, "attribute": r.attribute.value, "examined": r.examined, "deviations": r.deviations,
             "voids": r.voids, "upper_bound": r.upper_bound, "decision": r.decision.value}
            for r in rows
        ],
    }  # fmt: skip
    plan.closed_at = at
    session.flush()
    after = {"decision": decision.value}
    trail.record(session, cycle.agency_id, "statement.issued", f"audit:{plan.id}", at=at, after=after)
    trail.checkpoint(session, cycle.agency_id, "statement.issued", at=at)


def close_by_deadline(session: Session, cycle: Cycle, *, at: datetime) -> int:
    """The deadline rule: what is still open is not examined, which counts as a deviation; the audit is evaluated."""
    plan = ceremony.plan_of(session, cycle.id)
    if plan is None or plan.closed_at is not None:
        return 0
    left = session.scalars(
        select(AuditItem).where(AuditItem.plan_id == plan.id, AuditItem.state.not_in(ceremony.FINISHED))
    ).all()
    for item in left:
        item.state = AuditItemState.NOT_EXAMINED
    session.flush()
    drawn = session.scalars(select(AuditDraw.stage_no).filter_by(plan_id=plan.id).order_by(AuditDraw.stage_no)).all()
    if drawn:
        evaluate(session, cycle, drawn[-1], at=at)
    close(session, cycle, plan, AuditDecision.NOT_ASSURED, at=at)
    return len(left)
