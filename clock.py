"""now(): the system's clock, or the virtual clock of a simulated year.

Several machines have one database, so its clock is right: a machine whose own differs goes by the database's, and a
wrong clock neither opens a stage early nor lets a letter expire.
"""

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

import database
from rules.refused import Refused

TRUSTED = timedelta(seconds=5)
"""So much may a machine's clock differ."""
ASK_AGAIN, ASK_DOUBTFUL = 60.0, 1.0
"""Seconds after which the database is asked for the time, and once it is in doubt."""

log = logging.getLogger(__name__)


class ClockRefused(Refused):
    """A production database lives in real time."""


def now() -> datetime:
    """The instant to act at, aware, in UTC; read at the edges only and handed down."""
    db = database.current()
    if db.simulated:
        return _virtual(db)
    return datetime.now(UTC) if db.is_sqlite else _agreed(db, datetime.now(UTC))


def move_to(at: datetime) -> None:
    """Set the virtual clock; refused outside a simulation and backwards."""
    db = database.current()
    if not db.simulated:
        raise ClockRefused("This database is not a simulation: its clock cannot be moved.")
    if at < _virtual(db):
        raise ClockRefused("The virtual clock only moves forward.")
    with db.transaction() as session:
        session.execute(text("UPDATE installation SET virtual_now = :at"), {"at": at.astimezone(UTC).isoformat()})


@dataclass(slots=True)
class _Told:
    """What a database said of the time, and when by the monotonic clock, which nobody sets."""

    db: database.Database
    asked: float
    at: datetime | None

    def now(self, own: datetime) -> datetime:
        """Its time now, or `own` where that is near enough or nothing better is known."""
        if self.at is None:
            return own
        theirs = self.at + timedelta(seconds=time.monotonic() - self.asked)
        return own if abs(own - theirs) <= TRUSTED else theirs


_told: list[_Told] = []


def _agreed(db: database.Database, own: datetime) -> datetime:
    told = _told[0] if _told and _told[0].db is db else None
    passed = time.monotonic() - told.asked if told else ASK_AGAIN
    if told is None or passed >= ASK_AGAIN or (passed >= ASK_DOUBTFUL and told.now(own) is not own):
        told = _Told(db, time.monotonic(), _ask(db) or (told.now(own) if told else None))
        if told.now(own) is not own:
            log.warning(
                "this machine's clock is off by %.0f s: the database's is used", (own - told.now(own)).total_seconds()
            )
        _told[:] = [told]
    return told.now(own)


def _ask(db: database.Database) -> datetime | None:
    """The database's clock; None while it does not answer."""
    try:
        with db.reading() as session:
            return session.execute(text("SELECT clock_timestamp()")).scalar_one().astimezone(UTC)
    except database.AWAY:
        return None


def _virtual(db: database.Database) -> datetime:
    with db.reading() as session:
        return datetime.fromisoformat(session.execute(text("SELECT virtual_now FROM installation")).scalar_one())
