"""What holds for every request: headers on every answer, our own origin, our own host, size, and silent logs."""

import logging
import re

import pytest
from office import HOST, ORIGIN, plan_form

from rules.terms import ActKind, StageKind
from web.api import BASE
from web.render import SCRIPT_URL, STYLE
from web.security import HEADERS, MAX_BODY

STAGE = StageKind.TARGET_SETTING


@pytest.fixture
def dewi(office, browser):
    return browser().enter("dewi")


def _has_headers(answer) -> bool:
    return {name: answer.headers.get(name) for name in HEADERS} == dict(HEADERS)


def test_every_answer_has_the_headers_also_when_something_went_wrong(dewi, office, monkeypatch):
    task = office.task("dewi", ActKind.DRAFT_TARGETS)
    http, form = dewi.http, {"Content-Type": "application/x-www-form-urlencoded"}
    who = str(office.people["dewi"])
    answers = {
        200: http.get("/w"), 404: http.get("/nothing"), 405: http.request("DELETE", "/w"),
        303: http.post("/a", data={"token": office.token("dewi")}, headers=ORIGIN, follow_redirects=False),
        413: http.post("/a", content=b"x" * (MAX_BODY + 1), headers=ORIGIN | form),
        403: http.post("/a", data={"token": "x"}, headers={"Origin": "https://evil.example"}),
        422: http.post(f"/w/task/{task}", data={"who": who, "version": "1", "nonce": "n"}, headers=ORIGIN),
        400: http.post("/a", content=b"a=%FF", headers=ORIGIN | form),
        409: http.post(f"/w/task/{task}", data={"who": "1"}, headers=ORIGIN),
    }  # fmt: skip
    assert {status: answer.status_code for status, answer in answers.items()} == {s: s for s in answers}
    for _ in range(21):
        answers[429] = http.get(f"/a/{'a' * 40}")
    assert answers[429].status_code == 429
    monkeypatch.setattr("web.desk.page.desks.desk_of", lambda *_args: 1 / 0)
    answers[500] = http.get("/w")
    assert answers[500].status_code == 500
    for status, answer in answers.items():
        assert _has_headers(answer), status
        if status != 303:
            assert answer.headers["content-type"] == "text/html; charset=utf-8"
            assert "<h1>" in answer.text, status


def test_a_database_of_another_version_is_maintenance_and_no_fault(dewi, office, monkeypatch, caplog):
    link = f"/a/{office.token('dewi')}"
    monkeypatch.setattr(office.db, "_demanded", "9999")
    for path in ("/w", "/hr", link, f"{BASE}/desk"):
        answer = dewi.http.get(path)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "300"), path
        assert _has_headers(answer)
        assert ("Tautan Bapak/Ibu tetap" in answer.text) != (answer.text == '{"code":"maintenance","details":{}}')
    assert "appraisal db upgrade" in caplog.text
    assert "Traceback" not in caplog.text
    monkeypatch.undo()
    assert dewi.http.get("/w").status_code == 200


def test_no_page_asks_anything_of_anybody_else(dewi, office):
    for path in ("/w", f"/w/task/{office.task('dewi', ActKind.DRAFT_TARGETS)}", f"/a/{office.token('dewi')}"):
        html = dewi.get(path)
        assert "http://" not in html
        assert "https://" not in html
        assert re.findall("<script[^>]*>", html) in ([], [f'<script src="{SCRIPT_URL}" defer>']), "only our own"
        assert "style=" not in html


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, True),
        (ORIGIN, True),
        ({}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "http://127.0.0.1:8081"}, False),
        ({"Sec-Fetch-Site": "cross-site", **ORIGIN}, False),
        ({"Sec-Fetch-Site": "same-site", **ORIGIN}, False),
        ({"Sec-Fetch-Site": "none", **ORIGIN}, False),
    ],
)
def test_a_form_counts_only_from_our_own_pages(office, browser, headers, allowed):
    answer = browser().http.post(
        "/a", data={"token": office.token("dewi")}, headers=headers, follow_redirects=False
    )  # fmt: skip
    assert answer.status_code == (303 if allowed else 403)
    assert ("set-cookie" in answer.headers) is allowed


def test_another_host_is_refused_and_no_link_is_made_from_it(dewi, office):
    answer = dewi.http.get(f"/a/{office.token('dewi')}", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert "evil.example" not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        b"who=%FF%FE", b"\xff=1", b"text=a%00b", b"who=1&who=2", b"a.b.c.d.e.f.g=1", b"items.100.title=x", b"WHO=1",
        b"__proto__=1", b"items=x&items.0.title=y", b"a=1" + b"&a=1" * 3000,
    ],
)  # fmt: skip
def test_a_body_that_is_no_form_of_ours_is_refused(dewi, office, body):
    task = office.task("dewi", ActKind.DRAFT_TARGETS)
    headers = ORIGIN | {"Content-Type": "application/x-www-form-urlencoded"}
    assert dewi.http.post(f"/w/task/{task}", content=body, headers=headers).status_code == 400


