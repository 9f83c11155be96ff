"""The pages in a real browser: at 390 pixels nothing is cut off, nobody is shut out, and a page stays light."""

import shutil
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from office import ORIGIN, Browser, Office, plan_form
from sqlalchemy import select

import settings
from models import Cycle, Draft
from rules.terms import ActKind, StageKind
from tests.web.hr import newest_code
from web.app import create_app
from web.render import STYLE

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
STAGE = StageKind.TARGET_SETTING
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: see deploy/browser.sh")


@pytest.fixture
def served(office: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The application behind a real server on a free port of this machine."""
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("APPRAISAL_BASE_URL", url)
    settings.load.cache_clear()
    server = uvicorn.Server(uvicorn.Config(create_app(), host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
    yield url
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


UNLABELLED = """[...document.querySelectorAll('table')].flatMap(table => {
    const heads = [...table.querySelectorAll('thead th')]
    if (!heads.length || heads[0].getBoundingClientRect().right > 0) return []
    return [...table.querySelectorAll('tbody tr')].flatMap(row => [...row.children].filter((cell, place) =>
        getComputedStyle(cell, '::before').content !== JSON.stringify(heads[place].textContent)
    )).map(cell => cell.outerHTML.slice(0, 80))})"""
"""Cells of tables whose head a phone does not show, and that do not say its words themselves."""


def _check(page, name: str) -> None:
    """No sideways scrolling, targets of 44 pixels, under 30 kB with the style, no fault that axe finds."""
    from axe_playwright_python.sync_playwright import Axe

    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"], name
    assert len(page.content().encode()) + len(STYLE) < 30_000, name
    small = page.evaluate(
        """[...document.querySelectorAll('main button:not(.enter), .button, .opt, select, summary')]
           .filter(e => e.offsetParent && e.getBoundingClientRect().height < 43).map(e => e.outerHTML.slice(0, 80))"""
    )
    assert small == [], name
    assert page.evaluate(UNLABELLED) == [], f"{name}: values without their label"
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]})
    assert found.violations_count == 0, f"{name}: {found.generate_report()[:3000]}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_person_at_a_phone_goes_from_the_letter_to_the_receipt(office, served, chromium, scheme):
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, color_scheme=scheme, java_script_enabled=True
    )
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.goto(f"{served}/a/{office.token('dewi')}")
    _check(page, "landing")
    page.click("button.main")
    page.wait_for_url("**/w")
    _check(page, "desk")
    page.click("a.task")
    page.click("text=Pakai saran")
    _check(page, "draft")
    page.fill("[id='items.0.title']", "Terlayaninya warga di tiga loket")
    page.press("[id='items.0.title']", "Enter")
    assert page.locator("[id='items.0.title']").input_value() == "Terlayaninya warga di tiga loket"
    assert "Draf tersimpan" in page.content(), "Enter keeps a draft, it neither sends nor adds a row"
    page.click("button.main")
    _check(page, "errors")
    page.check("#confirm")
    page.click("button.main")
    page.wait_for_url("**/w/done/*")
    _check(page, "done")
    page.click("text=Selesai dan keluar")
    _check(page, "farewell")
    page.go_back()
    assert "Dewi Rahma" not in page.content()
    page.goto(f"{served}/a/{'a' * 40}")
    _check(page, "refusal")
    assert [fault for fault in faults if "favicon" not in fault and "40" not in fault and "42" not in fault] == []
    context.close()


def _until_kept(office) -> None:
    """A page that was left sends its draft on its own, beside the page that comes next."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with office.db.reading() as session:
            if session.scalars(select(Draft.version)).first() is not None:
                return
        time.sleep(0.1)
    raise AssertionError("no draft was kept")


def test_what_is_typed_survives_every_way_out_of_a_form(office, served, chromium):
    """Back, a double tap, a changed language and a page shown again; without a script, all but Back."""
    page = chromium.new_context(viewport={"width": 390, "height": 844}).new_page()
    page.goto(f"{served}/a/{office.token('dewi')}")
    page.click("button.main")
    page.click("a.task")
    title = "[id='items.0.title']"
    page.fill(title, "Ditulis lalu kembali")
    page.go_back()
    page.wait_for_url("**/w")
    _until_kept(office)
    page.click("a.task")
    assert page.locator(title).input_value() == "Ditulis lalu kembali", "Back keeps a draft"
    page.fill(title, "Diketuk dua kali")
    page.locator(".send button", has_text="Simpan draf").dblclick(no_wait_after=True)
    page.wait_for_selector("text=Draf tersimpan")
    assert page.locator(title).input_value() == "Diketuk dua kali"
    assert "Ada draf lain" not in page.content()
    page.fill(title, "Dalam bahasa lain")
    page.click("button[value=en]")
    page.wait_for_selector("text=Draft saved")
    assert page.locator(title).input_value() == "Dalam bahasa lain"
    page.click("button[value=desk]")
    page.wait_for_url("**/w?lang=en")
    page.click("a.task")
    assert page.locator(title).input_value() == "Dalam bahasa lain"
    page.context.close()


def test_a_form_is_whole_without_a_script(office, served, chromium):
    page = chromium.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False).new_page()
    page.goto(f"{served}/a/{office.token('eko')}")
    page.click("button.main")
    page.click("a.task")
    page.fill("[id='items.0.title']", "Tanpa skrip")
    page.press("[id='items.0.title']", "Enter")
    assert page.url.endswith("/w/task/" + page.url.rsplit("/", 1)[1]), "Enter keeps a draft and stays"
    page.click("text=Pakai saran") if page.locator("text=Pakai saran").count() else page.click("text=Tambah saran")
    assert page.locator("[id='items.0.title']").input_value() == "Tanpa skrip"
    page.locator("button[name=drop]").first.click()
    page.click("text=Kembalikan")
    page.click("button[value=en]")
    assert page.locator("html").get_attribute("lang") == "en"
    page.context.close()


