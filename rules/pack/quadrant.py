"""The quadrant method: two ratings meet in the pack's matrix."""

from rules.pack.pack import Pack
from rules.terms import OrgPredicate, Predicate, Rating


def quadrant(pack: Pack, result: Rating, behavior: Rating) -> Predicate:
    """Look up the predicate of a work result and a behaviour (annex of PermenPANRB 6/2022)."""
    if pack.matrix is None:
        raise ValueError(f"{pack.name} has no matrix: it rates by scores")
    return pack.matrix[result][behavior]


def unit_head_result(pack: Pack, organisation: OrgPredicate) -> Rating | None:
    """The result rating that a unit's predicate implies for its head; None: the pack implies nothing."""
    return None if pack.unit_head_result is None else pack.unit_head_result[organisation]
