"""`appraisal letters`: see them before anybody gets them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.language import say

if TYPE_CHECKING:
    from actions.mail.letterheads import Letterhead

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def _group() -> None:
    """The letters that go out."""


@app.command()
def preview(
    directory: Path,
    agency: Annotated[
        str, typer.Option(help="Code of the agency whose name they show; needed where there are more.")
    ] = "",
) -> None:
    """Write every kind of letter with sample facts, in each language, as files to open; start with index.html."""
    from notifications.preview import write_previews

    head = _letterhead(agency)
    own = {"agency": head.name, "contact": head.contact, "zone": head.zone} if head else {}
    written = write_previews(directory, own=own)
    sample = say(
        "sebuah contoh instansi, karena di sini belum ada",
        "a sample agency, for this installation has none yet",
    )  # fmt: skip
    name, index = head.name if head else sample, directory / "index.html"
    typer.echo(say(
        f"{len(written)} berkas di {directory}, atas nama {name}: buka {index}",
        f"{len(written)} files in {directory}, under the name of {name}: open {index}",
    ))  # fmt: skip


def _letterhead(code: str) -> "Letterhead | None":
    """The agency asked for, or the only one; None before the first launch."""
    import database
    from actions.mail.letterheads import letterheads

    try:
        with database.reading() as session:
            known = {one.code: one for one in letterheads(session)}
    except database.SchemaRefused:
        known = {}  # nothing was set up here yet: the samples can be looked at all the same
    if code and code not in known:
        listed = ", ".join(known) or "-"
        raise typer.BadParameter(
            say(
                f"tidak ada instansi {code} di sini, melainkan: {listed}",
                f"there is no agency {code} here, but: {listed}",
            )
        )
    if not code and len(known) > 1:
        listed = ", ".join(known)
        raise typer.BadParameter(say(
            f"ada beberapa instansi di sini; tambahkan --agency dengan salah satu dari {listed}",
            f"there are several agencies here; add --agency with one of {listed}",
        ))  # fmt: skip
    return known[code] if code else next(iter(known.values()), None)
