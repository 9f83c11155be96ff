"""`appraisal mail limit|limits`: how fast letters may leave; what is set holds in all processes within a second."""

import json
from typing import Annotated

import typer

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
    from actions import mail_limits
    from rules.mail_limits import Limit

    wanted = None if rate.strip().lower() == "none" else Limit.parse(rate)
    with database.transaction() as session:
        bucket = mail_limits.set_limit(session, scope, wanted, max_connections=connections)
        words = bucket.words or "no limit"
        cap = f", at most {bucket.max_connections} at once" if bucket.max_connections else ""
    typer.echo(f"{bucket.scope}: {words}{cap}.")


def limits(as_json: AsJson = False) -> None:
    """The limits that are set, what of them is in force now, and whether the relay is being left alone."""
    import database
    from actions import mail_limits

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

    table = Table("scope", "limit", "in force", "at once", "state", title="Limits")
    for row in found:
        force = f"{row['per_second']:.2f}/s" if row["per_second"] is not None else "as fast as it goes"
        slowed = f" (slowed to {row['share']:.0%})" if row["per_second"] is not None and row["share"] < 1 else ""
        down = f"left alone for {row['down_for']:.0f} s after {row['failures']} failures" if row["down_for"] else "up"
        table.add_row(row["scope"], row["limit"], force + slowed, str(row["max_connections"] or "any"), down)
    Console().print(table if found else "No limits: letters leave as fast as the relay takes them.")
