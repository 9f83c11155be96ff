"""The 18-digit number of a civil servant (NIP, and NI PPPK): birth date, appointment, sex, sequence."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from rules.refused import Refused
from rules.terms import EmploymentKind

YOUNGEST = 15
"""Years at appointment below which the number is a typing error, whatever the law of its day said."""
CONTRACT_CODES = range(21, 100)
"""PPPK: not a month but a code of the contract stands after the year; 21 is the usual one."""


class NipProblem(StrEnum):
    NOT_DIGITS = "not_digits"
    WRONG_LENGTH = "wrong_length"
    NO_BIRTH_DATE = "no_birth_date"
    NO_APPOINTMENT = "no_appointment"
    TOO_YOUNG = "too_young"
    NO_SEX = "no_sex"


class NipRefused(Refused, ValueError):
    """`problems` says by code what is wrong, the message in words."""

    def __init__(self, problems: list[tuple[NipProblem, str]]) -> None:
        super().__init__("; ".join(words for _, words in problems))
        self.problems = tuple(code for code, _ in problems)


@dataclass(frozen=True, slots=True)
class Nip:
    number: str
    born_on: date
    appointed_year: int
    appointed_month: int | None
    """None for a PPPK, whose number has none."""
    male: bool | None
    """None where a PPPK's number leaves it open."""
    sequence: int
    employment: EmploymentKind
    """As the number looks: PNS (or CPNS, which looks the same) or PPPK."""
    notes: tuple[str, ...] = ()
    """What is unusual, but no reason to refuse."""


def parse_nip(text: str) -> Nip:
    """Read a number, with or without the customary spaces; refused with all its problems, not the first."""
    number = "".join(text.split())
    if not (number.isascii() and number.isdigit()):
        raise NipRefused([(NipProblem.NOT_DIGITS, "a NIP has digits only")])
    if len(number) != 18:
        hint = "; a spreadsheet that took it for a number may have cut it" if len(number) < 18 else ""
        raise NipRefused([(NipProblem.WRONG_LENGTH, f"a NIP has 18 digits, not {len(number)}{hint}")])
    problems: list[tuple[NipProblem, str]] = []
    if (born := _date(number[:8])) is None:
        problems.append((NipProblem.NO_BIRTH_DATE, f"digits 1-8, {number[:8]}, are no birth date"))
    year, month = int(number[8:12]), int(number[12:14])
    contract = month in CONTRACT_CODES
    if not (contract or 1 <= month <= 12) or not 1945 <= year <= 2099:
        problems.append((NipProblem.NO_APPOINTMENT, f"digits 9-14, {number[8:14]}, are no month of appointment"))
    elif born is not None and year - born.year < YOUNGEST:
        problems.append((NipProblem.TOO_YOUNG, f"appointed in {year}, but born in {born.year}"))
    if number[14] not in "12" and not contract:
        problems.append((NipProblem.NO_SEX, f"digit 15 is 1 or 2, not {number[14]}"))
    if problems or born is None:
        raise NipRefused(problems)
    return Nip(
        number=number,
        born_on=born,
        appointed_year=year,
        appointed_month=None if contract else month,
        male={"1": True, "2": False}.get(number[14]),
        sequence=int(number[15:]),
        employment=EmploymentKind.PPPK if contract else EmploymentKind.PNS,
        notes=_notes(number, contract),
    )


def _notes(number: str, contract: bool) -> tuple[str, ...]:
    notes = []
    if contract and number[12:14] != "21":
        notes.append(f"digits 13-14 are {number[12:14]}, where a PPPK usually has 21")
    if number[14] not in "12":
        notes.append(f"digit 15 is {number[14]}, where 1 or 2 is usual")
    if number[15:] == "000":
        notes.append("the sequence is 000")
    return tuple(notes)


def _date(digits: str) -> date | None:
    try:
        found = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
    return found if found.year >= 1900 else None
