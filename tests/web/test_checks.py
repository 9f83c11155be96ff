"""Before a weighty act is final its answers are shown, with what follows and what contradicts itself."""

import pytest
from sqlalchemy import select

from models import Draft, RatingRecord, Result, Submission, UnitPredicate
from rules.terms import ActKind, OrgPredicate, StageKind

STAGE = StageKind.SUPERVISOR_SCORING
SEVEN_BELOW = {f"notes.{n}.seen": "below" for n in range(7)} | {"notes.0.text": "Sering terlambat."}
CONTRADICTION = SEVEN_BELOW | {"result_rating": "above", "behavior_rating": "above", "feedback": "abc",
                               "confirm": "yes"}  # fmt: skip


@pytest.fixture
def budi(office, browser):
    """The rater at the form, with the predicate of the unit set."""
    import clock

    task = office.task("andi", ActKind.SET_UNIT_PREDICATE)
    with office.db.transaction() as session:
        from models import Appraisal

        case = session.scalars(select(Appraisal).filter_by(employee_id=office.people["dewi"])).one()
        session.add(
            UnitPredicate(cycle_id=case.cycle_id, unit_id=case.unit_id, predicate=OrgPredicate.GOOD, reason="Sesuai.",
                          set_by_id=office.people["andi"], set_at=clock.now(), override_reason="")
        )  # fmt: skip
    who = browser().enter("budi", STAGE).prove("budi")
    who.path = f"/w/task/{office.task('budi', ActKind.SCORE, 'dewi')}"
    who.unit_task = task
    who.get(who.path)
    return who


def nothing_final(office) -> bool:
    with office.db.reading() as session:
        rows = [session.scalars(select(model)).all() for model in (Submission, RatingRecord, Result)]
    return not any(rows)


def test_seven_below_and_above_overall_is_shown_with_its_predicate_and_its_warnings(budi, office):
    budi.fill(budi.path, CONTRADICTION)
    assert (budi.status, budi.title) == (200, "Periksa sebelum mengirim")
    assert "<strong>Sangat Baik</strong>" in budi.html, "the predicate that would follow"
    assert "0 di atas, 0 sesuai, 7 di bawah ekspektasi" in budi.html
    assert "Umpan balik: “abc” terlalu singkat" in budi.html
    assert "Berorientasi pelayanan" in budi.html
    assert nothing_final(office)
    with office.db.reading() as session:
        assert session.scalars(select(Draft.body)).one()["feedback"] == "abc"


def test_a_contradiction_is_sent_only_with_the_ticked_box(budi, office):
    budi.fill(budi.path, CONTRADICTION)
    budi.fill(budi.path, {})
    assert budi.status == 200
    assert "centang kotak ini" in budi.html
    assert "Kesalahan: Periksa" in budi.html
    assert nothing_final(office)
    budi.fill(budi.path, {"aware": "yes"})
    assert budi.title == "Terkirim"
    with office.db.reading() as session:
        assert session.scalars(select(Result)).one().predicate == "very_good", "a warning changes no rating"


def test_sound_answers_need_no_box_and_nothing_is_shown_as_a_warning(budi):
    sound = {f"notes.{n}.seen": "meets" for n in range(7)}
    words = {"feedback": "Hasil kerja baik, teruskan tahun depan."}
    budi.fill(budi.path, sound | words | {"result_rating": "meets", "behavior_rating": "meets", "confirm": "yes"})
    assert "tampak bertentangan" not in budi.html
    assert "<strong>Baik</strong>" in budi.html
    budi.fill(budi.path, {})
    assert budi.title == "Terkirim"


def test_what_was_confirmed_is_what_was_shown(budi, office):
    """Other content under the same confirmation is shown first."""
    budi.fill(budi.path, CONTRADICTION)
    budi.fill(budi.path, {"aware": "yes", "result_rating": "below"})
    assert budi.title == "Periksa sebelum mengirim"
    assert "<strong>Sangat Baik</strong>" not in budi.html
    assert nothing_final(office)
    budi.fill(budi.path, {"seen": "f" * 32, "aware": "yes"})
    assert nothing_final(office), "a guessed confirmation confirms nothing"


