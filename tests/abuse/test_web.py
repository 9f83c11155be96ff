"""A12 to A27: forms from elsewhere, sessions, races, and what people type. A23 and raw sockets: test_running.py."""

import asyncio
import csv
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from office import HOST, ORIGIN, Browser, Office, dump, plan_form
from openpyxl import load_workbook
from pypdf import PdfReader
from sqlalchemy import JSON, Text, func, select, text, update
from starlette.routing import Route

import clock
import settings
from actions import exports
from actions.mail.envelopes import post_of, secrets_of
from actions.mail.outbox import Claimed
from actions.store import trail
from database import Database
from models import (
    Agency,
    Assignment,
    Base,
    Cycle,
    Draft,
    Letter,
    Person,
    Posting,
    ResultItem,
    Stage,
    Submission,
    Supervision,
    TrailEntry,
    Unit,
    WebSession,
)
from notifications.compose import compose
from rules.roster.columns import row_of
from rules.terms import ActKind, AssignmentState, Locale, PostGroup, StageKind, Step
from tests.abuse.robots import Page, Scanner, kept
from tests.web.hr import newest_code
from web import security
from web.security import HEADERS, MAX_BODY

STAGE = StageKind.TARGET_SETTING
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def rows(db: Database, table: Any, **where: Any) -> list[Any]:
    with db.reading() as session:
        return list(session.scalars(select(table).filter_by(**where).order_by(*table.__table__.primary_key)).all())


def wait(**how: float) -> None:
    clock.move_to(clock.now() + timedelta(**how))


@pytest.fixture
def dewi(office, browser):
    who = browser().enter("dewi")
    who.task = office.task("dewi", ActKind.DRAFT_TARGETS)
    who.path = f"/w/task/{who.task}"
    who.get(who.path)
    return who


def filled(who: Any) -> dict[str, str]:
    return who.fields(who.path) | plan_form()


# A12 to A14: forms from elsewhere, frames, cookies

FOREIGN = [
    {}, {"Origin": "null"}, {"Origin": "https://evil.example"}, {"Origin": "http://127.0.0.1:8081"},
    {"Origin": "https://127.0.0.1:8080"}, {"Origin": "http://127.0.0.1"}, {"Referer": f"{HOST}/w"},
    {"Origin": "http://a.127.0.0.1:8080"}, {"Origin": f"{HOST}.evil.example"}, {"Origin": f"{HOST}, https://evil.example"},
    {"Sec-Fetch-Site": "cross-site", **ORIGIN}, {"Sec-Fetch-Site": "same-site", **ORIGIN},
    {"Sec-Fetch-Site": "none", **ORIGIN}, {"Sec-Fetch-Site": "", **ORIGIN},
]  # fmt: skip


def test_a12_no_form_of_any_page_counts_when_it_comes_from_elsewhere(app, dewi, office):
    posts = [r.path for r in app.router.routes if isinstance(r, Route) and "POST" in (r.methods or ())]
    paths = {re.sub(r"{(\w+):\w+}|{\w+}", str(dewi.task), path) for path in posts}
    assert {"/a", "/w/code", "/hr/link", dewi.path} <= paths
    token, form, before = office.token("dewi"), filled(dewi) | {"confirm": "yes"}, dump(office.db)
    for headers in FOREIGN:
        for path in paths:
            answer = dewi.http.post(path, data=form | {"token": token}, headers=headers, follow_redirects=False)
            assert answer.status_code == 403, (path, headers)
            assert "set-cookie" not in answer.headers
    assert dump(office.db) == before, "neither an act nor a session nor a count"
    assert dewi.send(dewi.path, form, {"Sec-Fetch-Site": "same-origin"})
    assert len(rows(office.db, Submission)) == 1


def test_a12_the_interface_for_programs_takes_no_cookie(dewi):
    for method, path in (("GET", "/tasks"), ("DELETE", "/session"), ("POST", "/cycles")):
        answer = dewi.http.request(method, f"/api/v1{path}", json={"agency_dir": "kota", "year": 2026})
        assert answer.status_code in (401, 404, 405), path


