"""Opening a stage (appraisals, segments, assignments, links, letters) beside the bare bulk insert of as many rows.

The bare insert puts the very same rows into a second database of the same kind, with the same keys and indexes.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Table, func, insert, select

from benchmarks import world
from benchmarks.measure import BenchmarkRefused, Cost, Worker, await_go, costs, median, table, tell
from database import Database
from models import ActionLink, Appraisal, Assignment, Letter, Segment

KINDS = ("sqlite", "postgresql")
SIZES = (10_000, 100_000)
TARGET, FLAT = 0.5, 1.2
TABLES = (Appraisal, Segment, Assignment, ActionLink, Letter)
PORTION = 5000


def measure(databases: tuple[str, ...] = KINDS, sizes: tuple[int, ...] = SIZES, rounds: int = 3) -> dict[str, Any]:
    """Each size in a process of its own, for its memory; the smallest in several rounds, the median of them counts."""
    runs = []
    for kind in databases:
        for people in sizes:
            turns = rounds if people == min(sizes) else 1
            told = [_in_process(kind, people) for _ in range(turns)]
            runs.append({
                "database": kind, "people": people, "ratio": round(median([one["ratio"] for one in told]), 3),
                "people_per_second": round(median([one["people_per_second"] for one in told])),
                "cpu_us_a_person": round(median([one["cpu_us_a_person"] for one in told])),
                "memory_mb": round(max(one["memory"] for one in told)), "rows": told[0]["rows"],
            })  # fmt: skip
    return {"ratio_to_bulk_insert": min(one["ratio"] for one in runs), "target": TARGET,
            "cost_growth": {kind: _growth(runs, kind) for kind in databases}, "target_growth": FLAT,
            "runs": runs}  # fmt: skip


def _growth(runs: list[dict[str, Any]], kind: str) -> float:
    """CPU a person among the most people, over that among the fewest."""
    listed = sorted((one["people"], one["cpu_us_a_person"]) for one in runs if one["database"] == kind)
    return round(listed[-1][1] / listed[0][1], 2)


def _in_process(kind: str, people: int) -> dict[str, Any]:
    worker = Worker("benchmarks.opening", "--worker", kind, str(people), env=world.ENV)
    try:
        worker.wait_until_ready()
        worker.go()
        return worker.told(timeout=1200)
    finally:
        worker.end()


def work(kind: str, people: int) -> dict[str, Any]:
    """One measurement in this process: ours first, then its rows once more, bare."""
    await_go()
    with world.server(kind) as address, world.fresh(address) as db:
        cycle = world.launch(db, people, enrolled=False)
        with costs() as ours:
            world.enroll(db, cycle)
            world.open_stage(db)
        with world.fresh(address) as other:
            world.launch(other, people, enrolled=False)
            bare, rows = _insert_bare(db, other)
    if rows < 4 * people:
        raise BenchmarkRefused(f"only {rows} rows were written for {people} people")
    return {
        "ratio": bare.wall / ours.wall, "people_per_second": people / ours.wall, "memory": ours.memory,
        "cpu_us_a_person": ours.cpu / people * 1e6, "rows": rows,
    }  # fmt: skip


def _insert_bare(db: Database, other: Database) -> tuple[Cost, int]:
    total, rows = Cost(), 0
    for model in TABLES:
        assert isinstance(model.__table__, Table)
        with other.transaction() as session:
            if session.scalar(select(func.count()).select_from(model)):
                raise BenchmarkRefused(f"{model.__tablename__} is not empty")
        for portion in _portions(db, model.__table__):
            for row in portion:
                row.pop("wave_id", None)
            with costs() as cost, other.transaction() as session:
                session.connection().execute(insert(model.__table__), portion)
            total.wall, total.cpu, rows = total.wall + cost.wall, total.cpu + cost.cpu, rows + len(portion)
    return total, rows


def _portions(db: Database, source: Table) -> Iterator[list[dict[str, Any]]]:
    after, key = -1, source.c.id
    while True:
        with db.reading() as session:
            query = select(source).where(key > after).order_by(key).limit(PORTION)
            found = [dict(row) for row in session.execute(query).mappings()]
        if not found:
            return
        after = found[-1]["id"]
        yield found


def words(found: dict[str, Any]) -> str:
    rows = [
        [f"{one['database']}, {one['people']:,} people", one["people_per_second"], float(one["ratio"]),
         one["cpu_us_a_person"], one["memory_mb"]]
        for one in found["runs"]
    ]  # fmt: skip
    growth = ", ".join(f"{ratio} on {kind}" for kind, ratio in found["cost_growth"].items())
    title = (
        f"Opening a stage: {found['ratio_to_bulk_insert']} of a bare bulk insert (target {TARGET}); cost a person among"
        f" the most over the fewest: {growth} (target within {FLAT})"
    )
    return table(title, ["", "people/s", "of bare insert", "µs CPU/person", "MB"], rows)


def main() -> None:
    if sys.argv[1:2] == ["--worker"]:
        print(json.dumps(work(sys.argv[2], int(sys.argv[3]))))
        return
    parser = argparse.ArgumentParser(prog="benchmarks.opening", description=__doc__)
    parser.add_argument("--people", type=int, action="append")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", choices=KINDS, action="append")
    parser.add_argument("--json", action="store_true")
    said = parser.parse_args()
    try:
        found = measure(tuple(said.database or KINDS), tuple(said.people or SIZES), said.rounds)
    except BenchmarkRefused as refused:
        raise SystemExit(f"Not measured: {refused}") from None
    tell(found, words(found), said.json)


if __name__ == "__main__":
    main()
