import json
import subprocess
import sys
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from rules.audit.chances import binom_at_most, hyper_at_most
from rules.audit.sampling import (
    Step,
    accept_chances,
    accept_chances_unlimited,
    allocate,
    clopper_pearson,
    cp_lower,
    cp_upper,
    decide_stage,
    false_accept_risk,
    fisher_p,
    hyper_lower,
    hyper_upper,
    ladder,
    n_binom,
    n_for_c,
    n_hyper,
    point_estimate,
    stage_bounds,
    tolerable_count,
    upper_bounds,
    wald_ratio,
    ws_p,
)
from rules.audit.strata import fisher_upper, wright_upper
from rules.terms import AuditDecision

HOUSE = Path(__file__).parents[3]
VALUES = json.loads((Path(__file__).parents[1] / "golden" / "reference_values.json").read_text())
FUNCTIONS = {
    "n_binom": lambda conf, tau, e: list(n_binom(str(conf), tau, e)),
    "n_hyper": lambda conf, tau, e, population: list(n_hyper(str(conf), tau, e, population)),
    "n_for_c": lambda conf, tau, c, population: n_for_c(str(conf), tau, c, population),
    "cp_upper_pct_ceil1": lambda k, n, conf: float(cp_upper(k, n, 1 - Fraction(str(conf)), places=3) * 100),
    "ws_p": lambda *args: float(ws_p(*args)),
    "upper_ws_fisher_wright": lambda *args: list(upper_bounds(*args)),
}
ALPHA = Fraction("0.05")
NAIVE = [Step(n, c, ALPHA) for c, n in enumerate((59, 93, 124, 153, 181))]


@pytest.mark.parametrize("case", VALUES, ids=lambda case: f"{case['fn']} {case['args']}")
def test_reference_values(case: dict[str, Any]) -> None:
    assert FUNCTIONS[case["fn"]](*case["args"]) == pytest.approx(case["expected"], abs=case["tol"] or 1e-12)


# Sizes


@pytest.mark.parametrize(
    ("population", "rows"),
    [
        (60, ("38/52/59/60", "23/34/43/51", "16/25/32/39", "12/19/25/31")),
        (300, ("54/83/108/131", "28/43/57/70", "18/29/39/47", "14/22/29/35")),
        (1000, ("57/90/119/146", "29/45/60/74", "19/30/40/49", "14/22/29/36")),
    ],
)
def test_the_table_of_one_stage_sizes(population: int, rows: tuple[str, ...]) -> None:
    found = [
        "/".join(str(n_for_c("0.95", tau, c, population)) for c in range(4)) for tau in ("0.05", "0.1", "0.15", "0.2")
    ]
    assert tuple(found) == rows


def test_discovery() -> None:
    assert [n_for_c("0.95", "0.05", 0, population) for population in (50, 200, 300, 1000)] == [31, 51, 54, 57]


def test_a_product_is_taken_of_the_decimals_and_not_of_their_binary_neighbours() -> None:
    assert ceil(0.035 * 400) == 15
    assert n_binom("0.9", "0.05", "0.035") == (400, 14)
    assert tolerable_count("0.07", 100) == 7 < ceil(0.07 * 100)


def test_floats_and_rates_that_are_none_are_refused() -> None:
    for bad in (0.05, True):
        with pytest.raises(TypeError, match="not an exact number"):
            ladder(300, bad)  # pyright: ignore[reportArgumentType]
    for conf, tau, e in (("0", "0.1", "0"), ("1", "0.1", "0"), ("0.95", "0", "0"), ("0.95", "1", "0")):
        with pytest.raises(ValueError, match="not between 0 and 1"):
            n_binom(conf, tau, e)
    for e in ("0.1", "0.2", "-0.01"):
        with pytest.raises(ValueError, match="not below the tolerable rate"):
            n_hyper("0.95", "0.1", e, 300)


def test_rates_that_no_sample_tells_apart_are_refused() -> None:
    with pytest.raises(ValueError, match="no sample tells"):
        n_hyper("0.95", "0.1", "0.05", 10)


# Bounds


@pytest.mark.parametrize(
    ("k", "n", "low", "high", "tol"),
    [(7, 50, "0.05819170", "0.26739600", 2e-8), (81, 263, "0.2527", "0.3676", 1e-4), (0, 20, "0", "0.1684", 1e-4)],
)
def test_clopper_pearson_two_sided(k: int, n: int, low: str, high: str, tol: float) -> None:
    found = clopper_pearson(k, n, "0.95", places=8)
    assert [float(bound) for bound in found] == pytest.approx([float(low), float(high)], abs=tol / 2 + 1e-9)


