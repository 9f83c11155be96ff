"""The console's forms in a real browser: empty, with errors and filled, at each width, in both languages."""

import shutil
from typing import Any

import pytest
from playwright.sync_api import Page, Route, sync_playwright

from database import Database
from tests.web.hr import Hr, stranger_to
from tests.web.test_console_forms import WRONG
from tests.web.test_forms_in_browser import OUTSIDE
from web.hr.ask import STYLE as CONSOLE_STYLE
from web.render import STYLE

pytest_plugins = ["tests.lived"]
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
WIDTHS = (320, 390, 1280)
ADDRESS = "http://console.example"
LONG = "Pertanggungjawabanpelaksanaankegiatan" * 9
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: see deploy/browser.sh")


def taken(hr: Hr, person: int) -> dict[str, str]:
    """Pages by name: `extend errors id`."""
    pages = {}
    orders = {f"{hr.cycle()}/{what}": (f"{hr.cycle()}/steer?do={what}", sent) for what, (sent, _) in WRONG.items()}
    for what in ("address", "resend"):
        orders[f"/hr/p/{person}/{what}"] = f"/hr/p/{person}?do={what}", {"address": "a b@x"}
    for path, (empty, wrong) in orders.items():
        name, filled = path.rsplit("/", 1)[-1], dict.fromkeys(wrong | {"reason": "", "decree_no": ""}, LONG)
        for lang in ("id", "en"):
            pages[f"{name} empty {lang}"] = hr.get(f"{empty}&lang={lang}").text
            pages[f"{name} errors {lang}"] = hr.order(f"{path}?lang={lang}", **wrong).text
            pages[f"{name} filled {lang}"] = hr.order(f"{path}?lang={lang}", then=lang, **filled).text
    order = {"stage": "target_setting", "until": "27-2-2026", "decree_no": LONG[:190], "reason": LONG}
    pages["extend previewed id"] = hr.order(f"{hr.cycle()}/extend", **order).text
    return pages


def answer(pages: dict[str, str], route: Route) -> None:
    path = route.request.url.removeprefix(ADDRESS).split("?")[0]
    names = list(pages)
    if path.endswith(".css"):
        style = CONSOLE_STYLE if "console" in path else STYLE
        route.fulfill(body=style.decode(), content_type="text/css")
    elif path.removeprefix("/").isdigit():
        route.fulfill(body=pages[names[int(path[1:])]], content_type="text/html; charset=utf-8")
    else:
        route.fulfill(status=204)


def faults_of(page: Page, name: str) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    faults = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        faults += [f"{name} at {width}: {fault}" for fault in page.evaluate(OUTSIDE)]
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]})
    return faults + ([f"{name}: {found.generate_report()[:2000]}"] if found.violations_count else [])


def test_no_form_of_the_console_leaves_its_card_and_errors_are_focused_and_linked(january: Database, app: Any) -> None:
    hr = Hr(app, january).sign_in()
    pages, faults = taken(hr, stranger_to(january, hr.who).id), []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.route("**/*", lambda route: answer(pages, route))
        for number, name in enumerate(pages):
            page.goto(f"{ADDRESS}/{number}")
            if " errors " in name:
                assert page.title().startswith("Kesalahan: " if name.endswith("id") else "Error: "), name
                assert page.evaluate("document.activeElement.className") == "errors", name
                hashes = page.evaluate("[...document.querySelectorAll('.errors a')].map(a => a.hash.slice(1))")
                assert hashes, name
                assert all(page.query_selector(f"[id='{one}']") for one in hashes), name
            faults += faults_of(page, name)
        browser.close()
    assert not faults, f"{len(faults)} faults\n" + "\n".join(faults[:12])
