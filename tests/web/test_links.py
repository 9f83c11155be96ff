"""The link of a letter: it shows little, changes nothing, and anything that is not exactly one is the same page."""

from datetime import date

from office import DATES, HOST, ORIGIN, dump, plan_form
from sqlalchemy import select

import clock
import settings
from actions.duties import links
from models import ActionLink, Letter, Person, Stage, WebSession
from rules.proof.tokens import Purpose, sign
from rules.terms import ActKind, StageKind, StageState

MASTER = b"s" * 64

STAGE = StageKind.TARGET_SETTING


def test_a_person_drafts_a_plan_from_the_link_in_the_mail_to_the_receipt(office, browser):
    dewi = browser()
    dewi.get(f"/a/{office.token('dewi')}")
    assert "Dewi R." in dewi.html
    assert "Dewi Rahma" not in dewi.html
    assert "Jumat, 30 Januari 2026 pukul 23.59 WITA" in dewi.html
    assert dewi.html.count("<button") == 1
    dewi.fill("/a", {})
    task = office.task("dewi", ActKind.DRAFT_TARGETS)
    dewi.get(f"/w/task/{task}")
    dewi.fill(f"/w/task/{task}", plan_form())
    assert dewi.title == "Terkirim"
    assert "Terlayaninya warga" in dewi.html
    assert office.letters("receipt") == 1
    dewi.get("/w")
    assert "1 dari 1 selesai" in dewi.html


def test_reading_changes_nothing_however_often_and_sets_no_cookie(office, browser):
    path = f"/a/{office.token('dewi')}"
    before, dewi = dump(office.db), browser()
    for _ in range(5):
        assert dewi.http.head(path).status_code == 200
        assert "set-cookie" not in dewi.http.get(path).headers
    assert dump(office.db) == before


def test_every_page_of_a_desk_leaves_the_database_as_it_is(office, browser):
    dewi = browser().enter("dewi")
    task = office.task("dewi", ActKind.DRAFT_TARGETS)
    dewi.get(f"/w/task/{task}")
    dewi.fill(f"/w/task/{task}", plan_form())
    done, before = dewi.url, dump(office.db)
    case = dewi.get("/w").split("/w/case/")[1].split('"')[0]
    for path in ("/w", done, f"/w/task/{task}", f"/w/case/{case}", "/w/code", "/w?lang=en", "/static/style.css"):
        for method in ("GET", "HEAD"):
            assert dewi.http.request(method, path).status_code == 200
    assert dump(office.db) == before


def test_a_link_to_a_closed_stage_says_so_and_still_shows_what_was_sent(office, browser):
    dewi = browser().enter("dewi")
    task = office.task("dewi", ActKind.DRAFT_TARGETS)
    dewi.get(f"/w/task/{task}")
    dewi.fill(f"/w/task/{task}", plan_form())
    with office.db.transaction() as session:
        session.scalars(select(Stage).filter_by(kind=StageKind.TARGET_SETTING)).one().state = StageState.CLOSED
    later = browser()
    later.get(f"/a/{office.token('dewi')}")
    assert later.status == 200
    assert "Ditutup pada Sabtu, 31 Januari 2026" in later.html
    later.fill("/a", {})
    assert "Tahap ini ditutup pada" in later.html
    assert "/w/done/" in later.html


def _variants(token: str) -> dict[str, str]:
    flipped = ("b" if token[5] != "b" else "c").join((token[:5], token[6:]))
    return {
        "flipped": flipped, "short": token[:-1], "long": f"{token}a", "dot inside": f"{token[:20]}.{token[20:]}",
        "word": f"{token}.x",
        "percent": f"%{ord(token[0]):02X}%25", "slash": f"{token[:10]}%2F{token[10:]}", "huge": "a" * 10_000,
        "wrapped": f"{token}=&data=05", "other alphabet": token[:-1] + "1", "unicode": token[:-1] + "ａ",
    }  # fmt: skip


def test_whatever_is_not_exactly_a_link_of_ours_is_one_and_the_same_page(office, browser):
    token = office.token("dewi")
    forged = sign(office.link_row("dewi").id, kid=2026 % 251 + 1, master=b"x" * 64)
    other_purpose = sign(office.link_row("dewi").id, kid=20, master=MASTER, purpose=Purpose.ADDRESS_STOP)
    other_key = sign(office.link_row("dewi").id, kid=7, master=MASTER)
    unknown = sign(99, kid=2026 % 251 + 1, master=MASTER)
    with office.db.transaction() as session:
        links.revoke_links(session, office.people["eko"], "test", at=clock.now())
    revoked = office.link_row("eko")
    dead = sign(revoked.id, kid=revoked.kid, master=MASTER)
    bodies = set()
    tokens = [*_variants(token).values(), forged, other_purpose, other_key, unknown, dead]
    who = browser()
    for one in tokens:
        answer = who.http.get(f"/a/{one}")
        assert answer.status_code == 404, one[:60]
        if "%2F" not in one:  # a slash makes it another address, which is unknown in words of its own
            bodies.add(answer.text)
    assert len(bodies) == 1
    for one in (forged, unknown, dead):
        who.send("/a", {"token": one})
        assert who.status == 404
    with office.db.reading() as session:
        assert session.scalars(select(WebSession)).all() == []


def test_case_does_not_matter_because_some_mail_programs_change_it(office, browser):
    assert browser().http.get(f"/a/{office.token('dewi').upper()}").status_code == 200


