from decimal import Decimal

import pytest

import policies
from rules.pack.credit_points import NoCreditPoints, credit_points, total
from rules.terms import Predicate

PACK = policies.load("permenpanrb-6-2022")
TABLE = {
    "ahli_pertama": "18.75 12.5 9.375 6.25 3.125",
    "mahir": "18.75 12.5 9.375 6.25 3.125",
    "ahli_muda": "37.5 25 18.75 12.5 6.25",
    "penyelia": "37.5 25 18.75 12.5 6.25",
    "ahli_madya": "56.25 37.5 28.125 18.75 9.375",
    "ahli_utama": "75 50 37.5 25 12.5",
    "pemula": "5.625 3.75 2.8125 1.875 0.9375",
    "terampil": "7.5 5 3.75 2.5 1.25",
}


@pytest.mark.parametrize(
    ("level", "predicate", "points"),
    [(level, p, points) for level, row in TABLE.items() for p, points in zip(PACK.scale, row.split(), strict=True)],
)
def test_a_full_year_is_exact(level: str, predicate: Predicate, points: str) -> None:
    assert str(credit_points(PACK, level, predicate)) == points


def test_the_golden_part_of_a_year() -> None:
    year = credit_points(PACK, "ahli_pertama", Predicate.VERY_GOOD)
    part = credit_points(PACK, "ahli_pertama", Predicate.GOOD, months=2)
    assert (year, part, total([year, part])) == (Decimal("18.75"), Decimal("2.08"), Decimal("20.83"))


def test_half_a_cent_goes_up() -> None:
    assert credit_points(PACK, "pemula", Predicate.GOOD, months=2) == Decimal("0.63")


@pytest.mark.parametrize("months", [0, 13, -1])
def test_months_that_are_no_part_of_a_year_are_refused(months: int) -> None:
    with pytest.raises(NoCreditPoints, match="1 to 12 months"):
        credit_points(PACK, "terampil", Predicate.GOOD, months=months)


def test_an_unknown_level_and_a_pack_without_a_table_are_refused() -> None:
    with pytest.raises(NoCreditPoints, match="'ahli' is no level"):
        credit_points(PACK, "ahli", Predicate.GOOD)
    with pytest.raises(NoCreditPoints, match="pp-30-2019 converts no predicates"):
        credit_points(policies.load("pp-30-2019"), "terampil", Predicate.GOOD)
