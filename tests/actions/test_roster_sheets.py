"""Rosters as agencies really keep them: what a person sees in the file is what is read, or the file is refused."""

import zipfile
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from actions.roster.files import read_roster, read_waivers
from rules.roster.columns import RosterRefused
from rules.roster.doctor import Examination, RosterRow, examine
from rules.terms import Locale

TODAY = date(2027, 1, 2)
HEADER = ["nip", "name", "email", "employment", "unit_code", "superior_nip", "is_unit_head", "roles", "active_to"]
BOSS = ["197001012010031001", "Ani, S.Pd.", "ani@contoh.example", "pns", "A", "", "ya",
        "performance_admin;appointing_authority", ""]  # fmt: skip
BUDI = ["197101012010031001", "Budi", "budi@contoh.example", "pns", "A", BOSS[0], "tidak", "", ""]
CICI = ["197201012010032001", "Cici", "cici@contoh.example", "pppk", "A", BOSS[0], "tidak", "", ""]
TABLE = [HEADER, BOSS, BUDI, CICI]
Cells = list[object]


def book(path: Path, **sheets: list[Cells] | list[list[str]]) -> openpyxl.Workbook:
    made = openpyxl.Workbook()
    made.remove(made.worksheets[0])
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for number, row in enumerate(rows, 1):
            for column, value in enumerate(row, 1):
                if value not in ("", None):
                    sheet.cell(number, column, value)
    made.save(path)
    return made


def csv(
    path: Path, *lines: list[str] | str, separator: str = ";", encoding: str = "utf-8", newline: str = "\n"
) -> Path:
    def cell(text: str) -> str:
        return f'"{text}"' if separator in text and '"' not in text else text

    text = newline.join(line if isinstance(line, str) else separator.join(map(cell, line)) for line in lines) + newline
    path.write_bytes(text.encode(encoding))
    return path


def look(path: Path) -> Examination:
    return examine(read_roster(path), TODAY)


def names(path: Path) -> list[str]:
    return [row.name for row in look(path).rows_ok]


def codes(path: Path) -> list[tuple[int, str]]:
    return [(problem.row, problem.code) for problem in look(path).problems]


EVERYBODY = ["Ani, S.Pd.", "Budi", "Cici"]


# separators, short and long rows


def test_rows_without_their_empty_last_cells_are_padded(tmp_path: Path) -> None:
    assert names(csv(tmp_path / "r.csv", HEADER, BOSS[:8], BUDI[:7], [*CICI[:6], "tidak"])) == EVERYBODY


def test_a_longer_row_is_refused_unless_nothing_of_it_can_have_moved(tmp_path: Path) -> None:
    path = csv(tmp_path / "r.csv", HEADER, [*BOSS, "", ""], BUDI, [*CICI, "", "lebih"])
    assert (names(path), codes(path)) == (EVERYBODY[:2], [(4, "row_malformed")])


def test_a_short_row_whose_cells_have_moved_is_refused(tmp_path: Path) -> None:
    moved = ["197201012010032001", "Cici", " S.E.", *CICI[2:6]]
    path = csv(tmp_path / "r.csv", HEADER, BOSS, BUDI, moved)
    assert codes(path) == [(4, "row_malformed")]


@pytest.mark.parametrize("title", ["DAFTAR PEGAWAI", "DAFTAR, KEADAAN 2 JANUARI, 2027", "a\tb\tc", '"Daftar; pegawai"'])
@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_the_separator_is_that_of_the_header_not_of_a_title(tmp_path: Path, title: str, separator: str) -> None:
    assert names(csv(tmp_path / "r.csv", title, "", "", *TABLE, separator=separator)) == EVERYBODY


def test_a_separator_line_that_lies_does_not_decide(tmp_path: Path) -> None:
    assert names(csv(tmp_path / "r.csv", "sep=,", HEADER, BOSS[:8], BUDI)) == EVERYBODY[:2]