@pytest.mark.parametrize("path", ["/a/TOKEN", "/w", "/hr", "/nothing", "/a/" + "a" * 40])
def test_a13_no_page_can_be_framed(dewi, office, path):
    answer = dewi.http.get(path.replace("TOKEN", office.token("dewi")))
    assert answer.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_a14_a_session_that_somebody_planted_is_never_taken_over(office, browser):
    attacker, victim = browser().enter("eko"), browser()
    planted = attacker.http.cookies["s"]
    victim.http.cookies.set("s", planted)
    victim.enter("dewi")
    who = {row.person_id for row in rows(office.db, WebSession)}
    assert who == {office.people["eko"], office.people["dewi"]}
    attacker.get("/w")
    assert "Dewi" not in attacker.html, "the planted session did not become Dewi's"
    for made_up in ("x" * 43, planted.split(".")[0], f"{'A' * 43}.1767225600.{'0' * 32}"):
        assert browser().http.get("/w", headers={"Cookie": f"s={made_up}"}).status_code == 401
    assert len(rows(office.db, WebSession)) == 2


def test_a14_over_tls_only_a_host_cookie_counts(office, monkeypatch):
    token, origin = office.token("dewi"), "https://kinerja.example"
    monkeypatch.setenv("APPRAISAL_BASE_URL", origin)
    settings.load.cache_clear()
    from web.app import create_app

    http = Browser(create_app(), office).http
    http.base_url = origin
    answer = http.post("/a", data={"token": token}, headers={"Origin": origin}, follow_redirects=False)
    header = answer.headers["set-cookie"]
    assert header.startswith("__Host-s=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=strict"} <= set(header.split("; "))
    assert "domain" not in header.lower()
    value = header.split(";")[0].removeprefix("__Host-s=")
    http.cookies.clear()
    assert http.get("/w", headers={"Cookie": f"s={value}"}).status_code == 401, "a sibling domain can set this one"
    assert http.get("/w", headers={"Cookie": f"__Host-s={value}"}).status_code == 200


# A15 to A19: sessions that are over, and the same thing sent twice


def test_a15_a_session_ends_with_rest_with_hours_and_with_the_word_of_its_owner(office, dewi):
    form, cookie = filled(dewi), dewi.http.cookies["s"]
    wait(minutes=31)
    dewi.send(dewi.path, form)
    assert dewi.status == 401
    assert rows(office.db, Submission) == []
    dewi.enter("dewi")
    old = dewi.http.cookies["s"]
    dewi.get("/w")
    dewi.fill("/w/end", {})
    assert dewi.answer.headers["clear-site-data"] == '"cookies", "storage"'
    assert dewi.answer.headers["cache-control"] == "no-store", "Back asks us, and we show nothing"
    assert dewi.http.get("/w", headers={"Cookie": f"s={cookie}"}).status_code == 401
    answer = dewi.http.get("/w", headers={"Cookie": f"s={old}"})
    assert answer.status_code == 401
    assert "Dewi" not in answer.text
    dewi.send(dewi.path, form, {**ORIGIN, "Cookie": f"s={old}"})
    assert dewi.status == 401
    assert rows(office.db, Submission) == []
    dewi.enter("dewi")
    for _ in range(24):
        wait(minutes=20)
        dewi.get("/w")
    assert dewi.status == 401, "eight hours"


def test_a15_after_the_stage_closed_a_session_takes_nothing_but_shows_what_was_sent(office, dewi):
    form = filled(dewi)
    clock.move_to(rows(office.db, Stage, kind=STAGE)[0].closes_at - timedelta(minutes=5))
    dewi.enter("dewi")
    wait(minutes=6)
    office.step(STAGE, Step.CLOSE)
    before = kept(office.db)
    dewi.send(dewi.path, form)
    assert dewi.status == 409
    dewi.send(f"{dewi.path}/draft", form)
    assert dewi.status in (404, 409)
    dewi.get("/w")
    assert "Tahap ini ditutup pada" in dewi.html
    assert kept(office.db) == before


