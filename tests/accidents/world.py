"""A small agency to have accidents in, what is compared afterwards, and processes that can be killed."""

import json
import multiprocessing
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import DateTime, Table, func, select

import clock
import database
from actions.cycle import launching
from actions.mail import letters
from actions.mail.letters import Certificate
from actions.stages import steps
from actions.stages.due import due
from actions.stages.steps import StepRef
from actions.store import trail
from database import Database
from models import Agency, Base, Cycle, Letter
from models.base import UtcDateTime
from rules.terms import LetterState, StageKind, Step
from simulation.delivery import accept_all
from tests.accidents import runner

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "bukittinggi"
AGENCY, YEAR, PEOPLE = "bukittinggi", 2026, 33
"""People appraised; three auditors are not."""
SECRET = "s" * 64
PATIENCE = 180
KILLED = "killed"
FORKS = multiprocessing.get_context("forkserver")  # a fork of pytest itself would share its connections
FORKS.set_forkserver_preload([runner.__name__])

STABLE = frozenset({"agency", "unit", "person", "cycle", "stage", "appraisal"})
"""Tables filled before any accident: their ids are the same in every database, and so may be compared."""
PASSING = frozenset({
    "installation", "throttle", "web_session", "step_code", "bucket", "mail_switch", "mail_attempt", "mail_event",
    "lease",
})  # fmt: skip
"""How something came about, not what is: an accident may leave other traces here."""
DRAWN = frozenset({
    "action_link.id", "letter.link_id", "letter.message_id", "letter.lease_owner", "letter.attempts", "letter.charged",
    "letter.ambiguities", "letter.reply", "letter.reply_code", "letter.content_sha256", "chain.head", "checkpoint.head",
    "trail_entry.event", "trail_entry.salt", "trail_entry.prev", "trail_entry.hash", "submission.nonce",
    "submission.receipt_no", "audit_frame_item.salt", "audit_frame_item.commitment",
})  # fmt: skip
"""Columns drawn at random or made from what was, and how often a letter was tried."""
RECEIPT = re.compile(r'(receipt:\d+:|"receipt_no": ")[0-9A-Z]{10}')


def ref(stage: StageKind, step: Step, occasion: str = "") -> StepRef:
    return StepRef(AGENCY, YEAR, stage, step, occasion)


def launch(db: Database) -> int:
    """The cycle with everybody enrolled, the clock standing before its first stage; returns its id."""
    launched = launching.launch_folder(db.transaction, FOLDER, YEAR, at=clock.now())
    assert launching.enroll_all(db.transaction, launched.cycle_id, at=clock.now()) == PEOPLE
    return launched.cycle_id


@contextmanager
def using(db: Database) -> Iterator[None]:
    """Make `db` the database of this process for a while, its clock included."""
    before = database.current()
    database.use(db)
    try:
        yield
    finally:
        database.use(before)


def catch_up(db: Database, at: datetime, take: Callable[[StepRef], object] | None = None) -> list[StepRef]:
    """Move the clock of `db`, let everything that is due be done and every letter accepted; returns the steps taken.

    `take` takes a step otherwise than in one go in this process.
    """
    taken: list[StepRef] = []
    with using(db):
        clock.move_to(at)
        while found := [one for one in _due(db, at) if one not in taken]:
            for one in found:
                taken.append(one)
                if take is not None:
                    take(one)
                else:
                    steps.run(db.transaction, one, at=at)
        accept_all(db.transaction)(at)
    return taken


def _due(db: Database, at: datetime) -> list[StepRef]:
    with db.reading() as session:
        return due(session, at=at)


def snapshot(db: Database) -> dict[str, list[str]]:
    """What the database says of the agency, row by row: without instants, and without ids that the order gives."""
    with db.reading() as session:
        return {
            table.name: sorted(_told(table, row) for row in session.execute(select(table)).mappings())
            for table in Base.metadata.sorted_tables if table.name not in PASSING
        }  # fmt: skip


