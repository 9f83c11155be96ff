"""What an import of a roster does to people: one list, shown before and carried out after."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

Pair = tuple[str, str]
"""Indonesian, English."""


class ChangeKind(StrEnum):
    LEAVES = "leaves"
    NIP = "nip"
    RETURNED = "returned"
    MOVED = "moved"
    SUPERIOR = "superior"
    ADDRESS = "address"
    CORRECTED = "corrected"
    RIGHTS = "rights"
    KEPT = "kept"
    NEW = "new"


KINDS: Mapping[ChangeKind, Pair] = {
    ChangeKind.LEAVES: ("keluar", "leaves"),
    ChangeKind.NIP: ("NIP dikoreksi, orang yang sama", "NIP corrected, the same person"),
    ChangeKind.RETURNED: ("kembali bertugas", "returns"),
    ChangeKind.MOVED: ("pindah unit atau jabatan", "moves to another unit or post"),
    ChangeKind.SUPERIOR: ("atasan baru", "has a new superior"),
    ChangeKind.ADDRESS: ("alamat surel baru", "has a new mail address"),
    ChangeKind.CORRECTED: ("data diri dikoreksi", "particulars corrected"),
    ChangeKind.RIGHTS: ("peran, Plt/Plh atau ketidakhadiran", "roles, acting mandate or absence"),
    ChangeKind.KEPT: (
        "koreksi Pengelola Kinerja dipertahankan; isi berkas lama tidak dipakai",
        "a correction by HR stands; the older content of the file is not used",
    ),
    ChangeKind.NEW: ("baru", "new"),
}
"""In the order in which they are listed: what hurts most stands first."""

CELLS: Mapping[str, Pair] = {
    "nip": ("NIP", "NIP"),
    "name": ("nama", "name"),
    "email": ("alamat", "address"),
    "locale": ("bahasa", "language"),
    "employment": ("jenis pegawai", "employment"),
    "active_from": ("aktif dari", "in service from"),
    "active_to": ("aktif sampai", "in service until"),
    "unit": ("unit", "unit"),
    "post": ("jabatan", "post"),
    "post_group": ("kelompok jabatan", "post group"),
    "job_family": ("rumpun jabatan", "job family"),
    "is_unit_head": ("pimpinan unit", "head of unit"),
    "superior": ("atasan", "superior"),
    "authority": ("pemutus keberatan", "objection authority"),
    "roles": ("peran", "roles"),
    "mandate": ("Plt/Plh", "acting"),
    "absence": ("ketidakhadiran", "absence"),
    "agency": ("instansi", "agency"),
}
"""What of a person changes, in words."""


class Change(NamedTuple):
    """One thing that happens to one person; `before` and `after` are as people read them."""

    kind: ChangeKind
    nip: str
    name: str
    cell: str = ""
    before: str = ""
    after: str = ""

    def as_json(self) -> dict[str, str]:
        return {**self._asdict(), "kind": self.kind.value}


def in_order(changes: Iterable[Change]) -> list[Change]:
    """By kind, then by name: the order in which people look for somebody."""
    rank = {kind: number for number, kind in enumerate(KINDS)}
    return sorted(changes, key=lambda change: (rank[change.kind], change.name, change[1:]))


def digest_of(changes: Iterable[Change], counts: Mapping[str, int]) -> str:
    """Changes when somebody else is touched than was shown; says nothing of anybody."""
    said = [sorted(change.as_json().items()) for change in in_order(changes)]
    text = json.dumps([said, sorted(counts.items())], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def people_by_kind(changes: Iterable[Change]) -> dict[ChangeKind, int]:
    """How many people each kind concerns, in the order of the list."""
    people: Counter[ChangeKind] = Counter(kind for kind, _ in {(each.kind, each.nip) for each in changes})
    return {kind: people[kind] for kind in KINDS if people[kind]}


def sentence(change: Change, english: bool) -> str:
    """`Ani, S.Pd. (1987...): alamat ani@a.example → ani@b.example`, without the kind."""
    who = f"{change.name} ({change.nip})"
    if not change.cell:
        return f"{who}: {change.after}" if change.after else who
    what = CELLS[change.cell][english]
    if not change.before:
        return f"{who}: {what} {change.after or '-'}"
    return f"{who}: {what} {change.before} → {change.after or '-'}"
