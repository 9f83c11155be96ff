"""`appraisal trail`: recompute the chain."""

import json
from typing import Annotated

import typer

from cli.language import say

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def _group() -> None:
    """The record of all changes."""


@app.command()
def verify(
    agency: Annotated[str, typer.Option(help="Code of one agency; without it, all.")] = "",
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Recompute every entry and say where the chain breaks; exit code 1 if it does, 2 if there is no such agency."""
    from sqlalchemy import select

    import database
    from actions.cycle import cycles
    from actions.store import trail
    from models import Agency, Chain

    with database.reading() as session:
        if agency:
            cycles.demand_agency(session, agency)
        query = select(Agency).order_by(Agency.code)
        found = {}
        for one in session.scalars(query.filter_by(code=agency) if agency else query):
            length = session.scalar(select(Chain.length).filter_by(agency_id=one.id)) or 0
            found[one.code] = {"entries": length, "broken": trail.verify(session, one.id)}
    if as_json:
        typer.echo(json.dumps(found))
    elif not found:
        typer.echo(say("Tidak ada instansi di basis data ini.", "No agency in this database."))
    else:
        for code, state in found.items():
            words = say("utuh", "whole")
            if state["broken"]:
                words = f"{say('RUSAK', 'BROKEN')}: {'; '.join(state['broken'])}"
            typer.echo(f"{code}: {state['entries']} {say('catatan', 'entries')}, {words}")
    if any(state["broken"] for state in found.values()):
        raise typer.Exit(1)
