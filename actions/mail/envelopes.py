"""From a claimed row to the bytes that go out: the secrets are derived here, at the last moment, and kept nowhere."""

import hashlib
import re
import time
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from sqlalchemy.orm import Session

import settings
from actions.access import codes, signin
from actions.mail.outbox import Claimed
from notifications.calendar_file import calendar_file
from notifications.compose import encode
from notifications.kinds import KINDS, Secret
from notifications.letter import Letter, LetterRefused, Mailbox, build
from notifications.relay import Relay
from rules.mail.addresses import AddressRefused, parse_address
from rules.proof.tokens import Purpose, sign, verp

MAX_BYTES = 1_000_000
_ADDRESS = re.compile(r"""[^\s<>()\[\],;:"']+@[^\s<>()\[\],;:"']+""")


@dataclass(frozen=True, slots=True)
class Post:
    """How this installation sends: read from the settings once."""

    relay: Relay
    sender: Mailbox
    reply_to: Mailbox | None
    """Where all answers go; None: to the contact of the agency that a letter speaks for."""
    bounce_domain: str
    base_url: str
    master: bytes


def post_of(given: settings.Settings) -> Post:
    return Post(
        Relay.parse(given.smtp_url), Mailbox.parse(given.mail_from),
        Mailbox.parse(given.mail_reply_to) if given.mail_reply_to else None, given.bounce_domain,
        given.base_url.rstrip("/"), given.master,
    )  # fmt: skip


class CopyDiffers(Exception):
    """A copy that may have arrived was not the same to the last byte."""


class LetterTooLarge(Exception):
    """No letter of ours is that long: something got into its facts that does not belong there."""


@dataclass(frozen=True)
class Envelope:
    """One letter ready to be handed over."""

    claimed: Claimed
    envelope_from: str
    message: bytes
    made_at: float
    """By the clock on the wall, which goes on while a machine sleeps."""

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.message).hexdigest()


def secrets_of(session: Session, one: Claimed, post: Post) -> dict[str, Any]:
    """The link or code that the letter carries; only codes need the database."""
    secret = KINDS[one.kind].secret
    if secret is Secret.CODE and one.code_id is not None:
        return {"code": codes.digits(session, one.code_id, master=post.master)}
    if secret is Secret.SIGN_IN_CODE and one.link_id is not None:
        return {"code": signin.digits(session, one.link_id, master=post.master)}
    if secret is Secret.STOP_LINK and one.link_id is not None:
        token = sign(one.link_id, kid=0, master=post.master, purpose=Purpose.ADDRESS_STOP)
        return {"url": f"{post.base_url}/a/stop/{token}"}
    if secret is Secret.DESK_LINK and one.link_id is not None and one.kid is not None:
        return {"url": f"{post.base_url}/a/{sign(one.link_id, kid=one.kid, master=post.master)}"}
    return {}


def envelope(one: Claimed, secrets: dict[str, Any], post: Post) -> Envelope:
    """Write the letter; the same row gives the same bytes however often it is asked.

    LetterTooLarge above MAX_BYTES. CopyDiffers if a copy may have arrived and this one would not be the same: the
    templates changed in between.
    """
    written = encode(one.kind, {**one.facts, **secrets}, one.locale)
    bounces = verp(one.id, domain=post.bounce_domain, master=post.master)
    assert one.first_tried_at is not None
    letter = Letter(
        one.kind, one.locale, Mailbox(one.name, one.address), post.sender, written.subject, written.text,
        written.html, one.message_id, one.first_tried_at, bounces, post.reply_to or _contact_of(one), one.in_reply_to,
        calendar_file(one.facts, one.locale, stamp=one.first_tried_at),
    )  # fmt: skip
    made = Envelope(one, bounces, build(letter), time.time())
    if len(made.message) > MAX_BYTES:
        raise LetterTooLarge(f"{len(made.message):,} bytes; mail servers and people expect less than {MAX_BYTES:,}")
    if one.ambiguities and one.content_sha256 not in (None, made.sha256):
        raise CopyDiffers("a copy that may have arrived was different; a person decides what this one is told")
    return made


def _contact_of(one: Claimed) -> Mailbox | None:
    return contact(str(one.facts.get("agency", "")), str(one.facts.get("contact", "")))


@lru_cache(maxsize=256)
def contact(agency: str, words: str) -> Mailbox | None:
    """The mailbox among the words by which people reach an agency, under its name; None: they hold no address."""
    for found in _ADDRESS.findall(words):
        try:
            address = parse_address(found.rstrip(".")).ascii
        except AddressRefused:
            continue
        try:
            return Mailbox.parse(f"{agency} <{address}>")
        except LetterRefused:
            return Mailbox("", address)
    return None
