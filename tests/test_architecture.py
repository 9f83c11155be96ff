"""docs/architecture.md names files and functions: each of them is where it says."""

import ast
import re
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent
TEXT = (HOUSE / "docs" / "architecture.md").read_text("utf-8")
FILES = sorted(set(re.findall(r"`([a-z_]+/[a-z_/]+\.(?:py|yaml))`", TEXT)))
FUNCTIONS = re.findall(r"`([a-z_]+/[a-z_/]+\.py)` `([a-z_]+)`", TEXT)
FOLDERS = sorted(set(re.findall(r"`((?:actions|rules|web|cli)/(?:[a-z_]+/)*)`", TEXT)))


@pytest.mark.parametrize("file", FILES)
def test_a_file_that_is_named_is_there(file: str) -> None:
    assert (HOUSE / file).is_file()


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_that_is_named_is_there(folder: str) -> None:
    assert (HOUSE / folder).is_dir()


@pytest.mark.parametrize(("file", "name"), FUNCTIONS)
def test_a_function_that_is_named_stands_in_its_file(file: str, name: str) -> None:
    body = ast.parse((HOUSE / file).read_text("utf-8")).body
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    assert name in {node.name for node in body if isinstance(node, functions)}


def test_every_room_of_actions_is_named() -> None:
    rooms = {path.name for path in (HOUSE / "actions").iterdir() if (path / "__init__.py").is_file()}
    assert {room for room in rooms if f"`actions/{room}/`" not in TEXT} == set()
