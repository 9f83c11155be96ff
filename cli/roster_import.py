"""`appraisal roster import`: take in an agency's folder."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.language import spoken

if TYPE_CHECKING:
    from actions.roster_import import ImportReport
    from rules.words import Locale


WORDS = {
    "rows": "baris", "added": "baru", "changed": "berubah", "unchanged": "tetap", "left": "keluar",
    "held_back": "ditahan", "returned": "kembali", "moves": "mutasi", "new_superiors": "atasan baru",
    "addresses": "alamat", "units": "unit", "roles": "peran", "mandates": "mandat", "absences": "ketidakhadiran",
    "holidays": "hari libur", "leavers_waiting": "keluar, menunggu", "appraisals_opened": "penilaian dibuka",
    "appraisals_closed": "penilaian ditutup", "appraisals_reopened": "penilaian dibuka lagi",
    "raters_changed": "penilai berganti", "assignments_moved": "tugas berpindah",
    "assignments_withdrawn": "tugas ditarik", "assignments_stuck": "tugas tertahan", "links_revoked": "tautan dicabut",
}  # fmt: skip
"""What an import counts, in Indonesian; in English it is called as in the code."""


def register(app: typer.Typer) -> None:
    """Add the command to `appraisal roster`."""
    app.command("import")(take_in)


def take_in(
    directory: Annotated[Path, typer.Argument(help="Folder with agency.yaml, calendar.yaml, roster.csv, ...")],
    as_of: Annotated[str, typer.Option(help="First day of what changed, YYYY-MM-DD; otherwise today.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
    locale: Annotated[str, typer.Option(help="Language of the report: id (usual) or en.")] = "",
) -> None:
    """Take in the roster; the same file twice changes nothing. Exit 1 if rows were held back, 2 if all was refused."""
    from zoneinfo import ZoneInfo

    import clock
    import database
    from actions.agency_files import read_agency
    from actions.roster_import import ImportRefused, import_folder
    from rules.agency_files import AgencyFileRefused
    from rules.roster_columns import RosterRefused
    from rules.words import Locale

    if locale not in {"", *Locale}:
        raise typer.BadParameter("id or en", param_hint="--locale")
    try:
        folder = read_agency(directory)
        at = clock.now()
        day = _day(as_of) or at.astimezone(ZoneInfo(folder.agency.zone)).date()
        with _bar() as progress:
            report = import_folder(database.transaction, folder, as_of=day, at=at, progress=progress)
    except (AgencyFileRefused, ImportRefused, RosterRefused) as refused:
        typer.echo(str(refused), err=True)
        raise typer.Exit(2) from refused
    _print(report, spoken("id", locale), as_json=as_json)
    raise typer.Exit(1 if report.counts["held_back"] else 0)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise typer.BadParameter("YYYY-MM-DD", param_hint="--as-of") from None


@contextmanager
def _bar() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on the error stream, gone when done; nothing where that is no terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Roster", total=None)
        yield lambda what, done, of: progress.update(task, description=what, completed=done, total=of)


def _print(report: "ImportReport", locale: "Locale", *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(report.as_json(), ensure_ascii=False, indent=2))
        return
    for problem in report.problems:
        if problem.holds_row:
            message, fixer, remedy = problem.text(locale)
            typer.echo(f"{problem.row}: {problem.name or problem.nip}: {message} ({fixer}) {remedy} [{problem.code}]")
    if report.same_file:
        same = "berkas yang sama, tidak ada yang berubah" if locale.value == "id" else "the same file, nothing changed"
        typer.echo(f"{report.agency}, {report.as_of}: {same}")
    counts = {"rows": report.rows, **{name: count for name, count in report.counts.items() if count}}
    words = {name: WORDS[name] if locale.value == "id" else name.replace("_", " ") for name in counts}
    typer.echo(", ".join(f"{words[name]} {count}" for name, count in counts.items()))
