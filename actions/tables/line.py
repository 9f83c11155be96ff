"""What a reader of any format hands on: sheets with lines of text."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from rules.refused import Refused
from rules.roster.header import Merge

Progress = Callable[[int, int], None]
"""Told how much is done, and of how much: bytes of the file."""

UNCALCULATED = "rumus tanpa nilai / formula without a value"
MAX_COLUMNS = 1024
"""Cells further right are not put into lines; the sheet remembers which columns they stand in."""
MAX_CELL = 32_767
"""Characters that a spreadsheet allows in a cell."""


class TableRefused(Refused):
    """The file is not read at all: why and what to do, in both languages."""

    def __init__(self, indonesian: str, english: str) -> None:
        super().__init__(f"{indonesian} / {english}")
        self.indonesian, self.english = indonesian, english


class Line(NamedTuple):
    number: int
    """In the file: of the line in which the record begins, or of the row of the sheet."""
    cells: list[str]
    errors: tuple[int, ...] = ()
    """Columns, from 0, in which the sheet shows an error or has not calculated a formula."""
    unreadable: tuple[str, str] | None = None
    """Why the line could not be split into cells, in both languages."""


@dataclass
class Unseen:
    """What a sheet hides and yet holds; it is read, and said to have been. Known once the lines are read."""

    rows: list[list[int]] = field(default_factory=list)
    """First and last of each block of rows that hold something."""
    columns: set[int] = field(default_factory=set)

    def row(self, number: int) -> None:
        if self.rows and number == self.rows[-1][1] + 1:
            self.rows[-1][1] = number
        elif not self.rows or number > self.rows[-1][1]:
            self.rows.append([number, number])

    def hide_columns(self, first: int, last: int) -> None:
        self.columns.update(range(first, min(last, MAX_COLUMNS - 1) + 1))


@dataclass
class Sheet:
    name: str
    """Empty where the format has no sheets."""
    lines: Iterator[Line]
    visible: bool = True
    merges: list[Merge] = field(default_factory=list)
    far: set[int] = field(default_factory=set)
    """Columns beyond MAX_COLUMNS that hold something; known once the lines are read."""
    unseen: Unseen = field(default_factory=Unseen)
    first_day_1904: bool = False


@dataclass
class Book:
    kind: str
    """What the file is by its first bytes: csv, xlsx, xls, ods, html."""
    sheets: list[Sheet]
    encoding: str = ""
    guessed: bool = False
    """Whether the encoding is a guess."""
    ragged: bool = False
    """Whether a line may have fewer or more cells than the header, so that cells may have moved."""


def column_letters(column: int) -> str:
    """The name of a column, counted from 0, as spreadsheets show it."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
