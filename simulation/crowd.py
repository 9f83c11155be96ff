"""A larger roster made from an agency's own: the same tree of units and raters, with invented people added below."""

import csv
import shutil
from datetime import date, timedelta
from pathlib import Path
from random import Random

from rules.files.agency_files import AgencyFileRefused

FIRST = ("Abdul", "Andi", "Baiq", "Dewi", "Eka", "Fitri", "Gede", "Hasan", "Indah", "Joko", "Kurnia", "Lestari", "Made",
         "Nur", "Oki", "Putri", "Rahmat", "Sri", "Tri", "Wahyu", "Yuni", "Zainal")  # fmt: skip
LAST = ("Anwar", "Basri", "Daeng", "Fauzi", "Ginting", "Hidayat", "Iskandar", "Kusuma", "Lubis", "Mahendra", "Nasution",
        "Pratama", "Rahman", "Saputra", "Siregar", "Utami", "Wijaya", "Yusuf")  # fmt: skip
SPAN = 12
"""People per rater among those added."""


def grown(directory: Path, people: int, seed: int, into: Path) -> Path:
    """Copy the agency's folder and add people until its roster has `people` rows; raters keep a human span."""
    if not directory.is_dir():
        raise AgencyFileRefused([f"{directory}: no such folder"])
    target = into / directory.name
    shutil.copytree(directory, target)
    with (directory / "roster.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = list(rows[0])
    numbers = {row["nip"] for row in rows}
    rng = Random(seed)
    seniors = [row for row in rows if row["superior_nip"] and row["post_group"] != "jpt"] or rows
    raters = list(seniors)
    load: dict[str, int] = {}
    while len(rows) < people:
        rater = raters[0]
        row = _person(rater, columns, rng, numbers, len(rows))
        rows.append(row)
        raters.append(row)
        load[rater["nip"]] = load.get(rater["nip"], 0) + 1
        if load[rater["nip"]] >= SPAN:
            raters.pop(0)
    with (target / "roster.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return target


def _person(rater: dict[str, str], columns: list[str], rng: Random, numbers: set[str], n: int) -> dict[str, str]:
    born = date(1968, 1, 1) + timedelta(days=rng.randrange(365 * 30))
    appointed = date(born.year + 24 + rng.randrange(4), rng.randrange(1, 13), 1)
    sex = rng.choice("12")
    nip = next(
        number
        for serial in range(1, 1000)
        if (number := f"{born:%Y%m%d}{appointed:%Y%m}{sex}{serial:03d}") not in numbers
    )
    numbers.add(nip)
    first, last = rng.choice(FIRST), rng.choice(LAST)
    domain = rater["email"].rsplit("@", 1)[-1]
    taken = {
        "nip": nip, "name": f"{first} {last}", "email": f"{first}.{last}.{n}@{domain}".lower(), "employment": "pns",
        "unit_code": rater["unit_code"], "unit_name": rater["unit_name"], "parent_unit_code": rater["parent_unit_code"],
        "post": "Pelaksana", "post_group": "ja", "job_family": rater["job_family"], "superior_nip": rater["nip"],
        "is_unit_head": "tidak", "active_from": f"{appointed}",
    }  # fmt: skip
    return {column: taken.get(column, "") for column in columns}
