"""The processes of one machine: a Prefect server, a worker, pages; each with a log, all ended together."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from cli import loopback

ROOT = Path(__file__).parent.parent
POOL = "appraisal"
RESTARTS = 3
"""Within ten minutes; a process that ends more often does so for a reason that a restart does not mend."""
GRACE = 15.0
"""Seconds a process gets to end by itself."""


class StartRefused(Exception):
    """A process did not come up; the message says which, why and where its log is."""


@dataclass(frozen=True, slots=True)
class Child:
    name: str
    process: subprocess.Popen[bytes]
    log: Path
    command: Sequence[str]
    env: Mapping[str, str]

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def last_words(self, lines: int = 5) -> str:
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-lines:])


class Family:
    """Children that live and end together; no other process is ever touched."""

    def __init__(self, logs: Path) -> None:
        self.logs, self.children = logs, list[Child]()
        logs.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, *command: str, env: Mapping[str, str]) -> Child:
        """Start a child in a group of its own, its output in `<logs>/<name>.log`."""
        path = self.logs / f"{name}.log"
        with path.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own commands
                command, env=loopback.environment(env), stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        child = Child(name, process, path, command, env)
        self.children.append(child)
        return child

    def wait_until_answers(self, child: Child, url: str, seconds: float = 90) -> None:
        """Wait until a child that lives answers at `url`; StartRefused otherwise."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if child.ended:
                raise StartRefused(f"{child.name} ended at once, see {child.log}:\n{child.last_words()}")
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(url, timeout=5, trust_env=False).status_code < 500:
                    return
            time.sleep(0.2)
        raise StartRefused(f"{child.name} does not answer at {url} after {seconds:.0f} s, see {child.log}")

    def supervise(self) -> None:
        """Keep all children alive until interrupted; StartRefused if one ends again and again."""
        ends: dict[str, list[float]] = {}
        while True:
            for child in [one for one in self.children if one.ended]:
                listed = ends.setdefault(child.name, [])
                listed.append(time.monotonic())
                if len([moment for moment in listed if moment > time.monotonic() - 600]) > RESTARTS:
                    raise StartRefused(f"{child.name} ends again and again, see {child.log}:\n{child.last_words()}")
                self.children.remove(child)
                self.start(child.name, *child.command, env=child.env)
            time.sleep(0.5)

    def stop(self) -> None:
        """Ask all to end, the last started first; whoever does not in time is killed with what it started."""
        for child in reversed(self.children):
            if not child.ended:
                child.process.terminate()
        until = time.monotonic() + GRACE
        for child in reversed(self.children):
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, until - time.monotonic()))
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.process.pid, signal.SIGKILL)  # its group: flow runs that a worker left behind
            child.process.wait()
        self.children.clear()


@contextlib.contextmanager
def family(logs: Path) -> Iterator[Family]:
    """A family that is ended when the block is, on SIGTERM and Ctrl-C as well."""
    made = Family(logs)
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield made
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        made.stop()
        signal.signal(signal.SIGTERM, before)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def is_free(port: int) -> bool:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(wanted: int = 0) -> int:
    """`wanted` if nothing listens there, else any port that is free."""
    if wanted and is_free(wanted):
        return wanted
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def prefect_environment(home: Path, port: int) -> dict[str, str]:
    """Settings of an embedded Prefect: SQLite under `home`, batched recording, a year of events, nothing sent out."""
    home.mkdir(parents=True, exist_ok=True)
    database = f"sqlite+aiosqlite:///{home.absolute() / 'prefect.db'}"
    server = {
        "API_HOST": "127.0.0.1", "API_PORT": str(port), "DATABASE_CONNECTION_URL": database,
        "ANALYTICS_ENABLED": "false", "UI_SHOW_PROMOTIONAL_CONTENT": "false", "EVENTS_RETENTION_PERIOD": "400d",
        "SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100", "SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
        "SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1", "SERVICES_EVENT_PERSISTER_BATCH_SIZE": "200",
        "SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "100", "SERVICES_DB_VACUUM_ENABLED": "events",
        # in memory, a tick that dies together with the server would keep the only place of all later ones for ever
        "CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    }  # fmt: skip
    return {f"PREFECT_SERVER_{name}": value for name, value in server.items()} | {
        "PREFECT_HOME": str(home.absolute()), "PREFECT_API_URL": f"http://127.0.0.1:{port}/api", "DO_NOT_TRACK": "1",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "flows,tasks,actions", "NO_COLOR": "1",
    }  # fmt: skip


def start_prefect(made: Family, home: Path, port: int) -> dict[str, str]:
    """Start a Prefect server, make the pool and deploy everything; returns the environment of its clients."""
    env = prefect_environment(home, port)
    server = made.start("prefect-server", *prefect("server", "start"), env=env)
    made.wait_until_answers(server, f"{env['PREFECT_API_URL']}/health")
    make_pool(env["PREFECT_API_URL"])
    deploy(made.logs / "deploy.log", env)
    return env


def prefect(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "prefect", *arguments]


def make_pool(api: str) -> None:
    """Create the process pool; the worker fills in its template when it starts. One that is there stays as it is."""
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists

    try:
        with SyncPrefectClient(
            api, httpx_settings={"trust_env": False}
        ) as client:  # asks again while the server's database is busy
            client.create_work_pool(WorkPoolCreate(name=POOL, type="process", base_job_template={}))
    except ObjectAlreadyExists:
        pass
    except httpx.HTTPError as error:
        raise StartRefused(f"the work pool could not be made: {error}") from error


def deploy(log: Path, env: Mapping[str, str]) -> None:
    """Deploy prefect.yaml; safe to run again."""
    done = subprocess.run(  # noqa: S603 - our own command
        prefect("--no-prompt", "deploy", "--all"), cwd=ROOT, env=loopback.environment(env), check=False,
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip
    log.write_text(done.stdout + done.stderr, "utf-8")
    if done.returncode:
        raise StartRefused(f"prefect.yaml could not be deployed, see {log}:\n{done.stderr[-500:]}")


def start_worker(made: Family, env: Mapping[str, str], *, limit: int = 4) -> Child:
    """A worker that runs up to `limit` flow runs at a time, each in a process of its own."""
    command = prefect("worker", "start", "--pool", POOL, "--type", "process", "--limit", str(limit))
    return made.start("worker", *command, env=env)
