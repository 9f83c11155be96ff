"""What other parts of the house say in English, said again in Indonesian where that was chosen.

A table of sentences, `{}` standing for what differs from one time to the next, in the same order in both languages.
"""

import re
from collections.abc import Mapping
from functools import cache

from cli.language import spoken
from rules.terms import Locale

INDONESIAN: Mapping[str, str] = {
    "No folder is named. Name one that is not there yet, best on another disk.":
        "Folder belum disebut. Sebutkan folder yang belum ada, sebaiknya di cakram lain.",
    # an agency's files and packs
    "{}: cannot be read: line {}: the tag {} is not taken: write the value alone":
        "{}: baris {}: tag {} tidak diterima; tulis nilainya saja",
    "{}: line {}: the tag {} is not taken: write the value alone":
        "{}: baris {}: tag {} tidak diterima; tulis nilainya saja",
    "{}: cannot be read: line {}: {} is no value: {}": "{}: baris {}: {} bukan nilai ({})",
    "{}: line {}: {} is no value: {}": "{}: baris {}: {} bukan nilai ({})",
    "{}: line {}: the key {} stands in line {} already: HR keeps one":
        "{}: baris {}: kunci {} sudah ada di baris {}; Pengelola Kinerja menyisakan satu",
    "{}: is nested too deeply": "{}: bersarang terlalu dalam",
    "{}: {}: String should have at most {} characters": "{}: {}: paling banyak {} karakter",
    "{}: {}: String should have at least {} characters": "{}: {}: paling sedikit {} karakter",
    "{}: {}: String should have at least {} character": "{}: {}: paling sedikit {} karakter",
    "{}: {}: Field required": "{}: {}: wajib diisi",
    "{}: {}: Extra inputs are not permitted": "{}: {}: kunci ini tidak dikenal",
    "{}: {}: Input should be greater than {}": "{}: {}: harus lebih dari {}",
    "{}: {}: Input should be greater than or equal to {}": "{}: {}: paling sedikit {}",
    "{}: {}: Input should be less than or equal to {}": "{}: {}: paling banyak {}",
    "{}: {}: Input should be a valid integer": "{}: {}: harus bilangan bulat, misalnya 7",
    "{}: {}: Input should be a valid string": "{}: {}: harus berupa teks, dalam tanda kutip bila berupa angka",
    "{}: {}: Input should be a valid decimal": "{}: {}: harus bilangan, misalnya 12.5",
    "{}: {}: Decimal input should have no more than {} digits in total": "{}: {}: paling banyak {} angka",
    "{}: {}: Decimal input should have no more than {} decimal places":
        "{}: {}: paling banyak {} angka di belakang koma",
    "{}: {}: {} is no number: write it like 12.5": "{}: {}: {} bukan bilangan; tulis seperti 12.5",
    # the audit
    "The frame is not frozen yet: it is when the audit stage opens, or with `audit freeze`.":
        "Kerangka belum dibekukan: itu terjadi saat tahap audit dibuka, atau dengan `audit freeze`.",
    "Audit sampling opens at {}: until then scores may change, and nothing is frozen.":
        "Pengambilan sampel audit dibuka {}: sebelum itu nilai masih dapat berubah dan tidak ada yang dibekukan.",
    "{} auditors are registered, {} are needed: HR adds them to the roster.":
        "{} auditor terdaftar, diperlukan {}: Pengelola Kinerja menambahkannya ke daftar pegawai.",
    "Say where it was published, so that others can look: notice page, letter number, holders.":
        "Tulis di mana diumumkan agar orang lain dapat memeriksa: laman pengumuman, nomor surat, pemegang salinan.",
    "The frame is not published yet: whoever knew the seed could still choose the sample.":
        "Kerangka belum diumumkan: siapa pun yang tahu angka acaknya masih dapat memilih sampel.",
    "The published frame has to stand until {}.": "Kerangka yang diumumkan harus tetap sampai {}.",
    "The seed is recorded; there is no second roll.": "Angka acak sudah dicatat; tidak ada pengundian kedua.",
    "This seed was rolled for the frame that was annulled: a new frame needs a new roll.":
        "Angka acak ini diundi untuk kerangka yang dibatalkan: kerangka baru memerlukan pengundian baru.",
    "The seed is text of at least {} printable ASCII characters without spaces; keep leading zeros.":
        "Angka acak berupa paling sedikit {} karakter ASCII tanpa spasi; nol di depan tetap ditulis.",
    "Name the signed minutes and the witnesses, one of them for the employees.":
        "Sebutkan berita acara yang ditandatangani dan para saksi, salah satunya mewakili pegawai.",
    "A frame was annulled before: this one stands, wrong rows become voids or deviations.":
        "Satu kerangka sudah pernah dibatalkan: yang ini tetap, baris yang salah dicatat batal atau menyimpang.",
    "The sample is drawn: the frame stands, wrong rows become voids or deviations.":
        "Sampel sudah diambil: kerangkanya tetap, baris yang salah dicatat batal atau menyimpang.",
    "An annulment is public: give its reason.": "Pembatalan bersifat terbuka: tulis alasannya.",
    "No seed is recorded yet: it is rolled in public after the frame has been published.":
        "Angka acak belum dicatat: diundi terbuka sesudah kerangka diumumkan.",
    "The seed is older than the published frame with its wait.":
        "Angka acak lebih tua daripada pengumuman kerangka beserta masa tunggunya.",
    "Stage {} is not the next to draw: the stage before it has to be evaluated first.":
        "Tahap {} belum gilirannya diambil: tahap sebelumnya harus dievaluasi dahulu.",
    "Stage {} is not drawn yet: the seed is recorded, then it is drawn.":
        "Tahap {} belum diambil: angka acak dicatat dahulu, lalu sampel diambil.",
    # exports
    "{} converts no predicates to credit points.": "{} tidak mengubah predikat menjadi angka kredit.",
    "{} has no issued result and no explanation in this cycle: check the NIP, or wait.":
        "{} belum punya hasil atau penjelasan pada siklus ini: periksa NIP-nya, atau tunggu.",
    "The cycle has no appraisals: nobody was enrolled.":
        "Siklus ini tidak punya penilaian: belum ada yang didaftarkan.",
    "The cycle is not final: {} appraisals are still open. Export a draft with --draft, or wait for finalization.":
        "Siklus belum final: {} penilaian masih terbuka. Ekspor sebagai draf dengan --draft, atau tunggu penetapan.",
    "The cycle has {} people, but the export {}: export again.":
        "Siklus ini berisi {} orang, tetapi ekspornya {}: ekspor lagi.",
    "{} people have neither result nor explanation: HR accounts for them.":
        "{} orang belum punya hasil maupun penjelasan: Pengelola Kinerja menjelaskannya.",
    "skp22 takes ratings by quadrant; this cycle goes by scores.":
        "skp22 menerima penilaian menurut kuadran; siklus ini memakai angka.",
    "{} has a predicate without both ratings: nothing was written.":
        "{} punya predikat tanpa kedua rating: tidak ada yang ditulis.",
    "The file does not say what the database says: {}": "Isi berkas tidak sama dengan basis data: {}",
    "{}, line {}: no JSON object": "{}, baris {}: bukan objek JSON",
    "A sheet holds {} people: export CSV instead.": "Satu lembar memuat paling banyak {} orang: ekspor CSV saja.",
    # waves, limits, the relay
    "There is no wave {}; `appraisal mail waves` lists them.":
        "Tidak ada gelombang {}; `appraisal mail waves` mendaftarnya.",
    "The letters that open {} in {} {} are not written yet; `appraisal cycle plan` shows who would get what, and"
    " when.":
        "Surat pembuka {} di {} {} belum ditulis; `appraisal cycle plan` menunjukkan siapa akan menerima apa, dan"
        " kapan.",
    "Wave {} awaits no release.": "Gelombang {} tidak menunggu pelepasan.",
    "Nobody in {} has NIP {}.": "Di {} tidak ada yang ber-NIP {}.",
    "{} launched the cycle: somebody else has to release its letters.":
        "{} yang membuka siklus: orang lain yang harus melepas surat-suratnya.",
    "{} is neither HR, appointing authority nor ops of {}.":
        "{} bukan Pengelola Kinerja, PPK, atau pengelola sistem {}.",
    "Wave {} is not stopped.": "Gelombang {} tidak sedang dihentikan.",
    "{} is no scope: write relay, relay:day (a second limit) or domain:gmail.com":
        "{} bukan cakupan: tulis relay, relay:day (batas kedua) atau domain:gmail.com",
    "{} is no limit: write 50/s, 30/min, 500/h or 10000/day, or none":
        "{} bukan batas: tulis 50/s, 30/min, 500/h, 10000/day, atau none",
    "awaiting release: `appraisal mail release {} --by NIP`":
        "menunggu pelepasan: `appraisal mail release {} --by NIP`",
    "stopped: {}": "dihentikan: {}",
    "delivery is stopped: {}": "pengiriman dihentikan: {}",
    "the relay is down since {}: {}": "server surel tidak menerima surat sejak {}: {}",
    "canary: the first {} go ahead": "percobaan: {} surat pertama jalan dahulu",
    "canary: a few went ahead; the rest follows after {}":
        "percobaan: beberapa surat sudah jalan; sisanya menyusul sesudah {}",
    "never: a limit lets nothing through": "tidak akan pernah: sebuah batas tidak meloloskan apa pun",
    "about {} s": "kira-kira {} detik",
    "about {} min": "kira-kira {} menit",
    "about {} h {} min": "kira-kira {} jam {} menit",
    "about {} h": "kira-kira {} jam",
    "about {} days": "kira-kira {} hari",
    "held: delivery is stopped": "ditahan: pengiriman dihentikan",
    "queued: the relay is down": "dalam antrean: server surel tidak menerima surat",
    "held: its wave is stopped": "ditahan: gelombangnya dihentikan",
    "waiting for the canary": "menunggu kelompok percobaan",
    "{}; it may have arrived: a person decides": "{}; mungkin sudah sampai: diputuskan oleh orang",
    "{}; the same copy goes out once more after {} UTC": "{}; salinan yang sama dikirim sekali lagi sesudah {} UTC",
    "{}; it ends": "{}; tidak dikirim lagi",
    "it may have gone out before the database was restored":
        "mungkin sudah terkirim sebelum basis data dipulihkan",
    "a backup of {} was restored. {} letters would go out now, perhaps again; {}":
        "cadangan {} dipulihkan. {} surat akan dikirim sekarang, mungkin untuk kedua kalinya; {}",
    "the database is older than what this machine has sent: was a backup restored? {} letters would go out now,"
    " perhaps again; {}":
        "basis data lebih tua daripada yang sudah dikirim mesin ini: apakah cadangan dipulihkan? {} surat akan dikirim"
        " sekarang, mungkin untuk kedua kalinya; {}",
    "this machine has never sent for this database: was a backup restored, or did it move? {} letters would go out"
    " now, perhaps again; {}":
        "mesin ini belum pernah mengirim untuk basis data ini: apakah cadangan dipulihkan, atau dipindahkan? {} surat"
        " akan dikirim sekarang, mungkin untuk kedua kalinya; {}",
    "`appraisal mail status` says what would go out, `appraisal mail resume --hold` keeps it back":
        "`appraisal mail status` menunjukkan yang akan dikirim, `appraisal mail resume --hold` menahannya",
    "The SMTP URL must look like smtps://user:password@host:port":
        "URL SMTP harus berbentuk smtps://user:password@host:port",
    "The SMTP URL must name a host, and nothing after it but ?ca=FILE":
        "URL SMTP harus menyebut host, dan sesudahnya hanya boleh ?ca=FILE",
    "{} is not this machine: use smtps:// or smtp+starttls:// (TLS is required off loopback)":
        "{} bukan mesin ini: pakai smtps:// atau smtp+starttls:// (TLS wajib di luar mesin ini)",
    "TLS is required off loopback": "TLS wajib di luar mesin ini",
    # processes
    "it runs already: a process holds {}. Ops end that one first, or choose another APPRAISAL_HOME":
        "sudah berjalan: sebuah proses memegang {}. Pengelola sistem mengakhirinya dahulu, atau memilih"
        " APPRAISAL_HOME lain",
    "{} ended at once, see {}:": "{} langsung berakhir, lihat {}:",
    "{} does not answer at {} after {} s, see {}": "{} tidak menjawab di {} sesudah {} detik, lihat {}",
    "{} ends again and again, see {}:": "{} berulang kali berakhir, lihat {}:",
    "the work pool could not be made: {}": "work pool tidak dapat dibuat: {}",
    "prefect.yaml could not be deployed, see {}:": "prefect.yaml tidak dapat dipasang, lihat {}:",
    # backups
    "{} is damaged ({}). Ops mend it, or restore an older backup.":
        "{} rusak ({}). Pengelola sistem memperbaikinya, atau memulihkan cadangan yang lebih lama.",
    "{} has {} rows of {}. Use another backup.": "{} berisi {} baris dari {}. Pakai cadangan lain.",
    "The secret here is not the one of the backup: no link that was mailed would open any more. Set APPRAISAL_SECRET"
    " to that of {}, or say --new-secret to mail links anew.":
        "Rahasia di sini bukan milik cadangan itu: tautan yang sudah dikirim tidak akan terbuka lagi. Isi"
        " APPRAISAL_SECRET dengan yang ada di {}, atau pakai --new-secret untuk mengirim tautan baru.",
    "{} is in use by an installation. With --overwrite it is moved aside, and nothing of it is deleted.":
        "{} dipakai sebuah instalasi. Dengan --overwrite isinya dipindahkan ke samping, tidak ada yang dihapus.",
    "{} is there already. Name a folder that is not, so that no backup overwrites another.":
        "{} sudah ada. Sebutkan folder yang belum ada, agar tidak ada cadangan yang tertimpa.",
    "{} lies in the home that is backed up: name a folder elsewhere, best on another disk.":
        "{} berada di dalam folder yang dicadangkan: sebutkan folder lain, sebaiknya di cakram lain.",
    "{} was made by a newer program (format {}). Ops install that program first.":
        "{} dibuat oleh program yang lebih baru (format {}). Pengelola sistem memasang program itu dahulu.",
    "{} is not as it was made: {} missing, added or changed. Use another backup.":
        "{} tidak seperti saat dibuat: {} hilang, ditambah, atau berubah. Pakai cadangan lain.",
    "The backup is of {}, and APPRAISAL_DATABASE_URL names {}. Set it to the kind of database that was backed up.":
        "Cadangan ini dari {}, sedangkan APPRAISAL_DATABASE_URL menyebut {}. Sesuaikan dengan jenis basis data"
        " yang dicadangkan.",
    "The backup has tables of version {}, this program knows {}. Ops install the newer program first.":
        "Cadangan berisi tabel versi {}, program ini mengenal {}. Pengelola sistem memasang program yang baru dahulu.",
    "Processes are at work on this database. End `appraisal serve`, workers, pages and dispatchers first.":
        "Masih ada proses yang bekerja pada basis data ini. Akhiri dahulu `appraisal serve`, worker, halaman, dan"
        " pengirim surat.",
    "{} is no backup: `appraisal backup FOLDER` makes one.":
        "{} bukan cadangan: `appraisal backup FOLDER` membuatnya.",
    # launching
    "There is no agency {}; there are: {}. Write one of these.":
        "Tidak ada instansi {}; yang ada: {}. Tulis salah satunya.",
    "There is no agency {}, nor any other yet: HR takes one in with `appraisal cycle launch`.":
        "Belum ada instansi {} maupun yang lain: Pengelola Kinerja memasukkannya dengan `appraisal cycle launch`.",
    "agency {} is not known: HR imports its roster first":
        "instansi {} belum dikenal: Pengelola Kinerja mengimpor daftar pegawainya dahulu",
    "{} {} runs on pack {} {}, which a running cycle keeps; HR launches the next year with another":
        "{} {} memakai paket {} {}, yang tetap selama siklus berjalan; Pengelola Kinerja memakai yang lain tahun depan",
    "choose one way: shift the calendar, begin at a stage, or go ahead with a reason":
        "pilih satu cara: geser kalender, mulai pada suatu tahap, atau lanjutkan dengan alasan",
    "a cycle cannot begin at {}: without ratings there is nothing to do in it":
        "siklus tidak dapat dimulai pada {}: tanpa penilaian tidak ada yang dapat dikerjakan di sana",
    "there is no agency folder of that name: HR names one below the agencies directory":
        "tidak ada folder instansi dengan nama itu: Pengelola Kinerja menyebut satu yang ada di folder instansi",
    "{} is no year of a cycle: HR checks the year": "{} bukan tahun siklus: Pengelola Kinerja memeriksa tahunnya",
    "every date of {} {} has passed ({}): HR checks the year":
        "semua tanggal {} {} sudah lewat ({}): Pengelola Kinerja memeriksa tahunnya",
    "{} {} is too far ahead: the next year at most can be launched":
        "{} {} terlalu jauh: paling jauh tahun depan yang dapat dibuka",
    "{}: no row can be taken in; HR mends what `roster check` finds":
        "{}: tidak ada baris yang dapat diterima; Pengelola Kinerja memperbaiki yang ditemukan `roster check`",
    "{}: a roster as of {} was taken in already; an earlier day ({}) would rewrite history. HR imports as of {} or"
    " later":
        "{}: daftar per {} sudah diterima; hari yang lebih awal ({}) akan mengubah riwayat. Pengelola Kinerja mengimpor"
        " per {} atau sesudahnya",
    "{} has no people: HR imports the roster with `appraisal roster import`":
        "{} belum punya pegawai: Pengelola Kinerja mengimpor daftarnya dengan `appraisal roster import`",
    "{} has no people of its own: all {} of its roster stand under the code {} already. If it is the same agency, HR"
    " writes that code in agency.yaml; if they moved here, the other agency takes them off its roster first, then HR"
    " imports again":
        "{} tidak punya pegawai sendiri: semua {} di daftarnya sudah tercatat dengan kode {}. Jika instansinya sama,"
        " Pengelola Kinerja menulis kode itu di agency.yaml; jika mereka pindah ke sini, instansi lain mengeluarkannya"
        " dahulu dari daftarnya, lalu Pengelola Kinerja mengimpor lagi",
    # the database
    "has no tables yet": "belum punya tabel",
    "has tables of version {}": "berisi tabel versi {}",
    "This is a production database: it has no virtual clock. Simulate in a database of its own.":
        "Ini basis data produksi: tidak punya jam maya. Jalankan simulasi di basis datanya sendiri.",
    "This database has a version that this program does not know ({}): a newer one made it. Ops install that program,"
    " or restore the backup from before.":
        "Basis data ini punya versi yang tidak dikenal program ini ({}): dibuat oleh yang lebih baru. Pengelola sistem"
        " memasang program itu, atau memulihkan cadangan sebelumnya.",
    "The backup has tables of version {}, which this program does not know: a newer one made it. Ops install that"
    " program first.":
        "Cadangan berisi tabel versi {} yang tidak dikenal program ini: dibuat oleh yang lebih baru. Pengelola sistem"
        " memasang program itu dahulu.",
    "The database {}; this program needs version {}. Nothing was done. Ops create or migrate it with: appraisal db"
    " upgrade":
        "Basis data {}; program ini memerlukan versi {}. Tidak ada yang dikerjakan. Pengelola sistem membuat atau"
        " memigrasikannya dengan: appraisal db upgrade",
    "The database has tables of version {}; this program knows {}: a newer one made it. Nothing was done. Ops install"
    " that program, or restore the backup from before.":
        "Basis data berisi tabel versi {}; program ini mengenal {}: dibuat oleh yang lebih baru. Tidak ada yang"
        " dikerjakan. Pengelola sistem memasang program itu, atau memulihkan cadangan sebelumnya.",
}  # fmt: skip


def repeated(text: str) -> str:
    """The text in the chosen language, sentence by sentence of the table; what it does not know stays as it is."""
    if spoken() is not Locale.ID or not text:
        return text
    return "\n".join(_line(line) for line in text.split("\n"))


def _line(text: str) -> str:
    for pattern, indonesian in _patterns():
        if found := pattern.fullmatch(text):
            return indonesian.format(*(_line(part) for part in found.groups()))
    return text


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """The longest first: what holds more words of its own says more exactly what it is."""
    longest = sorted(INDONESIAN.items(), key=lambda pair: -len(pair[0].replace("{}", "")))
    return [(re.compile(_pattern(english)), indonesian) for english, indonesian in longest]


def _pattern(english: str) -> str:
    return "(.+?)".join(map(re.escape, english.split("{}")))
