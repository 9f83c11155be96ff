"""The audit from freeze to statement: the order of events, blind readings, cases, and that it never writes a rating."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from actions.acts.act import ActInvalid, ActRefused
from actions.audit import ceremony, evaluation
from actions.audit.ceremony import AuditRefused
from actions.audit.conflicts import Conflicts
from actions.stages import finalization, steps
from models import (
    Appraisal,
    Assignment,
    AuditDraw,
    AuditEvaluation,
    AuditFrameItem,
    AuditItem,
    AuditPlan,
    Cycle,
    Examination,
    Finding,
    Objection,
    Posting,
    RatingRecord,
    Recommendation,
    Result,
    RoleGrant,
    Supervision,
    TrailEntry,
)
from rules.audit.conflicts import Conflict
from rules.terms import (
    ActKind,
    AppraisalState,
    AssignmentState,
    AuditAttribute,
    AuditDecision,
    AuditItemState,
    Predicate,
    Role,
    StageKind,
    StageState,
    Step,
)
from tests.actions.rosters import unchanged
from tests.actions.world import ABOVE, AUDITORS, BELOW, World, local

SEED = "08772473296991897540"
MINUTES = "Berita acara 700/13, disaksikan wakil Korpri"
WHERE = "Papan pengumuman 700/12"


def do(world: World, action: Callable[..., Any], *args: Any, hours: float = 0) -> Any:
    with world.db.transaction() as session:
        return action(session, session.get_one(Cycle, world.cycle_id), *args, at=world.at + timedelta(hours=hours))


def no(world: World, why: str, action: Callable[..., Any], *args: Any, hours: float = 0) -> None:
    with unchanged(world.db), pytest.raises(AuditRefused, match=why):
        do(world, action, *args, hours=hours)


def plan(world: World) -> Any:
    return world.all(AuditPlan)[-1]


# ---- the order of events


def test_every_event_waits_for_the_one_before(issued: World) -> None:
    """The frame was frozen when the stage opened (21 January, nine in the morning)."""
    no(issued, "not published", ceremony.record_seed, SEED, MINUTES)
    no(issued, "No seed", ceremony.draw, 1)
    no(issued, "Say where", ceremony.publish, "  ")
    do(issued, ceremony.publish, WHERE)
    no(issued, "No seed", ceremony.draw, 1)
    no(issued, "has to stand until 2027-01-22T01:00", ceremony.record_seed, SEED, MINUTES, hours=23.9)
    for seed in (SEED[:19], SEED + " 1", ""):
        no(issued, "at least 20", ceremony.record_seed, seed, MINUTES, hours=24)
    no(issued, "Name the signed minutes", ceremony.record_seed, SEED, " ", hours=24)
    do(issued, ceremony.record_seed, SEED, MINUTES, hours=24)
    no(issued, "no second roll", ceremony.record_seed, SEED[::-1], MINUTES, hours=25)
    no(issued, "Stage 2 is not the next", ceremony.draw, 2, hours=25)
    do(issued, ceremony.draw, 1, hours=25)
    no(issued, "Stage 2 is not the next", ceremony.draw, 2, hours=26)
    types = [e.type for e in issued.all(TrailEntry)]
    order = ["roster.frozen", "roster.published", "seed.recorded", "draw.published.1"]
    assert [one for one in types if one in order] == order


def test_what_was_done_is_done_once(issued: World) -> None:
    do(issued, ceremony.publish, WHERE)
    for action, args, hours in (
        (ceremony.publish, ("Tempat lain sama sekali",), 1), (ceremony.freeze, (), 1),
    ):  # fmt: skip
        with unchanged(issued.db):
            do(issued, action, *args, hours=hours)
    do(issued, ceremony.record_seed, SEED, MINUTES, hours=24)
    do(issued, ceremony.draw, 1, hours=25)
    with unchanged(issued.db):
        do(issued, ceremony.record_seed, SEED, "Berita acara yang lain", hours=30)
        do(issued, ceremony.draw, 1, hours=30)
    assert plan(issued).published_where == WHERE


def test_a_seed_older_than_the_published_frame_draws_nothing(issued: World) -> None:
    """Whoever gets past the door of the ceremony still finds the draw shut."""
    do(issued, ceremony.publish, WHERE)
    issued.unguarded()
    with issued.db.transaction() as session:
        session.execute(update(AuditPlan).values(seed=SEED, seed_recorded_at=issued.at + timedelta(hours=23)))
    no(issued, "older than the published frame", ceremony.draw, 1, hours=25)


def test_a_wrong_frame_is_annulled_once_and_before_the_draw(issued: World) -> None:
    do(issued, ceremony.publish, WHERE)
    do(issued, ceremony.record_seed, SEED, MINUTES, hours=24)
    no(issued, "give its reason", ceremony.annul, "salah")
    do(issued, ceremony.annul, "Daftar memuat nama ganda.")
    assert issued.stage(StageKind.AUDIT_SAMPLING).state is StageState.OPEN
    do(issued, ceremony.freeze)
    assert plan(issued).attempt == 2
    assert "kota-2026-2" in plan(issued).plan.decode()
    no(issued, "annulled before", ceremony.annul, "Sekali lagi salah semuanya.")
    do(issued, ceremony.publish, WHERE, hours=1)
    no(issued, "a new frame needs a new roll", ceremony.record_seed, SEED, MINUTES, hours=30)
    do(issued, ceremony.record_seed, SEED[::-1], MINUTES, hours=30)


def test_a_drawn_frame_stands(issued: World) -> None:
    issued.publish_and_roll()
    no(issued, "The sample is drawn", ceremony.annul, "Terlambat diketahui salah.")


def test_fewer_than_three_auditors_freeze_nothing_and_the_stage_waits(scoring: World) -> None:
    with scoring.db.transaction() as session:
        session.execute(delete(RoleGrant).where(RoleGrant.person_id == scoring.people["aud3"]))
    scoring.everybody(ActKind.SCORE)
    with pytest.raises(AuditRefused, match=r"2 auditors are registered, 3 are needed: HR"):
        scoring.on("2027-01-21")
    scoring.go("2027-03-11")
    with scoring.db.reading() as session:
        from actions.stages.due import due

        found = {(ref.stage, ref.step) for ref in due(session, at=scoring.at)}
    assert (StageKind.AUDIT_SAMPLING, Step.FREEZE) in found
    assert (StageKind.AUDIT_SAMPLING, Step.CLOSE) not in found, "an audit that was never frozen does not just end"


def test_the_frame_has_every_locked_rating_and_reconciles(scoring: World) -> None:
    scoring.everybody(ActKind.SCORE, but=("ani",))
    scoring.on("2027-01-21")
    framed = {row.appraisal_id for row in scoring.all(AuditFrameItem)}
    assert framed == {scoring.case(n).id for n in ("chief", "head", "hr", "budi", "citra", "dodi")}
    assert plan(scoring).population == 6
    assert plan(scoring).reconciliation == {"framed": 6, "by_state": {"excluded": 1, "issued": 6, "not_rated": 1}}
    assert plan(scoring).roster.decode().splitlines()[0] == "appraisal_id,stratum"


# ---- drawing and assigning


def test_nothing_is_frozen_before_the_audit_has_opened(launched: World) -> None:
    with launched.db.transaction() as session, pytest.raises(AuditRefused, match="opens at"):
        ceremony.freeze(session, session.scalars(select(Cycle)).one(), at=launched.at)
    assert launched.all(AuditPlan) == []


@pytest.fixture
def drawn(issued: World) -> World:
    """All seven appraisals are on the list (a small agency is examined whole)."""
    issued.publish_and_roll()
    return issued


def test_everybody_small_is_examined_and_a_quarter_twice(drawn: World) -> None:
    items = drawn.all(AuditItem)
    assert len(items) == 7
    assert sum(item.double for item in items) == 2
    readings = drawn.all(Examination)
    assert len(readings) == 9
    for item in items:
        readers = [r.auditor_id for r in readings if r.item_id == item.id]
        assert len(set(readers)) == 1 + item.double
    load = [sum(r.auditor_id == drawn.people[a] for r in readings) for a in ("aud1", "aud2", "aud3")]
    assert max(load) - min(load) <= 1


def test_the_draw_is_the_one_that_anybody_can_redo(drawn: World) -> None:
    from rules.audit import draw as drawing

    frame = plan(drawn)
    again = drawing.draw(frame.roster, frame.plan, SEED, 1)
    assert again.draw_sha256 == drawn.one(AuditDraw).draw_sha256


def test_nobody_in_the_line_examines_and_without_anybody_else_it_is_left_open(issued: World) -> None:
    """aud1 is the head's superior since last year, aud2 served in the same unit: only aud3 is left for the school."""
    with issued.db.transaction() as session:
        session.add(Posting(person_id=issued.people["aud2"], unit_id=issued.units["SEKOLAH"], post="Guru",
                            from_on=date(2020, 1, 1), to_on=date(2026, 1, 31)))  # fmt: skip
        session.execute(update(Supervision).where(Supervision.person_id == issued.people["aud1"]).values(to_on=None))
        session.add(Supervision(person_id=issued.people["chief"], superior_id=issued.people["aud1"],
                                from_on=date(2019, 1, 1), to_on=date(2019, 12, 31)))  # fmt: skip
    with issued.db.reading() as session:
        cycle = session.get_one(Cycle, issued.cycle_id)
        people = [issued.people[a] for a in ("aud1", "aud2", "aud3")]
        asked = Conflicts(session, cycle, people, date(2027, 1, 22))
        case = issued.case("ani").id
        assert asked.of(issued.people["aud2"], case) == [Conflict.SAME_UNIT]
        assert asked.none(issued.people["aud1"], case), "a tie of seven years ago is none"
        assert asked.none(issued.people["aud3"], case)


