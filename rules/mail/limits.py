"""How fast letters may leave: limits as people write them, the buckets they become, and how long a wave will take."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from rules.refused import Refused

SLOWEST = 1 / 64
"""The least share of a rate that is left after being told to slow down again and again."""
RECOVERY_SECONDS = 300.0
"""A rate that was cut to nothing would be whole again after so long; half of it takes half as long."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0
"""Seconds without trying a relay that cannot be reached: the first time, and at most."""
GUESSED_PER_SECOND = 100.0
"""What one machine with a local relay surely does; for estimates where no limit is set."""

_UNITS = {"s": 1, "sec": 1, "second": 1, "min": 60, "minute": 60, "h": 3600, "hour": 3600, "d": 86400, "day": 86400}
_LIMIT = re.compile(r"(\d{1,9})\s*/\s*([a-z]+)", re.ASCII)


class LimitRefused(Refused):
    """The limit or its scope cannot be read; the message says how it is written."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `amount` letters in any `seconds`, wherever that window begins."""

    amount: int
    seconds: int

    @property
    def burst(self) -> int:
        """How many may go at once after a rest: little for short windows, half of a quota of an hour or a day."""
        if self.seconds >= 3600:
            return max(1, self.amount // 2)
        return max(1, self.amount // (10 * self.seconds))

    @property
    def per_second(self) -> float:
        """The refill that, together with the burst, never exceeds the amount in any window (closed on one side)."""
        return (self.amount - self.burst + 1) / self.seconds

    @classmethod
    def parse(cls, text: str) -> "Limit":
        """Read `50/s`, `30/min`, `500/h` or `10000/day`."""
        found = _LIMIT.fullmatch(text.strip().lower())
        if not found or found[2] not in _UNITS or int(found[1]) < 1:
            raise LimitRefused(f"{text!r} is no limit: write 50/s, 30/min, 500/h or 10000/day, or none")
        return cls(int(found[1]), _UNITS[found[2]])


def check_scope(text: str) -> str:
    """Return the scope in the form that is stored: `relay`, `relay:<name>` (a second limit) or `domain:<name>`."""
    scope = text.strip().lower()
    if scope == "relay" or re.fullmatch(r"relay:[a-z0-9-]{1,40}|domain:[a-z0-9.-]{3,255}", scope, re.ASCII):
        return scope
    raise LimitRefused(f"{text!r} is no scope: write relay, relay:day (a second limit) or domain:gmail.com")


def longest_wait(failures: int) -> float:
    """Most seconds to leave an unreachable relay alone after so many failures in a row; wait a random part of it."""
    return min(FIRST_WAIT * 2 ** min(failures, 30), LONGEST_WAIT)


def seconds_for(letters: int, rates: Iterable[tuple[float, float]]) -> float:
    """How long so many letters take through all buckets of (tokens now, refill per second); inf if one is shut."""
    longest = letters / GUESSED_PER_SECOND
    for tokens, per_second in rates:
        waiting = letters - tokens
        if waiting > 0:
            longest = max(longest, waiting / per_second if per_second > 0 else math.inf)
    return longest


def about(seconds: float) -> str:
    """`about 3 h 20 min`: as precise as an estimate deserves."""
    if math.isinf(seconds):
        return "never: a limit lets nothing through"
    if seconds < 60:
        return f"about {max(1, math.ceil(seconds))} s"
    minutes = math.ceil(seconds / 60)
    if minutes < 60:
        return f"about {minutes} min"
    hours, minutes = divmod(math.ceil(minutes / 10) * 10, 60)
    if hours < 48:
        return f"about {hours} h {minutes} min" if minutes else f"about {hours} h"
    return f"about {math.ceil(hours / 24)} days"


def again_after_death(attempts: int) -> timedelta:
    """When to try a letter again whose process died before the dot: soon, but one that kills processes ever later."""
    return timedelta(0) if attempts <= 2 else timedelta(minutes=min(4 ** (attempts - 2), 60))
