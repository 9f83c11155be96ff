"""What a run costs: wall time, CPU of the processes it used, memory; and tables of it for people."""

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
OUT = ROOT / "out"
GRACE = 10


class BenchmarkRefused(Exception):
    """It cannot be measured here; the message says what is missing."""


@dataclass(slots=True)
class Cost:
    """Of one run: seconds of wall time, seconds of CPU (user and system), the largest resident memory in MB."""

    wall: float = 0.0
    cpu: float = 0.0
    memory: float = 0.0


@contextmanager
def costs() -> Iterator[Cost]:
    """Of this process alone, from here to the end of the block."""
    cost, before, began = Cost(), resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    yield cost
    after = resource.getrusage(resource.RUSAGE_SELF)
    cost.wall = time.perf_counter() - began
    cost.cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    cost.memory = after.ru_maxrss / 1024


def run_child(*command: str, env: Mapping[str, str] | None = None, timeout: float = 300) -> Cost:
    """Run a program to its end and return what it cost; BenchmarkRefused, with its last words, if it fails."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen(  # noqa: S603 - our own commands
        command, env={**os.environ, **(env or {})}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        _, said = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        raise BenchmarkRefused(f"{command[0]} did not end within {timeout:.0f} seconds") from None
    finally:
        end(process)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise BenchmarkRefused(f"{command[0]} ended with {process.returncode}: {said.decode()[-300:]}")
    return Cost(wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


class Worker:
    """A Python process that prepares, waits for `go`, works and tells what that cost as one line of JSON."""

    def __init__(self, module: str, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", module, *arguments], cwd=ROOT, env={**os.environ, **(env or {})},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def wait_until_ready(self) -> None:
        assert self.process.stdout is not None
        if self.process.stdout.readline().strip() != "ready":
            raise BenchmarkRefused(f"a worker did not start: {self.process.args}")

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def told(self, timeout: float) -> Any:
        said, _ = self.process.communicate(timeout=timeout)
        if self.process.returncode:
            raise BenchmarkRefused(f"a worker ended with {self.process.returncode}")
        return json.loads(said.strip().splitlines()[-1])

    def end(self) -> None:
        end(self.process)


def await_go() -> None:
    """The worker's side of `wait_until_ready` and `go`."""
    print("ready", flush=True)
    sys.stdin.readline()


def end(process: subprocess.Popen[Any]) -> None:
    """End one process that we started, by force if it does not listen."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least that share of all does not exceed."""
    listed = sorted(values)
    return listed[min(len(listed) - 1, max(0, -(-len(listed) * round(share * 1000) // 1000) - 1))]


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns of text, numbers to the right."""
    cells = [[_cell(value) for value in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = ["  ".join(_placed(cell, n, widths[n]) for n, cell in enumerate(row)) for row in cells]
    return "\n".join([title, *("  " + line for line in lines)])


def _placed(cell: str, column: int, width: int) -> str:
    return cell.rjust(width) if column else cell.ljust(width)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def tell(found: Mapping[str, Any], words: str, as_json: bool) -> None:
    print(json.dumps(found) if as_json else words, flush=True)