def test_a_header_cell_over_two_lines_is_one_name_in_csv_as_in_xlsx(tmp_path: Path) -> None:
    header = ["NIP", '"Nama\nPegawai"', *HEADER[2:5], '"NIP\r\nAtasan Langsung"', *HEADER[6:]]
    assert names(csv(tmp_path / "r.csv", header, BOSS[:8], BUDI)) == EVERYBODY[:2]
    rows = [[cell.strip('"') for cell in header], *TABLE[1:]]
    book(tmp_path / "r.xlsx", Data=rows)
    assert names(tmp_path / "r.xlsx") == EVERYBODY


def test_text_kept_by_an_equals_sign_is_its_content(tmp_path: Path) -> None:
    kept = [f'="{cell}"' for cell in BUDI]
    doubled = [f'"=""{cell}"""' for cell in CICI]
    with_separator = [f'="{cell}"' for cell in BOSS[:8]]
    path = csv(tmp_path / "r.csv", HEADER, with_separator, kept, doubled, separator=",")
    assert names(path) == EVERYBODY


# what a file is


def test_the_first_bytes_decide_what_a_file_is(tmp_path: Path) -> None:
    book(tmp_path / "book.xlsx", Data=TABLE)
    content = (tmp_path / "book.xlsx").read_bytes()
    for name in ("r.csv", "r.xls", "r.xlsb", "r.ods", "R.XLSX", "r"):
        (tmp_path / name).write_bytes(content)
        assert names(tmp_path / name) == EVERYBODY
    csv(tmp_path / "tab.xls", *TABLE, separator="\t")
    assert names(tmp_path / "tab.xls") == EVERYBODY


def test_a_table_of_a_web_page_called_xls_is_read(tmp_path: Path) -> None:
    cells = "".join("<tr>" + "".join(f"<td x:num>{cell}</td>" for cell in row) + "</tr>" for row in TABLE)
    page = (
        f"<html><meta charset=utf-8><table><tr><th colspan=9>Daftar &amp; data<br>2027</th></tr>{cells}</table></html>"
    )
    path = tmp_path / "r.xls"
    path.write_text(page)
    assert names(path) == EVERYBODY
    assert look(path).source is not None


