"""Find the header of a roster: in one row, or in up to three of which the upper ones are titles over the lower."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from rules.roster.columns import Header, RosterRefused, demand_columns, match_header, refuse_doubled

WITHIN = 30
"""Titles may stand above the header; it is looked for in so many rows that are not blank."""
DEPTH = 3

Row = tuple[int, Sequence[str]]
"""Its number in the file, and its cells."""
Match = Callable[[Sequence[str]], Header]


class Merge(NamedTuple):
    """Cells that look like one: rows counted from 1, columns from 0, both ends inclusive."""

    top: int
    bottom: int
    left: int
    right: int


class Heading(NamedTuple):
    first: int
    """Number of its upper row."""
    last: int
    header: Header

    @property
    def known(self) -> int:
        return len(self.header.order)


def find_heading(
    rows: Sequence[Row], merges: Sequence[Merge] = (), match: Match = match_header
) -> tuple[Heading | None, Header | None]:
    """The heading that names most of our columns; where none has all that are required, the one that came nearest."""
    best: Heading | None = None
    nearest: Header | None = None
    alone = [match(cells) for _, cells in rows[: WITHIN + DEPTH]]
    for depth in range(1, DEPTH + 1):
        for start in range(min(len(rows), WITHIN) - depth + 1):
            block = rows[start : start + depth]
            if any(after[0] != before[0] + 1 for before, after in pairwise(block)):
                continue
            if depth > 1 and max(len(header.order) for header in alone[start : start + depth]) < 2:
                continue
            header = alone[start] if depth == 1 else _joined(block, merges, match)
            heading = Heading(block[0][0], block[-1][0], header)
            if not header.missing and not header.doubled and (best is None or heading.known > best.known):
                best = heading
            if nearest is None or _distance(header) < _distance(nearest):
                nearest = header
    return best, nearest


def refuse(nearest: Header | None, where: str = "") -> RosterRefused:
    """Why no heading was found, in the words of the rules."""
    if nearest is None:
        return RosterRefused("Berkas kosong. / The file is empty.")
    try:
        refuse_doubled(nearest)
        demand_columns(nearest, where)
    except RosterRefused as refused:
        return refused
    raise AssertionError("a header with all columns was not taken")


def _distance(header: Header) -> tuple[int, int]:
    return len(header.missing), len(header.doubled)


def _joined(block: Sequence[Row], merges: Sequence[Merge], match: Match) -> Header:
    width = max(len(cells) for _, cells in block)
    table = [[*(" ".join(cell.split()) for cell in cells), *[""] * (width - len(cells))] for _, cells in block]
    _spread(table, block[0][0], merges)
    options = [_options([row[column] for row in table]) for column in range(width)]
    chosen = [next((name for name in names if match([name]).order), names[-1] if names else "") for names in options]
    claimed: dict[str, list[int]] = {}
    for column, name in enumerate(chosen):
        for ours, _ in match([name]).order:
            claimed.setdefault(ours, []).append(column)
    for columns in claimed.values():
        sure = [column for column in columns if len(options[column]) == 1 or chosen[column] != options[column][-1]]
        for column in columns if len(columns) > 1 and sure else ():
            if column not in sure:  # "Nama" below "Atasan" is not the name
                chosen[column] = options[column][0]
    return match(chosen)


def _spread(table: list[list[str]], top: int, merges: Sequence[Merge]) -> None:
    """Write the title of several columns above each of them."""
    for merge in merges:
        if not top <= merge.top < top + len(table):
            continue
        title = table[merge.top - top][merge.left] if merge.left < len(table[0]) else ""
        for row in table[merge.top - top : merge.bottom - top + 1]:
            for column in range(merge.left, min(merge.right + 1, len(row))):
                row[column] = row[column] or title
    for upper, lower in pairwise(table) if not merges else ():
        for column in range(1, len(upper)):
            if not upper[column] and lower[column] and lower[column - 1]:
                upper[column] = upper[column - 1]


def _options(labels: Sequence[str]) -> list[str]:
    """What a column under these titles may be called, the most telling first, its own label last."""
    own = list(dict.fromkeys(label for label in labels if label))
    if len(own) < 2:
        return own
    *above, last = own
    pairs = [name for group in reversed(above) for name in (f"{last} {group}", f"{group} {last}")]
    return list(dict.fromkeys([*pairs, last]))
