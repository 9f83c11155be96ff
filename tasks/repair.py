"""Finding promises that were broken, mending what can be mended, and counting the rest for people."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from prefect import task
from sqlalchemy import func, select

import clock
import database
from actions.access import knocks
from actions.line.calendars import calendar_of
from actions.mail import bounce_notices, deaths, dispatcher, letters
from actions.stages import due
from actions.stages.steps import StepRef
from actions.store import throttles
from models import Agency, Assignment, Cycle, Stage
from rules.terms import AssignmentState, CycleState, StageState, Step
from tasks.failing import RETRY, guarded

LATE = timedelta(hours=1)
"""A date that passed so long ago should have been acted on by a dozen ticks."""


@dataclass(frozen=True, slots=True)
class Late:
    ref: StepRef
    hours: int


@task(name="reap letters", **RETRY)
def reap() -> Mapping[str, int]:
    """Take back letters that a dead process held, and send again what may have been lost."""
    with guarded():
        return deaths.take_back(database.current(), dispatcher.presence(), at=clock.now())


@task(name="tell HR of lost letters", **RETRY)
def tell_hr() -> Mapping[str, int]:
    """Owe HR the day's notice of letters that reached nobody; `told` and `nobody_to_tell` count those letters."""
    with guarded(), database.transaction() as session:
        return bounce_notices.tell_hr(session, at=clock.now())


@task(name="forget old counts", **RETRY)
def forget() -> Mapping[str, int]:
    """Delete what no limit and no sign-in can need any more; returns how many rows of each kind."""
    at = clock.now()
    with guarded(), database.transaction() as session:
        return {"throttles": throttles.forget(session, at=at), "knocks": knocks.forget(session, at=at)}


@task(name="overdue steps", **RETRY)
def overdue_steps() -> list[Late]:
    """Openings and closes that are due and whose date passed more than an hour ago."""
    at = clock.now()
    with guarded(), database.reading() as session:
        found = []
        for ref in due.due(session, at=at):
            when = _date_of(session, ref)
            if when is not None and at - when > LATE:
                found.append(Late(ref, int((at - when) / timedelta(hours=1))))
        return found


def _date_of(session, ref: StepRef) -> datetime | None:
    column = {Step.OPEN: Stage.opens_at, Step.CLOSE: Stage.closes_at}.get(ref.step)
    if column is None:
        return None
    query = select(column).join(Cycle, Cycle.id == Stage.cycle_id).join(Agency, Agency.id == Cycle.agency_id)
    return session.scalar(query.where(Agency.code == ref.agency, Cycle.year == ref.year, Stage.kind == ref.stage))


@task(name="broken promises", **RETRY)
def broken() -> Mapping[str, int]:
    """What nobody mends by itself: duties that no letter covered for a working day, letters without proof, doubles."""
    at, counts = clock.now(), {"untold": 0, "letters_missing": 0, "letters_doubled": 0}
    with guarded(), database.reading() as session:
        running = select(Cycle, Agency).join(Agency).where(Cycle.state == CycleState.RUNNING)
        for cycle, agency in session.execute(running).tuples():
            calendar = calendar_of(session, agency, at)
            yesterday = calendar.previous_working_day(calendar.local_date(at) - timedelta(days=1))
            counts["untold"] += _untold(session, cycle, before=calendar.start_of_day(yesterday))
            certificate = letters.certificate(session, cycle_id=cycle.id)
            counts["letters_missing"] += certificate.missing
            counts["letters_doubled"] += certificate.doubled
    return counts


def _untold(session, cycle: Cycle, *, before: datetime) -> int:
    """The daily reminder tells whoever was not told, so after a working day nobody is left."""
    query = select(func.count()).select_from(Assignment).join(Stage, Stage.id == Assignment.stage_id).where(
        Stage.cycle_id == cycle.id, Stage.state == StageState.OPEN, Assignment.state == AssignmentState.OPEN,
        Assignment.told_at.is_(None), Assignment.optional.is_(False), Assignment.opened_at < before,
    )  # fmt: skip
    return session.scalar(query) or 0
