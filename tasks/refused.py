"""What Prefect may show of a refusal: a code, counts and row numbers. Its words may quote the files of an agency, so
they go to whoever asks at the command line, and nowhere else."""

import re

from actions.cycle.cycles import LaunchRefused
from actions.cycle.launching import FolderUnknown
from actions.roster.imports import ImportRefused
from policies import PackRefused
from rules.files.agency_files import AgencyFileRefused
from rules.roster.columns import RosterRefused

CODES: dict[type[Exception], str] = {
    FolderUnknown: "unknown-folder", AgencyFileRefused: "agency-files", PackRefused: "policy-pack",
    RosterRefused: "roster", ImportRefused: "import", LaunchRefused: "launch",
}  # fmt: skip
REFUSALS = tuple(CODES)
MOST_ROWS = 20
WHERE = "its words: appraisal cycle plan, and appraisal roster check, with the same folder"
_ROW = re.compile(r"\b(?:rows?|lines?|baris)\s+(\d{1,7})\b", re.IGNORECASE)


def told(refused: Exception) -> str:
    """`refused (roster): 3 problems, rows 4, 17`, and where its words are to be had."""
    code = next(code for kind, code in CODES.items() if isinstance(refused, kind))
    if isinstance(refused, FolderUnknown):
        return f"refused ({code}): the form takes the name of a folder among the agencies, and this is none"
    lines = [line for line in str(refused).splitlines() if line.strip()]
    rows = sorted({int(number) for line in lines for number in _ROW.findall(line)})
    shown = ", ".join(map(str, rows[:MOST_ROWS])) + (" ..." if len(rows) > MOST_ROWS else "")
    count = f"{len(lines)} problem{'s' if len(lines) != 1 else ''}"
    if brief := getattr(refused, "brief", ""):
        return brief  # made of codes, counts and rows where it was refused
    return f"refused ({code}): {count}{f', rows {shown}' if rows else ''}; {WHERE}"
