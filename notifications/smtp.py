"""One kept connection to the relay, spoken to step by step, so that every answer says how far a letter got."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

import aiosmtplib

from notifications.dialogue import Answer, Dialogue
from notifications.relay import Relay, RelayRefused, Tls, is_loopback
from rules.mail.addresses import AddressRefused, parse_address
from rules.terms import SmtpPhase

__all__ = ["Connection", "Relay", "RelayRefused", "Reply", "Timeouts", "Tls"]

Consent = Callable[[], Awaitable[bool]]
"""Asked on the way; False: the letter is no longer ours to send."""

MAX_TEXT = 2000
"""Characters of a reply that are kept."""

NOT_OURS = "the letter is no longer ours to send"

MAX_LETTERS, MAX_SECONDS = 100, 300
"""After so many letters or so long a connection is ended: servers punish those that stay."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait for each reply; RFC 5321 (4.5.3.2) asks ten minutes after the final dot."""

    connect: float = 60
    mail: float = 300
    rcpt: float = 300
    data: float = 120
    dot: float = 600
    quit: float = 5


@dataclass(frozen=True, slots=True)
class Reply:
    """The last answer and the phase it was given in; `code` None: there was none that could be understood."""

    phase: SmtpPhase
    code: int | None
    text: str = ""
    bug: bool = False
    """An error of our own side before anything was accepted."""

    def __post_init__(self) -> None:
        """Servers say anything, and what they said is kept: a NUL is more than a database takes."""
        if self.text.isprintable() and len(self.text) <= MAX_TEXT:
            return
        said = "".join(
            char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in self.text
        )
        object.__setattr__(self, "text", said[:MAX_TEXT])

    @property
    def accepted(self) -> bool:
        return self.phase is SmtpPhase.DONE


_UNANSWERED = {phase: Reply(phase, None) for phase in SmtpPhase}


class _Step(NamedTuple):
    phase: SmtpPhase
    good: tuple[int, ...]
    timeout: float
    command: bytes


