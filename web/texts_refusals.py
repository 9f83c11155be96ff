"""Why something was not done and what to do now; `refused.<code>` has a title, a reason and a next step."""


def _refusal(code: str, title: tuple[str, str], why: tuple[str, str], now: tuple[str, str]) -> dict:
    return {f"refused.{code}": title, f"refused.{code}.why": why, f"refused.{code}.now": now}


_DESK = ("Kembali ke daftar tugas Bapak/Ibu.", "Go back to your tasks.")
_LINK = ("Buka lagi tautan di surel Bapak/Ibu.", "Open the link in your mail again.")
_HR = ("Bila menurut Bapak/Ibu ini keliru, hubungi Pengelola Kinerja di instansi Bapak/Ibu.",
       "If you think this is wrong, contact your performance administrator.")  # fmt: skip

REFUSALS: dict[str, tuple[str, str]] = (
    _refusal(
        "not_found",
        ("Halaman tidak ada", "There is no such page"),
        ("Alamat ini tidak dikenal.", "This address is not known."),
        _LINK,
    )
    | _refusal(
        "link",
        ("Tautan ini tidak berlaku", "This link is not valid"),
        (
            "Mungkin tautannya terpotong, sudah diganti dengan yang baru, atau tugasnya dialihkan.",
            "It may have been cut, replaced by a newer one, or the task was passed on.",
        ),
        (
            "Pakai tautan di surel terbaru, atau minta tautan baru di bawah ini.",
            "Use the link in your newest mail, or ask for a new one below.",
        ),
    )
    | _refusal(
        "method",
        ("Permintaan tidak dikenal", "Unknown kind of request"),
        ("Halaman ini tidak menerima permintaan seperti itu.", "This page does not take requests of that kind."),
        _LINK,
    )
    | _refusal(
        "host",
        ("Alamat tidak dikenal", "Unknown address"),
        ("Halaman ini hanya tersedia di alamat resminya.", "This page exists only at its official address."),
        _LINK,
    )
    | _refusal(
        "bad_request",
        ("Isian tidak terbaca", "The form could not be read"),
        ("Yang diterima bukan isian dari halaman kami.", "What arrived is not a form of ours."),
        _LINK,
    )
    | _refusal(
        "too_large",
        ("Isian terlalu besar", "The form is too large"),
        ("Isian melebihi ukuran yang dapat diterima.", "It is more than can be taken in."),
        ("Persingkat teksnya lalu kirim lagi.", "Shorten the text and send it again."),
    )
    | _refusal(
        "too_slow",
        ("Isian tidak sampai seluruhnya", "The form did not arrive"),
        ("Sambungan Bapak/Ibu terlalu lambat atau terputus.", "Your connection was too slow, or it was cut."),
        (
            "Tidak ada yang berubah. Kembali ke halaman sebelumnya, lalu kirim lagi.",
            "Nothing was changed. Go back to the page before and send it again.",
        ),
    )
    | _refusal(
        "cross_site",
        ("Permintaan ditolak", "Request refused"),
        ("Permintaan ini tidak berasal dari halaman kami.", "The request does not come from our own page."),
        _LINK,
    )
    | _refusal(
        "too_many",
        ("Terlalu banyak permintaan", "Too many requests"),
        ("Demi keamanan kami membatasi jumlahnya.", "For safety their number is limited."),
        ("Tunggu beberapa menit lalu coba lagi.", "Wait a few minutes and try again."),
    )
    | _refusal(
        "error",
        ("Terjadi gangguan", "Something went wrong"),
        (
            "Gangguan ini di pihak kami; tidak ada yang tersimpan setengah jalan.",
            "The fault is ours; nothing was left half done.",
        ),
        ("Coba lagi sebentar lagi. Batas waktu Bapak/Ibu tetap dicatat.", "Try again in a moment."),
    )
    | _refusal(
        "maintenance",
        ("Sedang dipelihara", "Under maintenance"),
        (
            "Aplikasi sedang diperbarui; tidak ada yang hilang.",
            "The application is being updated; nothing was lost.",
        ),
        (
            "Coba lagi beberapa menit lagi. Tautan Bapak/Ibu tetap berlaku.",
            "Try again in a few minutes. Your link still works.",
        ),
    )
    | _refusal(
        "no_session",
        ("Silakan buka lagi tautan Bapak/Ibu", "Please open your link again"),
        (
            "Sesi belum dibuka atau sudah berakhir. Halaman ini memerlukan cookie sementara.",
            "The session was not opened or has ended. This page needs a temporary cookie.",
        ),
        _LINK,
    )
    | _refusal(
        "rested",
        ("Sesi berakhir", "The session has ended"),
        (
            "Demi keamanan sesi berakhir setelah 30 menit tanpa kegiatan.",
            "For safety a session ends after 30 minutes without activity.",
        ),
        (
            "Buka lagi tautan di surel Bapak/Ibu. Isian yang baru saja dikirim disimpan sebagai draf.",
            "Open the link in your mail again. What you just sent was kept as a draft.",
        ),
    )
    | _refusal(
        "other_person",
        ("Halaman ini milik orang lain", "This page belongs to somebody else"),
        (
            "Di peramban ini sekarang terbuka meja kerja {name}; halaman tadi dibuka oleh orang lain.",
            "This browser now has the desk of {name} open; the page was opened by somebody else.",
        ),
        (
            "Bila Bapak/Ibu bukan {name}, keluar lalu buka tautan Bapak/Ibu sendiri.",
            "If you are not {name}, sign out and open your own link.",
        ),
    )
    | _refusal(
        "not_yours",
        ("Tidak ada di meja Bapak/Ibu", "Not on your desk"),
        (
            "Tugas ini tidak ada, atau sekarang dipegang orang lain.",
            "There is no such task, or somebody else holds it now.",
        ),
        _DESK,
    )
    | _refusal(
        "closed",
        ("Sudah ditutup", "Already closed"),
        ("Batas waktunya berakhir {closed_at}.", "The time for it ended {closed_at}."),
        _HR,
    )
    | _refusal(
        "not_open_yet",
        ("Belum dibuka", "Not open yet"),
        ("Tugas ini dapat dikirim mulai {opens_at}.", "It can be sent from {opens_at}."),
        ("Simpan draf; kirim setelah tahap dibuka.", "Save a draft; send it when the stage is open."),
    )
    | _refusal(
        "done_already",
        ("Sudah pernah dikirim", "Already sent"),
        ("Tugas ini sudah selesai {ended_at}.", "This task was done {ended_at}."),
        (
            "Isian terakhir Bapak/Ibu tidak dikirim lagi; bandingkan di bawah ini.",
            "What you just sent was not sent again; compare below.",
        ),
    )
    | _refusal(
        "withdrawn",
        ("Tidak diperlukan lagi", "No longer needed"),
        (
            "Tugas ini ditarik: digantikan, dialihkan, atau tidak perlu lagi.",
            "The task was withdrawn: replaced, passed on or made needless.",
        ),
        _DESK,
    )
    | _refusal(
        "paused",
        ("Siklus sedang dihentikan sementara", "The cycle is paused"),
        (
            "Selama jeda tidak ada yang dapat dikirim; batas waktu akan digeser.",
            "Nothing can be sent meanwhile; the dates will move.",
        ),
        ("Simpan draf dan kirim setelah siklus dilanjutkan.", "Save a draft and send it when the cycle goes on."),
    )
    | _refusal(
        "not_active",
        ("Tidak lagi bertugas", "No longer in service"),
        ("Menurut data, masa tugas Bapak/Ibu sudah berakhir.", "According to our data your service has ended."),
        _HR,
    )
    | _refusal(
        "role_over",
        ("Peran Bapak/Ibu sudah berakhir", "Your role has ended"),
        ("Peran yang diperlukan untuk tugas ini tidak lagi Bapak/Ibu pegang.", "You no longer hold the role it needs."),
        _HR,
    )
    | _refusal(
        "mandate_over",
        ("Mandat Plt/Plh berakhir", "The acting mandate has ended"),
        (
            "Mandat Bapak/Ibu untuk tugas ini berlaku sampai {to_on}.",
            "Your mandate for this task was valid until {to_on}.",
        ),
        _HR,
    )
    | _refusal(
        "stale",
        ("Ada perubahan lebih dulu", "Something changed first"),
        (
            "Sejak halaman Bapak/Ibu dibuka, tugas ini berubah. Tidak ada yang ditimpa.",
            "Since your page was opened the task has changed. Nothing was overwritten.",
        ),
        ("Bandingkan keduanya, lalu pilih cara melanjutkan.", "Compare both, then choose how to go on."),
    )
    | _refusal(
        "draft_changed",
        ("Ada draf lain", "There is another draft"),
        (
            "Draf tugas ini sudah disimpan dari halaman lain. Tidak ada yang ditimpa.",
            "A draft of this task was saved from another page. Nothing was overwritten.",
        ),
        ("Bandingkan keduanya, lalu pilih cara melanjutkan.", "Compare both, then choose how to go on."),
    )
    | _refusal(
        "nonce_reused",
        ("Halaman ini sudah pernah dikirim", "This page was sent before"),
        (
            "Isian pertama sudah tercatat; isian yang berbeda dari halaman yang sama tidak diterima.",
            "The first form was recorded; a different one from the same page is not taken.",
        ),
        ("Bandingkan di bawah ini.", "Compare below."),
    )
    | _refusal(
        "code_needed",
        ("Perlu kode konfirmasi", "A confirmation code is needed"),
        ("Tugas ini memerlukan kode dari surel Bapak/Ibu.", "This task needs a code from your mail."),
        ("Minta kode, lalu lanjutkan dari draf Bapak/Ibu.", "Ask for a code, then go on from your draft."),
    )
    | _refusal(
        "code_none",
        ("Kode tidak berlaku lagi", "The code is no longer valid"),
        (
            "Kode sudah dipakai, lewat 10 menit, atau salah lima kali.",
            "It was used, is older than 10 minutes, or was wrong five times.",
        ),
        ("Minta kode baru.", "Ask for a new code."),
    )
    | _refusal(
        "stop_over",
        ("Tidak ada lagi yang dapat dihentikan", "There is nothing left to stop"),
        (
            "Tautan ini tidak dikenal, atau penggantian alamat itu sudah berlaku.",
            "This link is unknown, or the change of address has taken effect.",
        ),
        ("Bila keliru, hubungi Pengelola Kinerja instansi Bapak/Ibu.", "If it is wrong, ask the HR of your agency."),
    )
    | _refusal(
        "code_many",
        ("Terlalu banyak permintaan kode", "Too many codes asked for"),
        ("Paling banyak lima permintaan dalam satu jam di satu sesi.", "At most five requests an hour in one session."),
        (
            "Pakai kode dari surat terbaru, periksa folder spam, atau buka tautan Bapak/Ibu sekali lagi.",
            "Use the code of the newest letter, look into your spam folder, or open your link once more.",
        ),
    )
    | _refusal(
        "code_guessed",
        ("Terlalu banyak kode keliru", "Too many wrong codes"),
        (
            "Dari peramban yang belum dikenal sudah terlalu banyak kode keliru untuk Bapak/Ibu dalam jam ini.",
            "Too many wrong codes for you came from browsers that are not known within this hour.",
        ),
        (
            "Pakai peramban yang pernah dipakai memasukkan kode, atau coba lagi dalam satu jam.",
            "Use a browser in which you entered a code before, or try again in an hour.",
        ),
    )
    | _refusal(
        "code_waits",
        ("Alamat surel Bapak/Ibu baru saja diganti", "Your mail address was changed just now"),
        (
            "Demi keamanan, kode baru dikirim ke alamat baru mulai {until}.",
            "For safety, codes are mailed to the new address from {until} on.",
        ),
        (
            "Bila mendesak, Pengelola Kinerja lain yang tidak mengganti alamat itu dapat menyetujuinya lebih awal.",
            "If it is urgent, another HR officer, who did not change the address, can agree to it earlier.",
        ),
    )
    | _refusal(
        "code_waits_stopped",
        ("Penggantian alamat surel Bapak/Ibu dihentikan", "The change of your mail address was stopped"),
        (
            "Pemilik alamat lama menyatakan penggantian itu keliru; kode belum dikirim ke alamat baru.",
            "The owner of the old address said that the change is wrong; no code goes to the new address yet.",
        ),
        (
            "Pengelola Kinerja memeriksanya; Pengelola Kinerja kedua yang menyetujui.",
            "HR looks into it; a second HR officer agrees.",
        ),
    )
    | _refusal(
        "text_length",
        ("Teks belum sesuai", "The text does not fit"),
        ("Tulis 3 sampai 4000 karakter.", "Write 3 to 4000 characters."),
        ("Kembali dan lengkapi.", "Go back and complete it."),
    )
    | _refusal(
        "confirm",
        ("Belum dikonfirmasi", "Not confirmed"),
        ("Kotak konfirmasi belum dicentang.", "The box was not ticked."),
        ("Kembali dan centang kotaknya.", "Go back and tick the box."),
    )
    | _refusal(
        "no_case",
        ("Bukan tugas per pegawai", "Not about one employee"),
        ("Tugas ini tidak menyangkut satu pegawai.", "This task is not about a single employee."),
        _DESK,
    )
    | _refusal(
        "nothing_to_establish",
        ("Belum ada rancangan", "There is no draft"),
        (
            "Pegawai belum mengirim rancangan SKP, atau sudah menariknya.",
            "The employee has sent no draft plan, or replaced it.",
        ),
        ("Bapak/Ibu diberi tahu begitu rancangan masuk.", "You will be told when one arrives."),
    )
    | _refusal(
        "no_established_plan",
        ("Belum ada SKP yang ditetapkan", "No plan has been established"),
        (
            "Laporan memerlukan SKP yang sudah ditetapkan Pejabat Penilai Kinerja.",
            "A report needs a plan that the supervisor established.",
        ),
        _HR,
    )
    | _refusal(
        "already_set",
        ("Predikat unit sudah ditetapkan", "The unit’s predicate is set"),
        (
            "Predikat unit ditetapkan satu kali dan tidak ditimpa.",
            "A unit’s predicate is set once and not overwritten.",
        ),
        _HR,
    )
    | _refusal(
        "follows_something_else",
        ("Yang berlaku kini berbeda", "Something else would follow now"),
        ("Sejak diperiksa ada yang berubah.", "Something has changed since it was checked."),
        ("Periksa sekali lagi, lalu kirim.", "Check it once more, then send it."),
    )
    | _refusal(
        "unit_predicate_first",
        ("Predikat unit lebih dulu", "The unit’s predicate comes first"),
        (
            "Predikat kinerja organisasi harus ditetapkan oleh {official} sebelum pegawainya dinilai.",
            "{official} has to set the predicate of the organisation before its employees are rated.",
        ),
        (
            "Kirim setelah predikat unit ditetapkan; sampai saat itu isian Bapak/Ibu menunggu sebagai draf.",
            "Send it once the predicate is set; until then what you wrote waits as a draft.",
        ),
    )
    | _refusal(
        "no_result",
        ("Belum ada hasil", "There is no result yet"),
        ("Hasil penilaian belum disampaikan.", "The result has not been issued."),
        _DESK,
    )
    | _refusal(
        "has_result",
        ("Sudah ada hasil", "There is a result"),
        (
            "Penilaian ini mempunyai hasil, jadi tidak ada yang perlu dijelaskan.",
            "This appraisal has a result, so there is nothing to account for.",
        ),
        _DESK,
    )
    | _refusal(
        "decision_final",
        ("Keputusan sudah final", "The decision is final"),
        (
            "Hasil ini berasal dari keputusan atas keberatan dan tidak dapat dikeberatani lagi.",
            "This result comes from a decision on an objection and cannot be objected to again.",
        ),
        _HR,
    )
    | _refusal(
        "window_closed",
        ("Masa keberatan berakhir", "The time to object is over"),
        ("Keberatan dapat diajukan sampai {until}.", "An objection could be filed until {until}."),
        _HR,
    )
    | _refusal(
        "already_objected",
        ("Keberatan sudah diajukan", "An objection is already filed"),
        ("Atas satu hasil hanya ada satu keberatan.", "There is one objection to a result."),
        _DESK,
    )
    | _refusal(
        "not_under_examination",
        ("Keberatan belum atau tidak lagi diperiksa", "The objection is not under examination"),
        (
            "Keputusan hanya dapat diambil setelah kedua pihak didengar.",
            "It can be decided only after both sides were heard.",
        ),
        _DESK,
    )
    | _refusal(
        "not_independent",
        ("Bapak/Ibu terlibat dalam perkara ini", "You are involved in this case"),
        (
            "Pegawai dan Pejabat Penilai Kinerja yang bersangkutan tidak boleh memutuskan.",
            "Neither the employee nor the rater concerned may decide.",
        ),
        _HR,
    )
    | _refusal(
        "locked",
        ("Pemeriksaan sudah terkunci", "The examination is locked"),
        ("Penilaian pemeriksa tidak berubah setelah dikunci.", "An examiner’s judgement never changes once locked."),
        _DESK,
    )
    | _refusal(
        "external_auditor_needed",
        ("Perlu pemeriksa dari luar", "An outside examiner is needed"),
        (
            "Tidak ada lagi pemeriksa tanpa kepentingan untuk berkas ini.",
            "No examiner without a conflict is left for this file.",
        ),
        _HR,
    )
    | _refusal(
        "answered_already",
        ("Temuan sudah ditanggapi", "The finding was answered"),
        ("Atas satu temuan ada satu tanggapan.", "There is one reply to a finding."),
        _DESK,
    )
    | _refusal(
        "concluded_already",
        ("Temuan sudah disimpulkan", "The finding was concluded"),
        ("Kesimpulan atas temuan tidak berubah lagi.", "A conclusion does not change any more."),
        _DESK,
    )
    | _refusal(
        "objection_first",
        ("Keberatan diputuskan lebih dulu", "The objection is decided first"),
        (
            "Atas hasil ini masih ada keberatan yang diperiksa.",
            "An objection to this result is still under examination.",
        ),
        ("Simpan draf; putuskan setelah keberatan selesai.", "Save a draft; decide once the objection is settled."),
    )
    | _refusal(
        "other",
        ("Tidak dapat dilakukan", "This cannot be done"),
        ("Tugas ini tidak dapat dikirim saat ini ({code}).", "The task cannot be sent right now ({code})."),
        _HR,
    )
)
