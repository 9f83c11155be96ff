"""Rosters and waivers from files of any kind: rows of people; what cannot be read is reported, never dropped."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from actions.tables.line import UNCALCULATED, Line, Progress, TableRefused, column_letters
from actions.tables.numbers import day_of
from actions.tables.reader import Table, read_table
from rules.roster.columns import (
    ADVICE,
    DAYS,
    Fault,
    Header,
    RosterRefused,
    RosterRow,
    clean_nip,
    match_header,
    row_of,
    with_unit_codes,
)
from rules.roster.doctor import Malformed, RosterItem, Source
from rules.roster.nobody import is_nobody, spans

MOST_ROWS = 6_000_000
SURE_AFTER = 20_000
"""Rows after which a file that holds more nonsense than people is refused as a whole."""
_ERROR = re.compile(
    r"#(N/A|NV|REF!|BEZUG!|VALUE!|WERT!|DIV/0!|NAME\?|NUM!|ZAHL!|NULL!|SPILL!|CALC!|FIELD!|BUSY!|CONNECT!|BLOCKED!"
    rf"|UNKNOWN!|GETTING_DATA)|#{{3,}}|Err:\d{{3}}|{re.escape(UNCALCULATED)}"
)
"""What spreadsheets show in place of a value, in English and German; also ##### of a column too narrow."""


def read_roster(path: Path, progress: Progress | None = None) -> Iterator[RosterItem]:
    """Yield what stands in a roster; RosterRefused if it is no roster: unreadable, empty, or without required columns.

    First its source, then a row for each person, and Malformed for whatever could not be handed over.
    """
    table = _table(path, "roster", progress)
    return _Rows(path, table).items()


def lines_of(path: Path) -> tuple[Table, Iterator[Line]]:
    """The table of a roster and all its lines as they were read, titles and header included."""
    table = _table(path, "roster", None)
    return table, _refusing(table.lines, path)


def read_waivers(path: Path) -> dict[tuple[str, str], str]:
    """Read nip,code,reason; refused as a whole, naming each line, if a reason is missing: a waiver is an act."""
    waivers: dict[tuple[str, str], str] = {}
    bad: list[str] = []
    table = _table(path, "waivers", None)
    places = [table.names.index(name) for name in table.names if name.casefold() in _WAIVER_COLUMNS]
    columns = {_WAIVER_COLUMNS[table.names[place].casefold()]: place for place in places}
    for line in _refusing(table.lines, path):
        if line.number <= table.last:
            continue
        cells = [*(_content(cell).strip() for cell in line.cells), *[""] * len(table.names)]
        if columns["reason"] == len(table.names) - 1:  # a reason may hold the separator
            cells[columns["reason"]] = ", ".join(cell for cell in cells[columns["reason"] :] if cell)
        nip, code, reason = (cells[columns[column]] for column in ("nip", "code", "reason"))
        if nip and code and reason and not line.unreadable:
            waivers[clean_nip(nip), code] = reason
        elif nip or code or reason or line.unreadable:
            bad.append(f"{path.name}:{line.number}: {nip or '?'},{code or '?'}")
    if bad:
        raise RosterRefused(
            f"Pengesampingan perlu nip, code dan reason: {'; '.join(bad)}. / A waiver needs nip, code and reason."
        )
    return waivers


_WAIVER_COLUMNS = {"nip": "nip", "code": "code", "kode": "code", "reason": "reason", "alasan": "reason"}


def _table(path: Path, purpose: str, progress: Progress | None) -> Table:
    try:
        return read_table(path, purpose, progress)
    except TableRefused as refused:
        raise _named(refused, path) from refused


def _refusing(lines: Iterator[Line], path: Path) -> Iterator[Line]:
    try:
        yield from lines
    except TableRefused as refused:
        raise _named(refused, path) from refused


def _named(refused: TableRefused, path: Path) -> RosterRefused:
    return RosterRefused(f"{path.name}: {refused.indonesian} / {path.name}: {refused.english}")


