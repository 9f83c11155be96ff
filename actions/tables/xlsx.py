"""XLSX as it is written down: a streaming reader, since shown text, errors, hidden sheets and far cells all count."""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from actions.tables.line import MAX_CELL, MAX_COLUMNS, UNCALCULATED, Book, Line, Progress, Sheet, TableRefused
from actions.tables.numbers import EXACT_BELOW, Show, plain, shown_as
from actions.tables.package import DEEPEST, Package, local, parser_for, too_deep
from rules.roster.header import Merge

MAX_ROW, MAX_COLUMN = 1_048_576, 16_384
MOST_MERGES = 50_000
MOST_CELLS = 60_000_000
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")


def read(path: Path, tell: Progress) -> Book:
    """All sheets of a workbook, their lines unread as yet."""
    package = Package(path, tell)
    sheets, first_day_1904 = _sheets(package)
    shows = _formats(package, first_day_1904)
    strings: list[str] = []
    shared = _related(package, "sharedstrings") or "xl/sharedStrings.xml"
    if shared in package:
        strings = _shared_strings(package, shared)
    book = Book("xlsx", [])
    for name, part, visible in sheets:
        if part not in package:
            continue
        sheet = Sheet(name, iter(()), visible, _merges(package, part), first_day_1904=first_day_1904)
        sheet.lines = _lines(package, part, strings, shows, sheet)
        book.sheets.append(sheet)
    return book


def _sheets(package: Package) -> tuple[list[tuple[str, str, bool]], bool]:
    """Name, part and visibility of the worksheets, and whether days are counted from 1904."""
    targets = _targets(package)
    sheets: list[tuple[str, str, bool]] = []
    epoch = [False]

    def start(tag: str, attributes: dict[str, str]) -> None:
        if local(tag) == "workbookPr":
            epoch[0] = _true(attributes.get("date1904"))
        if local(tag) == "sheet":
            key = next((value for name, value in attributes.items() if name.endswith(":id")), "")
            kind, target = targets.get(key, ("", ""))
            if kind == "worksheet":
                sheets.append((attributes.get("name", ""), target, attributes.get("state", "visible") == "visible"))

    package.parse("xl/workbook.xml", start)
    return sheets, epoch[0]


def _targets(package: Package) -> dict[str, tuple[str, str]]:
    """By id: the kind and the part that the workbook refers to."""
    found: dict[str, tuple[str, str]] = {}

    def start(tag: str, attributes: dict[str, str]) -> None:
        if local(tag) == "Relationship":
            target = attributes.get("Target", "")
            place = target if target.startswith("/") else posixpath.join("xl", target)
            found[attributes.get("Id", "")] = attributes.get("Type", "").rpartition("/")[2], place

    if "xl/_rels/workbook.xml.rels" in package:
        package.parse("xl/_rels/workbook.xml.rels", start)
    return found


def _related(package: Package, kind: str) -> str:
    return next((part for each, part in _targets(package).values() if each.lower() == kind), "")


def _formats(package: Package, first_day_1904: bool) -> dict[str, Show]:
    """By the number of a style: how it shows numbers, where it does not show them as they are."""
    part = _related(package, "styles") or "xl/styles.xml"
    codes: dict[int, str] = {}
    styles: list[int] = []
    inside = [False]

    def start(tag: str, attributes: dict[str, str]) -> None:
        name = local(tag)
        if name == "numFmt":
            codes[_whole(attributes.get("numFmtId", ""))] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            inside[0] = True
        elif name == "xf" and inside[0]:
            styles.append(_whole(attributes.get("numFmtId", "0")))

    def end(tag: str) -> None:
        if local(tag) == "cellXfs":
            inside[0] = False

    if part in package:
        package.parse(part, start, end)
    known = {each: shown_as(each, codes.get(each, ""), first_day_1904=first_day_1904) for each in set(styles)}
    return {str(index): show for index, each in enumerate(styles) if (show := known[each])}


def _true(text: str | None) -> bool:
    return (text or "").lower() in ("1", "true", "on")


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _shared_strings(package: Package, part: str) -> list[str]:
    strings: list[str] = []
    pieces: list[str] = []
    state = {"text": False, "reading": 0}

    def start(tag: str, _attributes: dict[str, str]) -> None:
        name = local(tag)
        if name == "t":
            state["text"] = not state["reading"]
        elif name == "rPh":  # how to read the text aloud
            state["reading"] += 1
        elif name == "si":
            pieces.clear()

    def end(tag: str) -> None:
        name = local(tag)
        if name == "t":
            state["text"] = False
        elif name == "rPh":
            state["reading"] -= 1
        elif name == "si":
            strings.append(_unescaped("".join(pieces)))

    def text(data: str) -> None:
        if state["text"]:
            pieces.append(data)

    package.parse(part, start, end, text)
    return strings


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


def _merges(package: Package, part: str) -> list[Merge]:
    """Cells merged into one; they stand behind all rows, so the part is looked through once before it is read."""
    found: list[Merge] = []
    tail = b""
    for chunk in package.chunks(part):
        block = tail + chunk
        for match in re.finditer(rb'mergeCell ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"', block):
            left, top, right, bottom = (group.decode() for group in match.groups())
            merge = Merge(int(top), min(int(bottom), MAX_ROW), _column(left), min(_column(right), MAX_COLUMNS))
            if not found or found[-1] != merge:
                found.append(merge)
        if len(found) > MOST_MERGES:
            raise TableRefused(
                f"Lebih dari {MOST_MERGES} sel gabungan; pisahkan sel gabungan, lalu simpan ulang.",
                f"More than {MOST_MERGES} merged cells; unmerge them and save the file again.",
            )
        tail = block[-60:]
    return found


