"""Credit points of functional officials (PerBKN 3/2023): a line per post held in the year."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from actions.exports.files import DRAFT, Exported, ExportRefused, demand_final, exported, marked, write_rows
from models import Appraisal, Cycle, Person, Posting, Result, Segment
from notifications.documents import words
from private_files import replacing
from rules.pack.credit_points import credit_points
from rules.pack.pack import CreditTable, Pack
from rules.terms import Locale, PostGroup

HEADS = (
    "NIP", "Nama", "Jabatan", "Dari", "Sampai", "Bulan", "Jenjang", "Predikat kinerja", "Koefisien", "Angka kredit",
    "Catatan", "Sifat data",
)  # fmt: skip


def write_credit_points(session: Session, cycle_id: int, path: Path, *, draft: bool = False) -> Exported:
    """Write the lines; refused for a pack that grants none. Whoever's level cannot be read is listed and told so."""
    demand_final(session, cycle_id, draft=draft)
    cycle, path = session.get_one(Cycle, cycle_id), marked(path, draft)
    pack = Pack.model_validate_json(cycle.pack)
    if pack.ak_table is None:
        raise ExportRefused(f"{pack.name} converts no predicates to credit points.")
    lines = {"granted": 0, "level_unknown": 0}
    with replacing(path) as beside, beside.open("w", encoding="utf-8-sig", newline="") as file:
        count = write_rows(file, HEADS, _lines(session, cycle, pack, pack.ak_table, lines, draft))
    return exported(path, count, lines, draft)


def months_held(first: date, last: date | None, year: int) -> int:
    """Months of the year whose first day lies in the span: each month counts for one post, and a year for 12."""
    return sum(first <= date(year, month, 1) <= (last or date.max) for month in range(1, 13))


def level_of(post: str, table: CreditTable) -> str | None:
    """The level that the name of a post ends with, as `Analis Kebijakan Ahli Muda` does; None if it has none."""
    name = " ".join(post.lower().split())
    ends = [key for key, level in table.levels.items() if f" {name}".endswith(f" {level.title[Locale.ID].lower()}")]
    return max(ends, key=len) if ends else None


def _lines(
    session: Session, cycle: Cycle, pack: Pack, table: CreditTable, lines: dict[str, int], draft: bool
) -> Iterator[list[str]]:
    labels: Mapping[Any, str] = pack.labels[Locale.ID].predicates
    for nip, name, predicate, segment, group in session.execute(_query(cycle).execution_options(yield_per=1000)):
        months, level = months_held(segment.from_on, segment.to_on, cycle.year), level_of(segment.post, table)
        if not months or (level is None and group is not PostGroup.JF):
            continue
        span = [segment.from_on.isoformat(), segment.to_on.isoformat() if segment.to_on else ""]
        known = ["", "", "Jenjang tidak terbaca dari nama jabatan: lengkapi secara manual"]
        if level is not None:
            points = credit_points(pack, level, predicate, months)
            known = [words.number(table.levels[level].coefficient), words.number(points), ""]
        lines["granted" if level else "level_unknown"] += 1
        title = table.levels[level].title[Locale.ID] if level else ""
        yield [nip, name, segment.post, *span, str(months), title, labels[predicate], *known,
               DRAFT if draft else "FINAL"]  # fmt: skip


def _query(cycle: Cycle) -> Any:
    held = select(func.max(Posting.from_on)).where(
        Posting.person_id == Appraisal.employee_id, Posting.from_on <= date(cycle.year, 12, 31)
    )  # fmt: skip
    return (
        select(Person.nip, Person.name, Result.predicate, Segment, Posting.post_group)
        .select_from(Appraisal)
        .join(Person, Person.id == Appraisal.employee_id)
        .join(Result, and_(Result.appraisal_id == Appraisal.id, Result.superseded_at.is_(None),
                           Result.issued_at.is_not(None)))
        .join(Segment, Segment.appraisal_id == Appraisal.id)
        .outerjoin(Posting, and_(Posting.person_id == Appraisal.employee_id,
                                 Posting.from_on == held.correlate(Appraisal).scalar_subquery()))
        .where(Appraisal.cycle_id == cycle.id)
        .order_by(Person.nip, Segment.number)
    )  # fmt: skip
