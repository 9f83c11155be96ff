"""What an import would do is listed by name before, and is exactly what it then does; HR's own decisions stand."""

import random
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from actions.cases.plans import write_plan
from actions.cycle import cycles, launching
from actions.roster.agency_files import read_agency
from actions.roster.decisions import Decisions
from actions.roster.imports import ImportRefused, ImportReport, import_folder
from actions.steering import addresses
from actions.steering.reassignments import reassign
from actions.store import schema
from database import Database
from models import Appraisal, Cycle, Person, Plan, Posting, Supervision, TrailEntry, Unit
from rules.roster.changes import ChangeKind
from rules.terms import AddressState, AppraisalState, Locale, PlanState, Role
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
    unchanged,
)
from tests.actions.test_roster_history import shuffle

NEW_YEAR = date(2026, 1, 1)
MAY = date(2026, 5, 4)
JUNE = date(2026, 6, 1)
CORRECTED = "198711292013122001"
"""The teacher's NIP with another day of birth."""


@pytest.fixture
def roster(tmp_path: Path) -> Roster:
    return Roster(tmp_path)


def look(db: Database, roster: Roster, day: date, **said: object) -> ImportReport:
    return import_folder(db.transaction, roster.folder(), as_of=day, at=morning(day), preview=True,
                         said=Decisions(**said))  # type: ignore[arg-type]  # fmt: skip


def take(db: Database, roster: Roster, day: date, **said: object) -> ImportReport:
    return import_folder(db.transaction, roster.folder(), as_of=day, at=morning(day),
                         said=Decisions(**said))  # type: ignore[arg-type]  # fmt: skip


def person(db: Database, nip: str) -> Person:
    return every(db, Person, nip=nip)[0]


def launched(db: Database, roster: Roster) -> int:
    with db.transaction() as session:
        wanted = launching.prepare(read_agency(roster.directory), 2026)
        cycle = cycles.launch(session, wanted, at=morning(NEW_YEAR)).id
    launching.enroll_all(db.transaction, cycle, at=morning(NEW_YEAR))
    return cycle


def case(db: Database, nip: str) -> Appraisal:
    return every(db, Appraisal, employee_id=person(db, nip).id)[0]


def said(report: ImportReport, kind: ChangeKind) -> list[tuple[str, str, str, str]]:
    return [(c.nip, c.cell, c.before, c.after) for c in report.people if c.kind is kind]


# the preview


def test_a_preview_names_everybody_and_what_happens_to_them_and_changes_nothing(both: Database, roster: Roster) -> None:
    db = both
    roster.take(db, NEW_YEAR)
    launched(db, roster)
    school = roster[OTHER_HEAD]
    moved = "198903142015032001"
    roster.add(moved, TEACHER, name="Siti Pindah")
    roster.take(db, NEW_YEAR + timedelta(days=1))
    leaver = next(nip for nip, row in roster.rows.items() if row["post"] == "Guru" and nip not in (TEACHER, moved))
    gone = roster[leaver]["name"]
    roster.leave(leaver)
    roster.add("199902022026042002", TEACHER, active_from="2026-04-01", name="Baru Dua")
    roster[moved] |= {key: school[key] for key in ("unit_code", "unit_name", "parent_unit_code")}
    roster[moved]["superior_nip"] = OTHER_HEAD
    roster[TEACHER] |= {"email": "guru@mamuju.example", "name": "Fitriani P.", "roles": "ops"}
    with unchanged(db):
        seen = look(db, roster, MAY)
    assert said(seen, ChangeKind.NEW) == [("199902022026042002", "", "", "Guru")]
    assert said(seen, ChangeKind.MOVED) == [(moved, "unit", "SDN-RIMUKU", "SMPN-SIMBORO")]
    assert said(seen, ChangeKind.SUPERIOR) == [(moved, "superior", roster[HEAD]["name"], roster[OTHER_HEAD]["name"])]
    assert said(seen, ChangeKind.LEAVES) == [(leaver, "active_to", "", day_before(MAY).isoformat())]
    assert [c.name for c in seen.people if c.kind is ChangeKind.LEAVES] == [gone]
    assert said(seen, ChangeKind.ADDRESS)[0][3] == "guru@mamuju.example"
    assert said(seen, ChangeKind.CORRECTED)[0][3] == "Fitriani P."
    assert said(seen, ChangeKind.RIGHTS) == [(TEACHER, "roles", "", "ops")]
    assert (seen.preview, seen.counts["appraisals_closed"], seen.counts["appraisals_opened"]) == (True, 1, 1)
    done = take(db, roster, MAY, seen=seen.digest)
    assert (done.people, done.counts) == (seen.people, seen.counts)


