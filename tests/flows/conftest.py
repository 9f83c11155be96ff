"""One real Prefect server for all tests of flows, deployed as in production, and a tiny agency to run a cycle of."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_HOME,
    PREFECT_LOGGING_TO_API_ENABLED,
    temporary_settings,
)

import clock
import database
import settings
from actions.cycle import launching
from actions.cycle.launching import Launched
from cli.machine import processes

YEAR = 2027
EARLY = datetime(2026, 12, 21, 2, tzinfo=UTC)


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of clients of a server with prefect.yaml deployed; this process is such a client."""
    folder = tmp_path_factory.mktemp("prefect")
    with processes.family(folder) as family:
        env = processes.start_prefect(family, folder / "home", processes.free_port())
        chosen = {
            PREFECT_API_URL: env["PREFECT_API_URL"], PREFECT_HOME: folder / "home",
            PREFECT_API_AUTH_STRING: env["PREFECT_API_AUTH_STRING"],
            PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None, PREFECT_LOGGING_TO_API_ENABLED: False,
        }  # fmt: skip
        with temporary_settings(chosen):
            yield env


@pytest.fixture
def client(prefect_server: dict[str, str]) -> Iterator[SyncPrefectClient]:
    """A client of the server from which every run was deleted: keys of one test do not reach into the next."""
    with get_client(sync_client=True) as made:
        for run in made.read_flow_runs(limit=200):
            if run.auto_scheduled is not True:
                made.delete_flow_run(run.id)
        yield made


HEADER = (
    "nip,name,email,employment,unit_code,unit_name,parent_unit_code,post,post_group,superior_nip,is_unit_head,roles"
)
ROWS = (
    ("197001012000031001", "Ani", "DINAS", "", "Kepala", "jpt", "", "ya", "appointing_authority"),
    ("197101012000031001", "Budi", "BIDANG", "DINAS", "Kepala Bidang", "jpt", "197001012000031001", "ya", ""),
    ("198001012005031001", "Citra", "SEKSI", "BIDANG", "Kepala Seksi", "ja", "197101012000031001", "ya", ""),
    ("198101012005032001", "Dewi", "SEKSI", "BIDANG", "Analis", "ja", "198001012005031001", "", "performance_admin"),
    ("198201012005031001", "Eko", "SEKSI", "BIDANG", "Analis", "ja", "198001012005031001", "", ""),
    ("198301012005031001", "Fajar", "SEKSI", "BIDANG", "Analis", "ja", "198001012005031001", "", ""),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of an agency of six people, alone among the agencies, with the calendar of an example."""
    monkeypatch.setenv("APPRAISAL_AGENCIES_DIR", str(tmp_path / "agencies"))
    settings.load.cache_clear()
    yield _write_folder(tmp_path / "agencies" / "contoh")
    settings.load.cache_clear()


def _write_folder(made: Path) -> Path:
    made.parent.mkdir()
    made.mkdir()
    example = Path(__file__).parent.parent.parent / "examples" / "palu"
    for name in ("calendar.yaml", "indicators.yaml"):
        (made / name).write_text((example / name).read_text("utf-8"), "utf-8")
    said = (example / "agency.yaml").read_text("utf-8")
    (made / "agency.yaml").write_text(said.replace("code: palu", "code: contoh"), "utf-8")
    lines = [
        f"{nip},{name},{name.lower()}@contoh.example,pns,{unit},{unit.title()},{above},{post},{group},{boss},{head},{role}"
        for nip, name, unit, above, post, group, boss, head, role in ROWS
    ]
    (made / "roster.csv").write_text("\n".join([HEADER, *lines]) + "\n", "utf-8")
    return made


@pytest.fixture
def launched(db: database.Database, folder: Path) -> Launched:
    """A cycle of the tiny agency with everybody enrolled, the clock standing before its first stage."""
    clock.move_to(EARLY)
    made = launching.launch_folder(db.transaction, folder, YEAR, at=EARLY)
    assert launching.enroll_all(db.transaction, made.cycle_id, at=EARLY) == len(ROWS)
    return made


def move_to(day: date, hour: int = 2) -> datetime:
    at = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
    clock.move_to(at)
    return at
