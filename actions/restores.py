"""Noticing that the database was set back to a backup, before yesterday's letters go out a second time.

Each dispatcher counts beats in the database and remembers the last one in a file beside it. A database whose count is
below the file's is older than what this machine has seen.
"""

import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions import outbox
from database import Database
from models import MailSwitch
from rules.words import Lane

BEAT_SECONDS = 10.0
"""What was sent since the last beat before a backup is restored is the most that can go unnoticed."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The file, in a directory that outlives the database and is never restored with it."""

    home: Path

    def beat(self, db: Database, *, at: datetime) -> None:
        """Count once more; if the database was set back, delivery is stopped until a person lets it go on."""
        with db.transaction() as session:
            switch = _switch(session)
            seen = self._seen(switch.identity)
            if seen > switch.beats:
                due = outbox.count_due(session, list(Lane), at=at)
                switch.paused_at = at
                switch.reason = (
                    f"the database is older than what this machine has sent: was a backup restored? {due} letters would"
                    " go out now, perhaps again; `appraisal mail resume --hold` keeps them back"
                )
            switch.beats = max(seen, switch.beats) + 1
            identity, beats = switch.identity, switch.beats
        self._remember(identity, beats)

    def _path(self, identity: str) -> Path:
        return self.home / f"outbox-{identity}.json"

    def _seen(self, identity: str) -> int:
        with suppress(FileNotFoundError, ValueError, KeyError, TypeError):
            return int(json.loads(self._path(identity).read_text())["beats"])
        return 0

    def _remember(self, identity: str, beats: int) -> None:
        path = self._path(identity)
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(f".{os.getpid()}.{secrets.token_hex(4)}")
        new.write_text(json.dumps({"beats": max(beats, self._seen(identity))}))
        new.replace(path)


def _switch(session: Session) -> MailSwitch:
    query = select(MailSwitch).filter_by(id=1).with_for_update().execution_options(populate_existing=True)
    if (switch := session.scalar(query)) is None:
        session.add(MailSwitch(id=1, reason="", identity="", beats=0))
        session.flush()
        switch = session.scalars(query).one()
    if not switch.identity:
        switch.identity = secrets.token_hex(16)
    return switch
