"""Officials whom no NIP names: state officials, who rate and are not rated, and posts that nobody holds.

A state official (a mayor, a regent) has no NIP; whatever the file calls them by stands for it, else their name. A post
that is vacant while somebody acts in it (Plt) gets a row of its own, so that its duties go to whoever acts.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

from rules.roster.columns import RosterRow
from rules.roster.findings import RosterUnit
from rules.terms import EmploymentKind, PostGroup

OFFICIAL, VACANT = "PN-", "LOWONG-"
"""How the keys begin that stand where others have a NIP."""
SAID_VACANT = frozenset({"lowong", "kosong", "jabatanlowong", "jabatankosong", "vacant", "vacantpost"})
NO_MAILBOX = "jabatan-lowong@jabatan.invalid"
"""Nobody sits there, so nothing is mailed."""


def fold(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", text.casefold())


def is_key(nip: str) -> bool:
    """Whether it stands for a NIP and is none."""
    return nip.startswith((OFFICIAL, VACANT))


def shown(nip: str) -> str:
    """The NIP as a document shows it: nothing where there is none."""
    return "" if is_key(nip) else nip


def official_key(row: RosterRow) -> str:
    """The same in each file, and another in each agency, as its mail domain is another."""
    named = fold(row.nip) or fold(row.name)
    return _key(OFFICIAL, row.email.rpartition("@")[2], row.unit_code, named)


def _key(mark: str, *parts: str) -> str:
    digest = hashlib.sha256("|".join(part.casefold() for part in parts).encode()).hexdigest().upper()
    return f"{mark}{digest[: 18 - len(mark)]}"


def names_of(row: RosterRow) -> set[str]:
    """By what others may name a state official as their superior."""
    return {fold(text) for text in (row.nip, row.name, row.name.partition(",")[0], row.post)} - {""}


def name_officials(rows: Iterable[RosterRow], aliases: Mapping[str, set[str]]) -> None:
    """Write the key of a state official where a row names them by name or post; a name that two have names nobody."""
    for row in rows:
        for column in ("superior_nip", "acting_for_nip"):
            keys = aliases.get(fold(getattr(row, column)), set())
            if len(keys) == 1:
                setattr(row, column, next(iter(keys)))


def vacancies(
    rows: Iterable[RosterRow], units: Mapping[str, RosterUnit], known: Mapping[str, RosterRow]
) -> list[RosterRow]:
    """A row for each vacant head's post in which somebody acts; those who act and who work there are led to it."""
    listed = list(rows)
    by_code = {fold(code): unit for code, unit in units.items()}
    made: dict[str, RosterRow] = {}
    for row in listed:
        unit = _vacant_unit(row, units, by_code, known)
        if unit is None or unit.code in made:
            continue
        post = _vacant_post(row, unit, _head_above(unit, units, row.nip))
        if replace(row, acting_for_nip=post.nip).mandate is None:
            continue
        row.acting_for_nip, unit.head_nip = post.nip, post.nip
        if row.unit_code == unit.code and _means_vacant(row.superior_nip, unit):
            row.superior_nip = post.superior_nip
        made[unit.code] = post
    by_word = {fold(code): post for code, post in made.items()}
    for row in listed:
        own = made.get(row.unit_code) if _means_vacant(row.superior_nip, units.get(row.unit_code)) else None
        post = own or by_word.get(fold(row.superior_nip))
        if post is not None and row.acting_for_nip != post.nip:
            row.superior_nip = post.nip
    return list(made.values())


def _vacant_unit(
    row: RosterRow, units: Mapping[str, RosterUnit], by_code: Mapping[str, RosterUnit], known: Mapping[str, RosterRow]
) -> RosterUnit | None:
    """The unit without head in whose head's post the row acts: named by its code, or their own."""
    if row.acting_kind is None or row.acting_for_nip in known:
        return None
    word = fold(row.acting_for_nip)
    unit = units.get(row.unit_code) if word in SAID_VACANT | {""} else by_code.get(word)
    return unit if unit is not None and not unit.head_nip else None


def _means_vacant(superior: str, unit: RosterUnit | None) -> bool:
    return unit is not None and fold(superior) in SAID_VACANT | {"", fold(unit.code)}


def _head_above(unit: RosterUnit, units: Mapping[str, RosterUnit], acting: str) -> str:
    """The head of the nearest unit above that has one, other than who acts."""
    passed = {unit.code}
    above = units.get(unit.parent)
    while above is not None and above.code not in passed:
        if above.head_nip and above.head_nip != acting:
            return above.head_nip
        passed.add(above.code)
        above = units.get(above.parent)
    return ""


def _vacant_post(row: RosterRow, unit: RosterUnit, superior: str) -> RosterRow:
    assert row.acting_from is not None
    eve = row.acting_from - timedelta(days=1)
    name = unit.name or unit.code
    return RosterRow(
        row=row.row, nip=_key(VACANT, row.email.rpartition("@")[2], unit.code), name=f"Kepala {name} (jabatan lowong)",
        email=NO_MAILBOX, employment=EmploymentKind.STATE_OFFICIAL, unit_code=unit.code, unit_name=unit.name,
        parent_unit_code=unit.parent, post=f"Kepala {name}", post_group=PostGroup.JPT, job_family="",
        superior_nip=superior, is_unit_head=True, roles=(), active_from=eve, active_to=eve, acting_for_nip="",
        acting_kind=None, acting_decree="", acting_from=None, acting_to=None, absence_kind=None, absence_from=None,
        absence_to=None, locale=None,
    )  # fmt: skip
