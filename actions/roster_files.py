"""Read rosters from CSV and spreadsheets, a row at a time; a row that cannot be read is reported and passed over."""

import codecs
import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from rules.roster import Malformed
from rules.roster_columns import Header, RosterRefused, RosterRow, clean_nip, demand_columns, read_header, row_of

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

SHEETS = frozenset({".xlsx", ".xlsm", ".xls", ".ods"})
HEADER_WITHIN = 10
"""Titles may stand above the header; it is looked for in so many rows."""
EXACT_BELOW = 10**15
"""A spreadsheet keeps 15 digits of a number."""

Progress = Callable[[int, int], None]
"""Told how much is done, and of how much: bytes of a CSV file, rows of a sheet."""
Line = tuple[int, list[str]] | Malformed


def read_roster(path: Path, progress: Progress | None = None) -> Iterator[RosterRow | Malformed]:
    """Yield the rows of a roster; RosterRefused if it is no roster: unreadable, empty, or without required columns."""
    if not path.is_file():
        raise RosterRefused(f"Berkas tidak ada: {path}. / No such file: {path}.")
    lines = _sheet_lines(path, progress) if path.suffix.lower() in SHEETS else _csv_lines(path, progress)
    return _rows(lines)


def read_waivers(path: Path) -> dict[tuple[str, str], str]:
    """Read nip,code,reason; refused as a whole, naming each line, if a reason is missing: a waiver is an act."""
    waivers: dict[tuple[str, str], str] = {}
    bad: list[str] = []
    if not path.is_file():
        raise RosterRefused(f"Berkas tidak ada: {path}. / No such file: {path}.")
    with path.open(newline="", encoding=_encoding(path), errors="replace") as file:
        sample = file.readline()
        file.seek(0)
        reader = csv.DictReader(file, delimiter=_delimiter(sample))
        for record in _waiver_lines(reader, path):
            cells = {(key or "").strip().lower(): (value or "").strip() for key, value in record.items() if key}
            nip, code, reason = (cells.get(column, "") for column in ("nip", "code", "reason"))
            if nip and code and reason:
                waivers[clean_nip(nip), code] = reason
            elif nip or code or reason:
                bad.append(f"{path.name}: {nip or '?'},{code or '?'}")
    if bad:
        raise RosterRefused(
            f"Pengesampingan perlu nip, code dan reason: {'; '.join(bad)}. / A waiver needs nip, code and reason."
        )
    return waivers


def _waiver_lines(reader: "csv.DictReader[str]", path: Path) -> Iterator[dict[str, str]]:
    """The records of a file of waivers; refused if it is none: no such columns, or nothing that can be split."""
    try:
        columns = {name.strip().lower() for name in reader.fieldnames or ()}
        if not columns >= {"nip", "code", "reason"}:
            raise RosterRefused(
                f"{path.name}: perlu kolom nip, code dan reason pada baris judul. / "
                f"{path.name} needs the columns nip, code and reason in its header row: HR adds them."
            )
        yield from reader
    except csv.Error as error:
        raise RosterRefused(
            f"{path.name}: tidak dapat dibaca ({error}); simpan ulang sebagai CSV UTF-8. / "
            f"{path.name} cannot be read: save it again as CSV in UTF-8."
        ) from error


def _rows(lines: Iterable[Line]) -> Iterator[RosterRow | Malformed]:
    lines = iter(lines)
    notes, number, header = _find_header(lines)
    yield from notes
    if header.unknown:
        yield Malformed(number, "column_unknown", {"columns": ", ".join(header.unknown)})
    width = len(header.columns)
    for line in lines:
        if isinstance(line, Malformed):
            yield line
        elif any(cell.strip() for cell in line[1]):
            number, cells = line
            if len(cells) != width:  # even if the last one is empty: a comma in a name moved all that follow
                yield _wrong_width(number, len(cells), width)
            else:
                yield row_of(
                    number, {column: cell for column, cell in zip(header.columns, cells, strict=True) if column}
                )


def _find_header(lines: Iterator[Line]) -> tuple[list[Malformed], int, Header]:
    """The first row that has all required columns; if none has, the refusal speaks of the one that came nearest."""
    notes: list[Malformed] = []
    nearest: Header | None = None
    for _, line in zip(range(HEADER_WITHIN), lines, strict=False):
        if isinstance(line, Malformed):
            notes.append(line)
            continue
        header = read_header(line[1])
        if not header.missing:
            return notes, line[0], header
        if nearest is None or len(header.missing) < len(nearest.missing):
            nearest = header
    if nearest is None:
        raise RosterRefused("Berkas kosong. / The file is empty.")
    demand_columns(nearest)
    raise AssertionError("a header without required columns was let through")


