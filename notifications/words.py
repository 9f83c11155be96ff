"""The words of the field as people read them in a letter, in both languages, and how days and hours are written."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from rules.words import ActKind, Locale, StageKind

ID, EN = Locale.ID, Locale.EN

STAGES: Mapping[Locale, Mapping[StageKind, str]] = {
    ID: {
        StageKind.TARGET_SETTING: "Penetapan Sasaran Kinerja",
        StageKind.MID_YEAR_REVIEW: "Evaluasi Tengah Tahun",
        StageKind.SUPERVISOR_SCORING: "Penilaian oleh Atasan",
        StageKind.OBJECTION_HANDLING: "Penanganan Keberatan",
        StageKind.AUDIT_SAMPLING: "Audit Sampel",
        StageKind.FINALIZATION: "Penetapan Akhir",
    },
    EN: {
        StageKind.TARGET_SETTING: "Target setting",
        StageKind.MID_YEAR_REVIEW: "Mid-year review",
        StageKind.SUPERVISOR_SCORING: "Supervisor scoring",
        StageKind.OBJECTION_HANDLING: "Objection handling",
        StageKind.AUDIT_SAMPLING: "Audit sampling",
        StageKind.FINALIZATION: "Finalization",
    },
}

DUTIES: Mapping[Locale, Mapping[ActKind, tuple[str, str]]] = {
    ID: {
        ActKind.DRAFT_TARGETS: ("Menyusun rancangan SKP", "Menyusun {n} rancangan SKP"),
        ActKind.ESTABLISH_TARGETS: ("Menetapkan SKP seorang pegawai", "Menetapkan SKP {n} pegawai"),
        ActKind.REPORT_PROGRESS: ("Melaporkan kemajuan kinerja", "Melaporkan kemajuan {n} rencana kinerja"),
        ActKind.GIVE_FEEDBACK: ("Memberi umpan balik kepada seorang pegawai", "Memberi umpan balik kepada {n} pegawai"),
        ActKind.SET_UNIT_PREDICATE: ("Menetapkan predikat kinerja unit", "Menetapkan predikat kinerja {n} unit"),
        ActKind.SELF_ASSESS: ("Mengisi evaluasi diri", "Mengisi {n} evaluasi diri"),
        ActKind.SCORE: ("Menilai kinerja seorang pegawai", "Menilai kinerja {n} pegawai"),
        ActKind.ACKNOWLEDGE: ("Membaca dan menerima hasil penilaian", "Membaca dan menerima {n} hasil penilaian"),
        ActKind.OBJECT: ("Mengajukan keberatan, bila perlu", "Mengajukan keberatan atas {n} hasil, bila perlu"),
        ActKind.EXPLAIN: ("Memberi penjelasan atas sebuah keberatan", "Memberi penjelasan atas {n} keberatan"),
        ActKind.DECIDE_OBJECTION: ("Memutuskan sebuah keberatan", "Memutuskan {n} keberatan"),
        ActKind.EXAMINE: ("Memeriksa sebuah berkas sampel", "Memeriksa {n} berkas sampel"),
        ActKind.REPLY_TO_FINDING: ("Menanggapi sebuah temuan", "Menanggapi {n} temuan"),
        ActKind.CONCLUDE_FINDING: ("Menyimpulkan sebuah temuan", "Menyimpulkan {n} temuan"),
        ActKind.DECIDE_RECOMMENDATION: ("Memutuskan sebuah rekomendasi audit", "Memutuskan {n} rekomendasi audit"),
        ActKind.ACCOUNT_FOR: ("Menjelaskan penilaian yang berakhir tanpa hasil",
                              "Menjelaskan {n} penilaian yang berakhir tanpa hasil"),
        ActKind.OVERRIDE_DISTRIBUTION: ("Menanggapi sebaran predikat sebuah unit",
                                        "Menanggapi sebaran predikat {n} unit"),
    },
    EN: {
        ActKind.DRAFT_TARGETS: ("Draft your performance targets (SKP)", "Draft {n} sets of performance targets (SKP)"),
        ActKind.ESTABLISH_TARGETS: ("Establish one employee’s targets", "Establish the targets of {n} employees"),
        ActKind.REPORT_PROGRESS: ("Report your progress", "Report progress on {n} plans"),
        ActKind.GIVE_FEEDBACK: ("Give feedback to one employee", "Give feedback to {n} employees"),
        ActKind.SET_UNIT_PREDICATE: ("Set a unit’s performance predicate", "Set the predicates of {n} units"),
        ActKind.SELF_ASSESS: ("Fill in your self-assessment", "Fill in {n} self-assessments"),
        ActKind.SCORE: ("Rate one employee’s performance", "Rate the performance of {n} employees"),
        ActKind.ACKNOWLEDGE: ("Read and acknowledge your result", "Read and acknowledge {n} results"),
        ActKind.OBJECT: ("Object to the result, if you need to", "Object to {n} results, if you need to"),
        ActKind.EXPLAIN: ("Give your explanation on one objection", "Give your explanation on {n} objections"),
        ActKind.DECIDE_OBJECTION: ("Decide one objection", "Decide {n} objections"),
        ActKind.EXAMINE: ("Examine one sampled file", "Examine {n} sampled files"),
        ActKind.REPLY_TO_FINDING: ("Reply to one finding", "Reply to {n} findings"),
        ActKind.CONCLUDE_FINDING: ("Conclude one finding", "Conclude {n} findings"),
        ActKind.DECIDE_RECOMMENDATION: ("Decide one audit recommendation", "Decide {n} audit recommendations"),
        ActKind.ACCOUNT_FOR: ("Account for one appraisal that ended without a result",
                              "Account for {n} appraisals that ended without a result"),
        ActKind.OVERRIDE_DISTRIBUTION: ("Answer for one unit’s distribution of predicates",
                                        "Answer for the distribution of predicates of {n} units"),
    },
}  # fmt: skip

LETTERS: Mapping[Locale, Mapping[str, str]] = {
    ID: {
        "stage_invitation": "Undangan tahap", "reminder": "Pengingat", "escalation": "Pemberitahuan keterlambatan",
        "receipt": "Tanda terima", "step_code": "Kode konfirmasi", "sign_in": "Tautan masuk",
        "result_issued": "Penyampaian hasil", "corrected_result": "Perbaikan hasil",
        "default_plan_notice": "SKP baku", "reassigned_notice": "Pengalihan tugas",
        "deadline_moved": "Perubahan batas waktu", "objection_notice": "Pemberitahuan keberatan",
        "final_letter": "Hasil akhir", "bounce_notice": "Surat yang tidak sampai",
        "launch_certificate": "Berita acara pembukaan",
    },
    EN: {
        "stage_invitation": "Stage invitation", "reminder": "Reminder", "escalation": "Notice of delay",
        "receipt": "Receipt", "step_code": "Confirmation code", "sign_in": "Sign-in link",
        "result_issued": "Result", "corrected_result": "Corrected result", "default_plan_notice": "Default plan",
        "reassigned_notice": "Reassignment", "deadline_moved": "Change of deadline",
        "objection_notice": "Notice of objection", "final_letter": "Final result",
        "bounce_notice": "Undelivered letters", "launch_certificate": "Launch certificate",
    },
}  # fmt: skip

_DAYS = {
    ID: ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu"),
    EN: ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_MONTHS = {
    ID: ("Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober",
         "November", "Desember"),
    EN: ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
         "November", "December"),
}  # fmt: skip
_ZONES = {"Asia/Jakarta": "WIB", "Asia/Pontianak": "WIB", "Asia/Makassar": "WITA", "Asia/Jayapura": "WIT"}


def duty(kind: str, count: int, locale: Locale) -> str:
    """Say in the infinitive what is owed, for one or for many."""
    one, many = DUTIES[locale][ActKind(kind)]
    return one if count == 1 else many.format(n=number(count, locale))


def number(value: int, locale: Locale) -> str:
    """A whole number with the language's separator of thousands."""
    return f"{value:,}".replace(",", "." if locale is ID else ",")


