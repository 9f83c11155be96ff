"""Starting runs of deployments: each at most once for its key, with names and tags that ops can read."""

import logging
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
    FlowRunFilterExpectedStartTime,
    FlowRunFilterIdempotencyKey,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.deployments import run_deployment
from prefect.exceptions import PrefectException
from prefect.states import Cancelled, Crashed

from actions.stages.leases import Signs
from actions.stages.steps import StepRef
from rules.terms import StageKind
from tasks.reports import note, words

ATTEMPTS = 3
FORGIVEN_AFTER = timedelta(hours=24)
"""A failed attempt counts for a day, so that what was mended overnight goes on without anybody's help."""
PENDING_LOST = timedelta(seconds=100)
RUNNING_LOST = timedelta(seconds=100)
"""A run that has shown the same state for so long and never held a lease is dead: one that lives takes it as soon as
its process is up. Should it come late, it finds the lease taken, and ends."""
MISSED = timedelta(minutes=1)
MOST = 190
CONTINUED, BUSY = "Continued", "Busy"
AT_WORK = (StateType.PENDING, StateType.RUNNING, StateType.CANCELLING)
FLOWS = ("tick", "annual-cycle", "deliver-mail", "repair",
         *(kind.value.replace("_", "-") for kind in StageKind))  # fmt: skip
NOTHING_KNOWN = Signs()

log = logging.getLogger(__name__)


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


def start_hourly(client: SyncPrefectClient, flow: str, signs: Signs = NOTHING_KNOWN) -> None:
    """Start a run of `flow` unless this hour has one that lives or ended by itself; the dead are followed."""
    key, now = f"{flow}:{datetime.now(UTC):%Y%m%d%H}", datetime.now(UTC)
    found = _with_keys(client, [key, *(f"{key}:a{number}" for number in range(2, ATTEMPTS + 1))])
    if len(found) < ATTEMPTS and all(_died(run, now, signs) for run in found):
        key = f"{key}:a{len(found) + 1}" if found else key
        start(f"{flow}/default", {}, key=key, name=flow, tags=[])


def _with_keys(client: SyncPrefectClient, keys: list[str]) -> list[FlowRun]:
    wanted = FlowRunFilter(idempotency_key=FlowRunFilterIdempotencyKey(any_=keys))
    return client.read_flow_runs(flow_run_filter=wanted, limit=200)


def bury(client: SyncPrefectClient, signs: Signs) -> int:
    """Say of each run that is shown as under way but is dead that it crashed; how many there were."""
    under_way = FlowRunFilterState(type=FlowRunFilterStateType(any_=list(AT_WORK)))
    found = client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=list(FLOWS))),
        flow_run_filter=FlowRunFilter(state=under_way), limit=200,
    )  # fmt: skip
    now, buried = datetime.now(UTC), 0
    for run in [run for run in found if not _lives(run, now, signs)]:
        ended = Cancelled if run.state_type is StateType.CANCELLING else Crashed
        try:
            client.set_flow_run_state(run.id, ended(message="no sign of life: its process or its machine died"))
        except PrefectException:
            continue  # it ended by itself just now
        buried += 1
    if buried:
        log.warning("%d runs that had died are shown as such", buried)
    return buried


def cancel_missed(client: SyncPrefectClient, flow: str) -> None:
    """While no worker was there, one run after the other became late: whichever runs does what all were for."""
    waiting = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED]))
    late = FlowRunFilterExpectedStartTime.model_validate({"before_": datetime.now(UTC) - MISSED})
    found = client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=[flow])),
        flow_run_filter=FlowRunFilter(state=waiting, expected_start_time=late), limit=200,
    )  # fmt: skip
    for run in [run for run in found if run.auto_scheduled]:
        client.set_flow_run_state(run.id, Cancelled(message="missed: a later one does what it was for"))


def start_step(client: SyncPrefectClient, ref: StepRef, key: str, signs: Signs = NOTHING_KNOWN) -> Outcome:
    """Start the step unless a run of it lives; a run that ended while the step is still due is followed by the next
    attempt, three times a day. A run that only paused after its share of batches does not count as one, nor does one
    that died: a power cut is not the step's fault."""
    keys = [booked_key(ref), *(f"{key}:a{number}" for number in range(1, MOST))]
    found, now = _with_keys(client, keys), datetime.now(UTC)
    if any(_lives(run, now, signs) for run in found):
        return Outcome.RUNNING
    tried = [run for run in found if run.idempotency_key != keys[0]]
    if sum(_failed(run, now) for run in tried) >= ATTEMPTS:
        return Outcome.STUCK
    if sum(_died(run, now, signs) for run in tried) >= ATTEMPTS:
        tell_stuck(ref, key)  # it goes on, but somebody should look what kills it
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


def _lives(run: FlowRun, now: datetime, signs: Signs) -> bool:
    state = run.state
    if state is None or state.is_final():
        return False
    if signs.lives(str(run.id)) or str(run.id) in signs.dead:
        return signs.lives(str(run.id))
    if state.is_scheduled():
        return run.expected_start_time is None or run.expected_start_time <= now
    return now - state.timestamp < (PENDING_LOST if state.is_pending() else RUNNING_LOST)


def _failed(run: FlowRun, now: datetime) -> bool:
    if run.state is None or run.state.name in (CONTINUED, BUSY) or run.state.is_crashed():
        return False
    return run.state.is_final() and now - run.state.timestamp < FORGIVEN_AFTER


def _died(run: FlowRun, now: datetime, signs: Signs) -> bool:
    """Without coming to an end of its own."""
    crashed = run.state is not None and run.state.is_crashed()
    return crashed or not (_lives(run, now, signs) or (run.state is not None and run.state.is_final()))


def start_alone(
    client: SyncPrefectClient,
    flow: str,
    parameters: Mapping[str, Any],
    *,
    tags: Iterable[str],
    signs: Signs = NOTHING_KNOWN,
) -> bool:
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
    if any(_lives(run, now, signs) for run in found):
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
