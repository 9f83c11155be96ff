"""Whatever leaves a form keeps first what was typed in it; what was removed can be put back."""

import re

import pytest
from office import plan_form
from sqlalchemy import select

from models import Draft, Submission
from rules.terms import ActKind, StageKind, Step
from web.desk.rows import removed, restored, with_suggestions, without_row

STAGE = StageKind.TARGET_SETTING
TYPED = {"items.0.title": "Belum selesai saya tulis"}


@pytest.fixture
def dewi(office, browser):
    who = browser().enter("dewi")
    who.path = f"/w/task/{office.task('dewi', ActKind.DRAFT_TARGETS)}"
    who.get(who.path)
    return who


def buttons(html: str) -> list[tuple[str, str, str]]:
    """Where each button of the form sends it, and the button's own name and value."""
    found = []
    for tag in re.findall(r"<button[^>]*formaction[^>]*>", html):
        part = {name: (re.findall(f'{name}="([^"]*)"', tag) or [""])[0] for name in ("formaction", "name", "value")}
        found.append((part["formaction"].replace("&amp;", "&"), part["name"], part["value"]))
    return found


def test_every_button_that_leaves_the_form_keeps_what_was_typed(dewi, office):
    """Language, back, suggestions, sign-out, rows, "not my supervisor": found on the page, not listed here."""
    ways = [way for way in buttons(dewi.html) if way[1] != "drop"]
    assert {value for _, name, value in ways if name in ("then", "use")} == {"en", "desk", "end", "suggestions"}
    assert any(action.endswith("/wrong-supervisor") for action, _, _ in ways)
    page = dewi.html
    for action, name, value in ways:
        with office.db.transaction() as session:
            for draft in session.scalars(select(Draft)):
                session.delete(draft)
        dewi.html = page
        more = {name: value} if name else {}
        dewi.fill(dewi.path, TYPED | more | {"dispute": "Atasan saya Citra."}, to=action)
        assert dewi.status == 200, (action, value)
        with office.db.reading() as session:
            body = session.scalars(select(Draft.body)).one()
        assert body["items.0.title"] == TYPED["items.0.title"], (action, value)
        assert "dispute" not in body
        if value == "end":
            assert dewi.title == "Bapak/Ibu sudah keluar"
            dewi.enter("dewi")


def test_no_link_leads_out_of_a_form(dewi):
    links = re.findall(r'<a [^>]*href="([^"#][^"]*)"', dewi.html.split("<body>")[1])
    assert links == [], "a link would lose what was typed"


def test_the_language_switch_comes_back_to_the_form_in_that_language(dewi):
    dewi.fill(dewi.path, TYPED | {"then": "en"}, to=f"{dewi.path}/draft")
    assert dewi.url == f"{dewi.path}?lang=en"
    assert TYPED["items.0.title"] in dewi.html
    assert "Draft saved" in dewi.html


def test_leaving_an_untouched_form_makes_no_draft(dewi, office):
    for then in ("en", "desk"):
        dewi.fill(dewi.path, {"then": then}, to=f"{dewi.path}/draft")
        dewi.get(dewi.path)
    with office.db.reading() as session:
        assert session.scalars(select(Draft)).all() == []


def test_an_empty_judgement_makes_no_draft_either(office, browser):
    office.open(StageKind.SUPERVISOR_SCORING)
    budi = browser().enter("budi", StageKind.SUPERVISOR_SCORING).prove("budi")
    path = f"/w/task/{office.task('budi', ActKind.SCORE, 'dewi')}"
    budi.get(path)
    budi.fill(path, {"then": "en"}, to=f"{path}/draft")
    with office.db.reading() as session:
        assert session.scalars(select(Draft)).all() == []