def test_what_was_seen_is_refused_once_it_is_not_what_would_happen(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    roster[TEACHER]["email"] = "baru@mamuju.example"
    seen = look(db, roster, MAY)
    roster[HEAD]["email"] = "lain@mamuju.example"
    roster.folder()
    with unchanged(db), pytest.raises(ImportRefused) as refused:
        take(db, roster, MAY, seen=seen.digest)
    assert refused.value.code == "preview_outdated"


def state(db: Database) -> dict[str, dict[str, object]]:
    """Each person in service, as tables tell it and not as the import says."""
    units = {unit.id: unit.code for unit in every(db, Unit)}
    names = {each.id: each.name for each in every(db, Person)}
    posts = {row.person_id: row for row in every(db, Posting) if row.to_on is None}
    above = {row.person_id: names[row.superior_id] for row in every(db, Supervision) if row.to_on is None}
    return {
        each.nip: {
            "name": each.name, "email": each.email, "superior": above.get(each.id),
            "unit": units[posts[each.id].unit_id] if each.id in posts else None, "here": each.active_to is None,
        }
        for each in every(db, Person)
    }  # fmt: skip


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_whatever_changes_in_the_file_the_preview_lists_what_the_tables_then_show(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("preview")
    db = Database(f"sqlite:///{folder}/a.db", durable=False)
    schema.upgrade(db)
    roster, dice, day = Roster(folder), random.Random(seed), NEW_YEAR
    take(db, roster, day)
    launched(db, roster)
    away: dict[str, dict[str, str]] = {}
    for number in range(2):
        day += timedelta(days=dice.choice([1, 30]))
        shuffle(roster, dice, away, number)
        before = state(db)
        with unchanged(db):
            seen = look(db, roster, day)
        done = take(db, roster, day, leavers=True, seen=seen.digest)
        assert (done.people, done.counts, done.losses) == (seen.people, seen.counts, seen.losses)
        after = state(db)
        listed = {kind: {c.nip for c in seen.people if c.kind is kind} for kind in ChangeKind}
        known = before.keys() & after.keys()
        assert listed[ChangeKind.NEW] == after.keys() - before.keys()
        assert listed[ChangeKind.ADDRESS] == {nip for nip in known if before[nip]["email"] != after[nip]["email"]}
        assert listed[ChangeKind.LEAVES] == {nip for nip in known if before[nip]["here"] and not after[nip]["here"]}
        stay = {nip for nip in known if before[nip]["here"] and after[nip]["here"]}
        assert listed[ChangeKind.MOVED] & stay == {n for n in stay if before[n]["unit"] != after[n]["unit"]}
        assert listed[ChangeKind.SUPERIOR] & stay == {n for n in stay if before[n]["superior"] != after[n]["superior"]}
    db.close()


# a partial roster


def test_a_partial_roster_is_refused_with_the_names_of_all_who_would_leave(both: Database, roster: Roster) -> None:
    db = both
    roster.take(db, NEW_YEAR)
    launched(db, roster)
    kept = [nip for nip, row in roster.rows.items() if row["is_unit_head"] == "ya"]
    gone = {nip: row for nip, row in roster.rows.items() if nip not in kept}
    roster.rows = {nip: roster[nip] for nip in kept}
    with unchanged(db), pytest.raises(ImportRefused) as refused:
        take(db, roster, MAY)
    assert all(f"{row['name']} ({nip})" in str(refused.value) for nip, row in gone.items())
    assert "--confirm-leavers" in str(refused.value)
    assert refused.value.counts["leaving"] == len(gone)
    seen = look(db, roster, MAY)
    assert seen.losses[0].unit == ""
    assert {nip for nip, *_ in said(seen, ChangeKind.LEAVES)} == set(gone)
    assert take(db, roster, MAY, leavers=True).counts["left"] == len(gone)


def test_more_than_half_of_one_unit_is_refused_too_and_a_last_day_in_the_file_counts(
    db: Database, roster: Roster
) -> None:
    roster.take(db, NEW_YEAR)
    school = [nip for nip, row in roster.rows.items() if row["unit_code"] == "SDN-RIMUKU"]
    for nip in school:
        roster[nip]["active_to"] = "2026-04-30"
    roster[EDUCATION]["superior_nip"] = SECRETARY
    with pytest.raises(ImportRefused, match="SD Negeri"):
        take(db, roster, MAY)


def test_a_few_who_leave_need_no_word(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    roster.leave(TEACHER)
    assert take(db, roster, MAY).counts["left"] == 1


# a corrected NIP


def correct_nip(roster: Roster) -> None:
    roster.rows = {CORRECTED if nip == TEACHER else nip: row for nip, row in roster.rows.items()}
    roster[CORRECTED] = roster[CORRECTED] | {"nip": CORRECTED}


def test_a_nip_that_may_be_a_missing_persons_is_held_and_asked_about(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    launched(db, roster)
    correct_nip(roster)
    with unchanged(db, but=("roster_import",)):
        report = roster.take(db, MAY)
    [problem] = [one for one in report.problems if one.code == "same_person"]
    assert problem.holds_row
    text = problem.text(Locale.EN)
    assert TEACHER in text.message
    assert f"--same-person {TEACHER}={CORRECTED}" in text.remedy
    assert (report.counts["left"], report.counts["added"], report.counts["held_back"]) == (0, 0, 1)


def test_confirmed_the_person_keeps_appraisal_plan_and_history_under_the_new_nip(
    both: Database, roster: Roster
) -> None:
    db = both
    roster.take(db, NEW_YEAR)
    launched(db, roster)
    before = case(db, TEACHER)
    with db.transaction() as session:
        write_plan(session, before.id, [], PlanState.SUBMITTED, at=morning(NEW_YEAR))
    posts = every(db, Posting, person_id=before.employee_id)
    correct_nip(roster)
    roster.take(db, MAY)
    seen = look(db, roster, MAY, same={TEACHER: CORRECTED})
    report = take(db, roster, MAY, same={TEACHER: CORRECTED})
    assert said(report, ChangeKind.NIP) == said(seen, ChangeKind.NIP) == [(CORRECTED, "nip", TEACHER, CORRECTED)]
    now = case(db, CORRECTED)
    assert (now.id, now.state, now.version) == (before.id, AppraisalState.PLAN_DRAFT, before.version)
    assert [row.id for row in every(db, Posting, person_id=now.employee_id)] == [row.id for row in posts]
    assert len(every(db, Plan, appraisal_id=now.id)) == 1
    assert not every(db, Person, nip=TEACHER)
    assert (report.counts["left"], report.counts["added"]) == (0, 0)
    [entry] = every(db, TrailEntry, type="person.nip_corrected")
    assert entry.content["before"] == {"nip": TEACHER}
    with unchanged(db, but=("roster_import",)):
        take(db, roster, MAY, same={TEACHER: CORRECTED})  # said once more, it is nothing new


def test_the_folder_may_say_it_too_and_rows_that_still_name_the_old_nip_follow(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    head = person(db, HEAD).id
    new = HEAD[:7] + "9" + HEAD[8:]
    roster.rows = {new if nip == HEAD else nip: row for nip, row in roster.rows.items()}
    roster[new] = roster[new] | {"nip": new}
    (roster.directory / "nip_corrections.csv").write_text(f"old_nip,new_nip,reason\n{HEAD},{new},SK 12\n")
    report = roster.take(db, MAY)
    assert (report.counts["held_back"], report.counts["new_superiors"], person(db, new).id) == (0, 0, head)


def test_while_a_head_is_asked_about_their_people_keep_them(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    new = HEAD[:7] + "9" + HEAD[8:]
    roster.rows = {new if nip == HEAD else nip: row for nip, row in roster.rows.items()}
    roster[new] = roster[new] | {"nip": new}
    for row in roster.rows.values():
        row["superior_nip"] = row["superior_nip"].replace(HEAD, new)
    report = roster.take(db, MAY)
    assert (report.counts["held_back"], report.counts["new_superiors"], report.counts["left"]) == (1, 0, 0)


def test_two_people_are_two_once_somebody_gave_a_reason(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    correct_nip(roster)
    (roster.directory / "waivers.csv").write_text(f"nip,code,reason\n{CORRECTED},same_person,saudara kembar\n")
    report = roster.take(db, MAY)
    assert (report.counts["added"], report.counts["left"], report.counts["held_back"]) == (1, 1, 0)


@pytest.mark.parametrize(
    ("same", "words"),
    [({"198208062005011009": CORRECTED}, "nobody with NIP 198208062005011009"), ({TEACHER: HEAD}, "somebody else's")],
)
def test_a_correction_that_cannot_be_is_refused_in_words(
    db: Database, roster: Roster, same: dict[str, str], words: str
) -> None:
    roster.take(db, NEW_YEAR)
    correct_nip(roster)
    with unchanged(db), pytest.raises(ImportRefused, match=words):
        take(db, roster, MAY, same=same)


# what HR decided after the file


def correct_address(db: Database, nip: str, address: str) -> None:
    with db.transaction() as session:
        who = session.scalars(select(Person).filter_by(nip=nip)).one()
        addresses.correct_address(session, who.id, address, reason="salah ketik", at=morning(date(2026, 2, 2)))


def test_an_address_corrected_by_hand_stands_until_the_file_changes_in_that_cell(
    both: Database, roster: Roster
) -> None:
    db = both
    roster.take(db, NEW_YEAR)
    filed = roster[TEACHER]["email"]
    correct_address(db, TEACHER, "benar@mamuju.example")
    with db.transaction() as session:
        session.execute(
            update(Person).where(Person.nip == TEACHER).values(email_state=AddressState.SOFT, soft_bounces=2)
        )
    roster[HEAD]["name"] = "Rusdi K."  # another file, the same cell
    report = roster.take(db, MAY)
    now = person(db, TEACHER)
    assert (now.email, now.email_state, now.soft_bounces) == ("benar@mamuju.example", AddressState.SOFT, 2)
    assert said(report, ChangeKind.KEPT) == [(TEACHER, "email", filed, "benar@mamuju.example")]
    assert (report.counts["addresses"], report.counts["kept"]) == (0, 1)
    roster[TEACHER]["email"] = filed.upper()  # written otherwise is not said otherwise
    assert roster.take(db, MAY).counts["addresses"] == 0
    roster[TEACHER]["email"] = "pindah@mamuju.example"
    report = roster.take(db, JUNE)
    now = person(db, TEACHER)
    assert (now.email, now.email_state) == ("pindah@mamuju.example", AddressState.OK)
    assert report.counts["addresses"] == 1
    assert not said(report, ChangeKind.KEPT)


def test_a_correction_from_before_files_were_remembered_stands_too(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    with db.transaction() as session:
        session.execute(update(Person).values(filed=None))
    correct_address(db, TEACHER, "benar@mamuju.example")
    roster[HEAD]["name"] = "Rusdi K."
    report = roster.take(db, MAY)
    assert person(db, TEACHER).email == "benar@mamuju.example"
    assert report.counts["changed"] == 1


def test_a_language_that_a_person_chose_is_not_the_files_to_take_back(db: Database, roster: Roster) -> None:
    roster[TEACHER]["locale"] = "id"
    roster.take(db, NEW_YEAR)
    with db.transaction() as session:
        session.execute(update(Person).where(Person.nip == TEACHER).values(locale=Locale.EN))
    roster[HEAD]["name"] = "Rusdi K."
    roster.take(db, MAY)
    assert person(db, TEACHER).locale is Locale.EN


def reassigned(db: Database, cycle_id: int, to: str, role: Role = Role.RATER) -> None:
    with db.transaction() as session:
        cycle = session.get_one(Cycle, cycle_id)
        reassign(session, cycle, [case(db, TEACHER).id], person(db, to).id, role=role, decree_no="800/1",
                 reason="konflik", at=morning(date(2026, 2, 2)))  # fmt: skip


def test_a_rater_whom_hr_named_stays_when_the_superior_of_the_file_leaves(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    cycle = launched(db, roster)
    reassigned(db, cycle, OTHER_HEAD)
    roster.leave(HEAD)  # the rows of the teachers, as they were, name somebody who is gone
    report = take(db, roster, MAY, leavers=True)
    assert case(db, TEACHER).rater_id == person(db, OTHER_HEAD).id
    assert (TEACHER, "superior", roster[EDUCATION]["name"], roster[OTHER_HEAD]["name"]) in said(report, ChangeKind.KEPT)


def test_a_superior_whom_the_file_names_anew_rates_from_then_on(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    cycle = launched(db, roster)
    reassigned(db, cycle, OTHER_HEAD)
    roster[TEACHER]["superior_nip"] = EDUCATION
    report = roster.take(db, MAY)
    assert case(db, TEACHER).rater_id == person(db, EDUCATION).id
    assert not said(report, ChangeKind.KEPT)


def test_who_was_named_to_hear_a_case_goes_on_when_the_line_above_its_rater_changes(
    db: Database, roster: Roster
) -> None:
    roster.take(db, NEW_YEAR)
    cycle = launched(db, roster)
    reassigned(db, cycle, BUPATI, Role.OBJECTION_AUTHORITY)
    roster[HEAD]["superior_nip"] = SECRETARY
    report = roster.take(db, MAY)
    assert case(db, TEACHER).authority_id == person(db, BUPATI).id
    assert said(report, ChangeKind.KEPT)[0][1] == "authority"


# the first day of a post


def test_a_post_begins_on_the_day_of_the_file_though_it_was_taken_in_later(db: Database, roster: Roster) -> None:
    august, second = date(2026, 8, 1), date(2026, 8, 2)
    roster.take(db, NEW_YEAR)
    cycle = launched(db, roster)
    roster[HEAD]["name"] = "Rusdi K."
    roster.take(db, august)  # somebody imports on the day itself, before the newcomer is written down
    school = roster[OTHER_HEAD]
    newcomer = "199901012026081001"
    roster.add(newcomer, TEACHER, active_from="2026-08-01", name="Baru Satu")
    roster[TEACHER] |= {key: school[key] for key in ("unit_code", "unit_name", "parent_unit_code")}
    roster[TEACHER] |= {"superior_nip": OTHER_HEAD, "active_from": "2026-08-01"}
    roster.take(db, second)
    [post] = every(db, Posting, person_id=person(db, newcomer).id)
    [line] = every(db, Supervision, person_id=person(db, newcomer).id)
    assert (post.from_on, line.from_on) == (august, august)
    for model in (Posting, Supervision):
        old, new = sorted(every(db, model, person_id=person(db, TEACHER).id), key=lambda row: row.from_on)
        assert (old.to_on, new.from_on) == (date(2026, 7, 31), august)
    assert case(db, TEACHER).cycle_id == cycle


def test_who_comes_back_begins_on_the_day_of_the_file(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    row = roster[TEACHER]
    roster.leave(TEACHER)
    roster.take(db, MAY)
    roster[TEACHER] = row | {"active_from": "2026-08-01"}
    roster.take(db, date(2026, 8, 2))
    last = max(every(db, Posting, person_id=person(db, TEACHER).id), key=lambda post: post.from_on)
    assert (last.from_on, last.to_on) == (date(2026, 8, 1), None)
