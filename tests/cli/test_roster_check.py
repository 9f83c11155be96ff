"""`appraisal roster check` as people and scripts use it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from cli.roster.commands import app

ROOT = Path(__file__).parent.parent.parent
GOOD = str(ROOT / "examples" / "mamuju" / "roster.csv")
BAD = str(ROOT / "tests" / "data" / "bad_roster.csv")
HEADER = "nip,name,email,employment,unit_code,superior_nip,is_unit_head,roles"
TOP = "197001012010031001,Ani,ani@contoh.example,pns,A,,ya,performance_admin;appointing_authority"
SHARED = "197101012010031001,Budi,ani@contoh.example,pns,A,197001012010031001,tidak,"

run = CliRunner().invoke


def test_a_sound_roster_ends_well() -> None:
    result = run(app, ["check", GOOD, "--today", "2026-11-24"])
    assert result.exit_code == 0
    assert "baris 50, diterima 50, ditahan 0" in result.stdout


def test_a_bad_roster_ends_with_one_and_a_table_that_names_who_must_act() -> None:
    result = run(app, ["check", BAD, "--today", "2026-11-24"], env={"COLUMNS": "200"})
    assert result.exit_code == 1
    assert "nip_duplicate" in result.stdout
    assert "Pengelola Kinerja" in result.stdout


def test_json_has_stable_keys_and_counts_that_add_up() -> None:
    result = run(app, ["check", BAD, "--json", "--today", "2026-11-24", "--locale", "en"])
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert list(report)[:5] == ["file", "today", "blocks", "counts", "problems"]
    assert list(report)[5:] == ["groups", "units", "source", "waivers"]
    assert set(report["problems"][0]) == {
        "row", "nip", "name", "code", "severity", "blocks", "holds_row", "waived", "message", "fixer", "remedy",
    }  # fmt: skip
    counts = report["counts"]
    assert counts["rows"] == counts["accepted"] + counts["held_back"] == 50
    assert len(report["problems"]) == sum(counts[key] for key in ("blocking", "waivable", "waived", "notes"))
    (double,) = [problem for problem in report["problems"] if problem["code"] == "nip_duplicate"]
    assert (double["row"], double["blocks"]) == (11, True)
    assert "already stands in row 4" in double["message"]


def test_waivers_turn_the_outcome_and_keep_the_reason(tmp_path: Path) -> None:
    roster, waivers = tmp_path / "r.csv", tmp_path / "w.csv"
    roster.write_text(f"{HEADER}\n{TOP}\n{SHARED}\n")
    waivers.write_text("nip,code,reason\n197101012010031001,address_shared,satu komputer\n")
    assert run(app, ["check", str(roster)]).exit_code == 1
    result = run(app, ["check", str(roster), "--waivers", str(waivers), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["problems"][0]["waived"] == "satu komputer"


def test_the_day_decides_who_is_in_service(tmp_path: Path) -> None:
    roster = tmp_path / "r.csv"
    boss = TOP.replace("performance_admin;appointing_authority", "performance_admin;appointing_authority,2026-12-31")
    roster.write_text(f"{HEADER},active_to\n{boss}\n{SHARED.replace('ani@', 'budi@')},\n")
    assert run(app, ["check", str(roster), "--today", "2026-12-31"]).exit_code == 0
    assert run(app, ["check", str(roster), "--today", "2027-01-01"]).exit_code == 1


def test_what_is_no_roster_is_refused_in_words_without_a_traceback(tmp_path: Path) -> None:
    other = tmp_path / "r.csv"
    other.write_text("a,b\n1,2\n")
    result = run(app, ["check", str(other)])
    assert result.exit_code == 2
    assert "Required columns are missing: nip, name, email" in result.stderr
    assert "Traceback" not in result.output
    assert run(app, ["check", str(tmp_path / "nowhere.csv")]).exit_code == 2


def test_a_header_without_people_is_a_finding_that_blocks(tmp_path: Path) -> None:
    roster = tmp_path / "r.csv"
    roster.write_text(f"{HEADER}\n\n,,,,,,,\n")
    result = run(app, ["check", str(roster), "--locale", "en"], env={"COLUMNS": "200"})
    assert result.exit_code == 1
    assert "There are no people in the file" in result.stdout


def test_a_name_that_no_letter_takes_is_held_back_with_its_row_and_the_limit(tmp_path: Path) -> None:
    roster = tmp_path / "r.csv"
    roster.write_text(f"{HEADER}\n{TOP}\n{SHARED.replace('ani@', 'budi@').replace('Budi', 'B' * 401)}\n")
    result = run(app, ["check", str(roster), "--json", "--locale", "en"])
    assert result.exit_code == 1
    (problem,) = json.loads(result.stdout)["problems"]
    assert (problem["row"], problem["holds_row"]) == (3, True)
    assert problem["message"] == "Column name holds 401 characters; 400 at most."


@pytest.mark.parametrize(
    ("locale", "own", "foreign"),
    [
        ("id", ("Tingkat", "menghambat", "dikesampingkan: satu", "baris 2", "catatan 0"), ("block", "waived", "row")),
        ("en", ("Severity", "blocking", "waived: satu", "rows 2", "notes 0"), ("menghambat", "kesamping", "baris")),
    ],
)  # fmt: skip
def test_the_table_speaks_one_language(
    tmp_path: Path, locale: str, own: tuple[str, ...], foreign: tuple[str, ...]
) -> None:
    roster, waivers = tmp_path / "r.csv", tmp_path / "w.csv"
    roster.write_text(f"{HEADER}\n{TOP}\n{SHARED.replace('197101012010031001,Budi', '197101012010031001,')}\n")
    waivers.write_text("nip,code,reason\n197101012010031001,address_shared,satu\n")
    words = ["check", str(roster), "--waivers", str(waivers), "--locale", locale]
    said = run(app, words, env={"COLUMNS": "300"}).stdout
    for one in own:
        assert one in said
    for one in foreign:
        assert one not in said.replace("r.csv", "")


def test_a_narrow_terminal_cuts_nothing_off() -> None:
    said = run(app, ["check", BAD, "--rows", "--today", "2026-11-24"], env={"COLUMNS": "80"}).stdout.splitlines()
    borders = [line for line in said if line.startswith(("┏", "├", "└"))]
    assert borders
    assert all(line.endswith(("┓", "┤", "┘")) for line in borders)
    assert "197006152010031050" in "".join(said)


def test_wrong_options_are_usage_errors() -> None:
    assert run(app, ["check", GOOD, "--today", "besok"]).exit_code == 2
    assert run(app, ["check", GOOD, "--locale", "jv"]).exit_code == 2


def test_a_name_that_looks_like_markup_is_printed_as_it_stands(tmp_path: Path) -> None:
    roster = tmp_path / "r.csv"
    roster.write_text(f"{HEADER}\n{TOP}\n{SHARED.replace('Budi', '[red]Budi[/nix]')}\n")
    result = run(app, ["check", str(roster)], env={"COLUMNS": "200"})
    assert "[red]Budi[/nix]" in result.stdout


def test_the_module_imports_nothing_heavy() -> None:
    code = "import sys, cli.roster.commands; print([m for m in ('rich.table','pydantic','sqlalchemy','prefect','yaml','python_calamine','rules.roster.doctor') if m in sys.modules])"  # noqa: E501
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.strip() == "[]"


def test_the_waivers_beside_the_roster_are_used_and_named(tmp_path: Path) -> None:
    (tmp_path / "roster.csv").write_text(f"{HEADER}\n{TOP}\n{SHARED}\n")
    (tmp_path / "waivers.csv").write_text("nip,code,reason\n197101012010031001,address_shared,satu komputer\n")
    result = run(app, ["check", str(tmp_path / "roster.csv"), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["waivers"].endswith("waivers.csv")
    assert "pengesampingan dari waivers.csv" in run(app, ["check", str(tmp_path / "roster.csv")]).stdout


def many_faults(path: Path, count: int = 285) -> Path:
    header = HEADER.replace("employment", "Jenis Pegawai").replace("email", "Surel")
    numbers = [f"19{70 + n % 20}0101{2000 + n // 20}031001" for n in range(1, count)]
    boss = TOP.split(",")[0]
    rows = [f"{nip},Orang {n},o{n}@contoh.example,Honorer,A,{boss},tidak," for n, nip in enumerate(numbers)]
    path.write_text("\n".join([header, TOP, *rows]) + "\n")
    return path


def test_the_same_cause_is_told_once_with_count_examples_and_the_column_of_this_file(tmp_path: Path) -> None:
    path = many_faults(tmp_path / "r.csv")
    report = json.loads(run(app, ["check", str(path), "--json"]).stdout)
    (group,) = [group for group in report["groups"] if group["code"] == "employment_unreadable"]
    assert (group["count"], len(group["examples"]), group["column"]) == (284, 5, "Jenis Pegawai")
    assert "Jenis Pegawai" in group["remedy"]
    assert sum(group["count"] for group in report["groups"]) == len(report["problems"])
    said = run(app, ["check", str(path)], env={"COLUMNS": "200"}).stdout
    assert said.count("employment_unreadable") == 1
    assert "284" in said
    assert "279 lainnya" in said


def test_each_cell_with_an_error_is_named_in_the_table(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    other = SHARED.replace("197101", "197201").replace("ani@", "cici@")
    path.write_text(f"{HEADER}\n{TOP}\n{SHARED.replace('ani@', 'budi@')}#N/A\n{other}#REF!\n")
    said = run(app, ["check", str(path)], env={"COLUMNS": "300"}).stdout
    assert "Budi: H3 #N/A" in said
    assert "Budi: H4 #REF!" in said


def test_the_file_is_written_back_with_its_problems_marked_and_reads_as_before(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    zeros = SHARED.replace(",A,", ",0007,").replace("pns", "honorer")
    path.write_text(f"DAFTAR PEGAWAI\n{HEADER},hobi\n{TOP},catur\n{zeros},=1+1\n")
    out = tmp_path / "marked.xlsx"
    before = json.loads(run(app, ["check", str(path), "--json", "--xlsx", str(out)]).stdout)
    book = openpyxl.load_workbook(out)
    sheet = book.worksheets[0]
    assert sheet["A1"].value == "DAFTAR PEGAWAI"
    assert [sheet["E4"].value, sheet["I4"].value, sheet["I4"].data_type] == ["0007", "=1+1", "s"]
    assert sheet["D4"].fill.fgColor.rgb == "FFF8CBAD"
    assert "honorer" in sheet["D4"].comment.text
    assert sheet["A4"].comment is None
    assert "pns, pppk atau cpns" in sheet["J4"].value
    assert sheet["J3"].value is None or "honorer" not in sheet["J3"].value
    assert book.worksheets[1].title == "Ringkasan"
    after = json.loads(run(app, ["check", str(out), "--json"]).stdout)
    assert after["counts"] == before["counts"]
    assert after["source"]["unread"] == before["source"]["unread"] == ["hobi"]


def test_the_file_itself_is_not_overwritten(tmp_path: Path) -> None:
    path = many_faults(tmp_path / "r.csv", 3)
    assert run(app, ["check", str(path), "--xlsx", str(path)]).exit_code == 2
    assert path.read_text().startswith("nip,")


@pytest.mark.parametrize(("locale", "words"), [("id", "tidak ada yang ditulis"), ("en", "nothing was written")])
@pytest.mark.parametrize("place", ["nowhere/x.xlsx", "folder", "file/x.xlsx", "pipe", "x" * 300])
def test_a_place_that_cannot_be_written_is_one_sentence_and_nothing_is_written(
    tmp_path: Path, place: str, locale: str, words: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")
    os.mkfifo(tmp_path / "pipe")
    before = sorted(tmp_path.rglob("*"))
    result = run(app, ["check", GOOD, "--xlsx", str(tmp_path / place), "--locale", locale])
    assert (result.exit_code, type(result.exception)) == (2, SystemExit)
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "file").read_text() == "mine"


def test_a_disk_that_is_full_leaves_the_older_file_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "marked.xlsx").write_text("older")
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "from cli.roster.commands import app; app(sys.argv[1:])"
    )
    words = [sys.executable, "-c", code, "check", GOOD, "--xlsx", str(tmp_path / "marked.xlsx"), "--locale", "en"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT, timeout=60)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "is too large: nothing was written" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["marked.xlsx"]
    assert (tmp_path / "marked.xlsx").read_text() == "older"


@pytest.mark.parametrize(
    ("name", "indonesian", "english"),
    [
        ("", "adalah folder", "is a folder"), ("folder", "adalah folder", "is a folder"),
        ("/dev/null", "bukan berkas biasa", "is no ordinary file"), ("nowhere.csv", "tidak ada", "is not there"),
        ("x" * 300, "bernama terlalu panjang", "has too long a name"),
    ],
)  # fmt: skip
def test_what_is_no_file_is_called_what_it_is(tmp_path: Path, name: str, indonesian: str, english: str) -> None:
    (tmp_path / "folder").mkdir()
    result = run(app, ["check", str(tmp_path / name) if name else ""])
    assert (result.exit_code, type(result.exception)) == (2, SystemExit)
    assert indonesian in result.stderr or english in result.stderr
