"""A launch stops, by name, where people would be left out or nobody could sign in; a reason lets it go on."""

import json
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

import clock
import database
from actions.console import roster as console_roster
from actions.cycle import launching
from actions.cycle.cycles import LaunchRefused
from actions.roster.decisions import Decisions
from cli.main import app
from database import Database
from models import Appraisal, Cycle, Person, TrailEntry
from rules.terms import Locale, Role
from tests.actions.rosters import EDUCATION, HEAD, TEACHER, Roster, every, morning, unchanged

BEFORE = date(2026, 12, 21)
YEAR = 2027


@pytest.fixture
def roster(tmp_path: Path) -> Roster:
    return Roster(tmp_path)


def launch(db: Database, roster: Roster, **said: str) -> launching.Launched:
    roster.folder()
    made = launching.launch_folder(
        db.transaction, roster.directory, YEAR, at=morning(BEFORE), said=Decisions(**said)  # type: ignore[arg-type]
    )  # fmt: skip
    launching.enroll_all(db.transaction, made.cycle_id, at=morning(BEFORE))
    return made


def without(roster: Roster, role: Role) -> None:
    for row in roster.rows.values():
        row["roles"] = ";".join(word for word in row["roles"].split(";") if word != role.value)


def test_people_held_back_stop_the_launch_and_are_named_with_what_to_do(both: Database, roster: Roster) -> None:
    roster[TEACHER]["email"] = "bukan alamat"
    roster[HEAD]["email"] = ""
    with unchanged(both), pytest.raises(LaunchRefused) as refused:
        launch(both, roster)
    text = str(refused.value)
    for nip in (TEACHER, HEAD):
        assert f"{roster[nip]['name']} ({nip})" in text
    assert "--without-held-back" in text
    assert "Perbaiki salah ketik" in text
    assert TEACHER not in refused.value.brief
    assert "2 problems block (rows " in refused.value.brief


def test_with_a_reason_it_goes_on_without_them_and_the_console_lists_them(db: Database, roster: Roster) -> None:
    roster[TEACHER]["email"] = "bukan alamat"
    made = launch(db, roster, without_held_back="menyusul bulan depan")
    assert made.held_back == 1
    [entry] = every(db, TrailEntry, type="cycle.launched_despite")
    assert (entry.content["after"]["held_back"], entry.content["why"]) == (1, "menyusul bulan depan")
    with db.reading() as session:
        page = console_roster.roster_of(session, every(db, Cycle)[0].agency_id)
    assert page is not None
    [problem] = page.held
    assert (problem.nip, problem.name) == (TEACHER, roster[TEACHER]["name"])
    assert "“bukan alamat”" in problem.text(Locale.EN).message
    assert page.rows == len(roster.rows)


def test_the_folder_may_give_the_reason(db: Database, roster: Roster) -> None:
    roster[TEACHER]["email"] = "bukan alamat"
    waivers = "nip,code,reason\n*,held_back,menyusul\n*,role_unfilled,PPK baru dilantik\n"
    (roster.directory / "waivers.csv").write_text(waivers)
    without(roster, Role.APPOINTING_AUTHORITY)
    launch(db, roster)
    assert every(db, TrailEntry, type="cycle.launched_despite")[0].content["why"] == "menyusul; PPK baru dilantik"


@pytest.mark.parametrize(
    ("role", "words"),
    [
        (Role.PERFORMANCE_ADMIN, "there is no HR officer"),
        (Role.APPOINTING_AUTHORITY, "there is no appointing authority"),
    ],
)
def test_a_cycle_that_nobody_could_steer_is_not_launched(db: Database, roster: Roster, role: Role, words: str) -> None:
    without(roster, role)
    with unchanged(db), pytest.raises(LaunchRefused, match=words) as refused:
        launch(db, roster)
    assert refused.value.brief == f"nobody holds the role {role.value}"
    made = launch(db, roster, without_officer="menunggu SK")
    with db.reading() as session:
        found = launching.findings(session, made.cycle_id, at=morning(BEFORE))
    assert (found.roles, found.green) == ((role,), False)


