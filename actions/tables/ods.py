"""ODS: the text that each cell shows is written beside its value."""

import re
from collections.abc import Iterator
from pathlib import Path

from actions.tables.line import MAX_CELL, MAX_COLUMNS, Book, Line, Progress, Sheet, TableRefused, Unseen
from actions.tables.numbers import EXACT_BELOW, plain
from actions.tables.package import Package, local, parser_for
from rules.roster.header import Merge

PART = "content.xml"
_ZEROS = re.compile(r"0[0-9]")
"""Zeros that only a format shows: the number is a code."""
MAX_ROW = 1_048_576
MOST_REPEATED = 10_000
"""Times that a row which holds something may stand there again at once."""


def read(path: Path, tell: Progress) -> Book:
    """All sheets of a document, their lines unread as yet."""
    package = Package(path, tell)
    hidden: set[str] = set()
    style = [""]
    sheets: list[Sheet] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        name = local(tag)
        if name == "style":
            style[0] = attributes.get("style:name", "")
        elif name == "table-properties" and attributes.get("table:display") == "false":
            hidden.add(style[0])
        elif name == "table" and tag.startswith("table:"):
            visible = attributes.get("table:style-name", "") not in hidden
            merges: list[Merge] = []
            unseen = Unseen()
            lines = _lines(package, len(sheets), merges, unseen)
            sheets.append(Sheet(attributes.get("table:name", ""), lines, visible, merges, unseen=unseen))

    package.parse(PART, start)
    return Book("ods", sheets)


def _lines(package: Package, sheet: int, merges: list[Merge], unseen: Unseen) -> Iterator[Line]:
    rows = _Rows(sheet, merges, unseen)
    for chunk in package.chunks(PART, show=True):
        rows.parser.Parse(chunk, False)
        while rows.ready:
            yield from _repeated(rows)
        if rows.table > sheet and not rows.inside:
            return


def _repeated(rows: "_Rows") -> Iterator[Line]:
    line, times = rows.ready.pop(0)
    if times > MOST_REPEATED:
        raise TableRefused(
            f"Baris {line.number} berulang {times} kali; hapus ulangannya, lalu simpan lagi.",
            f"Row {line.number} is repeated {times} times; delete the repetitions and save the file again.",
        )
    for further in range(times):
        if line.number + further <= MAX_ROW:
            yield line._replace(number=line.number + further)


class _Rows:
    def __init__(self, sheet: int, merges: list[Merge], unseen: Unseen) -> None:
        self.sheet, self.merges, self.unseen = sheet, merges, unseen
        self.hidden = False
        self.column = 0
        """So many columns were declared."""
        self.table = 0
        """How many tables have begun."""
        self.inside = False
        self.ready: list[tuple[Line, int]] = []
        self.number = 1
        self.times = self.wide = 1
        self.cells: list[str] = []
        self.errors: list[int] = []
        self.cell: dict[str, str] | None = None
        self.text: list[str] = []
        self.paragraphs = self.notes = 0
        self.parser = parser_for(self.start, self.end, self.data)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "table:table":
            self.inside = self.table == self.sheet
            self.table += 1
        if not self.inside:
            return
        if tag == "table:table-row":
            self.times = _times(attributes.get("table:number-rows-repeated"))
            self.hidden = attributes.get("table:visibility", "visible") != "visible"
            self.cells, self.errors = [], []
        elif tag == "table:table-column":
            self._begin_columns(attributes)
        elif tag in ("table:table-cell", "table:covered-table-cell"):
            self.cell, self.text, self.paragraphs = attributes, [], 0
            self._merge(attributes)
        elif tag == "office:annotation":
            self.notes += 1
        elif tag == "text:p" and not self.notes:
            self.paragraphs += 1
            if self.paragraphs > 1:
                self.text.append("\n")
        elif tag in ("text:s", "text:tab", "text:line-break") and not self.notes:
            self.text.append("\n" if tag == "text:line-break" else " ")

    def _begin_columns(self, attributes: dict[str, str]) -> None:
        first = self.column
        self.column += _times(attributes.get("table:number-columns-repeated"))
        if attributes.get("table:visibility", "visible") != "visible":
            self.unseen.hide_columns(first, self.column - 1)

    def _merge(self, attributes: dict[str, str]) -> None:
        wide = _times(attributes.get("table:number-columns-spanned"))
        high = _times(attributes.get("table:number-rows-spanned"))
        if (wide > 1 or high > 1) and len(self.merges) < 50_000:
            left = len(self.cells)
            self.merges.append(Merge(self.number, self.number + high - 1, left, min(left + wide - 1, MAX_COLUMNS)))

    def data(self, text: str) -> None:
        if self.cell is not None and self.paragraphs and not self.notes:
            self.text.append(text)

    def end(self, tag: str) -> None:
        if tag == "table:table":
            self.inside = False
        if not self.inside:
            return
        if tag == "office:annotation":
            self.notes -= 1
        elif tag in ("table:table-cell", "table:covered-table-cell") and self.cell is not None:
            self._end_cell(self.cell)
            self.cell = None
        elif tag == "table:table-row":
            self._end_row()

    def _end_cell(self, attributes: dict[str, str]) -> None:
        text = _shown(attributes, "".join(self.text)[: MAX_CELL + 1])
        times = min(_times(attributes.get("table:number-columns-repeated")), MAX_COLUMNS - len(self.cells))
        if attributes.get("calcext:value-type") == "error":
            self.errors += range(len(self.cells), len(self.cells) + max(times, 0))
        self.cells += [text] * max(times, 0)

    def _unseen(self) -> None:
        for number in range(self.number, self.number + min(self.times, MOST_REPEATED)):
            self.unseen.row(number)

    def _end_row(self) -> None:
        while self.cells and not self.cells[-1].strip():
            self.cells.pop()
        if self.cells:
            if self.hidden:
                self._unseen()
            self.ready.append((Line(self.number, self.cells, tuple(self.errors)), self.times))
        self.number = min(self.number + self.times, MAX_ROW + 1)


def _times(text: str | None) -> int:
    return max(1, int(text)) if text and text.isascii() and text.isdigit() and len(text) < 9 else 1


def _shown(attributes: dict[str, str], text: str) -> str:
    kind = attributes.get("office:value-type", "")
    if kind == "date":
        return attributes.get("office:date-value", text).partition("T")[0]
    if kind == "boolean":
        return str(int(attributes.get("office:boolean-value") == "true"))
    if kind in ("float", "currency", "percentage"):
        try:
            number = float(attributes.get("office:value", ""))
        except ValueError:
            return text
        whole = text.isascii() and text.isdigit()
        shown = whole or (kind == "float" and (_ZEROS.match(text) or any(sign.isalpha() for sign in text)))
        return text if shown and abs(number) < EXACT_BELOW else plain(number)
    return text