CONFLICTS: dict[str, tuple[Callable[[World], object], Conflict]] = {
    "superior of the rater": (
        lambda w: w.add(Supervision(person_id=w.people["ppk"], superior_id=w.people["aud1"], from_on=date(2020, 1, 1))),
        Conflict.IN_LINE,
    ),
    "superior until last year": (
        lambda w: w.add(Supervision(person_id=w.people["head"], superior_id=w.people["aud1"],
                                    from_on=date(2019, 1, 1), to_on=date(2026, 3, 31))),
        Conflict.IN_LINE,
    ),
    "below the employee": (
        lambda w: w.add(Supervision(person_id=w.people["aud1"], superior_id=w.people["ani"], from_on=date(2020, 1, 1))),
        Conflict.IN_LINE,
    ),
    "a colleague in the last two years": (
        lambda w: w.add(Posting(person_id=w.people["aud1"], unit_id=w.units["SEKOLAH"], post="Guru",
                                from_on=date(2020, 1, 1), to_on=date(2025, 6, 30))),
        Conflict.SAME_UNIT,
    ),
    "named authority": (
        lambda w: _set(w, Appraisal, authority_id=w.people["aud1"]), Conflict.OBJECTION,
    ),
    "rated by the rater": (
        lambda w: w.add(Appraisal(cycle_id=w.cycle_id, employee_id=w.people["aud1"], unit_id=w.units["ROOT"],
                                  rater_id=w.people["head"], state=AppraisalState.FINAL)),
        Conflict.RATED_BY_RATER,
    ),
}  # fmt: skip


