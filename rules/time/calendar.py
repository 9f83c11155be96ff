"""Days of one agency: its zone, its days off, and clocks that count from the day after until 23:59:59."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from rules.terms import DayKind

DAY = timedelta(days=1)
LAST_SECOND = time(23, 59, 59)


@dataclass(frozen=True, slots=True)
class Pause:
    """Days, both included, on which a clock stands still: leave, outage, force majeure. It may be recorded later."""

    from_on: date
    to_on: date
    by: str
    document_no: str

    def __post_init__(self) -> None:
        if self.to_on < self.from_on:
            raise ValueError(f"a pause cannot end on {self.to_on}, before it begins on {self.from_on}")
        if not (self.by.strip() and self.document_no.strip()):
            raise ValueError("a pause needs somebody who ordered it and a document number")

    def covers(self, day: date) -> bool:
        return self.from_on <= day <= self.to_on


@dataclass(frozen=True, slots=True)
class Calendar:
    zone: str
    """IANA name, for instance Asia/Makassar (WITA)."""
    holidays: Mapping[date, str] = field(default_factory=dict, hash=False)
    years: frozenset[int] = frozenset()
    """Years whose holidays are known; outside them only weekends are days off."""
    weekend: frozenset[int] = frozenset({5, 6})
    """0 is Monday."""

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.zone)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{self.zone!r} is no time zone; Indonesia has Asia/Jakarta, Asia/Pontianak,"
                             " Asia/Makassar and Asia/Jayapura") from None  # fmt: skip
        if self.weekend >= set(range(7)):
            raise ValueError("a week needs a working day")

    def covers(self, day: date) -> bool:
        return day.year in self.years

    def is_working_day(self, day: date) -> bool:
        return day.weekday() not in self.weekend and day not in self.holidays

    def next_working_day(self, day: date) -> date:
        """The day itself if it is one, else the first after it."""
        while not self.is_working_day(day):
            day += DAY
        return day

    def previous_working_day(self, day: date) -> date:
        """The day itself if it is one, else the last before it."""
        while not self.is_working_day(day):
            day -= DAY
        return day

    def add_working_days(self, day: date, days: int) -> date:
        """The last of `days` working days after `day`, which itself does not count; 0 is the day itself."""
        return self.add_days(day, days, DayKind.WORKING)

    def add_days(self, day: date, days: int, kind: DayKind, pauses: Iterable[Pause] = ()) -> date:
        """The last of `days` days after `day`; days of a pause do not count, nor, of working days, days off."""
        if days < 0:
            raise ValueError(f"a clock runs forward, not {days} days")
        stopped = tuple(pauses)
        while days:
            day += DAY
            counts = kind is DayKind.CALENDAR or self.is_working_day(day)
            days -= counts and not any(pause.covers(day) for pause in stopped)
        return day

    def local_date(self, at: datetime) -> date:
        """The day it is in the agency at an instant; a naive time is refused."""
        if at.tzinfo is None:
            raise ValueError(f"{at} has no time zone")
        return at.astimezone(ZoneInfo(self.zone)).date()

    def start_of_day(self, day: date) -> datetime:
        """00:00:00 in the agency, as UTC."""
        return datetime.combine(day, time.min, ZoneInfo(self.zone)).astimezone(UTC)

    def end_of_day(self, day: date) -> datetime:
        """23:59:59 in the agency, as UTC: what is shown and stored. Ask `in_time` whether something came in time.

        Where clocks go back at midnight, as in Santiago, that second comes twice, and the second one counts.
        """
        return datetime.combine(day, LAST_SECOND, ZoneInfo(self.zone)).replace(fold=1).astimezone(UTC)

    def last_day(self, receipt_at: datetime, days: int, kind: DayKind, pauses: Iterable[Pause] = ()) -> date:
        """Last day of a window that opens with a receipt; the day of receipt does not count (PP 30/2019 art. 59)."""
        return self.add_days(self.local_date(receipt_at), days, kind, pauses)

    def window_end(self, receipt_at: datetime, days: int, kind: DayKind, pauses: Iterable[Pause] = ()) -> datetime:
        return self.end_of_day(self.last_day(receipt_at, days, kind, pauses))

    def in_time(self, at: datetime, last_day: date) -> bool:
        """Whether an act falls on the last day or before, whole last second included."""
        return self.local_date(at) <= last_day

    def deemed_receipt(self, delivered_at: datetime, days: int) -> datetime:
        """When a result that nobody opened counts as received: at the end of the day so many days after delivery."""
        return self.end_of_day(self.add_days(self.local_date(delivered_at), days, DayKind.CALENDAR))


def national_calendar(zone: str, years: Iterable[int], extra: Mapping[date, str] | None = None) -> Calendar:
    """The national days off (public holidays and cuti bersama) and an agency's own.

    In `extra` an empty name makes a national day off a working day, for decrees that move one.
    """
    import holidays

    wanted = sorted(set(years))
    if not wanted:
        raise ValueError("a calendar needs at least one year")
    national = holidays.country_holidays("ID", years=wanted, expand=False, categories=("public", "government"),
                                         language="id")  # fmt: skip
    days = {**dict(national.items()), **(extra or {})}
    return Calendar(zone, {day: days[day] for day in sorted(days) if days[day]}, frozenset(wanted))
