"""A form as a page: what was typed stays, and all that is wrong is said at once, at its field and in a summary."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from rules.terms import Locale
from web.desk import errors
from web.desk.ask import Ask
from web.desk.places import Places

Wrong = Mapping[str, str]
"""Field -> what is wrong with it; under the empty name what is wrong with no field of the form."""


def form(
    ask: Ask, template: str, values: Mapping[str, str], wrong: Wrong | None = None, status: int = 422, **context: Any
) -> Response:  # fmt: skip
    """The page of a form of one's own: its template has a form with the id `act`."""
    shown = {"values": defaultdict(str, values), "errors": wrong or {}, "named": []} | context
    if wrong:
        shown["named"] = summary(ask, Places(ask.text(template, **shown)), wrong)
    return ask.page(template, status if wrong else 200, **shown)


def summary(ask: Ask, places: Places, wrong: Wrong) -> list[tuple[str, str, str]]:
    """Field, its place as the form says it, what is wrong; in the order of the form."""
    return [
        (name, places.place(name) or errors.place_name(name, ask.look.locale), wrong[name])
        for name in sorted(wrong, key=places.order)
    ]


def only_turned(ask: Ask) -> bool:
    """Whether a form was sent for nothing but to be shown in the other language, with what was typed in it."""
    return ask.posted.get("then") in set(Locale)
