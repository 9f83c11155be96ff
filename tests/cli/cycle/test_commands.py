"""`appraisal cycle` as people and scripts use it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
YEAR = "2027"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    assert appraisal(tmp_path, "db", "upgrade").returncode == 0
    return tmp_path


def appraisal(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "APPRAISAL_HOME": str(home), "APPRAISAL_AGENCIES_DIR": str(ROOT / "examples")}
    env.pop("APPRAISAL_DATABASE_URL", None)
    command = [sys.executable, "-m", "cli.main", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def data(done: subprocess.CompletedProcess[str]):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_launching_twice_and_watching(home: Path) -> None:
    first = data(appraisal(home, "cycle", "launch", "mamuju", "--year", YEAR, "--json"))
    assert (first["again"], first["rows"], first["new_appraisals"]) == (False, 50, 46)
    second = data(appraisal(home, "cycle", "launch", "mamuju", "--year", YEAR, "--json"))
    assert (second["again"], second["new_appraisals"], second["cycle_id"]) == (True, 0, first["cycle_id"])
    (cycle,) = data(appraisal(home, "cycle", "status", "--json"))["cycles"]
    assert cycle["stages"][0]["stage"] == "target_setting"
    assert len(cycle["stages"]) == 6
    assert cycle["units"] == []
    paused = appraisal(home, "cycle", "pause", "mamuju", "--year", YEAR, "--reason", "Banjir", "--yes")
    assert paused.stdout.endswith("Done.\n")
    assert "mamuju 2027, paused" in appraisal(home, "cycle", "status").stdout
    again = appraisal(home, "cycle", "pause", "mamuju", "--year", YEAR, "--reason", "Banjir", "--yes")
    assert (again.returncode, again.stderr) == (2, "The cycle is paused.\n")


def test_a_plan_shows_who_and_when_and_changes_nothing(tmp_path: Path) -> None:
    done = appraisal(tmp_path, "cycle", "plan", "palu", "--year", YEAR, "--json")
    seen = data(done)
    assert list(tmp_path.iterdir()) == []
    assert seen["stages"][0]["letters"] == {"stage_invitation": seen["appraised"]}
    assert seen["load"]["2027-01-02"] == seen["appraised"]


def test_a_plan_tells_its_problems_in_the_language_of_the_rest(tmp_path: Path) -> None:
    folder = shutil.copytree(ROOT / "examples" / "mamuju", tmp_path / "mamuju")
    first, *rows = (folder / "roster.csv").read_text("utf-8").splitlines()
    (folder / "roster.csv").write_text("\n".join([f"{first},hobi", *(f"{row}," for row in rows)]) + "\n", "utf-8")
    seen = data(appraisal(tmp_path / "home", "cycle", "plan", str(folder), "--year", YEAR, "--json"))
    (unknown,) = (one for one in seen["problems"] if one["code"] == "column_unknown")
    assert unknown["message"] == "Columns not known and not read: hobi."


@pytest.mark.parametrize(("arguments", "says"), [
    (("launch", "nowhere", "--year", YEAR), "nowhere: no such folder"),
    (("plan", "nowhere", "--year", YEAR), "nowhere: no such folder"),
    (("launch", "mamuju", "--year", "2020"), "HR checks the year"),
    (("pause", "mamuju", "--year", YEAR, "--reason", "x"), "there is no cycle 2027 of mamuju"),
])  # fmt: skip
def test_what_cannot_be_done_is_said_in_a_line(home: Path, arguments: tuple[str, ...], says: str) -> None:
    done = appraisal(home, "cycle", *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["--anyway", "Bupati sakit"],
        ["--without-held-back", "Siti menyusul"],
        ["--without-officer", "belum ada"],
        ["--same-person", "197804092004122001=197804092004122019"],
    ],
)
def test_neither_reasons_nor_numbers_go_to_prefect_and_none_is_dropped_without_a_word(
    home: Path, words: list[str]
) -> None:
    done = appraisal(home, "cycle", "launch", "mamuju", "--year", YEAR, "--via", "prefect", *words)
    assert done.returncode == 2
    assert "waivers.csv" in done.stderr
    assert "nip_corrections.csv" in done.stderr


def test_launching_via_prefect_says_when_there_is_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    done = appraisal(home, "cycle", "launch", "mamuju", "--year", YEAR, "--via", "prefect")
    assert done.returncode == 2
    assert done.stderr.startswith("no Prefect server answers at http://127.0.0.1:9/api")


def test_help_does_not_import_prefect() -> None:
    code = (
        "import sys, cli.cycle.commands, cli.machine.serve; "
        "sys.exit('prefect' in sys.modules or 'sqlalchemy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
