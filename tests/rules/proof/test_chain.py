import json
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.proof.chain import ZERO, canonical_json, chain_hash, commitment
from rules.terms import ActKind

ROSTER = (Path(__file__).parents[1] / "golden" / "roster12.csv").read_bytes()
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(max_codepoint=127)), inner),
    max_leaves=8,
)


def test_the_chain_has_the_known_hashes() -> None:
    first = {"seq": 1, "type": "roster.frozen", "sha256": sha256(ROSTER).hexdigest()}
    second = {"seq": 2, "type": "seed.recorded", "seed": "08772473296991897540"}
    head = chain_hash(ZERO, first)
    assert head == "61bf31d9c0118baa1fec3a742e4d9187e7b37f13ad12f146d8f07a6d488ec99b"
    assert chain_hash(head, second) == "af6d06c0170f476530867b01cef0e2da7770e7408a5b4d153789fc0c4a7031fc"


def test_the_commitment_has_the_known_hash() -> None:
    content = {"appraisal_id": "A006", "predikat": "Baik", "scores": [85, 90, 78]}
    assert commitment(bytes(16), content) == "9431c7c561410a952d02fe0c286ed1df8fe29e1e9400743ac3599b798ee4dff1"


def test_the_form_is_sorted_without_spaces_and_in_utf8() -> None:
    event = {"b": [1, None, True], "a": "é\n\x1f\x7f", "act": ActKind.SCORE, "c": ("x",)}
    assert canonical_json(event) == '{"a":"é\\n\\u001f\x7f","act":"score","b":[1,null,true],"c":["x"]}'.encode()


@given(PLAIN)
def test_what_is_read_back_has_the_same_form(value: object) -> None:
    form = canonical_json(value)
    assert canonical_json(json.loads(form)) == form


@pytest.mark.parametrize(
    "value", [1.0, {"a": [0.5]}, float("nan"), {1: "a"}, {"é": 1}, {None: 1}, b"a", {"a": {1, 2}}, {"a": (1, [2.0])}]
)
def test_what_has_no_single_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        canonical_json("\ud800")


@pytest.mark.parametrize("prev", ["", "0" * 63, "0" * 65, "A" * 64, "g" * 64, "0" * 63 + "\n"])
def test_an_event_follows_only_a_hash(prev: str) -> None:
    with pytest.raises(ValueError, match="not a hash"):
        chain_hash(prev, {"seq": 1})


@pytest.mark.parametrize("salt", [b"", bytes(15), bytes(17)])
def test_a_short_salt_is_refused(salt: bytes) -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        commitment(salt, {})


@given(PLAIN, PLAIN)
def test_another_content_another_salt_or_another_past_changes_the_hash(one: object, other: object) -> None:
    assert (commitment(bytes(16), one) == commitment(bytes(16), other)) == (
        canonical_json(one) == canonical_json(other)
    )
    assert commitment(bytes(16), one) != commitment(b"\1" * 16, one)
    assert chain_hash(ZERO, {"seq": one}) != chain_hash("1" * 64, {"seq": one})
