from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.roster.nip import NipProblem, NipRefused, parse_nip
from rules.terms import EmploymentKind


def problems(text: str) -> tuple[NipProblem, ...]:
    with pytest.raises(NipRefused) as refused:
        parse_nip(text)
    return refused.value.problems


def test_a_number_is_read_with_or_without_spaces() -> None:
    for text in ("198503152010012003", "19850315 201001 2 003", " 19850315201001 2003\n"):
        nip = parse_nip(text)
        assert nip.number == "198503152010012003"
        assert (nip.born_on, nip.appointed_year, nip.appointed_month) == (date(1985, 3, 15), 2010, 1)
        assert (nip.male, nip.sequence, nip.employment, nip.notes) == (False, 3, EmploymentKind.PNS, ())


def test_a_contract_worker_has_a_code_where_others_have_a_month() -> None:
    nip = parse_nip("198503152021211001")
    assert (nip.employment, nip.appointed_year, nip.appointed_month, nip.male) == (
        EmploymentKind.PPPK,
        2021,
        None,
        True,
    )
    assert nip.notes == ()


def test_unusual_numbers_of_contract_workers_are_taken_with_a_note() -> None:
    nip = parse_nip("198503152023325001")
    assert nip.employment is EmploymentKind.PPPK
    assert nip.male is None
    assert nip.notes == ("digits 13-14 are 32, where a PPPK usually has 21", "digit 15 is 5, where 1 or 2 is usual")
    assert parse_nip("198503152010011000").notes == ("the sequence is 000",)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", (NipProblem.NOT_DIGITS,)),
        ("19850315201001200X", (NipProblem.NOT_DIGITS,)),
        ("١٩٨٥٠٣١٥٢٠١٠٠١٢٠٠٣", (NipProblem.NOT_DIGITS,)),
        ("1.98503152010012E+17", (NipProblem.NOT_DIGITS,)),
        ("19850315201001200", (NipProblem.WRONG_LENGTH,)),
        ("1985031520100120030", (NipProblem.WRONG_LENGTH,)),
        ("198502302010012003", (NipProblem.NO_BIRTH_DATE,)),
        ("188503152010012003", (NipProblem.NO_BIRTH_DATE,)),
        ("198503152010002003", (NipProblem.NO_APPOINTMENT,)),
        ("198503152010132003", (NipProblem.NO_APPOINTMENT,)),
        ("198503150010012003", (NipProblem.NO_APPOINTMENT,)),
        ("198503151990012003", (NipProblem.TOO_YOUNG,)),
        ("198503152010013003", (NipProblem.NO_SEX,)),
        ("198513152010200003", (NipProblem.NO_BIRTH_DATE, NipProblem.NO_APPOINTMENT, NipProblem.NO_SEX)),
    ],
)
def test_what_is_wrong_is_named_all_at_once(text: str, found: tuple[NipProblem, ...]) -> None:
    assert problems(text) == found


def test_a_number_cut_by_a_spreadsheet_is_guessed() -> None:
    with pytest.raises(NipRefused, match="not 16; a spreadsheet"):
        parse_nip("1985031520100120")


@given(
    st.dates(date(1950, 1, 1), date(2000, 12, 31)),
    st.integers(18, 35),
    st.integers(1, 12),
    st.sampled_from("12"),
    st.integers(1, 999),
)
def test_every_well_formed_number_is_read_back(born: date, age: int, month: int, sex: str, sequence: int) -> None:
    nip = parse_nip(f"{born:%Y%m%d}{born.year + age}{month:02}{sex}{sequence:03}")
    assert (nip.born_on, nip.appointed_year, nip.appointed_month) == (born, born.year + age, month)
    assert (nip.male, nip.sequence) == (sex == "1", sequence)
