"""Files as HR really sends them: each bad row is reported and costs only itself."""

import json
import subprocess
import sys
from collections import Counter
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

from actions.roster.files import read_roster, read_waivers
from rules.roster.columns import RosterRefused
from rules.roster.doctor import Malformed, RosterRow, examine
from rules.roster.texts import CATALOGUE

TODAY = date(2026, 11, 24)
HEADER = "nip,name,email,employment,unit_code,superior_nip,is_unit_head"
ANI = '197001012010031001,"Ani, S.Pd.",ani@contoh.example,pns,A,,ya'
BUDI = "197101012010031001,Budi,budi@contoh.example,pns,A,197001012010031001,tidak"
ROOT = Path(__file__).parents[3]
BAD_ROSTER = ROOT / "tests" / "data" / "bad_roster.csv"

PLANTED = [
    (1, "column_unknown"), (5, "row_malformed"), (6, "row_malformed"), (7, "nip_missing"), (8, "nip_malformed"),
    (9, "nip_malformed"), (10, "nip_numeric"), (11, "nip_duplicate"), (12, "name_missing"), (13, "address_missing"),
    (14, "address_malformed"), (15, "address_shared"), (16, "unit_missing"), (17, "employment_unreadable"),
    (18, "post_group_unreadable"), (19, "date_unreadable"), (20, "dates_reversed"), (21, "role_unreadable"),
    (22, "head_unreadable"), (23, "locale_unreadable"), (24, "superior_missing"), (25, "superior_malformed"),
    (26, "superior_numeric"), (27, "superior_unknown"), (29, "superior_inactive"), (30, "superior_self"),
    (31, "superior_circular"), (32, "superior_circular"), (33, "superior_circular"), (34, "superior_held"),
    (36, "superior_away"), (37, "acting_incomplete"), (38, "acting_unknown"), (39, "acting_self"),
    (40, "acting_own_rater"), (41, "absence_incomplete"), (43, "rater_is_authority"), (45, "acting_long"),
    (46, "unit_two_heads"),
    (47, "unit_headless"), (48, "unit_parent_unknown"), (49, "unit_circular"), (50, "unit_circular"),
    (51, "unit_inconsistent"),
]  # fmt: skip
ELSEWHERE = {
    "absence_day_unreadable",
    "absence_unreadable",
    "acting_holds_post",
    "acting_unreadable",
    "cell_error",
    "job_family_empty",
    "mailbox_shared",
    "nip_two",
    "rows_passed_over",
    "rows_hidden",
    "columns_hidden",
    "service_ended",
    "service_goes_on",
    "encoding_guessed",
    "same_person",
    "role_unfilled",
    "roster_empty",
    "serves_elsewhere",
    "span_wide",
    "text_long",
    "waiver_refused",
    "waiver_unused",
}


def write(path: Path, *lines: str, encoding: str = "utf-8", newline: str = "\n") -> Path:
    path.write_bytes((newline.join(lines) + newline).encode(encoding))
    return path


def names(path: Path) -> list[str]:
    return [row.name for row in read_roster(path) if isinstance(row, RosterRow)]


def faults(path: Path) -> list[tuple[int, str]]:
    return [(item.row, item.code) for item in read_roster(path) if isinstance(item, Malformed)]


def test_every_planted_fault_is_found_exactly_once() -> None:
    examination = examine(read_roster(BAD_ROSTER), TODAY)
    assert Counter((p.row, p.code) for p in examination.problems) == Counter(PLANTED)
    assert {code for _, code in PLANTED} | ELSEWHERE == set(CATALOGUE), "a kind of problem is not planted"
    assert examination.counts["rows"] == 50
    assert examination.counts["accepted"] == len(examination.rows_ok) == 25


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_encodings_separators_and_line_ends_of_spreadsheets_are_read(
    tmp_path: Path, encoding: str, delimiter: str, newline: str
) -> None:
    lines = [HEADER.replace(",", delimiter), BUDI.replace(",", delimiter), ""]
    path = write(tmp_path / "r.csv", *lines, encoding=encoding, newline=newline)
    assert names(path) == ["Budi"]
    assert faults(path) == []


