"""Plans, reports, ratings: what each act refuses, and what it leaves behind."""

from decimal import Decimal
from typing import Any

import pytest

from actions.acts.act import ActInvalid, ActRefused
from actions.cases import plans, results
from models import (
    Actual,
    Assignment,
    Indicator,
    Letter,
    Note,
    Plan,
    RatingRecord,
    Result,
    ResultItem,
    SelfAssessment,
    UnitPredicate,
)
from rules.terms import ActKind, AppraisalState, AssignmentState, LetterState, PlanState, Predicate, StageKind, Step
from tests.actions.world import ABOVE, BELOW, ITEMS, MEETS, NOTES, World


def errors(world: World, who: str, kind: ActKind, about: str | None = None, **changes: Any) -> set[str]:
    with pytest.raises(ActInvalid) as caught:
        world.act(who, kind, about, **changes)
    return set(caught.value.errors)


def refusal(world: World, who: str, kind: ActKind, about: str | None = None, **changes: Any) -> str:
    with pytest.raises(ActRefused) as caught:
        world.act(who, kind, about, **changes)
    return caught.value.code


def versions(world: World, name: str) -> list[tuple[int, PlanState, bool]]:
    return [(p.number, p.state, p.is_default) for p in world.all(Plan, appraisal_id=world.case(name).id)]


# ---- plans


@pytest.mark.parametrize(
    ("items", "field"),
    [
        ([], "items"),
        ([ITEMS[0] | {"kind": "additional"}], "items"),
        ([ITEMS[0] | {"indicators": []}], "items.0.indicators"),
        ([ITEMS[0] | {"title": " "}], "items.0.title"),
        ([ITEMS[0] | {"supports_id": 99}], "items.0.supports_id"),
        ([ITEMS[0] | {"indicators": [ITEMS[0]["indicators"][1] | {"target": "0"}]}], "items.0.indicators.0.target"),
        ([ITEMS[0] | {"indicators": [ITEMS[0]["indicators"][0] | {"target": "-1"}]}], "items.0.indicators.0.target"),
        ([ITEMS[0] | {"indicators": [ITEMS[0]["indicators"][0] | {"weight": 3}]}], "items.0.indicators.0.weight"),
    ],
)
def test_a_plan_that_cannot_be_measured_is_refused(targets: World, items: list[Any], field: str) -> None:
    assert field in errors(targets, "ani", ActKind.DRAFT_TARGETS, items=items)


def test_a_submitted_plan_goes_to_the_rater_who_establishes_it(targets: World) -> None:
    targets.act("ani", ActKind.DRAFT_TARGETS)
    assert targets.case("ani").state is AppraisalState.PLAN_SUBMITTED
    targets.act("head", ActKind.ESTABLISH_TARGETS, "ani")
    assert targets.case("ani").state is AppraisalState.PLAN_ESTABLISHED
    plan = targets.one(Plan, appraisal_id=targets.case("ani").id)
    assert (plan.state, plan.established_by_id, plan.is_default) == (
        PlanState.ESTABLISHED, targets.people["head"], False,
    )  # fmt: skip


def test_a_plan_is_returned_with_a_reason_drawn_up_again_and_returned_again_with_a_letter_each(targets: World) -> None:
    targets.act("ani", ActKind.DRAFT_TARGETS)
    assert errors(targets, "head", ActKind.ESTABLISH_TARGETS, "ani", decision="return", reason="kurang") == {"reason"}
    for number in (1, 2):
        targets.act(
            "head", ActKind.ESTABLISH_TARGETS, "ani", decision="return", reason="Target kuantitas disesuaikan dahulu."
        )
        assert targets.case("ani").state is AppraisalState.PLAN_DRAFT
        again = targets.task("ani", ActKind.DRAFT_TARGETS)
        assert again.round == number + 1
        assert targets.sheet(again).shown["returned_reason"].startswith("Target kuantitas")
        told = targets.all(Letter, kind="plan_returned", person_id=targets.people["ani"])
        assert len(told) == number
        targets.act("ani", ActKind.DRAFT_TARGETS)
    targets.act("head", ActKind.ESTABLISH_TARGETS, "ani")
    assert [state for _, state, _ in versions(targets, "ani")] == [
        PlanState.SUPERSEDED, PlanState.SUPERSEDED, PlanState.ESTABLISHED,
    ]  # fmt: skip


