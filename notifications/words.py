"""The words of the field as people read them in a letter, in both languages, and how days and hours are written."""

import textwrap
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from rules.terms import ActKind, Locale, StageKind

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

NOTES: Mapping[Locale, Mapping[StageKind, str]] = {
    ID: {
        StageKind.TARGET_SETTING: "Sasaran Kinerja Pegawai (SKP) disusun bersama oleh pegawai dan Pejabat Penilai "
        "Kinerja, dan menjadi dasar penilaian sepanjang tahun.",
        StageKind.MID_YEAR_REVIEW: "Kemajuan selama setengah tahun dilihat bersama, sehingga kendala dapat dibicarakan "
        "dan sasaran disesuaikan sebelum terlambat.",
        StageKind.SUPERVISOR_SCORING: "Hasil kerja dan perilaku kerja dinilai secara terpisah berdasarkan bukti. "
        "Tidak ada nilai yang terisi dengan sendirinya.",
        StageKind.OBJECTION_HANDLING: "Pegawai berhak mengajukan keberatan beserta alasannya, dan kedua pihak didengar "
        "sebelum keberatan diputuskan.",
        StageKind.AUDIT_SAMPLING: "Sejumlah berkas diundi untuk diperiksa. Audit tidak mengubah nilai; temuannya "
        "disampaikan kepada pejabat yang berwenang.",
        StageKind.FINALIZATION: "Hasil penilaian dikukuhkan dan dokumen akhir diterbitkan.",
    },
    EN: {
        StageKind.TARGET_SETTING: "Performance targets (SKP) are drawn up by employee and rater together and are the "
        "basis of the appraisal for the whole year.",
        StageKind.MID_YEAR_REVIEW: "Half a year’s progress is looked at together, so that obstacles can be discussed "
        "and targets adjusted in time.",
        StageKind.SUPERVISOR_SCORING: "Work results and work behaviour are rated separately and on evidence. No rating "
        "is ever filled in by itself.",
        StageKind.OBJECTION_HANDLING: "Employees may object, with reasons, and both sides are heard before an "
        "objection is decided.",
        StageKind.AUDIT_SAMPLING: "A number of files is drawn by lot and examined. The audit changes no rating; "
        "its findings go to the authority in charge.",
        StageKind.FINALIZATION: "Results are confirmed and the final documents are issued.",
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
        "receipt": "Tanda terima", "step_code": "Kode konfirmasi", "sign_in": "Kode masuk",
        "address_changed": "Penggantian alamat",
        "result_issued": "Penyampaian hasil", "corrected_result": "Perbaikan hasil",
        "default_plan_notice": "SKP baku", "reassigned_notice": "Pengalihan tugas",
        "cycle_paused": "Penghentian sementara", "cycle_resumed": "Kelanjutan penilaian",
        "deadline_moved": "Perubahan batas waktu", "objection_notice": "Pemberitahuan keberatan",
        "final_letter": "Hasil akhir", "bounce_notice": "Surat yang tidak sampai",
        "correction_notice": "Data yang perlu diperiksa", "newcomers_notice": "Pegawai yang bergabung kemudian",
        "launch_certificate": "Berita acara pembukaan", "receipt_digest": "Tanda terima sehari",
        "asked_again": "Tugas diminta ulang", "receipt_deemed": "Hasil dianggap diterima",
        "plan_returned": "SKP dikembalikan", "plan_established": "SKP ditetapkan", "feedback_given": "Umpan balik",
        "targets_changed": "Jawaban perubahan target", "objection_decided": "Putusan keberatan",
        "objection_withdrawn": "Keberatan ditarik", "audit_notice": "Pemberitahuan audit",
    },
    EN: {
        "stage_invitation": "Stage invitation", "reminder": "Reminder", "escalation": "Notice of delay",
        "receipt": "Receipt", "step_code": "Confirmation code", "sign_in": "Sign-in code",
        "address_changed": "Change of address",
        "result_issued": "Result", "corrected_result": "Corrected result", "default_plan_notice": "Default plan",
        "reassigned_notice": "Reassignment", "deadline_moved": "Change of deadline",
        "cycle_paused": "Pause", "cycle_resumed": "Resumption",
        "objection_notice": "Notice of objection", "final_letter": "Final result",
        "bounce_notice": "Undelivered letters", "correction_notice": "Records to check",
        "newcomers_notice": "People who joined later",
        "launch_certificate": "Launch certificate", "receipt_digest": "Receipts of a day",
        "asked_again": "Asked again", "receipt_deemed": "Result counts as received",
        "plan_returned": "Returned plan", "plan_established": "Established plan", "feedback_given": "Feedback",
        "targets_changed": "Answer on changed targets", "objection_decided": "Decision on an objection",
        "objection_withdrawn": "Withdrawn objection", "audit_notice": "Notice of the audit",
    },
}  # fmt: skip

WEEKDAYS = {
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


def act(kind: str, locale: Locale) -> str:
    """Name what was done, for a receipt."""
    return duty(kind, 1, locale).removesuffix(", bila perlu").removesuffix(", if you need to")


def time_left(days: int | None, locale: Locale) -> str:
    """How a reminder begins: `days` until the last day, negative after it, None where it is not counted."""
    indonesian = locale is ID
    if days is None:
        return "Masih ada yang menunggu Bapak/Ibu" if indonesian else "Something is still waiting for you"
    if days == 0:
        return "Hari ini hari terakhir" if indonesian else "Today is the last day"
    count = number(abs(days), locale)
    if days < 0:
        return f"Terlambat {count} hari" if indonesian else f"Overdue by {count} day{'' if days == -1 else 's'}"
    return f"Tinggal {count} hari" if indonesian else f"{count} day{'' if days == 1 else 's'} left"


def number(value: int, locale: Locale) -> str:
    """A whole number with the language's separator of thousands."""
    return f"{value:,}".replace(",", "." if locale is ID else ",")


@lru_cache(maxsize=64)
def note_lines(stage: str, locale: Locale) -> str:
    """What a stage is for, in lines that fit a plain text letter."""
    return textwrap.fill(NOTES[locale][StageKind(stage)], 72)


def some(names: Sequence[str], shown: int, locale: Locale) -> list[str]:
    """The first names, and in words how many more there are."""
    more = len(names) - shown
    if more <= 0:
        return list(names)
    return [*names[:shown], f"dan {number(more, ID)} lainnya" if locale is ID else f"and {number(more, EN)} more"]


@lru_cache(maxsize=4096)
def day(iso: str, zone: str, locale: Locale) -> str:
    """The day of an instant in the reader's zone: `Jumat, 30 Januari 2026`. A bare date stays that day."""
    on = date.fromisoformat(iso) if len(iso) == 10 else _local(iso, zone).date()
    return f"{WEEKDAYS[locale][on.weekday()]}, {on.day} {_MONTHS[locale][on.month - 1]} {on.year}"


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
