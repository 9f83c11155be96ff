"""The console's forms: all errors in one round, each at its field; nothing typed is lost; no list is cut silently."""

import html
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from actions.steering.preview import LONGEST
from database import Database
from models import Appraisal, Extension, Person
from rules.terms import Locale
from tests.web.hr import Hr, count, stranger_to

pytest_plugins = ["tests.lived"]
TEMPLATES = Path(__file__).parents[2] / "web" / "templates"
WRONG: dict[str, tuple[dict[str, str], set[str]]] = {
    "extend": (
        {"until": "besok", "unit": "XX", "person": "123", "reason": "x" * (LONGEST["reason"] + 7)},
        {"stage", "until", "unit", "person", "decree_no", "reason"},
    ),
    "reassign": ({"employees": "123, 456", "new": "789"}, {"employees", "new", "role", "reason"}),
    "delegate": (
        {"principal": "123", "from_on": "31-02-2026"},
        {"principal", "acting", "kind", "decree_no", "from_on", "to_on"},
    ),
    "pause": ({}, {"reason"}),
}
"""What is sent, and every field that is wrong with it."""


@pytest.fixture
def hr(january: Database, app: Any) -> Hr:
    return Hr(app, january).sign_in()


def wrong_fields(page: str) -> set[str]:
    return set(re.findall(r'class="wrong" id="e-([^"]*)"', page))


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize("lang", ["id", "en"])
def test_everything_wrong_is_said_in_one_round_at_its_field_and_what_was_typed_stays(
    hr: Hr, january: Database, what: str, lang: str
) -> None:
    sent, expected = WRONG[what]
    answer = hr.order(f"{hr.cycle()}/{what}?lang={lang}", **sent)
    page = html.unescape(answer.text)
    assert answer.status_code == 422
    assert wrong_fields(page) == expected
    assert set(re.findall(r'<li><a href="#([^"]*)">', page)) == expected, "the summary leads to each"
    assert all(f'id="{name}"' in page for name in expected)
    assert f"<title>{'Error' if lang == 'en' else 'Kesalahan'}: " in page
    assert 'tabindex="-1" autofocus' in page
    assert all(text in page for text in sent.values())
    assert count(january, Extension) == [0]


def test_what_the_action_refuses_is_said_with_what_the_form_cannot_read(hr: Hr) -> None:
    sent = {"stage": "target_setting", "until": "5-1-2026", "person": "123", "reason": ""}
    page = html.unescape(hr.order(f"{hr.cycle()}/extend", **sent).text)
    assert wrong_fields(page) == {"until", "person", "decree_no", "reason"}
    assert "sudah lewat" in page


def test_a_text_over_the_limit_is_kept_and_counted(hr: Hr) -> None:
    reason = "y" * (LONGEST["reason"] + 7)
    page = hr.order(f"{hr.cycle()}/pause", reason=reason).text
    assert reason in page
    assert "1007 karakter, kelebihan 7" in page


@pytest.mark.parametrize(
    "until",
    ["2026-02-27", "27-2-2026", "27/02/2026", "27 Februari 2026", "Jumat, 27 Februari 2026", "27\u200b Feb 2026"],
)
def test_a_day_is_understood_as_people_write_it(hr: Hr, until: str) -> None:
    answer = hr.order(
        f"{hr.cycle()}/extend", stage="target_setting", until=until, decree_no="800/7", reason="Banjir"
    )  # fmt: skip
    assert answer.status_code == 200, html.unescape(answer.text)
    assert "Jumat, 27 Februari 2026" in html.unescape(answer.text)