def test_a_plan_may_support_the_superiors_item_and_no_other(targets: World) -> None:
    targets.act("head", ActKind.DRAFT_TARGETS)
    targets.act("dodi", ActKind.DRAFT_TARGETS)
    own = {targets.name(targets.case(n).employee_id): plan_items(targets, n) for n in ("head", "dodi")}
    assert errors(targets, "ani", ActKind.DRAFT_TARGETS, items=[ITEMS[0] | {"supports_id": own["dodi"][0]}]) == {
        "items.0.supports_id"
    }
    targets.act("ani", ActKind.DRAFT_TARGETS, items=[ITEMS[0] | {"supports_id": own["head"][0]}])
    assert plan_items(targets, "ani")


def plan_items(world: World, name: str) -> list[int]:
    plan = world.one(Plan, appraisal_id=world.case(name).id)
    return [item.id for item in world.all(ResultItem, plan_id=plan.id)]


def test_nobody_waits_for_a_superior_without_a_plan(targets: World) -> None:
    """The cascade never blocks: the superior has no plan, one that is returned, or is not appraised at all."""
    for name in ("ani", "head", "chief"):
        shown = targets.sheet(targets.task(name, ActKind.DRAFT_TARGETS)).shown
        assert shown["supports"] == []
        targets.act(name, ActKind.DRAFT_TARGETS)
    for rater, name in (("head", "ani"), ("chief", "head"), ("ppk", "chief")):
        targets.act(rater, ActKind.ESTABLISH_TARGETS, name)
        assert targets.case(name).state is AppraisalState.PLAN_ESTABLISHED


def test_establishing_finds_nothing_if_the_plan_is_gone(targets: World) -> None:
    targets.act("ani", ActKind.DRAFT_TARGETS)
    with targets.db.transaction() as session:
        plans.supersede(session, targets.case("ani").id, PlanState.SUBMITTED)
    assert refusal(targets, "head", ActKind.ESTABLISH_TARGETS, "ani") == "nothing_to_establish"


def test_after_the_second_week_whoever_drafted_nothing_gets_a_labelled_default_and_is_told(targets: World) -> None:
    targets.act("ani", ActKind.DRAFT_TARGETS)
    assert "target_setting.default" not in targets.on("2026-01-14 23:50")
    assert "target_setting.default" in targets.on("2026-01-15")
    assert versions(targets, "ani") == [(1, PlanState.SUBMITTED, False)]
    assert versions(targets, "budi") == [(1, PlanState.ESTABLISHED, True)]
    assert targets.case("budi").state is AppraisalState.PLAN_ESTABLISHED
    told = {
        (targets.name(m.person_id), m.facts["audience"], m.facts["employees"])
        for m in targets.all(Letter, kind="default_plan_notice")
    }  # fmt: skip
    assert ("budi", "employee", 1) in told
    assert ("ani", "employee", 1) not in told
    assert {one for one in told if one[1] != "employee"} == {
        ("head", "rater", 2), ("chief", "rater", 3), ("ppk", "rater", 1),
    }  # fmt: skip
    assert targets.sheet(targets.task("budi", ActKind.DRAFT_TARGETS)).shown["is_default"] is True


def test_a_default_gives_way_to_a_real_plan(targets: World) -> None:
    targets.on("2026-01-15")
    targets.act("budi", ActKind.DRAFT_TARGETS)
    assert versions(targets, "budi")[0] == (1, PlanState.ESTABLISHED, True)
    targets.act("head", ActKind.ESTABLISH_TARGETS, "budi")
    assert versions(targets, "budi") == [(1, PlanState.SUPERSEDED, True), (2, PlanState.ESTABLISHED, False)]


def test_at_the_close_a_late_draft_replaces_the_default_even_if_the_rater_was_silent(targets: World) -> None:
    targets.on("2026-01-15")
    targets.act("budi", ActKind.DRAFT_TARGETS)
    targets.on("2026-02-02")
    assert versions(targets, "budi") == [(1, PlanState.SUPERSEDED, True), (2, PlanState.ESTABLISHED, True)]


