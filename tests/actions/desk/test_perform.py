"""perform(): every guard that stands before an act, and that a refused act leaves nothing behind."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from actions.acts.act import ActInvalid, ActRefused
from actions.cycle import cycles
from actions.desk.perform import Sent, StaleForm, perform
from models import (
    Appraisal,
    Assignment,
    Cycle,
    Draft,
    Letter,
    Person,
    Plan,
    RoleGrant,
    Stage,
    Submission,
    TrailEntry,
)
from rules.terms import ActKind, AppraisalState, AssignmentState, Proof, Role, StageKind, StageState
from tests.actions.rosters import contents, unchanged
from tests.actions.world import World, local


def refused(world: World, task: Assignment, code: str, **how: object) -> ActRefused:
    """Send a valid form in a transaction that is committed all the same: nothing may have changed."""
    data = how.pop("data", None) or world.form(task)
    with unchanged(world.db), pytest.raises(ActRefused) as caught:
        send_and_commit(world, task, data, **how)
    assert caught.value.code == code
    return caught.value


def send_and_commit(world: World, task: Assignment, data, *, who: str = "", version=None, nonce="n", proof=Proof.CODE):
    person = world.people[who] if who else task.person_id
    error = None
    with world.db.transaction() as session:
        try:
            perform(session, task.id, person, Sent(data, version or task.version, nonce, proof), at=world.at)
        except ActRefused as caught:
            error = caught
    if error:
        raise error


def test_an_act_ends_its_duty_writes_the_trail_and_owes_a_receipt(targets: World) -> None:
    task = targets.task("ani", ActKind.DRAFT_TARGETS)
    receipt = targets.act("ani", ActKind.DRAFT_TARGETS)
    done = targets.one(Assignment, id=task.id)
    assert (done.state, done.ended_at, done.version) == (AssignmentState.DONE, targets.at, task.version + 1)
    entry = targets.all(TrailEntry)[-1]
    assert (entry.type, entry.subject, entry.actor_id) == ("draft_targets", task.subject, targets.people["ani"])
    letter = targets.one(Letter, key=f"receipt:{task.id}:{receipt.number}")
    assert letter.facts["receipt_no"] == receipt.number
    assert len(receipt.number) == 10


def test_somebody_else_is_refused_even_a_superior(targets: World) -> None:
    task = targets.task("ani", ActKind.DRAFT_TARGETS)
    for other in ("budi", "head", "hr"):
        refused(targets, task, "not_yours", who=other)


def test_an_assignment_that_does_not_exist_is_nobodys(targets: World) -> None:
    with pytest.raises(ActRefused, match="not_yours"), targets.db.transaction() as session:
        perform(session, 99_999, targets.people["ani"], Sent({}, 1, "n"), at=targets.at)


def test_a_stage_that_is_not_open_yet_is_refused(targets: World) -> None:
    task = targets.task("ani", ActKind.DRAFT_TARGETS)
    form = targets.form(task)
    with targets.db.transaction() as session:
        session.get_one(Stage, task.stage_id).state = StageState.PLANNED
    refused(targets, task, "not_open_yet", data=form)


@pytest.mark.parametrize("state", [StageState.CLOSING, StageState.CLOSED])
def test_a_stage_that_closes_or_is_closed_accepts_nothing(targets: World, state: StageState) -> None:
    task = targets.task("ani", ActKind.DRAFT_TARGETS)
    with targets.db.transaction() as session:
        session.get_one(Stage, task.stage_id).state = state
    refused(targets, task, "closed")


def test_the_last_second_counts_and_the_next_does_not(targets: World) -> None:
    task = targets.task("ani", ActKind.DRAFT_TARGETS)
    targets.at = local("2026-02-01 00:00")
    refused(targets, task, "closed")
    targets.at -= timedelta(milliseconds=1)
    assert targets.act("ani", ActKind.DRAFT_TARGETS).number


def test_a_lapsed_duty_is_closed_and_a_withdrawn_one_says_so(targets: World) -> None:
    task = targets.task("ani", ActKind.DRAFT_TARGETS)
    for state, code in ((AssignmentState.LAPSED, "closed"), (AssignmentState.WITHDRAWN, "withdrawn")):
        with targets.db.transaction() as session:
            session.get_one(Assignment, task.id).state = state
        refused(targets, targets.one(Assignment, id=task.id), code)


def test_what_is_done_is_not_done_again_under_another_nonce(targets: World) -> None:
    task, form = targets.task("ani", ActKind.DRAFT_TARGETS), None
    form = targets.form(task)
    targets.send(task, form)
    refused(targets, task, "done_already", data=form, nonce="another")


def test_the_same_form_twice_gives_the_same_receipt_and_no_second_effect(targets: World) -> None:
    task = targets.task("ani", ActKind.DRAFT_TARGETS)
    form = targets.form(task)
    first = targets.send(task, form, nonce="once")
    with unchanged(targets.db):
        again = targets.send(task, form, nonce="once")
    assert (again.number, again.again, first.again) == (first.number, True, False)


def test_the_same_form_is_answered_after_the_stage_has_closed(targets: World) -> None:
    task = targets.task("ani", ActKind.DRAFT_TARGETS)
    form = targets.form(task)
    first = targets.send(task, form, nonce="once")
    targets.on("2026-02-02")
    assert targets.send(task, form, nonce="once").number == first.number


def test_a_nonce_with_another_body_or_by_somebody_else_is_refused(targets: World) -> None:
    task = targets.task("ani", ActKind.DRAFT_TARGETS)
    form = targets.form(task)
    targets.send(task, form, nonce="once")
    refused(targets, task, "nonce_reused", data=form | {"items": []}, nonce="once")
    refused(targets, task, "not_yours", data=form, nonce="once", who="budi")


def test_a_form_made_from_an_older_version_is_refused_with_the_version_of_now(targets: World) -> None:
    task = targets.task("ani", ActKind.DRAFT_TARGETS)
    with targets.db.transaction() as session:
        session.get_one(Assignment, task.id).told_at = None
    caught = refused(targets, task, "stale")
    assert isinstance(caught, StaleForm)
    assert caught.details["version"] == task.version + 1


def test_a_paused_cycle_accepts_nothing_and_a_resumed_one_does(targets: World) -> None:
    task = targets.task("ani", ActKind.DRAFT_TARGETS)
    with targets.db.transaction() as session:
        cycles.pause(session, session.get_one(Cycle, targets.cycle_id), "Banjir", at=targets.at)
    refused(targets, task, "paused")
    with targets.db.transaction() as session:
        cycles.resume(session, session.get_one(Cycle, targets.cycle_id), "Surut", at=targets.at)
    assert targets.act("ani", ActKind.DRAFT_TARGETS)


def test_whoever_left_or_has_not_begun_is_refused(targets: World) -> None:
    task = targets.task("ani", ActKind.DRAFT_TARGETS)
    targets.left("ani", "2026-01-04")
    refused(targets, task, "not_active")
    with targets.db.transaction() as session:
        person = session.get_one(Person, targets.people["ani"])
        person.active_from, person.active_to = date(2026, 1, 6), None
    refused(targets, task, "not_active")


def test_the_last_day_of_service_counts(targets: World) -> None:
    targets.left("ani", "2026-01-05")
    assert targets.act("ani", ActKind.DRAFT_TARGETS)


def test_a_mandate_is_refused_outside_its_dates(targets: World) -> None:
    targets.mandate("budi", "head", "2026-01-05", "2026-01-09")
    targets.act("ani", ActKind.DRAFT_TARGETS)
    task = targets.task("budi", ActKind.ESTABLISH_TARGETS, "ani")
    assert task.mandate_id is not None
    targets.go("2026-01-10")
    refused(targets, task, "mandate_over")
    targets.go("2026-01-09 23:59")
    receipt = targets.send(task, targets.form(task))
    assert targets.all(TrailEntry)[-1].mandate_id == task.mandate_id, receipt


def test_a_weighty_act_needs_the_code_and_a_light_one_does_not(scoring: World) -> None:
    task = scoring.task("head", ActKind.SCORE, "ani")
    refused(scoring, task, "code_needed", proof=Proof.LINK)
    assert scoring.send(task, scoring.form(task), proof=Proof.CODE)


def test_nothing_is_submitted_by_a_lone_button(targets: World) -> None:
    task = targets.task("ani", ActKind.DRAFT_TARGETS)
    form = targets.form(task)
    del form["confirm"]
    caught = refused(targets, task, "invalid", data=form)
    assert isinstance(caught, ActInvalid)
    assert set(caught.errors) == {"confirm"}


def test_a_field_that_the_form_does_not_have_is_refused(targets: World) -> None:
    task = targets.task("ani", ActKind.DRAFT_TARGETS)
    caught = refused(targets, task, "invalid", data=targets.form(task) | {"state": "final"})
    assert set(caught.errors) == {"state"}  # type: ignore[attr-defined]


def test_characters_that_make_a_text_read_other_than_it_is_stored_are_taken_out(targets: World) -> None:
    targets.everybody(ActKind.DRAFT_TARGETS)
    reason = "\ufeffMohon \u202eubah\u202c tar\u00adget\u200b ini"
    targets.act("head", ActKind.ESTABLISH_TARGETS, "ani", decision="return", reason=reason)
    assert targets.one(Plan, appraisal_id=targets.case("ani").id).returned_reason == "Mohon ubah target ini"


def test_what_nobody_sees_is_no_content(targets: World) -> None:
    targets.everybody(ActKind.DRAFT_TARGETS)
    task = targets.task("head", ActKind.ESTABLISH_TARGETS, "ani")
    form = targets.form(task, decision="return", reason="\u200b" * 20)
    assert set(refused(targets, task, "invalid", data=form).errors) == {"reason"}  # type: ignore[attr-defined]


@pytest.mark.parametrize(("who", "kind", "role"), [("hr", ActKind.ACCOUNT_FOR, Role.PERFORMANCE_ADMIN)])
def test_a_granted_role_that_ended_ends_what_was_owed_in_it(
    scoring: World, who: str, kind: ActKind, role: Role
) -> None:
    scoring.everybody(ActKind.SCORE, but=("ani",))
    scoring.on("2027-01-21")
    scoring.on("2027-03-11")
    task = scoring.task(who, kind, "ani")
    with scoring.db.transaction() as session:
        session.scalars(select(RoleGrant).filter_by(role=role)).one().to_on = date(2027, 3, 10)
    refused(scoring, task, "role_over")


def test_a_rater_who_was_replaced_is_refused_before_the_duty_has_moved(scoring: World) -> None:
    """The direct superior on record and whoever holds the duty today may rate; an assignment alone gives no right."""
    task = scoring.task("head", ActKind.SCORE, "ani")
    with scoring.db.transaction() as session:
        session.get_one(Appraisal, task.appraisal_id).rater_id = scoring.people["dodi"]
    refused(scoring, task, "role_over")


def test_nobody_acts_on_their_own_case_in_another_role(scoring: World) -> None:
    task = scoring.task("head", ActKind.SCORE, "ani")
    with scoring.db.transaction() as session:
        session.get_one(Assignment, task.id).person_id = scoring.people["ani"]
    refused(scoring, scoring.one(Assignment, id=task.id), "role_over")


def test_a_draft_is_gone_once_it_is_submitted(targets: World) -> None:
    task = targets.task("ani", ActKind.DRAFT_TARGETS)
    targets.add(Draft(assignment_id=task.id, person_id=task.person_id, body={"items": []}, version=1, at=targets.at))
    targets.act("ani", ActKind.DRAFT_TARGETS)
    assert targets.all(Draft) == []


def test_an_act_refused_half_way_leaves_nothing_though_its_caller_commits(scoring_numeric: World) -> None:
    """A rating is written before the pack finds that it does not know an aspect."""
    world = scoring_numeric
    task = world.task("head", ActKind.SCORE, "ani")
    form = world.form(task)
    strange = [*form["aspects"], {"aspect": "charm", "score": "90"}]
    caught = refused(world, task, "invalid", data=form | {"aspects": strange})
    assert "unknown aspect" in caught.errors["form"]  # type: ignore[attr-defined]


def test_two_acts_at_once_with_one_nonce_are_one(targets: World) -> None:
    import threading

    task = targets.task("ani", ActKind.DRAFT_TARGETS)
    form, receipts = targets.form(task), []
    threads = [
        threading.Thread(target=lambda: receipts.append(targets.send(task, form, nonce="once"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({receipt.number for receipt in receipts}) == 1
    assert sorted(receipt.again for receipt in receipts) == [False, True, True, True]
    assert len(targets.all(Submission)) == 1


def test_the_state_of_the_case_is_untouched_by_looking(targets: World) -> None:
    before = contents(targets.db)
    for task in targets.open(None, ActKind.DRAFT_TARGETS):
        targets.sheet(task)
    assert contents(targets.db) == before
    assert targets.case("ani").state is AppraisalState.PLAN_DRAFT
    assert targets.stage(StageKind.TARGET_SETTING).state is StageState.OPEN
