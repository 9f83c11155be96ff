"""From a template to an answer: language, zone and the few words that every page needs."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from notifications import words
from rules.terms import Locale
from web.texts import say

HERE = Path(__file__).parent
STYLE = (HERE / "static" / "style.css").read_bytes()
STYLE_URL = f"/static/style.css?v={hashlib.sha256(STYLE).hexdigest()[:10]}"
SCRIPT = (HERE / "static" / "keep.js").read_bytes()
SCRIPT_URL = f"/static/keep.js?v={hashlib.sha256(SCRIPT).hexdigest()[:10]}"


@dataclass(frozen=True, slots=True)
class Look:
    """For whom a page is: plain values, valid after the transaction is over."""

    locale: Locale = Locale.ID
    chosen: Locale | None = None
    """The language picked on the page, carried along in its links; else the person's own."""
    own: Locale | None = None
    """In which the person is written to; None while nobody is known."""
    zone: str = "Asia/Jakarta"
    agency: str = ""
    contact: str = ""
    year: int = 0
    person: str = ""
    person_id: int = 0
    other_language: bool = False
    """Whether the other language is offered; not where switching would lose what was typed."""
    kept_query: str = ""
    """What else the query says, for the switch to keep."""

    def url(self, path: str) -> str:
        return f"{path}{'&' if '?' in path else '?'}lang={self.chosen.value}" if self.chosen else path


def look_for(lang: str | None, own: Locale = Locale.ID, **more: Any) -> Look:
    chosen = Locale(lang) if lang in set(Locale) else None
    return Look(locale=chosen or own, chosen=chosen, own=own, **more)


def number(value: object, locale: Locale) -> str:
    """A decimal without useless zeros, with the language's comma."""
    try:
        exact = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    text = f"{exact:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace(".", ",") if locale is Locale.ID else text


def moment(at: datetime | str, zone: str, locale: Locale) -> str:
    return words.moment(at if isinstance(at, str) else at.isoformat(), zone, locale)


def day(on: date | datetime | str, zone: str, locale: Locale) -> str:
    return words.day(on if isinstance(on, str) else on.isoformat(), zone, locale)


_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)")


def readable(value: Any, look: Look) -> str:
    """A detail of a refusal or a receipt as text: instants and days in words, nothing as such."""
    if isinstance(value, datetime):
        return moment(value, look.zone, look.locale)
    if value is None:
        return say(look.locale, "none")
    text = str(value)
    if _INSTANT.fullmatch(text):
        return moment(text, look.zone, look.locale)
    return day(text, look.zone, look.locale) if _DAY.fullmatch(text) else text


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, auto_reload=False,
    )  # fmt: skip


def _said(locale: Locale, key: str, **details: Any) -> str:
    return say(locale, key, **details) if details else _fixed(locale, key)


@cache
def _fixed(locale: Locale, key: str) -> Markup:
    """Most sentences are the same each time: escaped once."""
    return escape(say(locale, key))


def page(
    look: Look, template: str, status: int = 200, headers: Mapping[str, str] | None = None, **context: Any
) -> HTMLResponse:
    return HTMLResponse(text(look, template, **context), status, dict(headers or {}))


def text(look: Look, template: str, **context: Any) -> str:
    """A page before it is an answer."""
    here = {
        "look": look, "t": partial(_said, look.locale), "url": look.url, "css": STYLE_URL, "js": SCRIPT_URL,
        "moment": lambda at: moment(at, look.zone, look.locale), "day": lambda on: day(on, look.zone, look.locale),
        "num": lambda value: number(value, look.locale),
    }  # fmt: skip
    return _templates().get_template(template).render(here | context)


def refusal(look: Look, status: int, code: str, **details: Any) -> HTMLResponse:
    """A page that says why something was not done, and what to do now."""
    return page(look, "refusal.html", status, code=code, details=details, mine=[], kept="", asked_for="")
