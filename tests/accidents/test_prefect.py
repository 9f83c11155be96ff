"""A real Prefect server and worker that die, are doubled or lose everything: the next tick makes good."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, text, update

import clock
import database
from actions.mail.claims import database_now
from actions.store import schema
from cli.machine import processes
from cli.machine.processes import Family
from database import Database
from models import Assignment, Lease, Stage
from rules.terms import StageKind, StageState
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


def descendants(pid: int) -> list[int]:
    """Every process that this one has started, and they in turn."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            found += [child, *descendants(child)]
    return found


@dataclass
class Installation:
    """A Prefect server, a worker and a database of the product that they work for."""

    db: Database
    family: Family
    home: Path
    port: int
    mailbox: Mailbox
    smtp: int
    dead: set[str] = field(default_factory=set)
    """Ids of runs that will never end, because nothing is left of them."""

    @property
    def env(self) -> dict[str, str]:
        return processes.prefect_environment(self.home, self.port) | environment(self.db, self.smtp)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def start_server(self) -> None:
        """As if for the first time; the schedule rests, so that no tick but ours comes in between."""
        processes.start_prefect(self.family, self.home, self.port)
        self.ask("POST", f"deployments/{self.tick_id()}/pause_deployment")

    def start_server_again(self) -> None:
        """With its memory; and as on several machines, where places in limits are kept in that of the process."""
        default = {"PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.memory"}
        command = (sys.executable, "-m", "cli.control_plane")
        server = self.family.start("prefect-server", *command, env=self.env | default)
        self.family.wait_until_answers(server, f"{self.url}/health")

    def start_worker(self) -> None:
        processes.start_worker(self.family, self.env | {"PREFECT_WORKER_QUERY_SECONDS": "1"})

    def kill(self, name: str) -> None:
        """kill -9, with whatever it has started: a worker's flow runs are sessions of their own and would live on."""
        child = next(child for child in self.family.children if child.name == name)
        for pid in [child.process.pid, *descendants(child.process.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        child.process.wait()
        self.family.children.remove(child)

    def let_leases_end(self) -> None:
        """As if the minute had passed after which who shows no life is dead."""
        with self.db.transaction() as session:
            session.execute(update(Lease).values(until=database_now(session) - timedelta(seconds=1)))

    def forget_the_dead(self) -> set[str]:
        """Nobody waits any more for runs that were under way; their names."""
        found = [one for one in self.runs() if one["state_type"] in {"PENDING", "RUNNING"}]
        self.dead |= {one["id"] for one in found}
        return {one["name"] for one in found}

    def ask(self, method: str, path: str, content: dict[str, Any] | None = None) -> httpx.Response:
        """The server's answer; like each client of Prefect's, it asks again while its database is busy (503)."""
        for pause in (0.2, 0.5, 1, 2, 4, 0):
            auth = tuple(self.env["PREFECT_API_AUTH_STRING"].split(":", 1))
            answer = httpx.request(method, f"{self.url}/{path}", json=content, timeout=60, auth=auth)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            time.sleep(pause)
        assert answer.is_success, answer.text
        return answer

    def api(self, path: str, **content: Any) -> Any:
        return self.ask("POST", path, content).json()

    def runs(self, *tags: str) -> list[dict[str, Any]]:
        """Runs that were started, not merely booked."""
        found = self.api("flow_runs/filter", flow_runs={"tags": {"all_": list(tags)}} if tags else {}, limit=200)
        return [one for one in found if "booked" not in one["tags"] and not one["auto_scheduled"]]

    def under_way(self) -> set[str]:
        """The names of runs that were started and have not ended, but for the dead."""
        return {one["name"] for one in self.runs() if one["state_type"] not in FINAL and one["id"] not in self.dead}

    def wait_for_runs(self, *tags: str) -> list[dict[str, Any]]:
        """Wait until every run that was started, but for the dead, has ended."""

        def over() -> bool:
            return all(one["state_type"] in FINAL for one in self.runs(*tags) if one["id"] not in self.dead)

        wait_for("runs to end", over)
        return self.runs(*tags)

    def tick_id(self) -> str:
        return self.ask("GET", "deployments/name/tick/default").json()["id"]

    def start_tick(self) -> str:
        """A run of the tick's deployment; its id."""
        return self.api(f"deployments/{self.tick_id()}/create_flow_run", name="tick")["id"]

    def tick_by_worker(self) -> dict[str, Any]:
        """A tick and everything that it starts."""
        made = self.start_tick()
        return next(one for one in self.wait_for_runs() if one["id"] == made)


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


def waiting_for_locks(db: Database) -> int:
    with db.reading() as session:
        return session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")) or 0


def test_a_machine_that_loses_power_in_the_middle_of_an_opening_and_of_a_tick_goes_on(
    installation: Installation, twin: Database
) -> None:
    stand_before(installation, twin, date(2026, 6, 24))
    kind, tags = StageKind.MID_YEAR_REVIEW, (f"agency:{AGENCY}", "stage:mid_year_review")
    opening = f"{AGENCY} 2026 · mid-year review · open"
    with installation.db.engine.connect() as connection:
        connection.execute(text("LOCK TABLE assignment IN SHARE MODE"))  # whoever writes one has to wait
        run(installation.env, "tick")
        wait_for("the first batch", lambda: waiting_for_locks(installation.db) == 1)
        wait_for("what else the tick started", lambda: installation.under_way() == {opening})
        connection.execute(text("LOCK TABLE letter IN ACCESS EXCLUSIVE MODE"))  # and a tick, which looks for letters
        installation.start_tick()
        wait_for("the tick", lambda: waiting_for_locks(installation.db) == 2)
        installation.kill("worker")
        installation.kill("prefect-server")
        connection.rollback()
    assert state_of(installation.db, kind) is StageState.OPENING
    installation.start_server_again()
    assert {"tick", opening} <= installation.forget_the_dead()
    installation.start_worker()
    beat = installation.tick_by_worker()
    assert (beat["state_type"], "1 running" in beat["state"]["message"]) == ("COMPLETED", True), beat["state"]
    installation.let_leases_end()
    beat = installation.tick_by_worker()
    assert (beat["state_type"], "1 started" in beat["state"]["message"]) == ("COMPLETED", True), beat["state"]
    ended = {one["name"]: one["state_type"] for one in installation.runs() if one["id"] in installation.dead}
    assert set(ended.values()) == {"CRASHED"}, "nothing that died stays running"
    installation.wait_for_runs()
    keys = [one["idempotency_key"] for one in installation.runs(*tags)]
    assert sorted(key.rsplit(":", 1)[1] for key in keys) == ["a1", "a2"]
    accept_all(installation.db.transaction)(morning(date(2026, 6, 24)))
    assert differences(installation.db, twin) == {}
    assert check_whole(installation.db) == check_whole(twin)


def test_a_server_that_is_away_over_a_due_time_and_comes_back_without_its_memory_misses_nothing(
    installation: Installation, twin: Database
) -> None:
    stand_before(installation, twin, date(2026, 12, 1))
    installation.kill("worker")
    installation.kill("prefect-server")
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
    ended = {one["name"]: one["state_type"] for one in installation.runs() if one["name"] != "repair"}
    assert ended == dict.fromkeys(("tick", f"{AGENCY} 2026 · supervisor scoring · open", "letters"), "COMPLETED")
    assert differences(installation.db, twin) == {}
    certificate = check_whole(installation.db)
    assert certificate == check_whole(twin)
    with installation.db.reading() as session:
        owing = select(func.count(Assignment.person_id.distinct())).join(Stage).where(
            Stage.kind == StageKind.SUPERVISOR_SCORING
        )  # fmt: skip
        assert len(installation.mailbox.letters) - before == session.scalar(owing)
