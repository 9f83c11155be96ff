"""A real Prefect server and worker that die, are doubled or lose everything: the next tick makes good."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, text

import clock
import database
from actions import schema
from cli import processes
from cli.processes import Child, Family
from database import Database
from models import Assignment, Stage
from rules.words import StageKind, StageState
from simulation.delivery import accept_all
from simulation.mailbox import Mailbox, serve
from tests.accidents.world import (
    AGENCY,
    PATIENCE,
    catch_up,
    check_whole,
    differences,
    environment,
    launch,
    morning,
    run,
    run_at_once,
    using,
)
from tests.conftest import START

pytestmark = pytest.mark.xdist_group("prefect")
FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


def wait_for(what: str, found: Callable[[], Any]) -> Any:
    until = time.monotonic() + PATIENCE
    while not (answer := found()):
        assert time.monotonic() < until, f"in vain for {what}"
        time.sleep(0.1)
    return answer


@dataclass
class Installation:
    """A Prefect server, a worker and a database of the product that they work for."""

    db: Database
    family: Family
    home: Path
    port: int
    mailbox: Mailbox
    smtp: int
    worker: Child | None = None

    @property
    def env(self) -> dict[str, str]:
        return processes.prefect_environment(self.home, self.port) | environment(self.db, self.smtp)

    def start_server(self) -> None:
        processes.start_prefect(self.family, self.home, self.port)

    def start_worker(self) -> None:
        self.worker = processes.start_worker(self.family, self.env | {"PREFECT_WORKER_QUERY_SECONDS": "1"})

    def kill(self, child: Child) -> None:
        """kill -9, with whatever it has started."""
        os.killpg(child.process.pid, signal.SIGKILL)
        child.process.wait()
        self.family.children.remove(child)

    def kill_worker(self) -> None:
        assert self.worker is not None
        self.kill(self.worker)

    def kill_server(self) -> None:
        self.kill(next(child for child in self.family.children if child.name == "prefect-server"))

    def api(self, path: str, **content: Any) -> Any:
        answer = httpx.post(f"http://127.0.0.1:{self.port}/api/{path}", json=content, timeout=30)
        assert answer.is_success, answer.text
        return answer.json()

    def runs(self, *tags: str) -> list[dict[str, Any]]:
        """Runs that were started, not merely booked."""
        found = self.api("flow_runs/filter", flow_runs={"tags": {"all_": list(tags)}} if tags else {}, limit=200)
        return [one for one in found if "booked" not in one["tags"] and not one["auto_scheduled"]]

    def wait_for_runs(self, *tags: str) -> list[dict[str, Any]]:
        """Wait until every run that was started has ended."""
        wait_for("runs to end", lambda: all(one["state_type"] in FINAL for one in self.runs(*tags)))
        return self.runs(*tags)

    def tick_by_worker(self) -> dict[str, Any]:
        """A tick as a run of its deployment, and everything that it starts."""
        deployment = httpx.get(f"http://127.0.0.1:{self.port}/api/deployments/name/tick/default", timeout=30).json()
        made = self.api(f"deployments/{deployment['id']}/create_flow_run")
        self.wait_for_runs()
        return next(one for one in self.runs() if one["id"] == made["id"])


@pytest.fixture(scope="module")
def installation(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("installation")
    admin = Database(postgres_server)
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CREATE DATABASE accidents"))
    db, box, smtp = Database(postgres_server.replace("/postgres?", "/accidents?", 1)), Mailbox(), processes.free_port()
    schema.upgrade(db, simulation_from=START)
    database.use(db)
    launch(db)
    database.use(None)
    server = serve(box, smtp)
    with processes.family(folder / "logs") as family:
        made = Installation(db, family, folder / "prefect", processes.free_port(), box, smtp)
        made.start_server()
        made.start_worker()
        yield made
    server.stop()
    db.close()
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("DROP DATABASE accidents WITH (FORCE)"))
    admin.close()


@pytest.fixture(scope="module")
def twin(launched: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The same agency without Prefect and without accidents."""
    path = tmp_path_factory.mktemp("twin") / "twin.db"
    path.write_bytes(launched.read_bytes())
    made = Database(f"sqlite:///{path}", durable=False)
    yield made
    made.close()


