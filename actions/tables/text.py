"""CSV as spreadsheets, portals and people write it: encodings, separators, broken quotes."""

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, cast

from actions.tables.line import MAX_CELL, MAX_COLUMNS, Book, Line, Progress, Sheet
from rules.roster.header import WITHIN, Heading, Match, find_heading

SEPARATORS = (";", ",", "\t", "|")
LONGEST = 1_000_000
"""Characters of a line; what goes on longer is no row of a table."""
SHOWN = 2000
"""Characters of a line that could not be split."""
AHEAD = 5
"""Lines that a cell with line breaks may run on for."""
HEAD_LINES = 3 * WITHIN

csv.field_size_limit(LONGEST)


def read(path: Path, match: Match, tell: Progress) -> Book:
    """The one sheet of a text file; its separator is the one with which its header has our columns."""
    encoding, guessed = encoding_of(path)
    file = path.open(newline="", encoding=encoding, errors="replace")
    physical = _physical(file, path.stat().st_size, tell)
    head = list(islice(physical, HEAD_LINES))
    forced = ""
    if head and (said := re.match(r'"?sep=(.)"?\s*$', head[0][1].lower())):  # a line that Excel writes for itself
        forced = said[1]
        head = head[1:]
    separator, heading = _separator(head, forced, match)
    width = len(heading.header.names) if heading else None
    lines = records(chain(head, physical), separator, width)
    return Book("csv", [Sheet("", lines)], encoding.removesuffix("-sig"), guessed, ragged=True)


def _physical(file, size: int, tell: Progress) -> Iterator[tuple[int, str]]:
    """Lines with their numbers; the rest of an endless one is passed over, and its beginning says so."""
    raw = cast(BinaryIO, file.buffer)
    number = 0
    while line := file.readline(LONGEST):
        number += 1
        if number % 500 == 0:
            tell(raw.tell(), size)
        if len(line) == LONGEST and not line.endswith(("\n", "\r")):
            while (more := file.readline(LONGEST)) and len(more) == LONGEST and not more.endswith(("\n", "\r")):
                tell(raw.tell(), size)
        yield number, line
    tell(size, size)


def _separator(head: Sequence[tuple[int, str]], forced: str, match: Match) -> tuple[str, Heading | None]:
    best: tuple[tuple[int, int], str, Heading | None] | None = None
    separators = [forced, *SEPARATORS] if forced else SEPARATORS
    for separator in separators:
        for joined in (True, False):
            lines = records(iter(head), separator) if joined else (_cells(*line, separator) for line in head)
            rows = [
                (line.number, line.cells)
                for line in lines
                if not line.unreadable and any(cell.strip() for cell in line.cells)
            ]
            heading, nearest = find_heading(rows[: WITHIN + 2], match=match)
            missing = len(nearest.missing) if nearest else 1000
            score = (0, -heading.known) if heading else (missing, 0)
            if best is None or score < best[0]:
                best = score, separator, heading
            if heading:
                break
    assert best
    return best[1], best[2]


def records(lines: Iterator[tuple[int, str]], separator: str, width: int | None = None) -> Iterator[Line]:
    """Split lines into cells; a quote that is not closed a few lines on costs its own line only."""
    ahead: list[tuple[int, str]] = []
    while (here := ahead.pop(0) if ahead else next(lines, None)) is not None:
        number, text = here
        line = _cells(number, text, separator)
        if text.count('"') % 2 and _runs_on(line):
            ahead += islice(lines, AHEAD - len(ahead))
            joined = _joined(number, text, ahead, separator, width)
            if joined is None:
                yield _broken(number, text, "tanda kutip tidak ditutup", "a quote is not closed")
                continue
            used, line = joined
            del ahead[:used]
        if '="' in text and any(cell.startswith('="') and cell[-1] != '"' for cell in line.cells):
            line = _equals_first(line, text, separator)
        yield line


def _runs_on(line: Line) -> bool:
    """Whether a quote opened in the line swallowed its end."""
    return line.unreadable is not None or any(cell.endswith(("\n", "\r")) for cell in line.cells)


def _joined(
    number: int, text: str, ahead: Sequence[tuple[int, str]], separator: str, width: int | None
) -> tuple[int, Line] | None:
    """The line with as many of those ahead as close its quote, if that gives a row of the table."""
    for used, (_, more) in enumerate(ahead, 1):
        text += more
        if text.count('"') % 2 == 0:
            line = _cells(number, text, separator, strict=True)
            if line.unreadable or any("\n" in cell and cell.count(separator) > 3 for cell in line.cells):
                return None
            return (used, line) if width is None or len(line.cells) <= width else None
    return None


def _cells(number: int, text: str, separator: str, *, strict: bool = False) -> Line:
    if len(text) >= LONGEST:
        return _broken(number, text, f"lebih dari {LONGEST} karakter", f"more than {LONGEST} characters")
    if "\0" in text:
        return _broken(number, text, "memuat byte kosong", "it contains NUL bytes")
    if "\ufffd" in text:
        return _broken(number, text, "memuat huruf yang rusak", "letters in it are damaged")
    try:
        cells = next(csv.reader([text], delimiter=separator, strict=strict), [])
    except csv.Error as error:
        return _broken(number, text, "tanda kutip atau pemisahnya tidak sesuai", str(error))
    if len(cells) > MAX_COLUMNS:
        return _broken(number, text, f"{len(cells)} sel", f"{len(cells)} cells")
    if any(len(cell) > MAX_CELL for cell in cells):
        return _broken(number, text, f"sel lebih dari {MAX_CELL} karakter", f"a cell of over {MAX_CELL} characters")
    return Line(number, cells)


def _broken(number: int, text: str, indonesian: str, english: str) -> Line:
    """A line that could not be split: its beginning as one cell, to be shown."""
    return Line(number, [text[:SHOWN].rstrip("\r\n")], (), (indonesian, english))


def _equals_first(line: Line, text: str, separator: str) -> Line:
    """The line read with `="a, b"` as one cell, if it then is shorter."""
    mended = _cells(line.number, re.sub(rf'(^|{re.escape(separator)})="', r'\1"', text), separator)
    return mended if not mended.unreadable and len(mended.cells) < len(line.cells) else line


def encoding_of(path: Path) -> tuple[str, bool]:
    """The encoding of a text file, and whether it is a guess: marks and zero bytes tell; else UTF-8 if it holds."""
    with path.open("rb") as file:
        head = file.read(4096)
        if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
            return "utf-32", False
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16", False
        even, odd, half = head[::2].count(0), head[1::2].count(0), len(head[::2])
        if odd * 10 > half * 4 and even * 10 < half:
            return "utf-16-le", False
        if even * 10 > half * 4 and odd * 10 < half:
            return "utf-16-be", False
        file.seek(0)
        return _of_bytes(file)


def _of_bytes(file: BinaryIO) -> tuple[str, bool]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    bad = good = feeds = 0
    while chunk := file.read(1 << 20):
        text = decoder.decode(chunk)
        feeds += chunk.count(b"\n")
        if not text.isascii():
            wrong = text.count("\ufffd")
            bad += wrong
            good += sum(sign > "\x7f" for sign in text) - wrong
    if not bad or good > 3 * bad:  # a few damaged bytes cost their own lines
        return "utf-8-sig", False
    return ("cp1252", True) if feeds else ("mac-roman", True)
