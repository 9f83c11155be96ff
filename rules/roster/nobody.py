"""Rows of a roster that are nobody: column numbers, numbered empty rows, totals, signatures, a header repeated."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

_ANYTHING = frozenset({"is_unit_head", "locale"})
"""Columns that templates fill in ahead for people who do not exist."""


def is_nobody(cells: Sequence[str], known: Mapping[str, str], header: Sequence[str]) -> bool:
    """Whether a row says nothing about a person; `known` are its cells by our columns, empty ones left out."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    if not filled or _column_numbers(filled):
        return True
    if [" ".join(cell.split()) for cell in cells if cell.strip()] == [name for name in header if name]:
        return True
    nip = known.get("nip", "")
    if nip:
        return _words_for_number(nip) and (len(known) == 1 or (len(known) == 2 and _of_a_form(nip, known)))
    if "email" in known and not _is_sum(known["email"]):
        return False
    if "name" in known and _person_like(known):
        return False
    said = [column for column in known if column not in _ANYTHING]
    return "name" in known or len(said) < 6


def _words_for_number(nip: str) -> bool:
    return re.search(r"[^\W\d_]", nip) is not None and re.search(r"\d[eE]\+?\d", nip) is None


def _of_a_form(nip: str, known: Mapping[str, str]) -> bool:
    """Whether it is a sum or the words of a form that stand where a number should, not a number spoilt."""
    (beside,) = [text.strip() for column, text in known.items() if column != "nip"]
    return _is_sum(beside) or re.search(r"[\s,.:;]", nip.strip()) is not None


def _person_like(known: Mapping[str, str]) -> bool:
    """Whether a name stands beside what only a person has, and not beside a sum or the words of a signature."""
    beside = {"superior_nip", "employment", "unit_code"} & set(known)
    sums = {column for column, text in known.items() if column != "name" and _is_sum(text)}
    return len(known) - len(sums) > 2 or any(column not in sums for column in beside)


def _is_sum(text: str) -> bool:
    """A count below a column, as people write it: 301, 1.204, 301 orang; a NIP has more digits than any count."""
    return (
        sum(map(str.isdigit, text)) < 10
        and re.fullmatch(r"[\d.,\s]+(orang|pegawai)?", text.strip(), re.IGNORECASE) is not None
    )


def _column_numbers(filled: Sequence[str]) -> bool:
    """1, 2, 3 or (1), (2), (3) below the header."""
    numbers = [re.fullmatch(r"\(?(\d{1,4})\)?\.?", cell) for cell in filled]
    if len(filled) < 3 or not all(numbers):
        return False
    values = [int(match[1]) for match in numbers if match]
    return all(after - before == 1 for before, after in pairwise(values))


def spans(rows: Sequence[int]) -> str:
    """Row numbers as people write them: 4, 55-84, 86."""
    parts: list[list[int]] = []
    for row in rows:
        if parts and row == parts[-1][1] + 1:
            parts[-1][1] = row
        else:
            parts.append([row, row])
    shown = [str(first) if first == last else f"{first}–{last}" for first, last in parts[:12]]
    return ", ".join([*shown, *(["…"] if len(parts) > 12 else [])])
