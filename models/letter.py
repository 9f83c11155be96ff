"""The outbox: every mail owed to a person, its fate, and what the mail servers said."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, WithId
from rules.terms import Lane, LetterState, Locale, SmtpPhase

WAITING_SQL = "state IN ('queued', 'deferred')"
"""Repeated word by word in queries: SQLite takes a partial index only for a condition that it recognises."""
IN_DOUBT_SQL = "state IN ('sending', 'ambiguous')"
_WAITING, _IN_DOUBT = text(WAITING_SQL), text(IN_DOUBT_SQL)


class Wave(WithId, Base):
    """Letters that go out together: one step of a stage, counted before and after."""

    __tablename__ = "wave"

    key: Mapped[str] = mapped_column(String(80), unique=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"), index=True)
    stage_id: Mapped[int | None] = mapped_column(ForeignKey("stage.id"))
    planned: Mapped[int] = mapped_column(default=0)
    expected: Mapped[int] = mapped_column(default=0)
    """How many it will have, as far as could be told when its first letter was queued."""
    made_at: Mapped[datetime]
    paused_at: Mapped[datetime | None]
    paused_reason: Mapped[str] = mapped_column(default="")
    awaits_release: Mapped[bool] = mapped_column(default=False)
    """So large that a second person must let it go."""
    released_at: Mapped[datetime | None]
    released_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    canary: Mapped[int | None]
    """How many letters still go out before the wait; None: no wait."""
    canary_until: Mapped[datetime | None]
    """The rest goes out after this."""


class Letter(WithId, Base):
    __tablename__ = "letter"
    __table_args__ = (
        Index("ix_letter_waiting", "lane", "wave_id", "next_at", "id", "domain", sqlite_where=_WAITING,
              postgresql_where=_WAITING),
        Index("ix_letter_in_doubt", "state", "domain", sqlite_where=_IN_DOUBT, postgresql_where=_IN_DOUBT),
        Index(None, "wave_id", "state"),
        Index(None, "person_id"),
    )  # fmt: skip

    key: Mapped[str] = mapped_column(String(120), unique=True)
    """`<kind>:<what>:<occasion>`, from rules and never from the clock: the second time is the same letter."""
    kind: Mapped[str] = mapped_column(String(40))
    lane: Mapped[Lane]
    wave_id: Mapped[int | None] = mapped_column(ForeignKey("wave.id"))
    cycle_id: Mapped[int | None] = mapped_column(ForeignKey("cycle.id"), index=True)
    stage_id: Mapped[int | None] = mapped_column(ForeignKey("stage.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    link_id: Mapped[int | None] = mapped_column(BigInteger)
    code_id: Mapped[int | None] = mapped_column(ForeignKey("step_code.id"))
    locale: Mapped[Locale]
    facts: Mapped[dict[str, Any]]
    """What the template needs and is not secret."""
    address: Mapped[str]
    domain: Mapped[str] = mapped_column(String(255))
    message_id: Mapped[str] = mapped_column(String(120), unique=True)
    in_reply_to: Mapped[str | None] = mapped_column(String(120))
    state: Mapped[LetterState] = mapped_column(default=LetterState.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    """Claims; with lease_owner it fences every later write."""
    charged: Mapped[int] = mapped_column(default=0)
    """Attempts that were the letter's own fault: they decide the next delay."""
    bugs: Mapped[int] = mapped_column(default=0)
    """Attempts that failed on our own side: after a few a person has to look."""
    ambiguities: Mapped[int] = mapped_column(default=0)
    """While it is 0 no copy can be out, so a changed address still counts."""
    queued_at: Mapped[datetime]
    next_at: Mapped[datetime]
    not_after: Mapped[datetime | None]
    lease_owner: Mapped[str | None] = mapped_column(String(60))
    lease_until: Mapped[datetime | None]
    first_tried_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    reply_code: Mapped[int | None]
    reply: Mapped[str] = mapped_column(default="")
    content_sha256: Mapped[str | None] = mapped_column(String(64))


class MailAttempt(WithId, Base):
    """One try to hand a letter over; append only, but for how it ended."""

    __tablename__ = "mail_attempt"
    __table_args__ = (UniqueConstraint("letter_id", "number", "owner"),)

    letter_id: Mapped[int] = mapped_column(ForeignKey("letter.id"))
    number: Mapped[int]
    """Of the claim; a crash may undo one, and then the next has the same."""
    owner: Mapped[str] = mapped_column(String(60))
    begun_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    phase: Mapped[SmtpPhase | None]
    """How far it got; DOT is committed before the dot goes out, so a dead process leaves no doubt below it."""
    code: Mapped[int | None]
    reply: Mapped[str] = mapped_column(default="")
    content_sha256: Mapped[str | None] = mapped_column(String(64))
    outcome: Mapped[LetterState | None]


class MailEvent(WithId, Base):
    """What came back later: bounces, delays, complaints; append only, each once."""

    __tablename__ = "mail_event"
    __table_args__ = (UniqueConstraint("source", "event_id"),)

    source: Mapped[str] = mapped_column(String(40))
    event_id: Mapped[str] = mapped_column(String(200))
    letter_id: Mapped[int | None] = mapped_column(ForeignKey("letter.id"), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    status: Mapped[str] = mapped_column(String(20), default="")
    diagnostic: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime]


class MailSwitch(Base):
    """One row: whether delivery is stopped for everybody, and why; what dispatchers of all machines obey."""

    __tablename__ = "mail_switch"

    id: Mapped[int] = mapped_column(primary_key=True)
    paused_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(default="")
    identity: Mapped[str] = mapped_column(String(32), default="")
    """Random, made with the database: what a mark kept outside of it is about."""
    beats: Mapped[int] = mapped_column(default=0)
    """Only ever grows; a mark outside that is higher means the database was set back."""
    beat_at: Mapped[datetime | None]
    """When a dispatcher last was at work, by the database's clock."""
    marked: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether a mark outside the home was ever made: from then on a machine that has none is a new one."""
    generation: Mapped[int] = mapped_column(default=1, server_default="1")
    """One more with each restore that was said to be one."""
    restored_at: Mapped[datetime | None]
    """When this database was last set back, as far as it is known."""


class Bucket(Base):
    """A limit shared by all dispatchers: of the relay (`relay`, `relay:day`) or a recipient domain (`domain:<name>`).

    Times are seconds since 1970 by the database's clock.
    """

    __tablename__ = "bucket"

    scope: Mapped[str] = mapped_column(String(270), primary_key=True)
    words: Mapped[str] = mapped_column(String(40), default="")
    """The limit as it was set, such as `50/s`; empty: none."""
    per_second: Mapped[float | None]
    learned: Mapped[float | None]
    """Where no limit was set, the rate at which the server asked for less."""
    factor: Mapped[float] = mapped_column(default=1.0)
    """The share of the rate in force: halved when told to slow down, grows back slowly."""
    burst: Mapped[float] = mapped_column(default=1.0)
    tokens: Mapped[float] = mapped_column(default=0.0)
    taken: Mapped[int] = mapped_column(default=0)
    """What the last take got."""
    refilled: Mapped[float] = mapped_column(default=0.0)
    slowed: Mapped[float] = mapped_column(default=0.0)
    max_connections: Mapped[int | None]
    """Letters under way at once, over all dispatchers."""
    failures: Mapped[int] = mapped_column(default=0)
    """Times in a row that the relay could not be reached."""
    down_until: Mapped[float] = mapped_column(default=0.0)
    down_since: Mapped[float | None]
    """When the relay was first found not to answer; None while it does."""
    down_reason: Mapped[str] = mapped_column(String(200), default="", server_default="")
