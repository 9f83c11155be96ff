"""Whatever opens links and presses buttons on its own, as mail scanners do, leaves the database as it is."""

import re
from collections.abc import Iterator
from datetime import date

import pytest
from sqlalchemy import select
from starlette.routing import BaseRoute, Route
from starlette.testclient import TestClient

import clock
import database
import settings
from actions.access import knocks
from actions.mail import certificates
from actions.stages import steps
from actions.stages.due import due
from cli.machine.processes import free_port
from database import Database
from models import Assignment, Cycle, Letter, Person, RoleGrant
from rules.terms import Door, Role, StageKind, Step
from simulation.forms import Page
from simulation.mailbox import Mailbox, Received, serve
from tests.accidents.world import dump, environment, morning, ref, run
from tests.web.hr import newest_code
from web.app import create_app

HOST = "http://127.0.0.1:8080"
ORIGIN = {"Origin": HOST}
HTML = {"Accept": "text/html"}
OPENS, LATER = morning(date(2026, 1, 2)), morning(date(2026, 1, 19))


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Mailbox, int]]:
    monkeypatch.setenv("APPRAISAL_BASE_URL", HOST)
    settings.load.cache_clear()
    box, port = Mailbox(), free_port()
    server = serve(box, port)
    yield box, port
    server.stop()


@pytest.fixture
def letters(world: Database, mailbox: tuple[Mailbox, int]) -> list[Received]:
    """Every letter of the cycle up to its first reminders, the certificate and a way into the console."""
    box, port = mailbox
    env = environment(world, port)
    clock.move_to(OPENS)
    steps.run(world.transaction, ref(StageKind.TARGET_SETTING, Step.OPEN), at=OPENS)
    run(env, "deliver")
    with world.transaction() as session:
        certificates.certify_launch(session, session.scalars(select(Cycle)).one(), at=OPENS)
    clock.move_to(LATER)
    with world.reading() as session:
        reminder = next(one for one in due(session, at=LATER) if one.step is Step.REMIND)
    steps.run(world.transaction, reminder, at=LATER)
    with world.transaction() as session:
        officer = select(Person).join(RoleGrant).where(RoleGrant.role == Role.PERFORMANCE_ADMIN)
        address = session.scalars(officer).first().email  # type: ignore[union-attr]
        knock, _ = knocks.knock(session, Door.CONSOLE, address, at=LATER)
        assert knocks.answer(session, knock, master=settings.load().master, at=LATER) == 1
    run(env, "deliver")
    return box.letters


def links_of(letter: Received) -> set[str]:
    """Every address of ours in any part of a letter, without the host."""
    found = re.findall(r"""https?://[^\s"'<>]+""", letter.part("plain") + letter.part("html"))
    return {link.removeprefix(HOST) for link in found if link.startswith(HOST)}


def forms_of(html: str) -> set[str]:
    page = Page(html)
    return {form.action for form in page.forms} | {action for action, _name, _value in page.buttons}


def posts(routes: list[BaseRoute], task: int) -> set[str]:
    """The address of everything that takes a POST."""
    known = {"id": task, "task": task, "cycle": 1, "person": 1, "what": "move_dates", "agency": "x", "year": 2026}
    return {
        re.sub(r"\{(\w+)(:\w+)?\}", lambda found: str(known[found[1]]), route.path)
        for route in routes if "POST" in (getattr(route, "methods", None) or ()) and isinstance(route, Route)
    }  # fmt: skip


def crawl(http: TestClient, start: str) -> set[str]:
    """Open one page of each kind that can be reached from `start` by links; the addresses of all forms on them."""
    seen, waiting, forms = set[str](), [start], set[str]()
    while waiting:
        path = waiting.pop(0)
        which = re.search(r"[?&]do=\w+", path)  # the console's forms share a path
        kind = re.sub(r"\d+", "1", path.split("?")[0].split("#")[0]) + (which[0] if which else "")
        if kind in seen:
            continue
        seen.add(kind)
        assert http.head(path).status_code < 500
        answer = http.get(path, headers=HTML)
        assert answer.status_code < 500, path
        forms |= forms_of(answer.text)
        waiting += [link for link in Page(answer.text).links if link.startswith("/")]
    return forms


def open_session(http: TestClient, landing: str) -> None:
    """Press the one button of a landing page, as its reader does."""
    form = next(form for form in Page(http.get(landing, headers=HTML).text).forms if "token" in form.fields)
    answer = http.post(form.action, data=form.as_shown(), headers=ORIGIN, follow_redirects=False)
    assert answer.status_code == 303


def sign_in(http: TestClient, _landing: str) -> None:
    """Ask for a code and type it, as an officer does."""
    with database.current().reading() as session:
        officer = select(Person.email).join(RoleGrant).where(RoleGrant.role == Role.PERFORMANCE_ADMIN)
        address = session.scalars(officer).first()
    http.post("/hr/link", data={"address": address}, headers=ORIGIN)
    answer = http.post(
        "/hr/code", data={"code": newest_code(database.current())}, headers=ORIGIN, follow_redirects=False
    )
    assert answer.status_code == 303


def test_no_link_and_no_form_without_content_changes_anything(world: Database, letters: list[Received]) -> None:
    app = create_app()
    assert {"stage_invitation", "reminder", "launch_certificate", "sign_in"} <= kinds(world)
    links = set[str]().union(*map(links_of, letters))
    assert len([link for link in links if link.startswith("/a/")]) > 30
    assert not [link for link in links if link.startswith("/hr/")], "no letter opens the console"
    with world.reading() as session:
        task = session.scalars(select(Assignment.id).order_by(Assignment.id)).first()
    assert task is not None

    stranger = TestClient(app, base_url=HOST, raise_server_exceptions=False)
    before, forms = dump(world), posts(app.router.routes, task)
    for link in sorted(links):
        assert stranger.head(link).status_code == stranger.get(link).status_code < 500, link[:8]
        assert "set-cookie" not in stranger.get(link).headers
        forms |= forms_of(stranger.get(link, headers=HTML).text)
    forms |= forms_of(stranger.get("/hr", headers=HTML).text) | forms_of(stranger.get("/hr/code", headers=HTML).text)
    assert {"/a", "/hr/code", "/hr/link"} <= forms
    for form in sorted(forms):
        assert stranger.post(form, headers=ORIGIN).status_code < 500, form
    assert dump(world) == before

    for way_in, start, some in (
        (open_session, "/w", {"/w/task/1", "/w/task/1/draft", "/w/end", "/w/note"}),
        (sign_in, "/hr", {"/hr/end", "/hr/c/1/pause", "/hr/p/1/address"}),
    ):
        guest = TestClient(app, base_url=HOST, raise_server_exceptions=False)
        way_in(guest, next(link for link in sorted(links) if link.startswith("/a/")))
        before, kept = dump(world), dict(guest.cookies)
        found = crawl(guest, start)
        assert some <= {re.sub(r"\d+", "1", form) for form in found}
        for form in sorted(found | forms):
            guest.cookies.update(kept)
            assert guest.post(form, headers=ORIGIN).status_code < 500, form
        assert dump(world) == before, "somebody who is in and sends nothing has said nothing"


def kinds(db: Database) -> set[str]:
    with db.reading() as session:
        return set(session.scalars(select(Letter.kind).distinct()))
