"""Has somebody worked long enough under a rater to be judged by them?"""

from collections.abc import Iterable
from datetime import date, timedelta

from rules.pack.pack import Pack

Span = tuple[date, date | None]
"""From a day to a day, both included; None goes on."""


def days_served(spans: Iterable[Span], year: int, absences: Iterable[Span] = ()) -> int:
    """Count the different days of a year in `spans` and in no absence; spans that overlap count once."""
    return len(_days(spans, year) - _days(absences, year))


def ratable(pack: Pack, spans: Iterable[Span], year: int, absences: Iterable[Span] = ()) -> bool:
    """Whether the days under a rater reach the pack's minimum; if not, the case is not ratable, never rated at zero."""
    return days_served(spans, year, absences) >= pack.min_rating_days


def _days(spans: Iterable[Span], year: int) -> set[date]:
    found: set[date] = set()
    for start, end in spans:
        first, last = max(start, date(year, 1, 1)), min(end or date.max, date(year, 12, 31))
        found.update(first + timedelta(days=n) for n in range((last - first).days + 1))
    return found
