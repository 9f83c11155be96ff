"""Agencies, units, people and the dated facts about them; history is added to, never rewritten."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, WithId
from rules.terms import AbsenceKind, ActingKind, AddressState, EmploymentKind, Locale, PostGroup, Role


class Agency(WithId, Base):
    __tablename__ = "agency"

    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str]
    zone: Mapped[str]
    """IANA name, for instance Asia/Makassar."""
    locale: Mapped[Locale] = mapped_column(default=Locale.ID)
    contact: Mapped[str] = mapped_column(default="")
    indicators: Mapped[str] = mapped_column(default="{}")
    """JSON of the agency's indicators per job family: suggestions, and the source of default plans."""
    calendar_file: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether letters about a desk bring its deadline as a calendar file."""


class Holiday(Base):
    """A day off of one agency beside the national ones."""

    __tablename__ = "holiday"

    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), primary_key=True)
    on: Mapped[date] = mapped_column(primary_key=True)
    name: Mapped[str]


class Unit(WithId, Base):
    __tablename__ = "unit"
    __table_args__ = (UniqueConstraint("agency_id", "code"),)

    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    code: Mapped[str] = mapped_column(String(60))
    name: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True)


class Person(WithId, Base):
    __tablename__ = "person"
    __table_args__ = (
        Index("ix_person_leaving", "agency_id", "active_to", sqlite_where=text("active_to IS NOT NULL"),
              postgresql_where=text("active_to IS NOT NULL")),
    )  # fmt: skip

    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), index=True)
    nip: Mapped[str] = mapped_column(String(18), unique=True)
    name: Mapped[str]
    email: Mapped[str]
    """Exactly what goes on the wire; refused at import if it could not."""
    email_state: Mapped[AddressState] = mapped_column(default=AddressState.OK)
    soft_bounces: Mapped[int] = mapped_column(default=0)
    email_changed_at: Mapped[datetime | None]
    locale: Mapped[Locale] = mapped_column(default=Locale.ID)
    employment: Mapped[EmploymentKind] = mapped_column(default=EmploymentKind.PNS)
    active_from: Mapped[date]
    active_to: Mapped[date | None]
    """Last day of service, inclusive."""
    filed: Mapped[dict[str, Any] | None]
    """What the roster's cells said last: who corrected one by hand stands until the file says something else there."""


class AddressChange(WithId, Base):
    """Where somebody's codes go was changed; until the wait is over or a second officer agrees, none goes there."""

    __tablename__ = "address_change"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    before: Mapped[str]
    after: Mapped[str]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    """None: by a file or a command."""
    at: Mapped[datetime]
    waits_until: Mapped[datetime]
    stopped_at: Mapped[datetime | None]
    """By whoever reads the old address: then only a second officer ends the wait."""
    confirmed_at: Mapped[datetime | None]
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class RoleGrant(WithId, Base):
    """A role beside those that follow from the tree: HR, appointing authority, auditor, ops."""

    __tablename__ = "role_grant"
    __table_args__ = (UniqueConstraint("person_id", "role", "from_on"),)

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    role: Mapped[Role] = mapped_column(index=True)
    from_on: Mapped[date]
    to_on: Mapped[date | None]

    person: Mapped[Person] = relationship(lazy="raise")


class Posting(WithId, Base):
    """Who holds which post in which unit, from a day to a day (inclusive)."""

    __tablename__ = "posting"
    __table_args__ = (
        UniqueConstraint("person_id", "from_on"),
        Index("uq_posting_current", "person_id", unique=True, sqlite_where=text("to_on IS NULL"),
              postgresql_where=text("to_on IS NULL")),
        CheckConstraint("to_on IS NULL OR to_on >= from_on", name="in_order"),
    )  # fmt: skip

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    post: Mapped[str]
    post_group: Mapped[PostGroup] = mapped_column(default=PostGroup.JA)
    job_family: Mapped[str] = mapped_column(default="")
    is_unit_head: Mapped[bool] = mapped_column(default=False)
    from_on: Mapped[date]
    to_on: Mapped[date | None]


class Supervision(WithId, Base):
    """Who rates whom, from a day to a day (inclusive)."""

    __tablename__ = "supervision"
    __table_args__ = (
        UniqueConstraint("person_id", "from_on"),
        Index("uq_supervision_current", "person_id", unique=True, sqlite_where=text("to_on IS NULL"),
              postgresql_where=text("to_on IS NULL")),
        CheckConstraint("person_id <> superior_id", name="not_self"),
    )  # fmt: skip

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    superior_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    from_on: Mapped[date]
    to_on: Mapped[date | None]


class ActingMandate(WithId, Base):
    """Plt or Plh: `person` acts in the post of `principal` between two days, by decree; outside them acts are void."""

    __tablename__ = "acting_mandate"
    __table_args__ = (
        UniqueConstraint("person_id", "principal_id", "from_on"),
        CheckConstraint("person_id <> principal_id", name="not_self"),
        CheckConstraint("to_on >= from_on", name="in_order"),
    )

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    principal_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    kind: Mapped[ActingKind]
    decree_no: Mapped[str]
    from_on: Mapped[date]
    to_on: Mapped[date]


class Absence(WithId, Base):
    __tablename__ = "absence"
    __table_args__ = (UniqueConstraint("person_id", "kind", "from_on"),)

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    kind: Mapped[AbsenceKind]
    from_on: Mapped[date]
    to_on: Mapped[date]


class RosterImport(WithId, Base):
    """One file taken in: the same file again is recognised by its hash and changes nothing."""

    __tablename__ = "roster_import"

    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    sha256: Mapped[str] = mapped_column(String(64))
    file_name: Mapped[str]
    as_of: Mapped[date]
    at: Mapped[datetime]
    counts: Mapped[str] = mapped_column(default="{}")
    problems: Mapped[str] = mapped_column(default="[]")
