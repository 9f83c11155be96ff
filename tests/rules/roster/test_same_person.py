"""Whether a new NIP may be a missing person's, and when so many leave that somebody has to say that it is meant."""

import pytest

from rules.roster.losses import Loss, losses
from rules.roster.same_person import Known, bare_name, pairs

SUHARTO = Known("198208062005011001", "Suharto", frozenset({"suharto@a.example"}), "UMUM")


def new(nip: str, name: str = "Suharto", address: str = "lain@a.example", unit: str = "LAIN") -> Known:
    return Known(nip, name, frozenset({address}), unit)


@pytest.mark.parametrize(
    "person",
    [
        new("198208072005011001"),  # a digit of the birth date
        new("198206082005011001"),  # two digits changed places
        new("198208062025211003"),  # another appointment: PPPK who became CPNS, or the other way
        new("197001012005011001"),  # all of the birth date
        new("197001011999031004", unit="UMUM"),  # the same name in the same unit
        new("197001011999031004", "Orang Lain", "suharto@a.example"),  # the same mailbox
        new("198208072005011001", "Drs. H. SUHARTO, M.Si."),
        new("198208072005011001", "drs suharto"),
    ],
)
def test_a_person_may_be_somebody_missing(person: Known) -> None:
    assert list(pairs([person], [SUHARTO])) == [(person, SUHARTO)]


@pytest.mark.parametrize(
    "person",
    [
        new("197001011999031004"),  # a namesake elsewhere
        new("198208072005011001", "Suhartono"),
        new("198208062005011002", "Budi Santoso"),  # born and appointed alike
    ],
)
def test_a_person_is_nobody_missing(person: Known) -> None:
    assert list(pairs([person], [SUHARTO])) == []


def test_nobody_is_taken_for_two_people_and_the_nearest_number_wins() -> None:
    twin = SUHARTO._replace(nip="198208062005011002", addresses=frozenset())
    first, second = new("198208072005011002"), new("198208072005011001")
    assert list(pairs([first, second], [SUHARTO, twin])) == [(first, twin), (second, SUHARTO)]


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("Drs. H. Andi Baharuddin, M.Si.", "andi baharuddin"),
        ("drs h andi baharuddin m si", "andi baharuddin m si"),
        ("I Gusti Ayu Prémawati, S.Pd.", "i gusti ayu premawati"),
        ("H.", "h"),
    ],
)
def test_titles_accents_and_case_are_no_part_of_a_name(name: str, bare: str) -> None:
    assert bare_name(name) == bare


@pytest.mark.parametrize(
    ("serving", "leaving", "found"),
    [
        ({"A": 50}, {"A": 5}, []),
        ({"A": 50}, {"A": 6}, [Loss("", 6, 50)]),
        ({"A": 100, "B": 4}, {"B": 2}, []),
        ({"A": 100, "B": 4}, {"B": 3}, [Loss("B", 3, 4)]),
        ({"A": 100, "B": 1}, {"B": 1}, []),
        ({"A": 8, "B": 4}, {"A": 2, "B": 3}, [Loss("", 5, 12), Loss("B", 3, 4)]),
        ({"A": 9}, {}, []),
    ],
)
def test_more_than_a_tenth_of_the_agency_or_more_than_half_of_a_unit(
    serving: dict[str, int], leaving: dict[str, int], found: list[Loss]
) -> None:
    assert losses(serving, leaving) == found