def test_an_xml_spreadsheet_of_2003_is_read_and_its_hidden_sheet_is_not(tmp_path: Path) -> None:
    def sheet(name: str, hidden: bool) -> str:
        rows = "".join(
            "<Row>" + "".join(f'<Cell><Data ss:Type="String">{cell}</Data></Cell>' for cell in row) + "</Row>"
            for row in TABLE
        )
        state = "<WorksheetOptions><Visible>SheetHidden</Visible></WorksheetOptions>" if hidden else ""
        return f'<Worksheet ss:Name="{name}"><Table>{rows}</Table>{state}</Worksheet>'

    space = "urn:schemas-microsoft-com:office:spreadsheet"
    path = tmp_path / "r.xls"
    path.write_text(
        f'<?xml version="1.0"?><Workbook xmlns="{space}" xmlns:ss="{space}">'
        f"{sheet('lama', True)}{sheet('baru', False)}</Workbook>"
    )
    assert names(path) == EVERYBODY
    source = look(path).source
    assert source
    assert (source.sheet, source.hidden) == ("baru", ("lama",))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"%PDF-1.7 ...", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"{\\rtf1 nip", "RTF"),
        (b'{"nip": 1}', "JSON"),
        (b"MIME-Version: 1.0\nContent-Type: multipart/related", "MHTML"),
        (b"<?xml version='1.0'?><a/>", "XML"),
        (bytes(range(256)) * 20, "biner"),
        (b"", "0 byte"),
        (b" \n\n \n", "kosong"),
    ],
)
def test_what_is_no_table_is_called_what_it_is(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "roster.xlsx"
    path.write_bytes(content)
    with pytest.raises(RosterRefused, match=words):
        list(read_roster(path))


def test_a_word_document_is_called_one(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "roster.xlsx", "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    with pytest.raises(RosterRefused, match="pengolah kata"):
        list(read_roster(tmp_path / "roster.xlsx"))


@pytest.mark.parametrize(
    ("encoding", "newline"),
    [("utf-16-le", "\r\n"), ("utf-16-be", "\r\n"), ("utf-16", "\r\n"), ("utf-32", "\n"), ("mac-roman", "\r"),
     ("utf-8", "\r"), ("cp1252", "\n")],
)  # fmt: skip
def test_encodings_with_and_without_a_mark_are_read(tmp_path: Path, encoding: str, newline: str) -> None:
    rows = [[cell.replace("Budi", "José") for cell in row] for row in TABLE]
    path = csv(tmp_path / "r.csv", *rows, separator="\t", encoding=encoding, newline=newline)
    assert names(path) == ["Ani, S.Pd.", "José", "Cici"]


def test_one_damaged_letter_costs_its_own_row(tmp_path: Path) -> None:
    rows = [HEADER, [*BOSS[:1], "Ñ Ò Ó Ô", *BOSS[2:7], "", ""], BUDI, CICI]
    path = csv(tmp_path / "r.csv", *rows)
    path.write_bytes(path.read_bytes().replace(b"Cici", b"Ci\xe9i"))
    assert names(path) == ["Ñ Ò Ó Ô", "Budi"]
    assert (4, "row_malformed") in codes(path)


# sheets


def test_a_hidden_sheet_is_not_read_and_is_named(tmp_path: Path) -> None:
    old = [HEADER, [*BOSS[:2], "lama@contoh.example", *BOSS[3:]]]
    made = book(tmp_path / "r.xlsx", lama=old, baru=TABLE)
    for state in ("hidden", "veryHidden"):
        made["lama"].sheet_state = state
        made.active = 1
        made.save(tmp_path / "r.xlsx")
        examination = look(tmp_path / "r.xlsx")
        assert next(row.email for row in examination.rows_ok) == "ani@contoh.example"
        assert examination.source
        assert (examination.source.sheet, examination.source.hidden) == ("baru", ("lama",))


def test_if_only_a_hidden_sheet_is_a_roster_the_file_is_refused(tmp_path: Path) -> None:
    made = book(tmp_path / "r.xlsx", Petunjuk=[["isi"]], lama=TABLE)
    made["lama"].sheet_state = "hidden"
    made.save(tmp_path / "r.xlsx")
    with pytest.raises(RosterRefused, match="lama"):
        list(read_roster(tmp_path / "r.xlsx"))


def test_the_one_sheet_with_the_columns_is_read_and_two_are_refused_by_name(tmp_path: Path) -> None:
    book(tmp_path / "r.xlsx", Petunjuk=[["PETUNJUK"], ["1. Isi"]], Data=TABLE, Contoh=[HEADER], Kosong=[])
    assert names(tmp_path / "r.xlsx") == EVERYBODY
    book(tmp_path / "r.xlsx", Petunjuk=[["PETUNJUK"]], Januari=TABLE, Februari=TABLE)
    with pytest.raises(RosterRefused, match="“Januari”, “Februari”"):
        list(read_roster(tmp_path / "r.xlsx"))


# cells


@pytest.mark.parametrize("error", ["#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!"])
@pytest.mark.parametrize("column", ["name", "email", "superior_nip", "roles", "active_to"])
def test_an_error_in_any_cell_blocks_its_row_and_is_named_with_its_place(
    tmp_path: Path, error: str, column: str
) -> None:
    made = book(tmp_path / "r.xlsx", Data=TABLE)
    cell = made["Data"].cell(3, HEADER.index(column) + 1)
    cell.value, cell.data_type = error, "e"
    made.save(tmp_path / "r.xlsx")
    (problem,) = [problem for problem in look(tmp_path / "r.xlsx").problems if problem.blocks]
    message = problem.text(Locale.EN).message
    assert (problem.row, problem.code) == (3, "cell_error")
    assert f"Data!{cell.coordinate}" in message
    assert error in message


@pytest.mark.parametrize("shown", ["#REF!", "#NV", "#BEZUG!", "Err:502", "#####"])
def test_an_error_saved_as_text_is_no_value_either(tmp_path: Path, shown: str) -> None:
    path = csv(tmp_path / "r.csv", HEADER, BOSS[:8], [*BUDI[:7], "", shown])
    assert [(row, code) for row, code in codes(path) if code == "cell_error"] == [(3, "cell_error")]
    assert names(path) == EVERYBODY[:1]


def test_a_formula_that_nobody_calculated_is_no_empty_cell(tmp_path: Path) -> None:
    made = book(tmp_path / "r.xlsx", Data=TABLE)
    made["Data"]["I3"] = '=TEXT(A1,"x")'
    made.save(tmp_path / "r.xlsx")
    assert (3, "cell_error") in codes(tmp_path / "r.xlsx")


def test_the_shown_text_of_a_number_is_the_code(tmp_path: Path) -> None:
    rows: list[Cells] = [[*row[:4], index, *row[5:]] for index, row in enumerate(TABLE)]
    rows[0] = list(HEADER)
    made = book(tmp_path / "r.xlsx", Data=rows)
    for row, code in ((2, "0000"), (3, '"U-"000'), (4, "00\\.00\\.0")):
        made["Data"].cell(row, 5).number_format = code
    made.save(tmp_path / "r.xlsx")
    assert [row.unit_code for row in look(tmp_path / "r.xlsx").rows_ok] == ["0001", "U-002", "00.00.3"]


@pytest.mark.parametrize("old", [False, True])
def test_days_are_read_as_shown_in_both_calendars_of_spreadsheets(tmp_path: Path, old: bool) -> None:
    made = book(tmp_path / "r.xlsx", Data=TABLE)
    if old:
        made.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    sheet = made["Data"]
    sheet["I2"], sheet["I3"] = date(2028, 1, 31), 46752 - (1462 if old else 0)  # 2027-12-31, without a format
    sheet["I2"].number_format = "dd mmmm yyyy"
    made.save(tmp_path / "r.xlsx")
    assert [row.active_to for row in look(tmp_path / "r.xlsx").rows_ok] == [date(2028, 1, 31), date(2027, 12, 31), None]


def test_a_cell_over_several_rows_is_the_unit_of_each(tmp_path: Path) -> None:
    made = book(tmp_path / "r.xlsx", Data=TABLE)
    made["Data"].merge_cells("E2:E4")
    made.save(tmp_path / "r.xlsx")
    assert [row.unit_code for row in look(tmp_path / "r.xlsx").rows_ok] == ["A", "A", "A"]


@pytest.mark.parametrize("far", ["XFD1", "A1048576", "XFD1048576"])
def test_a_blank_far_away_costs_nothing(tmp_path: Path, far: str) -> None:
    made = book(tmp_path / "r.xlsx", Data=TABLE)
    made["Data"][far].number_format = "0000"
    made["Data"][far].font = openpyxl.styles.Font(bold=True)
    made.save(tmp_path / "r.xlsx")
    assert names(tmp_path / "r.xlsx") == EVERYBODY


def test_something_far_away_is_named_and_not_read(tmp_path: Path) -> None:
    made = book(tmp_path / "r.xlsx", Data=TABLE)
    made["Data"]["XFD3"] = made["Data"]["Z2"] = "x"
    made.save(tmp_path / "r.xlsx")
    examination = look(tmp_path / "r.xlsx")
    assert [row.name for row in examination.rows_ok] == EVERYBODY
    assert examination.source
    assert examination.source.unread == ["(Z)", "(XFD)"]


# rows that are nobody


def test_hidden_rows_and_columns_of_xlsx_are_read_and_said_to_be(tmp_path: Path) -> None:
    made = book(path := tmp_path / "r.xlsx", Data=TABLE)
    made["Data"].row_dimensions[3].hidden = made["Data"].row_dimensions[4].hidden = True
    made["Data"].row_dimensions[9].hidden = True
    made["Data"].column_dimensions["C"].hidden = True
    made["Data"].column_dimensions["Z"].hidden = True
    made.save(path)
    assert names(path) == ["Ani, S.Pd.", "Budi", "Cici"]
    rows, columns = [problem for problem in look(path).problems if problem.code.endswith("_hidden")]
    assert rows.text(Locale.EN).message == "2 hidden or filtered rows were read as well: rows 3–4."
    assert columns.text(Locale.EN).message == "Hidden columns were read as well: email."


def _ods(path: Path, *sheets: str) -> Path:
    """A document of LibreOffice, as small as it may be; each sheet is its XML."""
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text", "style")
    )
    hides = ('<style:style style:name="ta2" style:family="table"><style:table-properties table:display="false"/>'
             "</style:style>")  # fmt: skip
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "content.xml",
            f"<office:document-content {spaces}><office:automatic-styles>{hides}</office:automatic-styles><office:body>"
            f"<office:spreadsheet>{''.join(sheets)}</office:spreadsheet></office:body></office:document-content>",
        )
    return path


