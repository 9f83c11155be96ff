"""The launch form: the same result as the command, twice the same, refused in words; and the year in view."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from prefect.artifacts import Artifact
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun
from sqlalchemy import func, select, update

import database
from actions.cycle import launching
from actions.cycle.launching import Launched
from actions.stages import steps
from actions.stages.steps import StepRef
from actions.store import schema
from flows.annual_cycle import annual_cycle
from flows.tick import tick
from models import Appraisal, Cycle, Person, Segment, Stage, TrailEntry
from rules.terms import AppraisalState, StageKind, Step
from tasks import runs
from tests.flows.conftest import EARLY, ROWS, YEAR, move_to

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.usefixtures("client")]

OPENS = date(2027, 1, 4)
NIP = "198101012005032001"


def launch(folder: Path | str, year: int = YEAR, **more) -> tuple[str, str]:
    name = folder.name if isinstance(folder, Path) else folder
    state = annual_cycle(name, year, return_state=True, **more)
    return str(state.name), str(state.message)


def rows(db: database.Database) -> dict[str, int]:
    tables = (Person, Cycle, Stage, Appraisal, Segment, TrailEntry)
    with db.reading() as session:
        return {t.__tablename__: session.scalar(select(func.count()).select_from(t)) or 0 for t in tables}


def ahead(client: SyncPrefectClient) -> list[FlowRun]:
    found = runs.booked(client, "contoh", YEAR)
    return sorted(found, key=lambda run: run.expected_start_time or datetime.max.replace(tzinfo=UTC))


def test_launching_twice_is_launching_once(db: database.Database, folder: Path, client: SyncPrefectClient) -> None:
    move_to(EARLY.date())
    assert launch(folder) == ("Completed", "permenpanrb-6-2022 1: 6 rows, 6 enrolled, 12 booked")
    before = rows(db)
    assert before["appraisal"] == before["person"] == len(ROWS)
    assert launch(folder) == ("Completed", "permenpanrb-6-2022 1: 6 rows")
    assert launch("contoh", import_roster=False) == ("Completed", "permenpanrb-6-2022 1: nothing to do")
    assert rows(db) == before
    assert len(ahead(client)) == 12


def test_the_flow_and_the_command_leave_the_same_database(db: database.Database, folder: Path, tmp_path: Path) -> None:
    move_to(EARLY.date())
    launch(folder)
    by_flow = rows(db)
    (tmp_path / "appraisal.db").rename(tmp_path / "flow.db")
    other = database.Database(f"sqlite:///{tmp_path}/other.db")
    schema.upgrade(other)
    made = launching.launch_folder(other.transaction, folder, YEAR, at=EARLY)
    launching.enroll_all(other.transaction, made.cycle_id, at=EARLY)
    assert rows(other) == by_flow
    other.close()


WHERE = "; its words: appraisal cycle plan, and appraisal roster check, with the same folder"


def test_refusals_end_red_with_a_code_and_counts_and_none_of_their_words(
    db: database.Database, folder: Path, client: SyncPrefectClient, capfd: pytest.CaptureFixture[str]
) -> None:
    move_to(EARLY.date())
    assert launch(folder, 2020) == ("Failed", f"refused (launch): 1 problem{WHERE}")
    assert launch(folder, 2072) == ("Failed", f"refused (launch): 1 problem{WHERE}")
    kept = (folder / "agency.yaml").read_text("utf-8")
    (folder / "agency.yaml").write_text(f"{kept}\n{NIP}: Siti Aminah\nrahasia: [\n", "utf-8")
    name, told = launch(folder)
    assert name == "Failed"
    assert re.fullmatch(r"refused \(agency-files\): 1 problem, rows [\d, ]+; its words: .*", told), told
    (folder / "agency.yaml").write_text(kept, "utf-8")
    (folder / "waivers.csv").write_text(f"nip,code,reason\n{NIP},rahasia,\n", "utf-8")
    launch(folder)
    said = capfd.readouterr()
    shown = "".join(run.model_dump_json() for run in client.read_flow_runs())
    shown += "".join(run.model_dump_json() for run in client.read_task_runs())
    shown += "".join(line.message for line in client.read_logs()) + said.out + said.err
    assert not [word for word in (NIP, "Siti", "rahasia") if word in shown]
    assert "Traceback" not in shown


@pytest.mark.parametrize(
    "name", ["/nowhere", "/etc", "..", ".", "", "../agencies/contoh", "contoh/", "nobody", "linked", "con\0toh"]
)
def test_the_form_reads_only_folders_of_that_name_and_tells_nothing_of_others(
    db: database.Database, folder: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (folder.parent / "linked").symlink_to(tmp_path / "elsewhere")
    move_to(EARLY.date())
    told = "refused (unknown-folder): the form takes the name of a folder among the agencies, and this is none"
    assert launch(name) == ("Failed", told)


def test_the_form_goes_on_where_dates_have_passed_and_has_no_place_for_words(
    db: database.Database, folder: Path
) -> None:
    move_to(date(YEAR, 7, 20))
    name, message = launch(folder, preview=True)
    assert (name, "would be stopped" in message) == ("Failed", True)
    assert launch(folder)[0] == "Failed"
    assert rows(db)["cycle"] == 0
    later = {"begin_at": StageKind.SUPERVISOR_SCORING}
    assert launch(folder, preview=True, **later)[0] == "Preview"
    assert launch(folder, **later)[0] == "Completed"
    assert rows(db)["cycle"] == 1
    fields = annual_cycle.parameters.properties
    assert {name for name, field in fields.items() if field.get("type") == "string"} == {"agency_dir", "seen"}


def test_the_form_looks_first_and_keeps_names_out_of_prefect(db: database.Database, folder: Path) -> None:
    move_to(EARLY.date())
    before = rows(db)
    name, message = launch(folder, preview=True)
    assert (name, message.split(", digest")[0]) == ("Preview", "nothing was changed: rows 6, new 6")
    assert rows(db) == before
    roster = folder / "roster.csv"
    roster.write_text(roster.read_text("utf-8").replace("eko@contoh.example", "bukan alamat"), "utf-8")
    for preview in (True, False):
        name, message = launch(folder, preview=preview)
        assert name == "Failed"
        assert "Eko" not in message
        assert "198201012005031001" not in message
    assert message == "1 problems block (rows 6): HR runs `appraisal roster check`"
    assert rows(db) == before


def test_a_launch_that_leaves_most_people_out_is_red(db: database.Database, folder: Path) -> None:
    move_to(EARLY.date())
    assert launch(folder)[0] == "Completed"
    with db.transaction() as session:
        session.execute(update(Appraisal).values(state=AppraisalState.EXCLUDED))
    name, message = launch(folder)
    assert (name, "6 of 6 people are excluded" in message) == ("Failed", True)


def test_a_date_that_moves_takes_its_booking_along(
    db: database.Database, launched: Launched, client: SyncPrefectClient
) -> None:
    tick()
    first, *_ = ahead(client)
    assert first.name == f"contoh {YEAR} · target setting · open"
    assert first.parameters["revision"] == 1
    with db.transaction() as session:
        stage = session.scalars(select(Stage).filter_by(kind=StageKind.TARGET_SETTING)).one()
        stage.opens_at += timedelta(days=3)
        stage.revision += 1
        moved_to = stage.opens_at
    tick()
    listed = ahead(client)
    assert len(listed) == 12
    assert (listed[0].expected_start_time, listed[0].parameters["revision"]) == (moved_to, 2)
    assert str(client.read_flow_run(first.id).state_name) == "Cancelled"


def test_a_booked_run_whose_time_has_come_stands_for_the_first_attempt(
    launched: Launched, client: SyncPrefectClient
) -> None:
    """It may be late, it is not lost: the tick starts no second one beside it."""
    ref = StepRef("contoh", YEAR, StageKind.TARGET_SETTING, Step.OPEN)
    runs.start(runs.deployment_of(ref), runs.parameters_of(ref), key=runs.booked_key(ref), name="late", tags=["booked"])
    assert runs.start_step(client, ref, runs.key_of(ref)) is runs.Outcome.RUNNING


def test_the_table_of_the_cycle_is_rewritten_only_when_something_changed(
    db: database.Database, launched: Launched, client: SyncPrefectClient
) -> None:
    tick()
    table = Artifact.get(f"cycle-contoh-{YEAR}")
    assert table is not None
    assert '"stage": "target setting"' in str(table.data)
    assert '"next action": "opens 2027-01-02"' in str(table.data)
    tick()
    again = Artifact.get(f"cycle-contoh-{YEAR}")
    assert again is not None
    assert again.id == table.id
    steps.run(db.transaction, StepRef("contoh", YEAR, StageKind.TARGET_SETTING, Step.OPEN), at=move_to(OPENS))
    tick()
    changed = Artifact.get(f"cycle-contoh-{YEAR}")
    assert changed is not None
    assert '"state": "open"' in str(changed.data)
    assert '"expected": 5' in str(changed.data)