def test_a_new_generation_ends_the_old_link_and_the_session_it_began(office, browser):
    old = office.token("dewi")
    dewi = browser().enter("dewi")
    with office.db.transaction() as session:
        links.revoke_links(session, office.people["dewi"], "address changed", at=clock.now())
    assert dewi.http.get(f"/a/{old}").status_code == 404
    assert dewi.http.get("/w").status_code == 401
    assert dewi.http.get(f"/a/{office.token('dewi')}").status_code == 200


def test_who_left_the_service_has_no_link_any_more(office, browser):
    dewi = browser().enter("dewi")
    token = office.token("dewi")
    with office.db.transaction() as session:
        session.get_one(Person, office.people["dewi"]).active_to = date(2026, 1, 1)
    assert dewi.http.get(f"/a/{token}").status_code == 404
    assert dewi.http.get("/w").status_code == 401


def test_guesses_are_limited_and_honest_links_from_the_same_address_are_not(office, browser):
    who = browser()
    seen = [who.http.get(f"/a/{'a' * 39}{letter}").status_code for letter in "abcdefghijklmnopqrstuvwxyz"]
    assert seen == [404] * 20 + [429] * 6
    assert who.http.get(f"/a/{office.token('dewi')}").status_code == 200
    before = dump(office.db)
    who.http.get(f"/a/{'a' * 40}")
    assert dump(office.db) == before, "a flood costs no writes"
    office.go_to(date(2026, 1, 5))
    assert who.http.get(f"/a/{'a' * 40}").status_code == 404


def test_a_forwarded_header_does_not_fool_the_limiter(browser):
    who = browser()
    seen = [
        who.http.get(f"/a/{'a' * 40}", headers={"X-Forwarded-For": f"10.0.0.{n}"}).status_code for n in range(22)
    ]  # fmt: skip
    assert seen[-1] == 429


def _letters_of(office, first: str) -> list[str]:
    with office.db.reading() as session:
        query = select(Letter.key).filter_by(person_id=office.people[first], kind="stage_invitation")
        return list(session.scalars(query))


def test_a_dead_link_is_replaced_by_mail_to_the_address_on_file_three_times_a_day_and_then_once_an_hour(
    office, browser
):
    old = office.token("dewi")
    with office.db.transaction() as session:
        links.revoke_links(session, office.people["dewi"], "lost", at=clock.now())
    count, who = len(_letters_of(office, "dewi")), browser()
    who.get(f"/a/{old}")
    answers = {
        who.send("/a/reissue", {}, {**ORIGIN, "Referer": f"{HOST}/a/{old}"}),
        who.send("/a/reissue", {"token": f"{HOST}/a/{old}?lang=en"}),
        *(who.send("/a/reissue", {"token": old}) for _ in range(3)),
        who.send("/a/reissue", {"token": "a" * 40}),
    }  # fmt: skip
    assert len(answers) == 1, "the page never tells whether there was anybody"
    assert len(_letters_of(office, "dewi")) == count + 4
    with office.db.reading() as session:
        newest = session.scalars(select(ActionLink).filter_by(person_id=office.people["dewi"], state="active")).one()
        letter = session.scalars(select(Letter).filter_by(person_id=office.people["dewi"]).order_by(Letter.id.desc()))
        assert letter.first().link_id == newest.id
    who.send("/a/reissue", {})
    assert who.status == 422


def test_nothing_is_mailed_for_a_desk_that_is_empty_or_closed(office, browser):
    outsider = office.token("hadi")
    browser().send("/a/reissue", {"token": outsider})
    assert _letters_of(office, "hadi") == []
    token, count = office.token("dewi"), len(_letters_of(office, "dewi"))
    with office.db.transaction() as session:
        session.scalars(select(Stage).filter_by(kind=StageKind.TARGET_SETTING)).one().state = StageState.CLOSED
    browser().send("/a/reissue", {"token": token})
    assert len(_letters_of(office, "dewi")) == count


def test_a_link_of_another_stage_opens_that_stage_only(office, browser):
    office.go_to(DATES[StageKind.TARGET_SETTING].due_on)
    task = office.task("dewi", ActKind.DRAFT_TARGETS)
    dewi = browser().enter("dewi", StageKind.MID_YEAR_REVIEW)
    dewi.get(f"/w/task/{task}")
    assert dewi.status == 404
    assert dewi.title == "Tidak ada di meja Bapak/Ibu"


def test_the_secret_of_another_installation_opens_nothing(office, browser, monkeypatch):
    token = office.token("dewi")
    monkeypatch.setenv("APPRAISAL_SECRET", "t" * 64)
    settings.load.cache_clear()
    assert browser().http.get(f"/a/{token}").status_code == 404


def test_the_page_speaks_the_persons_language_and_the_one_that_is_picked(office, browser):
    fitri = browser()
    fitri.get(f"/a/{office.token('fitri')}")
    assert "Hello, Fitri A." in fitri.html
    dewi = browser()
    dewi.get(f"/a/{office.token('dewi')}?lang=en")
    assert "Hello, Dewi R." in dewi.html
    dewi.fill("/a", {}, to="/a?lang=en")
    assert dewi.url == "/w?lang=en"
    assert "Draft your targets" in dewi.html
    assert "lang=en" in dewi.html.split("/w/task/")[1].split('"')[0]
