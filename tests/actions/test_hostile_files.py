"""Files meant to harm: each is refused in words within seconds, in little memory, and the process goes on."""

import json
import resource
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from actions.cycle.launching import pack_of
from actions.roster.agency_files import read_agency
from actions.roster.files import read_roster
from actions.tables import reader
from policies import PackRefused, parse
from rules.files.agency_files import AgencyFileRefused
from rules.roster.columns import RosterRefused
from tests.actions.test_roster_sheets import BOSS, HEADER, TABLE, book, csv

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
SPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "urn:oasis:names:tc:opendocument:xmlns"


def workbook(path: Path, sheet: bytes | Callable[[], bytes], strings: bytes = b"") -> Path:
    """An XLSX with these parts as they are."""
    book(path, Data=TABLE)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/worksheets/sheet1.xml"] = sheet if isinstance(sheet, bytes) else sheet()
    if strings:
        parts["xl/sharedStrings.xml"] = strings
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def zip_bomb(path: Path) -> Path:
    return workbook(path, f'<worksheet xmlns="{SPACE}"><sheetData>'.encode() + b" " * (200 << 20))


def entity_bomb(path: Path) -> Path:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    return workbook(path, f'<!DOCTYPE x [<!ENTITY e0 "x">{entities}]><worksheet>&e11;</worksheet>'.encode())


def long_strings(path: Path) -> Path:
    text = b"<si><t>" + b"x" * (90 << 20) + b"</t></si>"
    return workbook(path, b"<worksheet><sheetData/></worksheet>", b'<sst xmlns="x">' + text + b"</sst>")


def deep(path: Path) -> Path:
    return workbook(path, b"<worksheet><sheetData>" + b"<a>" * 3_000_000)


def many_merges(path: Path) -> Path:
    merges = b"".join(b'<mergeCell ref="A%d:A%d"/>' % (n, n + 1) for n in range(1, 100_001))
    return workbook(path, b"<worksheet><sheetData/><mergeCells>" + merges + b"</mergeCells></worksheet>")


def repeated_rows(path: Path) -> Path:
    cells = "".join(f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>" for cell in HEADER)
    row = '<table:table-row table:number-rows-repeated="1048576">'
    name = '<table:table-cell table:number-columns-repeated="16384"><text:p>x</text:p></table:table-cell>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "content.xml",
            f'<office:document xmlns:office="{OFFICE}:office:1.0" xmlns:table="{OFFICE}:table:1.0" '
            f'xmlns:text="{OFFICE}:text:1.0"><table:table table:name="A"><table:table-row>{cells}</table:table-row>'
            f"{row}{name}</table:table-row></table:table></office:document>",
        )
    return path


def endless_line(path: Path) -> Path:
    with path.open("wb") as file:
        file.write(";".join(HEADER).encode() + b"\n")
        for _ in range(100):
            file.write(b"x" * (1 << 20))
    return path


def endless_quote(path: Path) -> Path:
    return csv(path, HEADER, '"' + ";" * 1000, *["x"] * 200_000)


def nonsense(path: Path) -> Path:
    return csv(path, HEADER, *["a;b;c@contoh.example;d;e;f;g;;"] * 100_000)


def html_bomb(path: Path) -> Path:
    path.write_text("<html><table><tr>" + '<td colspan="99999999" rowspan="99999999">x' * 200_000)
    return path


BOMBS = [zip_bomb, entity_bomb, long_strings, deep, many_merges, repeated_rows, endless_line, endless_quote, nonsense,
         html_bomb]  # fmt: skip


@pytest.mark.parametrize("make", BOMBS, ids=lambda make: make.__name__)
def test_a_hostile_roster_is_refused_in_seconds_and_little_memory(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    path = make(tmp_path / "roster.xlsx")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    used = time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    try:
        taken = sum(1 for _ in read_roster(path))
    except RosterRefused as refused:
        said = str(refused)
    else:
        said = "read" if taken < 300_000 else ""
        assert make in (endless_line, endless_quote)
    assert said == "read" or " / " in said
    spent = time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) - used
    assert spent < 25  # of the processor, on a busy machine
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024


def test_an_endless_line_is_said_to_be_one_and_costs_no_other(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_bytes(f"{';'.join(HEADER)}\n{'x' * 3_000_000}\n{';'.join(BOSS[:7])}\n".encode())
    items = list(read_roster(path))
    assert [getattr(item, "row", None) for item in items[1:3]] == [2, 3]


@pytest.mark.parametrize(("limit", "words"), [("MEMORY", "MB"), ("SECONDS", "detik")])
def test_a_child_over_its_limit_ends_in_a_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, words: str
) -> None:
    strings = b"".join(b"<si><t>%d</t></si>" % number for number in range(600_000))
    path = workbook(tmp_path / "r.xlsx", b"<worksheet><sheetData/></worksheet>", b"<sst>" + strings + b"</sst>")
    monkeypatch.setattr(reader, limit, 40 << 20 if limit == "MEMORY" else 0)
    monkeypatch.setattr(reader, f"{limit}_EACH", 0)
    if limit == "SECONDS":
        monkeypatch.setattr(reader, "_seconds", lambda _size: 0)
    with pytest.raises(RosterRefused, match=words):
        list(read_roster(path))


