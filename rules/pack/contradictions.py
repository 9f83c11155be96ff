"""What in a judgement contradicts itself: said before it is final, to be thought over. Nothing is changed by it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from rules.pack.numeric import Measured, ScoreRefused, percent
from rules.terms import BehaviorValue, Rating

SHORT_WORDS = 3
SHORT_LETTERS = 10
_SIDE = {Rating.ABOVE: 1, Rating.MEETS: 0, Rating.BELOW: -1}


@dataclass(frozen=True, slots=True)
class Doubt:
    """A warning: its code, the place in the form that it is about, and what its sentence needs."""

    code: str
    place: str
    details: Mapping[str, int | str] = field(default_factory=dict)


def of_behavior(overall: Rating | None, values: Mapping[BehaviorValue, Rating]) -> list[Doubt]:
    """The rating of the behaviour against the seven values that it sums up.

    It contradicts them if nothing points its way, or more values point the other way than its own; "as expected"
    does if most values lie on one side. The rule is the same upwards and downwards.
    """
    if overall is None or not values:
        return []
    sides = [_SIDE[seen] for seen in values.values()]
    above, below = sides.count(1), sides.count(-1)
    own, against = (above, below) if _SIDE[overall] > 0 else (below, above)
    one_sided = 2 * max(above, below) > len(sides)
    if not (not own or against > own if _SIDE[overall] else one_sided):
        return []
    counts = {"above": above, "meets": len(sides) - above - below, "below": below}
    return [Doubt(f"behavior_{overall.value}", "behavior_rating", counts)]


def of_result(overall: Rating | None, reached: Sequence[Fraction]) -> list[Doubt]:
    """The rating of the results against the share of each main target that was reached, in percent."""
    if overall is None or not reached:
        return []
    short = sum(share < 100 for share in reached)
    contradicts = short == len(reached) if overall is Rating.ABOVE else overall is Rating.BELOW and not short
    counts = {"short": short, "all": len(reached)}
    return [Doubt(f"result_{overall.value}", "result_rating", counts)] if contradicts else []


def shares(indicators: Iterable[Measured]) -> list[Fraction]:
    """Percent of each target that was reached; without what cannot be measured."""
    found = []
    for one in indicators:
        try:
            found.append(percent(one))
        except (ScoreRefused, ValueError, ArithmeticError):
            continue
    return found


def of_text(name: str, text: str | None) -> list[Doubt]:
    """Words that somebody else has to learn from: fewer than three, or hardly any letters, say nothing."""
    words = (text or "").split()
    letters = sum(sign.isalnum() for sign in text or "")
    if len(words) >= SHORT_WORDS and letters >= SHORT_LETTERS:
        return []
    return [Doubt("short_text", name, {"text": (text or "").strip()[:40]})]


def unused(fields: Mapping[str, object], choice: str) -> list[Doubt]:
    """What was filled in although the choice makes nothing of it."""
    return [Doubt("unused", name, {"choice": choice}) for name, value in fields.items() if value]
