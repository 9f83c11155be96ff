"""Every problem of a roster in words: how grave it is, what is wrong, who puts it right and how, in both languages."""

from collections.abc import Mapping
from typing import NamedTuple

from rules.roster.nip import NipProblem
from rules.terms import Locale, Role, Severity

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
    "Format kolom {c[nip]} sebagai Teks sebelum mengisi, lalu ketik atau tempel ulang 18 digit dari sumber asli; "
    "digit yang hilang tidak dapat dipulihkan.",
    "Format the column {c[nip]} as Text before filling it, then type or paste the 18 digits again from the source; "
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
        (
            "Tidak perlu apa-apa bila memang tidak dipakai; perbaiki judulnya bila salah ketik atau kosong.",
            "Nothing, if they are not meant to be used; correct the title if it is misspelt or empty.",
        ),
    ),
    "rows_passed_over": _note(
        HR,
        (
            "{count} baris bukan pegawai dan dilewati (nomor kolom, baris kosong bernomor, jumlah, tanda tangan): "
            "baris {value}.",
            "{count} rows are nobody and were passed over (column numbers, numbered empty rows, totals, signatures): "
            "rows {value}.",
        ),
        (
            "Bila salah satunya pegawai, isi {c[nip]} dan {c[email]} pada baris itu.",
            "If one of them is a person, fill in {c[nip]} and {c[email]} in that row.",
        ),
    ),
    "rows_hidden": _note(
        HR,
        (
            "{count} baris tersembunyi atau tersaring ikut dibaca: baris {value}.",
            "{count} hidden or filtered rows were read as well: rows {value}.",
        ),
        (
            "Tampilkan baris itu dan periksa; hapus bila tidak berlaku.",
            "Show these rows and look at them; delete those that do not count.",
        ),
    ),
    "columns_hidden": _note(
        HR,
        ("Kolom tersembunyi ikut dibaca: {columns}.", "Hidden columns were read as well: {columns}."),
        (
            "Tampilkan kolom itu dan periksa isinya; hapus bila tidak berlaku.",
            "Show these columns and look at them; delete those that do not count.",
        ),
    ),
    "job_family_empty": _note(
        HR,
        (
            "Kolom {c[job_family]} kosong bagi semua {count} pegawai: indikator instansi tidak disarankan kepada siapa "
            "pun dan rencana baku tidak memakainya.",
            "Column {c[job_family]} is empty for all {count} people: nobody is offered the agency's indicators, and "
            "default plans do not use them.",
        ),
        (
            "Isi {c[job_family]} dengan nama rumpun dari indicators.yaml, atau biarkan bila memang tidak dipakai.",
            "Fill in {c[job_family]} with the families of indicators.yaml, or leave it if they are not used.",
        ),
    ),
    "encoding_guessed": _note(
        HR,
        ("Berkas bukan UTF-8; dibaca sebagai {value}.", "The file is not UTF-8; it was read as {value}."),
        (
            "Periksa huruf beraksen pada nama, atau simpan ulang sebagai CSV UTF-8.",
            "Look at accented letters in names, or save it again as CSV UTF-8.",
        ),
    ),
    # cells
    "cell_error": _blocking(
        HR,
        (
            "Sel {other} (kolom {column}) memuat kesalahan, bukan isi: {value}.",
            "Cell {other} (column {column}) holds an error, not a value: {value}.",
        ),
        (
            "Perbaiki rumusnya, atau ketik isinya; kosongkan selnya hanya bila memang tidak ada isinya.",
            "Mend the formula or type the value; empty the cell only if there is none.",
        ),
    ),
    "nip_two": _blocking(
        HR,
        ("Baris ini memuat dua NIP yang berbeda: {value}.", "The row holds two different NIPs: {value}."),
        ("Sisakan NIP yang berlaku.", "Leave the NIP in force."),
    ),
    "service_ended": _blocking(
        HR,
        (
            "Kedudukan “{value}” berarti tidak bertugas lagi, tetapi {c[active_to]} kosong.",
            "The standing “{value}” means out of service, but {c[active_to]} is empty.",
        ),
        (
            "Isi hari terakhir bertugas di {c[active_to]}, atau hapus barisnya bila sudah lewat sebelum tahun ini.",
            "Fill in the last day of service in {c[active_to]}, or delete the row if that was before this year.",
        ),
    ),
    "absence_unreadable": _waivable(
        HR,
        (
            "Jenis ketidakhadiran “{value}” tidak dikenal; ketidakhadiran tidak dicatat.",
            "Absence “{value}” is not known; the absence is not recorded.",
        ),
        (
            "Tulis cuti, sakit, melahirkan, cltn, tugas belajar, mpp atau diberhentikan sementara; kosong bila hadir.",
            "Write leave, sick, maternity, unpaid, study, pre_retirement or suspended; nothing if present.",
        ),
    ),
    "absence_day_unreadable": _waivable(
        HR,
        (
            "Tanggal “{value}” di kolom {column} tidak dapat dibaca; ketidakhadiran tidak dicatat.",
            "Date “{value}” in {column} cannot be read; the absence is not recorded.",
        ),
        ("Tulis 2026-01-31 atau 31/01/2026.", "Write 2026-01-31 or 31/01/2026."),
    ),
    "acting_unreadable": _waivable(
        HR,
        (
            "“{value}” di kolom {column} tidak dapat dibaca; mandat Plt/Plh tidak dicatat.",
            "“{value}” in {column} cannot be read; the acting mandate is not recorded.",
        ),
        (
            "Tulis plt atau plh di {c[acting_kind]}, dan tanggal seperti 2026-01-31 atau 31/01/2026.",
            "Write plt or plh in {c[acting_kind]}, and dates like 2026-01-31 or 31/01/2026.",
        ),
    ),
    "acting_holds_post": _waivable(
        HR,
        (
            "Seorang penjabat (“{value}”) memegang jabatan itu sendiri, bukan mandat Plt/Plh; mandat tidak dicatat.",
            "Who is a penjabat (“{value}”) holds the post itself; that is no acting mandate, and none is recorded.",
        ),
        (
            "Kosongkan {c[acting_kind]}, beri tanda {c[is_unit_head]}, dan tulis NIP-nya sebagai {c[superior_nip]} "
            "bawahannya; tulis plt atau plh bila SK-nya memang Plt/Plh.",
            "Empty {c[acting_kind]}, mark {c[is_unit_head]}, and write their NIP as {c[superior_nip]} of their people; "
            "write plt or plh if that is what the decree says.",
        ),
    ),
    "service_goes_on": _note(
        HR,
        (
            "Kedudukan “{value}” berarti tidak bertugas lagi, tetapi {c[active_to]} {end}: sampai hari itu dianggap "
            "bertugas.",
            "The standing “{value}” means out of service, but {c[active_to]} is {end}: until then they count as "
            "serving.",
        ),
        (
            "Bila sudah berhenti, isi hari terakhir yang sebenarnya di {c[active_to]}.",
            "If they have left, fill in the true last day in {c[active_to]}.",
        ),
    ),
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
        HR, ("Nama kosong.", "The name is empty."), ("Isi {c[name]} menurut SK.", "Fill in {c[name]} as in the decree.")
    ),
    "unit_missing": _blocking(
        HR,
        ("Kode unit kosong.", "The unit code is empty."),
        ("Isi kolom {c[unit_code]}.", "Fill in column {c[unit_code]}."),
    ),
    "employment_unreadable": _blocking(
        HR,
        ("Jenis pegawai “{value}” tidak dikenal.", "Employment “{value}” is not known."),
        ("Tulis pns, pppk atau cpns di kolom {c[employment]}.", "Write pns, pppk or cpns in column {c[employment]}."),
    ),
    "post_group_unreadable": _blocking(
        HR,
        ("Kelompok jabatan “{value}” tidak dikenal.", "Post group “{value}” is not known."),
        ("Tulis jpt, ja atau jf di kolom {c[post_group]}.", "Write jpt, ja or jf in column {c[post_group]}."),
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
        (
            "Perbaiki {c[active_from]} atau {c[active_to]} menurut SK.",
            "Correct {c[active_from]} or {c[active_to]} from the decree.",
        ),
    ),
    "role_unreadable": _waivable(
        HR,
        ("Peran “{value}” tidak dikenal dan tidak diberikan.", "Role “{value}” is not known and not granted."),
        (
            "Tulis di {c[roles]}: performance_admin, appointing_authority, auditor atau ops, dipisah titik koma.",
            "Write in {c[roles]}: performance_admin, appointing_authority, auditor or ops, separated by semicolons.",
        ),
    ),
    "head_unreadable": _waivable(
        HR,
        ("Isi pimpinan unit “{value}” tidak dikenal; dibaca tidak.", "Unit head “{value}” is not known; read as no."),
        ("Tulis ya atau tidak di kolom {c[is_unit_head]}.", "Write yes or no in column {c[is_unit_head]}."),
    ),
    "locale_unreadable": _note(
        HR,
        (
            "Bahasa “{value}” tidak dikenal; dipakai bahasa instansi.",
            "Locale “{value}” is not known; the agency's is used.",
        ),
        ("Tulis id atau en di kolom {c[locale]}.", "Write id or en in column {c[locale]}."),
    ),
    # NIP and address
    "nip_missing": _blocking(
        HR,
        ("NIP kosong.", "The NIP is empty."),
        ("Isi 18 digit NIP dari SK di kolom {c[nip]}.", "Fill in the 18 digits from the decree in column {c[nip]}."),
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
            "{c[active_to]} atau menghapusnya dari data pegawainya, lalu impor lagi.",
            "If it is the same agency, write its code in agency.yaml; if the person moved, ask that agency to fill in "
            "{c[active_to]} or to take them off its roster, then import again.",
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
        (
            "Minta alamat pribadi di dinas dan isikan di {c[email]}.",
            "Ask for the official personal address and fill in {c[email]}.",
        ),
    ),
    "address_malformed": _blocking(
        EMPLOYEE,
        ("Alamat “{value}” tidak dapat disurati: {reason}.", "Address “{value}” cannot be written to: {reason}."),
        (
            "Perbaiki salah ketik di {c[email]}, lalu periksa lagi.",
            "Correct the misspelling in {c[email]}, then check again.",
        ),
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
    "mailbox_shared": _note(
        EMPLOYEE,
        (
            "Alamat {value} berakhir di kotak surat yang sama dengan baris {other} ({other_name}): pembacanya dapat "
            "bertindak atas nama keduanya.",
            "Address {value} ends in the same mailbox as row {other} ({other_name}): its reader could act for both.",
        ),
        ("Isi alamat pribadi masing-masing.", "Fill in a personal address for each."),
    ),
    # superiors
    "superior_missing": _blocking(
        HR_AND_HEAD,
        ("Atasan kosong: tidak ada yang menilai.", "No superior: nobody to rate this person."),
        (
            "Isi {c[superior_nip]}. Hanya pimpinan unit puncak, PPK, auditor dan operator boleh tanpa atasan.",
            "Fill in {c[superior_nip]}. Only the head of a top unit, PPK, auditors and ops may have none.",
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
        ("Isi NIP atasan langsung di {c[superior_nip]}.", "Fill in the direct superior's NIP in {c[superior_nip]}."),
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
            "Beri tanda {c[is_unit_head]} pada pimpinannya, atau kesampingkan dengan alasan: unit induk menggantikan.",
            "Mark its head in {c[is_unit_head]}, or waive with a reason: the unit above stands in.",
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
        (
            "Perbaiki {c[parent_unit_code]}, atau tambahkan unit itu.",
            "Correct {c[parent_unit_code]}, or add that unit.",
        ),
    ),
    "unit_circular": _waivable(
        HR,
        (
            "Unit {unit} berada di bawah dirinya sendiri; ditaruh di puncak.",
            "Unit {unit} stands below itself; it is put at the top.",
        ),
        ("Perbaiki {c[parent_unit_code]}.", "Correct {c[parent_unit_code]}."),
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
        ("Isi kolom {c[roles]} pada orang yang ditunjuk.", "Fill in {c[roles]} for the person appointed."),
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

COLUMN_OF: Mapping[str, str] = {
    "nip_missing": "nip", "nip_numeric": "nip", "nip_malformed": "nip", "nip_duplicate": "nip", "nip_two": "nip",
    "serves_elsewhere": "nip", "name_missing": "name", "unit_missing": "unit_code",
    "employment_unreadable": "employment", "post_group_unreadable": "post_group", "dates_reversed": "active_to",
    "role_unreadable": "roles", "head_unreadable": "is_unit_head", "locale_unreadable": "locale",
    "address_missing": "email", "address_malformed": "email", "address_shared": "email", "mailbox_shared": "email",
    "superior_missing": "superior_nip", "superior_numeric": "superior_nip", "superior_malformed": "superior_nip",
    "superior_unknown": "superior_nip", "superior_inactive": "superior_nip", "superior_self": "superior_nip",
    "superior_circular": "superior_nip", "superior_held": "superior_nip", "superior_away": "superior_nip",
    "rater_is_authority": "acting_for_nip", "acting_own_rater": "acting_for_nip",
    "acting_incomplete": "acting_decree", "acting_long": "acting_to", "acting_unknown": "acting_for_nip",
    "acting_self": "acting_for_nip", "absence_incomplete": "absence_from", "absence_unreadable": "absence_kind",
    "service_ended": "active_to", "service_goes_on": "active_to",
    "unit_headless": "is_unit_head", "unit_two_heads": "is_unit_head",
    "unit_parent_unknown": "parent_unit_code", "unit_circular": "parent_unit_code", "unit_inconsistent": "unit_name",
    "job_family_empty": "job_family",
}  # fmt: skip
"""The column whose cell is to be mended, by problem."""
