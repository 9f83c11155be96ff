"""The append-only, hash-chained record of everything that changed."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, WithId


class Chain(WithId, Base):
    """The head of one chain: an agency's. Locked while an entry is added."""

    __tablename__ = "chain"

    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), unique=True)
    length: Mapped[int] = mapped_column(default=0)
    head: Mapped[str] = mapped_column(String(64))


class TrailEntry(WithId, Base):
    """One change. The chained event names ids only; what was said is committed to by a salted hash beside it."""

    __tablename__ = "trail_entry"
    __table_args__ = (UniqueConstraint("chain_id", "seq"),)

    chain_id: Mapped[int] = mapped_column(ForeignKey("chain.id"))
    seq: Mapped[int]
    event: Mapped[str]
    """Canonical JSON of seq, type, at, actor, mandate, subject and the commitment."""
    type: Mapped[str] = mapped_column(String(60), index=True)
    subject: Mapped[str] = mapped_column(String(60), index=True)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    """None: the clock, under the policy pack."""
    mandate_id: Mapped[int | None] = mapped_column(ForeignKey("acting_mandate.id"))
    at: Mapped[datetime]
    content: Mapped[dict[str, Any] | None]
    """`before`, `after`, `why`; None once personal data was erased, the chain holds without it."""
    salt: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    prev: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class Checkpoint(WithId, Base):
    """The head of a chain at a gate or a day, to be held by outsiders."""

    __tablename__ = "checkpoint"
    __table_args__ = (UniqueConstraint("chain_id", "length"),)

    chain_id: Mapped[int] = mapped_column(ForeignKey("chain.id"))
    length: Mapped[int]
    head: Mapped[str] = mapped_column(String(64))
    occasion: Mapped[str] = mapped_column(String(60))
    at: Mapped[datetime]
