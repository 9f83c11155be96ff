"""Rows of a form's lists: one more, one less and back again, and the agency's suggestions beside one's own."""

import json
import re
from collections.abc import Mapping, Sequence

from web.desk.forms import is_name, row_numbers

MOST_ROWS = {"items": 12, "indicators": 6}
_ROW = re.compile(r"items\.\d{1,2}(\.indicators\.\d{1,2})?")
_KEPT = 20
"""So many removals can be undone."""
Fields = dict[str, str]


def with_row(fields: Mapping[str, str], path: str) -> tuple[Fields, str]:
    """The fields with one more empty row of a list, if it may have one, and the row's place."""
    rows = row_numbers(fields, path) or [0]
    if len(rows) >= MOST_ROWS.get(path.rsplit(".", 1)[-1], 0):
        return dict(fields), path
    row = f"{path}.{rows[-1] + 1}"
    name = f"{row}.title" if path == "items" else f"{row}.text"
    return {**fields, name: ""}, row


def without_row(fields: Mapping[str, str], path: str, undo: str) -> tuple[Fields, str]:
    """The fields without a row, and what was removed so far, this one last."""
    if not _ROW.fullmatch(path):
        return dict(fields), undo
    start = f"{path}."
    row = {name[len(start) :]: value for name, value in fields.items() if name.startswith(start)}
    left = {name: value for name, value in fields.items() if not name.startswith(start)}
    if not any(value.strip() for value in row.values()):
        return left, undo
    return left, json.dumps([*removed(undo), [path, row]][-_KEPT:], ensure_ascii=False)


def removed(undo: str) -> list[tuple[str, Fields]]:
    """The rows that were removed and where they stood; what no page of ours wrote is nothing."""
    try:
        rows = json.loads(undo or "[]")
        pairs = [(str(path), {str(name): str(value) for name, value in row.items()}) for path, row in rows]
    except (ValueError, TypeError, AttributeError):
        return []
    names = [f"{path}.{name}" for path, row in pairs for name in row]
    fits = all(_ROW.fullmatch(path) for path, _ in pairs) and all(is_name(name) for name in names)
    return pairs if fits else []


def restored(fields: Mapping[str, str], undo: str) -> tuple[Fields, str, str]:
    """The fields with the row that was removed last, what can still be undone, and the row's place.

    It goes back to its own number, or behind the others if somebody has taken that meanwhile.
    """
    rows = removed(undo)
    if not rows:
        return dict(fields), "", ""
    path, row = rows.pop()
    if any(name.startswith(f"{path}.") for name in fields):
        of = path.rsplit(".", 1)[0]
        path = f"{of}.{max(row_numbers(fields, of)) + 1}"
    back = {f"{path}.{name}": value for name, value in row.items()}
    return {**fields, **back}, json.dumps(rows, ensure_ascii=False) if rows else "", path


def title_of(undo: str) -> str:
    """The words by which somebody knows again what they removed last."""
    rows = removed(undo)
    return next((value for value in rows[-1][1].values() if value.strip()), "") if rows else ""


def with_suggestions(fields: Mapping[str, str], suggested: Mapping[str, str]) -> tuple[Fields, str]:
    """The fields with the agency's items behind those typed, without those that stand there already."""
    kept = _without_empty(fields)
    titles = {value.strip() for name, value in kept.items() if name.endswith(".title")}
    numbers, place = row_numbers(kept, "items"), ""
    for number in row_numbers(suggested, "items"):
        start = f"items.{number}."
        if suggested.get(f"{start}title", "").strip() in titles or len(numbers) >= MOST_ROWS["items"]:
            continue
        numbers.append(numbers[-1] + 1 if numbers else 0)
        row = f"items.{numbers[-1]}"
        place = place or row
        kept |= {f"{row}.{name[len(start) :]}": value for name, value in suggested.items() if name.startswith(start)}
    return kept, place or "items"


def _without_empty(fields: Mapping[str, str]) -> Fields:
    empty = [
        f"items.{number}." for number in row_numbers(fields, "items")
        if not any(value.strip() for name, value in fields.items() if name.startswith(f"items.{number}."))
    ]  # fmt: skip
    return {name: value for name, value in fields.items() if not name.startswith(tuple(empty) or ("\0",))}


def all_suggested(fields: Mapping[str, str], titles: Sequence[str]) -> bool:
    """Whether every suggestion stands in the form already."""
    typed = {value.strip() for name, value in fields.items() if name.endswith(".title")}
    return all(title.strip() in typed for title in titles)
