"""Links into desks, the short sessions they open, and the codes for weightier acts; nothing here is secret."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.agency import Person
from models.base import Base, BigId, WithId
from models.cycle import Stage
from rules.terms import Door, LinkState


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


class Knock(WithId, Base):
    """Somebody asks to be let in. Whom that concerns is looked up later, so that the answer takes as long for all."""

    __tablename__ = "knock"

    door: Mapped[Door] = mapped_column(default=Door.CONSOLE)
    said: Mapped[str] = mapped_column(String(254), default="")
    """The address or NIP that was typed; empty again once it was looked up."""
    browser_sha256: Mapped[str] = mapped_column(String(64), index=True)
    """Of the secret in the cookie of the browser that asked: only there does the code of the letter count."""
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None]


class SigninCode(WithId, Base):
    """The code with which one person may answer a knock; the digits are derived from the master secret."""

    __tablename__ = "signin_code"

    knock_id: Mapped[int] = mapped_column(ForeignKey("knock.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    salt: Mapped[str] = mapped_column(String(32))
    code_hmac: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]
    same_as_id: Mapped[int | None] = mapped_column(ForeignKey("signin_code.id"))
    """The code that was mailed, where this knock was answered with the letter of another one."""
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
    confirmed_at: Mapped[datetime | None]
    """When one was last entered for a weighty act in the console, to which it counts for a while."""


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
    same_as_id: Mapped[int | None] = mapped_column(BigId)
    """The code that was mailed, where this session was answered with the letter of another one."""


class Throttle(Base):
    """Counts of a kind of event for a subject in a window of time, shared by all processes."""

    __tablename__ = "throttle"

    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    window_start: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(default=0)