def _wrong_width(number: int, found: int, wanted: int) -> Malformed:
    return _unreadable(number, f"{found} sel, seharusnya {wanted}", f"{found} cells instead of {wanted}")


def _unreadable(number: int, reason_id: str, reason_en: str) -> Malformed:
    return Malformed(number, facts={"reason_id": reason_id, "reason_en": reason_en})


# CSV


def _csv_lines(path: Path, progress: Progress | None) -> Iterator[Line]:
    encoding = _encoding(path)
    total = path.stat().st_size
    if encoding == "cp1252":
        yield Malformed(1, "encoding_guessed")
    with path.open(newline="", encoding=encoding, errors="replace") as file:
        first = file.readline()
        delimiter = _delimiter(first)
        if first.lower().startswith("sep="):  # a line that Excel writes for itself
            first = ""
        raw = cast(BinaryIO, file.buffer)
        physical = chain([(1, first)] if first else [], enumerate(file, 2))
        for count, line in enumerate(_records(physical, delimiter)):
            if progress and count % 500 == 0:
                progress(raw.tell(), total)
            yield line
    if progress:
        progress(total, total)


def _records(lines: Iterator[tuple[int, str]], delimiter: str) -> Iterator[Line]:
    """Split lines into cells; a quote that is not closed within three lines costs its own line only."""
    ahead: list[tuple[int, str]] = []
    width = 0
    while (here := ahead.pop(0) if ahead else next(lines, None)) is not None:
        number, text = here
        line = _cells(number, text, delimiter)
        if text.count('"') % 2 and _runs_on(line):
            ahead += [line for _, line in zip(range(3 - len(ahead)), lines, strict=False)]
            joined = _joined(text, ahead, delimiter, width)
            if joined is None:
                yield _unreadable(number, "tanda kutip tidak ditutup", "a quote is not closed")
                continue
            used, text = joined
            del ahead[:used]
            line = _cells(number, text, delimiter)
        if number <= HEADER_WITHIN and not isinstance(line, Malformed):
            width = max(width, len(line[1]))
        yield line


def _runs_on(line: Line) -> bool:
    """Whether a quote opened in the line swallowed its end."""
    return isinstance(line, Malformed) or any(cell.endswith(("\n", "\r")) for cell in line[1])


def _joined(text: str, ahead: Sequence[tuple[int, str]], delimiter: str, width: int) -> tuple[int, str] | None:
    """The text with as many lines ahead as close its quote, if that gives a row of the right width."""
    for used, (_, more) in enumerate(ahead, 1):
        text += more
        if text.count('"') % 2 == 0:
            line = _cells(0, text, delimiter)
            return (used, text) if not isinstance(line, Malformed) and len(line[1]) == width else None
    return None


def _cells(number: int, text: str, delimiter: str) -> Line:
    if "\0" in text:
        return _unreadable(number, "memuat byte kosong", "it contains NUL bytes")
    try:
        records = list(csv.reader(text.splitlines(keepends=True), delimiter=delimiter))
    except csv.Error as error:
        return _unreadable(number, str(error), str(error))
    return number, records[0] if records else []


def _delimiter(line: str) -> str:
    if line.lower().startswith("sep=") and len(line) > 4:
        return line[4]
    return max(",;\t", key=line.count)


def _encoding(path: Path) -> str:
    """UTF-8 with or without a mark; what is not UTF-8 is taken for the Windows-1252 of old spreadsheets."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        head = file.read(4)
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        file.seek(0)
        try:
            while chunk := file.read(1 << 20):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8-sig"


# spreadsheets


def _sheet_lines(path: Path, progress: Progress | None) -> Iterator[Line]:
    sheet = _first_sheet(path)
    total = sheet.total_height
    for number, cells in enumerate(sheet.iter_rows(), 1):
        if progress and number % 500 == 0:
            progress(number, total)
        yield number, [cell_text(cell) for cell in cells]
    if progress:
        progress(total, total)


def _first_sheet(path: Path) -> "CalamineSheet":
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        return CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0)
    except (CalamineError, OSError, IndexError) as error:
        raise RosterRefused(
            f"Lembar kerja {path.name} tidak dapat dibuka ({error}). Hapus kata sandinya atau simpan ulang sebagai "
            f".xlsx. / The spreadsheet cannot be opened. Remove its password or save it again as .xlsx."
        ) from error


def cell_text(cell: object) -> str:
    """The text of a cell; a number too long for a spreadsheet stays in its scientific form, so that it is refused."""
    if isinstance(cell, bool):
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, int | float):
        if abs(cell) >= EXACT_BELOW:
            return f"{float(cell):.14e}"
        return str(int(cell)) if float(cell).is_integer() else str(cell)
    return str(cell)
