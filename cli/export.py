"""`appraisal export`: results for people and for other systems."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.language import say
from cli.words import possible_year, worded

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from actions.exports import Exported

app = typer.Typer(no_args_is_help=True, add_completion=False)

Agency = Annotated[str, typer.Argument(help="Code of the agency.")]
Year = Annotated[int, typer.Argument(callback=possible_year, help="Year of the cycle.")]
To = Annotated[Path, typer.Option("--to", help="Folder to write to.", file_okay=False)]
Draft = Annotated[bool, typer.Option("--draft", help="Before the cycle is final; every file says so.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
HERE = Path()


@app.callback()
def _group() -> None:
    """Results for people and for other systems."""


@app.command()
def results(agency: Agency, year: Year, to: To = HERE, draft: Draft = False, as_json: AsJson = False) -> None:
    """Write the results as CSV and XLSX, with counts that add up to the roster."""
    import clock
    from actions.exports import write_csv, write_xlsx

    with _cycle(agency, year) as (session, cycle_id), _bar(say("Hasil", "Results"), 2) as step:
        name = f"hasil-{agency}-{year}"
        done = [
            step(write_csv(session, cycle_id, to / f"{name}.csv", draft=draft)),
            step(write_xlsx(session, cycle_id, to / f"{name}.xlsx", at=clock.now(), draft=draft)),
        ]
    _report(done, as_json)


@app.command()
def siasn(
    agency: Agency,
    year: Year,
    to: To = HERE,
    draft: Draft = False,
    check: Annotated[Path | None, typer.Option(help="Write nothing; hold this file against the database.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write JSON lines for SIASN's `skp22/save`, read back and compared; --check exits 1 on any difference."""
    from actions.exports import siasn_differences, write_siasn

    with _cycle(agency, year) as (session, cycle_id):
        if check is None:
            done = [write_siasn(session, cycle_id, to / f"siasn-{agency}-{year}.jsonl", draft=draft)]
            return _report(done, as_json)
        found = siasn_differences(session, cycle_id, check)
    typer.echo(
        json.dumps({"differences": found})
        if as_json
        else "\n".join(found) or say("Tidak ada perbedaan.", "No difference.")
    )
    raise typer.Exit(1 if found else 0)


@app.command("credit-points")
def credit_points(agency: Agency, year: Year, to: To = HERE, draft: Draft = False, as_json: AsJson = False) -> None:
    """Write the credit points of functional officials as CSV."""
    from actions.exports import write_credit_points

    with _cycle(agency, year) as (session, cycle_id):
        done = [write_credit_points(session, cycle_id, to / f"angka-kredit-{agency}-{year}.csv", draft=draft)]
    _report(done, as_json)


@app.command()
def documents(
    agency: Agency,
    year: Year,
    nip: Annotated[str, typer.Option(help="Only this person's.")] = "",
    to: To = HERE,
    draft: Draft = False,
    as_json: AsJson = False,
) -> None:
    """Write the evaluation document of each person as PDF."""
    import clock
    from actions.exports import document_cases, write_documents

    with _cycle(agency, year) as (session, cycle_id):
        cases = document_cases(session, cycle_id, nip=nip, draft=draft)
        with _bar(say("Dokumen", "Documents"), len(cases)) as step:
            names = [step(name) for name in write_documents(session, cases, to, clock.now())]
    report = {"folder": str(to), "documents": len(names), "owed": len(cases)}
    written = say(f"{len(names)} dari {len(cases)} dokumen di {to}", f"{len(names)} of {len(cases)} documents in {to}")
    typer.echo(json.dumps(report) if as_json else written)


@app.command()
def dossier(agency: Agency, year: Year, to: To = HERE, as_json: AsJson = False) -> None:
    """Write one archive of a final cycle that anybody can check with Python alone."""
    import clock
    from actions.exports import write_dossier

    with _cycle(agency, year) as (session, cycle_id):
        done = write_dossier(session, cycle_id, to / f"berkas-{agency}-{year}.zip", at=clock.now())
    _report([done], as_json)
    if as_json:
        return
    digest = done.sha256
    typer.echo(say(f"Tulis sidik ini di berita acara: {digest}", f"Write this digest into the minutes: {digest}"))
    typer.echo(f"{say('Periksa', 'Check')}: python3 deploy/verify_dossier.py {done.path} {done.sha256}")


@contextmanager
def _cycle(agency: str, year: int) -> "Iterator[tuple[Session, int]]":
    """A session for questions and the id of the cycle; refused if there is none."""
    import database
    from actions.cycle import cycles
    from actions.exports import ExportRefused

    with database.reading() as session:
        if (cycle := cycles.find(session, agency, year)) is None:
            raise ExportRefused(say(
                f"{agency} tidak punya siklus {year}: lihat `appraisal cycle status`.",
                f"{agency} has no cycle {year}: see `appraisal cycle status`.",
            ))  # fmt: skip
        yield session, cycle.id


@contextmanager
def _bar(title: str, total: int) -> Iterator[Any]:
    """A progress bar on the error stream; `step(x)` moves it on and returns x."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=total)

        def step(done: Any) -> Any:
            progress.advance(task)
            return done

        yield step


def _report(done: "list[Exported]", as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([one.as_json() for one in done]))
        return
    for one in done:
        counts = ", ".join(f"{worded(name)} {count}" for name, count in one.counts.items())
        draft = say(" DRAF", " DRAFT") if one.draft else ""
        typer.echo(f"{one.path}: {one.rows} {say('baris', 'rows')} ({counts}){draft}")
