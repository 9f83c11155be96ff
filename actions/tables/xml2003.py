"""XML spreadsheets of 2003, which portals call .xls."""

from pathlib import Path

from actions.tables.line import MAX_CELL, MAX_COLUMNS, Book, Line, Progress, Sheet
from actions.tables.package import local, parser_for
from rules.roster.header import Merge

CHUNK = 1 << 16


def read(path: Path, tell: Progress) -> Book:
    """All sheets of a workbook."""
    size = path.stat().st_size
    rows = _Rows()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            tell(file.tell(), size)
            rows.parser.Parse(chunk, False)
    rows.parser.Parse(b"", True)
    return Book("xml2003", rows.sheets)


class _Rows:
    def __init__(self) -> None:
        self.sheets: list[Sheet] = []
        self.lines: list[Line] = []
        self.number = 0
        self.column = -1
        self.wide = 0
        self.cells: dict[int, str] = {}
        self.errors: list[int] = []
        self.text: list[str] | None = None
        self.words: list[str] | None = None
        self.kind = ""
        self.parser = parser_for(self.start, self.end, self.data)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = local(tag)
        told = {local(key): value for key, value in attributes.items()}
        if name == "Worksheet":
            self.lines, self.number = [], 0
            self.sheets.append(Sheet(told.get("Name", ""), iter(self.lines)))
        elif name == "Row":
            self.number = _whole(told.get("Index")) or self.number + 1
            self.column, self.wide, self.cells, self.errors = -1, 0, {}, []
        elif name == "Cell":
            self.column = (_whole(told.get("Index")) or self.column + self.wide + 2) - 1
            self.wide, down = _whole(told.get("MergeAcross")), _whole(told.get("MergeDown"))
            if (self.wide or down) and self.sheets:
                right = min(self.column + self.wide, MAX_COLUMNS)
                self.sheets[-1].merges.append(Merge(self.number, self.number + down, self.column, right))
        elif name == "Data":
            self.text, self.kind = [], told.get("Type", "")
        elif name == "Visible":
            self.words = []

    def data(self, text: str) -> None:
        if self.text is not None:
            self.text.append(text)
        elif self.words is not None:
            self.words.append(text)

    def end(self, tag: str) -> None:
        name = local(tag)
        if name == "Data" and self.text is not None:
            self._end_cell("".join(self.text)[:MAX_CELL])
            self.text = None
        elif name == "Visible" and self.words is not None and self.sheets:
            self.sheets[-1].visible = not "".join(self.words).strip().startswith("SheetHidden")
            self.sheets[-1].visible &= not "".join(self.words).strip().startswith("SheetVeryHidden")
            self.words = None
        elif name == "Row" and self.cells:
            cells = [self.cells.get(column, "") for column in range(max(self.cells) + 1)]
            self.lines.append(Line(self.number, cells, tuple(self.errors)))

    def _end_cell(self, text: str) -> None:
        if self.kind == "DateTime":
            text = text.partition("T")[0]
        if self.kind == "Error":
            self.errors.append(self.column)
        if not text.strip() or not self.sheets:
            return
        if self.column >= MAX_COLUMNS:
            self.sheets[-1].far.add(self.column)
        else:
            self.cells[self.column] = text


def _whole(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else 0
