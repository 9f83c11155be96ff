"""One step of a stage as tasks: begin, batch by batch, finish."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from prefect import task
from sqlalchemy import func, select

import clock
import database
import settings
from actions.stages import due, leases, steps
from actions.stages.leases import Held
from actions.stages.steps import Span, StepRef
from models import Appraisal
from rules.time.stages import StepRefused
from tasks.failing import RETRY, guarded


@dataclass(frozen=True, slots=True)
class Begun:
    ref: StepRef
    refused: str
    """Why there is nothing to do; empty if there is."""
    first: Span | None = None
    last_id: int = 0
    """The highest id that its batches can reach, for the progress bar."""


@dataclass(frozen=True, slots=True)
class Taken:
    counts: Mapping[str, int]
    next: Span | None


@task(name="begin", task_run_name="begin {asked.step}", **RETRY)
def begin(asked: StepRef, lease: Held | None = None) -> Begun:
    """Check that the step is due, lock and start it, in one transaction; a refusal is an answer, not a failure."""
    at = clock.now()
    with guarded():
        try:
            with database.transaction() as session:
                leases.demand(session, lease)
                ref = due.resolve(session, asked, at=at)
                steps.begin(session, ref, at=at)
        except StepRefused as refused:
            return Begun(asked, str(refused))
        return Begun(ref, "", _next(ref, lease), _last_id(ref, at))


@task(name="batch", **RETRY)
def take_batch(ref: StepRef, span: Span, lease: Held | None = None) -> Taken:
    """Take one batch in one transaction and find the next; the batch a second time changes nothing."""
    with guarded():
        with database.transaction() as session:
            leases.demand(session, lease)
            counts = steps.take(session, ref, span, at=clock.now())
        return Taken(counts, _next(ref, lease))


@task(name="finish", task_run_name="finish {ref.step}", **RETRY)
def finish(ref: StepRef, lease: Held | None = None) -> Mapping[str, int]:
    with guarded(), database.transaction() as session:
        leases.demand(session, lease)
        return steps.finish(session, ref, at=clock.now())


def _last_id(ref: StepRef, at: datetime) -> int:
    with database.reading() as session:
        cycle = steps.context_of(session, ref, at=at).cycle
        return session.scalar(select(func.max(Appraisal.id)).where(Appraisal.cycle_id == cycle.id)) or 0


def _next(ref: StepRef, lease: Held | None) -> Span | None:
    """The next batch with somebody in it; phases with nobody left are closed on the way."""
    while True:
        with database.transaction() as session:
            leases.demand(session, lease)
            size = settings.load().batch_people
            span = steps.next_span(session, ref, at=clock.now(), size=size)
            if span is None or span.hi >= span.lo:
                return span
            steps.take(session, ref, span, at=clock.now())
