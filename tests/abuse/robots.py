"""What attacks: a scanner that follows every link and presses every button, and ways to see what that changed."""

import asyncio
import re
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

PASSING = ("throttle", "web_session")
"""Tables that count requests and keep sessions: being looked at changes them, and nothing else."""
TOKEN = re.compile(r"[a-z2-7]{40}", re.I)


def kept(db: Any, *but: str) -> list[str]:
    """Every row of the database, those of PASSING and the named tables left out."""
    out = tuple(f'INSERT INTO "{table}"' for table in (*PASSING, *but))
    with sqlite3.connect(db.url.removeprefix("sqlite:///")) as connection:
        return [line for line in connection.iterdump() if not line.startswith(out)]


@dataclass
class Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    typed: list[str] = field(default_factory=list)
    buttons: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Where each button sends the form, and what it adds to it."""


OUR_SCRIPT = "/static/keep.js?"
"""Keeps drafts; the only script that a page may load."""


class Page(HTMLParser):
    """The links, forms, buttons and resources of a page, as a browser sees them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[Form] = []
        self.resources: list[str] = []
        self.scripts: list[str] = []
        """Scripts and attributes that run something."""
        self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        ours = tag == "script" and given.get("src", "").startswith(OUR_SCRIPT)
        self.scripts += [tag for _ in (1,) if tag in ("script", "iframe", "object", "embed") and not ours]
        self.scripts += [f"{tag} {name}" for name in given if name.startswith("on") or name == "style"]
        self.resources += [given[name] for name in ("src", "srcset", "poster", "background") if name in given]
        if tag == "link":
            self.resources.append(given.get("href", ""))
        elif tag == "a":
            self.links.append(given.get("href", ""))
        elif tag == "form":
            self.forms.append(Form(given.get("action", "")))
        elif self.forms:
            self._control(tag, given, self.forms[-1])

    def _control(self, tag: str, given: dict[str, str], form: Form) -> None:
        name, value = given.get("name", ""), given.get("value", "")
        if tag == "button":
            form.buttons.append((given.get("formaction", form.action), {name: value} if name else {}))
        elif tag == "select":
            self._select = name
            form.fields[name] = ""
        elif tag == "option" and "selected" in given:
            form.fields[self._select] = value
        elif tag == "textarea" or (tag == "input" and given.get("type", "text") in ("text", "email", "search")):
            form.fields[name] = value
            form.typed.append(name)
        elif tag == "input" and (given.get("type") not in ("radio", "checkbox") or "checked" in given):
            form.fields[name] = value


class Scanner:
    """Opens every link and presses every button of every page, with what the forms hold as they stand."""

    def __init__(self, who: Any, *, types: str = "", spares: Collection[str] = ()) -> None:
        self.who, self.types, self.spares = who, types, spares
        self.seen: set[str] = set()
        self.pressed: set[tuple[str, str]] = set()
        self.statuses: list[int] = []
        self.pages: list[str] = []

    def scan(self, path: str) -> None:
        if path in self.seen or not path.startswith("/") or len(self.seen) > 60:
            return
        self.seen.add(path)
        answer = self.who.http.get(path)
        self.statuses.append(answer.status_code)
        if "html" not in answer.headers.get("content-type", ""):
            return
        page = Page(answer.text)
        self.pages.append(answer.text)
        for form in page.forms:
            for action, more in form.buttons or [(form.action, {})]:
                self._press(form, action, more)
        for link in page.links:
            self.scan(link.split("#")[0])

    def _press(self, form: Form, action: str, more: dict[str, str]) -> None:
        if (action, str(more)) in self.pressed or action.split("?")[0] in self.spares:
            return
        self.pressed.add((action, str(more)))
        fields = form.fields | (dict.fromkeys(form.typed, self.types) if self.types else {}) | more
        answer = self.who.http.post(action, data=fields, headers={"Sec-Fetch-Site": "same-origin"})
        self.statuses.append(answer.status_code)
        self.scan(str(answer.url.path))


def ask_often(app: Any, path: str, host: str, times: int, headers: dict[str, str]) -> list[tuple[int, list[str]]]:
    """GET and HEAD in turn, straight through the application: status and names of the headers of every answer."""

    async def one(method: str) -> tuple[int, list[str]]:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"",
            "headers": [(b"host", host.encode()), *((k.lower().encode(), v.encode()) for k, v in headers.items())],
            "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 80), "scheme": "http", "root_path": "",
            "http_version": "1.1", "asgi": {"version": "3.0"},
        }  # fmt: skip
        await app(scope, receive, send)
        return sent[0]["status"], [name.decode() for name, _ in sent[0]["headers"]]

    async def all_of_them() -> list[tuple[int, list[str]]]:
        return [await one(("GET", "HEAD")[n % 2]) for n in range(times)]

    return asyncio.run(all_of_them())
