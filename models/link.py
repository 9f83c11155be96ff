"""Links into desks, the short sessions they open, and the codes for weightier acts; nothing here is secret."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.agency import Person
from models.base import Base, WithId
from models.cycle import Stage
from rules.words import LinkState


class ActionLink(Base):
    """Lets one person into one desk: one stage of one cycle. A new generation ends the old one."""

    __tablename__ = "action_link"
    __table_args__ = (
        UniqueConstraint("person_id", "stage_id", "generation"),
        Index("uq_action_link_active", "person_id", "stage_id", unique=True, sqlite_where=text("state = 'active'"),
              postgresql_where=text("state = 'active'")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """63 random bits: no link can be guessed from another."""
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    stage_id: Mapped[int] = mapped_column(ForeignKey("stage.id"), index=True)
    generation: Mapped[int] = mapped_column(default=1)
    kid: Mapped[int]
    state: Mapped[LinkState] = mapped_column(default=LinkState.ACTIVE)
    made_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_reason: Mapped[str] = mapped_column(default="")

    person: Mapped[Person] = relationship(lazy="raise")
    stage: Mapped[Stage] = relationship(lazy="raise")


class SigninLink(Base):
    """A mailed way into the HR console: short-lived, spent by the first POST."""

    __tablename__ = "signin_link"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class WebSession(WithId, Base):
    __tablename__ = "web_session"

    secret_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    link_id: Mapped[int | None] = mapped_column(ForeignKey("action_link.id"), index=True)
    """None for the HR console."""
    begun_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    proven_at: Mapped[datetime | None]
    """When a mailed code was entered in this session."""


class StepCode(WithId, Base):
    """One outstanding code of a session; the digits are derived from the master secret and are not stored."""

    __tablename__ = "step_code"

    session_id: Mapped[int] = mapped_column(ForeignKey("web_session.id"), index=True)
    salt: Mapped[str] = mapped_column(String(32))
    code_hmac: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None]


class Throttle(Base):
    """Counts of a kind of event for a subject in a window of time, shared by all processes."""

    __tablename__ = "throttle"

    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    window_start: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(default=0)
