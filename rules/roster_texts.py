"""Every problem of a roster in words: how grave it is, what is wrong, who puts it right and how, in both languages."""

from collections.abc import Mapping
from typing import NamedTuple

from rules.nip import NipProblem
from rules.words import Locale, Role, Severity

Pair = tuple[str, str]
"""Indonesian, English."""


class Text(NamedTuple):
    message: str
    fixer: str
    """Who: a role, with names where the roster knows them."""
    remedy: str


class Entry(NamedTuple):
    severity: Severity
    holds_row: bool
    """Whether the row is left out until the problem is mended or, where that is possible, waived."""
    id: Text
    en: Text

    def text(self, locale: Locale) -> Text:
        return self.en if locale is Locale.EN else self.id


HR = ("{hr_id}", "{hr_en}")
HR_AND_HEAD = (
    "{hr_id} bersama pimpinan unit {unit}",
    "{hr_en} with the head of unit {unit}",
)
EMPLOYEE = (
    "{name}, lalu {hr_id} mencatatnya",
    "{name}, then {hr_en} records it",
)
PPK = ("Pejabat Pembina Kepegawaian (PPK)", "Appointing authority (PPK)")
_COPY_AS_TEXT = (
    "Format kolom NIP sebagai Teks sebelum mengisi, lalu ketik atau tempel ulang 18 digit dari sumber asli; "
    "digit yang hilang tidak dapat dipulihkan.",
    "Format the NIP column as Text before filling it, then type or paste the 18 digits again from the source; "
    "lost digits cannot be recovered.",
)


def _entry(severity: Severity, holds: bool, fixer: Pair, message: Pair, remedy: Pair) -> Entry:
    texts = [Text(message[i], fixer[i], remedy[i]) for i in (0, 1)]
    return Entry(severity, holds, *texts)


def _blocking(fixer: Pair, message: Pair, remedy: Pair) -> Entry:
    return _entry(Severity.BLOCKING, True, fixer, message, remedy)


def _waivable(fixer: Pair, message: Pair, remedy: Pair, *, holds: bool = False) -> Entry:
    return _entry(Severity.WAIVABLE, holds, fixer, message, remedy)


def _note(fixer: Pair, message: Pair, remedy: Pair) -> Entry:
    return _entry(Severity.NOTE, False, fixer, message, remedy)


NIP_REASONS: Mapping[NipProblem, str] = {
    NipProblem.NOT_DIGITS: "NIP hanya terdiri atas angka",
    NipProblem.WRONG_LENGTH: "NIP terdiri atas 18 digit",
    NipProblem.NO_BIRTH_DATE: "digit 1-8 bukan tanggal lahir",
    NipProblem.NO_APPOINTMENT: "digit 9-14 bukan bulan pengangkatan",
    NipProblem.TOO_YOUNG: "terlalu muda pada tahun pengangkatan",
    NipProblem.NO_SEX: "digit 15 harus 1 atau 2",
}
"""The English words come with the refusal."""

ROLE_NAMES: Mapping[Role, Pair] = {
    Role.PERFORMANCE_ADMIN: ("Pengelola Kinerja", "HR officer"),
    Role.APPOINTING_AUTHORITY: ("Pejabat Pembina Kepegawaian (PPK)", "appointing authority (PPK)"),
}
SEVERITIES: Mapping[Severity, Pair] = {
    Severity.BLOCKING: ("menghambat", "blocking"),
    Severity.WAIVABLE: ("dapat dikesampingkan", "waivable"),
    Severity.NOTE: ("catatan", "note"),
}
COUNTS: Mapping[str, Pair] = {
    "rows": ("baris", "rows"),
    "accepted": ("diterima", "accepted"),
    "held_back": ("ditahan", "held back"),
    "blocking": ("menghambat", "blocking"),
    "waivable": ("dapat dikesampingkan", "waivable"),
    "waived": ("dikesampingkan", "waived"),
    "notes": ("catatan", "notes"),
}
"""What an examination counts, in words."""