def test_at_the_close_everybody_has_an_established_plan_whatever_was_left_undone(targets: World) -> None:
    targets.act("ani", ActKind.DRAFT_TARGETS)
    targets.act("citra", ActKind.DRAFT_TARGETS)
    targets.act("head", ActKind.ESTABLISH_TARGETS, "citra", decision="return", reason="Target disesuaikan dahulu.")
    targets.on("2026-02-02")
    assert versions(targets, "ani") == [(1, PlanState.ESTABLISHED, True)]
    assert versions(targets, "citra") == [(1, PlanState.ESTABLISHED, True)]
    assert versions(targets, "budi") == [(1, PlanState.ESTABLISHED, True)]
    assert {plan.state for plan in targets.all(Plan)} == {PlanState.ESTABLISHED}
    notices = targets.all(Letter, kind="default_plan_notice")
    assert {letter.state for letter in notices} == {LetterState.ACCEPTED}, "the notice outlives its stage"


# ---- mid-year


def test_a_report_names_every_indicator_of_the_plan_once_and_none_else(mid_year: World) -> None:
    task = mid_year.task("ani", ActKind.REPORT_PROGRESS)
    first, second = mid_year.form(task)["actuals"]
    for actuals in ([first], [first, first], [first, second, second | {"indicator_id": 999}]):
        assert errors(mid_year, "ani", ActKind.REPORT_PROGRESS, actuals=actuals) == {"actuals"}
    assert mid_year.all(Actual) == []


def test_changed_targets_need_a_reason_and_make_a_new_version_with_the_old_one_readable(mid_year: World) -> None:
    actuals = mid_year.form(mid_year.task("ani", ActKind.REPORT_PROGRESS))["actuals"]
    wanted = [actuals[0] | {"new_target": "150", "value": "60"}, actuals[1]]
    assert errors(mid_year, "ani", ActKind.REPORT_PROGRESS, actuals=wanted, change_reason="naik") == {"change_reason"}
    mid_year.act("ani", ActKind.REPORT_PROGRESS, actuals=wanted, change_reason="Dua loket digabung sejak Mei.")
    assert errors(mid_year, "head", ActKind.GIVE_FEEDBACK, "ani", changes="none") == {"changes"}
    assert targets_of(mid_year, "ani", PlanState.ESTABLISHED) == [Decimal(100), Decimal(4)]
    mid_year.act("head", ActKind.GIVE_FEEDBACK, "ani", changes="agree")
    assert [state for _, state, _ in versions(mid_year, "ani")] == [PlanState.SUPERSEDED, PlanState.ESTABLISHED]
    assert targets_of(mid_year, "ani", PlanState.SUPERSEDED) == [Decimal(100), Decimal(4)]
    assert targets_of(mid_year, "ani", PlanState.ESTABLISHED) == [Decimal(150), Decimal(4)]
    with mid_year.db.reading() as session:
        plan = plans.current_plan(session, mid_year.case("ani").id, PlanState.ESTABLISHED)
        assert plan is not None
        values = [actual.value for _, actual in sorted(plans.latest_actuals(session, plan).items())]
    assert values == [Decimal(60), Decimal(4)], "what was reported moves along"


def targets_of(world: World, name: str, state: PlanState) -> list[Decimal]:
    plan = world.one(Plan, appraisal_id=world.case(name).id, state=state)
    items = world.all(ResultItem, plan_id=plan.id)
    return [indicator.target for item in items for indicator in world.all(Indicator, item_id=item.id)]


def test_a_changed_target_must_still_be_measurable(mid_year: World) -> None:
    actuals = mid_year.form(mid_year.task("ani", ActKind.REPORT_PROGRESS))["actuals"]
    wanted = [actuals[0], actuals[1] | {"new_target": "0"}]
    assert errors(
        mid_year, "ani", ActKind.REPORT_PROGRESS, actuals=wanted, change_reason="Dua loket digabung."
    ) == {"actuals.1.new_target"}  # fmt: skip


