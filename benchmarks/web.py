"""The pages behind a mailed link beside a static file of the same server, at a steady rate of requests."""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import select

from benchmarks import world
from benchmarks.measure import ROOT, BenchmarkRefused, Worker, end, median, percentile, table, tell
from benchmarks.post import postfix_tools
from database import Database
from models import ActionLink
from rules.proof.tokens import sign

KINDS = ("sqlite", "postgresql")
TARGET, RATE = 3.0, 200
PAGES = ("static", "landing", "desk")
SHARES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
DESKS = 400


def measure(
    databases: tuple[str, ...] = KINDS, *, rate: int = RATE, seconds: float = 5, rounds: int = 5, people: int = 2000,
    processes: int = 2,
) -> dict[str, Any]:  # fmt: skip
    """Of each round the 95th percentile of a page over that of the static file; the median of the rounds counts."""
    runs = []
    for kind in databases:
        with world.server(kind) as address, world.fresh(address) as db:
            world.launch(db, people)
            world.open_stage(db)
            world.analyze(db)
            world.make_real(db)
            tokens = _tokens(db, min(DESKS, people))
            runs.append(_of(kind, _visited(db, tokens, rate, seconds, rounds, processes)))
    return {"ratio_desk_p95": max(run["ratio_desk"] for run in runs), "target": TARGET, "rate": rate,
            "processes": processes, "runs": runs,
            "ratio_landing_p95": max(run["ratio_landing"] for run in runs)}  # fmt: skip


def _tokens(db: Database, count: int) -> list[str]:
    with db.reading() as session:
        links = session.execute(select(ActionLink.id, ActionLink.kid).limit(count)).tuples().all()
    return [sign(link, kid=kid, master=world.ENV["APPRAISAL_SECRET"].encode()) for link, kid in links]


def _visited(
    db: Database, tokens: list[str], rate: int, seconds: float, rounds: int, processes: int
) -> list[dict[str, Any]]:
    with _served(db, processes) as port:
        asked = {"port": port, "tokens": tokens, "rate": rate, "seconds": seconds, "rounds": rounds}
        worker = Worker("benchmarks.visitors", json.dumps(asked))
        try:
            worker.wait_until_ready()
            worker.go()
            return worker.told(timeout=60 + 10 * seconds * rounds * len(PAGES))
        finally:
            worker.end()


@contextmanager
def _served(db: Database, processes: int) -> Iterator[int]:
    """The real application on loopback, in so many processes; yields its port."""
    port = postfix_tools.free_port()
    env = {**world.ENV, "APPRAISAL_DATABASE_URL": db.url, "APPRAISAL_BASE_URL": f"http://127.0.0.1:{port}"}
    command = ["-m", "web.server", "--port", str(port), "--log-level", "warning", "--workers", str(processes)]
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, *command], cwd=ROOT, env=world.environment(env)
    )
    try:
        for _ in range(300):
            if postfix_tools.answers(port):
                break
            if process.poll() is not None:
                raise BenchmarkRefused("the web server does not start")
            time.sleep(0.1)
        yield port
    finally:
        end(process)


def _of(kind: str, rounds: list[dict[str, Any]]) -> dict[str, Any]:
    failed = sum(one[page]["failed"] for one in rounds for page in PAGES)
    if failed:
        raise BenchmarkRefused(f"{failed} requests were not answered as they should")
    times = {
        page: {name: median([percentile(one[page]["took"], share) for one in rounds]) for name, share in SHARES.items()}
        for page in PAGES
    }
    ratios = {
        page: [percentile(one[page]["took"], 0.95) / percentile(one["static"]["took"], 0.95) for one in rounds]
        for page in PAGES
    }
    return {
        "database": kind, "ratio_desk": round(median(ratios["desk"]), 2),
        "ratio_landing": round(median(ratios["landing"]), 2),
        "ms": {page: {name: round(1000 * took, 2) for name, took in listed.items()} for page, listed in times.items()},
    }  # fmt: skip


def words(found: dict[str, Any]) -> str:
    rows: list[list[object]] = []
    for run in found["runs"]:
        ratios = {"static": 1.0, "landing": run["ratio_landing"], "desk": run["ratio_desk"]}
        rows += [
            [f"{page}, {run['database']}", *(float(run["ms"][page][name]) for name in SHARES), float(ratios[page])]
            for page in PAGES
        ]
    title = (
        f"Web, {found['processes']} processes, {found['rate']} requests/s: the desk's p95 is"
        f" {found['ratio_desk_p95']} times the static file's"
        f" (target within {TARGET})"
    )
    return table(title, ["", "p50 ms", "p95 ms", "p99 ms", "p95 of static"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.web", description=__doc__)
    parser.add_argument("--rate", type=int, default=RATE, help="requests a second")
    parser.add_argument("--seconds", type=float, default=5, help="of each page in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--processes", type=int, default=2, help="of the server")
    parser.add_argument("--database", choices=KINDS, action="append")
    parser.add_argument("--json", action="store_true")
    said = parser.parse_args()
    try:
        found = measure(
            tuple(said.database or KINDS), rate=said.rate, seconds=said.seconds, rounds=said.rounds,
            people=said.people, processes=said.processes,
        )  # fmt: skip
    except BenchmarkRefused as refused:
        raise SystemExit(f"Not measured: {refused}") from None
    tell(found, words(found), said.json)


if __name__ == "__main__":
    main()
