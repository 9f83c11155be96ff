"""From plain facts to subject, text and HTML; a forgotten fact is an error, and what people wrote stays dead text."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from jinja2 import BaseLoader, Environment, StrictUndefined, Template, TemplateNotFound, pass_context, select_autoescape
from jinja2.runtime import Context
from markupsafe import Markup, escape

from notifications import words
from notifications.kinds import KINDS
from notifications.quoted import quoted, quoted_line
from rules.terms import Locale, StageKind

TEMPLATES = Path(__file__).parent / "templates"
MAX_SUBJECT = 150

OURS = frozenset({"url", "code", "contact", "address", "zone"})
"""Facts that are not free text, so that a link or address in them may live."""

OWN = ("name", "url")
"""Facts that differ from letter to letter of a wave and are only written down, never looked at by a template."""
MOST_MOULDS = 256
HOLE = "\x01"
"""A sign that no fact can hold."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]+")
_TLD = "(?:[a-z]{2}|com|net|org|info|biz|xyz|top|site|online|shop|app|dev|link|click|live|cloud)"
_TRICKY = re.compile(r"[.@:]")
"""Without one of these nothing is a link."""
_LINK_SIGN = re.compile(r"://|www\.|@", re.IGNORECASE)
_LINK_DOT = re.compile(rf"(?<=[a-z0-9]{{2}})\.(?={_TLD}(?![a-z]))|\.(?={_TLD}/)", re.IGNORECASE)
_TAG = re.compile(r"<([a-z][a-z0-9]*)((?:\s[^<>]*)?)>")
_CLASS = re.compile(r'class="([^"]*)"')
_RULE = re.compile(r"([.\w-]+)\s*\{([^}]*)\}")


class Rendered(NamedTuple):
    subject: str
    text: str
    html: str


class Encoded(NamedTuple):
    """A letter whose texts are as `quoted` has them."""

    subject: str
    text: bytes
    html: bytes


def compose(kind: str, facts: Mapping[str, Any], locale: Locale) -> Rendered:
    """Write the letter of that kind. FactsMissing names what it was not told; KeyError if there is no such kind."""
    facts = KINDS[kind].filled(facts)
    mould, own = _mould_for(kind, facts, locale)
    return mould.filled(own) if mould else _render(kind, Locale(locale), facts)


def encode(kind: str, facts: Mapping[str, Any], locale: Locale) -> Encoded:
    """`compose`, as it goes out: of the letters of a wave, what is the same in all was encoded once."""
    facts = KINDS[kind].filled(facts)
    mould, own = _mould_for(kind, facts, locale)
    if mould:
        return mould.encoded(own)
    rendered = _render(kind, Locale(locale), facts)
    return Encoded(rendered.subject, quoted(rendered.text), quoted(rendered.html))


def _mould_for(kind: str, facts: Mapping[str, Any], locale: Locale) -> tuple["_Mould | None", dict[str, str]]:
    """And what to fill it with; None if the letter must be rendered for itself."""
    own = {
        name: told for name in OWN if isinstance(facts.get(name), str) and (told := _tamed(facts[name], name in OURS))
    }
    shared = {name: value for name, value in facts.items() if name not in own}
    key = (kind, locale, repr(shared), *own)
    if key not in _moulds:
        if len(_moulds) >= MOST_MOULDS:
            _moulds.clear()
        _moulds[key] = _mould(kind, Locale(locale), shared, own.keys())
    return _moulds.get(key), own  # another thread may have cleared them


@dataclass(frozen=True, slots=True)
class _Mould:
    """The letters of a wave before they are told whose they are: rendering them anew is most of their cost."""

    subject: str
    text: "_Cast"
    html: "_Cast"

    def filled(self, own: Mapping[str, str]) -> Rendered:
        return Rendered(self.subject, self.text.filled(own), self.html.filled(_escaped(own)))

    def encoded(self, own: Mapping[str, str]) -> Encoded:
        return Encoded(self.subject, self.text.quoted(own), self.html.quoted(_escaped(own)))


def _escaped(own: Mapping[str, str]) -> dict[str, str]:
    return {name: str(escape(value)) for name, value in own.items()}


@dataclass(frozen=True, slots=True)
class _Cast:
    """A text with holes, each with the name of a fact, in the words of `%`."""

    whole: str
    lines: tuple[bytes | str, ...]
    """Encoded lines, or the text of one that has a hole: no fact has more than one line."""

    @classmethod
    def of(cls, text: str) -> "_Cast":
        lines: list[bytes | str] = []
        for sound, some in groupby(text.removesuffix("\n").split("\n"), lambda line: HOLE not in line):
            listed = list(some)
            lines += [quoted("\n".join(listed) + "\n")] if sound else [_holed(one) for one in listed]
        return cls(_holed(text), tuple(lines))

    def filled(self, own: Mapping[str, str]) -> str:
        return self.whole % own

    def quoted(self, own: Mapping[str, str]) -> bytes:
        return b"".join([line if isinstance(line, bytes) else quoted_line(line % own) for line in self.lines])


def _holed(text: str) -> str:
    pieces = text.replace("%", "%%").split(HOLE)
    return "".join(f"%({piece})s" if number % 2 else piece for number, piece in enumerate(pieces))