def test_declined_changes_leave_the_plan_as_it_was(mid_year: World) -> None:
    actuals = mid_year.form(mid_year.task("ani", ActKind.REPORT_PROGRESS))["actuals"]
    wanted = [actuals[0] | {"new_target": "10"}, actuals[1]]
    mid_year.act("ani", ActKind.REPORT_PROGRESS, actuals=wanted, change_reason="Ingin target yang ringan.")
    mid_year.act("head", ActKind.GIVE_FEEDBACK, "ani", changes="decline")
    assert [state for _, state, _ in versions(mid_year, "ani")] == [PlanState.ESTABLISHED, PlanState.RETURNED]
    notes = [note.text for note in mid_year.all(Note, appraisal_id=mid_year.case("ani").id)]
    assert notes == ["Semester pertama sesuai rencana.", "Pertahankan."], "the summary is kept beside the answer"


def test_a_proposal_that_nobody_answered_changes_nothing_by_itself(mid_year: World) -> None:
    actuals = mid_year.form(mid_year.task("ani", ActKind.REPORT_PROGRESS))["actuals"]
    wanted = [actuals[0] | {"new_target": "10"}, actuals[1]]
    mid_year.act("ani", ActKind.REPORT_PROGRESS, actuals=wanted, change_reason="Ingin target yang ringan.")
    mid_year.on("2026-07-22")
    mid_year.on("2026-12-01")
    assert targets_of(mid_year, "ani", PlanState.ESTABLISHED) == [Decimal(100), Decimal(4)]


# ---- scoring


def test_nobody_is_rated_before_their_unit_has_its_predicate(mid_year: World) -> None:
    """PermenPANRB 6/2022 art. 24-25: the organisation before its people; the refusal names whose turn it is."""
    mid_year.on("2026-07-22")
    mid_year.on("2026-12-01")
    with pytest.raises(ActRefused) as caught:
        mid_year.act("head", ActKind.SCORE, "ani")
    assert (caught.value.code, caught.value.details) == ("unit_predicate_first", {"official": "Chief"})
    mid_year.act("chief", ActKind.SET_UNIT_PREDICATE)
    assert mid_year.act("head", ActKind.SCORE, "ani")


def test_a_unit_predicate_is_set_once_and_by_the_head_above(mid_year: World) -> None:
    mid_year.on("2026-07-22")
    mid_year.on("2026-12-01")
    asked = {(mid_year.name(a.person_id), a.unit_id) for a in mid_year.open(None, ActKind.SET_UNIT_PREDICATE)}
    assert asked == {("ppk", mid_year.units["ROOT"]), ("ppk", mid_year.units["DINAS"]),
                     ("chief", mid_year.units["SEKOLAH"])}  # fmt: skip
    mid_year.add(
        UnitPredicate(cycle_id=mid_year.cycle_id, unit_id=mid_year.units["SEKOLAH"], predicate="good", reason="ada",
                      set_by_id=mid_year.people["ppk"], set_at=mid_year.at)
    )  # fmt: skip
    assert refusal(mid_year, "chief", ActKind.SET_UNIT_PREDICATE) == "already_set"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"result_rating": None}, "result_rating"),
        ({"behavior_rating": None}, "behavior_rating"),
        ({"notes": NOTES[:6]}, "notes.collaborative.seen"),
        ({"notes": [*NOTES, NOTES[0]]}, "notes"),
        ({"behavior_rating": "above", "notes": [note | {"text": ""} for note in NOTES]}, "notes"),
        ({"result_rating": "good"}, "result_rating"),
        ({"feedback": " "}, "feedback"),
        ({"skp_score": "100"}, "skp_score"),
        ({"predicate": "very_good"}, "predicate"),
    ],
)
def test_a_quadrant_rating_is_whole_or_refused(scoring: World, changes: dict[str, Any], field: str) -> None:
    assert errors(scoring, "head", ActKind.SCORE, "ani", **changes) == {field}
    assert scoring.all(RatingRecord) == []
    assert scoring.all(Result) == []


