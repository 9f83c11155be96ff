"""Receipt, window, both sides, an independent decision, once (PP 30/2019 art. 59)."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from actions.acts.act import ActInvalid, ActRefused
from actions.cases import results
from actions.cases.objections import authority_of
from actions.line.holders import line_for_one, line_on
from models import (
    ActingMandate,
    Appraisal,
    Assignment,
    Letter,
    Objection,
    RatingRecord,
    Result,
    Statement,
    TrailEntry,
)
from rules.terms import (
    ActKind,
    AppraisalState,
    AssignmentState,
    LetterState,
    ObjectionOutcome,
    ObjectionState,
    ReceiptKind,
    StageKind,
    StageState,
    StatementOutcome,
)
from tests.actions.rosters import unchanged
from tests.actions.world import ABOVE, BELOW, MEETS, World, local


def refusal(world: World, who: str, kind: ActKind, about: str | None = None, **changes: Any) -> str:
    with unchanged(world.db), pytest.raises(ActRefused) as caught:
        world.act(who, kind, about, **changes)
    return caught.value.code


def heard(world: World, name: str = "ani", **changes: Any) -> World:
    """An objection of `name` on which both sides were heard."""
    world.act(name, ActKind.OBJECT)
    world.act(name, ActKind.EXPLAIN, name, **changes)
    world.act("head", ActKind.EXPLAIN, name, **changes)
    return world


# ---- receipt and window


@pytest.mark.parametrize(
    ("at", "last"),
    [
        ("2027-01-31 12:00", "2027-02-14"),
        ("2027-01-21 23:30", "2027-02-04"),
        ("2027-02-01 00:30", "2027-02-15"),
    ],
)
def test_the_window_counts_fourteen_days_from_the_day_after_receipt(issued: World, at: str, last: str) -> None:
    issued.go(at).act("ani", ActKind.ACKNOWLEDGE)
    result = issued.result("ani")
    assert (result.received_at, result.receipt_kind) == (issued.at, ReceiptKind.ACKNOWLEDGED)
    assert result.objection_until == local(f"{last} 23:59").replace(second=59)
    assert issued.task("ani", ActKind.OBJECT).due_at == result.objection_until


def test_an_objection_on_day_fourteen_at_the_last_minute_is_accepted(issued: World) -> None:
    issued.go("2027-01-22").act("ani", ActKind.ACKNOWLEDGE)
    issued.go("2027-02-05 23:59").act("ani", ActKind.OBJECT)
    assert issued.case("ani").state is AppraisalState.OBJECTED


def test_an_objection_on_day_fifteen_is_refused_even_before_any_tick(issued: World) -> None:
    issued.go("2027-01-22").act("ani", ActKind.ACKNOWLEDGE)
    assert refusal(issued.go("2027-02-06 00:00"), "ani", ActKind.OBJECT) == "closed"
    issued.tick()
    assert issued.last("ani", ActKind.OBJECT).state is AssignmentState.LAPSED


def test_receipt_is_recorded_once_and_never_again(issued: World) -> None:
    issued.go("2027-01-22").act("ani", ActKind.ACKNOWLEDGE)
    issued.go("2027-02-01").act("ani", ActKind.OBJECT)
    result = issued.result("ani")
    assert (result.received_at, result.receipt_kind) == (local("2027-01-22"), ReceiptKind.ACKNOWLEDGED)


def test_objecting_without_a_receipt_is_one(issued: World) -> None:
    issued.go("2027-01-25").act("ani", ActKind.OBJECT)
    assert issued.result("ani").receipt_kind is ReceiptKind.OPENED


def test_a_result_nobody_opened_counts_as_received_seven_days_after_its_letter_arrived(issued: World) -> None:
    """Accepted on 21 January: received at the end of the 28th, objections until 11 February."""
    issued.on("2027-01-28 23:50")
    assert issued.result("ani").received_at is None
    issued.on("2027-01-29 06:00")
    result = issued.result("ani")
    end = local("2027-01-28 23:59").replace(second=59)
    assert (result.receipt_kind, result.received_at) == (ReceiptKind.DEEMED, end)
    assert result.objection_until == local("2027-02-11 23:59").replace(second=59)
    assert {task.due_at for task in issued.open("ani", ActKind.OBJECT)} == {result.objection_until}


def test_whoever_acknowledged_is_not_deemed_to_have_received(issued: World) -> None:
    issued.go("2027-01-22").act("ani", ActKind.ACKNOWLEDGE)
    issued.on("2027-01-29 06:00")
    assert issued.result("ani").receipt_kind is ReceiptKind.ACKNOWLEDGED
    assert issued.result("budi").receipt_kind is ReceiptKind.DEEMED


def test_an_engine_that_stood_still_costs_the_employee_nothing(issued: World) -> None:
    issued.on("2027-02-10")
    assert issued.result("ani").received_at == issued.at


@pytest.mark.parametrize("state", [LetterState.BOUNCED_HARD, LetterState.AMBIGUOUS, LetterState.HELD])
def test_a_letter_that_did_not_arrive_starts_no_clock(issued: World, state: LetterState) -> None:
    with issued.db.transaction() as session:
        session.execute(update(Letter).where(Letter.person_id == issued.people["ani"]).values(state=state))
    issued.on("2027-02-01")
    assert issued.result("ani").received_at is None
    assert issued.result("budi").received_at is not None


def test_the_stage_waits_for_windows_that_have_not_begun_and_keeps_the_right_open(issued: World) -> None:
    """A letter that arrived late: receipt is deemed on the 24th, so the window ends after the stage would close."""
    with issued.db.transaction() as session:
        ani = Letter.kind == "result_issued", Letter.person_id == issued.people["ani"]
        session.execute(update(Letter).where(*ani).values(accepted_at=local("2027-02-17")))
    issued.everybody(ActKind.OVERRIDE_DISTRIBUTION)
    issued.on("2027-02-20")
    assert issued.stage(StageKind.OBJECTION_HANDLING).state is StageState.OPEN
    issued.on("2027-02-25")
    assert issued.result("ani").objection_until == local("2027-03-10 23:59").replace(second=59)
    assert issued.stage(StageKind.OBJECTION_HANDLING).state is StageState.OPEN
    issued.go("2027-03-10 23:00").act("ani", ActKind.OBJECT)
    assert issued.case("ani").state is AppraisalState.OBJECTED


def test_a_right_not_yet_started_is_accepted_while_the_stage_waits(issued: World) -> None:
    with issued.db.transaction() as session:
        ani = Letter.kind == "result_issued", Letter.person_id == issued.people["ani"]
        session.execute(update(Letter).where(*ani).values(accepted_at=local("2027-02-19")))
    issued.everybody(ActKind.OVERRIDE_DISTRIBUTION)
    issued.on("2027-02-22")
    assert issued.act("ani", ActKind.OBJECT)


def test_the_stage_closes_once_every_window_is_over(issued: World) -> None:
    issued.everybody(ActKind.OVERRIDE_DISTRIBUTION)
    issued.on("2027-01-29")
    issued.on("2027-02-20")
    assert issued.stage(StageKind.OBJECTION_HANDLING).state is StageState.CLOSED


# ---- filing


def test_an_objection_needs_reasons_and_is_filed_once(issued: World) -> None:
    with pytest.raises(ActInvalid):
        issued.act("ani", ActKind.OBJECT, reasons=" ")
    task = issued.task("ani", ActKind.OBJECT)
    issued.act("ani", ActKind.OBJECT)
    with pytest.raises(ActRefused, match="done_already"):
        issued.send(task, {"reasons": "Sekali lagi.", "confirm": "yes"}, nonce="again")
    reopen(issued, task)
    assert refusal(issued, "ani", ActKind.OBJECT) == "already_objected"


def reopen(world: World, task: Any) -> None:
    with world.db.transaction() as session:
        session.get_one(Assignment, task.id).state = AssignmentState.OPEN


def test_nobody_objects_to_what_is_not_issued(issued: World) -> None:
    with issued.db.transaction() as session:
        session.execute(update(Result).values(issued_at=None))
    assert refusal(issued, "ani", ActKind.OBJECT) == "no_result"
    assert refusal(issued, "ani", ActKind.ACKNOWLEDGE) == "no_result"


def test_both_sides_are_asked_at_once_with_a_week_to_answer(issued: World) -> None:
    issued.act("ani", ActKind.OBJECT)
    objection = issued.one(Objection)
    until = local("2027-01-28 23:59").replace(second=59)
    assert (objection.statements_until, objection.decide_until) == (until, local("2027-02-20 23:59").replace(second=59))
    asked = {issued.name(a.person_id): a.due_at for a in issued.open(None, ActKind.EXPLAIN)}
    assert asked == {"ani": until, "head": until}
    for who in asked:
        assert issued.all(Letter, person_id=issued.people[who], kind="objection_notice",
                          stage_id=issued.stage(StageKind.OBJECTION_HANDLING).id)  # fmt: skip


# ---- hearing


def test_the_decision_waits_for_both_sides(issued: World) -> None:
    issued.act("ani", ActKind.OBJECT)
    issued.act("ani", ActKind.EXPLAIN)
    assert issued.open(None, ActKind.DECIDE_OBJECTION) == []
    issued.act("head", ActKind.EXPLAIN)
    task = issued.task("chief", ActKind.DECIDE_OBJECTION)
    assert task.due_at == issued.one(Objection).decide_until
    assert issued.one(Objection).state is ObjectionState.UNDER_EXAMINATION


def test_a_statement_needs_words_and_a_refusal_does_not(issued: World) -> None:
    issued.act("ani", ActKind.OBJECT)
    with pytest.raises(ActInvalid):
        issued.act("ani", ActKind.EXPLAIN, text="ya")
    issued.act("ani", ActKind.EXPLAIN, answer="refused", text="")
    issued.act("head", ActKind.EXPLAIN, answer="refused", text="")
    assert {s.outcome for s in issued.all(Statement)} == {StatementOutcome.REFUSED}
    assert issued.task("chief", ActKind.DECIDE_OBJECTION)


def test_silence_of_either_side_is_recorded_and_blocks_nothing(issued: World) -> None:
    issued.act("ani", ActKind.OBJECT)
    issued.act("ani", ActKind.EXPLAIN)
    issued.on("2027-01-28 23:50")
    assert issued.open(None, ActKind.DECIDE_OBJECTION) == []
    issued.on("2027-01-29")
    assert {(s.role.value, s.outcome, s.by_id is None) for s in issued.all(Statement)} == {
        ("employee", StatementOutcome.GIVEN, False), ("rater", StatementOutcome.SILENT, True),
    }  # fmt: skip
    assert issued.task("chief", ActKind.DECIDE_OBJECTION)


def test_silence_of_both_goes_to_the_authority_too(issued: World) -> None:
    issued.act("ani", ActKind.OBJECT)
    issued.on("2027-01-29")
    assert len(issued.all(Statement, outcome=StatementOutcome.SILENT)) == 2
    assert issued.task("chief", ActKind.DECIDE_OBJECTION)


def renumber(world: World, old: int, new: int) -> None:
    with world.db.transaction() as session:
        session.execute(update(Objection).where(Objection.id == old).values(id=new))
        for side in ("employee", "rater"):
            about = Assignment.subject == f"objection:{old}:{side}"
            session.execute(update(Assignment).where(about).values(subject=f"objection:{new}:{side}"))


def test_the_employee_withdraws_and_the_result_stands(issued: World) -> None:
    """Other objections whose number begins alike (1 and 10) are not touched."""
    issued.act("budi", ActKind.OBJECT)
    renumber(issued, 1, 10)
    issued.act("ani", ActKind.OBJECT)
    renumber(issued, 11, 1)
    with pytest.raises(ActInvalid):
        issued.act("head", ActKind.EXPLAIN, "ani", answer="withdraw")
    issued.act("ani", ActKind.EXPLAIN, answer="withdraw")
    assert issued.one(Objection, id=1).state is ObjectionState.WITHDRAWN
    assert issued.case("ani").state is AppraisalState.ISSUED
    assert issued.last("head", ActKind.EXPLAIN, "ani").state is AssignmentState.WITHDRAWN
    assert issued.task("head", ActKind.EXPLAIN, "budi"), "another objection goes on"
    assert issued.open("ani", ActKind.OBJECT) == []


# ---- deciding


def test_the_result_is_kept_with_reasons_and_both_are_told(issued: World) -> None:
    heard(issued).act("chief", ActKind.DECIDE_OBJECTION)
    objection = issued.one(Objection)
    assert (objection.state, objection.outcome, objection.decided_by_id) == (
        ObjectionState.DECIDED, ObjectionOutcome.KEEP, issued.people["chief"],
    )  # fmt: skip
    assert issued.case("ani").state is AppraisalState.DECIDED
    assert {m.person_id for m in issued.all(Letter, kind="objection_decided")} == {
        issued.people["ani"], issued.people["head"],
    }  # fmt: skip
    assert len(issued.all(Result, appraisal_id=issued.case("ani").id)) == 1


@pytest.mark.parametrize(("judged", "outcome"), [(ABOVE, ObjectionOutcome.RAISE), (BELOW, ObjectionOutcome.LOWER)])
def test_a_changed_result_supersedes_the_old_one_everywhere(
    issued: World, judged: dict[str, Any], outcome: ObjectionOutcome
) -> None:
    before = issued.result("ani")
    heard(issued).act("chief", ActKind.DECIDE_OBJECTION, decision="change", **judged)
    after = issued.result("ani")
    assert issued.one(Objection).outcome is outcome
    old = issued.one(Result, id=before.id)
    assert (old.superseded_at, old.predicate, after.issued_at) == (issued.at, before.predicate, issued.at)
    assert after.predicate is not before.predicate
    with issued.db.reading() as session:
        shown = results.shown(session, issued.case("ani").id)
    assert shown["result"]["predicate"] == after.predicate.value
    assert shown["rating"]["result"] == judged["result_rating"]
    entry = [e for e in issued.all(TrailEntry) if e.type == "decide_objection"][-1]
    assert entry.content["before"]["predicate"] == before.predicate.value
    assert entry.content["after"]["predicate"] == after.predicate.value
    assert entry.content["why"] == "Setelah mendengar kedua pihak."


def test_a_change_that_changes_nothing_is_refused_and_leaves_nothing(issued: World) -> None:
    heard(issued)
    assert refusal(issued, "chief", ActKind.DECIDE_OBJECTION, decision="change", **MEETS) == "invalid"
    assert refusal(issued, "chief", ActKind.DECIDE_OBJECTION, decision="change") == "invalid"


def test_a_decision_is_final(issued: World) -> None:
    """No second objection: not to the kept result, and not to the one that replaced it."""
    task = issued.task("ani", ActKind.OBJECT)
    heard(issued).act("chief", ActKind.DECIDE_OBJECTION, decision="change", **BELOW)
    reopen(issued, task)
    assert refusal(issued, "ani", ActKind.OBJECT) == "decision_final"


def test_neither_rater_nor_employee_ever_decides(issued: World) -> None:
    heard(issued)
    task = issued.task("chief", ActKind.DECIDE_OBJECTION)
    for who, code in (("head", "not_independent"), ("ani", "role_over")):
        with issued.db.transaction() as session:
            session.get_one(Assignment, task.id).person_id = issued.people[who]
        assert refusal(issued, who, ActKind.DECIDE_OBJECTION) == code


def test_nothing_is_decided_before_both_were_heard(issued: World) -> None:
    heard(issued)
    with issued.db.transaction() as session:
        session.execute(update(Objection).values(state=ObjectionState.FILED))
    assert refusal(issued, "chief", ActKind.DECIDE_OBJECTION) == "not_under_examination"


def test_a_late_decision_is_accepted_and_never_made_by_the_clock(issued: World) -> None:
    issued.everybody(ActKind.OVERRIDE_DISTRIBUTION)
    heard(issued)
    for day in ("2027-02-22", "2027-02-23", "2027-02-24", "2027-03-01", "2027-03-15"):
        issued.on(day)
    objection = issued.one(Objection)
    assert (objection.state, objection.outcome) == (ObjectionState.UNDER_EXAMINATION, None)
    assert issued.stage(StageKind.OBJECTION_HANDLING).state is StageState.OPEN
    told = {issued.name(m.person_id) for m in issued.all(Letter, kind="escalation")}
    assert told == {"ppk", "hr"}, "the authority's superior, HR, the appointing authority"
    issued.act("chief", ActKind.DECIDE_OBJECTION)
    assert issued.one(Objection).outcome is ObjectionOutcome.KEEP
    issued.on("2027-03-16")
    assert issued.stage(StageKind.OBJECTION_HANDLING).state is StageState.CLOSED


# ---- who decides


def on(world: World, day: str, name: str = "ani") -> str | None:
    with world.db.reading() as session:
        case = session.get_one(Appraisal, world.case(name).id)
        agency_id = 1
        found = authority_of(session, case, agency_id, datetime.fromisoformat(day).date())
    return world.name(found.person_id) if found else None


def unnamed(world: World) -> World:
    with world.db.transaction() as session:
        session.execute(update(Appraisal).values(authority_id=None))
    return world


def test_the_authority_is_the_raters_superior(issued: World) -> None:
    assert on(issued, "2027-01-25") == on(unnamed(issued), "2027-01-25") == "chief"


def test_an_authority_who_is_away_or_gone_is_climbed_over(issued: World) -> None:
    issued.away("chief", "2027-01-25", "2027-01-27")
    assert (on(issued, "2027-01-25"), on(issued, "2027-01-28")) == ("ppk", "chief")
    issued.left("chief", "2027-02-01")
    assert on(issued, "2027-02-02") == "ppk"


def test_one_person_who_would_hold_both_is_climbed_over(issued: World) -> None:
    """The chief stands in for the head (Plt) and would decide on a rating that is now theirs."""
    issued.mandate("chief", "head", "2027-01-25", "2027-02-25")
    assert on(issued, "2027-01-25") == "ppk"
    unnamed(issued)
    assert on(issued, "2027-01-25") == "ppk"


def test_whoever_rated_never_decides_though_they_rate_no_more(scoring: World) -> None:
    """The chief rated while standing in; the head is back, but the chief is not independent."""
    scoring.mandate("chief", "head", "2026-12-07", "2026-12-08")
    scoring.on("2026-12-07")
    scoring.act("chief", ActKind.SCORE, "ani")
    assert scoring.one(RatingRecord).mandate_id is not None
    assert (on(scoring, "2026-12-14"), on(scoring, "2026-12-14", "budi")) == ("ppk", "chief")
    assert on(unnamed(scoring), "2026-12-14") == "ppk"


def test_the_direct_superior_does_not_decide_when_a_subordinate_stood_in_for_them(issued: World) -> None:
    """Budi acts for the head; climbing from Budi would end with the head, whose case it is."""
    issued.mandate("budi", "head", "2027-01-25", "2027-02-25")
    assert on(unnamed(issued), "2027-01-26") == "chief"


def test_a_line_without_an_independent_official_falls_to_the_appointing_authority_or_to_nobody(issued: World) -> None:
    assert on(issued, "2027-01-25", "chief") is None, "the appointing authority is the rater"
    assert on(issued, "2027-01-25", "head") == "ppk"


def test_the_line_read_at_once_and_asked_one_by_one_agree(issued: World) -> None:
    issued.away("head", "2027-01-25", "2027-01-27")
    issued.mandate("dodi", "chief", "2027-01-26", "2027-02-01")
    issued.left("budi", "2027-01-25")
    for day in ("2027-01-24", "2027-01-25", "2027-01-26", "2027-02-02"):
        today = datetime.fromisoformat(day).date()
        with issued.db.reading() as session:
            batch, single = line_on(session, 1, today), line_for_one(session, 1, today)
            for case in session.scalars(select(Appraisal)):
                assert batch.rater(case.employee_id, case.rater_id) == single.rater(case.employee_id, case.rater_id)
                assert batch.authority(case.employee_id, case.rater_id) == single.authority(
                    case.employee_id, case.rater_id
                )


def test_an_authority_who_leaves_while_examining_is_replaced_and_the_new_one_is_told(issued: World) -> None:
    heard(issued)
    issued.deliver()
    issued.left("chief", "2027-01-24")
    issued.on("2027-01-25")
    assert issued.task("ppk", ActKind.DECIDE_OBJECTION).told_at == issued.at
    issued.act("ppk", ActKind.DECIDE_OBJECTION)
    assert issued.one(Objection).decided_by_id == issued.people["ppk"]


def test_raters_duties_follow_mandates_absences_and_departures(scoring: World) -> None:
    steps = [
        (lambda: scoring.mandate("budi", "head", "2026-12-07", "2026-12-08"), "2026-12-07", "budi"),
        (lambda: None, "2026-12-09", "head"),
        (lambda: scoring.away("head", "2026-12-10", "2026-12-11"), "2026-12-10", "chief"),
        (lambda: None, "2026-12-14", "head"),
        (lambda: scoring.left("head", "2026-12-15"), "2026-12-16", "chief"),
    ]
    for change, day, holder in steps:
        change()
        scoring.on(day)
        assert [scoring.name(a.person_id) for a in scoring.open(None, ActKind.SCORE, "ani")] == [holder], day
    assert scoring.one(ActingMandate).decree_no == "800/1"


def test_an_acting_official_never_rates_themself(scoring: World) -> None:
    scoring.mandate("budi", "head", "2026-12-07", "2026-12-08")
    scoring.on("2026-12-07")
    assert [scoring.name(a.person_id) for a in scoring.open(None, ActKind.SCORE, "budi")] == ["head"]
