"""Prefect's server is nobody's but ours: whoever can write to it could run code as the user of the worker."""

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

pytestmark = pytest.mark.xdist_group("prefect")
SOME_ID = "00000000-0000-0000-0000-000000000000"
HARMLESS = {("get", "/health"), ("get", "/ready")}
"""Whether it lives, for those who watch it."""
METHODS = ("get", "head", "post", "put", "patch", "delete", "options")


@pytest.fixture
def url(prefect_server: dict[str, str]) -> str:
    return prefect_server["PREFECT_API_URL"]


@pytest.fixture
def ours(prefect_server: dict[str, str]) -> Iterator[httpx.Client]:
    user, _, password = prefect_server["PREFECT_API_AUTH_STRING"].partition(":")
    with httpx.Client(base_url=prefect_server["PREFECT_API_URL"], auth=(user, password), timeout=60) as made:
        yield made


def paths(ours: httpx.Client) -> list[str]:
    spec: dict[str, Any] = ours.get("/openapi.json").json()
    filled = [path.replace("/api/", "/", 1) if path.startswith("/api/") else path for path in spec["paths"]]
    return ["".join(SOME_ID if "}" in part else part for part in _parts(path)) for path in filled]


def _parts(path: str) -> list[str]:
    return path.replace("{", "\0{").replace("}", "}\0").split("\0")


def test_without_the_credential_every_method_of_every_path_is_refused(url: str, ours: httpx.Client) -> None:
    listed = paths(ours)
    assert len(listed) > 100
    wrong = {"Authorization": f"Basic {base64.b64encode(b'admin:guess').decode()}"}
    with httpx.Client(base_url=url, timeout=60) as stranger:
        for path in listed:
            for method in METHODS:
                if (method, path) in HARMLESS:
                    continue
                for headers in ({}, wrong):
                    answer = stranger.request(method, path, headers=headers)
                    assert answer.status_code == 401, (method, path, answer.text)


@pytest.mark.parametrize("path", ["events/in", "events/out", "logs/out", "task_runs/subscriptions/scheduled"])
@pytest.mark.parametrize("said", ['{"type": "auth"}', '{"type": "auth", "token": "admin:guess"}'])
def test_without_the_credential_no_socket_stays_open(url: str, path: str, said: str) -> None:
    own = f"{url.replace('http', 'ws', 1)}/{path}"
    with connect(own, subprotocols=["prefect"]) as socket, pytest.raises(ConnectionClosed):  # type: ignore[list-item]
        _listen(socket, said)


def _listen(socket: ClientConnection, said: str) -> None:
    socket.send(said)
    while True:
        assert '"auth_success"' not in str(socket.recv(timeout=20))


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Host": "evil.example:4200"}, {"Origin": "http://evil.example"},
                {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"}],
)  # fmt: skip
def test_another_host_and_another_origin_are_refused_even_with_the_credential(
    ours: httpx.Client, headers: dict[str, str]
) -> None:
    answer = ours.post("/flow_runs/filter", json={}, headers=headers)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_its_own_pages_may_call_it_and_ask_for_the_credential(url: str, ours: httpx.Client) -> None:
    own = url.removesuffix("/api")
    answer = ours.post("/flow_runs/filter", json={}, headers={"Origin": own})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, own)
    assert httpx.get(f"{own}/ui-settings", timeout=60).json()["auth"] == "BASIC"


@pytest.mark.parametrize(
    "chosen", [{"command": "touch /tmp/x"}, {"env": {"PYTHONPATH": "/tmp"}}, {"env.PYTHONPATH": "/tmp"},
               {"working_dir": "/tmp"}, {"name": "x"}],
)  # fmt: skip
def test_no_run_chooses_its_command_environment_or_folder(ours: httpx.Client, chosen: dict[str, Any]) -> None:
    deployed = ours.get("/deployments/name/tick/default").json()
    made = ours.post(f"/deployments/{deployed['id']}/create_flow_run", json={"job_variables": chosen})
    assert made.status_code == 422, made.text
    assert "Additional properties are not allowed" in made.text


def test_what_slips_past_the_server_does_not_reach_the_worker(ours: httpx.Client) -> None:
    """A deployment may be updated with variables that no run of it may have; the template has no place for them."""
    import asyncio

    from prefect.workers.process import ProcessJobConfiguration

    template = ours.get("/work_pools/appraisal").json()["base_job_template"]
    values = {"command": "touch /tmp/x", "env": {"PYTHONPATH": "/tmp"}, "working_dir": "/tmp"}
    made = asyncio.run(ProcessJobConfiguration.from_template_and_values(template, values))
    assert (made.command, made.env, made.working_dir) == (None, {}, None)
