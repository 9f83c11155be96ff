"""When an import would end so much that somebody must say it is meant: a partial file looks like a mass departure."""

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

MOST_OF_AGENCY = Fraction(1, 10)
MOST_OF_UNIT = Fraction(1, 2)
FEWEST_IN_UNIT = 2
"""One person who leaves a unit of one is daily life."""


class Loss(NamedTuple):
    """A part of the agency that would lose more of its people than is likely; the agency itself has no unit."""

    unit: str
    leaving: int
    serving: int


def losses(serving: Mapping[str, int], leaving: Mapping[str, int]) -> list[Loss]:
    """Whether more than a tenth of the agency, or more than half of a unit (by name), would end; the agency first."""
    found: list[Loss] = []
    all_serving, all_leaving = sum(serving.values()), sum(leaving.values())
    if all_leaving > all_serving * MOST_OF_AGENCY:
        found.append(Loss("", all_leaving, all_serving))
    for unit in sorted(leaving):
        lost, had = leaving[unit], serving.get(unit, 0)
        if lost >= FEWEST_IN_UNIT and lost > had * MOST_OF_UNIT:
            found.append(Loss(unit, lost, had))
    return found
