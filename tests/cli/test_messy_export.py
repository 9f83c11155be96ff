"""A personnel office's own spreadsheet, as it is, to a launched cycle: what is wrong is named, and nobody is lost."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import settings
from cli.main import app
from tests.messy_export import PEOPLE, people, spoiled, write

MAMUJU = Path(__file__).parents[2] / "examples/mamuju"
WRONG = {"address_malformed": 2, "address_missing": 1, "nip_malformed": 1, "superior_malformed": 1, "nip_duplicate": 1,
         "absence_incomplete": 2}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An agency's folder with the messy export as its roster, and a database."""
    import database

    agency = write(tmp_path / "karang", spoiled(people())).parent
    (agency / "data_pegawai.xlsx").rename(agency / "roster.xlsx")
    for name in ("calendar.yaml", "indicators.yaml"):
        (agency / name).write_bytes((MAMUJU / name).read_bytes())
    text = (MAMUJU / "agency.yaml").read_text()
    (agency / "agency.yaml").write_text(text.replace("code: mamuju", "code: karang"))
    monkeypatch.setenv("APPRAISAL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("APPRAISAL_STATE_DIR", str(tmp_path / "state"))
    settings.load.cache_clear()
    database.use(None)
    assert CliRunner().invoke(app, ["db", "upgrade"]).exit_code == 0
    return agency


def test_the_messy_export_is_read_and_each_fault_is_named_once(folder: Path) -> None:
    done = CliRunner().invoke(app, ["roster", "check", str(folder / "roster.xlsx"), "--today", "2026-12-01", "--json"])
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert {group["code"]: group["count"] for group in found["groups"] if group["blocks"]} == WRONG
    assert found["counts"]["rows"] == PEOPLE + 1
    (sums,) = [group for group in found["groups"] if group["code"] == "rows_passed_over"]
    assert "307–311" in sums["message"]
    (absence,) = [group for group in found["groups"] if group["code"] == "absence_incomplete"]
    assert "absence_" not in absence["message"], "a column is called as people call it"


def test_it_is_launched_without_those_held_back_once_hr_says_why(folder: Path) -> None:
    launch = ["cycle", "launch", str(folder), "--year", "2027"]
    refused = CliRunner().invoke(app, launch)
    assert refused.exit_code != 0
    done = CliRunner().invoke(app, [*launch, "--without-held-back", "Diperbaiki menyusul", "--json"])
    assert done.exit_code == 0, done.output
    made = json.loads(done.stdout)
    assert (made["rows"], made["held_back"], made["new_appraisals"]) == (PEOPLE + 1, 6, 295)
    assert PEOPLE + 1 - made["held_back"] == made["new_appraisals"]
