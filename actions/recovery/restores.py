"""Noticing that the database was set back to a backup, before yesterday's letters go out a second time.

What is restored cannot say so itself. Dispatchers count beats in the database and keep the last one, and the last
letter that a server accepted, in a mark: one in the home, and one outside of it that no backup of the home brings back.
A database that knows less than a mark is older than what was sent. A machine without a mark has never sent for this
database: it asks, unless others are seen at work there.
"""

import hashlib
import json
import logging
import os
import secrets
import socket
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, exists, func, insert, literal, select, update
from sqlalchemy.orm import Session

from actions.mail import outbox
from database import Database
from models import Knock, Letter, MailAttempt, MailSwitch, SigninCode, StepCode, WebSession
from rules.terms import Lane, LetterState

BEAT_SECONDS = 10.0
NOTE_SECONDS = 1.0
"""What was accepted since the last note before a backup is restored is the most that can go unnoticed."""
LIVELY = timedelta(seconds=3 * BEAT_SECONDS)
"""A database on which somebody was at work so lately may have others at work now."""
WATCH_SECONDS = 2.5 * BEAT_SECONDS
HOW = "`appraisal mail status` says what would go out, `appraisal mail resume --hold` keeps it back"

log = logging.getLogger(__name__)


def machine_id() -> str:
    """The same on this machine for ever and on no other; it does not tell the machine's own number."""
    said = f"{socket.gethostname()} {uuid.getnode()}"
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        with suppress(OSError):
            said = Path(path).read_text("ascii").strip() or said
            break
    return hashlib.sha256(f"appraisal:{said}".encode()).hexdigest()[:16]


@dataclass
class Mark:
    """The files: `home` dies with the database, `outside` is where no backup of the home is restored to."""

    home: Path
    outside: Path | None = None
    machine: str = field(default_factory=machine_id)
    _identity: str = ""
    _said: str = ""
    """The last complaint about a folder, so that it is made once."""

    def arrive(self, db: Database, *, at: datetime) -> None:
        """Before anything is sent: stop delivery if the database is older than a mark, or new to this machine."""
        with db.transaction() as session:
            switch = _switch(session)
            self._identity = switch.identity
            reason = self._older(session, switch) or self._forgotten(session)
            strange = not reason and self._is_strange(session, switch)
            lively = switch.beat_at is not None and outbox.database_now(session) - switch.beat_at < LIVELY
            beats = switch.beats
        if strange and not (lively and _others_at_work(db, beats, WATCH_SECONDS)):
            reason = "this machine has never sent for this database: was a backup restored, or did it move?"
        if reason:
            with db.transaction() as session:
                stop(session, reason, at=at)
            self._write({})
        self.beat(db, at=at)

    def beat(self, db: Database, *, at: datetime) -> None:
        """Count once more; if the database was set back, delivery is stopped until a person lets it go on."""
        with db.transaction() as session:
            switch = _switch(session)
            self._identity = switch.identity
            if reason := self._older(session, switch):
                stop(session, reason, at=at)
            switch.beats = max(self._seen(), switch.beats) + 1
            switch.beat_at = outbox.database_now(session)
            switch.marked = switch.marked or self.outside is not None
            beats = switch.beats
        self._write({"beats": max(beats, self._seen())})

    def note(self, message_id: str, *, at: datetime) -> None:
        """Remember a letter that was accepted and committed."""
        self._write({"message_id": message_id, "accepted_at": at.isoformat()})

    def _older(self, session: Session, switch: MailSwitch) -> str:
        if self._seen() <= switch.beats:
            return ""
        return "the database is older than what this machine has sent: was a backup restored?"

    def _forgotten(self, session: Session) -> str:
        for folder in filter(None, (self.home, self.outside)):
            said = _read(self._path(folder))
            id = said.get("message_id")
            if isinstance(id, str) and not _knows(session, id):
                when = str(said.get("accepted_at", ""))[:16]
                return f"the database does not know a letter that was accepted at {when}: was a backup restored?"
        return ""

    def _is_strange(self, session: Session, switch: MailSwitch) -> bool:
        """Whether letters went out from this database, and none from this machine."""
        if self.outside is None or not switch.marked or self._path(self.outside).exists():
            return False
        return session.scalar(select(MailAttempt.id).limit(1)) is not None

    def _seen(self) -> int:
        beats = [said["beats"] for path in self._paths() if isinstance((said := _read(path)).get("beats"), int)]
        return max(beats, default=0)

    def _path(self, folder: Path) -> Path:
        own = f"-{self.machine}" if folder is self.outside else ""
        return folder / f"outbox-{self._identity}{own}.json"

    def _paths(self) -> list[Path]:
        """In the home, and outside of what every machine has left that shares the folder."""
        if self.outside is None:
            return [self._path(self.home)]
        return [self._path(self.home), *sorted(self.outside.glob(f"outbox-{self._identity}-*.json"))]

    def _write(self, more: Mapping[str, Any]) -> None:
        """An empty `more` forgets the accepted letter: what is wrong was said, and is not said again."""
        for folder in (self.home, self.outside):
            if folder is None:
                continue
            path = self._path(folder)
            said = {**_read(path), **more} if more else {"beats": _read(path).get("beats", 0)}
            try:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                new = path.with_suffix(f".{os.getpid()}.{secrets.token_hex(4)}")
                new.touch(0o600)
                new.write_text(json.dumps(said))
                new.replace(path)
            except OSError as failed:
                name = type(failed).__name__
                self._complain(f"the mark against restored backups cannot be written ({name}: {folder})")

    def _complain(self, words: str) -> None:
        if words != self._said:
            log.warning(words)
            self._said = words


