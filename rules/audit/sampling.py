"""The ladder of an audit: sizes that grow only when they must, at a risk that is fixed before the seed is known.

Sizes and bounds of single samples are in `sizes`, stratified ones in `strata`; both are offered here as well.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb

from rules.audit.chances import hyper_ways, rate
from rules.audit.sizes import (
    clopper_pearson,
    cp_lower,
    cp_upper,
    hyper_lower,
    hyper_upper,
    n_binom,
    n_for_c,
    n_hyper,
    point_estimate,
    tolerable_count,
)
from rules.audit.strata import allocate, fisher_p, upper_bounds, ws_p
from rules.exact import Exact
from rules.terms import AuditDecision

__all__ = [
    "DEFAULT_ALPHAS", "Ladder", "Step", "accept_chances", "accept_chances_unlimited", "allocate", "clopper_pearson",
    "cp_lower", "cp_upper", "decide_stage", "false_accept_risk", "fisher_p", "hyper_lower", "hyper_upper", "ladder",
    "n_binom", "n_for_c", "n_hyper", "point_estimate", "stage_bounds", "tolerable_count", "upper_bounds",
    "wald_ratio", "ws_p",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    n: int
    """Examined by the end of this step, in all."""
    c: int
    """Deviations up to which the step accepts."""
    alpha: Fraction
    """What the step may spend; its bounds are one-sided at this alpha."""


@dataclass(frozen=True, slots=True)
class Ladder:
    population: int
    tolerable: int
    """G0: so many deviations in the population must not be accepted."""
    steps: tuple[Step, ...]

    @property
    def sizes(self) -> list[int]:
        """What the assurance arm takes, stage by stage."""
        return [step.n for step in self.steps]


DEFAULT_ALPHAS = ("0.025", "0.0125", "0.0125")


def ladder(
    population: int, tau: Exact | str, alphas: Sequence[Exact | str] = DEFAULT_ALPHAS, cs: Sequence[int] = (0, 1, 2)
) -> Ladder:
    """The smallest sizes at which the chance to accept G0 deviations stays within the alphas spent so far.

    A step that examines everyone is the last one, and accepts only fewer than G0: then nothing is left to chance.
    """
    if population < 1 or not alphas or len(alphas) != len(cs) or list(cs) != sorted(set(cs)) or cs[0] < 0:
        raise ValueError("a ladder needs a population, and one alpha and one rising acceptance number per step")
    count, steps, spent = tolerable_count(tau, population), [], Fraction(0)
    for alpha, c in zip((rate(alpha, "alpha") for alpha in alphas), cs, strict=True):
        spent += alpha
        start = max(steps[-1].n if steps else 0, c) + 1
        tried = (Step(n, c, alpha) for n in range(start, population))
        found = (step for step in tried if accept_chances([*steps, step], population, count)[-1] <= spent)
        everyone = Step(population, min(c, count - 1), alpha)
        steps.append(next(found, everyone))
        if steps[-1].n == population:
            break
    return Ladder(population, count, tuple(steps))


Chance = Callable[[int, int, int, int], Fraction]
"""Of `more` deviations among the next `drawn`, after `k` among the first `n`; called as (n, k, drawn, more)."""


def accept_chances(steps: Sequence[Step], population: int, deviating: int) -> list[Fraction]:
    """The exact chance that so many deviations in the population are accepted by the end of each step."""

    def chance(n: int, k: int, drawn: int, more: int) -> Fraction:
        if k > deviating:
            return Fraction(0)
        return Fraction(hyper_ways(population - n, deviating - k, drawn, more), comb(population - n, drawn))

    return _walk(steps, chance)


def accept_chances_unlimited(steps: Sequence[Step], true_rate: Exact | str) -> list[Fraction]:
    """The same for an unlimited population that deviates at `true_rate`."""
    p = rate(true_rate, "the true rate")

    def chance(_n: int, _k: int, drawn: int, more: int) -> Fraction:
        return comb(drawn, more) * p**more * (1 - p) ** (drawn - more)

    return _walk(steps, chance)


def _walk(steps: Sequence[Step], chance: Chance) -> list[Fraction]:
    alive, n, accepted, result = {0: Fraction(1)}, 0, Fraction(0), []
    most = max(step.c for step in steps)
    for step in steps:
        after: dict[int, Fraction] = {}
        drawn = step.n - n
        for k, before in alive.items():
            for more in range(min(most - k, drawn) + 1):
                after[k + more] = after.get(k + more, Fraction(0)) + before * chance(n, k, drawn, more)
        accepted += sum((share for k, share in after.items() if k <= step.c), Fraction(0))
        # Paths that cannot be walked, or that lead beyond the last acceptance number, are not followed.
        alive, n = {k: share for k, share in after.items() if share and k > step.c}, step.n
        result.append(accepted)
    return result


def false_accept_risk(steps: Sequence[Step], population: int, tau: Exact | str) -> Fraction:
    """The chance that these steps accept a population just at the tolerable count; above alpha a plan is refused."""
    return accept_chances(steps, population, tolerable_count(tau, population))[-1]


def stage_bounds(rungs: Ladder, stage: int, k: int) -> tuple[int, int]:
    """The one-sided lower and upper bound on G after `stage` (from 1), each at that stage's own alpha."""
    step = _step(rungs, stage)
    return (
        hyper_lower(k, step.n, rungs.population, step.alpha),
        hyper_upper(k, step.n, rungs.population, step.alpha),
    )


def decide_stage(rungs: Ladder, stage: int, k: int) -> AuditDecision:
    """What follows from `k` deviations among the first non-void n of the assurance arm after `stage` (from 1)."""
    step = _step(rungs, stage)
    if stage_bounds(rungs, stage, k)[0] > rungs.tolerable:
        return AuditDecision.ESCALATE
    if k <= step.c:
        return AuditDecision.ACCEPT
    return AuditDecision.EXPAND if stage < len(rungs.steps) else AuditDecision.NOT_ASSURED


def _step(rungs: Ladder, stage: int) -> Step:
    if not 1 <= stage <= len(rungs.steps):
        raise ValueError(f"stage {stage} is not one of {len(rungs.steps)}")
    return rungs.steps[stage - 1]


def wald_ratio(population: int, g0: int, g1: int, deviations: Iterable[bool]) -> Fraction:
    """Likelihood of G1 against G0 after each item in turn was found deviating or not; accept at 1/alpha.

    Zero once more deviations are found than G1 has. `g1 < g0`.
    """
    if not 0 <= g1 < g0 <= population:
        raise ValueError(f"G1 {g1} must be below G0 {g0}, and G0 within the population of {population}")
    ratio, found = Fraction(1), 0
    for k, deviating in enumerate(deviations):
        if deviating:
            above, below, found = g1 - found, g0 - found, found + 1
        else:
            above, below = population - g1 - (k - found), population - g0 - (k - found)
        if not above:
            return Fraction(0)
        if not below:
            raise ValueError(f"item {k + 1}: fewer than {g0} deviations are left to be there, G0 is disproved")
        ratio *= Fraction(above, below)
    return ratio
