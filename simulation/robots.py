"""Robots that live on their mail: they open the link in a letter, read the page, and act over HTTP as people do."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

import httpx

from rules.terms import ActKind, StageKind
from simulation.answers import Asked, answer
from simulation.forms import Form, Page, flat
from simulation.mailbox import Mailbox, Received
from simulation.people import habit_of, mind_of

LINK = re.compile(r"https?://[^\s/]+(/a/[a-z2-7]{40})")
CODE = re.compile(r"(?m)^\s*(\d{4}\s?\d{4})\s*$")
TOMORROW, LATER = timedelta(days=1), timedelta(days=3)
TASK = re.compile(r"^/w/task/(\d+)")


@dataclass
class Robot:
    """One person: an address, the links their letters brought, and a plan of when to do what."""

    address: str
    base_url: str
    mailbox: Mailbox
    seed: int
    wait_for_mail: Callable[[int], None]
    """Returns once the mailbox has more letters for the address than the number given, or a while has passed."""
    counts: Counter[str] = field(default_factory=Counter)
    read: int = 0
    links: dict[str, date] = field(default_factory=dict)
    """Link -> the day on which its page is looked at next."""
    plans: dict[str, date] = field(default_factory=dict)
    """Task -> when to act on it."""
    refused: Counter[str] = field(default_factory=Counter)
    """Task -> how often what was sent was not taken."""

    def read_mail(self, today: date) -> None:
        """Open every new letter; its link is worth a look today."""
        letters = self.mailbox.by_address[self.address]
        for letter in letters[self.read :]:
            if (found := LINK.search(letter.part("plain"))) is not None:
                self.links[found[1]] = today
        self.read = len(letters)

    def live(self, today: date) -> None:
        """Act on whatever is planned for today, at the pages behind the links."""
        for link, due in list(self.links.items()):
            if due <= today:
                self.links[link] = self._visit(link, today)

    def _visit(self, link: str, today: date) -> date:
        """Look at one desk and do what is due there; returns when to look again (`date.max`: a letter will say)."""
        with _browser(self.base_url) as http:
            if (desk := self._enter(http, link)) is None:
                return date.max
            later = date.max
            for number, kind in _tasks(desk).items():
                key = f"{link}:{number}"
                if key not in self.plans:
                    self.plans[key] = self._decide(kind, number, today)
                if self.plans[key] <= today:
                    wait = self._act(http, number)
                    self.plans[key] = date.max if wait is None else today + wait
                later = min(later, self.plans[key])
            return later

    def _enter(self, http: httpx.Client, link: str) -> Page | None:
        landing = http.get(link)
        if landing.status_code != 200:
            self.counts["links refused"] += 1
            return None
        form = next((one for one in Page(landing.text).forms if "token" in one.fields), None)
        if form is None:
            return None
        desk = http.post(form.action, data=form.as_shown(), follow_redirects=True)
        return Page(desk.text) if desk.status_code == 200 else None

    def _decide(self, kind: ActKind, number: str, today: date) -> date:
        habit = habit_of(self.seed, self.address, kind, StageKind.TARGET_SETTING, number, days=14)
        return today + habit.delay if habit.delay is not None else date.max

    def _act(self, http: httpx.Client, number: str) -> timedelta | None:
        """Do a task; None: done, else how long to wait before trying again."""
        page = self._form_page(http, number)
        form = _act_form(page) if page else None
        if form is None:
            self.counts["not possible yet"] += 1
            return TOMORROW
        if page is not None and page.blocked:
            self.counts["waited for somebody else"] += 1
            return LATER
        kind = ActKind(form.data["kind"])
        if kind is ActKind.DRAFT_TARGETS and (started := self._take_suggestions(http, page, number)) is not None:
            form = started
        sent = form.as_shown() | dict(self._filled(form, kind, number))
        done = http.post(form.action, data=sent)
        if done.status_code == 200 and (shown := _check_form(Page(done.text))) is not None:
            done = http.post(shown.action, data=shown.as_shown() | {"aware": "yes"})
        if done.status_code == 303:
            self.counts[kind.value] += 1
            return None
        self.counts[f"{kind.value} refused ({done.status_code})"] += 1
        self.refused[number] += done.status_code == 422
        return TOMORROW

    def _form_page(self, http: httpx.Client, number: str) -> Page | None:
        """The form of a task; where it asks for a code, the code is fetched from the mailbox first."""
        page = http.get(f"/w/task/{number}", follow_redirects=True)
        if page.status_code == 200 and _act_form(Page(page.text)) is None and "/w/code" in page.text:
            page = self._prove(http, Page(page.text), number)
        return Page(page.text) if page is not None and page.status_code == 200 else None

    def _prove(self, http: httpx.Client, page: Page, number: str) -> httpx.Response | None:
        ask = next((one for one in page.forms if one.action.split("?")[0].endswith("/w/code")), None)
        if ask is None:
            return None
        before = len(self.mailbox.by_address[self.address])
        asked = http.post(ask.action, data=ask.as_shown(), follow_redirects=True)
        self.wait_for_mail(before)
        code = self._newest_code(before)
        enter = next((one for one in Page(asked.text).forms if "code" in one.fields), None)
        if code is None or enter is None:
            self.counts["code missing"] += 1
            return None
        self.counts["codes"] += 1
        http.post(enter.action, data=enter.as_shown() | {"code": code}, follow_redirects=True)
        return http.get(f"/w/task/{number}", follow_redirects=True)

    def _newest_code(self, before: int) -> str | None:
        for letter in reversed(self.mailbox.by_address[self.address][before:]):
            if (found := CODE.search(letter.part("plain"))) is not None:
                return found[1].replace(" ", "")
        return None

    def _take_suggestions(self, http: httpx.Client, page: Page | None, number: str) -> Form | None:
        button = next((b for b in page.buttons if b[1:] == ("use", "suggestions")), None) if page else None
        if button is None or page is None:
            return None
        form = _act_form(page)
        http.post(button[0], data=(form.as_shown() if form else {}) | {"use": "suggestions"})
        again = http.get(f"/w/task/{number}", follow_redirects=True)
        return _act_form(Page(again.text))

    def _filled(self, form: Form, kind: ActKind, number: str) -> dict[str, str]:
        if (
            kind is ActKind.DRAFT_TARGETS
            and form.fields.get("items.0.title", None)
            and form.fields["items.0.title"].value
        ):
            return {"confirm": "yes"}
        mind = mind_of(self.seed, self.address, f"{kind.value}|{number}", refused=self.refused[number])
        data = answer(asked_by(form, kind), mind)
        return dict(flat(data))


def _browser(base_url: str) -> httpx.Client:
    """Plain HTTP on this machine; reading the certificates of the world for each visit would take most of the time."""
    origin = {"Origin": base_url}
    return httpx.Client(base_url=base_url, timeout=60, headers=origin, verify=False, trust_env=False)  # noqa: S501


def asked_by(form: Form, kind: ActKind) -> Asked:
    """What the page's form tells of the situation."""
    indicators = []
    for one in form.fields.values():
        if one.name.endswith(".indicator_id"):
            try:
                indicators.append((int(one.value), Decimal(one.data.get("target", "100"))))
            except (ValueError, InvalidOperation):
                continue
    aspects = [
        one.value for one in form.fields.values() if one.name.startswith("aspects.") and one.name.endswith(".aspect")
    ]
    return Asked(
        kind=kind, indicators=indicators, proposal="changes" in form.fields, numeric=bool(aspects), aspects=aspects,
        measured="skp_score" not in form.fields,
    )  # fmt: skip


