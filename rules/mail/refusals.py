"""Whom a refusal is about: the address, its mailbox as it is now, or us. By enhanced status first, then by the words.

Large providers send a general status, or a wrong one, and say in words what they mean. Words decide only where the
status does not; the careful reading goes first, so that no living address is called dead for a full mailbox.
"""

import re
from enum import StrEnum


class Blame(StrEnum):
    """What a final refusal says, as far as it can be understood."""

    ADDRESS = "address"
    """Nobody is there: no such account, or it was closed."""
    MAILBOX = "mailbox"
    """Somebody is there, but takes no letter now, or none from outside."""
    US = "us"
    """We are refused, or the way we send; the address may well be good."""
    UNSAID = "unsaid"


DEAD_ADDRESS = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
"""Statuses that say so without any words."""
_SENDER = frozenset({"5.1.7", "5.1.8"})
"""Bad sender address: says nothing of the recipient's."""
_MAILBOX = frozenset({"5.2.2", "5.2.3", "5.2.4", "5.7.2"})
_RESTRICTED = re.compile(r"5\.7\.(12\d|13\d|193)", re.ASCII)
"""Exchange: the list, group or mailbox takes letters of known senders only."""
_GENERAL = re.compile(r"(|5\.\d+\.0|5\.[0345]\.\d+|5\.7\.1)", re.ASCII)
"""Statuses that say too little, or are used for anything."""


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_WHO = r"(?:user|account|mail ?box|inbox|recipient|addressee|e?-?mail address|address|alias|customer|subscriber)"
_NAMES_NOT_FOUND = _any(
    r"name service", r"\bnxdomain\b", r"\bdns\b", r"\bmx (record|host)s?\b", r"\b(host|domain)\b.{0,30}not found",
    r"\bno such (host|domain)\b", r"tim(e|ed) ?out\b", r"unreachable", r"connection (refused|lost|reset)",
    r"\bip address\b",
)  # fmt: skip
_FULL = _any(
    r"quota", r"\bfull\b", r"storage", r"insufficient", r"too (large|big|many|quickly|fast|much)",
    r"exceed", r"\brate\b", r"temporar", r"try (again )?later", r"greylist", r"sementara", r"\bpenuh\b",
)  # fmt: skip
_SENDER_SAID = _any(
    r"\bsender\b.{0,60}(rejected|denied|refused|blocked|verif|unknown|invalid|not (found|allowed|exist))",
    r"\bfrom address\b.{0,40}(rejected|denied|refused|invalid)",
)  # fmt: skip
_ABOUT_US = _any(
    r"spam", r"unsolicited", r"black ?-?list", r"block ?-?list", r"\brbl\b", r"dnsbl", r"reputation", r"\bspf\b",
    r"\bdkim\b", r"\bdmarc\b", r"\brelay(ing)?\b.{0,20}(denied|not (allowed|permitted)|prohibited|rejected)",
    r"(unable|not (allowed|permitted)) to relay", r"\b(client|helo|ehlo)\b.{0,30}rejected", r"authentication required",
    r"must (authenticate|log ?in)", r"\bvirus\b", r"\bip\b.{0,60}\b(blocked|rejected|banned)\b",
)  # fmt: skip
_PERHAPS_US = _any(
    r"\bpolicy\b", r"\b(host|message|mail|connection|content)\b.{0,30}\b(blocked|rejected|banned)\b", r"\bptr\b",
)  # fmt: skip
"""Also said where somebody else is meant: what is plain goes before it."""
_TAKES_NOT_US = _any(
    r"RESOLVER\.RST\.", r"not ?authenticated ?for", r"\brestricted\b", r"only (accept|receive)s?",
    r"not (authorized|allowed|permitted) to (send|post)",
)  # fmt: skip
_NOBODY = _any(
    r"RESOLVER\.ADR\.", r"recipient ?not ?found",
    rf"\b(no such|unknown|invalid|non-?existent|bad|dead|inactive|disabled|unrout(e?)able)\b.{{0,20}}\b{_WHO}",
    rf"\b{_WHO}s?\b.{{0,80}}\b(unknown|invalid|non-?existent|inactive|not active)\b",
    rf"\b{_WHO}s?\b.{{0,80}}\b(does(n.?t| not)|do(n.?t| not)|did not|no longer)"
    r" (currently )?(exists?|accepts?|have an?)\b",
    rf"\b{_WHO}s?\b.{{0,80}}\b(not|isn.?t|no longer)( a)? (be )?"
    r"(found|exist|valid|known|recogni[sz]ed|listed|registered|available|in use|local|here|hosted)\b",
    rf"\b{_WHO}s?\b.{{0,80}}\b(disabled|deactivated|suspended|discontinued|closed|terminated|deleted|removed|expired)\b",
    rf"\b(not a|isn.?t a|no)( valid| known| local)? {_WHO}\b",
    r"(doesn.?t|does not|do not|don.?t) have an? .{1,60} account", r"\bno (one|body) (here )?by that name\b",
    r"\b(pengguna|akun|alamat|penerima|kotak (surat|masuk))\b.{0,80}\btidak (ada|ditemukan|dikenal|terdaftar|aktif)\b",
)  # fmt: skip
_UNAVAILABLE = re.compile(r"mail ?box (is )?unavailable", re.IGNORECASE)
"""What RFC 5321 says for 550; beside 5.7.1 it is said of those who are not let in."""
_DENIED = re.compile(r"recipient address rejected", re.IGNORECASE)
_QUOTED = re.compile(r"^.{0,200}?\bsaid: *", re.IGNORECASE | re.DOTALL)
"""A server of ours names the one that it quotes."""
_EDGE = ("5.4.1", "access denied")
"""Exchange Online refuses who is not in its directory so, before it takes a letter."""


def blame(status: str, words: str) -> Blame:
    """Whom a final refusal is about. `status`: enhanced, such as `5.1.1`; empty if none was given."""
    if status[:1] not in ("", "5"):
        return Blame.UNSAID
    if status in _SENDER:
        return Blame.US
    if status in _MAILBOX or _RESTRICTED.fullmatch(status):
        return Blame.MAILBOX
    if status == "5.2.1":  # also used where somebody gets too many at once
        return Blame.MAILBOX if _FULL.search(words) else Blame.ADDRESS
    said = _said(status, words) if _GENERAL.fullmatch(status) else Blame.UNSAID
    if said is not Blame.UNSAID:
        return said
    if status.startswith("5.1."):
        return Blame.ADDRESS
    return Blame.US if status.startswith("5.7.") else Blame.UNSAID


def _said(status: str, words: str) -> Blame:
    words = _QUOTED.sub("", words)
    for pattern, whom in _READINGS:
        if pattern.search(words):
            return whom
    if _DENIED.search(words):
        return Blame.ADDRESS if status == _EDGE[0] and _EDGE[1] in words.lower() else Blame.MAILBOX
    return Blame.ADDRESS if status != "5.7.1" and _UNAVAILABLE.search(words) else Blame.UNSAID


_READINGS = (
    (_SENDER_SAID, Blame.US), (_NAMES_NOT_FOUND, Blame.UNSAID), (_FULL, Blame.MAILBOX), (_TAKES_NOT_US, Blame.MAILBOX),
    (_ABOUT_US, Blame.US), (_NOBODY, Blame.ADDRESS), (_PERHAPS_US, Blame.US),
)  # fmt: skip
"""The first that fits counts."""
