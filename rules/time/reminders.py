"""Which reminder is owed: an answer that is the same however often it is asked, and makes a missed run good."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from rules.pack.pack import Escalation
from rules.terms import Role
from rules.time.calendar import Calendar


@dataclass(frozen=True, slots=True, order=True)
class Occasion:
    """A reminder day; part of the letter's key, so that nobody is reminded twice of it."""

    on: date
    offset: int
    """Days before (negative) or after the due day, before it was moved to a working day."""
    escalates_to: Role | None = None
    """Who is told beside the person; OBJECTION_AUTHORITY is the rater's superior."""

    @property
    def key(self) -> str:
        return self.on.isoformat()


def occasions(
    due_on: date, offsets: Iterable[int], calendar: Calendar, escalation: Iterable[Escalation] = ()
) -> list[Occasion]:
    """All reminder days of one due day, at most one a day: what is owed before and more urgent wins.

    Reminders up to the due day move back to a working day, so that none comes too late to act on;
    those after it move forward, so that nobody is called late too early.
    """
    rungs = {rung.offset: rung.role for rung in escalation}
    by_day: dict[date, Occasion] = {}
    for offset in sorted(offsets):
        day = due_on + timedelta(days=offset)
        on = calendar.previous_working_day(day) if offset <= 0 else calendar.next_working_day(day)
        by_day[on] = Occasion(on, offset, rungs.get(offset))
    return [by_day[on] for on in sorted(by_day)]


def reminder_owed(
    due_on: date,
    today: date,
    offsets: Iterable[int],
    calendar: Calendar,
    *,
    escalation: Iterable[Escalation] = (),
    since: date | None = None,
) -> Occasion | None:
    """The latest reminder day up to `today`; None on a day off, which owes nobody a letter.

    `since`: the day of the invitation; reminder days up to it are not made good.
    """
    if not calendar.is_working_day(today):
        return None
    passed = [one for one in occasions(due_on, offsets, calendar, escalation)
              if one.on <= today and (since is None or one.on > since)]  # fmt: skip
    return passed[-1] if passed else None


def digest_of(owed: Iterable[Occasion | None]) -> Occasion | None:
    """The one occasion of a person who owes several things: the latest, and of one day the most urgent."""
    return max((one for one in owed if one is not None), key=lambda one: (one.on, one.offset), default=None)
