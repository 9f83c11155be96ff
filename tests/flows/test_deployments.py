"""prefect.yaml is what the flows are; the server as deployed makes the tick fire; a real worker runs a step."""

import asyncio
import time
from datetime import date
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from prefect import Flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.utilities.callables import parameter_schema
from prefect.workers.process import ProcessWorker
from sqlalchemy import func, select

import database
from actions.cycle.launching import Launched
from actions.stages.steps import StepRef
from cli.machine import processes
from models import Letter
from rules.terms import StageKind, Step
from tasks import runs
from tests.flows.conftest import YEAR, move_to

ROOT = Path(__file__).parent.parent.parent
DEPLOYMENTS = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]
pytestmark = pytest.mark.xdist_group("prefect")


def flows() -> dict[str, Flow]:
    """Every flow there is, by the path that a deployment names it with."""
    found = {}
    for path in (ROOT / "flows").glob("*.py"):
        module = import_module(f"flows.{path.stem}")
        found |= {
            f"flows.{path.stem}.{name}": one
            for name, one in vars(module).items() if isinstance(one, Flow) and one.fn.__module__ == module.__name__
        }  # fmt: skip
    return found


def test_every_flow_is_deployed_once_and_nothing_else_is() -> None:
    assert sorted(one["entrypoint"] for one in DEPLOYMENTS) == sorted(flows())
    assert {one["name"] for one in DEPLOYMENTS} == {"default"}
    assert {one["work_pool"]["name"] for one in DEPLOYMENTS} == {"appraisal"}


def test_only_the_tick_has_a_schedule() -> None:
    scheduled = {one["entrypoint"]: one["schedules"] for one in DEPLOYMENTS if one["schedules"]}
    assert list(scheduled) == ["flows.tick.tick"]
    assert scheduled["flows.tick.tick"][0]["cron"] == "*/5 * * * *"


def test_no_deployment_has_a_place_that_could_stay_taken(
    client: SyncPrefectClient, prefect_server: dict[str, str], tmp_path: Path
) -> None:
    """Under settings as Prefect ships them, a tick that died with server and worker would keep it for good: every later
    tick would be cancelled, and nothing be red. Deploying takes a limit away that an older version or a person set."""
    assert not [one for one in DEPLOYMENTS if "concurrency_limit" in one]
    before = client.read_deployment_by_name("tick/default")
    changed = client._client.patch(f"/deployments/{before.id}", json={"concurrency_limit": 1})
    assert changed.is_success
    limited = client.read_deployment_by_name("tick/default").global_concurrency_limit
    assert limited is not None
    assert limited.limit == 1
    processes.deploy(tmp_path / "deploy.log", prefect_server)
    assert client.read_deployment_by_name("tick/default").global_concurrency_limit is None


@pytest.mark.parametrize("path", flows())
def test_the_form_of_a_flow_explains_every_field_and_flows_do_not_retry(path: str) -> None:
    flow = flows()[path]
    assert flow.retries == 0
    for name, field in parameter_schema(flow.fn).properties.items():
        assert field.get("description"), f"{path}: {name} has no help"
    assert flow.description


@pytest.mark.parametrize("kind", StageKind)
def test_the_tick_finds_the_deployment_of_each_stage(prefect_server: dict[str, str], kind: StageKind) -> None:
    ref = StepRef("contoh", YEAR, kind, Step.OPEN)
    with get_client(sync_client=True) as client:
        deployed = client.read_deployment_by_name(runs.deployment_of(ref))
    assert deployed.entrypoint == f"flows.{kind.value}.{kind.value}"
    assert deployed.pull_steps in (None, [])


def test_the_server_as_deployed_schedules_the_tick_by_itself(client: SyncPrefectClient) -> None:
    """On SQLAlchemy 2.1 this Prefect deploys, starts and never schedules anything: nothing else would tell."""
    for _ in range(120):
        found = client.read_flow_runs(flow_filter=FlowFilter(name=FlowFilterName(any_=["tick"])))
        if any(run.auto_scheduled for run in found):
            return
        time.sleep(0.5)
    pytest.fail("no run was scheduled: does the server log InvalidRequestError?")


def test_a_real_worker_takes_a_step(
    client: SyncPrefectClient, db: database.Database, launched: Launched, prefect_server: dict[str, str],
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    move_to(date(2027, 1, 4))
    monkeypatch.setenv("APPRAISAL_DATABASE_URL", f"sqlite:///{tmp_path}/appraisal.db")
    monkeypatch.setenv("APPRAISAL_HOME", str(tmp_path))
    ref = StepRef("contoh", YEAR, StageKind.TARGET_SETTING, Step.OPEN)
    assert runs.start_step(client, ref, runs.key_of(ref)) is runs.Outcome.STARTED
    asyncio.run(ProcessWorker(work_pool_name="appraisal").start(run_once=True))
    (run,) = [one for one in client.read_flow_runs() if one.idempotency_key == f"{runs.key_of(ref)}:a1"]
    assert (run.state_name, run.state.message if run.state else "") == ("Completed", "5 assignments, 5 letters")
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Letter)) == 5
