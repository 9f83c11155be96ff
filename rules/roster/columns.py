"""The columns of a roster file: their names in both languages, and how the text in a cell becomes a value."""

import hashlib
import re
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple, TypeVar

from rules.mail.addresses import MAX_NAME
from rules.refused import Refused
from rules.terms import AbsenceKind, ActingKind, EmploymentKind, Locale, PostGroup, Role

T = TypeVar("T")


LONGEST_MANDATE = timedelta(days=366)
"""From its first day to its last; who acts for longer does so by another decree."""


LIMITS = {"name": MAX_NAME, "unit_code": 60, "unit_name": MAX_NAME, "parent_unit_code": 60,
          "post": MAX_NAME, "job_family": MAX_NAME, "acting_decree": MAX_NAME}  # fmt: skip
"""Characters that the rest of the system has room for: tables, letters, pages."""
SHOWN = 40
"""So much of a text that is too long."""


class RosterRefused(Refused):
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
    cell: str = ""
    """Where it stands, as spreadsheets say it, if the reader knows."""


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
    ended: str = ""
    """A standing that means out of service, as the file says it."""

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
    def erroneous(self) -> frozenset[str]:
        """The columns in whose cell the file shows an error: what should stand there is not known."""
        return frozenset(fault.column for fault in self.faults if fault.code == "cell_error")

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
    "nip": ("nip_baru", "nomor_induk_pegawai", "nip_pegawai", "nip_nipppk", "nip_ni_pppk", "nip_nip_pppk"),
    "name": ("nama", "nama_lengkap", "nama_pegawai", "nama_asn", "nama_pns"),
    "email": ("surel", "e_mail", "alamat_surel", "alamat_email", "email_dinas", "email_pegawai", "surel_dinas"),
    "employment": (
        "jenis_pegawai", "jenis_kepegawaian", "status_kepegawaian", "status_pegawai", "jenis_asn", "status_asn",
    ),
    "unit_code": ("kode_unit", "kode_unor", "unor_id", "id_unor", "kode_unit_kerja", "kode_unit_organisasi"),
    "unit_name": ("nama_unit", "nama_unor", "nama_unit_kerja", "unor_nama", "nama_unit_organisasi"),
    "parent_unit_code": (
        "unit_induk", "kode_unit_induk", "kode_induk", "parent_unit", "kode_unor_induk", "unor_induk_id",
        "id_unor_induk", "unor_induk", "induk_unor", "unit_kerja_induk",
    ),
    "post": ("jabatan", "nama_jabatan", "jabatan_nama"),
    "post_group": ("kelompok_jabatan", "jenis_jabatan", "jenis_jabatan_nama"),
    "job_family": ("rumpun_jabatan", "rumpun"),
    "superior_nip": ("atasan_nip", "nip_atasan", "nip_atasan_langsung", "nip_penilai", "nip_pejabat_penilai_kinerja"),
    "is_unit_head": ("pimpinan_unit", "kepala_unit", "unit_head"),
    "roles": ("peran", "role"),
    "active_from": ("aktif_dari", "aktif_mulai", "tmt", "masa_aktif_dari", "masa_aktif_mulai", "aktif_sejak"),
    "active_to": ("aktif_sampai", "aktif_selesai", "masa_aktif_sampai", "masa_aktif_selesai"),
    "acting_for_nip": ("nip_yang_digantikan", "menggantikan_nip", "plt_plh_untuk_nip"),
    "acting_kind": ("jenis_plt_plh", "plt_plh"),
    "acting_decree": ("nomor_sk_plt_plh", "sk_plt_plh"),
    "acting_from": ("plt_plh_dari", "plt_plh_mulai"),
    "acting_to": ("plt_plh_sampai", "plt_plh_selesai"),
    "absence_kind": ("jenis_cuti", "jenis_ketidakhadiran"),
    "absence_from": ("cuti_dari", "cuti_mulai", "ketidakhadiran_dari", "ketidakhadiran_mulai"),
    "absence_to": ("cuti_sampai", "cuti_selesai", "ketidakhadiran_sampai", "ketidakhadiran_selesai"),
    "locale": ("bahasa",),
}  # fmt: skip
LOOSE: Mapping[str, tuple[str, ...]] = dict.fromkeys(
    ("unit", "unit_kerja", "unor", "unit_organisasi", "satuan_kerja", "satker", "perangkat_daerah", "opd"),
    ("unit_code", "unit_name"),
)
"""Names that say less than they should: each takes the first of its columns that no better name has taken."""
SECOND: Mapping[str, str] = {
    "ni_pppk": "nip",
    "nipppk": "nip",
    "tmt_jabatan": "active_from",
    "tmt_cpns": "active_from",
    "tmt_pengangkatan": "active_from",
    "tmt_pengangkatan_pppk": "active_from",
    "tmt_pppk": "active_from",
    "tmt_pns": "active_from",
    "kedudukan_hukum": "absence_kind",
    "kedudukan_hukum_nama": "absence_kind",
    "kedudukan_pegawai": "absence_kind",
}
"""Names whose cells count where those of a better name, or of one earlier here, are empty."""
COLUMNS = tuple(SYNONYMS)
DAYS = frozenset({"active_from", "active_to", "acting_from", "acting_to", "absence_from", "absence_to"})
ADVICE = "Yang harus dilakukan / What to do"
"""The column that the doctor adds when it writes a file back; it is not read."""
REQUIRED = ("nip", "name", "email", "employment", "unit_code", "superior_nip", "is_unit_head")

