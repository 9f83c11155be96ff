"""A letter as a value, and its bytes: assembled by hand because that is thirty times faster than the library's way."""

import hashlib
import re
from base64 import b64encode
from datetime import datetime, timedelta
from email import policy
from email.headerregistry import Address as HeaderAddress
from email.message import EmailMessage
from email.utils import format_datetime
from functools import lru_cache
from typing import NamedTuple

from notifications.compose import Rendered, compose
from notifications.quoted import quoted, unix
from rules.mail.addresses import MAX_NAME, AddressRefused, parse_address
from rules.refused import Refused
from rules.terms import Locale

__all__ = ["Letter", "LetterRefused", "Mailbox", "Rendered", "build", "build_reference", "compose", "quoted"]

_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,100}>", re.ASCII)
_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/?^_`{|}~-]+)*", re.ASCII)
_NAME_ADDRESS = re.compile(r"([^<>]*)<([^<>]*)>")
_LINE, _CHUNK = 76, 42


class LetterRefused(Refused):
    """The letter cannot be put into bytes safely: our bug or bad data, and no server was asked."""


class Mailbox(NamedTuple):
    """A name for people and a bare address; the name may be empty."""

    name: str
    address: str

    @classmethod
    def parse(cls, text: str) -> "Mailbox":
        """Read `Name <address>` or a bare address, as settings have it; LetterRefused if it is neither."""
        found = _NAME_ADDRESS.fullmatch(text.strip())
        box = cls(found[1].strip().strip('"'), found[2]) if found else cls("", text.strip())
        _check_mailbox(box)
        return box


class Letter(NamedTuple):
    """Everything that the bytes depend on, so that a second copy is the same to the last octet."""

    kind: str
    locale: Locale
    to: Mailbox
    sender: Mailbox
    subject: str
    text: str | bytes
    """It and `html` in bytes are as `quoted` has them."""
    html: str | bytes
    message_id: str
    date: datetime
    """When it was first tried, aware."""
    envelope_from: str
    """Where bounces go; not part of the bytes."""
    reply_to: Mailbox | None = None
    in_reply_to: str | None = None
    calendar: str = ""
    """A calendar file that comes with it, as text."""


def build(letter: Letter) -> bytes:
    """Return the message as it goes over the wire; LetterRefused instead of anything a header could be forged with."""
    _check(letter)
    boundary = _boundary(letter)
    thread = letter.in_reply_to
    lines = [
        _fixed_headers(letter.locale, letter.sender, letter.reply_to),
        b"To: " + _mailbox(letter.to),
        b"Subject: " + _unstructured(letter.subject, used=9),
        b"Date: " + _date(letter.date),
        b"Message-ID: " + letter.message_id.encode(),
    ]
    if thread:
        lines += [b"In-Reply-To: " + thread.encode(), b"References: " + thread.encode()]
    if letter.calendar:
        lines.append(
            b'Content-Type: multipart/mixed;\r\n boundary="' + _outer(letter) + b'"\r\n\r\n--' + _outer(letter)
        )
    lines += [
        b'Content-Type: multipart/alternative;\r\n boundary="' + boundary + b'"\r\n\r\n--' + boundary,
        _PART % b"plain" + _quoted(letter.text) + b"\r\n--" + boundary,
        _PART % b"html" + _quoted(letter.html) + b"\r\n--" + boundary + b"--\r\n",
    ]
    if letter.calendar:
        outer = b"--" + _outer(letter)
        lines += [outer, _CALENDAR + quoted(letter.calendar) + b"\r\n" + outer + b"--\r\n"]
    return b"\r\n".join(lines)


def _quoted(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else quoted(text)


_PART = b'Content-Type: text/%s; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'


CALENDAR_NAME = "deadline.ics"
_CALENDAR = (
    b'Content-Type: text/calendar; charset="utf-8"; method="PUBLISH"\r\nContent-Transfer-Encoding: quoted-printable\r\n'
    b'Content-Disposition: attachment; filename="' + CALENDAR_NAME.encode() + b'"\r\n\r\n'
)


def _date(moment: datetime) -> bytes:
    return _date_at(moment, moment.utcoffset())


@lru_cache(maxsize=64)
def _date_at(moment: datetime, _offset: timedelta | None) -> bytes:
    """The offset tells apart what is the same moment and yet written in another way."""
    return format_datetime(moment).encode()


def _boundary(letter: Letter) -> bytes:
    # quoted-printable never yields "=_", so no text can hold it
    return b"=_" + hashlib.sha256(letter.message_id.encode()).hexdigest()[:32].encode()


def _outer(letter: Letter) -> bytes:
    return b"=_" + hashlib.sha256(letter.message_id.encode()).hexdigest()[32:].encode()


@lru_cache(maxsize=64)
def _fixed_headers(locale: Locale, sender: Mailbox, reply_to: Mailbox | None) -> bytes:
    lines = [b"From: " + _mailbox(sender)]
    if reply_to is not None:
        lines.append(b"Reply-To: " + _mailbox(reply_to))
    lines += [f"{name}: {value}".encode() for name, value in _marks(locale).items()]
    return b"\r\n".join([*lines, b"MIME-Version: 1.0"])


def _marks(locale: Locale) -> dict[str, str]:
    """What keeps machines from answering; `All` would suppress the non-delivery reports that we want."""
    return {
        "Auto-Submitted": "auto-generated",
        "Content-Language": locale.value,
        "X-Auto-Response-Suppress": "OOF, AutoReply",
    }


def _mailbox(box: Mailbox) -> bytes:
    if not box.name:
        return box.address.encode()
    name = _phrase(box.name)
    gap = b" " if len(name) + len(box.address) < _LINE - 16 else b"\r\n "
    return name + gap + b"<" + box.address.encode() + b">"


def _phrase(name: str) -> bytes:
    if not name.isascii() or "=?" in name or max(map(len, name.split(" "))) > 60:
        return _encoded_words(name)
    if _PHRASE.fullmatch(name):
        return _folded(name, used=12).encode()
    return _folded('"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"', used=12).encode()


@lru_cache(maxsize=256)
def _unstructured(value: str, used: int) -> bytes:
    if not value.isascii() or "=?" in value or max(map(len, value.split(" "))) > 60:
        return _encoded_words(value)
    return _folded(value, used).encode()


def _folded(value: str, used: int) -> str:
    if used + len(value) <= _LINE:
        return value
    lines = [""]
    for word in value.split(" "):
        if used + len(word) > _LINE and lines[-1]:
            lines.append("")
            used = 1
        lines[-1] += word + " "
        used += len(word) + 1
    return "\r\n ".join(line[:-1] for line in lines)


def _encoded_words(value: str) -> bytes:
    """RFC 2047, base64: each word under 76 octets, whole characters only, broken after a space where there is one."""
    chunks = [b""]
    for piece in re.split("(?<= )", value):
        for octets in [piece.encode()] if len(piece.encode()) <= _CHUNK else [sign.encode() for sign in piece]:
            if len(chunks[-1]) + len(octets) > _CHUNK:
                chunks.append(b"")
            chunks[-1] += octets
    return b"\r\n ".join(b"=?utf-8?b?" + b64encode(chunk) + b"?=" for chunk in chunks)


def _check(letter: Letter) -> None:
    _check_subject(letter.subject)
    if len(letter.subject) > 250 or len(letter.to.name) > MAX_NAME:
        raise LetterRefused("The subject or the name is too long.")
    for box in (letter.to, letter.sender, letter.reply_to):
        if box is not None:
            _check_mailbox(box)
    if not all(_MESSAGE_ID.fullmatch(value) for value in (letter.message_id, letter.in_reply_to or letter.message_id)):
        raise LetterRefused("The Message-ID is not one.")
    if letter.date.tzinfo is None:
        raise LetterRefused("The date has no time zone.")
    if not isinstance(letter.locale, Locale):
        raise LetterRefused("The language is not one of ours.")


@lru_cache(maxsize=256)
def _check_subject(subject: str) -> None:
    if subject != " ".join(subject.split()) or _FORBIDDEN.search(subject) or not subject:
        raise LetterRefused("The subject is empty or holds characters that no header may have.")


@lru_cache(maxsize=4096)
def _check_mailbox(box: Mailbox) -> None:
    if _FORBIDDEN.search(box.name) or box.name != " ".join(box.name.split()):
        raise LetterRefused("The name holds characters that no header may have.")
    try:
        sent = parse_address(box.address).ascii
    except AddressRefused as refused:
        raise LetterRefused(str(refused)) from refused
    if sent != box.address:
        raise LetterRefused("The address is not in the form that goes on the wire.")


def build_reference(letter: Letter) -> bytes:
    """The same letter made by the standard library: slow, and what `build` is held against."""
    _check(letter)
    if isinstance(letter.text, bytes) or isinstance(letter.html, bytes):
        raise TypeError("The library encodes for itself.")
    message = EmailMessage(policy=policy.SMTP.clone(cte_type="7bit", max_line_length=200))
    message["From"] = _header_address(letter.sender)
    if letter.reply_to is not None:
        message["Reply-To"] = _header_address(letter.reply_to)
    message["To"] = _header_address(letter.to)
    message["Subject"] = letter.subject
    message["Date"] = letter.date
    message["Message-ID"] = letter.message_id
    if letter.in_reply_to:
        message["In-Reply-To"] = letter.in_reply_to
        message["References"] = letter.in_reply_to
    message.set_content(unix(letter.text), cte="quoted-printable")
    message.add_alternative(unix(letter.html), subtype="html", cte="quoted-printable")
    message.set_boundary(_boundary(letter).decode())
    if letter.calendar:
        message.add_attachment(unix(letter.calendar), subtype="calendar", cte="quoted-printable",
                               filename=CALENDAR_NAME, params={"method": "PUBLISH"})  # fmt: skip
        message.set_boundary(_outer(letter).decode())
    for name, value in _marks(letter.locale).items():  # last: making alternatives moves all Content- headers inside
        message[name] = value
    return message.as_bytes()


def _header_address(box: Mailbox) -> HeaderAddress:
    return HeaderAddress(box.name, addr_spec=box.address)
