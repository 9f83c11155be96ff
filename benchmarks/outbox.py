"""The outbox with a great many letters beside one with few: does a letter cost more because others wait with it?

Letters are queued as a wave queues them, then taken and settled to the last. A claim is timed at the first letters, in
the middle and at the last; memory is that of the process. The yardstick is the smallest size in the same run.
"""

import argparse
import json
import sys
import time
from typing import Any

from sqlalchemy import insert

from actions.mail import letters, outbox
from benchmarks import world
from benchmarks.measure import BenchmarkRefused, Worker, await_go, costs, median, table, tell
from database import Database
from models import Agency, Cycle, Person
from notifications.samples import samples
from rules.terms import CycleState, Lane, LetterState, Locale, SmtpPhase

KINDS = ("sqlite", "postgresql")
SIZES = (10_000, 100_000)
TARGET = 1.2
PORTION, SOME, TIMED = 5000, 15, 60
"""Letters queued in one transaction; claimed at once by a dispatcher; claims that are timed at each point."""
ACCEPTED = outbox.Settled(LetterState.ACCEPTED, SmtpPhase.DONE, 250, "2.0.0 ok")


def measure(databases: tuple[str, ...] = KINDS, sizes: tuple[int, ...] = SIZES) -> dict[str, Any]:
    """Each size in a process of its own, for its memory."""
    runs = []
    for kind in databases:
        for number in sizes:
            worker = Worker("benchmarks.outbox", "--worker", kind, str(number), env=world.ENV)
            try:
                worker.wait_until_ready()
                worker.go()
                runs.append({"database": kind, "letters": number, **worker.told(timeout=3600)})
            finally:
                worker.end()
    growth = {kind: _growth([one for one in runs if one["database"] == kind]) for kind in databases}
    return {"growth": growth, "target": TARGET, "runs": runs}


def _growth(runs: list[dict[str, Any]]) -> dict[str, float]:
    """The most letters over the fewest; and the slowest claims among the most over the first of the fewest."""
    few, many = min(runs, key=lambda one: one["letters"]), max(runs, key=lambda one: one["letters"])
    slowest = max(many["claim_ms"].values())
    return {
        "insert_us_a_letter": round(many["insert_us_a_letter"] / few["insert_us_a_letter"], 2),
        "claim_first": round(many["claim_ms"]["first"] / few["claim_ms"]["first"], 2),
        "claim_slowest": round(slowest / max(few["claim_ms"].values()), 2),
        "memory": round(many["memory_mb"] / few["memory_mb"], 2),
    }


