"""What follows a stage whose end moves: later stages go along, so that none is starved of the time that it needs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from rules.terms import StageKind
from rules.time.calendar import DAY

FOLLOWED_BY: Mapping[StageKind, tuple[StageKind, ...]] = {
    StageKind.TARGET_SETTING: (StageKind.MID_YEAR_REVIEW,),
    StageKind.MID_YEAR_REVIEW: (StageKind.SUPERVISOR_SCORING,),
    StageKind.SUPERVISOR_SCORING: (StageKind.OBJECTION_HANDLING, StageKind.AUDIT_SAMPLING),
    StageKind.OBJECTION_HANDLING: (StageKind.FINALIZATION,),
    StageKind.AUDIT_SAMPLING: (StageKind.FINALIZATION,),
    StageKind.FINALIZATION: (),
}
WAITS = frozenset({StageKind.OBJECTION_HANDLING, StageKind.AUDIT_SAMPLING, StageKind.FINALIZATION})
"""Stages that cannot open before the one ahead of them is through, whatever their dates say."""
FARTHEST = 7
"""So many days of the distance between two stages are kept when the later one moves."""


@dataclass(frozen=True, slots=True)
class Dates:
    """A stage's days, as its agency counts them; the last is included."""

    opens: date
    due: date
    closes: date
    begun: bool = False
    """It has opened: only its end can move."""
    over: bool = False
    """It is closed, or was never held: nothing of it moves."""

    @property
    def days(self) -> int:
        return (self.closes - self.opens).days + 1

    def needed(self, least: int) -> int:
        """A stage that was planned shorter than the least length needs what it was planned with."""
        return max(1, min(least, self.days))

    def later(self, by: timedelta) -> "Dates":
        opens = self.opens if self.begun else self.opens + by
        return replace(self, opens=opens, due=self.due + by, closes=self.closes + by)


@dataclass(frozen=True, slots=True)
class Starved:
    """A stage that would be left with fewer days than it needs."""

    kind: StageKind
    left: int
    needed: int


def follow(
    stages: Mapping[StageKind, Dates], moved: StageKind, was: date, ends: date, least: Mapping[StageKind, int], *,
    whole: bool,
) -> dict[StageKind, Dates]:  # fmt: skip
    """The later stages with their new dates, those only that move, when `moved` ends on `ends` instead of on `was`.

    With `whole` each keeps its length and its distance to the one before; when only a unit or a person has more time,
    the others keep their dates but for what a later stage needs at the least.
    """
    found: dict[StageKind, Dates] = {}
    last = {moved: (was, ends)}
    for kind in StageKind:
        ahead = [last[before] for before, after in FOLLOWED_BY.items() if kind in after and before in last]
        dates = stages.get(kind)
        if kind is moved or dates is None or dates.over or not ahead:
            continue
        old_end, new_end = max(end for end, _ in ahead), max(end for _, end in ahead)
        new = _pushed(dates, old_end, new_end) if whole else _stretched(kind, dates, new_end, least.get(kind, 1))
        if new != dates:
            found[kind], last[kind] = new, (dates.closes, new.closes)
    return found


def _pushed(dates: Dates, old_end: date, new_end: date) -> Dates:
    if dates.opens > new_end:
        return dates
    distance = min(max((dates.opens - old_end).days, 1), FARTHEST)
    return dates.later(max(new_end + distance * DAY - max(dates.opens, old_end + DAY), timedelta(0)))


def _stretched(kind: StageKind, dates: Dates, new_end: date, least: int) -> Dates:
    if dates.opens > new_end or kind not in WAITS:
        return dates
    lacking = max(dates.needed(least) - (dates.closes - new_end).days, 0) * DAY
    return replace(dates, opens=dates.opens if dates.begun else new_end + DAY, due=_due(dates, new_end, lacking),
                   closes=dates.closes + lacking)  # fmt: skip


def _due(dates: Dates, new_end: date, lacking: timedelta) -> date:
    """Within the stage, and after the day on which it can open."""
    return min(max(dates.due + lacking, new_end + 2 * DAY), dates.closes + lacking)


def starved(
    stages: Mapping[StageKind, Dates], moved: StageKind, ends: date, least: Mapping[StageKind, int]
) -> list[Starved]:
    """The stages right after `moved` that would fall short if it ended on `ends` and they kept their dates."""
    found = []
    for kind in FOLLOWED_BY[moved]:
        if (dates := stages.get(kind)) is None or dates.over or dates.opens > ends:
            continue
        left, needed = max((dates.closes - ends).days, 0), dates.needed(least.get(kind, 1))
        if left < needed:
            found.append(Starved(kind, left, needed))
    return found


def lacking(opens: date, closes: date, opened: date, least: int) -> int:
    """How many days a stage that opened on `opened` has less than it needs; 0 for one that has them."""
    needed = Dates(opens, closes, closes).needed(least)
    return max(needed - ((closes - max(opens, opened)).days + 1), 0)
