"""The whole path of a letter (claim, render, sign, MIME, SMTP, record) beside C's `smtp-source` and a naive flow.

The yardsticks talk to the same `smtp-sink` in turns with ours, so that a busy machine is busy for all of them.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import func, select

from benchmarks import world
from benchmarks.measure import BenchmarkRefused, Cost, Worker, median, table, tell
from benchmarks.post import naive, postfix_tools
from database import Database
from models import Letter
from rules.terms import LetterState

KINDS = ("sqlite", "postgresql")
PROCESSES = {"sqlite": 1, "postgresql": 1}
"""Dispatchers that share the connections: SQLite lets one write at a time, and two cores are busy with one as it is."""
TARGET, GOAL, TARGET_NAIVE = 0.12, 0.30, 50


@dataclass(slots=True)
class Run:
    """One way of sending, over all its rounds; `cpu` in microseconds a letter, without the mail server's."""

    name: str
    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: float = 0.0

    def add(self, letters: int, cost: Cost) -> None:
        self.rates.append(letters / cost.wall)
        self.cpu.append(cost.cpu / letters * 1e6)
        self.memory = max(self.memory, cost.memory)

    @property
    def rate(self) -> float:
        return median(self.rates)


@dataclass(frozen=True, slots=True)
class Options:
    letters: int = 5000
    connections: int = 10
    size: int = 5000
    processes: Mapping[str, int] = field(default_factory=lambda: dict(PROCESSES))
    rounds: int = 3
    naive: int = 200
    databases: Sequence[str] = KINDS


def measure(asked: Options) -> dict[str, Any]:
    """Ratios of letters a second, each round's ours over the same round's yardstick, and the median of them."""
    tools = postfix_tools.find()
    source, ours = Run("smtp-source"), {kind: Run(f"ours on {kind}") for kind in asked.databases}
    ratios: dict[str, list[float]] = {kind: [] for kind in asked.databases}
    sizes = []
    with postfix_tools.sink(tools) as port:
        for kind in asked.databases:
            with world.server(kind) as address, world.fresh(address) as db:
                world.launch(db, asked.letters * asked.rounds + 50)
                world.open_stage(db)
                world.analyze(db)
                for _ in range(asked.rounds):
                    before = _yardstick(tools, port, asked, source)
                    ours[kind].add(asked.letters, _send(db, port, asked, asked.processes[kind]))
                    after = _yardstick(tools, port, asked, source)
                    ratios[kind].append(ours[kind].rates[-1] / ((before + after) / 2))
                sizes.append(_check(db, asked))
        slow = naive.measure(port, asked.naive) if asked.naive else None
    best = max(median(listed) for listed in ratios.values())
    return {
        "ratio_to_smtp_source": round(best, 3),
        "ratio_to_naive": round(max(run.rate for run in ours.values()) / slow["per_second"], 1) if slow else None,
        "target_smtp_source": TARGET, "goal_smtp_source": GOAL, "target_naive": TARGET_NAIVE,
        "ratios_by_database": {kind: round(median(listed), 3) for kind, listed in ratios.items()},
        "cpu_ratio_to_smtp_source": {
            kind: round(median(run.cpu) / median(source.cpu), 1) for kind, run in ours.items()
        },
        "naive": slow, "bytes_a_letter": round(median(sizes)),
        "options": asdict(asked), "runs": [_as_data(run) for run in (source, *ours.values())],
    }  # fmt: skip


def _yardstick(tools: postfix_tools.Tools, port: int, asked: Options, run: Run) -> float:
    letters = 2 * asked.letters  # it is so fast that fewer would measure its start
    run.add(letters, postfix_tools.send(tools, port, letters=letters, connections=asked.connections, size=asked.size))
    return run.rates[-1]


