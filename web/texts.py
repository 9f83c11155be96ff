"""Every sentence of the pages, Indonesian first and English beside it: a pair, so that neither can be missing."""

from string import Formatter
from typing import Any

from notifications import words
from rules.words import Locale, StageKind
from web.texts_acts import ACTS
from web.texts_console import CONSOLE
from web.texts_refusals import REFUSALS

PAGES: dict[str, tuple[str, str]] = {
    "app": ("Kinerja ASN", "Civil service appraisal"),
    "skip": ("Langsung ke isi", "Skip to content"),
    "language": ("Bahasa", "Language"),
    "contact": ("Pertanyaan? Hubungi {contact}", "Questions? Contact {contact}"),
    "acting_as": ("Bapak/Ibu bertindak sebagai", "You are acting as"),
    "end": ("Selesai dan keluar", "I am done, sign out"),
    "back": ("Kembali ke daftar tugas", "Back to your tasks"),
    "yes": ("ya", "yes"),
    "none": ("Belum ada", "None yet"),
    # the landing page
    "land.title": ("Halo, {name}", "Hello, {name}"),
    "land.lead": ("Bapak/Ibu diundang pada tahap", "You are invited to the stage"),
    "land.due": ("Batas waktu", "Due"),
    "land.open": ("Buka daftar tugas saya", "Open my tasks"),
    "land.private": ("Tautan ini khusus untuk Bapak/Ibu. Jangan diteruskan kepada orang lain.",
                     "This link is yours alone. Please do not pass it on."),
    "land.closed": ("Tahap ini sudah ditutup", "This stage is closed"),
    "land.closed_on": ("Ditutup pada {at}. Bila ada yang keliru, hubungi {contact}.",
                       "Closed on {at}. If something is wrong, contact {contact}."),
    "land.see": ("Lihat yang sudah saya kirim", "See what I sent"),
    # the desk
    "desk.title": ("Daftar tugas Bapak/Ibu", "Your tasks"),
    "desk.progress": ("{done} dari {all} selesai", "{done} of {all} done"),
    "desk.open": ("Perlu dikerjakan", "To do"),
    "desk.rights": ("Hak Bapak/Ibu, bila perlu", "Your right, if you need it"),
    "desk.done": ("Sudah selesai", "Done"),
    "desk.all_done": ("Semua sudah selesai. Terima kasih!", "Everything is done. Thank you!"),
    "desk.nothing": ("Tidak ada tugas Bapak/Ibu pada tahap ini.", "Nothing is asked of you in this stage."),
    "desk.due": ("s.d. {at}", "by {at}"),
    "desk.late": ("lewat batas, masih diterima", "past its date, still accepted"),
    "desk.sent": ("terkirim {at}", "sent {at}"),
    "desk.lapsed": ("ditutup {at} tanpa kiriman", "closed {at} without anything sent"),
    "desk.more": ("Tampilkan berikutnya", "Show the next"),
    "desk.less": ("Tampilkan sebelumnya", "Show the previous"),
    "desk.files": ("Berkas dan catatan", "Files and notes"),
    "desk.mine": ("Berkas kinerja saya", "My performance file"),
    "desk.draft": ("ada draf", "draft kept"),
    "desk.closed": ("Tahap ini ditutup pada {at}. Yang Bapak/Ibu kirim tetap dapat dibaca di bawah.",
                    "This stage was closed on {at}. What you sent can still be read below."),
    # a task
    "task.due": ("Batas waktu: {at}", "Due: {at}"),
    "task.send": ("Kirim", "Send"),
    "task.draft": ("Simpan draf", "Save draft"),
    "task.draft_kept": ("Draf tersimpan {at}.", "Draft saved {at}."),
    "task.draft_old": ("Sejak draf ini dibuat ada yang berubah. Periksa kembali sebelum mengirim.",
                       "Something has changed since this draft was made. Check it before you send."),
    "task.errors": ("Belum terkirim. Mohon perbaiki:", "Not sent yet. Please correct:"),
    "task.error": ("Kesalahan: {title}", "Error: {title}"),
    "task.check": ("Periksa lalu kirim", "Check, then send"),
    "task.removed": ("“{title}” dihapus.", "“{title}” was removed."),
    "task.restore": ("Kembalikan", "Put it back"),
    "task.kept": ("Isian Bapak/Ibu sudah disimpan sebagai draf.", "What you wrote was kept as a draft."),
    "task.open_kept": ("Kembali ke isian saya", "Back to my form"),
    "check.title": ("Periksa sebelum mengirim", "Check before you send"),
    "check.lead": ("Belum ada yang terkirim. Setelah dikirim, Bapak/Ibu tidak dapat mengubahnya sendiri.",
                   "Nothing is sent yet. Once sent, you cannot change it yourself."),
    "check.follows": ("Yang berlaku setelah dikirim", "What follows once it is sent"),
    "check.doubts": ("Ini tampak bertentangan", "This seems to contradict itself"),
    "check.doubts_note": ("Perbaiki, atau centang di bawah bila memang demikian maksud Bapak/Ibu.",
                          "Correct it, or tick the box below if you do mean it."),
    "check.aware": ("Saya sudah membaca peringatan di atas; isian ini memang maksud saya.",
                    "I have read the warnings above; this is what I mean."),
    "check.unaware": ("centang kotak ini, atau perbaiki isiannya", "tick this box, or correct the form"),
    "check.answers": ("Isian Bapak/Ibu", "Your answers"),
    "check.change": ("Ubah isian", "Change the form"),
    "check.send": ("Kirim sekarang", "Send now"),
    "task.receipt_note": ("Setelah dikirim, tanda terima dikirimkan ke alamat surel Bapak/Ibu.",
                          "Once sent, a receipt goes to your mail address."),
    "task.wrong_boss": ("Ini bukan atasan saya", "This is not my supervisor"),
    "task.wrong_staff": ("Pegawai ini bukan bawahan saya", "This employee is not mine to rate"),
    "task.wrong_lead": ("Atasan yang tercatat: {name}.", "Supervisor on record: {name}."),
    "task.wrong_why": ("Siapa yang seharusnya, dan sejak kapan?", "Who should it be, and since when?"),
    "task.wrong_note": ("Laporan ini diteruskan ke Pengelola Kinerja. Tugas Bapak/Ibu tetap berjalan.",
                        "The performance administrator is told. Your task goes on meanwhile."),
    "task.wrong_send": ("Laporkan kekeliruan", "Report the mistake"),
    "task.wrong_done": ("Laporan Bapak/Ibu diterima", "Your report was received"),
    "task.wrong_thanks": ("Pengelola Kinerja akan memeriksa siapa atasan yang benar. Tugas Bapak/Ibu tetap berjalan.",
                          "The performance administrator will check who is right. Please go on with your task."),
    "task.go_on": ("Lanjutkan tugas", "Go on with the task"),
    # done
    "done.title": ("Terkirim", "Sent"),
    "done.lead": ("Terkirim atas nama {name} pada {at}.", "Sent under the name of {name} on {at}."),
    "done.receipt": ("Nomor tanda terima", "Receipt number"),
    "done.mail": ("Tanda terima juga dikirim ke surel Bapak/Ibu.", "The receipt is also mailed to you."),
    "done.next": ("Lanjut: {what}", "Next: {what}"),
    "done.what": ("Yang tercatat", "What was recorded"),
    "done.hidden": ("Isinya ditampilkan setelah kode konfirmasi dimasukkan.",
                    "The content is shown once a confirmation code is entered."),
    # conflict
    "mine.title": ("Isian Bapak/Ibu", "What you wrote"),
    "mine.note": ("Tidak ada yang hilang: salin dari sini bila perlu.",
                  "Nothing is lost: copy it from here if needed."),
    "stored.title": ("Yang tersimpan sekarang", "What is stored now"),
    "stored.receipt": ("Lihat yang sudah terkirim", "See what was sent"),
    "mine.keep": ("Pakai isian saya sebagai draf", "Keep mine as the draft"),
    "mine.drop": ("Buka yang tersimpan", "Open what is stored"),
    # code
    "code.title": ("Kode konfirmasi", "Confirmation code"),
    "code.why": ("Sebelum menilai, memutuskan, atau berkeberatan kami memastikan sekali bahwa ini benar Bapak/Ibu.",
                 "To rate, decide or object we make sure once that this is really you."),
    "code.where": ("Kode delapan angka dikirim ke alamat surel Bapak/Ibu yang tercatat: {address}.",
                   "A code of eight digits is mailed to your address on record: {address}."),
    "code.request": ("Kirim kode ke surel saya", "Mail me a code"),
    "code.sent": ("Kode sudah dikirim ke {address}. Berlaku sampai {until}.",
                  "A code was mailed to {address}. It is valid until {until}."),
    "code.field": ("Kode delapan angka", "Eight-digit code"),
    "code.verify": ("Lanjutkan", "Continue"),
    "code.again": ("Kirim kode baru", "Mail a new code"),
    "code.wrong": ("Kode tidak cocok. Sisa percobaan: {n}.", "The code does not match. Tries left: {n}."),
    "code.inbox": ("Kode ini tidak melindungi dari orang yang juga membaca kotak surat Bapak/Ibu.",
                   "The code does not protect you from somebody who also reads your mailbox."),
    # end, not me, reissue
    "ended.title": ("Bapak/Ibu sudah keluar", "You are signed out"),
    "ended.text": ("Untuk kembali, buka lagi tautan di surel Bapak/Ibu. Halaman ini boleh ditutup.",
                   "To come back, open the link in your mail again. You may close this page."),
    "notme.link": ("Saya bukan {name}", "I am not {name}"),
    "notme.text": ("Bila tautan ini bukan untuk Bapak/Ibu, atau ada kiriman yang bukan milik sendiri, matikan tautan."
                   " Pengelola Kinerja diberi tahu dan pemilik yang sebenarnya mendapat tautan baru dari mereka.",
                   "If this link is not for you, or something was sent that is not yours, end the link. The performance"
                   " administrator is told, and the true owner gets a new link from them."),
    "notme.confirm": ("Ya, saya bukan orang ini", "Yes, I am not this person"),
    "notme.send": ("Matikan tautan", "End the link"),
    "notme.done": ("Tautan sudah dimatikan", "The link has ended"),
    "notme.thanks": ("Terima kasih. Tidak ada lagi yang dapat dibuka dengan tautan itu.",
                     "Thank you. Nothing can be opened with that link any more."),
    "front.title": ("Kehilangan surat atau tautan?", "Lost your letter or link?"),
    "front.text": ("Tulis NIP atau alamat surel Bapak/Ibu. Tautan yang berlaku dikirim ke alamat yang tercatat, bukan"
                   " ke alamat yang ditulis di sini bila lain.",
                   "Write your NIP or mail address. The link that counts is mailed to the address on record, not to"
                   " the one written here if it differs."),
    "front.field": ("NIP atau alamat surel", "NIP or mail address"),
    "front.send": ("Kirim tautan saya", "Mail me my link"),
    "front.how": ("NIP terdiri atas 18 angka; spasi boleh ada.", "An NIP has 18 digits; spaces do no harm."),
    "front.hr": ("Pengelola Kinerja atau PPK? Masuk ke konsol", "HR or appointing authority? Sign in to the console"),
    "front.maybe": ("Bila NIP atau alamat itu tercatat dan ada tahap yang sedang terbuka baginya, tautannya sedang"
                    " dikirim ke alamat surel yang tercatat.",
                    "If that NIP or address is on record and a stage is open for its owner, the link is on its way to"
                    " the mail address on record."),
    "front.else": ("Tidak ada surat dalam satu jam? Periksa folder spam, lalu tanyakan kepada Pengelola Kinerja alamat"
                   " mana yang tercatat.",
                   "No letter within the hour? Look into the spam folder, then ask HR which address is on record."),
    "front.again": ("Kembali", "Back"),
    "reissue.title": ("Minta tautan baru", "Ask for a new link"),
    "reissue.text": ("Kami mengirim tautan yang berlaku ke alamat surel yang tercatat untuk tautan lama itu.",
                     "We mail a link that works to the address on record for the old one."),
    "reissue.field": ("Tautan lama (tempel di sini)", "The old link (paste it here)"),
    "reissue.send": ("Kirim tautan baru", "Mail a new link"),
    "reissue.done": ("Permintaan diterima", "Request received"),
    "reissue.maybe": ("Bila tautan lama itu asli dan masih ada tugasnya, tautan baru sedang dikirim ke alamat yang"
                      " tercatat. Periksa juga folder spam.",
                      "If the old link was genuine and something is still open there, a new one is on its way to the"
                      " address on record. Look into your spam folder too."),
    # a case
    "case.title": ("Berkas kinerja", "Performance file"),
    "case.plan": ("Sasaran kinerja (SKP)", "Performance targets (SKP)"),
    "case.default": ("Ditetapkan Pengelola Kinerja karena belum ada rancangan; dapat diganti.",
                     "Established by the performance administrator because none was drafted; it can be replaced."),
    "case.result": ("Hasil penilaian", "Result"),
    "case.notes": ("Catatan sepanjang tahun", "Notes of the year"),
    "case.note_mine": ("Apa yang Bapak/Ibu kerjakan atau capai?", "What did you do or achieve?"),
    "case.note_rater": ("Umpan balik untuk pegawai ini", "Feedback for this employee"),
    "case.note_send": ("Simpan catatan", "Save the note"),
    "case.rater": ("Pejabat Penilai Kinerja", "Rater"),
    "note.activity": ("Kegiatan", "Activity"),
    "note.feedback": ("Umpan balik", "Feedback"),
    # plans and results as shown
    "plan.target": ("Target", "Target"),
    "plan.actual": ("Realisasi", "Actual"),
    "plan.no_actual": ("belum dilaporkan", "not reported yet"),
    "plan.lower": ("makin rendah makin baik", "lower is better"),
    "plan.maximum": ("target adalah batas atas", "the target is the maximum"),
    "plan.additional": ("Hasil Kerja Tambahan", "additional"),
    "plan.none": ("Belum ada SKP yang ditetapkan.", "No plan has been established yet."),
    "result.predicate": ("Predikat kinerja", "Predicate"),
    "result.score": ("Nilai {score}", "Score {score}"),
    "result.why": ("Bagaimana hasil ini diperoleh", "How this result came about"),
    "result.rating": ("Hasil kerja", "Work result"),
    "result.behavior": ("Perilaku kerja", "Behaviour"),
    "result.feedback": ("Umpan balik Pejabat Penilai Kinerja", "The rater’s feedback"),
    "result.recommendation": ("Rekomendasi", "Recommendation"),
    "result.none": ("Belum ada hasil yang disampaikan.", "No result has been issued yet."),
    "result.window": ("Keberatan dapat diajukan sampai {at}.", "You may object until {at}."),
    "result.received": ("Diterima {at}.", "Received {at}."),
    # words of the field
    "aspect.quantity": ("Kuantitas", "Quantity"),
    "aspect.quality": ("Kualitas", "Quality"),
    "aspect.time": ("Waktu", "Time"),
    "aspect.cost": ("Biaya", "Cost"),
    "rating.above": ("Di atas ekspektasi", "Above expectation"),
    "rating.meets": ("Sesuai ekspektasi", "As expected"),
    "rating.below": ("Di bawah ekspektasi", "Below expectation"),
    "role.employee": ("Pegawai", "Employee"),
    "role.rater": ("Pejabat Penilai Kinerja", "Rater"),
    "value.service": ("Berorientasi pelayanan", "Service-oriented"),
    "value.accountable": ("Akuntabel", "Accountable"),
    "value.competent": ("Kompeten", "Competent"),
    "value.harmonious": ("Harmonis", "Harmonious"),
    "value.loyal": ("Loyal", "Loyal"),
    "value.adaptive": ("Adaptif", "Adaptive"),
    "value.collaborative": ("Kolaboratif", "Collaborative"),
    "org.exceptional": ("Istimewa", "Exceptional"),
    "org.good": ("Baik", "Good"),
    "org.needs_improvement": ("Butuh perbaikan", "Needs improvement"),
    "org.poor": ("Kurang", "Poor"),
    "org.very_poor": ("Sangat kurang", "Very poor"),
}  # fmt: skip

_STAGES = {f"stage.{kind.value}": (words.STAGES[Locale.ID][kind], words.STAGES[Locale.EN][kind]) for kind in StageKind}

TEXTS: dict[str, tuple[str, str]] = PAGES | _STAGES | ACTS | REFUSALS | CONSOLE


def say(locale: Locale, key: str, **details: Any) -> str:
    """The sentence of that key; KeyError if there is none, so that no page shows a key."""
    return TEXTS[key][locale is Locale.EN].format(**details)


def holes(key: str) -> set[str]:
    """The details that a sentence needs."""
    return {name for _, name, _, _ in Formatter().parse(TEXTS[key][0]) if name}


def has(key: str) -> bool:
    return key in TEXTS
