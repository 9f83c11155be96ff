"""Letters are looked at under the agency's own name before anybody gets one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import database
from cli.letters import app
from database import Database
from models import Agency


@pytest.fixture
def ours(db: Database) -> Iterator[Database]:
    database.use(db)
    yield db
    database.use(None)


def write(db: Database, *agencies: tuple[str, str]) -> None:
    with db.transaction() as session:
        session.add_all(
            Agency(code=code, name=name, zone="Asia/Jayapura", contact=f"bkd@{code}.example")
            for code, name in agencies
        )  # fmt: skip


def look(folder: Path, *more: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["preview", str(folder), *more])
    return result.exit_code, result.output


def test_the_preview_shows_the_agencys_own_name_contact_and_zone(ours: Database, tmp_path: Path) -> None:
    write(ours, ("jayapura", "Pemerintah Kota Jayapura"))
    code, said = look(tmp_path)
    assert (code, "Pemerintah Kota Jayapura" in said) == (0, True)
    for name in ("reminder.id.txt", "receipt_digest.en.txt"):
        letter = (tmp_path / name).read_text()
        assert "Pemerintah Kota Jayapura" in letter
        assert "bkd@jayapura.example" in letter
        assert "Palu" not in letter
    assert " WIT\n" in (tmp_path / "reminder.id.txt").read_text()


def test_of_several_agencies_one_is_named(ours: Database, tmp_path: Path) -> None:
    write(ours, ("jayapura", "Pemerintah Kota Jayapura"), ("palu", "Pemerintah Kota Palu"))
    code, said = look(tmp_path)
    assert code == 2
    assert "jayapura, palu" in " ".join(said.replace("│", " ").split())
    assert look(tmp_path, "--agency", "jayapura")[0] == 0
    assert "Pemerintah Kota Jayapura" in (tmp_path / "reminder.id.txt").read_text()
    assert look(tmp_path, "--agency", "nowhere")[0] == 2
