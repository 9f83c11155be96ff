"""Does a unit's distribution of predicates meet the pattern of its organisation? It never re-rates anybody."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any, TypeVar

from rules.exact import exact
from rules.pack.pack import ANY, Pack, ShareRule
from rules.terms import DistributionMode, Locale, OrgPredicate, Predicate

Unit = TypeVar("Unit", bound=Hashable)


class Fit(StrEnum):
    MET = "met"
    BROKEN = "broken"
    INFEASIBLE = "infeasible"
    """No distribution of so few people meets the pattern."""
    EMPTY = "empty"
    """Nobody in the unit is ratable."""


@dataclass(frozen=True, slots=True)
class Breach:
    """`found` people of `of`, where `least` to `most` would do."""

    of: tuple[Predicate, ...]
    found: int
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Verdict:
    fit: Fit
    organisation: OrgPredicate | None
    people: int
    """Ratable people only."""
    counts: Mapping[Predicate, int]
    breaches: tuple[Breach, ...]
    words: Mapping[Locale, str]

    def as_json(self) -> dict[str, Any]:
        return {
            "fit": self.fit.value,
            "organisation": self.organisation and self.organisation.value,
            "people": self.people,
            "counts": {predicate.value: count for predicate, count in self.counts.items()},
            "breaches": [{"of": [p.value for p in b.of], "found": b.found, "least": b.least, "most": b.most}
                         for b in self.breaches],
            "words": {locale.value: text for locale, text in self.words.items()},
        }  # fmt: skip


def verdict(pack: Pack, organisation: OrgPredicate | None, counts: Mapping[Predicate, int]) -> Verdict:
    """Test the counts of a unit's ratable people; without a predicate of the organisation, if required, ValueError."""
    rules = pattern(pack, organisation)
    full = {predicate: counts.get(predicate, 0) for predicate in pack.scale}
    if strange := [p.value for p, count in counts.items() if count and p not in pack.scale]:
        raise ValueError(f"not on the scale of {pack.name}: {', '.join(strange)}")
    people = sum(full.values())
    breaches = tuple(breach for rule in rules if (breach := _breach(rule, full, people)))
    fit = Fit.BROKEN if breaches else Fit.MET
    if not people:
        fit, breaches = Fit.EMPTY, ()
    elif not feasible(pack, organisation, people):
        fit = Fit.INFEASIBLE
    words = {locale: _words(pack, locale, fit, people, breaches) for locale in Locale}
    return Verdict(fit, organisation, people, full, breaches, words)


def pattern(pack: Pack, organisation: OrgPredicate | None) -> tuple[ShareRule, ...]:
    if (rules := pack.distribution.get(ANY)) is not None:
        return rules
    if organisation is None:
        if pack.distribution:
            raise ValueError("the predicate of the organisation comes before the distribution of its people")
        return ()
    return pack.distribution.get(organisation, ())


def limits(rule: ShareRule, people: int) -> tuple[int, int]:
    """Fewest and most people a rule allows, whole people: a share that falls between two is met on its strict side."""
    least = -(-exact(rule.at_least or 0) * people // 1)
    most = (exact(rule.at_most) if rule.at_most is not None else Fraction(1)) * people // 1
    return max(int(least), rule.count_at_least), int(most)


def feasible(pack: Pack, organisation: OrgPredicate | None, people: int) -> bool:
    """Whether any distribution of `people` meets the pattern; its rules name each predicate at most once."""
    rules = pattern(pack, organisation)
    bounds = [limits(rule, people) for rule in rules]
    room = people if {p for rule in rules for p in rule.of} < set(pack.scale) else 0
    fewest, most = sum(low for low, _ in bounds), sum(high for _, high in bounds) + room
    return all(low <= high for low, high in bounds) and fewest <= people <= most


def may_issue(mode: DistributionMode, fit: Fit, *, overridden: bool) -> bool:
    """Whether results may be issued. What cannot be met is always open to an override: else nobody gets a result."""
    if fit in (Fit.MET, Fit.EMPTY) or mode in (DistributionMode.OFF, DistributionMode.WARN):
        return True
    return overridden and (mode is DistributionMode.REQUIRE_OVERRIDE or fit is Fit.INFEASIBLE)


def pooled(sizes: Mapping[Unit, int], parents: Mapping[Unit, Unit | None], minimum: int) -> dict[Unit, Unit]:
    """Say where the people of each unit are tested: in the unit, or, if it has too few, with those of the unit above.

    Small units of one parent meet there; the topmost is tested as it is. A loop in the tree is a ValueError.
    """
    units = set(sizes) | set(parents) | {parent for parent in parents.values() if parent is not None}
    depth = {unit: _depth(unit, parents) for unit in units}
    total = {unit: sizes.get(unit, 0) for unit in units}
    goes: dict[Unit, Unit] = {}
    for unit in sorted(units, key=lambda one: -depth[one]):
        parent = parents.get(unit)
        if total[unit] < minimum and parent is not None:
            goes[unit] = parent
            total[parent] += total[unit]
    return {unit: _end(unit, goes) for unit in sizes}


def _depth(unit: Unit, parents: Mapping[Unit, Unit | None]) -> int:
    seen, at = {unit}, parents.get(unit)
    while at is not None:
        if at in seen:
            raise ValueError(f"unit {unit} lies below itself")
        seen.add(at)
        at = parents.get(at)
    return len(seen)


def _end(unit: Unit, goes: Mapping[Unit, Unit]) -> Unit:
    while unit in goes:
        unit = goes[unit]
    return unit


def _breach(rule: ShareRule, counts: Mapping[Predicate, int], people: int) -> Breach | None:
    found = sum(counts[predicate] for predicate in rule.of)
    least, most = limits(rule, people)
    return None if least <= found <= most else Breach(rule.of, found, least, most)


def _words(pack: Pack, locale: Locale, fit: Fit, people: int, breaches: tuple[Breach, ...]) -> str:
    indonesian = locale is Locale.ID
    if fit is Fit.EMPTY:
        return "Tidak ada pegawai yang dapat dinilai." if indonesian else "Nobody can be rated."
    if fit is Fit.MET:
        return "Sesuai pola distribusi." if indonesian else "The pattern is met."
    told = "; ".join(_told(pack, locale, breach, people) for breach in breaches)
    if fit is Fit.BROKEN:
        return f"Tidak sesuai pola distribusi: {told}." if indonesian else f"The pattern is not met: {told}."
    if indonesian:
        return f"Dengan {people} pegawai tidak ada distribusi yang memenuhi pola: {told}."
    return f"With {people} people there is no valid distribution: {told}."


def _told(pack: Pack, locale: Locale, breach: Breach, people: int) -> str:
    names = " + ".join(pack.label(p, locale) for p in breach.of)
    few = breach.found < breach.least
    if locale is Locale.ID:
        return f"{names} {breach.found} dari {people}, " + (
            f"minimal {breach.least}" if few else f"maksimal {breach.most}"
        )
    return f"{names} {breach.found} of {people}, " + (f"at least {breach.least}" if few else f"at most {breach.most}")
