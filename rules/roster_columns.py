"""The columns of a roster file: their names in both languages, and how the text in a cell becomes a value."""

import re
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple, TypeVar

from rules.addresses import MAX_NAME
from rules.words import AbsenceKind, ActingKind, EmploymentKind, Locale, PostGroup, Role

T = TypeVar("T")


LONGEST_MANDATE = timedelta(days=366)
"""From its first day to its last; who acts for longer does so by another decree."""


LIMITS = {"name": MAX_NAME, "unit_code": 60, "unit_name": MAX_NAME, "parent_unit_code": 60, "post": MAX_NAME,
          "job_family": MAX_NAME, "acting_decree": MAX_NAME}  # fmt: skip
"""Characters that the rest of the system has room for: tables, letters, pages."""
SHOWN = 40
"""So much of a text that is too long."""


class RosterRefused(Exception):
    """The file as a whole cannot be read: not a roster, a required column missing or named twice."""


class Mandate(NamedTuple):
    principal_nip: str
    kind: ActingKind
    decree: str
    from_on: date
    to_on: date


class Away(NamedTuple):
    kind: AbsenceKind
    from_on: date
    to_on: date


class Fault(NamedTuple):
    """A cell that could not be read: the code of the problem, the column, and what stands there."""

    code: str
    column: str
    value: str


@dataclass(slots=True)
class RosterRow:
    """One person as the file tells it; `row` is the line of the file (the row of the sheet), the header included."""

    row: int
    nip: str
    name: str
    email: str
    employment: EmploymentKind
    unit_code: str
    unit_name: str
    parent_unit_code: str
    post: str
    post_group: PostGroup
    job_family: str
    superior_nip: str
    is_unit_head: bool
    roles: tuple[Role, ...]
    active_from: date | None
    active_to: date | None
    acting_for_nip: str
    acting_kind: ActingKind | None
    acting_decree: str
    acting_from: date | None
    acting_to: date | None
    absence_kind: AbsenceKind | None
    absence_from: date | None
    absence_to: date | None
    locale: Locale | None
    faults: tuple[Fault, ...] = ()

    @property
    def mandate(self) -> Mandate | None:
        """The acting mandate; None, for it is void, unless complete, in order, a year at most, in another's post."""
        kind, start, end = self.acting_kind, self.acting_from, self.acting_to
        if kind is None or start is None or end is None or end < start or not self.acting_decree:
            return None
        if self.acting_for_nip in ("", self.nip) or self.acts_too_long:
            return None
        return Mandate(self.acting_for_nip, kind, self.acting_decree, start, end)

    @property
    def cut(self) -> frozenset[str]:
        """The columns whose text was too long: what is left of it names nothing."""
        return frozenset(fault.column for fault in self.faults if fault.code == "text_long")

    @property
    def acts_too_long(self) -> bool:
        """Whether the days of the mandate lie further apart than those of any decree."""
        start, end = self.acting_from, self.acting_to
        return start is not None and end is not None and end - start > LONGEST_MANDATE

    @property
    def away(self) -> Away | None:
        """The absence; None unless kind and both days are given, in order."""
        kind, start, end = self.absence_kind, self.absence_from, self.absence_to
        if kind is None or start is None or end is None or end < start:
            return None
        return Away(kind, start, end)

    def active_on(self, day: date) -> bool:
        """Whether the person is in service on that day; an open end has none."""
        return (self.active_from is None or self.active_from <= day) and (
            self.active_to is None or day <= self.active_to
        )


SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "nip": ("nip_baru", "nomor_induk_pegawai"),
    "name": ("nama", "nama_lengkap", "nama_pegawai"),
    "email": ("surel", "e_mail", "alamat_surel", "alamat_email"),
    "employment": ("jenis_pegawai", "jenis_kepegawaian", "status_kepegawaian", "status_pegawai"),
    "unit_code": ("unit", "kode_unit", "kode_unor", "unit_kerja"),
    "unit_name": ("nama_unit", "nama_unor", "nama_unit_kerja"),
    "parent_unit_code": ("unit_induk", "kode_unit_induk", "kode_induk", "parent_unit"),
    "post": ("jabatan", "nama_jabatan"),
    "post_group": ("kelompok_jabatan", "jenis_jabatan"),
    "job_family": ("rumpun_jabatan", "rumpun"),
    "superior_nip": ("atasan_nip", "nip_atasan", "nip_atasan_langsung"),
    "is_unit_head": ("pimpinan_unit", "kepala_unit", "unit_head"),
    "roles": ("peran", "role"),
    "active_from": ("aktif_dari", "aktif_mulai", "tmt"),
    "active_to": ("aktif_sampai", "aktif_selesai"),
    "acting_for_nip": ("nip_yang_digantikan", "menggantikan_nip", "plt_plh_untuk_nip"),
    "acting_kind": ("jenis_plt_plh", "plt_plh"),
    "acting_decree": ("nomor_sk_plt_plh", "sk_plt_plh"),
    "acting_from": ("plt_plh_dari", "plt_plh_mulai"),
    "acting_to": ("plt_plh_sampai", "plt_plh_selesai"),
    "absence_kind": ("jenis_cuti", "jenis_ketidakhadiran"),
    "absence_from": ("cuti_dari", "cuti_mulai"),
    "absence_to": ("cuti_sampai", "cuti_selesai"),
    "locale": ("bahasa",),
}
COLUMNS = tuple(SYNONYMS)
REQUIRED = ("nip", "name", "email", "employment", "unit_code", "superior_nip", "is_unit_head")

_COLUMN_OF = {name: column for column, names in SYNONYMS.items() for name in (column, *names)}
_HEADS: dict[str, bool] = dict.fromkeys(["ya", "y", "yes", "1", "true", "benar"], True)
_HEADS |= dict.fromkeys(["", "tidak", "no", "n", "0", "false", "salah"], False)
_EMPLOYMENT = {kind.value: kind for kind in EmploymentKind} | {"p3k": EmploymentKind.PPPK}
_POST_GROUPS = {group.value: group for group in PostGroup} | {"": PostGroup.JA}
_ACTING = {kind.value: kind for kind in ActingKind}
_LOCALES: Mapping[str, Locale | None] = (
    {"": None} | {locale.value: locale for locale in Locale} | {"indonesia": Locale.ID, "inggris": Locale.EN}
)
_ROLES = {role.value: role for role in (Role.PERFORMANCE_ADMIN, Role.APPOINTING_AUTHORITY, Role.AUDITOR, Role.OPS)} | {
    "pengelola_kinerja": Role.PERFORMANCE_ADMIN,
    "ppk": Role.APPOINTING_AUTHORITY,
}
_ABSENCES = {kind.value: kind for kind in AbsenceKind} | {
    "cuti": AbsenceKind.LEAVE,
    "sakit": AbsenceKind.SICK,
    "melahirkan": AbsenceKind.MATERNITY,
    "cltn": AbsenceKind.UNPAID,
    "tugas_belajar": AbsenceKind.STUDY,
    "mpp": AbsenceKind.PRE_RETIREMENT,
    "diberhentikan_sementara": AbsenceKind.SUSPENDED,
}


class Header(NamedTuple):
    columns: tuple[str | None, ...]
    """Our name of each column of the file; None where we know none."""
    unknown: tuple[str, ...]
    missing: tuple[str, ...]


def read_header(names: Sequence[str]) -> Header:
    """Match the names of a header row; a column named twice is refused, for either could be meant."""
    columns = tuple(_COLUMN_OF.get(_key(name)) for name in names)
    known = [column for column in columns if column]
    if doubled := sorted({column for column in known if known.count(column) > 1}):
        raise RosterRefused(
            f"Kolom ganda: {', '.join(doubled)}. Sisakan satu kolom untuk tiap nama. / "
            f"Column given twice: {', '.join(doubled)}. Keep one of each."
        )
    unknown = tuple(name.strip() for name, column in zip(names, columns, strict=True) if not column and name.strip())
    return Header(columns, unknown, tuple(column for column in REQUIRED if column not in known))


def demand_columns(header: Header) -> None:
    """Refuse a header that lacks required columns, naming all of them at once."""
    if header.missing:
        wanted = "; ".join(" / ".join((column, *SYNONYMS[column][:2])) for column in header.missing)
        raise RosterRefused(
            f"Kolom wajib tidak ada: {wanted}. Tambahkan pada baris judul. / "
            f"Required columns are missing: {', '.join(header.missing)}. Add them to the header row."
        )


