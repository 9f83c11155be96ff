"""kill -9 of dispatchers at random, again and again, while the mail server has its moods too: what gets lost?

Two dispatchers share one outbox. Whichever is killed is replaced at once; its leases are ended in the database, since
nobody waits 35 minutes. Letters are owed as long as it lasts. Then everything settles and is counted.
"""

import argparse
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from actions.store import schema
from benchmarks import world
from benchmarks.kills.moody import Moody
from benchmarks.kills.office import MOST_PER_WINDOW, WINDOW, Count, Office
from benchmarks.kills.process import IN_ALL, Place, clock_since
from benchmarks.measure import BenchmarkRefused, table, tell
from database import Database
from simulation.soundness import breaches

KINDS = ("sqlite", "postgresql")
BETWEEN_KILLS = 0.3
"""Seconds, on average."""
TIDY_EVERY, CHECK_EVERY = 1.0, 60.0
SETTLE_SECONDS = 120.0
LIMIT = (WINDOW, MOST_PER_WINDOW)


@dataclass(frozen=True, slots=True)
class Options:
    kills: int = 50
    seconds: float | None = None
    """If given, the kills are spread over so long."""
    databases: Sequence[str] = KINDS
    """`sqlite`, `postgresql`, or the URL of an empty database; they share kills and seconds."""
    seed: int = 1


def measure(asked: Options) -> dict[str, Any]:
    runs, many = [], len(asked.databases)
    for number, kind in enumerate(asked.databases):
        kills = asked.kills // many + (number < asked.kills % many)
        mean = BETWEEN_KILLS if asked.seconds is None else asked.seconds / max(1, asked.kills)
        with _database(kind) as db:
            runs.append({"database": db.engine.dialect.name, **_soak(db, kills, mean, asked.seed + number)})
    return {"clean": all(run["clean"] for run in runs), "connections": IN_ALL, "runs": runs}


@contextmanager
def _database(kind: str) -> Iterator[Database]:
    if kind in KINDS:
        with world.server(kind) as address, world.fresh(address) as db:
            yield db
        return
    db = Database(kind)
    schema.upgrade(db, simulation_from=world.BEFORE.isoformat())
    yield db
    db.close()


def _soak(db: Database, kills: int, mean: float, seed: int) -> dict[str, Any]:
    chance, began = random.Random(seed), time.time()  # noqa: S311 - repeatable, not secret
    office, found = Office(db, clock_since(began)), set[str]()
    with Moody(seed=seed) as sink:
        places = [Place(db.url, sink.port, name, began) for name in ("left", "right")]
        try:
            _kill(office, sink, places, kills, mean, chance, found)
            sink.calm = True
            left = _settle(office)
        finally:
            for place in places:
                place.stop()
        found.update(breaches(db, sink, most_per_window=LIMIT))
        if left:
            found.add(f"{left} letters are not through")
        counted = Count.of(db, sink)
    copies = counted.copies_after_kills <= kills * IN_ALL and counted.most_copies_of_a_kill <= IN_ALL
    return {
        "kills": kills, **asdict(counted), "faults": sink.faults, "seconds": round(time.time() - began),
        "breaches": sorted(found),
        "clean": copies and not found and not counted.lost and not counted.beyond_doubt,
    }  # fmt: skip


def _kill(
    office: Office, sink: Moody, places: Sequence[Place], kills: int, mean: float, chance: random.Random,
    found: set[str],
) -> None:  # fmt: skip
    tidied = checked = time.monotonic()
    for _ in range(kills):
        until = time.monotonic() + chance.expovariate(1 / mean)
        while True:
            office.keep_owing()
            if (now := time.monotonic()) - tidied > TIDY_EVERY:
                office.tidy()
                tidied = now
            if now - checked > CHECK_EVERY:
                found.update(breaches(office.db, sink, under_way=True, most_per_window=LIMIT))
                checked = time.monotonic()
            if (rest := until - time.monotonic()) <= 0:
                break
            time.sleep(min(rest, 0.2))
        office.bury(chance.choice(places).kill())


def _settle(office: Office) -> int:
    until = time.monotonic() + SETTLE_SECONDS
    while (left := office.hurry()) and time.monotonic() < until:
        office.tidy()
        time.sleep(0.3)
    return left


def words(found: dict[str, Any]) -> str:
    head = ["", "kills", "letters", "lost", "doubled beyond doubt", "most per kill", "copies", "after kills", "to HR",
            "server faults", "seconds"]  # fmt: skip
    rows = [
        [run["database"], run["kills"], run["letters"], run["lost"], run["beyond_doubt"], run["most_copies_of_a_kill"],
         run["copies"], run["copies_after_kills"], run["left_to_hr"], run["faults"], run["seconds"]]
        for run in found["runs"]
    ]  # fmt: skip
    said = [f"{run['database']}: {one}" for run in found["runs"] for one in run["breaches"]]
    title = f"Soak: {'nothing lost, all as promised' if found['clean'] else 'NOT as promised'}; a process has {IN_ALL} "
    return "\n".join([table(f"{title}connections", head, rows), *said])


def options(given: Sequence[str] | None = None) -> tuple[Options, bool]:
    parser = argparse.ArgumentParser(prog="benchmarks.soak", description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="in all")
    parser.add_argument("--seconds", type=float, help="spread the kills over so long; else every 0.3 seconds")
    parser.add_argument("--database", action="append", help="sqlite, postgresql, or the URL of an empty one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one object instead of the table")
    said = parser.parse_args(given)
    return Options(said.kills, said.seconds, said.database or KINDS, said.seed), said.json


def main() -> None:
    asked, as_json = options()
    try:
        found = measure(asked)
    except BenchmarkRefused as refused:
        raise SystemExit(f"Not measured: {refused}") from None
    tell(found, words(found), as_json)
    raise SystemExit(not found["clean"])


if __name__ == "__main__":
    main()