def _set(world: World, table: Any, **values: Any) -> None:
    with world.db.transaction() as session:
        session.execute(update(table).values(**values))


@pytest.mark.parametrize("name", CONFLICTS)
def test_a_conflict_keeps_an_auditor_from_a_case(issued: World, name: str) -> None:
    make, expected = CONFLICTS[name]
    with issued.db.reading() as session:
        cycle = session.get_one(Cycle, issued.cycle_id)
        assert Conflicts(session, cycle, [issued.people["aud1"]], date(2027, 1, 22)).none(
            issued.people["aud1"], issued.case("ani").id
        )
    make(issued)
    with issued.db.reading() as session:
        cycle = session.get_one(Cycle, issued.cycle_id)
        found = Conflicts(session, cycle, [issued.people["aud1"]], date(2027, 1, 22)).of(
            issued.people["aud1"], issued.case("ani").id
        )
    assert found == [expected]
    issued.publish_and_roll()
    ani = {r.auditor_id for r in issued.all(Examination) if item_of(issued, "ani").id == r.item_id}
    assert issued.people["aud1"] not in ani


def item_of(world: World, name: str) -> Any:
    return world.one(AuditItem, appraisal_id=world.case(name).id)


def test_a_conflict_that_arose_after_the_draw_hands_the_reading_on(drawn: World) -> None:
    """Checked again before anything is locked: the auditor was promoted into the line meanwhile."""
    task = drawn.open(None, ActKind.EXAMINE, "ani")[0]
    reader = drawn.name(task.person_id)
    drawn.add(Supervision(person_id=drawn.people["ppk"], superior_id=task.person_id, from_on=date(2027, 1, 1)))
    drawn.send(task, drawn.form(task))
    assert drawn.one(Assignment, id=task.id).state is AssignmentState.DONE
    after = [drawn.name(a.person_id) for a in drawn.open(None, ActKind.EXAMINE, "ani")]
    assert after
    assert reader not in after


