"""Hold the pinned versions against published advisories, and never say "none" where nothing was looked at.

`python deploy/vulnerabilities.py constraints.txt --osv FILE`: against a copy of the OSV database for PyPI, a ZIP or a
folder of JSON records, without a network; the copy is named and dated. Without `--osv` it asks `pip-audit`.

Exit code: 0 nothing known, 1 known vulnerabilities, 3 versions that could not be looked up.
"""

import argparse
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

CLEAN, VULNERABLE, UNKNOWN = 0, 1, 3


@dataclass(frozen=True, slots=True)
class Finding:
    package: str
    version: str
    advisory: str
    summary: str


@dataclass(frozen=True, slots=True)
class Report:
    source: str
    """Which advisories were read, how many, and the day of the newest."""
    findings: list[Finding]
    unknown: list[str]
    """Packages that could not be looked up."""

    @property
    def exit_code(self) -> int:
        if self.findings:
            return VULNERABLE
        return UNKNOWN if self.unknown else CLEAN


def pins(text: str) -> dict[str, str]:
    """Package -> version of each pinned line; hashes and markers are passed over."""
    lines = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", text, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in lines}


def records(copy: Path) -> Iterator[dict[str, Any]]:
    """The advisories of a ZIP or a folder."""
    if copy.is_dir():
        for file in sorted(copy.rglob("*.json")):
            yield json.loads(file.read_bytes())
        return
    with zipfile.ZipFile(copy) as archive:
        for name in archive.namelist():
            if name.endswith(".json"):
                yield json.loads(archive.read(name))


def against(pinned: dict[str, str], copy: Path) -> Report:
    """What the copy of the OSV database says of the pinned versions."""
    findings: list[Finding] = []
    read, newest = 0, ""
    for record in records(copy):
        read += 1
        newest = max(newest, record.get("modified", ""))
        findings += _of_record(record, pinned)
    source = f"{copy.name}: {read} advisories, the newest of {newest[:10] or 'no day'}"
    return Report(source, findings, [] if read else sorted(pinned))


def _of_record(record: dict[str, Any], pinned: dict[str, str]) -> Iterable[Finding]:
    if record.get("withdrawn"):
        return
    for affected in record.get("affected", []):
        package = affected.get("package", {})
        name = canonicalize_name(package.get("name", ""))
        version = pinned.get(name)
        if package.get("ecosystem") == "PyPI" and version and is_affected(version, affected):
            yield Finding(name, version, record["id"], record.get("summary", ""))
            return


def is_affected(version: str, affected: dict[str, Any]) -> bool:
    """Whether the version is listed, or lies in a range: introduced <= version < fixed, or <= last_affected."""
    if version in affected.get("versions", []):
        return True
    ranges = (span for span in affected.get("ranges", []) if span.get("type") == "ECOSYSTEM")
    return any(_within(Version(version), span.get("events", [])) for span in ranges)


def _within(version: Version, events: list[dict[str, str]]) -> bool:
    inside = False
    for event in events:
        ((kind, text),) = event.items()
        try:
            edge = Version("0.dev0" if text == "0" else text)
        except InvalidVersion:
            continue
        if kind == "introduced" and version >= edge:
            inside = True
        elif (kind == "fixed" and version >= edge) or (kind == "last_affected" and version > edge):
            inside = False
    return inside


def asked_online(constraints: Path, pinned: dict[str, str]) -> Report:
    """What `pip-audit` finds out; a package that it skips is unknown, not clean."""
    command = ["pip-audit", "--requirement", str(constraints), "--disable-pip", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    try:
        listed = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return Report("pip-audit gave no answer", [], sorted(pinned))
    findings = [
        Finding(package["name"], package["version"], advisory["id"], advisory.get("description", "")[:100])
        for package in listed
        for advisory in package.get("vulns", [])
    ]
    skipped = sorted(package["name"] for package in listed if "skip_reason" in package)
    return Report(f"pip-audit: {len(listed) - len(skipped)} packages looked up", findings, skipped)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("constraints", type=Path)
    parser.add_argument("--osv", type=Path, help="ZIP or folder of OSV records for PyPI")
    options = parser.parse_args(arguments)
    pinned = pins(options.constraints.read_text(encoding="utf-8"))
    if options.osv and not options.osv.exists():
        parser.error(f"{options.osv} is not there: name a copy of the OSV database, or leave --osv out")
    report = against(pinned, options.osv) if options.osv else asked_online(options.constraints, pinned)
    print(f"{len(pinned)} pinned packages. {report.source}.")
    for finding in report.findings:
        print(f"VULNERABLE {finding.package} {finding.version}: {finding.advisory} {finding.summary}")
    if report.unknown:
        print(
            f"NOT LOOKED UP: {len(report.unknown)} of {len(pinned)} packages, the data are missing. "
            "Run this where the advisories can be reached, or name a copy of the OSV database: --osv FILE"
        )
    if report.exit_code == CLEAN:
        print("No known vulnerability.")
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
