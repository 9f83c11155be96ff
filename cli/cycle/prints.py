"""How `appraisal cycle` prints: tables for people, JSON for scripts."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

import typer

from cli.language import say, spoken
from cli.words import outlook, worded
from rules.terms import Locale

if TYPE_CHECKING:
    from actions.cycle.foresight import Plan
    from actions.steering.preview import Preview


WIDE = 160
"""Characters to a line in a file or a pipe, where nothing needs to be folded."""


def print_preview(seen: "Preview", *, as_json: bool) -> None:
    if as_json:
        notes = [note.en for note in seen.notes]
        people = [touch._asdict() for touch in seen.people]
        print_json({"action": seen.action, "counts": dict(seen.counts), "notes": notes, "people": people})
        return
    for name, count in seen.counts.items():
        typer.echo(f"{worded(name)}: {count}")
    for note in seen.notes:
        typer.echo(say(note.id, note.en))


def print_json(data: Any) -> None:
    typer.echo(json.dumps(data, ensure_ascii=False, indent=2))


def print_status(listed: list[dict[str, Any]]) -> None:
    if not listed:
        how = "appraisal cycle launch DIR --year Y"
        typer.echo(
            say(f"Belum ada siklus. Pengelola Kinerja membukanya: {how}", f"No cycle. HR launches one with: {how}")
        )
    for cycle in listed:
        columns = ("stage", "state", "opens", "due", "closes", "expected", "done", "percent", "overdue", "next")
        title = f"{cycle['agency']} {cycle['year']}, {worded(cycle['state'])}"
        print_table(title, columns, [_worded_stage(stage) for stage in cycle["stages"]])
        if cycle.get("units"):
            columns = ("unit", "name", "stage", "expected", "done", "percent", "overdue")
            print_table(worded("per unit"), columns, [_worded_stage(unit) for unit in cycle["units"]])


def _worded_stage(row: dict[str, Any]) -> dict[str, Any]:
    """The row of a table with its codes in the chosen language; in English the codes are the words."""
    if spoken() is not Locale.ID:
        return row
    said = {name: worded(row[name]) for name in ("stage", "state") if name in row}
    return row | said | ({"next": outlook(row["next"])} if "next" in row else {})


def print_table(title: str, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(*map(worded, columns), title=escape(title), title_justify="left")
    for row in rows:
        table.add_row(*("" if row[name] is None else escape(str(row[name])) for name in columns))
    console = Console()
    (console if console.is_terminal else Console(width=WIDE)).print(table)


def plan_data(seen: "Plan") -> dict[str, Any]:
    from dataclasses import asdict

    data = asdict(seen) | {"load": {day.isoformat(): count for day, count in seen.load.items()}}
    return json.loads(json.dumps(data, default=str))


MONTHS = ("Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des")


def _short(on: date) -> str:
    return f"{on:%d} {MONTHS[on.month - 1]}" if spoken() is Locale.ID else f"{on:%d %b}"


def print_plan(seen: "Plan", *, who: bool) -> None:
    typer.echo(
        say(
            f"{seen.agency} {seen.year} menurut {seen.pack}: {seen.rows} baris, {seen.held_back} tertahan, "
            f"{seen.people} orang, {seen.appraised} dinilai, "
            f"{seen.without_rater} tanpa penilai, {seen.without_authority} tanpa atasan penilai",
            f"{seen.agency} {seen.year} on {seen.pack}: {seen.rows} rows, {seen.held_back} held back, "
            f"{seen.people} people, {seen.appraised} appraised, "
            f"{seen.without_rater} without rater, {seen.without_authority} without authority",
        )
    )
    for why, count in seen.excluded.items():
        typer.echo(say(f"  tidak dinilai: {count} {worded(why)}", f"  not appraised: {count} {worded(why)}"))
    nobody = worded("those concerned")
    rows = [
        {"stage": worded(one.stage.value), "opens": one.opens, "due": one.due, "closes": one.closes,
         "letters": ", ".join(f"{count} {worded(kind)}" for kind, count in one.letters.items()) or nobody,
         "reminders, at most": ", ".join(f"{_short(r.on)}: {r.at_most}" for r in one.reminders)}
        for one in seen.stages
    ]  # fmt: skip
    print_table(worded("stages"), ("stage", "opens", "due", "closes", "letters", "reminders, at most"), rows)
    days = [{"day": day, "letters": count} for day, count in sorted(seen.load.items()) if count]
    print_table(worded("letters per day, at most"), ("day", "letters"), days)
    if who:
        listed = [
            {"stage": worded(one.stage.value), "nip": nip, "name": name, "letter": worded(kind)}
            for one in seen.stages for nip, name, kind in one.recipients
        ]  # fmt: skip
        print_table(worded("who"), ("stage", "nip", "name", "letter"), listed)
    if seen.problems:
        print_table(worded("problems"), ("row", "name", "severity", "message", "fixer", "remedy"), seen.problems)
    for note in seen.notes:
        typer.echo(say(f"catatan: {note}", f"note: {note}"))


@contextmanager
def bar() -> Iterator[Any]:
    """A progress bar on the error stream; nothing where that is no terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)
        yield lambda what, done, of: progress.update(task, description=what, completed=done, total=of or None)
