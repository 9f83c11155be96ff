"""The running server as the target: raw sockets, proxies, a browser, and what its log gives away (A23)."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from office import Office, dump, forms_of, plan_form
from sqlalchemy import text

import database
import settings
from database import Database
from rules.terms import ActKind, StageKind
from tests.abuse.conftest import free_port
from tests.abuse.test_mail import deliver

STAGE = StageKind.TARGET_SETTING
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
LOUD = {
    "version": 1, "disable_existing_loggers": False,
    "handlers": {"out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}},
    "root": {"level": "DEBUG", "handlers": ["out"]},
    "loggers": {name: {"level": "DEBUG"} for name in ("uvicorn", "uvicorn.access", "sqlalchemy.engine")},
}  # fmt: skip
"""Everything that any library can be made to say, and the server's own log of requests not switched off."""


@dataclass
class Served:
    url: str
    log: Path
    office: Office
    secrets: set[str] = field(default_factory=set)
    """What was live in a test and must stand in no log."""

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def raw(self, *parts: bytes, pause: float = 0.0) -> bytes:
        """Send bytes as they are and read what comes back."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as wire:
            for part in parts:
                wire.sendall(part)
                time.sleep(pause)
            got = b""
            while piece := wire.recv(65536):
                got += piece
        return got

    def get(self, target: str | bytes, *headers: str) -> bytes:
        path = target if isinstance(target, bytes) else target.encode()
        lines = [f"Host: 127.0.0.1:{self.port}", "Connection: close", *headers]
        return self.raw(b"GET " + path + b" HTTP/1.1\r\n" + "\r\n".join(lines).encode() + b"\r\n\r\n")

    def browser(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"Origin": self.url}, follow_redirects=True, timeout=20)


@pytest.fixture(scope="module")
def running(prepared: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("served")
    path, people = prepared(STAGE)
    shutil.copy(path, home / "appraisal.db")
    (home / "log.json").write_text(json.dumps(LOUD))
    url, log = f"http://127.0.0.1:{free_port()}", home / "web.log"
    env = os.environ | {"APPRAISAL_DATABASE_URL": f"sqlite:///{home}/appraisal.db", "APPRAISAL_SECRET": "s" * 64,
                        "APPRAISAL_BASE_URL": url, "APPRAISAL_HOME": str(home)}  # fmt: skip
    command = (sys.executable, "-m", "web.server", "--port", url.rsplit(":", 1)[1],
               "--log-level", "debug", "--log-config", str(home / "log.json"))  # fmt: skip
    with log.open("wb") as out:
        server = subprocess.Popen(command, env=env, stdout=out, stderr=subprocess.STDOUT)
    try:
        for _ in range(300):
            try:
                httpx.get(f"{url}/", timeout=5)
                break
            except httpx.TransportError:
                assert server.poll() is None, log.read_text()
                time.sleep(0.1)
        yield Served(url, log, Office(Database(f"sqlite:///{home}/appraisal.db"), dict(people)))
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture
def served(running: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("APPRAISAL_BASE_URL", running.url)
    settings.load.cache_clear()
    database.use(running.office.db)
    yield running
    database.use(None)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def test_a03_addresses_that_no_client_library_would_send_open_nothing(served):
    token, before = served.office.token("dewi"), dump(served.office.db)
    served.secrets.add(token)
    targets = [
        f"/a/{token}%00", f"/a/%00{token}", f"/a/{token}%2F", f"/a/{token}%2F..%2F..%2Fw", f"/a/{token}/",
        f"/a//{token}", f"/./a/{token}%0d%0aX:y", f"/a/{token};x=1", f"/%61/{token}%", f"/a/{'a' * 10_000}",
        f"/a/{token}".encode() + b"\xff", b"/a/\x80\x81", f"/a/{token}%C0%80", f"/a/..%2fa%2f{token}",
    ]  # fmt: skip
    answers = [served.get(target) for target in targets]
    assert {status(answer) for answer in answers} <= {400, 404}
    assert not [answer for answer in answers if b"set-cookie" in answer.lower() or b"Dewi" in answer]
    assert status(served.get(f"/a/{token}")) == 200
    now = [line for line in dump(served.office.db) if "throttle" not in line]
    assert now == [line for line in before if "throttle" not in line]


def test_a22_half_sent_forms_and_absurd_lengths_keep_nobody_waiting(served):
    token = served.office.token("eko")
    served.secrets.add(token)
    head = (f"POST /a HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nOrigin: {served.url}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n")  # fmt: skip
    slow = []
    for _ in range(60):
        wire = socket.create_connection(("127.0.0.1", served.port), timeout=10)
        wire.sendall(f"{head}Content-Length: 1000\r\n\r\ntoken={token[:10]}".encode())
        slow.append(wire)
    begun = time.perf_counter()
    assert status(served.get(f"/a/{token}")) == 200
    assert time.perf_counter() - begun < 5
    for wire in slow:
        wire.close()
    huge = served.raw(f"{head}Connection: close\r\nContent-Length: 104857600\r\n\r\n".encode())
    assert status(huge) == 413, "answered before a byte of it was sent"
    assert b"x-frame-options: DENY" in huge
    for length in ("-1", "1e9", "abc"):
        answer = served.raw(f"{head}Connection: close\r\nContent-Length: {length}\r\n\r\n".encode())
        assert status(answer) in (400, 413)
    hidden = "Connection: close\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    both = served.raw(f"{head}{hidden}".encode())
    assert status(both) >= 400, "no second request can hide in this one"
    assert not [line for line in dump(served.office.db) if 'INTO "web_session"' in line]


def test_a26_behind_a_proxy_only_its_own_hop_counts(served):
    def bad(*hops: str) -> int:
        return status(served.get(f"/a/{'b' * 40}", f"X-Forwarded-For: {', '.join(hops)}"))

    seen = [bad(f"10.1.1.{n}", "203.0.113.9") for n in range(22)]
    assert seen == [404] * 20 + [429] * 2, "whatever the client claims before it"
    assert bad("203.0.113.9", "203.0.113.10") == 404, "another client of the same proxy"


def test_a26_another_host_is_refused_however_it_is_named(served):
    token = served.office.token("dewi")
    served.secrets.add(token)
    end = "Connection: close\r\n\r\n"
    for request in (
        f"GET /a/{token} HTTP/1.1\r\nHost: evil.example\r\n{end}", f"GET /a/{token} HTTP/1.0\r\n\r\n",
        f"GET http://evil.example/a/{token} HTTP/1.1\r\nHost: evil.example\r\n{end}",
        f"GET /a/{token} HTTP/1.1\r\n{end}",
    ):  # fmt: skip
        answer = served.raw(request.encode())
        assert status(answer) == 400
        assert b"evil.example" not in answer
    good = served.get(f"/a/{token}", "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https")
    assert status(good) == 200
    assert b"evil.example" not in good


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: see deploy/browser.sh")
def test_a25_a_browser_asks_nobody_else_and_reports_no_breach_of_the_policy(served):
    from playwright.sync_api import sync_playwright

    token = served.office.token("fitri")
    served.secrets.add(token)
    asked, faults = set(), []
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = chromium.new_page()
        page.on("request", lambda request: asked.add(request.url))
        page.on("console", lambda message: faults.append(message.text))
        page.goto(f"{served.url}/a/{token}")
        page.click("button.main")
        page.wait_for_url("**/w")
        page.click("a.task")
        assert page.evaluate("document.referrer").startswith(served.url)
        assert token not in page.evaluate("document.referrer + document.documentElement.outerHTML + document.cookie")
        chromium.close()
    assert len(asked) > 3
    assert not [url for url in asked if not url.startswith(f"{served.url}/")]
    assert not [fault for fault in faults if "Content Security Policy" in fault or "Refused" in fault]


def press(who: httpx.Client, page: httpx.Response, action: str, **more: str) -> httpx.Response:
    return who.post(action, data=forms_of(page.text)[action] | more)


def test_a23_after_a_whole_run_no_log_holds_a_live_token_code_or_session(served, mailbox, caplog):
    """From the letters to receipts, codes, the console and an error of our own: the links come out of the mails."""
    caplog.set_level("DEBUG")
    box, port = mailbox
    office, client = served.office, served.browser
    deliver(office.db, port)
    links = {got.to.split("@")[0]: set(re.findall(r"/a/([a-z2-7]{40})", got.part("plain"))) for got in box.letters}
    served.secrets |= {token for found in links.values() for token in found}
    cookies: set[str] = set()
    with client() as dewi, client() as budi, client() as hr:
        own = f"/a/{min(links['dewi'])}"
        page = press(dewi, dewi.get(own, headers={"Referer": served.url + own}), "/a")
        task = f"/w/task/{office.task('dewi', ActKind.DRAFT_TARGETS)}"
        page = press(dewi, dewi.get(task), task, **plan_form())
        assert page.url.path.startswith("/w/done/")
        press(budi, budi.get(f"/a/{min(links['budi'])}"), "/a")
        press(budi, budi.get("/w/code"), "/w/code")
        hr.post("/hr/link", data={"address": "gita@kota.example"})
        deliver(office.db, port)
        served.secrets |= {code := office.code("budi"), f"{code[:4]} {code[4:]}"}
        page = press(budi, budi.get("/w/code"), "/w/code/verify", code=code)
        assert page.url.path == "/w"
        signin = re.search(r"(\d{4}) (\d{4})\s", box.by_address["gita@kota.example"][-1].part("plain"))
        assert signin is not None
        served.secrets |= {signin[1] + signin[2], signin[0].strip()}
        page = press(hr, hr.get("/hr/code"), "/hr/code", code=signin[0])
        assert page.url.path == "/hr"
        cookies = {cookie.value or "" for who in (dewi, budi, hr) for cookie in who.cookies.jar}
        dewi.post("/a/reissue", data={"token": served.url + own})
        dewi.get("/w", headers={"Authorization": f"Link {own[3:]}"}, params={"token": own[3:]})
        with out_of_order(office.db):
            assert dewi.get(own, headers={"Referer": served.url + own}).status_code == 500
            assert dewi.post("/a", data={"token": own[3:]}).status_code == 500
            assert budi.get("/w").status_code == 500
    # the cookie of a known browser names a person openly: there the whole of it, with its signature, is the secret
    served.secrets |= {cookie if cookie.split(".")[0].isdigit() else cookie.split(".")[0] for cookie in cookies}
    assert len(served.secrets) > 8
    said = served.log.read_text("utf-8", "replace")
    others = ("httpx", "httpcore", "mail.")
    ours = "\n".join(one.getMessage() for one in caplog.records if not one.name.startswith(others))
    assert "landing" in said
    assert "Traceback" in said, "the error of our own is there"
    assert "SELECT" in said, "and so is what the database was asked"
    for where in (said, ours, "\n".join(dump(office.db))):
        assert not [secret for secret in served.secrets if secret in where.lower() or secret in where]
    assert '" 200' not in said, "the server's own log of requests, which has paths, stays silent"


@contextmanager
def out_of_order(db: Database) -> Iterator[None]:
    """A database that lacks what every link needs: an error of our own, with a traceback."""
    with db.transaction() as session:
        session.execute(text("ALTER TABLE action_link RENAME TO action_link_away"))
    yield
    with db.transaction() as session:
        session.execute(text("ALTER TABLE action_link_away RENAME TO action_link"))
