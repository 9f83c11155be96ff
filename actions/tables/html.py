"""HTML tables that portals call .xls."""

import re
from html.parser import HTMLParser
from pathlib import Path

from actions.tables.line import MAX_CELL, MAX_COLUMNS, Book, Line, Progress, Sheet
from actions.tables.text import encoding_of
from rules.roster.header import Merge

CHUNK = 1 << 16
MOST_TABLES = 50


def read(path: Path, tell: Progress) -> Book:
    """The tables of a page, each as a sheet; rows are counted within their table."""
    encoding = _encoding(path)
    size = path.stat().st_size
    parser = _Tables()
    done = 0
    with path.open(encoding=encoding, errors="replace") as file:
        while chunk := file.read(CHUNK):
            done += len(chunk)
            tell(min(done, size), size)
            parser.feed(chunk)
    parser.close()
    several = len(parser.tables) > 1
    sheets = [
        Sheet(f"Tabel {number}" if several else "", iter(table.lines), merges=table.merges)
        for number, table in enumerate(parser.tables, 1)
        if table.lines
    ]
    return Book("html", sheets, encoding.removesuffix("-sig"))


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(4096)
    said = re.search(rb"charset\s*=\s*[\"']?([A-Za-z0-9_-]+)", head)
    found, _ = encoding_of(path)
    if found != "cp1252" or not said:
        return found
    try:
        b"".decode(said[1].decode())
    except LookupError:
        return found
    return said[1].decode() if said[1].lower() not in (b"utf-8", b"utf8") else found


class _Table:
    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.merges: list[Merge] = []
        self.number = 0
        self.cells: dict[int, str] = {}
        self.taken: dict[int, int] = {}
        """Column to the last row that a cell from further up reaches into."""
        self.column = 0

    def begin_row(self) -> None:
        self.end_row()
        self.number += 1

    def place(self, text: str, wide: int, high: int) -> None:
        while self.taken.get(self.column, 0) >= self.number:
            self.column += 1
        if self.column >= MAX_COLUMNS:
            return
        self.cells[self.column] = text
        right = min(self.column + wide, MAX_COLUMNS) - 1
        if wide > 1 or high > 1:
            self.merges.append(Merge(self.number, self.number + high - 1, self.column, right))
        if high > 1:
            self.taken.update(dict.fromkeys(range(self.column, right + 1), self.number + high - 1))
        self.column = right + 1

    def end_row(self) -> None:
        if any(text.strip() for text in self.cells.values()):
            cells = [self.cells.get(column, "") for column in range(max(self.cells) + 1)]
            self.lines.append(Line(self.number, cells))
        self.cells, self.column = {}, 0


class _Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[_Table] = []
        self.open: list[_Table] = []
        self.text: list[str] | None = None
        self.span = (1, 1)
        self.mute = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table" and len(self.tables) < MOST_TABLES:
            self._end_cell()
            self.open.append(_Table())
            self.tables.append(self.open[-1])
        elif tag == "tr" and self.open:
            self._end_cell()
            self.open[-1].begin_row()
        elif tag in ("td", "th") and self.open:
            self._end_cell()
            told = dict(attrs)
            self.span = _span(told.get("colspan")), _span(told.get("rowspan"))
            self.text = []
        elif tag in ("br", "p", "div") and self.text:
            self.text.append("\n")
        elif tag in ("script", "style"):
            self.mute += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "tr"):
            self._end_cell()
        elif tag == "table" and self.open:
            self._end_cell()
            self.open.pop().end_row()
        elif tag in ("script", "style"):
            self.mute = max(0, self.mute - 1)

    def handle_data(self, data: str) -> None:
        if self.text is not None and not self.mute:
            self.text.append(data)

    def close(self) -> None:
        super().close()
        self._end_cell()
        while self.open:
            self.open.pop().end_row()

    def _end_cell(self) -> None:
        if self.text is not None and self.open:
            words = "".join(self.text).replace("\xa0", " ")
            self.open[-1].place("\n".join(" ".join(part.split()) for part in words.split("\n")).strip()[:MAX_CELL],
                                *self.span)  # fmt: skip
        self.text = None


def _span(text: str | None) -> int:
    return min(max(1, int(text)), 1000) if text and text.isascii() and text.isdigit() and len(text) < 9 else 1