def _sheet(rows: list[list[str]], *, name: str = "Data", style: str = "ta1", columns: str = "", **hides: str) -> str:
    """`hides`: the visibility of a row, such as `r3="filter"`; a text that begins with < is a cell as it is."""

    def cell(text: str) -> str:
        whole = f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'
        return text if text.startswith("<") else whole

    lines = "".join(
        f'<table:table-row table:visibility="{hides.get(f"r{number}", "visible")}">{"".join(map(cell, row))}'
        "</table:table-row>"
        for number, row in enumerate(rows, 1)
    )
    return f'<table:table table:name="{name}" table:style-name="{style}">{columns}{lines}</table:table>'


def test_hidden_rows_and_columns_of_ods_are_read_and_said_to_be(tmp_path: Path) -> None:
    columns = (
        '<table:table-column table:number-columns-repeated="2"/>'
        '<table:table-column table:visibility="collapse"/>'
        '<table:table-column table:number-columns-repeated="16380"/>'
    )
    path = _ods(tmp_path / "r.ods", _sheet(TABLE, columns=columns, r3="filter", r4="collapse"))
    assert names(path) == ["Ani, S.Pd.", "Budi", "Cici"]
    rows, hidden = [problem for problem in look(path).problems if problem.code.endswith("_hidden")]
    assert rows.text(Locale.ID).message == "2 baris tersembunyi atau tersaring ikut dibaca: baris 3–4."
    assert hidden.text(Locale.ID).message == "Kolom tersembunyi ikut dibaca: email."


