"""`appraisal restore`: a backup put in place, with the outbox stopped and what it would send."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.language import say
from cli.words import worded

if TYPE_CHECKING:
    from actions.recovery.backups import PutBack

app = typer.Typer(add_completion=False)


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(help="The folder that `appraisal backup` made.", metavar="FROM")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Move aside the installation that is there.")] = False,
    new_secret: Annotated[
        bool, typer.Option("--new-secret", help="Go on although links that were mailed open no more.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Put a backup in place of this installation; delivery stays stopped until `appraisal mail resume`."""
    import clock
    import settings
    from actions.recovery import backups

    done = backups.restore(
        source, settings.load(), at=clock.now(), overwrite=overwrite, new_secret=new_secret
    )  # fmt: skip
    typer.echo(json.dumps(_told(done)) if as_json else _words(done))


def _told(done: "PutBack") -> dict[str, Any]:
    again = done.again
    return {
        "made_at": done.made_at.isoformat(), "letters": dict(again.letters), "would_go_out": again.total,
        "in_doubt": again.in_doubt, "steps_due": done.steps, "aside": done.aside,
        "oldest": again.oldest and again.oldest.isoformat(), "newest": again.newest and again.newest.isoformat(),
    }  # fmt: skip


def _words(done: "PutBack") -> str:
    again, made = done.again, f"{done.made_at:%Y-%m-%d %H:%M} UTC"
    kinds = ", ".join(f"{count} {worded(kind)}" for kind, count in again.letters.items())
    lines = [say(f"Cadangan {made} sudah dipulihkan.", f"The backup of {made} is in place.")]
    if done.aside:
        lines.append(say(f"Yang lama disimpan: {done.aside}.", f"What was there is kept: {done.aside}."))
    lines.append(say(
        f"Pengiriman berhenti. {again.total} surat akan dikirim, mungkin untuk kedua kalinya: {kinds or 'tidak ada'}.",
        f"Delivery is stopped. {again.total} letters would go out, perhaps a second time: {kinds or 'none'}.",
    ))  # fmt: skip
    if again.in_doubt:
        lines.append(say(
            f"{again.in_doubt} di antaranya sedang dikirim saat cadangan dibuat.",
            f"{again.in_doubt} of them were being sent when the backup was made.",
        ))  # fmt: skip
    if done.steps:
        lines.append(say(
            f"{done.steps} langkah jatuh tempo sejak itu: surat-suratnya menyusul dan ikut menunggu.",
            f"{done.steps} steps have fallen due since: their letters follow, and wait as well.",
        ))  # fmt: skip
    lines.append(say(
        "Jalankan layanan, lihat `appraisal mail status`, lalu `appraisal mail resume` (kirim) atau"
        " `appraisal mail resume --hold` (tahan).",
        "Start the services, look at `appraisal mail status`, then `appraisal mail resume` (send them) or"
        " `appraisal mail resume --hold` (keep them back).",
    ))  # fmt: skip
    return "\n".join(lines)
