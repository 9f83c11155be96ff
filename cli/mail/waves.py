"""`appraisal mail waves|wave|dry-run|release`: what goes out together, seen before, while and after it does."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.language import say
from cli.mail import inbound, prints
from cli.sentences import repeated
from cli.words import worded

if TYPE_CHECKING:
    from actions.mail.claims import Claimed
    from actions.mail.dry_runs import DryRun
    from actions.mail.waves import Seen

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
    from actions.cycle import cycles
    from actions.mail import waves as actions

    with database.reading() as session:
        if agency:
            cycles.demand_agency(session, agency)
        found = [_told(one) for one in actions.all_of(session, agency=agency, everything=everything)]
    if as_json:
        typer.echo(json.dumps(found))
        return
    prints.waves(found)


def _told(one: "Seen") -> dict[str, Any]:
    from rules.mail.limits import about

    takes = about(one.seconds) if one.waiting else ""
    return {"key": one.wave.key, "agency": one.agency, "planned": one.wave.planned, "states": dict(one.states),
            "waiting": one.waiting, "takes": takes, "stands": one.stands}  # fmt: skip


def wave(key: str, as_json: AsJson = False) -> None:
    """One wave: its letters by state, its certificate, and who did not get it, with the reason."""
    import database
    from actions.mail import checks, letters
    from actions.mail import waves as actions

    with database.reading() as session:
        there = actions.find(session, key)
        certified = letters.certificate(session, wave_id=there.id)
        told = _told(actions.seen(session, there)) | {
            "missing": certified.missing, "doubled": certified.doubled,
            "perhaps_twice": certified.restored, "clean": certified.clean,
            "not_reached": checks.not_reached(session, wave_id=there.id),
        }  # fmt: skip
    if as_json:
        typer.echo(json.dumps(told))
        return
    _print_wave(key, told)


def _print_wave(key: str, told: dict[str, Any]) -> None:
    states = ", ".join(f"{count} {worded(state)}" for state, count in told["states"].items()) or "-"
    typer.echo(f"{key} ({told['agency']}): {told['planned']} {say('surat', 'letters')}: {states}.")
    if count := told["waiting"]:
        rest = f"{repeated(told['takes'])}. {repeated(told['stands'])}".rstrip()
        typer.echo(say(f"{count} belum terkirim: {rest}", f"{count} are still to go: {rest}"))
    clean = say("bersih", "clean") if told["clean"] else say("TIDAK BERSIH", "NOT CLEAN")
    missing, doubled, twice = told["missing"], told["doubled"], told["perhaps_twice"]
    typer.echo(say(
        f"Berita acara: {missing} hilang, {doubled} ganda, {twice} mungkin terkirim dua kali: {clean}.",
        f"Certificate: {missing} missing, {doubled} doubled, {twice} perhaps sent twice: {clean}.",
    ))  # fmt: skip
    rows = [row | {"state": worded(row["state"]), "why": repeated(row["why"])} for row in told["not_reached"]]
    none = say("Tidak ada yang terlewat.", "Nobody was missed.")
    _table(("who", "address", "state", "why"), rows, say("Tidak sampai", "Not reached"), none)


def _table(columns: Sequence[str], rows: Sequence[dict[str, Any]], title: str, none: str) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(*map(worded, columns), title=title)
    for row in rows[:LISTED]:
        table.add_row(*(str(value) for value in row.values()))
    Console().print(table if rows else none)
    if len(rows) > LISTED:
        rest = len(rows) - LISTED
        typer.echo(say(f"... dan {rest} lagi; --json mendaftar semuanya.", f"... and {rest} more; --json lists all."))


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
    from actions.mail import dry_runs
    from actions.mail import waves as actions
    from actions.mail.envelopes import post_of
    from rules.terms import StageKind

    if bool(key) == bool(stage and agency and year):
        raise typer.BadParameter(say(
            "sebutkan KEY sebuah gelombang, atau --stage dengan --agency dan --year",
            "name the KEY of a wave, or --stage with --agency and --year",
        ))  # fmt: skip
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
    from rules.mail.limits import about

    if as_json:
        told = {"wave": key, "letters": run.letters, "octets": run.octets, "largest": run.largest,
                "longest_line": run.longest_line, "links": run.links, "domains": dict(run.domains),
                "takes": about(run.seconds), "seconds": run.seconds, "sunk": sunk, "clean": run.clean,
                "problems": [{"letter": one.letter_id, "person": one.person_id, "kind": one.kind, "what": one.what}
                             for one in run.problems]}  # fmt: skip
        typer.echo(json.dumps(told))
        return
    typer.echo(say(
        f"{key}: {run.letters} surat, seluruhnya {run.octets} oktet, terbesar {run.largest} oktet, baris terpanjang"
        f" {run.longest_line}, {run.links} tautan diperiksa.",
        f"{key}: {run.letters} letters, {run.octets} octets in all, the largest {run.largest} octets, the longest line"
        f" {run.longest_line}, {run.links} links verified.",
    ))  # fmt: skip
    takes = repeated(about(run.seconds))
    typer.echo(say(
        f"Pengirimannya memakan waktu {takes}; tidak ada yang dikirim.",
        f"Sending them takes {takes}; nothing was sent.",
    ))  # fmt: skip
    if sunk is not None:
        typer.echo(say(f"{sunk} surat diterima server percobaan.", f"{sunk} letters were taken by the sink."))
    rows = [{"letter": one.letter_id, "person": one.person_id, "kind": one.kind, "what": one.what}
            for one in run.problems]  # fmt: skip
    _table(("letter", "person", "kind", "what"), rows, say("Tidak seperti seharusnya", "Not as they should be"),
           say("Semua surat seperti seharusnya.", "Every letter is as it should be."))  # fmt: skip


class _Sink:
    """A mail server on this machine that takes the letters and delivers none; never the relay that does."""

    def __init__(self, url: str, real: str) -> None:
        import asyncio

        from notifications.relay import Relay, RelayRefused, is_loopback
        from notifications.smtp import Connection

        relay, delivers = Relay.parse(url), Relay.parse(real)
        if not is_loopback(relay.host) or (relay.host, relay.port) == (delivers.host, delivers.port):
            raise RelayRefused(say(
                "Server percobaan adalah server surel lain di mesin ini, bukan yang mengirim.",
                "A sink is another mail server on this machine than the one that delivers.",
            ))  # fmt: skip
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
        raise typer.BadParameter(say(
            "gelombang dilepas dengan --by seseorang, domain dengan --reason",
            "a wave is released --by somebody, a domain for a --reason",
        ))  # fmt: skip
    if reason:
        inbound.release_addresses(what, reason, yes=yes, as_json=as_json)
        return
    import clock
    import database
    from actions.mail import waves as actions

    with database.transaction() as session:
        told = _told(actions.seen(session, actions.release(session, what, by, at=clock.now())))
    takes = repeated(told["takes"]) or say("tidak ada yang dikirim", "nothing to send")
    rest = f"{takes}. {repeated(told['stands'])}"
    words = say(
        f"{what} dilepas: {told['waiting']} surat, {rest}", f"{what} is released: {told['waiting']} letters, {rest}"
    )  # fmt: skip
    typer.echo(json.dumps(told) if as_json else words.rstrip())
