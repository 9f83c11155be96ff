"""The agency's own roster written back: every line as it was read, problems marked in their cells, and what to do."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from actions.roster.files import lines_of
from actions.tables.line import Line
from actions.tables.workbook import new_workbook
from rules.roster.columns import ADVICE, Header, RosterRefused, match_header
from rules.roster.doctor import Examination, Problem
from rules.roster.groups import grouped
from rules.terms import Locale

MOST_ROWS = 1_048_576
SUMMARY = {Locale.ID: "Ringkasan", Locale.EN: "Summary"}
HEADS = {
    Locale.ID: ("Jumlah", "Masalah", "Baris", "Diperbaiki oleh", "Caranya"),
    Locale.EN: ("Count", "Problem", "Rows", "Mended by", "How"),
}
FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\", " "))


def write_marked(path: Path, examination: Examination, out: Path, locale: Locale) -> None:
    """Write an XLSX that the doctor reads again; only text is in it, so codes keep their zeros.

    RosterRefused if the roster has more rows than a sheet, OSError if `out` cannot be written: nothing is then.
    """
    table, lines = lines_of(path)
    header = match_header(table.names)
    by_row: dict[int, list[Problem]] = {}
    for problem in examination.problems:
        by_row.setdefault(problem.row, []).append(problem)
    width = max([len(table.names), *(len(line.cells) for line in lines)])
    if ADVICE in table.names:  # the file was written by us before
        width = table.names.index(ADVICE)
    with new_workbook(out, {"constant_memory": True, "strings_to_formulas": False}) as book:
        looks = _looks(book)
        sheet = book.add_worksheet(_sheet_name(table.sheet, SUMMARY[locale]))
        sheet.set_column(0, max(width - 1, 0), 18, looks["text"])
        sheet.set_column(width, width, 80, looks["advice"])
        sheet.freeze_panes(table.last, 0)
        for line in lines_of(path)[1]:
            if line.number > MOST_ROWS:
                raise RosterRefused(f"Lebih dari {MOST_ROWS} baris. / More rows than a sheet has.")
            is_header = line.number == table.last
            problems = by_row.get(line.number, []) if line.number > table.last else []
            _write_line(sheet, looks, line, problems, header, width, locale, is_header=is_header)
        _summarize(book, looks, examination, locale)


def _looks(book: Any) -> dict[str, Any]:
    wrapped = {"text_wrap": True, "valign": "top"}
    return {
        "text": book.add_format({"num_format": "@"}),
        "advice": book.add_format({"num_format": "@", **wrapped}),
        "header": book.add_format({"num_format": "@", "bold": True, "bg_color": "#E7E6E6"}),
        "grave": book.add_format({"num_format": "@", "bg_color": "#F8CBAD", "border": 1, "border_color": "#C00000"}),
        "light": book.add_format({"num_format": "@", "bg_color": "#FFE699", "border": 1, "border_color": "#BF8F00"}),
    }


def _sheet_name(name: str, taken: str) -> str:
    clean = name.translate(FORBIDDEN).strip(" '")[:31]
    return clean if clean and clean.casefold() != taken.casefold() else "Data"


def _write_line(
    sheet: Any, looks: dict[str, Any], line: Line, problems: Sequence[Problem], header: Header, width: int,
    locale: Locale, *, is_header: bool,
) -> None:  # fmt: skip
    row = line.number - 1
    places = dict(header.order)
    marks: dict[int, list[Problem]] = {}
    for problem in problems:
        if problem.column in places:
            marks.setdefault(places[problem.column][0], []).append(problem)
    for column in sorted({*range(min(len(line.cells), width)), *marks}):
        text = line.cells[column] if column < len(line.cells) else ""
        look = "header" if is_header else "text"
        if found := marks.get(column):
            look = "grave" if any(problem.blocks for problem in found) else "light"
            words = "\n".join(problem.text(locale).message for problem in found)
            sheet.write_comment(row, column, words, {"x_scale": 2, "y_scale": 1 + len(words) / 200})
        sheet.write_string(row, column, text, looks[look]) if text else sheet.write_blank(
            row, column, None, looks[look]
        )
    if is_header:
        sheet.write_string(row, width, ADVICE, looks["header"])
    elif problems:
        sheet.write_string(row, width, "\n".join(_advice(problem, locale) for problem in problems), looks["advice"])


def _advice(problem: Problem, locale: Locale) -> str:
    message, fixer, remedy = problem.text(locale)
    return f"{message} {remedy} ({fixer})"


def _summarize(book: Any, looks: dict[str, Any], examination: Examination, locale: Locale) -> None:
    sheet = book.add_worksheet(SUMMARY[locale])
    for column, (head, wide) in enumerate(zip(HEADS[locale], (9, 70, 30, 40, 70), strict=True)):
        sheet.set_column(column, column, wide, looks["advice"])
        sheet.write_string(0, column, head, looks["header"])
    for row, group in enumerate(grouped(examination.problems), 1):
        text = group.text(locale)
        numbers = [str(problem.row) for problem in group.problems if problem.row]
        rows = ", ".join([*numbers[:30], *(["…"] if len(numbers) > 30 else [])])
        for column, words in enumerate((str(group.count), text.message, rows, text.fixer, text.remedy)):
            sheet.write_string(row, column, words, looks["advice"])
