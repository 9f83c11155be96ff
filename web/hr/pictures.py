"""Numbers of a picture: where each stage lies in the year, and how much of it is done. The templates draw them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from actions.cycle.progress import StageProgress, Tally

WIDE = 1000


@dataclass(frozen=True, slots=True)
class Track:
    """One stage on a scale of 0 to 1000: from the first opening to the last close of the cycle."""

    one: StageProgress
    x: int
    width: int
    done: int
    late: int
    share: tuple[int, int]
    """The same two parts of a bar of 100."""
    today: int | None
    """None outside the cycle's time."""


def tracks(stages: Sequence[StageProgress], at: datetime) -> list[Track]:
    first, last = min(one.opens_at for one in stages), max(one.closes_at for one in stages)

    def scaled(moment: datetime) -> int:
        return round((moment - first) / (last - first) * WIDE)

    today = scaled(at) if first <= at <= last else None
    found = []
    for one in stages:
        x = scaled(one.opens_at)
        width = max(scaled(one.closes_at) - x, 12)
        done, late = parts(one.tally, width)
        found.append(Track(one, x, width, done, late, parts(one.tally), today))
    return found


def parts(tally: Tally, width: int = 100) -> tuple[int, int]:
    """How long the done and the late part of a bar are; what is not nothing is seen, what is not all is not full."""
    if not tally.expected:
        return 0, 0
    late = _share(tally.overdue, tally.expected, width)
    if tally.done + tally.overdue >= tally.expected:
        return width - late, late
    return min(_share(tally.done, tally.expected, width), width - late), late


def _share(part: int, whole: int, width: int) -> int:
    least = 1 if part else 0
    most = width if part >= whole else width - 1
    return min(max(part * width // whole, least), most)
