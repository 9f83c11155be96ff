"""Supervisor scoring, one step at a time."""

from typing import Literal

from prefect import State, flow

from flows import step as steps
from rules.terms import StageKind

Step = Literal["open", "remind", "lapse", "close", "issue"]


@flow(name="supervisor-scoring", flow_run_name="{agency} {year} · supervisor scoring · {step}")
def supervisor_scoring(agency: str, year: int, step: Step, occasion: str = "", revision: int = 0) -> State:
    """Self-assessment, ratings, their lock; then the results are issued. Nobody's rating is presumed.

    Safe to run again: what was done is skipped, what was interrupted goes on.

    Args:
        agency: Code of the agency, for instance mamuju.
        year: Year of the cycle.
        step: What the clock would do; it is done only if it is due.
        occasion: Leave empty for whichever is due; a reminder's day or the number of a draw.
        revision: Leave 0 for the dates as they stand; a run booked for dates that have moved since is skipped.
    """
    return steps.take(StageKind.SUPERVISOR_SCORING, agency, year, step, occasion, revision)
