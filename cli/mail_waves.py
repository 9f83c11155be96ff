"""`appraisal mail waves|wave|dry-run|release`: what goes out together, seen before, while and after it does."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import mail_inbound, mail_prints

if TYPE_CHECKING:
    from actions.claims import Claimed
    from actions.dry_runs import DryRun
    from actions.waves import Seen

LISTED = 20
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `appraisal mail`."""
    for command in (waves, wave, release):
        app.command()(command)
    app.command("dry-run")(dry_run)


def waves(
    agency: Annotated[str, typer.Option(help="Only this agency's.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Also those that are through.")] = False,
    as_json: AsJson = False,
) -> None:
    """The waves that are not through: how far they are, how long they take, and what they wait for."""
    import database
    from actions import cycles
    from actions import waves as actions

    with database.reading() as session:
        if agency:
            cycles.demand_agency(session, agency)
        found = [_told(one) for one in actions.all_of(session, agency=agency, everything=everything)]
    if as_json:
        typer.echo(json.dumps(found))
        return
    mail_prints.waves(found)


def _told(one: "Seen") -> dict[str, Any]:
    from rules.mail_limits import about

    takes = about(one.seconds) if one.waiting else ""
    return {"key": one.wave.key, "agency": one.agency, "planned": one.wave.planned, "states": dict(one.states),
            "waiting": one.waiting, "takes": takes, "stands": one.stands}  # fmt: skip


def wave(key: str, as_json: AsJson = False) -> None:
    """One wave: its letters by state, its certificate, and who did not get it, with the reason."""
    import database
    from actions import letters, mail_checks
    from actions import waves as actions

    with database.reading() as session:
        there = actions.find(session, key)
        certified = letters.certificate(session, wave_id=there.id)
        told = _told(actions.seen(session, there)) | {
            "missing": certified.missing, "doubled": certified.doubled, "clean": certified.clean,
            "not_reached": mail_checks.not_reached(session, wave_id=there.id),
        }  # fmt: skip
    if as_json:
        typer.echo(json.dumps(told))
        return
    states = ", ".join(f"{count} {state}" for state, count in told["states"].items()) or "none"
    typer.echo(f"{key} ({told['agency']}): {told['planned']} letters: {states}.")
    if told["waiting"]:
        typer.echo(f"{told['waiting']} are still to go: {told['takes']}. {told['stands']}".rstrip())
    clean = "clean" if told["clean"] else "NOT CLEAN"
    typer.echo(f"Certificate: {told['missing']} missing, {told['doubled']} doubled: {clean}.")
    _table(("who", "address", "state", "why"), told["not_reached"], "Not reached", "Nobody was missed.")


def _table(columns: Sequence[str], rows: Sequence[dict[str, Any]], title: str, none: str) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns, title=title)
    for row in rows[:LISTED]:
        table.add_row(*(str(value) for value in row.values()))
    Console().print(table if rows else none)
    if len(rows) > LISTED:
        typer.echo(f"... and {len(rows) - LISTED} more; --json lists all.")


