"""How `appraisal cycle` prints: tables for people, JSON for scripts."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from actions.planning import Plan
    from actions.steering.preview import Preview


WIDE = 160
"""Characters to a line in a file or a pipe, where nothing needs to be folded."""


def print_preview(seen: "Preview", *, as_json: bool) -> None:
    if as_json:
        print_json({"action": seen.action, "counts": dict(seen.counts), "notes": [note.en for note in seen.notes],
                "people": [one._asdict() for one in seen.people]})  # fmt: skip
        return
    for name, count in seen.counts.items():
        typer.echo(f"{name.replace('_', ' ')}: {count}")
    for note in seen.notes:
        typer.echo(note.en)


def print_json(data: Any) -> None:
    typer.echo(json.dumps(data, ensure_ascii=False, indent=2))


def print_status(listed: list[dict[str, Any]]) -> None:
    if not listed:
        typer.echo("No cycle. HR launches one with: appraisal cycle launch DIR --year Y")
    for cycle in listed:
        columns = ("stage", "state", "opens", "due", "closes", "expected", "done", "percent", "overdue", "next")
        print_table(f"{cycle['agency']} {cycle['year']}, {cycle['state']}", columns, cycle["stages"])
        if cycle.get("units"):
            columns = ("unit", "name", "stage", "expected", "done", "percent", "overdue")
            print_table("per unit", columns, cycle["units"])


def print_table(title: str, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(*columns, title=escape(title), title_justify="left")
    for row in rows:
        table.add_row(*("" if row[name] is None else escape(str(row[name])) for name in columns))
    console = Console()
    (console if console.is_terminal else Console(width=WIDE)).print(table)


def plan_data(seen: "Plan") -> dict[str, Any]:
    from dataclasses import asdict

    data = asdict(seen) | {"load": {day.isoformat(): count for day, count in seen.load.items()}}
    return json.loads(json.dumps(data, default=str))


def print_plan(seen: "Plan", *, who: bool) -> None:
    typer.echo(
        f"{seen.agency} {seen.year} on {seen.pack}: {seen.rows} rows, {seen.held_back} held back, "
        f"{seen.people} people, {seen.appraised} appraised, "
        f"{seen.without_rater} without rater, {seen.without_authority} without authority"
    )
    for why, count in seen.excluded.items():
        typer.echo(f"  not appraised: {count} {why.replace('_', ' ')}")
    rows = [
        {"stage": one.stage.value, "opens": one.opens, "due": one.due, "closes": one.closes,
         "letters": ", ".join(f"{count} {kind}" for kind, count in one.letters.items()) or "those concerned",
         "reminders, at most": ", ".join(f"{r.on:%d %b}: {r.at_most}" for r in one.reminders)}
        for one in seen.stages
    ]  # fmt: skip
    print_table("stages", ("stage", "opens", "due", "closes", "letters", "reminders, at most"), rows)
    days = [{"day": day, "letters": count} for day, count in sorted(seen.load.items()) if count]
    print_table("letters per day, at most", ("day", "letters"), days)
    if who:
        listed = [
            {"stage": one.stage.value, "nip": nip, "name": name, "letter": kind}
            for one in seen.stages for nip, name, kind in one.recipients
        ]  # fmt: skip
        print_table("who", ("stage", "nip", "name", "letter"), listed)
    if seen.problems:
        print_table("problems", ("row", "name", "severity", "message", "fixer", "remedy"), seen.problems)
    for note in seen.notes:
        typer.echo(f"note: {note}")


@contextmanager
def bar() -> Iterator[Any]:
    """A progress bar on the error stream; nothing where that is no terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)
        yield lambda what, done, of: progress.update(task, description=what, completed=done, total=of or None)
