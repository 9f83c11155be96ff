"""The HR console: who gets in, what they see, and that nothing is done that was not shown and confirmed."""

import html
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

import clock
from actions.access import knocks
from database import Database
from models import (
    Agency,
    Appraisal,
    Assignment,
    Cycle,
    Extension,
    Knock,
    Letter,
    Person,
    RoleGrant,
    SigninCode,
    Stage,
    TrailEntry,
    WebSession,
)
from rules.terms import AssignmentState, CycleState, LetterState, Role, StageKind
from tests.living import launch, tick
from tests.web.hr import FIELD, FORM, Hr, count, holder, stranger_to

pytest_plugins = ["tests.lived"]


@pytest.fixture
def hr(january: Database, app: Any) -> Hr:
    return Hr(app, january)


# getting in


def test_whoever_asks_for_a_link_sees_the_same_and_only_the_role_gets_a_letter(hr: Hr, january: Database) -> None:
    with january.reading() as session:
        granted = select(RoleGrant.person_id)
        plain = session.scalars(select(Person.email).where(Person.id.not_in(granted))).first()
    auditor = holder(january, Role.AUDITOR).email
    admin = holder(january, Role.PERFORMANCE_ADMIN).email
    pages = {
        hr.post("/hr/link", {"address": one}).text for one in (plain, auditor, "nobody@x.example", "", admin.upper())
    }
    assert len(pages) == 1
    with january.reading() as session:
        letter = session.scalars(select(Letter).filter_by(kind="sign_in")).one()
        assert letter.address == admin
        assert letter.lane == "urgent"
        assert letter.not_after is not None
        assert (letter.not_after - letter.queued_at).total_seconds() == 900
        assert "token" not in str(letter.facts)


def test_the_letter_opens_nothing_but_in_the_browser_that_asked_and_there_once(
    hr: Hr, january: Database, app: Any
) -> None:
    hr.post("/hr/link", {"address": holder(january, Role.PERFORMANCE_ADMIN).email})
    code, before = hr.code(), count(january, WebSession, TrailEntry)
    thief = Hr(app, january)
    assert thief.post("/hr/code", {"code": code}).status_code == 422
    thief.post("/hr/link", {"address": "nobody@x.example"})
    assert thief.post("/hr/code", {"code": code}).status_code == 422
    for path in ("/hr", "/hr/code"):
        assert "set-cookie" not in hr.get(path).headers
    assert count(january, WebSession, TrailEntry) == before
    assert hr.post("/hr/code", {"code": f" {code[:4]} {code[4:]}. "}).status_code == 303
    assert hr.get("/hr").text.count("/hr/c/") == 1
    assert hr.post("/hr/code", {"code": code}).status_code == 422
    with january.reading() as session:
        entry = session.scalars(select(TrailEntry).filter_by(type="console.signed_in")).one()
        assert entry.actor_id == holder(january, Role.PERFORMANCE_ADMIN).id


def test_a_scanner_that_presses_every_button_of_the_letter_and_its_pages_gets_no_session(
    hr: Hr, january: Database, app: Any
) -> None:
    hr.post("/hr/link", {"address": holder(january, Role.PERFORMANCE_ADMIN).email})
    scanner = Hr(app, january)
    for path in ("/hr", "/hr/code", "/"):
        assert scanner.get(path).status_code == 200
    for form in ("/hr/link", "/hr/code", "/hr/end", "/"):
        assert scanner.post(form, {}).status_code < 500
    assert count(january, WebSession) == [0]
    assert hr.post("/hr/code", {"code": hr.code()}).status_code == 303


def test_a_strangers_requests_keep_nobody_out(hr: Hr, january: Database, app: Any) -> None:
    address = holder(january, Role.PERFORMANCE_ADMIN).email
    for _ in range(8):
        stranger = Hr(app, january)
        assert stranger.post("/hr/link", {"address": address}).status_code == 200
        for wrong in range(5):
            stranger.post("/hr/code", {"code": f"{wrong:08d}"})
    with january.reading() as session:
        assert len(session.scalars(select(Letter.id).filter_by(kind="sign_in")).all()) == 3, "no flood of letters"
    assert hr.post("/hr/link", {"address": address}).status_code == 200
    assert hr.post("/hr/code", {"code": hr.code()}).status_code == 303, "the code of the newest letter counts here"
    assert stranger.post("/hr/code", {"code": hr.code()}).status_code == 422


