"""What a message that came back means: for the letter, for its address, and whether HR must hear of it.

Decided by the enhanced status (RFC 3463), and by words only where large providers send a status that says too little.
Letters are judged by everything that was ever said about them, so the order in which reports arrive decides nothing.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from rules.mail.refusals import Blame, blame
from rules.terms import AddressState, LetterState

HOLD_AT = 6
"""So many letters in a row that came back for now: the address is held until a person has looked."""
PRESUMED_DELIVERED = timedelta(days=6)
"""Mail servers give up after five days (RFC 5321, 4.5.4.1): whoever stayed silent for longer has delivered."""


class EventKind(StrEnum):
    """What one message said; stored in `mail_event.kind`."""

    HARD = "hard"
    SOFT = "soft"
    BLOCKED = "blocked"
    """Refused for who we are or how we send: the address may well be good."""
    UNDER_WAY = "under_way"
    """Late, or passed on to a server that tells no more; nothing is decided."""
    DELIVERED = "delivered"
    COMPLAINT = "complaint"
    """The reader pressed "this is spam"."""
    AUTO_REPLY = "auto_reply"
    OTHER = "other"
    """Mail that is no report."""
    UNREADABLE = "unreadable"
    """It claims to be a report and says nothing that can be understood."""
    FORGED = "forged"
    """Sent to a bounce address that we never made."""
    UNVERIFIED = "unverified"
    """About a letter of ours, but to an address that proves nothing."""
    UNKNOWN = "unknown"
    """To a bounce address of ours whose letter this database does not have."""
    TOLD = "told"
    """HR was told of the state in `mail_event.status`."""


FATES = (EventKind.HARD, EventKind.BLOCKED, EventKind.SOFT, EventKind.DELIVERED)
"""What decides a letter's fate, the weightiest first: a copy that came back outweighs one that arrived."""
LETTER_STATES = {
    EventKind.HARD: LetterState.BOUNCED_HARD,
    EventKind.BLOCKED: LetterState.BOUNCED_SOFT,
    EventKind.SOFT: LetterState.BOUNCED_SOFT,
    EventKind.DELIVERED: LetterState.DELIVERED,
}

_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)", re.ASCII)
_PASSING = re.compile(r"4\d\d\b", re.ASCII)
_KINDS = {Blame.ADDRESS: EventKind.HARD, Blame.US: EventKind.BLOCKED}
_ACTIONS = {
    "delayed": EventKind.UNDER_WAY, "relayed": EventKind.UNDER_WAY,
    "delivered": EventKind.DELIVERED, "expanded": EventKind.DELIVERED,
}  # fmt: skip


def status_of(status: str, diagnostic: str) -> str:
    """The enhanced status of a failure; what the other server said itself goes before a general x.0.0; '' if none."""
    given, said = _STATUS.search(status), _STATUS.search(diagnostic)
    if said and (given is None or (given[0].endswith(".0.0") and given[1] == said[1])):
        return said[0]
    return given[0] if given else ""


def classify(action: str, status: str, words: str = "") -> EventKind:
    """What a delivery report says by its action (RFC 3464, 2.3.3) and status; without an action, the status decides.

    `words`: what the other server said. A failure that neither explains counts as soft: the letter is lost, the
    address perhaps not.
    """
    if (known := _ACTIONS.get(action)) is not None:
        return known
    if action != "failed" and not status:
        return EventKind.UNREADABLE
    if action != "failed" and status[0] == "2":
        return EventKind.DELIVERED
    if not status and _PASSING.match(words):
        return EventKind.SOFT
    return _KINDS.get(blame(status, words), EventKind.SOFT)


def fate(said: Collection[str]) -> EventKind | None:
    """What became of a letter by all that was said of it; None while nothing decides."""
    return next((kind for kind in FATES if kind in said), None)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an address, and how many letters in a row came back for now."""

    state: AddressState
    soft: int


def standing(fates: Iterable[EventKind | None]) -> Standing:
    """Judge an address by the fates of the letters sent to it, oldest first; None says nothing.

    A delivery wipes out what came back for now or for our sake before it; a dead address stays dead until HR corrects
    it.
    """
    soft, blocked, dead = 0, False, False
    for one in fates:
        soft += one is EventKind.SOFT
        blocked |= one is EventKind.BLOCKED
        dead |= one is EventKind.HARD
        if one is EventKind.DELIVERED:
            soft, blocked = 0, False
    if dead:
        return Standing(AddressState.HARD, soft)
    if blocked or soft >= HOLD_AT:
        return Standing(AddressState.BLOCKED, soft)
    return Standing(AddressState.SOFT if soft else AddressState.OK, soft)
