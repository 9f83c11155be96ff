"""A wave seen before it leaves: every letter is written as it would be sent, and looked at; nothing is changed."""

import quopri
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.mail import claims, waves
from actions.mail.claims import Claimed
from actions.mail.envelopes import Post, envelope, secrets_of
from models import Letter, Wave
from notifications.kinds import KINDS, Secret
from rules.mail.addresses import AddressRefused, parse_address
from rules.proof.tokens import verify

PORTION = 500
MOST_BYTES, LONGEST_LINE, LONGEST_URL = 100_000, 998, 76
"""Octets: what mail programs show whole, what RFC 5321 lets a line have, what quoted-printable leaves unbroken."""
_LINK = re.compile(rb"https?://[^\s\"<>]+/a/([A-Za-z0-9]+)")
_UNRESOLVED = re.compile(rb"\{\{|\{%|%\}")

Take = Callable[[Claimed, bytes, str], None]


@dataclass(frozen=True, slots=True)
class Problem:
    letter_id: int
    person_id: int
    kind: str
    what: str


@dataclass(slots=True)
class DryRun:
    letters: int = 0
    octets: int = 0
    largest: int = 0
    longest_line: int = 0
    links: int = 0
    """Links whose signature leads to the letter's own desk."""
    seconds: float = 0.0
    problems: list[Problem] = field(default_factory=list)
    domains: Counter[str] = field(default_factory=Counter)

    @property
    def clean(self) -> bool:
        return not self.problems


def dry_run(session: Session, wave: Wave, post: Post, *, at: datetime, take: Take | None = None) -> DryRun:
    """Write and check every letter of the wave that is still to be sent; `take` gets each that could be written."""
    run = DryRun()
    owed: Counter[tuple[int, str]] = Counter()
    whose: dict[str, int] = {}
    for one, stale in _letters(session, wave, at):
        run.letters += 1
        run.domains[one.domain] += 1
        what = [f"would not be sent: {stale}"] if stale else []
        what += _written(session, one, post, run, take)
        owed[one.person_id, one.kind] += 1
        if owed[one.person_id, one.kind] == 2:
            what.append("the person gets more than one of this kind in the wave")
        if whose.setdefault(one.address.lower(), one.person_id) != one.person_id:
            what.append("another person of the wave has the same address")
        run.problems += [Problem(one.id, one.person_id, one.kind, words) for words in what]
    run.seconds = waves.seconds_through(session, run.domains)
    return run


def _letters(session: Session, wave: Wave, at: datetime) -> Iterator[tuple[Claimed, str]]:
    last = 0
    while True:
        query = select(Letter.id).where(
            Letter.wave_id == wave.id, Letter.state.in_(waves.WAITING), Letter.id > last
        ).order_by(Letter.id).limit(PORTION)  # fmt: skip
        if not (ids := session.scalars(query).all()):
            return
        yield from claims.look(session, ids, at=at)
        last = ids[-1]


def _written(session: Session, one: Claimed, post: Post, run: DryRun, take: Take | None) -> list[str]:
    try:
        parse_address(one.address)
    except AddressRefused as refused:
        return [f"bad address: {refused}"]
    try:
        made = envelope(one, secrets_of(session, one, post), post)
    except Exception as bug:  # whatever is wrong with one letter, the others are looked at
        return [f"cannot be written: {type(bug).__name__}: {bug}"]
    message = made.message
    line = max(map(len, message.split(b"\r\n")))
    run.octets += len(message)
    run.largest, run.longest_line = max(run.largest, len(message)), max(run.longest_line, line)
    what = [f"{len(message)} octets are too many"] if len(message) > MOST_BYTES else []
    what += [f"a line of {line} octets"] if line > LONGEST_LINE else []
    text = quopri.decodestring(message)
    what += ["something was not filled in"] if _UNRESOLVED.search(text) else []
    what += _links(one, text, post, run)
    if take is not None:
        take(one, message, made.envelope_from)
    return what


def _links(one: Claimed, text: bytes, post: Post, run: DryRun) -> list[str]:
    found = {match[0].decode(): match[1].decode() for match in _LINK.finditer(text)}
    kind, what = KINDS[one.kind], []
    if kind.secret is Secret.DESK_LINK and kind.secret_needed and not found:
        what.append("it has no link")
    for url, token in found.items():
        if verify(token, master=post.master, kids={one.kid or 0}) == one.link_id:
            run.links += 1
        else:
            what.append("its link does not lead to the person's desk")
        if len(url) > LONGEST_URL:
            what.append(f"a link of {len(url)} characters: mail programs may break it, choose a shorter host")
    return what