@given(st.integers(1, 60), st.integers(0, 60), st.sampled_from(["0.025", "0.05", "0.1"]))
def test_the_bounds_of_a_rate_are_the_last_that_are_not_rejected(n: int, k: int, alpha: str) -> None:
    assume(k <= n)
    low, high, grid = cp_lower(k, n, alpha), cp_upper(k, n, alpha), Fraction(1, 10_000)
    assert (high == 1) if k == n else binom_at_most(k, n, high) <= Fraction(alpha) < binom_at_most(k, n, high - grid)
    assert (
        (low == 0)
        if k == 0
        else 1 - binom_at_most(k - 1, n, low) <= Fraction(alpha) < 1 - binom_at_most(k - 1, n, low + grid)
    )


def test_hypergeometric_interval() -> None:
    assert (hyper_lower(45, 100, 300, "0.025"), hyper_upper(45, 100, 300, "0.025")) == (111, 160)
    assert point_estimate(45, 100, 300) == 135
    assert hyper_upper(0, 34, 388, "0.025") == 38
    assert hyper_upper(2, 79, 388, "0.05") == 27


COUNTS = st.integers(1, 70).flatmap(
    lambda population: st.integers(1, population).flatmap(
        lambda n: st.tuples(st.integers(0, n), st.just(n), st.just(population))
    )
)


@given(COUNTS, st.sampled_from(["0.0125", "0.05", "0.2"]))
def test_the_bounds_of_a_count_are_the_last_that_are_not_rejected(counts: tuple[int, int, int], alpha: str) -> None:
    k, n, population = counts
    possible = range(k, population - n + k + 1)
    high = max(g for g in possible if hyper_at_most(k, population, g, n) > Fraction(alpha))
    low = min(g for g in possible if 1 - (hyper_at_most(k - 1, population, g, n) if k else 0) > Fraction(alpha))
    assert (hyper_lower(k, n, population, alpha), hyper_upper(k, n, population, alpha)) == (low, high)


@given(COUNTS, st.sampled_from(["0.0125", "0.05", "0.1"]))
def test_the_upper_bound_is_possible_falls_with_the_sample_and_is_within_the_unlimited_one(
    counts: tuple[int, int, int], alpha: str
) -> None:
    k, n, population = counts
    upper = hyper_upper(k, n, population, alpha)
    assert k <= upper <= population - n + k
    assert upper <= ceil(population * cp_upper(k, n, alpha, places=8))
    if n < population:
        assert hyper_upper(k, n + 1, population, alpha) <= upper


@pytest.mark.parametrize(("k", "n", "population"), [(3, 2, 9), (-1, 2, 9), (0, 0, 9), (1, 10, 9)])
def test_counts_that_cannot_be_are_refused(k: int, n: int, population: int) -> None:
    for bound in (lambda: hyper_upper(k, n, population, "0.05"), lambda: point_estimate(k, n, population)):
        with pytest.raises(ValueError, match="cannot be"):
            bound()


# The ladder


@pytest.mark.parametrize(
    ("population", "tau", "sizes"),
    [(60, "0.1", [27, 38, 46]), (200, "0.1", [33, 48, 61]), (300, "0.1", [34, 50, 63]), (1000, "0.1", [35, 53, 66]),
     (200, "0.05", [61, 89, 110]), (200, "0.15", [22, 33, 41])],
)  # fmt: skip
def test_the_sizes_of_the_ladder(population: int, tau: str, sizes: list[int]) -> None:
    assert ladder(population, tau).sizes == sizes


@pytest.mark.parametrize(
    ("population", "expected"),
    [
        (60, (1.0, 1.0, 1.0, 0.61)),
        (200, (1.0, 0.93, 0.77, 0.42)),
        (300, (0.99, 0.91, 0.75, 0.41)),
        (1000, (0.98, 0.88, 0.72, 0.40)),
    ],
)
def test_the_chance_of_a_better_agency_to_pass(population: int, expected: tuple[float, ...]) -> None:
    steps = ladder(population, "0.1").steps
    found = [accept_chances(steps, population, ceil(population * percent / 100))[-1] for percent in (1, 2, 3, 5)]
    assert [float(chance) for chance in found] == pytest.approx(expected, abs=0.0051)


def test_the_risk_of_steps_that_each_look_safe_adds_up() -> None:
    found = [float(chance) for chance in accept_chances_unlimited(NAIVE, "0.05")]
    assert found == pytest.approx([0.048495, 0.074821, 0.092621, 0.106231, 0.117187], abs=5e-7)
    assert false_accept_risk(NAIVE, 1000, "0.05") > ALPHA


