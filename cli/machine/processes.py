"""The processes of one machine: a Prefect server, a worker, pages; each with a log, all ended together."""

import contextlib
import fcntl
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

from cli import control_plane
from cli.language import say
from cli.machine import guardian, loopback
from private_files import UMASK, make_folder, open_to_append, reserve
from rules.refused import Refused

ROOT = Path(__file__).parents[2]
POOL = "appraisal"
RESTARTS, WINDOW = 3, 600.0
"""In so many seconds; a process that ends more often does so for a reason that a restart does not mend at once."""
REST = 60.0
"""Seconds until such a process is tried again."""
GRACE = 15.0
"""Seconds a process gets to end by itself."""


class StartRefused(Refused):
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
    """Children that live and end together; no other process is ever touched.

    Should this process be killed, a guardian ends them, and what they started; should both be, the next family with the
    same folder of logs does.
    """

    def __init__(self, logs: Path) -> None:
        self.logs, self.children = make_folder(logs), list[Child]()
        self.mark = f"{logs.resolve()}:{os.getpid()}."
        self._lock = self._demand_alone()
        guardian.end(f"{logs.resolve()}:")
        self._ends: dict[str, list[float]] = {}
        self._resting: dict[str, float] = {}
        self._guard()

    def _demand_alone(self) -> int:
        lock = open_to_append(self.logs / "lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise StartRefused(
                f"it runs already: a process holds {self.logs / 'lock'}. Ops end that one first, or choose another "
                "APPRAISAL_HOME"
            ) from None
        return lock

    def _guard(self) -> None:
        """Start the guardian; its pipe closes when this process ends, whatever ends it."""
        theirs, self._pipe = os.pipe()
        command = (sys.executable, "-S", guardian.__file__, str(theirs), self.mark)
        self._guardian = subprocess.Popen(  # noqa: S603 - our own command
            command, pass_fds=(theirs,), stdin=subprocess.DEVNULL, start_new_session=True
        )
        os.close(theirs)

    def start(self, name: str, *command: str, env: Mapping[str, str], piped: bool = False) -> Child:
        """Start a child in a group of its own, its output in `<logs>/<name>.log`; `piped`: only what it says of errors,
        and the rest is a dialogue with us."""
        path = self.logs / f"{name}.log"
        with open(open_to_append(path), "ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own commands
                command, env=self.environment(env), umask=UMASK, start_new_session=True,
                stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
                stdout=subprocess.PIPE if piped else log, stderr=log,
            )  # fmt: skip
        child = Child(name, process, path, command, env)
        self.children.append(child)
        return child

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """Of a child: ours and its own, and the family's mark. A key for another Prefect would win over ours."""
        whole = loopback.environment({**env, guardian.MARK: self.mark})
        whole.pop("PREFECT_API_KEY", None)
        return whole

    def wait_until_answers(self, child: Child, url: str, seconds: float = 240) -> None:
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

    def dismiss(self, child: Child) -> None:
        """End one whose work is done; the others go on without it."""
        self.children.remove(child)
        child.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.process.wait(GRACE)
        child.process.kill()
        child.process.wait()

    def supervise(self) -> None:
        """Keep all children alive until interrupted. One that ends again and again is tried once a minute and holds
        up no other; StartRefused when none is left alive."""
        while True:
            self.tend()
            time.sleep(0.5)

    def tend(self) -> None:
        """Look after everybody once."""
        now = time.monotonic()
        for child in [one for one in self.children if one.ended]:
            if child.name not in self._resting:
                self._count_end(child, now)
            if now >= self._resting.get(child.name, now):
                self._resting.pop(child.name, None)
                self.children.remove(child)
                self.start(child.name, *child.command, env=child.env)
        if self._guardian.poll() is not None:
            os.close(self._pipe)
            self._guard()
        if self.children and all(one.ended for one in self.children):
            child = self.children[-1]
            raise StartRefused(f"{child.name} ends again and again, see {child.log}:\n{child.last_words()}")

    def _count_end(self, child: Child, now: float) -> None:
        ends = [moment for moment in self._ends.get(child.name, []) if moment > now - WINDOW]
        self._ends[child.name] = [*ends, now]
        if len(ends) < RESTARTS:
            return
        self._resting[child.name] = now + REST
        if len(ends) == RESTARTS:
            name, log = child.name, child.log
            again = say(
                f"{name} berulang kali berakhir, lihat {log}; dicoba sekali semenit, yang lain berjalan terus:",
                f"{name} ends again and again, see {log}; it is tried once a minute, all else goes on:",
            )  # fmt: skip
            sys.stderr.write(f"{again}\n{child.last_words()}\n")
            sys.stderr.flush()

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
                os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait()
        guardian.end(self.mark, patience=0)  # flow runs that a worker left behind: sessions of their own
        self.children.clear()
        with contextlib.suppress(BrokenPipeError):
            os.write(self._pipe, guardian.ALL_WELL)
        self._guardian.wait()
        os.close(self._pipe)
        os.close(self._lock)


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
    """Settings of an embedded Prefect, its credential included."""
    return control_plane.environment(home, port)


def start_prefect(made: Family, home: Path, port: int) -> dict[str, str]:
    """Start a Prefect server, make the pool and deploy everything; returns the environment of its clients."""
    env = prefect_environment(home, port)
    server = made.start("prefect-server", sys.executable, "-m", "cli.control_plane", env=env)
    made.wait_until_answers(server, f"{env['PREFECT_API_URL']}/health")
    make_pool(env["PREFECT_API_URL"], env["PREFECT_API_AUTH_STRING"])
    deploy(made.logs / "deploy.log", env)
    return env


def prefect(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "prefect", *arguments]


def make_pool(api: str, auth: str = "") -> None:
    """Create the process pool, or give the one that is there the template that lets a run choose nothing."""
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
    from prefect.exceptions import ObjectAlreadyExists

    template = control_plane.template()
    try:
        with SyncPrefectClient(  # asks again while the server is busy
            api, auth_string=auth or None, httpx_settings={"trust_env": False}
        ) as client:
            try:
                client.create_work_pool(WorkPoolCreate(name=POOL, type="process", base_job_template=template))
            except ObjectAlreadyExists:
                client.update_work_pool(POOL, WorkPoolUpdate(base_job_template=template))
    except httpx.HTTPError as error:
        raise StartRefused(f"the work pool could not be made: {error}") from error


def deploy(log: Path, env: Mapping[str, str]) -> None:
    """Deploy prefect.yaml; safe to run again."""
    done = subprocess.run(  # noqa: S603 - our own command
        prefect("--no-prompt", "deploy", "--all"), cwd=ROOT, env=loopback.environment(env), check=False,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, umask=UMASK,
    )  # fmt: skip
    reserve(log)
    log.write_text(done.stdout + done.stderr, "utf-8")
    if done.returncode:
        raise StartRefused(f"prefect.yaml could not be deployed, see {log}:\n{done.stderr[-500:]}")


def start_worker(made: Family, env: Mapping[str, str], *, limit: int = 4) -> Child:
    """A worker that runs up to `limit` flow runs at a time, each in a process of its own."""
    command = prefect("worker", "start", "--pool", POOL, "--type", "process", "--limit", str(limit))
    return made.start("worker", *command, env=env)
