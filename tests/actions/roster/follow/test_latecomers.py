"""Who joins after planning is invited at once to draft a plan, with time of their own; nothing changes for others."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import select

from actions.cycle import cycles, launching
from actions.desk.perform import Sent, perform
from actions.roster.agency_files import read_agency
from actions.stages import due, steps
from database import Database
from models import Appraisal, Assignment, Extension, Letter, Person, Plan, Stage
from rules.terms import ActKind, AppraisalState, AssignmentState, PlanState, Proof, StageKind, StageState
from simulation import answers
from tests.actions.rosters import HEAD, TEACHER, Roster, every, morning

NEW_YEAR = date(2026, 1, 1)
JOINED = date(2026, 9, 1)
"""A Tuesday, after the mid-year review; ten working days later is 14 days later, a day of the usual reminders."""
NEWCOMER = "199901012026081001"


@pytest.fixture
def roster(tmp_path: Path) -> Roster:
    return Roster(tmp_path)


def live(db: Database, start: date, end: date) -> None:
    """Let the clock do what is due, once a day."""
    day = start
    while day < end:
        at = morning(day)
        for _ in range(20):
            with db.reading() as session:
                found = due.due(session, at=at)
            for ref in found:
                steps.run(db.transaction, ref, at=at)
            if not found:
                break
        day += timedelta(days=1)


def run(db: Database, roster: Roster, until: date) -> None:
    roster.take(db, NEW_YEAR)
    with db.transaction() as session:
        cycle = cycles.launch(session, launching.prepare(read_agency(roster.directory), 2026), at=morning(NEW_YEAR))
    launching.enroll_all(db.transaction, cycle.id, at=morning(NEW_YEAR))
    live(db, NEW_YEAR, until)


def join(db: Database, roster: Roster, day: date = JOINED) -> None:
    roster.add(NEWCOMER, TEACHER, active_from=day.isoformat(), name="Baru Satu")
    roster.take(db, day)


def person(db: Database, nip: str) -> Person:
    return every(db, Person, nip=nip)[0]


def letters(db: Database, nip: str, *kinds: str) -> list[Letter]:
    found = every(db, Letter, person_id=person(db, nip).id)
    return [letter for letter in found if not kinds or letter.kind in kinds]


def planning(db: Database) -> Stage:
    return every(db, Stage, kind=StageKind.TARGET_SETTING)[0]


def days_of(found: list[Letter]) -> Counter[date]:
    return Counter(letter.queued_at.astimezone(UTC).date() for letter in found)


def test_a_latecomer_is_invited_with_time_of_their_own_and_hr_is_told(both: Database, roster: Roster) -> None:
    db = both
    run(db, roster, JOINED)
    assert planning(db).state is StageState.CLOSED
    before = {row.id: (row.state, row.told_at) for row in every(db, Assignment)}
    written = len(every(db, Letter))
    join(db, roster)
    [duty] = every(db, Assignment, person_id=person(db, NEWCOMER).id)
    assert (duty.kind, duty.state, duty.told_at) == (ActKind.DRAFT_TARGETS, AssignmentState.OPEN, morning(JOINED))
    [invitation] = letters(db, NEWCOMER)
    assert (invitation.kind, invitation.facts["stage"]) == ("stage_invitation", "target_setting")
    assert invitation.facts["due"].startswith("2026-09-15")
    officers = every(db, Letter, kind="newcomers_notice")
    assert officers
    assert officers[0].facts["people"] == [{"person": "Baru Satu", "unit": "SD Negeri Rimuku"}]
    assert len(every(db, Letter)) == written + 1 + len(officers)
    now = {row.id: (row.state, row.told_at) for row in every(db, Assignment)}
    assert {key: now[key] for key in before} == before


def test_never_two_letters_on_one_day(db: Database, roster: Roster) -> None:
    run(db, roster, JOINED)
    join(db, roster)
    live(db, JOINED, date(2026, 10, 10))
    found = days_of(letters(db, NEWCOMER))
    assert max(found.values()) == 1
    assert planning(db).state is StageState.CLOSED
    case = every(db, Appraisal, employee_id=person(db, NEWCOMER).id)[0]
    [plan] = every(db, Plan, appraisal_id=case.id)
    assert (case.state, plan.is_default) == (AppraisalState.PLAN_ESTABLISHED, True)


def test_what_they_draft_is_established_by_their_rater_in_time(db: Database, roster: Roster) -> None:
    run(db, roster, JOINED)
    join(db, roster)
    at = morning(JOINED + timedelta(days=10))
    act(db, NEWCOMER, ActKind.DRAFT_TARGETS, at)
    case = every(db, Appraisal, employee_id=person(db, NEWCOMER).id)[0]
    assert case.state is AppraisalState.PLAN_SUBMITTED
    act(db, HEAD, ActKind.ESTABLISH_TARGETS, morning(JOINED + timedelta(days=17)))
    [plan] = every(db, Plan, appraisal_id=case.id, state=PlanState.ESTABLISHED)
    assert not plan.is_default


def act(db: Database, nip: str, kind: ActKind, at: datetime) -> None:
    who = person(db, nip).id
    data = answers.answer(answers.Asked(kind), answers.Mind(Random(1)))
    with db.transaction() as session:
        query = select(Assignment).filter_by(person_id=who, kind=kind, state=AssignmentState.OPEN)
        duty = session.scalars(query).one()
        perform(session, duty.id, who, Sent(data, duty.version, "n" * 12, Proof.CODE), at=at)


def test_on_a_day_off_the_invitation_waits_for_the_next_working_day(db: Database, roster: Roster) -> None:
    saturday = date(2026, 9, 5)
    run(db, roster, saturday)
    join(db, roster, saturday)
    [invitation] = letters(db, NEWCOMER)
    assert invitation.queued_at.astimezone(UTC).date() == date(2026, 9, 6)  # Monday, 07.00 in Makassar
    live(db, saturday, date(2026, 9, 8))
    assert len(letters(db, NEWCOMER)) == 1


def test_who_joins_when_scoring_is_near_gets_no_time_that_would_pass_its_opening(db: Database, roster: Roster) -> None:
    late = date(2026, 11, 24)
    run(db, roster, late)
    join(db, roster, late)
    assert planning(db).state is StageState.CLOSED
    assert not every(db, Extension)
