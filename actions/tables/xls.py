"""XLS of Excel 97 to 2003: calamine reads the text; a second look finds errors and how numbers are shown."""

import struct
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from actions.tables.biff import Notes, look_at
from actions.tables.line import MAX_COLUMNS, Book, Line, Progress, Sheet, TableRefused
from actions.tables.numbers import plain
from rules.roster.header import Merge

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook


def read(path: Path, tell: Progress) -> Book:
    """All sheets of a workbook."""
    from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

    try:
        notes = look_at(path)
        workbook = CalamineWorkbook.from_path(str(path))
    except (CalamineError, OSError, struct.error, IndexError, ValueError) as error:
        raise TableRefused(
            "Lembar kerja tidak dapat dibuka. Hapus kata sandinya atau simpan ulang sebagai .xlsx.",
            "The spreadsheet cannot be opened. Remove its password or save it again as .xlsx.",
        ) from error
    sheets = [
        _sheet(workbook, meta.name, meta.visible == SheetVisibleEnum.Visible, notes.get(meta.name, Notes()), tell)
        for meta in workbook.sheets_metadata
    ]
    return Book("xls", sheets)


def _sheet(workbook: "CalamineWorkbook", name: str, visible: bool, notes: Notes, tell: Progress) -> Sheet:
    def lines() -> Iterator[Line]:
        sheet: CalamineSheet = workbook.get_sheet_by_name(name)
        total = sheet.total_height
        for row, cells in enumerate(sheet.iter_rows()):
            if row % 500 == 0:
                tell(row, total)
            texts = [_text(cell, notes.shown.get((row, column))) for column, cell in enumerate(cells[:MAX_COLUMNS])]
            errors = notes.errors.get(row, {})
            for column, error in errors.items():
                texts += [""] * (column + 1 - len(texts))
                texts[column] = error
            if any(text.strip() for text in texts):
                yield Line(row + 1, texts, tuple(errors))

    merges = [Merge(top + 1, bottom + 1, left, right) for top, bottom, left, right in notes.merges]
    return Sheet(name, lines(), visible, merges, first_day_1904=notes.first_day_1904)


def _text(cell: object, shown: str | None) -> str:
    if shown is not None and isinstance(cell, int | float) and not isinstance(cell, bool):
        return shown
    if isinstance(cell, bool):
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    return plain(float(cell)) if isinstance(cell, int | float) else str(cell)
