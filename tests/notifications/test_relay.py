import pytest

from notifications.relay import Relay, RelayRefused, Tls


@pytest.mark.parametrize(
    ("url", "relay"),
    [
        ("smtp://127.0.0.1:1025", Relay("127.0.0.1", 1025, Tls.NONE)),
        ("smtp://localhost", Relay("localhost", 25, Tls.NONE)),
        ("smtp://[::1]:25/", Relay("::1", 25, Tls.NONE)),
        ("smtps://mail.kota.example", Relay("mail.kota.example", 465, Tls.IMPLICIT)),
        ("smtp+starttls://u%40x:p%3Aw@mail.kota.example", Relay("mail.kota.example", 587, Tls.STARTTLS, "u@x", "p:w")),
        ("smtp+starttls://relay:2525?ca=/etc/ca.pem", Relay("relay", 2525, Tls.STARTTLS, ca_file="/etc/ca.pem")),
    ],
)  # fmt: skip
def test_a_relay_is_read_from_its_url(url: str, relay: Relay) -> None:
    assert Relay.parse(url) == relay


@pytest.mark.parametrize(
    "url",
    ["", "mail.kota.example", "http://x.example", "smtp://", "smtp://localhost:port", "smtp://localhost/path",
     "smtps://x.example?verify=no", "smtps://x.example?ca", "smtps://x.example#a", "smtp://localhost:99999"],
)  # fmt: skip
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(RelayRefused):
        Relay.parse(url)


@pytest.mark.parametrize("host", ["mail.kota.example", "10.0.0.5", "localhost.evil.example", "relay", "0.0.0.0"])
def test_letters_never_cross_a_network_in_clear(host: str) -> None:
    with pytest.raises(RelayRefused, match="TLS is required"):
        Relay.parse(f"smtp://user:secret@{host}")


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(Relay.parse("smtps://user:secret@mail.kota.example"))
    with pytest.raises(RelayRefused) as refused:
        Relay.parse("smtp://user:secret@mail.kota.example")
    assert "secret" not in str(refused.value)
