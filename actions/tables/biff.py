"""A second look at the records of an XLS: error cells, number formats and merged cells, which calamine leaves out."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from actions.tables.numbers import Show, shown_as

FREE, END = 0xFFFFFFFF, 0xFFFFFFFE
ERRORS = {0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A"}
BOF, BOUNDSHEET, FORMAT, XF, DATE_MODE = 0x809, 0x85, 0x41E, 0xE0, 0x22
NUMBER, RK, MULRK, BOOLERR, FORMULA, MERGES = 0x203, 0x27E, 0xBD, 0x205, 0x06, 0xE5


@dataclass
class Notes:
    """What a sheet shows where calamine cannot say so; rows and columns from 0."""

    errors: dict[int, dict[int, str]] = field(default_factory=dict)
    shown: dict[tuple[int, int], str] = field(default_factory=dict)
    merges: list[tuple[int, int, int, int]] = field(default_factory=list)
    first_day_1904: bool = False


def look_at(path: Path) -> dict[str, Notes]:
    """The notes of each sheet by its name."""
    stream = _workbook(path.read_bytes())
    formats: dict[int, str] = {}
    styles: list[int] = []
    places: list[tuple[str, int]] = []
    first_1904 = False
    for kind, data in _records(stream, 0):
        if kind == FORMAT:
            formats[struct.unpack_from("<H", data)[0]] = _string(data, 2, wide=True)
        elif kind == XF:
            styles.append(struct.unpack_from("<H", data, 2)[0])
        elif kind == BOUNDSHEET:
            places.append((_string(data, 6, wide=False), struct.unpack_from("<I", data)[0]))
        elif kind == DATE_MODE:
            first_1904 = data[:2] == b"\x01\x00"
    shows = [shown_as(each, formats.get(each, ""), first_day_1904=first_1904) for each in styles]
    return {name: _of_sheet(stream, start, shows, first_1904) for name, start in places}


def _of_sheet(stream: bytes, start: int, shows: list[Show | None], first_1904: bool) -> Notes:
    notes = Notes(first_day_1904=first_1904)

    def show(row: int, column: int, style: int, number: float) -> None:
        if style < len(shows) and (way := shows[style]):
            notes.shown[row, column] = way(number)

    for kind, data in _records(stream, start):
        if kind == NUMBER:
            show(*struct.unpack_from("<HHHd", data))
        elif kind == RK:
            row, column, style, raw = struct.unpack_from("<HHHI", data)
            show(row, column, style, _rk(raw))
        elif kind == MULRK:
            row, column = struct.unpack_from("<HH", data)
            for index in range((len(data) - 6) // 6):
                style, raw = struct.unpack_from("<HI", data, 4 + 6 * index)
                show(row, column + index, style, _rk(raw))
        elif kind == BOOLERR and data[7]:
            row, column = struct.unpack_from("<HH", data)
            notes.errors.setdefault(row, {})[column] = ERRORS.get(data[6], "#?")
        elif kind == FORMULA:
            row, column, style = struct.unpack_from("<HHH", data)
            if data[12:14] != b"\xff\xff":
                show(row, column, style, struct.unpack_from("<d", data, 6)[0])
            elif data[6] == 2:
                notes.errors.setdefault(row, {})[column] = ERRORS.get(data[8], "#?")
        elif kind == MERGES:
            (count,) = struct.unpack_from("<H", data)
            for index in range(min(count, (len(data) - 2) // 8)):
                notes.merges.append(struct.unpack_from("<HHHH", data, 2 + 8 * index))
    return notes


def _records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """The records from one BOF to its EOF."""
    depth = 0
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        if kind == BOF:
            depth += 1
        elif kind == 0x0A:
            depth -= 1
            if depth <= 0:
                return
        yield kind, stream[at + 4 : at + 4 + length]
        at += 4 + length


def _string(data: bytes, at: int, *, wide: bool) -> str:
    length = struct.unpack_from("<H" if wide else "<B", data, at)[0]
    at += 2 if wide else 1
    if data[at] & 1:
        return data[at + 1 : at + 1 + 2 * length].decode("utf-16-le", "replace")
    return data[at + 1 : at + 1 + length].decode("latin-1")


def _rk(raw: int) -> float:
    if raw & 2:
        number = float(raw >> 2 if raw < 1 << 31 else (raw >> 2) - (1 << 30))
    else:
        number = struct.unpack("<d", struct.pack("<Q", (raw & 0xFFFFFFFC) << 32))[0]
    return number / 100 if raw & 1 else number


def _workbook(data: bytes) -> bytes:
    """The stream of the workbook inside the compound file."""
    size = 1 << struct.unpack_from("<H", data, 30)[0]
    (directory, _, mini_limit, mini_fat, _, difat, _) = struct.unpack_from("<IIIIIII", data, 48)

    def sector(number: int) -> bytes:
        return (
            data[512 + number * size : 512 + (number + 1) * size]
            if size > 512
            else data[(number + 1) * size : (number + 2) * size]
        )

    tables = list(struct.unpack_from("<109I", data, 76))
    while difat not in (FREE, END) and len(tables) < 1 << 16:
        more = struct.unpack(f"<{size // 4}I", sector(difat))
        tables += more[:-1]
        difat = more[-1]
    fat = [entry for each in tables if each < END for entry in struct.unpack(f"<{size // 4}I", sector(each))]

    def chain(start: int) -> bytes:
        out: list[bytes] = []
        while start < len(fat) and len(out) <= len(fat):
            out.append(sector(start))
            start = fat[start]
        return b"".join(out)

    entries = chain(directory)
    named: dict[str, tuple[int, int]] = {}
    root = 0
    for at in range(0, len(entries) - 127, 128):
        length = struct.unpack_from("<H", entries, at + 64)[0]
        name = entries[at : at + max(0, min(length, 64) - 2)].decode("utf-16-le", "replace")
        start, bytes_long = struct.unpack_from("<II", entries, at + 116)
        if entries[at + 66] == 5:
            root = start
        named.setdefault(name.casefold(), (start, bytes_long))
    start, long = named.get("workbook") or named.get("book") or (END, 0)
    if long >= mini_limit:
        return chain(start)[:long]
    ministream = chain(root)
    mini = [entry for (entry,) in struct.iter_unpack("<I", chain(mini_fat))]
    out: list[bytes] = []
    while start < len(mini) and len(out) <= len(mini):
        out.append(ministream[start * 64 : (start + 1) * 64])
        start = mini[start]
    return b"".join(out)[:long]
