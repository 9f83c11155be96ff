"""`appraisal roster`: the doctor that looks at a roster before anything is launched."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

import cli.roster.report
from cli.language import choose, say, spoken
from cli.refusals import explain
from cli.roster import imports

if TYPE_CHECKING:
    from rules.roster.doctor import Examination
    from rules.terms import Locale

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Look at a roster before anything is launched, and take it in."
)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="CSV, XLSX, XLS, ODS, or a table of a web page.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    waivers: Annotated[
        Path | None, typer.Option(help="CSV with nip,code,reason; otherwise waivers.csv beside FILE, if there is one.")
    ] = None,
    today: Annotated[str, typer.Option(help="Examine as of this day, YYYY-MM-DD; otherwise today.")] = "",
    locale: Annotated[str, typer.Option(help="Language of what is found: id (usual) or en.")] = "",
    rows: Annotated[bool, typer.Option("--rows", help="Print every row, not only each cause once.")] = False,
    xlsx: Annotated[
        Path | None, typer.Option(help="Write the file back to this place, with its problems marked and what to do.")
    ] = None,
) -> None:
    """Find every problem with row, person, who must mend it and how; exit 1 if any blocks, 2 if FILE is no roster."""
    from actions.roster.agency_files import waivers_beside
    from actions.roster.files import read_roster, read_waivers
    from rules.roster.columns import RosterRefused
    from rules.roster.doctor import examine
    from rules.terms import Locale

    if locale not in {"", *Locale}:
        raise typer.BadParameter("id / en", param_hint="--locale")
    language = spoken("id", locale)
    day = _day(today)
    used = waivers or waivers_beside(file)
    if xlsx:
        _demand_place(xlsx, file, language)
    try:
        reasons = read_waivers(used) if used else {}
        with _bar() as progress:
            examination = examine(read_roster(file, progress), day, reasons)
        if xlsx:
            _write_back(file, examination, xlsx, language)
    except RosterRefused as refused:
        typer.echo(explain(refused), err=True)
        raise typer.Exit(2) from refused
    if as_json:
        cli.roster.report.print_json(file, day, examination, language, used)
    else:
        cli.roster.report.print_table(file, day, examination, language, used, every_row=rows)
    raise typer.Exit(1 if examination.blocks else 0)


def _demand_place(out: Path, file: Path, locale: "Locale") -> None:
    """Refuse a place that cannot be written before a large roster is read."""
    try:
        same = out.exists() and out.resolve() == file.resolve()
        is_folder, has_folder = out.is_dir(), out.parent.is_dir()
    except OSError as error:  # a name that is too long
        _refuse_place(out, error, locale)
    if same:
        raise typer.BadParameter(
            say("itu berkasnya sendiri; sebutkan yang lain", "the file itself; name another one"), param_hint="--xlsx"
        )
    if is_folder or not has_folder:
        _refuse_place(out, OSError(errno.EISDIR if is_folder else errno.ENOENT, ""), locale)


def _write_back(file: Path, examination: "Examination", out: Path, locale: "Locale") -> None:
    from actions.roster.marked import write_marked

    try:
        write_marked(file, examination, out, locale)
    except OSError as error:
        _refuse_place(out, error, locale)


def _refuse_place(out: Path, error: OSError, locale: "Locale") -> NoReturn:
    from rules.files.file_reasons import reason

    indonesian, english = reason(error)
    choose(locale.value)
    place = out.parent if error.errno == errno.ENOENT else out
    typer.echo(
        say(
            f"--xlsx: {place} {indonesian}: tidak ada yang ditulis. Sebutkan berkas di folder yang ada.",
            f"--xlsx: {place} {english}: nothing was written. Name a file in a folder that is there.",
        ),
        err=True,
    )
    raise typer.Exit(2) from error


def _day(text: str) -> date:
    """The day named, or today in Jakarta: the doctor needs no database and so has no clock of a simulation."""
    if text:
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise typer.BadParameter("YYYY-MM-DD", param_hint="--today") from None
    from datetime import datetime
    from zoneinfo import ZoneInfo

    return datetime.now(ZoneInfo("Asia/Jakarta")).date()


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    """A progress bar on the error stream, gone when done; nothing where that is no terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(say("Daftar pegawai", "Roster"), total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


imports.register(app)
