"""Rows that are nobody are told from people, wherever a form puts its sums and its words."""

import pytest

from rules.roster.nobody import is_nobody, spans

HEADER = ("no", "nip", "name", "email", "unit_code", "superior_nip")


def nobody(**known: str) -> bool:
    return is_nobody(list(known.values()), {column: text for column, text in known.items() if column != "no"}, HEADER)


@pytest.mark.parametrize(
    "row",
    [
        {"name": "Jumlah", "email": "301"},
        {"name": "Jumlah", "superior_nip": "301"},
        {"name": "Total", "unit_code": "1.204 orang"},
        {"name": "Jumlah", "email": "150", "unit_code": "151"},
        {"name": "Kepala BKPSDM,"},
        {"no": "17"},
    ],
)
def test_sums_and_words_of_a_form_are_nobody(row: dict[str, str]) -> None:
    assert nobody(**row)


@pytest.mark.parametrize(
    "row",
    [
        {"name": "Jumlah", "email": "jumlah@kota.example"},
        {"name": "Siti", "email": "belum ada"},
        {"name": "Siti", "unit_code": "DINKES"},
        {"name": "Siti", "unit_code": "DINKES", "superior_nip": "196801011992011001"},
        {"name": "Siti", "superior_nip": "196801011992011001"},
        {"nip": "196801011992011001"},
    ],
)
def test_a_person_with_gaps_stays_a_person(row: dict[str, str]) -> None:
    assert not nobody(**row)


def test_rows_are_written_as_spans() -> None:
    assert spans([4, 55, 56, 57, 86]) == "4, 55–57, 86"