def _send(db: Database, port: int, asked: Options, processes: int) -> Cost:
    """Send one round with all processes at once; what they need to start is not counted, what they wait for is."""
    env = {**world.ENV, "APPRAISAL_DATABASE_URL": db.url, "APPRAISAL_SMTP_URL": f"smtp://127.0.0.1:{port}"}
    share = [asked.letters // processes] * processes
    share[0] += asked.letters - sum(share)
    each = max(1, asked.connections // processes)
    workers = [Worker("benchmarks.post.sender", db.url, str(limit), str(each), env=env) for limit in share]
    try:
        for worker in workers:
            worker.wait_until_ready()
        began = time.perf_counter()
        for worker in workers:
            worker.go()
        told = [worker.told(timeout=300) for worker in workers]
        wall = time.perf_counter() - began
    finally:
        for worker in workers:
            worker.end()
    sent = sum(one["counts"].get("accepted", 0) for one in told)
    if sent != asked.letters:
        raise BenchmarkRefused(f"{sent} of {asked.letters} letters were accepted: {[one['counts'] for one in told]}")
    return Cost(wall, sum(one["cpu"] for one in told), max(one["memory"] for one in told))


def _check(db: Database, asked: Options) -> float:
    """Every letter of the rounds is recorded as accepted; returns the mean size of one."""
    with db.reading() as session:
        accepted = session.scalar(select(func.count()).select_from(Letter).filter_by(state=LetterState.ACCEPTED))
    if accepted != asked.letters * asked.rounds:
        raise BenchmarkRefused(f"{accepted} letters are recorded as accepted, not {asked.letters * asked.rounds}")
    return float(len(naive.example()))


def _as_data(run: Run) -> dict[str, Any]:
    return {
        "name": run.name, "letters_per_second": round(run.rate), "cpu_us_a_letter": round(median(run.cpu)),
        "memory_mb": round(run.memory),
    }  # fmt: skip


def words(found: dict[str, Any]) -> str:
    base = found["runs"][0]["letters_per_second"]
    rows: list[list[object]] = [
        [one["name"], one["letters_per_second"], one["letters_per_second"] / base, one["cpu_us_a_letter"],
         one["memory_mb"] or "-"]
        for one in found["runs"]
    ]  # fmt: skip
    if slow := found["naive"]:
        cpu = round(slow["cpu_us_a_letter"])
        rows.append(["one Prefect task a person", slow["per_second"], slow["per_second"] / base, cpu, "-"])
    title = (
        f"Mail: {found['ratio_to_smtp_source']} of smtp-source (target {TARGET}, goal {GOAL}),"
        f" {found['ratio_to_naive']} times the naive flow (target {TARGET_NAIVE})"
    )
    return table(title, ["", "letters/s", "of smtp-source", "µs CPU/letter", "MB"], rows)


def options(given: Sequence[str] | None = None) -> tuple[Options, bool]:
    parser = argparse.ArgumentParser(prog="benchmarks.mail", description=__doc__)
    parser.add_argument("--letters", type=int, default=5000, help="ours, a round")
    parser.add_argument("--connections", type=int, default=10, help="in all, for both")
    parser.add_argument("--size", type=int, default=5000, help="bytes of the yardstick's letters; ours are as they are")
    parser.add_argument("--processes", type=int, help="dispatchers that share the connections")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--naive", type=int, default=200, help="letters of the naive flow; 0 leaves it out")
    parser.add_argument("--database", choices=KINDS, action="append")
    parser.add_argument("--json", action="store_true")
    said = parser.parse_args(given)
    processes = dict.fromkeys(KINDS, said.processes) if said.processes else PROCESSES
    asked = Options(
        said.letters, said.connections, said.size, processes, said.rounds, said.naive, said.database or KINDS
    )
    return asked, said.json


def main() -> None:
    asked, as_json = options()
    try:
        found = measure(asked)
    except BenchmarkRefused as refused:
        raise SystemExit(f"Not measured: {refused}") from None
    tell(found, words(found), as_json)


if __name__ == "__main__":
    main()
