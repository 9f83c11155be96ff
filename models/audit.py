"""The audit's plan, frozen frame, seed, draws, examinations, findings and recommendations. Nothing here is a rating."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, WithId
from rules.terms import Arm, AuditAttribute, AuditDecision, AuditItemState, Rating, RecommendationOutcome, Stratum


class AuditPlan(WithId, Base):
    """What was decided before the draw, and the frame it applies to; one per cycle and attempt."""

    __tablename__ = "audit_plan"
    __table_args__ = (UniqueConstraint("cycle_id", "attempt"),)

    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    attempt: Mapped[int] = mapped_column(default=1)
    """2 after the one annulment that is allowed."""
    settings: Mapped[dict[str, Any]]
    """alpha, tolerable rate, ladder and the rest, rates as strings."""
    plan: Mapped[bytes | None] = mapped_column(LargeBinary)
    plan_sha256: Mapped[str | None] = mapped_column(String(64))
    roster: Mapped[bytes | None] = mapped_column(LargeBinary)
    roster_sha256: Mapped[str | None] = mapped_column(String(64))
    merkle_root: Mapped[str | None] = mapped_column(String(64))
    population: Mapped[int | None]
    reconciliation: Mapped[dict[str, Any] | None]
    """In the frame, excluded with reason, missing: against the roster of the cycle."""
    frozen_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    published_where: Mapped[str] = mapped_column(default="")
    seed: Mapped[str | None] = mapped_column(String(400))
    seed_minutes: Mapped[str] = mapped_column(default="")
    """Reference of the signed minutes, with the witnesses."""
    seed_recorded_at: Mapped[datetime | None]
    annulled_at: Mapped[datetime | None]
    annulled_reason: Mapped[str] = mapped_column(default="")
    statement: Mapped[dict[str, Any] | None]
    closed_at: Mapped[datetime | None]


class AuditFrameItem(WithId, Base):
    __tablename__ = "audit_frame_item"
    __table_args__ = (UniqueConstraint("plan_id", "appraisal_id"), UniqueConstraint("plan_id", "code"))

    plan_id: Mapped[int] = mapped_column(ForeignKey("audit_plan.id"))
    appraisal_id: Mapped[int] = mapped_column(ForeignKey("appraisal.id"))
    code: Mapped[str] = mapped_column(String(64))
    """The id in the roster file."""
    stratum: Mapped[Stratum]
    reasons: Mapped[list[Any]]
    rating_id: Mapped[int] = mapped_column(ForeignKey("rating.id"))
    """The rater's locked rating, which is what is audited."""
    commitment: Mapped[str] = mapped_column(String(64))
    salt: Mapped[bytes] = mapped_column(LargeBinary(16))


class AuditDraw(WithId, Base):
    __tablename__ = "audit_draw"
    __table_args__ = (UniqueConstraint("plan_id", "stage_no"),)

    plan_id: Mapped[int] = mapped_column(ForeignKey("audit_plan.id"))
    stage_no: Mapped[int]
    draw_key: Mapped[str] = mapped_column(String(64))
    draw_sha256: Mapped[str] = mapped_column(String(64))
    drawn_at: Mapped[datetime]


class AuditDrawItem(WithId, Base):
    __tablename__ = "audit_draw_item"
    __table_args__ = (UniqueConstraint("draw_id", "arm", "rank"),)

    draw_id: Mapped[int] = mapped_column(ForeignKey("audit_draw.id"))
    arm: Mapped[Arm]
    rank: Mapped[int]
    frame_item_id: Mapped[int] = mapped_column(ForeignKey("audit_frame_item.id"))
    ticket: Mapped[str] = mapped_column(String(64))


class AuditItem(WithId, Base):
    """One appraisal on the work list, once, whichever arms and stages drew it."""

    __tablename__ = "audit_item"
    __table_args__ = (UniqueConstraint("plan_id", "frame_item_id"),)

    plan_id: Mapped[int] = mapped_column(ForeignKey("audit_plan.id"))
    frame_item_id: Mapped[int] = mapped_column(ForeignKey("audit_frame_item.id"))
    appraisal_id: Mapped[int] = mapped_column(ForeignKey("appraisal.id"), index=True)
    state: Mapped[AuditItemState] = mapped_column(default=AuditItemState.DRAWN)
    double: Mapped[bool] = mapped_column(default=False)
    void_reason: Mapped[str] = mapped_column(default="")


class Examination(WithId, Base):
    """An examiner's reading of one item, blind until it is locked and never changed after."""

    __tablename__ = "examination"
    __table_args__ = (UniqueConstraint("item_id", "reader"), UniqueConstraint("item_id", "auditor_id"))

    item_id: Mapped[int] = mapped_column(ForeignKey("audit_item.id"))
    reader: Mapped[int]
    """1, or 2 for the second reading of a double-audited item."""
    auditor_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    no_conflict_declared: Mapped[bool] = mapped_column(default=False)
    result_rating: Mapped[Rating | None]
    behavior_rating: Mapped[Rating | None]
    score: Mapped[str | None] = mapped_column(String(40))
    evidence_ok: Mapped[bool | None]
    procedure_ok: Mapped[bool | None]
    text: Mapped[str] = mapped_column(default="")
    locked_at: Mapped[datetime | None]


class Finding(WithId, Base):
    __tablename__ = "finding"
    __table_args__ = (UniqueConstraint("item_id", "attribute"),)

    item_id: Mapped[int] = mapped_column(ForeignKey("audit_item.id"))
    attribute: Mapped[AuditAttribute]
    text: Mapped[str]
    made_at: Mapped[datetime]
    reply_until: Mapped[datetime]
    reply: Mapped[str | None]
    """None: not yet; empty once the time passed in silence."""
    replied_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    replied_at: Mapped[datetime | None]
    confirmed: Mapped[bool | None]
    concluded_at: Mapped[datetime | None]
    conclusion: Mapped[str] = mapped_column(default="")


class Recommendation(WithId, Base):
    """What the auditor asks of the authority, which alone may change a result."""

    __tablename__ = "recommendation"
    __table_args__ = (UniqueConstraint("item_id"),)

    item_id: Mapped[int] = mapped_column(ForeignKey("audit_item.id"))
    text: Mapped[str]
    review_result: Mapped[bool]
    """Whether the result itself should be looked at again, or only the file completed."""
    made_at: Mapped[datetime]
    outcome: Mapped[RecommendationOutcome | None]
    reasons: Mapped[str] = mapped_column(default="")
    employee_hearing: Mapped[str] = mapped_column(default="")
    """What the employee said before a lowering, or that they were asked and stayed silent."""
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]


class AuditEvaluation(WithId, Base):
    __tablename__ = "audit_evaluation"
    __table_args__ = (UniqueConstraint("plan_id", "stage_no", "attribute"),)

    plan_id: Mapped[int] = mapped_column(ForeignKey("audit_plan.id"))
    stage_no: Mapped[int]
    attribute: Mapped[AuditAttribute]
    examined: Mapped[int]
    deviations: Mapped[int]
    voids: Mapped[int]
    upper_bound: Mapped[int]
    decision: Mapped[AuditDecision]
    at: Mapped[datetime]
