"""The link in the letter to an old address: whoever reads it may stop the change, by a box that people tick."""

from starlette.responses import Response
from starlette.routing import Route

import database
import settings
from actions.access import address_changes
from models import Agency, Person
from rules.proof.tokens import Purpose, tidy, verify
from web.desk.ask import Ask, asks, limited
from web.desk.landing import BAD_TOKENS, client_of
from web.form_pages import form
from web.render import look_for
from web.texts import say


def _change_id(token: str) -> int | None:
    return verify(tidy(token), master=settings.load().masters, kids=(0,), purpose=Purpose.ADDRESS_STOP)


def _unknown(ask: Ask) -> Response:
    too_many = limited(ask, f"bad:{client_of(ask.request)}", BAD_TOKENS)
    return ask.refuse("too_many") if too_many else ask.refuse("stop_over")


def _page(ask: Ask, token: str, *, unticked: bool = False) -> Response:
    with database.reading() as session:
        change = address_changes.stoppable(session, _change_id(token), at=ask.at)
        if change is None:
            return _unknown(ask)
        person = session.get_one(Person, change.person_id)
        agency = session.get_one(Agency, person.agency_id)
        lang = ask.request.query_params.get("lang")
        ask.look = look_for(
            lang, person.locale, zone=agency.zone, agency=agency.name, contact=agency.contact,
            other_language=ask.look.other_language,
        )  # fmt: skip
        wrong = {"confirm": say(ask.look.locale, "stop.tick")} if unticked else {}
        return form(
            ask, "stop.html", {}, wrong, token=tidy(token).lower(), stopped=change.stopped_at is not None,
            changed_at=change.at,
        )  # fmt: skip


def stop_page(ask: Ask) -> Response:
    """`GET /a/stop/<token>`: that an address was changed, and whose office to ask; neither name nor address."""
    return _page(ask, ask.request.path_params["token"])


def stop(ask: Ask) -> Response:
    """`POST /a/stop`: with the box ticked, the change is stopped."""
    token = ask.posted.get("token")
    if ask.posted.get("confirm") == "yes":
        with database.transaction() as session:
            address_changes.stop(session, _change_id(token), at=ask.at)
        return _page(ask, token)
    return _page(ask, token, unticked=True)


ROUTES = [
    Route("/a/stop", asks(stop), methods=["POST"]),
    Route("/a/stop/{token}", asks(stop_page), methods=["GET"]),
]
