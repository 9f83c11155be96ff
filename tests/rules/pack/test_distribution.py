import json
from itertools import product
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

import policies
from rules.pack.distribution import Fit, feasible, may_issue, pooled, verdict
from rules.terms import DistributionMode, Locale, OrgPredicate, Predicate

PACK = policies.load("permenpanrb-6-2022")
SB, B, BP, K, SK = PACK.scale
ISTIMEWA, BAIK, ORG_BP, ORG_K, ORG_SK = OrgPredicate
Counts = dict[Predicate, int]


@pytest.mark.parametrize(
    ("organisation", "counts", "fit"),
    [
        (ISTIMEWA, {SB: 7, B: 3}, Fit.MET), (ISTIMEWA, {SB: 8, B: 2}, Fit.BROKEN),
        (BAIK, {B: 7, SB: 2, BP: 1}, Fit.MET), (BAIK, {B: 7, SB: 3}, Fit.BROKEN), (BAIK, {B: 8, BP: 2}, Fit.BROKEN),
        (ORG_BP, {BP: 6, SB: 1, B: 3}, Fit.MET), (ORG_BP, {BP: 6, SB: 2, B: 2}, Fit.BROKEN),
        (ORG_K, {K: 6, BP: 1, SB: 1, B: 2}, Fit.MET), (ORG_K, {K: 6, BP: 0, SB: 1, B: 3}, Fit.BROKEN),
        (ORG_SK, {SK: 6, K: 1, B: 3}, Fit.MET), (ORG_SK, {SK: 6, K: 1, SB: 1, B: 2}, Fit.BROKEN),
        (ORG_BP, {BP: 6, SB: 0, B: 3}, Fit.MET), (ORG_BP, {BP: 6, SB: 1, B: 2}, Fit.BROKEN),
        (BAIK, {B: 2, BP: 1}, Fit.MET), (BAIK, {BP: 1}, Fit.MET), (BAIK, {K: 1}, Fit.MET),
        (BAIK, {B: 1}, Fit.BROKEN), (BAIK, {SB: 1}, Fit.BROKEN), (BAIK, {SK: 1}, Fit.BROKEN),
        (ORG_K, {K: 2}, Fit.INFEASIBLE), (ORG_SK, {SK: 1}, Fit.INFEASIBLE), (ORG_SK, {SK: 2}, Fit.INFEASIBLE),
        (ORG_K, {}, Fit.EMPTY),
    ],
)  # fmt: skip
def test_the_golden_patterns(organisation: OrgPredicate, counts: Counts, fit: Fit) -> None:
    assert verdict(PACK, organisation, counts).fit is fit


def by_integers(organisation: OrgPredicate, sb: int, b: int, bp: int, k: int, sk: int) -> bool:
    """The tests of the circular in whole numbers, written once more."""
    n = sb + b + bp + k + sk
    return {
        ISTIMEWA: 10 * sb <= 7 * n,
        BAIK: 10 * b <= 7 * n and bp + k >= 1,
        ORG_BP: 10 * bp >= 6 * n and 10 * sb <= n,
        ORG_K: 10 * k >= 6 * n and 10 * bp >= n and 10 * sb <= n,
        ORG_SK: 10 * sk >= 6 * n and 10 * (k + bp) >= n and sb == 0,
    }[organisation]


def distributions(n: int) -> list[tuple[int, ...]]:
    return [(*four, n - sum(four)) for four in product(range(n + 1), repeat=4) if sum(four) <= n]


@pytest.mark.parametrize("n", range(1, 9))
@pytest.mark.parametrize("organisation", OrgPredicate)
def test_every_distribution_of_few_people(organisation: OrgPredicate, n: int) -> None:
    met = 0
    for counts in distributions(n):
        expected = by_integers(organisation, *counts)
        found = verdict(PACK, organisation, dict(zip(PACK.scale, counts, strict=True)))
        assert (found.fit is Fit.MET) == expected, counts
        met += expected
    assert feasible(PACK, organisation, n) == bool(met)


@given(st.sampled_from(OrgPredicate), st.lists(st.integers(0, 5000), min_size=5, max_size=5).filter(any))
def test_large_units_are_counted_exactly(organisation: OrgPredicate, counts: list[int]) -> None:
    found = verdict(PACK, organisation, dict(zip(PACK.scale, counts, strict=True)))
    assert (found.fit is Fit.MET) == by_integers(organisation, *counts)


@pytest.mark.parametrize("organisation", OrgPredicate)
def test_every_pattern_can_be_met_from_three_people_on(organisation: OrgPredicate) -> None:
    assert [n for n in range(3, 300) if not feasible(PACK, organisation, n)] == []


