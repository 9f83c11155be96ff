"""`appraisal mail`: the dispatcher by hand, the outbox, and who did not get what."""

import json
from typing import Annotated

import typer

from cli import mail_inbound

app = typer.Typer(no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json")]


@app.callback()
def _group() -> None:
    """The outbox."""


@app.command()
def deliver(
    resident: Annotated[bool, typer.Option(help="Stay and send whatever becomes due.")] = False,
    lane: Annotated[list[str] | None, typer.Option(help="Only these lanes: urgent, invitation, ...")] = None,
    limit: Annotated[int, typer.Option(help="At most so many letters.", min=1)] = 100_000,
    connections: Annotated[int, typer.Option(min=1, max=100)] = 5,
    as_json: AsJson = False,
) -> None:
    """Send the letters that are due."""
    import clock
    import database
    from actions import dispatch
    from rules.words import Lane

    lanes = [Lane(name) for name in lane] if lane else list(Lane)
    db = database.current()
    if resident:
        counts = dispatch.reside(db, lanes=lanes, now=clock.now, connections=connections)
    else:
        counts = dispatch.deliver_batch(db, lanes=lanes, limit=limit, now=clock.now, connections=connections)
    words = ", ".join(f"{count} {state}" for state, count in counts.items()) or "nothing was due"
    typer.echo(json.dumps(dict(counts)) if as_json else words)


@app.command()
def status(
    agency: Annotated[str, typer.Option(help="Only this agency's cycles.")] = "", as_json: AsJson = False
) -> None:
    """The outbox by kind and state, and whom no letter reached, with the reason and what to do."""
    import database
    from actions import mail_checks, outbox

    with database.reading() as session:
        found = mail_checks.overview(session, agency)
        found["paused"] = outbox.paused(session)
    if as_json:
        typer.echo(json.dumps(found, default=str))
        return
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if found["paused"]:
        console.print(f"[bold red]Delivery is stopped:[/] {found['paused']}")
    table = Table("kind", "state", "letters", title="Outbox")
    for row in found["counts"]:
        table.add_row(row["kind"], row["state"], str(row["count"]))
    console.print(table)
    missing = Table("who", "address", "letter", "state", "why", title="Not reached")
    for row in found["not_reached"]:
        missing.add_row(row["name"], row["address"], row["kind"], row["state"], row["why"])
    console.print(missing if found["not_reached"] else "Everybody was reached.")


@app.command()
def certificate(agency: str, year: int, as_json: AsJson = False) -> None:
    """Owed, accepted, open, missing, doubled for a whole cycle; exit 1 unless it is clean."""
    import database
    from actions import cycles, letters

    with database.reading() as session:
        cycle = cycles.find(session, agency, year)
        if cycle is None:
            typer.echo(f"No cycle {year} of {agency}.", err=True)
            raise typer.Exit(2)
        found = letters.certificate(session, cycle_id=cycle.id)
    data = {"owed": found.owed, "states": dict(found.states), "open": found.open, "missing": found.missing,
            "doubled": found.doubled, "repeated": found.repeated, "clean": found.clean}  # fmt: skip
    states = ", ".join(f"{count} {state}" for state, count in found.states.items())
    again = f", {found.repeated} sent again after a crash" if found.repeated else ""
    words = (
        f"{agency} {year}: {found.owed} letters owed: {states}; {found.missing} missing, {found.doubled} doubled"
        f"{again}: {'clean' if found.clean else 'NOT CLEAN'}"
    )
    typer.echo(json.dumps(data) if as_json else words)
    if not found.clean:
        raise typer.Exit(1)


@app.command()
def pause(reason: str) -> None:
    """Stop delivery in all processes, on all machines, within a second."""
    import clock
    import database
    from actions import outbox

    with database.transaction() as session:
        outbox.pause(session, reason, at=clock.now())
    typer.echo("Delivery is stopped; `appraisal mail resume` goes on.")


@app.command()
def resume() -> None:
    """Go on with delivery, paused waves included."""
    import database
    from actions import outbox

    with database.transaction() as session:
        outbox.resume(session)
        waves = outbox.resume_waves(session)
    typer.echo(f"Delivery goes on; {waves} waves had been stopped.")


mail_inbound.register(app)