def _read(path: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        if isinstance(said := json.loads(path.read_text()), dict):
            return said
    return {}


def _knows(session: Session, message_id: str) -> bool:
    """Whether the database has it that this letter was accepted, if only by an attempt that had lost its lease."""
    accepted = Letter.accepted_at.is_not(None) | (MailAttempt.outcome == LetterState.ACCEPTED)
    query = select(Letter.id).outerjoin(MailAttempt, MailAttempt.letter_id == Letter.id)
    return session.scalar(query.where(Letter.message_id == message_id, accepted).limit(1)) is not None


def _others_at_work(db: Database, beats: int, seconds: float) -> bool:
    """Whether somebody counts on while we do not."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(min(1.0, seconds / 10))
        with db.reading() as session:
            if (session.scalar(select(MailSwitch.beats).filter_by(id=1)) or 0) > beats:
                return True
    return False


def stop(session: Session, why: str, *, at: datetime) -> None:
    """Stop delivery until a person has decided, and say what would go out."""
    switch = _switch(session)
    due = outbox.count_due(session, list(Lane), at=at)
    switch.paused_at, switch.restored_at = at, at
    switch.reason = f"{why} {due} letters would go out now, perhaps again; {HOW}"
    session.flush()
    mark_copies(session, *_WAITING, restored_at=at)


@dataclass(frozen=True, slots=True)
class Again:
    """What a restored outbox would send: letters by kind, and how many of them were in doubt."""

    letters: Mapping[str, int]
    in_doubt: int
    oldest: datetime | None
    newest: datetime | None

    @property
    def total(self) -> int:
        return sum(self.letters.values())


COPY = "before the restore of "
"""Begins the owner of an attempt that nobody remembers: the letter may have been sent after the backup was made."""


def mark_copies(session: Session, *which: ColumnElement[bool], restored_at: datetime) -> None:
    """Put on record of letters that they may have gone out before; the same restore marks each once."""
    owner = f"{COPY}{restored_at:%Y-%m-%dT%H:%M:%S.%f}"
    known = exists().where(MailAttempt.letter_id == Letter.id, MailAttempt.owner == owner)
    moment = literal(restored_at, MailAttempt.begun_at.type)
    rows = select(Letter.id, Letter.attempts, literal(owner), moment, moment, literal("")).where(*which, ~known)
    columns = ["letter_id", "number", "owner", "begun_at", "ended_at", "reply"]
    session.execute(insert(MailAttempt).from_select(columns, rows))


def made_again(session: Session, cycle_id: int, due_at: datetime | None, *, at: datetime) -> None:
    """Mark what a step has just queued, if it may have done so before the last restore.

    `due_at`: when the step fell due; None: nobody knows, so what it does within a day of the restore may be the
    second time.
    """
    restored_at = session.scalar(select(MailSwitch.restored_at).filter_by(id=1))
    if restored_at is None:
        return
    if at - timedelta(days=1) <= restored_at if due_at is None else due_at <= restored_at:
        mark_copies(session, Letter.cycle_id == cycle_id, Letter.queued_at == at, restored_at=restored_at)


GOING = (LetterState.QUEUED, LetterState.DEFERRED, LetterState.SENDING, LetterState.AMBIGUOUS)
_WAITING = (Letter.state.in_(GOING), Letter.ended_at.is_(None))


def would_go_out(session: Session) -> Again:
    """All that is not through: each of it may have gone out after the backup was made."""
    mine = _WAITING
    counted = select(Letter.kind, func.count()).where(*mine).group_by(Letter.kind).order_by(Letter.kind)
    doubt = select(func.count()).where(*mine, Letter.state.in_((LetterState.SENDING, LetterState.AMBIGUOUS)))
    oldest, newest = session.execute(select(func.min(Letter.queued_at), func.max(Letter.queued_at)).where(*mine)).one()
    counts = Counter(dict(session.execute(counted).tuples().all()))
    return Again(counts, session.scalar(doubt) or 0, oldest, newest)


def restored(session: Session, made_at: datetime, *, at: datetime) -> Again:
    """Say that this database was just set back to a backup: delivery waits for a person, and no old key opens a door.

    A new identity ends what marks said of the old one. Sessions and codes that had ended since would live again: none
    does. What was being sent is in doubt at once.
    """
    switch = _switch(session)
    switch.identity, switch.beats, switch.beat_at = secrets.token_hex(16), 0, None
    switch.generation, switch.marked = switch.generation + 1, True
    stop(session, f"a backup of {made_at:%Y-%m-%d %H:%M} UTC was restored.", at=at)
    past = outbox.database_now(session) - timedelta(seconds=1)
    session.execute(update(Letter).where(Letter.state == LetterState.SENDING).values(lease_until=past))
    session.execute(update(WebSession).where(WebSession.ended_at.is_(None)).values(ended_at=at))
    for key in (Knock, SigninCode, StepCode):
        session.execute(update(key).where(key.used_at.is_(None)).values(used_at=at))
    session.flush()
    return would_go_out(session)


def _switch(session: Session) -> MailSwitch:
    query = select(MailSwitch).filter_by(id=1).with_for_update().execution_options(populate_existing=True)
    if (switch := session.scalar(query)) is None:
        session.add(MailSwitch(id=1, reason="", identity="", beats=0))
        session.flush()
        switch = session.scalars(query).one()
    if not switch.identity:
        switch.identity = secrets.token_hex(16)
    return switch