def _told(table: Table, row: Mapping[Any, Any]) -> str:
    said = {}
    for column in table.columns:
        owner = next(iter(column.foreign_keys)).column.table.name if column.foreign_keys else ""
        if column.name == "id" or (owner and owner not in STABLE) or f"{table.name}.{column.name}" in DRAWN:
            continue
        value = row[column]
        timed = isinstance(column.type, UtcDateTime | DateTime)
        said[column.name] = value is not None if timed else _plain(value)
    return RECEIPT.sub(r"\1", json.dumps(said, default=str, sort_keys=True))


def _plain(value: Any) -> Any:
    """JSON kept as text without the order in which it was written."""
    try:
        return json.loads(value) if isinstance(value, str) and value.startswith("{") else value
    except ValueError:
        return value


def differences(found: Database, wanted: Database) -> dict[str, tuple[list[str], list[str]]]:
    """Table -> rows of one database only, rows of the other only; empty if an accident left no mark."""
    one, other = snapshot(found), snapshot(wanted)
    return {name: (_less(one[name], other[name]), _less(other[name], one[name])) for name in one
            if one[name] != other[name]}  # fmt: skip


def _less(rows: list[str], others: list[str]) -> list[str]:
    return list((Counter(rows) - Counter(others)).elements())


def dump(db: Database) -> list[str]:
    """Every row of every table, whole."""
    if db.is_sqlite:
        with sqlite3.connect(db.url.removeprefix("sqlite:///")) as connection:
            return list(connection.iterdump())
    with db.reading() as session:
        return [
            repr((table.name, tuple(row)))
            for table in Base.metadata.sorted_tables
            for row in session.execute(select(table).order_by(*table.primary_key.columns))
        ]


def certificate_of(db: Database) -> Certificate:
    with db.reading() as session:
        return letters.certificate(session, cycle_id=session.scalars(select(Cycle)).one().id)


def check_whole(db: Database) -> Certificate:
    """The trail holds and the certificate is clean; returns the certificate."""
    with db.reading() as session:
        assert trail.verify(session, session.scalars(select(Agency)).one().id) == []
    certificate = certificate_of(db)
    assert certificate.clean, certificate
    return certificate


def count_letters(db: Database, state: LetterState) -> int:
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(Letter).filter_by(state=state)) or 0


def morning(day: date, hour: int = 2) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00+00:00")


def environment(db: Database, smtp: int = 9) -> dict[str, str]:
    """What a process of the product needs to know; port 9 is nobody's, so nothing is sent by mistake."""
    return {"APPRAISAL_DATABASE_URL": db.url, "APPRAISAL_SECRET": SECRET,
            "APPRAISAL_SMTP_URL": f"smtp://127.0.0.1:{smtp}"}  # fmt: skip


class Process:
    """A process of its own that does one thing (see runner.py) and can be killed while it does."""

    def __init__(self, env: Mapping[str, str], do: str, **spec: Any) -> None:
        self.pipe, theirs = FORKS.Pipe()
        self.process = FORKS.Process(target=runner.main, args=(dict(env), {"do": do} | spec, theirs), daemon=True)
        self.process.start()
        theirs.close()
        assert self.pipe.recv() == "ready"

    def go(self) -> "Process":
        self.pipe.send("go")
        return self

    def kill(self) -> None:
        self.process.kill()
        self.process.join(PATIENCE)
        assert self.process.exitcode == -9

    def end(self) -> Any:
        """What it answers; KILLED if it was."""
        try:
            answer = self.pipe.recv() if self.pipe.poll(PATIENCE) else "nothing"
        except EOFError:
            answer = KILLED
        self.process.join(PATIENCE)
        assert self.process.exitcode == (-9 if answer == KILLED else 0), answer
        return answer


def run(env: Mapping[str, str], do: str, **spec: Any) -> Any:
    return Process(env, do, **spec).go().end()


def run_at_once(env: Mapping[str, str], do: str, **spec: Any) -> list[Any]:
    """Two processes that do the same at the same instant; what they answer."""
    two = [Process(env, do, **spec) for _ in range(2)]
    for one in two:
        one.go()
    return [one.end() for one in two]