def test_a16_double_clicks_refreshes_back_tabs_and_resends_are_one_submission(office, dewi, app):
    first, cookie = filled(dewi), dewi.http.cookies["s"]
    dewi.get(dewi.path)
    second_tab = filled(dewi)

    def press(_n: int) -> tuple[int, str]:
        answer = Browser(app, office).http.post(
            dewi.path, data=first, headers={**ORIGIN, "Cookie": f"s={cookie}"}, follow_redirects=False
        )
        return answer.status_code, answer.headers.get("location", "")

    with ThreadPoolExecutor(4) as pool:
        answers = set(pool.map(press, range(6)))
    assert len(answers) == 1
    status, receipt = answers.pop()
    assert (status, receipt[:8]) == (303, "/w/done/")
    for _ in range(3):
        dewi.get(receipt)
        assert dewi.status == 200
    dewi.send(dewi.path, first)
    assert dewi.url == receipt, "Back and again"
    wait(hours=3)
    dewi.enter("dewi")
    dewi.send(dewi.path, first)
    assert dewi.url == receipt, "a phone that was offline"
    dewi.send(dewi.path, second_tab)
    assert dewi.status == 409
    (sent,) = rows(office.db, Submission)
    assert receipt.endswith(sent.receipt_no)
    assert office.letters("receipt") == 1
    assert len(rows(office.db, TrailEntry, type="draft_targets")) == 1


def test_a17_two_editors_lose_nothing(office, dewi, browser):
    other = browser().enter("dewi")
    other.get(dewi.path)
    mine, theirs = filled(dewi) | {"items.0.title": "Dari telepon"}, other.fields(dewi.path) | plan_form()
    dewi.send(f"{dewi.path}/draft", mine)
    other.send(f"{dewi.path}/draft", theirs)
    assert other.status == 409
    assert "Dari telepon" in other.html
    assert "Terlayaninya warga" in other.html
    (draft,) = rows(office.db, Draft)
    assert draft.body["items.0.title"] == "Dari telepon"
    other.send(dewi.path, theirs)
    assert other.url.startswith("/w/done/"), "what was typed there can be sent"
    dewi.send(dewi.path, mine)
    assert dewi.status == 409
    assert "Dari telepon" in dewi.html
    assert "Terlayaninya warga" in dewi.html
    assert len(rows(office.db, Submission)) == 1


def test_a18_one_nonce_with_another_body_is_refused_and_shows_both(office, dewi):
    form = filled(dewi)
    dewi.send(dewi.path, form)
    before = kept(office.db)
    for change in ({"items.0.title": "Yang lain"}, {"items.0.indicators.0.target": "9"}):
        dewi.send(dewi.path, form | change)
        assert dewi.status == 409
        assert next(iter(change.values())) in dewi.html
        assert "Terlayaninya warga" in dewi.html
    assert kept(office.db) == before


def test_a19_skipped_foreign_out_of_order_and_overfull_forms_change_nothing(office, dewi, browser):
    form, before = filled(dewi), kept(office.db, "action_link")
    with office.db.reading() as session:
        foreign = session.scalars(select(Assignment.id).where(Assignment.person_id != office.people["dewi"])).all()
        later = session.scalars(select(Stage.id).where(Stage.kind != STAGE)).all()
    assert later
    for task in (*foreign, 0, 999_999, 2**63 - 1, 2**63, 10**30):
        for path in (f"/w/task/{task}", f"/w/task/{task}/draft", f"/w/task/{task}/wrong-supervisor"):
            dewi.send(path, form | {"text": "Bukan urusan saya"})
            assert dewi.status in (404, 413), (path, dewi.status)
    for stage in list(StageKind)[1:]:
        ahead = browser().enter("dewi", stage)
        ahead.send(dewi.path, form)
        assert ahead.status == 404
    for extra in ("person_id", "state", "rating", "items.0.id", "items.0.plan_id", "established_by", "proof", "as_of"):
        dewi.send(dewi.path, form | {extra: "1"})
        assert dewi.status == 422, extra
    pairs = "&".join(f"{name}={value}" for name, value in form.items())
    for more in (
        "&confirm=yes",
        f"&who={office.people['eko']}",
        "&version=2",
        "&nonce=x",
        "&items.0.title=x",
        "&__x=1",
    ):
        assert dewi.http.post(dewi.path, content=pairs + more, headers=ORIGIN | FORM).status_code == 400, more
    for version in ("0", "2", "-1", "99999999999999999999", "1e0", "", "٣"):
        dewi.send(dewi.path, form | {"version": version})
        assert dewi.status == 409, version
    assert kept(office.db, "action_link", "draft") == before, "a refused form is a draft of its own writer at most"
    assert {draft.person_id for draft in rows(office.db, Draft)} <= {office.people["dewi"]}