def test_nothing_hidden_is_not_spoken_of(tmp_path: Path) -> None:
    book(tmp_path / "r.xlsx", Data=TABLE)
    _ods(tmp_path / "r.ods", _sheet(TABLE))
    for path in (tmp_path / "r.xlsx", tmp_path / "r.ods"):
        assert not [code for _, code in codes(path) if code.endswith("_hidden")]


def test_a_hidden_sheet_of_ods_is_not_read_and_is_named(tmp_path: Path) -> None:
    path = _ods(tmp_path / "r.ods", _sheet([HEADER, CICI], name="Lama", style="ta2"), _sheet([HEADER, BOSS, BUDI]))
    found = look(path)
    assert [row.name for row in found.rows_ok] == ["Ani, S.Pd.", "Budi"]
    assert found.source is not None
    assert list(found.source.hidden) == ["Lama"]


@pytest.mark.parametrize(
    ("value", "shown", "code"),
    [
        ("7", "007", "007"),
        ("5.1", "05.10", "05.10"),
        ("1500", "1.500", "1500"),
        ("12", "12,00", "12"),
        ("3", "A-3", "A-3"),
    ],
)
def test_the_number_that_ods_shows_is_the_code(tmp_path: Path, value: str, shown: str, code: str) -> None:
    cell = (f'<table:table-cell office:value-type="float" office:value="{value}"><text:p>{shown}</text:p>'
            "</table:table-cell>")  # fmt: skip
    rows = [[*row[:4], cell, *row[5:]] if row is not HEADER else row for row in TABLE]
    found = look(_ods(tmp_path / "r.ods", _sheet(rows)))
    assert {row.unit_code for row in found.rows_ok} == {code}


