"""Credit points of functional officials from a predicate (PerBKN 3/2023)."""

from collections.abc import Iterable
from decimal import Decimal

from rules.exact import exact, half_up
from rules.pack.pack import Pack
from rules.terms import Predicate


class NoCreditPoints(ValueError):
    """The pack grants none, or does not know the level, or the months are no part of a year."""


def credit_points(pack: Pack, level: str, predicate: Predicate, months: int = 12) -> Decimal:
    """Multiplier times coefficient; part of a year in proportion, rounded half up to 2 decimals, a full year exact."""
    if pack.ak_table is None:
        raise NoCreditPoints(f"{pack.name} converts no predicates to credit points")
    if level not in pack.ak_table.levels:
        raise NoCreditPoints(f"{level!r} is no level; there are: {', '.join(sorted(pack.ak_table.levels))}")
    if not 1 <= months <= 12:
        raise NoCreditPoints(f"a year has 1 to 12 months, not {months}")
    year = pack.ak_table.levels[level].coefficient * pack.ak_table.multipliers[predicate]
    return year.normalize() + 0 if months == 12 else half_up(exact(year) * months / 12, 2)


def total(lines: Iterable[Decimal]) -> Decimal:
    """Add lines that were each rounded on their own, as they stand in the decree."""
    return sum(lines, Decimal(0))
