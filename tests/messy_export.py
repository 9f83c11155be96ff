"""A spreadsheet as a personnel office really has it: 300 invented people of a city, and all that is wrong with it.

    python -m tests.messy_export FOLDER        # writes FOLDER/data_pegawai.xlsx

An instruction sheet stands first and last year's list is hidden; titles, a header over two lines and a row of column
numbers come before the people, pre-numbered empty rows, a total and a signature after them.
"""

import sys
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from random import Random

import xlsxwriter

PEOPLE = 300
HEADER = ("No", "NIP /\nNI PPPK", "Nama Lengkap", "Surel", "Status\nKepegawaian", "Gol Ruang", "Jenis Jabatan",
          "Nama Jabatan", "TMT Jabatan", "Kode UNOR", "UNOR Nama", "Kode Induk", "NIP Atasan", "Pimpinan Unit",
          "Kedudukan Hukum", "Rumpun", "Peran")  # fmt: skip
OFFICES = (
    ("SETDA", "Sekretariat Daerah", "KOTA"),
    ("BKPSDM", "Badan Kepegawaian dan Pengembangan Sumber Daya Manusia", "SETDA"),
    ("DISDIK", "Dinas Pendidikan dan Kebudayaan", "SETDA"),
    ("DINKES", "Dinas Kesehatan", "SETDA"),
    ("DUKCAPIL", "Dinas Kependudukan dan Pencatatan Sipil", "SETDA"),
    ("DPUPR", "Dinas Pekerjaan Umum, Penataan Ruang, Perumahan Rakyat dan Kawasan Permukiman", "SETDA"),
    ("SDN-01", "SD Negeri 1 Karang Ketapang", "DISDIK"),
    ("SMPN-04", "SMP Negeri 4 Karang Ketapang", "DISDIK"),
    ("PKM-BUKIT", "UPTD Puskesmas Bukit Karang", "DINKES"),
    ("KEC-UTARA", "Kecamatan Karang Utara", "SETDA"),
    ("KEL-LANGKAI", "Kelurahan Langkai", "KEC-UTARA"),
)
GIVEN = (
    "Agus", "Aminah", "Bambang", "Dahlia", "Eka", "Fitri", "Gunawan", "Hasan", "Indah", "Joko", "Kartini", "Lukman",
    "Maya", "Nurul", "Oka", "Putri", "Rahmat", "Siti",
)  # fmt: skip
FAMILY = (
    "Anggraini", "Bahar", "Cahyono", "Damanik", "Effendi", "Fauzi", "Ginting", "Hidayat", "Iskandar", "Jaya", "Kusuma",
    "Lubis", "Manurung", "Nasution",
)  # fmt: skip
DEGREES = ("", "", "", ", S.Pd.", ", S.E., M.Si.", ", A.Md.Keb.", ", S.Kom")


@dataclass(frozen=True)
class Line:
    """One person as the sheet has them; every cell is text but the day."""

    nip: str
    name: str
    email: str
    status: str
    grade: str
    group: str
    post: str
    since: date
    unit: str
    unit_name: str
    parent: str
    superior: str
    head: str
    standing: str = "Aktif"
    roles: str = ""


def people(seed: int = 1) -> list[Line]:
    """All 300 without a fault, heads before their staff; the mayor holds no NIP and is rated by nobody."""
    chance = Random(seed)
    mayor = Line("", "Hj. Ratna Palangka", "wali.kota@karang.example", "Pejabat Negara", "", "", "Wali Kota",
                 date(2025, 2, 20), "KOTA", "Kota Karang Ketapang", "", "", "Ya", roles="PPK")  # fmt: skip
    heads: dict[str, Line] = {"KOTA": mayor}
    lines = [mayor]
    for number, (code, name, parent) in enumerate(OFFICES):
        superior = heads[parent].nip or heads[parent].name
        heads[code] = _person(chance, number, code, name, parent, superior, head=True)
        lines.append(heads[code])
    while len(lines) < PEOPLE:
        code, name, parent = OFFICES[len(lines) % len(OFFICES)]
        lines.append(_person(chance, len(lines), code, name, parent, heads[code].nip, head=False))
    officers = [place for place, line in enumerate(lines) if line.unit == "BKPSDM" and line.head != "Ya"][:2]
    for place in officers:
        lines[place] = replace(lines[place], roles="Pengelola Kinerja")
    return lines