def test_a_rating_that_waits_for_the_units_predicate_is_kept_and_leads_back(office, browser):
    office.open(StageKind.SUPERVISOR_SCORING)
    budi = browser().enter("budi", StageKind.SUPERVISOR_SCORING).prove("budi")
    path = f"/w/task/{office.task('budi', ActKind.SCORE, 'dewi')}"
    budi.get(path)
    assert "Periksa lalu kirim" not in budi.html, "it cannot be sent yet, but it can be saved"
    assert "Simpan draf" in budi.html
    notes = {f"notes.{n}.seen": "meets" for n in range(7)}
    feedback = {"feedback": "Kerja yang sangat teliti tahun ini."}
    budi.fill(path, notes | feedback | {"result_rating": "meets", "behavior_rating": "meets", "confirm": "yes"})
    assert budi.status == 409
    assert "sudah disimpan sebagai draf" in budi.html
    assert f'href="{path}"' in budi.html
    budi.get(path)
    assert feedback["feedback"] in budi.html


def test_two_quick_taps_are_no_conflict(dewi):
    form = dewi.fields(dewi.path) | TYPED
    dewi.send(f"{dewi.path}/draft", form)
    dewi.send(f"{dewi.path}/draft", form)
    assert dewi.status == 200
    assert TYPED["items.0.title"] in dewi.html


def test_a_removed_row_can_be_put_back_where_it_stood(dewi):
    draft = f"{dewi.path}/draft"
    dewi.fill(dewi.path, {"use": "suggestions"}, to=draft)
    dewi.fill(dewi.path, {"add": "items"}, to=draft)
    dewi.fill(dewi.path, {"items.1.title": "Kedua", "items.1.indicators.0.text": "Ukuran kedua"}, to=draft)
    dewi.fill(dewi.path, {"add": "items"}, to=draft)
    dewi.fill(dewi.path, {"drop": "items.0"}, to=draft)
    assert "“Terlayaninya warga di loket” dihapus." in dewi.html
    assert 'value="Terlayaninya warga di loket"' not in dewi.html.split("<form")[1].split("undo")[0]
    dewi.fill(dewi.path, {"drop": "items.1"}, to=draft)
    assert "“Kedua” dihapus." in dewi.html
    dewi.fill(dewi.path, {"use": "undo"}, to=draft)
    dewi.fill(dewi.path, {"use": "undo"}, to=draft)
    fields = dewi.fields(dewi.path)
    assert fields["items.0.title"] == "Terlayaninya warga di loket"
    assert (fields["items.1.title"], fields["items.1.indicators.0.text"]) == ("Kedua", "Ukuran kedua")
    assert "dihapus." not in dewi.html


def test_a_removal_can_be_undone_after_the_form_was_left(dewi):
    dewi.fill(dewi.path, plan_form() | {"add": "items"}, to=f"{dewi.path}/draft")
    dewi.fill(dewi.path, {"drop": "items.0"}, to=f"{dewi.path}/draft")
    dewi.get("/w")
    dewi.get(dewi.path)
    dewi.fill(dewi.path, {"use": "undo"}, to=f"{dewi.path}/draft")
    assert dewi.fields(dewi.path)["items.0.title"] == "Terlayaninya warga"


def test_what_was_removed_is_not_sent(dewi, office):
    dewi.fill(dewi.path, plan_form(2) | {"drop": "items.0.indicators.1"}, to=f"{dewi.path}/draft")
    assert "Warga terlayani 1" in dewi.html
    dewi.fill(dewi.path, {"confirm": "yes"})
    assert dewi.title == "Terkirim"
    with office.db.reading() as session:
        assert session.scalars(select(Submission)).one()
        from models import Indicator

        assert session.scalars(select(Indicator.text)).all() == ["Warga terlayani 0"]


@pytest.mark.parametrize("undo", ["", "[]", "nonsense", "[1]", '{"a": 1}', '[["kind", {"x": "y"}]]',
                                  '[["items.0", {"../x": "y"}]]', "[[]]", "null", '[["items.0", []]]'])  # fmt: skip
def test_an_undo_that_no_page_of_ours_wrote_is_nothing(undo):
    assert removed(undo) == []
    assert restored({"items.0.title": "A"}, undo) == ({"items.0.title": "A"}, "", "")


def test_a_row_whose_number_was_taken_goes_behind_the_others():
    left, undo = without_row({"items.0.title": "A", "items.1.title": "B"}, "items.1", "")
    back, rest, place = restored(left | {"items.1.title": "Baru"}, undo)
    assert (back["items.2.title"], rest, place) == ("B", "", "items.2")