_moulds: dict[tuple[str, ...], _Mould | None] = {}


def _mould(kind: str, locale: Locale, shared: Mapping[str, Any], own: Iterable[str]) -> _Mould | None:
    """None where the subject names the person: its length decides how it is cut."""
    holes = {name: f"{HOLE}{name}{HOLE}" for name in own}
    cast = _render(kind, locale, shared, holes)
    if HOLE in cast.subject:
        return None
    return _Mould(cast.subject, _Cast.of(cast.text), _Cast.of(cast.html))


def _render(
    kind: str, locale: Locale, facts: Mapping[str, Any], holes: Mapping[str, str] = MappingProxyType({})
) -> Rendered:
    template = _templates(kind, locale)
    told = {name: _tame(value, name) for name, value in facts.items()} | {**holes, "locale": locale}
    subject = " ".join(template.subject.render(told).split())
    told["subject"] = subject = subject if len(subject) <= MAX_SUBJECT else subject[: MAX_SUBJECT - 1] + "…"
    return Rendered(subject, _closed_up(template.text.render(told)), template.html.render(told) + "\n")


def _closed_up(text: str) -> str:
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text.strip("\n") + "\n"


def _tame(value: Any, name: str = "") -> Any:
    """Free text can neither start a line of its own nor become a link in the reader's mail program."""
    if isinstance(value, str):
        return _tame_text(value, name in OURS)
    if isinstance(value, Mapping):
        return {key: _tame(inner, key) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_tame(inner, name) for inner in value]
    return value


@lru_cache(maxsize=4096)
def _tame_text(value: str, ours: bool) -> str:
    return _tamed(value, ours)


def _tamed(value: str, ours: bool) -> str:
    if not value.isprintable():
        value = _CONTROL.sub(" ", value)
    if ours or not _TRICKY.search(value):
        return value
    # visible where it matters to see; hidden after dots, which decree numbers and academic titles are full of
    return _LINK_DOT.sub(".\u2060", _LINK_SIGN.sub(lambda sign: f"{sign[0]} ", value))


@dataclass(frozen=True, slots=True)
class _Compiled:
    subject: Template
    text: Template
    html: Template


@cache
def _templates(kind: str, locale: Locale) -> _Compiled:
    environment = _environment()
    stem = f"{KINDS[kind].name}/{locale.value}"
    names = (f"{stem}.subject.txt", f"{stem}.txt", f"{stem}.html")
    return _Compiled(*(environment.get_template(name) for name in names))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=_StyledLoader(), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, auto_reload=False,
        autoescape=select_autoescape(["html"]),
    )  # fmt: skip
    environment.filters.update(_filters())
    head = (TEMPLATES / "_base/head.css").read_text().strip()
    environment.globals["head_css"] = Markup(head)  # noqa: S704 - our own file
    return environment


def _filters() -> dict[str, Callable[..., str | list[str]]]:
    def in_zone(write: Callable[[str, str, Locale], str]) -> Callable[[Context, str], str]:
        return pass_context(lambda told, iso: write(iso, told["zone"], told["locale"]))

    def in_words(write: Callable[[Any, Locale], str | list[str]]) -> Callable[[Context, Any], str | list[str]]:
        return pass_context(lambda told, value: write(value, told["locale"]))

    return {
        "day": in_zone(words.day),
        "moment": in_zone(words.moment),
        "number": in_words(words.number),
        "time_left": in_words(words.time_left),
        "act_name": in_words(words.act),
        "stage_name": in_words(lambda stage, locale: words.STAGES[locale][StageKind(stage)]),
        "stage_note": in_words(lambda stage, locale: words.NOTES[locale][StageKind(stage)]),
        "stage_note_lines": in_words(words.note_lines),
        "letter_name": in_words(lambda kind, locale: words.LETTERS[locale][kind]),
        "some_names": in_words(lambda names, locale: words.some(names, 10, locale)),
        "lines": in_words(lambda duties, locale: [words.duty(duty["kind"], duty["count"], locale) for duty in duties]),
    }


class _StyledLoader(BaseLoader):
    """Reads templates and writes the style sheet into their `style` attributes once, not once a letter."""

    def __init__(self) -> None:
        sheet = re.sub(r"/\*.*?\*/", "", (TEMPLATES / "_base/letter.css").read_text(), flags=re.DOTALL)
        self.rules = {
            selector: re.sub(r"\s*([:;,])\s*", r"\1", body.strip().replace('"', "'")).rstrip(";")
            for selector, body in _RULE.findall(sheet)
        }

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        path = TEMPLATES / template
        if not path.is_file():
            raise TemplateNotFound(template)
        source = path.read_text(encoding="utf-8")
        return (_TAG.sub(self._style, source) if template.endswith(".html") else source), str(path), lambda: True

    def _style(self, tag: re.Match[str]) -> str:
        named = _CLASS.search(tag[2])
        selectors = [tag[1], *(f".{name}" for name in (named[1].split() if named else ()))]
        styles = ";".join(self.rules[selector] for selector in selectors if selector in self.rules)
        return f'<{tag[1]}{tag[2]} style="{styles}">' if styles else tag[0]
