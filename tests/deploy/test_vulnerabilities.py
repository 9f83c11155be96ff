"""The check of known vulnerabilities finds what is listed or in a range, and never takes missing data for safety."""

import importlib.util
import json
import zipfile
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "deploy/vulnerabilities.py"
spec = importlib.util.spec_from_file_location("vulnerabilities", PROGRAM)
assert spec is not None
assert spec.loader is not None
check = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check)

PINNED = "jinja2==3.1.5 \\\n    --hash=sha256:00\nPyYAML==6.0.2 ; python_version >= '3.11' \\\n    --hash=sha256:11\n"


def advisory(name: str, **affected: object) -> dict[str, object]:
    package = {"package": {"ecosystem": "PyPI", "name": name}, **affected}
    return {"id": "GHSA-1", "modified": "2026-11-20T00:00:00Z", "affected": [package], "summary": "Bad"}


def span(*events: dict[str, str]) -> list[dict[str, object]]:
    return [{"type": "ECOSYSTEM", "events": list(events)}]


def copy_of(folder: Path, *records: dict[str, object]) -> Path:
    copy = folder / "all.zip"
    with zipfile.ZipFile(copy, "w") as archive:
        for number, record in enumerate(records):
            archive.writestr(f"{number}.json", json.dumps(record))
    return copy


@pytest.mark.parametrize(
    ("affected", "hit"),
    [
        ({"versions": ["3.1.4", "3.1.5"]}, True),
        ({"versions": ["3.1.4"]}, False),
        ({"ranges": span({"introduced": "0"}, {"fixed": "3.1.6"})}, True),
        ({"ranges": span({"introduced": "0"}, {"fixed": "3.1.5"})}, False),
        ({"ranges": span({"introduced": "3.1.5"}, {"last_affected": "3.1.5"})}, True),
        ({"ranges": span({"introduced": "3.1.6"})}, False),
        ({"ranges": span({"introduced": "0"}, {"fixed": "2"}, {"introduced": "3"}, {"fixed": "4"})}, True),
        ({"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]}, False),
    ],
)
def test_a_version_is_affected_if_listed_or_within_a_range(tmp_path: Path, affected: dict, hit: bool) -> None:
    report = check.against(check.pins(PINNED), copy_of(tmp_path, advisory("Jinja2", **affected)))
    assert [(finding.package, finding.advisory) for finding in report.findings] == ([("jinja2", "GHSA-1")] * hit)
    assert report.exit_code == (1 if hit else 0)
    assert "all.zip: 1 advisories, the newest of 2026-11-20" in report.source


def test_what_was_withdrawn_or_is_of_another_ecosystem_does_not_count(tmp_path: Path) -> None:
    withdrawn = advisory("pyyaml", versions=["6.0.2"]) | {"withdrawn": "2026-01-01T00:00:00Z"}
    other = advisory("pyyaml", versions=["6.0.2"])
    other["affected"][0]["package"]["ecosystem"] = "npm"  # type: ignore[index]
    assert check.against(check.pins(PINNED), copy_of(tmp_path, withdrawn, other)).exit_code == 0


def test_without_data_nothing_is_said_to_be_safe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "constraints.txt"
    file.write_text(PINNED)
    assert check.main([str(file), "--osv", str(copy_of(tmp_path))]) == 3
    said = capsys.readouterr().out
    assert "NOT LOOKED UP: 2 of 2 packages" in said
    assert "No known vulnerability" not in said


def test_a_package_that_was_skipped_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "pip-audit"
    answer = {"dependencies": [{"name": "jinja2", "skip_reason": "not found"}, {"name": "pyyaml", "vulns": []}]}
    program.write_text(f"#!/bin/sh\necho '{json.dumps(answer)}'\necho 'No known vulnerabilities found' >&2\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    file = tmp_path / "constraints.txt"
    file.write_text(PINNED)
    report = check.asked_online(file, check.pins(PINNED))
    assert (report.unknown, report.exit_code) == (["jinja2"], 3)
