"""Every act's form in a real browser: at each width, in both languages and schemes, nothing leaves its card.

One year is lived and photographed once; the pages are then shown to one browser, so that all of it stays cheap.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from gallery import lived, numeric
from playwright.sync_api import Page, Route, sync_playwright

import database
from rules.terms import ActKind
from web.render import SCRIPT, STYLE

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
WIDTHS = (320, 390, 1280)
ADDRESS = "http://gallery.example"
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: see deploy/browser.sh"),
    pytest.mark.xdist_group("forms_in_browser"),
]
OUTSIDE = """() => {
    document.querySelectorAll('details').forEach(one => { one.open = true; });
    const page = document.documentElement, found = [];
    const say = (what, e) => found.push(what + ': ' + e.outerHTML.slice(0, 120));
    if (page.scrollWidth > page.clientWidth) found.push('the page scrolls sideways: ' + page.scrollWidth);
    const beyond = (r, c) => Math.max(c.left - r.left, r.right - c.right, c.top - r.top, r.bottom - c.bottom) > 1;
    const fields = 'input:not([type=hidden]), select, textarea, label:not(.quietly)';
    const parts = fields + ', button:not(.enter), legend, h1, h2, p, li, dd, dt, th, td';
    for (const e of document.querySelectorAll(parts)) {
        if (!e.getClientRects().length) continue;
        const r = e.getBoundingClientRect();
        if (r.left < -1 || r.right > page.clientWidth + 1) say('beyond the page', e);
        for (let card = e.parentElement; card; card = card.parentElement) {
            if (!card.matches('.card, .send, .errors, .note, fieldset')) continue;
            if (beyond(r, card.getBoundingClientRect())) say('outside its card', e);
        }
    }
    for (const legend of document.querySelectorAll('legend')) {
        const below = legend.getBoundingClientRect().bottom;
        for (const e of legend.parentElement.querySelectorAll(fields + ', .hint')) {
            if (e.getClientRects().length && e.getBoundingClientRect().top < below - 1) say('beside its legend', e);
        }
    }
    return found;
}"""


@pytest.fixture(scope="module")
def pages(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    taken: dict[str, str] = {}
    with pytest.MonkeyPatch.context() as patched:
        _environment(patched)
        folder = tmp_path_factory.mktemp("gallery")
        for name in ("year", "numeric"):
            shutil.copy(migrated, folder / f"{name}.db")
        gallery = lived(folder / "year.db")
        assert gallery.kinds == set(ActKind), "a new kind of act is photographed too"
        taken |= gallery.pages | dict(numeric(folder / "numeric.db"))
        gallery.world.db.close()
    database.use(None)
    return taken


def _environment(patched: pytest.MonkeyPatch) -> None:
    from office import HOST

    import settings

    patched.setenv("APPRAISAL_SECRET", "s" * 64)
    patched.setenv("APPRAISAL_BASE_URL", HOST)
    settings.load.cache_clear()


@pytest.fixture(scope="module")
def shown(pages: dict[str, str]) -> Iterator[tuple[Page, list[str]]]:
    """A browser that is given the pages, and their names."""
    names = list(pages)

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(ADDRESS).split("?")[0]
        if path == "/static/style.css":
            route.fulfill(body=STYLE.decode(), content_type="text/css")
        elif path == "/static/keep.js":
            route.fulfill(body=SCRIPT.decode(), content_type="text/javascript")
        elif path.removeprefix("/").isdigit():
            route.fulfill(body=pages[names[int(path[1:])]], content_type="text/html; charset=utf-8")
        else:
            route.fulfill(status=204)

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.route("**/*", answer)
        yield page, names
        browser.close()


def test_no_form_scrolls_sideways_or_lets_a_control_out_of_its_card_and_axe_is_content(shown):
    from axe_playwright_python.sync_playwright import Axe

    page, names = shown
    assert len(names) > 120
    axe, faults = Axe(), []
    for number, name in enumerate(names):
        schemes = ("light", "dark") if name.endswith(" id") else ("dark", "light")
        page.emulate_media(color_scheme=schemes[0])
        page.goto(f"{ADDRESS}/{number}")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            faults += [f"{name} at {width}: {fault}" for fault in page.evaluate(OUTSIDE)]
        found = axe.run(page, options={"runOnly": ["wcag2a", "wcag2aa"]})
        faults += [f"{name} {schemes[0]}: {found.generate_report()[:2000]}"] if found.violations_count else []
        page.emulate_media(color_scheme=schemes[1])
        page.set_viewport_size({"width": WIDTHS[0], "height": 800})
        faults += [f"{name} in {schemes[1]}: {fault}" for fault in page.evaluate(OUTSIDE)]
    assert not faults, f"{len(faults)} faults\n" + "\n".join(faults[:12])


def test_errors_are_in_the_title_focused_and_each_linked_to_its_field(shown):
    page, names = shown
    for number, name in enumerate(names):
        if " errors " not in name:
            continue
        page.goto(f"{ADDRESS}/{number}")
        assert page.title().startswith("Kesalahan: " if name.endswith("id") else "Error: "), name
        assert page.evaluate("document.activeElement.className") == "errors", name
        assert page.evaluate(
            "[...document.querySelectorAll('.errors a')].filter(a => !document.getElementById(a.hash.slice(1))).length"
        ) == 0, f"{name}: an error leads nowhere"  # fmt: skip
        unsaid = page.evaluate(
            "[...document.querySelectorAll('[aria-invalid]')].filter("
            "e => !document.getElementById(e.getAttribute('aria-describedby'))).length"
        )
        assert unsaid == 0, f"{name}: a field is wrong without saying why"


def test_no_field_limits_what_is_pasted_and_every_page_is_light(pages):
    for name, html in pages.items():
        assert "maxlength" not in html, name
        assert len(html.encode()) + len(STYLE) + len(SCRIPT) < 40_000, f"{name}: {len(html.encode())}"
        if " empty " in name:
            assert len(html.encode()) + len(STYLE) < 30_000, f"{name}: {len(html.encode())}"
