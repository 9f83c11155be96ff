"""The process that reads a file: it imports the readers only, limits itself, and writes rows as lines of JSON."""

import json
import resource
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any
from xml.parsers import expat

from actions.tables.line import Book, Line, Sheet, TableRefused, column_letters
from rules.roster.columns import match_header
from rules.roster.header import WITHIN, Heading, Match, find_heading, refuse
from rules.roster.waivers import match_waivers

BATCH = 200
PURPOSES: dict[str, Match] = {"roster": match_header, "waivers": match_waivers}


def main(path: str, purpose: str, memory: str, seconds: str) -> None:
    """Read the file and print what it holds; every refusal is printed too."""
    _limit(int(memory), int(seconds))
    try:
        _run(Path(path), PURPOSES[purpose])
    except TableRefused as refused:
        say({"refused": [refused.indonesian, refused.english]})
    except MemoryError:
        say({"killed": "memory"})
    except (zipfile.BadZipFile, zlib.error, expat.ExpatError, EOFError, NotImplementedError, RuntimeError,
            struct.error, UnicodeError, LookupError, ValueError, OSError) as error:  # fmt: skip
        words = " ".join(str(error).split())[:200] or type(error).__name__
        say({"refused": [
            f"Berkas rusak atau tidak lengkap ({words}). Buka di aplikasi lembar kerja, lalu simpan ulang.",
            "The file is damaged or incomplete. Open it in a spreadsheet program and save it again.",
        ]})  # fmt: skip


def _limit(memory: int, seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))


def say(message: dict[str, Any]) -> None:
    """One message to the parent."""
    sys.stdout.buffer.write(json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode() + b"\n")
    sys.stdout.buffer.flush()


class _Progress:
    def __init__(self) -> None:
        self.done = self.of = 0

    def __call__(self, done: int, of: int) -> None:
        self.done, self.of = done, of


def _run(path: Path, match: Match) -> None:
    progress = _Progress()
    book = open_book(path, match, progress)
    sheet, heading, lines = choose(book, match)
    header = heading.header
    say({
        "kind": book.kind, "sheet": sheet.name, "encoding": book.encoding, "guessed": book.guessed,
        "ragged": book.ragged, "first_day_1904": sheet.first_day_1904, "first": heading.first, "last": heading.last,
        "names": header.names, "hidden": [each.name for each in book.sheets if not each.visible],
    })  # fmt: skip
    batch: list[list[Any]] = []
    for line in _filled(lines, sheet, heading):
        batch.append([line.number, line.cells, *((line.errors, line.unreadable) if line.errors or line.unreadable
                                                 else ())])  # fmt: skip
        if len(batch) == BATCH:
            say({"rows": batch, "done": progress.done, "of": progress.of})
            batch = []
    say({"rows": batch, "done": progress.of, "of": progress.of})
    say({"end": True, "far": [column_letters(column) for column in sorted(sheet.far)[:20]],
         "unseen_rows": [span for span in sheet.unseen.rows if span[1] > heading.last],
         "unseen_columns": sorted(sheet.unseen.columns)})  # fmt: skip


def open_book(path: Path, match: Match, progress: _Progress) -> Book:
    """The book in a file of any kind that we read; only its own reader is imported."""
    from actions.tables.kinds import kind_of

    kind = kind_of(path)
    if kind == "csv":
        from actions.tables import text

        return text.read(path, match, progress)
    if kind == "xlsx":
        from actions.tables import xlsx

        return xlsx.read(path, progress)
    if kind == "ods":
        from actions.tables import ods

        return ods.read(path, progress)
    if kind == "html":
        from actions.tables import html

        return html.read(path, progress)
    if kind == "xml2003":
        from actions.tables import xml2003

        return xml2003.read(path, progress)
    from actions.tables import xls

    return xls.read(path, progress)


def choose(book: Book, match: Match) -> tuple[Sheet, Heading, Iterator[Line]]:
    """The one visible sheet with the required columns; TableRefused names the sheets where there is not just one."""
    candidates: list[tuple[Sheet, Heading, Iterator[Line], bool]] = []
    hidden: list[str] = []
    nearest = None
    where = ""
    for sheet in book.sheets:
        head, filled = _head(sheet.lines)
        rows = [(line.number, line.cells) for line in head if line.cells and not line.unreadable]
        heading, close = find_heading(rows, sheet.merges, match)
        if heading and sheet.visible:
            has_people = any(line.number > heading.last for line in head)
            candidates.append((sheet, heading, chain(head, filled), has_people))
        elif heading:
            hidden.append(sheet.name)
        elif close and sheet.visible and (nearest is None or len(close.missing) < len(nearest.missing)):
            nearest, where = close, sheet.name
    peopled = [each for each in candidates if each[3]] or candidates
    if len(peopled) > 1:
        names = ", ".join(f"“{each[0].name}”" for each in peopled)
        raise TableRefused(
            f"Ada {len(peopled)} lembar dengan kolom wajib: {names}. Sisakan atau tampilkan satu saja "
            "(sembunyikan yang lain).",
            f"{len(peopled)} sheets have the required columns: {names}. Keep one, or hide the others.",
        )
    if peopled:
        return peopled[0][:3]
    if hidden:
        names = ", ".join(f"“{name}”" for name in hidden)
        raise TableRefused(
            f"Hanya lembar tersembunyi yang memuat kolom wajib: {names}. Tampilkan lembar itu bila memang dipakai.",
            f"Only hidden sheets have the required columns: {names}. Unhide the one that is meant.",
        )
    refused = refuse(nearest, f"“{where}”" if where and len(book.sheets) > 1 else "")
    indonesian, _, english = str(refused).partition(" / Required")
    if not english:
        indonesian, _, english = str(refused).partition(". / ")
        raise TableRefused(f"{indonesian}.", english)
    raise TableRefused(indonesian, f"Required{english}")


def _head(lines: Iterator[Line]) -> tuple[list[Line], Iterator[Line]]:
    head: list[Line] = []
    for line in lines:
        if line.unreadable or any(cell.strip() for cell in line.cells):
            head.append(line)
            if len(head) >= WITHIN + 3:
                break
    return head, lines


def _filled(lines: Iterator[Line], sheet: Sheet, heading: Heading) -> Iterator[Line]:
    """Give each row of a cell that reaches over several rows what the cell shows."""
    merges = sorted(
        (merge for merge in sheet.merges
         if merge.bottom > merge.top > heading.last and merge.left == merge.right < len(heading.header.names)),
        key=lambda merge: merge.top,
    )  # fmt: skip
    open_: list[tuple[int, int, str]] = []
    at = 0
    for line in lines:
        while at < len(merges) and merges[at].top <= line.number:
            merge = merges[at]
            at += 1
            if merge.top == line.number and merge.left < len(line.cells):
                open_.append((merge.bottom, merge.left, line.cells[merge.left]))
        if open_:
            open_ = [each for each in open_ if each[0] >= line.number]
            line = _with(line, open_)
        yield line


def _with(line: Line, texts: Sequence[tuple[int, int, str]]) -> Line:
    cells = list(line.cells)
    if line.unreadable or not any(cell.strip() for cell in cells):
        return line
    for _, column, text in texts:
        cells += [""] * (column + 1 - len(cells))
        cells[column] = cells[column] or text
    return line._replace(cells=cells)