def test_a_code_shared_by_several_browsers_counts_once(hr: Hr, january: Database, app: Any) -> None:
    address = holder(january, Role.PERFORMANCE_ADMIN).email
    browsers = [Hr(app, january) for _ in range(5)]
    for browser in browsers:
        browser.post("/hr/link", {"address": address})
    code = hr.code()
    assert [browser.post("/hr/code", {"code": code}).status_code for browser in browsers[2:]] == [303, 422, 422]


def test_five_wrong_codes_end_a_request_whoever_it_was_for(hr: Hr, january: Database) -> None:
    said = []
    for address in (holder(january, Role.PERFORMANCE_ADMIN).email, "nobody@x.example"):
        hr.post("/hr/link", {"address": address})
        answers = [hr.post("/hr/code", {"code": "1"}) for _ in range(6)]
        said.append([(answer.status_code, answer.text) for answer in answers])
        assert "Sisa percobaan: 4." in answers[0].text
    assert said[0] == said[1]


def test_too_many_wrong_codes_turn_away_browsers_that_are_not_known_and_no_other(
    hr: Hr, january: Database, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actions.access.signin.WRONG_AN_HOUR", 7)
    hr.sign_in()
    hr.post("/hr/end", {"who": hr.who})
    address = holder(january, Role.PERFORMANCE_ADMIN).email
    stranger = Hr(app, january)
    for _ in range(2):
        stranger.post("/hr/link", {"address": address})
        for _ in range(5):
            refused = stranger.post("/hr/code", {"code": "1"})
    assert refused.status_code == 429
    hr.post("/hr/link", {"address": address})
    assert hr.post("/hr/code", {"code": hr.code()}).status_code == 303


def test_nothing_is_looked_up_before_the_answer_is_out(
    hr: Hr, january: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy import event

    asked: list[str] = []
    event.listen(january.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    monkeypatch.setattr("web.desk.knocking.answer", lambda at: asked.append("-- answered"))
    hr.post("/hr/link", {"address": "first@x.example"})
    seen = []
    for address in (holder(january, Role.PERFORMANCE_ADMIN).email, "nobody@x.example", "198001012005011001"):
        asked.clear()
        hr.post("/hr/link", {"address": address})
        seen.append(list(asked))
    assert seen[0] == seen[1] == seen[2]
    assert not [one for one in seen[0] if "person" in one.lower()]
    assert seen[0][-1] == "-- answered"


def test_what_a_process_that_died_left_unanswered_is_answered_with_the_next_request(
    hr: Hr, january: Database, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as dying:
        dying.setattr("web.desk.knocking.answer", lambda at: None)
        hr.post("/hr/link", {"address": holder(january, Role.PERFORMANCE_ADMIN).email})
    assert count(january, SigninCode) == [0]
    Hr(app, january).post("/hr/link", {"address": "nobody@x.example"})
    assert hr.post("/hr/code", {"code": hr.code()}).status_code == 303


def test_a_code_is_good_for_fifteen_minutes(hr: Hr, january: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    hr.post("/hr/link", {"address": holder(january, Role.PERFORMANCE_ADMIN).email})
    at = clock.now()
    monkeypatch.setattr("clock.now", lambda: at + timedelta(minutes=15))
    assert hr.post("/hr/code", {"code": hr.code()}).status_code == 422


def test_what_was_asked_is_forgotten_once_it_is_answered(hr: Hr, january: Database) -> None:
    hr.post("/hr/link", {"address": "somebody@x.example"})
    with january.transaction() as session:
        assert session.scalars(select(Knock.said)).all() == [""]
        assert knocks.forget(session, at=clock.now() + timedelta(days=2)) == 1


def test_a_role_that_ends_ends_the_session(hr: Hr, january: Database) -> None:
    hr.sign_in()
    assert hr.get(hr.cycle()).status_code == 200
    with january.transaction() as session:
        for grant in session.scalars(select(RoleGrant).filter_by(person_id=hr.who)):
            grant.to_on = grant.from_on
    assert hr.get(hr.cycle()).status_code == 401


def test_who_signs_out_is_out(hr: Hr) -> None:
    hr.sign_in()
    assert hr.order("/hr/end").status_code == 303
    assert hr.get(hr.cycle()).status_code == 401


def test_a_desk_cookie_is_not_a_console_cookie(hr: Hr) -> None:
    hr.sign_in()
    value = hr.client.cookies["h"]
    hr.client.cookies.clear()
    hr.client.cookies.set("s", value)
    assert hr.get(hr.cycle()).status_code == 401


def test_only_three_links_an_hour(hr: Hr, january: Database) -> None:
    for _ in range(5):
        hr.post("/hr/link", {"address": holder(january, Role.PERFORMANCE_ADMIN).email})
    with january.reading() as session:
        assert len(session.scalars(select(Letter.id).filter_by(kind="sign_in")).all()) == 3


# looking

PATHS = ("", "/late", "/cases", "/cases?show=no_authority", "/cases?show=ended", "/mail", "/mail?wave=1",
         "/changes", "/audit", "/steer")  # fmt: skip


@pytest.mark.parametrize("lang", ["id", "en"])
def test_every_page_is_there_in_both_languages_and_changes_nothing(hr: Hr, january: Database, lang: str) -> None:
    hr.sign_in()
    before = count(january, TrailEntry, Letter, Assignment, WebSession)
    for path in PATHS:
        page = hr.get(f"{hr.cycle()}{path}{'&' if '?' in path else '?'}lang={lang}")
        assert page.status_code == 200, path
        assert f'<html lang="{lang}">' in page.text
        assert page.headers["cache-control"] == "no-store"
        assert "style=" not in page.text
        assert "<script" not in page.text
    assert count(january, TrailEntry, Letter, Assignment, WebSession) == before


def test_the_cycle_page_counts_what_the_tables_hold(hr: Hr, january: Database) -> None:
    hr.sign_in()
    page = hr.get(hr.cycle()).text
    with january.reading() as session:
        stage = session.scalars(select(Stage).filter_by(kind=StageKind.TARGET_SETTING)).one()
        owed = select(func.count()).select_from(Assignment).filter_by(stage_id=stage.id, optional=False)
        done = session.scalar(owed.where(Assignment.state == AssignmentState.DONE))
        assert f"{done} dari {session.scalar(owed)} tugas selesai, 0 terlambat" in page


def test_who_is_late_is_listed_with_what_is_known_of_why(hr: Hr, january: Database) -> None:
    with january.transaction() as session:
        stage = session.scalars(select(Stage).filter_by(kind=StageKind.TARGET_SETTING)).one()
        late = session.scalars(
            select(Assignment).filter_by(stage_id=stage.id, state=AssignmentState.OPEN).order_by(Assignment.id)
        ).all()[:2]
        for one in late:
            one.due_at = stage.opens_at
        bounced = session.scalars(select(Letter).filter_by(person_id=late[0].person_id, stage_id=stage.id))
        for letter in bounced:
            letter.state, letter.reply = LetterState.BOUNCED_HARD, "550 5.1.1 no such user"
        name = session.get_one(Person, late[0].person_id).name
    hr.sign_in()
    page = html.unescape(hr.get(f"{hr.cycle()}/late").text)
    assert "2 baris" in page
    assert name in page
    assert "surat tidak sampai" in page
    assert "tautan belum pernah dibuka" in page
    mail = html.unescape(hr.get(f"{hr.cycle()}/mail").text)
    assert "550 5.1.1 no such user" in mail
    assert "Perbaiki alamat" in mail


def test_a_person_page_shows_duties_and_letters_but_nothing_confidential(hr: Hr, january: Database) -> None:
    hr.sign_in()
    with january.reading() as session:
        person = session.scalars(select(Letter.person_id).filter_by(kind="receipt")).first()
        assert person is not None
        name, nip = session.execute(select(Person.name, Person.nip).filter_by(id=person)).one()
    page = html.unescape(hr.get(f"/hr/p/{person}").text)
    assert name in page
    assert "Tanda terima" in page
    assert "/a/" not in page
    found = html.unescape(hr.post("/hr/p", {"q": nip[:9]}).text)
    assert name in found


def test_hr_of_one_agency_sees_nothing_of_another(hr: Hr, january: Database) -> None:
    officer = holder(january, Role.PERFORMANCE_ADMIN).id
    with january.transaction() as session:
        other = Agency(code="lain", name="Kota Lain", zone="Asia/Jakarta")
        session.add(other)
        session.flush()
        session.get_one(Person, officer).agency_id = other.id
        stranger = officer + 1
    hr.sign_in()
    for path in PATHS:
        assert hr.get(f"{hr.cycle()}{path}").status_code == 404
    assert hr.get(f"/hr/p/{stranger}").status_code == 404
    assert hr.order(f"{hr.cycle()}/pause", reason="x y z").status_code == 404


# steering

EXTEND = {"stage": "target_setting", "until": "2026-01-28", "decree_no": "800/7", "reason": "Banjir"}


def test_a_form_shows_whom_it_touches_and_only_the_confirmation_does_it(hr: Hr, january: Database) -> None:
    hr.sign_in()
    seen = hr.order(f"{hr.cycle()}/extend", **EXTEND)
    with january.reading() as session:
        assert not session.scalars(select(Extension)).all()
        owing = session.scalars(
            select(Assignment.person_id).where(Assignment.state == AssignmentState.OPEN).distinct()
        ).all()
    assert f"Menyentuh {len(owing)} orang" in seen.text
    done = hr.confirm(seen)
    assert "Sudah dilakukan" in done.text
    assert f"Menyentuh {len(owing)} orang" in done.text
    with january.reading() as session:
        row = session.scalars(select(Extension)).one()
        assert (row.by_id, row.decree_no) == (hr.who, "800/7")
        told = session.scalars(select(Letter.person_id).filter_by(kind="deadline_moved")).all()
        assert set(told) == set(owing)
    again = hr.confirm(seen)
    assert again.status_code == 422
    assert count(january, Extension) == [1]


def test_a_confirmation_of_something_else_shows_the_new_preview_instead(hr: Hr, january: Database) -> None:
    hr.sign_in()
    seen = hr.order(f"{hr.cycle()}/extend", **EXTEND)
    with january.transaction() as session:
        one = session.scalars(select(Assignment).filter_by(state=AssignmentState.OPEN)).first()
        assert one is not None
        one.state = AssignmentState.WITHDRAWN
    changed = hr.confirm(seen)
    assert "Keadaan berubah" in changed.text
    assert count(january, Extension) == [0]
    assert "Sudah dilakukan" in hr.confirm(changed).text


def test_an_address_is_corrected_and_the_page_keeps_what_was_typed_wrong(hr: Hr, january: Database) -> None:
    hr.sign_in()
    person = stranger_to(january, hr.who).id
    wrong = hr.order(f"/hr/p/{person}/address", address="a b@x", reason="Salah ketik")
    assert wrong.status_code == 422
    assert 'value="a b@x"' in wrong.text
    seen = hr.order(f"/hr/p/{person}/address", address="baru@mamuju.example", reason="Salah ketik")
    assert "Sudah dilakukan" in hr.confirm(seen).text
    with january.reading() as session:
        assert session.get_one(Person, person).email == "baru@mamuju.example"
    resend = hr.order(f"/hr/p/{person}/resend", stage=1, reason="Terhapus")
    assert "Sudah dilakukan" in hr.confirm(resend).text
    assert hr.order(f"/hr/p/{person}/resend", stage=4, reason="Terhapus").status_code == 422


def test_an_official_is_replaced_a_mandate_recorded_the_cycle_paused_and_resumed(hr: Hr, january: Database) -> None:
    hr.sign_in()
    with january.reading() as session:
        case = session.scalars(select(Appraisal).filter(Appraisal.rater_id > 1).order_by(Appraisal.id.desc())).first()
        assert case is not None
        new = session.scalars(select(Appraisal.rater_id).where(Appraisal.rater_id.not_in(
            [case.rater_id, case.authority_id, case.employee_id]), Appraisal.rater_id != 1)).first()  # fmt: skip
        nips = dict(session.execute(select(Person.id, Person.nip)).tuples().all())
        session.expunge_all()
    assert new is not None
    assert case.rater_id is not None
    cycle = hr.cycle()
    orders = [
        (f"{cycle}/reassign", {"employees": nips[case.employee_id], "new": nips[new], "role": "rater",
                               "reason": "Mutasi"}),
        (f"{cycle}/delegate", {"principal": nips[case.rater_id], "acting": nips[new], "kind": "plh",
                               "decree_no": "821/2", "from_on": "2026-01-20", "to_on": "2026-01-22"}),
        (f"{cycle}/pause", {"reason": "Server dipindah"}),
        (f"{cycle}/resume", {"reason": "Server kembali"}),
    ]  # fmt: skip
    for path, fields in orders:
        assert "Sudah dilakukan" in hr.confirm(hr.order(path, **fields)).text, path
    with january.reading() as session:
        assert session.get_one(Appraisal, case.id).rater_id == new
        assert session.scalars(select(Cycle)).one().state is CycleState.RUNNING
        types = set(session.scalars(select(TrailEntry.type).where(TrailEntry.actor_id == hr.who)))
        assert {"appraisal.reassigned", "mandate.recorded", "cycle.paused", "cycle.resumed"} <= types
    changes = html.unescape(hr.get(f"{cycle}/changes").text)
    assert "Pejabat diganti" in changes
    assert "821/2" in changes


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"person": "123"}, "NIP 123"),
        ({"unit": "XX"}, "Kode unit XX"),
        ({"until": "28 Januari"}, "28 Januari"),
        ({"until": "2026-01-05"}, "sudah lewat"),
        ({"decree_no": ""}, "Nomor surat keputusan"),
    ],
)
def test_a_form_that_cannot_be_done_says_why_and_keeps_what_was_typed(hr: Hr, fields: dict, words: str) -> None:
    hr.sign_in()
    answer = hr.order(f"{hr.cycle()}/extend", **EXTEND | fields)
    assert answer.status_code == 422
    assert words in html.unescape(answer.text)
    assert 'value="Banjir"' in answer.text


@pytest.mark.parametrize("what", ["pause", "extend"])
def test_what_no_form_holds_is_neither_shown_nor_sent_on(hr: Hr, what: str) -> None:
    hr.sign_in()
    answer = hr.order(f"{hr.cycle()}/{what}", **EXTEND, from_on="abc", invented="x")
    assert answer.status_code == 200
    assert "invented" not in answer.text
    assert "abc" not in answer.text
    assert hr.confirm(answer).status_code == 200


def test_the_appointing_authority_reads_and_steers_nothing(hr: Hr, january: Database) -> None:
    hr.sign_in(Role.APPOINTING_AUTHORITY)
    page = hr.get(hr.cycle())
    assert page.status_code == 200
    assert f"{hr.cycle()}/steer" not in page.text
    assert hr.order(f"{hr.cycle()}/extend", **EXTEND).status_code == 403
    assert hr.order("/hr/p/3/address", address="x@y.example", reason="xyz").status_code == 403
    assert count(january, Extension) == [0]


def test_without_a_session_from_elsewhere_or_for_somebody_else_nothing_is_done(hr: Hr, january: Database) -> None:
    cycle = hr.cycle()
    assert hr.post(f"{cycle}/extend", {"who": 1, **EXTEND}).status_code == 401
    hr.sign_in()
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = hr.client.post(f"{cycle}/extend", data={"who": hr.who, **EXTEND}, headers=headers)
        assert answer.status_code == 403
    assert hr.client.post(f"{cycle}/extend", data={"who": hr.who, **EXTEND}).status_code == 403
    assert hr.post(f"{cycle}/extend", {"who": hr.who + 1, **EXTEND}).status_code == 409
    assert hr.get(f"{cycle}/extend").status_code in (404, 405)
    assert hr.order(f"{cycle}/destroy", reason="x").status_code == 404
    assert count(january, Extension) == [0]


def test_a_page_of_late_people_takes_few_queries_whatever_their_number(
    hr: Hr, january: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy import event

    with january.transaction() as session:
        stage = session.scalars(select(Stage).filter_by(kind=StageKind.TARGET_SETTING)).one()
        for one in session.scalars(select(Assignment).filter_by(stage_id=stage.id, state=AssignmentState.OPEN)):
            one.due_at = stage.opens_at
    hr.sign_in()
    asked: list[str] = []
    event.listen(january.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    assert hr.get(f"{hr.cycle()}/late").status_code == 200
    assert len(asked) < 40


def test_on_postgresql_every_page_is_there_and_a_form_does_what_it_showed(pg: Database, app: Any) -> None:
    launch(pg)
    tick(pg, datetime(2026, 1, 2, 1, tzinfo=UTC))
    hr = Hr(app, pg).sign_in()
    for path in PATHS:
        assert hr.get(f"{hr.cycle()}{path}").status_code == 200, path
    assert hr.get("/hr/p/3").status_code == 200
    assert hr.post("/hr/p", {"q": "pattana"}).text.count("/hr/p/") > 1
    assert "Sudah dilakukan" in hr.confirm(hr.order(f"{hr.cycle()}/extend", **EXTEND)).text
    assert "Sudah dilakukan" in hr.confirm(hr.order(f"{hr.cycle()}/pause", reason="Server dipindah")).text
    assert count(pg, Extension) == [1]


def test_who_asks_for_links_again_and_again_is_turned_away(hr: Hr) -> None:
    answers = [hr.post("/hr/link", {"address": "x@y.example"}).status_code for _ in range(12)]
    assert answers[0] == 200
    assert answers[-1] == 429


def test_weighty_acts_ask_for_a_code_once_in_a_quarter_of_an_hour_and_the_order_travels_along(
    hr: Hr, january: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    hr.sign_in()
    seen = hr.order(f"{hr.cycle()}/extend", **EXTEND)
    action, body = next((a, b) for a, b in FORM.findall(seen.text) if 'name="seen"' in b)
    sent = {name: html.unescape(value) for name, value in FIELD.findall(body)}
    asked = hr.post(action, sent)
    assert "Kode konfirmasi" in asked.text
    assert count(january, Extension) == [0], "the session alone does nothing weighty"
    assert hr.type_code(asked, "1").status_code == 422
    assert count(january, Extension) == [0]
    before = hr.client.cookies["h"].split(".")[0]
    assert "Sudah dilakukan" in hr.type_code(asked).text
    assert count(january, Extension) == [1]
    assert hr.client.cookies["h"].split(".")[0] != before, "a session gets a new secret with new rights"
    seen = hr.order(f"{hr.cycle()}/pause", reason="Server dipindah")
    action, body = next((a, b) for a, b in FORM.findall(seen.text) if 'name="seen"' in b)
    sent = {name: html.unescape(value) for name, value in FIELD.findall(body)}
    assert "Sudah dilakukan" in hr.post(action, sent).text, "a code counts for a quarter of an hour"
    at = clock.now()
    monkeypatch.setattr("clock.now", lambda: at + timedelta(minutes=16))
    seen = hr.order(f"{hr.cycle()}/resume", reason="Server kembali")
    action, body = next((a, b) for a, b in FORM.findall(seen.text) if 'name="seen"' in b)
    sent = {name: html.unescape(value) for name, value in FIELD.findall(body)}
    assert "Kode konfirmasi" in hr.post(action, sent).text


def test_own_sessions_are_seen_and_ended_and_nobody_elses(hr: Hr, january: Database, app: Any) -> None:
    other, boss = Hr(app, january).sign_in(), Hr(app, january).sign_in(Role.APPOINTING_AUTHORITY)
    hr.sign_in()
    page = hr.get("/hr/sessions").text
    assert (page.count("sesi ini"), page.count('name="session"')) == (1, 1)
    with january.reading() as session:
        foreign = session.scalars(select(WebSession.id).filter_by(person_id=boss.who)).one()
        mine = session.scalars(select(WebSession.id).filter_by(person_id=hr.who).order_by(WebSession.id)).all()
    hr.order("/hr/sessions", session=foreign)
    hr.order("/hr/sessions")
    assert [one.get("/hr/sessions").status_code for one in (hr, other, boss)] == [200, 200, 200]
    hr.order("/hr/sessions", session=mine[0])
    assert [one.get("/hr/sessions").status_code for one in (hr, other, boss)] == [200, 401, 200]
    other.sign_in()
    hr.order("/hr/sessions", all="yes")
    assert [one.get("/hr/sessions").status_code for one in (hr, other, boss)] == [200, 401, 200]
    with january.reading() as session:
        ended = session.scalars(select(TrailEntry.actor_id).filter_by(type="console.session_ended")).all()
        assert set(ended) == {hr.who}
