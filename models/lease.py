"""Who is at work: a sign of life that a run renews, and that whoever comes later can read."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class Lease(Base):
    """One piece of work that is done by one run at a time; the row goes when the run has ended."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    holder: Mapped[str] = mapped_column(String(60))
    """The id of the flow run."""
    token: Mapped[str] = mapped_column(String(32))
    """New each time it is taken: who has another one has lost it."""
    until: Mapped[datetime]
    """By the database's clock; the holder is taken for dead from then on."""
