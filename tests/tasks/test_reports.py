"""What ops read: counts in words, progress that never goes back, keys that two ticks share."""

from datetime import UTC, datetime

import pytest

from actions.cycle.progress import StageProgress, Tally
from actions.stages.steps import Span, StepRef
from rules.terms import StageKind, StageState, Step
from tasks.reports import Bar, closing_page, told
from tasks.runs import booked_key, key_of, name_of, tags_of

REF = StepRef("contoh", 2027, StageKind.SUPERVISOR_SCORING, Step.OPEN)
AT = datetime(2027, 12, 1, tzinfo=UTC)


def test_counts_are_told_without_zeros() -> None:
    assert told({"letters": 5, "not_rated": 0, "unit_predicates": 2}) == "5 letters, 2 unit predicates"
    assert told({"letters": 0}) == told({}) == "nothing to do"


def test_the_bar_moves_through_phases_and_ids_and_ends_at_a_hundred() -> None:
    bar = Bar(REF, Span("plans", 1001, 1500), 2000)
    coming = [("plans", 1001), ("plans", 1501), ("predicates", 1), ("ask", 1001), ("ask", 1501), ("invite", 7)]
    shown = [bar.percent(Span(phase, lo, lo + 499)) for phase, lo in coming]
    assert shown == sorted(shown)
    assert shown[:2] == [0.0, 12.5]
    assert bar.percent(None) == 100.0
    assert bar.percent(Span("invite", 99_999, 99_999)) == 100.0


def test_keys_and_names_say_who_what_and_which_time() -> None:
    assert key_of(REF) == "contoh:2027:supervisor_scoring:open::1"
    assert key_of(StepRef("contoh", 2027, StageKind.FINALIZATION, Step.FINALIZE, "now", 2), "20280401.3") == (
        "contoh:2027:finalization:finalize:now.20280401.3:2"
    )
    assert booked_key(REF).endswith(":booked")
    assert name_of(REF) == "contoh 2027 · supervisor scoring · open"
    assert tags_of(REF) == ["agency:contoh", "year:2027", "stage:supervisor_scoring"]


@pytest.mark.parametrize(("expected", "pie"), [(8, True), (0, False)])
def test_the_closing_page_adds_up(expected: int, pie: bool) -> None:
    one = StageProgress(
        REF.stage, StageState.CLOSED, 1, AT, AT, AT, Tally(expected, min(expected, 5), 0), next_action=""
    )
    page = closing_page(REF, one, {"lapsed": 3}, AT)
    assert ("```mermaid" in page) is pie
    assert f"| not done | {expected - min(expected, 5)} |" in page
    assert "| lapsed | 3 |" in page
