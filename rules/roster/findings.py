"""What is found in a roster: problems, units, and the rows that may go on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rules.roster.columns import SYNONYMS, RosterRow
from rules.roster.texts import CATALOGUE, COLUMN_OF, Text
from rules.terms import Locale, Severity


@dataclass(frozen=True, slots=True)
class Malformed:
    """What the reader says of a row that it could not hand over, or of the file."""

    row: int
    code: str = "row_malformed"
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """What was read: the reader hands it over ahead of the rows."""

    kind: str
    """What the file is by its first bytes."""
    sheet: str
    header_row: int
    columns: Mapping[str, str]
    """How this file names our columns."""
    encoding: str = ""
    hidden: tuple[str, ...] = ()
    """Sheets that nobody sees and that were not read."""
    unread: list[str] = field(default_factory=list)
    """Columns that were not read, by name, or (letters) where they have none; complete like the next."""
    passed_over: list[int] = field(default_factory=list)
    """Rows that are nobody; complete once all rows were handed over."""


class Names(dict[str, str]):
    """Our columns as the file names them; a column that the file has not, as a file of its kind would name it."""

    def __missing__(self, column: str) -> str:
        in_our_words = all(name == of for of, name in self.items())
        return column if in_our_words or column not in SYNONYMS else SYNONYMS[column][0]


@dataclass(slots=True)
class Problem:
    """One problem of one row; `row` 0 is the file as a whole."""

    row: int
    nip: str
    name: str
    code: str
    facts: Mapping[str, str]
    hr: list[str]
    waived: str = ""
    """The reason given for going on all the same; empty if none was given or none is possible."""
    names: Names = field(default_factory=Names)

    @property
    def column(self) -> str:
        """Our name of the column whose cell is to be mended; empty if it is not one cell."""
        return self.facts.get("at", "") or COLUMN_OF.get(self.code, "")

    @property
    def severity(self) -> Severity:
        return CATALOGUE[self.code].severity

    @property
    def blocks(self) -> bool:
        """Blocking, or waivable and not waived with a reason."""
        return self.severity is Severity.BLOCKING or (self.severity is Severity.WAIVABLE and not self.waived)

    @property
    def holds_row(self) -> bool:
        """Whether its row is left out: nobody can be reached, or nobody can rate, or one could act as another."""
        return self.blocks and CATALOGUE[self.code].holds_row

    def text(self, locale: Locale, others: Mapping[str, str] | None = None) -> Text:
        """Message, fixer and remedy for people; `others` are words in place of this row's own facts."""
        names = f" ({', '.join(self.hr[:2])})" if self.hr else ""
        facts: dict[str, object] = {"nip": self.nip, "name": self.name or self.nip, **self.facts, **(others or {})}
        facts |= {"hr_id": f"Pengelola Kinerja{names}", "hr_en": f"HR{names}"}
        facts["reason"] = facts.get(f"reason_{locale.value}", "")
        facts["c"] = self.names
        return Text(*(part.format_map(facts) for part in CATALOGUE[self.code].text(locale)))


@dataclass(slots=True)
class RosterUnit:
    code: str
    name: str
    parent: str
    """Empty at the top; an unknown or circular parent has been taken away, and a problem says so."""
    row: int
    head_nip: str = ""


@dataclass(frozen=True, slots=True)
class Examination:
    rows_ok: list[RosterRow]
    """In the order of the file. A superior may be held back: the duties then climb."""
    problems: list[Problem]
    units: dict[str, RosterUnit]
    """Parents first."""
    counts: dict[str, int]
    """rows = accepted + held_back; problems = blocking + waivable + waived + notes."""
    source: Source | None = None

    @property
    def blocks(self) -> bool:
        return any(problem.blocks for problem in self.problems)


RosterItem = RosterRow | Malformed | Source
"""What a reader hands over."""
