"""Children live and end together, and nobody else's process is touched."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from cli.machine import processes, serve
from cli.machine.processes import StartRefused

ROOT = Path(__file__).parents[3]
SLEEPER = (sys.executable, "-c", "import time; time.sleep(60)")


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_all_children_end_with_the_block_and_a_stranger_does_not(tmp_path: Path) -> None:
    stranger = subprocess.Popen(SLEEPER)
    with processes.family(tmp_path) as family:
        pids = [family.start(name, *SLEEPER, env={}).process.pid for name in ("a", "b")]
        assert all(map(lives, pids))
    assert not any(map(lives, pids))
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_what_a_child_left_behind_ends_too(tmp_path: Path) -> None:
    code = "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid)"
    with processes.family(tmp_path) as family:
        child = family.start("parent", sys.executable, "-c", code, env={})
        child.process.wait(20)
        grandchild = int(child.log.read_text())
        assert lives(grandchild)
    until = time.monotonic() + 5
    while lives(grandchild) and time.monotonic() < until and "Z" not in state_of(grandchild):
        time.sleep(0.05)
    assert not lives(grandchild) or "Z" in state_of(grandchild)


def state_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return ""


def test_a_child_that_ends_at_once_is_named_with_its_last_words(tmp_path: Path) -> None:
    with processes.family(tmp_path) as family:
        child = family.start("web", sys.executable, "-c", "raise SystemExit('no such port')", env={})
        with pytest.raises(StartRefused, match=r"web ended at once, see .*web\.log:\nno such port"):
            family.wait_until_answers(child, "http://127.0.0.1:9/")


def test_a_child_that_ends_is_started_again_but_not_for_ever(tmp_path: Path) -> None:
    mark = tmp_path / "starts"
    code = f"open({str(mark)!r}, 'a').write('x')"
    with processes.family(tmp_path) as family:
        family.start("worker", sys.executable, "-c", code, env={})
        with pytest.raises(StartRefused, match="worker ends again and again"):
            family.supervise()
    assert len(mark.read_text()) == processes.RESTARTS + 1


def test_a_port_that_is_taken_is_passed_over() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert not processes.is_free(port)
        assert processes.free_port(port) != port
    assert processes.free_port(port) == port


@pytest.mark.xdist_group("prefect")
def test_serve_brings_everything_up_and_down(tmp_path: Path) -> None:
    port = processes.free_port()
    env = {**os.environ, "APPRAISAL_HOME": str(tmp_path), "APPRAISAL_BASE_URL": f"http://127.0.0.1:{port}",
           "APPRAISAL_PREFECT_UI_URL": f"http://127.0.0.1:{processes.free_port()}"}  # fmt: skip
    env.pop("APPRAISAL_DATABASE_URL", None)
    with subprocess.Popen([sys.executable, "-u", "-m", "cli.main", "serve"], cwd=ROOT, env=env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as served:  # fmt: skip
        assert served.stdout is not None
        said = []
        for line in served.stdout:
            said.append(line)
            if line == "Ready.\n":
                break
        assert said[-1] == "Ready.\n", "".join(said)
        ui = next(line.split()[-1] for line in said if line.startswith("Prefect UI"))
        assert httpx.get(f"{ui}/api/health", timeout=30).json() is True
        assert httpx.get(f"http://127.0.0.1:{port}/", timeout=30).status_code < 500
        served.send_signal(signal.SIGTERM)
        assert served.wait(60) == 0
    assert processes.is_free(port)
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{ui}/api/health", timeout=5)
    assert {"prefect-server.log", "worker.log", "web.log", "mail.log"} <= {
        path.name for path in (tmp_path / "logs").iterdir()
    }


def test_the_resident_dispatcher_takes_the_letters_of_a_stage_without_waiting_for_a_tick(tmp_path: Path) -> None:
    with processes.family(tmp_path) as family:
        env = {"APPRAISAL_HOME": str(tmp_path / "home"), "APPRAISAL_SMTP_URL": "smtp://127.0.0.1:9"}
        serve.start_mailer(family, os.environ | env)
        (mailer,) = family.children
    assert "--resident" in mailer.command
    assert "--lane" not in mailer.command