def test_only_plain_forms_are_read(dewi, office):
    task = office.task("dewi", ActKind.DRAFT_TARGETS)
    deep = "[" * 50_000
    for kind in ("application/json", "multipart/form-data; boundary=x", ""):
        answer = dewi.http.post(f"/w/task/{task}", content=deep, headers=ORIGIN | {"Content-Type": kind})
        assert answer.status_code == 400


def test_a_body_without_a_length_is_cut_off_too(dewi, office):
    def endless():
        for _ in range(30):
            yield b"x" * 100_000

    headers = ORIGIN | {"Content-Type": "application/x-www-form-urlencoded"}
    assert dewi.http.post("/a", content=endless(), headers=headers).status_code == 413


def test_nul_in_an_address_is_refused_and_other_addresses_are_unknown(dewi):
    assert dewi.http.get("/w?x=%00").status_code == 400
    for path in ("/w/", "/W", "/w/task/x", "/docs", "/openapi.json", "/w/task/99999999999999999999"):
        assert dewi.http.get(path).status_code == 404, path
    assert dewi.http.request("PUT", "/w").status_code == 405
    assert dewi.http.post("/w", data={}, headers=ORIGIN).status_code == 405
    assert dewi.http.get("/w/end").status_code == 405


def test_an_address_elsewhere_is_never_followed(dewi, office):
    for task in ("//evil.example", "https://evil.example", "5\r\nX: y"):
        answer = dewi.http.post(
            "/w/code", data={"who": office.people["dewi"], "task": task}, headers=ORIGIN, follow_redirects=False
        )
        assert answer.headers.get("location", "/w").startswith("/w")


def test_logs_never_hold_a_token_a_code_or_a_cookie(office, browser, caplog):
    caplog.set_level(logging.DEBUG)
    token, dewi = office.token("dewi"), browser().enter("dewi")
    task = office.task("dewi", ActKind.DRAFT_TARGETS)
    dewi.get(f"/w/task/{task}")
    dewi.fill(f"/w/task/{task}", plan_form())
    dewi.prove("dewi")
    dewi.http.get(f"/a/{token}x", headers={"Referer": f"{HOST}/a/{token}"})
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("httpx")]
    assert any("landing" in line for line in ours)
    cookie = dewi.http.cookies["s"].split(".")[0]
    for secret in (token, office.code("dewi"), cookie):
        assert not [line for line in ours if secret in line]
    assert logging.getLogger("uvicorn.access").disabled


def test_whatever_is_refused_under_the_api_is_said_in_json(dewi):
    http, much = dewi.http, b"x" * (MAX_BODY + 1)
    answers = {
        400: http.get(f"{BASE}/desk", headers={"Host": "evil.example"}), 404: http.get("/api/nothing"),
        405: http.request("PUT", f"{BASE}/desk"), 413: http.post(f"{BASE}/session", content=much),
        431: http.get(f"{BASE}/desk", headers={"X": "x" * 20_000}), 401: http.get(f"{BASE}/desk"),
        422: http.post(f"{BASE}/session", content=b"{"),
    }  # fmt: skip
    for status, answer in answers.items():
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/json", status
        assert set(answer.json()) == {"code", "details"}
    assert http.get("/api").json()["code"] == "not_found"
    assert "<h1>" in http.get("/apis").text


def test_a_flood_is_told_when_to_come_back(dewi, office):
    for _ in range(21):
        page = dewi.http.get(f"/a/{'a' * 40}")
    for _ in range(21):
        data = dewi.http.post(f"{BASE}/desk/session", headers={"Authorization": f"Link {'a' * 40}"})
    for answer in (page, data):
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["Retry-After"]) <= 61


def test_an_icon_is_there_for_whoever_asks(dewi):
    for path, kind, begins in (
        ("/favicon.ico", "image/x-icon", b"\0\0\1\0"),
        ("/static/icon.svg", "image/svg+xml", b"<svg"),
    ):
        answer = dewi.http.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert answer.content.startswith(begins)
    assert "/static/icon.svg" in dewi.get("/w")


def test_pages_are_compressed_but_none_that_holds_a_link_and_no_answer_to_a_program(dewi, office):
    token = office.token("dewi")

    def encoding(path, **headers):
        answer = dewi.http.get(path, headers={"Accept-Encoding": "gzip", **headers})
        assert answer.status_code == 200, path
        return answer.headers.get("content-encoding")

    assert encoding("/w") == encoding("/static/style.css") == "gzip"
    assert encoding(f"/a/{token}") is None
    assert encoding(f"/a/{token}?task=guess") is None
    assert encoding(f"{BASE}/openapi.json") is None
    assert "content-encoding" not in dewi.http.get("/w", headers={"Accept-Encoding": "identity"}).headers


def _luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(one * 2 for one in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_focus_ring_stands_out_from_whatever_it_lies_on_in_light_and_dark():
    light, dark = (
        dict(re.findall(r"--(\w+):(#[0-9a-f]+)", block)) for block in re.findall(r":root\{([^}]*)", STYLE.decode())
    )
    for colours in (light, dark):
        ring = _luminance(colours["focus"])
        for surface in ("bg", "card", "field", "goodbg", "warnbg", "badbg"):
            other = _luminance(colours[surface])
            contrast = (max(ring, other) + 0.05) / (min(ring, other) + 0.05)
            assert contrast >= 3, f"{surface}: {contrast:.2f}"
