"""Mail addresses: what is stored is exactly what goes on the wire, or it is refused with a reason."""

import re
from dataclasses import dataclass
from functools import lru_cache

import idna

from rules.refused import Refused
from rules.terms import Locale

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATOM}(\.{_ATOM})*", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
_SAFE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.@-]{1,254}", re.ASCII)
"""Nothing in it that could be a trick."""
_PLAIN = re.compile(r"[a-z0-9.-]+", re.ASCII)

MAX_LENGTH = 254
"""Octets of an address that fits a path of RFC 5321 with its angle brackets."""
MAX_NAME = 400
"""Characters of a name that a letter takes."""

REASONS = {
    "empty": ("kosong", "empty"),
    "too_long": (
        "lebih dari 254 karakter, atau lebih dari 64 sebelum @",
        "longer than 254 characters (64 before the @)",
    ),
    "space": ("memuat spasi", "contains a space"),
    "control": ("memuat karakter tak terlihat", "contains an invisible character"),
    "several": ("memuat lebih dari satu alamat", "contains more than one address"),
    "at": ("harus memuat tepat satu @", "needs exactly one @"),
    "quotes": ("tanda kutip tidak diterima", "quotes are not accepted"),
    "comment": ("tanda kurung tidak diterima", "comments in brackets are not accepted"),
    "brackets": ("nama atau kurung siku tidak diterima", "a name or angle brackets are not accepted"),
    "ip": ("alamat IP tidak diterima, perlu nama domain", "an IP address is not accepted, a domain name is needed"),
    "local_not_ascii": ("huruf di luar ASCII sebelum @", "letters outside ASCII before the @"),
    "local": ("bagian sebelum @ tidak sah", "the part before the @ is not valid"),
    "domain": ("nama domain tidak sah", "the domain name is not valid"),
    "no_dot": ("nama domain tidak lengkap", "the domain name is incomplete"),
}


class AddressRefused(Refused):
    """The text is no address that we could send to as it stands; `code` is a key of REASONS."""

    def __init__(self, code: str) -> None:
        super().__init__(" · ".join(REASONS[code]))
        self.code = code

    def reason(self, locale: Locale) -> str:
        """Why, for the person who must mend it."""
        return REASONS[self.code][locale is Locale.EN]


@dataclass(frozen=True, slots=True)
class Address:
    original: str
    ascii: str
    """What stands in RCPT TO and in the header; equal to `original` unless the domain is international."""
    domain: str
    """Lower case, in ASCII: the key of rate limits."""


@lru_cache(maxsize=4096)
def parse_address(text: str) -> Address:
    """Read one bare address; raise AddressRefused for anything that a server could read as another address."""
    if not _SAFE.fullmatch(text):
        _refuse_tricks(text)
    local, at, domain = text.partition("@")
    if not at or not local or not domain or "@" in domain:
        raise AddressRefused("at")
    if not local.isascii():
        raise AddressRefused("local_not_ascii")
    if not _LOCAL.fullmatch(local):
        raise AddressRefused("local")
    host = _domain(domain)
    wire = f"{local}@{domain if domain.isascii() else host}"
    if len(wire) > MAX_LENGTH or len(local) > 64:
        raise AddressRefused("too_long")
    return Address(text, wire, host)


def _refuse_tricks(text: str) -> None:
    if not text:
        raise AddressRefused("empty")
    if len(text) > MAX_LENGTH:
        raise AddressRefused("too_long")
    if not text.isprintable():
        raise AddressRefused("control")
    if " " in text:
        raise AddressRefused("space")
    for code, signs in (("several", ",;"), ("quotes", '"\\'), ("comment", "()"), ("brackets", "<>:")):
        if any(sign in text for sign in signs):
            raise AddressRefused(code)


@lru_cache(maxsize=4096)
def _domain(text: str) -> str:
    if "[" in text or text.replace(".", "").isdigit():
        raise AddressRefused("ip")
    host = text.lower()
    if not host.isascii():
        try:
            host = idna.encode(text, uts46=True, std3_rules=True).decode()
        except (idna.IDNAError, UnicodeError) as wrong:
            raise AddressRefused("domain") from wrong
    labels = host.split(".")
    if not _PLAIN.fullmatch(host) or not all(_LABEL.fullmatch(label) for label in labels):
        raise AddressRefused("domain")
    if len(labels) < 2:
        raise AddressRefused("no_dot")
    if labels[-1].isdigit() or len(labels[-1]) < 2:
        raise AddressRefused("domain")
    return host


DOTLESS = frozenset({"gmail.com", "googlemail.com"})
"""Providers for whom dots before the @ mean nothing; both names are one."""


def mailbox_of(wire: str) -> str:
    """Where mail to an address in lower case ends: without a tag behind a plus, nor dots that a provider ignores."""
    local, _, domain = wire.partition("@")
    local = local.partition("+")[0] or local
    return f"{local.replace('.', '')}@gmail.com" if domain in DOTLESS else f"{local}@{domain}"
