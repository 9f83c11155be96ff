"""Submitting: once, by whom it is asked, while it is open; whatever is refused says why and loses nothing."""

from datetime import UTC, date, datetime

import pytest
from office import DATES, ORIGIN, dump, plan_form
from sqlalchemy import select

import clock
from actions.cycle import cycles
from models import Assignment, Cycle, Draft, Note, Plan, ResultItem, Submission, TrailEntry
from rules.terms import ActKind, AssignmentState, StageKind

STAGE = StageKind.TARGET_SETTING


@pytest.fixture
def dewi(office, browser):
    who = browser().enter("dewi")
    who.task = office.task("dewi", ActKind.DRAFT_TARGETS)
    who.path = f"/w/task/{who.task}"
    who.get(who.path)
    return who


def submissions(office) -> int:
    with office.db.reading() as session:
        return len(session.scalars(select(Submission)).all())


def content(office) -> list[str]:
    """The database without what counts requests and keeps sessions."""
    return [line for line in dump(office.db) if "throttle" not in line and "web_session" not in line]


@pytest.mark.parametrize("more", [{}, {"confirm": "yes"}])
def test_a_button_without_content_changes_nothing(dewi, office, more):
    before = content(office)
    dewi.fill(dewi.path, more)
    assert dewi.status == 422
    assert "Belum terkirim. Mohon perbaiki:" in dewi.html
    assert content(office) == before


def test_content_that_is_not_whole_becomes_a_draft_and_nothing_else(dewi, office):
    dewi.fill(dewi.path, {"items.0.title": "Hanya judul", "confirm": "yes"})
    assert dewi.status == 422
    with office.db.reading() as session:
        assert session.scalars(select(Plan)).all() == []
        assert [row.body["items.0.title"] for row in session.scalars(select(Draft))] == ["Hanya judul"]
    dewi.get(dewi.path)
    assert 'value="Hanya judul"' in dewi.html, "whoever goes back finds what they wrote"
    assert submissions(office) == 0


def test_content_without_the_ticked_box_is_not_sent_and_not_lost(dewi, office):
    fields = plan_form()
    del fields["confirm"]
    dewi.fill(dewi.path, fields)
    assert dewi.status == 422
    assert "centang kotak konfirmasi" in dewi.html
    assert 'value="Terlayaninya warga"' in dewi.html
    assert 'href="#confirm"' in dewi.html
    assert submissions(office) == 0


def test_errors_stand_at_their_fields_in_the_language_of_the_reader(dewi):
    wrong = {"items.0.title": "T" * 301, "items.0.indicators.0.target": "banyak", "items.0.indicators.0.text": "x",
             "items.0.indicators.0.lower_is_better": "true"}  # fmt: skip
    dewi.fill(dewi.path, wrong)
    assert 'id="e-items.0.title">terlalu panjang (maksimal 300 karakter)' in dewi.html
    assert 'id="e-items.0.indicators.0.target">tulis sebagai angka' in dewi.html
    assert 'id="e-items.0.indicators.0.aspect">pilih' in dewi.html or "wajib diisi" in dewi.html
    assert "Rencana Hasil Kerja 1 › Indikator Kinerja Individu 1 › Target" in dewi.html
    dewi.fill(dewi.path, wrong, to=f"{dewi.path}?lang=en")
    assert "write a number" in dewi.html


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("1200", "1200"),
        ("12,5", "12.5"),
        ("12.5", "12.5"),
        ("1.234,5", "1234.5"),
        ("1.200.000", "1200000"),
        ("1.250", None),
        ("1,250", None),
        ("1.25.0", None),
    ],
)
def test_numbers_are_read_as_they_are_written_here_and_never_guessed(dewi, office, typed, kept):
    dewi.fill(dewi.path, plan_form() | {"items.0.indicators.0.target": typed})
    if kept is None:
        assert dewi.status == 422
        assert f'value="{typed}"' in dewi.html
        return
    with office.db.reading() as session:
        from actions.cases.plans import current_plan
        from models import Appraisal

        case = session.scalars(select(Appraisal).filter_by(employee_id=office.people["dewi"])).one()
        plan = current_plan(session, case.id)
        assert str(plan.items[0].indicators[0].target) == kept