# A20: the last second


class Crowd(Office):
    """The office with a hall full of clerks."""

    @property
    def size(self) -> int:
        return 50 if self.db.is_sqlite else 15

    def _people(self, session: Any) -> None:
        super()._people(session)
        unit = session.scalars(select(Unit).filter_by(code="dukcapil")).one()
        for n in range(self.size):
            person = Person(agency_id=unit.agency_id, nip=f"1990010120200110{n:02}", name=f"Petugas {n}",
                            email=f"petugas{n}@kota.example", active_from=date(2020, 1, 1))  # fmt: skip
            session.add(person)
            session.flush()
            self.people[f"p{n}"] = person.id
            session.add(Posting(person_id=person.id, unit_id=unit.id, post="Petugas", post_group=PostGroup.JA,
                                from_on=date(2020, 1, 1)))  # fmt: skip
            session.add(Supervision(person_id=person.id, superior_id=self.people["budi"], from_on=date(2020, 1, 1)))


def test_a20_around_the_last_second_the_database_decides_and_the_trail_agrees(both: Database, app):
    """Four forms of each clerk, four at a time, while the clock passes `closes_at` and the stage is being closed."""
    crowd = Crowd(both).found()
    crowd.open(STAGE)
    closes = rows(both, Stage, kind=STAGE)[0].closes_at
    clock.move_to(closes - timedelta(minutes=1))
    clerks, desks = [f"p{n}" for n in range(crowd.size)], {}
    for clerk in clerks:
        who = Browser(app, crowd)
        answer = who.http.post("/a", data={"token": crowd.token(clerk)}, headers=ORIGIN, follow_redirects=False)
        desks[clerk] = answer.cookies["s"], crowd.task(clerk, ActKind.DRAFT_TARGETS)
    answered, lock, half, more = [], threading.Lock(), threading.Event(), threading.Event()

    def send(n: int) -> None:
        clerk = clerks[n % crowd.size]
        cookie, task = desks[clerk]
        form = plan_form() | {"who": crowd.people[clerk], "version": "1", "nonce": f"nonce-{clerk}-000000"}
        answer = Browser(app, crowd).http.post(
            f"/w/task/{task}", data=form, headers={**ORIGIN, "Cookie": f"s={cookie}"}, follow_redirects=False
        )
        with lock:
            answered.append((clerk, answer.status_code))
            if len(answered) == crowd.size // 2:
                half.set()
            if len(answered) == crowd.size // 2 + 12:
                more.set()

    def close() -> None:
        half.wait(60)
        clock.move_to(closes + timedelta(seconds=1))
        more.wait(60)  # some come when the time is over and nothing has closed the stage yet
        crowd.step(STAGE, Step.CLOSE)

    with ThreadPoolExecutor(5) as pool:
        closing = pool.submit(close)
        list(pool.map(send, range(4 * crowd.size)))
        closing.result()
    assert len(answered) == 4 * crowd.size
    assert {status for _, status in answered} == {303, 409}
    taken = {clerk for clerk, status in answered if status == 303}
    assert 0 < len(taken) < crowd.size
    sent = rows(both, Submission)
    assert {s.person_id for s in sent} == {crowd.people[clerk] for clerk in taken}
    assert len(sent) == len(taken)
    assert all(s.at < closes for s in sent)
    for clerk in clerks:
        (task,) = rows(both, Assignment, id=desks[clerk][1])
        assert task.state is (AssignmentState.DONE if clerk in taken else AssignmentState.LAPSED)
    noted = rows(both, TrailEntry, type="draft_targets")
    assert {entry.actor_id for entry in noted} == {s.person_id for s in sent}
    assert len(noted) == len(sent)
    with both.reading() as session:
        assert trail.verify(session, session.scalars(select(Agency.id)).one()) == []
        assert session.scalar(select(func.count()).select_from(Letter).filter_by(kind="receipt")) == len(sent)


