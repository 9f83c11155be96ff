"""`appraisal mail`: the dispatcher by hand, the outbox, and who did not get what."""

import json
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from cli.language import say
from cli.mail import inbound, limits
from cli.mail import waves as mail_waves
from cli.words import worded

if TYPE_CHECKING:
    from actions.mail.letters import Certificate

app = typer.Typer(no_args_is_help=True, add_completion=False)
AsJson = Annotated[bool, typer.Option("--json")]


@app.callback()
def _group() -> None:
    """The outbox."""


@app.command()
def deliver(
    resident: Annotated[bool, typer.Option(help="Stay and send whatever becomes due.")] = False,
    lane: Annotated[list[str] | None, typer.Option(help="Only these lanes: urgent, invitation, ...")] = None,
    limit: Annotated[int, typer.Option(help="At most so many letters.", min=1)] = 100_000,
    connections: Annotated[int, typer.Option(help="To the relay, of all processes together.", min=1, max=100)] = 5,
    processes: Annotated[int, typer.Option(help="Share the work: one for each core.", min=1, max=64)] = 1,
    as_json: AsJson = False,
) -> None:
    """Send the letters that are due."""
    import clock
    import database
    from actions.mail import dispatcher
    from rules.terms import Lane

    if unknown := sorted(set(lane or ()) - set(Lane)):
        said, lanes_known = ", ".join(unknown), ", ".join(Lane)
        raise typer.BadParameter(
            say(f"{said} bukan salah satu dari {lanes_known}", f"{said} is none of {lanes_known}"), param_hint="--lane"
        )
    lanes = [Lane(name) for name in lane] if lane else list(Lane)
    if processes > 1:
        from cli.mail import dispatchers

        names = [one.value for one in lanes]
        counts = dispatchers.deliver(processes, lanes=names, limit=limit, connections=connections, resident=resident)
        typer.echo(_told(counts, as_json))
        return
    db = database.current()
    if resident:
        _speak()
        counts = dispatcher.reside(db, lanes=lanes, now=clock.now, connections=connections)
    else:
        counts = dispatcher.deliver_batch(db, lanes=lanes, limit=limit, now=clock.now, connections=connections)
    typer.echo(_told(counts, as_json))


