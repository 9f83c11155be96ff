"""`appraisal mail bounces`: taking in what comes back; and letting go addresses that were held for our sake."""

import asyncio
import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.language import say
from cli.words import worded

if TYPE_CHECKING:
    from aiosmtpd.smtp import Envelope, Session

    from actions.mail.bounces import Taken

MAX_MESSAGE = 32 << 20
"""Octets; a larger one is refused before it is read."""
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `appraisal mail`."""
    app.command()(bounces)


def bounces(
    maildir: Annotated[Path | None, typer.Option(help="Take in DIR/new and move it to DIR/cur.", metavar="DIR")] = None,
    listen: Annotated[str, typer.Option(help="Take in by SMTP and LMTP, until stopped.", metavar="HOST:PORT")] = "",
    as_json: AsJson = False,
) -> None:
    """Take in delivery reports and complaints; the same one again changes nothing, and nothing is ever answered."""
    if (maildir is None) == (not listen):
        raise typer.BadParameter(
            say("sebutkan --maildir atau --listen", "name --maildir or --listen"), param_hint="--maildir"
        )
    if maildir is None:
        _listen(listen)
        return
    if not (maildir / "new").is_dir():
        raise typer.BadParameter(say(
            f"{maildir} tidak berisi folder new: bukan Maildir", f"{maildir} has no folder new: it is not a Maildir"
        ), param_hint="--maildir")  # fmt: skip
    counts = read_maildir(maildir)
    none = say("tidak ada yang kembali", "nothing had come back")
    words = ", ".join(f"{count} {worded(kind)}" for kind, count in sorted(counts.items())) or none
    typer.echo(json.dumps(counts) if as_json else words)
    if counts["failed"]:
        new = maildir / "new"
        typer.echo(say(
            f"Yang gagal tetap di {new} dan dicoba lagi lain kali.",
            f"What failed stays in {new} and is tried again next time.",
        ), err=True)  # fmt: skip
        raise typer.Exit(1)


def release_addresses(domain: str, reason: str, *, yes: bool, as_json: bool) -> None:
    """Trust the held addresses of a domain again and send what is still of use, once the cause is mended."""
    import clock
    import database
    from actions import steering
    from actions.mail import bounces
    from models import Person

    with database.reading() as session:
        people = bounces.blocked(session, domain)
    letters = 0
    for person_id in people:
        with database.transaction() as session:
            address = session.get_one(Person, person_id).email
            done = steering.correct_address(
                session, person_id, address, reason=reason, at=clock.now(), preview=not yes
            )  # fmt: skip
            letters += done.counts["letters_again"] + done.counts["invitations"]
    found = {"people": len(people), "letters": letters, "done": yes}
    words = say(
        f"{len(people)} alamat di {domain}, {letters} surat", f"{len(people)} addresses at {domain}, {letters} letters"
    )
    words += "." if yes else say("; --yes melaksanakannya.", "; --yes does it.")
    typer.echo(json.dumps(found) if as_json else words)


def read_maildir(maildir: Path) -> Counter[str]:
    """Take in every message of `new`, each by itself; one that cannot be taken in stays and harms no other."""
    import settings
    from actions.mail.bounces import addressed_to

    counts: Counter[str] = Counter()
    (maildir / "cur").mkdir(exist_ok=True)
    for path in sorted(one for one in (maildir / "new").iterdir() if one.is_file()):
        try:
            with path.open("rb") as file:
                raw = file.read(MAX_MESSAGE)
            taken = _take(raw, addressed_to(raw, master=settings.load().masters), "maildir")
        except (OSError, ValueError) as failed:
            typer.echo(f"{path.name}: {type(failed).__name__}", err=True)
            counts["failed"] += 1
            continue
        path.rename(maildir / "cur" / f"{path.name}:2,S")
        counts[taken.kind.value if taken.new else "known"] += 1
    return counts


def _take(raw: bytes, envelope_to: str, source: str) -> "Taken":
    import clock
    import database
    import settings
    from actions.mail import bounces

    event_id = hashlib.sha256(envelope_to.encode("utf-8", "replace") + b"\0" + raw).hexdigest()
    with database.transaction() as session:
        return bounces.take(
            session, raw, envelope_to, source, event_id, master=settings.load().masters, at=clock.now()
        )  # fmt: skip


class Inbox:
    """Takes a message only for our bounce domain, one recipient at a time: LMTP asks for a reply to each."""

    def __init__(self, domain: str) -> None:
        self.domain = domain.lower()

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: Any, session: "Session", envelope: "Envelope", address: str, rcpt_options: list[Any]
    ) -> str:
        if address.rpartition("@")[2].lower() != self.domain:
            return "550 5.7.1 only what comes back is taken here"
        if envelope.rcpt_tos:
            return "452 4.5.3 one recipient at a time"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: Any, session: "Session", envelope: "Envelope") -> str:  # noqa: N802
        raw = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        try:
            await asyncio.to_thread(_take, raw, envelope.rcpt_tos[0], "smtp")
        except Exception as failed:  # the sender keeps it and comes again
            typer.echo(f"{say('tidak diterima', 'not taken in')}: {type(failed).__name__}", err=True)
            return "451 4.3.0 not taken in, try again"
        return "250 2.0.0 taken in"


async def serve(host: str, port: int, *, max_message: int = MAX_MESSAGE) -> asyncio.Server:
    """Listen with SMTP and LMTP on one port of this machine; the caller closes the server. ValueError off loopback."""
    from aiosmtpd.smtp import SMTP, syntax

    import settings
    from notifications.relay import is_loopback

    if not is_loopback(host):
        raise ValueError(say(
            f"{host} bukan mesin ini: biarkan server surel di sana mengirim ke 127.0.0.1",
            f"{host} is not this machine: let the mail server there deliver to 127.0.0.1",
        ))  # fmt: skip

    class Both(SMTP):
        line_length_limit = 1 << 20  # our letters have short lines, what others return need not

        @syntax("LHLO hostname")
        async def smtp_LHLO(self, arg: str) -> None:  # noqa: N802
            await self.smtp_EHLO(arg)

    inbox = Inbox(settings.load().bounce_domain)

    def session() -> SMTP:
        return Both(inbox, data_size_limit=max_message, enable_SMTPUTF8=True, ident="appraisal bounces")

    return await asyncio.get_running_loop().create_server(session, host, port)


def _listen(where: str) -> None:
    host, _, port = where.rpartition(":")
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise typer.BadParameter(
            say("berupa HOST:PORT, misalnya 127.0.0.1:2526", "as HOST:PORT, such as 127.0.0.1:2526"),
            param_hint="--listen",
        )

    async def run() -> None:
        import signal

        server, stopped = await serve(host.strip("[]"), int(port)), asyncio.Event()
        for sign in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(sign, stopped.set)
        typer.echo(say(f"Menerima yang kembali di {where}.", f"Taking in what comes back on {where}."))
        async with server:
            await stopped.wait()

    try:
        asyncio.run(run())
    except (ValueError, OSError) as refused:
        raise typer.BadParameter(str(refused), param_hint="--listen") from refused
