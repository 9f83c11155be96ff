"""A roster is taken in once; what changed begins on a day, what was stays as it was."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from actions.roster.agency_files import read_agency
from actions.roster.imports import ImportRefused, import_folder
from actions.store import trail
from database import Database
from models import (
    Absence,
    ActingMandate,
    Agency,
    Holiday,
    Person,
    Posting,
    RoleGrant,
    RosterImport,
    Supervision,
    TrailEntry,
    Unit,
)
from rules.terms import AddressState, Role
from tests.actions.rosters import (
    BUPATI,
    EDUCATION,
    EXAMPLES,
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

NEW_YEAR = date(2026, 1, 1)
MAY = date(2026, 5, 4)
JUNE = date(2026, 6, 1)


@pytest.fixture
def roster(tmp_path: Path) -> Roster:
    return Roster(tmp_path)


def person(db: Database, nip: str) -> Person:
    return every(db, Person, nip=nip)[0]


def history(db: Database, model: type[Posting] | type[Supervision], nip: str) -> list[Any]:
    return sorted(every(db, model, person_id=person(db, nip).id), key=lambda row: row.from_on)


def lines(db: Database, nip: str) -> list[tuple[str, date, date | None]]:
    """Superior, from, to."""
    nips = {one.id: one.nip for one in every(db, Person)}
    return [(nips[row.superior_id], row.from_on, row.to_on) for row in history(db, Supervision, nip)]


def adds_up(report: Any) -> bool:
    counts = report.counts
    return report.rows == sum(counts[name] for name in ("added", "changed", "unchanged", "held_back"))


# first import


@pytest.mark.parametrize("code", ["mamuju", "palu", "samarinda", "bukittinggi", "sabangau"])
def test_every_example_is_taken_in_whole(db: Database, code: str) -> None:
    folder = read_agency(EXAMPLES / code)
    report = import_folder(db.transaction, folder, as_of=NEW_YEAR, at=morning(NEW_YEAR))
    assert report.counts["added"] == report.rows == len(every(db, Person))
    assert report.counts["units"] == len(every(db, Unit))
    assert adds_up(report)


def test_the_agency_is_described_with_suggestions_that_a_plan_can_be_made_of(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    [agency] = every(db, Agency)
    assert (agency.code, agency.zone, agency.contact) == ("mamuju", "Asia/Makassar", "kinerja@mamuju.example")
    item = json.loads(agency.indicators)["pimpinan"][0]
    assert item["kind"] == "main"
    assert item["indicators"][0] == {
        "text": "Persentase sasaran unit yang tercapai", "aspect": "quantity", "target": "100", "unit": "persen",
        "lower_is_better": False, "target_is_maximum": True,
    }  # fmt: skip


def test_holidays_cover_the_years_around_and_follow_the_calendar_from_that_day_on(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    [name] = {day.name for day in every(db, Holiday)}
    assert {day.on.year for day in every(db, Holiday)} == {2025, 2026, 2027, 2028, 2029}
    calendar = roster.directory / "calendar.yaml"
    calendar.write_text(calendar.read_text(encoding="utf-8").replace(name, "Hari lain"), encoding="utf-8")
    roster.take(db, date(2026, 12, 31))
    assert {day.on.year for day in every(db, Holiday, name=name)} == {2025, 2026}
    assert {day.on.year for day in every(db, Holiday, name="Hari lain")} == {2027, 2028, 2029}


def test_units_hang_together_and_people_hold_their_posts(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    units = {unit.id: unit for unit in every(db, Unit)}
    [post] = history(db, Posting, TEACHER)
    school = units[post.unit_id]
    assert (school.code, units[school.parent_id].code, post.post, post.to_on) == ("SDN-RIMUKU", "DISDIK", "Guru", None)
    assert lines(db, TEACHER) == [(HEAD, post.from_on, None)]
    assert history(db, Posting, HEAD)[0].is_unit_head
    assert not history(db, Supervision, BUPATI)


def test_relations_begin_with_service_and_without_a_date_with_the_year(db: Database, roster: Roster) -> None:
    roster[TEACHER]["active_from"] = "2013-12-01"
    roster[OTHER_HEAD]["active_from"] = ""
    roster[HEAD]["active_from"] = "2026-03-01"
    roster[TEACHER]["superior_nip"] = EDUCATION  # HEAD is not there yet
    for row in roster.rows.values():
        row["superior_nip"] = row["superior_nip"].replace(HEAD, EDUCATION)
    roster.take(db, NEW_YEAR)
    starts = {nip: history(db, Posting, nip)[0].from_on for nip in (TEACHER, OTHER_HEAD, HEAD)}
    assert starts == {TEACHER: date(2013, 12, 1), OTHER_HEAD: NEW_YEAR, HEAD: date(2026, 3, 1)}


def test_auditors_from_outside_have_a_role_but_no_post(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    auditors = {grant.person_id for grant in every(db, RoleGrant, role=Role.AUDITOR)}
    assert len(auditors) == 4
    assert not auditors & {post.person_id for post in every(db, Posting)}


# again


def test_the_same_file_twice_changes_nothing_at_all(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    with unchanged(db):
        report = roster.take(db, MAY)
    assert report.same_file
    assert report.counts["unchanged"] == report.rows
    assert adds_up(report)


def test_the_same_people_in_another_file_change_nobody(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    roster.rows = dict(reversed(roster.rows.items()))
    with unchanged(db, but=("roster_import",)):
        report = roster.take(db, MAY)
    assert not report.same_file
    assert report.counts["unchanged"] == report.rows


def test_a_file_from_before_the_last_one_is_taken_in_as_the_newest(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    roster[TEACHER]["superior_nip"] = EDUCATION
    roster.take(db, MAY)
    roster[TEACHER]["superior_nip"] = HEAD
    assert not roster.take(db, JUNE).same_file
    assert [line[0] for line in lines(db, TEACHER)] == [HEAD, EDUCATION, HEAD]


def test_an_earlier_day_than_the_last_imports_is_refused(db: Database, roster: Roster) -> None:
    roster.take(db, MAY)
    roster[TEACHER]["superior_nip"] = EDUCATION
    with unchanged(db), pytest.raises(ImportRefused, match="2026-05-04"):
        roster.take(db, NEW_YEAR)


# changes


def test_a_move_ends_the_old_post_the_day_before_and_begins_the_new_one(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    [before] = history(db, Posting, TEACHER)
    roster[TEACHER] |= {
        "unit_code": "SMPN-SIMBORO", "unit_name": roster[OTHER_HEAD]["unit_name"], "superior_nip": OTHER_HEAD,
    }  # fmt: skip
    report = roster.take(db, MAY)
    old, new = history(db, Posting, TEACHER)
    assert (old.id, old.unit_id, old.from_on, old.to_on) == (
        before.id, before.unit_id, before.from_on, day_before(MAY),
    )  # fmt: skip
    assert (new.unit_id, new.from_on, new.to_on) == (history(db, Posting, OTHER_HEAD)[0].unit_id, MAY, None)
    assert lines(db, TEACHER) == [(HEAD, before.from_on, day_before(MAY)), (OTHER_HEAD, MAY, None)]
    assert (report.counts["moves"], report.counts["new_superiors"], report.counts["changed"]) == (1, 1, 1)
    assert adds_up(report)


def test_the_days_own_row_is_corrected_in_place(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    roster[TEACHER]["superior_nip"] = OTHER_HEAD
    roster.take(db, MAY)
    roster[TEACHER]["superior_nip"] = EDUCATION
    roster.take(db, MAY)
    assert [(line[0], line[2]) for line in lines(db, TEACHER)] == [(HEAD, day_before(MAY)), (EDUCATION, None)]


def test_a_person_whom_the_file_no_longer_names_leaves(db: Database, roster: Roster) -> None:
    roster[TEACHER]["roles"] = "ops"
    roster.take(db, NEW_YEAR)
    roster.leave(TEACHER)
    report = roster.take(db, MAY)
    assert person(db, TEACHER).active_to == day_before(MAY)
    assert history(db, Posting, TEACHER)[0].to_on == day_before(MAY)
    assert lines(db, TEACHER)[0][2] == day_before(MAY)
    assert [grant.to_on for grant in every(db, RoleGrant, role=Role.OPS)] == [day_before(MAY)]
    assert report.counts["left"] == 1
    roster[HEAD]["name"] = "Rusdi K."  # another file
    assert roster.take(db, JUNE).counts["left"] == 0
    assert person(db, TEACHER).active_to == day_before(MAY)


def test_who_comes_back_goes_on_from_that_day(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    gone = roster[TEACHER]
    roster.leave(TEACHER)
    roster.take(db, MAY)
    roster.rows[TEACHER] = gone
    report = roster.take(db, JUNE)
    assert (person(db, TEACHER).active_to, report.counts["returned"], report.counts["added"]) == (None, 1, 0)
    assert [(line[0], line[2]) for line in lines(db, TEACHER)] == [(HEAD, day_before(MAY)), (HEAD, None)]
    assert lines(db, TEACHER)[1][1] == JUNE


def test_a_last_day_in_the_file_ends_the_post_on_that_day(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    roster[TEACHER]["active_to"] = "2026-03-31"
    report = roster.take(db, MAY)
    assert history(db, Posting, TEACHER)[0].to_on == person(db, TEACHER).active_to == date(2026, 3, 31)
    assert report.counts["left"] == 1
    roster[HEAD]["name"] = "Rusdi K."
    assert roster.take(db, JUNE).counts["left"] == 0


def test_those_under_a_leaver_whose_rows_are_held_back_get_the_next_official_above(
    db: Database, roster: Roster
) -> None:
    roster.take(db, NEW_YEAR)
    roster.leave(HEAD)  # and nobody has told who follows, so the doctor holds the teachers back
    report = roster.take(db, MAY)
    assert report.counts["left"] == 1
    assert report.counts["held_back"] > 1
    assert [(line[0], line[2]) for line in lines(db, TEACHER)] == [(HEAD, day_before(MAY)), (EDUCATION, None)]
    assert person(db, TEACHER).active_to is None


def test_a_superior_who_was_held_back_at_the_first_import_is_passed_over(db: Database, roster: Roster) -> None:
    roster[HEAD]["email"] = "tanpa-alamat"
    report = roster.take(db, NEW_YEAR)
    assert report.counts["held_back"] == 1
    assert [line[0] for line in lines(db, TEACHER)] == [EDUCATION]
    roster[HEAD]["email"] = "kepala@mamuju.example"
    roster.take(db, MAY)
    assert [line[0] for line in lines(db, TEACHER)] == [EDUCATION, HEAD]


def test_a_superior_who_left_and_whose_return_is_held_back_is_passed_over(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    head, under = roster[HEAD], [row for row in roster.rows.values() if row["superior_nip"] == HEAD]
    roster.leave(HEAD)
    for row in under:
        row["superior_nip"] = OTHER_HEAD
    roster.take(db, MAY)
    roster[HEAD] = head | {"email": "tanpa-alamat"}
    for row in under:
        row["superior_nip"] = HEAD
    roster.take(db, JUNE)
    assert [line[0] for line in lines(db, TEACHER)] == [HEAD, OTHER_HEAD, EDUCATION]


def test_a_retired_superior_for_whom_somebody_acts_stays_the_superior(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    roster[HEAD]["active_to"] = "2026-04-30"
    acting = {"acting_for_nip": HEAD, "acting_kind": "plt", "acting_decree": "800/9/2026",
              "acting_from": "2026-05-01", "acting_to": "2026-12-31"}  # fmt: skip
    roster[OTHER_HEAD] |= acting
    for day in (MAY, JUNE):
        report = roster.take(db, day)
        assert report.counts["held_back"] == 0
        assert [line[0] for line in lines(db, TEACHER)] == [HEAD]
        assert lines(db, HEAD)[-1][2] is None  # so that what is above them is still known
        roster[TEACHER]["name"] = "Fitriani P."  # another file
    assert [mandate.decree_no for mandate in every(db, ActingMandate, principal_id=person(db, HEAD).id)] == [
        "800/9/2026"
    ]


def test_a_new_address_is_dated_and_trusted_again(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    with db.transaction() as session:
        stale = session.scalars(select(Person).filter_by(nip=TEACHER)).one()
        stale.email_state, stale.soft_bounces = AddressState.HARD, 3
    roster[TEACHER]["email"] = "baru@mamuju.example"
    report = roster.take(db, MAY)
    now = person(db, TEACHER)
    assert (now.email, now.email_state, now.soft_bounces) == ("baru@mamuju.example", AddressState.OK, 0)
    assert now.email_changed_at == morning(MAY)
    assert report.counts["addresses"] == 1
    assert person(db, HEAD).email_changed_at is None


def test_newcomers_begin_with_their_service_if_the_last_file_could_not_name_them(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    roster.add("199901012026031001", TEACHER, active_from="2026-03-01", name="Baru Satu")
    roster.add("198001012009011002", TEACHER, active_from="2009-01-01", name="Pindahan Dua")
    report = roster.take(db, MAY)
    assert report.counts["added"] == 2
    assert history(db, Posting, "199901012026031001")[0].from_on == date(2026, 3, 1)
    assert history(db, Posting, "198001012009011002")[0].from_on == MAY


def test_roles_are_granted_and_ended_by_day(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    roster[TEACHER]["roles"] = "performance_admin"
    roster.take(db, MAY)
    roster[TEACHER]["roles"] = ""
    roster.take(db, JUNE)
    [grant] = every(db, RoleGrant, person_id=person(db, TEACHER).id)
    assert (grant.role, grant.from_on, grant.to_on) == (Role.PERFORMANCE_ADMIN, MAY, day_before(JUNE))


def test_absences_are_lengthened_not_doubled(db: Database, roster: Roster) -> None:
    away = {"absence_kind": "sick", "absence_from": "2026-02-01", "absence_to": "2026-02-20"}
    roster[TEACHER] |= away
    roster.take(db, NEW_YEAR)
    roster[TEACHER]["absence_to"] = "2026-03-20"
    assert roster.take(db, MAY).counts["absences"] == 1
    [absence] = every(db, Absence, person_id=person(db, TEACHER).id)
    assert (absence.from_on, absence.to_on) == (date(2026, 2, 1), date(2026, 3, 20))


PLT = {"acting_for_nip": HEAD, "acting_kind": "plt", "acting_decree": "800/1/2026",
       "acting_from": "2026-02-01", "acting_to": "2026-12-31"}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({"acting_to": "2026-08-31"}, [(HEAD, "plt", "800/1/2026", date(2026, 2, 1), date(2026, 8, 31))]),
        (
            {"acting_kind": "plh"},
            [
                (HEAD, "plt", "800/1/2026", date(2026, 2, 1), day_before(MAY)),
                (HEAD, "plh", "800/1/2026", MAY, date(2026, 12, 31)),
            ],
        ),
        (
            {"acting_for_nip": EDUCATION},
            [
                (HEAD, "plt", "800/1/2026", date(2026, 2, 1), day_before(MAY)),
                (EDUCATION, "plt", "800/1/2026", MAY, date(2026, 12, 31)),
            ],
        ),
        (
            {"acting_decree": "800/2/2026", "acting_from": "2026-06-01"},
            [
                (HEAD, "plt", "800/1/2026", date(2026, 2, 1), date(2026, 12, 31)),
                (HEAD, "plt", "800/2/2026", JUNE, date(2026, 12, 31)),
            ],
        ),
        (dict.fromkeys(PLT, ""), [(HEAD, "plt", "800/1/2026", date(2026, 2, 1), date(2026, 12, 31))]),
    ],
)
def test_a_mandate_told_otherwise_is_ended_and_told_anew_never_rewritten(
    db: Database, roster: Roster, change: dict[str, str], kept: list[tuple[object, ...]]
) -> None:
    roster[SECRETARY] |= PLT
    roster.take(db, NEW_YEAR)
    roster[SECRETARY] |= change
    roster.take(db, MAY)
    roster[TEACHER]["name"] = "Fitriani P."  # another file that says the same of mandates
    roster.take(db, JUNE)
    nips = {one.id: one.nip for one in every(db, Person)}
    found = [
        (nips[m.principal_id], m.kind, m.decree_no, m.from_on, m.to_on)
        for m in every(db, ActingMandate, person_id=person(db, SECRETARY).id)
    ]
    assert sorted(found, key=repr) == sorted(kept, key=repr)


# what is held back


def test_one_bad_row_stops_nobody_and_is_not_missed(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    roster[TEACHER]["email"] = "bukan alamat"
    roster[HEAD]["name"] = "Rusdi K."
    report = roster.take(db, MAY)
    assert (report.counts["held_back"], report.counts["changed"], report.counts["left"]) == (1, 1, 0)
    assert [problem.code for problem in report.problems if problem.holds_row] == ["address_malformed"]
    assert (person(db, TEACHER).active_to, person(db, HEAD).name) == (None, "Rusdi K.")
    assert adds_up(report)


def test_a_mistyped_number_does_not_make_its_owner_leave(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    roster[TEACHER]["nip"] = "1987112820131220"
    report = roster.take(db, MAY)
    assert (report.counts["held_back"], report.counts["left"], person(db, TEACHER).active_to) == (1, 0, None)


def test_while_a_row_cannot_be_read_nobody_is_missed(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    roster.leave(TEACHER)
    folder = roster.folder()
    with folder.roster.open("a", encoding="utf-8") as file:
        file.write("a,b\n")
    report = import_folder(db.transaction, folder, as_of=MAY, at=morning(MAY))
    assert (report.counts["left"], report.counts["leavers_waiting"], report.counts["held_back"]) == (0, 1, 1)
    assert person(db, TEACHER).active_to is None


def test_a_file_without_a_usable_row_is_refused(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    for row in roster.rows.values():
        row["email"] = ""
    with unchanged(db), pytest.raises(ImportRefused):
        roster.take(db, MAY)


def test_who_still_serves_another_agency_waits_until_it_lets_them_go(
    db: Database, roster: Roster, tmp_path: Path
) -> None:
    palu = Roster(tmp_path, "palu")
    palu.rows[TEACHER] = roster[TEACHER] | {
        "superior_nip": next(nip for nip, row in palu.rows.items() if row["post"] == "Sekretaris Daerah"),
        "unit_code": "SEKOLAH", "parent_unit_code": "", "unit_name": "Sekolah",
    }  # fmt: skip
    roster.take(db, NEW_YEAR)
    report = palu.take(db, NEW_YEAR)
    assert ("serves_elsewhere", 1) in [(problem.code, report.counts["held_back"]) for problem in report.problems]
    roster.leave(TEACHER)
    roster.take(db, MAY)
    report = palu.take(db, MAY)  # the same file
    assert (report.counts["returned"], report.counts["held_back"]) == (1, 0)
    [agency] = every(db, Agency, code="palu")
    assert (person(db, TEACHER).agency_id, person(db, TEACHER).active_to) == (agency.id, None)


# the record


def test_an_import_is_one_entry_on_the_trail_without_names(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    roster[TEACHER]["superior_nip"] = EDUCATION
    roster.leave(OTHER_HEAD)
    for row in roster.rows.values():
        row["superior_nip"] = row["superior_nip"].replace(OTHER_HEAD, EDUCATION)
    report = roster.take(db, MAY)
    [_, entry] = every(db, TrailEntry)
    assert (entry.type, entry.subject) == ("roster.imported", f"roster_import:{every(db, RosterImport)[-1].id}")
    after = entry.content["after"]
    assert after["counts"] == report.counts
    assert after["left"] == [person(db, OTHER_HEAD).id]
    assert person(db, TEACHER).id in after["led_anew"]
    told = json.dumps(entry.content)
    assert not any(one.name in told or one.email in told or one.nip in told for one in every(db, Person))
    with db.reading() as session:
        assert trail.verify(session, every(db, Agency)[0].id) == []


def test_progress_is_told_to_the_end(db: Database, roster: Roster) -> None:
    told: list[tuple[str, int, int]] = []
    note: Callable[[str, int, int], None] = lambda *said: told.append(said)  # noqa: E731
    import_folder(db.transaction, roster.folder(), as_of=NEW_YEAR, at=morning(NEW_YEAR), progress=note)
    assert told[0][0] == "read"
    assert all(done <= of for _, done, of in told)
    assert told[-1] == ("done", 5, 5)


def test_a_failure_leaves_nothing_half_done(db: Database, roster: Roster, monkeypatch: pytest.MonkeyPatch) -> None:
    roster.take(db, NEW_YEAR)
    roster[TEACHER]["superior_nip"] = EDUCATION

    def fail(_taking: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("actions.roster.follow.follow.follow", fail)
    with unchanged(db), pytest.raises(RuntimeError):
        roster.take(db, MAY)


def test_another_agency_name_alone_is_a_change_on_the_trail(db: Database, roster: Roster) -> None:
    roster.take(db, NEW_YEAR)
    folder = roster.folder()
    renamed = replace(folder, agency=folder.agency.model_copy(update={"name": "Kabupaten Mamuju Raya"}))
    (roster.directory / "agency.yaml").write_text("# baru\n", encoding="utf-8")
    import_folder(db.transaction, renamed, as_of=MAY, at=morning(MAY))
    assert [agency.name for agency in every(db, Agency)] == ["Kabupaten Mamuju Raya"]
    assert len(every(db, TrailEntry)) == 2