def _act_form(page: Page) -> Form | None:
    return next((form for form in page.forms if "kind" in form.data), None)


def _check_form(page: Page) -> Form | None:
    """The page that shows one's answers before a weighty act is final."""
    return next((form for form in page.forms if "check" in form.data), None)


def _tasks(page: Page) -> dict[str, ActKind]:
    """Number and kind of what can be done at a desk."""
    return {found[1]: ActKind(kind) for link, kind in page.kinds.items() if (found := TASK.match(link)) is not None}


@dataclass
class Scanner:
    """A mail filter that opens every link and presses every button, as some do: nothing may come of it."""

    base_url: str
    tried: Counter[str] = field(default_factory=Counter)

    def scan(self, letter: Received) -> None:
        """Fetch every link of a letter, submit every form it finds just as it stands, and follow what opens."""
        for path in dict.fromkeys(LINK.findall(letter.part("plain"))):
            with _browser(self.base_url) as http:
                http.head(path)
                page = http.get(path)
                self.tried["links"] += 1
                self._press(http, page, depth=2)

    def _press(self, http: httpx.Client, page: httpx.Response, depth: int) -> None:
        found = Page(page.text)
        for form in found.forms:
            answered = http.post(form.action, data=form.as_shown(), follow_redirects=True)
            self.tried["forms"] += 1
            if depth:
                for link in dict.fromkeys(Page(answered.text).links):
                    if link.startswith("/w/task/"):
                        self._press(http, http.get(link, follow_redirects=True), depth - 1)
