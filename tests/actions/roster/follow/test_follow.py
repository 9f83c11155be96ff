"""A running cycle follows the roster: who rates, who decides, who owes what, and who no longer takes part."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from actions.cases.plans import write_plan
from actions.cycle import cycles, launching
from actions.roster.agency_files import read_agency
from actions.stages import steps
from actions.stages.steps import StepRef
from database import Database
from models import ActionLink, Appraisal, Assignment, Cycle, Person, Segment, Stage
from rules.terms import (
    ActKind,
    AppraisalState,
    AssignmentState,
    CycleState,
    LinkState,
    PlanState,
    Role,
    StageKind,
    StageState,
    Step,
)
from tests.actions.rosters import (
    BUPATI,
    EDUCATION,
    HEAD,
    OTHER_HEAD,
    SECRETARY,
    TEACHER,
    Roster,
    day_before,
    every,
    morning,
)

NEW_YEAR = date(2026, 1, 1)
OPENED = date(2026, 1, 2)
LATER = date(2026, 1, 12)
MAY = date(2026, 5, 4)


@pytest.fixture
def roster(tmp_path: Path) -> Roster:
    return Roster(tmp_path)


def run(db: Database, roster: Roster) -> None:
    """Launch 2026 and open target setting."""
    roster.take(db, NEW_YEAR)
    with db.transaction() as session:
        cycle = cycles.launch(session, launching.prepare(read_agency(roster.directory), 2026), at=morning(OPENED))
    launching.enroll_all(db.transaction, cycle.id, at=morning(OPENED))
    steps.run(db.transaction, StepRef("mamuju", 2026, StageKind.TARGET_SETTING, Step.OPEN), at=morning(OPENED))


def id_of(db: Database, nip: str) -> int:
    return every(db, Person, nip=nip)[0].id


def case(db: Database, nip: str) -> Appraisal:
    [found] = every(db, Appraisal, employee_id=id_of(db, nip))
    return found


def duties(db: Database, nip: str, **where: object) -> list[Assignment]:
    """What is or was owed for the appraisal of a person."""
    return every(db, Assignment, appraisal_id=case(db, nip).id, **where)


def segments(db: Database, nip: str) -> list[Any]:
    return sorted(every(db, Segment, appraisal_id=case(db, nip).id), key=lambda segment: segment.number)


def ask_rater(db: Database, nip: str, kind: ActKind = ActKind.ESTABLISH_TARGETS, role: Role = Role.RATER) -> None:
    """Let the rater of a person owe something of which they were told."""
    one = case(db, nip)
    holder = one.rater_id if role is Role.RATER else one.authority_id
    [stage] = every(db, Stage, kind=StageKind.TARGET_SETTING)
    with db.transaction() as session:
        session.add(
            Assignment(stage_id=stage.id, kind=kind, subject=f"appraisal:{one.id}", role=role, person_id=holder,
                       appraisal_id=one.id, unit_id=one.unit_id, opened_at=morning(OPENED), told_at=morning(OPENED))
        )  # fmt: skip


def set_state(db: Database, nip: str, state: AppraisalState, **more: object) -> None:
    with db.transaction() as session:
        session.execute(update(Appraisal).where(Appraisal.id == case(db, nip).id).values(state=state, **more))


def hand_over(roster: Roster, old: str, new: str) -> None:
    for nip, row in roster.rows.items():
        if row["superior_nip"] == old and nip != new:
            row["superior_nip"] = new


# another superior


def test_a_new_superior_rates_and_an_independent_official_hears_objections(both: Database, roster: Roster) -> None:
    db = both
    run(db, roster)
    ask_rater(db, TEACHER)
    [before] = duties(db, TEACHER, role=Role.RATER)
    roster[TEACHER]["superior_nip"] = EDUCATION
    report = roster.take(db, LATER)
    now = case(db, TEACHER)
    assert (now.rater_id, now.authority_id) == (id_of(db, EDUCATION), id_of(db, SECRETARY))
    [duty] = duties(db, TEACHER, role=Role.RATER)
    assert (duty.id, duty.person_id, duty.told_at) == (before.id, id_of(db, EDUCATION), None)
    assert duty.version == before.version + 1
    assert (report.counts["raters_changed"], report.counts["assignments_moved"]) == (1, 1)


def test_a_new_superior_begins_a_new_segment(db: Database, roster: Roster) -> None:
    run(db, roster)
    [before] = segments(db, TEACHER)
    roster[TEACHER]["superior_nip"] = EDUCATION
    roster.take(db, MAY)
    old, new = segments(db, TEACHER)
    assert (old.id, old.rater_id, old.from_on, old.to_on) == (before.id, before.rater_id, NEW_YEAR, day_before(MAY))
    assert (new.number, new.rater_id, new.unit_id, new.post) == (2, id_of(db, EDUCATION), old.unit_id, "Guru")
    assert (new.from_on, new.to_on) == (MAY, None)


def test_a_correction_of_the_same_day_leaves_two_segments(db: Database, roster: Roster) -> None:
    run(db, roster)
    for superior in (EDUCATION, OTHER_HEAD):
        roster[TEACHER]["superior_nip"] = superior
        roster.take(db, MAY)
    assert [segment.rater_id for segment in segments(db, TEACHER)] == [id_of(db, HEAD), id_of(db, OTHER_HEAD)]


def test_a_move_takes_the_case_and_what_is_owed_to_the_new_unit(db: Database, roster: Roster) -> None:
    run(db, roster)
    roster[TEACHER] |= {"unit_code": "SMPN-SIMBORO", "unit_name": roster[OTHER_HEAD]["unit_name"],
                        "superior_nip": OTHER_HEAD}  # fmt: skip
    roster.take(db, LATER)
    unit = case(db, OTHER_HEAD).unit_id
    assert case(db, TEACHER).unit_id == unit
    assert {duty.unit_id for duty in duties(db, TEACHER)} == {unit}
    assert [segment.unit_id for segment in segments(db, TEACHER)][1] == unit


def test_another_official_above_the_rater_hears_the_objections(db: Database, roster: Roster) -> None:
    run(db, roster)
    assert case(db, TEACHER).authority_id == id_of(db, EDUCATION)
    roster[HEAD]["superior_nip"] = SECRETARY
    roster.take(db, LATER)
    assert case(db, TEACHER).rater_id == id_of(db, HEAD)
    assert case(db, TEACHER).authority_id == id_of(db, SECRETARY)
    assert len(segments(db, TEACHER)) == 1


def test_who_hears_a_case_goes_on_hearing_it_unless_they_leave_or_rate(db: Database, roster: Roster) -> None:
    run(db, roster)
    ask_rater(db, TEACHER, ActKind.DECIDE_OBJECTION, Role.OBJECTION_AUTHORITY)
    roster[HEAD]["superior_nip"] = SECRETARY
    roster.take(db, LATER)
    [duty] = duties(db, TEACHER, role=Role.OBJECTION_AUTHORITY)
    assert (duty.person_id, duty.told_at) == (id_of(db, EDUCATION), morning(OPENED))
    roster[TEACHER]["superior_nip"] = EDUCATION
    roster.take(db, LATER + timedelta(days=1))
    [duty] = duties(db, TEACHER, role=Role.OBJECTION_AUTHORITY)
    assert (duty.person_id, duty.told_at) == (id_of(db, SECRETARY), None)


def test_after_the_year_a_new_superior_rates_but_no_time_is_counted_anew(db: Database, roster: Roster) -> None:
    run(db, roster)
    roster[TEACHER]["superior_nip"] = EDUCATION
    roster.take(db, date(2027, 1, 4))
    assert case(db, TEACHER).rater_id == id_of(db, EDUCATION)
    assert len(segments(db, TEACHER)) == 1


def test_who_had_nobody_above_takes_part_once_there_is_somebody(db: Database, roster: Roster) -> None:
    run(db, roster)
    roster[TEACHER] |= {"superior_nip": "", "roles": "appointing_authority"}
    assert case(db, BUPATI).state is AppraisalState.EXCLUDED
    roster[BUPATI]["superior_nip"] = TEACHER
    roster.take(db, LATER)
    now = case(db, BUPATI)
    assert (now.state, now.explanation, now.rater_id) == (AppraisalState.PLAN_DRAFT, "", id_of(db, TEACHER))
    assert [duty.kind for duty in duties(db, BUPATI)] == [ActKind.DRAFT_TARGETS]


# leaving and coming back


def test_the_appraisal_of_a_leaver_ends_explained_and_nothing_stays_owed(both: Database, roster: Roster) -> None:
    db = both
    run(db, roster)
    ask_rater(db, TEACHER)
    roster.leave(TEACHER)
    report = roster.take(db, LATER)
    now = case(db, TEACHER)
    assert (now.state, now.explanation, now.explained_at) == (
        AppraisalState.CLOSED_EARLY, "left_service", morning(LATER),
    )  # fmt: skip
    assert {duty.state for duty in duties(db, TEACHER)} == {AssignmentState.WITHDRAWN}
    assert {duty.ended_at for duty in duties(db, TEACHER)} == {morning(LATER)}
    assert [segment.to_on for segment in segments(db, TEACHER)] == [day_before(LATER)]
    assert (report.counts["appraisals_closed"], report.counts["assignments_withdrawn"]) == (1, 2)


@pytest.mark.parametrize("state", [AppraisalState.FINAL, AppraisalState.ISSUED, AppraisalState.EXCLUDED])
def test_a_result_that_stands_outlives_its_owners_service(db: Database, roster: Roster, state: AppraisalState) -> None:
    run(db, roster)
    set_state(db, TEACHER, state, explanation="before")
    roster.leave(TEACHER)
    roster.take(db, LATER)
    assert (case(db, TEACHER).state, case(db, TEACHER).explanation) == (state, "before")


def test_who_was_left_out_by_mistake_goes_on_where_they_were(db: Database, roster: Roster) -> None:
    run(db, roster)
    with db.transaction() as session:
        submitted = session.get_one(Appraisal, case(db, TEACHER).id)
        write_plan(session, submitted.id, [], PlanState.SUBMITTED, at=morning(OPENED))
        submitted.state = AppraisalState.PLAN_SUBMITTED
    ask_rater(db, TEACHER)
    row = roster[TEACHER]
    roster.leave(TEACHER)
    roster.take(db, LATER)
    roster[TEACHER] = row | {"superior_nip": EDUCATION}
    report = roster.take(db, LATER + timedelta(days=1))
    now = case(db, TEACHER)
    assert (now.state, now.explanation, now.explained_at) == (AppraisalState.PLAN_SUBMITTED, "", None)
    assert {(duty.state, duty.ended_at, duty.told_at) for duty in duties(db, TEACHER)} == {
        (AssignmentState.OPEN, None, None)
    }
    assert [duty.person_id for duty in duties(db, TEACHER, role=Role.RATER)] == [id_of(db, EDUCATION)]
    assert [segment.to_on for segment in segments(db, TEACHER)] == [day_before(LATER), None]
    assert report.counts["appraisals_reopened"] == 1


def test_what_had_been_withdrawn_before_stays_withdrawn_on_return(db: Database, roster: Roster) -> None:
    run(db, roster)
    ask_rater(db, TEACHER)
    with db.transaction() as session:
        early = update(Assignment).where(Assignment.kind == ActKind.ESTABLISH_TARGETS)
        session.execute(early.values(state=AssignmentState.WITHDRAWN, ended_at=morning(OPENED)))
    row = roster[TEACHER]
    roster.leave(TEACHER)
    roster.take(db, LATER)
    roster[TEACHER] = row
    roster.take(db, LATER + timedelta(days=1))
    assert {duty.kind: duty.state for duty in duties(db, TEACHER)} == {
        ActKind.DRAFT_TARGETS: AssignmentState.OPEN, ActKind.ESTABLISH_TARGETS: AssignmentState.WITHDRAWN,
    }  # fmt: skip


def test_an_authority_who_leaves_is_replaced_by_the_line(db: Database, roster: Roster) -> None:
    run(db, roster)
    set_state(db, TEACHER, AppraisalState.PLAN_DRAFT, authority_id=id_of(db, OTHER_HEAD))
    hand_over(roster, OTHER_HEAD, EDUCATION)
    roster.leave(OTHER_HEAD)
    roster.take(db, LATER)
    assert case(db, TEACHER).authority_id == id_of(db, EDUCATION)


def test_what_a_leaver_owed_as_rater_goes_up_the_line(db: Database, roster: Roster) -> None:
    run(db, roster)
    ask_rater(db, TEACHER)
    roster.leave(HEAD)  # the rows of the teachers are held back: they name somebody who is no longer there
    report = roster.take(db, LATER)
    assert report.counts["held_back"] > 0
    assert case(db, TEACHER).rater_id == id_of(db, EDUCATION)
    assert [duty.person_id for duty in duties(db, TEACHER, role=Role.RATER)] == [id_of(db, EDUCATION)]
    assert case(db, TEACHER).state is AppraisalState.PLAN_DRAFT


def test_what_a_leaver_owed_for_a_unit_goes_to_the_head_above(db: Database, roster: Roster) -> None:
    run(db, roster)
    [stage] = every(db, Stage, kind=StageKind.TARGET_SETTING)
    school = case(db, HEAD).unit_id
    with db.transaction() as session:
        session.add(
            Assignment(stage_id=stage.id, kind=ActKind.SET_UNIT_PREDICATE, subject=f"unit:{school}", unit_id=school,
                       role=Role.UNIT_HEAD, person_id=id_of(db, EDUCATION), opened_at=morning(OPENED))
        )  # fmt: skip
    hand_over(roster, EDUCATION, OTHER_HEAD)
    roster[OTHER_HEAD] |= {key: roster[EDUCATION][key] for key in
                           ("superior_nip", "unit_code", "unit_name", "parent_unit_code", "post")}  # fmt: skip
    roster.leave(EDUCATION)
    roster.take(db, LATER)
    [duty] = every(db, Assignment, kind=ActKind.SET_UNIT_PREDICATE)
    assert duty.person_id == id_of(db, OTHER_HEAD)


def test_a_duty_that_nobody_can_take_over_is_counted(db: Database, roster: Roster) -> None:
    run(db, roster)
    [stage] = every(db, Stage, kind=StageKind.TARGET_SETTING)
    auditor = next(nip for nip, row in roster.rows.items() if row["roles"] == "auditor")
    with db.transaction() as session:
        session.add(
            Assignment(stage_id=stage.id, kind=ActKind.EXAMINE, subject="item:1", role=Role.AUDITOR,
                       person_id=id_of(db, auditor), opened_at=morning(OPENED))
        )  # fmt: skip
    roster.leave(auditor)
    report = roster.take(db, LATER)
    assert report.counts["assignments_stuck"] == 1
    assert every(db, Assignment, kind=ActKind.EXAMINE)[0].person_id == id_of(db, auditor)


# newcomers


def test_a_newcomer_gets_an_appraisal_and_what_the_open_stage_asks(both: Database, roster: Roster) -> None:
    db = both
    run(db, roster)
    nip = "199901012026011001"
    roster.add(nip, TEACHER, active_from="2026-01-10", name="Baru Satu")
    report = roster.take(db, LATER)
    now = case(db, nip)
    assert (now.state, now.rater_id) == (AppraisalState.PLAN_DRAFT, id_of(db, HEAD))
    assert [segment.from_on for segment in segments(db, nip)] == [date(2026, 1, 10)]
    [duty] = duties(db, nip)
    assert (duty.kind, duty.person_id, duty.told_at) == (ActKind.DRAFT_TARGETS, id_of(db, nip), None)
    assert report.counts["appraisals_opened"] == 1


def test_a_newcomer_of_a_later_day_is_enrolled_by_the_first_import_after_it(db: Database, roster: Roster) -> None:
    run(db, roster)
    nip = "199901012026061001"
    roster.add(nip, TEACHER, active_from="2026-06-01", name="Baru Satu")
    roster.take(db, MAY)
    assert not every(db, Appraisal, employee_id=id_of(db, nip))
    roster[HEAD]["name"] = "Rusdi K."
    roster.take(db, date(2026, 6, 8))
    assert case(db, nip).state is AppraisalState.PLAN_DRAFT


def test_who_comes_after_the_year_takes_no_part_in_it(db: Database, roster: Roster) -> None:
    run(db, roster)
    nip = "199901012026121001"
    roster.add(nip, TEACHER, active_from="2027-01-01", name="Baru Satu")
    roster.take(db, date(2027, 1, 4))
    assert not every(db, Appraisal, employee_id=id_of(db, nip))


def test_before_everybody_is_enrolled_the_launch_goes_first(db: Database, roster: Roster) -> None:
    run(db, roster)
    with db.transaction() as session:
        session.execute(update(Cycle).values(enrolled_at=None))
    nip = "199901012026011001"
    roster.add(nip, TEACHER, active_from="2026-01-10", name="Baru Satu")
    roster.take(db, LATER)
    assert not every(db, Appraisal, employee_id=id_of(db, nip))
    assert every(db, Cycle)[0].enrolled_at is None


# what stays


def test_a_closed_cycle_stays_as_it_is(db: Database, roster: Roster) -> None:
    run(db, roster)
    with db.transaction() as session:
        session.execute(update(Cycle).values(state=CycleState.CLOSED))
    roster[TEACHER]["superior_nip"] = EDUCATION
    roster.take(db, LATER)
    assert case(db, TEACHER).rater_id == id_of(db, HEAD)


def test_a_duty_of_a_closed_stage_is_not_owed_again(db: Database, roster: Roster) -> None:
    run(db, roster)
    row = roster[TEACHER]
    roster.leave(TEACHER)
    roster.take(db, LATER)
    with db.transaction() as session:
        session.execute(update(Stage).where(Stage.state == StageState.OPEN).values(state=StageState.CLOSED))
    roster[TEACHER] = row
    roster.take(db, MAY)
    assert [duty.state for duty in duties(db, TEACHER)] == [AssignmentState.WITHDRAWN]
    assert case(db, TEACHER).state is AppraisalState.PLAN_DRAFT


# addresses


def test_a_changed_address_ends_the_links_mailed_to_the_old_one(both: Database, roster: Roster) -> None:
    db = both
    run(db, roster)
    [told] = duties(db, TEACHER)
    assert told.told_at is not None
    roster[TEACHER]["email"] = "baru@mamuju.example"
    report = roster.take(db, LATER)
    [link] = every(db, ActionLink, person_id=id_of(db, TEACHER))
    assert (link.state, link.revoked_at, link.revoked_reason) == (
        LinkState.REVOKED, morning(LATER), "address_changed",
    )  # fmt: skip
    assert [duty.told_at for duty in duties(db, TEACHER)] == [None]
    assert report.counts["links_revoked"] == 1
    others = every(db, ActionLink, state=LinkState.ACTIVE)
    assert len(others) > 30
    assert all(duty.told_at for duty in every(db, Assignment) if duty.person_id != id_of(db, TEACHER))