def test_sent_twice_is_sent_once(budi, office):
    budi.fill(budi.path, CONTRADICTION)
    form = budi.fields(budi.path) | {"aware": "yes"}
    budi.send(budi.path, form)
    receipt = budi.url
    budi.send(budi.path, form)
    assert budi.url == receipt
    with office.db.reading() as session:
        assert len(session.scalars(select(Submission)).all()) == 1


def test_whoever_changes_the_form_finds_all_of_it(budi):
    budi.fill(budi.path, CONTRADICTION)
    budi.fill(budi.path, {}, to=f"{budi.path}/draft")
    assert budi.url == budi.path
    assert budi.fields(budi.path)["feedback"] == "abc"
    assert budi.html.count('value="below" checked') == 7


def test_all_errors_come_in_one_round_in_the_words_and_numbers_of_the_form(budi):
    wrong = {"notes.2.seen": "above", "feedback": "x" * 4213, "innovation": "y" * 4001}
    budi.fill(budi.path, wrong)
    assert budi.status == 422
    assert "<title>Kesalahan: Nilai kinerja" in budi.html
    summary = budi.html.split('class="errors"')[1].split("</section>")[0]
    for line in (
        "Rating hasil kerja</a>: pilih salah satu",
        "Rating perilaku kerja</a>: pilih salah satu",
        "Berorientasi pelayanan</a>: pilih salah satu",
        "Kolaboratif</a>: pilih salah satu",
        "Umpan balik</a>: terlalu panjang (maksimal 4.000 karakter): 4.213 karakter, kelebihan 213",
        "kelebihan 1.",
        "centang kotak konfirmasi",
    ):
        assert line in summary, line
    assert "Kompeten</a>" not in summary, "that one was filled in"
    assert "x" * 4213 in budi.html, "nothing was cut"
    order = [summary.index(word) for word in ("Rating hasil", "Berorientasi", "Kolaboratif", "Umpan balik", "centang")]
    assert order == sorted(order), "as on the page"
    for name in ("result_rating", "notes.0.seen", "notes.6.seen", "feedback", "innovation", "confirm"):
        assert f'id="e-{name}"' in budi.html, name


def test_a_program_may_ask_what_would_follow_and_needs_not(budi, office):
    secret = budi.http.cookies["s"].split(".")[0]
    headers = {"Authorization": f"Desk {secret}"}
    number = budi.path.rsplit("/", 1)[1]
    task = budi.http.get(f"/api/v1/desk/tasks/{number}", headers=headers).json()
    values = ("service", "accountable", "competent", "harmonious", "loyal", "adaptive", "collaborative")
    data = {
        "result_rating": "above", "behavior_rating": "above", "feedback": "abc", "confirm": "yes",
        "notes": [{"value": value, "seen": "below", "text": "Sering terlambat."} for value in values],
    }  # fmt: skip
    body = {"data": data, "version": task["version"], "nonce": "n" * 16}
    checked = budi.http.post(f"/api/v1/desk/tasks/{number}/check", json=body, headers=headers).json()
    assert checked["follows"]["predicate"] == "very_good"
    assert [doubt["code"] for doubt in checked["doubts"]] == ["behavior_above", "short_text"]
    assert nothing_final(office)
    other = budi.http.post(
        f"/api/v1/desk/tasks/{number}", json=body | {"seen": "0" * 32}, headers=headers
    )  # fmt: skip
    assert (other.status_code, other.json()["code"]) == (409, "follows_something_else")
    sent = budi.http.post(f"/api/v1/desk/tasks/{number}", json=body | {"seen": checked["seen"]}, headers=headers)
    assert sent.status_code == 200