CATALOGUE: Mapping[str, Entry] = {
    # the file
    "row_malformed": _blocking(
        HR,
        ("Baris tidak dapat dibaca: {reason_id}.", "The row cannot be read: {reason_en}."),
        (
            'Samakan jumlah sel dengan judul; beri tanda kutip pada nama yang memuat koma ("Ani, S.Pd.").',
            'Give it as many cells as the header; quote names with a comma ("Ani, S.Pd.").',
        ),
    ),
    "roster_empty": _entry(
        Severity.BLOCKING,
        False,
        HR,
        ("Tidak ada pegawai dalam berkas ini.", "There are no people in the file."),
        (
            "Isi satu baris untuk tiap pegawai di bawah baris judul, atau pilih berkas yang benar.",
            "Fill in one row for each person below the header row, or choose the right file.",
        ),
    ),
    "column_unknown": _note(
        HR,
        ("Kolom tidak dikenal dan tidak dibaca: {columns}.", "Columns not known and not read: {columns}."),
        ("Hapus kolom itu, atau perbaiki namanya bila salah ketik.", "Remove them, or correct the name if misspelt."),
    ),
    "encoding_guessed": _note(
        HR,
        ("Berkas bukan UTF-8; dibaca sebagai Windows-1252.", "The file is not UTF-8; it was read as Windows-1252."),
        (
            "Periksa huruf beraksen pada nama, atau simpan ulang sebagai CSV UTF-8.",
            "Look at accented letters in names, or save it again as CSV UTF-8.",
        ),
    ),
    # cells
    "text_long": _blocking(
        HR,
        (
            "Kolom {column} memuat {value} karakter; paling banyak {count}.",
            "Column {column} holds {value} characters; {count} at most.",
        ),
        (
            "Singkatkan menurut SK; biasanya isi beberapa sel tergabung menjadi satu.",
            "Shorten it as in the decree; mostly several cells have run into one.",
        ),
    ),
    "name_missing": _blocking(
        HR, ("Nama kosong.", "The name is empty."), ("Isi nama menurut SK.", "Fill in the name as in the decree.")
    ),
    "unit_missing": _blocking(
        HR, ("Kode unit kosong.", "The unit code is empty."), ("Isi kode unit kerja.", "Fill in the unit code.")
    ),
    "employment_unreadable": _blocking(
        HR,
        ("Jenis pegawai “{value}” tidak dikenal.", "Employment “{value}” is not known."),
        ("Tulis pns, pppk atau cpns.", "Write pns, pppk or cpns."),
    ),
    "post_group_unreadable": _blocking(
        HR,
        ("Kelompok jabatan “{value}” tidak dikenal.", "Post group “{value}” is not known."),
        ("Tulis jpt, ja atau jf.", "Write jpt, ja or jf."),
    ),
    "date_unreadable": _blocking(
        HR,
        ("Tanggal “{value}” di kolom {column} tidak dapat dibaca.", "Date “{value}” in {column} cannot be read."),
        ("Tulis 2026-01-31 atau 31/01/2026.", "Write 2026-01-31 or 31/01/2026."),
    ),
    "dates_reversed": _blocking(
        HR,
        (
            "Masa aktif berakhir sebelum dimulai: {start} s.d. {end}.",
            "Service ends before it begins: {start} to {end}.",
        ),
        ("Perbaiki active_from atau active_to menurut SK.", "Correct active_from or active_to from the decree."),
    ),
    "role_unreadable": _waivable(
        HR,
        ("Peran “{value}” tidak dikenal dan tidak diberikan.", "Role “{value}” is not known and not granted."),
        (
            "Tulis performance_admin, appointing_authority, auditor atau ops, dipisah titik koma.",
            "Write performance_admin, appointing_authority, auditor or ops, separated by semicolons.",
        ),
    ),
    "head_unreadable": _waivable(
        HR,
        ("Isi pimpinan unit “{value}” tidak dikenal; dibaca tidak.", "Unit head “{value}” is not known; read as no."),
        ("Tulis ya atau tidak.", "Write yes or no."),
    ),
    "locale_unreadable": _note(
        HR,
        (
            "Bahasa “{value}” tidak dikenal; dipakai bahasa instansi.",
            "Locale “{value}” is not known; the agency's is used.",
        ),
        ("Tulis id atau en.", "Write id or en."),
    ),
    # NIP and address
    "nip_missing": _blocking(
        HR,
        ("NIP kosong.", "The NIP is empty."),
        ("Isi 18 digit NIP dari SK.", "Fill in the 18 digits from the decree."),
    ),
    "nip_numeric": _blocking(
        HR,
        (
            "NIP {value} telah diubah menjadi angka oleh aplikasi lembar kerja.",
            "A spreadsheet made a number of NIP {value}.",
        ),
        _COPY_AS_TEXT,
    ),
    "nip_malformed": _blocking(
        HR,
        ("NIP {value} salah: {reason}.", "NIP {value} is wrong: {reason}."),
        (
            "Cocokkan dengan SK: tanggal lahir, bulan pengangkatan, jenis kelamin, nomor urut.",
            "Compare with the decree: birth date, appointment month, sex, sequence.",
        ),
    ),
    "nip_duplicate": _blocking(
        HR,
        (
            "NIP {nip} sudah ada di baris {other} ({other_name}).",
            "NIP {nip} already stands in row {other} ({other_name}).",
        ),
        (
            "Hapus baris ganda, atau perbaiki NIP yang salah; yang pertama tetap dipakai.",
            "Delete the double, or correct the wrong NIP; the first row is the one in use.",
        ),
    ),
    "serves_elsewhere": _blocking(
        HR,
        (
            "{name} masih tercatat bertugas di instansi lain ({other}).",
            "{name} is still recorded as serving in another agency ({other}).",
        ),
        (
            "Bila itu instansi yang sama, tulis kodenya di agency.yaml; bila pindah, minta instansi asal mengisi "
            "active_to atau menghapusnya dari data pegawainya, lalu impor lagi.",
            "If it is the same agency, write its code in agency.yaml; if the person moved, ask that agency to fill in "
            "active_to or to take them off its roster, then import again.",
        ),
    ),
    "same_person": _waivable(
        HR,
        (
            "NIP {nip} baru di berkas, sedangkan {other_name} (NIP {value}) tidak ada lagi: orang yang sama?",
            "NIP {nip} is new in the file, while {other_name} (NIP {value}) is missing: the same person?",
        ),
        (
            "Bila sama, konfirmasi dengan --same-person {value}={nip} atau satu baris di nip_corrections.csv; bila dua "
            "orang, kesampingkan dengan alasan di waivers.csv. Sampai itu tidak ada yang berubah bagi keduanya.",
            "If so, confirm with --same-person {value}={nip} or a line in nip_corrections.csv; if they are two people, "
            "waive it with a reason in waivers.csv. Until then nothing changes for either.",
        ),
        holds=True,
    ),
    "address_missing": _blocking(
        EMPLOYEE,
        ("Alamat surel kosong.", "The mail address is empty."),
        ("Minta alamat pribadi di dinas dan isikan.", "Ask for the official personal address and fill it in."),
    ),
    "address_malformed": _blocking(
        EMPLOYEE,
        ("Alamat “{value}” tidak dapat disurati: {reason}.", "Address “{value}” cannot be written to: {reason}."),
        ("Perbaiki salah ketik, lalu periksa lagi.", "Correct the misspelling, then check again."),
    ),
    "address_shared": _waivable(
        EMPLOYEE,
        (
            "Alamat {value} juga dipakai di baris {other} ({other_name}); satu dapat bertindak atas nama yang lain.",
            "Address {value} is also used in row {other} ({other_name}); one could act in the other's name.",
        ),
        (
            "Isi alamat pribadi; bila memang satu kotak surat, kesampingkan dengan alasan.",
            "Fill in a personal address; if they do share one mailbox, waive it with a reason.",
        ),
        holds=True,
    ),
    # superiors
    "superior_missing": _blocking(
        HR_AND_HEAD,
        ("Atasan kosong: tidak ada yang menilai.", "No superior: nobody to rate this person."),
        (
            "Isi NIP atasan langsung. Hanya pimpinan unit puncak, PPK, auditor dan operator boleh tanpa atasan.",
            "Fill in the direct superior's NIP. Only the head of a top unit, PPK, auditors and ops may have none.",
        ),
    ),
    "superior_numeric": _blocking(
        HR,
        ("NIP atasan {value} telah diubah menjadi angka.", "The superior's NIP {value} became a number."),
        _COPY_AS_TEXT,
    ),
    "superior_malformed": _blocking(
        HR,
        ("NIP atasan {value} salah: {reason}.", "The superior's NIP {value} is wrong: {reason}."),
        ("Salin NIP dari baris atasan itu.", "Copy the NIP from the superior's own row."),
    ),
    "superior_unknown": _blocking(
        HR_AND_HEAD,
        ("Atasan {value} tidak ada di berkas ini.", "Superior {value} is not in this file."),
        ("Tambahkan baris atasan itu, atau perbaiki NIP-nya.", "Add the superior's row, or correct the NIP."),
    ),
    "superior_inactive": _blocking(
        HR_AND_HEAD,
        (
            "Atasan {other_name} tidak aktif pada {today} dan tidak ada Plt/Plh.",
            "Superior {other_name} is not in service on {today} and nobody acts in the post.",
        ),
        (
            "Isi atasan yang baru, atau catat Plt dengan nomor SK.",
            "Name the new superior, or record a Plt with decree number.",
        ),
    ),
    "superior_self": _blocking(
        HR_AND_HEAD,
        ("Atasan dirinya sendiri.", "The person is their own superior."),
        ("Isi NIP atasan langsung.", "Fill in the direct superior's NIP."),
    ),
    "superior_circular": _blocking(
        HR_AND_HEAD,
        ("Rantai atasan berputar: {circle}.", "The superiors run in a circle: {circle}."),
        ("Perbaiki atasan salah satu dari mereka menurut struktur.", "Correct the superior of one of them."),
    ),
    "superior_held": _note(
        HR,
        (
            "Baris atasan {other_name} (baris {other}) belum diterima; tugas menilai naik satu tingkat.",
            "The row of superior {other_name} (row {other}) is not accepted yet; rating climbs one level.",
        ),
        ("Perbaiki baris atasan itu.", "Mend the superior's row."),
    ),
    "superior_away": _note(
        HR_AND_HEAD,
        (
            "Atasan {other_name} tidak di tempat sampai {end} dan tidak ada Plh; tugasnya naik satu tingkat.",
            "Superior {other_name} is away until {end} and nobody acts; the duties climb one level.",
        ),
        ("Catat Plh dengan nomor SK bila ada.", "Record a Plh with decree number if there is one."),
    ),
    "span_wide": _note(
        HR_AND_HEAD,
        ("Menilai {count} orang.", "Rates {count} people."),
        ("Pertimbangkan pendelegasian penilaian.", "Consider delegating the rating."),
    ),
    # acting and away
    "rater_is_authority": _waivable(
        PPK,
        (
            "Karena mandat {kind}, menilai dan sekaligus memutus keberatan {count} orang.",
            "By the {kind} mandate, rates {count} people and would decide their objections as well.",
        ),
        (
            "Tunjuk orang lain, atau kesampingkan dengan alasan: keberatan lalu naik satu tingkat.",
            "Appoint somebody else, or waive with a reason: objections then climb one level.",
        ),
    ),
    "acting_own_rater": _waivable(
        PPK,
        (
            "Menjadi {kind} atasan sendiri ({other_name}), sehingga akan menilai diri sendiri.",
            "Acts ({kind}) for the own superior ({other_name}) and so would rate themselves.",
        ),
        (
            "Tunjuk orang lain, atau kesampingkan dengan alasan: penilaian orang ini naik satu tingkat.",
            "Appoint somebody else, or waive with a reason: this person's rating climbs one level.",
        ),
    ),
    "acting_incomplete": _waivable(
        HR,
        (
            "Mandat Plt/Plh tidak dicatat; kurang atau tidak terbaca: {columns}.",
            "The acting mandate is not recorded; missing or unreadable: {columns}.",
        ),
        (
            "Lengkapi jenis, nomor SK dan kedua tanggal; di luar itu mandat tidak berlaku.",
            "Complete kind, decree number and both days; a mandate is void without them.",
        ),
    ),
    "acting_long": _waivable(
        HR,
        (
            "Mandat Plt/Plh tidak dicatat: {start} s.d. {end} lebih lama dari satu tahun.",
            "The acting mandate is not recorded: {start} to {end} is longer than a year.",
        ),
        (
            "Tulis hari pertama dan terakhir menurut SK yang berlaku; perpanjangan memakai SK tersendiri.",
            "Write the first and last day of the decree in force; longer than that takes a decree of its own.",
        ),
    ),
    "acting_unknown": _waivable(
        HR,
        ("Yang digantikan ({value}) tidak ada di berkas ini.", "The person acted for ({value}) is not in this file."),
        ("Tambahkan baris orang itu, atau perbaiki NIP-nya.", "Add that person's row, or correct the NIP."),
    ),
    "acting_self": _waivable(
        HR,
        ("Menjadi Plt/Plh untuk dirinya sendiri.", "Acts for themselves."),
        ("Isi NIP pejabat yang digantikan.", "Fill in the NIP of the official acted for."),
    ),
    "absence_incomplete": _waivable(
        HR,
        (
            "Ketidakhadiran tidak dicatat; kurang atau tidak terbaca: {columns}.",
            "The absence is not recorded; missing or unreadable: {columns}.",
        ),
        ("Lengkapi jenis dan kedua tanggal.", "Complete kind and both days."),
    ),
    # units
    "unit_headless": _waivable(
        HR_AND_HEAD,
        ("Unit {unit} tanpa pimpinan.", "Unit {unit} has no head."),
        (
            "Beri tanda is_unit_head pada pimpinannya, atau kesampingkan dengan alasan: unit induk menggantikan.",
            "Mark its head in is_unit_head, or waive with a reason: the unit above stands in.",
        ),
    ),
    "unit_two_heads": _waivable(
        HR_AND_HEAD,
        (
            "Unit {unit} punya dua pimpinan: juga {other_name} (baris {other}).",
            "Unit {unit} has two heads: also {other_name} (row {other}).",
        ),
        ("Sisakan satu pimpinan per unit.", "Leave one head per unit."),
    ),
    "unit_parent_unknown": _waivable(
        HR,
        (
            "Unit induk {value} dari {unit} tidak ada di berkas; ditaruh di puncak.",
            "Parent unit {value} of {unit} is not in the file; it is put at the top.",
        ),
        ("Perbaiki parent_unit_code, atau tambahkan unit itu.", "Correct parent_unit_code, or add that unit."),
    ),
    "unit_circular": _waivable(
        HR,
        (
            "Unit {unit} berada di bawah dirinya sendiri; ditaruh di puncak.",
            "Unit {unit} stands below itself; it is put at the top.",
        ),
        ("Perbaiki parent_unit_code.", "Correct parent_unit_code."),
    ),
    "unit_inconsistent": _note(
        HR,
        (
            "Unit {unit} tertulis berbeda dari baris {other}; baris {other} yang dipakai.",
            "Unit {unit} is written differently in row {other}; row {other} is used.",
        ),
        ("Samakan nama dan induk unit di semua baris.", "Write name and parent of the unit alike in all rows."),
    ),
    # the whole
    "role_unfilled": _note(
        PPK,
        ("Tidak ada pemegang peran {value}.", "Nobody holds the role {value}."),
        ("Isi kolom roles pada orang yang ditunjuk.", "Fill in roles for the person appointed."),
    ),
    "waiver_refused": _note(
        HR,
        ("Masalah {value} tidak dapat dikesampingkan.", "Problem {value} cannot be waived."),
        ("Perbaiki datanya, lalu hapus barisnya dari berkas pengesampingan.", "Mend the data, then drop the waiver."),
    ),
    "waiver_unused": _note(
        HR,
        ("Pengesampingan {value} tidak lagi diperlukan.", "The waiver of {value} is not needed any more."),
        ("Hapus barisnya dari berkas pengesampingan.", "Drop it from the waivers file."),
    ),
}