def test_an_error_behind_an_empty_row_stands_at_the_row_that_has_it(dewi):
    fields = plan_form() | {"items.0.title": "", "items.3.title": "Rencana", "items.3.indicators.2.text": "Ukuran"}
    fields = {name: value for name, value in fields.items() if "items.0.indicators" not in name}
    dewi.send(dewi.path, dewi.fields(dewi.path) | fields)
    assert dewi.status == 422
    assert 'id="e-items.3.indicators.2.target"' in dewi.html


def test_pressing_twice_is_one_submission_with_one_receipt(dewi, office):
    form = dewi.fields(dewi.path) | plan_form()
    dewi.send(dewi.path, form)
    receipt = dewi.url
    dewi.send(dewi.path, form)
    assert dewi.url == receipt
    assert (submissions(office), office.letters("receipt")) == (1, 1)


def test_the_same_page_with_other_content_is_refused_and_shows_both(dewi, office):
    form = dewi.fields(dewi.path) | plan_form()
    dewi.send(dewi.path, form)
    dewi.send(dewi.path, form | {"items.0.title": "Yang lain sama sekali"})
    assert dewi.status == 409
    assert "Yang lain sama sekali" in dewi.html
    assert "Terlayaninya warga" in dewi.html
    assert submissions(office) == 1


def test_two_tabs_submit_once_and_the_second_sees_both_texts(dewi, office):
    first = dewi.fields(dewi.path) | plan_form()
    dewi.get(dewi.path)
    second = dewi.fields(dewi.path) | plan_form() | {"items.0.title": "Dari tab kedua"}
    dewi.send(dewi.path, first)
    dewi.send(dewi.path, second)
    assert dewi.status == 409
    assert dewi.title == "Sudah pernah dikirim"
    assert "Dari tab kedua" in dewi.html
    assert "Terlayaninya warga" in dewi.html
    assert submissions(office) == 1


def test_a_form_made_from_an_older_version_is_refused_and_can_go_on_as_a_draft(dewi, office):
    form = dewi.fields(dewi.path) | plan_form()
    with office.db.transaction() as session:
        session.get_one(Assignment, dewi.task).due_at = datetime(2026, 1, 25, tzinfo=UTC)
    dewi.send(dewi.path, form)
    assert dewi.status == 409
    assert dewi.title == "Ada perubahan lebih dulu"
    assert "Terlayaninya warga" in dewi.html
    assert submissions(office) == 0
    dewi.fill(f"{dewi.path}/draft", {})
    assert dewi.url.startswith(dewi.path)
    assert 'value="Terlayaninya warga"' in dewi.html
    dewi.fill(dewi.path, {"confirm": "yes"})
    assert submissions(office) == 1


def test_a_task_of_somebody_else_or_of_nobody_is_the_same_page(dewi, office, browser):
    eko = browser().enter("eko")
    pages = set()
    for task in (dewi.task, 99_999):
        eko.get(f"/w/task/{task}")
        assert eko.status == 404
        pages.add(eko.html)
        for path in (f"/w/task/{task}", f"/w/task/{task}/draft"):
            eko.send(path, plan_form() | {"who": office.people["eko"], "version": 1, "nonce": "n"})
            assert eko.status == 404
    assert len(pages) == 1
    assert submissions(office) == 0
    with office.db.reading() as session:
        assert session.scalars(select(Draft)).all() == []


def test_a_receipt_is_shown_to_whoever_sent_it_only(dewi, office, browser):
    dewi.fill(dewi.path, plan_form())
    eko = browser().enter("eko")
    eko.get(dewi.url)
    assert eko.status == 404
    assert "Terlayaninya warga" not in eko.html


def test_f47_a_form_opened_in_time_and_sent_in_the_last_second_counts(dewi, office):
    dewi.send(dewi.path, past_the_close(dewi, datetime(2026, 1, 31, 15, 59, 59, 999_000, tzinfo=UTC)))
    assert dewi.url.startswith("/w/done/")
    assert submissions(office) == 1


def past_the_close(dewi, at):
    """A form as it was filled in twenty minutes before the close, in a session that has not rested, to be sent `at`."""
    form = dewi.fields(dewi.path) | plan_form()
    clock.move_to(datetime(2026, 1, 31, 15, 40, tzinfo=UTC))
    dewi.enter("dewi")
    clock.move_to(at)
    return form


