"""How far two readers agree, and how sure one can be of it. Estimates for reports: exact bounds decide, not these."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations
from math import sqrt
from statistics import NormalDist

Table = Sequence[Sequence[int]]
"""Counts: a row per band of the first reader, a column per band of the second, both from low to high."""
Interval = tuple[float, float]

ENOUGH_PAIRS = 30


@dataclass(frozen=True, slots=True)
class Closeness:
    exact: Fraction
    adjacent: Fraction
    """Share of pairs at most one band apart."""
    signed: Fraction
    """Mean of first minus second reader, in bands."""


def closeness(pairs: Sequence[tuple[int, int]]) -> Closeness:
    """Plain agreement of pairs of bands numbered from low to high; the first thing to report."""
    if not pairs:
        raise ValueError("no pairs to compare")
    gaps = [first - second for first, second in pairs]
    exact, adjacent = (sum(abs(gap) <= apart for gap in gaps) for apart in (0, 1))
    return Closeness(Fraction(exact, len(gaps)), Fraction(adjacent, len(gaps)), Fraction(sum(gaps), len(gaps)))


def kappa(table: Table) -> Fraction | None:
    """Cohen's kappa; None if chance alone would agree always."""
    return _kappa(table, lambda i, j: int(i != j))


def weighted_kappa(table: Table) -> Fraction | None:
    """Kappa with disagreement weighed by the square of the bands between."""
    return _kappa(table, lambda i, j: (i - j) ** 2)


def reportable_kappa(table: Table) -> Fraction | None:
    """The quadratic kappa, but None under 30 pairs: pool stages, years or agencies first."""
    return weighted_kappa(table) if sum(map(sum, table)) >= ENOUGH_PAIRS else None


def _kappa(table: Table, weight: Callable[[int, int], int]) -> Fraction | None:
    bands = range(len(table))
    if any(len(row) != len(table) for row in table):
        raise ValueError("a table of agreement is square")
    rows, columns = [sum(row) for row in table], [sum(column) for column in zip(*table, strict=True)]
    seen = sum(weight(i, j) * table[i][j] for i in bands for j in bands)
    by_chance = sum(weight(i, j) * rows[i] * columns[j] for i in bands for j in bands)
    return 1 - Fraction(seen * sum(rows), by_chance) if by_chance else None


@dataclass(frozen=True, slots=True)
class Icc:
    """Intraclass correlations of Shrout and Fleiss, all for absolute agreement."""

    one_way: float
    """ICC(1,1)."""
    two_way: float
    """ICC(2,1): one reading, readers drawn at random."""
    two_way_mean: float
    """ICC(2,k): the mean of all k readings."""


def icc(scores: Sequence[Sequence[float]]) -> Icc | None:
    """From a row per target with one score per judge, none missing; None if all scores are the same."""
    n, k = len(scores), len(scores[0]) if scores else 0
    if n < 2 or k < 2 or any(len(row) != k for row in scores):
        raise ValueError("at least two targets with a score from each of at least two judges are needed")
    grand = sum(map(sum, scores)) / (n * k)
    targets = [sum(row) / k for row in scores]
    judges = [sum(column) / n for column in zip(*scores, strict=True)]
    between = k * sum((mean - grand) ** 2 for mean in targets)
    by_judge = n * sum((mean - grand) ** 2 for mean in judges)
    total = sum((score - grand) ** 2 for row in scores for score in row)
    if not total:
        return None
    bms, jms, wms = between / (n - 1), by_judge / (k - 1), (total - between) / (n * (k - 1))
    ems = (total - between - by_judge) / ((n - 1) * (k - 1))
    spread = k * (jms - ems) / n
    return Icc(
        (bms - wms) / (bms + (k - 1) * wms),
        (bms - ems) / (bms + (k - 1) * ems + spread),
        (bms - ems) / (bms + spread / k),
    )


def alpha_nominal(units: Iterable[Sequence[int]]) -> Fraction | None:
    return _alpha(units, lambda a, b, _totals: Fraction(int(a != b)))


def alpha_interval(units: Iterable[Sequence[int]]) -> Fraction | None:
    return _alpha(units, lambda a, b, _totals: Fraction((a - b) ** 2))


def alpha_ordinal(units: Iterable[Sequence[int]]) -> Fraction | None:
    """Krippendorff's alpha for bands; each unit holds the values it got, readers who gave none left out."""

    def distance(a: int, b: int, totals: Counter[int]) -> Fraction:
        low, high = min(a, b), max(a, b)
        between = sum(count for value, count in totals.items() if low <= value <= high)
        return (between - Fraction(totals[low] + totals[high], 2)) ** 2

    return _alpha(units, distance)


def _alpha(units: Iterable[Sequence[int]], distance: Callable[[int, int, Counter[int]], Fraction]) -> Fraction | None:
    """None if there are no two values to compare, or all are the same."""
    pairable = [unit for unit in units if len(unit) > 1]
    totals = Counter(value for unit in pairable for value in unit)
    seen = sum(
        (distance(a, b, totals) / (len(unit) - 1) for unit in pairable for a, b in permutations(unit, 2)), Fraction(0)
    )
    by_chance = sum(
        (totals[a] * totals[b] * distance(a, b, totals) for a in totals for b in totals if a != b), Fraction(0)
    )
    return 1 - (totals.total() - 1) * seen / by_chance if by_chance else None


def wilson(k: int, n: int, conf: float = 0.95) -> Interval:
    """Two-sided interval of a rate, for dashboards."""
    if not 0 <= k <= n or n == 0:
        raise ValueError(f"{k} of {n} is no rate")
    z = NormalDist().inv_cdf((1 + conf) / 2)
    p, shrink = k / n, 1 + z * z / n
    centre, half = (p + z * z / (2 * n)) / shrink, z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / shrink
    return (max(0.0, centre - half) if k else 0.0), (min(1.0, centre + half) if k < n else 1.0)


def newcombe(k1: int, n1: int, k2: int, n2: int, conf: float = 0.95) -> Interval:
    """Two-sided interval of the first rate minus the second, from their Wilson intervals."""
    (l1, u1), (l2, u2) = wilson(k1, n1, conf), wilson(k2, n2, conf)
    p1, p2 = k1 / n1, k2 / n2
    return p1 - p2 - sqrt((p1 - l1) ** 2 + (u2 - p2) ** 2), p1 - p2 + sqrt((u1 - p1) ** 2 + (p2 - l2) ** 2)
