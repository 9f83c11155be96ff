"""Keyed tokens: nothing secret is stored, a row only says whether the link that we signed still counts."""

import hashlib
import hmac
import re
from base64 import b32decode, b32encode
from collections.abc import Container, Sequence
from enum import StrEnum
from functools import lru_cache

LENGTH = 40
_ALPHABET = re.compile(r"[A-Za-z2-7]{40}", re.ASCII)
_AROUND = re.compile(
    r"""^[\s\u200b-\u200d\ufeff<(\["'“‘«*_]+|(?:[\s\u200b-\u200d\ufeff.,;:!?>)\]"'”’»*_|=]|&(?:gt|lt|quot|amp);?)+$"""
)
_VERP = re.compile(r"b\+(\d{1,19})\.([a-z2-7]{8})", re.ASCII)
_MAC = 16


class Purpose(StrEnum):
    """Each has keys of its own, so what was signed for one never opens another."""

    ACTION_LINK = "action-link"
    STEP_CODE = "step-code"
    STEP_CODE_HASH = "step-code-hash"
    VERP = "verp"
    SESSION_SEEN = "session-seen"
    KNOWN_BROWSER = "known-browser"
    ADDRESS_STOP = "address-stop"


Masters = bytes | Sequence[bytes]
"""One master secret, or several, newest first: after a rotation what the one before signed still counts."""

_LABEL = {Purpose.ACTION_LINK: b"apl1|", Purpose.ADDRESS_STOP: b"apl1|address|"}


@lru_cache(maxsize=1024)
def key_for(master: bytes, purpose: Purpose, kid: int = 0) -> bytes:
    """HKDF-SHA256 (RFC 5869, no salt) of the master secret: 32 bytes for one purpose and key number (0..255)."""
    if len(master) < 32:
        raise ValueError("The master secret must have at least 32 bytes.")
    extracted = hmac.digest(bytes(32), master, "sha256")
    return hmac.digest(extracted, purpose.encode() + b"|" + bytes([kid]) + b"\x01", "sha256")


def sign(link_id: int, *, kid: int, master: bytes, purpose: Purpose = Purpose.ACTION_LINK) -> str:
    """Return the 40 letters and digits that stand for the link; ValueError for an id outside 1..2^63-1."""
    if not 0 < link_id < 1 << 63:
        raise ValueError("A link id has 63 bits.")
    body = bytes([kid]) + link_id.to_bytes(8, "big")
    return b32encode(body + _mac(body, master, purpose)).decode().lower()


def verify(token: str, *, master: Masters, kids: Container[int], purpose: Purpose = Purpose.ACTION_LINK) -> int | None:
    """Return the link id if we signed the token with one of the live keys, else None, without saying why.

    Upper and lower case are the same token: some mail programs change case.
    """
    if not _ALPHABET.fullmatch(token):
        return None
    raw = b32decode(token.upper())
    body, kid = raw[:-_MAC], raw[0]
    if kid not in kids or not any(hmac.compare_digest(raw[-_MAC:], _mac(body, m, purpose)) for m in _all(master)):
        return None
    return int.from_bytes(body[1:], "big") or None


def tidy(pasted: str) -> str:
    """A token without what mail programs and people leave around it: a full stop, brackets, quotes, spaces."""
    return _AROUND.sub("", pasted)


def _all(master: Masters) -> Sequence[bytes]:
    return (master,) if isinstance(master, bytes) else master


def _mac(body: bytes, master: bytes, purpose: Purpose) -> bytes:
    return hmac.digest(key_for(master, purpose, body[0]), _LABEL[purpose] + body, "sha256")[:_MAC]


def fingerprint(token: str) -> str:
    """What a log may say of a token: enough to tell two apart, nothing to open a desk with."""
    return hashlib.sha256(token.lower().encode()).hexdigest()[:8]


def step_code(bound: str, salt: str, *, master: bytes) -> str:
    """Return the eight digits for one request, derived so that they need not be stored to be mailed.

    `bound` names what the code is for (link, generation, session, purpose); `salt` is fresh for every request.
    """
    digest = hmac.digest(key_for(master, Purpose.STEP_CODE), f"{bound}|{salt}".encode(), "sha256")
    return f"{int.from_bytes(digest, 'big') % 10**8:08d}"


def hash_step_code(code: str, bound: str, *, master: bytes) -> str:
    """What is stored of a code: 64 hex digits, useless for another link, session or purpose."""
    return hmac.new(key_for(master, Purpose.STEP_CODE_HASH), f"{bound}|{code}".encode(), "sha256").hexdigest()


def step_code_matches(typed: str, stored: str, bound: str, *, master: bytes) -> bool:
    """Compare in constant time; spaces, dashes and what else people paste with the digits are ignored."""
    code = re.sub(r"[^0-9]", "", typed)
    return hmac.compare_digest(hash_step_code(code, bound, master=master), stored)


def verp(letter_id: int, *, domain: str, master: bytes) -> str:
    """The envelope sender of one letter: a bounce to it names the letter, and nobody else can make one up."""
    return f"b+{letter_id}.{_verp_mac(letter_id, master)}@{domain}"


def verp_letter(address: str, *, domain: str, master: Masters) -> int | None:
    """Return the letter that an envelope sender of ours stands for, None if it is not ours or forged."""
    local, _, host = address.lower().rpartition("@")
    found = _VERP.fullmatch(local)
    if host != domain.lower() or found is None:
        return None
    letter_id = int(found[1])
    ours = any(hmac.compare_digest(found[2], _verp_mac(letter_id, one)) for one in _all(master))
    return letter_id if ours else None


def _verp_mac(letter_id: int, master: bytes) -> str:
    digest = hmac.digest(key_for(master, Purpose.VERP), str(letter_id).encode(), "sha256")
    return b32encode(digest[:5]).decode().lower()