def test_the_verdict_is_said_in_words_and_kept_as_json() -> None:
    found = verdict(PACK, BAIK, {B: 8, SB: 2})
    assert found.words[Locale.ID] == (
        "Tidak sesuai pola distribusi: Baik 8 dari 10, maksimal 7; Butuh Perbaikan + Kurang 0 dari 10, minimal 1."
    )
    assert found.words[Locale.EN] == (
        "The pattern is not met: Good 8 of 10, at most 7; Needs improvement + Poor 0 of 10, at least 1."
    )
    kept = json.loads(json.dumps(found.as_json()))
    assert (kept["fit"], kept["people"], kept["counts"]["good"]) == ("broken", 10, 8)
    assert kept["breaches"][1] == {"of": ["needs_improvement", "poor"], "found": 0, "least": 1, "most": 10}


def test_what_cannot_be_met_is_called_so() -> None:
    assert "there is no valid distribution" in verdict(PACK, ORG_K, {K: 2}).words[Locale.EN]
    assert "Dengan 2 pegawai tidak ada distribusi" in verdict(PACK, ORG_SK, {SK: 2}).words[Locale.ID]


def test_the_organisation_comes_first_and_strange_predicates_are_refused() -> None:
    with pytest.raises(ValueError, match="organisation comes before"):
        verdict(PACK, None, {B: 3})
    with pytest.raises(ValueError, match="not on the scale"):
        verdict(PACK, BAIK, {Predicate.SUFFICIENT: 1})


def test_the_numeric_pack_has_one_pattern_for_all() -> None:
    numeric = policies.load("pp-30-2019")
    assert verdict(numeric, None, {SB: 2, B: 6, Predicate.SUFFICIENT: 1, K: 1}).fit is Fit.MET
    assert verdict(numeric, None, {SB: 3, B: 6, K: 1}).fit is Fit.BROKEN
    assert verdict(numeric, None, {B: 1}).fit is Fit.INFEASIBLE


@pytest.mark.parametrize(("mode", "fit", "overridden"), list(product(DistributionMode, Fit, [True, False])))
def test_what_the_mode_lets_through(mode: DistributionMode, fit: Fit, overridden: bool) -> None:
    fine = fit in (Fit.MET, Fit.EMPTY) or mode in (DistributionMode.OFF, DistributionMode.WARN)
    excused = overridden and (mode is DistributionMode.REQUIRE_OVERRIDE or fit is Fit.INFEASIBLE)
    assert may_issue(mode, fit, overridden=overridden) == (fine or excused)


def test_a_blocked_unit_gets_past_only_if_nothing_could_fit() -> None:
    assert may_issue(DistributionMode.BLOCK, Fit.INFEASIBLE, overridden=True)
    assert not may_issue(DistributionMode.BLOCK, Fit.BROKEN, overridden=True)
    assert not may_issue(DistributionMode.REQUIRE_OVERRIDE, Fit.BROKEN, overridden=False)


TREE = {"agency": None, "health": "agency", "clinic": "health", "lab": "health", "schools": "agency"}


@pytest.mark.parametrize(
    ("sizes", "where"),
    [
        ({"schools": 3}, {"schools": "schools"}),
        ({"clinic": 2, "lab": 1, "schools": 9}, {"clinic": "health", "lab": "health", "schools": "schools"}),
        ({"clinic": 1, "lab": 0, "health": 1}, {"clinic": "agency", "lab": "agency", "health": "agency"}),
        ({"clinic": 2, "lab": 3, "health": 1}, {"clinic": "health", "lab": "lab", "health": "health"}),
        ({"agency": 1}, {"agency": "agency"}),
    ],
)
def test_small_units_are_tested_with_the_unit_above(sizes: dict[str, int], where: dict[str, str]) -> None:
    assert pooled(sizes, TREE, 3) == where


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 100)), min_size=1, max_size=30))
def test_pooling_loses_nobody_and_leaves_only_the_topmost_small(units: list[tuple[int, int]]) -> None:
    sizes = {number: size for number, (size, _) in enumerate(units)}
    parents = {number: parent % number if number else None for number, (_, parent) in enumerate(units)}
    totals: dict[int, int] = {}
    for unit, pool in pooled(sizes, parents, 3).items():
        totals[pool] = totals.get(pool, 0) + sizes[unit]
    assert sum(totals.values()) == sum(sizes.values())
    assert all(total >= 3 for pool, total in totals.items() if pool != 0)


def test_a_loop_in_the_tree_is_refused() -> None:
    with pytest.raises(ValueError, match="lies below itself"):
        pooled({"a": 1}, {"a": "b", "b": "a"}, 3)


def test_a_ten_percent_cap_means_nobody_below_ten_people() -> None:
    for n in range(3, 10):
        least = ceil(n * 6 / 10)
        assert verdict(PACK, ORG_BP, {BP: least, SB: 1, B: n - least - 1}).fit is Fit.BROKEN