def test_f47_a_form_opened_in_time_and_sent_after_the_last_second_is_refused_and_keeps_its_text(dewi, office):
    dewi.send(dewi.path, past_the_close(dewi, datetime(2026, 1, 31, 16, tzinfo=UTC)))  # midnight in Makassar
    assert dewi.status == 409
    assert "Batas waktunya berakhir Sabtu, 31 Januari 2026 pukul 23.59 WITA." in dewi.html
    assert "Terlayaninya warga" in dewi.html
    assert submissions(office) == 0


def test_a_paused_cycle_takes_nothing_and_says_so(dewi, office):
    with office.db.transaction() as session:
        cycles.pause(session, session.scalars(select(Cycle)).one(), "Gempa bumi", at=clock.now())
    dewi.fill(dewi.path, plan_form())
    assert (dewi.status, dewi.title) == (409, "Siklus sedang dihentikan sementara")
    assert submissions(office) == 0


def test_a_withdrawn_task_says_so(dewi, office):
    with office.db.transaction() as session:
        one = session.get_one(Assignment, dewi.task)
        one.state, one.ended_at = AssignmentState.WITHDRAWN, clock.now()
    dewi.fill(dewi.path, plan_form())
    assert (dewi.status, dewi.title) == (409, "Tidak diperlukan lagi")
    dewi.get(dewi.path)
    assert dewi.title == "Tidak diperlukan lagi"


def test_a_task_that_moved_to_somebody_else_leaves_the_desk_at_once(dewi, office):
    with office.db.transaction() as session:
        session.get_one(Assignment, dewi.task).person_id = office.people["eko"]
    dewi.fill(dewi.path, plan_form())
    assert dewi.status == 404
    assert "Terlayaninya warga" in dewi.html, "what was typed is theirs to copy"


def test_fields_that_the_form_does_not_have_are_refused(dewi, office):
    for extra in ("state", "established_by", "items.0.plan_id", "person_id"):
        dewi.fill(dewi.path, plan_form() | {extra: "1"})
        assert dewi.status == 422, extra
        assert "bukan bagian dari isian ini" in dewi.html
        dewi.get(dewi.path)
    assert submissions(office) == 0


def test_markup_is_text_wherever_it_is_shown(dewi, office, browser):
    evil = "<script>alert(1)</script>\"' onload=x {{ 7*7 }}"
    dewi.fill(dewi.path, plan_form() | {"items.0.title": evil, "items.0.indicators.0.text": evil})
    pages = [dewi.html, dewi.get("/w")]
    budi = browser().enter("budi")
    pages.append(budi.get(f"/w/task/{office.task('budi', ActKind.ESTABLISH_TARGETS)}"))
    assert "&lt;script&gt;" in pages[-1]
    for page in pages:
        assert "<script" not in page.replace('<script src="/static/keep.js', "")
        assert "49" not in page.split("<main")[1].split("7*7")[-1][:5]


@pytest.mark.parametrize("sign", ["\u202e", "\u200b", "\x1b", "\u2066", "\ufeff", "\u00ad", "\u200f", "\U000e0041"])
def test_text_that_reads_other_than_it_is_stored_is_stored_as_it_reads(dewi, office, sign):
    dewi.fill(dewi.path, plan_form() | {"items.0.title": f"Layanan{sign}warga"})
    assert dewi.title == "Terkirim"
    with office.db.reading() as session:
        assert session.scalars(select(ResultItem.title)).one() == "Layananwarga"


def test_suggestions_are_one_press_and_then_ones_own(dewi, office):
    assert "Saran untuk jabatan Bapak/Ibu" in dewi.html
    dewi.fill(dewi.path, {"use": "suggestions"}, to=f"{dewi.path}/draft")
    assert 'value="Terlayaninya warga di loket"' in dewi.html
    assert 'value="2,5"' in dewi.html
    assert submissions(office) == 0
    dewi.fill(dewi.path, {"items.0.title": "Terlayaninya warga di tiga loket", "confirm": "yes"})
    assert dewi.title == "Terkirim"
    with office.db.reading() as session:
        assert session.scalars(select(Draft)).all() == []
        assert len(session.scalars(select(Plan)).all()) == 1


