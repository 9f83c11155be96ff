from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.terms import DayKind
from rules.time.calendar import Calendar, Pause, national_calendar

WIB = national_calendar("Asia/Jakarta", range(2023, 2028))
WITA = national_calendar("Asia/Makassar", range(2023, 2028))
WIT = national_calendar("Asia/Jayapura", range(2023, 2028))
DAYS = DayKind.CALENDAR
days = st.dates(date(2024, 1, 1), date(2026, 12, 1))
instants = st.datetimes(datetime(2024, 1, 1), datetime(2026, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001
kinds = st.sampled_from(DayKind)


def at(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("receipt", "last"),
    [("2025-01-31", "2025-02-14"), ("2024-02-15", "2024-02-29"), ("2024-12-20", "2025-01-03"),
     ("2025-12-20", "2026-01-03")],
)  # fmt: skip
def test_the_golden_windows(receipt: str, last: str) -> None:
    received = at(f"{receipt}T09:00", "Asia/Jakarta")
    assert WIB.last_day(received, 14, DAYS) == date.fromisoformat(last)
    assert WIB.window_end(received, 14, DAYS) == at(f"{last}T23:59:59", "Asia/Jakarta")


def test_the_day_is_that_of_the_agency() -> None:
    late = at("2025-01-31T23:30", "Asia/Makassar")
    assert late == at("2025-01-31T22:30", "Asia/Jakarta")
    assert WITA.last_day(late, 14, DAYS) == date(2025, 2, 14)
    past_midnight = at("2025-02-01T00:30", "Asia/Makassar")
    assert WIB.local_date(past_midnight) == date(2025, 1, 31)
    assert WITA.last_day(past_midnight, 14, DAYS) == date(2025, 2, 15)
    assert WIB.last_day(past_midnight, 14, DAYS) == date(2025, 2, 14)


@pytest.mark.parametrize(("calendar", "hour"), [(WIB, 16), (WITA, 15), (WIT, 14)])
def test_the_end_of_a_day_in_each_zone(calendar: Calendar, hour: int) -> None:
    assert calendar.end_of_day(date(2025, 2, 14)) == datetime(2025, 2, 14, hour, 59, 59, tzinfo=UTC)
    assert calendar.start_of_day(date(2025, 2, 15)) == datetime(2025, 2, 14, hour + 1, tzinfo=UTC)
    assert calendar.end_of_day(date(2025, 2, 14)).tzinfo is UTC


def test_an_objection_in_the_last_second_is_in_time_and_the_next_is_not() -> None:
    last = WITA.last_day(at("2025-01-31T09:00", "Asia/Makassar"), 14, DAYS)
    assert WITA.in_time(at("2025-02-14T23:59:59.999999", "Asia/Makassar"), last)
    assert not WITA.in_time(at("2025-02-15T00:00:00", "Asia/Makassar"), last)


@given(instants, st.integers(1, 60), kinds)
def test_a_window_never_ends_before_the_receipt(received: datetime, length: int, kind: DayKind) -> None:
    assert WITA.window_end(received, length, kind) >= received + timedelta(days=length - 1)
    assert WITA.in_time(received, WITA.last_day(received, length, kind))


@given(days, st.integers(1, 40))
def test_working_days_end_on_a_working_day_with_so_many_between(day: date, count: int) -> None:
    end = WIB.add_working_days(day, count)
    between = [day + timedelta(days=n) for n in range(1, (end - day).days + 1)]
    assert WIB.is_working_day(end)
    assert sum(map(WIB.is_working_day, between)) == count


@given(days)
def test_the_nearest_working_days_lie_around_a_day(day: date) -> None:
    before, after = WIB.previous_working_day(day), WIB.next_working_day(day)
    assert before <= day <= after
    assert WIB.is_working_day(before)
    assert WIB.is_working_day(after)
    assert (before == after) == WIB.is_working_day(day)


@given(instants, st.integers(1, 40), kinds, st.integers(-30, 60), st.integers(0, 30))
def test_a_pause_never_shortens_a_window(received: datetime, length: int, kind: DayKind, start: int, long: int) -> None:
    begin = WITA.local_date(received) + timedelta(days=start)
    pause = Pause(begin, begin + timedelta(days=long), "PPK", "SK 1")
    free, paused = (WITA.last_day(received, length, kind, pauses) for pauses in ((), (pause,)))
    assert paused >= free
    assert paused == free or not pause.covers(paused)


def test_a_leave_over_the_window_moves_its_end_by_as_many_days() -> None:
    received = at("2025-01-31T09:00", "Asia/Makassar")
    leave = Pause(date(2025, 2, 3), date(2025, 2, 7), "HR", "SK 7/2025")
    assert WITA.last_day(received, 14, DAYS, [leave]) == date(2025, 2, 19)
    assert WITA.last_day(received, 14, DAYS, [leave, leave]) == date(2025, 2, 19)


def test_an_outage_on_the_last_day_gives_the_next_even_if_recorded_later() -> None:
    received = at("2025-01-31T09:00", "Asia/Makassar")
    outage = Pause(date(2025, 2, 14), date(2025, 2, 14), "ops", "BA 3/2025")
    assert WITA.last_day(received, 14, DAYS, [outage]) == date(2025, 2, 15)
    after = Pause(date(2025, 2, 15), date(2025, 2, 20), "ops", "BA 4/2025")
    assert WITA.last_day(received, 14, DAYS, [after]) == date(2025, 2, 14)


@pytest.mark.parametrize(
    "parts",
    [(date(2025, 2, 2), date(2025, 2, 1), "HR", "SK 1"), (date(2025, 2, 1), date(2025, 2, 1), "", "SK 1"),
     (date(2025, 2, 1), date(2025, 2, 1), "HR", " ")],
)  # fmt: skip
def test_a_pause_needs_an_order_and_a_right_way_round(parts: tuple[date, date, str, str]) -> None:
    with pytest.raises(ValueError, match="pause"):
        Pause(*parts)


def test_a_result_nobody_opens_counts_as_received_after_some_days() -> None:
    deemed = WITA.deemed_receipt(at("2025-01-24T10:00", "Asia/Makassar"), 7)
    assert deemed == at("2025-01-31T23:59:59", "Asia/Makassar")
    assert WITA.last_day(deemed, 14, DAYS) == date(2025, 2, 14)


def test_holidays_and_shared_leave_are_no_working_days() -> None:
    assert WIB.holidays[date(2026, 3, 20)] == "Cuti Bersama Hari Raya Idul Fitri"
    assert not WIB.is_working_day(date(2026, 3, 20))
    assert not WIB.is_working_day(date(2026, 8, 17))
    assert not WIB.is_working_day(date(2026, 8, 16))
    assert WIB.is_working_day(date(2026, 8, 18))
    assert WIB.add_working_days(date(2026, 3, 17), 1) == date(2026, 3, 25)
    assert WIB.add_working_days(date(2026, 3, 17), 0) == date(2026, 3, 17)


def test_an_agency_adds_days_off_and_takes_back_moved_ones() -> None:
    ours = national_calendar("Asia/Makassar", [2026], {date(2026, 7, 14): "HUT Mamuju", date(2026, 8, 17): ""})
    assert not ours.is_working_day(date(2026, 7, 14))
    assert ours.is_working_day(date(2026, 8, 17))
    assert ours.covers(date(2026, 12, 31))
    assert not ours.covers(date(2027, 1, 1))


def test_a_calendar_is_a_value() -> None:
    assert hash(WITA) == hash(national_calendar("Asia/Makassar", range(2023, 2028)))
    assert national_calendar("Asia/Makassar", range(2023, 2028)) == WITA


def test_unknown_zones_naive_times_and_backward_clocks_are_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        Calendar("Asia/Mamuju")
    with pytest.raises(ValueError, match="has no time zone"):
        WIB.local_date(datetime(2025, 1, 1))  # noqa: DTZ001
    with pytest.raises(ValueError, match="runs forward"):
        WIB.add_working_days(date(2025, 1, 1), -1)
    with pytest.raises(ValueError, match="needs a working day"):
        Calendar("Asia/Jakarta", weekend=frozenset(range(7)))
    with pytest.raises(ValueError, match="at least one year"):
        national_calendar("Asia/Jakarta", [])


def test_a_school_that_works_on_saturday() -> None:
    school = Calendar("Asia/Jakarta", weekend=frozenset({6}))
    assert school.add_working_days(date(2026, 1, 9), 1) == date(2026, 1, 10)


def test_importing_the_calendar_loads_no_holidays() -> None:
    import subprocess
    import sys

    code = "import rules.time.calendar, sys; raise SystemExit('holidays' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
