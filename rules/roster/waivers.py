"""The columns of a file of waivers: whose problem is let stand, which one, and why."""

from collections.abc import Sequence

from rules.roster.columns import Header

COLUMNS = ("nip", "code", "reason")
_NAMES = {"nip": "nip", "code": "code", "kode": "code", "reason": "reason", "alasan": "reason"}


def match_waivers(names: Sequence[str]) -> Header:
    """Match the names of a header row."""
    names = tuple(" ".join(name.split()) for name in names)
    columns = tuple(_NAMES.get(name.casefold()) for name in names)
    known = [column for column in columns if column]
    return Header(
        columns, tuple(name for name, column in zip(names, columns, strict=True) if name and not column),
        tuple(column for column in COLUMNS if column not in known),
        tuple(sorted({column for column in known if known.count(column) > 1})),
        tuple((column, (columns.index(column),)) for column in dict.fromkeys(known)), names,
    )  # fmt: skip
