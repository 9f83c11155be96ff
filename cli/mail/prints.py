"""What `appraisal mail` prints for people: nothing that somebody must copy is ever cut."""

from collections.abc import Mapping, Sequence
from typing import Any

import typer

from cli.language import say
from cli.sentences import repeated
from cli.words import worded

SILENT = 300
"""Seconds after which a dispatcher that is needed should have been seen."""
CODES = ("sign_in", "step_code")
"""Letters that somebody has just asked for: they say nothing of those that a stage sends."""
DONE = ("accepted", "delivered", "cancelled")


def status(found: Mapping[str, Any]) -> None:
    """The outbox with what stands in its way, and whom no letter reached."""
    from rich.console import Console
    from rich.table import Table

    for line in in_the_way(found):
        typer.secho(line, fg=typer.colors.RED)
    console = Console()
    outbox = Table(*map(worded, ("kind", "state", "letters")), title=say("Kotak keluar", "Outbox"))
    for kind, state, count in _rows(found):
        outbox.add_row(worded(kind), repeated(worded(state)), str(count))
    console.print(outbox if found["counts"] else say("Kotak keluar kosong.", "The outbox is empty."))
    columns = map(worded, ("who", "address", "letter", "state", "why"))
    missing = Table(*columns, title=say("Tidak sampai", "Not reached"))
    for row in found["not_reached"]:
        kind, state = worded(row["kind"]), worded(row["state"])
        missing.add_row(row["name"], row["address"], kind, state, repeated(row["why"]))
    if found["not_reached"]:
        console.print(missing)
    typer.echo(_summary(found))
    if twice := found["perhaps_twice"]:
        typer.secho(say(
            f"{twice} surat mungkin terkirim dua kali: sudah dikirim sesudah cadangan dipulihkan.",
            f"{twice} letters may have gone out twice: they were sent after a backup was restored.",
        ), fg=typer.colors.RED)  # fmt: skip


def in_the_way(found: Mapping[str, Any]) -> list[str]:
    """What keeps all letters back, in words."""
    lines = []
    if found["paused"]:
        why = repeated(found["paused"])
        lines.append(say(f"Pengiriman dihentikan: {why}", f"Delivery is stopped: {why}"))
    if since := found["relay_down_since"]:
        when, why = f"{since[:16].replace('T', ' ')} UTC", found["relay_down_reason"]
        lines.append(say(
            f"Server surel tidak menerima surat sejak {when}: {why}", f"The relay is down since {when}: {why}"
        ))  # fmt: skip
    ago = found["dispatcher_seen_seconds_ago"]
    if found["waiting"] and ago is not None and ago > SILENT:
        seen = f"{found['dispatcher_seen_at'][:16].replace('T', ' ')} UTC"
        lines.append(say(
            f"Tidak ada proses pengirim yang bekerja sejak {seen}.", f"No dispatcher has been at work since {seen}."
        ))  # fmt: skip
    return lines


def _rows(found: Mapping[str, Any]) -> list[tuple[str, str, int]]:
    """The counts, with what waits told apart by what it waits for."""
    told = [(row["kind"], row["state"], row["count"]) for row in found["counts"]
            if row["state"] not in ("queued", "deferred")]  # fmt: skip
    return sorted([*told, *((row["kind"], row["stands"], row["count"]) for row in found["waiting"])])


def _summary(found: Mapping[str, Any]) -> str:
    going = sum(row["count"] for row in found["waiting"])
    sending = sum(row["count"] for row in found["counts"] if row["state"] == "sending")
    missed, owed = len(found["not_reached"]), sum(row["count"] for row in found["counts"])
    if going or sending:
        return say(
            f"{going + sending} surat belum terkirim; {missed} tidak sampai.",
            f"{going + sending} letters are still to go; {missed} did not reach their person.",
        )
    if missed:
        return say(f"{missed} surat tidak sampai.", f"{missed} letters did not reach their person.")
    if all(row["kind"] in CODES for row in found["counts"]) and owed:
        return say("Belum ada undangan.", "No invitation has been written yet.")
    return say("Semua surat diterima server surel.", "Everybody was reached.") if owed else ""


def waves(rows: Sequence[Mapping[str, Any]]) -> None:
    """One wave below the other: a key on a line of its own can be copied whole, however narrow the window is."""
    if not rows:
        typer.echo(say("Tidak ada gelombang yang berjalan.", "No wave is under way."))
    for row in rows:
        states = ", ".join(f"{count} {worded(state)}" for state, count in row["states"].items())
        typer.secho(row["key"], bold=True)
        takes = f"; {repeated(row['takes'])}" if row["takes"] else ""
        typer.echo(f"  {row['agency']}: {row['planned']} {say('surat', 'letters')}: {states}{takes}")
        if row["stands"]:
            typer.echo(f"  {repeated(row['stands'])}")
