"""Results for SIASN: a line of JSON per person with the fields of its `skp22/save`, and the check of it.

The quadrant codes follow the matrix; that 1 is the best and 5 the worst is not settled by public sources and has to be
confirmed before the first upload. SIASN's own ids of people are not known here: the NIP stands in their place, and the
rater's grade is left empty.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from actions.exports.files import Exported, ExportRefused, Tally, demand_final, exported, marked
from actions.exports.rows import ResultRow, counted, results_rows
from actions.exports.tables import counts_of
from models import Cycle
from private_files import replacing
from rules.pack.pack import Pack
from rules.terms import Predicate, Rating, Scheme

RATINGS: Mapping[Rating, int] = {Rating.ABOVE: 1, Rating.MEETS: 2, Rating.BELOW: 3}
QUADRANTS: Mapping[Predicate, int] = {
    Predicate.VERY_GOOD: 1, Predicate.GOOD: 2, Predicate.NEEDS_IMPROVEMENT: 3, Predicate.POOR: 4,
    Predicate.VERY_POOR: 5,
}  # fmt: skip


def write_siasn(session: Session, cycle_id: int, path: Path, *, draft: bool = False) -> Exported:
    """Write a line for each result, then read the file back; refused if it tells anything else than the database."""
    demand_final(session, cycle_id, draft=draft)
    cycle, tally, path = session.get_one(Cycle, cycle_id), Tally(), marked(path, draft)
    if Pack.model_validate_json(cycle.pack).scheme is not Scheme.QUADRANT:
        raise ExportRefused("skp22 takes ratings by quadrant; this cycle goes by scores.")
    with replacing(path) as beside:
        with beside.open("w", encoding="utf-8") as file:
            for row in counted(session, cycle_id, tally):
                if row.predicate is not None:
                    file.write(json.dumps(_entry(row, cycle.year, draft), ensure_ascii=False) + "\n")
        tally.check(draft)
        if found := siasn_differences(session, cycle_id, beside):
            raise ExportRefused("The file does not say what the database says: " + "; ".join(found[:5]))
    return exported(path, tally.with_result, counts_of(tally), draft)


def siasn_differences(session: Session, cycle_id: int, path: Path) -> list[str]:
    """Hold a file, ours or one that came back, against the database: people missing, strange, twice or different."""
    year, said, problems = session.get_one(Cycle, cycle_id).year, dict[str, tuple[Any, ...]](), []
    for number, entry in _lines(path):
        nip = str(entry.get("pnsDinilaiOrang"))
        if nip in said:
            problems.append(f"line {number}: {nip} stands twice")
        said[nip] = _judged(entry)
    for row in results_rows(session, cycle_id):
        if row.predicate is None:
            continue
        there = said.pop(row.nip, None)
        if there is None:
            problems.append(f"{row.nip} is missing")
        elif there != (wanted := _judged(_entry(row, year, False))):
            problems.append(f"{row.nip}: the file says {there}, the database {wanted}")
    return problems + [f"{nip} has no result in this cycle" for nip in said]


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError):
                entry = None
            if not isinstance(entry, dict):
                raise ExportRefused(f"{path.name}, line {number}: no JSON object")
            yield number, entry


def _judged(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(entry.get(key) for key in ("tahun", "hasilKinerjaNilai", "perilakuKerjaNilai", "kuadranKinerjaNilai"))


def _entry(row: ResultRow, year: int, draft: bool) -> dict[str, Any]:
    if row.result_rating is None or row.behavior_rating is None or row.predicate is None:
        raise ExportRefused(f"{row.nip} has a predicate without both ratings: nothing was written.")
    entry = {
        "id": None, "tahun": year, "pnsDinilaiOrang": row.nip, "hasilKinerjaNilai": RATINGS[row.result_rating],
        "perilakuKerjaNilai": RATINGS[row.behavior_rating], "kuadranKinerjaNilai": QUADRANTS[row.predicate],
        "penilaiNama": row.rater or "", "penilaiNipNrp": row.rater_nip or "", "penilaiJabatan": row.rater_post or "",
        "penilaiGolongan": "", "penilaiUnorNama": row.rater_unit or "", "statusPenilai": "ASN", "path": [],
    }  # fmt: skip
    return entry | {"draft": True} if draft else entry
