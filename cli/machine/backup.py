"""`appraisal backup`: what a restore needs, in one folder, consistent while everything runs."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cli.language import say

app = typer.Typer(add_completion=False)


@app.command()
def backup(
    to: Annotated[Path, typer.Argument(help="A folder that is not there yet, best on another disk.")],
    without_secrets: Annotated[
        bool, typer.Option("--without-secrets", help="Leave the secret out: keep it elsewhere.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Copy the database, the secret and the settings into a new folder that only you can read."""
    import clock
    import database
    import settings
    from actions.recovery import backups

    made = backups.make(
        database.current(), settings.load(), to, at=clock.now(), with_secrets=not without_secrets
    )  # fmt: skip
    if as_json:
        told = {"folder": str(made.folder), "rows": made.rows, "octets": made.octets, "secrets": made.with_secrets}
        typer.echo(json.dumps(told))
        return
    rows, octets = f"{made.rows:,}", f"{made.octets:,}"
    typer.echo(say(
        f"{made.folder}: {rows} baris, {octets} oktet. Pulihkan dengan: appraisal restore {made.folder}",
        f"{made.folder}: {rows} rows, {octets} octets. Put it back with: appraisal restore {made.folder}",
    ))  # fmt: skip
    if made.with_secrets:
        typer.echo(say(
            "Isinya termasuk rahasia yang menandatangani semua tautan: simpan terenkripsi, jangan di mesin ini saja.",
            "It holds the secret that signs all links: keep it encrypted, and not on this machine alone.",
        ))  # fmt: skip
    else:
        typer.echo(say(
            "Rahasianya tidak ikut: tanpa APPRAISAL_SECRET yang sama, tautan yang sudah dikirim tidak berlaku lagi.",
            "The secret is left out: without the same APPRAISAL_SECRET no link that was mailed opens any more.",
        ))  # fmt: skip