_COLUMN_OF = {name: column for column, names in SYNONYMS.items() for name in (column, *names)}
_HEADS: dict[str, bool] = dict.fromkeys(["ya", "y", "yes", "1", "true", "benar", "v", "x", "wahr"], True)
_HEADS |= dict.fromkeys(["", "tidak", "no", "n", "0", "false", "salah", "bukan", "falsch"], False)
_EMPLOYMENT = {kind.value: kind for kind in EmploymentKind} | {
    **dict.fromkeys(
        ["p3k", "pppk_paruh_waktu", "p3k_paruh_waktu", "pppk_penuh_waktu", "p3k_penuh_waktu",
         "pegawai_pemerintah_dengan_perjanjian_kerja"], EmploymentKind.PPPK,
    ),
    **dict.fromkeys(
        ["pegawai_negeri_sipil", "pns_aktif", "pns_daerah", "pns_pusat", "pns_dpk", "pns_dpb"], EmploymentKind.PNS
    ),
    **dict.fromkeys(
        ["pejabat_negara", "kepala_daerah", "wakil_kepala_daerah", "bupati", "wakil_bupati", "wali_kota", "walikota",
         "wakil_wali_kota", "wakil_walikota", "gubernur", "wakil_gubernur", "menteri", "non_asn"],
        EmploymentKind.STATE_OFFICIAL,
    ),
    **dict.fromkeys(["calon_pns", "calon_pegawai_negeri_sipil", "cpns_aktif"], EmploymentKind.CPNS),
}  # fmt: skip
_POST_GROUPS = {group.value: group for group in PostGroup} | {
    **dict.fromkeys(
        ["", "struktural", "jabatan_struktural", "pelaksana", "jabatan_pelaksana", "administrator", "pengawas",
         "jabatan_administrasi", "jabatan_administrator", "jabatan_pengawas", "fungsional_umum",
         "jabatan_fungsional_umum", "jfu"], PostGroup.JA,
    ),
    **dict.fromkeys(
        ["fungsional", "jabatan_fungsional", "fungsional_tertentu", "jabatan_fungsional_tertentu", "jft"],
        PostGroup.JF,
    ),
    **dict.fromkeys(
        ["pimpinan_tinggi", "jabatan_pimpinan_tinggi", "jpt_utama", "jpt_madya", "jpt_pratama",
         "pimpinan_tinggi_utama", "pimpinan_tinggi_madya", "pimpinan_tinggi_pratama",
         "jabatan_pimpinan_tinggi_utama", "jabatan_pimpinan_tinggi_madya", "jabatan_pimpinan_tinggi_pratama"],
        PostGroup.JPT,
    ),
}  # fmt: skip
"""The national system says only that a post is structural: most of those posts are administrative ones."""
_ACTING = {kind.value: kind for kind in ActingKind} | {
    "pelaksana_tugas": ActingKind.PLT,
    "pelaksana_harian": ActingKind.PLH,
}
_HOLDS_POST = frozenset({"pj", "pjs", "penjabat", "penjabat_sementara", "pejabat_sementara"})
"""Who is a Penjabat holds the post itself and rates in their own right: that is no mandate in another's post."""
_NO_MANDATE = frozenset({"", "tidak", "tidak_ada", "bukan", "no", "none", "definitif"})
_LOCALES: Mapping[str, Locale | None] = (
    {"": None} | {locale.value: locale for locale in Locale} | {"indonesia": Locale.ID, "inggris": Locale.EN}
)
_ROLES = {role.value: role for role in (Role.PERFORMANCE_ADMIN, Role.APPOINTING_AUTHORITY, Role.AUDITOR, Role.OPS)} | {
    "pengelola_kinerja": Role.PERFORMANCE_ADMIN,
    "ppk": Role.APPOINTING_AUTHORITY,
}
_ABSENCES = {kind.value: kind for kind in AbsenceKind} | {
    **dict.fromkeys(["cuti", "cuti_tahunan", "cuti_besar", "cuti_alasan_penting"], AbsenceKind.LEAVE),
    **dict.fromkeys(["cuti_karena_alasan_penting", "cuti_bersama"], AbsenceKind.LEAVE),
    **dict.fromkeys(["sakit", "cuti_sakit"], AbsenceKind.SICK),
    **dict.fromkeys(["melahirkan", "cuti_melahirkan", "cuti_bersalin"], AbsenceKind.MATERNITY),
    **dict.fromkeys(["cltn", "cuti_di_luar_tanggungan_negara", "cuti_diluar_tanggungan_negara"], AbsenceKind.UNPAID),
    **dict.fromkeys(["tugas_belajar", "pegawai_tugas_belajar"], AbsenceKind.STUDY),
    **dict.fromkeys(["mpp", "masa_persiapan_pensiun", "bebas_tugas"], AbsenceKind.PRE_RETIREMENT),
    **dict.fromkeys(["diberhentikan_sementara", "pemberhentian_sementara"], AbsenceKind.SUSPENDED),
}
_PRESENT = frozenset({"aktif", "pns_aktif", "cpns_aktif", "pppk_aktif", "hadir", "masuk"})
"""What stands in the column of legal standing of whoever is there."""
_ENDED = frozenset({
    "pensiun", "meninggal", "meninggal_dunia", "wafat", "berhenti", "diberhentikan", "mengundurkan_diri", "tewas",
    "pindah_instansi", "pemberhentian_dengan_hormat", "pemberhentian_tidak_dengan_hormat", "hilang",
})  # fmt: skip