def test_the_risk_of_the_built_ladder() -> None:
    assert float(false_accept_risk(ladder(300, "0.1").steps, 300, "0.1")) == pytest.approx(0.04879, abs=5e-6)


@given(st.integers(1, 400), st.sampled_from(["0.02", "0.05", "0.10", "0.2", "0.35"]))
def test_the_risk_of_a_ladder_is_never_above_alpha(population: int, tau: str) -> None:
    rungs = ladder(population, tau)
    assert false_accept_risk(rungs.steps, population, tau) <= ALPHA
    assert rungs.sizes == sorted(set(rungs.sizes))
    assert rungs.sizes[-1] <= population
    for worse in (1, 5):
        assert accept_chances(rungs.steps, population, min(population, rungs.tolerable + worse))[-1] <= ALPHA


@given(st.integers(100, 400), st.sampled_from(["0.05", "0.1"]))
def test_no_step_of_a_ladder_could_be_smaller(population: int, tau: str) -> None:
    rungs = ladder(population, tau)
    for j, (step, spent) in enumerate(zip(rungs.steps, ("0.025", "0.0375", "0.05"), strict=True)):
        smaller = [*rungs.steps[:j], Step(step.n - 1, step.c, step.alpha)]
        assert accept_chances(smaller, population, rungs.tolerable)[-1] > Fraction(spent)


@pytest.mark.parametrize(("population", "sizes", "cs"), [(1, [1], [0]), (5, [5], [0]), (12, [10, 12], [0, 1])])
def test_a_small_agency_is_examined_whole_and_then_nothing_is_left_to_chance(
    population: int, sizes: list[int], cs: list[int]
) -> None:
    rungs = ladder(population, "0.1")
    assert (rungs.sizes, [step.c for step in rungs.steps]) == (sizes, cs)
    assert decide_stage(rungs, len(sizes), rungs.tolerable - 1) is AuditDecision.ACCEPT
    assert decide_stage(rungs, len(sizes), rungs.tolerable) is AuditDecision.NOT_ASSURED
    if rungs.tolerable < population:
        assert decide_stage(rungs, len(sizes), rungs.tolerable + 1) is AuditDecision.ESCALATE


@pytest.mark.parametrize(
    ("population", "alphas", "cs"),
    [(0, ("0.05",), (0,)), (9, (), ()), (9, ("0.05",), (0, 1)), (9, ("0.025", "0.025"), (1, 1)), (9, ("0.05",), (-1,)),
     (9, ("0.02", "0.03"), (1, 0))],
)  # fmt: skip
def test_a_ladder_that_cannot_be_climbed_is_refused(
    population: int, alphas: tuple[str, ...], cs: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match="a ladder needs"):
        ladder(population, "0.1", alphas, cs)


RUNGS = ladder(300, "0.1")


@pytest.mark.parametrize(
    ("stage", "k", "decision"),
    [
        (1, 0, AuditDecision.ACCEPT),
        (1, 1, AuditDecision.EXPAND),
        (2, 1, AuditDecision.ACCEPT),
        (2, 2, AuditDecision.EXPAND),
        (3, 2, AuditDecision.ACCEPT),
        (3, 3, AuditDecision.NOT_ASSURED),
        (1, 34, AuditDecision.ESCALATE),
        (3, 63, AuditDecision.ESCALATE),
    ],
)
def test_decisions(stage: int, k: int, decision: AuditDecision) -> None:
    assert decide_stage(RUNGS, stage, k) is decision


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_more_sampling_stops_exactly_where_the_lower_bound_passes_the_tolerable_count(stage: int) -> None:
    for k in range(RUNGS.steps[stage - 1].n + 1):
        low, high = stage_bounds(RUNGS, stage, k)
        assert low <= point_estimate(k, RUNGS.steps[stage - 1].n, 300) <= high
        assert (decide_stage(RUNGS, stage, k) is AuditDecision.ESCALATE) == (low > 30)


def test_bounds_are_at_the_alpha_of_their_own_stage() -> None:
    assert stage_bounds(RUNGS, 1, 0) == (0, hyper_upper(0, 34, 300, "0.025"))
    assert stage_bounds(RUNGS, 2, 3) == (hyper_lower(3, 50, 300, "0.0125"), hyper_upper(3, 50, 300, "0.0125"))


@given(st.integers(2, 300), st.sampled_from(["0.05", "0.1", "0.2"]), st.integers(1, 3), st.integers(0, 299))
def test_one_more_deviation_never_makes_the_decision_kinder(population: int, tau: str, stage: int, k: int) -> None:
    rungs = ladder(population, tau)
    assume(stage <= len(rungs.steps) and k < rungs.steps[stage - 1].n)
    sternness = [AuditDecision.ACCEPT, AuditDecision.EXPAND, AuditDecision.NOT_ASSURED, AuditDecision.ESCALATE]
    before, after = (sternness.index(decide_stage(rungs, stage, found)) for found in (k, k + 1))
    assert before <= after