def test_the_separator_line_of_excel_is_understood(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", "sep=;", HEADER.replace(",", ";"), BUDI.replace(",", ";"))
    assert names(path) == ["Budi"]


def test_what_is_not_utf8_is_read_as_windows_1252_and_said_so(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", HEADER, BUDI.replace("Budi", "José"), encoding="cp1252")
    assert names(path) == ["José"]
    assert faults(path) == [(1, "encoding_guessed")]


def test_an_unquoted_comma_costs_its_own_row_even_if_the_last_cell_is_empty(tmp_path: Path) -> None:
    shifted = "197001012010031001,Ani, S.Pd.,ani@contoh.example,pns,A,,"
    path = write(tmp_path / "r.csv", HEADER, shifted, BUDI)
    assert names(path) == ["Budi"]
    assert faults(path) == [(2, "row_malformed")]


def test_an_open_quote_does_not_swallow_the_rows_that_follow(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", HEADER, ANI.replace('S.Pd."', "S.Pd."), BUDI, ANI)
    assert names(path) == ["Budi", "Ani, S.Pd."]
    assert faults(path) == [(2, "row_malformed")]


def test_two_open_quotes_near_each_other_cost_two_rows(tmp_path: Path) -> None:
    broken = ANI.replace('S.Pd."', "S.Pd.")
    path = write(tmp_path / "r.csv", HEADER, broken, BUDI, broken, BUDI)
    assert names(path) == ["Budi", "Budi"]
    assert faults(path) == [(2, "row_malformed"), (4, "row_malformed")]


def test_a_line_break_within_quotes_is_one_row_and_later_rows_keep_their_numbers(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", HEADER, ANI.replace("Ani, ", "Ani,\n"), BUDI)
    rows = [row for row in read_roster(path) if isinstance(row, RosterRow)]
    assert [(row.row, row.name) for row in rows] == [(2, "Ani, S.Pd."), (4, "Budi")]


def test_a_quote_within_a_name_is_only_a_quote(tmp_path: Path) -> None:
    assert names(write(tmp_path / "r.csv", HEADER, BUDI.replace("Budi", 'Budi 5" Jr'), BUDI)) == ['Budi 5" Jr', "Budi"]


def test_bytes_that_are_no_text_cost_their_own_row(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", HEADER, BUDI.replace("Budi", "Bu\0di"), BUDI)
    assert (names(path), faults(path)) == (["Budi"], [(2, "row_malformed")])


def test_titles_may_stand_above_the_header(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", "Daftar Pegawai 2026", "", HEADER, BUDI)
    assert [(row.row, row.nip) for row in read_roster(path) if isinstance(row, RosterRow)] == [
        (4, "197101012010031001")
    ]


def test_blank_rows_are_passed_over(tmp_path: Path) -> None:
    assert names(write(tmp_path / "r.csv", HEADER, "", ",,,,,,", BUDI)) == ["Budi"]


@pytest.mark.parametrize(
    ("content", "words"),
    [("", "kosong"), ("nip,nama\n1,2\n", "email, employment, unit_code, superior_nip, is_unit_head")],
)
def test_a_file_that_is_no_roster_is_refused_with_the_reason(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "r.csv"
    path.write_text(content)
    with pytest.raises(RosterRefused, match=words):
        list(read_roster(path))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RosterRefused, match=r"nowhere\.csv"):
        read_roster(tmp_path / "nowhere.csv")


# spreadsheets


def sheet(path: Path, *rows: list[object]) -> Path:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_a_sheet_is_read_with_its_dates_and_the_numbers_of_its_rows(tmp_path: Path) -> None:
    header = [*HEADER.split(","), "active_from", "active_to"]
    row = [*BUDI.split(","), date(2020, 1, 31), datetime(2026, 12, 31, 8)]  # noqa: DTZ001  as sheets have it
    path = sheet(tmp_path / "r.xlsx", ["Daftar"], [], header, row)
    (read,) = [item for item in read_roster(path) if isinstance(item, RosterRow)]
    assert (read.row, read.nip, read.name) == (4, "197101012010031001", "Budi")
    assert (read.active_from, read.active_to) == (date(2020, 1, 31), date(2026, 12, 31))
    assert read.faults == ()


def test_a_number_that_excel_made_of_a_nip_is_refused_with_the_advice(tmp_path: Path) -> None:
    numeric: list[object] = [int(BUDI.split(",")[0]), *BUDI.split(",")[1:]]
    path = sheet(tmp_path / "r.xlsx", list(HEADER.split(",")), list(ANI.replace(', S.Pd."', '"').split(",")), numeric)
    examination = examine(read_roster(path), TODAY)
    assert [(p.row, p.code) for p in examination.problems if p.blocks] == [(3, "nip_numeric")]


def test_what_is_no_spreadsheet_is_refused(tmp_path: Path) -> None:
    path = sheet(tmp_path / "r.xlsx", ["x"])
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(RosterRefused, match="tidak dapat dibuka"):
        list(read_roster(path))


# waivers and many rows


def test_waivers_give_a_reason_per_person_and_problem(tmp_path: Path) -> None:
    path = write(tmp_path / "w.csv", "nip;code;reason", "19700101 201003 1 001;address_shared;satu komputer", ";;")
    assert read_waivers(path) == {("197001012010031001", "address_shared"): "satu komputer"}


@pytest.mark.parametrize("header", ["nip,kode_masalah,reason", "nip;masalah;alasan", "NIP,code"])
def test_waivers_with_another_header_are_told_which_columns_they_lack(tmp_path: Path, header: str) -> None:
    path = tmp_path / "waivers.csv"
    path.write_text(f"{header}\n197001012010031001,address_shared,satu komputer\n")
    with pytest.raises(RosterRefused, match=r"Kolom wajib tidak ada: .*(code|reason)"):
        read_waivers(path)


@pytest.mark.parametrize(
    "content",
    [
        b"\x90\x81\xff\x00",
        "nip,code,reason\n".encode("utf-16") + b"\x00",
        b"197001012010031001,address_shared,x\n",
        b"",
    ],
)
def test_a_file_that_is_no_list_of_waivers_is_refused_or_read_as_far_as_it_goes(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "waivers.csv"
    path.write_bytes(content)
    with pytest.raises(RosterRefused, match=r"waivers\.csv|nip, code"):
        read_waivers(path)


def test_waivers_without_a_reason_are_refused_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / "w.csv", "nip,code,reason", "1,address_shared,", "2,unit_headless,ok")
    with pytest.raises(RosterRefused, match="1,address_shared"):
        read_waivers(path)


def test_progress_ends_at_the_whole(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    path = write(tmp_path / "r.csv", HEADER, *[BUDI] * 1200)
    list(read_roster(path, lambda done, total: told.append((done, total))))
    size = path.stat().st_size
    assert len(told) > 2
    assert told[-1] == (size, size)
    assert told == sorted(told)


MEASURE = """
import json, resource, sys
from datetime import date
from pathlib import Path
from actions.roster.files import read_roster
from rules.roster.doctor import examine
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
examination = examine(read_roster(Path(sys.argv[1])), date(2026, 11, 24))
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"counts": examination.counts, "megabytes": (after - before) // 1024}))
"""


def test_a_hundred_thousand_rows_fit_into_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "big.csv"
    first = date(1965, 1, 1).toordinal()
    with path.open("w") as file:
        file.write(HEADER + ",roles\n")
        for i in range(100_000):
            numbers = [
                f"{date.fromordinal(first + j // 900):%Y%m%d}2010031{j % 900 + 1:03}"
                for j in (i, i // 20 * 20, i // 400)
            ]
            superior = "" if i == 0 else numbers[1] if i % 20 else numbers[2]
            roles = "" if i else "performance_admin;appointing_authority"
            head = "tidak" if i % 20 else "ya"
            file.write(f"{numbers[0]},Orang {i},orang.{i}@contoh.example,pns,U{i // 20},{superior},{head},{roles}\n")
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    report = json.loads(run.stdout)
    assert report["counts"]["accepted"] == 100_000
    assert report["counts"]["blocking"] == 0
    assert report["megabytes"] < 200