def work(kind: str, number: int) -> dict[str, Any]:
    """One measurement in this process."""
    if number < 8 * TIMED * SOME:
        raise BenchmarkRefused(f"at least {8 * TIMED * SOME:,} letters are needed")
    await_go()
    with world.server(kind) as address, world.fresh(address) as db:
        with costs() as inserted:
            taken = _queue(db, number)
        claims = {"first": _timed(db)}
        with costs() as drained:
            _drain(db, number // 2)
        claims["middle"] = _timed(db)
        left = number - number // 2 - 3 * TIMED * SOME
        _drain(db, left)
        claims["last"] = _timed(db)
        with db.reading() as session:
            if outbox.count_due(session, list(Lane), at=world.OPENING):
                raise BenchmarkRefused("letters are left")
    return {
        "insert_us_a_letter": taken / number * 1e6, "insert_seconds": round(taken, 1),
        "claim_ms": {name: round(value, 2) for name, value in claims.items()},
        "drain_us_a_letter": round(drained.wall / (number // 2) * 1e6),
        "memory_mb": round(max(inserted.memory, drained.memory)),
    }  # fmt: skip


def _queue(db: Database, number: int) -> float:
    """People, and a letter of one wave to each; the seconds that the letters took."""
    with db.transaction() as session:
        agency = Agency(code="kota", name="Kota", zone="Asia/Jakarta", indicators="{}")
        session.add(agency)
        session.flush()
        cycle = Cycle(agency_id=agency.id, year=world.YEAR, state=CycleState.RUNNING, pack_name="p", pack_version="1",
                      pack="{}", pack_sha256="", plan_default_after=world.SINCE, launched_at=world.BEFORE)  # fmt: skip
        session.add(cycle)
        session.flush()
        agency_id, cycle_id = agency.id, cycle.id
    facts, total = samples("stage_invitation", Locale.ID)[0], 0.0
    for first in range(1, number + 1, PORTION):
        people = [(n, f"p{n}@kota.example") for n in range(first, min(first + PORTION, number + 1))]
        with db.transaction() as session:
            session.execute(insert(Person), [
                {"id": n, "agency_id": agency_id, "nip": f"{n:018d}", "name": f"Pegawai {n}", "email": address,
                 "active_from": world.SINCE}
                for n, address in people
            ])  # fmt: skip
        owed = [
            letters.Owed("stage_invitation", f"stage_invitation:1.{n}:open", n, address, Locale.ID, facts)
            for n, address in people
        ]
        began = time.perf_counter()
        with db.transaction() as session:
            wave = letters.wave_of(session, "wave", cycle_id, None, at=world.BEFORE)
            letters.queue(session, owed, at=world.BEFORE, wave=wave)
        total += time.perf_counter() - began
    return total


def _timed(db: Database) -> float:
    """Milliseconds of a claim, the median; what is claimed is settled, and that is not timed."""
    took = []
    for _ in range(TIMED):
        began = time.perf_counter()
        with db.transaction() as session:
            claimed = outbox.claim(session, "bench", list(Lane), SOME, at=world.OPENING)
        took.append(time.perf_counter() - began)
        if len(claimed) != SOME:
            raise BenchmarkRefused(f"a claim brought {len(claimed)} letters")
        _settle(db, claimed)
    return median(took) * 1000


def _drain(db: Database, number: int) -> None:
    while number > 0:
        with db.transaction() as session:
            claimed = outbox.claim(session, "bench", list(Lane), min(500, number), at=world.OPENING)
        if not claimed:
            raise BenchmarkRefused(f"{number} letters are not to be had")
        _settle(db, claimed)
        number -= len(claimed)


def _settle(db: Database, claimed: list[outbox.Claimed]) -> None:
    with db.transaction() as session:
        outbox.settle_all(session, [(one, ACCEPTED) for one in claimed], at=world.OPENING)


def words(found: dict[str, Any]) -> str:
    rows = [
        [f"{one['database']}, {one['letters']:,} letters", one["insert_seconds"], float(one["insert_us_a_letter"]),
         *(float(one["claim_ms"][point]) for point in ("first", "middle", "last")), one["drain_us_a_letter"],
         one["memory_mb"]]
        for one in found["runs"]
    ]  # fmt: skip
    growth = "; ".join(
        f"{kind}: " + ", ".join(f"{name} {ratio}" for name, ratio in ratios.items())
        for kind, ratios in found["growth"].items()
    )
    head = ["", "insert s", "µs/letter", "claim first ms", "middle", "last", "drain µs/letter", "MB"]
    return table(f"Outbox, the most letters over the fewest (target within {TARGET}): {growth}", head, rows)


def main() -> None:
    if sys.argv[1:2] == ["--worker"]:
        print(json.dumps(work(sys.argv[2], int(sys.argv[3]))))
        return
    parser = argparse.ArgumentParser(prog="benchmarks.outbox", description=__doc__)
    parser.add_argument("--letters", type=int, action="append", help="sizes; without any, 10,000 and 100,000")
    parser.add_argument("--database", choices=KINDS, action="append")
    parser.add_argument("--json", action="store_true")
    said = parser.parse_args()
    try:
        found = measure(tuple(said.database or KINDS), tuple(said.letters or SIZES))
    except BenchmarkRefused as refused:
        raise SystemExit(f"Not measured: {refused}") from None
    tell(found, words(found), said.json)


if __name__ == "__main__":
    main()
