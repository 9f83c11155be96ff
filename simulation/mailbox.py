"""A local mail server for trying things out: keeps what it gets in memory, and can bounce an address."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(slots=True)
class Received:
    """One letter as the server got it."""

    number: int
    to: str
    envelope_from: str
    content: bytes

    @property
    def message(self) -> EmailMessage:
        parsed = message_from_bytes(self.content, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    def part(self, subtype: str) -> str:
        body = self.message.get_body((subtype,))
        return body.get_content() if body is not None else ""


@dataclass
class Mailbox:
    """All letters by address, in the order of arrival. `refused` addresses answer 550 5.1.1."""

    refused: set[str] = field(default_factory=set)
    letters: list[Received] = field(default_factory=list)
    by_address: dict[str, list[Received]] = field(default_factory=lambda: defaultdict(list))

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[Any]
    ) -> str:
        if address in self.refused:
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        for address in envelope.rcpt_tos:
            letter = Received(len(self.letters) + 1, address, envelope.mail_from or "", content)
            self.letters.append(letter)
            self.by_address[address].append(letter)
        return "250 2.0.0 kept"


def serve(mailbox: Mailbox, port: int, host: str = "127.0.0.1") -> Controller:
    """Start the server in a thread of its own; `.stop()` ends it."""
    controller = Controller(mailbox, hostname=host, port=port, enable_SMTPUTF8=False, ready_timeout=20)
    controller.start()
    return controller


async def serve_forever(mailbox: Mailbox, port: int, host: str = "127.0.0.1") -> None:
    """Serve in this event loop until cancelled."""
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(mailbox, enable_SMTPUTF8=False, ident="appraisal mailbox"), host, port
    )
    async with server:
        await server.serve_forever()
