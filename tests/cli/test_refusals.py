"""What cannot be done ends in words that say who mends it: a wrong path, a wrong setting, a strange database."""

import importlib
import os
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, text

from actions.audit import evaluation
from actions.audit.ceremony import AuditRefused
from actions.cycle import cycles, launching
from actions.store import schema
from cli.refusals import explain
from database import SCHEMA, Database, SchemaRefused
from models import Agency, AuditPlan

EXAMPLES = Path(__file__).parents[2] / "examples"


def refused(home: Path, *words: str, **more: str) -> str:
    """Run the command as people do; returns what it said when it refused."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("APPRAISAL_")}
    env |= {"APPRAISAL_HOME": str(home), "APPRAISAL_SMTP_URL": "smtp://127.0.0.1:9", **more}
    command = [sys.executable, "-m", "cli.main", *words]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert done.returncode == 2
    return done.stderr


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def made(home: Path) -> Path:
    db = Database(f"sqlite:///{home}/appraisal.db")
    schema.upgrade(db)
    db.close()
    return home / "appraisal.db"


def test_a_place_that_cannot_be_written_is_named(home: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert f"{tmp_path}/file: File exists. Name another" in refused(home, "letters", "preview", f"{tmp_path}/file")
    assert "file: File exists" in refused(tmp_path / "file", "db", "upgrade")


@pytest.mark.parametrize("year", ["1", "9999"])
def test_a_year_that_no_cycle_has_is_refused_with_those_that_are_possible(home: Path, year: str) -> None:
    for words in (("plan",), ("launch",)):
        assert "a year from 2000 to 2999" in refused(home, "cycle", *words, str(EXAMPLES / "palu"), "--year", year)
    assert "a year from 2000 to 2999" in refused(home, "export", "results", "palu", year)
    assert not home.exists()


def test_what_is_wrong_in_a_file_of_the_agency_is_said_in_indonesian(home: Path, tmp_path: Path) -> None:
    for path in (EXAMPLES / "palu").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "agency.yaml").write_text("name: " + "x" * 401 + "\n")
    (tmp_path / "calendar.yaml").write_text("stages: !!bool x\n")
    words = refused(home, "cycle", "plan", str(tmp_path), "--year", "2027", "--locale", "id")
    assert "agency.yaml: name: paling banyak 400 karakter" in words
    assert "agency.yaml: code: wajib diisi" in words
    assert "calendar.yaml: baris 1: tag !!bool tidak diterima; tulis nilainya saja" in words


def test_a_backup_without_a_name_is_refused(home: Path) -> None:
    assert "No folder is named" in refused(home, "backup", "", APPRAISAL_DATABASE_URL=f"sqlite:///{made(home)}")


@pytest.mark.parametrize("url", ["hello", "mysql://x/y", "postgresql://u:hidden@127.0.0.1/x"])
def test_a_database_of_another_kind_is_refused_without_its_password(home: Path, url: str) -> None:
    said = refused(home, "cycle", "status", APPRAISAL_DATABASE_URL=url)
    assert "APPRAISAL_DATABASE_URL must begin with" in said
    assert "hidden" not in said


@pytest.mark.parametrize(
    ("variable", "value"),
    [("DATABASE_URL", "postgresql+psycopg://u:p@host:abc/db"), ("DATABASE_URL", ""), ("BASE_URL", "nonsense"),
     ("BOUNCE_DOMAIN", "nonsense"), ("MAIL_CANARY", "-1"), ("PREFECT_UI_URL", "http://host:abc")],
)  # fmt: skip
def test_a_setting_that_cannot_be_used_is_named_before_anything_is_made(home: Path, variable: str, value: str) -> None:
    name = f"APPRAISAL_{variable}"
    for words in (("db", "upgrade"), ("serve", "--once-ready")):
        assert name in refused(home, *words, **{name: value})
        assert not home.exists()


@pytest.mark.parametrize("option", [("--year", "1"), ("--year", "9999"), ("--people", "-5")])
def test_a_simulation_of_no_year_or_of_fewer_than_nobody_is_refused(home: Path, option: tuple[str, str]) -> None:
    assert option[0] in refused(home, "simulate", str(EXAMPLES / "palu"), *option)


def test_a_short_secret_is_refused_before_any_letter(home: Path) -> None:
    made(home)
    assert "APPRAISAL_SECRET must have" in refused(home, "mail", "deliver", APPRAISAL_SECRET="short")


def test_an_unusable_sender_and_an_unknown_lane_are_refused(home: Path) -> None:
    made(home)
    assert "needs exactly one @" in refused(home, "mail", "deliver", APPRAISAL_MAIL_FROM="nonsense")
    assert "nope is none of" in " ".join(refused(home, "mail", "deliver", "--lane", "nope").split())


def test_a_file_that_is_no_database_and_one_of_the_future_are_refused(home: Path) -> None:
    file = made(home)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "a newer one made it. Ops install" in refused(home, "db", "upgrade")
    file.write_bytes(b"no database" * 500)
    assert "The database cannot be used" in refused(home, "cycle", "status")


COMMANDS = (
    ("cycle", "status"), ("mail", "status"), ("mail", "deliver"), ("mail", "pause", "why"), ("trail", "verify"),
    ("cycle", "launch", str(EXAMPLES / "palu"), "--year", "2027"), ("roster", "import", str(EXAMPLES / "palu")),
    ("export", "results", "palu", "2027"), ("audit", "plan", "palu", "2027"),
)  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_database_without_tables_is_refused_by_every_command_that_needs_them(
    home: Path, words: tuple[str, ...]
) -> None:
    said = refused(home, *words)
    assert "has no tables yet" in said
    assert "appraisal db upgrade" in said
    assert not home.exists()


ASKED = (("mail", "status"), ("mail", "waves"), ("cycle", "status"), ("trail", "verify"))


@pytest.mark.parametrize("words", ASKED, ids=" ".join)
def test_an_agency_that_is_not_there_is_refused_with_those_that_are(home: Path, words: tuple[str, ...]) -> None:
    db = Database(f"sqlite:///{made(home)}")
    assert "nor any other yet: HR takes one in" in refused(home, *words, "--agency", "nope")
    with db.transaction() as session:
        session.add_all(Agency(code=code, name=code, zone="Asia/Jakarta") for code in ("palu", "mamuju"))
    assert "There is no agency nope; there are: mamuju, palu." in refused(home, *words, "--agency", "nope", "--json")
    with db.transaction() as session:
        session.add_all(Agency(code=f"x{n:02}", name="x", zone="Asia/Jakarta") for n in range(20))
    assert "x17 and 2 more." in refused(home, *words, "--agency", "nope")
    db.close()


@pytest.mark.parametrize("reason", ["", " \t"])
@pytest.mark.parametrize("more", [(), ("--wave", "a")])
def test_delivery_is_not_stopped_without_a_reason(home: Path, reason: str, more: tuple[str, ...]) -> None:
    file = made(home)
    assert "say why" in " ".join(refused(home, "mail", "pause", reason, *more).split())
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT paused_at FROM mail_switch").fetchone() == (None,)


@pytest.mark.parametrize(("version", "way"), [("0002", "appraisal db upgrade"), ("0999", "Ops install that program")])
def test_tables_of_another_version_are_refused_with_what_mends_them(home: Path, version: str, way: str) -> None:
    file = made(home)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
    said = refused(home, "mail", "pause", "the relay is changed")
    assert f"tables of version {version}" in said
    assert way in said
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT paused_at FROM mail_switch").fetchone() == (None,)


def test_the_version_is_asked_for_once_and_on_both_kinds_of_database(both: Database) -> None:
    wants = Database(both.url, schema=SCHEMA)
    asked: list[str] = []
    event.listen(wants.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    for _ in range(2):
        with wants.reading() as session:
            session.execute(text("SELECT 1"))
    assert len([one for one in asked if "alembic_version" in one]) == 1
    wants.close()
    with both.transaction() as session:
        session.execute(text("DROP TABLE alembic_version"))
    lacking = Database(both.url, schema=SCHEMA)
    with pytest.raises(SchemaRefused, match="has no tables yet"), lacking.transaction():
        pass
    lacking.close()


def test_the_version_demanded_is_that_of_the_newest_migration() -> None:
    newest = max((schema.MIGRATIONS / "versions").glob("*.py"))
    assert f"revision = '{SCHEMA}'" in newest.read_text()


def test_only_a_database_that_lacks_its_tables_is_to_be_migrated() -> None:
    named = {name: type(name, (Exception,), {}) for name in ("OperationalError", "ProgrammingError")}
    lacks = named["ProgrammingError"]('(psycopg.errors.UndefinedTable) relation "cycle" does not exist')
    assert "appraisal db upgrade" in str(explain(lacks))
    gone = explain(named["OperationalError"]("connection refused"))
    assert gone is not None
    assert "db upgrade" not in gone
    barred = explain(named["ProgrammingError"]("(psycopg.errors.InsufficientPrivilege) permission denied for table x"))
    assert barred is not None
    assert "Ops check the server" in barred
    assert explain(named["ProgrammingError"]("a bug")) is None
    assert explain(OSError("without a file")) is None


@pytest.mark.parametrize("stage", [-1, 0, 1])
def test_a_stage_of_the_audit_that_was_not_drawn_cannot_be_evaluated(db: Database, stage: int) -> None:
    at = datetime(2026, 12, 21, 2, tzinfo=UTC)
    launching.launch_folder(db.transaction, EXAMPLES / "palu", 2027, at=at)
    with db.transaction() as session:
        cycle = cycles.find(session, "palu", 2027)
        assert cycle is not None
        session.add(AuditPlan(cycle_id=cycle.id, attempt=1, settings={}, roster=b"", plan=b"{}", frozen_at=at))
        session.flush()
        with pytest.raises(AuditRefused, match="not drawn"):
            evaluation.evaluate(session, cycle, stage, at=at)


HOUSE = Path(__file__).parents[2]
ROOMS = ("rules", "policies", "notifications", "actions", "web", "cli")


def _refusals() -> list[type[Exception]]:
    """Every refusal of the house, by the name that all of them have, and whatever inherits from one."""
    files = [*HOUSE.glob("*.py"), *(file for room in ROOMS for file in (HOUSE / room).rglob("*.py"))]
    known: set[type[Exception]] = set()
    for file in files:
        if "Refused" in file.read_text():
            name = ".".join(file.relative_to(HOUSE).with_suffix("").parts).removesuffix(".__init__")
            held = vars(importlib.import_module(name)).values()
            known |= {kind for kind in held if isinstance(kind, type) and issubclass(kind, Exception)}
    refusals = [kind for kind in known if any(each.__name__.endswith("Refused") for each in kind.__mro__)]
    return sorted(refusals, key=lambda kind: kind.__qualname__)


@pytest.mark.parametrize("kind", _refusals(), ids=lambda kind: kind.__name__)
def test_every_refusal_there_is_ends_in_its_words_and_not_in_a_traceback(kind: type[Exception]) -> None:
    finer = type("Finer", (kind,), {"__init__": lambda self: None, "__str__": lambda self: "who mends what"})
    assert explain(finer()) == "who mends what"


def test_a_launch_whose_dates_have_passed_is_refused_with_the_ways_on(home: Path) -> None:
    made(home)
    begun = (datetime.now(UTC) - timedelta(days=60)).year  # its first stage has passed, its last has not
    said = refused(home, "cycle", "launch", str(EXAMPLES / "palu"), "--year", str(begun))
    assert "--shift" in said
