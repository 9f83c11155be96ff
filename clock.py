"""now(): the system's clock, or the virtual clock of a simulated year."""

from datetime import UTC, datetime

from sqlalchemy import text

import database


class ClockRefused(Exception):
    """A production database lives in real time."""


def now() -> datetime:
    """The instant to act at, aware, in UTC; read at the edges only and handed down."""
    db = database.current()
    return _virtual(db) if db.simulated else datetime.now(UTC)


def move_to(at: datetime) -> None:
    """Set the virtual clock; refused outside a simulation and backwards."""
    db = database.current()
    if not db.simulated:
        raise ClockRefused("This database is not a simulation: its clock cannot be moved.")
    if at < _virtual(db):
        raise ClockRefused("The virtual clock only moves forward.")
    with db.transaction() as session:
        session.execute(text("UPDATE installation SET virtual_now = :at"), {"at": at.astimezone(UTC).isoformat()})


def _virtual(db: database.Database) -> datetime:
    with db.reading() as session:
        return datetime.fromisoformat(session.execute(text("SELECT virtual_now FROM installation")).scalar_one())
