"""`appraisal db`: create and migrate."""

import typer

from cli.language import say

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def _group() -> None:
    """Create or migrate the database."""


@app.command()
def upgrade() -> None:
    """Create the database, or bring it to the newest version; safe to run again."""
    import database
    from actions.store import schema

    db = database.current()
    head = schema.upgrade(db)
    url = db.engine.url.render_as_string(hide_password=True)
    typer.echo(say(f"{url} sekarang versi {head}.", f"{url} is at version {head}."))
