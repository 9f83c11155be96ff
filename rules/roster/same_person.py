"""Whether a NIP that is new and one that is missing belong to one person: asked of HR, never decided by us."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

TITLES = frozenset({
    "dr", "drs", "dra", "ir", "h", "hj", "kh", "prof", "apt", "ns", "bdn", "rr", "rd", "raden", "st", "se", "sh", "sp",
    "sip", "spd", "mpd", "msi", "mm", "mh", "sst", "amd", "skm", "sos", "ssi", "skom", "mkes", "mt", "mpa", "map",
})  # fmt: skip
"""What stands before or after a name without a dot or comma, and is none of it."""
CLOSE = 2
"""So many digits of a NIP differ by a slip of the pen, a transposition included."""


class Known(NamedTuple):
    """One person, as much as tells people apart."""

    nip: str
    name: str
    addresses: frozenset[str]
    unit: str


def bare_name(name: str) -> str:
    """The name as people say it: no titles, no accents, no case."""
    plain = unicodedata.normalize("NFKD", name.partition(",")[0]).casefold()
    words = re.findall(r"[^\W\d_]+", "".join(sign for sign in plain if not unicodedata.combining(sign)))
    kept = [word for word in words if word not in TITLES]
    return " ".join(kept or words)


def pairs(new: Iterable[Known], missing: Iterable[Known]) -> Iterator[tuple[Known, Known]]:
    """Each new person with the one missing person they may well be, nobody twice; in linear time."""
    by_address: dict[str, list[Known]] = defaultdict(list)
    by_name: dict[str, list[Known]] = defaultdict(list)
    for person in missing:
        by_name[bare_name(person.name)].append(person)
        for address in person.addresses:
            by_address[address].append(person)
    taken: set[str] = set()
    for person in new:
        same_address = [each for address in person.addresses for each in by_address.get(address, ())]
        same_name = [each for each in by_name.get(bare_name(person.name), ()) if _near(person, each)]
        likely = sorted((each for each in (*same_address, *same_name) if each.nip not in taken),
                        key=lambda each: _apart(person.nip, each.nip))  # fmt: skip
        if likely:
            taken.add(likely[0].nip)
            yield person, likely[0]


def _near(person: Known, other: Known) -> bool:
    """Namesakes are common: something else has to fit as well."""
    same_birth, same_rest = person.nip[:8] == other.nip[:8], person.nip[8:] == other.nip[8:]
    return same_birth or same_rest or _apart(person.nip, other.nip) <= CLOSE or person.unit == other.unit


def _apart(one: str, other: str) -> int:
    return sum(a != b for a, b in zip(one, other, strict=False)) + abs(len(one) - len(other))