def test_everything_that_is_wrong_is_said_in_one_round_each_at_its_field(scoring: World) -> None:
    """Types, lengths, what the pack asks for and what the situation forbids: four rounds before, one now."""
    changes = {
        "result_rating": "good", "behavior_rating": "above", "feedback": "x", "skp_score": "100",
        "recommendation": "r" * 4001,
        "notes": [NOTES[0] | {"text": ""}, NOTES[1] | {"seen": "perhaps", "text": ""}],
    }  # fmt: skip
    assert errors(scoring, "head", ActKind.SCORE, "ani", **changes) == {
        "result_rating", "feedback", "skp_score", "recommendation", "notes", "notes.1.seen",
        *(f"notes.{value}.seen" for value in ("accountable", "competent", "harmonious", "loyal", "adaptive",
                                              "collaborative")),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("judged", "predicate"),
    [
        (ABOVE, Predicate.VERY_GOOD),
        (MEETS, Predicate.GOOD),
        (BELOW, Predicate.VERY_POOR),
        (ABOVE | {"behavior_rating": "below"}, Predicate.POOR),
    ],
)
def test_the_pack_derives_the_predicate_and_keeps_why(scoring: World, judged: Any, predicate: Predicate) -> None:
    receipt = scoring.act("head", ActKind.SCORE, "ani", **judged)
    result = scoring.result("ani")
    assert (result.predicate, result.score, receipt.summary["predicate"]) == (predicate, None, predicate.value)
    assert result.pack_sha256 == scoring.cycle().pack_sha256
    assert result.why["steps"][-1]["predicate"] == predicate.value
    assert scoring.case("ani").state is AppraisalState.RATED
    assert result.issued_at is None, "nobody reads it before it is issued"


def test_a_rating_is_not_shown_to_the_employee_before_it_is_issued(scoring: World) -> None:
    scoring.act("head", ActKind.SCORE, "ani")
    with scoring.db.reading() as session:
        shown = results.shown(session, scoring.case("ani").id)
    assert (shown["result"], shown["rating"]) == (None, None)


def test_numbers_are_measured_weighted_and_banded(scoring_numeric: World) -> None:
    """Both indicators at 100 % are 109 each; 0.7 * 109 + 0.3 * 100 = 106.3, which is good."""
    world = scoring_numeric
    world.act("head", ActKind.SCORE, "ani")
    result = world.result("ani")
    assert (result.score, result.predicate) == (Decimal("106.3"), Predicate.GOOD)
    assert errors(world, "head", ActKind.SCORE, "budi", skp_score="100") == {"skp_score"}, "it is measured"
    form = world.form(world.task("head", ActKind.SCORE, "budi"))
    low = [one | {"score": "60"} for one in form["aspects"]]
    world.act("head", ActKind.SCORE, "budi", aspects=low)
    assert world.result("budi").score == Decimal("94.3")
    assert "aspects.0.score" in errors(world, "head", ActKind.SCORE, "citra", aspects=[low[0] | {"score": "120.01"}])


def test_by_number_innovation_counts_only_with_its_evidence(scoring_numeric: World) -> None:
    world = scoring_numeric
    for name in ("ani", "budi", "citra"):
        aspects = [one | {"score": "120"} for one in world.form(world.task("head", ActKind.SCORE, name))["aspects"]]
        proof = {"ani": {}, "budi": {"innovation": "Antrean daring"},
                 "citra": {"innovation": "Antrean daring", "innovation_evidence": "SK 12/2026"}}[name]  # fmt: skip
        world.act("head", ActKind.SCORE, name, aspects=aspects, **proof)
    found = {name: (world.result(name).score, world.result(name).predicate) for name in ("ani", "budi", "citra")}
    assert found == {
        "ani": (Decimal("112.3"), Predicate.GOOD), "budi": (Decimal("112.3"), Predicate.GOOD),
        "citra": (Decimal("112.3"), Predicate.VERY_GOOD),
    }  # fmt: skip


def test_a_self_assessment_needs_a_plan_and_reports_all_of_it(mid_year: World) -> None:
    mid_year.on("2026-07-22")
    mid_year.on("2026-12-01")
    actuals = mid_year.form(mid_year.task("ani", ActKind.SELF_ASSESS))["actuals"]
    assert errors(mid_year, "ani", ActKind.SELF_ASSESS, actuals=actuals[:1]) == {"actuals"}
    mid_year.act("ani", ActKind.SELF_ASSESS, actuals=[actuals[0] | {"value": "77"}, actuals[1]])
    assert mid_year.one(SelfAssessment).appraisal_id == mid_year.case("ani").id
    assert mid_year.case("ani").state is AppraisalState.SELF_ASSESSED
    with mid_year.db.transaction() as session:
        plans.supersede(session, mid_year.case("budi").id, PlanState.ESTABLISHED)
    task = mid_year.task("budi", ActKind.SELF_ASSESS)
    with pytest.raises(ActRefused, match="no_established_plan"):
        mid_year.send(task, mid_year.form(task, actuals=actuals))


