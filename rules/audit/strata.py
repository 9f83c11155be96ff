"""Stratified samples: allocation, and upper bounds on the total that hold however the deviations are spread."""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache
from itertools import takewhile
from math import comb, exp, factorial, floor, log, prod

from rules.audit.chances import hyper_at_most, hyper_ways, last_true, rate
from rules.exact import Exact

Counts = Sequence[int]
"""One number per stratum."""

TIE = 1e-12
"""Fisher's P-value is a float: one that equals alpha must not pass for being above it."""


def allocate(sizes: Mapping[str, int], n: int) -> dict[str, int]:
    """Share `n` in proportion: largest remainder, at least 2 (or all) and at most all of a stratum, ties by code."""
    least = {code: min(2, size) for code, size in sizes.items()}
    total = sum(sizes.values())
    if not sum(least.values()) <= n <= total:
        raise ValueError(f"{n} cannot be shared: from {sum(least.values())} to {total} can")
    quota = {code: Fraction(n * sizes[code], total) for code in sorted(sizes)}
    share = {code: max(floor(part), least[code]) for code, part in quota.items()}
    while (missing := n - sum(share.values())) != 0:
        step = 1 if missing > 0 else -1
        able = [code for code in share if share[code] + step >= least[code]]
        share[max(able, key=lambda code, step=step: step * (quota[code] - share[code]))] += step
    return share


def ws_p(sizes: Counts, ns: Counts, ks: Counts, total: int) -> Fraction:
    """Wendell and Schmee's exact P-value of `total` deviations in up to three strata: the worst spread's chance.

    It is the chance to find an estimate as low as the observed one; 0 if the observed counts rule the total out.
    """
    _check(sizes, ns, ks)
    if len(sizes) > 3:
        raise ValueError("the exact bound is for at most 3 strata: use Fisher's beyond")
    weights = [Fraction(size, n) for size, n in zip(sizes, ns, strict=True)]
    observed = sum((w * k for w, k in zip(weights, ks, strict=True)), Fraction(0))
    ways = cache(lambda h, g, x: hyper_ways(sizes[h], g, ns[h], x))
    last = len(sizes) - 1
    upto = cache(lambda g, x: sum(ways(last, g, i) for i in range(x + 1)))
    outcomes = list(_outcomes(weights, observed))
    worst = max(
        (
            sum(prod(ways(h, spread[h], xs[h]) for h in range(last)) * upto(spread[last], xs[last]) for xs in outcomes)
            for spread in _spreads(list(zip(ks, _most(sizes, ns, ks), strict=True)), total)
        ),
        default=0,
    )
    return Fraction(worst, prod(comb(size, n) for size, n in zip(sizes, ns, strict=True)))


def _outcomes(weights: Sequence[Fraction], left: Fraction) -> Iterator[tuple[int, ...]]:
    """Counts whose estimate is at most `left`; in the last stratum only the largest such count."""
    most = floor(left / weights[0])
    if len(weights) == 1:
        yield (most,)
        return
    for x in range(most + 1):
        for rest in _outcomes(weights[1:], left - weights[0] * x):
            yield (x, *rest)


def _spreads(limits: Sequence[tuple[int, int]], total: int) -> Iterator[tuple[int, ...]]:
    (low, high), rest = limits[0], limits[1:]
    if not rest:
        if low <= total <= high:
            yield (total,)
        return
    least, most = (sum(limit[end] for limit in rest) for end in (0, 1))
    for g in range(max(low, total - most), min(high, total - least) + 1):
        for others in _spreads(rest, total - g):
            yield (g, *others)


def fisher_p(sizes: Counts, ns: Counts, ks: Counts, total: int) -> float:
    """Fisher's combined P-value of `total` deviations, for any number of strata; valid and looser than `ws_p`."""
    return next((p for reached, p in _fisher_path(sizes, ns, ks) if reached == total), 0.0)


def _fisher_path(sizes: Counts, ns: Counts, ks: Counts) -> Iterator[tuple[int, float]]:
    """Totals from the observed one upwards, each spread so that the combined P-value is largest."""
    _check(sizes, ns, ks)
    spread, most, logs = list(ks), _most(sizes, ns, ks), [0.0] * len(sizes)

    def next_log(h: int) -> float:
        if spread[h] == most[h]:
            return float("-inf")
        p = hyper_at_most(ks[h], sizes[h], spread[h] + 1, ns[h])
        return log(p.numerator) - log(p.denominator)

    following = [next_log(h) for h in range(len(sizes))]
    yield sum(spread), 1.0
    while spread != most:
        # The logarithms are concave in the count, so that the best next step is always part of the best spread.
        h = max(range(len(sizes)), key=lambda h: following[h] - logs[h])
        spread[h] += 1
        logs[h], following[h] = following[h], next_log(h)
        yield sum(spread), _combined(logs)


def _combined(logs: Sequence[float]) -> float:
    """The upper tail of chi-square with 2S degrees of freedom, which for an even number is a finite sum."""
    y = -sum(logs)
    return exp(-y) * sum(y**i / factorial(i) for i in range(len(logs)))


def upper_bounds(sizes: Counts, ns: Counts, ks: Counts, alpha: Exact | str = "0.05") -> tuple[int | None, int, int]:
    """One-sided upper bounds on the total by Wendell-Schmee (None beyond 3 strata), Fisher and Wright."""
    _check(sizes, ns, ks)
    exact_bound = ws_upper(sizes, ns, ks, alpha) if len(sizes) <= 3 else None
    return exact_bound, fisher_upper(sizes, ns, ks, alpha), wright_upper(sizes, ns, ks, alpha)


def ws_upper(sizes: Counts, ns: Counts, ks: Counts, alpha: Exact | str = "0.05") -> int:
    alpha = rate(alpha, "alpha")
    return last_true(sum(ks), sum(_most(sizes, ns, ks)), lambda total: ws_p(sizes, ns, ks, total) > alpha)


def fisher_upper(sizes: Counts, ns: Counts, ks: Counts, alpha: Exact | str = "0.05") -> int:
    alpha = rate(alpha, "alpha")
    return max(total for total, p in takewhile(lambda step: step[1] > alpha + TIE, _fisher_path(sizes, ns, ks)))


def wright_upper(sizes: Counts, ns: Counts, ks: Counts, alpha: Exact | str = "0.05") -> int:
    """The sum of stratum bounds, each at the S-th root of the confidence; very loose."""
    conf = 1 - rate(alpha, "alpha")

    def bound(size: int, n: int, k: int) -> int:
        # Raised to the S-th power on both sides, because the root itself is no fraction.
        return last_true(k, size - n + k, lambda g: (1 - hyper_at_most(k, size, g, n)) ** len(sizes) < conf)

    return sum(bound(*stratum) for stratum in zip(sizes, ns, ks, strict=True))


def _most(sizes: Counts, ns: Counts, ks: Counts) -> list[int]:
    return [size - n + k for size, n, k in zip(sizes, ns, ks, strict=True)]


def _check(sizes: Counts, ns: Counts, ks: Counts) -> None:
    if not sizes or not all(0 <= k <= n <= size and n for size, n, k in zip(sizes, ns, ks, strict=True)):
        raise ValueError(f"{ks} deviations in {ns} examined of {sizes} cannot be")
