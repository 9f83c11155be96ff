"""Objections (keberatan), the statements of both sides and the decision."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, WithId
from models.rating import Result
from rules.terms import ObjectionOutcome, ObjectionState, Role, StatementOutcome


class Objection(WithId, Base):
    __tablename__ = "objection"
    __table_args__ = (UniqueConstraint("result_id"),)

    appraisal_id: Mapped[int] = mapped_column(ForeignKey("appraisal.id"), index=True)
    result_id: Mapped[int] = mapped_column(ForeignKey("result.id"))
    state: Mapped[ObjectionState] = mapped_column(default=ObjectionState.FILED)
    reasons: Mapped[str]
    filed_at: Mapped[datetime]
    late_ground: Mapped[str] = mapped_column(default="")
    statements_until: Mapped[datetime]
    decide_until: Mapped[datetime]
    outcome: Mapped[ObjectionOutcome | None]
    decision_reasons: Mapped[str] = mapped_column(default="")
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]

    result: Mapped[Result] = relationship(lazy="raise")
    statements: Mapped[list["Statement"]] = relationship(lazy="raise", order_by="Statement.id")


class Statement(WithId, Base):
    __tablename__ = "objection_statement"
    __table_args__ = (
        UniqueConstraint("objection_id", "role"),
        CheckConstraint("role IN ('employee', 'rater')", name="side"),
    )

    objection_id: Mapped[int] = mapped_column(ForeignKey("objection.id"))
    role: Mapped[Role]
    outcome: Mapped[StatementOutcome]
    text: Mapped[str] = mapped_column(default="")
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]
