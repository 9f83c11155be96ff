"""What a form looks like to its reader: each control with its place in the form's own words, and what it holds.

Read from the page itself, so that a summary of errors, a page to check one's answers and the form never differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

BETWEEN = " › "
_SILENT = frozenset({"small", "svg"})
"""Elements whose text is no part of a name: `(may stay empty)` and pictures."""


@dataclass(slots=True)
class Group:
    """A fieldset, or any element that says with `data-place` how its rows are called."""

    name: str = ""
    fixed: bool = False
    list: bool = False
    """It only holds rows, each of which says its own name."""


@dataclass(slots=True)
class Control:
    name: str
    kind: str
    groups: tuple[Group, ...]
    label: str = ""
    holds: str = ""
    """What was chosen or typed, in the words of the page."""

    @property
    def place(self) -> str:
        names = [group.name for group in self.groups if group.name and not group.list]
        return BETWEEN.join([*names, self.label] if self.label else names)


@dataclass(slots=True)
class _Reader:
    """Where the text that follows belongs."""

    into: Control | Group | None = None
    part: str = ""
    silent: int = 0
    text: list[str] = field(default_factory=list)


class Places(HTMLParser):
    """The controls of a page's act form, by the id that an error links to, in their order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.controls: dict[str, Control] = {}
        self._places: dict[str, Control | Group] = {}
        self._labels: dict[str, str] = {}
        self._groups: list[tuple[str, Group]] = []
        self._inside = False
        self._reader = _Reader()
        self._option: Control | None = None
        self._chosen = False
        self._select: Control | None = None
        self.feed(html)
        for control in self.controls.values():
            control.label = control.label or self._labels.get(control.name, "")

    def place(self, name: str) -> str | None:
        """Where a field stands, in the words of the page; None if the page has no such field."""
        found = self._places.get(name)
        return found.name if isinstance(found, Group) else found.place if found else None

    def order(self, name: str) -> int:
        """For sorting: as on the page; what is not on it comes last."""
        return next((n for n, known in enumerate(self._places) if known == name), len(self._places))

    def filled(self) -> list[tuple[str, str]]:
        """Place and content of whatever holds something."""
        return [(one.place, one.holds) for one in self.controls.values() if one.holds.strip()]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = given.get("id") == "act"
        if not self._inside:
            return
        self._reader.silent += tag in _SILENT
        if tag == "fieldset" or "data-place" in given:
            self._open(tag, given)
        elif tag in ("div", "section"):
            self._groups.append((tag, Group()))
        if tag == "legend" and self._groups and not self._groups[-1][1].fixed:
            self._read(self._groups[-1][1], "legend")
        elif tag == "label":
            self._read(None, given.get("for", ""))
        elif tag in ("input", "textarea", "select") and given.get("type") != "hidden" and given.get("name"):
            self._take(tag, given)
        elif tag == "option" and self._select is not None and "selected" in given and given.get("value"):
            self._read(self._select, "option")

    def _open(self, tag: str, given: Mapping[str, str]) -> None:
        group = Group(given.get("data-place", ""), fixed="data-place" in given, list=tag != "fieldset")
        self._groups.append((tag, group))
        if given.get("id"):
            self._places.setdefault(given["id"], group)

    def _read(self, into: Control | Group | None, part: str) -> None:
        self._reader = _Reader(into, part)

    def _take(self, tag: str, given: Mapping[str, str]) -> None:
        kind, name = given.get("type", "text") if tag == "input" else tag, given["name"]
        groups = tuple(group for _, group in self._groups)
        control = self.controls.setdefault(name, Control(name, kind, groups, given.get("aria-label", "")))
        self._places[name] = self._places.pop(name) if kind == "radio" and name in self._places else control
        if kind in ("radio", "checkbox"):
            self._option, self._chosen = control, "checked" in given
        elif kind == "textarea":
            self._read(control, "textarea")
        elif kind == "select":
            self._select = control
        else:
            control.holds = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._inside and (not self._reader.silent or self._reader.part == "textarea"):
            self._reader.text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if not self._inside:
            return
        if tag == "form":
            self._inside = False
        self._reader.silent -= tag in _SILENT
        if self._groups and tag == self._groups[-1][0]:
            self._groups.pop()
        text = "".join(self._reader.text)
        if tag == "textarea" and isinstance(self._reader.into, Control):
            self._reader.into.holds = text.removeprefix("\n")
            self._read(None, "")
        elif tag == "legend" and isinstance(self._reader.into, Group):
            self._reader.into.name = _line(text)
            self._read(None, "")
        elif tag == "label":
            self._label(_line(text))
        elif tag == "option" and self._reader.part == "option" and self._select is not None:
            self._select.holds = _line(text)
            self._read(None, "")
        elif tag == "select":
            self._select = None

    def _label(self, text: str) -> None:
        """The end of a label: of one control, or around a box or a choice."""
        option, self._option = self._option, None
        if option is None:
            self._labels[self._reader.part] = text
        elif option.kind == "checkbox":
            option.label, option.holds = text, "✓" if self._chosen else ""
        elif self._chosen:
            option.holds = text
        self._read(None, "")


def _line(text: str) -> str:
    return " ".join(text.split())
