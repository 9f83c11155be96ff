"""The numeric method (PP 30/2019, PermenPANRB 8/2021): achievement, means, weights, bands; exact throughout."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from rules.exact import Exact, exact, half_up, mean, shown
from rules.pack.pack import Band, Pack
from rules.refused import Refused
from rules.terms import ItemKind


class ScoreRefused(Refused, ValueError):
    """A number that no rule covers: outside the scale, no target to measure by, an unknown aspect."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One indicator with its target and what was reached, in the indicator's own unit."""

    text: str
    target: Exact
    actual: Exact | None
    """None: not reported, which is not 0."""
    lower_is_better: bool = False
    target_is_maximum: bool = False


@dataclass(frozen=True, slots=True)
class MeasuredItem:
    title: str
    kind: ItemKind
    indicators: tuple[Measured, ...]


def percent(indicator: Measured) -> Fraction:
    """Exact percent of the target. Where less is better (days, cost) it mirrors at 100, and never falls below 0."""
    if indicator.actual is None:
        raise ScoreRefused(f"{indicator.text!r}: nothing was reported")
    target, actual = exact(indicator.target), exact(indicator.actual)
    if target <= 0:
        raise ScoreRefused(f"{indicator.text!r}: the target must be more than 0, it is {indicator.target}")
    if actual < 0:
        raise ScoreRefused(f"{indicator.text!r}: less than nothing cannot be reached, not {indicator.actual}")
    return max(Fraction(0), 100 * (2 - actual / target)) if indicator.lower_is_better else 100 * actual / target


def percent_value(pack: Pack, reached: Exact, *, at_maximum: bool = False) -> Fraction:
    """The value of a percentage, which is first rounded, halves up, to whole percent as the table has no others.

    `at_maximum`: no more than 100 % can be attained; then 100 % itself, unrounded, earns the maximum.
    """
    if pack.achievement is None:
        raise ValueError(f"{pack.name} has no table of achievement")
    if at_maximum and exact(reached) >= 100:
        return exact(pack.achievement.at_maximum)
    whole = int(half_up(reached))
    row = next(row for row in pack.achievement.rows if row.first <= whole and (row.last is None or whole <= row.last))
    if row.last is None or row.last == row.first:
        return exact(row.low)
    return exact(row.low) + exact(row.high - row.low) * (whole - row.first) / (row.last - row.first)


def indicator_value(pack: Pack, indicator: Measured) -> Fraction:
    return percent_value(pack, percent(indicator), at_maximum=indicator.target_is_maximum)


def item_value(pack: Pack, item: MeasuredItem) -> Fraction:
    """The mean of the item's indicators; an item without any is refused."""
    if not item.indicators:
        raise ScoreRefused(f"{item.title!r} has no indicator")
    return mean([indicator_value(pack, indicator) for indicator in item.indicators])


def annual_skp(pack: Pack, items: Iterable[MeasuredItem]) -> Fraction:
    """The mean of the main items; additional ones are shown and add nothing."""
    values = [item_value(pack, item) for item in items if item.kind is ItemKind.MAIN]
    if not values:
        raise ScoreRefused("no main item to take the mean of")
    return mean(values)


def periodic_skp(action_plan: Sequence[Exact], main_items: Sequence[Exact]) -> Fraction:
    """Mean of the mean action-plan score and the mean of the main items that the period can measure (8/2021, annex)."""
    if not action_plan or not main_items:
        raise ScoreRefused("a periodic value needs scores of the action plan and of main items")
    return mean([mean([exact(value) for value in scores]) for scores in (action_plan, main_items)])


def behavior_mean(pack: Pack, aspects: Mapping[str, Exact]) -> Fraction:
    """The mean over the aspects; one for leaders only may be left out, an unknown or missing one is refused."""
    known = {aspect.key: aspect for aspect in pack.behavior_aspects}
    if strange := sorted(set(aspects) - set(known)):
        raise ScoreRefused(f"unknown aspect of behaviour: {', '.join(strange)}")
    if missing := [key for key, aspect in known.items() if key not in aspects and not aspect.leaders_only]:
        raise ScoreRefused(f"no score for {', '.join(missing)}")
    return mean([on_scale(pack, value, key) for key, value in aspects.items()])


def on_scale(pack: Pack, score: Exact, name: str = "score") -> Fraction:
    """The score itself, refused outside 0 to the pack's maximum."""
    number = exact(score)
    if not 0 <= number <= exact(pack.score_maximum):
        raise ScoreRefused(f"{name} {shown(number, 6)} is outside 0 to {pack.score_maximum}")
    return number


def weighted(pack: Pack, skp: Exact, behavior: Exact, *, peer_opinion: bool) -> Fraction:
    """The final score, not rounded; the weights change if colleagues and subordinates were asked (art. 41(2)-(4))."""
    if pack.weights is None:
        raise ValueError(f"{pack.name} has no weights")
    weights = pack.weights.with_peers if peer_opinion else pack.weights.without_peers
    total = on_scale(pack, skp, "SKP") * exact(weights.skp)
    return total + on_scale(pack, behavior, "behaviour") * exact(weights.behavior)


def band_of(pack: Pack, score: Exact) -> Band:
    """The band of an unrounded score, before innovation is looked at."""
    number = on_scale(pack, score)
    return max((b for b in pack.bands or () if exact(b.at_least) <= number), key=lambda band: band.at_least)


def month_weighted(segments: Sequence[tuple[Exact, int]]) -> Fraction:
    """Merge the scores of the parts of a year, each weighted by its months."""
    months = sum(count for _, count in segments)
    if not 1 <= months <= 12 or any(count < 1 for _, count in segments):
        raise ScoreRefused(f"the parts of a year have 1 to 12 months together, not {months}, and 1 or more each")
    return sum((exact(score) * count for score, count in segments), Fraction(0)) / months
