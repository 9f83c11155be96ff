"""A roster of 100,000 people, as CSV and as XLSX: the doctor beside a bare reader of the same file.

python -m benchmarks.roster --json
"""

import argparse
import json
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import xlsxwriter

PEOPLE = 100_000
HEADER = "nip,name,email,employment,unit_code,unit_name,post,post_group,superior_nip,is_unit_head,roles,active_from"
TIMED = """
import json, resource, sys, time
from datetime import date
from pathlib import Path
def used(): return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
def peak(status): return int(status.split("VmHWM:")[1].split()[0]) / 1024
path = Path(sys.argv[1])
{imports}
before, start = peak(Path("/proc/self/status").read_text()), used()
rows = {read}
own = peak(Path("/proc/self/status").read_text()) - before
print(json.dumps({{"rows": rows, "seconds": used() - start, "megabytes": own,
                   "child": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024}}))
"""
DOCTOR = ("from actions.roster.files import read_roster\nfrom rules.roster.doctor import examine",
          "examine(read_roster(path), date(2027, 1, 2)).counts['accepted']")  # fmt: skip
BARE = {
    "csv": ("import csv", "sum(1 for row in csv.reader(path.open(newline='')))"),
    "xlsx": ("from python_calamine import CalamineWorkbook",
             "sum(1 for row in CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).iter_rows())"),
}  # fmt: skip


def rows(people: int) -> list[list[str]]:
    """A sound roster: units of twenty, each under its head, the heads under one of four hundred."""
    first = date(1965, 1, 1).toordinal()

    def nip(index: int) -> str:
        return f"{date.fromordinal(first + index // 900):%Y%m%d}2010031{index % 900 + 1:03}"

    made = [HEADER.split(",")]
    for index in range(people):
        head = index // 20 * 20 if index % 20 else index // 400
        made.append([
            nip(index), f"Orang {index}", f"orang.{index}@contoh.example", "pns", f"U{index // 20}",
            f"Unit {index // 20}", "Guru", "jf", nip(head) if index else "", "tidak" if index % 20 else "ya",
            "" if index else "performance_admin;appointing_authority", "2010-03-01",
        ])  # fmt: skip
    return made


def write(folder: Path, people: int) -> dict[str, Path]:
    """The roster in both formats."""
    made = rows(people)
    paths = {kind: folder / f"roster.{kind}" for kind in ("csv", "xlsx")}
    paths["csv"].write_text("\n".join(map(",".join, made)) + "\n", "utf-8")
    with xlsxwriter.Workbook(str(paths["xlsx"]), {"strings_to_numbers": False}) as book:
        sheet = book.add_worksheet("Data")
        for number, row in enumerate(made):
            sheet.write_row(number, 0, row)
    return paths


def timed(path: Path, imports: str, read: str) -> dict[str, float]:
    """Seconds of the processor and megabytes at most, beyond a bare interpreter with its imports."""
    code = TIMED.format(imports=imports, read=read)
    run = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)  # noqa: S603
    return json.loads(run.stdout)


def measure(people: int = PEOPLE) -> dict[str, Any]:
    """Doctor and bare reader on both files."""
    with tempfile.TemporaryDirectory() as folder:
        paths = write(Path(folder), people)
        return {
            kind: {"doctor": timed(path, *DOCTOR), "bare": timed(path, *BARE[kind])} for kind, path in paths.items()
        }


def words(found: dict[str, Any]) -> str:
    """A table of it."""
    lines = [f"roster of {PEOPLE} people: seconds of the processor, megabytes of the process and of its child"]
    for kind, sides in found.items():
        for side, figures in sides.items():
            child = f", child {figures['child']:.0f}" if side == "doctor" else ""
            lines.append(f"  {kind} {side}: {figures['seconds']:.1f} s, {figures['megabytes']:.0f} MB{child}")
        lines.append(f"  {kind}: {sides['doctor']['seconds'] / sides['bare']['seconds']:.0f} times the bare reader")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.roster", description=__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--json", action="store_true")
    said = parser.parse_args()
    found = measure(said.people)
    print(json.dumps(found) if said.json else words(found))


if __name__ == "__main__":
    main()
