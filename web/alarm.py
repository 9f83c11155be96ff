"""An alarm when more links are bad than mail programs and curious people account for: somebody may be guessing."""

import logging
import threading
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=5)
SHARE = 0.01
LEAST = 20
"""Bad ones in a window: on a quiet day a single broken link is more than one in a hundred."""
log = logging.getLogger("web.alarm")


class BadLinks:
    """Counts in this process; the limits, which must hold across processes, are in the database."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: datetime | None = None
        self._all = self._bad = 0
        self._said = False

    def note(self, *, bad: bool, at: datetime) -> bool:
        """Count one link; True, and a warning in the log, when the share passes the limit, once in a window."""
        with self._lock:
            if self._until is None or not self._until - WINDOW <= at < self._until:
                self._until, self._all, self._bad, self._said = at + WINDOW, 0, 0, False
            self._all += 1
            self._bad += bad
            if self._said or self._bad < LEAST or self._bad <= SHARE * self._all:
                return False
            self._said = True
            share = 100 * self._bad / self._all
        log.warning("%d of %d links (%.1f %%) were bad within five minutes", self._bad, self._all, share)
        return True


links = BadLinks()
