"""`/`: whoever lost their letter names their NIP or address, and their link is mailed to the address on record."""

from starlette.responses import Response
from starlette.routing import Route

from actions import throttles
from rules.words import Door
from web import knocking
from web.ask import Ask, asks, too_many


def front(ask: Ask) -> Response:
    """`GET /`: the form, and the way to the console."""
    return ask.page("front.html")


def send_link(ask: Ask) -> Response:
    """`POST /`: always the same page."""
    said = ask.posted.get("owner").strip()
    if not said:
        return ask.page("front.html", 422)
    if knocking.too_often(ask):
        raise too_many(throttles.MINUTE, ask.at)
    knocking.put_down(Door.DESK, said, at=ask.at)
    return knocking.answered_later(ask.page("front_sent.html"), ask.at)


ROUTES = [
    Route("/", asks(front), methods=["GET"]),
    Route("/", asks(send_link), methods=["POST"]),
]
