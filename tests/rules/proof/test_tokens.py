import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from rules.proof.tokens import (
    Purpose,
    fingerprint,
    hash_step_code,
    key_for,
    sign,
    step_code,
    step_code_matches,
    tidy,
    verify,
    verp,
    verp_letter,
)

MASTER = b"m" * 32
OTHER = b"n" * 32
LINKS = st.integers(1, 2**63 - 1)
TOKEN = sign(0x1234_5678_9ABC_DEF0, kid=25, master=MASTER)


@given(LINKS, st.integers(0, 255))
def test_a_token_says_its_link_and_nothing_else(link: int, kid: int) -> None:
    token = sign(link, kid=kid, master=MASTER)
    assert len(token) == 40
    assert token.isalnum()
    assert token == token.lower()
    assert verify(token, master=MASTER, kids={kid}) == link
    assert verify(token.upper(), master=MASTER, kids=[kid]) == link


def test_keys_are_those_of_hkdf() -> None:
    for purpose, kid in ((Purpose.ACTION_LINK, 7), (Purpose.VERP, 0)):
        info = purpose.encode() + b"|" + bytes([kid])
        expected = HKDF(SHA256(), length=32, salt=None, info=info).derive(MASTER)
        assert key_for(MASTER, purpose, kid) == expected


def test_the_form_of_a_token_is_fixed_for_good() -> None:
    """Links in people's mailboxes must outlive every release."""
    assert sign(1, kid=1, master=MASTER) == "aeaaaaaaaaaaaalwmwfvi2sjkdzsuodlam3nqpry"


@pytest.mark.parametrize("position", range(40))
def test_every_changed_letter_is_refused(position: int) -> None:
    for letter in "ab2":
        changed = TOKEN[:position] + letter + TOKEN[position + 1 :]
        assert changed == TOKEN or verify(changed, master=MASTER, kids={25}) is None


@pytest.mark.parametrize(
    "token",
    ["", "a", TOKEN[:-1], TOKEN + "a", TOKEN + "=", TOKEN + ".", TOKEN + ">", TOKEN + "\n", "%61" + TOKEN[1:],
     TOKEN[:-1] + "\0", TOKEN[:-1] + "ſ", "K" + TOKEN[1:], TOKEN[:-1] + "1", "a" * 10_000, TOKEN[:-3] + "%2F"],
)  # fmt: skip
def test_what_only_looks_like_a_token_is_refused(token: str) -> None:
    assert verify(token, master=MASTER, kids=range(256)) is None


@pytest.mark.parametrize(
    "pasted",
    ["{}", "{}.", "{}>", "<{}>", "({}).", " {}\n", "“{}”", '"{}",', "{}&gt;", "**{}**", "{}\u00a0", "{}=", "{}!?"],
)
def test_what_is_pasted_around_a_token_is_taken_off(pasted: str) -> None:
    assert tidy(pasted.format(TOKEN)) == TOKEN


@pytest.mark.parametrize(
    "pasted", [TOKEN + "a.", TOKEN[:-1], "%3E" + TOKEN, TOKEN + "/x", "x" + TOKEN, TOKEN + "\ufffd"]
)
def test_what_is_no_punctuation_stays_and_is_refused(pasted: str) -> None:
    assert verify(tidy(pasted), master=MASTER, kids=range(256)) is None


def test_another_secret_key_number_or_purpose_is_refused() -> None:
    assert verify(TOKEN, master=OTHER, kids={25}) is None
    assert verify(TOKEN, master=MASTER, kids={24, 26}) is None
    assert verify(TOKEN, master=MASTER, kids={25}, purpose=Purpose.ADDRESS_STOP) is None
    sign_in = sign(5, kid=25, master=MASTER, purpose=Purpose.ADDRESS_STOP)
    assert verify(sign_in, master=MASTER, kids={25}) is None
    assert verify(sign_in, master=MASTER, kids={25}, purpose=Purpose.ADDRESS_STOP) == 5


@pytest.mark.parametrize("link", [0, -1, 2**63])
def test_an_id_outside_63_bits_is_refused(link: int) -> None:
    with pytest.raises(ValueError, match="63 bits"):
        sign(link, kid=1, master=MASTER)


def test_a_short_master_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        sign(1, kid=1, master=b"short")


def test_a_log_can_tell_tokens_apart_without_opening_anything() -> None:
    assert fingerprint(TOKEN) == fingerprint(TOKEN.upper()) != fingerprint(sign(2, kid=25, master=MASTER))
    assert len(fingerprint(TOKEN)) == 8


def test_a_code_is_eight_digits_and_the_same_when_mailed_again() -> None:
    codes = {step_code("link 1|session 2|score", f"salt {n}", master=MASTER) for n in range(200)}
    assert len(codes) > 195
    assert all(len(code) == 8 and code.isdigit() for code in codes)
    assert step_code("a", "s", master=MASTER) == step_code("a", "s", master=MASTER)
    assert step_code("a", "s", master=MASTER) != step_code("b", "s", master=MASTER)


def test_a_code_counts_only_where_it_was_asked_for() -> None:
    code = step_code("link 1|session 2", "s", master=MASTER)
    stored = hash_step_code(code, "link 1|session 2", master=MASTER)
    assert code not in stored
    assert step_code_matches(f" {code[:4]}-{code[4:]} ", stored, "link 1|session 2", master=MASTER)
    assert not step_code_matches(code, stored, "link 1|session 3", master=MASTER)
    assert not step_code_matches(code, stored, "link 1|session 2", master=OTHER)
    assert not step_code_matches("", stored, "link 1|session 2", master=MASTER)
    assert not step_code_matches("１" * 8, stored, "link 1|session 2", master=MASTER)


def test_an_envelope_sender_names_its_letter_and_cannot_be_forged() -> None:
    address = verp(42, domain="bounce.example", master=MASTER)
    assert verp_letter(address, domain="bounce.example", master=MASTER) == 42
    assert verp_letter(address.upper(), domain="bounce.example", master=MASTER) == 42
    assert verp_letter(address.replace("+42.", "+43."), domain="bounce.example", master=MASTER) is None
    assert verp_letter(address, domain="other.example", master=MASTER) is None
    assert verp_letter(address, domain="bounce.example", master=OTHER) is None
    assert verp_letter("postmaster@bounce.example", domain="bounce.example", master=MASTER) is None
    assert len(verp(2**63 - 1, domain="x", master=MASTER).split("@")[0]) <= 64
