"""The mailed code: before weighty acts, once a session, for one session, ten minutes, five tries, three an hour."""

from datetime import timedelta

from office import dump
from sqlalchemy import select

import clock
from models import Letter, StepCode
from rules.words import ActKind, Lane, StageKind

STAGE = StageKind.SUPERVISOR_SCORING


def asked(office, browser, first="budi"):
    who = browser().enter(first, STAGE)
    who.get("/w/code")
    who.fill("/w/code", {})
    return who


def verify(who, code):
    return who.fill("/w/code/verify", {"code": code})


def wait(**time: int) -> None:
    clock.move_to(clock.now() + timedelta(**time))


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08d}"


def test_a_forwarded_link_shows_and_scores_nothing_without_the_code(office, browser):
    stranger = browser().enter("budi", STAGE)
    task = office.task("budi", ActKind.SCORE, "dewi")
    case = stranger.html.split("/w/case/")[2].split('"')[0]
    for path in (f"/w/task/{task}", f"/w/case/{case}"):
        stranger.get(path)
        assert stranger.url.startswith("/w/code"), path
        assert "Dewi" not in stranger.html
    assert "bu…@kota.example" in stranger.html
    stranger.send(f"/w/task/{task}", {"who": office.people["budi"], "version": 1, "nonce": "n", "feedback": "Baik"})
    assert stranger.url == f"/w/code?task={task}"
    assert office.letters("receipt") == 0


def test_the_code_opens_the_task_that_was_asked_for_and_is_asked_once_a_session(office, browser):
    budi = browser().enter("budi", STAGE)
    task = office.task("budi", ActKind.SCORE, "dewi")
    budi.get(f"/w/task/{task}")
    budi.fill("/w/code", {})
    before = budi.http.cookies["s"]
    code = office.code("budi")
    verify(budi, f" {code[:4]} {code[4:]} ")
    assert budi.url == f"/w/task/{task}"
    assert budi.http.cookies["s"].split(".")[0] != before.split(".")[0], "a session gets a new secret with new rights"
    assert budi.http.get("/w", headers={"Cookie": f"s={before}"}).status_code == 401
    budi.get(f"/w/task/{office.task('budi', ActKind.SCORE, 'eko')}")
    assert budi.title == "Nilai kinerja"


def test_the_letter_goes_to_the_address_on_file_urgently_and_holds_no_digits(office, browser):
    asked(office, browser)
    code = office.code("budi")
    with office.db.reading() as session:
        letter = session.scalars(select(Letter).filter_by(kind="step_code")).one()
        assert (letter.address, letter.lane) == ("budi@kota.example", Lane.URGENT)
        assert letter.not_after == clock.now() + timedelta(minutes=10)
    assert not [line for line in dump(office.db) if code in line]


def test_five_wrong_tries_end_a_code(office, browser):
    budi = asked(office, browser)
    code = office.code("budi")
    for left in (4, 3, 2, 1, 0):
        verify(budi, wrong(code))
        assert budi.status == 422
        assert f"Sisa percobaan: {left}." in budi.html
    verify(budi, code)
    assert budi.status == 422
    assert budi.title == "Kode tidak berlaku lagi"


def test_a_code_works_once_within_ten_minutes_and_only_the_newest(office, browser):
    budi = asked(office, browser)
    old = office.code("budi")
    budi.fill("/w/code", {})
    verify(budi, old)
    assert budi.status == 422
    page = budi.html
    verify(budi, office.code("budi"))
    assert budi.url == "/w"
    budi.html = page
    verify(budi, office.code("budi"))
    assert budi.title == "Kode tidak berlaku lagi"
    late = asked(office, browser)
    wait(minutes=10)
    verify(late, office.code("budi"))
    assert late.title == "Kode tidak berlaku lagi"


def test_a_code_of_one_session_or_person_is_nothing_in_another(office, browser):
    first, second = asked(office, browser), asked(office, browser)
    mine = office.code("budi")
    verify(first, mine)
    assert first.status == 422
    citra = asked(office, browser, "citra")
    verify(citra, mine)
    assert citra.status == 422
    verify(second, mine)
    assert second.url == "/w"


def test_three_codes_an_hour_for_a_link_whatever_the_session(office, browser):
    budi = asked(office, browser)
    asked(office, browser)
    budi.fill("/w/code", {})
    budi.fill("/w/code", {})
    assert (budi.status, budi.title) == (429, "Terlalu banyak permintaan kode")
    assert office.letters("step_code") == 3
    with office.db.reading() as session:
        assert len(session.scalars(select(StepCode)).all()) == 3
    wait(minutes=61)
    asked(office, browser)
    assert office.letters("step_code") == 4


def test_what_was_typed_before_the_code_was_asked_for_is_there_after_it(office, browser):
    budi = browser().enter("budi", STAGE).prove("budi")
    task = office.task("budi", ActKind.SCORE, "dewi")
    budi.get(f"/w/task/{task}")
    page = budi.html
    budi.enter("budi", STAGE)
    budi.html = page
    budi.fill(f"/w/task/{task}", {"feedback": "Sudah saya tulis panjang.", "confirm": "yes"})
    assert budi.url == f"/w/code?task={task}"
    budi.fill("/w/code", {})
    verify(budi, office.code("budi"))
    assert "Sudah saya tulis panjang." in budi.html
