"""How many appraisals to examine, and between which bounds the truth lies; exact, from rates written as decimal text.

The population is the pool of the assurance arm, G the deviating appraisals in it, n the examined, k the deviations.
"""

from fractions import Fraction
from math import ceil

from rules.audit.chances import binom_at_most, hyper_at_most, last_true, rate
from rules.exact import Exact, exact

MOST = 20_000
"""Beyond this size a sample is no sample: the expected rate is too near to the tolerable one."""


def tolerable_count(tau: Exact | str, population: int) -> int:
    return ceil(rate(tau, "the tolerable rate") * population)


def n_binom(conf: Exact | str, tau: Exact | str, e: Exact | str) -> tuple[int, int]:
    """Size and acceptance number for an unlimited population, from confidence, tolerable and expected rate."""
    alpha, tau, e = 1 - rate(conf, "confidence"), rate(tau, "the tolerable rate"), _expected(e, tau)
    found = (n for n in range(1, MOST) if binom_at_most(ceil(e * n), n, tau) <= alpha)
    if (n := next(found, None)) is None:
        raise ValueError(f"the expected rate {e} is too near to the tolerable rate {tau} for any sample")
    return n, ceil(e * n)


def n_hyper(conf: Exact | str, tau: Exact | str, e: Exact | str, population: int) -> tuple[int, int, int]:
    """Size, acceptance number and tolerable count for a population; refuses rates that no sample can tell apart."""
    alpha, e = 1 - rate(conf, "confidence"), _expected(e, tau)
    count = tolerable_count(tau, population)
    found = (n for n in range(1, population + 1) if hyper_at_most(ceil(e * n), population, count, n) <= alpha)
    if (n := next(found, None)) is None:
        raise ValueError(f"among {population} no sample tells the expected rate {e} from the tolerable rate {tau}")
    return n, ceil(e * n), count


def _expected(e: Exact | str, tau: Exact | str) -> Fraction:
    number = exact(e)
    if not 0 <= number < exact(tau):
        raise ValueError(f"the expected rate {e} is not below the tolerable rate {tau}")
    return number


def n_for_c(conf: Exact | str, tau: Exact | str, c: int, population: int) -> int:
    """The smallest size at which `c` deviations may be accepted; the whole population if no sample will do."""
    alpha, count = 1 - rate(conf, "confidence"), tolerable_count(tau, population)
    found = (n for n in range(c + 1, population) if hyper_at_most(c, population, count, n) <= alpha)
    return next(found, population)


def hyper_upper(k: int, n: int, population: int, alpha: Exact | str) -> int:
    """One-sided: the largest G that is not rejected when `k` of `n` deviate."""
    alpha = rate(alpha, "alpha")
    _check_counts(k, n, population)
    return last_true(k, population - n + k, lambda g: hyper_at_most(k, population, g, n) > alpha)


def hyper_lower(k: int, n: int, population: int, alpha: Exact | str) -> int:
    """One-sided: the smallest G that is not rejected; for a two-sided interval give each side alpha/2."""
    alpha = rate(alpha, "alpha")
    _check_counts(k, n, population)
    # The deviations and the clean ones change places: the most clean ones leave the fewest deviations.
    return population - hyper_upper(n - k, n, population, alpha)


def point_estimate(k: int, n: int, population: int) -> Fraction:
    _check_counts(k, n, population)
    return Fraction(population * k, n)


def _check_counts(k: int, n: int, population: int) -> None:
    if not 0 <= k <= n <= population or n == 0:
        raise ValueError(f"{k} deviations in {n} examined of {population} cannot be")


def cp_upper(k: int, n: int, alpha: Exact | str, places: int = 4) -> Fraction:
    """Clopper-Pearson's one-sided upper rate for an unlimited population, rounded up to `places` decimals."""
    alpha, grid = rate(alpha, "alpha"), 10**places
    _check_counts(k, n, n)
    last = last_true(0, grid, lambda step: k == n or binom_at_most(k, n, Fraction(step, grid)) > alpha)
    return Fraction(min(last + 1, grid), grid)


def cp_lower(k: int, n: int, alpha: Exact | str, places: int = 4) -> Fraction:
    """The one-sided lower rate, rounded down."""
    return 1 - cp_upper(n - k, n, alpha, places)


def clopper_pearson(k: int, n: int, conf: Exact | str, places: int = 4) -> tuple[Fraction, Fraction]:
    """The two-sided interval, rounded outwards."""
    half = (1 - rate(conf, "confidence")) / 2
    return cp_lower(k, n, half, places), cp_upper(k, n, half, places)
