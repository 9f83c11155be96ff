"""A task's form on a page: what it shows before anybody typed, and what its template needs beside the act's facts."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from actions.desk.desks import Sheet
from models import Person
from rules.pack.explanations import explain
from rules.pack.pack import Pack
from rules.terms import ActKind, BehaviorValue, OrgPredicate, Predicate, Rating, Role
from web.desk.errors import place_name
from web.desk.forms import flatten, is_ambiguous
from web.render import Look, number, readable
from web.texts import has, say

CONTROLS = ("who", "version", "nonce", "draft_at", "add", "drop", "use", "undo", "then", "seen", "aware", "dispute")
"""Fields of the page itself; the rest is the act's."""
_GIVEN = re.compile(r"notes\.\d+\.value|aspects\.\d+\.aspect|actuals\.\d+\.indicator_id")
_INDICATOR = ("text", "aspect", "target", "unit", "lower_is_better", "target_is_maximum")


def plan_fields(items: Sequence[Mapping[str, Any]], look: Look) -> dict[str, str]:
    """A plan, or the agency's suggestions, as fields of the drafting form."""
    plain = [
        {
            "title": item["title"], "kind": "additional" if item.get("kind") == "additional" else None,
            "assigned_by": item.get("assigned_by"), "supports_id": item.get("supports_id"),
            "indicators": [
                {key: one.get(key) for key in _INDICATOR} | {"target": _typed(one["target"], look)}
                for one in item["indicators"]
            ],
        }
        for item in items
    ]  # fmt: skip
    return flatten({"items": plain})


def _typed(value: object, look: Look) -> str:
    """A decimal as its reader would type it."""
    text = number(value, look.locale)
    return f"{text}0" if is_ambiguous(text) else text


def first_values(sheet: Sheet, look: Look) -> dict[str, str]:
    """What a form shows at first: the draft, or what it goes on from; never a judgement.

    A plan goes on from the version to be improved, a report from the evidence of the one before.
    """
    if sheet.draft is not None:
        return {name: value for name, value in flatten(sheet.draft).items() if name not in (*CONTROLS, "confirm")}
    if sheet.act.kind is ActKind.DRAFT_TARGETS and sheet.shown["plan"]:
        return plan_fields(sheet.shown["plan"], look)
    if sheet.act.kind in (ActKind.REPORT_PROGRESS, ActKind.SELF_ASSESS):
        return _evidence(sheet.shown)
    return {}


def _evidence(shown: Mapping[str, Any]) -> dict[str, str]:
    """What was given as evidence before, as content: left alone, it is sent again."""
    numbers = _numbered([one for item in shown["plan"] or [] for one in item["indicators"]])
    known = {numbers[id]: got["evidence"] for id, got in shown["actuals"].items() if id in numbers}
    return {f"actuals.{number}.evidence": text for number, text in known.items() if text}


def is_given(name: str) -> bool:
    """Whether a field is one that the page fills in itself, to say which row it is."""
    return _GIVEN.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class Labels:
    """The pack's own words for what it judges, in the reader's language."""

    pack: Pack
    look: Look

    @property
    def _own(self):
        return self.pack.labels[self.look.locale]

    def predicate(self, value: str) -> str:
        return self._own.predicates.get(Predicate(value), value)

    def rating(self, value: str) -> str:
        label = self._own.ratings.get(Rating(value)) or say(self.look.locale, f"rating.{value}")
        return label[:1].upper() + label[1:]

    def organisation(self, value: str) -> str:
        return self._own.organisation.get(OrgPredicate(value)) or say(self.look.locale, f"org.{value}")

    def aspect(self, key: str) -> str:
        """An aspect of behaviour that the pack names; empty if it names none so."""
        return next((one.title[self.look.locale] for one in self.pack.behavior_aspects if one.key == key), "")

    def why(self, why: Mapping[str, Any]) -> list[str]:
        return explain(why, self.look.locale)


def context_of(sheet: Sheet, look: Look) -> dict[str, Any]:
    """What every task page knows beside the act's own facts."""
    acting, shown = sheet.acting, sheet.shown
    case = acting.appraisal
    blind = sheet.task.kind is ActKind.EXAMINE
    employee = acting.session.get_one(Person, case.employee_id).name if case and not blind else ""
    rater = acting.session.get(Person, case.rater_id) if case and case.rater_id and not blind else None
    indicators = [one for item in shown.get("plan") or [] for one in item["indicators"]]
    actuals = shown.get("actuals") or {}
    return {
        "s": shown, "kind": sheet.task.kind.value, "task": sheet.task.id, "role": sheet.task.role.value,
        "number": sheet.number,
        "employee": employee, "rater": rater.name if rater else "", "version": sheet.version, "nonce": sheet.nonce,
        "draft_at": sheet.draft_at, "draft_old": sheet.draft_is_old, "numbered": _numbered(indicators),
        "measured": bool(indicators) and all(one["id"] in actuals for one in indicators),
        "labels": Labels(acting.pack, look), "values_list": [value.value for value in BehaviorValue],
        "ratings": [rating.value for rating in Rating], "organisations": [one.value for one in OrgPredicate],
        "supports": [(one["id"], one["title"]) for one in shown.get("supports") or []],
        "disputable": case is not None and sheet.task.role in (Role.EMPLOYEE, Role.RATER),
    }  # fmt: skip


def _numbered(indicators: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    return {one["id"]: n for n, one in enumerate(indicators) if "id" in one}


def recorded(kind: ActKind, summary: Mapping[str, Any], labels: Labels) -> list[tuple[str, str]]:
    """What an act left behind, for the person who did it: name and value in words."""
    look = labels.look
    return [
        (place_name(name, look.locale), in_words(kind, name.split(".")[0], value, labels))
        for name, value in flatten(summary).items()
        if name != "kind"
    ]


def in_words(kind: ActKind, name: str, value: str, labels: Labels) -> str:
    """A value of a field as its reader would say it."""
    if name == "organisation":
        return labels.organisation(value)
    if name == "predicate":
        return labels.organisation(value) if kind is ActKind.SET_UNIT_PREDICATE else labels.predicate(value)
    if has(f"{name}.{value}"):
        return say(labels.look.locale, f"{name}.{value}")
    if value == "true":
        return say(labels.look.locale, "yes")
    return readable(value, labels.look)
