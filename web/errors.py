"""What is wrong with a form, said beside the field in the reader's language."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from actions.acts.act import ActInvalid
from rules.words import Locale
from web.forms import Nested, is_ambiguous
from web.texts import has, say

_TYPES = {
    "missing": "missing", "string_too_short": "short", "string_too_long": "long", "decimal_parsing": "number",
    "decimal_type": "number", "int_parsing": "number", "greater_than_equal": "least", "less_than_equal": "most",
    "decimal_max_places": "digits", "decimal_max_digits": "digits", "decimal_whole_digits": "digits",
    "enum": "choose", "literal_error": "choose", "too_short": "rows", "too_long": "rows_many",
    "extra_forbidden": "unknown",
}  # fmt: skip
_VALUES = {"characters": "characters", "above zero": "target_zero", "has two": "twice"}


def said(refused: ActInvalid, sent: Nested, fields: Mapping[str, str], locale: Locale) -> dict[str, str]:
    """Field of the page -> what is wrong with it, in the order of the form."""
    cause = refused.__cause__
    if isinstance(cause, ValidationError):
        found = {}
        for error in cause.errors():
            name = sent.field_of(".".join(map(str, error["loc"])) or "form")
            found[name] = _pydantic(name, error, fields, locale)
        return dict(sorted(found.items(), key=lambda item: item[0] == "confirm"))  # the box stands last on the page
    return {sent.field_of(place): _code(code, locale) for place, code in refused.errors.items()}


def _pydantic(name: str, error: Any, fields: Mapping[str, str], locale: Locale) -> str:
    context = error.get("ctx", {})
    code = _TYPES.get(error["type"], "invalid")
    if name == "confirm":
        code = "confirm"
    elif code == "number" and is_ambiguous(fields.get(name, "")):
        code = "ambiguous"
    elif error["type"] == "value_error":
        code = next((code for part, code in _VALUES.items() if part in error["msg"]), "invalid")
    return say(
        locale, f"wrong.{code}", min=context.get("min_length"), max=context.get("max_length"), least=context.get("ge"),
        most=context.get("le"),
    )  # fmt: skip


def _code(code: str, locale: Locale) -> str:
    return say(locale, f"wrong.{code}") if has(f"wrong.{code}") else code


def place_name(name: str, locale: Locale) -> str:
    """`items.0.indicators.1.target` as a person reads it: Rencana Hasil Kerja 1, Indikator Kinerja Individu 2."""
    steps: list[str] = []
    for part in name.split("."):
        if part.isdigit() and steps:
            steps[-1] = say(locale, "field.row", what=steps[-1], n=int(part) + 1)
        else:
            steps.append(say(locale, f"field.{part}") if has(f"field.{part}") else part)
    return " › ".join(steps)
