"""When a stage ends later, what follows keeps its length and its order, and nothing moves that need not."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import policies
from rules.terms import StageKind
from rules.time.following import FOLLOWED_BY, Dates, Starved, follow, lacking, starved

LEASTS = policies.load(policies.DEFAULT).leasts
TARGETS, REVIEW, SCORING, OBJECTIONS, AUDIT, FINAL = StageKind
YEAR = {
    TARGETS: Dates(date(2026, 1, 2), date(2026, 1, 24), date(2026, 1, 31)),
    REVIEW: Dates(date(2026, 6, 24), date(2026, 7, 10), date(2026, 7, 17)),
    SCORING: Dates(date(2026, 12, 1), date(2027, 1, 13), date(2027, 1, 20)),
    OBJECTIONS: Dates(date(2027, 1, 21), date(2027, 3, 20), date(2027, 3, 22)),
    AUDIT: Dates(date(2027, 1, 22), date(2027, 3, 16), date(2027, 3, 20)),
    FINAL: Dates(date(2027, 3, 23), date(2027, 3, 29), date(2027, 3, 31)),
}


def test_a_month_more_for_scoring_moves_the_rest_of_the_year_by_a_month() -> None:
    was, ends = YEAR[SCORING].closes, date(2027, 2, 20)
    assert follow(YEAR, SCORING, was, ends, LEASTS, whole=True) == {
        kind: YEAR[kind].later(timedelta(days=31)) for kind in (OBJECTIONS, AUDIT, FINAL)
    }


def test_a_stage_that_is_open_only_ends_later_and_a_closed_one_stays() -> None:
    year = YEAR | {OBJECTIONS: Dates(*_days(OBJECTIONS), begun=True), AUDIT: Dates(*_days(AUDIT), over=True)}
    found = follow(year, SCORING, YEAR[SCORING].closes, date(2027, 2, 20), LEASTS, whole=True)
    assert found[OBJECTIONS].opens == YEAR[OBJECTIONS].opens
    assert found[OBJECTIONS].closes == date(2027, 4, 22)
    assert AUDIT not in found
    again = follow(year | found, SCORING, date(2027, 2, 20), date(2027, 3, 6), LEASTS, whole=True)
    assert again[OBJECTIONS].closes == date(2027, 5, 6), "a second extension adds only itself"


def _days(kind: StageKind) -> tuple[date, date, date]:
    return YEAR[kind].opens, YEAR[kind].due, YEAR[kind].closes


@pytest.mark.parametrize("ends", [date(2026, 2, 4), date(2026, 6, 23)])
def test_what_has_room_does_not_move(ends: date) -> None:
    assert follow(YEAR, TARGETS, YEAR[TARGETS].closes, ends, LEASTS, whole=True) == {}


def test_one_persons_extension_moves_no_more_than_the_least_length_asks_for() -> None:
    found = follow(YEAR, SCORING, YEAR[SCORING].closes, date(2027, 1, 27), LEASTS, whole=False)
    assert found[OBJECTIONS].opens == date(2027, 1, 28)
    assert found[OBJECTIONS].closes == date(2027, 3, 26), "58 days from 28 January, the first counted"
    assert found[AUDIT].closes == YEAR[AUDIT].closes
    assert found[FINAL].opens == date(2027, 3, 27)
    assert follow(YEAR, TARGETS, YEAR[TARGETS].closes, date(2026, 6, 30), LEASTS, whole=False) == {}


def test_what_would_be_left_with_too_little_is_named_with_its_days() -> None:
    assert starved(YEAR, SCORING, date(2027, 1, 23), LEASTS) == []
    assert starved(YEAR, SCORING, date(2027, 1, 24), LEASTS) == [Starved(OBJECTIONS, 57, 58)]
    assert starved(YEAR, SCORING, date(2027, 4, 1), LEASTS) == [Starved(OBJECTIONS, 0, 58), Starved(AUDIT, 0, 28)]
    short = YEAR | {OBJECTIONS: Dates(date(2027, 1, 21), date(2027, 2, 12), date(2027, 2, 19))}
    assert starved(short, SCORING, date(2027, 1, 20), LEASTS) == []
    assert starved(short, SCORING, date(2027, 1, 21), LEASTS) == [Starved(OBJECTIONS, 29, 30)], "as it was planned"


def test_a_stage_that_opened_late_lacks_what_it_lost() -> None:
    opens, closes = date(2027, 1, 22), date(2027, 3, 20)
    assert lacking(opens, closes, opens, 28) == lacking(opens, closes, date(2027, 2, 21), 28) == 0
    assert lacking(opens, closes, date(2027, 2, 22), 28) == 1
    assert lacking(opens, closes, date(2027, 3, 21), 28) == 28
    assert lacking(opens, date(2027, 1, 31), opens, 28) == 0, "it was planned so short"


@given(kind=st.sampled_from(list(StageKind)), days=st.integers(1, 400), whole=st.booleans())
def test_whatever_is_extended_the_stages_stay_in_order_and_long_enough(
    kind: StageKind, days: int, whole: bool
) -> None:  # fmt: skip
    ends = YEAR[kind].closes + timedelta(days=days)
    moved = YEAR | follow(YEAR, kind, YEAR[kind].closes, ends, LEASTS, whole=whole)
    last = {one: dates.closes for one, dates in moved.items()} | {kind: ends}
    for before, after in FOLLOWED_BY.items():
        for one in after:
            dates = moved[one]
            assert dates.opens < dates.due <= dates.closes
            assert dates.days >= dates.needed(LEASTS[one])
            if whole or one in (OBJECTIONS, AUDIT, FINAL):
                assert dates.opens > last[before] or (one is not FINAL and dates == YEAR[one] and before is not kind)