def _column(letters: str) -> int:
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - 64
    return column - 1


def _lines(package: Package, part: str, strings: list[str], shows: dict[str, Show], sheet: Sheet) -> Iterator[Line]:
    rows = _Rows(strings, shows, sheet)
    for chunk in package.chunks(part, show=True):
        rows.parser.Parse(chunk, False)
        if rows.ready:
            yield from rows.ready
            rows.ready.clear()
    rows.parser.Parse(b"", True)
    yield from rows.ready


class _Rows:
    """Puts cells together to lines; what has no text takes no room, however far away it stands."""

    def __init__(self, strings: list[str], shows: dict[str, Show], sheet: Sheet) -> None:
        self.strings, self.shows, self.far, self.unseen = strings, shows, sheet.far, sheet.unseen
        self.hidden = False
        self.ready: list[Line] = []
        self.columns: dict[str, int] = {}
        self.number = 0
        self.column = -1
        self.cells: dict[int, str] = {}
        self.errors: list[int] = []
        self.kind = self.style = ""
        self.text: list[str] = []
        self.collecting = self.has_value = self.has_formula = False
        self.reading = self.count = self.depth = 0
        self.parser = parser_for(self.start, self.end, None)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag if ":" not in tag else local(tag)
        if name == "c":
            self._begin_cell(attributes)
        elif name == "v" or (name == "t" and not self.reading):
            self.has_value = True
            self.text = []
            self.parser.CharacterDataHandler = self.text.append
        elif name == "row":
            told = attributes.get("r", "")
            self.number = _whole(told) or self.number + 1
            self.hidden = _true(attributes.get("hidden"))
            self.column, self.cells, self.errors = -1, {}, []
        elif name == "f":
            self.has_formula = True
        elif name == "col" and _true(attributes.get("hidden")):
            self.unseen.hide_columns(_whole(attributes.get("min", "")) - 1, _whole(attributes.get("max", "")) - 1)
            self.depth += 1
        elif name == "rPh":
            self.reading += 1
        elif name == "is":
            self.cells.pop(self.column, None)
        else:
            self.depth += 1
            if self.depth > DEEPEST:
                raise too_deep()

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        self.count += 1
        if self.count > MOST_CELLS:
            raise TableRefused(
                f"Lebih dari {MOST_CELLS} sel; bagi berkas ini.", f"More than {MOST_CELLS} cells; split the file."
            )
        letters = attributes.get("r", "").rstrip("0123456789")
        if letters:
            column = self.columns.get(letters)
            if column is None:
                column = self.columns[letters] = _column(letters[:3].upper())
            self.column = min(column, MAX_COLUMN - 1)
        else:
            self.column += 1
        self.kind, self.style = attributes.get("t", "n"), attributes.get("s", "")
        self.has_value = self.has_formula = False
        self.text = []

    def end(self, tag: str) -> None:
        name = tag if ":" not in tag else local(tag)
        if name == "v":
            self.parser.CharacterDataHandler = None
        elif name == "t" and not self.reading:
            self.parser.CharacterDataHandler = None
            if self.kind == "inlineStr":
                self.cells[self.column] = self.cells.get(self.column, "") + "".join(self.text)
        elif name == "rPh":
            self.reading -= 1
        elif name == "c":
            self._end_cell()
        elif name == "row":
            self._end_row()
        elif name not in ("f", "is"):
            self.depth -= 1

    def _end_cell(self) -> None:
        text = "".join(self.text)
        if self.kind == "inlineStr":
            text = _unescaped(self.cells.pop(self.column, ""))
        elif not text:
            if not self.has_formula or (self.kind == "str" and self.has_value):
                return
            text = UNCALCULATED
            self.errors.append(self.column)
        elif self.kind == "s":
            index = _whole(text)
            text = self.strings[index] if index < len(self.strings) else ""
        elif self.kind == "e":
            self.errors.append(self.column)
        elif self.kind == "n":
            text = self._number(text)
        elif self.kind == "d":
            text = text.partition("T")[0]
        elif self.kind == "str":
            text = _unescaped(text)
        if not text.strip():
            return
        if self.column >= MAX_COLUMNS:
            self.far.add(self.column)
        else:
            self.cells[self.column] = text

    def _number(self, text: str) -> str:
        show = self.shows.get(self.style)
        if show is None and len(text) <= 15 and text.isascii() and text.isdigit():
            return text
        try:
            number = float(text)
        except ValueError:
            return text
        if number - number != 0:  # no number at all, or endless
            return text
        return plain(number) if show is None or abs(number) >= EXACT_BELOW else show(number)

    def _end_row(self) -> None:
        if not self.cells and not self.errors:
            return
        cells = [""] * (max(self.cells, default=-1) + 1)
        for column, text in self.cells.items():
            cells[column] = text
        number = min(self.number, MAX_ROW)
        if self.hidden:
            self.unseen.row(number)
        if any(len(text) > MAX_CELL for text in self.cells.values()):
            reason = (f"sel lebih dari {MAX_CELL} karakter", f"a cell of over {MAX_CELL} characters")
            self.ready.append(Line(number, [], (), reason))
        else:
            errors = tuple(column for column in self.errors if column < MAX_COLUMNS)
            self.ready.append(Line(number, cells, errors))
