"""The words of an evaluation document and of the exports, in Indonesian, the language of the office."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from notifications.words import day, moment
from rules.pack.distribution import Fit
from rules.terms import (
    ActingKind,
    AppraisalState,
    Aspect,
    BehaviorValue,
    EmploymentKind,
    ItemKind,
    Locale,
    ObjectionOutcome,
    ObjectionState,
    ReceiptKind,
    StatementOutcome,
)

ASPECTS: Mapping[Aspect, str] = {
    Aspect.QUANTITY: "Kuantitas", Aspect.QUALITY: "Kualitas", Aspect.TIME: "Waktu", Aspect.COST: "Biaya",
}  # fmt: skip
SUPPORTED = "Rencana Hasil Kerja Pimpinan yang Diintervensi"
ITEMS: Mapping[ItemKind, str] = {ItemKind.MAIN: "Hasil Kerja Utama", ItemKind.ADDITIONAL: "Hasil Kerja Tambahan"}
VALUES: Mapping[BehaviorValue, str] = {
    BehaviorValue.SERVICE: "Berorientasi Pelayanan",
    BehaviorValue.ACCOUNTABLE: "Akuntabel",
    BehaviorValue.COMPETENT: "Kompeten",
    BehaviorValue.HARMONIOUS: "Harmonis",
    BehaviorValue.LOYAL: "Loyal",
    BehaviorValue.ADAPTIVE: "Adaptif",
    BehaviorValue.COLLABORATIVE: "Kolaboratif",
}
EMPLOYMENT: Mapping[EmploymentKind, str] = {
    EmploymentKind.PNS: "PNS", EmploymentKind.PPPK: "PPPK", EmploymentKind.CPNS: "CPNS",
    EmploymentKind.STATE_OFFICIAL: "Pejabat Negara",
}  # fmt: skip
ACTING: Mapping[ActingKind, str] = {ActingKind.PLT: "Plt.", ActingKind.PLH: "Plh."}
STATES: Mapping[AppraisalState, str] = {
    AppraisalState.PLAN_DRAFT: "SKP disusun",
    AppraisalState.PLAN_SUBMITTED: "SKP diajukan",
    AppraisalState.PLAN_ESTABLISHED: "SKP ditetapkan",
    AppraisalState.IN_PROGRESS: "Berjalan",
    AppraisalState.SELF_ASSESSED: "Evaluasi diri diisi",
    AppraisalState.RATED: "Dinilai, belum disampaikan",
    AppraisalState.ISSUED: "Hasil disampaikan",
    AppraisalState.OBJECTED: "Dalam keberatan",
    AppraisalState.DECIDED: "Keberatan diputus",
    AppraisalState.FINAL: "Final",
    AppraisalState.EXCLUDED: "Tidak dinilai pada siklus ini",
    AppraisalState.NOT_RATABLE: "Tidak dapat dinilai",
    AppraisalState.NOT_RATED: "Tidak dinilai oleh Pejabat Penilai Kinerja",
    AppraisalState.CLOSED_EARLY: "Berakhir sebelum waktunya",
}
RECEIPTS: Mapping[ReceiptKind, str] = {
    ReceiptKind.OPENED: "dibuka pegawai",
    ReceiptKind.ACKNOWLEDGED: "dinyatakan diterima oleh pegawai",
    ReceiptKind.DEEMED: "dianggap diterima",
}
OUTCOMES: Mapping[ObjectionOutcome, str] = {
    ObjectionOutcome.KEEP: "Hasil evaluasi tetap",
    ObjectionOutcome.RAISE: "Hasil evaluasi dinaikkan",
    ObjectionOutcome.LOWER: "Hasil evaluasi diturunkan",
}
OBJECTIONS: Mapping[ObjectionState, str] = {
    ObjectionState.FILED: "Diajukan, kedua pihak sedang didengar",
    ObjectionState.UNDER_EXAMINATION: "Sedang diperiksa",
    ObjectionState.DECIDED: "Diputus",
    ObjectionState.WITHDRAWN: "Ditarik kembali oleh pegawai",
}
STATEMENTS: Mapping[StatementOutcome, str] = {
    StatementOutcome.GIVEN: "",
    StatementOutcome.REFUSED: "Menolak memberi penjelasan.",
    StatementOutcome.SILENT: "Tidak memberi penjelasan dalam waktu yang ditentukan.",
}
PATTERNS: Mapping[str | None, str] = {
    Fit.MET: "Sesuai dengan pola distribusi predikat",
    Fit.BROKEN: "Tidak sesuai dengan pola distribusi predikat",
    Fit.INFEASIBLE: "Jumlah pegawai terlalu sedikit untuk pola distribusi predikat",
}
"""Without counts: in a small unit they would tell the results of colleagues."""
_EXPLANATIONS = {
    "state_official": "Pejabat negara, tidak dinilai sebagai pegawai",
    "rated_above_agency": "Dinilai oleh pejabat di luar instansi ini",
    "rater_silent": "Pejabat Penilai Kinerja tidak menilai sampai batas waktu",
    "left_service": "Berhenti atau pindah sebelum siklus berakhir",
    "away_unpaid": "Cuti di luar tanggungan negara sepanjang tahun",
    "away_study": "Tugas belajar sepanjang tahun",
    "away_pre_retirement": "Masa persiapan pensiun sepanjang tahun",
    "away_suspended": "Diberhentikan sementara sepanjang tahun",
}


def explanation(text: str) -> str:
    """Why a case has no result: our own codes in words, what HR wrote as it stands."""
    return _EXPLANATIONS.get(text, text)


def number(value: Decimal | str) -> str:
    """A decimal as written in Indonesian, all its digits and no idle zeros: `1.250,5`."""
    text = f"{Decimal(value):,f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.translate(str.maketrans(",.", ".,"))


def on(iso: str, zone: str) -> str:
    """The day alone: `18 Desember 2026`."""
    return day(iso, zone, Locale.ID).split(", ", 1)[1]


def at(iso: str, zone: str) -> str:
    return moment(iso, zone, Locale.ID)


def local_day(instant: datetime | None, zone: str) -> str:
    """ISO day in the agency's zone, for columns that machines read too; empty where nothing happened."""
    return instant.astimezone(ZoneInfo(zone)).date().isoformat() if instant else ""


def span(first: str, last: str | None) -> str:
    end = on(last, "UTC") if last else "sekarang"
    return f"{on(first, 'UTC')} s.d. {end}"
