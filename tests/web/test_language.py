"""The language that a person chose holds for their pages and letters; looking at a page chooses nothing."""

from office import Browser, Office, dump, plan_form
from sqlalchemy import select

from models import Letter, Person, TrailEntry
from rules.terms import ActKind, Locale, StageKind

STAGE = StageKind.TARGET_SETTING


def locale_of(office: Office, first: str) -> Locale:
    with office.db.reading() as session:
        return session.get_one(Person, office.people[first]).locale


def test_looking_in_another_language_changes_nothing(office: Office, browser) -> None:
    dewi: Browser = browser().enter("dewi")
    before = dump(office.db)
    dewi.get("/w?lang=en")
    assert "Your tasks" in dewi.html
    assert dump(office.db) == before


def test_a_choice_is_kept_once_it_is_ticked_and_a_lone_press_keeps_nothing(office: Office, browser) -> None:
    dewi: Browser = browser().enter("dewi")
    dewi.get("/w?lang=en")
    dewi.fill("/w/language", {})
    assert (dewi.status, locale_of(office, "dewi")) == (422, Locale.ID)
    dewi.get("/w?lang=en")
    dewi.fill("/w/language", {"confirm": "yes"})
    assert locale_of(office, "dewi") is Locale.EN
    dewi.get("/w")
    assert "Your tasks" in dewi.html
    assert "/w/language" not in dewi.html, "nothing is offered that holds already"
    assert "Hello, Dewi R." in browser().get(f"/a/{office.token('dewi')}"), "the next link too"
    with office.db.reading() as session:
        assert "person.language_chosen" in session.scalars(select(TrailEntry.type)).all()


def test_whoever_acts_in_a_language_they_picked_is_answered_in_it(office: Office, browser) -> None:
    dewi: Browser = browser().enter("dewi")
    task = office.task("dewi", ActKind.DRAFT_TARGETS)
    dewi.get(f"/w/task/{task}?lang=en")
    dewi.fill(f"/w/task/{task}", {"confirm": ""} | plan_form(1) | {"items.0.title": ""}, to=f"/w/task/{task}?lang=en")
    assert locale_of(office, "dewi") is Locale.ID, "a refused form chooses nothing"
    dewi.get(f"/w/task/{task}?lang=en")
    dewi.fill(f"/w/task/{task}", plan_form(1), to=f"/w/task/{task}?lang=en")
    assert dewi.url.startswith("/w/done/"), dewi.html
    with office.db.reading() as session:
        receipt = session.scalars(select(Letter).filter_by(kind="receipt")).one()
        assert (receipt.locale, locale_of(office, "dewi")) == (Locale.EN, Locale.EN)
