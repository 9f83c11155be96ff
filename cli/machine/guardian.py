"""Ends what a family of processes left behind: it waits at a pipe that closes when the head of the family dies.

Run as a program by `cli.machine.processes`, with the standard library alone. Members are known by a mark in their
environment, which what they start inherits, also in a session of its own as a worker's flow runs have.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

MARK = "APPRAISAL_FAMILY"
ALL_WELL = b"."
"""What the head writes when it has ended all of them itself."""
PATIENCE = 3.0
"""Seconds that they get to end by themselves."""


def members(mark: str) -> list[int]:
    """Every process of this user that carries a mark which begins like this."""
    wanted, found = f"{MARK}={mark}".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            variables = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # ended meanwhile, or another user's
        if any(one.startswith(wanted) for one in variables) and not _is_zombie(folder):
            found.append(int(folder.name))
    return [pid for pid in found if pid != os.getpid()]


def _is_zombie(folder: Path) -> bool:
    try:
        return (folder / "stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (OSError, IndexError):
        return True


def end(mark: str, patience: float = PATIENCE) -> int:
    """Ask all members to end, then end them; how many there were."""
    asked = members(mark)
    _send(asked, signal.SIGTERM)
    until = time.monotonic() + patience
    while (left := members(mark)) and time.monotonic() < until:
        time.sleep(0.05)
    while left:
        _send(left, signal.SIGKILL)
        time.sleep(0.05)
        left = members(mark)  # what one of them started in its last moment as well
    return len(asked)


def _send(pids: Iterable[int], sign: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, sign)


def main() -> None:
    """`guardian.py PIPE MARK`: nothing but the pipe ends it."""
    for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(sign, signal.SIG_IGN)
    pipe, mark = int(sys.argv[1]), sys.argv[2]
    if os.read(pipe, 1) != ALL_WELL:
        end(mark)


if __name__ == "__main__":
    main()
