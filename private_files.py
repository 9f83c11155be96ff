"""Files and folders that only their owner may read, whatever the umask, and secrets that are kept in them."""

import errno
import fcntl
import logging
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rules.refused import Refused

FOLDER, FILE = 0o700, 0o600
UMASK = 0o077
"""For processes whose files are nobody else's business."""
OTHERS = stat.S_IRWXG | stat.S_IRWXO

log = logging.getLogger(__name__)


class SecretRefused(Refused, ValueError):
    """A kept secret cannot be used; the message names its file and says what to do."""


def make_folder(path: Path) -> Path:
    """Create a folder with mode 0700, and whatever is missing above it; one that is there stays as it is."""
    if not path.is_dir():
        make_folder(path.parent)
        try:
            path.mkdir(FOLDER)
        except FileExistsError:
            if not path.is_dir():
                raise
            return path
        path.chmod(FOLDER)  # a umask may have taken the owner's rights as well
    return path


def open_to_append(path: Path) -> int:
    """A descriptor of a file that is made with mode 0600; one that others could read is closed to them."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, FILE)
    if stat.S_IMODE(os.fstat(descriptor).st_mode) != FILE:
        os.fchmod(descriptor, FILE)
    return descriptor


def reserve(path: Path) -> None:
    """Make an empty file with mode 0600 if there is none, so that whoever fills it cannot choose another mode."""
    make_folder(path.parent)
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE))
    except FileExistsError:
        return
    path.chmod(FILE)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file beside `path` that takes its place at the end, readable by its owner alone; on an error nothing does.

    A folder, a device or a pipe of that name is refused with an OSError that names it, and stays what it is.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.is_file():
        number = errno.EISDIR if path.is_dir() else errno.EINVAL
        raise OSError(number, os.strerror(number), str(path))
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
    os.close(handle)
    beside = Path(name)
    try:
        yield beside
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def close_to_others(home: Path) -> int:
    """Take group's and others' rights from a folder of ours and all that is in it; how many had any.

    Links are not followed. What belongs to somebody else stays as it is, and so does a folder that is shared by its
    nature (sticky, a user's home, the working directory) while all that is below it in folders of ours is closed.
    """
    closed = 0
    for folder, _, files in os.walk(home):
        for path in (Path(folder), *(Path(folder) / name for name in files)):
            closed += _close(path)
    return closed


def _close(path: Path) -> int:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return 0  # a journal of the database comes and goes
    wanted = FOLDER if stat.S_ISDIR(found.st_mode) else FILE
    plain = stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode)
    if not plain or found.st_uid != os.getuid() or not found.st_mode & OTHERS or _is_shared(path, found):
        return 0
    path.chmod(wanted | (found.st_mode & stat.S_IXUSR))
    return 1


def _is_shared(path: Path, found: os.stat_result) -> bool:
    return bool(found.st_mode & stat.S_ISVTX) or path.resolve() in (Path.home(), Path.cwd())


def keep_secret(path: Path, make: Callable[[], str], *, least: int = 1) -> tuple[str, bool]:
    """The secret kept at `path`, and whether it was made just now; one is made on first use, mode 0600.

    A file that is empty (its machine went down while it was written) gets a new secret and a warning in the log; one
    with fewer than `least` characters is refused (SecretRefused): somebody wrote it, and it may have been cut.
    """
    make_folder(path.parent)
    with _alone(path):
        found = _read(path)
        if found and len(found) < least:
            raise SecretRefused(
                f"{path} holds {len(found)} characters where at least {least} are needed: it was cut or written by "
                "hand. Ops put it back from a backup, or remove it, so that a new one is made"
            )
        if found:
            return found, False
        if found == "":
            log.warning("%s was empty, as after a power cut while it was written: a new secret was made", path)
        made = make()
        _write(path, made)
        return made, True


def _read(path: Path) -> str | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, encoding="ascii", errors="replace") as file:
        found = os.fstat(descriptor)
        if found.st_mode & OTHERS and found.st_uid == os.getuid():
            os.fchmod(descriptor, FILE)
        return file.read().strip(" \t\r\n\0")


def _write(path: Path, text: str) -> None:
    """All of it or nothing, also when the machine goes down in the middle."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        os.fchmod(descriptor, FILE)
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Two processes that start at once must not make two secrets."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
