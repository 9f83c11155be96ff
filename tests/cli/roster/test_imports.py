"""`appraisal roster import` as people and scripts use it."""

import json
import shutil
from pathlib import Path

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from actions.roster.imports import COUNTED
from cli.roster.commands import app
from cli.roster.imports import WORDS
from database import Database
from models import Person

EXAMPLE = Path(__file__).parents[3] / "examples" / "mamuju"

run = CliRunner().invoke


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "mamuju"))


def people(db: Database) -> int:
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(Person)) or 0


def test_a_folder_is_taken_in_and_the_second_time_says_so(db: Database, folder: Path) -> None:
    first = run(app, ["import", str(folder)])
    assert (first.exit_code, people(db)) == (0, 50)
    assert "baris 50, baru 50" in first.stdout
    second = run(app, ["import", str(folder), "--locale", "en"])
    assert second.exit_code == 0
    assert "nothing changed" in second.stdout
    assert "rows 50, unchanged 50" in second.stdout


def test_everything_that_is_counted_has_a_word_in_indonesian() -> None:
    assert set(WORDS) == {"rows", *COUNTED}


def test_json_says_what_was_held_back_and_the_exit_code_too(db: Database, folder: Path) -> None:
    roster = folder / "roster.csv"
    text = roster.read_text(encoding="utf-8")
    roster.write_text(text.replace("fitriani.padang@mamuju.example", "rusak", 1), encoding="utf-8")
    result = run(app, ["import", str(folder), "--as-of", "2026-01-05", "--json"])
    report = json.loads(result.stdout)
    assert (result.exit_code, report["as_of"], people(db)) == (1, "2026-01-05", 49)
    assert (report["counts"]["added"], report["counts"]["held_back"], report["rows"]) == (49, 1, 50)
    assert [problem["code"] for problem in report["problems"] if problem["holds_row"]] == ["address_malformed"]


def test_people_are_told_whom_to_ask(db: Database, folder: Path) -> None:
    roster = folder / "roster.csv"
    text = roster.read_text(encoding="utf-8")
    roster.write_text(text.replace("fitriani.padang@mamuju.example", "rusak", 1), encoding="utf-8")
    result = run(app, ["import", str(folder), "--locale", "en"])
    assert "Fitriani Padang" in result.stdout
    assert "[address_malformed]" in result.stdout


@pytest.mark.parametrize("words", [["nowhere"], ["{folder}", "--as-of", "tomorrow"], ["{folder}", "--locale", "fr"]])
def test_what_cannot_be_done_is_refused_in_words(db: Database, folder: Path, words: list[str]) -> None:
    result = run(app, ["import", *(word.replace("{folder}", str(folder)) for word in words)])
    assert (result.exit_code, people(db)) == (2, 0)
    assert result.stderr
    assert "Traceback" not in result.output


def test_an_earlier_day_is_refused(db: Database, folder: Path) -> None:
    assert run(app, ["import", str(folder), "--as-of", "2026-05-01"]).exit_code == 0
    result = run(app, ["import", str(folder), "--as-of", "2026-01-01"])
    assert result.exit_code == 2
    assert "2026-05-01" in result.stderr