def test_whoever_declines_is_not_asked_again_and_in_the_end_somebody_from_outside_is_needed(drawn: World) -> None:
    single = next(item for item in drawn.all(AuditItem) if not item.double)
    asked = []
    for _ in range(2):
        (task,) = [a for a in drawn.open(None, ActKind.EXAMINE) if a.appraisal_id == single.appraisal_id]
        asked.append(task.person_id)
        drawn.send(task, drawn.form(task, no_conflict="decline", text="Kerabat pegawai itu."))
    (task,) = [a for a in drawn.open(None, ActKind.EXAMINE) if a.appraisal_id == single.appraisal_id]
    assert len({*asked, task.person_id}) == 3
    with unchanged(drawn.db), pytest.raises(ActRefused, match="external_auditor_needed"):
        drawn.send(task, drawn.form(task, no_conflict="decline", text="Kerabat pegawai itu."))


# ---- blind


def test_nothing_shown_to_an_examiner_tells_the_score_the_rater_the_arm_or_the_stratum(scoring: World) -> None:
    told = "Kata-kata penilai yang tidak boleh terlihat"
    scoring.everybody(ActKind.SCORE, but=("ani",))
    scoring.act("head", ActKind.SCORE, "ani", **BELOW, feedback=told, recommendation="Rekomendasi penilai")
    scoring.on("2027-01-21")
    scoring.publish_and_roll()
    task = scoring.open(None, ActKind.EXAMINE, "ani")[0]
    shown = scoring.sheet(task).shown
    assert set(shown) == {"plan", "is_default", "actuals", "self_report", "scheme"}
    words = json.dumps(shown, default=str)
    for secret in (told, "Rekomendasi", "very_poor", "below", "meets", "Head", "Ani", "stratum", "flag", "double"):
        assert secret not in words, secret
    assert shown["self_report"] == "Target tercapai."
    from actions.desk import desks

    with scoring.db.reading() as session:
        desk = desks.desk_of(session, task.person_id, task.stage_id)
    assert {line.about for line in desk.tasks} == {""}, "nor the name"


def test_a_reading_is_whole_or_refused_and_never_changes_once_locked(drawn: World) -> None:
    task = drawn.open(None, ActKind.EXAMINE)[0]
    for lacking in ({"evidence_ok": None}, {"procedure_ok": None}, {"result_rating": None}, {"text": " "}):
        with pytest.raises(ActInvalid):
            drawn.send(task, drawn.form(task, **lacking))
    drawn.send(task, drawn.form(task))
    with drawn.db.transaction() as session:
        session.get_one(Assignment, task.id).state = AssignmentState.OPEN
    with pytest.raises(ActRefused, match="locked"):
        drawn.send(drawn.one(Assignment, id=task.id), drawn.form(task))


def test_a_twice_read_item_is_revealed_when_both_readings_are_locked(drawn: World) -> None:
    double = next(item for item in drawn.all(AuditItem) if item.double)
    first, second = [a for a in drawn.open(None, ActKind.EXAMINE) if a.appraisal_id == double.appraisal_id]
    drawn.send(first, drawn.form(first))
    assert drawn.one(AuditItem, id=double.id).state is AuditItemState.ASSIGNED
    drawn.send(second, drawn.form(second))
    assert drawn.one(AuditItem, id=double.id).state is AuditItemState.CONCUR


# ---- cases


def examine(world: World, name: str, **changes: Any) -> None:
    for task in world.open(None, ActKind.EXAMINE, name):
        world.send(task, world.form(task, **changes))


@pytest.fixture
def found(drawn: World) -> World:
    """Ani's file lacks evidence; everything else concurs."""
    drawn.everybody(ActKind.EXAMINE, but=("ani",))
    examine(drawn, "ani", evidence_ok="no", text="Bukti kuantitas tidak ada.")
    return drawn


