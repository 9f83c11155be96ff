"""Cycles, their six stages, the steps the clock takes and the deadlines that were moved."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.agency import Agency
from models.base import Base, WithId
from rules.terms import CycleState, StageKind, StageState, Step


class Cycle(WithId, Base):
    __tablename__ = "cycle"
    __table_args__ = (UniqueConstraint("agency_id", "year"),)

    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    year: Mapped[int]
    state: Mapped[CycleState] = mapped_column(default=CycleState.RUNNING)
    pack_name: Mapped[str]
    pack_version: Mapped[str]
    pack: Mapped[str]
    """The whole policy pack as canonical JSON: what was law for this cycle stays readable in it."""
    pack_sha256: Mapped[str] = mapped_column(String(64))
    plan_default_after: Mapped[date]
    """From the day after, HR establishes a default plan for whoever has none."""
    launched_at: Mapped[datetime]
    launched_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    enrolled_at: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    """Nothing is opened, reminded or closed while it is set."""

    agency: Mapped[Agency] = relationship(lazy="raise")


class Stage(WithId, Base):
    __tablename__ = "stage"
    __table_args__ = (
        UniqueConstraint("cycle_id", "kind"),
        CheckConstraint("opens_at < due_at AND due_at <= closes_at", name="in_order"),
    )

    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    kind: Mapped[StageKind]
    state: Mapped[StageState] = mapped_column(default=StageState.PLANNED)
    opens_at: Mapped[datetime]
    due_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    revision: Mapped[int] = mapped_column(default=1)
    """Raised whenever a date moves, so that what was booked for the old date is a no-op."""

    cycle: Mapped[Cycle] = relationship(lazy="raise")


class StageStep(WithId, Base):
    """One occasion of one step: how far it came, and that it is done. Its key makes a second run harmless."""

    __tablename__ = "stage_step"
    __table_args__ = (UniqueConstraint("stage_id", "step", "occasion"),)

    stage_id: Mapped[int] = mapped_column(ForeignKey("stage.id"))
    step: Mapped[Step]
    occasion: Mapped[str] = mapped_column(String(60), default="")
    """Which time: empty for what happens once, a day for reminders and lapses, a number for audit stages."""
    cursor: Mapped[int] = mapped_column(default=0)
    """The last appraisal id whose batch is committed."""
    begun_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    counts: Mapped[str] = mapped_column(default="{}")


class Extension(WithId, Base):
    """More time for a whole stage, a unit with all below it, or one person; always by decree and with a reason."""

    __tablename__ = "extension"

    stage_id: Mapped[int] = mapped_column(ForeignKey("stage.id"), index=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    due_at: Mapped[datetime]
    decree_no: Mapped[str]
    reason: Mapped[str]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]
