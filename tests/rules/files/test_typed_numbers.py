"""Numbers are read as people write them here; what could mean two things is left to them, with both readings."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.files.typed_numbers import read


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("12,5", "12.5"), ("12.5", "12.5"), ("1200", "1200"), ("100 %", "100"), ("100%", "100"),
        ("99,5 persen", "99.5"),
        ("Rp 5.000.000", "5000000"), ("Rp5.000.000,-", "5000000"), ("Rp. 5.000.000,00", "5000000.00"),
        ("rp 1.500", "1500"), ("IDR 1,500", "1500"), ("5 000 000", "5000000"), ("5\u00a0000,5", "5000.5"),
        ("1’500’000", "1500000"), ("1.234,5", "1234.5"), ("1,234.5", "1234.5"), ("1.200.000", "1200000"),
        ("-5", "-5"), ("\u22125", "-5"), ("+5", "5"), (",5", "0.5"), ("0,125", "0.125"), ("１２", "12"), (" 7 ", "7"),
    ],
)  # fmt: skip
def test_what_people_write_is_understood(typed, value):
    assert read(typed).value == value


@pytest.mark.parametrize(
    ("typed", "either"),
    [("1.500", ("1500", "1.5")), ("1,500", ("1500", "1.5")), ("12.125", ("12125", "12.1250")),
     ("1.500 %", ("1500", "1.5"))],
)  # fmt: skip
def test_what_could_mean_two_things_is_not_guessed(typed, either):
    reading = read(typed)
    assert (reading.value, reading.either) == (None, either)


@pytest.mark.parametrize(
    "typed",
    ["", " ", "Rp", "%", "banyak", "12 layanan", "5 juta", "1.25.0", "1.2345.678", "1234.567.890", "1,2.3,4", "5/2",
     "٣", "1e5", "nan", "10-12", "½"],
)  # fmt: skip
def test_what_is_no_number_is_none(typed):
    assert (read(typed).value, read(typed).either) == (None, None)


@given(st.text())
def test_every_text_is_read_or_left(typed):
    value = read(typed).value
    assert value is None or Decimal(value).is_finite()


@given(st.decimals(0, 10**9, places=2))
def test_a_number_in_indonesian_dress_comes_back_as_it_was(number):
    dressed = f"{number:,.2f}".translate(str.maketrans(",.", ".,"))
    assert Decimal(read(dressed).value) == number
    assert Decimal(read(f"Rp {dressed}").value) == number


@given(st.integers(1, 999), st.integers(0, 999))
def test_each_of_two_readings_can_be_read_in_one_way(whole, rest):
    first, second = read(f"{whole}.{rest:03}").either
    assert read(first).value == first
    assert Decimal(read(second.replace(".", ",")).value) == Decimal(f"{whole}.{rest:03}")
