"""`appraisal simulate`: a whole year on the virtual clock, in a database of its own."""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def simulate(
    directory: Annotated[Path, typer.Argument(help="Folder of an agency, or its name among the examples.")],
    year: Annotated[int, typer.Option(help="The cycle's year; without it, next year.", show_default=False)] = 0,
    people: Annotated[
        int, typer.Option(help="Grow the roster with invented people to so many; 0 keeps it.", min=0)
    ] = 0,
    seed: Annotated[int, typer.Option(help="The same seed lives the same year.")] = 1,
    keep: Annotated[Path | None, typer.Option(help="Keep the database in this file, which must not exist.")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Live through a whole year without a mail server; exit 1 unless every appraisal is final or explained and the
    certificate is clean."""
    import tempfile
    from datetime import UTC, datetime

    from rich.console import Console

    import database
    from actions.cycle.launching import find_folder
    from simulation.crowd import grown
    from simulation.throwaway import simulate as live

    if year and not 2000 <= year <= 2999:
        raise typer.BadParameter(f"{year} is no year of a cycle", param_hint="--year")
    if keep is not None and keep.exists():
        raise typer.BadParameter(f"{keep} exists: a simulation gets a database of its own", param_hint="--keep")
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="appraisal-simulation-") as scratch:
        folder = (
            grown(find_folder(str(directory)), people, seed, Path(scratch)) if people else find_folder(str(directory))
        )
        file = keep.absolute() if keep else Path(scratch) / "year.db"
        db = database.Database(f"sqlite:///{file}", durable=False)
        with console.status("…") as status:
            report = live(
                db, folder, year or datetime.now(UTC).year + 1, seed=seed,
                on_day=lambda day: status.update(f"{day:%d %B %Y}"),
            )  # fmt: skip
        db.close()
    typer.echo(json.dumps(as_data(report), indent=None if as_json else 2) if as_json else told(report))
    if not report.clean:
        raise typer.Exit(1)


def as_data(report) -> dict[str, object]:
    certificate = report.certificate
    return {
        "agency": report.agency, "year": report.year, "people": report.people, "clean": report.clean,
        "finished": report.finished, "states": dict(report.states), "acts": dict(report.acts),
        "late": dict(report.late), "busiest_days": report.letters_per_day.most_common(5),
        "refused": Counter(key.split(" ")[0].rstrip(":") for key in report.refused.elements()),
        "trail": report.trail or "whole",
        "certificate": None if certificate is None else {
            "owed": certificate.owed, "states": dict(certificate.states), "missing": certificate.missing,
            "doubled": certificate.doubled, "clean": certificate.clean,
        },
    }  # fmt: skip


def told(report) -> str:
    """The report in words, for people."""
    certificate = report.certificate
    lines = [
        f"{report.agency} {report.year}: {report.people} appraisals, {sum(report.acts.values())} acts of people",
        "  " + ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in report.states.most_common()),
        "  late phases: " + (", ".join(f"{c} {k}" for k, c in report.late.most_common()) or "none"),
        "  most letters on one day: "
        + ", ".join(f"{count} on {day}" for day, count in report.letters_per_day.most_common(3)),
        "  trail: " + ("whole" if not report.trail else "; ".join(report.trail)),
    ]
    if certificate is not None:
        states = ", ".join(f"{count} {state}" for state, count in certificate.states.items())
        clean = "clean" if certificate.clean else "NOT CLEAN"
        lines.append(
            f"  certificate: {certificate.owed} letters owed, {states}, {certificate.missing} missing,"
            f" {certificate.doubled} doubled: {clean}"
        )
    return "\n".join(lines)
