"""Letting an example agency live on its virtual clock until a day."""

from datetime import date, datetime
from pathlib import Path

import clock
import database
from actions.cycle import launching
from actions.store import schema
from database import Database
from simulation.delivery import accept_all
from simulation.year import Year

MAMUJU = Path(__file__).parents[1] / "examples" / "mamuju"


def go_on(db: Database, until: date, *, seed: int = 7) -> None:
    """Let the people of the copy live until the evening of a day."""
    Year(db.transaction, "mamuju", 2026, seed=seed, deliver=accept_all(db.transaction)).run(until=until)


def tick(db: Database, at: datetime) -> None:
    """What the clock does at an instant, without people and without mail."""
    clock.move_to(at)
    Year(db.transaction, "mamuju", 2026, seed=7, deliver=accept_all(db.transaction)).tick(at)


def launched(path: Path) -> Database:
    """A new database with the cycle 2026 of Mamuju, everybody enrolled."""
    made = Database(f"sqlite:///{path}")
    schema.upgrade(made, simulation_from="2025-12-20T01:00:00+00:00")
    launch(made)
    return made


def launch(db: Database) -> None:
    """Launch Mamuju's cycle 2026 in a migrated database, which becomes that of the process."""
    database.use(db)
    cycle = launching.launch_folder(db.transaction, MAMUJU, 2026, at=clock.now()).cycle_id
    launching.enroll_all(db.transaction, cycle, at=clock.now())
