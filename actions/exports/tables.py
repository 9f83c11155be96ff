"""The results of a cycle as CSV for programs and as a workbook for people."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from actions.exports.files import (
    DRAFT,
    Exported,
    ExportRefused,
    Tally,
    demand_final,
    exported,
    marked,
    roster_of,
    write_rows,
)
from actions.exports.rows import ResultRow, counted
from actions.tables.workbook import new_workbook
from models import Agency, Cycle
from notifications.documents import words
from private_files import replacing
from rules.exact import exact, shown
from rules.pack.pack import Labels, Pack
from rules.terms import EmploymentKind, Locale, ObjectionState

HEADS = (
    "NIP", "Nama", "Kepegawaian", "Kode unit", "Unit kerja", "Jabatan", "NIP pejabat penilai", "Pejabat penilai",
    "Predikat organisasi", "Hasil kerja", "Perilaku kerja", "Nilai SKP", "Nilai perilaku", "Nilai akhir",
    "Predikat kinerja", "Versi hasil", "Keberatan", "Disampaikan", "Diterima", "Cara diterima", "Final", "Keadaan",
    "Penjelasan tanpa hasil", "Sifat data",
)  # fmt: skip
RATED = tuple(kind for kind in EmploymentKind if kind is not EmploymentKind.STATE_OFFICIAL)
SHEET_ROWS = 1_048_576
WIDTHS = {"NIP": 21, "Nama": 30, "Unit kerja": 34, "Jabatan": 28, "NIP pejabat penilai": 21, "Pejabat penilai": 30,
          "Penjelasan tanpa hasil": 40, "Keberatan": 24, "Keadaan": 24}  # fmt: skip


def write_csv(session: Session, cycle_id: int, path: Path, *, draft: bool = False) -> Exported:
    """Write one row per person; UTF-8 with a mark that Excel understands. ExportRefused unless it adds up."""
    demand_final(session, cycle_id, draft=draft)
    cycle, tally, path = session.get_one(Cycle, cycle_id), Tally(), marked(path, draft)
    labels, zone = _labels(cycle), session.get_one(Agency, cycle.agency_id).zone
    with replacing(path) as beside:
        with beside.open("w", encoding="utf-8-sig", newline="") as file:
            rows = (_cells(row, labels, zone, draft) for row in counted(session, cycle_id, tally))
            count = write_rows(file, HEADS, rows)
        tally.check(draft)
    return exported(path, count, counts_of(tally), draft)


def write_xlsx(session: Session, cycle_id: int, path: Path, *, at: datetime, draft: bool = False) -> Exported:
    """Write a workbook with the results, their counts, who has none and how it was made; no cell is a formula."""
    demand_final(session, cycle_id, draft=draft)
    if roster_of(session, cycle_id) >= SHEET_ROWS:
        raise ExportRefused(f"A sheet holds {SHEET_ROWS - 1:,} people: export CSV instead.")
    cycle, tally, path = session.get_one(Cycle, cycle_id), Tally(), marked(path, draft)
    agency = session.get_one(Agency, cycle.agency_id)
    options = {"constant_memory": True, "strings_to_urls": False}
    with new_workbook(path, options) as book:
        book.set_properties({"title": f"Hasil evaluasi kinerja {agency.name} {cycle.year}", "created": at})
        sheets = _Sheets(book, draft)
        results, recap = sheets.add("Hasil"), sheets.add("Rekap")
        without, notes = sheets.add("Tanpa Hasil"), sheets.add("Keterangan")
        for sheet in (results, without):
            sheet.table(HEADS)
        labels = _labels(cycle)
        for row in counted(session, cycle_id, tally):
            (results if row.predicate else without).line(_cells(row, labels, agency.zone, draft))
        tally.check(draft)
        _recap(recap, tally, cycle)
        _notes(notes, tally, cycle, agency, at, draft)
    return exported(path, tally.roster, counts_of(tally), draft)


def counts_of(tally: Tally) -> dict[str, int]:
    return {"roster": tally.roster, "with_result": tally.with_result, "without_result": tally.without_result,
            "unfinished": tally.unfinished}  # fmt: skip


def _labels(cycle: Cycle) -> Labels:
    return Pack.model_validate_json(cycle.pack).labels[Locale.ID]


def _label(known: Mapping[Any, str], value: Any) -> str:
    return "" if value is None else known.get(value, value.value)


def _score(text: str | None) -> str:
    return "" if text is None else words.number(shown(exact(text)))


def _cells(row: ResultRow, labels: Labels, zone: str, draft: bool) -> list[str]:
    decided = row.objection is ObjectionState.DECIDED and row.outcome is not None
    return [
        row.nip, row.name, words.EMPLOYMENT[row.employment], row.unit_code, row.unit, row.post or "",
        row.rater_nip or "", row.rater or "", _label(labels.organisation, row.org_predicate),
        _label(labels.ratings, row.result_rating), _label(labels.ratings, row.behavior_rating),
        _score(row.part("skp")), _score(row.part("behavior")), "" if row.score is None else words.number(row.score),
        _label(labels.predicates, row.predicate), str(row.version) if row.version else "",
        _label(words.OUTCOMES, row.outcome) if decided else _label(words.OBJECTIONS, row.objection),
        words.local_day(row.issued_at, zone), words.local_day(row.received_at, zone),
        _label(words.RECEIPTS, row.receipt), words.local_day(row.finalized_at, zone), words.STATES[row.state],
        "" if row.predicate else words.explanation(row.explanation), DRAFT if draft else "FINAL",
    ]  # fmt: skip


class _Sheets:
    def __init__(self, book: Any, draft: bool) -> None:
        self.book, self.draft = book, draft
        self.bold = book.add_format({"bold": True, "bg_color": "#EEF1F4", "border": 1, "text_wrap": True})

    def add(self, name: str) -> "_Sheet":
        sheet = self.book.add_worksheet(f"{name} ({DRAFT})" if self.draft else name)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_footer("&L&A&RHalaman &P dari &N")
        if self.draft:
            sheet.set_header(f"&C&B{DRAFT}")
            sheet.set_tab_color("#C00000")
        return _Sheet(sheet, self.bold)


class _Sheet:
    """Writes downwards only, as constant memory demands; text is never read as a formula."""

    def __init__(self, sheet: Any, bold: Any) -> None:
        self.sheet, self.bold, self.row = sheet, bold, 0

    def table(self, heads: Sequence[str]) -> None:
        for column, head in enumerate(heads):
            self.sheet.set_column(column, column, WIDTHS.get(head, 15))
        self.sheet.freeze_panes(1, 2)
        self.sheet.repeat_rows(0)
        self.line(heads, bold=True)

    def line(self, cells: Sequence[str | int], *, bold: bool = False) -> None:
        for column, cell in enumerate(cells):
            form = self.bold if bold else None
            if isinstance(cell, str):
                self.sheet.write_string(self.row, column, cell, form)
            else:
                self.sheet.write_number(self.row, column, cell, form)
        self.row += 1


def _recap(sheet: _Sheet, tally: Tally, cycle: Cycle) -> None:
    """Predicates by employment with their sums, then by unit."""
    pack = Pack.model_validate_json(cycle.pack)
    names = [pack.label(predicate, Locale.ID) for predicate in pack.scale]
    sheet.sheet.set_column(0, 0, 16)
    sheet.sheet.set_column(1, 1, 40)
    sheet.line(["Kepegawaian", "", *names, "Jumlah"], bold=True)
    for kind in RATED:
        counts = [tally.predicates[kind, predicate] for predicate in pack.scale]
        sheet.line([words.EMPLOYMENT[kind], "", *counts, sum(counts)])
    sums = [sum(tally.predicates[kind, predicate] for kind in RATED) for predicate in pack.scale]
    sheet.line(["Jumlah", "", *sums, sum(sums)], bold=True)
    sheet.line([])
    keys = [*(predicate.value for predicate in pack.scale), "without_result", "unfinished"]
    sheet.line(["Kode unit", "Unit kerja", *names, "Tanpa hasil", "Belum selesai", "Jumlah"], bold=True)
    total: Counter[str] = Counter()
    for (code, name), unit in tally.units.items():
        sheet.line([code, name, *(unit[key] for key in keys), unit.total()])
        total.update(unit)
    sheet.line(["Jumlah", "", *(total[key] for key in keys), total.total()], bold=True)


def _notes(sheet: _Sheet, tally: Tally, cycle: Cycle, agency: Agency, at: datetime, draft: bool) -> None:
    sheet.sheet.set_column(0, 0, 34)
    sheet.sheet.set_column(1, 1, 70)
    lines: list[tuple[str, str | int]] = [
        ("Instansi", agency.name), ("Tahun", cycle.year), ("Sifat data", DRAFT if draft else "FINAL"),
        ("Paket kebijakan", cycle.pack_name), ("Versi paket", cycle.pack_version),
        ("SHA-256 paket", cycle.pack_sha256), ("Dibuat", words.at(at.isoformat(), agency.zone)),
        ("Pegawai dalam siklus", tally.roster), ("Dengan hasil", tally.with_result),
        ("Tanpa hasil, dengan penjelasan", tally.without_result), ("Belum selesai", tally.unfinished),
        ("Selisih", tally.roster - tally.with_result - tally.without_result - tally.unfinished),
    ]  # fmt: skip
    for line in lines:
        sheet.line(line)