@pytest.mark.parametrize("stage", [0, -1, 4])
def test_a_stage_that_the_ladder_has_not_is_refused(stage: int) -> None:
    with pytest.raises(ValueError, match="not one of 3"):
        decide_stage(RUNGS, stage, 0)


# Wald


def needed(g1: int) -> int:
    return next(n for n in range(1, 300) if wald_ratio(300, 15, g1, [False] * n) >= 20)


def test_clean_items_that_walds_ratio_needs() -> None:
    assert (needed(0), needed(3)) == (54, 65)
    assert wald_ratio(300, 15, 0, [False] * 54) == 1 / hyper_at_most(0, 300, 15, 54)


def test_walds_ratio_does_not_depend_on_the_order_and_ends_at_nothing() -> None:
    found = [
        wald_ratio(300, 15, 3, order) for order in ([True, False, False], [False, True, False], [False, False, True])
    ]
    assert len(set(found)) == 1
    assert found[0] < 1
    assert wald_ratio(300, 15, 0, [False, True]) == 0


def test_walds_ratio_refuses_hypotheses_in_no_order_and_what_disproves_g0() -> None:
    for g0, g1 in ((3, 3), (3, 4), (301, 1), (3, -1)):
        with pytest.raises(ValueError, match="must be below"):
            wald_ratio(300, g0, g1, [])
    with pytest.raises(ValueError, match="disproved"):
        wald_ratio(5, 4, 1, [False, False])


# Strata


def test_proportional_shares() -> None:
    assert allocate({"a": 200, "b": 80, "c": 20}, 60) == {"a": 40, "b": 16, "c": 4}
    assert allocate({"b": 10, "a": 10, "c": 10}, 10) == {"a": 4, "b": 3, "c": 3}
    assert allocate({"a": 1000, "b": 3, "c": 1}, 20) == {"a": 17, "b": 2, "c": 1}
    for n in (4, 1005):
        with pytest.raises(ValueError, match="cannot be shared"):
            allocate({"a": 1000, "b": 3, "c": 1}, n)


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 50), min_size=1), st.data())
def test_shares_add_up_within_their_limits(sizes: dict[str, int], data: st.DataObject) -> None:
    n = data.draw(st.integers(sum(min(2, size) for size in sizes.values()), sum(sizes.values())))
    shares = allocate(sizes, n)
    assert sum(shares.values()) == n
    assert all(min(2, sizes[code]) <= share <= sizes[code] for code, share in shares.items())
    assert shares == allocate(dict(reversed(sizes.items())), n)


def test_stratified_bounds() -> None:
    assert fisher_p([100, 100], [60, 40], [1, 1], 10) == pytest.approx(0.234856, abs=1e-6)
    assert upper_bounds([87, 301], [24, 55], [2, 0]) == (22, 28, 38)
    large = [5000, 3000, 2000], [75, 50, 25], [2, 1, 0]
    assert (fisher_upper(*large), wright_upper(*large)) == (716, 1133)


def test_beyond_three_strata_only_the_looser_bounds_are_offered() -> None:
    four = [20] * 4, [10] * 4, [0] * 4
    exact, fisher, wright = upper_bounds(*four)
    assert exact is None
    assert fisher <= wright
    with pytest.raises(ValueError, match="at most 3 strata"):
        ws_p(*four, 3)


@example((0, 1, 20), 19)
@given(COUNTS, st.integers(0, 70))
def test_one_stratum_is_a_simple_sample(counts: tuple[int, int, int], total: int) -> None:
    k, n, population = counts
    expected = hyper_at_most(k, population, total, n) if k <= total <= population - n + k else 0
    assert ws_p([population], [n], [k], total) == expected
    assert fisher_p([population], [n], [k], total) == pytest.approx(float(expected))
    assert set(upper_bounds([population], [n], [k])) == {hyper_upper(k, n, population, "0.05")}


def test_strata_that_cannot_be_are_refused() -> None:
    for strata in (([9], [0], [0]), ([9], [3], [4]), ([9], [10], [0]), ([], [], [])):
        with pytest.raises(ValueError, match="cannot be"):
            upper_bounds(*strata)


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, rules.audit.sampling, rules.audit.agreement, rules.audit.draw; "
        "sys.exit(bool({'scipy', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=HOUSE, check=False).returncode == 0