def test_suggestions_never_replace_what_somebody_wrote(dewi, office):
    form = {"who": dewi.fields(dewi.path)["who"], "use": "suggestions"}
    dewi.fill(dewi.path, {"items.0.title": "Tulisan saya"}, to=f"{dewi.path}/draft")
    assert "Saran untuk jabatan Bapak/Ibu" not in dewi.html
    dewi.send(f"{dewi.path}/draft", form | {"draft_at": dewi.fields(dewi.path)["draft_at"]})
    with office.db.reading() as session:
        body = session.scalars(select(Draft.body)).one()
    assert body["items.0.title"] == "Tulisan saya"
    assert body["items.1.title"] == "Terlayaninya warga di loket", "they stand beside it"


def test_suggestions_keep_what_was_typed_in_the_form_and_come_once(dewi):
    typed = {"items.0.title": "Tulisan saya", "use": "suggestions"}
    dewi.fill(dewi.path, typed, to=f"{dewi.path}/draft")
    assert 'value="Tulisan saya"' in dewi.html
    assert dewi.html.count('value="Terlayaninya warga di loket"') == 1
    dewi.fill(dewi.path, {"use": "suggestions"}, to=f"{dewi.path}/draft")
    assert dewi.html.count('value="Terlayaninya warga di loket"') == 1


def test_rows_are_added_and_removed_without_a_script_and_nothing_is_lost(dewi):
    dewi.fill(dewi.path, {"items.0.title": "Pertama", "add": "items"}, to=f"{dewi.path}/draft")
    assert dewi.http.get(dewi.path).text.count('class="card item"') == 2
    assert 'value="Pertama"' in dewi.html
    dewi.fill(dewi.path, {"add": "items.1.indicators"}, to=f"{dewi.path}/draft")
    assert 'name="items.1.indicators.1.text"' in dewi.html
    dewi.fill(dewi.path, {"drop": "items.0"}, to=f"{dewi.path}/draft")
    assert 'value="Pertama"' not in dewi.html
    for _ in range(20):
        dewi.fill(dewi.path, {"add": "items"}, to=f"{dewi.path}/draft")
    assert dewi.html.count('class="card item"') == 12
    dewi.fill(dewi.path, {"add": "confirm"}, to=f"{dewi.path}/draft")
    assert dewi.status == 200


def test_two_tabs_never_overwrite_each_others_drafts(dewi, office):
    other = dewi.fields(dewi.path) | {"items.0.title": "Dari tab kedua"}
    dewi.fill(dewi.path, {"items.0.title": "Dari tab pertama"}, to=f"{dewi.path}/draft")
    dewi.send(f"{dewi.path}/draft", other)
    assert (dewi.status, dewi.title) == (409, "Ada draf lain")
    assert "Dari tab kedua" in dewi.html
    assert "Dari tab pertama" in dewi.html
    dewi.fill(f"{dewi.path}/draft", {})
    assert 'value="Dari tab kedua"' in dewi.html


def test_a_program_gets_204_for_a_draft_and_409_for_a_conflict(dewi):
    form = dewi.fields(dewi.path) | {"items.0.title": "Otomatis"}
    headers = {**ORIGIN, "Accept": "*/*"}
    first = dewi.http.post(f"{dewi.path}/draft", data=form, headers=headers)
    assert first.status_code == 204
    assert dewi.http.post(f"{dewi.path}/draft", data=form, headers=headers).status_code == 204, "equal is no conflict"
    other = form | {"items.0.title": "Lain"}
    assert dewi.http.post(f"{dewi.path}/draft", data=other, headers=headers).status_code == 409
    goes_on = other | {"draft_at": first.headers["draft-at"]}
    assert dewi.http.post(f"{dewi.path}/draft", data=goes_on, headers=headers).status_code == 204


def test_a_draft_that_is_too_large_is_refused(dewi):
    form = dewi.fields(dewi.path) | {f"items.{n}.title": "x" * 4000 for n in range(60)}
    dewi.send(f"{dewi.path}/draft", form)
    assert dewi.status == 413


def test_a_done_task_leads_to_its_receipt(dewi):
    dewi.fill(dewi.path, plan_form())
    receipt = dewi.url
    dewi.get(dewi.path)
    assert dewi.url == receipt