def test_a_child_that_dies_is_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "CODE", "import os; os.abort()")
    with pytest.raises(RosterRefused, match="MB"):
        list(read_roster(csv(tmp_path / "r.csv", *TABLE)))
    monkeypatch.setattr(reader, "CODE", "import sys; sys.exit(3)")
    with pytest.raises(RosterRefused, match="berhenti"):
        list(read_roster(csv(tmp_path / "r.csv", *TABLE)))


def test_the_child_knows_nothing_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPRAISAL_SECRET", "geheim")
    code = "import os, json, sys; print(json.dumps({'refused': [' '.join(os.environ), 'x']}))"
    monkeypatch.setattr(reader, "CODE", code)
    with pytest.raises(RosterRefused) as refused:
        list(read_roster(csv(tmp_path / "r.csv", *TABLE)))
    assert "APPRAISAL" not in str(refused.value)


def test_no_child_is_left_when_the_reader_stops_asking(tmp_path: Path) -> None:
    rows = read_roster(csv(tmp_path / "r.csv", HEADER, *[BOSS[:8]] * 50_000))
    next(rows)
    next(rows)
    del rows
    assert not any(b"actions.tables.child" in _command(child) for child in Path("/proc").glob("[0-9]*"))


def _command(process: Path) -> bytes:
    try:
        stat = (process / "stat").read_text().rpartition(")")[2].split()
        mine = int(stat[1]) == int(Path("/proc/self/stat").read_text().split()[0])
        return (process / "cmdline").read_bytes() if mine and stat[0] != "Z" else b""
    except OSError:
        return b""


# files of an agency


def agency(tmp_path: Path, overrides: str) -> Path:
    for path in (EXAMPLES / "palu").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    said = (tmp_path / "agency.yaml").read_text("utf-8")
    (tmp_path / "agency.yaml").write_text(said.replace("min_peer_givers: 4", overrides), "utf-8")
    return tmp_path


def aliases(levels: int, before: str = "", merge: bool = False) -> str:
    lines = [f"{before}a0: &a0 {{k: 1}}" if merge else f"{before}a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    for level in range(1, levels):
        names = ", ".join([f"*a{level - 1}"] * 9)
        lines.append(f"{before}a{level}: &a{level} " + (f"{{<<: [{names}]}}" if merge else f"[{names}]"))
    return "\n    ".join(lines)


@pytest.mark.parametrize("overrides", [aliases(9), aliases(30), aliases(9, merge=True)])
def test_anchors_that_stand_for_billions_are_refused_without_making_them(tmp_path: Path, overrides: str) -> None:
    folder = agency(tmp_path, overrides)
    code = (
        "import json, re, sys; from pathlib import Path; from actions.roster.agency_files import read_agency\n"
        "try: read_agency(Path(sys.argv[1])); said = ''\n"
        "except Exception as error: said = str(error)\n"
        "print(json.dumps([said, int(re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1]) >> 10]))"
    )
    words = [sys.executable, "-c", code, str(folder)]
    run = subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT, timeout=60)
    said, megabytes = json.loads(run.stdout)
    assert "agency.yaml: cannot be read: its anchors stand for" in said
    assert megabytes < 200


def test_a_few_anchors_are_fine(tmp_path: Path) -> None:
    folder = agency(tmp_path, "min_peer_givers: &four 4\n    x: *four")
    assert read_agency(folder).agency.policy.overrides["x"] == 4
    with pytest.raises(PackRefused, match="x"):
        pack_of(read_agency(folder))


def test_a_pack_of_anchors_is_refused() -> None:
    with pytest.raises(PackRefused, match="more than"):
        parse(aliases(12).replace("\n    ", "\n"), "pack.yaml")


@pytest.mark.parametrize("content", ["x: " + "[" * 100_000, "# x\n" * 100_000, "x: " + "{a: " * 50_000])
def test_yaml_too_deep_or_too_large_is_refused_by_name(tmp_path: Path, content: str) -> None:
    folder = agency(tmp_path, "min_peer_givers: 4")
    (folder / "calendar.yaml").write_text(content, "utf-8")
    with pytest.raises(AgencyFileRefused, match=r"calendar\.yaml"):
        read_agency(folder)


# two rosters in a folder


def test_two_rosters_in_a_folder_are_refused_by_name_and_any_format_is_found(tmp_path: Path) -> None:
    folder = agency(tmp_path, "min_peer_givers: 4")
    book(folder / "Roster.XLSX", Data=TABLE)
    with pytest.raises(AgencyFileRefused, match=r"two rosters, Roster\.XLSX, roster\.csv"):
        read_agency(folder)
    (folder / "roster.csv").unlink()
    assert read_agency(folder).roster.name == "Roster.XLSX"
    for name in ("roster.xls", "ROSTER.ods", "Roster.CSV"):
        found = next(path for path in folder.iterdir() if path.stem.lower() == "roster")
        found.rename(folder / name)
        (folder / "~$roster.xlsx").write_bytes(b"x")
        assert read_agency(folder).roster.name == name