# A21: what people typed, wherever it is shown

EVIL = (
    "=1+1|</textarea></title><script>alert(1)</script><img src=x onerror=alert(1)>\"' onload=x "
    "{{ 7*7 }}{% raw %}#panic(1)"
)
LABELS = ("name", "agency", "contact", "reason", "decree")
OURS = {
    "zone", "pack", "pack_name", "pack_version", "indicators", "email", "address", "counts", "problems", "file_name",
    "event", "reply", "nonce", "distribution", "input",
}  # fmt: skip
"""Text columns that nobody types into."""


def poison(db: Database) -> int:
    """Write markup, a formula and template code into every column that people's texts end up in."""
    written = 0
    with db.transaction() as session:
        for guard in session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            session.execute(text(f"DROP TRIGGER {guard}"))  # as if it had been written before there were any
        for table in Base.metadata.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, Text) and column.name not in OURS and not column.foreign_keys:
                    held = update(table).where(column.is_not(None), column != "")
                    written += session.connection().execute(held.values({column.name: EVIL})).rowcount
                elif isinstance(column.type, JSON) and table.name in ("letter", "submission", "trail_entry"):
                    for key, value in session.execute(select(table.c.id, column)).all():
                        spoilt = update(table).where(table.c.id == key).values({column.name: _spoilt(value)})
                        session.connection().execute(spoilt)
    return written


