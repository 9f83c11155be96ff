"""A whole year through the pages: every kind of act is shown, filled in as a person would, and recorded."""

from datetime import date

import pytest
from office import Browser, Office, names_of, plan_form
from sqlalchemy import select

from actions.acts.table import ACTS
from models import Appraisal, Assignment, Objection, RatingRecord, Result, Submission
from rules.terms import ActKind, AppraisalState, BehaviorValue, ObjectionOutcome, Predicate, StageKind, Step

WORDS = "Terlihat dalam pelayanan sehari-hari dan catatan dialog."


def act(who: Browser, office: Office, first: str, kind: ActKind, fields: dict, about: str = "") -> str:
    """Open the task, send its own form with what a person adds, and expect the receipt."""
    task = office.task(first, kind, about)
    who.get(f"/w/task/{task}")
    assert who.status == 200, who.html
    assert who.url.startswith(f"/w/task/{task}"), who.url
    assert len(who.html.encode()) < 21_000, "with 9 kB of style a page stays under 30 kB"
    wanted = {field for field in fields if field != "confirm"}
    assert wanted <= names_of(who.html), wanted - names_of(who.html)
    who.fill(f"/w/task/{task}", fields | {"confirm": "yes"})
    if ACTS[kind].weighty:
        assert 'data-check="' in who.html, who.html
        assert who.url == f"/w/task/{task}", "nothing is final before one's answers were shown"
        assert len(who.html.encode()) < 21_000
        who.confirm()
    assert who.url.startswith("/w/done/"), who.html
    return who.html


def judgement(result: str, behavior: str) -> dict[str, str]:
    notes = {f"notes.{n}.seen": "meets" for n in range(len(BehaviorValue))} | {"notes.0.text": WORDS}
    return {"result_rating": result, "behavior_rating": behavior} | notes


def actuals(who: Browser, value: str) -> dict[str, str]:
    rows = {name.rsplit(".", 1)[0] for name in names_of(who.html) if name.startswith("actuals.")}
    return {f"{row}.value": value for row in rows} | {f"{row}.evidence": "Laporan bulanan" for row in rows}


def set_targets(office: Office, browser) -> None:
    office.open(StageKind.TARGET_SETTING)
    dewi, budi = browser().enter("dewi"), browser().enter("budi")
    task = office.task("dewi", ActKind.DRAFT_TARGETS)
    dewi.get(f"/w/task/{task}")
    dewi.fill(f"/w/task/{task}", {"add": "items.0.indicators"}, to=f"/w/task/{task}/draft")
    act(dewi, office, "dewi", ActKind.DRAFT_TARGETS, plan_form(2))
    act(budi, office, "budi", ActKind.DRAFT_TARGETS, plan_form(1))
    done = act(budi, office, "budi", ActKind.ESTABLISH_TARGETS, {"decision": "return", "reason": "Target belum jelas."})
    assert "Kembalikan untuk diperbaiki" in done
    dewi.get(f"/w/task/{office.task('dewi', ActKind.DRAFT_TARGETS)}")
    assert "Target belum jelas." in dewi.html
    assert 'value="Terlayaninya warga"' in dewi.html
    # the superior's own items are offered, the returned version is there to be improved
    act(dewi, office, "dewi", ActKind.DRAFT_TARGETS, {"items.0.indicators.1.target": "1500"})
    act(budi, office, "budi", ActKind.ESTABLISH_TARGETS, {"decision": "establish"})
    office.go_to(date(2026, 1, 16))
    office.step(StageKind.TARGET_SETTING, Step.DEFAULT)
    office.go_to(date(2026, 2, 1))
    office.step(StageKind.TARGET_SETTING, Step.CLOSE)