def test_rows_that_are_nobody_are_passed_over_and_counted(tmp_path: Path) -> None:
    numbered: list[Cells] = [["No", *HEADER], list(range(1, 11))]
    numbered += [[number, *row] for number, row in enumerate(TABLE[1:], 1)]
    numbered += [[number] for number in range(4, 20)]
    numbered += [["", "Jumlah", 3], [], ["", "", "Mamuju, 2 Januari 2027"], ["", "", "Kepala Badan,"],
                 ["", "", "", "", "", "NIP 19830927 200601 2 001"], ["No", *HEADER]]  # fmt: skip
    book(tmp_path / "r.xlsx", Data=[["DAFTAR PEGAWAI"], [], *numbered])
    examination = look(tmp_path / "r.xlsx")
    assert examination.counts["rows"] == examination.counts["accepted"] == 3
    assert list(examination.units) == ["A"]
    assert examination.source
    assert examination.source.passed_over == [4, *range(8, 24), 24, 26, 27, 28, 29]
    (note,) = [problem for problem in examination.problems if problem.code == "rows_passed_over"]
    assert "22 baris" in note.text(Locale.ID).message
    assert "4, 8–24, 26–29" in note.text(Locale.ID).message


def test_a_person_without_a_number_is_not_nobody(tmp_path: Path) -> None:
    path = csv(tmp_path / "r.csv", HEADER, BOSS[:8], ["", *BUDI[1:]], ["", "Cici", "", "pns", "A", "", ""])
    assert [(row, code) for row, code in codes(path) if code == "nip_missing"] == [
        (3, "nip_missing"),
        (4, "nip_missing"),
    ]


# headers over several rows


def test_a_header_over_two_rows_is_read_by_the_lower_with_the_titles_above(tmp_path: Path) -> None:
    upper: Cells = [
        "NIP",
        "Nama",
        "Surel",
        "Jenis Pegawai",
        "Unit",
        None,
        "Atasan",
        None,
        "Pimpinan Unit",
        "Masa aktif",
        None,
    ]
    lower: Cells = [None, None, None, None, "Kode", "Nama", "NIP", "Nama", None, "Dari", "Sampai"]
    rows: list[Cells] = [[*row[:5], "Unit A", row[5], "Bos", row[6], "2020-01-01", "2028-01-01"] for row in TABLE[1:]]
    made = book(tmp_path / "r.xlsx", Data=[["DAFTAR"], upper, lower, *rows])
    for merged in ("A1:K1", "A2:A3", "B2:B3", "C2:C3", "D2:D3", "E2:F2", "G2:H2", "I2:I3", "J2:K2"):
        made["Data"].merge_cells(merged)
    made.save(tmp_path / "r.xlsx")
    lines = [["" if cell is None else str(cell) for cell in row] for row in (upper, lower, *rows)]
    for path in (tmp_path / "r.xlsx", csv(tmp_path / "r.csv", "DAFTAR", *lines)):
        read = look(path).rows_ok
        assert [row.name for row in read] == EVERYBODY
        assert {(row.unit_code, row.unit_name, row.active_from, row.active_to) for row in read} == {
            ("A", "Unit A", date(2020, 1, 1), date(2028, 1, 1))
        }
        source = look(path).source
        assert source
        assert source.unread == ["Nama Atasan"]
        assert source.header_row == 3


# exports of the national personnel system


