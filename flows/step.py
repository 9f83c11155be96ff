"""The order that every step of every stage has: begin, batch by batch, finish."""

from prefect import State
from prefect.states import Completed

from actions.stages.leases import of_stage
from actions.stages.steps import StepRef
from rules.terms import StageKind, Step
from tasks import leases, reports, steps
from tasks.leases import Held
from tasks.runs import BUSY, CONTINUED

MOST_BATCHES = 100
"""A run stays short; the next one goes on from the committed cursor."""


def take(stage: StageKind, agency: str, year: int, step: str, occasion: str, revision: int) -> State:
    """Take one step; done, superseded or too early, it is skipped and says so."""
    asked = StepRef(agency, year, stage, Step(step), occasion, revision)
    with leases.held(of_stage(asked)) as lease:
        if lease is None:
            return Completed(name=BUSY, message="another run is taking a step of this stage")
        return _take(asked, lease)


def _take(asked: StepRef, lease: Held) -> State:
    begun = steps.begin(asked, lease)
    if begun.refused:
        return Completed(name="Skipped", message=begun.refused)
    ref, span, bar = begun.ref, begun.first, reports.Bar(begun.ref, begun.first, begun.last_id)
    for _ in range(MOST_BATCHES):
        if span is None:
            counts = steps.finish(ref, lease)
            reports.tell_step(ref, counts)
            if ref.step is Step.CLOSE:  # the tick looks at running cycles only, and this may have been the last stage
                reports.write_status(ref.agency, ref.year)
            return Completed(message=reports.told(counts))
        name = f"{span.phase} {span.lo}-{span.hi}"
        span = steps.take_batch.with_options(task_run_name=name)(ref, span, lease).next
        bar.move(span)
    return Completed(name=CONTINUED, message=f"{MOST_BATCHES} batches are done; the next run goes on")