@pytest.mark.parametrize(
    ("changes", "attributes"),
    [
        ({}, set()),
        ({"evidence_ok": "no"}, {AuditAttribute.EVIDENCE}),
        ({"procedure_ok": "no"}, {AuditAttribute.PROCEDURE}),
        ({"evidence_ok": "no", "procedure_ok": "no"}, {AuditAttribute.EVIDENCE, AuditAttribute.PROCEDURE}),
        ({"result_rating": "below", "behavior_rating": "below"}, {AuditAttribute.JUDGEMENT}),
    ],
)
def test_what_deviates_becomes_a_finding(drawn: World, changes: Any, attributes: set[AuditAttribute]) -> None:
    """Rated good: one band apart is the noise of one honest reader, three bands are not."""
    single = next(n for n in ("ani", "budi", "citra", "dodi") if not item_of(drawn, n).double)
    examine(drawn, single, **changes)
    assert {finding.attribute for finding in drawn.all(Finding)} == attributes
    state = AuditItemState.DISCREPANT if attributes else AuditItemState.CONCUR
    assert item_of(drawn, single).state is state


def test_a_second_reader_of_a_later_draw_adds_only_what_is_new(drawn: World) -> None:
    """The first reader's finding stands, and is answered, before the second reading is asked for."""
    single = next(n for n in ("ani", "budi", "citra", "dodi") if not item_of(drawn, n).double)
    examine(drawn, single, evidence_ok="no")
    item = item_of(drawn, single)
    first = drawn.one(Examination, item_id=item.id)
    another = next(drawn.people[name] for name in AUDITORS if drawn.people[name] != first.auditor_id)
    with drawn.db.transaction() as session:
        cycle = session.get_one(Cycle, drawn.cycle_id)
        ceremony.ask_to_examine(session, cycle, session.get_one(AuditItem, item.id), another, 2, at=drawn.at)
    examine(drawn, single, evidence_ok="no", procedure_ok="no")
    assert [one.attribute for one in drawn.all(Finding)] == [AuditAttribute.EVIDENCE, AuditAttribute.PROCEDURE]
    assert item_of(drawn, single).state is AuditItemState.DISCREPANT


def test_the_rater_answers_within_ten_working_days_and_the_first_reader_concludes(found: World) -> None:
    finding = found.one(Finding)
    assert finding.reply_until == local("2027-02-08 23:59").replace(second=59), "5 February is a day off"
    found.act("head", ActKind.REPLY_TO_FINDING)
    assert found.one(Finding).reply == "Bukti kami lampirkan kembali."
    (task,) = found.open(None, ActKind.CONCLUDE_FINDING)
    first = found.one(Examination, item_id=finding.item_id, reader=1)
    assert task.person_id == first.auditor_id
    found.send(task, found.form(task))
    assert item_of(found, "ani").state is AuditItemState.WITHDRAWN


def test_silence_is_recorded_as_silence_and_is_no_consent(found: World) -> None:
    found.on("2027-02-08")
    assert found.one(Finding).reply is None
    found.on("2027-02-09")
    finding = found.one(Finding)
    assert (finding.reply, finding.replied_by_id, finding.confirmed) == ("", None, None)
    (task,) = found.open(None, ActKind.CONCLUDE_FINDING)
    assert found.sheet(task).shown["silent"] is True


def conclude(world: World, attribute: AuditAttribute, **changes: Any) -> None:
    finding = world.one(Finding, attribute=attribute)
    (task,) = [a for a in world.open(None, ActKind.CONCLUDE_FINDING) if a.subject == f"finding:{finding.id}"]
    world.send(task, world.form(task, **changes))


REVIEW = {"conclusion": "confirmed", "review_result": "yes", "recommendation": "Tinjau kembali hasil penilaian."}


def test_a_review_is_asked_of_the_authority_once_every_finding_is_concluded(drawn: World) -> None:
    examine(drawn, "ani", evidence_ok="no", procedure_ok="no")
    for task in drawn.open("head", ActKind.REPLY_TO_FINDING):
        drawn.send(task, drawn.form(task))
    with pytest.raises(ActInvalid):
        conclude(drawn, AuditAttribute.EVIDENCE, review_result="yes", recommendation="Tinjau kembali semua.")
    conclude(drawn, AuditAttribute.EVIDENCE, **REVIEW)
    assert item_of(drawn, "ani").state is AuditItemState.DISCREPANT
    assert drawn.open(None, ActKind.DECIDE_RECOMMENDATION) == []
    conclude(drawn, AuditAttribute.PROCEDURE, conclusion="withdrawn")
    assert item_of(drawn, "ani").state is AuditItemState.RECOMMENDED
    assert drawn.task("chief", ActKind.DECIDE_RECOMMENDATION, "ani")


