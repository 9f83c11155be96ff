"""An agency's calendar: its zone, the national holidays and its own."""

import json
from datetime import date, datetime
from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Agency, Holiday
from rules.time.calendar import Calendar, national_calendar


def calendar_of(session: Session, agency: Agency, at: datetime) -> Calendar:
    """The calendar for the years around `at`."""
    own = session.execute(select(Holiday.on, Holiday.name).filter_by(agency_id=agency.id).order_by(Holiday.on)).all()
    return _calendar(agency.zone, at.year, json.dumps([(on.isoformat(), name) for on, name in own]))


@lru_cache(maxsize=64)
def _calendar(zone: str, year: int, own: str) -> Calendar:
    extra = {date.fromisoformat(on): name for on, name in json.loads(own)}
    return national_calendar(zone, range(year - 1, year + 3), extra)
