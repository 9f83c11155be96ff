"""What all exports share: refused too early, counted against the roster, written whole or not at all."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import Appraisal
from rules.refused import Refused
from rules.terms import EmploymentKind, Predicate

DRAFT = "DRAFT"


class ExportRefused(Refused):
    """Nothing was written; the message says why and what to do."""


@dataclass(slots=True)
class Tally:
    """Counts of one export, each person once."""

    roster: int = 0
    with_result: int = 0
    without_result: int = 0
    unfinished: int = 0
    """Neither result nor explanation; only in drafts."""
    predicates: Counter[tuple[EmploymentKind, Predicate]] = field(default_factory=Counter)
    units: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    """Unit code and name -> predicates, `without_result`, `unfinished`."""

    def check(self, draft: bool) -> None:
        """Refuse sums that do not add up to the roster: a report whose counts are wrong is worse than none."""
        told = self.with_result + self.without_result + self.unfinished
        sums = {"people": told, "units": sum(unit.total() for unit in self.units.values())}
        if set(sums.values()) != {self.roster} or self.predicates.total() != self.with_result:
            found = ", ".join(f"{count} by {name}" for name, count in sums.items())
            raise ExportRefused(f"The cycle has {self.roster} people, but the export {found}: export again.")
        if self.unfinished and not draft:
            raise ExportRefused(f"{self.unfinished} people have neither result nor explanation: HR accounts for them.")


@dataclass(frozen=True, slots=True)
class Exported:
    path: Path
    rows: int
    sha256: str
    counts: dict[str, int]
    draft: bool

    def as_json(self) -> dict[str, object]:
        return {"file": str(self.path), "rows": self.rows, "sha256": self.sha256, "counts": self.counts,
                "draft": self.draft}  # fmt: skip


def roster_of(session: Session, cycle_id: int) -> int:
    return session.scalar(select(func.count()).select_from(Appraisal).filter_by(cycle_id=cycle_id)) or 0


def demand_final(session: Session, cycle_id: int, *, draft: bool) -> None:
    """Refuse a cycle that nobody is in, and one that is not final unless a draft was asked for."""
    open_ = select(func.count()).select_from(Appraisal).where(
        Appraisal.cycle_id == cycle_id, Appraisal.finalized_at.is_(None)
    )  # fmt: skip
    if not roster_of(session, cycle_id):
        raise ExportRefused("The cycle has no appraisals: nobody was enrolled.")
    if not draft and (count := session.scalar(open_)):
        raise ExportRefused(
            f"The cycle is not final: {count} appraisals are still open. Export a draft with --draft, or wait for"
            " finalization."
        )


def marked(path: Path, draft: bool) -> Path:
    """`results.csv` becomes `results-DRAFT.csv`."""
    return path.with_name(f"{path.stem}-{DRAFT}{path.suffix}") if draft and DRAFT not in path.stem else path


def exported(path: Path, rows: int, counts: dict[str, int], draft: bool) -> Exported:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return Exported(path, rows, digest.hexdigest(), counts, draft)


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def harmless(cell: str) -> str:
    """A cell that a spreadsheet would run as a formula gets an apostrophe in front."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def write_rows(file: IO[str], head: Iterable[str], rows: Iterable[Iterable[str]]) -> int:
    """CSV with a header; returns the number of rows below it."""
    import csv

    writer, count = csv.writer(file), 0
    writer.writerow(head)
    for row in rows:
        writer.writerow([harmless(cell) for cell in row])
        count += 1
    return count
