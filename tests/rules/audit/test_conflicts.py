from dataclasses import replace
from datetime import date

import pytest

from rules.audit.conflicts import Conflict, Facts, Stay, Tie, conflicts

TODAY = date(2026, 3, 2)
LONG_AGO, JUST_WITHIN = date(2024, 3, 1), date(2024, 3, 2)
AUDITOR, RATEE, RATER, RELATIVE = 1, 2, 3, 4
CLEAR = Facts(
    AUDITOR, RATEE, frozenset({RATER, 33}),
    ties=(Tie(4), Tie(-4), Tie(1, LONG_AGO)),
    auditor_stays=(Stay(10), Stay(20, LONG_AGO)),
    case_stays=(Stay(20), Stay(10, LONG_AGO)),
    declared=frozenset({8}),
    auditor_rated_by=frozenset({8}), auditor_rates=frozenset({8}), rater_relatives=frozenset({RELATIVE}),
    ratee_unit=20, own_examiners_units=frozenset({30}), objection_parties=frozenset({RATEE, RATER}),
    raters_examined=(frozenset({RATER}), frozenset({8}), frozenset({RATER})),
)  # fmt: skip


def test_whoever_has_nothing_to_do_with_the_case_may_examine() -> None:
    assert conflicts(CLEAR, TODAY) == []
    assert conflicts(Facts(AUDITOR, RATEE, frozenset({RATER})), TODAY) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"ratee": AUDITOR}, Conflict.RATEE),
        ({"raters": frozenset({33, AUDITOR}), "raters_examined": ()}, Conflict.RATER),
        ({"ties": (Tie(3),)}, Conflict.IN_LINE),
        ({"ties": (Tie(-3),)}, Conflict.IN_LINE),
        ({"ties": (Tie(1, JUST_WITHIN),)}, Conflict.IN_LINE),
        ({"auditor_stays": (Stay(20),)}, Conflict.SAME_UNIT),
        ({"auditor_stays": (Stay(20, JUST_WITHIN),)}, Conflict.SAME_UNIT),
        ({"case_stays": (Stay(10, JUST_WITHIN),)}, Conflict.SAME_UNIT),
        ({"declared": frozenset({RATEE})}, Conflict.DECLARED),
        ({"declared": frozenset({RATER})}, Conflict.DECLARED),
        ({"auditor_rated_by": frozenset({RATER})}, Conflict.RATED_BY_RATER),
        ({"auditor_rates": frozenset({RELATIVE})}, Conflict.RATES_RELATIVE),
        ({"own_examiners_units": frozenset({20, 30})}, Conflict.RECIPROCAL),
        ({"objection_parties": frozenset({AUDITOR})}, Conflict.OBJECTION),
        ({"raters_examined": (frozenset({RATER, 8}), frozenset({RATER}), frozenset())}, Conflict.SAME_RATER_TWICE),
        ({"declined": True}, Conflict.DECLINED),
    ],
)
def test_each_conflict_is_found_alone(change: dict[str, object], expected: Conflict) -> None:
    assert conflicts(replace(CLEAR, **change), TODAY) == [expected]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    "examined", [(), (frozenset({RATER}),), (frozenset({RATER}), frozenset()), (frozenset({RATER}), frozenset({33}))]
)
def test_a_rater_may_be_examined_by_the_same_auditor_twice_but_not_in_three_cycles(
    examined: tuple[frozenset[int], ...],
) -> None:
    assert conflicts(replace(CLEAR, raters_examined=examined), TODAY) == []


def test_all_conflicts_are_told_at_once() -> None:
    facts = replace(CLEAR, declined=True, declared=frozenset({RATEE}), ties=(Tie(0),))
    assert conflicts(facts, TODAY) == [Conflict.IN_LINE, Conflict.DECLARED, Conflict.DECLINED]


def test_a_move_after_the_assignment_makes_a_conflict_and_time_heals_it() -> None:
    moved = replace(CLEAR, auditor_stays=(Stay(20, date(2026, 2, 28)),))
    assert conflicts(moved, date(2028, 2, 28)) == [Conflict.SAME_UNIT]
    assert conflicts(moved, date(2028, 2, 29)) == [Conflict.SAME_UNIT]
    assert conflicts(moved, date(2028, 3, 1)) == []