def review(office: Office, browser) -> None:
    office.open(StageKind.MID_YEAR_REVIEW)
    dewi = browser().enter("dewi", StageKind.MID_YEAR_REVIEW)
    task = office.task("dewi", ActKind.REPORT_PROGRESS)
    dewi.get(f"/w/task/{task}")
    more = {"actuals.0.new_target": "1.300,5", "change_reason": "Ada tambahan loket sejak Maret."}
    report = actuals(dewi, "600") | {"summary": "Berjalan sesuai rencana."}
    act(dewi, office, "dewi", ActKind.REPORT_PROGRESS, report | more)
    budi = browser().enter("budi", StageKind.MID_YEAR_REVIEW)
    budi.get(f"/w/task/{office.task('budi', ActKind.GIVE_FEEDBACK, 'dewi')}")
    assert "1300,5" in budi.html
    assert "Ada tambahan loket" in budi.html
    act(budi, office, "budi", ActKind.GIVE_FEEDBACK, {"changes": "agree", "feedback": "Setuju, teruskan."}, "dewi")
    office.go_to(date(2026, 7, 16))
    office.step(StageKind.MID_YEAR_REVIEW, Step.CLOSE)


def score(office: Office, browser) -> None:
    office.open(StageKind.SUPERVISOR_SCORING)
    stage = StageKind.SUPERVISOR_SCORING
    dewi = browser().enter("dewi", stage)
    dewi.get(f"/w/task/{office.task('dewi', ActKind.SELF_ASSESS)}")
    assert "terakhir dilaporkan 600" in dewi.html
    own = actuals(dewi, "1300") | {"result_rating": "above", "behavior_rating": "meets", "text": "Tahun yang baik."}
    act(dewi, office, "dewi", ActKind.SELF_ASSESS, own)
    budi = browser().enter("budi", stage).prove("budi")
    task = office.task("budi", ActKind.SCORE, "dewi")
    budi.get(f"/w/task/{task}")
    assert "belum ditetapkan oleh Andi Kepala" in budi.html
    assert "Tahun yang baik." in budi.html
    budi.fill(f"/w/task/{task}", judgement("meets", "meets") | {"feedback": WORDS, "confirm": "yes"})
    assert budi.status == 409
    assert "harus ditetapkan oleh Andi Kepala" in budi.html
    assert WORDS in budi.html
    andi = browser().enter("andi", stage).prove("andi")
    for _ in range(2):
        fields = {"predicate": "good", "reason": "Sesuai capaian perjanjian kinerja."}
        act(andi, office, "andi", ActKind.SET_UNIT_PREDICATE, fields)
    fields = judgement("meets", "meets") | {"feedback": WORDS, "recommendation": "Pelatihan"}
    done = act(budi, office, "budi", ActKind.SCORE, fields, "dewi")
    assert "Baik" in done
    office.go_to(date(2027, 1, 1))
    office.step(stage, Step.CLOSE)
    office.step(stage, Step.ISSUE)


def settle_objection(office: Office, browser) -> None:
    office.open(StageKind.OBJECTION_HANDLING)
    stage = StageKind.OBJECTION_HANDLING
    dewi = browser().enter("dewi", stage)
    dewi.get("/w")
    assert "Hak Bapak/Ibu, bila perlu" in dewi.html
    dewi.get(f"/w/task/{office.task('dewi', ActKind.ACKNOWLEDGE)}")
    assert "Bagaimana hasil ini diperoleh" in dewi.html
    assert "PermenPANRB 6/2022" in dewi.html
    act(dewi, office, "dewi", ActKind.ACKNOWLEDGE, {})
    dewi.prove("dewi")
    act(dewi, office, "dewi", ActKind.OBJECT, {"reasons": "Realisasi bulan November belum dihitung."})
    act(dewi, office, "dewi", ActKind.EXPLAIN, {"answer": "given", "text": "Bukti ada pada lampiran."})
    budi = browser().enter("budi", stage).prove("budi")
    act(budi, office, "budi", ActKind.EXPLAIN, {"answer": "refused"})
    andi = browser().enter("andi", stage).prove("andi")
    task = office.task("andi", ActKind.DECIDE_OBJECTION)
    andi.get(f"/w/task/{task}")
    assert "Menolak memberi penjelasan" in andi.html
    assert "Bukti ada pada lampiran." in andi.html
    fields = judgement("above", "above") | {"decision": "change", "reasons": "Bukti November sah dan dihitung."}
    done = act(andi, office, "andi", ActKind.DECIDE_OBJECTION, fields)
    assert "Hasil dinaikkan" in done


