from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import policies
from rules.exact import half_up, shown
from rules.pack.numeric import (
    Measured,
    MeasuredItem,
    ScoreRefused,
    annual_skp,
    band_of,
    behavior_mean,
    indicator_value,
    item_value,
    month_weighted,
    percent,
    percent_value,
    periodic_skp,
    weighted,
)
from rules.terms import ItemKind, Predicate

PACK = policies.load("pp-30-2019")
D = Decimal
percents = st.fractions(min_value=0, max_value=250, max_denominator=1000)
scores = st.decimals(min_value=0, max_value=120, places=4)


@pytest.mark.parametrize(
    ("score", "predicate"),
    [
        ("120", Predicate.VERY_GOOD), ("110", Predicate.VERY_GOOD), ("109.99", Predicate.GOOD), ("90", Predicate.GOOD),
        ("89.999", Predicate.SUFFICIENT), ("70", Predicate.SUFFICIENT), ("69.99", Predicate.POOR),
        ("50", Predicate.POOR), ("49.99", Predicate.VERY_POOR), ("0", Predicate.VERY_POOR),
    ],
)  # fmt: skip
def test_a_score_falls_into_its_band(score: str, predicate: Predicate) -> None:
    assert band_of(PACK, D(score)).predicate is predicate


@pytest.mark.parametrize("score", ["120.01", "120.000001", "-0.01"])
def test_a_score_outside_the_scale_is_refused(score: str) -> None:
    with pytest.raises(ScoreRefused, match="outside 0 to 120"):
        band_of(PACK, D(score))


@given(scores, scores)
def test_a_higher_score_is_never_in_a_worse_band(one: Decimal, other: Decimal) -> None:
    low, high = sorted((one, other))
    assert PACK.rank(band_of(PACK, high).predicate) <= PACK.rank(band_of(PACK, low).predicate)


@given(scores)
def test_a_score_shown_as_an_edge_has_reached_it(score: Decimal) -> None:
    assert band_of(PACK, D(shown(score))) == band_of(PACK, score)


@pytest.mark.parametrize(
    ("skp", "behavior", "peers", "final"),
    [("109", "112", False, "109.9"), ("109", "112", True, "110.2"), ("89.99", "90.02", False, "89.999")],
)
def test_the_weights_depend_on_whether_colleagues_were_asked(skp: str, behavior: str, peers: bool, final: str) -> None:
    assert weighted(PACK, D(skp), D(behavior), peer_opinion=peers) == Fraction(final)


@pytest.mark.parametrize(("skp", "behavior"), [("121", "0"), ("0", "-1")])
def test_a_part_outside_the_scale_is_refused_even_if_the_sum_is_not(skp: str, behavior: str) -> None:
    with pytest.raises(ScoreRefused):
        weighted(PACK, D(skp), D(behavior), peer_opinion=False)


@pytest.mark.parametrize(
    ("reached", "value"),
    [(0, "0"), (30, "24.92"), (59, "49"), (60, "50"), (79, "69"), (80, "70"), (98, "88"), (99, "89"), (100, "109"),
     (101, "110"), (110, "120"), (111, "120"), (300, "120"), ("59.5", "50"), ("79.5", "70"), ("99.5", "109"),
     ("100.5", "110"), ("110.49", "120")],
)  # fmt: skip
def test_the_value_of_a_percentage(reached: int | str, value: str) -> None:
    assert half_up(percent_value(PACK, D(reached)), 2) == D(value)


def test_thirty_percent_is_kept_exact_and_cut_when_shown() -> None:
    assert percent_value(PACK, 30) == Fraction(49 * 30, 59)
    assert shown(percent_value(PACK, 30)) == "24.91"


@pytest.mark.parametrize(("reached", "value"), [("100", 120), ("99.5", 109), ("99", 89), ("101", 120)])
def test_reaching_all_that_can_be_attained_earns_the_maximum(reached: str, value: int) -> None:
    assert percent_value(PACK, D(reached), at_maximum=True) == value


