"""What is found in a roster: problems, units, and the rows that may go on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rules.roster_columns import RosterRow
from rules.roster_texts import CATALOGUE, Text
from rules.words import Locale, Severity


@dataclass(frozen=True, slots=True)
class Malformed:
    """What the reader says of a row that it could not hand over, or of the file."""

    row: int
    code: str = "row_malformed"
    facts: Mapping[str, str] = field(default_factory=dict)


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

    def text(self, locale: Locale) -> Text:
        """Message, fixer and remedy for people."""
        names = f" ({', '.join(self.hr[:2])})" if self.hr else ""
        facts = {"nip": self.nip, "name": self.name or self.nip, **self.facts}
        facts |= {"hr_id": f"Pengelola Kinerja{names}", "hr_en": f"HR{names}"}
        facts["reason"] = facts.get(f"reason_{locale.value}", "")
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

    @property
    def blocks(self) -> bool:
        return any(problem.blocks for problem in self.problems)
