"""`appraisal letters`: see them before anybody gets them."""

from pathlib import Path

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def _group() -> None:
    """The letters that go out."""


@app.command()
def preview(directory: Path) -> None:
    """Write every kind of letter with sample facts, in each language, as files to open; start with index.html."""
    from notifications.preview import write_previews

    written = write_previews(directory)
    typer.echo(f"{len(written)} files in {directory}: open {directory / 'index.html'}")
