"""`appraisal mail limit|limits`: how fast letters may leave; what is set holds in all processes within a second."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from cli.language import say
from cli.words import worded

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `appraisal mail`."""
    app.command()(limit)
    app.command()(limits)


def limit(
    scope: Annotated[str, typer.Argument(help="relay, relay:day (a second limit), or domain:gmail.com.")],
    rate: Annotated[str, typer.Argument(help="50/s, 30/min, 500/h, 10000/day, or none.")],
    connections: Annotated[
        int | None, typer.Option(min=0, help="At most so many letters under way at once; 0: no cap.")
    ] = None,
) -> None:
    """Let letters leave no faster than that, all dispatchers together; in any such window, wherever it begins."""
    import database
    from actions.mail import limits as mail_limits
    from rules.mail.limits import Limit

    wanted = None if rate.strip().lower() == "none" else Limit.parse(rate)
    with database.transaction() as session:
        bucket = mail_limits.set_limit(session, scope, wanted, max_connections=connections)
        words, most = bucket.words or say("tanpa batas", "no limit"), bucket.max_connections
        cap = say(f", paling banyak {most} sekaligus", f", at most {most} at once") if most else ""
    typer.echo(f"{bucket.scope}: {words}{cap}.")


def limits(as_json: AsJson = False) -> None:
    """The limits that are set, what of them is in force now, and whether the relay is being left alone."""
    import database
    from actions.mail import limits as mail_limits

    with database.reading() as session:
        now = mail_limits.seconds_now(session)
        found = [
            {"scope": one.scope, "limit": one.words or "none", "per_second": mail_limits.rate(one),
             "share": round(one.factor, 3), "tokens": round(mail_limits.tokens(one, now), 1),
             "max_connections": one.max_connections, "failures": one.failures,
             "down_for": round(max(0.0, one.down_until - now), 1)}
            for one in mail_limits.limits(session)
        ]  # fmt: skip
    if as_json:
        typer.echo(json.dumps(found))
        return
    from rich.console import Console
    from rich.table import Table

    heads = map(worded, ("scope", "limit", "in force", "at once", "state"))
    table = Table(*heads, title=say("Batas", "Limits"))
    for row in found:
        table.add_row(*_cells(row))
    none = say(
        "Tidak ada batas: surat dikirim secepat server surel menerimanya.",
        "No limits: letters leave as fast as the relay takes them.",
    )  # fmt: skip
    Console().print(table if found else none)


def _cells(row: Mapping[str, Any]) -> list[str]:
    """One limit as it is shown."""
    rate, share, seconds, failures = row["per_second"], row["share"], row["down_for"], row["failures"]
    force = f"{rate:.2f}/s" if rate is not None else say("secepat mungkin", "as fast as it goes")
    if rate is not None and share < 1:
        force += say(f" (diperlambat menjadi {share:.0%})", f" (slowed to {share:.0%})")
    down = say(
        f"dibiarkan {seconds:.0f} detik sesudah {failures} kegagalan",
        f"left alone for {seconds:.0f} s after {failures} failures",
    )  # fmt: skip
    state = down if seconds else say("jalan", "up")
    limit = row["limit"] if row["limit"] != "none" else say("tidak ada", "none")
    return [row["scope"], limit, force, str(row["max_connections"] or say("bebas", "any")), state]
