"""The odd cases of the field that rating and time alone decide, told as they happen."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import policies
from rules.pack.distribution import Fit, may_issue, pooled, verdict
from rules.pack.numeric import month_weighted, percent_value
from rules.pack.pack import Pack, day_of
from rules.pack.predicates import Inputs, NotDerivable, derive, explain, outcome
from rules.pack.quadrant import unit_head_result
from rules.terms import DayKind, DistributionMode, Locale, ObjectionOutcome, OrgPredicate, Predicate, Rating, Role
from rules.time.calendar import Pause, national_calendar
from rules.time.reminders import reminder_owed

QUADRANT = policies.load("permenpanrb-6-2022")
NUMERIC = policies.load("pp-30-2019")
WITA = national_calendar("Asia/Makassar", range(2024, 2028))
ZONE = ZoneInfo("Asia/Makassar")
GOOD_UNIT = OrgPredicate.GOOD


def local(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=ZONE)  # type: ignore[misc]


def rated(result: Rating, behavior: Rating, organisation: OrgPredicate = GOOD_UNIT) -> Inputs:
    return Inputs(organisation, result, behavior)


def test_without_an_agreement_the_default_plan_comes_before_the_deadline() -> None:
    for pack in (QUADRANT, NUMERIC):
        assert date(2026, 1, 14) == day_of(pack.plan_default_after, 2026) < day_of(pack.plan_deadline, 2026)


def test_a_year_in_three_posts_is_weighted_by_months() -> None:
    merged = month_weighted([(Decimal(90), 1), (Decimal(110), 2), (Decimal(90), 9)])
    assert merged * 12 == 1120


def test_outstanding_results_do_not_excuse_bad_behaviour() -> None:
    assert derive(QUADRANT, rated(Rating.ABOVE, Rating.BELOW)).predicate is Predicate.POOR


def test_a_score_on_an_edge_and_a_percentage_between_two_rows() -> None:
    assert derive(NUMERIC, Inputs(skp_score=Decimal(90), behavior_score=Decimal(90))).predicate is Predicate.GOOD
    assert percent_value(NUMERIC, Decimal("59.5")) == 50


@pytest.mark.parametrize("innovation", [{}, {"innovation": "Loket antar"}])
def test_a_very_good_score_without_a_proved_innovation_is_good(innovation: dict[str, str]) -> None:
    inputs = Inputs(skp_score=Decimal(118), behavior_score=Decimal(118), **innovation)  # type: ignore[arg-type]
    assert derive(NUMERIC, inputs).predicate is Predicate.GOOD


def test_a_new_organisation_predicate_re_checks_the_unit_and_alters_nobody() -> None:
    people = [rated(Rating.ABOVE, Rating.ABOVE)] * 2 + [rated(Rating.MEETS, Rating.MEETS)] * 298
    before = [derive(QUADRANT, one).predicate for one in people]
    counts = {predicate: before.count(predicate) for predicate in QUADRANT.scale}
    assert verdict(QUADRANT, OrgPredicate.EXCEPTIONAL, counts).fit is Fit.MET
    assert verdict(QUADRANT, OrgPredicate.POOR, counts).fit is Fit.BROKEN
    again = [rated(one.result_rating, one.behavior_rating, OrgPredicate.POOR)  # type: ignore[arg-type]
             for one in people]  # fmt: skip
    assert [derive(QUADRANT, one).predicate for one in again] == before


@pytest.mark.parametrize(("ratable", "where"), [(1, "dinas"), (2, "dinas"), (3, "seksi"), (6, "seksi")])
def test_only_ratable_people_count_and_small_units_are_pooled(ratable: int, where: str) -> None:
    assert pooled({"seksi": ratable, "dinas": 9}, {"seksi": "dinas"}, QUADRANT.min_unit_size)["seksi"] == where


def test_a_unit_head_follows_the_unit() -> None:
    assert unit_head_result(QUADRANT, OrgPredicate.EXCEPTIONAL) is Rating.ABOVE


def test_a_pattern_that_cannot_be_met_is_issued_with_a_reason() -> None:
    found = verdict(QUADRANT, OrgPredicate.VERY_POOR, {Predicate.POOR: 2})
    assert found.fit is Fit.INFEASIBLE
    for mode in (DistributionMode.REQUIRE_OVERRIDE, DistributionMode.BLOCK):
        assert not may_issue(mode, found.fit, overridden=False)
        assert may_issue(mode, found.fit, overridden=True)


def test_an_objection_on_day_fourteen_at_23_59_and_on_day_fifteen_after_an_outage() -> None:
    received = local(2026, 1, 20, 10)
    last = WITA.last_day(received, QUADRANT.objection_days, QUADRANT.day_kind)
    assert WITA.in_time(local(2026, 2, 3, 23, 59), last)
    assert not WITA.in_time(local(2026, 2, 4, 8), last)
    outage = Pause(date(2026, 2, 3), date(2026, 2, 3), "admin", "BA 2/2026")
    extended = WITA.last_day(received, QUADRANT.objection_days, QUADRANT.day_kind, [outage])
    assert WITA.in_time(local(2026, 2, 4, 8), extended)


def test_leave_over_the_objection_window_pauses_it() -> None:
    leave = Pause(date(2026, 1, 21), date(2026, 4, 20), "HR", "SK cuti 4/2026")
    last = WITA.last_day(local(2026, 1, 20, 10), QUADRANT.objection_days, QUADRANT.day_kind, [leave])
    assert last == date(2026, 5, 4)


def test_a_result_that_is_never_opened_is_received_all_the_same() -> None:
    deemed = WITA.deemed_receipt(local(2026, 1, 20, 10), QUADRANT.deemed_receipt_days)
    assert WITA.last_day(deemed, QUADRANT.objection_days, QUADRANT.day_kind) == date(2026, 2, 10)


def test_an_overdue_decision_climbs_and_is_never_made_by_the_clock() -> None:
    due_on, roles = date(2026, 3, 2), []
    for today in (date(2026, 3, 3), date(2026, 3, 5), date(2026, 3, 9)):
        owed = reminder_owed(due_on, today, QUADRANT.reminder_offsets, WITA, escalation=QUADRANT.escalation)
        assert owed is not None
        roles.append(owed.escalates_to)
    assert roles == [Role.OBJECTION_AUTHORITY, Role.PERFORMANCE_ADMIN, Role.APPOINTING_AUTHORITY]
    with pytest.raises(NotDerivable):
        derive(QUADRANT, Inputs(GOOD_UNIT))


def test_a_decision_may_lower() -> None:
    before, after = (
        derive(QUADRANT, rated(Rating.MEETS, Rating.MEETS)),
        derive(QUADRANT, rated(Rating.BELOW, Rating.BELOW)),
    )
    assert outcome(QUADRANT, before, after) is ObjectionOutcome.LOWER


def test_a_decision_that_breaks_the_pattern_stands() -> None:
    met = verdict(QUADRANT, GOOD_UNIT, {Predicate.GOOD: 7, Predicate.VERY_GOOD: 2, Predicate.POOR: 1})
    decided = derive(QUADRANT, rated(Rating.MEETS, Rating.ABOVE)).predicate
    broken = verdict(QUADRANT, GOOD_UNIT, {Predicate.GOOD: 8, Predicate.VERY_GOOD: 2})
    assert (met.fit, decided, broken.fit) == (Fit.MET, Predicate.GOOD, Fit.BROKEN)
    assert may_issue(QUADRANT.distribution_mode, broken.fit, overridden=True)


def test_two_packs_side_by_side_and_a_changed_one_leave_an_old_result_as_it_was() -> None:
    old = derive(QUADRANT, rated(Rating.ABOVE, Rating.MEETS))
    content: dict[str, Any] = QUADRANT.model_dump(mode="json") | {"version": "2"}
    content["matrix"]["above"]["meets"] = "very_good"
    new_pack = Pack.model_validate(content)
    new = derive(new_pack, rated(Rating.ABOVE, Rating.MEETS))
    assert (old.predicate, new.predicate) == (Predicate.GOOD, Predicate.VERY_GOOD)
    assert "predicate Good" in explain(old, Locale.EN)[1]
    assert old.why["pack"]["sha256"] != new.why["pack"]["sha256"] == new_pack.sha256


def test_the_days_of_the_law_are_calendar_days_unless_a_pack_says_otherwise() -> None:
    received = local(2026, 3, 16, 10)
    assert WITA.last_day(received, 14, DayKind.CALENDAR) == date(2026, 3, 30)
    assert WITA.last_day(received, 14, DayKind.WORKING) == date(2026, 4, 13)
