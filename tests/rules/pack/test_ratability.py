from datetime import date

import pytest

import policies
from rules.pack.ratability import days_served, ratable

PACK = policies.load("permenpanrb-6-2022")


def test_whoever_was_hired_in_mid_november_is_not_ratable() -> None:
    assert not ratable(PACK, [(date(2025, 11, 15), None)], 2025)
    assert ratable(PACK, [(date(2020, 1, 1), None)], 2025)


@pytest.mark.parametrize(("start", "fine"), [(date(2025, 10, 3), True), (date(2025, 10, 4), False)])
def test_ninety_days_are_enough_and_eighty_nine_are_not(start: date, fine: bool) -> None:
    assert ratable(PACK, [(start, None)], 2025) is fine


def test_parts_add_up_overlaps_count_once_and_absences_do_not_count() -> None:
    january, long = (date(2024, 12, 1), date(2025, 1, 31)), (date(2025, 1, 15), date(2025, 2, 10))
    assert days_served([january], 2025) == 31
    assert days_served([january, long], 2025) == 41
    assert days_served([january, long], 2025, [(date(2025, 2, 1), date(2025, 6, 30))]) == 31
    assert days_served([(date(2026, 1, 1), None)], 2025) == 0
    assert days_served([], 2024) == 0
