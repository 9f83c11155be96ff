"""What the tick asks the database every few minutes (is anything due?) while nothing is, beside an almost empty one.

The yardstick is the same cycle with the few dozen people of the example. A database without any cycle is measured too:
there one query finds that there is nothing to look at.
"""

import argparse
import time
from typing import Any

from actions.stages.due import due
from benchmarks import world
from benchmarks.measure import BenchmarkRefused, median, table, tell
from database import Database

KINDS = ("sqlite", "postgresql")
SIZE, TARGET = 100_000, 2.0


def measure(databases: tuple[str, ...] = KINDS, *, people: int = SIZE, looks: int = 40) -> dict[str, Any]:
    """Looks at both databases in turns; the ratio of the medians."""
    runs = []
    for kind in databases:
        with world.server(kind) as address, world.fresh(address) as none, world.fresh(address) as few:
            _prepare(few, 0)
            with world.fresh(address) as many:
                _prepare(many, people)
                times: dict[str, list[float]] = {"none": [], "few": [], "many": []}
                for _ in range(looks):
                    for name, db in (("none", none), ("few", few), ("many", many)):
                        times[name].append(_look(db))
        found = {name: median(listed[5:] or listed) for name, listed in times.items()}
        runs.append({"database": kind, "people": people, "ratio": round(found["many"] / found["few"], 2),
                     "ms": {name: round(1000 * value, 2) for name, value in found.items()}})  # fmt: skip
    return {"ratio_to_few": max(run["ratio"] for run in runs), "target": TARGET, "runs": runs}


def _prepare(db: Database, people: int) -> None:
    """A stage that is open for everybody, all invited and all letters sent."""
    world.current(db)
    world.launch(db, people)
    world.open_stage(db)
    world.deliver_all(db)
    world.analyze(db)


def _look(db: Database) -> float:
    began = time.perf_counter()
    with db.reading() as session:
        found = due(session, at=world.OPENING)
    if found:
        raise BenchmarkRefused(f"something is due: {found}")
    return time.perf_counter() - began


def words(found: dict[str, Any]) -> str:
    rows = [
        [one["database"], float(one["ms"]["none"]), float(one["ms"]["few"]), float(one["ms"]["many"]),
         float(one["ratio"])]
        for one in found["runs"]
    ]  # fmt: skip
    people = found["runs"][0]["people"]
    title = (
        f"Tick with nothing due: {found['ratio_to_few']} times a cycle of a few dozen people (target within {TARGET})"
    )
    return table(title, ["", "no cycle ms", "few people ms", f"{people:,} people ms", "ratio"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.tick", description=__doc__)
    parser.add_argument("--people", type=int, default=SIZE)
    parser.add_argument("--database", choices=KINDS, action="append")
    parser.add_argument("--json", action="store_true")
    said = parser.parse_args()
    try:
        found = measure(tuple(said.database or KINDS), people=said.people)
    except BenchmarkRefused as refused:
        raise SystemExit(f"Not measured: {refused}") from None
    tell(found, words(found), said.json)


if __name__ == "__main__":
    main()