def stand_before(installation: Installation, twin: Database, day: date) -> None:
    """Let both live without accident until the evening before a day, then let the day come in both."""
    for db in (installation.db, twin):
        catch_up(db, morning(day - timedelta(days=1)))
    catch_up(twin, morning(day))
    with using(installation.db):
        clock.move_to(morning(day))


def state_of(db: Database, kind: StageKind) -> StageState:
    with db.reading() as session:
        return session.scalars(select(Stage).filter_by(kind=kind)).one().state


def test_two_ticks_at_once_start_each_step_once(installation: Installation, twin: Database) -> None:
    stand_before(installation, twin, date(2026, 1, 2))
    said = run_at_once(installation.env, "tick")
    assert {name for name, _ in said} == {"Completed"}, said
    (one,) = installation.wait_for_runs(f"agency:{AGENCY}")
    assert (one["name"], one["state_type"]) == (f"{AGENCY} 2026 · target setting · open", "COMPLETED")
    accept_all(installation.db.transaction)(morning(date(2026, 1, 2)))
    assert differences(installation.db, twin) == {}
    assert check_whole(installation.db) == check_whole(twin)


def waits_for_lock(db: Database) -> bool:
    with db.reading() as session:
        return bool(session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))


def test_a_worker_killed_in_the_middle_of_an_opening_is_followed_by_another(
    installation: Installation, twin: Database
) -> None:
    stand_before(installation, twin, date(2026, 6, 24))
    kind, tags = StageKind.MID_YEAR_REVIEW, (f"agency:{AGENCY}", "stage:mid_year_review")
    with installation.db.engine.connect() as connection:
        connection.execute(text("LOCK TABLE assignment IN SHARE MODE"))  # whoever writes one has to wait
        run(installation.env, "tick")
        wait_for("the first batch", lambda: waits_for_lock(installation.db))
        installation.kill_worker()
        connection.rollback()
    assert state_of(installation.db, kind) is StageState.OPENING
    (dead,) = installation.runs(*tags)
    assert dead["state_type"] == "RUNNING", "Prefect has not noticed"

    installation.start_worker()
    name, said = run(installation.env, "tick", running_lost=timedelta(0))
    assert (name, "1 started" in said) == ("Completed", True), said
    wait_for("the second attempt", lambda: state_of(installation.db, kind) is StageState.OPEN)
    keys = sorted(one["idempotency_key"] for one in installation.runs(*tags))
    assert [key.rsplit(":", 1)[1] for key in keys] == ["a1", "a2"]
    installation.api(f"flow_runs/{dead['id']}/set_state", state={"type": "CRASHED"}, force=True)
    installation.wait_for_runs()
    accept_all(installation.db.transaction)(morning(date(2026, 6, 24)))
    assert differences(installation.db, twin) == {}
    assert check_whole(installation.db) == check_whole(twin)


def test_a_server_that_is_away_over_a_due_time_and_comes_back_without_its_memory_misses_nothing(
    installation: Installation, twin: Database
) -> None:
    stand_before(installation, twin, date(2026, 12, 1))
    installation.kill_worker()
    installation.kill_server()
    with using(installation.db):
        clock.move_to(morning(date(2026, 12, 1), hour=9))
    for file in installation.home.glob("prefect.db*"):
        file.unlink()
    before = len(installation.mailbox.letters)
    installation.start_server()
    assert installation.runs() == [], "it knows of nothing"
    installation.start_worker()
    for _ in range(2):  # the step, then the letters that it owes
        assert installation.tick_by_worker()["state_type"] == "COMPLETED"
    assert {one["state_type"] for one in installation.runs()} == {"COMPLETED"}
    assert differences(installation.db, twin) == {}
    certificate = check_whole(installation.db)
    assert certificate == check_whole(twin)
    with installation.db.reading() as session:
        owing = select(func.count(Assignment.person_id.distinct())).join(Stage).where(
            Stage.kind == StageKind.SUPERVISOR_SCORING
        )  # fmt: skip
        assert len(installation.mailbox.letters) - before == session.scalar(owing)