def dry_run(
    key: Annotated[str, typer.Argument(help="Key of the wave, from `appraisal mail waves`.")] = "",
    stage: Annotated[str, typer.Option(help="The letters that open this stage, instead of a key.")] = "",
    agency: Annotated[str, typer.Option(help="With --stage.")] = "",
    year: Annotated[int, typer.Option(help="With --stage.")] = 0,
    to_sink: Annotated[
        str,
        typer.Option(help="Send every letter to a mail server that delivers none.", metavar="smtp://127.0.0.1:PORT"),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Write every letter of a wave and check it, without sending: exit 1 if one is not as it should be."""
    import clock
    import database
    import settings
    from actions import dry_runs
    from actions import waves as actions
    from actions.envelopes import post_of
    from rules.words import StageKind

    if bool(key) == bool(stage and agency and year):
        raise typer.BadParameter("name the KEY of a wave, or --stage with --agency and --year")
    post = post_of(settings.load())
    with database.reading() as session, ExitStack() as stack:
        sink = stack.enter_context(_Sink(to_sink, settings.load().smtp_url)) if to_sink else None
        there = actions.find(session, key) if key else actions.opening(session, agency, year, StageKind(stage))
        run = dry_runs.dry_run(session, there, post, at=clock.now(), take=sink.take if sink else None)
        key = there.key
    _print(key, run, sink.taken if sink else None, as_json=as_json)
    if not run.clean or (sink and sink.refused):
        raise typer.Exit(1)


def _print(key: str, run: "DryRun", sunk: int | None, *, as_json: bool) -> None:
    from rules.mail_limits import about

    if as_json:
        told = {"wave": key, "letters": run.letters, "octets": run.octets, "largest": run.largest,
                "longest_line": run.longest_line, "links": run.links, "domains": dict(run.domains),
                "takes": about(run.seconds), "seconds": run.seconds, "sunk": sunk, "clean": run.clean,
                "problems": [{"letter": one.letter_id, "person": one.person_id, "kind": one.kind, "what": one.what}
                             for one in run.problems]}  # fmt: skip
        typer.echo(json.dumps(told))
        return
    largest = f"the largest {run.largest} octets, the longest line {run.longest_line}"
    typer.echo(f"{key}: {run.letters} letters, {run.octets} octets in all, {largest}, {run.links} links verified.")
    typer.echo(f"Sending them takes {about(run.seconds)}; nothing was sent.")
    if sunk is not None:
        typer.echo(f"{sunk} letters were taken by the sink.")
    rows = [{"letter": one.letter_id, "person": one.person_id, "kind": one.kind, "what": one.what}
            for one in run.problems]  # fmt: skip
    _table(("letter", "person", "kind", "what"), rows, "Not as they should be", "Every letter is as it should be.")


class _Sink:
    """A mail server on this machine that takes the letters and delivers none; never the relay that does."""

    def __init__(self, url: str, real: str) -> None:
        import asyncio

        from notifications.relay import Relay, RelayRefused, is_loopback
        from notifications.smtp import Connection

        relay, delivers = Relay.parse(url), Relay.parse(real)
        if not is_loopback(relay.host) or (relay.host, relay.port) == (delivers.host, delivers.port):
            raise RelayRefused("A sink is another mail server on this machine than the one that delivers.")
        self.taken = self.refused = 0
        self._runner, self._connection = asyncio.Runner(), Connection(relay)

    def __enter__(self) -> "_Sink":
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._connection.close())
        self._runner.close()

    def take(self, one: "Claimed", message: bytes, sender: str) -> None:
        reply = self._runner.run(self._connection.send(sender, one.address, message))
        self.taken += reply.accepted
        self.refused += not reply.accepted


def release(
    what: Annotated[str, typer.Argument(help="Key of a wave that awaits its release, or a domain that was held.")],
    by: Annotated[str, typer.Option(help="NIP of who releases the wave; not who launched the cycle.")] = "",
    reason: Annotated[str, typer.Option(help="For a domain: what was mended; kept on the trail.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="For a domain: do it; without, it is only shown.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let a large wave go, as a second person; or trust a domain's held addresses again and send what they missed."""
    if bool(by) == bool(reason):
        raise typer.BadParameter("a wave is released --by somebody, a domain for a --reason")
    if reason:
        mail_inbound.release_addresses(what, reason, yes=yes, as_json=as_json)
        return
    import clock
    import database
    from actions import waves as actions

    with database.transaction() as session:
        told = _told(actions.seen(session, actions.release(session, what, by, at=clock.now())))
    words = f"{what} is released: {told['waiting']} letters, {told['takes'] or 'nothing to send'}. {told['stands']}"
    typer.echo(json.dumps(told) if as_json else words.rstrip())
