"""What somebody sent, in full and in words, for them to read again: names of fields as on the form, values as read."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Indicator, ResultItem
from rules.terms import ActKind
from web.desk.errors import place_name
from web.desk.forms import flatten
from web.desk.sheets import Labels, in_words
from web.render import number
from web.texts import has, say

NUMBERS = frozenset({"value", "target", "new_target", "score", "skp_score"})
RATINGS = frozenset({"seen", "result_rating", "behavior_rating"})
SILENT = frozenset({"indicator_id"})
"""Names a field that is said in words beside it."""


def in_full(session: Session, kind: ActKind, content: Mapping[str, Any], labels: Labels) -> list[tuple[str, str]]:
    """Field and value of everything that was filled in, in the order of the form."""
    fields = flatten(content)
    named = _indicators(session, fields)
    return [
        (_place(name, named, labels), _value(session, kind, name, value, labels))
        for name, value in _filled(fields)
    ]  # fmt: skip


def _filled(fields: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        if value.strip() and name.rsplit(".", 1)[-1] not in SILENT:
            yield name, value


def _indicators(session: Session, fields: Mapping[str, str]) -> dict[str, str]:
    """The row of a report (`actuals.3`) -> what is measured there."""
    rows = {name.rsplit(".", 1)[0]: int(value) for name, value in fields.items() if name.endswith(".indicator_id")}
    texts = select(Indicator.id, Indicator.text).where(Indicator.id.in_(set(rows.values())))
    known = dict(session.execute(texts).tuples().all()) if rows else {}
    return {row: known.get(id, "") for row, id in rows.items()}


def _place(name: str, named: Mapping[str, str], labels: Labels) -> str:
    row, _, last = name.rpartition(".")
    if text := named.get(row):
        return f"{text} › {place_name(last, labels.look.locale)}"
    return place_name(name, labels.look.locale)


def _value(session: Session, kind: ActKind, name: str, value: str, labels: Labels) -> str:
    locale, last = labels.look.locale, name.rsplit(".", 1)[-1]
    if last in NUMBERS and not has(f"{last}.{value}"):
        return number(value, locale)
    if last in RATINGS:
        return labels.rating(value)
    if last == "kind":
        return say(locale, f"plan.{value}")
    if last == "supports_id":
        return session.scalar(select(ResultItem.title).where(ResultItem.id == int(value))) or value
    if last == "aspect" and (title := labels.aspect(value)):
        return title
    if value in ("yes", "no") and not has(f"{last}.{value}"):
        return say(locale, f"answer_{value}")
    return in_words(kind, last, value, labels)
