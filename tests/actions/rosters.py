"""A copy of an example agency whose roster tests change row by row."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from actions.roster.agency_files import AgencyFolder, read_agency
from actions.roster.imports import ImportReport, import_folder
from database import Database
from models import Base

EXAMPLES = Path(__file__).parents[2] / "examples"
ZONE = ZoneInfo("Asia/Makassar")

BUPATI = "197804092004122001"
SECRETARY = "197912062008121001"
EDUCATION = "197311251998121001"
"""Head of the education office, superior of both school heads."""
HEAD = "196911081998011001"
"""Head of SD Negeri Rimuku."""
TEACHER = "198711282013122001"
"""Under HEAD."""
OTHER_HEAD = "197001031999012001"
"""Head of SMP Negeri Simboro."""


class Roster:
    def __init__(self, directory: Path, code: str = "mamuju") -> None:
        self.directory = directory / code
        self.directory.mkdir()
        for path in (EXAMPLES / code).glob("*.yaml"):
            (self.directory / path.name).write_bytes(path.read_bytes())
        with (EXAMPLES / code / "roster.csv").open(encoding="utf-8", newline="") as file:
            self.rows = {row["nip"]: row for row in csv.DictReader(file)}

    def __getitem__(self, nip: str) -> dict[str, str]:
        return self.rows[nip]

    def __setitem__(self, nip: str, row: dict[str, str]) -> None:
        self.rows[nip] = row

    def add(self, nip: str, like: str, **cells: str) -> None:
        self.rows[nip] = self.rows[like] | {"nip": nip, "email": f"{nip}@mamuju.example", "roles": ""} | cells

    def leave(self, nip: str) -> None:
        del self.rows[nip]

    def folder(self) -> AgencyFolder:
        rows = list(self.rows.values())
        with (self.directory / "roster.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        return read_agency(self.directory)

    def take(self, db: Database, as_of: date) -> ImportReport:
        """Import it at eight in the morning of the day."""
        return import_folder(db.transaction, self.folder(), as_of=as_of, at=morning(as_of))


def morning(day: date) -> datetime:
    return datetime.combine(day, time(8), ZONE).astimezone(UTC)


def every(db: Database, model: type[Base], **where: object) -> list[Any]:
    with db.reading() as session:
        found = list(session.scalars(select(model).filter_by(**where)))
        session.expunge_all()
        return found


@contextmanager
def unchanged(db: Database, *, but: tuple[str, ...] = ()) -> Iterator[None]:
    """Every table but the named ones holds the same before and after."""
    before = contents(db)
    yield
    after = contents(db)
    assert {name for name in after if after[name] != before[name]} <= set(but)


def contents(db: Database) -> dict[str, list[tuple[object, ...]]]:
    with db.reading() as session:
        return {
            table.name: sorted((tuple(row) for row in session.execute(table.select())), key=repr)
            for table in Base.metadata.sorted_tables
        }


def day_before(day: date) -> date:
    return day - timedelta(days=1)
