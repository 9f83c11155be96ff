"""Read a table that a stranger wrote: a child parses it within limits, and whatever kills it becomes a refusal."""

import errno
import json
import os
import select
import signal
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from actions.tables.line import Line, Progress, TableRefused
from rules.files.file_reasons import reason

MEGABYTE = 1 << 20
MOST_BYTES = 2048 * MEGABYTE
"""Of a file as it lies there."""
MEMORY = 200 * MEGABYTE
"""Address space of a child that reads a small file; a packed megabyte may ask for MEMORY_EACH more."""
MEMORY_EACH = 24
MOST_MEMORY = 3072 * MEGABYTE
SECONDS = 15
"""Of the processor, for a small file; a megabyte may take SECONDS_EACH more."""
SECONDS_EACH = 4
MOST_SECONDS = 900
SILENT = 60
"""Seconds without a word from the child, whatever it waits for."""
LONGEST_MESSAGE = 256 * MEGABYTE
ROOT = Path(__file__).parents[2]
CODE = "import sys; sys.path[:0] = sys.argv[5:]; from actions.tables.child import main; main(*sys.argv[1:5])"


@dataclass
class Table:
    """The sheet that was read, and its lines from the first one of the file on, titles included."""

    kind: str
    sheet: str
    """Empty where the format has no sheets."""
    encoding: str
    guessed: bool
    ragged: bool
    first_day_1904: bool
    first: int
    last: int
    """The rows of its header."""
    names: list[str]
    hidden: list[str]
    lines: Iterator[Line]
    far: list[str] = field(default_factory=list)
    """Letters of columns too far right to be read that hold something; complete once the lines are read."""
    unseen_rows: list[tuple[int, int]] = field(default_factory=list)
    """First and last of each block of hidden rows that was read; complete once the lines are read."""
    unseen_columns: list[int] = field(default_factory=list)
    """Hidden columns, from 0; complete once the lines are read."""


def read_table(path: Path, purpose: str, progress: Progress | None = None) -> Table:
    """The table in a file, a line at a time; TableRefused if there is none, at once or while the lines are read."""
    size = _size_of(path)
    if size > MOST_BYTES:
        raise TableRefused(
            f"Berkas {size // MEGABYTE} MB terlalu besar; paling besar {MOST_BYTES // MEGABYTE} MB.",
            f"The file of {size // MEGABYTE} MB is too large; {MOST_BYTES // MEGABYTE} MB at most.",
        )
    messages = _messages(path, purpose, size)
    try:
        facts = next(messages, None) or {"killed": "died"}
    except BaseException:
        messages.close()
        raise
    if "names" not in facts:
        messages.close()
        raise _refusal(facts, size)
    table = Table(**facts, lines=iter(()))
    table.lines = _lines(messages, table, size, progress or (lambda _done, _of: None))
    return table


def _size_of(path: Path) -> int:
    """The octets of an ordinary file; TableRefused says what else it is."""
    try:
        facts = path.stat()
    except OSError as error:
        raise _no_file(path, error) from error
    if stat.S_ISDIR(facts.st_mode):
        raise _no_file(path, OSError(errno.EISDIR, ""))
    if not stat.S_ISREG(facts.st_mode):
        raise _no_file(path, OSError(errno.EINVAL, ""))
    return facts.st_size


def _no_file(path: Path, error: OSError) -> TableRefused:
    indonesian, english = reason(error)
    return TableRefused(f"{path} {indonesian}: sebutkan berkas lain.", f"{path} {english}: name another file.")


def _lines(
    messages: Generator[dict[str, Any], None, None], table: Table, size: int, progress: Progress
) -> Iterator[Line]:
    with closing(messages):
        for message in messages:
            if "rows" in message:
                for number, cells, *more in message["rows"]:
                    errors, unreadable = more or ((), None)
                    yield Line(number, cells, tuple(errors), tuple(unreadable) if unreadable else None)
                if message["of"]:
                    progress(message["done"], message["of"])
            elif "end" in message:
                table.far = message["far"]
                table.unseen_rows = [(first, last) for first, last in message["unseen_rows"]]
                table.unseen_columns = message["unseen_columns"]
                return
            else:
                raise _refusal(message, size)
    raise _refusal({"killed": "died"}, size)


def _refusal(message: dict[str, Any], size: int) -> TableRefused:
    if "refused" in message:
        return TableRefused(*message["refused"])
    how = message.get("killed")
    if how == "time":
        return TableRefused(
            f"Membaca berkas ini melewati batas waktu {_seconds(size)} detik. Salin datanya ke lembar baru tanpa "
            "format dan sel kosong, lalu simpan sebagai .xlsx.",
            f"Reading this file took more than {_seconds(size)} seconds. Copy the data into a new sheet without "
            "formats and blank cells, and save it as .xlsx.",
        )
    if how == "memory":
        return TableRefused(
            f"Membaca berkas ini perlu lebih dari {_memory(size) // MEGABYTE} MB; biasanya ada sel jauh di luar tabel. "
            "Salin tabelnya saja ke lembar baru, lalu simpan sebagai .xlsx.",
            f"Reading this file takes more than {_memory(size) // MEGABYTE} MB; mostly a cell lies far outside the "
            "table. Copy the table alone into a new sheet and save it as .xlsx.",
        )
    return TableRefused(
        "Berkas ini tidak dapat dibaca: pembacanya berhenti. Buka di aplikasi lembar kerja, lalu simpan ulang "
        "sebagai .xlsx.",
        "This file cannot be read: its reader broke off. Open it in a spreadsheet program and save it again as .xlsx.",
    )


def _memory(size: int) -> int:
    return min(MEMORY + MEMORY_EACH * size, MOST_MEMORY)


def _seconds(size: int) -> int:
    return min(SECONDS + SECONDS_EACH * size // MEGABYTE, MOST_SECONDS)


@cache
def _paths() -> tuple[str, ...]:
    """Where the child finds its modules: this project and the installed packages, nothing from the environment."""
    return str(ROOT), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")


def _messages(path: Path, purpose: str, size: int) -> Generator[dict[str, Any], None, None]:
    words = [str(path.resolve()), purpose, str(_memory(size)), str(_seconds(size)), *_paths()]
    child = subprocess.Popen(  # noqa: S603  the words are our own; the path is one of them, never a command
        [sys.executable, "-I", "-S", "-c", CODE, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"LC_ALL": "C.UTF-8"},
        bufsize=0,
    )
    try:
        assert child.stdout
        yield from _spoken(child.stdout.fileno())
        yield {"killed": _cause(child.wait())}
    except TimeoutError:
        yield {"killed": "time"}
    finally:
        child.kill()
        child.wait()
        if child.stdout:
            child.stdout.close()


def _spoken(pipe: int) -> Generator[dict[str, Any], None, None]:
    poll = select.poll()
    poll.register(pipe, select.POLLIN | select.POLLHUP)
    pending = bytearray()
    while True:
        if not poll.poll(SILENT * 1000):
            raise TimeoutError
        chunk = os.read(pipe, 1 << 18)
        if not chunk:
            return
        start = len(pending)
        pending += chunk
        while (end := pending.find(b"\n", start)) >= 0:
            message = bytes(pending[:end])
            del pending[: end + 1]
            start = 0
            yield json.loads(message)
        if len(pending) > LONGEST_MESSAGE:
            raise TimeoutError


def _cause(code: int) -> str:
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return "time"
    return "memory" if code in (-signal.SIGABRT, -signal.SIGSEGV) else "died"