def test_a_rating_sheet_fits_a_phone_and_a_desk(office, served, chromium):
    people = Browser(create_app(), office)
    people.http.base_url = served
    ORIGIN["Origin"], kept = served, ORIGIN["Origin"]
    try:
        people.enter("dewi")
        path = f"/w/task/{office.task('dewi', ActKind.DRAFT_TARGETS)}"
        people.get(path)
        people.fill(path, plan_form())
        office.open(StageKind.SUPERVISOR_SCORING)
        token = office.token("budi", StageKind.SUPERVISOR_SCORING)
        for width in (390, 1280):
            page = chromium.new_context(viewport={"width": width, "height": 844}).new_page()
            page.goto(f"{served}/a/{token}")
            page.click("button.main")
            page.goto(f"{served}/w/task/{office.task('budi', ActKind.SCORE, 'dewi')}")
            _check(page, "code")
            page.click("button.main")
            page.fill("#code", office.code("budi"))
            page.click("button.main")
            page.wait_for_url("**/w/task/*")
            _check(page, f"score at {width}")
            page.click("button.main")
            _check(page, f"score errors at {width}")
            page.context.close()
    finally:
        ORIGIN["Origin"] = kept


LINES = """[...document.querySelectorAll('.cols')].flatMap(row => {
    const fields = [...row.querySelectorAll('.field')].map(field => ['label', 'input, select'].map(
        part => field.querySelector(part).getBoundingClientRect()));
    const lines = {};
    for (const [label, control] of fields) (lines[Math.round(label.top / 8)] ??= []).push([label.top, control.top]);
    return Object.values(lines);
})"""
"""For each line of fields: where every label and every control begins."""


def _console(office, served, chromium):
    """A page at the console of the cycle, and its address."""
    page = chromium.new_context(viewport={"width": 390, "height": 844}).new_page()
    page.goto(f"{served}/hr")
    _check(page, "sign in")
    page.fill("#address", "gita@kota.example")
    page.click("button.main")
    _check(page, "code")
    page.fill("#code", "1")
    page.click("button.main")
    _check(page, "wrong code")
    page.fill("#code", newest_code(office.db))
    page.click("button.main")
    page.wait_for_url("**/hr")
    with office.db.reading() as session:
        return page, f"{served}/hr/c/{session.scalars(select(Cycle.id)).one()}"


def test_the_console_fits_a_phone_and_shuts_nobody_out(office, served, chromium):
    page, cycle = _console(office, served, chromium)
    for path in ("", "/late", "/cases", "/mail", "/mail?wave=1", "/changes", "/audit"):
        page.goto(cycle + path)
        _check(page, path)
    page.goto(f"{cycle}/cases")
    page.fill("#q", "Dewi")
    page.press("#q", "Enter")
    page.wait_for_selector("text=Dewi Rahma")
    assert "Dewi" not in page.url
    _check(page, "search")
    page.context.close()


@pytest.mark.parametrize(("width", "lang"), [(320, "id"), (390, "en"), (1280, "id")])
def test_pages_around_the_console_fit_every_screen(office, served, chromium, width, lang):
    page, cycle = _console(office, served, chromium)
    page.set_viewport_size({"width": width, "height": 844})
    for path in ("/", "/hr", "/hr/roster", "/hr/sessions"):
        page.goto(f"{served}{path}?lang={lang}")
        _check(page, f"{path} at {width}")
    page.goto(f"{cycle}/steer?do=pause&lang={lang}")
    page.fill("#reason", "Jaringan terputus di seluruh kantor")
    page.click("#act button.main")
    _check(page, f"preview at {width}")
    page.click("form.actions button.main")
    _check(page, f"code before a weighty act at {width}")
    page.context.close()


def test_labels_and_fields_of_the_control_forms_stand_in_line(office, served, chromium):
    page, cycle = _console(office, served, chromium)
    for width, lang in ((1280, "id"), (700, "id"), (1280, "en"), (390, "id"), (390, "en")):
        page.set_viewport_size({"width": width, "height": 844})
        lines = []
        for form in ("extend", "reassign", "delegate"):
            page.goto(f"{cycle}/steer?do={form}&lang={lang}")
            _check(page, f"{form} at {width}")
            lines += page.evaluate(LINES)
        assert len(lines) > 6
        for line in lines:
            assert width == 390 or len(line) > 1
            assert width > 390 or len(line) == 1, "on a phone one field below the other"
            for place in range(2):
                assert max(one[place] for one in line) - min(one[place] for one in line) < 1, (width, lang, line)
    page.context.close()
