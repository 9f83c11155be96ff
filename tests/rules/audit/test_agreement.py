from fractions import Fraction

import pytest

from rules.audit.agreement import (
    alpha_interval,
    alpha_nominal,
    alpha_ordinal,
    closeness,
    icc,
    kappa,
    newcombe,
    reportable_kappa,
    weighted_kappa,
    wilson,
)

CODERS = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."]
UNITS = [[int(value) for value in unit if value != "."] for unit in zip(*CODERS, strict=True)]
JUDGES = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def test_kappa_of_the_textbook() -> None:
    assert kappa([[20, 5], [10, 15]]) == Fraction("0.4")
    assert float(weighted_kappa([[106, 10, 4], [22, 28, 10], [2, 12, 6]]) or 0) == pytest.approx(0.566667, abs=1e-6)


def test_readers_who_always_agree_have_kappa_one_or_none() -> None:
    assert kappa([[3, 0], [0, 4]]) == weighted_kappa([[3, 0], [0, 4]]) == 1
    assert kappa([[7, 0], [0, 0]]) is None
    assert kappa([[0, 0], [0, 0]]) is None


def test_under_30_pairs_no_kappa_is_reported() -> None:
    assert reportable_kappa([[20, 5], [2, 2]]) is None
    assert reportable_kappa([[20, 5], [2, 3]]) == weighted_kappa([[20, 5], [2, 3]])


@pytest.mark.parametrize("table", [[[1, 2]], [[1], [2]], [[1, 2, 3], [4, 5, 6]]])
def test_a_table_that_is_not_square_is_refused(table: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="square"):
        kappa(table)


def test_icc_of_shrout_and_fleiss() -> None:
    found = icc(JUDGES)
    assert found
    assert (found.one_way, found.two_way, found.two_way_mean) == pytest.approx((0.166, 0.290, 0.620), abs=5e-4)


def test_icc_needs_two_of_each_and_something_that_varies() -> None:
    assert icc([[5, 5], [5, 5]]) is None
    for scores in ([], [[1, 2]], [[1], [2]], [[1, 2], [3]]):
        with pytest.raises(ValueError, match="at least two"):
            icc(scores)


def test_alpha_of_krippendorff() -> None:
    assert float(alpha_nominal(UNITS) or 0) == pytest.approx(0.743421, abs=1e-6)
    assert float(alpha_interval(UNITS) or 0) == pytest.approx(0.849107, abs=1e-6)
    assert float(alpha_ordinal(UNITS) or 0) == pytest.approx(0.815, abs=5e-4)


def test_alpha_is_none_where_nothing_can_differ() -> None:
    assert alpha_nominal([[1], [2], []]) is None
    assert alpha_ordinal([[1, 1], [1, 1]]) is None


def test_plain_agreement_and_its_sign() -> None:
    found = closeness([(3, 3), (4, 3), (5, 3), (2, 3)])
    assert (found.exact, found.adjacent, found.signed) == (Fraction(1, 4), Fraction(3, 4), Fraction(1, 2))
    with pytest.raises(ValueError, match="no pairs"):
        closeness([])


@pytest.mark.parametrize(("k", "n", "low", "high"), [(15, 148, 0.0624, 0.1605), (1, 29, 0.0061, 0.1718)])
def test_wilson(k: int, n: int, low: float, high: float) -> None:
    assert wilson(k, n) == pytest.approx((low, high), abs=5e-5)
    assert wilson(n - k, n) == pytest.approx((1 - high, 1 - low), abs=5e-5)


def test_wilson_ends_at_nothing_and_at_all() -> None:
    assert wilson(0, 20)[0] == 0
    assert wilson(20, 20)[1] == 1
    for k, n in ((-1, 5), (6, 5), (0, 0)):
        with pytest.raises(ValueError, match="no rate"):
            wilson(k, n)


def test_newcombe_of_his_paper() -> None:
    assert newcombe(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert newcombe(48, 80, 56, 70) == pytest.approx((-0.3339, -0.0524), abs=5e-5)
    assert newcombe(9, 10, 3, 10) == pytest.approx((0.1705, 0.8090), abs=5e-5)
