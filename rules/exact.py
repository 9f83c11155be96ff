"""Exact numbers: scores decide about people, so nothing is rounded before it is banded and no float gets in."""

from decimal import Decimal
from fractions import Fraction

Exact = Decimal | Fraction | int

STORED_PLACES = 6
"""Finer than any bound a pack may have, so that cutting a score to it never moves it to another band."""


def exact(value: Exact | str) -> Fraction:
    """The number itself; a float, an infinity or NaN is refused."""
    if isinstance(value, float | bool):
        raise TypeError(f"{value!r} is not an exact number: pass a Decimal or a string")
    return Fraction(value)


def exact_text(value: Exact) -> str:
    """Text from which `exact` makes the same number again: `109.9`, or `100/3` where decimals never end."""
    number = exact(value)
    places = 0
    while places <= 30 and (number * 10**places).denominator != 1:
        places += 1
    return shown(number, places) if places <= 30 else f"{number.numerator}/{number.denominator}"


def shown(value: Exact, places: int = 2) -> str:
    """Cut, never round: a score shown as 90.00 has reached 90."""
    number = exact(value)
    digits = str(abs(number.numerator) * 10**places // number.denominator).rjust(places + 1, "0")
    sign = "-" if number < 0 and int(digits) else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"


def stored(value: Exact) -> Decimal:
    """The decimal to keep in a column, cut to six places."""
    return Decimal(shown(value, STORED_PLACES)).normalize() + 0


def half_up(value: Exact, places: int = 0) -> Decimal:
    """Round a non-negative number commercially."""
    number = exact(value) * 10**places + Fraction(1, 2)
    return Decimal(number.numerator // number.denominator).scaleb(-places)


def mean(values: list[Fraction]) -> Fraction:
    if not values:
        raise ValueError("no mean of nothing")
    return sum(values, Fraction(0)) / len(values)