def test_a_mandate_that_is_over_acts_no_more(office, browser):
    from models import ActingMandate
    from rules.terms import ActingKind

    with office.db.transaction() as session:
        mandate = ActingMandate(
            person_id=office.people["dewi"], principal_id=office.people["budi"], kind=ActingKind.PLT,
            decree_no="1/2026", from_on=date(2026, 1, 1), to_on=date(2026, 1, 5),
        )  # fmt: skip
        session.add(mandate)
        session.flush()
        session.get_one(Assignment, office.task("dewi", ActKind.DRAFT_TARGETS)).mandate_id = mandate.id
    office.go_to(DATES[StageKind.TARGET_SETTING].due_on)
    dewi = browser().enter("dewi")
    path = f"/w/task/{office.task('dewi', ActKind.DRAFT_TARGETS)}"
    dewi.get(path)
    dewi.fill(path, plan_form())
    assert dewi.status == 403
    assert "berlaku sampai Senin, 5 Januari 2026" in dewi.html


def test_notes_are_kept_by_the_employee_and_the_rater_on_any_day_once_each(office, browser):
    dewi = browser().enter("dewi")
    dewi.get(dewi.html.split('<a href="')[1:] and "/w/case/" + dewi.html.split("/w/case/")[1].split('"')[0])
    case = dewi.fields("/w/note")["case"]
    note = dewi.fields("/w/note") | {"text": "Melatih tiga petugas loket."}
    dewi.send("/w/note", note)
    dewi.send("/w/note", note)
    assert dewi.html.count("Melatih tiga petugas loket.") == 1
    budi = browser().enter("budi")
    budi.send("/w/note", {"who": office.people["budi"], "case": case, "text": "Tanpa kode", "nonce": "n"})
    assert budi.status == 403
    budi.prove("budi")
    budi.get(f"/w/case/{case}")
    assert "Melatih tiga petugas loket." in budi.html
    budi.fill("/w/note", {"text": "Bagus sekali, teruskan."})
    assert "Umpan balik" in budi.html
    eko = browser().enter("eko")
    eko.get(f"/w/case/{case}")
    assert eko.status == 404
    eko.send("/w/note", {"who": office.people["eko"], "case": case, "text": "Bukan urusan saya", "nonce": "n"})
    assert eko.status == 404
    dewi.send("/w/note", note | {"text": "  ", "nonce": "m"})
    assert dewi.status == 422
    with office.db.reading() as session:
        assert len(session.scalars(select(Note)).all()) == 2


def test_this_is_not_my_supervisor_opens_a_case_for_hr_and_stops_nothing(dewi, office):
    assert "Atasan yang tercatat: Budi Penilai." in dewi.html
    to = f"{dewi.path}/wrong-supervisor"
    dewi.fill(dewi.path, {"dispute": "  ", "items.0.title": "Sudah saya tulis"}, to=to)
    assert dewi.status == 422
    assert 'id="e-dispute"' in dewi.html
    assert 'value="Sudah saya tulis"' in dewi.html
    dewi.fill(dewi.path, {"dispute": "Sejak Oktober atasan saya Citra."}, to=to)
    assert dewi.title == "Laporan Bapak/Ibu diterima"
    assert office.letters("correction_notice") == 1
    with office.db.reading() as session:
        entry = session.scalars(select(TrailEntry).filter_by(type="line.disputed")).one()
        assert entry.actor_id == office.people["dewi"]
        assert entry.content["why"] == "Sejak Oktober atasan saya Citra."
    dewi.get(dewi.path)
    assert 'value="Sudah saya tulis"' in dewi.html
    dewi.fill(dewi.path, plan_form())
    assert dewi.title == "Terkirim"


def test_not_me_needs_a_ticked_box_and_then_ends_link_and_session(dewi, office):
    dewi.get("/w")
    form = dewi.fields("/a/notme")
    dewi.send("/a/notme", form)
    assert dewi.status == 422
    assert dewi.http.get("/w").status_code == 200
    token, cookie = office.token("dewi"), dewi.http.cookies["s"]
    dewi.send("/a/notme", form | {"confirm": "yes"})
    assert dewi.title == "Tautan sudah dimatikan"
    assert dewi.answer.headers["clear-site-data"] == '"cookies", "storage"'
    assert dewi.http.get("/w", headers={"Cookie": f"s={cookie}"}).status_code == 401
    assert dewi.http.get(f"/a/{token}").status_code == 404
    assert office.letters("correction_notice") == 1
