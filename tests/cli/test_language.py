"""Commands speak the language that was chosen, wherever `--locale` stands, and know what HR calls things."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from cli import language
from cli.words import WORDS, act_called, outlook, role_called, stage_called
from rules.terms import ActKind, Role, StageKind

ROOT = Path(__file__).parents[2]
ENGLISH = ("held back", "Would touch", "people", "Nothing was changed", "deadline", "closes", "stage_invitation",
           "rated above", "letters", "reminders", "planned", "Done")  # fmt: skip


def said(home: Path, *arguments: str, **more: str) -> str:
    """What a command printed; it must have done what was asked."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("APPRAISAL_")}
    env |= {"APPRAISAL_HOME": str(home), "APPRAISAL_AGENCIES_DIR": str(ROOT / "examples"), **more}
    command = [sys.executable, "-m", "cli.main", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1, 2)
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["cycle", "status", "--locale", "id"], ["--locale", "id", "cycle", "status"]),
        (["cycle", "--locale=id", "status"], ["--locale=id", "cycle", "status"]),
        (["a", "--", "--locale", "id"], ["a", "--", "--locale", "id"]),
        (["a", "--locale"], ["--locale", "a"]),
        ([], []),
    ],
)
def test_the_language_may_stand_anywhere(before: list[str], after: list[str]) -> None:
    assert language.hoist(before) == after


def test_every_command_of_the_cycle_speaks_indonesian(tmp_path: Path) -> None:
    said(tmp_path, "db", "upgrade")
    printed = [
        said(tmp_path, "cycle", "status", APPRAISAL_LOCALE="id"),
        said(tmp_path, "cycle", "plan", "mamuju", "--year", "2027", "--locale", "id"),
        said(tmp_path, "cycle", "launch", "mamuju", "--year", "2027", APPRAISAL_LOCALE="id"),
        said(tmp_path, "cycle", "status", "--units", APPRAISAL_LOCALE="id"),
        said(tmp_path, "cycle", "extend", "mamuju", "--year", "2027", "--stage", "perencanaan kinerja", "--until",
             "2027-01-29", "--decree", "1/2027", "--reason", "Jaringan", APPRAISAL_LOCALE="id"),
        said(tmp_path, "cycle", "extend", "mamuju", "--year", "2027", "--stage", "keberatan", "--until",
             "2027-01-29", "--decree", "", "--reason", "Jaringan", "--locale", "id"),
    ]  # fmt: skip
    for text in printed:
        assert text.strip()
        assert not [word for word in ENGLISH if word in text], text
    assert "Nomor surat keputusan belum diisi" in printed[-1]


def test_what_was_said_beats_the_setting_and_the_setting_the_custom(tmp_path: Path) -> None:
    said(tmp_path, "db", "upgrade")
    assert "No cycle" in said(tmp_path, "cycle", "status")
    assert "No cycle" in said(tmp_path, "cycle", "status", "--locale", "en", APPRAISAL_LOCALE="id")
    assert "must be id or en" in said(tmp_path, "cycle", "status", APPRAISAL_LOCALE="fr")
    assert "'fr'" in said(tmp_path, "cycle", "status", "--locale", "fr")
    roster = str(ROOT / "tests/data/bad_roster.csv")
    assert "baris" in said(tmp_path, "roster", "check", roster).casefold()
    assert "baris" not in said(tmp_path, "roster", "check", roster, APPRAISAL_LOCALE="en").casefold()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("target_setting", StageKind.TARGET_SETTING),
        ("Penetapan Sasaran Kinerja", StageKind.TARGET_SETTING),
        ("penilaian", StageKind.SUPERVISOR_SCORING),
        ("penanganan-keberatan", StageKind.OBJECTION_HANDLING),
        ("AUDIT", StageKind.AUDIT_SAMPLING),
        ("tengah tahun", StageKind.MID_YEAR_REVIEW),
    ],
)
def test_a_stage_is_known_by_what_hr_calls_it(text: str, kind: StageKind) -> None:
    assert stage_called(text) is kind


@pytest.mark.parametrize("text", ["", "x", "penetapan", "stage"])
def test_a_stage_that_could_be_two_or_none_is_refused_with_those_it_could_be(text: str) -> None:
    with pytest.raises(typer.BadParameter) as refused:
        stage_called(text)
    assert "target_setting (" in refused.value.message
    assert ("audit_sampling" in refused.value.message) is (text != "penetapan")


def test_acts_and_roles_are_known_too() -> None:
    assert act_called("umpan balik") is ActKind.GIVE_FEEDBACK
    assert act_called("score") is ActKind.SCORE
    assert role_called("penilai") is Role.RATER
    assert role_called("Atasan Penilai") is Role.OBJECTION_AUTHORITY


def test_what_comes_next_is_said_in_indonesian() -> None:
    assert outlook("opens 2027-01-02") == "dibuka 2027-01-02"
    assert outlook("waits: people are being enrolled") == "menunggu: pegawai sedang didaftarkan"
    assert all(word.strip() for word in WORDS.values())