def test_pasted_nips_are_read_one_to_a_line_with_spaces_and_commas(hr: Hr, january: Database) -> None:
    with january.reading() as session:
        cases = session.scalars(select(Appraisal).filter(Appraisal.rater_id > 1).order_by(Appraisal.id.desc())).all()
        rater = cases[0].rater_id
        mine = [one.employee_id for one in cases if one.rater_id == rater][:2]
        nips = [session.get_one(Person, one).nip for one in mine]
        near = {rater, *mine, *(one.authority_id for one in cases if one.employee_id in mine), hr.who}
        new = session.scalars(select(Person.nip).where(Person.id.in_({o.rater_id for o in cases} - near))).first()
    spaced = f"{nips[0][:8]} {nips[0][8:14]} {nips[0][14]} {nips[0][15:]}"
    answer = hr.order(
        f"{hr.cycle()}/reassign", employees="\r\n".join([spaced, *nips[1:]]), new=new, role="rater", reason="Mutasi"
    )  # fmt: skip
    assert answer.status_code == 200, html.unescape(answer.text)


def test_errors_of_a_persons_forms_stand_at_their_fields(hr: Hr, january: Database) -> None:
    person = stranger_to(january, hr.who).id
    page = hr.order(f"/hr/p/{person}/address", address="a b@x")
    assert (page.status_code, wrong_fields(page.text)) == (422, {"address", "reason"})
    assert 'value="a b@x"' in page.text
    page = hr.order(f"/hr/p/{person}/resend")
    assert (page.status_code, wrong_fields(page.text)) == (422, {"stage", "reason"})


@pytest.mark.parametrize("what", WRONG)
def test_the_other_language_brings_along_what_was_typed_and_checks_nothing(hr: Hr, what: str) -> None:
    sent = WRONG[what][0] | {"reason": "Banjir di kantor"}
    answer = hr.order(f"{hr.cycle()}/{what}?lang=en", then="en", **sent)
    page = html.unescape(answer.text)
    assert answer.status_code == 200
    assert "See whom it touches" in page
    assert wrong_fields(page) == set()
    shown = sent if what != "delegate" else {name: text for name, text in sent.items() if name != "reason"}
    assert all(text in page for text in shown.values())


def test_a_language_that_an_officer_chose_holds_in_the_console_and_a_lone_press_keeps_nothing(
    hr: Hr, january: Database
) -> None:
    assert "/hr/language" in hr.get("/hr?lang=en").text
    assert hr.order("/hr/language", language="en").status_code == 422
    assert "Konsol" in hr.get("/hr").text
    hr.order("/hr/language", language="en", confirm="yes")
    assert "HR console" in hr.get("/hr").text
    with january.reading() as session:
        assert session.get_one(Person, hr.who).locale is Locale.EN


def test_whom_an_order_touches_can_be_read_to_the_end(hr: Hr, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.hr.steering.SHOWN", 3)
    order = {"stage": "target_setting", "until": "27-2-2026", "decree_no": "800/7", "reason": "Banjir"}
    page = hr.order(f"{hr.cycle()}/extend", **order).text
    first = re.findall(r'<li><a href="/hr/p/(\d+)"', page)
    assert "masih ada" in page
    seen = re.search(r'name="seen" value="([^"]*)"', page)
    assert seen is not None
    page = hr.order(f"{hr.cycle()}/extend", **order, seen=seen[1], **{"from": "3"}).text
    second = re.findall(r'<li><a href="/hr/p/(\d+)"', page)
    assert (len(first), len(second)) == (3, 3)
    assert set(first).isdisjoint(second)
    assert "Pratinjau" in page, "turning a page confirms nothing"


def test_a_search_goes_on_after_its_first_page(hr: Hr, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actions.console.overview.PAGE", 3)
    pages = [hr.post("/hr/p", {"q": "an", "from": start}).text for start in ("0", "3")]
    found = [re.findall(r'<li><a href="/hr/p/(\d+)"', page) for page in pages]
    assert all(len(one) == 3 for one in found)
    assert set(found[0]).isdisjoint(found[1])
    assert "masih ada" in pages[0]


def test_no_template_limits_what_can_be_pasted() -> None:
    for template in TEMPLATES.rglob("*.html"):
        assert "maxlength" not in template.read_text(encoding="utf-8"), template.name
