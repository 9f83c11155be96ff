"""Starting runs of deployments: each at most once for its key, with names and tags that ops can read."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterIdempotencyKey,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.deployments import run_deployment

from actions.steps import StepRef
from tasks.reports import note, words

ATTEMPTS = 3
FORGIVEN_AFTER = timedelta(hours=24)
"""A failed attempt counts for a day, so that what was mended overnight goes on without anybody's help."""
PENDING_LOST = timedelta(minutes=15)
RUNNING_LOST = timedelta(hours=3)
"""A run that has shown the same state for so long is taken for dead: the guard within each step allows a second."""
MOST = 190
CONTINUED = "Continued"


class Outcome(StrEnum):
    STARTED = "started"
    RUNNING = "running"
    STUCK = "stuck"


def deployment_of(ref: StepRef) -> str:
    return f"{ref.stage.value.replace('_', '-')}/default"


def tags_of(ref: StepRef) -> list[str]:
    return [f"agency:{ref.agency}", f"year:{ref.year}", f"stage:{ref.stage.value}"]


def start(
    deployment: str, parameters: Mapping[str, Any], *, key: str, name: str, tags: Iterable[str],
    when: datetime | None = None,
) -> FlowRun:  # fmt: skip
    """Create a run, or get the one that has the key; it belongs to nobody and nobody waits for it."""
    run = run_deployment(
        deployment, parameters=dict(parameters), scheduled_time=when, flow_run_name=name, timeout=0, tags=list(tags),
        idempotency_key=key, as_subflow=False,
    )  # fmt: skip
    assert isinstance(run, FlowRun)
    return run


def start_hourly(flow: str) -> FlowRun:
    return start(f"{flow}/default", {}, key=f"{flow}:{datetime.now(UTC):%Y%m%d%H}", name=flow, tags=[])


def start_step(client: SyncPrefectClient, ref: StepRef, key: str) -> Outcome:
    """Start the step unless a run of it lives; a run that ended while the step is still due is followed by the next
    attempt, three times a day. A run that only paused after its share of batches does not count as one."""
    keys = [booked_key(ref), *(f"{key}:a{number}" for number in range(1, MOST))]
    found = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(idempotency_key=FlowRunFilterIdempotencyKey(any_=keys)), limit=200
    )
    now = datetime.now(UTC)
    if any(_lives(run, now) for run in found):
        return Outcome.RUNNING
    tried = [run for run in found if run.idempotency_key != keys[0]]
    if sum(_failed(run, now) for run in tried) >= ATTEMPTS:
        return Outcome.STUCK
    number = 1 + max([int(str(run.idempotency_key).rsplit(":a", 1)[1]) for run in tried], default=0)
    start(
        deployment_of(ref), parameters_of(ref), key=f"{key}:a{number}", name=name_of(ref), tags=tags_of(ref)
    )  # fmt: skip
    return Outcome.STARTED


def tell_stuck(ref: StepRef, key: str) -> None:
    """Say once a day that a step is due and three runs of it did not bring it to its end."""
    payload = {"stage": ref.stage.value, "step": ref.step.value, "attempts": ATTEMPTS}
    note("stage.stuck", ref.agency, ref.year, payload, once=f"stuck:{key}:{datetime.now(UTC):%Y-%m-%d}")


def parameters_of(ref: StepRef) -> dict[str, Any]:
    return {"agency": ref.agency, "year": ref.year, "step": ref.step.value, "occasion": ref.occasion,
            "revision": ref.revision}  # fmt: skip


def name_of(ref: StepRef) -> str:
    return f"{ref.agency} {ref.year} · {words(ref.stage)} · {ref.step.value}"


def key_of(ref: StepRef, round: str = "") -> str:
    """`agency:year:stage:step:occasion:revision`; what may come again has the round in its occasion."""
    occasion = f"{ref.occasion}.{round}" if round else ref.occasion
    return f"{ref.agency}:{ref.year}:{ref.stage.value}:{ref.step.value}:{occasion}:{ref.revision}"


def booked_key(ref: StepRef) -> str:
    return f"{key_of(ref)}:booked"


def _lives(run: FlowRun, now: datetime) -> bool:
    state = run.state
    if state is None or state.is_final():
        return False
    if state.is_scheduled():
        return run.expected_start_time is None or run.expected_start_time <= now
    return now - state.timestamp < (PENDING_LOST if state.is_pending() else RUNNING_LOST)


def _failed(run: FlowRun, now: datetime) -> bool:
    if run.state is None or run.state.name == CONTINUED:
        return False
    return now - run.state.timestamp < FORGIVEN_AFTER


def start_alone(client: SyncPrefectClient, flow: str, parameters: Mapping[str, Any], *, tags: Iterable[str]) -> bool:
    """Start a run of `flow` unless one with the same tags lives. Two who ask at once get the same run: its key names
    the run before it."""
    tags = list(tags)
    found = client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=[flow])),
        deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=["default"])),
        flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=tags)) if tags else None,
        sort=FlowRunSort.START_TIME_DESC, limit=20,
    )  # fmt: skip
    now = datetime.now(UTC)
    if any(_lives(run, now) for run in found):
        return False
    last = max(found, key=lambda run: run.created or now, default=None)
    subject = " ".join(tag.split(":", 1)[1] for tag in tags)
    start(
        f"{flow}/default", parameters, key=f"{flow}:{subject}:after:{last.id if last else 'none'}",
        name=f"{subject} · {flow}" if subject else flow, tags=tags,
    )  # fmt: skip
    return True


def booked(client: SyncPrefectClient, agency: str, year: int) -> list[FlowRun]:
    """The runs that show the dates ahead of a cycle."""
    tags = FlowRunFilterTags(all_=["booked", f"agency:{agency}", f"year:{year}"])
    waiting = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED]))
    return client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=tags, state=waiting), limit=200)
