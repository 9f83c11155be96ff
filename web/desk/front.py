"""`/`: whoever lost their letter names their NIP or address, and their link is mailed to the address on record."""

from starlette.responses import Response
from starlette.routing import Route

from actions.store import throttles
from rules.terms import Door
from web.desk import knocking
from web.desk.ask import Ask, asks, too_many
from web.form_pages import form, only_turned
from web.texts import say


def front(ask: Ask) -> Response:
    """`GET /`: the form, and the way to the console."""
    return form(ask, "front.html", {})


def send_link(ask: Ask) -> Response:
    """`POST /`: always the same page."""
    said = ask.posted.get("owner").strip()
    if only_turned(ask):
        return form(ask, "front.html", {"owner": said})
    if not said:
        return form(ask, "front.html", {}, {"owner": say(ask.look.locale, "wrong.missing")})
    if knocking.too_often(ask):
        raise too_many(throttles.MINUTE, ask.at)
    knocking.put_down(Door.DESK, said, at=ask.at)
    return knocking.answered_later(ask.page("front_sent.html"), ask.at)


ROUTES = [
    Route("/", asks(front), methods=["GET"]),
    Route("/", asks(send_link), methods=["POST"]),
]
