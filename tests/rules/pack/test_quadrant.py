from itertools import product

import pytest

import policies
from rules.pack.quadrant import quadrant, unit_head_result
from rules.terms import OrgPredicate, Predicate, Rating

PACK = policies.load("permenpanrb-6-2022")
A, M, B = Rating.ABOVE, Rating.MEETS, Rating.BELOW
SB, GOOD, BP, K, SK = PACK.scale
CELLS = {
    (A, B): K, (A, M): GOOD, (A, A): SB,
    (M, B): K, (M, M): GOOD, (M, A): GOOD,
    (B, B): SK, (B, M): BP, (B, A): BP,
}  # fmt: skip


@pytest.mark.parametrize(("result", "behavior"), list(product(Rating, Rating)))
def test_each_of_the_nine_cells(result: Rating, behavior: Rating) -> None:
    assert quadrant(PACK, result, behavior) is CELLS[result, behavior]


def test_how_often_each_predicate_stands_in_the_matrix() -> None:
    found = [quadrant(PACK, result, behavior) for result, behavior in product(Rating, Rating)]
    assert {p: found.count(p) for p in Predicate if p in found} == {SB: 1, GOOD: 3, BP: 2, K: 2, SK: 1}


@pytest.mark.parametrize(("result", "behavior"), list(product(Rating, Rating)))
def test_a_better_rating_never_lowers_the_predicate(result: Rating, behavior: Rating) -> None:
    order = [B, M, A]
    here = PACK.rank(quadrant(PACK, result, behavior))
    for better in order[order.index(result) :]:
        assert PACK.rank(quadrant(PACK, better, behavior)) <= here
    for better in order[order.index(behavior) :]:
        assert PACK.rank(quadrant(PACK, result, better)) <= here


def test_bad_behaviour_is_not_saved_by_outstanding_results() -> None:
    assert quadrant(PACK, A, B) is K


@pytest.mark.parametrize(
    ("organisation", "rating"),
    list(zip(OrgPredicate, [A, M, B, B, B], strict=True)),
)
def test_the_result_of_a_unit_head_follows_the_unit(organisation: OrgPredicate, rating: Rating) -> None:
    assert unit_head_result(PACK, organisation) is rating


def test_a_pack_without_a_matrix_says_so() -> None:
    numeric = policies.load("pp-30-2019")
    with pytest.raises(ValueError, match="pp-30-2019 has no matrix"):
        quadrant(numeric, A, A)
    assert unit_head_result(numeric, OrgPredicate.GOOD) is None
