"""Quoted-printable with CRLF: seven bits, lines under 77 octets, whatever the text."""

import binascii
from functools import lru_cache


def quoted(text: str) -> bytes:
    """Encode a text that may hold anything; its lines may end as on any system."""
    *lines, last = unix(text).split("\n")
    return b"".join([*map(_kept, lines), _kept(last)[:-2]])


@lru_cache(maxsize=2048)
def _kept(line: str) -> bytes:
    """Lines are encoded each for itself, and many are the same in all letters of a wave."""
    return quoted_line(line)


def quoted_line(line: str) -> bytes:
    """One line and its CRLF."""
    return binascii.b2a_qp(line.encode() + b"\n", istext=True).replace(b"\n", b"\r\n")


def unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
