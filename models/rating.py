"""Ratings and results: who judged what, and what the policy pack made of it and why."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, WithId
from rules.terms import OrgPredicate, Predicate, Rating, ReceiptKind, Role


class UnitPredicate(WithId, Base):
    """The predicate of a unit for a cycle, set by the head of the organisation above before anyone in it is rated."""

    __tablename__ = "unit_predicate"
    __table_args__ = (UniqueConstraint("cycle_id", "unit_id"),)

    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    predicate: Mapped[OrgPredicate]
    reason: Mapped[str]
    set_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    set_at: Mapped[datetime]
    distribution: Mapped[dict[str, Any] | None]
    """The verdict on the unit's distribution when results were issued."""
    override_reason: Mapped[str] = mapped_column(default="")
    overridden_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class SelfAssessment(WithId, Base):
    __tablename__ = "self_assessment"
    __table_args__ = (UniqueConstraint("appraisal_id", "number"),)

    appraisal_id: Mapped[int] = mapped_column(ForeignKey("appraisal.id"))
    number: Mapped[int]
    result_rating: Mapped[Rating | None]
    behavior_rating: Mapped[Rating | None]
    text: Mapped[str]
    at: Mapped[datetime]


class RatingRecord(WithId, Base):
    """What an official judged: the rater's once, and an authority's that replaces it. Never changed, only followed."""

    __tablename__ = "rating"
    __table_args__ = (UniqueConstraint("appraisal_id", "number"),)

    appraisal_id: Mapped[int] = mapped_column(ForeignKey("appraisal.id"))
    number: Mapped[int]
    role: Mapped[Role]
    """RATER, or OBJECTION_AUTHORITY for a decision on an objection or an audit's recommendation."""
    official_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    mandate_id: Mapped[int | None] = mapped_column(ForeignKey("acting_mandate.id"))
    result_rating: Mapped[Rating | None]
    behavior_rating: Mapped[Rating | None]
    skp_score: Mapped[Decimal | None]
    behavior_score: Mapped[Decimal | None]
    innovation: Mapped[str] = mapped_column(default="")
    innovation_evidence: Mapped[str] = mapped_column(default="")
    behavior_notes: Mapped[dict[str, Any]]
    """BehaviorValue -> what was seen; numeric packs: aspect -> score as text."""
    feedback: Mapped[str]
    recommendation: Mapped[str] = mapped_column(default="")
    """Training, promotion or reward proposed: for the career panel."""
    at: Mapped[datetime]
    locked_at: Mapped[datetime | None]


class Result(WithId, Base):
    """The predicate that the pack derived from one rating, and why; a newer one supersedes, none is deleted."""

    __tablename__ = "result"
    __table_args__ = (
        UniqueConstraint("rating_id"),
        Index("uq_result_current", "appraisal_id", unique=True, sqlite_where=text("superseded_at IS NULL"),
              postgresql_where=text("superseded_at IS NULL")),
        CheckConstraint("received_at IS NULL OR receipt_kind IS NOT NULL", name="receipt_has_kind"),
    )  # fmt: skip

    appraisal_id: Mapped[int] = mapped_column(ForeignKey("appraisal.id"), index=True)
    rating_id: Mapped[int] = mapped_column(ForeignKey("rating.id"))
    predicate: Mapped[Predicate]
    score: Mapped[Decimal | None]
    why: Mapped[dict[str, Any]]
    pack_name: Mapped[str]
    pack_version: Mapped[str]
    pack_sha256: Mapped[str] = mapped_column(String(64))
    derived_at: Mapped[datetime]
    issued_at: Mapped[datetime | None]
    received_at: Mapped[datetime | None]
    receipt_kind: Mapped[ReceiptKind | None]
    objection_until: Mapped[datetime | None]
    """End of the objection window, once receipt is known."""
    superseded_at: Mapped[datetime | None]

    rating: Mapped[RatingRecord] = relationship(lazy="raise")