def test_the_headers_and_values_of_the_national_system_are_known(tmp_path: Path) -> None:
    long = "Bidang Pembinaan Ketenagaan Pendidikan Anak Usia Dini dan Pendidikan Nonformal Kabupaten"
    header = ["NIP", "NI PPPK", "NAMA", "GOL RUANG", "EMAIL", "JENIS PEGAWAI", "UNOR NAMA", "JENIS JABATAN",
              "KEDUDUKAN HUKUM", "TMT CPNS", "TMT PENGANGKATAN", "RUMPUN", "NIP ATASAN", "KEPALA UNIT"]  # fmt: skip
    rows = [
        [BOSS[0], "", "Ani", "IV/a", BOSS[2], "PNS", long, "Struktural", "Aktif", "01-03-2010", "", "", "", "ya"],
        ["", CICI[0], "Cici", "IX", CICI[2], "PPPK Paruh Waktu", long, "Pelaksana", "", "", "01-03-2020", "", BOSS[0],
         "tidak"],
        [BUDI[0], "", "Budi", "III/a", BUDI[2], "PNS", long, "Fungsional", "Cuti Melahirkan", "01-03-2010", "", "",
         BOSS[0], "tidak"],
    ]  # fmt: skip
    examination = look(csv(tmp_path / "r.csv", header, *rows))
    ani, cici, budi = examination.rows_ok
    assert [problem.code for problem in examination.problems if problem.blocks] == ["absence_incomplete"]
    assert (cici.nip, cici.employment, cici.active_from) == (CICI[0], "pppk", date(2020, 3, 1))
    assert (ani.post_group, budi.post_group, budi.absence_kind) == ("ja", "jf", "maternity")
    assert len(ani.unit_code) <= 60
    assert ani.unit_code == cici.unit_code
    assert ani.unit_name == long
    noted = {problem.code: problem.text(Locale.ID).message for problem in examination.problems}
    assert "RUMPUN" in noted["job_family_empty"]
    assert "GOL RUANG" in noted["column_unknown"]
    assert "NI PPPK" not in noted["column_unknown"]


@pytest.mark.parametrize(
    ("standing", "problem"),
    [
        ("Aktif", None),
        ("Tugas Belajar", "absence_incomplete"),
        ("Pensiun", "service_ended"),
        ("Libur", "absence_unreadable"),
    ],
)
def test_the_legal_standing_of_a_person_is_read_and_never_dropped(
    tmp_path: Path, standing: str, problem: str | None
) -> None:
    path = csv(tmp_path / "r.csv", [*HEADER, "KEDUDUKAN HUKUM"], [*BOSS, "Aktif"], [*BUDI, standing])
    assert [code for row, code in codes(path) if row == 3] == ([problem] if problem else [])


def test_two_numbers_in_one_row_are_asked_about(tmp_path: Path) -> None:
    path = csv(tmp_path / "r.csv", [*HEADER, "NI PPPK"], [*BOSS, ""], [*BUDI, CICI[0]])
    assert (3, "nip_two") in codes(path)


# mailboxes


def test_addresses_of_one_mailbox_are_noted_and_others_are_not(tmp_path: Path) -> None:
    def of(address: str, row: list[str]) -> list[str]:
        return [*row[:2], address, *row[3:7], "", ""]

    path = csv(tmp_path / "r.csv", HEADER, of("op.sd@gmail.com", BOSS), of("OpSd+b@googlemail.com", BUDI))
    assert (3, "mailbox_shared") in codes(path)
    path = csv(tmp_path / "r.csv", HEADER, of("op.sd@contoh.example", BOSS), of("opsd@contoh.example", BUDI))
    assert "mailbox_shared" not in [code for _, code in codes(path)]


# waivers


def test_waivers_are_read_as_rosters_are(tmp_path: Path) -> None:
    path = tmp_path / "waivers.csv"
    path.write_bytes('nip;code;reason\n="197101012010031001";address_shared;satu; komputer\n'.encode("utf-16-le"))
    assert read_waivers(path) == {("197101012010031001", "address_shared"): "satu, komputer"}


def test_reading_ends_where_the_reader_stops_asking(tmp_path: Path) -> None:
    path = csv(tmp_path / "r.csv", HEADER, BOSS[:8], *[BUDI] * 5000)
    rows = (item for item in read_roster(path) if isinstance(item, RosterRow))
    assert next(rows).name == "Ani, S.Pd."
    rows.close()
