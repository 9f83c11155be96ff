import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.mail.addresses import REASONS, AddressRefused, parse_address
from rules.terms import Locale


@pytest.mark.parametrize(
    "text",
    ["siti@kota.go.id", "S.Aminah+kinerja@Kota-Palu.GO.ID", "o'brien@example.org", "a_b=c@x.example", "1@2.id",
     "a" * 64 + "@example.org"],
)  # fmt: skip
def test_an_ascii_address_is_sent_exactly_as_stored(text: str) -> None:
    address = parse_address(text)
    assert (address.original, address.ascii) == (text, text)
    assert address.domain == text.partition("@")[2].lower()


def test_an_international_domain_is_sent_in_its_ascii_form() -> None:
    address = parse_address("siti@kötä.example")
    assert address.original == "siti@kötä.example"
    assert address.ascii == "siti@xn--kt-wia4e.example"
    assert address.domain == "xn--kt-wia4e.example"


REFUSED = [
    ("", "empty"),
    ("siti aminah@x.example", "space"),
    (" siti@x.example", "space"),
    ("siti@x.example ", "space"),
    ("p@x.org NOTIFY=NEVER", "space"),
    ("a@b.id, c@d.id", "space"),
    ("a@b.id,c@d.id", "several"),
    ("a@b.id;c@d.id", "several"),
    ("p@x>\r\nRCPT TO:<q@y", "control"),
    ("a@x.example\n", "control"),
    ("a\0@x.example", "control"),
    ("a\u200b@x.example", "control"),
    ("a\u2028@x.example", "control"),
    ("a\u202e@x.example", "control"),
    ("a\u00a0@x.example", "control"),
    ('"a b"@x.example', "space"),
    ('"ab"@x.example', "quotes"),
    ("a\\b@x.example", "quotes"),
    ("a(remark)@x.example", "comment"),
    ("<a@x.example>", "brackets"),
    ("mailto:a@x.example", "brackets"),
    ("a@x.example@y.example", "at"),
    ("a%b@@x.example", "at"),
    ("x.example", "at"),
    ("@x.example", "at"),
    ("a@", "at"),
    ("a@[127.0.0.1]", "ip"),
    ("a@[IPv6:::1]", "brackets"),
    ("a@127.0.0.1", "ip"),
    ("sití@x.example", "local_not_ascii"),
    (".a@x.example", "local"),
    ("a.@x.example", "local"),
    ("a..b@x.example", "local"),
    ("a@localhost", "no_dot"),
    ("a@x..example", "domain"),
    ("a@-x.example", "domain"),
    ("a@x_y.example", "domain"),
    ("a@x.example.", "domain"),
    ("a@x.1", "domain"),
    ("a@xn.c", "domain"),
    ("a@\u2100.example", "domain"),
    ("a" * 65 + "@x.example", "too_long"),
    ("a@" + "b." * 130 + "id", "too_long"),
    ("a" * 320, "too_long"),
]


@pytest.mark.parametrize(("text", "code"), REFUSED)
def test_anything_that_a_server_could_read_otherwise_is_refused_with_its_reason(text: str, code: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        parse_address(text)
    assert refused.value.code == code
    assert refused.value.reason(Locale.ID) != refused.value.reason(Locale.EN)


def test_every_reason_is_reached() -> None:
    assert {code for _, code in REFUSED} == set(REASONS)


@given(st.text(max_size=40) | st.from_regex(r"[^@]{1,8}@[^@]{1,8}\.[a-z]{2}", fullmatch=True))
def test_what_is_accepted_is_one_safe_word(text: str) -> None:
    try:
        address = parse_address(text)
    except AddressRefused:
        return
    assert address.ascii.isascii()
    assert address.ascii.count("@") == 1
    assert not set(address.ascii) & set(' \t\r\n\0<>()[],;:"\\')
