"""An officer's own sessions: where they are signed in, and ending what should not be."""

from starlette.responses import Response
from starlette.routing import Route

import database
from actions.access import signin
from web.hr.ask import Desk, console


def sessions(desk: Desk) -> Response:
    """`GET /hr/sessions`: the living ones, at the console and at desks."""
    with database.reading() as session:
        officer = desk.officer(session)
        found = signin.sessions_of(session, officer.person.id, at=desk.at)
        return desk.page("sessions.html", sessions=found, here=officer.row.id)


def end_sessions(desk: Desk) -> Response:
    """`POST /hr/sessions`: end one other session, or all others; ended twice is ended once."""
    chosen = desk.posted.whole("session")
    with database.transaction() as session:
        officer = desk.officer(session, write=True)
        if chosen > 0 or desk.posted.get("all"):
            signin.end_others(session, officer, chosen if chosen > 0 else None, at=desk.at)
    return desk.go("/hr/sessions")


ROUTES = [
    Route("/hr/sessions", console(sessions), methods=["GET"]),
    Route("/hr/sessions", console(end_sessions), methods=["POST"]),
]
