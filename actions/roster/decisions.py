"""What HR decides about an import beside the file: who leaves is meant, who is the same person, what was seen."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from actions.roster.agency_files import AgencyFolder
from actions.roster.files import read_waivers
from rules.roster.columns import RosterRefused, clean_nip
from rules.roster.doctor import EVERYBODY, RosterItem, RosterRow, nip_faults

CORRECTIONS = "nip_corrections.csv"
"""Beside the roster: one line for each person whose NIP was corrected."""
COLUMNS = ("old_nip", "new_nip", "reason")


@dataclass(frozen=True, slots=True)
class Decisions:
    leavers: bool = False
    """It was confirmed that so many leave."""
    same: Mapping[str, str] = field(default_factory=dict)
    """Old NIP -> new NIP of one person."""
    seen: str = ""
    """The digest of the preview that was confirmed; empty: nobody looked before."""
    without_held_back: str = ""
    """Why a cycle is launched without those whom the roster holds back."""
    without_officer: str = ""
    """Why it is launched though nobody is HR officer or appointing authority."""
    dates_stand: str = ""
    """Why the calendar stands though dates of it have passed; said in the folder only."""
    waivers: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Of the folder: (NIP, code of the problem) -> reason."""


def decisions_of(folder: AgencyFolder, said: Decisions) -> Decisions:
    """What was said, with what the folder itself says; RosterRefused names each line that cannot be read."""
    waivers = read_waivers(folder.waivers) if folder.waivers else {}
    corrections = corrections_file(folder)
    same = read_corrections(corrections) if corrections else {}
    return replace(
        said,
        waivers={**waivers, **said.waivers},
        same={**same, **said.same},
        without_held_back=said.without_held_back or waivers.get((EVERYBODY, "held_back"), ""),
        without_officer=said.without_officer or waivers.get((EVERYBODY, "role_unfilled"), ""),
        dates_stand=waivers.get((EVERYBODY, "dates_passed"), ""),
    )


def corrections_file(folder: AgencyFolder) -> Path | None:
    path = folder.directory / CORRECTIONS
    return path if path.is_file() else None


def read_corrections(path: Path) -> dict[str, str]:
    """Read old_nip,new_nip,reason; refused as a whole, naming each line that does not say who, whose and why."""
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        sample = file.readline()
        file.seek(0)
        reader = csv.DictReader(file, delimiter=max(",;\t", key=sample.count))
        if not {(name or "").strip().lower() for name in reader.fieldnames or ()} >= set(COLUMNS):
            raise RosterRefused(
                f"{path.name}: perlu kolom {', '.join(COLUMNS)}; Pengelola Kinerja menambahkannya. / "
                f"{path.name} needs the columns {', '.join(COLUMNS)}: HR adds them."
            )
        lines = [
            (number, {(key or "").strip().lower(): str(value or "").strip() for key, value in record.items()})
            for number, record in enumerate(reader, 2)
        ]
    bad = [str(number) for number, cells in lines if not (_pair(cells) and cells.get("reason"))]
    if bad:
        raise RosterRefused(
            f"{path.name}: baris {', '.join(bad)} perlu dua NIP 18 digit dan alasan; Pengelola Kinerja melengkapinya. "
            f"/ line {', '.join(bad)} needs two NIPs of 18 digits and a reason: HR completes it."
        )
    return dict(pair for _, cells in lines if (pair := _pair(cells)))


def _pair(cells: Mapping[str, str]) -> tuple[str, str] | None:
    old, new = clean_nip(cells.get("old_nip", "")), clean_nip(cells.get("new_nip", ""))
    return (old, new) if old and not nip_faults(new) and old != new else None


def read_pairs(texts: Iterable[str]) -> dict[str, str]:
    """`OLD=NEW`, as a command line says it."""
    same: dict[str, str] = {}
    for text in texts:
        old, _, new = text.partition("=")
        pair = _pair({"old_nip": old, "new_nip": new})
        if pair is None:
            raise RosterRefused(
                f"{text!r}: tulis NIP_LAMA=NIP_BARU, keduanya 18 digit. / write OLD_NIP=NEW_NIP, of 18 digits each."
            )
        same[pair[0]] = pair[1]
    return same


def renamed(rows: Iterable[RosterItem], same: Mapping[str, str]) -> Iterator[RosterItem]:
    """The rows, with whoever is named by an old NIP named by the new one."""
    for row in rows:
        if isinstance(row, RosterRow) and same:
            row.superior_nip = same.get(row.superior_nip, row.superior_nip)
            row.acting_for_nip = same.get(row.acting_for_nip, row.acting_for_nip)
        yield row
