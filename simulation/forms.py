"""Reading a page the way a person's eyes do: its forms with their fields, and its links."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any


@dataclass(slots=True)
class Field:
    name: str
    kind: str
    value: str = ""
    """What is sent if nobody touches it; empty for an unticked box or a choice without a default."""
    options: list[str] = field(default_factory=list)
    data: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Form:
    action: str
    data: dict[str, str] = field(default_factory=dict)
    fields: dict[str, Field] = field(default_factory=dict)

    def as_shown(self) -> dict[str, str]:
        """What a browser sends when only the main button is pressed."""
        return {one.name: one.value for one in self.fields.values() if one.value or one.kind not in _CHOSEN}


_CHOSEN = frozenset({"checkbox", "radio"})


class Page(HTMLParser):
    """The forms and links of a page, in their order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.kinds: dict[str, str] = {}
        """Link -> the kind of act it leads to, where the page says so."""
        self.buttons: list[tuple[str, str, str]] = []
        """(where it sends its form, name, value) of named buttons, also of those that stand outside their form."""
        self.blocked = False
        """Whether the page says that somebody else has to act first."""
        self._form: Form | None = None
        self._area: Field | None = None
        self._select: Field | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        present = {name for name, _ in attrs}
        self.blocked |= given.get("id") == "blocked"
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
            if "data-kind" in given:
                self.kinds[given["href"]] = given["data-kind"]
        elif tag == "form":
            data = {name[5:]: value for name, value in given.items() if name.startswith("data-")}
            self._form = Form(given.get("action", ""), data)
            self.forms.append(self._form)
        elif tag == "button" and given.get("name") and given.get("formaction"):
            self.buttons.append((given["formaction"], given["name"], given.get("value", "")))
        elif self._form is not None and given.get("name"):
            self._take(tag, given, present)
        elif tag == "option" and self._select is not None:
            self._select.options.append(given.get("value", ""))
            if "selected" in present:
                self._select.value = given.get("value", "")

    def _take(self, tag: str, given: dict[str, str], present: set[str]) -> None:
        assert self._form is not None
        name = given["name"]
        if tag == "button":
            self.buttons.append((self._form.action, name, given.get("value", "")))
            return
        kind = given.get("type", "text") if tag == "input" else tag
        one = self._form.fields.setdefault(name, Field(name, kind))
        if kind in _CHOSEN:
            one.options.append(given.get("value", "on"))
            one.value = given.get("value", "on") if "checked" in present else one.value
        else:
            one.value = given.get("value", "")
        one.data.update({key[5:]: value for key, value in given.items() if key.startswith("data-")})
        self._area = one if tag == "textarea" else None
        self._select = one if tag == "select" else self._select

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._area.value += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = None
        elif tag == "select":
            self._select = None
        elif tag == "form":
            self._form = None


def flat(data: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """`{"items": [{"title": "x"}]}` as the fields that a page names: `items.0.title`; false and None are left out."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from flat(value, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(data, list | tuple):
        for n, value in enumerate(data):
            yield from flat(value, f"{prefix}.{n}")
    elif data is True:
        yield prefix, "yes"
    elif data is not None and data is not False:
        yield prefix, str(data)
