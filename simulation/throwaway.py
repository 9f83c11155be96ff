"""A whole year of an agency in a database of its own, from its folder to the certificate."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import clock
import database
from actions.cycle import launching
from actions.roster.agency_files import read_agency
from actions.store import schema
from rules.terms import StageKind
from simulation.delivery import accept_all
from simulation.year import Report, Year

LEAD = timedelta(days=12)
"""HR launches so many days before target setting opens."""
LATEST = timedelta(days=150)
"""A cycle that is still open so long after its planned end is not going to end."""


def simulate(
    db: database.Database, directory: Path, year: int, *, seed: int, on_day: Callable[[date], None] | None = None
) -> Report:
    """Run the year in `db`, which is made a simulation; the process's database while it runs."""
    folder = read_agency(directory)
    launch_on = folder.calendar.for_year(year)[StageKind.TARGET_SETTING].opens_on - LEAD
    start = datetime.combine(launch_on, time(1), UTC)
    schema.upgrade(db, simulation_from=start.isoformat())
    database.use(db)
    launched = launching.launch_folder(db.transaction, directory, year, at=clock.now())
    launching.enroll_all(db.transaction, launched.cycle_id, at=clock.now())
    lived = Year(db.transaction, folder.agency.code, year, seed=seed, deliver=accept_all(db.transaction), on_day=on_day)
    last = folder.calendar.for_year(year)[StageKind.FINALIZATION].closes_on + LATEST
    return lived.run(until=last)
