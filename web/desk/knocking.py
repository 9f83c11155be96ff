"""Asking to be let in, at the console or for a lost link: the same answer, as quickly, whoever asks for whomever.

The request is put down, the page is sent, and only then is it looked up whom it concerns.
"""

import logging
from datetime import datetime

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

import database
import settings
from actions.access import knocks
from rules.terms import Door
from web.desk.ask import Ask, limited
from web.desk.landing import client_of
from web.sessions import read_known

ASKS_A_MINUTE = 10
"""From one network; a browser that proved to be somebody's has its own ten."""
log = logging.getLogger(__name__)


def place_of(request: Request) -> str:
    """Whose requests are counted together: those of one known browser, else of one network."""
    known = read_known(request)
    return f"browser:{known.browser}" if known else client_of(request)


def too_often(ask: Ask) -> bool:
    return limited(ask, f"ask:{place_of(ask.request)}", ASKS_A_MINUTE)


def put_down(door: Door, said: str, *, at: datetime) -> str:
    """Note the request and return the secret that the asking browser keeps."""
    with database.transaction() as session:
        return knocks.knock(session, door, said, at=at)[1]


def answered_later(response: Response, at: datetime) -> Response:
    """Look up what was asked once the response is out."""
    response.background = BackgroundTask(answer, at)
    return response


def answer(at: datetime) -> None:
    """Answer what is waiting, also what a process that died left behind."""
    with database.reading() as session:
        waiting = knocks.unanswered(session, at=at)
    for knock_id in waiting:
        try:
            with database.transaction() as session:
                knocks.answer(session, knock_id, master=settings.load().master, at=at)
        except Exception:  # the next one is answered all the same, and this one with the next request
            log.exception("a request to be let in could not be answered")