def test_suggestions_fill_up_to_the_most_rows_and_drop_only_empty_ones():
    typed = {f"items.{n}.title": f"Rencana {n}" for n in range(11)} | {"items.11.title": " "}
    suggested = {"items.0.title": "Saran A", "items.1.title": "Saran B"}
    fields, place = with_suggestions(typed, suggested)
    assert [fields[f"items.{n}.title"] for n in (10, 11)] == ["Rencana 10", "Saran A"]
    assert "Saran B" not in fields.values()
    assert place == "items.11"


def test_the_evidence_of_the_mid_year_is_content_of_the_self_assessment(office, browser):
    """Left alone it is sent again; what is cleared is gone, also after a draft."""
    dewi, budi = browser().enter("dewi"), browser().enter("budi")
    path = f"/w/task/{office.task('dewi', ActKind.DRAFT_TARGETS)}"
    dewi.get(path)
    dewi.fill(path, plan_form(), to=f"{path}/draft")
    dewi.fill(path, {"add": "items.0.indicators"}, to=f"{path}/draft")
    second = {"text": "Lama layanan", "aspect": "time", "target": "3", "unit": "hari"}
    dewi.fill(path, {f"items.0.indicators.1.{name}": value for name, value in second.items()} | {"confirm": "yes"})
    path = f"/w/task/{office.task('budi', ActKind.ESTABLISH_TARGETS)}"
    budi.get(path)
    budi.fill(path, {"decision": "establish", "confirm": "yes"})
    office.step(StageKind.TARGET_SETTING, Step.CLOSE)
    office.open(StageKind.MID_YEAR_REVIEW)
    dewi.enter("dewi", StageKind.MID_YEAR_REVIEW)
    path = f"/w/task/{office.task('dewi', ActKind.REPORT_PROGRESS)}"
    dewi.get(path)
    report = {"actuals.0.value": "600", "actuals.1.value": "3", "actuals.0.evidence": "Register loket",
              "actuals.1.evidence": "Catatan <waktu>", "summary": "Berjalan sesuai rencana."}  # fmt: skip
    dewi.fill(path, report | {"confirm": "yes"})
    assert dewi.title == "Terkirim"
    office.open(StageKind.SUPERVISOR_SCORING)
    dewi.enter("dewi", StageKind.SUPERVISOR_SCORING)
    path = f"/w/task/{office.task('dewi', ActKind.SELF_ASSESS)}"
    dewi.get(path)
    fields = dewi.fields(path)
    assert (fields["actuals.0.evidence"], fields["actuals.1.evidence"]) == ("Register loket", "Catatan <waktu>")
    assert (fields["actuals.0.value"], fields.get("result_rating")) == ("", None), "no judgement is filled in"
    dewi.fill(path, {"actuals.1.evidence": ""}, to=f"{path}/draft")
    assert dewi.fields(path)["actuals.1.evidence"] == "", "a draft that cleared it stays clear"
    own = {"actuals.0.value": "1300", "actuals.1.value": "2", "result_rating": "meets", "behavior_rating": "meets",
           "text": "Tahun yang baik.", "confirm": "yes"}  # fmt: skip
    dewi.fill(path, own)
    assert dewi.title == "Terkirim"
    with office.db.reading() as session:
        from models import Actual

        last = session.scalars(select(Actual).where(Actual.submission_no == 2).order_by(Actual.indicator_id)).all()
        assert [row.evidence for row in last] == ["Register loket", ""]


def test_numbers_that_could_be_two_are_refused_with_both_and_others_are_understood(dewi):
    dewi.fill(dewi.path, plan_form() | {"items.0.indicators.0.target": "1.500"})
    assert "“1.500” bisa dibaca dua cara: tulis 1500, atau 1,5" in dewi.html
    dewi.fill(dewi.path, plan_form() | {"items.0.indicators.0.target": "lima"})
    assert "tulis sebagai angka saja, misalnya 1500 atau 12,5" in dewi.html
    assert "Rencana Hasil Kerja 1 › Indikator Kinerja Individu 1 › Target</a>" in dewi.html, "the form's own words"
    dewi.fill(dewi.path, {"items.0.indicators.0.target": "Rp 5.000.000"})
    assert dewi.title == "Terkirim", "a light act is sent at once"
