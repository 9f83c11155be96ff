"""`smtp-source` and `smtp-sink` from Debian's package of Postfix, unpacked, not installed: no mail server starts."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.measure import ROOT, BenchmarkRefused, Cost, end, run_child

CACHE = ROOT / ".appraisal" / "bench-tools"
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Tools:
    """Where the two programs are, and the environment in which they find their libraries."""

    sink: str
    source: str
    env: dict[str, str]


def find() -> Tools:
    """The programs of the system or of the cache, else of a freshly fetched package.

    BenchmarkRefused says what is missing: only Debian and its kin have the package, and fetching needs its archive.
    """
    sink, source = shutil.which("smtp-sink", path=_path()), shutil.which("smtp-source", path=_path())
    if sink and source:
        return Tools(sink, source, {})
    unpacked = CACHE / "root" / "usr" / "sbin"
    if not (unpacked / "smtp-source").exists():
        _fetch()
    libraries = unpacked.parent / "lib" / "postfix"
    return Tools(str(unpacked / "smtp-sink"), str(unpacked / "smtp-source"), {"LD_LIBRARY_PATH": str(libraries)})


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin"


def _fetch() -> None:
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise BenchmarkRefused("smtp-source is missing and there is no apt-get to fetch Postfix's package with")
    CACHE.mkdir(parents=True, exist_ok=True)
    try:
        _say("apt-get", "download", "postfix")
        _say("dpkg", "-x", str(next(CACHE.glob("postfix_*.deb"))), str(CACHE / "root"))
    except (subprocess.SubprocessError, StopIteration) as failed:
        raise BenchmarkRefused(
            f"Postfix's package could not be fetched ({failed}): apt-get update, or offline?"
        ) from None


def _say(*command: str) -> None:
    subprocess.run(command, cwd=CACHE, check=True, capture_output=True, timeout=120)  # noqa: S603 - fixed commands


@contextmanager
def sink(tools: Tools) -> Iterator[int]:
    """A server that takes every letter and throws it away, on loopback; yields its port."""
    port = free_port()
    unprivileged = ["-u", "nobody"] if os.getuid() == 0 else []
    process = subprocess.Popen(  # noqa: S603 - our own command
        [tools.sink, *unprivileged, "-m", "300", f"{HOST}:{port}", "512"], env={**os.environ, **tools.env},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait_for(port, process)
        yield port
    finally:
        end(process)


def send(tools: Tools, port: int, *, letters: int, connections: int, size: int) -> Cost:
    """What the yardstick needs for so many letters of so many bytes over kept connections."""
    return run_child(
        tools.source, "-4", "-d", "-s", str(connections), "-l", str(size), "-m", str(letters), "-M", "bench.example",
        "-f", "a@bench.example", "-t", "b@bench.example", f"{HOST}:{port}", env=tools.env,
    )  # fmt: skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def answers(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), 1).close()
    except OSError:
        return False
    return True


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        if process.poll() is not None:
            break
        if answers(port):
            return
        time.sleep(0.05)
    raise BenchmarkRefused("smtp-sink does not start")
