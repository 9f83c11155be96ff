"""The SKP: plan versions, result items, indicators; what was reached; notes of the year."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, WithId
from rules.terms import Aspect, ItemKind, NoteKind, PlanState


class Plan(WithId, Base):
    """One version of an employee's plan; an established one is never changed, only superseded."""

    __tablename__ = "plan"
    __table_args__ = (
        UniqueConstraint("appraisal_id", "number"),
        Index("uq_plan_established", "appraisal_id", unique=True, sqlite_where=text("state = 'established'"),
              postgresql_where=text("state = 'established'")),
    )  # fmt: skip

    appraisal_id: Mapped[int] = mapped_column(ForeignKey("appraisal.id"))
    number: Mapped[int]
    state: Mapped[PlanState]
    is_default: Mapped[bool] = mapped_column(default=False)
    """Established by HR because none had been drafted in time; says so wherever it is shown."""
    drafted_at: Mapped[datetime]
    established_at: Mapped[datetime | None]
    established_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    returned_reason: Mapped[str] = mapped_column(default="")
    change_reason: Mapped[str] = mapped_column(default="")

    items: Mapped[list["ResultItem"]] = relationship(lazy="raise", order_by="ResultItem.number", back_populates="plan")


class ResultItem(WithId, Base):
    __tablename__ = "result_item"
    __table_args__ = (UniqueConstraint("plan_id", "number"),)

    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    number: Mapped[int]
    kind: Mapped[ItemKind]
    title: Mapped[str]
    assigned_by: Mapped[str] = mapped_column(default="")
    supports_id: Mapped[int | None] = mapped_column(ForeignKey("result_item.id"))
    """The superior's item it supports; a link that never blocks anybody."""

    plan: Mapped[Plan] = relationship(lazy="raise", back_populates="items")
    indicators: Mapped[list["Indicator"]] = relationship(
        lazy="raise", order_by="Indicator.number", back_populates="item"
    )


class Indicator(WithId, Base):
    __tablename__ = "indicator"
    __table_args__ = (UniqueConstraint("item_id", "number"),)

    item_id: Mapped[int] = mapped_column(ForeignKey("result_item.id"))
    number: Mapped[int]
    text: Mapped[str]
    aspect: Mapped[Aspect]
    target: Mapped[Decimal]
    unit: Mapped[str]
    lower_is_better: Mapped[bool] = mapped_column(default=False)
    target_is_maximum: Mapped[bool] = mapped_column(default=False)

    item: Mapped[ResultItem] = relationship(lazy="raise", back_populates="indicators")


class Actual(WithId, Base):
    """What was reached by a stage, with its evidence; a later report of the same stage is added, none is replaced."""

    __tablename__ = "actual"
    __table_args__ = (UniqueConstraint("indicator_id", "submission_no"),)

    indicator_id: Mapped[int] = mapped_column(ForeignKey("indicator.id"))
    stage_id: Mapped[int] = mapped_column(ForeignKey("stage.id"))
    submission_no: Mapped[int]
    value: Mapped[Decimal]
    evidence: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime]


class Note(WithId, Base):
    """An entry of the year: what the employee did, what the rater says to it."""

    __tablename__ = "note"
    __table_args__ = (UniqueConstraint("appraisal_id", "author_id", "nonce"),)

    appraisal_id: Mapped[int] = mapped_column(ForeignKey("appraisal.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[NoteKind]
    reply_to_id: Mapped[int | None] = mapped_column(ForeignKey("note.id"))
    on: Mapped[date]
    text: Mapped[str]
    nonce: Mapped[str]
    at: Mapped[datetime]