def and_more(names: Iterable[str], shown: int, locale: Locale) -> str:
    """The first names, and how many more there are."""
    listed = list(names)
    more = len(listed) - shown
    text = "; ".join(listed[:shown])
    if more <= 0:
        return text
    return f"{text}; dan {number(more, ID)} lainnya" if locale is ID else f"{text}; and {number(more, EN)} more"


@lru_cache(maxsize=4096)
def day(iso: str, zone: str, locale: Locale) -> str:
    """The day of an instant in the reader's zone: `Jumat, 30 Januari 2026`. A bare date stays that day."""
    on = date.fromisoformat(iso) if len(iso) == 10 else _local(iso, zone).date()
    return f"{_DAYS[locale][on.weekday()]}, {on.day} {_MONTHS[locale][on.month - 1]} {on.year}"


@lru_cache(maxsize=4096)
def moment(iso: str, zone: str, locale: Locale) -> str:
    """Day and time of an instant in the reader's zone, which is named: a deadline means nothing without it."""
    at = _local(iso, zone)
    if locale is ID:
        return f"{day(iso, zone, locale)} pukul {at:%H.%M} {_ZONES.get(zone, zone)}"
    return f"{day(iso, zone, locale)} at {at:%H:%M} {_ZONES.get(zone, zone)}"


def _local(iso: str, zone: str) -> datetime:
    at = datetime.fromisoformat(iso)
    if at.tzinfo is None:
        raise ValueError(f"{iso} has no time zone")
    return at.astimezone(ZoneInfo(zone))
