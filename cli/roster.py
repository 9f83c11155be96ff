"""`appraisal roster`: the doctor that looks at a roster before anything is launched."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import roster_import
from cli.language import spoken

if TYPE_CHECKING:
    from rules.roster import Examination, Problem
    from rules.words import Locale

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Look at a roster before anything is launched, and take it in."
)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="CSV or XLSX.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    waivers: Annotated[Path | None, typer.Option(help="CSV with nip,code,reason.")] = None,
    today: Annotated[str, typer.Option(help="Examine as of this day, YYYY-MM-DD; otherwise today.")] = "",
    locale: Annotated[str, typer.Option(help="Language of what is found: id (usual) or en.")] = "",
) -> None:
    """Find every problem with row, person, who must mend it and how; exit 1 if any blocks, 2 if FILE is no roster."""
    from actions.roster_files import read_roster, read_waivers
    from rules.roster import examine
    from rules.roster_columns import RosterRefused
    from rules.words import Locale

    if locale not in {"", *Locale}:
        raise typer.BadParameter("id or en", param_hint="--locale")
    day = _day(today)
    try:
        reasons = read_waivers(waivers) if waivers else {}
        with _bar() as progress:
            examination = examine(read_roster(file, progress), day, reasons)
    except RosterRefused as refused:
        typer.echo(str(refused), err=True)
        raise typer.Exit(2) from refused
    show = _print_json if as_json else _print_table
    show(file, day, examination, spoken("id", locale))
    raise typer.Exit(1 if examination.blocks else 0)


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
        task = progress.add_task("Roster", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _print_json(file: Path, day: date, examination: "Examination", locale: "Locale") -> None:
    import json

    report = {
        "file": str(file),
        "today": day.isoformat(),
        "blocks": examination.blocks,
        "counts": examination.counts,
        "problems": [_as_json(problem, locale) for problem in examination.problems],
    }
    typer.echo(json.dumps(report, ensure_ascii=False, indent=2))


def _as_json(problem: "Problem", locale: "Locale") -> dict[str, object]:
    return {
        "row": problem.row,
        "nip": problem.nip,
        "name": problem.name,
        "code": problem.code,
        "severity": problem.severity.value,
        "blocks": problem.blocks,
        "holds_row": problem.holds_row,
        "waived": problem.waived,
        **problem.text(locale)._asdict(),
    }


def _print_table(file: Path, day: date, examination: "Examination", locale: "Locale") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from rules.roster_texts import COUNTS, SEVERITIES

    english = locale.value == "en"
    console = Console()
    if examination.problems:
        heads = {
            "id": ("Baris", "Siapa", "Tingkat", "Masalah", "Diperbaiki oleh", "Caranya"),
            "en": ("Row", "Who", "Severity", "Problem", "Mended by", "How"),
        }
        table = Table(title=escape(f"{file.name}, {day.isoformat()}"), show_lines=True)
        for head in heads[locale.value]:
            table.add_column(head, overflow="fold", width=18 if head in ("Siapa", "Who") else None)  # a NIP
        for problem in examination.problems:
            level = SEVERITIES[problem.severity][english]
            if problem.waived:
                level = f"{COUNTS['waived'][english]}: {problem.waived}"
            text = problem.text(locale)
            cells = (f"{problem.name}\n{problem.nip}".strip(), level, f"{text.message} [{problem.code}]", *text[1:])
            table.add_row(str(problem.row or ""), *(escape(cell) for cell in cells))
        console.print(table)
    console.print(", ".join(f"{COUNTS[name][english]} {count}" for name, count in examination.counts.items()))


roster_import.register(app)
