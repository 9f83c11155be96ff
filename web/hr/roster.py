"""The console's page of the roster: who is held back, why, who mends it and how. Reading changes nothing."""

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

import database
from actions.console import overview as looks
from actions.console.roster import known_by_nip, roster_of
from web.hr.ask import Desk, console


def roster(desk: Desk) -> Response:
    """`GET /hr/roster`: the last import and what it left to do."""
    with database.reading() as session:
        officer = desk.officer(session)
        found = roster_of(session, officer.agency.id)
        held = _slice(found.held if found else (), desk.query_number("from"))
        rest = _slice(found.rest if found else (), desk.query_number("rest"))
        known = known_by_nip(session, officer.agency.id, [*held.rows, *rest.rows])
        return desk.page("roster.html", roster=found, held=held, rest=rest, known=known, path="/hr/roster?")


def _slice(listed: Sequence[Any], start: int) -> looks.Slice:
    return looks.Slice(listed[start : start + looks.PAGE], len(listed), start)


ROUTES = [Route("/hr/roster", console(roster), methods=["GET"])]
