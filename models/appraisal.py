"""The case of one employee in one cycle, what people owe for it, and what they submitted."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.agency import Person, Unit
from models.base import Base, WithId
from models.cycle import Cycle, Stage
from rules.terms import ActKind, AppraisalState, AssignmentState, Role


class Appraisal(WithId, Base):
    __tablename__ = "appraisal"
    __table_args__ = (
        UniqueConstraint("cycle_id", "employee_id"),
        Index(None, "cycle_id", "unit_id", "state"),
        CheckConstraint("rater_id <> employee_id", name="rater_not_self"),
        CheckConstraint("authority_id <> employee_id AND authority_id <> rater_id", name="authority_independent"),
    )

    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    employee_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    rater_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    """The direct superior; who acts for them on a day is decided on that day."""
    authority_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    """The objection authority: neither the rater nor the employee."""
    state: Mapped[AppraisalState] = mapped_column(default=AppraisalState.PLAN_DRAFT)
    explanation: Mapped[str] = mapped_column(default="")
    """Why a case ends without a result: excluded, not ratable, not rated, closed early."""
    explained_at: Mapped[datetime | None]
    finalized_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()

    cycle: Mapped[Cycle] = relationship(lazy="raise")
    employee: Mapped[Person] = relationship(foreign_keys=employee_id, lazy="raise")
    rater: Mapped[Person | None] = relationship(foreign_keys=rater_id, lazy="raise")
    unit: Mapped[Unit] = relationship(lazy="raise")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class Segment(WithId, Base):
    """Time in one post under one rater; a move ends one and begins the next."""

    __tablename__ = "segment"
    __table_args__ = (UniqueConstraint("appraisal_id", "number"),)

    appraisal_id: Mapped[int] = mapped_column(ForeignKey("appraisal.id"))
    number: Mapped[int]
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    rater_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    post: Mapped[str]
    from_on: Mapped[date]
    to_on: Mapped[date | None]


class Assignment(WithId, Base):
    """What one person owes, or may do, in one stage."""

    __tablename__ = "assignment"
    __table_args__ = (
        UniqueConstraint("stage_id", "kind", "subject", "round"),
        Index("uq_assignment_open", "stage_id", "kind", "subject", unique=True, sqlite_where=text("state = 'open'"),
              postgresql_where=text("state = 'open'")),
        Index(None, "stage_id", "person_id", "state"),
        Index("ix_assignment_untold", "stage_id", sqlite_where=text("state = 'open' AND told_at IS NULL"),
              postgresql_where=text("state = 'open' AND told_at IS NULL")),
        Index("ix_assignment_own_clock", "stage_id", "due_at", sqlite_where=text("due_at IS NOT NULL"),
              postgresql_where=text("due_at IS NOT NULL")),
        Index(None, "appraisal_id"),
    )  # fmt: skip

    stage_id: Mapped[int] = mapped_column(ForeignKey("stage.id"))
    kind: Mapped[ActKind]
    subject: Mapped[str] = mapped_column(String(60))
    """`appraisal:7`, `unit:3`, `objection:5:rater`, `item:9`: with kind and round it names the assignment for good."""
    round: Mapped[int] = mapped_column(default=1)
    """Counts how often the same thing was asked anew: a returned plan, a reopened case."""
    role: Mapped[Role]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    """Who holds it now; moves with mandates, absences and reassignment."""
    mandate_id: Mapped[int | None] = mapped_column(ForeignKey("acting_mandate.id"))
    appraisal_id: Mapped[int | None] = mapped_column(ForeignKey("appraisal.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    optional: Mapped[bool] = mapped_column(default=False)
    """A right, not a duty: objecting. Nobody is reminded of it and nothing waits for it."""
    state: Mapped[AssignmentState] = mapped_column(default=AssignmentState.OPEN)
    due_at: Mapped[datetime | None]
    """Only where the case has a clock of its own; else the stage's (extended) date counts."""
    opened_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
    """When a letter that covers it was queued; a sweep tells whoever was not told yet."""
    ended_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()

    stage: Mapped[Stage] = relationship(lazy="raise")
    person: Mapped[Person] = relationship(lazy="raise")
    appraisal: Mapped[Appraisal | None] = relationship(lazy="raise")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class Submission(WithId, Base):
    """What somebody sent, once per nonce; append only."""

    __tablename__ = "submission"
    __table_args__ = (UniqueConstraint("assignment_id", "nonce"),)

    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    nonce: Mapped[str] = mapped_column(String(64))
    body_sha256: Mapped[str] = mapped_column(String(64))
    proof: Mapped[str] = mapped_column(String(20))
    receipt_no: Mapped[str] = mapped_column(String(20), unique=True)
    summary: Mapped[dict[str, Any]]
    """What the receipt and the done page show to the person themself."""
    content: Mapped[dict[str, Any] | None]
    """All that was sent, for the person themself to read again; None in rows older than this column."""
    at: Mapped[datetime]


class Draft(Base):
    """Half-written work, kept until it is submitted."""

    __tablename__ = "draft"

    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    body: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column()
    """The version of the assignment that the draft was made from."""
    at: Mapped[datetime]
