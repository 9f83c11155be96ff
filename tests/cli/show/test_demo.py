"""The demo is a client of the server that it starts; one that knew of none would start a second beside it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
START = """
import os, sys
from pathlib import Path
from cli.machine import processes
from cli.show import demo, year

home = Path(sys.argv[1])
demo._configure(home, *(processes.free_port() for _ in range(3)))

def start_prefect(made, folder, port):
    assert "prefect.context" not in sys.modules, "Prefect has read its settings already"
    from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, PREFECT_SERVER_ALLOW_EPHEMERAL_MODE
    assert PREFECT_API_URL.value() == f"http://127.0.0.1:{port}/api"
    assert PREFECT_API_AUTH_STRING.value() is not None
    assert PREFECT_SERVER_ALLOW_EPHEMERAL_MODE.value() is False
    raise SystemExit(7)

processes.start_prefect = start_prefect
with processes.family(home / "logs") as family:
    ports = {"smtp": processes.free_port(), "box": processes.free_port(), "web": 1, "prefect": 4321}
    year.DemoYear(family, home, "palu", 2027, 7, say=print, **ports).start()
"""


def test_the_demo_is_a_client_of_its_own_server_and_starts_no_other(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT", "APPRAISAL"))}
    ended = subprocess.run(
        [sys.executable, "-c", START, str(tmp_path)], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 7, ended.stderr


def test_whoever_comes_too_late_is_told(tmp_path: Path) -> None:
    late = (
        "from prefect.settings import PREFECT_API_URL; PREFECT_API_URL.value();"
        "from cli import control_plane; control_plane.use({'PREFECT_API_URL': 'http://127.0.0.1:1/api'})"
    )
    env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
    ended = subprocess.run([sys.executable, "-c", late], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert "Prefect was imported before it was said which server to use" in ended.stderr