class Header(NamedTuple):
    columns: tuple[str | None, ...]
    """Our name of each column of the file; None where we know none. A second name stands behind its better one."""
    unknown: tuple[str, ...]
    missing: tuple[str, ...]
    doubled: tuple[str, ...] = ()
    order: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """Where the cell of each of our columns stands: the first place that is not empty counts."""
    names: tuple[str, ...] = ()
    named_units: bool = False
    """Whether the file tells units by their names only, which may be longer than any code."""

    @property
    def told(self) -> dict[str, str]:
        """How the file names our columns."""
        return {column: self.names[places[0]] for column, places in self.order}


def read_header(names: Sequence[str]) -> Header:
    """Match the names of a header row; a column named twice is refused, for either could be meant."""
    header = match_header(names)
    refuse_doubled(header)
    return header


def match_header(names: Sequence[str]) -> Header:
    """The same without a refusal; what is doubled stands in the header."""
    names = tuple(" ".join(name.split()) for name in names)
    keys = [_key(name) for name in names]
    columns = [_COLUMN_OF.get(key) for key in keys]
    doubled = {column for column in columns if column and columns.count(column) > 1}
    places = {column: [columns.index(column)] for column in columns if column}
    coded = "unit_code" in places
    for index, key in enumerate(keys):
        free = [column for column in LOOSE.get(key, ()) if column not in places]
        if free:
            columns[index] = free[0]
            places[free[0]] = [index]
    for key, column in SECOND.items():
        more = [index for index, each in enumerate(keys) if each == key]
        for index in more:
            columns[index] = column
            places.setdefault(column, []).append(index)
    if "unit_code" not in places and "unit_name" in places:
        places["unit_code"] = places["unit_name"]
    unknown = tuple(name for name, column in zip(names, columns, strict=True) if not column and name)
    return Header(
        tuple(columns), unknown, tuple(column for column in REQUIRED if column not in places), tuple(sorted(doubled)),
        tuple((column, tuple(at)) for column, at in places.items()), names, not coded,
    )  # fmt: skip


