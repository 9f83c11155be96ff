"""The second look at an old workbook: what its records say beside the text."""

import struct

from actions.tables.biff import Notes, _of_sheet
from actions.tables.numbers import plain, shown_as


def record(kind: int, layout: str, *values: object) -> bytes:
    data = struct.pack(f"<{layout}", *values)
    return struct.pack("<HH", kind, len(data)) + data


def sheet(*records: bytes) -> Notes:
    stream = b"".join([record(0x809, "HH", 0x600, 0x10), *records, record(0x0A, "")])
    return _of_sheet(stream, 0, [None, shown_as(164, "0000")], False)


def test_numbers_are_shown_by_their_format_in_each_kind_of_record() -> None:
    rk = (7 << 2) | 2
    notes = sheet(
        record(0x203, "HHHd", 1, 4, 1, 7.0),
        record(0x27E, "HHHI", 2, 4, 1, rk),
        record(0xBD, "HHHIHIH", 3, 4, 1, rk, 0, rk, 5),
        record(0x06, "HHHdHIH", 4, 4, 1, 7.0, 0, 0, 0),
    )
    assert notes.shown == {(1, 4): "0007", (2, 4): "0007", (3, 4): "0007", (4, 4): "0007"}


def test_errors_are_found_in_cells_and_in_formulas_and_merges_are_kept() -> None:
    notes = sheet(
        record(0x205, "HHHBB", 1, 2, 0, 0x17, 1),
        record(0x205, "HHHBB", 1, 3, 0, 1, 0),  # only a yes
        record(0x06, "HHHBBBBBBHHIH", 5, 8, 0, 2, 0, 0x2A, 0, 0, 0, 0xFFFF, 0, 0, 0),
        record(0xE5, "HHHHH", 1, 2, 4, 0, 0),
    )
    assert notes.errors == {1: {2: "#REF!"}, 5: {8: "#N/A"}}
    assert notes.merges == [(2, 4, 0, 0)]


def test_formats_show_digits_days_and_words() -> None:
    def show(code: str, number: float, format_id: int = 164) -> str:
        way = shown_as(format_id, code)
        return way(number) if way else plain(number)

    assert show("0000", 7) == "0007"
    assert show('"U-"000', 7) == "U-007"
    assert show("000\\-000", 12034) == "012-034"
    assert show("#,##0", 1234567) == "1234567"
    assert show("0.00", 1.1) == "1.10"
    assert show("[$-421]dd mmmm yyyy;@", 46752) == "2027-12-31"
    assert show("", 46752, 14) == "2027-12-31"
    assert show("General", 7) == "7"
    assert show('General"/A"', 7) == "7/A"
    assert show("@", 7) == "7"
    assert show("0000", 197101012010031001.0) == "1.97101012010031e+17"