def test_nothing_is_presumed_for_a_rater_who_stays_silent(scoring: World) -> None:
    scoring.everybody(ActKind.SCORE, but=("ani",))
    scoring.on("2027-01-21")
    case = scoring.case("ani")
    assert (case.state, case.explanation, case.explained_at) == (AppraisalState.NOT_RATED, "rater_silent", None)
    assert scoring.result("ani") is None
    assert scoring.all(RatingRecord, appraisal_id=case.id) == []
    assert scoring.open("ani", ActKind.OBJECT) == []
    assert scoring.last("head", ActKind.SCORE, "ani").state is AssignmentState.LAPSED


def test_issuing_locks_every_rating_and_asks_nobody_twice(issued: World) -> None:
    assert {rating.locked_at is not None for rating in issued.all(RatingRecord)} == {True}
    assert {result.issued_at for result in issued.all(Result)} == {issued.at}
    assert len(issued.all(Assignment, kind=ActKind.OBJECT)) == 7
    from actions.stages import steps
    from rules.time.stages import StepRefused

    with pytest.raises(StepRefused, match="already done"):
        steps.run(issued.db.transaction, issued.ref(StageKind.SUPERVISOR_SCORING, Step.ISSUE), at=issued.at)


# ---- what HR and heads answer for


def test_hr_accounts_for_a_case_without_a_result_and_for_no_other(scoring: World) -> None:
    scoring.everybody(ActKind.SCORE, but=("ani",))
    scoring.on("2027-01-21")
    scoring.on("2027-02-22")
    scoring.on("2027-03-11")
    assert [a.appraisal_id for a in scoring.open("hr", ActKind.ACCOUNT_FOR)] == [scoring.case("ani").id]
    assert errors(scoring, "hr", ActKind.ACCOUNT_FOR, ground="forgotten") == {"ground"}
    with scoring.db.transaction() as session:
        from models import Appraisal

        session.get_one(Appraisal, scoring.case("ani").id).state = AppraisalState.ISSUED
    assert refusal(scoring, "hr", ActKind.ACCOUNT_FOR) == "has_result"


def test_a_pattern_that_is_not_met_asks_the_head_above_for_reasons_and_rerates_nobody(issued: World) -> None:
    """All rated good: more than 70 % of the unit, and nobody below (SE MenPANRB 3/2023)."""
    task = issued.task("chief", ActKind.OVERRIDE_DISTRIBUTION)
    before = [(result.id, result.predicate) for result in issued.all(Result)]
    row = issued.one(UnitPredicate, unit_id=task.unit_id)
    assert row.distribution["fit"] == "broken"
    issued.act("chief", ActKind.OVERRIDE_DISTRIBUTION)
    row = issued.one(UnitPredicate, unit_id=task.unit_id)
    assert (row.override_reason, row.overridden_by_id) == ("Didukung bukti.", issued.people["chief"])
    assert [(result.id, result.predicate) for result in issued.all(Result)] == before


def test_a_head_who_is_away_keeps_no_unit_waiting(mid_year: World) -> None:
    """The next one up sets the predicate, and whoever acts for the head while they do."""
    mid_year.on("2026-07-22")
    mid_year.away("chief", "2026-12-01", "2026-12-03")
    mid_year.on("2026-12-01")
    assert holder(mid_year) == "ppk"
    mid_year.on("2026-12-04")
    assert holder(mid_year) == "chief"
    mid_year.mandate("dodi", "chief", "2026-12-07", "2026-12-31")
    mid_year.on("2026-12-07")
    assert holder(mid_year) == "dodi"
    mid_year.act("dodi", ActKind.SET_UNIT_PREDICATE)
    assert mid_year.act("head", ActKind.SCORE, "ani")


def holder(world: World) -> str:
    (task,) = [a for a in world.open(None, ActKind.SET_UNIT_PREDICATE) if a.unit_id == world.units["SEKOLAH"]]
    return world.name(task.person_id)
