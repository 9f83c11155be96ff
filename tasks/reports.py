"""What ops see beside the runs: the status table of a cycle, progress bars, the diary of events, a page per stage."""

import json
from collections.abc import Mapping
from datetime import datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from prefect import task
from prefect.artifacts import (
    Artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.client.schemas.objects import Artifact as ClientArtifact
from prefect.events import emit_event

import clock
import database
from actions.cycle import cycles, progress
from actions.cycle.progress import StageProgress
from actions.line.calendars import calendar_of
from actions.stages.steps import Span, StepRef, phases_of
from models import Agency
from rules.terms import StageKind, Step
from tasks.failing import RETRY, guarded

EVENTS: Mapping[Step, str] = {
    Step.OPEN: "stage.opened", Step.REMIND: "stage.reminded", Step.CLOSE: "stage.closed", Step.DRAW: "audit.drawn",
    Step.ISSUE: "stage.issued",
}  # fmt: skip


def words(kind: StageKind) -> str:
    return kind.value.replace("_", " ")


def told(counts: Mapping[str, int]) -> str:
    """Counts as ops read them: `50 letters, 48 assignments`; what is zero is left out."""
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items() if count) or "nothing to do"


def note(event: str, agency: str, year: int, payload: Mapping[str, object], once: str = "") -> None:
    """Put an event into the cycle's diary; `once` names it, so that the same one is kept a single time."""
    resource = {"prefect.resource.id": f"appraisal.cycle.{agency}.{year}", "prefect.resource.name": f"{agency} {year}"}
    emit_event(f"appraisal.{event}", resource, payload=dict(payload), id=uuid5(NAMESPACE_URL, once) if once else None)


def note_mail(counts: Mapping[str, int]) -> None:
    """Say that the relay takes nothing: the letters wait, and people should look."""
    resource = {"prefect.resource.id": "appraisal.mail", "prefect.resource.name": "mail"}
    emit_event("appraisal.mail.degraded", resource, payload=dict(counts))


def tell_step(ref: StepRef, counts: Mapping[str, int]) -> None:
    """Note the milestones; what happens daily without anybody noticing is no event."""
    if ref.step in EVENTS:
        payload = {"stage": ref.stage.value, "occasion": ref.occasion, **counts}
        note(EVENTS[ref.step], ref.agency, ref.year, payload)
    if ref.step is Step.CLOSE:
        write_close(ref, counts)


class Bar:
    """A progress artifact for a step of several batches; a single batch is over before anybody could look."""

    def __init__(self, ref: StepRef, first: Span | None, last_id: int) -> None:
        self.key = f"progress-{ref.agency}-{ref.year}-{ref.stage.value}-{ref.step.value}".replace("_", "-")
        self.names = [phase.name for phase in phases_of(ref.stage, ref.step)]
        self.low, self.high = first.lo if first else 0, max(last_id, 1)
        self.artifact: UUID | None = None

    def move(self, coming: Span | None) -> None:
        """Show how far it is before the batch `coming`."""
        if coming is None and self.artifact is None:
            return
        percent = self.percent(coming)
        if self.artifact is None:
            made = create_progress_artifact(percent, key=self.key)
            assert isinstance(made, UUID)
            self.artifact = made
        else:
            update_progress_artifact(self.artifact, percent)

    def percent(self, coming: Span | None) -> float:
        """By phases, and within one by ids, which lie dense; never backwards."""
        if coming is None:
            return 100.0
        within = min(max((coming.lo - self.low) / (self.high - self.low + 1), 0.0), 1.0)
        return round(100 * (self.names.index(coming.phase) + within) / len(self.names), 1)


@task(name="status table", **RETRY)
def write_status(agency: str, year: int) -> bool:
    """Rewrite the cycle's table if anything may have changed since it was written; says whether it was."""
    at, key = clock.now(), f"cycle-{agency}-{year}"
    with guarded(), database.reading() as session:
        if (cycle := cycles.find(session, agency, year)) is None:
            return False
        stamp = f"{cycle.state.value}, as of {progress.stamp(session, cycle, at=at)}"
        there = _artifact(key)
        if there is not None and there.description == stamp:
            return False
        calendar = calendar_of(session, session.get_one(Agency, cycle.agency_id), at)
        rows = [_row(one, calendar.local_date) for one in progress.of_cycle(session, cycle, at=at)]
    if there is not None and json.loads(str(there.data)) == rows:
        return False
    create_table_artifact(rows, key=key, description=stamp)
    return True


def _artifact(key: str) -> ClientArtifact | None:
    found = Artifact.get(key)
    assert found is None or isinstance(found, ClientArtifact)
    return found


def _row(one: StageProgress, local) -> dict[str, object]:
    percent = one.tally.percent
    return {
        "stage": words(one.stage), "state": one.state.value, "opens": local(one.opens_at).isoformat(),
        "closes": local(one.closes_at).isoformat(), "expected": one.tally.expected, "done": one.tally.done,
        "%": "" if percent is None else percent, "overdue": one.tally.overdue, "next action": one.next_action,
    }  # fmt: skip


def write_close(ref: StepRef, counts: Mapping[str, int]) -> None:
    """The page that stays when a stage is over: what was expected, done and left, as a table and a pie."""
    at = clock.now()
    with guarded(), database.reading() as session:
        cycle = cycles.find(session, ref.agency, ref.year)
        assert cycle is not None
        listed = progress.of_cycle(session, cycle, at=at)
    key = f"closed-{ref.agency}-{ref.year}-{ref.stage.value}".replace("_", "-")
    create_markdown_artifact(closing_page(ref, next(o for o in listed if o.stage is ref.stage), counts, at), key=key)


def closing_page(ref: StepRef, one: StageProgress, counts: Mapping[str, int], at: datetime) -> str:
    left = one.tally.expected - one.tally.done
    rows = [("expected", one.tally.expected), ("done", one.tally.done), ("not done", left), *counts.items()]
    table = "\n".join(f"| {name.replace('_', ' ')} | {count} |" for name, count in rows)
    pie = f'```mermaid\npie showData\n    "done" : {one.tally.done}\n    "not done" : {left}\n```\n'
    return (
        f"# {ref.agency} {ref.year}: {words(ref.stage)} is closed\n\nClosed {at:%Y-%m-%d %H:%M} UTC.\n\n"
        f"| what | count |\n| --- | ---: |\n{table}\n\n{pie if one.tally.expected else ''}"
    )