@dataclass
class Connection:
    """A connection for one task at a time: opened on first use and again after it broke, dropped after anything odd."""

    relay: Relay
    local_hostname: str = ""
    timeouts: Timeouts = field(default_factory=Timeouts)
    tls_context: ssl.SSLContext | None = None
    last: Reply = field(init=False, default=Reply(SmtpPhase.CONNECT, None))
    """How far the letter got that was under way when the task was cancelled."""
    _smtp: aiosmtplib.SMTP | None = field(init=False, default=None)
    """Connects, secures and logs in; then `_talk` has the connection."""
    _talk: Dialogue | None = field(init=False, default=None)
    _pipelines: bool = field(init=False, default=False)
    """Whether all commands may be sent at once: one journey to the server and back instead of three."""
    _notifies: bool = field(init=False, default=False)
    """Whether it can be told which reports we want (RFC 3461)."""
    _opened: float = field(init=False, default=0)
    _letters: int = field(init=False, default=0)

    @property
    def is_open(self) -> bool:
        return self._talk is not None and self._talk.is_open

    @property
    def is_spent(self) -> bool:
        """Whether it has carried as many letters, or lived as long, as one connection should."""
        aged = self.is_open and asyncio.get_running_loop().time() - self._opened > MAX_SECONDS
        return self._letters >= MAX_LETTERS or aged

    async def open(self) -> Reply:
        """Connect, secure and log in; CONNECT with code 220 if all of it worked. Does nothing if it is open."""
        if self.is_open:
            return Reply(SmtpPhase.CONNECT, 220)
        self._smtp, self._letters = self._client(), 0
        self.last = _UNANSWERED[SmtpPhase.CONNECT]
        try:
            await self._smtp.connect()
            if self._smtp.is_ehlo_or_helo_needed:
                await self._smtp.ehlo()
            self._talk = _taken_over(self._smtp)
            self._pipelines = self._smtp.supports_extension("pipelining")
            self._notifies = self._smtp.supports_extension("dsn")
        except aiosmtplib.SMTPResponseException as refused:
            self._drop()
            return Reply(SmtpPhase.CONNECT, _code(refused.code), refused.message)
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as failed:
            self._drop()
            return Reply(SmtpPhase.CONNECT, None, _words(failed))
        except BaseException:
            self._drop()
            raise
        self._opened = asyncio.get_running_loop().time()
        return Reply(SmtpPhase.CONNECT, 220)

    async def send(
        self, envelope_from: str, to: str, message: bytes, *, letter_id: int | None = None,
        before_dot: Consent | None = None,
    ) -> Reply:  # fmt: skip
        """Hand over one letter and return the reply that decided; DONE with code 250 means accepted.

        `before_dot` is asked before the final dot goes out: without it no server keeps a letter. Connects if needed.
        Refuses addresses that are not sent exactly as given. A cancelled task drops the connection and `last` says how
        far the letter got: at DOT nobody knows whether it was accepted.
        """
        if self.is_spent:
            await self.close()
        if (opened := await self.open()).code != 220:
            return opened
        self.last = _UNANSWERED[SmtpPhase.MAIL]
        try:
            return await self._send(_wire(envelope_from), _wire(to), message, letter_id, before_dot)
        except aiosmtplib.SMTPResponseException as nonsense:
            self._drop()
            return Reply(self.last.phase, None, nonsense.message)
        except (aiosmtplib.SMTPException, OSError) as failed:
            self._drop()
            return Reply(self.last.phase, None, _words(failed))
        except Exception as bug:
            self._drop()
            return Reply(self.last.phase, None, _words(bug), bug=True)
        except BaseException:
            self._drop()
            raise

    async def close(self) -> None:
        """Say goodbye if the server still listens; never raises."""
        if self.is_open:
            try:
                await self._ask(b"QUIT\r\n", self.timeouts.quit)
            except (aiosmtplib.SMTPException, OSError):
                pass
            finally:
                self._drop()
        self._letters = 0

    async def _send(
        self, sender: bytes, to: bytes, message: bytes, letter_id: int | None, before_dot: Consent | None
    ) -> Reply:
        steps = self._steps(sender, to, letter_id)
        for together in [steps] if self._pipelines else [(step,) for step in steps]:
            if (refused := await self._introduce(together)) is not None:
                return refused
        self._letters += 1
        self._body(message)
        if before_dot is not None and not await before_dot():
            self._drop()
            return Reply(SmtpPhase.BODY, None, NOT_OURS)
        code, text = await self._dot()
        if 200 <= code < 300:
            self.last = Reply(SmtpPhase.DONE, code, text)
            return self.last
        if code == 421 or not 400 <= code < 600:
            self._drop()
        return Reply(SmtpPhase.DOT, _code(code), text)

    async def _introduce(self, steps: Sequence["_Step"]) -> Reply | None:
        """Send the commands at once; the first refusal, None if there is none."""
        talk = self._now()
        self.last = _UNANSWERED[steps[0].phase]
        try:
            failed = await talk.ask(b"".join([step.command for step in steps]), [step.timeout for step in steps])
        finally:
            self.last = _UNANSWERED[steps[min(len(talk.heard), len(steps) - 1)].phase]
        for number, (step, (code, text)) in enumerate(zip(steps, talk.heard, strict=False), 1):
            if code not in step.good:
                await self._refused(step.phase, code, failed or any(later == 354 for later, _ in talk.heard[number:]))
                return Reply(step.phase, _code(code), text)
        if failed is not None:
            raise failed
        return None

    def _steps(self, sender: bytes, to: bytes, letter_id: int | None) -> tuple["_Step", ...]:
        of_letter, of_recipient = b"", b""
        if letter_id is not None and self._notifies:
            of_letter, of_recipient = b" RET=HDRS ENVID=%d" % letter_id, b" NOTIFY=FAILURE,DELAY"
        waits = self.timeouts
        return (
            _Step(SmtpPhase.MAIL, (250,), waits.mail, b"MAIL FROM:<%b>%b\r\n" % (sender, of_letter)),
            _Step(SmtpPhase.RCPT, (250, 251), waits.rcpt, b"RCPT TO:<%b>%b\r\n" % (to, of_recipient)),
            _Step(SmtpPhase.DATA, (354,), waits.data, b"DATA\r\n"),
        )

    async def _refused(self, phase: SmtpPhase, code: int, spoilt: object) -> None:
        """Make the connection fit for the next letter, or drop it.

        `spoilt`: the dialogue broke off, or the server waits for a letter to nobody and takes nothing for a command.
        """
        if spoilt or code == 421 or not 400 <= code < 600:
            self._drop()
        elif phase is not SmtpPhase.MAIL:
            await self._reset()

    def _body(self, message: bytes) -> None:
        """Write all but the dot; it travels while `before_dot` is asked."""
        if not message.endswith(b"\r\n"):
            raise ValueError("A message ends with CRLF.")
        self.last = _UNANSWERED[SmtpPhase.BODY]
        stuffed = message.replace(b"\r\n.", b"\r\n..")
        self._now().say(b"." + stuffed if stuffed.startswith(b".") else stuffed)

    async def _dot(self) -> Answer:
        if not self._now().is_open:
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        self.last = _UNANSWERED[SmtpPhase.DOT]
        return await self._ask(b".\r\n", self.timeouts.dot)

    async def _ask(self, words: bytes, timeout: float) -> Answer:
        talk = self._now()
        if (failed := await talk.ask(words, (timeout,))) is not None:
            raise failed
        return talk.heard[0]

    def _now(self) -> Dialogue:
        if self._talk is None:
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        return self._talk

    async def _reset(self) -> None:
        """End the transaction after a refusal, or the next MAIL is answered 503."""
        try:
            code, _ = await self._ask(b"RSET\r\n", self.timeouts.mail)
        except (aiosmtplib.SMTPException, OSError):
            code = 0
        if code != 250:
            self._drop()

    def _client(self) -> aiosmtplib.SMTP:
        relay = self.relay
        if relay.tls is Tls.NONE and not is_loopback(relay.host):
            raise RelayRefused("TLS is required off loopback")
        return aiosmtplib.SMTP(
            hostname=relay.host, port=relay.port, username=relay.username, password=relay.password,
            use_tls=relay.tls is Tls.IMPLICIT, start_tls=relay.tls is Tls.STARTTLS, timeout=self.timeouts.connect,
            local_hostname=self.local_hostname or socket.gethostname(), validate_certs=True,
            tls_context=self.tls_context, cert_bundle=None if self.tls_context else relay.ca_file,
        )  # fmt: skip

    def _drop(self) -> None:
        if self._talk is not None:
            self._talk.close()
            self._talk = None
        if self._smtp is not None:
            self._smtp.close()
        self._smtp = None


def _taken_over(client: aiosmtplib.SMTP) -> Dialogue:
    """Its own way of speaking waits for each reply, and does not say how far a letter got."""
    if client.transport is None or client.transport.is_closing():
        raise aiosmtplib.SMTPServerDisconnected("Connection lost")
    return Dialogue(cast(asyncio.Transport, client.transport))


def _wire(address: str) -> bytes:
    """The address as it goes on the wire; ValueError if that would not be exactly what was given."""
    try:
        parsed = parse_address(address).ascii
    except AddressRefused as refused:
        raise ValueError(f"address refused: {refused.code}") from refused
    if parsed != address:
        raise ValueError("address refused: not in its ASCII form")
    return address.encode("ascii")


def _code(code: int) -> int | None:
    return code if 200 <= code < 600 else None


def _words(failed: BaseException) -> str:
    return f"{type(failed).__name__}: {failed}"