def _spoilt(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: EVIL if key in LABELS else _spoilt(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_spoilt(one) for one in value]
    return EVIL if isinstance(value, str) and " " in value else value


@pytest.fixture
def poisoned(world_at, app):
    """A year up to the issued results, with EVIL in every text; and a browser for whoever holds a link."""
    world = world_at("issued")
    assert poison(world.db) > 50
    clock.move_to(world.at)
    return Office(world.db, dict(world.people))


def test_a21_no_page_runs_what_people_typed(poisoned, app):
    shown = pages = 0
    with poisoned.db.reading() as session:
        desks = session.execute(select(Assignment.person_id, Stage.kind).join(Stage).distinct()).all()
    names = {number: name for name, number in poisoned.people.items()}
    for person, stage in desks:
        who = Browser(app, poisoned).enter(names[person], stage)
        with poisoned.db.transaction() as session:  # as if the code had been entered
            session.execute(update(WebSession).values(proven_at=clock.now()))
        robot = Scanner(who)
        robot._press = lambda *_: None  # type: ignore[method-assign] - only looks
        robot.scan("/w")
        for html in robot.pages:
            found = Page(html)
            assert not found.scripts, found.scripts
            assert all(one.startswith("/static/") for one in found.resources)
            assert "|49" not in html.replace(" ", "")
            shown += html.count("&lt;script&gt;alert(1)")
        pages += len(robot.pages)
    assert pages > 25
    assert shown > 100


def test_a21_nor_does_the_console(poisoned, app):
    with poisoned.db.transaction() as session:
        address = session.get_one(Person, poisoned.people["hr"]).email
    hr = Browser(app, poisoned)
    hr.send("/hr/link", {"address": address})
    hr.send("/hr/code", {"code": newest_code(poisoned.db)})
    robot = Scanner(hr)
    robot._press = lambda *_: None  # type: ignore[method-assign]
    robot.scan("/hr")
    for html in robot.pages:
        found = Page(html)
        assert not found.scripts, found.scripts
        assert all(one.startswith("/static/") for one in found.resources)
    assert len(robot.pages) > 10
    assert sum(html.count("&lt;script&gt;alert(1)") for html in robot.pages) > 20


def test_a21_nor_any_letter_in_its_subject_text_or_markup(poisoned):
    kinds = set()
    with poisoned.db.reading() as session:
        for letter in session.scalars(select(Letter)):
            told = {"url": f"{HOST}/a/x", "code": "12345678"} | dict(letter.facts)
            for locale in Locale:
                made = compose(letter.kind, told, locale)
                found = Page(made.html)
                assert not [one for one in found.scripts if not one.endswith(" style")], letter.kind
                assert found.resources == []
                assert set(found.links) <= {f"{HOST}/a/x"}
                assert "\n" not in made.subject
                assert "{{ 7*7 }}" in made.text + made.html
            kinds.add(letter.kind)
    assert len(kinds) >= 3


def test_a21_nor_any_file_that_leaves_the_house(poisoned, tmp_path):
    at, evil = clock.now(), 0
    with poisoned.db.reading() as session:
        cycle = session.scalars(select(Cycle.id)).one()
        plain = exports.write_csv(session, cycle, tmp_path / "h.csv", draft=True).path
        book = exports.write_xlsx(session, cycle, tmp_path / "h.xlsx", at=at, draft=True).path
        siasn = exports.write_siasn(session, cycle, tmp_path / "s.csv", draft=True).path
        credit = exports.write_credit_points(session, cycle, tmp_path / "k.csv", draft=True).path
        cases = exports.document_cases(session, cycle, draft=True)
        list(exports.write_documents(session, cases[:2], tmp_path / "pdf", at))
    for path in (plain, siasn, credit):
        with path.open(encoding="utf-8-sig", newline="") as file:
            cells = [cell for line in csv.reader(file) for cell in line]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))], path
        evil += sum(cell.startswith("'=1+1|") for cell in cells)
    assert evil >= 8
    cells = [cell for sheet in load_workbook(book) for line in sheet.iter_rows() for cell in line]
    assert not [cell for cell in cells if cell.data_type == "f" or cell.hyperlink]
    assert [cell for cell in cells if cell.value == EVIL]
    for path in (tmp_path / "pdf").iterdir():
        reader = PdfReader(path)
        read = re.sub(r"[\s\u200b]", "", "".join(page.extract_text() for page in reader.pages))
        assert "#panic(1)" in read
        assert not [page for page in reader.pages for one in page.get("/Annots") or []]


# A22: bodies and names that are too much


def test_a22_bodies_that_are_huge_endless_broken_or_deep_are_refused_before_they_are_read(dewi, office):
    before = dump(office.db)

    def endless():
        for _ in range(30):
            yield b"x" * 100_000

    http = dewi.http
    answers = [
        http.post(dewi.path, content=b"x" * (MAX_BODY + 1), headers=ORIGIN | FORM).status_code,
        http.post(dewi.path, content=endless(), headers=ORIGIN | FORM).status_code,
        *(http.post(dewi.path, content=b"a=1", headers=ORIGIN | FORM | {"Content-Length": size}).status_code
          for size in ("104857600", "-1", "1e3", b"\xb2", "9" * 400)),
    ]  # fmt: skip
    assert answers == [413] * 7
    for body in (b"a=%FF%FE", b"\xff\xfe=1", b"text=%00", b"a=%ED%A0%80", b"a=%C0%AF", b"&".join([b"a=1"] * 2001)):
        assert http.post(dewi.path, content=body, headers=ORIGIN | FORM).status_code == 400, body[:20]
    for deep in ("[" * 200_000, '{"a":' * 50_000 + "1" + "}" * 50_000):
        answer = http.post("/api/v1/session", content=deep, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 413, 422)
    assert dump(office.db) == before


