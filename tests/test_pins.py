"""Everything that is installed is pinned with the digests of its files, and no download address stands anywhere."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PINS = [ROOT / "constraints.txt", ROOT / "deploy/supply.txt"]
BLOCK = re.compile(r"^(?P<name>[\w.-]+)(?:\[[^]]*\])?==(?P<version>[^\s;\\]+)(?P<rest>(?:.*\\\n)*.*)$", re.MULTILINE)


def blocks(file: Path) -> dict[str, tuple[str, list[str]]]:
    """Package -> version and digests."""
    found = {}
    for match in BLOCK.finditer(file.read_text()):
        digests = re.findall(r"--hash=sha256:([0-9a-f]{64})\b", match["rest"])
        found[canonicalize_name(match["name"])] = (match["version"], digests)
    return found


def test_every_pin_has_digests_and_no_address() -> None:
    for file in PINS:
        text = file.read_text()
        assert not re.search(r"https?:|--index-url|--find-links|\bfile:", text), file
        pinned = blocks(file)
        assert len(pinned) > 20
        assert [name for name, (_, digests) in pinned.items() if not digests] == [], file
        stray = [line for line in text.splitlines() if line and not line.startswith(("#", " ")) and "==" not in line]
        assert stray == []


def test_what_the_project_asks_for_is_pinned_within_its_range() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    pinned = blocks(ROOT / "constraints.txt")
    wanted = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["dev"],
        *project["build-system"]["requires"],
    ]
    for requirement in map(Requirement, wanted):
        version, _ = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version, prereleases=True), requirement