def refuse_doubled(header: Header) -> None:
    """Refuse a header that names a column twice."""
    if header.doubled:
        twice = ", ".join(header.doubled)
        raise RosterRefused(
            f"Kolom ganda: {twice}. Sisakan satu kolom untuk tiap nama. / "
            f"Column given twice: {twice}. Keep one of each."
        )


def demand_columns(header: Header, where: str = "") -> None:
    """Refuse a header that lacks required columns, naming all of them at once."""
    if header.missing:
        wanted = "; ".join(" / ".join((column, *SYNONYMS.get(column, ())[:2])) for column in header.missing)
        place = f"{where}: " if where else ""
        raise RosterRefused(
            f"{place}Kolom wajib tidak ada: {wanted}. Tambahkan pada baris judul. / "
            f"{place}Required columns are missing: {', '.join(header.missing)}. Add them to the header row."
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

    def acting(self) -> ActingKind | None:
        word = self.word("acting_kind")
        kind = _ACTING.get(_key(word))
        if kind is None and (_key(word) not in _NO_MANDATE or (word and not _key(word) and word.strip("-–—"))):
            code = "acting_holds_post" if _key(word) in _HOLDS_POST else "acting_unreadable"
            self.faults.append(Fault(code, "acting_kind", word))
        return kind

    def ended(self) -> str:
        word = self.word("absence_kind")
        return word if _key(word) in _ENDED else ""

    def absence(self) -> AbsenceKind | None:
        word = self.word("absence_kind")
        if _key(word) in _ENDED and not self.word("active_to"):
            self.faults.append(Fault("service_ended", "active_to", word))
        kind = _ABSENCES.get(_key(word))
        if kind is None and word and _key(word) not in _PRESENT | _ENDED:
            self.faults.append(Fault("absence_unreadable", "absence_kind", word))
        return kind

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
        acting_kind=c.acting(),
        acting_decree=c.text("acting_decree"),
        acting_from=c.day("acting_from", "acting_unreadable"),
        acting_to=c.day("acting_to", "acting_unreadable"),
        absence_kind=c.absence(),
        absence_from=c.day("absence_from", "absence_day_unreadable"),
        absence_to=c.day("absence_to", "absence_day_unreadable"),
        locale=c.choice("locale", _LOCALES, None, "locale_unreadable"),
        ended=c.ended(),
        faults=tuple(c.faults),
    )


def with_unit_codes(cells: Mapping[str, str]) -> dict[str, str]:
    """The cells of a row whose units are told by name: a long name gets a code that is the same in every file."""
    name = cells.get("unit_code", "")
    codes = {column: _short_code(cells[column]) for column in ("unit_code", "parent_unit_code") if column in cells}
    return {"unit_name": name, **cells, **codes} if name else {**cells, **codes}