def _speak() -> None:
    """Say in the log when it begins and ends, and when the relay is down: nobody else watches it."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("actions").setLevel(logging.INFO)


def _told(counts: Mapping[str, int], as_json: bool) -> str:
    none = say("tidak ada yang jatuh tempo", "nothing was due")
    words = ", ".join(f"{count} {worded(state)}" for state, count in counts.items()) or none
    return json.dumps(dict(counts)) if as_json else words


@app.command()
def status(
    agency: Annotated[str, typer.Option(help="Only this agency's cycles.")] = "", as_json: AsJson = False
) -> None:
    """The outbox by kind and state, and whom no letter reached, with the reason and what to do."""
    import clock
    import database
    from actions.cycle import cycles
    from actions.mail import checks
    from cli.mail import prints

    with database.reading() as session:
        if agency:
            cycles.demand_agency(session, agency)
        found = checks.overview(session, agency)
        found["waiting"] = checks.waiting(session, agency, at=clock.now())
        found |= checks.outlook(session, at=clock.now())
    if as_json:
        typer.echo(json.dumps(found, default=str))
        return
    prints.status(found)


@app.command()
def certificate(
    agency: Annotated[str, typer.Argument()] = "",
    year: Annotated[int, typer.Argument()] = 0,
    wave: Annotated[str, typer.Option(help="Of one wave instead of a whole cycle.", metavar="KEY")] = "",
    as_json: AsJson = False,
) -> None:
    """Owed, accepted, open, missing, doubled for a whole cycle or one wave; exit 1 unless it is clean."""
    import database
    from actions.cycle import cycles
    from actions.mail import letters, waves

    if bool(wave) == bool(agency and year):
        raise typer.BadParameter(say("sebutkan AGENCY YEAR, atau --wave KEY", "name AGENCY YEAR, or --wave KEY"))
    with database.reading() as session:
        if wave:
            found = letters.certificate(session, wave_id=waves.find(session, wave).id)
        elif (cycle := cycles.find(session, agency, year)) is not None:
            found = letters.certificate(session, cycle_id=cycle.id)
        else:
            typer.echo(say(f"Tidak ada siklus {year} di {agency}.", f"No cycle {year} of {agency}."), err=True)
            raise typer.Exit(2)
    data = {"owed": found.owed, "states": dict(found.states), "open": found.open, "missing": found.missing,
            "doubled": found.doubled, "repeated": found.repeated,
            "perhaps_twice": found.restored, "clean": found.clean}  # fmt: skip
    typer.echo(json.dumps(data) if as_json else _certified(wave or f"{agency} {year}", found))
    if not found.clean:
        raise typer.Exit(1)


def _certified(what: str, found: "Certificate") -> str:
    """The certificate in one sentence."""
    listed = ", ".join(f"{count} {worded(state)}" for state, count in found.states.items())
    states = f": {listed}" if listed else ""
    again = say(f", {found.repeated} dikirim lagi sesudah gangguan", f", {found.repeated} sent again after a crash")
    twice = say(
        f", {found.restored} mungkin terkirim dua kali sesudah pemulihan",
        f", {found.restored} perhaps sent twice, after a restore",
    )  # fmt: skip
    more = f"{again if found.repeated else ''}{twice if found.restored else ''}"
    verdict = say("bersih", "clean") if found.clean else say("TIDAK BERSIH", "NOT CLEAN")
    return say(
        f"{what}: {found.owed} surat harus dikirim{states}; {found.missing} hilang, {found.doubled} ganda{more}:"
        f" {verdict}",
        f"{what}: {found.owed} letters owed{states}; {found.missing} missing, {found.doubled} doubled{more}: {verdict}",
    )


Wave = Annotated[str, typer.Option(help="Only this wave.", metavar="KEY")]


@app.command()
def pause(reason: str, wave: Wave = "") -> None:
    """Stop delivery, or one wave, in all processes, on all machines, within a second."""
    import clock
    import database
    from actions.mail import outbox, waves

    if not reason.strip():
        raise typer.BadParameter(say(
            "tulis alasannya bagi yang menemukan surat menunggu; tidak ada yang dihentikan",
            "say why, for whoever finds letters waiting; nothing was stopped",
        ), param_hint="REASON")  # fmt: skip
    with database.transaction() as session:
        if wave:
            waves.pause(session, wave, reason, at=clock.now())
        else:
            outbox.pause(session, reason, at=clock.now())
    what = wave or say("Pengiriman", "Delivery")
    how = f"appraisal mail resume --wave {wave}" if wave else "appraisal mail resume"
    typer.echo(say(f"{what} dihentikan; `{how}` melanjutkannya.", f"{what} is stopped; `{how}` goes on."))


@app.command()
def resume(
    wave: Wave = "",
    hold: Annotated[
        bool, typer.Option("--hold", help="Keep all waiting letters back: they may have gone out.")
    ] = False,
) -> None:
    """Go on with delivery, stopped waves included; waves that await their release still do."""
    import clock
    import database
    from actions.mail import outbox, waves
    from rules.terms import Lane

    at = clock.now()
    with database.transaction() as session:
        if wave:
            waves.resume(session, wave)
            typer.echo(say(f"{wave} dilanjutkan.", f"{wave} goes on."))
            return
        held = waves.hold_waiting(session, at=at) if hold else 0
        outbox.resume(session)
        stopped = outbox.resume_waves(session)
        due = outbox.count_due(session, list(Lane), at=at)
    kept = say(f" {held} surat ditahan.", f" {held} letters are held.") if hold else ""
    typer.echo(say(
        f"Pengiriman dilanjutkan; {stopped} gelombang tadinya dihentikan. {due} surat dikirim sekarang.{kept}",
        f"Delivery goes on; {stopped} waves had been stopped. {due} letters go out now.{kept}",
    ))  # fmt: skip


inbound.register(app)
limits.register(app)
mail_waves.register(app)
