"""`/`: a lost letter is no dead end, and nobody learns who is on record."""

from datetime import timedelta

import pytest
from office import ORIGIN
from sqlalchemy import event, select

import clock
from models import Letter, Person
from rules.terms import StageKind

STAGE = StageKind.TARGET_SETTING


def mailed(office):
    with office.db.reading() as session:
        query = select(Letter).where(Letter.key.contains("reissue"))
        return [(one.address, one.link_id) for one in session.scalars(query.order_by(Letter.id))]


def nip(office, first):
    with office.db.reading() as session:
        return session.get_one(Person, office.people[first]).nip


def test_the_link_that_counts_goes_to_the_address_on_record_by_nip_and_by_address(office, browser):
    who = browser()
    who.get("/")
    assert who.title == "Kehilangan surat atau tautan?"
    written = nip(office, "dewi")
    who.fill("/", {"owner": f" {written[:8]} {written[8:14]} {written[14:]} "})
    who.get("/")
    who.fill("/", {"owner": "Eko@Kota.Example"})
    assert who.title == "Permintaan diterima"
    dewi, eko = office.link_row("dewi").id, office.link_row("eko").id
    assert mailed(office) == [("dewi@kota.example", dewi), ("eko@kota.example", eko)]


def test_the_page_and_what_is_asked_before_it_are_the_same_for_everybody(office, browser, monkeypatch):
    asked, pages = [], set()
    event.listen(office.db.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    monkeypatch.setattr("web.desk.knocking.answer", lambda at: None)
    who, queries = browser(), []
    who.send("/", {"owner": "first@x.example"})
    for said in ("dewi@kota.example", "nobody@x.example", nip(office, "eko"), "1" * 18, "' OR 1=1 --"):
        asked.clear()
        pages.add(who.send("/", {"owner": said}))
        queries.append(list(asked))
    assert len(pages) == 1
    assert all(one == queries[0] for one in queries)
    assert "person" not in str(queries).lower()


def test_letters_are_few_whoever_asks_and_the_owner_gets_one_later_again(office, browser):
    for n in range(30):
        who = browser()
        who.send("/", {"owner": "dewi@kota.example"})
        if n % 9 == 8:
            clock.move_to(clock.now() + timedelta(minutes=1))
    assert len(mailed(office)) == 4
    assert {link for _, link in mailed(office)} == {office.link_row("dewi").id}
    clock.move_to(clock.now() + timedelta(hours=1))
    browser().send("/", {"owner": "dewi@kota.example"})
    assert len(mailed(office)) == 5


def test_ten_a_minute_from_one_network_and_then_when_to_come_back(office, browser):
    who = browser()
    answers = [who.http.post("/", data={"owner": "x@y.example"}, headers=ORIGIN) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 61


def test_nothing_typed_changes_nothing(office, browser):
    who = browser()
    who.get("/")
    who.fill("/", {})
    assert who.status == 422
    assert mailed(office) == []


@pytest.mark.parametrize("around", ["{}.", "{}>", "<{}>", "{}),", "%22{}%22", "{}%3E", "{}&gt;", "{}%E2%80%9D"])
def test_punctuation_that_was_pasted_with_a_link_does_not_break_it(office, browser, around):
    token = office.token("dewi")
    page = browser()
    page.get(f"/a/{around.format(token)}")
    assert page.status == 200
    assert page.fields("/a")["token"] == token
    page.fill("/a", {})
    assert page.url == "/w"


def test_an_old_link_pasted_with_what_stood_around_it_is_understood(office, browser):
    token = office.token("dewi")
    browser().send("/a/reissue", {"token": f" <http://127.0.0.1:8080/a/{token}>. "})
    assert [address for address, _ in mailed(office)] == ["dewi@kota.example"]