@given(percents, percents, st.booleans())
def test_more_percent_is_never_worth_less(one: Fraction, other: Fraction, at_maximum: bool) -> None:
    low, high = sorted((one, other))
    assert percent_value(PACK, low, at_maximum=at_maximum) <= percent_value(PACK, high, at_maximum=at_maximum) <= 120


def test_the_example_of_the_annex() -> None:
    assert indicator_value(PACK, Measured("layanan", 85, 85)) == 109


@pytest.mark.parametrize(("actual", "reached"), [(10, 100), (8, 120), (15, 50), (20, 0), (25, 0), (0, 200)])
def test_where_less_is_better_the_percentage_mirrors(actual: int, reached: int) -> None:
    assert percent(Measured("hari", 10, actual, lower_is_better=True)) == reached


@pytest.mark.parametrize(
    ("indicator", "words"),
    [
        (Measured("x", 0, 1), "target must be more than 0"),
        (Measured("x", -1, 1, lower_is_better=True), "target must be more than 0"),
        (Measured("x", 1, -1), "less than nothing"),
        (Measured("x", 1, None), "nothing was reported"),
    ],
)
def test_what_cannot_be_measured_is_refused(indicator: Measured, words: str) -> None:
    with pytest.raises(ScoreRefused, match=words):
        percent(indicator)


def item(kind: ItemKind, *actuals: int) -> MeasuredItem:
    return MeasuredItem("x", kind, tuple(Measured("y", 100, actual) for actual in actuals))


def test_an_item_is_the_mean_of_its_indicators_and_additional_items_add_nothing() -> None:
    main = [item(ItemKind.MAIN, 100, 80), item(ItemKind.MAIN, 60)]
    assert item_value(PACK, main[0]) == Fraction(179, 2)
    assert annual_skp(PACK, main) == Fraction(279, 4)
    assert annual_skp(PACK, [*main, item(ItemKind.ADDITIONAL, 0), item(ItemKind.ADDITIONAL, 200)]) == Fraction(279, 4)


def test_a_plan_without_main_items_or_indicators_has_no_score() -> None:
    with pytest.raises(ScoreRefused, match="no main item"):
        annual_skp(PACK, [item(ItemKind.ADDITIONAL, 100)])
    with pytest.raises(ScoreRefused, match="no indicator"):
        item_value(PACK, item(ItemKind.MAIN))


def test_a_mean_that_never_ends_in_decimals_still_reaches_its_edge() -> None:
    """Values of the form 110 + 10k/9, of which most never end: rounding each would miss the 115."""
    assert annual_skp(PACK, [item(ItemKind.MAIN, *range(101, 111))]) == 115


def test_a_periodic_value_is_the_mean_of_two_means() -> None:
    assert periodic_skp([D(80), D(100)], [D(109)]) == Fraction(199, 2)
    with pytest.raises(ScoreRefused):
        periodic_skp([], [D(109)])


def test_behaviour_is_the_mean_of_its_aspects_with_leadership_for_leaders_only() -> None:
    four = {"service_orientation": D(100), "commitment": D(90), "initiative": D(80), "cooperation": D(91)}
    assert behavior_mean(PACK, four) == Fraction(361, 4)
    assert behavior_mean(PACK, four | {"leadership": D(109)}) == 94
    with pytest.raises(ScoreRefused, match="unknown aspect of behaviour: charm"):
        behavior_mean(PACK, four | {"charm": D(1)})
    del four["initiative"]
    with pytest.raises(ScoreRefused, match="no score for initiative"):
        behavior_mean(PACK, four)


def test_parts_of_a_year_weigh_by_their_months() -> None:
    assert month_weighted([(D(100), 3), (D(80), 9)]) == 85
    for segments in ([], [(D(1), 0), (D(2), 3)], [(D(1), 7), (D(2), 6)]):
        with pytest.raises(ScoreRefused):
            month_weighted(segments)
