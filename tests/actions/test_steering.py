"""Steering: what is previewed is what happens, everything moves along, and nobody gets a duty they must not have."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from actions import steering
from actions.acts.act import ActRefused
from actions.cycle.cycles import find
from actions.desk.perform import Sent, perform
from actions.line.deadlines import deadlines_of
from actions.mail.outbox import Settled, claim, settle
from actions.stages.due import due
from actions.steering import SteeringRefused
from actions.store import trail
from database import Database
from models import (
    ActingMandate,
    ActionLink,
    Appraisal,
    Assignment,
    AuditItem,
    Cycle,
    Examination,
    Extension,
    Letter,
    Person,
    Plan,
    Posting,
    RatingRecord,
    Result,
    Segment,
    Stage,
    Submission,
    TrailEntry,
    Unit,
)
from rules.terms import (
    ActingKind,
    ActKind,
    AddressState,
    AppraisalState,
    AssignmentState,
    CycleState,
    Lane,
    LetterState,
    LinkState,
    Role,
    SmtpPhase,
    StageKind,
    StageState,
    Step,
)
from tests.living import go_on, tick

pytest_plugins = ["tests.lived"]

NOON = datetime(2026, 1, 7, 4, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 7, 4, tzinfo=UTC)
TARGETS, SCORING = StageKind.TARGET_SETTING, StageKind.SUPERVISOR_SCORING
ORDER: dict[str, Any] = {"decree_no": "800/12/2026", "reason": "Jaringan terputus"}


def the_cycle(session: Session) -> Cycle:
    cycle = find(session, "mamuju", 2026)
    assert cycle is not None
    return cycle


def stage_of(session: Session, kind: StageKind) -> Stage:
    return session.scalars(select(Stage).filter_by(kind=kind)).one()


def open_in(session: Session, kind: StageKind) -> Sequence[Assignment]:
    stage = stage_of(session, kind)
    query = select(Assignment).filter_by(stage_id=stage.id, state=AssignmentState.OPEN, optional=False)
    return session.scalars(query.order_by(Assignment.id)).all()


def letters(session: Session, kind: str) -> Sequence[Letter]:
    return session.scalars(select(Letter).filter_by(kind=kind).order_by(Letter.id)).all()


def a_rater(session: Session, kind: ActKind) -> int:
    """Who holds most open duties of a kind."""
    query = select(Assignment.person_id).filter_by(kind=kind, state=AssignmentState.OPEN)
    found = session.scalar(query.group_by(Assignment.person_id).order_by(func.count().desc(), Assignment.person_id))
    assert found is not None
    return found


# more time


@pytest.mark.parametrize(("day", "why"), [(date(2026, 3, 1), "Sunday"), (date(2026, 2, 17), "")])
def test_more_time_until_a_day_off_warns_before_it_is_given(january: Database, day: date, why: str) -> None:
    with january.transaction() as session:
        order = {**ORDER, "until": day, "at": NOON, "preview": True}
        off = steering.extend(session, the_cycle(session), TARGETS, **order)
        said = [note for note in off.notes if f"The new deadline {day} is a day off" in note.en]
        assert len(said) == 1
        assert why in said[0].en
        assert said[0].id.startswith("Batas waktu baru")
        working = steering.extend(session, the_cycle(session), TARGETS, **order | {"until": date(2026, 2, 26)})
        assert not [note for note in working.notes if "The new deadline" in note.en]


def test_a_preview_of_more_time_names_exactly_who_is_told_and_changes_nothing(january: Database) -> None:
    with january.transaction() as session:
        before = session.scalar(select(func.count()).select_from(TrailEntry))
        seen = steering.extend(session, the_cycle(session), TARGETS, date(2026, 1, 28), **ORDER, at=NOON, preview=True)
        assert not session.new
        assert not session.dirty
        assert session.scalar(select(func.count()).select_from(TrailEntry)) == before
        assert not letters(session, "deadline_moved")
        owing = {one.person_id for one in open_in(session, TARGETS)}
    with january.transaction() as session:
        done = steering.extend(session, the_cycle(session), TARGETS, date(2026, 1, 28), **ORDER, at=NOON)
        assert done == seen
        assert done.digest == seen.digest
        assert (
            {one.person_id for one in done.people}
            == owing
            == {one.person_id for one in letters(session, "deadline_moved")}
        )
        assert done.counts == {"moved": len(open_in(session, TARGETS)), "asked_again": 0, "letters": len(owing)}


@pytest.mark.parametrize("until", [date(2062, 1, 28), date.max])
def test_a_year_that_was_mistyped_is_no_extension(january: Database, until: date) -> None:
    with january.reading() as session, pytest.raises(SteeringRefused, match="too far ahead: 31 December 2028"):
        steering.extend(session, the_cycle(session), TARGETS, until, **ORDER, at=NOON, preview=True)


def test_more_time_for_a_stage_moves_its_dates_its_reminders_and_what_letters_say(january: Database) -> None:
    with january.transaction() as session:
        stage = stage_of(session, TARGETS)
        due_before, closes_before, revision = stage.due_at, stage.closes_at, stage.revision
        steering.extend(session, the_cycle(session), TARGETS, date(2026, 1, 28), **ORDER, at=NOON)
    with january.reading() as session:
        stage = stage_of(session, TARGETS)
        assert stage.due_at - due_before == stage.closes_at - closes_before == timedelta(days=4)
        assert stage.revision == revision + 1
        letter = letters(session, "deadline_moved")[0]
        assert letter.facts["old_due"] == due_before.isoformat()
        assert letter.facts["due"] == stage.due_at.isoformat()
        assert letter.facts["decree"] == ORDER["decree_no"]
        assert letter.not_after == stage.closes_at
        assert Step.CLOSE not in {ref.step for ref in due(session, at=closes_before + timedelta(seconds=1))}
        assert Step.CLOSE in {ref.step for ref in due(session, at=stage.closes_at + timedelta(seconds=1))}
        entry = session.scalars(select(TrailEntry).filter_by(type="stage.extended")).one()
        assert entry.content is not None
        assert ORDER["decree_no"] in entry.content["why"]
    assert not trail_breaks(january)


def test_more_time_for_a_unit_reaches_all_below_it_and_nobody_else(january: Database) -> None:
    with january.transaction() as session:
        unit = session.scalars(select(Unit).filter_by(code="SETDA")).one()
        elsewhere = session.scalars(select(Unit).filter_by(code="PIM")).one()
        steering.extend(session, the_cycle(session), TARGETS, date(2026, 2, 6), **ORDER, unit=unit.id, at=NOON)
        stage = stage_of(session, TARGETS)
        deadlines = deadlines_of(session, stage)
        assert unit.id in deadlines.by_unit
        assert elsewhere.id not in deadlines.by_unit
        assert stage.closes_at < max(deadlines.by_unit.values())
        closes = stage.closes_at
        outside = [one for one in open_in(session, TARGETS) if one.unit_id not in deadlines.by_unit]
        told = {one.person_id for one in letters(session, "deadline_moved")}
        assert told == {one.person_id for one in open_in(session, TARGETS)} - {one.person_id for one in outside}
    with january.reading() as session:
        assert Step.CLOSE not in {ref.step for ref in due(session, at=closes + timedelta(seconds=1))}
        assert Step.CLOSE in {ref.step for ref in due(session, at=datetime(2026, 2, 7, tzinfo=UTC))}


def test_more_time_for_a_person_lets_only_them_act_after_the_close(january: Database) -> None:
    with january.transaction() as session:
        drafts = [one for one in open_in(session, TARGETS) if one.kind is ActKind.DRAFT_TARGETS]
        theirs, another = drafts[0], drafts[1]
        steering.extend(
            session, the_cycle(session), TARGETS, date(2026, 2, 10), **ORDER, person=theirs.person_id, at=NOON
        )
        late = stage_of(session, TARGETS).closes_at + timedelta(days=2)
        with pytest.raises(ActRefused, match="closed"):
            perform(session, another.id, another.person_id, _draft(another), at=late)
        perform(session, theirs.id, theirs.person_id, _draft(theirs), at=late)
        assert theirs.state is AssignmentState.DONE


def _draft(one: Assignment) -> Sent:
    indicator = {"text": "Surat selesai", "aspect": "quantity", "target": "12", "unit": "surat"}
    data = {"confirm": "yes", "items": [{"title": "Surat masuk tercatat", "kind": "main", "indicators": [indicator]}]}
    return Sent(data, one.version, f"nonce-{one.id}-{one.version}")


def test_more_time_after_the_close_opens_the_stage_again_for_whom_it_is_and_closes_it_again(january: Database) -> None:
    with january.reading() as session:
        waiting = {one.person_id for one in open_in(session, TARGETS) if one.kind is ActKind.DRAFT_TARGETS}
        closes = stage_of(session, TARGETS).closes_at
    tick(january, closes + timedelta(hours=1))
    at = closes + timedelta(days=2)
    with january.transaction() as session:
        assert stage_of(session, TARGETS).state is StageState.CLOSED
        person = min(waiting)
        until = date(2026, 2, 12)
        seen = steering.extend(session, the_cycle(session), TARGETS, until, **ORDER, person=person, at=at, preview=True)
        assert stage_of(session, TARGETS).state is StageState.CLOSED
        done = steering.extend(session, the_cycle(session), TARGETS, until, **ORDER, person=person, at=at)
        assert done == seen
        assert done.counts["asked_again"] == 1
        stage = stage_of(session, TARGETS)
        assert stage.state is StageState.OPEN
        again = list(open_in(session, TARGETS))
        assert [(one.person_id, one.round) for one in again] == [(person, 2)]
        first = session.scalars(
            select(Assignment).filter_by(stage_id=stage.id, subject=again[0].subject, round=1)
        ).one()
        assert first.state is AssignmentState.LAPSED
        perform(session, again[0].id, person, _draft(again[0]), at=at)
    with january.reading() as session:
        assert Step.CLOSE not in {ref.step for ref in due(session, at=at)}
    tick(january, datetime(2026, 2, 13, tzinfo=UTC))
    with january.reading() as session:
        assert stage_of(session, TARGETS).state is StageState.CLOSED
        assert not open_in(session, TARGETS)
        closed = select(func.count()).select_from(TrailEntry).filter_by(type="target_setting.close")
        assert session.scalar(closed) == 2
    assert not trail_breaks(january)


def test_a_rating_that_follows_late_is_issued_and_can_be_objected_to(december: Database) -> None:
    with december.transaction() as session:
        scoring = [one for one in open_in(session, SCORING) if one.kind is ActKind.SCORE]
        late = scoring[0]
        closes = stage_of(session, SCORING).closes_at
        case_id, unit_id = late.appraisal_id, late.unit_id
    tick(december, closes + timedelta(hours=1))
    tick(december, stage_opens(december, StageKind.OBJECTION_HANDLING) + timedelta(hours=1))
    at = closes + timedelta(days=3)
    with december.transaction() as session:
        case = session.get_one(Appraisal, case_id)
        assert case.state is AppraisalState.NOT_RATED
        assert stage_of(session, StageKind.OBJECTION_HANDLING).state is StageState.OPEN
        steering.extend(session, the_cycle(session), SCORING, date(2027, 1, 27), **ORDER, unit=unit_id, at=at)
        assert case.state in (AppraisalState.PLAN_ESTABLISHED, AppraisalState.SELF_ASSESSED)
        assert case.explanation == ""
    go_on(december, date(2027, 1, 28))
    with december.reading() as session:
        case = session.get_one(Appraisal, case_id)
        rights = select(Assignment).filter_by(appraisal_id=case_id, kind=ActKind.OBJECT)
        assert stage_of(session, SCORING).state is StageState.CLOSED
        assert case.state is AppraisalState.ISSUED, case.state
        assert session.scalars(rights).one().person_id == case.employee_id
        told = select(Letter).filter_by(kind="result_issued", person_id=case.employee_id)
        assert session.scalars(told).all()


def stage_opens(db: Database, kind: StageKind) -> datetime:
    with db.reading() as session:
        return stage_of(session, kind).opens_at


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"until": date(2026, 1, 5)}, "passed"),
        ({"until": date(2026, 1, 20)}, "already"),
        ({"decree_no": " "}, "decree"),
        ({"reason": ""}, "reason"),
        ({"unit": 1, "person": 1}, "not both"),
        ({"unit": 99999}, "No such"),
    ],
)
def test_more_time_is_refused_in_words_that_say_what_is_wrong(
    january: Database, wanted: dict[str, Any], words: str
) -> None:
    order = ORDER | {"until": date(2026, 1, 30)} | wanted
    with january.transaction() as session, pytest.raises(SteeringRefused, match=words) as refused:
        steering.extend(session, the_cycle(session), TARGETS, at=NOON, **order)
    assert refused.value.said.id != refused.value.said.en


def test_a_closed_cycle_is_not_steered(january: Database) -> None:
    with january.transaction() as session:
        the_cycle(session).state = CycleState.CLOSED
        with pytest.raises(SteeringRefused, match="closed"):
            steering.extend(session, the_cycle(session), TARGETS, date(2026, 1, 30), **ORDER, at=NOON)


# another official


def test_reassigning_moves_exactly_the_open_duties_of_the_cases(december: Database) -> None:
    with december.transaction() as session:
        cycle = the_cycle(session)
        old = a_rater(session, ActKind.SCORE)
        cases = steering.cases_rated_by(session, cycle.id, old)
        mine = [one for one in open_in(session, SCORING) if one.person_id == old and one.role is Role.RATER]
        duties = [one for one in mine if one.appraisal_id in cases]
        others = {one.id: one.person_id for one in open_in(session, SCORING) if one not in duties}
        new = _independent(session, cases)
        seen = steering.reassign(session, cycle, cases, new, reason="Mutasi", at=DECEMBER, preview=True)
        done = steering.reassign(session, cycle, cases, new, decree_no="821/1", reason="Mutasi", at=DECEMBER)
        assert done == seen
        notices = letters(session, "reassigned_notice")
        assert done.counts == {
            "cases": len(cases), "moved": len(duties), "asked": 0, "letters": len(notices)
        }  # fmt: skip
        employees = {session.get_one(Appraisal, case).employee_id for case in cases}
        assert employees < {touch.person_id for touch in done.people}
        for touch in done.people:
            assert touch.nip == session.get_one(Person, touch.person_id).nip
            assert touch.unit == unit_of(session, touch.person_id)
        assert {one.person_id for one in duties} == {new}
        assert {one.id: one.person_id for one in open_in(session, SCORING) if one.id in others} == others
        told = {(one.person_id, one.facts["audience"]) for one in letters(session, "reassigned_notice")}
        assert told == {(one.person_id, one.how) for one in done.people}
        assert (old, "old") in told
        assert (new, "new") in told
        listed = [session.get_one(Appraisal, case) for case in cases]
        assert {case.rater_id for case in listed} == {new}
        assert all(case.authority_id not in (new, case.employee_id) for case in listed)
        with pytest.raises(ActRefused, match="not_yours"):
            perform(session, duties[0].id, old, Sent({}, duties[0].version, "n"), at=DECEMBER)
        segments = session.scalars(select(Segment).filter_by(appraisal_id=cases[0]).order_by(Segment.number)).all()
        assert [one.rater_id for one in segments] == [old, new]
        assert segments[0].to_on == date(2026, 12, 6)
        entries = session.scalars(select(TrailEntry).filter_by(type="appraisal.reassigned")).all()
        assert {entry.subject for entry in entries} == {f"appraisal:{case}" for case in cases}
    assert not trail_breaks(december)


def unit_of(session: Session, person: int) -> str:
    posting = session.scalars(select(Posting).filter_by(person_id=person, to_on=None)).one()
    return session.get_one(Unit, posting.unit_id).name


def _independent(session: Session, cases: Sequence[int]) -> int:
    """Somebody with a post who is no employee, rater or authority of the cases, and below nobody of them."""
    listed = session.scalars(select(Appraisal).where(Appraisal.id.in_(cases))).all()
    barred = {p for case in listed for p in (case.employee_id, case.rater_id, case.authority_id) if p}
    heads = select(Appraisal.rater_id).where(Appraisal.rater_id.not_in(barred)).distinct().order_by(Appraisal.rater_id)
    found = session.scalars(heads).first()
    assert found is not None
    return found


def test_nobody_rates_themself_or_decides_on_their_own_rating(december: Database) -> None:
    with december.transaction() as session:
        cycle, case = (
            the_cycle(session),
            session.scalars(select(Appraisal).filter(Appraisal.rater_id > 0)).first(),
        )
        assert case is not None
        assert case.rater_id is not None
        with pytest.raises(SteeringRefused, match="their own"):
            steering.reassign(session, cycle, [case.id], case.employee_id, reason="x y z", at=DECEMBER)
        with pytest.raises(SteeringRefused, match="cannot decide"):
            steering.reassign(session, cycle, [case.id], case.rater_id, role=Role.OBJECTION_AUTHORITY, reason="xyz",
                              at=DECEMBER)  # fmt: skip
        gone = session.get_one(Person, _independent(session, [case.id]))
        gone.active_to = date(2026, 11, 30)
        with pytest.raises(SteeringRefused, match="left on"):
            steering.reassign(session, cycle, [case.id], gone.id, reason="xyz", at=DECEMBER)


def test_who_rated_before_does_not_decide_on_the_objection(december: Database) -> None:
    with december.transaction() as session:
        rating = session.scalars(select(RatingRecord)).first()
        assert rating is not None
        new = _independent(session, [rating.appraisal_id])
        cycle = the_cycle(session)
        steering.reassign(session, cycle, [rating.appraisal_id], new, reason="Mutasi", at=DECEMBER)
        with pytest.raises(SteeringRefused, match="cannot decide"):
            steering.reassign(session, cycle, [rating.appraisal_id], rating.official_id, role=Role.OBJECTION_AUTHORITY,
                              reason="Mutasi", at=DECEMBER)  # fmt: skip


def test_an_authority_who_becomes_the_rater_is_replaced_up_the_line(december: Database) -> None:
    with december.transaction() as session:
        query = select(Appraisal).where(Appraisal.authority_id.is_not(None), Appraisal.rater_id.is_not(None))
        case = next(c for c in session.scalars(query) if _has_line(session, c))
        authority = case.authority_id
        assert authority is not None
        done = steering.reassign(session, the_cycle(session), [case.id], authority, reason="Kosong", at=DECEMBER)
        assert case.rater_id == authority
        assert case.authority_id not in (None, authority, case.employee_id)
        assert done.notes


def _has_line(session: Session, case: Appraisal) -> bool:
    own = session.scalar(select(Appraisal.rater_id).filter_by(employee_id=case.authority_id))
    return own is not None and own != case.employee_id


def test_a_case_without_an_official_is_asked_of_the_one_who_is_named(december: Database) -> None:
    with december.transaction() as session:
        scored = next(one for one in open_in(session, SCORING) if one.kind is ActKind.SCORE)
        case = session.get_one(Appraisal, scored.appraisal_id)
        session.delete(scored)
        case.rater_id = case.authority_id = None
        session.flush()
        new = _independent(session, [case.id])
        done = steering.reassign(session, the_cycle(session), [case.id], new, reason="Kosong", at=DECEMBER)
        assert done.counts["asked"] == 1
        asked = session.scalars(select(Assignment).filter_by(appraisal_id=case.id, kind=ActKind.SCORE)).one()
        assert (asked.person_id, asked.state) == (new, AssignmentState.OPEN)


# mandates


def test_a_mandate_that_begins_today_moves_the_duties_at_once_and_one_that_is_over_gives_them_back(
    december: Database,
) -> None:
    with december.transaction() as session:
        principal = a_rater(session, ActKind.SCORE)
        held = held_by(session, principal)
        cases = [one.appraisal_id for one in held if one.appraisal_id]
        acting = _independent(session, cases)
        order: dict[str, Any] = {"decree_no": "821/7", "from_on": date(2026, 12, 7), "to_on": date(2026, 12, 9)}
        seen = steering.delegate(session, principal, acting, ActingKind.PLH, **order, at=DECEMBER, preview=True)
        assert session.scalar(select(func.count()).select_from(ActingMandate).filter_by(decree_no="821/7")) == 0
        done = steering.delegate(session, principal, acting, ActingKind.PLH, **order, at=DECEMBER)
        assert seen == done
        assert done.counts["moved"] == len(held)
        assert done.counts["letters"] == len(letters(session, "reassigned_notice")) == 1
        concerned = {touch.person_id for touch in done.people if touch.how == "concerned"}
        assert concerned == {duty.appraisal.employee_id for duty in held if duty.appraisal}
        assert {one.person_id for one in held} == {acting}
        assert all(one.mandate_id is not None for one in held)
        again = steering.delegate(session, principal, acting, ActingKind.PLH, **order, at=DECEMBER)
        assert again.counts["mandates"] == 0
        with pytest.raises(SteeringRefused, match="mandate already"):
            steering.delegate(session, principal, held_by_another(session, principal, acting), ActingKind.PLH,
                              **order | {"decree_no": "x"}, at=DECEMBER)  # fmt: skip
    tick(december, DECEMBER + timedelta(days=3))
    with december.reading() as session:
        back = session.scalars(select(Assignment).where(Assignment.id.in_([one.id for one in held]))).all()
        assert {one.person_id for one in back} == {principal}
        assert {one.mandate_id for one in back} == {None}


def held_by(session: Session, principal: int) -> list[Assignment]:
    """What somebody owes as rater in their own name, not on a mandate."""
    mine = [one for one in open_in(session, SCORING) if one.person_id == principal and one.role is Role.RATER]
    return [one for one in mine if one.mandate_id is None]


def held_by_another(session: Session, *barred: int) -> int:
    found = session.scalars(select(Person.id).where(Person.id.not_in(barred)).order_by(Person.id)).first()
    assert found is not None
    return found


def test_a_mandate_that_begins_later_moves_the_duties_when_it_begins(december: Database) -> None:
    with december.transaction() as session:
        principal = a_rater(session, ActKind.SCORE)
        held = held_by(session, principal)
        acting = _independent(session, [one.appraisal_id for one in held if one.appraisal_id])
        done = steering.delegate(session, principal, acting, ActingKind.PLT, decree_no="821/8",
                                 from_on=date(2026, 12, 9), to_on=date(2026, 12, 30), at=DECEMBER)  # fmt: skip
        assert (done.counts["moved"], done.counts["will_move"]) == (0, len(held))
        assert {one.person_id for one in held} == {principal}
    tick(december, DECEMBER + timedelta(days=2))
    with december.reading() as session:
        moved = session.scalars(select(Assignment).where(Assignment.id.in_([one.id for one in held]))).all()
        assert {one.person_id for one in moved} == {acting}


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"to_on": date(2026, 12, 1)}, "ends on"), ({"decree_no": ""}, "decree"), ({"person": "principal"}, "themself"),
        ({"to_on": date(2027, 12, 3)}, "lasts a year at most"), ({"to_on": date.max}, "lasts a year at most"),
        ({"from_on": date.min}, "lasts a year at most"), ({"from_on": date.min, "to_on": date.max}, "lasts a year"),
        ({"from_on": date(2099, 1, 1), "to_on": date(2099, 2, 1)}, "begins within a year"),
    ],
)  # fmt: skip
def test_a_mandate_is_refused_in_words(december: Database, wanted: dict[str, Any], words: str) -> None:
    with december.transaction() as session:
        principal = a_rater(session, ActKind.SCORE)
        person = principal if "person" in wanted else held_by_another(session, principal)
        order = {"decree_no": "1", "from_on": date(2026, 12, 1), "to_on": date(2026, 12, 31)}
        order |= {key: value for key, value in wanted.items() if key != "person"}
        with pytest.raises(SteeringRefused, match=words):
            steering.delegate(session, principal, person, ActingKind.PLT, **order, at=DECEMBER)  # type: ignore[arg-type]


def test_a_mandate_of_a_whole_year_is_recorded(december: Database) -> None:
    with december.transaction() as session:
        principal = a_rater(session, ActKind.SCORE)
        acting = held_by_another(session, principal)
        seen = steering.delegate(session, principal, acting, ActingKind.PLT, decree_no="1", from_on=date(2026, 12, 7),
                                 to_on=date(2027, 12, 7), at=DECEMBER, preview=True)  # fmt: skip
        assert seen.counts["mandates"] == 1


# asking again


def test_an_act_that_was_done_is_asked_again_and_what_was_said_stays(january: Database) -> None:
    with january.transaction() as session:
        done = session.scalars(
            select(Assignment).filter_by(kind=ActKind.DRAFT_TARGETS, state=AssignmentState.DONE)
        ).first()
        assert done is not None
        before = session.scalar(select(func.count()).select_from(Submission))
        seen = steering.reopen(session, the_cycle(session), [done.id], reason="Salah unggah", at=NOON, preview=True)
        did = steering.reopen(session, the_cycle(session), [done.id], reason="Salah unggah", at=NOON)
        assert seen == did
        assert [one.person_id for one in did.people] == [done.person_id]
        anew = session.scalars(
            select(Assignment).filter_by(stage_id=done.stage_id, subject=done.subject, kind=done.kind, round=2)
        ).one()
        assert done.state is AssignmentState.DONE
        assert anew.told_at == NOON
        assert session.scalar(select(func.count()).select_from(Submission)) == before
        perform(session, anew.id, anew.person_id, _draft(anew), at=NOON)
        plans = session.scalars(select(Plan).filter_by(appraisal_id=done.appraisal_id).order_by(Plan.number)).all()
        assert len(plans) >= 2
        with pytest.raises(SteeringRefused, match="no act"):
            steering.reopen(session, the_cycle(session), [], reason="Salah unggah", at=NOON)


def test_a_whole_units_acts_are_found_and_asked_again(january: Database) -> None:
    with january.transaction() as session:
        cycle = the_cycle(session)
        one = session.scalars(select(Assignment).filter_by(kind=ActKind.DRAFT_TARGETS, state="done")).all()[-1]
        unit = session.get_one(Unit, one.unit_id)
        acts = steering.acts_done(session, cycle.id, TARGETS, ActKind.DRAFT_TARGETS, unit=unit.id)
        everywhere = steering.acts_done(session, cycle.id, TARGETS, ActKind.DRAFT_TARGETS)
        assert 0 < len(acts) < len(everywhere)
        did = steering.reopen(session, cycle, acts, reason="Indikator berubah", at=NOON)
        assert did.counts["asked_again"] == len(acts)
        told = letters(session, "asked_again")
        assert {one.person_id for one in told} == {one.person_id for one in did.people}
        assert not [one for one in letters(session, "stage_invitation") if ":reopened-" in one.key]


def test_an_act_is_not_asked_again_where_the_stage_is_closed_or_the_result_is_out(december: Database) -> None:
    with december.transaction() as session:
        rated = session.scalars(select(RatingRecord)).first()
        assert rated is not None
        score = session.scalars(select(Assignment).filter_by(appraisal_id=rated.appraisal_id, kind=ActKind.SCORE)).one()
        result = session.scalars(select(Result).filter_by(appraisal_id=rated.appraisal_id)).one()
        result.issued_at = DECEMBER
        session.flush()
        with pytest.raises(SteeringRefused, match="issued"):
            steering.reopen(session, the_cycle(session), [score.id], reason="Salah", at=DECEMBER)
        result.issued_at = None
        stage_of(session, SCORING).state = StageState.CLOSED
        session.flush()
        with pytest.raises(SteeringRefused, match="extension first"):
            steering.reopen(session, the_cycle(session), [score.id], reason="Salah", at=DECEMBER)
        waiting = open_in(session, SCORING)[0]
        stage_of(session, SCORING).state = StageState.OPEN
        with pytest.raises(SteeringRefused, match="not ended"):
            steering.reopen(session, the_cycle(session), [waiting.id], reason="Salah", at=DECEMBER)


# addresses


def test_a_corrected_address_ends_the_old_links_and_sends_what_was_held(january: Database) -> None:
    with january.transaction() as session:
        person = session.get_one(Person, open_in(session, TARGETS)[0].person_id)
        person.email_state = AddressState.HARD
        invitation = session.scalars(select(Letter).filter_by(kind="stage_invitation", person_id=person.id)).first()
        assert invitation is not None
        old_link, old_address = invitation.link_id, person.email
        reminder = next(iter(session.scalars(select(Letter).filter_by(kind="reminder", person_id=person.id))), None)
        for letter in (invitation, reminder):
            if letter is not None:
                letter.state, letter.content_sha256, letter.accepted_at = LetterState.FAILED_PERM, "0" * 64, None
        held = 1 + (reminder is not None)
        order: dict[str, Any] = {"reason": "Pindah instansi surel", "at": NOON}
        seen = steering.correct_address(session, person.id, "baru@mamuju.example", **order, preview=True)
        assert person.email == old_address
        did = steering.correct_address(session, person.id, "baru@mamuju.example", **order)
        assert did == seen
        assert did.counts == {"letters_again": held, "invitations": 0, "desks": 1}
        assert (person.email, person.email_state) == ("baru@mamuju.example", AddressState.OK)
        assert old_link is not None
        assert session.get_one(ActionLink, old_link).state is LinkState.REVOKED
        assert invitation.state is LetterState.QUEUED
        assert (invitation.address, invitation.content_sha256) == ("baru@mamuju.example", None)
        assert invitation.link_id != old_link
        claimed = claim(session, "me", tuple(Lane), 100, at=NOON)
        mine = [one for one in claimed if one.person_id == person.id and one.kind != "address_changed"]
        assert len(mine) == held
        assert {one.address for one in mine} == {"baru@mamuju.example"}
        assert settle(session, mine[0], Settled(LetterState.ACCEPTED, SmtpPhase.DONE, 250), at=NOON)
        entry = session.scalars(select(TrailEntry).filter_by(type="person.address_corrected")).one()
        assert "baru@" not in entry.event


def test_without_a_held_letter_a_new_invitation_goes_to_the_new_address(january: Database) -> None:
    with january.transaction() as session:
        person = session.get_one(Person, open_in(session, TARGETS)[0].person_id)
        did = steering.correct_address(session, person.id, "baru@mamuju.example", reason="Salah ketik", at=NOON)
        assert did.counts["invitations"] == 1
        newest = letters(session, "stage_invitation")[-1]
        assert (newest.person_id, newest.address, newest.state) == (person.id, person.email, LetterState.QUEUED)


@pytest.mark.parametrize("address", ["a b@x.example", "a@x.example, b@x.example", "x", "taken", "same"])
def test_an_address_that_is_not_exactly_one_of_their_own_is_refused(january: Database, address: str) -> None:
    with january.transaction() as session:
        people = session.scalars(select(Person).order_by(Person.id).limit(2)).all()
        text = {"taken": people[1].email.upper(), "same": people[0].email}.get(address, address)
        with pytest.raises(SteeringRefused):
            steering.correct_address(session, people[0].id, text, reason="Salah ketik", at=NOON)


def test_an_invitation_is_sent_once_more_a_day_at_most(january: Database) -> None:
    with january.transaction() as session:
        one = open_in(session, TARGETS)[0]
        before = len(letters(session, "stage_invitation"))
        for _ in range(2):
            steering.resend(session, one.person_id, one.stage_id, reason="Terhapus", at=NOON)
        assert len(letters(session, "stage_invitation")) == before + 1


# standing still


def test_a_pause_gives_back_every_day_also_on_clocks_of_single_cases(january: Database) -> None:
    with january.transaction() as session:
        cycle, stage = the_cycle(session), stage_of(session, TARGETS)
        one = open_in(session, TARGETS)[0]
        one.due_at = stage.due_at
        steering.extend(session, cycle, TARGETS, date(2026, 2, 6), **ORDER, person=one.person_id, at=NOON)
        steering.pause(session, cycle, reason="Server mati", at=NOON)
        extended, due_at, closes = session.scalars(select(Extension)).one().due_at, one.due_at, stage.closes_at
        with pytest.raises(ActRefused, match="paused"):
            perform(session, one.id, one.person_id, _draft(one), at=NOON + timedelta(hours=1))
        steering.resume(session, cycle, reason="Server hidup", at=NOON + timedelta(days=2, hours=1))
        assert session.scalars(select(Extension)).one().due_at - extended == timedelta(days=3)
        assert one.due_at is not None
        assert due_at is not None
        assert one.due_at - due_at == stage.closes_at - closes == timedelta(days=3)


def trail_breaks(db: Database) -> list[str]:
    with db.reading() as session:
        return trail.verify(session, the_cycle(session).agency_id)


# guards one by one


def test_what_follows_being_closed_or_the_stage_being_in_between_refuses_more_time(december: Database) -> None:
    with december.transaction() as session:
        scoring, objections = stage_of(session, SCORING), stage_of(session, StageKind.OBJECTION_HANDLING)
        scoring.state, objections.state = StageState.CLOSED, StageState.CLOSED
        with pytest.raises(SteeringRefused, match="Objection handling that follows"):
            steering.extend(session, the_cycle(session), SCORING, date(2027, 2, 1), **ORDER, at=DECEMBER)
        for state in (StageState.OPENING, StageState.CLOSING):
            scoring.state = state
            with pytest.raises(SteeringRefused, match="just now"):
                steering.extend(session, the_cycle(session), SCORING, date(2027, 2, 1), **ORDER, at=DECEMBER)


def test_a_case_that_is_over_or_that_the_official_examined_is_not_reassigned(december: Database) -> None:
    with december.reading() as session:  # rolled back: the draw behind the examination is missing
        case = session.scalars(select(Appraisal).where(Appraisal.rater_id.is_not(None))).first()
        assert case is not None
        new = _independent(session, [case.id])
        _examined(session, case, new)
        with pytest.raises(SteeringRefused, match="examines this case"):
            steering.reassign(session, the_cycle(session), [case.id], new, reason="Mutasi", at=DECEMBER)
        case.state = AppraisalState.CLOSED_EARLY
        with pytest.raises(SteeringRefused, match="is over"):
            steering.reassign(session, the_cycle(session), [case.id], new, reason="Mutasi", at=DECEMBER)


def _examined(session: Session, case: Appraisal, auditor: int) -> None:
    """Only what the guard looks at: an examination of the case; the draw that led to it is left out."""
    session.execute(text("PRAGMA defer_foreign_keys = ON"))
    item = AuditItem(plan_id=1, frame_item_id=1, appraisal_id=case.id)
    session.add(item)
    session.flush()
    session.add(Examination(item_id=item.id, reader=1, auditor_id=auditor))
    session.flush()


def test_nobody_acts_who_left_before_the_mandate_ends(december: Database) -> None:
    with december.transaction() as session:
        principal = a_rater(session, ActKind.SCORE)
        acting = session.get_one(Person, held_by_another(session, principal))
        acting.active_to = date(2026, 12, 20)
        with pytest.raises(SteeringRefused, match="in service until"):
            steering.delegate(session, principal, acting.id, ActingKind.PLT, decree_no="1", from_on=date(2026, 12, 8),
                              to_on=date(2026, 12, 31), at=DECEMBER)  # fmt: skip


def test_only_acts_whose_order_no_law_fixes_are_asked_again(december: Database) -> None:
    with december.transaction() as session:
        one = open_in(session, SCORING)[0]
        one.state = AssignmentState.DONE
        for kind, words in ((ActKind.DECIDE_OBJECTION, "law fixes"), (ActKind.SET_UNIT_PREDICATE, "predicate is set")):
            one.kind = kind
            session.flush()
            with pytest.raises(SteeringRefused, match=words):
                steering.reopen(session, the_cycle(session), [one.id], reason="Salah", at=DECEMBER)


def test_nothing_is_sent_again_to_an_address_that_takes_no_mail_or_about_nothing(january: Database) -> None:
    with january.transaction() as session:
        one = open_in(session, TARGETS)[0]
        with pytest.raises(SteeringRefused, match="owes nothing"):
            steering.resend(session, one.person_id, 9999, reason="Terhapus", at=NOON)
        session.get_one(Person, one.person_id).email_state = AddressState.HARD
        with pytest.raises(SteeringRefused, match="takes no mail"):
            steering.resend(session, one.person_id, one.stage_id, reason="Terhapus", at=NOON)


def test_a_rater_who_stays_silent_after_more_time_is_accounted_for_anew(december: Database) -> None:
    with december.transaction() as session:
        scoring, final = stage_of(session, SCORING), stage_of(session, StageKind.FINALIZATION)
        late = next(one for one in open_in(session, SCORING) if one.kind is ActKind.SCORE)
        closes, case_id, person = scoring.closes_at, late.appraisal_id, late.person_id
    tick(december, closes + timedelta(hours=1))
    at = closes + timedelta(days=2)
    with december.transaction() as session:
        stage_of(session, StageKind.FINALIZATION).state = StageState.OPEN
        account = Assignment(
            stage_id=final.id, kind=ActKind.ACCOUNT_FOR, subject=f"appraisal:{case_id}", role=Role.PERFORMANCE_ADMIN,
            person_id=3, appraisal_id=case_id, opened_at=closes,
        )  # fmt: skip
        session.add(account)
        session.flush()
        steering.extend(session, the_cycle(session), SCORING, date(2027, 1, 26), **ORDER, person=person, at=at)
        assert account.state is AssignmentState.WITHDRAWN
    tick(december, datetime(2027, 1, 27, 1, tzinfo=UTC))
    with december.reading() as session:
        assert session.get_one(Appraisal, case_id).state is AppraisalState.NOT_RATED
        asked = select(Assignment).filter_by(appraisal_id=case_id, kind=ActKind.ACCOUNT_FOR, state=AssignmentState.OPEN)
        assert session.scalars(asked).one().round == 2


def test_more_time_for_a_stage_moves_no_clock_that_runs_by_itself(january: Database) -> None:
    with january.transaction() as session:
        one = open_in(session, TARGETS)[0]
        one.due_at = datetime(2026, 1, 15, tzinfo=UTC)
        session.flush()
        others = [other for other in open_in(session, TARGETS) if other.id != one.id]
        done = steering.extend(session, the_cycle(session), TARGETS, date(2026, 1, 28), **ORDER, at=NOON)
        assert done.counts["moved"] == len(others)
        assert {who.person_id for who in done.people} == {other.person_id for other in others}
        deadlines = deadlines_of(session, stage_of(session, TARGETS))
        assert deadlines.closes(one) == datetime(2026, 1, 15, tzinfo=UTC)


def test_a_case_that_is_over_is_not_asked_about_again(january: Database) -> None:
    with january.transaction() as session:
        done = session.scalars(
            select(Assignment).filter_by(kind=ActKind.DRAFT_TARGETS, state=AssignmentState.DONE)
        ).first()
        assert done is not None
        session.get_one(Appraisal, done.appraisal_id).state = AppraisalState.CLOSED_EARLY
        session.flush()
        seen = steering.reopen(session, the_cycle(session), [done.id], reason="Salah unggah", at=NOON)
        assert seen.counts == {"asked_again": 0}
        assert seen.notes
        assert not session.scalars(select(Assignment).filter_by(subject=done.subject, round=2)).all()


def test_only_who_deals_with_a_case_is_replaced_there(january: Database) -> None:
    with january.reading() as session:
        case = session.scalars(select(Appraisal).where(Appraisal.rater_id.is_not(None))).first()
        assert case is not None
        with pytest.raises(SteeringRefused, match="Only a rater or an objection authority"):
            steering.reassign(
                session, the_cycle(session), [case.id], 1, role=Role.AUDITOR, reason="r", at=NOON, preview=True
            )


def test_a_clock_that_was_set_back_brings_no_date_on(january: Database) -> None:
    with january.transaction() as session:
        steering.pause(session, the_cycle(session), reason="r", at=NOON)
        due_at = stage_of(session, TARGETS).due_at
        resumed = steering.resume(session, the_cycle(session), reason="r", at=NOON - timedelta(days=40))
        assert resumed.counts["days"] == 0
        assert stage_of(session, TARGETS).due_at == due_at