def _person(chance: Random, number: int, code: str, unit: str, parent: str, superior: str, *, head: bool) -> Line:
    born = date(1968 + number % 30, 1 + number % 12, 1 + number % 28)
    contract = not head and number % 7 == 0
    begins = date(born.year + 24, 1 + number % 12, 1)
    gender = 1 + number % 2
    tail = (
        f"{begins:%Y}21{gender}{1 + number % 999:03d}" if contract else f"{begins:%Y%m}{gender}{1 + number % 999:03d}"
    )
    given, family = chance.choice(GIVEN), chance.choice(FAMILY)
    status = chance.choice(("PPPK", "PPPK Paruh Waktu")) if contract else "PNS"
    group = "Struktural" if head else ("Fungsional" if code in ("SDN-01", "SMPN-04", "PKM-BUKIT") else "Pelaksana")
    post = (
        f"Kepala {unit}" if head else chance.choice(("Guru Ahli Pertama", "Perawat Terampil", "Pengadministrasi Umum"))
    )
    return Line(f"{born:%Y%m%d}{tail}", f"{given} {family}{chance.choice(DEGREES)}",
                f"{given}.{family}.{number}@karang.example".lower(), status, "IX" if contract else "III/b", group, post,
                begins, code, unit, parent, superior, "Ya" if head else "Tidak")  # fmt: skip


def spoiled(lines: list[Line]) -> list[Line]:
    """The list with what HR has to mend: each fault once, on people who are no heads."""
    staff = [place for place, line in enumerate(lines) if line.head != "Ya" and not line.roles]
    found = list(lines)
    faults: list[dict[str, str]] = [
        {"email": "bukan-alamat"}, {"email": ""}, {"nip": lines[staff[2]].nip[:-1]},
        {"superior": "199999999999999999"}, {"email": "nama@karang,example"},
    ]  # fmt: skip
    for place, fault in zip(staff, faults, strict=False):
        found[place] = replace(found[place], **fault)
    spaced = staff[6]
    found[spaced] = replace(found[spaced], nip=_spaced(found[spaced].nip))
    found[staff[7]] = replace(found[staff[7]], standing="Cuti Melahirkan")
    found[staff[8]] = replace(found[staff[8]], standing="Tugas Belajar")
    return [*found, found[staff[9]]]


def _spaced(nip: str) -> str:
    return f"{nip[:8]} {nip[8:14]} {nip[14:15]} {nip[15:]}"


def write(folder: Path, lines: list[Line]) -> Path:
    """The workbook around the lines; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "data_pegawai.xlsx"
    with xlsxwriter.Workbook(str(file)) as book:
        book.add_worksheet("Petunjuk").write_column(0, 0, ["Cara mengisi", "1. Isi semua kolom.", "2. Simpan."])
        last_year = book.add_worksheet("Data 2025")
        last_year.write_row(0, 0, HEADER)
        last_year.write_row(1, 0, ["1", lines[1].nip, "Orang Lama", "orang.lama@lama.example", "PNS"])
        last_year.hide()
        sheet = book.add_worksheet("Data Pegawai")
        sheet.merge_range(0, 0, 0, 6, "DAFTAR PEGAWAI NEGERI SIPIL DAN PPPK")
        sheet.write(1, 0, "Pemerintah Kota Karang Ketapang, keadaan 1 November 2026")
        sheet.write_row(3, 0, HEADER, book.add_format({"text_wrap": True, "bold": True}))
        sheet.write_row(4, 0, list(range(1, len(HEADER) + 1)))
        day = book.add_format({"num_format": "dd-mm-yyyy"})
        for number, line in enumerate(lines, start=1):
            _write_line(sheet, 4 + number, number, line, day)
        end = 5 + len(lines)
        for number in range(5):
            sheet.write(end + number, 0, len(lines) + 1 + number)
        sheet.write(end + 6, 2, "Jumlah")
        sheet.write(end + 6, 3, len(lines))
        sheet.write(end + 8, 11, "Karang Ketapang, 2 November 2026")
        sheet.write(end + 12, 11, "Kepala BKPSDM")
        sheet.activate()
    return file


def _write_line(sheet: "xlsxwriter.worksheet.Worksheet", row: int, number: int, line: Line, day: object) -> None:
    cells = [line.nip, line.name, line.email, line.status, line.grade, line.group, line.post, line.since, line.unit,
             line.unit_name, line.parent, line.superior, line.head, line.standing, "", line.roles]  # fmt: skip
    sheet.write_number(row, 0, number)
    for column, value in enumerate(cells, start=1):
        if isinstance(value, date):
            sheet.write_datetime(row, column, value, day)
        else:
            sheet.write_string(row, column, value)


if __name__ == "__main__":
    print(write(Path(sys.argv[1]), spoiled(people())))
