"""`appraisal roster import`: take in an agency's folder, or see first what that would do to whom."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.language import say, spoken
from cli.refusals import explain

if TYPE_CHECKING:
    from actions.roster.imports import ImportReport
    from rules.terms import Locale


WORDS = {
    "rows": "baris", "added": "baru", "changed": "berubah", "unchanged": "tetap", "left": "keluar",
    "held_back": "ditahan", "returned": "kembali", "moves": "mutasi", "new_superiors": "atasan baru",
    "addresses": "alamat", "units": "unit", "roles": "peran", "mandates": "mandat", "absences": "ketidakhadiran",
    "holidays": "hari libur", "leavers_waiting": "keluar, menunggu", "appraisals_opened": "penilaian dibuka",
    "appraisals_closed": "penilaian ditutup", "appraisals_reopened": "penilaian dibuka lagi",
    "raters_changed": "penilai berganti", "assignments_moved": "tugas berpindah",
    "assignments_withdrawn": "tugas ditarik", "assignments_stuck": "tugas tertahan", "links_revoked": "tautan dicabut",
    "kept": "koreksi dipertahankan", "latecomers": "diundang menyusul",
}  # fmt: skip
"""What an import counts, in Indonesian; in English it is called as in the code."""
SHOWN_NEW = 50
"""A first import lists so many newcomers; --json lists all."""

ConfirmLeavers = Annotated[
    bool, typer.Option("--confirm-leavers", help="It is meant that so many people leave, as the preview lists them.")
]
SamePerson = Annotated[
    list[str] | None,
    typer.Option("--same-person", metavar="OLD_NIP=NEW_NIP", help="A corrected NIP: the person keeps everything."),
]
Seen = Annotated[str, typer.Option("--seen", help="Digest of the preview; refused if anything changed since.")]


def register(app: typer.Typer) -> None:
    """Add the command to `appraisal roster`."""
    app.command("import")(take_in)


def take_in(
    directory: Annotated[Path, typer.Argument(help="Folder with agency.yaml, calendar.yaml, roster.csv, ...")],
    as_of: Annotated[str, typer.Option(help="First day of what changed, YYYY-MM-DD; otherwise today.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what would happen to whom; change nothing.")] = False,
    confirm_leavers: ConfirmLeavers = False,
    same_person: SamePerson = None,
    seen: Seen = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
    locale: Annotated[str, typer.Option(help="Language of the report: id (usual) or en.")] = "",
) -> None:
    """Take in the roster; the same file twice changes nothing. Exit 1 if rows were held back, 2 if all was refused."""
    from zoneinfo import ZoneInfo

    import clock
    import database
    from actions.roster.agency_files import read_agency
    from actions.roster.decisions import Decisions, read_pairs
    from actions.roster.imports import ImportRefused, import_folder
    from rules.files.agency_files import AgencyFileRefused
    from rules.roster.columns import RosterRefused
    from rules.terms import Locale

    if locale not in {"", *Locale}:
        raise typer.BadParameter("id / en", param_hint="--locale")
    try:
        folder = read_agency(directory)
        said = Decisions(confirm_leavers, read_pairs(same_person or ()), seen)
        at = clock.now()
        day = _day(as_of) or at.astimezone(ZoneInfo(folder.agency.zone)).date()
        with _bar() as progress:
            report = import_folder(
                database.transaction, folder, as_of=day, at=at, progress=progress, said=said, preview=dry_run
            )
    except (AgencyFileRefused, ImportRefused, RosterRefused) as refused:
        typer.echo(explain(refused), err=True)
        raise typer.Exit(2) from refused
    print_report(report, spoken("id", locale), as_json=as_json)
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
        task = progress.add_task(say("Daftar pegawai", "Roster"), total=None)
        yield lambda what, done, of: progress.update(task, description=what, completed=done, total=of)


def print_report(report: "ImportReport", locale: "Locale", *, as_json: bool) -> None:
    """What happens to whom, who is held back and why, and the counts."""
    if as_json:
        typer.echo(json.dumps(report.as_json(), ensure_ascii=False, indent=2))
        return
    english = locale.value == "en"
    _print_people(report, english)
    for problem in report.problems:
        if problem.holds_row:
            message, fixer, remedy = problem.text(locale)
            typer.echo(f"{problem.row}: {problem.name or problem.nip}: {message} ({fixer}) {remedy} [{problem.code}]")
    if report.same_file:
        same = "the same file, nothing changed" if english else "berkas yang sama, tidak ada yang berubah"
        typer.echo(f"{report.agency}, {report.as_of}: {same}")
    counts = {"rows": report.rows, **{name: count for name, count in report.counts.items() if count}}
    words = {name: name.replace("_", " ") if english else WORDS[name] for name in counts}
    typer.echo(", ".join(f"{words[name]} {count}" for name, count in counts.items()))
    if report.preview:
        _print_preview(report, english)


def _print_people(report: "ImportReport", english: bool) -> None:
    from rules.roster.changes import KINDS, ChangeKind, people_by_kind, sentence

    for kind, count in people_by_kind(report.people).items():
        typer.echo(f"{KINDS[kind][english].capitalize()}: {count}")
        lines = [sentence(change, english) for change in report.people if change.kind is kind]
        shown = lines[:SHOWN_NEW] if kind is ChangeKind.NEW else lines
        for line in shown:
            typer.echo(f"  {line}")
        if len(lines) > len(shown):
            typer.echo(f"  ... +{len(lines) - len(shown)} (--json)")


def _print_preview(report: "ImportReport", english: bool) -> None:
    for loss in report.losses:
        where = loss.unit or report.agency
        typer.echo(
            f"{where}: {loss.leaving} of {loss.serving} would leave; this needs --confirm-leavers"
            if english
            else f"{where}: {loss.leaving} dari {loss.serving} orang akan keluar; perlu --confirm-leavers"
        )
    typer.echo(
        f"A preview: nothing was changed. To do exactly this: --seen {report.digest}"
        if english
        else f"Pratinjau: tidak ada yang diubah. Untuk melakukan persis ini: --seen {report.digest}"
    )
