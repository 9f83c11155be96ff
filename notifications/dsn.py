"""Reading what comes back: delivery reports (RFC 3464, 6533), qmail's plain form (QSBMF), complaints (ARF, RFC 5965).

Whatever is read here was written by strangers: it is cut, cleaned and never believed on whose letter it speaks of.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from email import message_from_bytes, message_from_string
from email.message import Message

from rules.mail.bounces import FATES, EventKind, classify, status_of

MAX_READ = 512 * 1024
"""Octets; a report stands at the beginning, and what follows is our own letter, or nonsense."""
MAX_WORDS = 300

_STATUS_PARTS = ("message/delivery-status", "message/global-delivery-status")
_RETURNED = ("message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers",
             "message/global-headers")  # fmt: skip
_COMPLAINTS = ("abuse", "fraud", "virus", "other", "opt-out")
_AUTOMATIC = ("x-autoreply", "x-autorespond", "x-auto-reply-from")
_WEIGHT = (*FATES, EventKind.UNDER_WAY, EventKind.UNREADABLE)
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,200}>")
_ADDRESS = re.compile(r"[^\s<>]{1,200}@[^\s<>]{1,200}")
_QSBMF = "Hi. This is the"


@dataclass(frozen=True, slots=True)
class Report:
    """What one message says. The last three are claims: only a signed bounce address proves which letter it is."""

    kind: EventKind
    status: str = ""
    diagnostic: str = ""
    """At most 300 characters on one line."""
    envelope_id: str = ""
    message_id: str = ""
    senders: tuple[str, ...] = ()
    """Envelope senders that a complaint names."""


def read(raw: bytes) -> Report:
    """Say what a message reports; never raises, whatever the bytes."""
    try:
        return _read(message_from_bytes(raw[:MAX_READ]))
    except Exception:  # strangers write these, and the parser has not seen everything
        return Report(EventKind.UNREADABLE)


def recipients(raw: bytes) -> list[str]:
    """The addresses it was delivered to, as a mail server wrote them on top of a file in a Maildir; nearest first."""
    head = message_from_bytes(raw[:MAX_READ].split(b"\n\n", 1)[0].split(b"\r\n\r\n", 1)[0])
    names = ("X-Original-To", "Envelope-To", "Delivered-To")
    found = (_ADDRESS.search(str(value)) for name in names for value in head.get_all(name, []))
    return list(dict.fromkeys(address[0] for address in found if address))


def _read(message: Message) -> Report:
    parts = list(_parts(message))
    returned = _returned(parts)
    for part in parts:
        if part.get_content_type() in _STATUS_PARTS:
            return replace(_delivery(part), message_id=_message_id(returned))
        if part.get_content_type() == "message/feedback-report":
            return _complaint(part, returned)
    if message.get_content_type() == "multipart/report":
        of = str(message.get_param("report-type", "")).lower()
        return Report(EventKind.AUTO_REPLY if of == "disposition-notification" else EventKind.UNREADABLE)
    if not message.is_multipart() and (text := _body(message)).lstrip().startswith(_QSBMF):
        return _qmail(text)
    return Report(EventKind.AUTO_REPLY if _automatic(message) else EventKind.OTHER)


def _parts(message: Message) -> Iterator[Message]:
    """The leaves; a message inside the message is one of them, so that a quoted report is none."""
    if message.get_content_maintype() == "multipart" and message.is_multipart():
        for part in _list(message):
            yield from _parts(part)
    else:
        yield message


def _list(message: Message) -> list[Message]:
    payload = message.get_payload()
    return [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else []


def _body(message: Message) -> str:
    payload = message.get_payload(decode=True)
    return payload.decode("utf-8", "replace").replace("\r\n", "\n") if isinstance(payload, bytes) else ""


def _automatic(message: Message) -> bool:
    """Whether a machine answered (RFC 3834); mail servers mark their reports so too, but those have a status part."""
    submitted = _words(message.get("Auto-Submitted")).lower() or "no"
    precedence = _words(message.get("Precedence")).lower()
    return submitted != "no" or "auto" in precedence or any(name in message for name in _AUTOMATIC)


def _returned(parts: Iterable[Message]) -> Message | None:
    """The head of our letter as it came back: never the head of the report, whose Message-ID is somebody else's."""
    for part in parts:
        if part.get_content_type() in _RETURNED:
            return inner[0] if (inner := _list(part)) else message_from_string(_body(part))
    return None


def _message_id(returned: Message | None) -> str:
    found = _MESSAGE_ID.search(str(returned.get("Message-ID", ""))) if returned is not None else None
    return found[0] if found else ""


def _delivery(part: Message) -> Report:
    blocks = list(_blocks(part))
    said = [
        _failure(_words(block.get("Action")).lower(), _words(block.get("Status")), _typed(block.get("Diagnostic-Code")))
        for block in blocks if "Action" in block or "Status" in block
    ]  # fmt: skip
    worst = _worst(said)
    ids = (_words(block.get("Original-Envelope-Id")) for block in blocks)
    return replace(worst, envelope_id=next(filter(None, ids), ""))


def _blocks(part: Message) -> Iterator[Message]:
    """The groups of fields; the library splits them for the older of the two types only."""
    for block in _list(part):
        yield block
        if not block.is_multipart():
            for group in re.split(r"\n\s*\n", _body(block)):
                yield message_from_string(group.strip())


def _failure(action: str, status: str, words: str) -> Report:
    status = status_of(status, words)
    return Report(classify(action, status, words), status, words)


def _worst(said: Iterable[Report]) -> Report:
    return min(said, key=lambda one: _WEIGHT.index(one.kind), default=Report(EventKind.UNREADABLE))


def _qmail(text: str) -> Report:
    """QSBMF: a greeting, a paragraph per address, a line that begins with a dash, then our letter; always for good."""
    above, _, below = text.partition("\n---")
    said = []
    for paragraph in re.split(r"\n\s*\n", above)[1:]:
        first, _, words = paragraph.strip().partition("\n")
        if first.startswith("<") and first.rstrip().endswith(":"):
            said.append(_failure("failed", "", _words(words)))
    return replace(_worst(said), message_id=_message_id(message_from_string(below.partition("\n\n")[2].lstrip())))


def _complaint(part: Message, returned: Message | None) -> Report:
    fields = inner[0] if (inner := _list(part)) else message_from_string(_body(part))
    of = _words(fields.get("Feedback-Type")).lower()
    if of not in _COMPLAINTS:
        return Report(EventKind.OTHER, diagnostic=f"feedback: {of}" if of else "")
    named = [fields.get("Original-Mail-From"), returned.get("Return-Path") if returned is not None else None]
    senders = tuple(found[0] for value in named if (found := _ADDRESS.search(str(value or ""))))
    return Report(EventKind.COMPLAINT, diagnostic=f"feedback: {of}", message_id=_message_id(returned), senders=senders)


def _typed(value: object) -> str:
    """`smtp; 550 5.1.1 no such user` without its type."""
    words = _words(value)
    kind, semicolon, rest = words.partition(";")
    return rest.strip() if semicolon and " " not in kind else words


def _words(value: object) -> str:
    """One line of printable text, whatever was sent."""
    text = "".join(
        " " if (kind := unicodedata.category(sign))[0] == "Z" or kind == "Cc" else "" if kind[0] == "C" else sign
        for sign in str(value or "")[: 4 * MAX_WORDS]
    )
    return " ".join(text.split())[:MAX_WORDS]
