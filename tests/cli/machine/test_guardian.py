"""kill -9 of the head of a family leaves nobody behind, and whoever ends again and again holds nobody up."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.machine import guardian, processes
from cli.machine.processes import StartRefused

ROOT = Path(__file__).parents[3]
SLEEP = "import time; time.sleep(120)"
FAR_CHILD = (
    "import subprocess, sys, time;"
    f"subprocess.Popen([sys.executable, '-c', {SLEEP!r}], start_new_session=True); time.sleep(120)"
)
"""As a worker: what it starts is a session of its own."""
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(120)"
HEAD = f"""
import sys, time
from pathlib import Path
from cli.machine import processes
made = processes.Family(Path(sys.argv[1]))
made.start("worker", sys.executable, "-c", {FAR_CHILD!r}, env={{}})
made.start("deaf", sys.executable, "-c", {DEAF!r}, env={{}})
print("up", flush=True)
time.sleep(120)
"""


def wait_until(holds: Callable[[], bool], seconds: float = 30) -> bool:
    until = time.monotonic() + seconds
    while not holds() and time.monotonic() < until:
        time.sleep(0.05)
    return holds()


def head(logs: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HEAD, str(logs)]
    started = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert started.stdout.readline() == "up\n"
    assert wait_until(lambda: len(guardian.members(f"{logs.resolve()}:")) == 3)
    return started


def guardian_of(logs: Path) -> int:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(b"guardian.py" in word for word in words) and any(str(logs).encode() in word for word in words):
            return int(folder.name)
    return 0


def test_a_killed_head_leaves_no_orphans(tmp_path: Path) -> None:
    started = head(tmp_path)
    started.kill()
    started.wait()
    assert wait_until(lambda: not guardian.members(f"{tmp_path.resolve()}:"))
    assert wait_until(lambda: not guardian_of(tmp_path))


def test_where_the_guardian_was_killed_too_the_next_start_takes_over(tmp_path: Path) -> None:
    started = head(tmp_path)
    os.kill(guardian_of(tmp_path), signal.SIGKILL)
    started.kill()
    started.wait()
    assert len(guardian.members(f"{tmp_path.resolve()}:")) == 3
    with processes.family(tmp_path) as family:
        assert guardian.members(f"{tmp_path.resolve()}:") == []
        assert family.children == []


def test_two_never_have_the_same_home(tmp_path: Path) -> None:
    with processes.family(tmp_path) as family:
        child = family.start("one", sys.executable, "-c", SLEEP, env={})
        with pytest.raises(StartRefused, match="it runs already"), processes.family(tmp_path):
            pass
        assert not child.ended
    with processes.family(tmp_path):
        pass


def test_a_guardian_that_died_is_replaced(tmp_path: Path) -> None:
    with processes.family(tmp_path) as family:
        family.start("one", sys.executable, "-c", SLEEP, env={})
        before = guardian_of(tmp_path)
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: family._guardian.poll() is not None)
        family.tend()
        assert wait_until(lambda: guardian_of(tmp_path) not in (0, before))


def test_pages_that_end_again_and_again_hold_up_neither_mail_nor_engine(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with processes.family(tmp_path) as family:
        mail = family.start("mail", sys.executable, "-c", SLEEP, env={})
        family.start("web", sys.executable, "-c", "raise SystemExit('port taken')", env={})

        def rests() -> bool:
            family.tend()
            return "web" in family._resting

        assert wait_until(rests)
        assert not mail.ended
        said = capfd.readouterr().err
        assert "web ends again and again" in said
        assert "port taken" in said
        for _ in range(3):
            family.tend()
        assert capfd.readouterr().err == ""
        monkeypatch.setitem(family._resting, "web", time.monotonic())
        family.tend()
        assert "web" not in family._resting, "it is tried once more"
        assert not mail.ended


def test_stopping_ends_what_a_worker_left_in_sessions_of_their_own(tmp_path: Path) -> None:
    with processes.family(tmp_path) as family:
        worker = family.start("worker", sys.executable, "-c", FAR_CHILD, env={})
        assert wait_until(lambda: len(guardian.members(family.mark)) == 2)
        worker.process.kill()
        worker.process.wait()
        assert len(guardian.members(family.mark)) == 1
    assert guardian.members(family.mark) == []


def test_a_key_for_another_prefect_does_not_reach_our_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_KEY", "pnu_elsewhere")
    with processes.family(tmp_path) as family:
        assert "PREFECT_API_KEY" not in family.environment({})
