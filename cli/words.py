"""The words that HR uses, in both languages: what commands print, and what they understand as an option."""

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

import typer

from cli.language import say, spoken
from notifications.words import DUTIES, LETTERS, STAGES
from rules.terms import ActKind, Locale, Role, StageKind

Word = TypeVar("Word", bound=StrEnum)

ALSO: Mapping[StrEnum, tuple[str, ...]] = {
    StageKind.TARGET_SETTING: ("perencanaan kinerja", "penetapan skp"),
    StageKind.MID_YEAR_REVIEW: ("tengah tahun", "pemantauan"),
    StageKind.SUPERVISOR_SCORING: ("penilaian", "penilaian kinerja", "scoring"),
    StageKind.OBJECTION_HANDLING: ("keberatan", "objection"),
    StageKind.AUDIT_SAMPLING: ("audit",),
    StageKind.FINALIZATION: ("finalisasi", "penetapan hasil"),
    Role.RATER: ("penilai", "pejabat penilai", "pejabat penilai kinerja"),
    Role.OBJECTION_AUTHORITY: ("atasan penilai", "atasan pejabat penilai", "pemutus keberatan"),
    ActKind.DRAFT_TARGETS: ("menyusun skp", "rancangan skp"),
    ActKind.ESTABLISH_TARGETS: ("menetapkan skp",),
    ActKind.REPORT_PROGRESS: ("laporan tengah tahun", "laporan kemajuan"),
    ActKind.GIVE_FEEDBACK: ("umpan balik",),
    ActKind.SELF_ASSESS: ("evaluasi diri",),
    ActKind.SCORE: ("menilai", "penilaian"),
    ActKind.OBJECT: ("keberatan",),
    ActKind.DECIDE_OBJECTION: ("putusan keberatan",),
}
"""What HR says besides the official name."""

FIRST_YEAR, LAST_YEAR = 2000, 2999


