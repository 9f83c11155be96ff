"""Exact binomial and hypergeometric chances, as fractions: no floating point decides about an agency."""

from collections.abc import Callable
from fractions import Fraction
from math import comb

from rules.exact import Exact, exact


def rate(value: Exact | str, name: str) -> Fraction:
    """A rate strictly between 0 and 1, from a decimal or its text; floats are refused."""
    number = exact(value)
    if not 0 < number < 1:
        raise ValueError(f"{name} {value} is not between 0 and 1")
    return number


def hyper_ways(population: int, deviating: int, n: int, k: int) -> int:
    """Samples of `n` with exactly `k` deviations, out of `comb(population, n)`."""
    return comb(deviating, k) * comb(population - deviating, n - k) if 0 <= k <= n else 0


def hyper_at_most(k: int, population: int, deviating: int, n: int) -> Fraction:
    """P(X <= k) for n drawn without return from a population with `deviating` deviations."""
    return Fraction(sum(hyper_ways(population, deviating, n, i) for i in range(k + 1)), comb(population, n))


def binom_at_most(k: int, n: int, p: Fraction) -> Fraction:
    """P(X <= k) for n draws at the rate p."""
    hit, whole = p.numerator, p.denominator
    return Fraction(sum(comb(n, i) * hit**i * (whole - hit) ** (n - i) for i in range(k + 1)), whole**n)


def last_true(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The largest number for which a condition holds that is true at `low` and, once false, stays false."""
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low
