"""The doctor finds what is wrong, each thing once, and lets everybody else go on."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.roster.columns import LIMITS, RosterRefused, demand_columns, match_header, read_day, read_header, row_of
from rules.roster.doctor import Examination, Malformed, RosterRow, circles, examine
from rules.roster.findings import Problem
from rules.roster.texts import CATALOGUE
from rules.terms import AbsenceKind, EmploymentKind, Locale, Role, Severity

TODAY = date(2026, 11, 24)


def unique_nip(i: int) -> str:
    """A well-formed number for each i below a million: the sequence, then the day of birth, count up."""
    day, sequence = divmod(i, 900)
    born = date.fromordinal(date(1965, 1, 1).toordinal() + day)
    return f"{born:%Y%m%d}2010031{sequence + 1:03}"


def person(i: int, **cells: str) -> RosterRow:
    """A faultless member of unit A under number 0."""
    known = {
        "nip": unique_nip(i),
        "name": f"Orang {i}",
        "email": f"orang.{i}@contoh.example",
        "employment": "pns",
        "unit_code": "A",
        "post": "Staf",
        "superior_nip": unique_nip(0),
        "is_unit_head": "tidak",
    }
    return row_of(i + 2, known | cells)


def top(**cells: str) -> RosterRow:
    roles = {"roles": "appointing_authority; performance_admin"}
    return person(0, **({"superior_nip": "", "is_unit_head": "ya"} | roles | cells))


def look(*rows: RosterRow | Malformed, waivers: Mapping[tuple[str, str], str] | None = None) -> Examination:
    return examine(rows, TODAY, waivers)


def found(examination: Examination) -> list[tuple[int, str]]:
    return [(problem.row, problem.code) for problem in examination.problems]


def test_a_faultless_roster_has_no_problem_and_all_rows_go_on() -> None:
    examination = look(top(), person(1), person(2, superior_nip=unique_nip(1)))
    assert found(examination) == []
    assert [row.row for row in examination.rows_ok] == [2, 3, 4]
    assert not examination.blocks


CELL_FAULTS = [
    ("nip_missing", {"nip": ""}),
    ("nip_malformed", {"nip": "19700101201003100"}),
    ("nip_malformed", {"nip": "197013012010031001"}),
    ("nip_numeric", {"nip": "1.97001E+17"}),
    ("nip_numeric", {"nip": "197001012010030000"}),
    ("nip_duplicate", {"nip": unique_nip(0)}),
    ("name_missing", {"name": " "}),
    ("address_missing", {"email": ""}),
    ("address_malformed", {"email": "orang@"}),
    ("address_shared", {"email": "ORANG.0@contoh.example"}),
    ("unit_missing", {"unit_code": ""}),
    ("employment_unreadable", {"employment": ""}),
    ("post_group_unreadable", {"post_group": "eselon"}),
    ("date_unreadable", {"active_to": "2026-02-30"}),
    ("dates_reversed", {"active_from": "2027-01-02", "active_to": "2027-01-01"}),
    *(("text_long", {column: "x" * (LIMITS[column] + 1)}) for column in ("name", "post", "job_family")),
    ("superior_missing", {"superior_nip": ""}),
    ("superior_malformed", {"superior_nip": "123"}),
    ("superior_numeric", {"superior_nip": "1,97E+17"}),
    ("superior_unknown", {"superior_nip": unique_nip(99)}),
    ("superior_self", {"superior_nip": unique_nip(1)}),
]


@pytest.mark.parametrize(("code", "cells"), CELL_FAULTS)
def test_a_fault_holds_its_own_row_back_and_no_other(code: str, cells: dict[str, str]) -> None:
    examination = look(top(), person(1, **cells), person(2))
    assert found(examination) == [(3, code)]
    assert [row.row for row in examination.rows_ok] == [2, 4]
    assert examination.blocks
    assert examination.counts["rows"] == examination.counts["accepted"] + examination.counts["held_back"] == 3


SOFT_FAULTS: list[tuple[str, dict[str, str]]] = [
    ("role_unreadable", {"roles": "auditr"}),
    ("head_unreadable", {"is_unit_head": "mungkin"}),
    ("acting_self", {"acting_for_nip": unique_nip(1)}),
    ("acting_incomplete", {"acting_for_nip": unique_nip(2), "acting_kind": "plt"}),
    (
        "acting_long",
        {
            "acting_for_nip": unique_nip(2),
            "acting_kind": "plt",
            "acting_decree": "1",
            "acting_from": "2026-01-01",
            "acting_to": "2027-01-03",
        },
    ),
    ("absence_incomplete", {"absence_kind": "sakit", "absence_from": "2026-02-01"}),
    ("absence_incomplete", {"absence_kind": "sick", "absence_from": "2026-02-01", "absence_to": "2026-01-01"}),
    ("unit_headless", {"unit_code": "B"}),
    ("unit_parent_unknown", {"unit_code": "B", "parent_unit_code": "Z", "is_unit_head": "ya"}),
    ("unit_two_heads", {"is_unit_head": "ya"}),
]


@pytest.mark.parametrize(("code", "cells"), SOFT_FAULTS)
def test_a_waivable_problem_blocks_until_a_reason_is_given(code: str, cells: dict[str, str]) -> None:
    rows = [top(), person(1, **cells), person(2)]
    examination = look(*rows)
    assert found(examination) == [(3, code)]
    assert examination.blocks
    assert len(examination.rows_ok) == 3
    waived = look(*rows, waivers={(unique_nip(1), code): "disetujui Sekda"})
    assert not waived.blocks
    assert waived.problems[0].waived == "disetujui Sekda"
    assert waived.counts["waived"] == 1


@pytest.mark.parametrize(("end", "kept"), [("2027-01-02", True), ("2027-01-03", False), ("9999-12-31", False)])
def test_a_mandate_of_more_than_a_year_is_not_recorded(end: str, kept: bool) -> None:
    days = {"acting_from": "2026-01-01", "acting_to": end}
    row = person(1, acting_for_nip=unique_nip(2), acting_kind="plt", acting_decree="1", **days)
    assert (row.mandate is not None) is kept


def test_a_waived_shared_address_lets_the_row_go_on() -> None:
    rows = [top(), person(1, email="orang.0@contoh.example")]
    assert [row.row for row in look(*rows).rows_ok] == [2]
    waived = look(*rows, waivers={(unique_nip(1), "address_shared"): "satu komputer di sekolah"})
    assert [row.row for row in waived.rows_ok] == [2, 3]


def test_a_blank_reason_is_no_waiver() -> None:
    rows = [top(), person(1, email="orang.0@contoh.example")]
    assert look(*rows, waivers={(unique_nip(1), "address_shared"): " "}).blocks


def test_what_blocks_cannot_be_waived_and_a_needless_waiver_is_named() -> None:
    waivers = {(unique_nip(1), "address_missing"): "biar", (unique_nip(0), "address_shared"): "lama"}
    examination = look(top(), person(1, email=""), waivers=waivers)
    assert found(examination) == [(2, "waiver_unused"), (3, "address_missing"), (3, "waiver_refused")]
    assert examination.blocks


def test_the_top_the_auditors_and_heads_of_top_units_need_no_superior() -> None:
    auditor = person(1, superior_nip="", roles="auditor", unit_code="X", is_unit_head="ya")
    head = person(2, superior_nip="", unit_code="Y", is_unit_head="ya")
    assert found(look(top(), auditor, head)) == []
    lower = person(2, superior_nip="", unit_code="Y", is_unit_head="ya", parent_unit_code="A")
    assert found(look(top(), lower)) == [(4, "superior_missing")]


def test_a_superior_who_has_left_blocks_unless_somebody_acts() -> None:
    gone = person(1, active_to="2026-06-30")
    under = person(2, superior_nip=unique_nip(1))
    assert found(look(top(), gone, under)) == [(4, "superior_inactive")]
    assert found(look(top(), person(1, active_from="2027-01-01"), under)) == [(4, "superior_inactive")]
    acting = person(3, **mandate(1))
    assert found(look(top(), gone, under, acting)) == []
    assert found(look(top(), gone, under, person(3, **mandate(1, end="2026-11-23")))) == [(4, "superior_inactive")]


def test_one_who_has_left_needs_no_superior_any_more() -> None:
    assert found(look(top(), person(1, active_to="2026-06-30", superior_nip=""))) == []


def test_the_last_day_of_service_still_counts() -> None:
    boss = person(1, active_to=TODAY.isoformat())
    assert found(look(top(), boss, person(2, superior_nip=unique_nip(1)))) == []


def test_a_superior_on_leave_is_only_noted() -> None:
    away = person(1, absence_kind="cuti", absence_from="2026-11-01", absence_to="2026-12-01")
    examination = look(top(), away, person(2, superior_nip=unique_nip(1)))
    assert found(examination) == [(4, "superior_away")]
    assert not examination.blocks


def test_who_is_rated_by_a_row_that_is_held_back_is_told() -> None:
    examination = look(top(), person(1, email=""), person(2, superior_nip=unique_nip(1)))
    assert found(examination) == [(3, "address_missing"), (4, "superior_held")]
    assert [row.row for row in examination.rows_ok] == [2, 4]


def test_a_superior_with_a_malformed_number_is_a_fault_of_the_superior_alone() -> None:
    examination = look(top(), person(1, nip="123"), person(2, superior_nip="123"))
    assert found(examination) == [(3, "nip_malformed"), (4, "superior_held")]


def mandate(principal: int, kind: str = "plh", end: str = "2027-01-31") -> dict[str, str]:
    return {
        "acting_for_nip": unique_nip(principal),
        "acting_kind": kind,
        "acting_decree": "800/1/2026",
        "acting_from": "2026-11-01",
        "acting_to": end,
    }


def test_acting_for_an_own_subordinate_makes_rater_and_objection_authority_one() -> None:
    middle = person(2, superior_nip=unique_nip(1))
    staff = person(3, superior_nip=unique_nip(2))
    examination = look(top(), person(1, **mandate(2)), middle, staff)
    assert found(examination) == [(3, "rater_is_authority")]
    assert examination.problems[0].facts["count"] == "1"
    assert found(look(top(), person(1, **mandate(2, end="2026-11-23")), middle, staff)) == []
    assert found(look(top(), person(1, **mandate(2)), middle)) == [], "nobody is rated by the middle"


def test_acting_for_the_own_superior_is_found_with_those_it_concerns() -> None:
    middle = person(2, superior_nip=unique_nip(1), **mandate(1))
    assert found(look(top(), person(1), middle)) == [(4, "acting_own_rater")]
    staff = person(3, superior_nip=unique_nip(2))
    assert found(look(top(), person(1), middle, staff)) == [(4, "acting_own_rater"), (4, "rater_is_authority")]


def test_acting_for_a_colleague_is_nobodys_problem() -> None:
    assert found(look(top(), person(1, **mandate(2)), person(2), person(3, superior_nip=unique_nip(2)))) == []


def test_acting_for_a_stranger_is_found() -> None:
    assert found(look(top(), person(1, **mandate(77)))) == [(3, "acting_unknown")]


def test_units_come_parents_first_and_a_circle_is_cut() -> None:
    leaf = person(1, unit_code="C", parent_unit_code="B", is_unit_head="ya")
    middle = person(2, unit_code="B", parent_unit_code="A", is_unit_head="ya")
    assert list(look(leaf, middle, top()).units) == ["A", "B", "C"]
    circle = [
        person(1, unit_code="C", parent_unit_code="B", is_unit_head="ya"),
        person(2, unit_code="B", parent_unit_code="C", is_unit_head="ya"),
    ]
    examination = look(top(), *circle)
    assert found(examination) == [(3, "unit_circular"), (4, "unit_circular")]
    assert {unit.parent for unit in examination.units.values()} == {""}


def test_a_unit_written_in_two_ways_is_noted_and_the_first_is_used() -> None:
    examination = look(top(unit_name="Dinas"), person(1, unit_name="Dinas"), person(2, unit_name="Dinas X"))
    assert found(examination) == [(4, "unit_inconsistent")]
    assert examination.units["A"].name == "Dinas"


def test_a_wide_span_is_noted_from_fifty_one_on() -> None:
    assert found(look(top(), *map(person, range(1, 51)))) == []
    assert found(look(top(), *map(person, range(1, 52)))) == [(2, "span_wide")]


def test_a_malformed_row_counts_as_held_back_and_a_note_of_the_file_does_not() -> None:
    bad = Malformed(9, facts={"reason_id": "rusak", "reason_en": "broken"})
    examination = look(top(), Malformed(1, "encoding_guessed"), bad)
    assert found(examination) == [(1, "encoding_guessed"), (9, "row_malformed")]
    assert (examination.counts["rows"], examination.counts["held_back"]) == (2, 1)


def test_a_text_that_nothing_has_room_for_is_named_with_its_column_and_the_limit() -> None:
    problem = look(top(), person(1, name="Ani " * 200)).problems[0]
    assert problem.text(Locale.EN).message == "Column name holds 799 characters; 400 at most."
    assert "paling banyak 400" in problem.text(Locale.ID).message
    assert len(problem.name) < 50
    for column, limit in LIMITS.items():
        assert "text_long" not in [code for _, code in found(look(top(), person(1, **{column: "x" * limit})))]


def test_a_unit_whose_name_or_code_is_too_long_is_not_made_of_what_was_cut() -> None:
    long = {"unit_code": "B" * 61, "unit_name": "b" * 401, "parent_unit_code": "c" * 61}
    assert list(look(top(), person(1, **long)).units) == ["A"]
    named = look(top(), person(1, unit_code="B", unit_name="b" * 401, parent_unit_code="A"), person(2, unit_code="B"))
    assert (named.units["B"].name, named.units["B"].parent) == ("", "A")
    child = look(top(), person(1, unit_code="B", parent_unit_code="c" * 61, is_unit_head="ya"))
    assert found(child) == [(3, "text_long")]


def test_a_file_without_people_blocks_whatever_is_waived() -> None:
    for examination in (look(), look(Malformed(1, "encoding_guessed"), waivers={("", "roster_empty"): "x"})):
        assert (0, "roster_empty") in found(examination)
        assert examination.blocks
    assert "There are no people in the file" in look().problems[0].text(Locale.EN).message


def test_missing_offices_are_noted_for_the_file() -> None:
    examination = look(top(roles=""))
    assert found(examination) == [(0, "role_unfilled"), (0, "role_unfilled")]
    assert not examination.blocks


@pytest.mark.parametrize("code", CATALOGUE)
@pytest.mark.parametrize("locale", Locale)
def test_every_problem_says_what_who_and_how_in_both_languages(code: str, locale: Locale) -> None:
    words = "reason_id reason_en columns value column start end other other_name today circle count kind unit"
    text = Problem(2, "1", "Ani", code, dict.fromkeys(words.split(), "#"), ["Siti"]).text(locale)
    assert all(part and "{" not in part for part in text)
    if CATALOGUE[code].severity is Severity.BLOCKING:
        assert ("Siti" in text.fixer) is ("PPK" not in text.fixer)


def test_the_facts_of_each_found_problem_fill_its_texts() -> None:
    rows = [person(i, **cells) for i, (_, cells) in enumerate([*CELL_FAULTS, *SOFT_FAULTS], 1)]
    for problem in look(top(), *rows).problems:
        assert "#" not in "".join(problem.text(Locale.ID) + problem.text(Locale.EN))


def test_the_indonesian_reason_differs_from_the_english() -> None:
    problem = look(top(), person(1, nip="12")).problems[0]
    assert "18 digit" in problem.text(Locale.ID).message
    assert problem.text(Locale.ID) != problem.text(Locale.EN)


def test_a_row_given_twice_is_one_problem_however_much_is_wrong_with_it() -> None:
    twice = person(1, **mandate(77), unit_code="B", superior_nip=unique_nip(99))
    again = replace(twice, row=9)
    once = found(look(top(), twice))
    assert Counter(found(look(top(), twice, again))) == Counter([*once, (9, "nip_duplicate")])


def test_a_unit_is_spoken_of_in_its_first_row_that_counts() -> None:
    double = replace(top(), row=1, unit_code="B")
    assert found(look(top(), replace(double, row=3), person(5, unit_code="B"))) == [
        (3, "nip_duplicate"),
        (7, "unit_headless"),
    ]


def test_a_head_who_has_left_heads_nothing() -> None:
    gone = person(1, unit_code="B", is_unit_head="ya", active_to="2026-06-30")
    assert found(look(top(), gone)) == [(3, "unit_headless")]
    successor = person(2, unit_code="B", is_unit_head="ya")
    assert found(look(top(), gone, successor)) == []


def test_an_office_whose_only_holder_is_held_back_is_unfilled() -> None:
    hr = person(1, roles="performance_admin", email="")
    assert found(look(top(roles="appointing_authority"), hr)) == [(0, "role_unfilled"), (3, "address_missing")]


# header and cells


def test_headers_are_known_in_both_languages_and_any_case() -> None:
    names = ["NIP", "Nama", "Surel", "Jenis Pegawai", "Unit", "JABATAN", "Atasan_NIP", "Pimpinan Unit", "Hobi"]
    header = read_header(names)
    assert header.columns == (
        "nip", "name", "email", "employment", "unit_code", "post", "superior_nip", "is_unit_head", None,
    )  # fmt: skip
    assert header.unknown == ("Hobi",)
    assert header.missing == ()


def test_all_missing_columns_are_named_in_one_refusal() -> None:
    with pytest.raises(RosterRefused, match=r"email, employment, unit_code, superior_nip, is_unit_head"):
        demand_columns(read_header(["nip", "nama"]))


def test_a_column_given_twice_is_refused() -> None:
    with pytest.raises(RosterRefused, match="name"):
        read_header(["nip", "nama", "Name"])


def test_cells_are_read_as_people_write_them() -> None:
    row = row_of(
        7,
        {
            "nip": "'19700101 201003 1 001",
            "name": "  Siti   Aminah ",
            "employment": "P3K",
            "is_unit_head": "YA",
            "roles": "auditor; Pengelola Kinerja",
            "active_from": "31/01/2020",
            "active_to": "2026-12-31 00:00:00",
            "absence_kind": "Tugas Belajar",
            "locale": "EN",
        },
    )
    assert (row.nip, row.name, row.employment) == ("197001012010031001", "Siti Aminah", EmploymentKind.PPPK)
    assert row.is_unit_head
    assert row.roles == (Role.AUDITOR, Role.PERFORMANCE_ADMIN)
    assert (row.active_from, row.active_to) == (date(2020, 1, 31), date(2026, 12, 31))
    assert (row.absence_kind, row.locale) == (AbsenceKind.STUDY, Locale.EN)
    assert row.faults == ()


def test_half_a_mandate_is_no_mandate() -> None:
    whole = mandate(0)
    assert person(1, **whole).mandate
    for column in whole:
        assert person(1, **(whole | {column: ""})).mandate is None
    assert person(1, **(whole | {"acting_to": "2026-10-01"})).mandate is None
    assert person(0, **whole).mandate is None, "nobody acts for themselves"


# many


@settings(max_examples=60, deadline=None)
@given(st.integers(20, 120), st.lists(st.integers(2, 5), max_size=4), st.randoms(use_true_random=False))
def test_planted_circles_are_found_exactly(people: int, circles: list[int], rng: random.Random) -> None:
    """A random tree, in which disjoint groups are then turned into circles; who hangs below one is not accused."""
    superiors = {i: rng.randrange(i) for i in range(1, people)}
    members = rng.sample(range(1, people), sum(circles[: people // 6]) if circles else 0)
    planted: set[int] = set()
    for size in circles[: people // 6]:
        ring, members = members[:size], members[size:]
        for here, there in zip(ring, [*ring[1:], ring[0]], strict=True):
            superiors[here] = there
        planted.update(ring)
    rows = [top(), *(person(i, superior_nip=unique_nip(boss)) for i, boss in superiors.items())]
    rng.shuffle(rows)
    problems = look(*rows).problems
    accused = Counter(problem.row - 2 for problem in problems if problem.code == "superior_circular")
    assert accused == Counter(planted)
    assert {p.code for p in problems} <= {"superior_circular", "superior_held", "span_wide"}


def test_a_circle_of_a_hundred_thousand_needs_no_recursion_and_a_long_line_is_none() -> None:
    ring = {str(i): str((i + 1) % 100_000) for i in range(100_000)}
    assert [len(circle) for circle in circles(ring)] == [100_000]
    line = {str(i): str(i + 1) for i in range(100_000)}
    assert list(circles(line)) == []


def test_the_first_day_of_the_post_is_read_before_that_of_the_appointment() -> None:
    header = match_header(["NIP", "TMT CPNS", "TMT Jabatan"])
    assert dict(header.order)["active_from"] == (2, 1)
    assert not header.unknown


@pytest.mark.parametrize(
    "text",
    ["2026-01-05 sampai 2027", "2026-01-05Tfoo", "2026-01-05 25:99", "5 Junk 2026", "5 Meister 2026", "2026-01-05x",
     "5/1-2026", "05/01/26", "31/02/2026", "0000-01-01", "٥/١/٢٠٢٦", "x 5/1/2026", "5/1/2026 - 6/1/2026"],
)  # fmt: skip
def test_a_day_is_read_whole_or_not_at_all(text: str) -> None:
    assert read_day(text) is None
    (fault,) = person(1, active_from=text).faults
    assert (fault.code, fault.column, fault.value) == ("date_unreadable", "active_from", text)


@pytest.mark.parametrize(
    "text",
    ["5 Agt 2026", "5 Ags 2026", "5 Agu 2026", "5 Agt. 2026", "5  Agustus  2026", "5-Aug-2026", "5 Agustus 2026 10:00",
     "5/ 8/2026", "05 / 08 / 2026", "05.08.2026", "2026/8/5", "2026-08-05 00:00:00", "2026-08-05T00:00:00",
     "2026-08-05T00:00:00.000+07:00", "5\u00a0Agustus\u00a02026", "05/08/2026 7:30 WIB"],
)  # fmt: skip
def test_a_day_is_read_as_people_and_programs_write_it(text: str) -> None:
    assert read_day(text) == date(2026, 8, 5)


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [
        ("acting_kind", "Pj", "acting_holds_post"), ("acting_kind", "Penjabat", "acting_holds_post"),
        ("acting_kind", "pengganti", "acting_unreadable"), ("acting_kind", "?", "acting_unreadable"),
        ("acting_from", "1/2/26", "acting_unreadable"), ("acting_to", "besok", "acting_unreadable"),
        ("absence_from", "1/2/26", "absence_day_unreadable"), ("absence_to", "Mei", "absence_day_unreadable"),
    ],
)  # fmt: skip
def test_a_cell_of_a_mandate_or_an_absence_that_cannot_be_read_is_quoted(column: str, text: str, code: str) -> None:
    absence = {"absence_kind": "cuti", "absence_from": "2026-11-01", "absence_to": "2026-11-30"}
    whole = mandate(0) if column.startswith("acting") else absence
    for cells in ({column: text}, whole | {column: text}):
        problems = [problem for problem in look(top(), person(1, **cells)).problems if problem.row == 3]
        assert [problem.code for problem in problems] == [code]
        assert all(f"“{text}”" in problems[0].text(locale).message for locale in Locale)


def test_what_else_is_missing_is_named_beside_the_cell_that_cannot_be_read() -> None:
    examination = look(top(), person(1, acting_kind="plt", acting_from="1/2/26"))
    assert found(examination) == [(3, "acting_unreadable"), (3, "acting_incomplete")]
    assert "acting_from" not in examination.problems[1].text(Locale.EN).message


@pytest.mark.parametrize("word", ["", "-", "Tidak", "definitif"])
def test_a_word_that_says_no_mandate_is_none(word: str) -> None:
    assert person(1, acting_kind=word).faults == ()


@pytest.mark.parametrize(("last", "codes"), [("2030-01-01", ["service_goes_on"]), ("2020-01-01", [])])
def test_a_standing_that_has_ended_with_a_last_day_ahead_is_noted(last: str, codes: list[str]) -> None:
    examination = look(top(), person(1, absence_kind="Pensiun", active_to=last))
    assert [code for row, code in found(examination) if row == 3] == codes
    assert all("Pensiun" in problem.text(Locale.ID).message for problem in examination.problems)


@pytest.mark.parametrize(
    "text", ["19700101 201003 1 001", "19700101.201003.1.001", "19700101-201003-1-001", "1970 01 01 2010 03 1 001"]
)
def test_signs_between_the_groups_of_a_number_are_only_its_dress(text: str) -> None:
    assert person(1, nip=text).nip == "197001012010031001"


@pytest.mark.parametrize(
    "text", ["19700101201003100.1", "197001012010031001.0", "1970010120100310 01", "19-7001012010031001"]
)
def test_digits_are_not_joined_across_a_sign_within_a_group_and_the_cell_is_quoted(text: str) -> None:
    for column, code in (("nip", "nip_malformed"), ("superior_nip", "superior_malformed")):
        (problem,) = [each for each in look(top(), person(1, **{column: text})).problems if each.code == code]
        assert text in problem.text(Locale.EN).message
