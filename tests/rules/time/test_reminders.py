from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import policies
from rules.terms import Role
from rules.time.calendar import Calendar, national_calendar
from rules.time.reminders import Occasion, digest_of, occasions, reminder_owed

PACK = policies.load("permenpanrb-6-2022")
OFFSETS, LADDER = PACK.reminder_offsets, PACK.escalation
WITA = national_calendar("Asia/Makassar", range(2024, 2028))
PLAIN = Calendar("Asia/Makassar")
WEDNESDAY = date(2026, 7, 15)
days = st.dates(date(2024, 3, 1), date(2027, 9, 1))


def owed(due_on: date, today: date, **more: date) -> Occasion | None:
    return reminder_owed(due_on, today, OFFSETS, WITA, escalation=LADDER, **more)


@given(days, st.integers(-30, 30))
def test_nobody_is_reminded_on_a_day_off(due_on: date, shift: int) -> None:
    today = due_on + timedelta(days=shift)
    found = owed(due_on, today)
    assert found is None or (WITA.is_working_day(found.on) and WITA.is_working_day(today) and found.on <= today)


@given(days)
def test_occasions_are_one_a_day_in_order_and_never_on_the_wrong_side_of_the_due_day(due_on: date) -> None:
    found = occasions(due_on, OFFSETS, WITA, LADDER)
    assert [one.on for one in found] == sorted({one.on for one in found})
    assert all((one.on <= due_on) == (one.offset <= 0) for one in found)
    assert all(WITA.is_working_day(one.on) for one in found)


@given(days, st.integers(-20, 20))
def test_what_is_owed_stays_owed_until_the_next_occasion(due_on: date, shift: int) -> None:
    """So a server that was down on the day makes it good on the next working day."""
    today = due_on + timedelta(days=shift)
    expected = [one for one in occasions(due_on, OFFSETS, WITA, LADDER) if one.on <= today]
    if WITA.is_working_day(today):
        assert owed(due_on, today) == (expected[-1] if expected else None)


def test_every_day_around_a_due_day() -> None:
    expected = {-14: -14, -13: -14, -9: -14, -8: -14, -7: -7, -6: -7, -5: -3, -3: -3, -2: -3, -1: -1, 0: 0,
                1: 1, 2: 1, 5: 3, 6: 3, 7: 7, 8: 7, 30: 7}  # fmt: skip
    for shift, offset in expected.items():
        today = WEDNESDAY + timedelta(days=shift)
        found = reminder_owed(WEDNESDAY, today, OFFSETS, PLAIN)
        assert found is None if not PLAIN.is_working_day(today) else found is not None and found.offset == offset
    assert reminder_owed(WEDNESDAY, WEDNESDAY - timedelta(days=15), OFFSETS, PLAIN) is None


def test_a_reminder_before_the_due_day_moves_back_and_one_after_it_forward() -> None:
    sunday = date(2026, 7, 19)
    by_offset = {one.offset: one.on for one in occasions(sunday, OFFSETS, PLAIN)}
    assert by_offset[0] == date(2026, 7, 17)
    assert by_offset[1] == date(2026, 7, 20)
    assert -1 not in by_offset  # it fell on the same Friday as the last one, which is more urgent


def test_before_a_long_holiday_one_letter_goes_out_not_three() -> None:
    due_on = date(2026, 3, 23)
    found = [one for one in occasions(due_on, OFFSETS, WITA) if one.on >= date(2026, 3, 17)]
    assert found[0] == Occasion(date(2026, 3, 17), 0)
    assert found[1].on == date(2026, 3, 25)


@pytest.mark.parametrize(
    ("shift", "role"),
    [(0, None), (1, Role.OBJECTION_AUTHORITY), (2, Role.OBJECTION_AUTHORITY), (5, Role.PERFORMANCE_ADMIN),
     (7, Role.APPOINTING_AUTHORITY), (30, Role.APPOINTING_AUTHORITY)],
)  # fmt: skip
def test_what_is_overdue_climbs(shift: int, role: Role | None) -> None:
    found = reminder_owed(WEDNESDAY, WEDNESDAY + timedelta(days=shift), OFFSETS, PLAIN, escalation=LADDER)
    assert found is not None
    assert found.escalates_to is role


def test_what_fell_before_the_invitation_is_not_made_good() -> None:
    same_day = WEDNESDAY - timedelta(days=7)
    assert owed(WEDNESDAY, same_day) == Occasion(same_day, -7)
    assert owed(WEDNESDAY, same_day, since=same_day) is None
    invited = WEDNESDAY - timedelta(days=6)
    assert owed(WEDNESDAY, invited, since=invited) is None
    later = owed(WEDNESDAY, WEDNESDAY - timedelta(days=2), since=invited)
    assert later is not None
    assert later.offset == -3


def test_an_occasion_is_a_key() -> None:
    found = owed(WEDNESDAY, WEDNESDAY)
    assert found is not None
    assert found.key == "2026-07-15"


def test_a_person_with_many_duties_gets_the_latest_and_most_urgent() -> None:
    one, two = Occasion(WEDNESDAY, -7), Occasion(WEDNESDAY, 3, Role.PERFORMANCE_ADMIN)
    assert digest_of([one, None, two, Occasion(date(2026, 7, 14), 7)]) == two
    assert digest_of([None]) is None
