"""Which dispatchers of this machine are alive, so that what a dead one held need not wait for the end of its lease.

Each holds a lock on a file of its own as long as it lives; the system lets go of it when the process ends, however it
does. A file whose lock can be had belongs to a dispatcher that is gone.
"""

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

try:
    import fcntl
except ImportError:  # not on Windows: there the lease alone decides
    fcntl = None


@dataclass(slots=True)
class Presence:
    """The folder of these files, of one installation on one machine."""

    folder: Path
    _held: dict[str, int] = field(default_factory=dict)

    def announce(self, owner: str) -> None:
        """Say that this dispatcher lives, until `leave` or the end of the process."""
        if fcntl is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self.folder / owner, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
        self._held[owner] = handle

    def leave(self, owner: str) -> None:
        """It ends by itself, and holds nothing any more."""
        if (handle := self._held.pop(owner, None)) is not None:
            with suppress(FileNotFoundError):
                (self.folder / owner).unlink()
            os.close(handle)

    def alive(self) -> list[str]:
        """Owners on this machine that live, those of this process included."""
        return [owner for owner in self._known() if not self._is_gone(owner)]

    def gone(self) -> list[str]:
        """Owners on this machine that ended without leaving; `forget` them when what they held is taken back."""
        return [owner for owner in self._known() if self._is_gone(owner)]

    def forget(self, owner: str) -> None:
        with suppress(FileNotFoundError):
            (self.folder / owner).unlink()

    def _known(self) -> list[str]:
        if fcntl is None or not self.folder.is_dir():
            return []
        return sorted(path.name for path in self.folder.iterdir())

    def _is_gone(self, owner: str) -> bool:
        if fcntl is None or owner in self._held:
            return False
        try:
            handle = os.open(self.folder / owner, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        finally:
            os.close(handle)
        return True
