"""The mailed code: before weighty acts, once a session, for one session, ten minutes, five tries."""

from datetime import timedelta

from office import dump
from sqlalchemy import select

import clock
from models import Letter, WebSession
from rules.terms import ActKind, Lane, StageKind

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


def test_what_a_stranger_asks_for_with_a_forwarded_link_keeps_the_owner_from_nothing(office, browser):
    for _ in range(4):
        stranger = asked(office, browser)
        for _ in range(3):
            stranger.fill("/w/code", {})
            verify(stranger, wrong(office.code("budi")))
            stranger.get("/w/code")
    assert office.letters("step_code") == 3, "no flood of letters"
    budi = asked(office, browser)
    assert budi.title == "Kode konfirmasi"
    assert office.letters("step_code") == 3
    verify(budi, office.code("budi"))
    assert budi.url == "/w", "the code of the newest letter counts in the owner's session"
    verify(stranger, office.code("budi"))
    assert stranger.title == "Kode tidak berlaku lagi", "and once only"


def test_a_letter_that_others_asked_for_is_shared_only_while_there_is_time_to_type_its_code(office, browser):
    for _ in range(3):
        asked(office, browser)
    wait(minutes=5)
    asked(office, browser)
    assert office.letters("step_code") == 4
    wait(minutes=4)
    late = asked(office, browser)
    assert office.letters("step_code") == 4
    wait(minutes=7)
    verify(late, office.code("budi"))
    assert late.title == "Kode tidak berlaku lagi", "a shared code is no younger than its letter"


def test_one_session_asks_five_times_an_hour_and_is_told_when_again(office, browser):
    budi = asked(office, browser)
    for _ in range(4):
        budi.fill("/w/code", {})
    wait(minutes=10)
    budi.fill("/w/code", {})
    assert (budi.status, budi.title) == (429, "Terlalu banyak permintaan kode")
    assert int(budi.answer.headers["Retry-After"]) == 50 * 60
    other = asked(office, browser)
    assert other.title == "Kode konfirmasi"
    wait(minutes=25)
    budi.get("/w")
    wait(minutes=25)
    budi.get("/w/code")
    budi.fill("/w/code", {})
    assert budi.status == 200


def test_too_many_wrong_codes_turn_away_browsers_that_never_proved_anything(office, browser, monkeypatch):
    monkeypatch.setattr("actions.access.codes.WRONG_AN_HOUR", 6)
    budi = asked(office, browser)
    verify(budi, office.code("budi"))
    for _ in range(2):
        stranger = asked(office, browser)
        page = stranger.html
        for _ in range(4):
            stranger.html = page
            verify(stranger, wrong(office.code("budi")))
    assert (stranger.status, stranger.title) == (429, "Terlalu banyak kode keliru")
    budi.enter("budi", STAGE)
    budi.get("/w/code")
    budi.fill("/w/code", {})
    verify(budi, office.code("budi"))
    assert budi.url == "/w"


def test_pressing_begin_without_end_makes_few_rows_and_keeps_nobody_out(office, browser, monkeypatch):
    monkeypatch.setattr("actions.access.sessions.BEGUN_AN_HOUR", 5)
    budi = browser().enter("budi", STAGE).prove("budi")
    for _ in range(12):
        last = browser().enter("budi", STAGE)
    assert last.url == "/w"
    with office.db.reading() as session:
        assert len(session.scalars(select(WebSession)).all()) == 5
    budi.get("/w")
    assert budi.status == 200, "a session in which a code was entered is nobody else's"


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