@pytest.fixture
def recommended(found: World) -> World:
    found.act("head", ActKind.REPLY_TO_FINDING)
    conclude(found, AuditAttribute.EVIDENCE, **REVIEW)
    return found


def test_the_audit_never_writes_a_rating_and_only_the_authority_changes_a_result(recommended: World) -> None:
    before = [(r.id, r.predicate, r.superseded_at) for r in recommended.all(Result)]
    assert {r.role for r in recommended.all(RatingRecord)} == {Role.RATER}
    assert [(r.id, r.predicate, r.superseded_at) for r in recommended.all(Result)] == before
    recommended.act("chief", ActKind.DECIDE_RECOMMENDATION, outcome="followed", **ABOVE)
    assert recommended.result("ani").predicate is Predicate.VERY_GOOD
    rating = recommended.all(RatingRecord, appraisal_id=recommended.case("ani").id)[-1]
    assert (rating.role, rating.official_id) == (Role.OBJECTION_AUTHORITY, recommended.people["chief"])
    assert item_of(recommended, "ani").state is AuditItemState.DECIDED


def test_nobody_is_lowered_unheard(recommended: World) -> None:
    with unchanged(recommended.db), pytest.raises(ActInvalid) as caught:
        recommended.act("chief", ActKind.DECIDE_RECOMMENDATION, outcome="followed", **BELOW)
    assert set(caught.value.errors) == {"hearing"}
    recommended.act(
        "chief",
        ActKind.DECIDE_RECOMMENDATION,
        outcome="followed",
        hearing="Pegawai dipanggil, bicara.",
        **BELOW,
    )
    assert recommended.result("ani").predicate is Predicate.VERY_POOR
    assert recommended.one(Recommendation).employee_hearing.startswith("Pegawai dipanggil")


def test_a_declined_recommendation_leaves_the_result_and_says_why(recommended: World) -> None:
    before = recommended.result("ani").id
    recommended.act("chief", ActKind.DECIDE_RECOMMENDATION)
    assert recommended.result("ani").id == before
    assert recommended.one(Recommendation).reasons == "Berkas telah dilengkapi."
    assert item_of(recommended, "ani").state is AuditItemState.DECIDED


def test_a_case_under_objection_is_the_objection_authoritys_first(recommended: World) -> None:
    recommended.act("ani", ActKind.OBJECT)
    with unchanged(recommended.db), pytest.raises(ActRefused, match="objection_first"):
        recommended.act("chief", ActKind.DECIDE_RECOMMENDATION)
    recommended.act("ani", ActKind.EXPLAIN, answer="withdraw")
    assert recommended.act("chief", ActKind.DECIDE_RECOMMENDATION)


def test_a_rater_cannot_decide_on_a_recommendation_about_their_own_rating(recommended: World) -> None:
    task = recommended.task("chief", ActKind.DECIDE_RECOMMENDATION)
    with recommended.db.transaction() as session:
        session.get_one(Assignment, task.id).person_id = recommended.people["head"]
    with pytest.raises(ActRefused, match="not_independent"):
        recommended.act("head", ActKind.DECIDE_RECOMMENDATION)


def test_a_recommendation_nobody_decided_keeps_the_stage_open_and_escalates(recommended: World) -> None:
    for day in ("2027-03-08", "2027-03-11", "2027-03-12"):
        recommended.on(day)
    assert recommended.stage(StageKind.AUDIT_SAMPLING).state is StageState.OPEN
    assert recommended.task("chief", ActKind.DECIDE_RECOMMENDATION)
    recommended.act("chief", ActKind.DECIDE_RECOMMENDATION)
    recommended.on("2027-03-13")
    assert recommended.stage(StageKind.AUDIT_SAMPLING).state is StageState.CLOSED


# ---- statement


