"""State officials rate and are not rated, without a NIP; a vacant post is rated by who acts in it, and only then."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from actions.cycle import cycles, launching
from actions.line.holders import line_on
from actions.roster.agency_files import read_agency
from database import Database
from models import ActingMandate, Appraisal, Person, Supervision
from rules.roster.officials import is_key, shown
from rules.terms import AppraisalState, EmploymentKind
from tests.actions.rosters import BUPATI, EDUCATION, HEAD, SECRETARY, TEACHER, Roster, day_before, every, morning

NEW_YEAR = date(2026, 1, 1)
ENDS = date(2026, 6, 30)
SCHOOL = "SDN-RIMUKU"


@pytest.fixture
def roster(tmp_path: Path) -> Roster:
    return Roster(tmp_path)


def launch(db: Database, roster: Roster) -> None:
    with db.transaction() as session:
        cycle = cycles.launch(session, launching.prepare(read_agency(roster.directory), 2026), at=morning(NEW_YEAR))
    launching.enroll_all(db.transaction, cycle.id, at=morning(NEW_YEAR))


def person(db: Database, nip: str) -> Person:
    return every(db, Person, nip=nip)[0]


def case(db: Database, who: Person) -> Appraisal:
    return every(db, Appraisal, employee_id=who.id)[0]


@pytest.mark.parametrize("nip", ["", "-", "BUPATI", "7604010101800001"])
@pytest.mark.parametrize("named", ["name", "post", "nip"])
def test_a_state_official_without_nip_rates_and_is_not_rated(
    db: Database, roster: Roster, nip: str, named: str
) -> None:
    official = roster.rows[BUPATI] | {"nip": nip, "employment": "Pejabat Negara"}
    called = official[named] if official[named].strip("-") else official["name"]
    roster.rows = {nip or "kosong": official} | {key: row for key, row in roster.rows.items() if key != BUPATI}
    for row in roster.rows.values():
        row["superior_nip"] = row["superior_nip"].replace(BUPATI, called)
    report = roster.take(db, NEW_YEAR)
    assert (report.counts["held_back"], report.counts["added"]) == (0, len(roster.rows))
    launch(db, roster)
    [head] = every(db, Person, employment=EmploymentKind.STATE_OFFICIAL)
    assert (head.name, is_key(head.nip), shown(head.nip)) == (official["name"], True, "")
    assert case(db, person(db, SECRETARY)).rater_id == head.id
    assert (case(db, head).state, case(db, head).explanation) == (AppraisalState.EXCLUDED, "state_official")
    roster[SECRETARY]["name"] = "Nama Lain"
    assert roster.take(db, NEW_YEAR + timedelta(days=1)).counts["left"] == 0


def vacate(roster: Roster, *, acting_for: str = "", superior: str = "") -> None:
    """The head of the school is gone; a teacher acts in the post until the end of June."""
    roster.leave(HEAD)
    for row in roster.rows.values():
        row["superior_nip"] = row["superior_nip"].replace(HEAD, superior)
    roster[TEACHER] |= {
        "acting_for_nip": acting_for, "acting_kind": "plt", "acting_decree": "800/5/2026", "acting_from": "2026-01-01",
        "acting_to": ENDS.isoformat(),
    }  # fmt: skip


@pytest.mark.parametrize("acting_for", ["", "lowong", SCHOOL])
@pytest.mark.parametrize("superior", ["", SCHOOL, "Lowong"])
def test_who_acts_in_a_vacant_post_rates_its_people_under_the_mandate(
    db: Database, roster: Roster, acting_for: str, superior: str
) -> None:
    vacate(roster, acting_for=acting_for, superior=superior)
    report = roster.take(db, NEW_YEAR)
    assert [problem.code for problem in report.problems if problem.blocks] == []
    launch(db, roster)
    [mandate] = every(db, ActingMandate, decree_no="800/5/2026")
    acting = person(db, TEACHER)
    post = next(each for each in every(db, Person) if each.id == mandate.principal_id)
    assert (mandate.person_id, post.name) == (acting.id, "Kepala SD Negeri Rimuku (jabatan lowong)")
    people = [row["nip"] for row in roster.rows.values() if row["unit_code"] == SCHOOL and row["nip"] != TEACHER
              and row["active_from"] < "2026"]  # fmt: skip
    assert {case(db, person(db, nip)).rater_id for nip in people} == {post.id}
    with db.reading() as session:
        during = line_on(session, post.agency_id, ENDS)
        after = line_on(session, post.agency_id, ENDS + timedelta(days=1))
    colleague = person(db, people[0]).id
    holder = during.rater(colleague, post.id)
    assert holder is not None
    assert (holder.person_id, holder.mandate_id) == (acting.id, mandate.id)
    climbed = after.rater(colleague, post.id)
    assert climbed is not None
    assert climbed.person_id == person(db, EDUCATION).id
    assert case(db, acting).rater_id == person(db, EDUCATION).id  # nobody rates themselves
    assert not every(db, Appraisal, employee_id=post.id)


def test_a_vacancy_ends_when_somebody_is_appointed(db: Database, roster: Roster) -> None:
    head = roster[HEAD]
    vacate(roster)
    roster.take(db, NEW_YEAR)
    launch(db, roster)
    for row in roster.rows.values():
        row["superior_nip"] = HEAD if row["unit_code"] == SCHOOL else row["superior_nip"]
    roster[TEACHER] |= dict.fromkeys(
        ("acting_for_nip", "acting_kind", "acting_decree", "acting_from", "acting_to"), ""
    )  # fmt: skip
    roster[HEAD] = head
    roster.take(db, date(2026, 3, 2))
    now = every(db, Supervision, person_id=person(db, TEACHER).id, to_on=None)
    assert [line.superior_id for line in now] == [person(db, HEAD).id]
    assert case(db, person(db, TEACHER)).rater_id == person(db, HEAD).id
    assert day_before(date(2026, 3, 2)) == max(
        line.to_on for line in every(db, Supervision, person_id=person(db, TEACHER).id) if line.to_on
    )


def test_half_a_mandate_in_a_post_that_is_held_stays_a_problem(db: Database, roster: Roster) -> None:
    roster[TEACHER] |= {"acting_kind": "plt", "acting_decree": "800/5/2026", "acting_from": "2026-01-01",
                        "acting_to": "2026-06-30"}  # fmt: skip
    report = roster.take(db, NEW_YEAR)
    assert [problem.code for problem in report.problems if problem.nip == TEACHER] == ["acting_incomplete"]
    assert not every(db, ActingMandate, decree_no="800/5/2026")
