"""Sessions: short, bound to one link, told apart by person, and over when they are over."""

from datetime import timedelta

from office import HOST, ORIGIN, plan_form
from sqlalchemy import select

import clock
import settings
from models import Draft, Submission, WebSession
from rules.terms import ActKind, StageKind

STAGE = StageKind.TARGET_SETTING


def wait(**time: int) -> None:
    clock.move_to(clock.now() + timedelta(**time))


def test_the_cookie_is_kept_from_scripts_and_other_sites_and_only_its_hash_is_stored(office, browser):
    answer = browser().http.post(
        "/a", data={"token": office.token("dewi")}, headers=ORIGIN, follow_redirects=False
    )  # fmt: skip
    header = answer.headers["set-cookie"]
    assert header.startswith("s=")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(header.split("; "))
    assert "Domain" not in header
    secret = header[2:].split(".")[0]
    assert len(secret) == 43, "256 bits"
    with office.db.reading() as session:
        assert secret not in session.scalars(select(WebSession.secret_sha256)).one()


def test_over_tls_no_sibling_domain_can_set_the_cookie(office, monkeypatch):
    from office import Browser

    from web.app import create_app

    token = office.token("dewi")
    monkeypatch.setenv("APPRAISAL_BASE_URL", "https://kinerja.example")
    settings.load.cache_clear()
    http = Browser(create_app(), office).http
    origin = "https://kinerja.example"
    answer = http.post(
        f"{origin}/a", data={"token": token}, headers={"Origin": origin}, follow_redirects=False
    )  # fmt: skip
    assert answer.headers["set-cookie"].startswith("__Host-s=")
    assert "Secure" in answer.headers["set-cookie"]


def test_every_beginning_is_a_session_of_its_own(office, browser):
    dewi = browser().enter("dewi")
    first = dewi.http.cookies["s"]
    dewi.enter("dewi")
    assert dewi.http.cookies["s"] != first


def test_a_cookie_that_was_made_up_or_changed_is_nobody(office, browser):
    dewi = browser().enter("dewi")
    secret, stamp, mac = dewi.http.cookies["s"].split(".")
    later = f"{secret}.{int(stamp) + 9999}.{mac}"
    for forged in (
        later,
        f"{secret}.{stamp}.",
        secret,
        "a.b.c",
        f"x{secret}.{stamp}.{mac}",
        f"{secret}.{stamp}.{mac}x",
    ):
        answer = dewi.http.get("/w", headers={"Cookie": f"s={forged}"})
        assert answer.status_code == 401, forged
        assert "Dewi" not in answer.text


def test_it_ends_after_thirty_minutes_without_a_sign_of_life(office, browser):
    dewi = browser().enter("dewi")
    wait(minutes=29, seconds=59)
    assert dewi.http.get("/w").status_code == 200
    wait(minutes=29)
    assert dewi.http.get("/w").status_code == 200, "reading keeps it alive"
    wait(minutes=30)
    answer = dewi.http.get("/w")
    assert answer.status_code == 401
    assert "Sesi berakhir" in answer.text


def test_it_ends_after_eight_hours_whatever_happens(office, browser):
    dewi = browser().enter("dewi")
    for _ in range(23):
        wait(minutes=20)
        assert dewi.http.get("/w").status_code == 200
    wait(minutes=20)
    assert dewi.http.get("/w").status_code == 401


def test_what_is_typed_when_it_has_ended_becomes_a_draft_and_nothing_else(office, browser):
    dewi = browser().enter("dewi")
    task = office.task("dewi", ActKind.DRAFT_TARGETS)
    dewi.get(f"/w/task/{task}")
    wait(minutes=45)
    dewi.fill(f"/w/task/{task}", plan_form())
    assert dewi.status == 401
    assert "Terlayaninya warga" in dewi.html
    with office.db.reading() as session:
        assert session.scalars(select(Submission)).all() == []
        assert session.scalars(select(Draft)).one().body["items.0.title"] == "Terlayaninya warga"
    dewi.enter("dewi")
    dewi.get(f"/w/task/{task}")
    assert 'value="Terlayaninya warga"' in dewi.html
    assert "checked" not in dewi.html, "the box is for a person to tick anew"


def test_i_am_done_ends_it_and_back_shows_nothing(office, browser):
    dewi = browser().enter("dewi")
    cookie = dewi.http.cookies["s"]
    dewi.get("/w")
    answer = dewi.http.post("/w/end", data=dewi.fields("/w/end"), headers=ORIGIN)
    assert answer.headers["clear-site-data"] == '"cookies", "storage"'
    assert "Bapak/Ibu sudah keluar" in answer.text
    assert dewi.http.get("/w", headers={"Cookie": f"s={cookie}"}).status_code == 401
    assert dewi.http.post("/w/end", data={"who": "1"}, headers=ORIGIN).status_code == 200


def test_a_page_of_one_person_never_acts_for_another_in_the_same_browser(office, browser):
    shared = browser().enter("dewi")
    task = office.task("dewi", ActKind.DRAFT_TARGETS)
    shared.get(f"/w/task/{task}")
    page = shared.html
    shared.enter("eko")
    shared.html = page
    shared.fill(f"/w/task/{task}", plan_form())
    assert shared.status == 409
    assert "meja kerja Eko Santoso" in shared.html
    with office.db.reading() as session:
        assert session.scalars(select(Submission)).all() == []
        assert session.scalars(select(Draft)).all() == []


def test_without_a_session_the_desk_explains_what_to_do(office, browser):
    who = browser()
    for path in ("/w", "/w/task/1", "/w/done/ABC", "/w/code", "/w/case/1"):
        who.get(path)
        assert who.status == 401
        assert "Silakan buka lagi tautan Bapak/Ibu" in who.html
    for path in ("/w/task/1", "/w/task/1/draft", "/w/code", "/w/code/verify", "/w/note", "/w/task/1/wrong-supervisor"):
        who.send(path, {"who": "1", "text": "Teks yang panjang"})
        assert who.status == 401, path
    who.send("/a/notme", {"who": "1", "confirm": "yes"})
    assert who.status == 401


def test_too_many_forms_of_one_link_in_a_minute_are_refused(office, browser):
    dewi = browser().enter("dewi")
    task = office.task("dewi", ActKind.DRAFT_TARGETS)
    form = {"who": office.people["dewi"], "version": 1, "nonce": "n"}
    seen = [
        dewi.http.post(f"/w/task/{task}/draft", data=form, headers={**ORIGIN, "Accept": "*/*"}).status_code
        for _ in range(61)
    ]
    assert seen == [204] * 60 + [429]
    assert HOST  # the limit is kept in the database, so another process has it too
    wait(minutes=1)
    assert dewi.http.post(f"/w/task/{task}/draft", data=form, headers={**ORIGIN, "Accept": "*/*"}).status_code == 204