def section(html: str, name: str) -> str:
    """The text of one card of a page."""
    start = html.index(f'<section class="card" id="{name}">')
    return html[start : html.index("</section>", start)]


def the_file_keeps_what_letters_promise(dewi: Browser) -> None:
    versions = section(dewi.html, "versions")
    assert [f"Versi {n}</b>" in versions for n in (1, 2, 3, 4)] == [True, True, True, False]
    assert "Dikembalikan dengan alasan: Target belum jelas." in versions
    assert "Alasan perubahan: Ada tambahan loket sejak Maret." in versions
    assert "1300,5 orang" in versions, "after the change"
    assert "1200 orang" in versions, "and before it"
    mid_year = section(dewi.html, "mid-year")
    for said in ("Berjalan sesuai rencana.", "<b>600 orang</b>", "Laporan bulanan", "Setuju, teruskan.", "1200 orang"):
        assert said in mid_year, said
    objection = section(dewi.html, "objection")
    for said in ("Realisasi bulan November belum dihitung.", "Bukti ada pada lampiran.", "Menolak memberi penjelasan",
                 "Hasil dinaikkan", "Diputuskan Andi Kepala", "Bukti November sah dan dihitung."):  # fmt: skip
        assert said in objection, said
    earlier = section(dewi.html, "earlier")
    assert "<strong>Baik</strong>" in earlier
    assert "Ditetapkan Budi Penilai; digantikan" in earlier
    assert "Tahun yang baik." in section(dewi.html, "self")
    dewi.get(f"{dewi.url.split(chr(63))[0]}/document")
    assert dewi.http.get(dewi.url).content.startswith(b"%PDF"), "both versions of the result can be kept"


def what_was_sent_can_be_read_again(office: Office, browser) -> None:
    with office.db.reading() as session:
        rows = select(Submission.receipt_no).join(Assignment).where(Submission.person_id == office.people["dewi"])
        plan, report = (
            session.scalars(rows.where(Assignment.kind == kind).order_by(Submission.id)).first()
            for kind in (ActKind.DRAFT_TARGETS, ActKind.REPORT_PROGRESS)
        )
    dewi = browser().enter("dewi", StageKind.TARGET_SETTING)
    dewi.get(f"/w/done/{plan}")
    for said in ("Terlayaninya warga", "Warga terlayani 1", "Kuantitas", "Hasil Kerja Utama"):
        assert f">{said}</dd>" in dewi.html, said
    dewi = browser().enter("dewi", StageKind.MID_YEAR_REVIEW)
    dewi.get(f"/w/done/{report}")
    assert 'Warga terlayani 0 › Realisasi</dt><dd class="pre">600</dd>' in dewi.html
    assert "Berjalan sesuai rencana." in dewi.html
    budi = browser().enter("budi", StageKind.SUPERVISOR_SCORING)
    scored = office.receipt("budi", ActKind.SCORE)
    budi.get(f"/w/done/{scored}")
    assert WORDS not in budi.html, "a weighty act is shown after the code only"
    budi.prove("budi")
    budi.get(f"/w/done/{scored}")
    assert WORDS in budi.html
    assert "satu surel untuk kiriman sehari" in budi.html


def news_lead_to_the_file(office: Office, browser, number: int) -> None:
    dewi = browser().enter("dewi", StageKind.OBJECTION_HANDLING)
    for what, place in (("Keberatan telah diputuskan", "decision"), ("Laporan tengah tahun telah ditanggapi",
                        "feedback"), ("SKP telah ditetapkan", "plan")):  # fmt: skip
        assert f'/w/case/{number}#{place}"><b>{what}</b>' in dewi.html, what
    budi = browser().enter("budi", StageKind.OBJECTION_HANDLING)
    assert f'/w/case/{number}#decision"><b>Keberatan telah diputuskan</b> · Dewi Rahma' in budi.html
    eko = browser().enter("eko", StageKind.OBJECTION_HANDLING)
    assert "Dewi Rahma" not in eko.html, "a colleague learns nothing"
    eko.get(f"/w/case/{number}")
    assert eko.status == 404
    eko.get(f"/w/case/{number}/document")
    assert eko.status == 404
    budi.get(f"/w/case/{number}/document")
    assert budi.url.startswith("/w/code"), "somebody else's document is read after the code only"


