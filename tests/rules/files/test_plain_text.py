"""A pasted text reads as it is stored: what nobody sees is gone, what they see is there."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.files.plain_text import plain


@pytest.mark.parametrize(
    ("pasted", "kept"),
    [
        ("\ufeffLayanan", "Layanan"), ("La\u200byan\u00adan", "Layanan"), ("a\u202eb\u202cc", "abc"),
        ("satu\r\ndua\rtiga\vempat\u2028lima", "satu\ndua\ntiga\nempat\nlima"), ("a\u00a0b\u202fc", "a b c"),
        ("\uf0b7 butir", "• butir"), ("a\tb", "a\tb"), ("e\u0301", "é"), ("👩\u200d🏫", "👩\u200d🏫"), ("a\x1bb", "ab"),
        ("\ud800x", "x"), ("biasa", "biasa"), ("", ""),
    ],
)  # fmt: skip
def test_what_is_pasted_is_kept_as_it_reads(pasted, kept):
    assert plain(pasted) == kept


@given(st.text())
def test_nothing_unseen_is_left_and_a_second_time_changes_nothing(text):
    once = plain(text)
    assert plain(once) == once
    left = {unicodedata.category(sign) for sign in once if sign not in "\n\t\u200c\u200d"}
    assert not left & {"Cc", "Cf", "Cs"}
