"""Who may not examine an appraisal. Asked when an item is assigned, and again before the rater's rating is shown."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

YEARS = 2
"""How long working together lasts as a conflict."""
LEVELS = 3


class Conflict(StrEnum):
    RATEE = "ratee"
    RATER = "rater"
    IN_LINE = "in_line"
    """Up to three levels above or below the employee or a rater, now or in the last two years."""
    SAME_UNIT = "same_unit"
    DECLARED = "declared"
    """Kinship or business with the employee or a rater."""
    RATED_BY_RATER = "rated_by_rater"
    RATES_RELATIVE = "rates_relative"
    """Rates a relative of a rater."""
    RECIPROCAL = "reciprocal"
    """Somebody of the employee's unit examines the auditor's own appraisal in this cycle."""
    OBJECTION = "objection"
    SAME_RATER_TWICE = "same_rater_twice"
    """Examined the same rater in both previous cycles."""
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Stay:
    """A person's time in a unit; `until` is the last day, None if it lasts."""

    unit: int
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Tie:
    """The auditor stood `levels` above (negative: below) the employee or a rater; `until` as in `Stay`."""

    levels: int
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one auditor and one appraisal; persons and units by number."""

    auditor: int
    ratee: int
    raters: frozenset[int]
    """Of all segments of the cycle."""
    ties: tuple[Tie, ...] = ()
    auditor_stays: tuple[Stay, ...] = ()
    case_stays: tuple[Stay, ...] = ()
    """Of the employee and the raters."""
    declared: frozenset[int] = frozenset()
    """Persons with whom the auditor has declared kinship or business."""
    auditor_rated_by: frozenset[int] = frozenset()
    auditor_rates: frozenset[int] = frozenset()
    rater_relatives: frozenset[int] = frozenset()
    ratee_unit: int | None = None
    own_examiners_units: frozenset[int] = frozenset()
    """Units of those who examine the auditor's own appraisal in this cycle."""
    objection_parties: frozenset[int] = frozenset()
    """Everyone who took part in the objection against this appraisal."""
    raters_examined: tuple[frozenset[int], ...] = ()
    """Whom the auditor examined as raters in earlier cycles, the last cycle first."""
    declined: bool = False


def conflicts(facts: Facts, today: date) -> list[Conflict]:
    """Every reason why the auditor must not examine the appraisal; an empty list means they may."""
    since = _years_before(today, YEARS)
    shared = _units(facts.auditor_stays, since) & _units(facts.case_stays, since)
    twice = frozenset.intersection(*facts.raters_examined[:2]) if len(facts.raters_examined) > 1 else frozenset()
    holds = {
        Conflict.RATEE: facts.auditor == facts.ratee,
        Conflict.RATER: facts.auditor in facts.raters,
        Conflict.IN_LINE: any(abs(tie.levels) <= LEVELS and _recent(tie.until, since) for tie in facts.ties),
        Conflict.SAME_UNIT: bool(shared),
        Conflict.DECLARED: bool(facts.declared & (facts.raters | {facts.ratee})),
        Conflict.RATED_BY_RATER: bool(facts.auditor_rated_by & facts.raters),
        Conflict.RATES_RELATIVE: bool(facts.auditor_rates & facts.rater_relatives),
        Conflict.RECIPROCAL: facts.ratee_unit in facts.own_examiners_units,
        Conflict.OBJECTION: facts.auditor in facts.objection_parties,
        Conflict.SAME_RATER_TWICE: bool(twice & facts.raters),
        Conflict.DECLINED: facts.declined,
    }
    return [conflict for conflict, there in holds.items() if there]


def _units(stays: Iterable[Stay], since: date) -> set[int]:
    return {stay.unit for stay in stays if _recent(stay.until, since)}


def _recent(until: date | None, since: date) -> bool:
    return until is None or until >= since


def _years_before(day: date, years: int) -> date:
    if (day.month, day.day) == (2, 29):
        day = day.replace(day=28)
    return day.replace(year=day.year - years)