def test_a_year_by_ratings_goes_through_the_pages(office, browser):
    set_targets(office, browser)
    review(office, browser)
    score(office, browser)
    settle_objection(office, browser)
    with office.db.reading() as session:
        case = session.scalars(select(Appraisal).filter_by(employee_id=office.people["dewi"])).one()
        result = session.scalars(select(Result).filter_by(appraisal_id=case.id, superseded_at=None)).one()
        assert (case.state, result.predicate) == (AppraisalState.DECIDED, Predicate.VERY_GOOD)
        assert session.scalars(select(Objection.outcome)).one() is ObjectionOutcome.RAISE
        number = case.id
    dewi = browser().enter("dewi", StageKind.OBJECTION_HANDLING)
    dewi.get(f"/w/case/{number}")
    assert "Sangat Baik" in dewi.html
    the_file_keeps_what_letters_promise(dewi)
    what_was_sent_can_be_read_again(office, browser)
    news_lead_to_the_file(office, browser, number)
    office.go_to(date(2027, 4, 6))
    with office.db.transaction() as session:  # the two stages between were not played here
        from models import Stage
        from rules.terms import StageState

        for row in session.scalars(select(Stage).where(Stage.kind.in_([
            StageKind.OBJECTION_HANDLING, StageKind.AUDIT_SAMPLING]))):  # fmt: skip
            row.state = StageState.CLOSED
    office.step(StageKind.FINALIZATION, Step.OPEN)
    gita = browser().enter("gita", StageKind.FINALIZATION).prove("gita")
    fields = {"ground": "rater_silent", "explanation": "Penilai tidak mengirim penilaian."}
    assert "Pejabat Penilai Kinerja tidak menilai" in act(gita, office, "gita", ActKind.ACCOUNT_FOR, fields)


def test_a_rating_by_scores_goes_through_the_pages(db, app):
    office = Office(db).found("pp-30-2019")
    office.open(StageKind.TARGET_SETTING)
    dewi = Browser(app, office).enter("dewi")
    act(dewi, office, "dewi", ActKind.DRAFT_TARGETS, plan_form())
    act(Browser(app, office).enter("budi"), office, "budi", ActKind.ESTABLISH_TARGETS, {"decision": "establish"})
    office.go_to(date(2026, 2, 1))
    office.step(StageKind.TARGET_SETTING, Step.CLOSE)
    office.open(StageKind.SUPERVISOR_SCORING)
    budi = Browser(app, office).enter("budi", StageKind.SUPERVISOR_SCORING).prove("budi")
    scores = {f"aspects.{n}.score": "90,5" for n in range(4)}
    fields = scores | {"skp_score": "95", "feedback": WORDS}
    assert "Baik" in act(budi, office, "budi", ActKind.SCORE, fields, "dewi")
    with office.db.reading() as session:
        assert set(session.scalars(select(RatingRecord)).one().behavior_notes["scores"].values()) == {"90.5"}


@pytest.mark.parametrize("kind", list(ActKind))
def test_every_kind_of_act_has_a_template_that_asks_for_every_field_of_its_form(kind):
    from web.render import HERE

    folder = HERE / "templates" / "acts"
    text = (folder / f"{kind.value}.html").read_text()
    for part in ("_actuals", "_judgement"):
        if part in text:
            text += (folder / f"{part}.html").read_text()
    for name in ACTS[kind].form.model_fields:
        asked = f"'{name}" in text or f'"{name}' in text or name == "confirm"
        assert asked, f"{kind.value} never asks for {name}"
