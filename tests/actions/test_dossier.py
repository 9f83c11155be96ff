"""A dossier is checked by a program of its own, which must find whatever is changed in it."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from actions import exports
from actions.store import trail
from database import Database
from models import Appraisal, AuditDraw, AuditPlan, TrailEntry
from tests.actions.test_exports import EVIL, FINAL_AT, HR, NOW, ROSTER, World
from tests.rules.audit.test_draw import FIRST, GOLDEN, SEED

HOUSE = Path(__file__).parents[2]
SECRET = "a decree that only one person may read"


@pytest.fixture
def made(both: Database, tmp_path: Path) -> exports.Exported:
    with both.transaction() as session:
        World(session, "permenpanrb-6-2022").fill()
        before = FINAL_AT - timedelta(days=900)
        trail.record(session, 1, "roster.imported", "agency:1", at=before, after={"rows": 9}, why="an earlier year")
        for number in range(3):
            trail.record(session, 1, "result.raised", f"appraisal:{number}", at=FINAL_AT, actor=trail.Actor(HR),
                         before={"predicate": "good"}, after={"name": "É"}, why=SECRET)  # fmt: skip
        trail.checkpoint(session, 1, "final", at=FINAL_AT)
        trail.record(session, 1, "cycle.closed", "cycle:1", at=FINAL_AT)
        trail.record(session, 2, "roster.imported", "agency:2", at=FINAL_AT, why="of another agency")
        plan = AuditPlan(cycle_id=1, settings={}, roster=(GOLDEN / "roster12.csv").read_bytes(), seed=SEED,
                         plan=(GOLDEN / "plan12.json").read_bytes(), published_where="papan, \"A\"")  # fmt: skip
        session.add(plan)
        session.flush()
        session.add(AuditDraw(plan_id=plan.id, stage_no=1, draw_key=FIRST.draw_key, draw_sha256=FIRST.draw_sha256,
                              drawn_at=FINAL_AT))  # fmt: skip
    with both.reading() as session:
        return exports.write_dossier(session, 1, tmp_path / "berkas.zip", at=NOW)


def check(place: Path, *more: str) -> tuple[int, list[str]]:
    """Without us: another process, isolated, with nothing of ours on its path."""
    command = [sys.executable, "-I", str(HOUSE / "deploy" / "verify_dossier.py"), str(place), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    return done.returncode, (done.stdout + done.stderr).splitlines()


def unpacked(made: exports.Exported, to: Path) -> Path:
    with zipfile.ZipFile(made.path) as archive:
        archive.extractall(to)
    return to


def test_it_is_as_it_was_made_and_its_draws_can_be_done_again(made: exports.Exported, tmp_path: Path) -> None:
    code, said = check(made.path, made.sha256)
    assert (code, said[-1]) == (0, "as it was made")
    assert said[0] == f"mamuju 2026 dossier {made.sha256}"
    folder = unpacked(made, tmp_path / "out")
    assert check(folder, made.sha256)[0] == 0
    (draw,) = json.loads((folder / "manifest.json").read_text())["draws"]
    again = subprocess.run([sys.executable, "verify_draw.py", *draw["arguments"]], cwd=folder, check=True,
                           capture_output=True, text=True)  # fmt: skip
    assert again.stdout.split()[-1] == draw["draw_sha256"] == FIRST.draw_sha256
    assert made.path.stat().st_mode & 0o077 == 0, "for its owner alone"


def test_it_holds_this_cycle_and_no_words_of_the_years_before(made: exports.Exported, tmp_path: Path) -> None:
    folder = unpacked(made, tmp_path / "out")
    lines = [json.loads(line) for line in (folder / "trail.jsonl").read_text().splitlines()]
    assert ["content" in line for line in lines] == [False, True, True, True, True]
    assert "another agency" not in (folder / "trail.jsonl").read_text()
    assert len((folder / "results.csv").read_text().splitlines()) == 1 + ROSTER
    assert json.loads((folder / "mail.json").read_text())["clean"] is True
    assert json.loads((folder / "policy-pack.json").read_text())["name"] == "permenpanrb-6-2022"


def test_the_same_moment_twice_is_the_same_archive(made: exports.Exported, both: Database, tmp_path: Path) -> None:
    with both.reading() as session:
        again = exports.write_dossier(session, 1, tmp_path / "again" / "berkas.zip", at=NOW)
    assert again.path.read_bytes() == made.path.read_bytes()


def _line(number: int, change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        lines = [json.loads(line) for line in (folder / "trail.jsonl").read_text("utf-8").splitlines()]
        change(lines[number])
        (folder / "trail.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
        _seal(folder)

    return act


def _seal(folder: Path) -> None:
    """What a forger does who cannot change the digest in the minutes."""
    import hashlib

    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    names = [str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file() and one.name != "manifest.json"]
    manifest["files"] = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")


FORGERIES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a result": (lambda f: (f / "results.csv").write_text("x"), "results.csv: was changed"),
    "a file more": (lambda f: (f / "more.txt").write_text("x"), "more.txt: was added"),
    "a file less": (lambda f: (f / "mail.json").unlink(), "mail.json: is missing"),
    "why": (_line(2, lambda line: line["content"].update(why="another")), "what entry 3 says was changed"),
    "who": (_line(2, lambda line: line["event"].update(actor=5)), "entry 3 does not follow"),
    "the hash": (_line(2, lambda line: line.update(hash="0" * 64)), "entry 3 does not follow"),
    "the order": (_line(1, lambda line: line["event"].update(seq=3)), "entry 3 stands where 2 belongs"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_found_without_the_digest(made: exports.Exported, tmp_path: Path, name: str) -> None:
    folder = unpacked(made, tmp_path / "out")
    act, found = FORGERIES[name]
    act(folder)
    code, said = check(folder)
    assert code == 1
    assert any(line.startswith("WRONG") and found in line for line in said), said


def test_an_end_that_was_cut_off_and_sealed_again_is_found_by_checkpoint_or_digest(
    made: exports.Exported, tmp_path: Path
) -> None:
    folder = unpacked(made, tmp_path / "out")
    lines = (folder / "trail.jsonl").read_text("utf-8").splitlines(keepends=True)
    for left, found in ((4, "manifest.json"), (3, "checkpoint final")):
        (folder / "trail.jsonl").write_text("".join(lines[:left]), "utf-8")
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        manifest["trail"] = {"length": left, "head": json.loads(lines[left - 1])["hash"]}
        (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
        _seal(folder)
        code, said = check(folder, made.sha256)
        assert code == 1
        assert any(found in line for line in said if line.startswith("WRONG")), said


def test_what_was_erased_leaves_the_chain_whole(both: Database, made: exports.Exported, tmp_path: Path) -> None:
    with both.transaction() as session:
        session.execute(update(TrailEntry).where(TrailEntry.seq == 3).values(content=None, salt=None))
    with both.reading() as session:
        again = exports.write_dossier(session, 1, tmp_path / "again.zip", at=NOW)
    assert again.sha256 != made.sha256
    assert check(again.path, again.sha256)[0] == 0


@pytest.mark.parametrize("content", [b"", b"PK", b"not an archive"])
def test_what_is_no_dossier_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    code, said = check(tmp_path / "x.zip")
    assert code == 1
    assert said[0].startswith("not a dossier")


def test_before_the_cycle_is_final_there_is_none(db: Database, tmp_path: Path) -> None:
    with db.transaction() as session:
        World(session, "permenpanrb-6-2022").fill()
        session.execute(update(Appraisal).where(Appraisal.id == EVIL).values(finalized_at=None))
    with db.reading() as session, pytest.raises(exports.ExportRefused, match="still open"):
        exports.write_dossier(session, 1, tmp_path / "berkas.zip", at=NOW)
    assert list(tmp_path.glob("*.zip")) == []