def test_a22_a_form_that_trickles_in_is_given_up(dewi, app, office, monkeypatch):
    monkeypatch.setattr(security, "BODY_SECONDS", 0.2)
    before, sent = dump(office.db), []

    async def trickle() -> dict[str, Any]:
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": b"a", "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = {"host": HOST.removeprefix("http://"), "origin": HOST, "cookie": f"s={dewi.http.cookies['s']}",
               "content-type": "application/x-www-form-urlencoded", "content-length": "100000"}  # fmt: skip
    scope = {
        "type": "http", "method": "POST", "path": dewi.path, "raw_path": dewi.path.encode(), "query_string": b"",
        "headers": [(k.encode(), v.encode()) for k, v in headers.items()], "client": ("127.0.0.1", 5),
        "server": ("127.0.0.1", 8080), "scheme": "http", "root_path": "", "http_version": "1.1",
        "asgi": {"version": "3.0"},
    }  # fmt: skip
    asyncio.run(asyncio.wait_for(app(scope, trickle, send), 5))
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]
    assert dump(office.db) == before


@pytest.mark.parametrize("sign", ["\u202e", "\u200b", "\u2066", "\ufeff", "\u00ad", "\x1b", "\x85"])
def test_a22_what_cannot_be_seen_gets_into_no_text_and_no_name(dewi, office, sign):
    dewi.fill(dewi.path, plan_form() | {"items.0.title": f"Layanan {sign}warga"})
    assert dewi.status == 200
    assert len(rows(office.db, Submission)) == 1
    titles = [item.title for item in rows(office.db, ResultItem)]
    assert not any(sign in title for title in titles)
    assert "Layanan warga" in [" ".join(title.split()) for title in titles]
    row = row_of(2, {"name": f"Siti{sign} {sign}Aminah", "unit_name": f"{sign}Dinas", "email": f"a{sign}@x.example"})
    assert (row.name, row.unit_name) == ("Siti Aminah", "Dinas")
    assert sign in row.email, "an address is not mended but refused"


def test_a22_of_look_alikes_hr_sees_the_number_that_nobody_can_imitate(office, browser):
    twin = "Аndi Kepala"
    with office.db.transaction() as session:
        session.get_one(Person, office.people["dewi"]).name = twin
    hr = browser()
    hr.send("/hr/link", {"address": "gita@kota.example"})
    hr.send("/hr/code", {"code": newest_code(office.db)})
    hr.send("/hr/p", {"q": "ndi Kepala"})
    shown = dict(re.findall(r'/hr/p/(\d+)">.*?class="small">(\d{18})<', hr.html))
    assert twin in hr.html
    assert {str(office.people["dewi"]), str(office.people["andi"])} <= shown.keys()
    assert len(set(shown.values())) == len(shown)


# A24 to A27


def test_a24_every_answer_has_the_headers_whatever_went_wrong(dewi, office, monkeypatch):
    http, seen = dewi.http, {}
    tries = [
        http.get("/w"), http.get("/nothing"), http.get("/static/style.css"), http.get("/hr"), http.get("/hr/c/1"),
        http.request("DELETE", "/w"), http.request("TRACE", "/w"), http.get("/w", headers={"Host": "evil.example"}),
        http.get("/api/v1/openapi.json"), http.post("/a", data={"token": "x"}),
        http.post("/a", content=b"a=%FF", headers=ORIGIN | FORM),
        http.post("/a", content=b"x" * (MAX_BODY + 1), headers=ORIGIN | FORM),
        http.post("/a", data={"token": office.token("dewi")}, headers=ORIGIN, follow_redirects=False),
        http.post(dewi.path, data={"who": "1"}, headers=ORIGIN), http.get(f"/a/{office.token('dewi')}"),
        dewi.send(dewi.path, dewi.fields(dewi.path)) and dewi.answer, *(http.get(f"/a/{'a' * 40}") for _ in range(21)),
    ]  # fmt: skip
    monkeypatch.setattr("web.desk.page.desks.desk_of", lambda *_args: 1 / 0)
    for answer in (*tries, http.get("/w")):
        seen[answer.status_code] = answer
        given = {name: answer.headers.get(name) for name in HEADERS}
        if answer.request.url.path == "/static/style.css":
            given["Cache-Control"] = "no-store"  # the only thing that may be kept
        assert given == dict(HEADERS), (answer.request.url, answer.status_code)
    assert set(seen) >= {200, 303, 400, 401, 403, 404, 405, 409, 413, 422, 429, 500}