def test_who_holds_the_role_but_is_held_back_cannot_sign_in_either(db: Database, roster: Roster) -> None:
    officers = [nip for nip, row in roster.rows.items() if "performance_admin" in row["roles"]]
    for nip in officers:
        roster[nip]["email"] = ""
    with pytest.raises(LaunchRefused, match="there is no HR officer"):
        launch(db, roster, without_held_back="nanti")


def test_without_taking_in_the_roster_the_last_import_counts(db: Database, roster: Roster) -> None:
    roster[TEACHER]["email"] = "bukan alamat"
    roster.take(db, BEFORE)
    with pytest.raises(LaunchRefused, match=TEACHER):
        launching.launch_folder(
            db.transaction, roster.directory, YEAR, at=morning(BEFORE), import_roster=False
        )  # fmt: skip
    assert not every(db, Cycle)


def test_a_cycle_that_runs_takes_in_a_roster_with_problems_and_says_so(db: Database, roster: Roster) -> None:
    launch(db, roster)
    roster[TEACHER]["email"] = "bukan alamat"
    made = launch(db, roster)
    assert (made.again, made.held_back) == (True, 1)


def test_a_launch_in_which_most_are_excluded_is_not_green(db: Database, roster: Roster) -> None:
    made = launch(db, roster)
    with db.reading() as session:
        assert launching.findings(session, made.cycle_id, at=morning(BEFORE)).green
    with db.transaction() as session:
        for case in session.query(Appraisal).limit(40):
            case.state = "excluded"
    with db.reading() as session:
        found = launching.findings(session, made.cycle_id, at=morning(BEFORE))
    assert (found.excluded >= 40, found.green) == (True, False)
    assert "people are excluded" in found.sentences()[0][1]


def test_an_agency_whose_people_stand_under_another_code_is_told_that(db: Database, tmp_path: Path) -> None:
    here, there = tmp_path / "a", tmp_path / "b"
    here.mkdir(), there.mkdir()
    Roster(here).take(db, BEFORE)
    other = Roster(there)
    said = other.directory / "agency.yaml"
    said.write_text(said.read_text("utf-8").replace("code: mamuju", "code: kab-mamuju"), "utf-8")
    with pytest.raises(LaunchRefused) as refused:
        launch(db, other)
    assert "stand under the code mamuju already" in str(refused.value)
    assert "writes that code in agency.yaml" in str(refused.value)
    assert len(every(db, Person)) == len(other.rows)


# the command


@pytest.fixture
def home(db: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setattr(database, "current", lambda: db)
    monkeypatch.setattr(clock, "now", lambda: morning(BEFORE))
    return db


def run(*arguments: str, code: int) -> str:
    result = CliRunner().invoke(app, list(arguments))
    shown = result.output + (str(result.exception) if result.exception else "")
    assert result.exit_code == code, shown
    return shown


def test_the_command_looks_first_and_names_what_would_stop_it(home: Database, roster: Roster) -> None:
    roster[TEACHER]["email"] = "bukan alamat"
    roster.folder()
    with unchanged(home):
        shown = run("cycle", "launch", str(roster.directory), "--year", str(YEAR), "--dry-run", "--json", code=1)
    told = json.loads(shown[: shown.rindex("}") + 1])
    assert told["preview"]
    assert {change["kind"] for change in told["people"]} == {"new"}
    assert any(TEACHER in stop for stop in told["stops"])


def test_an_import_by_command_previews_by_name_and_is_then_the_same(home: Database, roster: Roster) -> None:
    roster.folder()
    run("roster", "import", str(roster.directory), code=0)
    roster[TEACHER]["email"] = "baru@mamuju.example"
    roster[EDUCATION]["name"] = "Kepala Baru"
    roster.folder()
    shown = run("roster", "import", str(roster.directory), "--dry-run", code=0)
    assert f"{roster[TEACHER]['name']} ({TEACHER}): alamat " in shown
    assert "tidak ada yang diubah" in shown
    digest = shown.rsplit("--seen ", 1)[1].split()[0]
    assert every(home, Person, nip=TEACHER)[0].email != "baru@mamuju.example"
    run("roster", "import", str(roster.directory), "--seen", digest, code=0)
    assert every(home, Person, nip=TEACHER)[0].email == "baru@mamuju.example"
