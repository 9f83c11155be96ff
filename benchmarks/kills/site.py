"""One machine with everything on it, to be cut off: Prefect as shipped, two workers, a mailbox, several agencies."""

import contextlib
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select

from actions.cycle import launching
from actions.stages import leases
from benchmarks.measure import ROOT
from cli.machine import processes
from cli.machine.processes import Child, Family
from database import Database
from models import Lease
from simulation.mailbox import Mailbox

EXAMPLE, YEAR = "bukittinggi", 2026
WORKERS = ("worker", "worker-2")
BATCH_PEOPLE = 2
"""So small that a step of forty people takes seconds, with many commits between which it may be cut."""
PATIENCE = 900.0
FINAL = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})


class Stands(Exception):
    """Something did not go on within PATIENCE."""


def wait_for(what: str, found: Callable[[], Any], patience: float = PATIENCE) -> Any:
    until = time.monotonic() + patience
    while not (answer := found()):
        if time.monotonic() > until:
            raise Stands(f"in vain for {what}")
        time.sleep(0.05)
    return answer


def write_agencies(folder: Path, many: int) -> list[str]:
    """Copies of the example with codes of their own; returns the codes."""
    codes = [f"kota{number}" for number in range(1, many + 1)]
    for code in codes:
        shutil.copytree(ROOT / "examples" / EXAMPLE, folder / code)
        file = folder / code / "agency.yaml"
        said = file.read_text("utf-8")
        file.write_text(said.replace(f"code: {EXAMPLE}", f"code: {code}"), "utf-8")
        _give_other_people(folder / code / "roster.csv", int(code.removeprefix("kota")), code)
    return codes


def _give_other_people(roster: Path, number: int, code: str) -> None:
    """A person is in one agency only: other serial numbers, other addresses."""
    said = re.sub(
        r"\b(\d{15})(\d{3})\b",
        lambda nip: f"{nip[1]}{(int(nip[2]) + 100 * number) % 1000:03}",
        roster.read_text("utf-8"),
    )
    roster.write_text(said.replace("@", f"@{code}."), "utf-8")


@dataclass
class Killed:
    """What one kill ended: processes of flow runs, and the stages that were in the middle of a step."""

    at: float
    runs: set[str]
    stages: list[str]


@dataclass
class Site:
    db: Database
    family: Family
    home: Path
    port: int
    smtp: int
    agencies: list[str]
    mailbox: Mailbox = field(default_factory=Mailbox)
    ticks: int = 0

    @property
    def env(self) -> dict[str, str]:
        return processes.prefect_environment(self.home / "prefect", self.port) | {
            "APPRAISAL_DATABASE_URL": self.db.url, "APPRAISAL_SECRET": "c" * 64,
            "APPRAISAL_HOME": str(self.home), "APPRAISAL_SMTP_URL": f"smtp://127.0.0.1:{self.smtp}",
            "APPRAISAL_AGENCIES_DIR": str(self.home / "agencies"),
            "APPRAISAL_BATCH_PEOPLE": str(BATCH_PEOPLE),
        }  # fmt: skip

    def start(self) -> None:
        processes.start_prefect(self.family, self.home / "prefect", self.port)
        for name in WORKERS:
            self.start_worker(name)

    def start_again(self, server: bool, workers: list[str]) -> None:
        """What systemd does after a power cut, or after processes were killed for memory."""
        if server:
            command = (sys.executable, "-m", "cli.control_plane")
            child = self.family.start("prefect-server", *command, env=self.env)
            self.family.wait_until_answers(child, f"{self.env['PREFECT_API_URL']}/health", 300)
        for name in workers:
            self.start_worker(name)

    def start_worker(self, name: str) -> None:
        command = processes.prefect("worker", "start", "--pool", processes.POOL, "--type", "process", "--limit", "4")
        self.family.start(name, *command, env=self.env)

    def launch(self) -> None:
        for code in self.agencies:
            at = datetime(2025, 12, 20, 1, tzinfo=UTC)
            folder = self.home / "agencies" / code
            made = launching.launch_folder(self.db.transaction, folder, YEAR, at=at)
            launching.enroll_all(self.db.transaction, made.cycle_id, at=at)

    def ask(self, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
        auth = tuple(self.env["PREFECT_API_AUTH_STRING"].split(":", 1))
        for pause in (0.5, 1, 2, 4, 8, *[15] * 12, 0):
            with contextlib.suppress(httpx.TransportError):
                answer = httpx.request(
                    method, f"{self.env['PREFECT_API_URL']}/{path}", json=content, timeout=60, auth=auth
                )  # fmt: skip
                if answer.is_success:
                    return answer.json()
            time.sleep(pause)
        raise Stands(f"Prefect does not answer {path}")

    def press_tick(self) -> None:
        """As ops do with *Run*; the schedule goes on beside it."""
        found = self.ask("GET", "deployments/name/tick/default")
        self.ask("POST", f"deployments/{found['id']}/create_flow_run", {"name": "tick"})
        self.ticks += 1

    def under_way(self) -> list[dict[str, Any]]:
        """Runs that are shown as pending or running."""
        states = {"type": {"any_": ["PENDING", "RUNNING"]}}
        return self.ask("POST", "flow_runs/filter", {"flow_runs": {"state": states}, "limit": 200})

    def stage_leases(self) -> dict[str, str]:
        """Each stage in which a step is being taken, and the run that takes it."""
        with self.db.reading() as session:
            held = leases.living(session)
        return {name: run for name, run in held.items() if name.startswith("stage:")}

    def all_leases(self) -> dict[str, str]:
        with self.db.reading() as session:
            return dict(session.execute(select(Lease.name, Lease.holder)).tuples().all())

    def kill(self, names: list[str]) -> Killed:
        """kill -9 at once, with all that they started."""
        children = [child for child in self.family.children if child.name in names]
        before = self.stage_leases()
        pids = [pid for child in children for pid in (child.process.pid, *descendants(child))]
        runs = {run for pid in pids if (run := run_of(pid))}
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        at = time.monotonic()
        for child in children:
            child.process.wait()
            self.family.children.remove(child)
        after = self.stage_leases()
        stages = [name for name, run in after.items() if run in runs and before.get(name) == run]
        return Killed(at, runs, stages)


def descendants(child: Child) -> Iterator[int]:
    waiting = [child.process.pid]
    while waiting:
        pid = waiting.pop()
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                below = [int(one) for one in (task / "children").read_text().split()]
                waiting += below
                yield from below


def run_of(pid: int) -> str:
    """The flow run that a process is for; empty if none."""
    with contextlib.suppress(OSError):
        for variable in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            if variable.startswith(b"PREFECT__FLOW_RUN_ID="):
                return variable.decode().partition("=")[2]
    return ""


@contextmanager
def site(db: Database, home: Path, many: int) -> Iterator[Site]:
    from simulation.mailbox import serve

    (home / "agencies").mkdir()
    codes = write_agencies(home / "agencies", many)
    with processes.family(home / "logs") as family:
        made = Site(db, family, home, processes.free_port(), processes.free_port(), codes)
        server = serve(made.mailbox, made.smtp)
        made.launch()
        made.start()
        yield made
        server.stop()