class _Cells:
    """The cells of one row, and what could not be read in them."""

    def __init__(self, cells: Mapping[str, str]) -> None:
        self.cells = cells
        self.faults: list[Fault] = []

    def word(self, column: str) -> str:
        text = self.cells.get(column, "").strip()
        return text if text.isprintable() or column == "email" else _visible(text)

    def text(self, column: str) -> str:
        """A text that is kept as it stands; one too long is cut, to be shown, and its row held back."""
        text = self.word(column)
        if column == "name":
            text = " ".join(text.split())
        if len(text) > LIMITS[column]:
            self.faults.append(Fault("text_long", column, str(len(text))))
            return f"{text[:SHOWN]}…"
        return text

    def shared(self, column: str) -> str:
        """Text that many rows have in common is kept once."""
        return sys.intern(self.text(column))

    def choice(self, column: str, known: Mapping[str, T], fallback: T, code: str) -> T:
        key = _key(self.word(column))
        if key not in known:
            self.faults.append(Fault(code, column, self.word(column)))
        return known.get(key, fallback)

    def day(self, column: str, code: str = "") -> date | None:
        text = self.word(column)
        value = read_day(text)
        if value is None and text and code:
            self.faults.append(Fault(code, column, text))
        return value

    def roles(self) -> tuple[Role, ...]:
        words = [word.strip() for word in self.word("roles").split(";") if word.strip()]
        self.faults += [Fault("role_unreadable", "roles", word) for word in words if _key(word) not in _ROLES]
        return tuple(dict.fromkeys(_ROLES[_key(word)] for word in words if _key(word) in _ROLES))


def row_of(number: int, cells: Mapping[str, str]) -> RosterRow:
    """Make a row of the cells, keyed by our column names; what cannot be read becomes a fault, never an exception."""
    c = _Cells(cells)
    return RosterRow(
        row=number,
        nip=clean_nip(c.word("nip")),
        name=c.text("name"),
        email=c.word("email"),
        employment=c.choice("employment", _EMPLOYMENT, EmploymentKind.PNS, "employment_unreadable"),
        unit_code=c.shared("unit_code"),
        unit_name=c.shared("unit_name"),
        parent_unit_code=c.shared("parent_unit_code"),
        post=c.shared("post"),
        post_group=c.choice("post_group", _POST_GROUPS, PostGroup.JA, "post_group_unreadable"),
        job_family=c.shared("job_family"),
        superior_nip=sys.intern(clean_nip(c.word("superior_nip"))),
        is_unit_head=c.choice("is_unit_head", _HEADS, False, "head_unreadable"),
        roles=c.roles(),
        active_from=c.day("active_from", "date_unreadable"),
        active_to=c.day("active_to", "date_unreadable"),
        acting_for_nip=clean_nip(c.word("acting_for_nip")),
        acting_kind=_ACTING.get(_key(c.word("acting_kind"))),
        acting_decree=c.text("acting_decree"),
        acting_from=c.day("acting_from"),
        acting_to=c.day("acting_to"),
        absence_kind=_ABSENCES.get(_key(c.word("absence_kind"))),
        absence_from=c.day("absence_from"),
        absence_to=c.day("absence_to"),
        locale=c.choice("locale", _LOCALES, None, "locale_unreadable"),
        faults=tuple(c.faults),
    )


def _visible(text: str) -> str:
    """Leave out what nobody sees but what turns or splits a name; an address is not mended but refused."""
    kinds = ((sign, unicodedata.category(sign)) for sign in unicodedata.normalize("NFC", text))
    seen = (" " if kind in ("Cc", "Zl", "Zp") else sign for sign, kind in kinds if kind not in ("Cf", "Cs"))
    return "".join(seen).strip()


def clean_nip(text: str) -> str:
    """Drop what people put around and between the digits: spaces, dots between groups, the apostrophe of Excel."""
    text = text.lstrip("'\u2019`").strip()
    return text if looks_numeric(text) else re.sub(r"[\s.\-]", "", text)


def looks_numeric(text: str) -> bool:
    """Whether a spreadsheet made a number of the NIP, as in 1.98505E+17 or with 000 at the end: the digits are lost."""
    return re.fullmatch(r"\d[.,]?\d*[eE]\+?\d+|\d{15}000", text) is not None


@lru_cache(maxsize=4096)
def read_day(text: str) -> date | None:
    """Read 2026-01-31, 31-01-2026, 31/01/2026 or 31.01.2026; None for anything else."""
    text = text.strip().partition(" ")[0].partition("T")[0]
    for pattern in ("%Y-%m-%d", "%d-%m-%Y", "%d/%m/%Y", "%d.%m.%Y"):
        try:
            return datetime.strptime(text, pattern).date()  # noqa: DTZ007  a day has no zone
        except ValueError:
            continue
    return None


@lru_cache(maxsize=4096)
def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")