def test_a25_no_page_loads_or_links_to_anything_of_anybody_else(office, browser):
    robot = Scanner(browser())
    robot.scan(f"/a/{office.token('dewi')}")
    robot.scan(f"/a/{'a' * 40}")
    for html in robot.pages:
        page = Page(html)
        targets = [*page.links, *page.resources, *(form.action for form in page.forms)]
        assert not [one for one in targets if one and not re.match(r"/(?!/)|\?|#|mailto:", one)], targets
    assert len(robot.pages) >= 8


def test_a26_a_header_that_anybody_can_send_changes_neither_the_limiter_nor_a_link(office, browser):
    who, spoofed = browser(), ("X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP", "CF-Connecting-IP")
    seen = []
    for n in range(25):
        headers = dict.fromkeys(spoofed, f"10.0.{n}.1") | {"Forwarded": f"for=10.0.{n}.1"}
        seen.append(who.http.get(f"/a/{'a' * 40}", headers=headers).status_code)
    assert seen == [404] * 20 + [429] * 5
    poison = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Original-URL": "/hr",
              "X-Rewrite-Url": "/hr", "X-HTTP-Method-Override": "POST"}  # fmt: skip
    page = who.http.get(f"/a/{office.token('dewi')}", headers=poison)
    assert page.status_code == 200
    assert "evil.example" not in page.text
    for host in (
        "evil.example",
        "127.0.0.1:8080.evil.example",
        "127.0.0.1",
        "evil.example:8080",
        "",
        "a@127.0.0.1:8080",
    ):
        assert who.http.get(f"/a/{office.token('dewi')}", headers={"Host": host}).status_code == 400, host
    old = office.token("dewi")
    who.http.post("/a/reissue", data={"token": old}, headers=ORIGIN | {"X-Forwarded-Host": "evil.example"})
    post = post_of(settings.load())
    with office.db.reading() as session:
        newest = select(Letter).filter_by(person_id=office.people["dewi"]).order_by(Letter.id.desc())
        letter = session.scalars(newest).first()
        told = secrets_of(session, _claimed(letter), post)
    assert told["url"].startswith(f"{HOST}/a/")


def _claimed(letter: Any) -> Claimed:
    return Claimed(
        letter.id, "test", 1, letter.kind, letter.lane, None, letter.person_id, letter.link_id, 2026 % 251 + 1,
        letter.code_id, letter.locale, letter.facts, letter.address, letter.domain, "Dewi", letter.message_id, None,
        clock.now(), 0, 0, None, None,
    )  # fmt: skip


@pytest.mark.parametrize("where", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)",
                                   "%2F%2Fevil.example", "5\r\nLocation: https://evil.example"])  # fmt: skip
def test_a27_nobody_is_sent_elsewhere(office, browser, where):
    names = ("next", "task", "return", "url", "to", "from", "stage", "redirect_uri")
    more, seen = dict.fromkeys(names, where), []
    who = browser()
    for path, form in (("/a", {"token": office.token("budi")}), ("/w/code", {"who": office.people["budi"]}),
                       ("/w/code/verify", {"who": office.people["budi"], "code": "1"}), ("/w/end", {})):  # fmt: skip
        answer = who.http.post(path, params=more, data=form, headers=ORIGIN, follow_redirects=False)
        seen.append(answer)
        answer = who.http.post(path, data=form | {"task": where}, headers=ORIGIN, follow_redirects=False)
        seen.append(answer)
        seen.append(who.http.get("/w", params=more | {"lang": where}, follow_redirects=False))
    for answer in seen:
        assert re.match(r"/(a|w)\b", answer.headers.get("location", "/w"))
        page = Page(answer.text)
        assert not [one for one in page.links if "evil" in one.split("?")[0] or one.startswith("javascript")]
    assert [answer.status_code for answer in seen].count(303) >= 2
