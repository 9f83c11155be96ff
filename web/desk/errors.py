"""What is wrong with a form, said beside the field in the reader's language."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from actions.acts.act import ActInvalid
from rules.files import typed_numbers
from rules.terms import Locale
from web.desk.forms import IDENTITY, Nested
from web.texts import has, say

_TYPES = {
    "missing": "missing", "string_too_short": "short", "string_too_long": "long", "decimal_parsing": "number",
    "decimal_type": "number", "int_parsing": "number", "greater_than_equal": "least", "less_than_equal": "most",
    "decimal_max_places": "digits", "decimal_max_digits": "digits", "decimal_whole_digits": "digits",
    "enum": "choose", "literal_error": "choose", "too_short": "rows", "too_long": "rows_many",
    "extra_forbidden": "unknown",
}  # fmt: skip


def said(refused: ActInvalid, sent: Nested, fields: Mapping[str, str], locale: Locale) -> dict[str, str]:
    """Field of the page -> what is wrong with it."""
    cause = refused.__cause__
    wrong = (
        {".".join(map(str, one["loc"])): one for one in cause.errors()} if isinstance(cause, ValidationError) else {}
    )
    found = {}
    for place, code in refused.errors.items():
        name = _field_of(place, sent, fields)
        typed = fields.get(name, "")
        found[name] = _pydantic(name, wrong[place], typed, locale) if place in wrong else _code(code, locale)
    return found


def _field_of(place: str, sent: Nested, fields: Mapping[str, str]) -> str:
    """The page's field for a place in the data: by number, or by the key of a row that was left empty."""
    of, _, rest = place.partition(".")
    key, _, part = rest.partition(".")
    if of not in IDENTITY or not key or key.isdigit():
        return sent.field_of(place)
    rows = (name.split(".")[1] for name, value in fields.items()
            if value == key and name.startswith(f"{of}.") and name.endswith(f".{IDENTITY[of]}"))  # fmt: skip
    return f"{of}.{next(rows, key)}.{part}"


def _pydantic(name: str, error: Any, typed: str, locale: Locale) -> str:
    context = error.get("ctx", {})
    code = "confirm" if name == "confirm" else _TYPES.get(error["type"], "invalid")
    if code == "number" and (either := typed_numbers.read(typed).either):
        first, second = (number.replace(".", "," if locale is Locale.ID else ".") for number in either)
        return say(locale, "wrong.ambiguous", text=typed.strip(), first=first, second=second)
    most, count = context.get("max_length"), len(typed.strip())
    over = count - most if code == "long" and most is not None else 0
    numbers = {"min": context.get("min_length"), "max": most, "n": count, "over": over}
    return say(
        locale, f"wrong.{code}", least=context.get("ge"), most=context.get("le"),
        **{key: _whole(number, locale) for key, number in numbers.items()},
    )  # fmt: skip


def _whole(number: int | None, locale: Locale) -> str:
    text = f"{number or 0:,}"
    return text.replace(",", ".") if locale is Locale.ID else text


def _code(code: str, locale: Locale) -> str:
    """The sentence of a code; `short:40` says how long it should be."""
    name, _, least = code.partition(":")
    return say(locale, f"wrong.{name}", min=least) if has(f"wrong.{name}") else code


def place_name(name: str, locale: Locale) -> str:
    """`items.0.indicators.1.target` as a person reads it: Rencana Hasil Kerja 1, Indikator Kinerja Individu 2."""
    steps: list[str] = []
    for part in name.split("."):
        if part.isdigit() and steps:
            steps[-1] = say(locale, "field.row", what=steps[-1], n=int(part) + 1)
        else:
            steps.append(say(locale, f"field.{part}") if has(f"field.{part}") else part)
    return " › ".join(steps)
