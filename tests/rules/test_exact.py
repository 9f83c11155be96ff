from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.exact import exact, exact_text, half_up, mean, shown, stored

numbers = st.fractions(min_value=-200, max_value=200, max_denominator=10**6)


@given(numbers)
def test_text_gives_the_same_number_back(number: Fraction) -> None:
    assert exact(exact_text(number)) == number


@given(numbers.filter(lambda number: number >= 0))
def test_what_is_shown_or_stored_is_never_more_than_what_is(number: Fraction) -> None:
    assert 0 <= number - exact(shown(number)) < Fraction(1, 100)
    assert 0 <= number - exact(stored(number)) < Fraction(1, 10**6)


def test_numbers_are_cut_not_rounded() -> None:
    assert shown(Decimal("89.999")) == "89.99"
    assert shown(Decimal("-0.001")) == "0.00"
    assert shown(Decimal("-1.5")) == "-1.50"
    assert shown(Decimal(7), 0) == "7"
    assert str(stored(Decimal("109.90"))) == "109.9"
    assert str(stored(Decimal(100))) == "100"


def test_exact_text_is_short_where_decimals_end() -> None:
    assert exact_text(Decimal("109.90")) == "109.9"
    assert exact_text(Fraction(100, 3)) == "100/3"


@pytest.mark.parametrize(("value", "whole"), [("59.49", 59), ("59.5", 60), ("60", 60), ("0", 0)])
def test_halves_go_up(value: str, whole: int) -> None:
    assert half_up(Decimal(value)) == whole


def test_no_float_and_no_infinity_gets_in() -> None:
    with pytest.raises(TypeError, match="not an exact number"):
        exact(0.1)  # type: ignore[arg-type]
    with pytest.raises((ValueError, OverflowError)):
        exact(Decimal("Infinity"))
    with pytest.raises(ValueError, match="no mean of nothing"):
        mean([])
