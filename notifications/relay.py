"""Where mail is handed over: the relay as settings name it, refused if letters would cross a network in clear."""

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import parse_qs, unquote, urlsplit

from rules.refused import Refused


class RelayRefused(Refused):
    """The SMTP URL is not one, or would send letters or a password in clear over a network."""


class Tls(StrEnum):
    NONE = "smtp"
    """Only on the machine itself."""
    IMPLICIT = "smtps"
    STARTTLS = "smtp+starttls"


_PORTS = {Tls.NONE: 25, Tls.IMPLICIT: 465, Tls.STARTTLS: 587}


@dataclass(frozen=True, slots=True)
class Relay:
    host: str
    port: int
    tls: Tls
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    """Certificates to trust instead of the system's."""

    @classmethod
    def parse(cls, url: str) -> "Relay":
        """Read `smtp://localhost`, `smtps://user:password@host` or `smtp+starttls://host:587?ca=/path/ca.pem`.

        User and password are percent-encoded. Plain `smtp` is refused for any host but this machine.
        """
        try:
            parts = urlsplit(url.strip())
            tls, port = Tls(parts.scheme), parts.port
            query = parse_qs(parts.query, strict_parsing=True) if parts.query else {}
        except ValueError:
            raise RelayRefused("The SMTP URL must look like smtps://user:password@host:port") from None
        if not parts.hostname or parts.path not in ("", "/") or parts.fragment or set(query) - {"ca"}:
            raise RelayRefused("The SMTP URL must name a host, and nothing after it but ?ca=FILE")
        if tls is Tls.NONE and not is_loopback(parts.hostname):
            raise RelayRefused(
                f"{parts.hostname} is not this machine: use smtps:// or smtp+starttls:// (TLS is required off loopback)"
            )
        return cls(
            parts.hostname, port or _PORTS[tls], tls,
            unquote(parts.username) if parts.username else None,
            unquote(parts.password) if parts.password else None,
            query["ca"][0] if "ca" in query else None,
        )  # fmt: skip


def is_loopback(host: str) -> bool:
    """Whether the name can only mean this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
