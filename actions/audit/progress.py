"""How far the audit of a cycle is, and which of its stages comes next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions.audit import ceremony
from models import AuditDraw, AuditEvaluation, AuditPlan, Cycle
from rules.pack.pack import Pack


@dataclass(frozen=True, slots=True)
class AuditProgress:
    enabled: bool
    """Whether the policy pack of the cycle has an audit at all."""
    plan: AuditPlan | None = None
    """The one that counts."""
    annulled: Sequence[AuditPlan] = ()
    stage: int = 1
    """The stage of the sample that is under way or comes next; the last one once the audit is closed."""
    drawn_at: datetime | None = None
    evaluated_at: datetime | None = None
    """When that stage was drawn and evaluated."""
    seed_from: datetime | None = None
    """A seed recorded earlier is refused."""


def progress_of(session: Session, cycle: Cycle) -> AuditProgress:
    pack, plan = Pack.model_validate_json(cycle.pack).audit, ceremony.plan_of(session, cycle.id)
    gone = select(AuditPlan).where(AuditPlan.cycle_id == cycle.id, AuditPlan.annulled_at.is_not(None))
    annulled = session.scalars(gone.order_by(AuditPlan.attempt)).all()
    if plan is None:
        return AuditProgress(pack.enabled, annulled=annulled)
    draws = select(AuditDraw.stage_no, AuditDraw.drawn_at).filter_by(plan_id=plan.id)
    drawn = dict(session.execute(draws).tuples().all())
    query = select(AuditEvaluation.stage_no, func.max(AuditEvaluation.at)).filter_by(plan_id=plan.id)
    evaluated = dict(session.execute(query.group_by(AuditEvaluation.stage_no)).tuples().all())
    last = max(drawn, default=0)
    stage = last if plan.closed_at is not None or last not in evaluated else last + 1
    return AuditProgress(
        pack.enabled, plan, annulled, stage := max(stage, 1), drawn.get(stage), evaluated.get(stage),
        plan.published_at + timedelta(hours=pack.wait_hours) if plan.published_at else None,
    )  # fmt: skip
