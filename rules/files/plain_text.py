"""Text as people paste it, made to read as it is stored: what nobody can see is taken out, what they see stays."""

import unicodedata

_LINES = dict.fromkeys(map(ord, "\v\f\x85\u2028\u2029"), "\n") | {ord("\r"): "\n"}
"""A word processor's line and page breaks; a lone return is that of old systems."""
_SPACES = dict.fromkeys(map(ord, "\u00a0\u2007\u202f"), " ")
_BULLETS = {0xF0B7: "•", 0xF0A7: "▪", 0xF0D8: "➢", 0xF0FC: "✓"}
"""The bullets of Symbol and Wingdings, which lie in the private area and show as boxes elsewhere."""
_JOINERS = "\u200c\u200d"
"""Invisible, but they shape letters of some scripts and hold emoji together."""
_CHANGED = _LINES | _SPACES | _BULLETS
_UNSEEN = frozenset({"Cc", "Cf", "Cs"})


def plain(text: str) -> str:
    """Composed (NFC), without control, formatting and direction-changing characters; line breaks are `\\n`."""
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").translate(_CHANGED)
    seen = (c for c in text if c in "\n\t" or c in _JOINERS or unicodedata.category(c) not in _UNSEEN)
    return unicodedata.normalize("NFC", "".join(seen))


LONGEST_LINE = 4000


def as_line(text: str, longest: int = LONGEST_LINE) -> str:
    """The text as one line that can be seen whole: line breaks and rows of spaces are one space; empty if too long."""
    line = " ".join(plain(text).split())
    return line if len(line) <= longest else ""
