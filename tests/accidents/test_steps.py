"""Steps that are run twice, by two processes at once, or by a process that is killed: as if nothing had happened."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

import clock
from actions.line.calendars import calendar_of
from actions.stages import steps
from actions.stages.due import due
from actions.stages.steps import StepRef
from database import Database
from models import Agency, Stage
from rules.terms import StageKind, StageState, Step
from simulation.delivery import accept_all
from simulation.year import Report, Year
from tests.accidents.world import (
    AGENCY,
    KILLED,
    YEAR,
    catch_up,
    check_whole,
    differences,
    environment,
    launch,
    morning,
    ref,
    run,
    run_at_once,
    using,
)

OPENS = morning(date(2026, 1, 2))
OPEN = ref(StageKind.TARGET_SETTING, Step.OPEN)
SIZE = 8
"""People to a batch: five batches to a phase."""


def test_a_stage_whose_opening_is_killed_at_every_turn_opens_as_if_nothing_had_happened(
    world: Database, reference: Database
) -> None:
    catch_up(reference, OPENS)
    clock.move_to(OPENS)
    env = environment(world)
    for point in ("take:1", "take:3", "batch:2", "take:2", "batch:3", "take:2", "finish"):
        assert run(env, "step", ref=OPEN, size=SIZE, die=point) == KILLED
        with world.reading() as session:
            assert session.scalars(select(Stage).filter_by(kind=OPEN.stage)).one().state is StageState.OPENING
            assert due(session, at=OPENS) == [OPEN]
    catch_up(world, OPENS)
    assert differences(world, reference) == {}
    assert check_whole(world) == check_whole(reference)


def test_two_processes_that_take_every_step_at_once_take_it_once(world: Database, reference: Database) -> None:
    env = environment(world)
    days = (date(2026, 1, 2), date(2026, 1, 19), date(2027, 1, 21))

    def take(one: StepRef) -> None:
        answers = run_at_once(env, "step", ref=one, size=SIZE)
        assert any(isinstance(answer, dict) for answer in answers), answers
        assert {answer for answer in answers if isinstance(answer, str)} <= {"already done"}, answers

    for day in days:
        assert catch_up(world, morning(day), take) == catch_up(reference, morning(day))
        assert differences(world, reference) == {}
    assert check_whole(world) == check_whole(reference)


class Died(Exception):
    """A process that ended in the middle of a transaction."""


def die_after(db: Database, act: Callable[..., object], *args: Any, **more: Any) -> None:
    with suppress(Died), db.transaction() as session:
        act(session, *args, **more)
        raise Died


def take_clumsily(db: Database, one: StepRef, at: datetime) -> Any:
    """Take a step as badly as can be: everything is begun, lost, done, done again, and done once more as a whole."""
    die_after(db, steps.begin, one, at=at)
    for _ in range(2):
        with db.transaction() as session:
            steps.begin(session, one, at=at)
        while True:
            with db.reading() as session:
                span = steps.next_span(session, one, at=at, size=20)
            if span is None:
                break
            die_after(db, steps.take, one, span, at=at)
            for _ in range(2):
                with db.transaction() as session:
                    steps.take(session, one, span, at=at)
    die_after(db, steps.finish, one, at=at)
    counts = {}
    for _ in range(2):
        with db.transaction() as session:
            counts = steps.finish(session, one, at=at) or counts
    return counts


EARLY = (date(2026, 1, 2), date(2026, 1, 15), date(2026, 2, 2), date(2026, 6, 24), date(2026, 7, 20), date(2026, 12, 1),
         date(2026, 12, 16), date(2027, 1, 21))  # fmt: skip
DAYS = (*EARLY, *(date(2027, 1, 22) + timedelta(days) for days in range(0, 69, 4)), date(2027, 4, 1))


def live(db: Database) -> Report:
    """A year of which the people see a few days only: their acts pile up on them, and so do the steps that are due."""
    with using(db):
        year = Year(db.transaction, AGENCY, YEAR, seed=7, deliver=accept_all(db.transaction))
        with db.reading() as session:
            calendar = calendar_of(session, session.scalars(select(Agency)).one(), clock.now())
        for day in DAYS:
            year._live(day, calendar)
        year._conclude()
        return year.report


def test_a_year_in_which_every_step_dies_everywhere_and_is_run_again_is_the_same_year(
    db: Database, reference: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch(db)
    smooth = live(reference)
    assert smooth.clean
    assert {step.split(".")[1] for step in smooth.steps} == {step.value for step in Step}
    monkeypatch.setattr(steps, "run", lambda _transaction, one, *, at: take_clumsily(db, one, at))
    assert live(db) == smooth
    assert differences(db, reference) == {}
