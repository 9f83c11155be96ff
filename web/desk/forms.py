"""Plain HTML forms: fields named `items.0.indicators.1.target` become nested data for an act's form, and back."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from rules.files import typed_numbers
from rules.files.plain_text import plain
from rules.refused import Refused

MAX_FIELDS = 2000
MAX_ROWS = 100
_NAME = re.compile(r"[a-z][a-z_]{0,39}(\.([a-z][a-z_]{0,39}|\d{1,2})){0,4}")
_NUMBERS = re.compile(r"(.*\.)?(target|new_target|value|score|skp_score)")
IDENTITY = {"notes": "value", "aspects": "aspect"}
"""Lists whose rows the page numbers itself: one with nothing but this key was left empty."""


class FormRefused(Refused):
    """The body is no form of ours: not UTF-8, NUL, a field twice, a name that no page of ours has."""


@dataclass(frozen=True, slots=True)
class Posted:
    """What was sent: `fields` as typed, with the controls of the page itself apart."""

    fields: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        return self.fields.get(name, "")

    def whole(self, name: str) -> int:
        """A number that a page of ours put there; anything else is -1, which fits nothing."""
        text = self.get(name)
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1

    def content(self, *controls: str) -> dict[str, str]:
        return {name: value for name, value in self.fields.items() if name not in controls}


def read(body: bytes, content_type: str) -> Posted:
    """Read a plain form's body strictly; no other type of content is taken, and what nobody can see is taken out."""
    if body and content_type.split(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise FormRefused(f"a form was expected, not {content_type[:60]!r}")
    try:
        pairs = parse_qsl(body.decode("ascii"), True, encoding="utf-8", errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError as wrong:
        raise FormRefused(str(wrong)) from wrong
    fields: dict[str, str] = {}
    for name, value in pairs:
        if not _NAME.fullmatch(name) or name in fields:
            raise FormRefused(f"field {name[:60]!r} is unknown or sent twice")
        if "\0" in value:
            raise FormRefused("a NUL character")
        fields[name] = plain(value)
    return Posted(fields)


def is_name(text: str) -> bool:
    """Whether a page of ours could have a field of that name."""
    return _NAME.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Nested:
    """`data` for the act's form without what was left empty; `names` leads from a place in it to the page's field."""

    data: dict[str, Any]
    names: Mapping[str, str]

    def field_of(self, place: str) -> str:
        """The name on the page of a place in `data`, for showing an error where it belongs."""
        parts = place.split(".")
        for end in range(len(parts), 0, -1):
            if (start := self.names.get(".".join(parts[:end]))) is not None:
                return ".".join([start, *parts[end:]])
        return place


def nest(fields: Mapping[str, str]) -> Nested:
    """Build nested data; empty fields and rows are left out, and rows close up. Decimal commas become points."""
    tree: dict[str, Any] = {}
    for name, value in fields.items():
        *path, last = name.split(".")
        node = tree
        for part in path:
            node = node.setdefault(part, {})
            if not isinstance(node, dict):
                raise FormRefused(f"field {name!r} does not fit the others")
        if isinstance(node.get(last), dict):
            raise FormRefused(f"field {name!r} does not fit the others")
        node[last] = _plain_number(value) if _NUMBERS.fullmatch(name) else value
    names: dict[str, str] = {}
    return Nested(_close_up(tree, "", "", names, None) or {}, names)


def _close_up(node: Any, place: str, name: str, names: dict[str, str], identity: str | None) -> Any:
    """What of a subtree was filled in; None if nothing was."""
    if isinstance(node, str):
        return node if node.strip() else None
    if node and all(key.isdigit() for key in node):
        return _rows(node, place, name, names)
    filled = {}
    for key, child in node.items():
        here, there = (f"{start}.{key}" if start else key for start in (place, name))
        if (value := _close_up(child, here, there, names, None)) is not None:
            filled[key] = value
            names[here] = there
    return None if filled.keys() <= {identity} else filled


def _rows(node: Mapping[str, Any], place: str, name: str, names: dict[str, str]) -> list[Any] | None:
    rows: list[Any] = []
    for key in sorted(node, key=int):
        here = f"{place}.{len(rows)}"
        row = _close_up(node[key], here, f"{name}.{key}", names, IDENTITY.get(place))
        if row is not None:
            names[here] = f"{name}.{key}"
            rows.append(row)
    return rows or None


def _plain_number(text: str) -> str:
    """A number as a form reads it; what could mean two things stays unreadable."""
    reading = typed_numbers.read(text)
    if reading.value is not None:
        return reading.value
    return f"?{text.strip()}" if reading.either else text.strip()


def is_ambiguous(text: str) -> bool:
    """Whether a number has one separator and three digits after it: a thousand to some, a fraction to others."""
    return typed_numbers.read(text).either is not None


def flatten(data: Any, name: str = "") -> dict[str, str]:
    """Turn nested data into fields for a page; true is a ticked box, false and nothing are left out."""
    return dict(_flat(data, name))


def _flat(data: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(data, Mapping):
        pairs = data.items()
    elif isinstance(data, list | tuple):
        pairs = enumerate(data)
    else:
        if data is not None and data is not False:
            yield name, "true" if data is True else str(getattr(data, "value", data))
        return
    for key, value in pairs:
        yield from _flat(value, f"{name}.{key}" if name else str(key))


def row_numbers(fields: Mapping[str, str], name: str) -> list[int]:
    """The rows of a list that a page has to show, by the numbers in the names of its fields."""
    start = f"{name}."
    found = {key[len(start) :].split(".")[0] for key in fields if key.startswith(start)}
    return sorted(int(key) for key in found if key.isdigit() and int(key) < MAX_ROWS)