def _short_code(text: str) -> str:
    text = " ".join(text.split())
    limit = LIMITS["unit_code"]
    if len(text) <= limit or len(text) > MAX_NAME:
        return text
    mark = hashlib.sha256(text.casefold().encode()).hexdigest()[:10]
    return f"{text[: limit - 11].rstrip()}~{mark}"


def _visible(text: str) -> str:
    """Leave out what nobody sees but what turns or splits a name; an address is not mended but refused."""
    kinds = ((sign, unicodedata.category(sign)) for sign in unicodedata.normalize("NFC", text))
    seen = (" " if kind in ("Cc", "Zl", "Zp") else sign for sign, kind in kinds if kind not in ("Cf", "Cs"))
    return "".join(seen).strip()


_BETWEEN = r"[\s.\-]{0,3}"
_GROUPED_NIP = re.compile(_BETWEEN.join(f"([0-9]{{{width}}})" for width in (4, 2, 2, 4, 2, 1, 3)))
"""Year, month and day of birth, year and month of appointment, sex, sequence."""


def clean_nip(text: str) -> str:
    """Drop what people put around the digits and between their groups; a sign anywhere else is left as it stands.

    A dot within a group is no dress: `...00120.1` is a number that a program wrote, and has lost digits.
    """
    text = text.lstrip("'\u2019`").strip()
    grouped = _GROUPED_NIP.fullmatch(text)
    return "".join(grouped.groups()) if grouped else text


def looks_numeric(text: str) -> bool:
    """Whether a spreadsheet made a number of the NIP, as in 1.98505E+17 or with 000 at the end: the digits are lost."""
    return re.fullmatch(r"\d[.,]?\d*[eE]\+?\d+|\d{15}000", text) is not None


_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan januari january", "feb peb februari pebruari february", "mar mrt maret march", "apr april", "mei may",
            "jun juni june", "jul juli july", "agu agt ags aug agus agst agustus august", "sep sept september",
            "okt oct oktober october", "nov nop november nopember", "des dec desember december",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
"""As they are written in full and for short; nothing else that begins alike is a month."""
_TIME = re.compile(
    r"(?:T| )(?:[01]?[0-9]|2[0-4])[:.][0-5][0-9](?:[:.][0-5][0-9](?:[.,][0-9]{1,9})?)?"
    r" ?(?:Z|[AP]M|WIB|WITA|WIT|[+-][0-9]{2}:?[0-9]{2})?",
    re.IGNORECASE,
)
_YEAR_FIRST = re.compile(r"([0-9]{4}) ?([-/]) ?([0-9]{1,2}) ?\2 ?([0-9]{1,2})")
_DAY_FIRST = re.compile(r"([0-9]{1,2}) ?([-/.]) ?([0-9]{1,2}) ?\2 ?([0-9]{4})")
_IN_WORDS = re.compile(r"([0-9]{1,2})[ -] ?([A-Za-z]{3,9})\.?[ -] ?([0-9]{4})")


@lru_cache(maxsize=4096)
def read_day(text: str) -> date | None:
    """Read 2026-01-31, 31-01-2026, 31/01/2026, 31.01.2026 or 31 Januari 2026, whole or not at all; None otherwise.

    A time of day may follow, as programs write it.
    """
    text = " ".join(text.split())
    for pattern in (_YEAR_FIRST, _DAY_FIRST, _IN_WORDS):
        written = pattern.match(text)
        if written and (written.end() == len(text) or _TIME.fullmatch(text, written.end())):
            return _day(pattern, written)
    return None


def _day(pattern: re.Pattern[str], written: re.Match[str]) -> date | None:
    if pattern is _IN_WORDS:
        day, month, year = int(written[1]), _MONTHS.get(written[2].casefold(), 0), int(written[3])
    elif pattern is _YEAR_FIRST:
        year, month, day = int(written[1]), int(written[3]), int(written[4])
    else:
        day, month, year = int(written[1]), int(written[3]), int(written[4])
    try:
        return date(year, month, day)
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")
