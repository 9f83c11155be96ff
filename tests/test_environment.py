"""What the tests rely on: this project is installed whole, and a group of tests stays in one process."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
GROUPED = """
import pytest
pytestmark = pytest.mark.xdist_group("together")
@pytest.mark.parametrize("number", range(6))
def test_each(number): pass
"""


def test_every_module_is_found_from_any_folder_as_a_worker_needs_it(tmp_path: Path) -> None:
    installed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    packages = [name.rstrip("*.") for name in installed["packages"]["find"]["include"]]
    look = "import sys; from importlib.util import find_spec; print([n for n in sys.argv[1:] if not find_spec(n)])"
    names = [*installed["py-modules"], *packages]
    answer = subprocess.run(
        [sys.executable, "-I", "-c", look, *names], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]", "this environment is older than the project: run make setup"


def test_a_group_stays_in_one_process(tmp_path: Path) -> None:
    """Tests that share a server and the order in which things happen to it are such a group."""
    (tmp_path / "test_grouped.py").write_text(GROUPED)
    command = [sys.executable, "-m", "pytest", "-v", "-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider", "."]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    ran = re.findall(r"\[(gw\d)\] \[ *\d+%\] PASSED ", said)
    assert (len(ran), len(set(ran))) == (6, 1), said
