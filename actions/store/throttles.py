"""Limits that hold across processes and machines: a count per key and window of time in the database."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from actions.store.bulk import insert_new
from models import Throttle

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def _window(at: datetime, length: timedelta) -> datetime:
    seconds = int(length.total_seconds())
    return datetime.fromtimestamp(int(at.timestamp()) // seconds * seconds, UTC)


def seconds_left(length: timedelta, *, at: datetime) -> int:
    """Until the window of `at` is over and counting begins anew."""
    return max(1, int((_window(at, length) + length - at).total_seconds()) + 1)


def used_up(session: Session, key: str, limit: int, length: timedelta, *, at: datetime) -> bool:
    """Whether the window of `at` is full; only reads, so that a flood costs no writes."""
    query = select(Throttle.count).filter_by(key=key, window_start=_window(at, length))
    return (session.scalar(query) or 0) >= limit


def take(session: Session, key: str, limit: int, length: timedelta, *, at: datetime) -> int:
    """Count one event of `key` in the fixed window of `at`: which one it was, or 0, not counted, if it is full."""
    start = _window(at, length)
    insert_new(session, Throttle, [{"key": key, "window_start": start, "count": 0}])
    counted = update(Throttle).where(Throttle.key == key, Throttle.window_start == start, Throttle.count < limit)
    counted = counted.values(count=Throttle.count + 1).returning(Throttle.count)
    return session.connection().execute(counted).scalar_one_or_none() or 0


def forget(session: Session, *, at: datetime) -> int:
    """Delete windows that ended more than a day ago; returns how many."""
    return session.connection().execute(delete(Throttle).where(Throttle.window_start < at - 2 * DAY)).rowcount
