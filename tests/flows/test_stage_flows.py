"""Every step twice is the step once; what is not due says so; a run that died goes on."""

from datetime import date

import pytest
from prefect.client.schemas.objects import StateType
from sqlalchemy import func, select

import database
from actions.launching import Launched
from flows.target_setting import target_setting
from models import Assignment, Letter, Stage, StageStep, TrailEntry
from rules.words import StageKind, StageState
from tests.flows.conftest import YEAR, move_to

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.usefixtures("prefect_server")]


def counts(db: database.Database) -> dict[str, int]:
    with db.reading() as session:
        return {
            table.__tablename__: session.scalar(select(func.count()).select_from(table)) or 0
            for table in (Assignment, Letter, StageStep, TrailEntry)
        }


def test_opening_twice_owes_each_letter_once(db: database.Database, launched: Launched) -> None:
    move_to(date(2027, 1, 4))
    first = target_setting("contoh", YEAR, "open", return_state=True)
    assert first.name == "Completed"
    assert first.message == "5 assignments, 5 letters"
    before = counts(db)
    second = target_setting("contoh", YEAR, "open", return_state=True)
    assert (second.name, second.message) == ("Skipped", "already done")
    assert counts(db) == before
    assert before["letter"] == 5