def possible_year(year: int) -> int:
    """The year as it was given; refused with those that a cycle can have."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise typer.BadParameter(
            say(
                f"{year}: tahun dari {FIRST_YEAR} sampai {LAST_YEAR}",
                f"{year}: a year from {FIRST_YEAR} to {LAST_YEAR}",
            )
        )
    return year


WORDS: Mapping[str, str] = {
    "address": "alamat", "asked": "tugas baru", "asked again": "diminta ulang", "cases": "berkas",
    "closes": "ditutup", "completed": "selesai", "concerned": "penilaiannya berpindah tangan",
    "days": "hari bergeser", "deadline moved": "diberi tahu batas waktu baru", "desks": "meja",
    "done": "selesai", "due": "batas waktu", "employee": "pegawai diberi tahu",
    "expected": "diharapkan",
    "invitations": "undangan baru", "acts": "bertindak", "letter": "disurati", "letters": "surat",
    "letters again": "surat dikirim lagi", "links": "tautan", "mandates": "mandat",
    "moved": "tugas berpindah",
    "new": "menerima tugas", "new address": "alamat baru, tautan baru", "next": "berikutnya",
    "old": "menyerahkan tugas", "open": "terbuka", "opening": "sedang dibuka",
    "closing": "sedang ditutup",
    "opens": "dibuka", "overdue": "terlambat", "people": "orang", "percent": "persen",
    "planned": "belum dibuka", "skipped": "tidak diadakan", "later stages": "tahap berikutnya yang mundur",
    "closed": "ditutup", "rated above agency": "dinilai di luar instansi ini",
    "left service": "berhenti dari dinas",
    "away unpaid": "cuti di luar tanggungan negara", "away study": "tugas belajar",
    "away pre retirement": "masa persiapan pensiun", "away suspended": "diberhentikan sementara",
    "rater silent": "Pejabat Penilai Kinerja tidak menilai", "paused": "dihentikan sementara",
    "running": "berjalan", "represented": "diwakili",
    "stage": "tahap", "state": "keadaan", "unit": "unit", "name": "nama",
    "will move": "tugas berpindah nanti",
    "reminders, at most": "pengingat, paling banyak", "those concerned": "yang bersangkutan",
    "day": "hari",
    "row": "baris", "severity": "tingkat", "message": "masalah", "fixer": "diperbaiki oleh",
    "remedy": "caranya",
    "nip": "NIP", "who": "siapa", "kind": "jenis", "why": "sebab", "queued": "dalam antrean",
    "sending": "sedang dikirim", "deferred": "ditunda", "accepted": "diterima server",
    "delivered": "sampai", "bounced soft": "kembali, sementara", "bounced hard": "kembali, tetap",
    "ambiguous": "tidak pasti", "failed perm": "ditolak", "held": "ditahan",
    "suppressed": "tidak dikirim", "cancelled": "dibatalkan", "expired": "lewat waktu",
    "canary": "menunggu kelompok pertama", "waiting for release": "menunggu pelepasan",
    "stopped": "dihentikan", "problems": "masalah", "stages": "tahap", "per unit": "per unit",
    "letters per day, at most": "surat per hari, paling banyak", "blocks": "menghalangi",
    "warns": "peringatan", "audit": "audit",
    # the audit
    "roster sha256": "SHA-256 daftar", "plan sha256": "SHA-256 rencana", "merkle root": "akar Merkle",
    "population": "populasi", "frozen at": "dibekukan", "published at": "diumumkan", "where": "tempat",
    "seed": "angka acak", "recorded at": "dicatat", "draw key": "kunci pengambilan",
    "draw sha256": "SHA-256 pengambilan", "decision": "keputusan", "accept": "diterima",
    "expand": "sampel diperbesar", "not assured": "tidak terjamin", "escalate": "dinaikkan",
    "locked ratings": "nilai terkunci", "settings": "pengaturan",
    "false accept risk": "risiko salah menerima",
    # exports
    "roster": "daftar", "with result": "dengan hasil", "without result": "tanpa hasil",
    "unfinished": "belum selesai", "granted": "diberikan", "level unknown": "jenjang tidak dikenal",
    # mail
    "scope": "cakupan", "limit": "batas", "in force": "berlaku", "at once": "sekaligus",
    "person": "orang", "what": "apa", "hard": "tetap", "soft": "sementara", "blocked": "diblokir",
    "under way": "dalam perjalanan", "complaint": "keluhan", "auto reply": "balasan otomatis",
    "other": "lain", "known": "sudah dikenal", "failed": "gagal",
}  # fmt: skip
"""Headings, counts and states as the code calls them, with blanks for underscores."""


def worded(name: str) -> str:
    """A heading, a count or a state in the chosen language; one that no table knows as it is."""
    plain = name.replace("_", " ")
    if spoken() is not Locale.ID:
        return plain
    if name in set(StageKind):
        return STAGES[Locale.ID][StageKind(name)]
    if name in LETTERS[Locale.ID]:
        return LETTERS[Locale.ID][name]
    return WORDS.get(plain, plain)


OUTLOOKS: Sequence[tuple[str, str]] = (
    (r"^now: (\w+)$", r"sekarang: \1"),
    (r"^opens (.+)$", r"dibuka \1"),
    (r"^closes (.+)$", r"ditutup \1"),
    (r"^waits: people are being enrolled$", "menunggu: pegawai sedang didaftarkan"),
    (r"^waits: results not issued$", "menunggu: hasil belum disampaikan"),
    (r"^waits: (\d+) cases are open$", r"menunggu: \1 berkas masih terbuka"),
    (r"^waits: (.+)$", r"menunggu: \1"),
)


def outlook(text: str) -> str:
    """What a stage does next, in Indonesian."""
    for english, indonesian in OUTLOOKS:
        if re.match(english, text):
            return re.sub(english, indonesian, text)
    return text


def stage_called(text: str, option: str = "--stage") -> StageKind:
    """The stage by its name in the code or by what HR calls it."""
    names = {kind: {STAGES[locale][kind] for locale in Locale} for kind in StageKind}
    return _called(text, StageKind, names, option)


def act_called(text: str, option: str = "--act") -> ActKind:
    """The kind of act by its name in the code or by what HR calls it."""
    names = {kind: {DUTIES[locale][kind][0] for locale in Locale} for kind in ActKind}
    return _called(text, ActKind, names, option)


def role_called(text: str, option: str = "--role") -> Role:
    """Rater or objection authority, by the name in the code or by what HR calls them."""
    roles = (Role.RATER, Role.OBJECTION_AUTHORITY)
    return _called(text, roles, {role: set() for role in roles}, option)


def _called(text: str, kinds: Iterable[Word], names: Mapping[Word, Iterable[str]], option: str) -> Word:

    wanted = _plain(text)
    spelled = {kind: {_plain(kind.value), *map(_plain, [*names[kind], *ALSO.get(kind, ())])} for kind in kinds}
    exact = [kind for kind, known in spelled.items() if wanted in known]
    within = [kind for kind, known in spelled.items() if any(wanted in name for name in known)]
    fitting = exact or within
    if len(fitting) == 1 and wanted:
        return fitting[0]
    listed = ", ".join(f"{kind.value} ({', '.join(sorted(names[kind]) or ALSO[kind])})" for kind in fitting or spelled)
    raise typer.BadParameter(
        say(f'"{text}" bukan salah satu dari: {listed}', f'"{text}" is none of: {listed}'), param_hint=option
    )


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("_", " ").replace("-", " ").split())