def test_all_concurring_is_accepted_and_the_statement_names_nobody(drawn: World) -> None:
    drawn.everybody(ActKind.EXAMINE)
    drawn.tick()
    frame = plan(drawn)
    assert frame.closed_at == drawn.at
    assert frame.statement["decision"] == "accept"
    assert frame.statement["seed"] == SEED
    words = json.dumps(frame.statement)
    assert not any(name.title() in words for name in drawn.people)
    assert {e.decision for e in drawn.all(AuditEvaluation)} == {AuditDecision.ACCEPT}


def test_what_the_deadline_closes_is_not_examined_and_counts_as_a_deviation(drawn: World) -> None:
    drawn.everybody(ActKind.EXAMINE, but=("ani",))
    drawn.on("2027-03-08")
    drawn.on("2027-03-11")
    assert item_of(drawn, "ani").state is AuditItemState.NOT_EXAMINED
    rows = {row.attribute: row.deviations for row in drawn.all(AuditEvaluation)}
    assert rows == {AuditAttribute.EVIDENCE: 1, AuditAttribute.PROCEDURE: 1}
    assert plan(drawn).statement["decision"] != "accept"
    assert drawn.stage(StageKind.AUDIT_SAMPLING).state is StageState.CLOSED


def test_a_confirmed_deviation_counts_and_a_withdrawn_one_does_not(found: World) -> None:
    with found.db.reading() as session:
        items = session.scalars(select(AuditItem)).all()
        assert evaluation.deviating(session, items, AuditAttribute.EVIDENCE) == set()
    found.act("head", ActKind.REPLY_TO_FINDING)
    conclude(found, AuditAttribute.EVIDENCE, conclusion="confirmed")
    with found.db.reading() as session:
        items = session.scalars(select(AuditItem)).all()
        assert evaluation.deviating(session, items, AuditAttribute.EVIDENCE) == {item_of(found, "ani").id}
        assert evaluation.deviating(session, items, AuditAttribute.PROCEDURE) == set()


def test_an_evaluation_is_made_once(drawn: World) -> None:
    drawn.everybody(ActKind.EXAMINE)
    drawn.tick()
    with unchanged(drawn.db):
        assert do(drawn, evaluation.evaluate, 1, hours=1) is AuditDecision.ACCEPT


# ---- finalization


def blocked(world: World) -> dict[str, int]:
    with world.db.reading() as session:
        return finalization.blocked_by(session, world.cycle_id)


def test_finalization_is_refused_naming_what_is_open_and_then_locks_everything(issued: World) -> None:
    issued.act("ani", ActKind.OBJECT)
    assert blocked(issued) == {"open_assignments": 4, "open_objections": 1, "open_stages": 2, "audit_not_evaluated": 1}
    issued.publish_and_roll()
    issued.everybody(ActKind.EXAMINE, ActKind.OVERRIDE_DISTRIBUTION)
    issued.act("ani", ActKind.EXPLAIN, answer="withdraw")
    for day in ("2027-01-29", "2027-02-20", "2027-03-11"):
        assert "finalization.finalize/now" not in issued.on(day) or day == "2027-03-11"
    assert blocked(issued) == {}
    assert {case.state for case in issued.all(Appraisal)} == {AppraisalState.FINAL, AppraisalState.EXCLUDED}
    assert all(case.finalized_at for case in issued.all(Appraisal))


def test_an_undecided_objection_keeps_the_cycle_open(issued: World) -> None:
    issued.act("ani", ActKind.OBJECT)
    issued.publish_and_roll()
    issued.everybody(ActKind.EXAMINE, ActKind.OVERRIDE_DISTRIBUTION, ActKind.EXPLAIN)
    for day in ("2027-01-29", "2027-02-20", "2027-03-11", "2027-04-01", "2027-04-02"):
        issued.on(day)
    assert issued.one(Objection).outcome is None
    assert issued.stage(StageKind.FINALIZATION).state is StageState.OPEN
    assert blocked(issued) == {"open_assignments": 1, "open_objections": 1, "open_stages": 1}
    steps.run(issued.db.transaction, issued.ref(StageKind.FINALIZATION, Step.FINALIZE, "now"), at=issued.at)
    assert {case.finalized_at for case in issued.all(Appraisal)} == {None}, "not even when asked for by hand"
    issued.act("chief", ActKind.DECIDE_OBJECTION)
    issued.on("2027-04-03")
    issued.on("2027-04-04")
    assert issued.cycle().state.value == "closed"