class _Rows:
    """Makes rows of lines, and keeps in mind what was not read."""

    def __init__(self, path: Path, table: Table) -> None:
        self.path, self.table = path, table
        self.header: Header = match_header(table.names)
        self.width = len(table.names)
        self.skipped = [index for index, column in enumerate(self.header.columns) if column is None]
        self.unread: set[int] = set()
        """Columns without a known name in which something stands."""
        self.columns_unread: list[str] = []
        self.nobody: list[int] = []
        self.rows = self.nonsense = 0

    def items(self) -> Iterator[RosterItem]:
        table = self.table
        yield Source(
            table.kind, table.sheet, table.last, self.header.told, table.encoding, tuple(table.hidden),
            self.columns_unread, self.nobody,
        )  # fmt: skip
        if table.guessed:
            encoding = {"cp1252": "Windows-1252", "mac-roman": "Mac Roman"}.get(table.encoding, table.encoding)
            yield Malformed(1, "encoding_guessed", {"value": encoding})
        for line in _refusing(table.lines, self.path):
            if line.number > table.last:
                item = self._item(line)
                if item is not None:
                    yield item
        self.columns_unread += self._unread()
        if self.columns_unread:
            yield Malformed(table.last, "column_unknown", {"columns": ", ".join(self.columns_unread)})
        if self.nobody:
            yield Malformed(0, "rows_passed_over", {"count": str(len(self.nobody)), "value": spans(self.nobody)})
        yield from self._unseen()

    def _unseen(self) -> Iterator[Malformed]:
        """What the sheet hides and was read all the same: whoever looks at the sheet does not see it."""
        if rows := [row for first, last in self.table.unseen_rows for row in range(first, last + 1)]:
            yield Malformed(0, "rows_hidden", {"count": str(len(rows)), "value": spans(rows)})
        names = [self.table.names[column] for column in self.table.unseen_columns if column < self.width]
        if columns := ", ".join(filter(None, names)):
            yield Malformed(self.table.last, "columns_hidden", {"columns": columns})

    def _unread(self) -> list[str]:
        named = [name for name in self.header.unknown if name != ADVICE]
        nameless = [index for index in sorted(self.unread) if index >= self.width or not self.header.names[index]]
        return [*named, *(f"({letters})" for letters in [*map(column_letters, nameless), *self.table.far])]

    def _item(self, line: Line) -> RosterRow | Malformed | None:
        if line.unreadable:
            self._count(sound=False)
            return Malformed(line.number, facts=dict(zip(("reason_id", "reason_en"), line.unreadable, strict=True)))
        cells = line.cells
        if not any(cell.strip() for cell in cells):
            return None
        texts = [_content(cell) if '="' in cell else cell for cell in cells]
        texts += [""] * (self.width - len(texts))
        known = {
            column: text
            for column, places in self.header.order
            if (text := next((texts[place] for place in places if texts[place].strip()), ""))
        }
        if is_nobody(texts, known, self.header.names):
            self.nobody.append(line.number)
            return None
        if (
            self.table.ragged
            and len(cells) != self.width
            and _moved(cells, self.header, self.width, line.number, known)
        ):
            self._count(sound=False)
            return _wrong_width(line.number, len(cells), self.width)
        self.unread.update(index for index in self.skipped if texts[index].strip())
        self.unread.update(index for index in range(self.width, len(texts)) if texts[index].strip())
        self._count(sound=len(clean_nip(known.get("nip", ""))) == 18)
        return self._row(line, texts, known)

    def _count(self, *, sound: bool) -> None:
        self.rows += 1
        self.nonsense += not sound
        if self.rows > MOST_ROWS:
            raise RosterRefused(f"Lebih dari {MOST_ROWS} baris. / More than {MOST_ROWS} rows.")
        if self.nonsense > SURE_AFTER and self.nonsense * 2 > self.rows:
            raise RosterRefused(
                f"{self.path.name}: {self.nonsense} dari {self.rows} baris pertama tanpa NIP 18 digit; ini bukan data "
                f"pegawai. / {self.path.name}: {self.nonsense} of the first {self.rows} rows have no NIP of 18 digits; "
                "this is no roster."
            )

    def _row(self, line: Line, texts: Sequence[str], known: dict[str, str]) -> RosterRow:
        faults: list[Fault] = []
        for column, places in self.header.order:
            text = known.get(column, "")
            wrong = [place for place in places if place in line.errors]
            if wrong or (text[:1] in "#Er" and _ERROR.fullmatch(text.strip())):
                place = (wrong or [each for each in places if texts[each].strip()])[0]
                cell = f"{column_letters(place)}{line.number}"
                sheet = f"{self.table.sheet}!" if self.table.sheet else ""
                faults.append(Fault("cell_error", column, texts[place].strip(), f"{sheet}{cell}"))
                known[column] = ""
            elif column in DAYS and re.fullmatch(r"[2-9]\d{4}", text.strip()):  # a day as its serial number
                known[column] = day_of(float(text), first_day_1904=self.table.first_day_1904)
            elif column == "nip" and len(places) > 1:
                numbers = {clean_nip(texts[place]) for place in places if texts[place].strip()}
                if len(numbers) > 1:
                    faults.append(Fault("nip_two", "nip", " / ".join(sorted(numbers))))
        if self.header.named_units:
            known = with_unit_codes(known)
        row = row_of(line.number, known)
        row.faults = (*faults, *row.faults)
        return row


def _content(cell: str) -> str:
    """What stands in ="...", which keeps a spreadsheet from making a number of it."""
    text = cell.strip()
    if text.startswith('="') and text.endswith('"') and len(text) > 2:
        return text[2:-1].replace('""', '"')
    return cell


def _moved(cells: Sequence[str], header: Header, width: int, number: int, known: dict[str, str]) -> bool:
    """Whether cells of a line may stand in the wrong column: one too many, since a name held the separator."""
    if any(cell.strip() for cell in cells[width:]):
        return True
    (email, *_) = next(places for column, places in header.order if column == "email")
    if len(cells) <= email:
        return True  # the line broke off
    if len(cells) < width:
        return email + 1 < len(cells) and "@" not in cells[email] and "@" in cells[email + 1]
    if "@" not in known.get("email", "") or re.search(r"[^\W\d_]", known.get("superior_nip", "")):
        return True
    return bool(row_of(number, known).faults)


def _wrong_width(number: int, found: int, wanted: int) -> Malformed:
    facts = {"reason_id": f"{found} sel, seharusnya {wanted}", "reason_en": f"{found} cells instead of {wanted}"}
    return Malformed(number, facts=facts)
