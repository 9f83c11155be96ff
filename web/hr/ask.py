"""One request in the HR console: who sits there, what they may do, and refusals that say what to do instead."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from actions.access import signin
from actions.access.signin import Officer
from actions.steering import SteeringRefused
from actions.store import throttles
from models import Cycle, Person
from rules.refused import Refused
from rules.terms import Locale
from web.desk.ask import Ask, asks
from web.render import HERE, look_for
from web.sessions import CONSOLE, REFRESH, read_cookie, set_cookie
from web.texts import has, say

STYLE = (HERE / "static" / "console.css").read_bytes()
STYLE_URL = f"/static/console.css?v={hashlib.sha256(STYLE).hexdigest()[:10]}"
STATUS = {"no_session": 401, "read_only": 403, "other_person": 409, "too_many": 429, "not_found": 404,
          "bad_request": 400, "confirm": 422, "code_none": 422, "code_over": 422, "code_elsewhere": 422,
          "code_guessed": 429,
          "code_many": 429, "code_waits": 403, "code_waits_stopped": 403}  # fmt: skip
KEPT = ("stage", "show", "from", "wave", "waves", "case", "do", "duties", "letters", "rest", "unwritten",
        "extensions", "mandates", "overrides")  # fmt: skip
"""What of a query a switch of language carries along."""


class ConsoleRefused(Refused):
    def __init__(self, code: str, **details: Any) -> None:
        super().__init__(code)
        self.code, self.details = code, details


@dataclass(slots=True)
class Desk(Ask):
    """HR's own desk."""

    who: Officer | None = field(default=None, repr=False)

    def officer(self, session: Session, *, write: bool = False, steer: bool = False) -> Officer:
        """Who sits there; ConsoleRefused if nobody. `write`: a form of this person's own page; `steer`: HR only."""
        kept = (self._renewed, self.at) if self._renewed else read_cookie(self.request, CONSOLE)
        found = signin.find(session, kept[0], at=self.at, seen=kept[1]) if kept else None
        if kept is None or found is None or found.rested:
            raise ConsoleRefused("no_session")
        self.who = found
        self.look = replace(
            look_for(self.request.query_params.get("lang"), found.person.locale), zone=found.agency.zone,
            agency=found.agency.name, contact=found.agency.contact, person=found.person.name,
            person_id=found.person.id, other_language=self.look.other_language, kept_query=self.look.kept_query,
        )  # fmt: skip
        if write:
            if self.posted.whole("who") != found.person.id:
                raise ConsoleRefused("other_person")
            if not throttles.take(session, f"console:{found.person.id}", 120, throttles.MINUTE, at=self.at):
                raise ConsoleRefused("too_many")
            found.row.seen_at = self.at
        if steer and not found.may_steer:
            raise ConsoleRefused("read_only")
        if self.at - kept[1] >= REFRESH:
            self.keep(kept[0])
        return found

    def cycle(self, session: Session, officer: Officer) -> Cycle:
        """The cycle of the address, if it is one of the officer's agency."""
        found = session.get(Cycle, self.number("cycle"))
        if found is None or found.agency_id != officer.agency.id:
            raise ConsoleRefused("not_found")
        self.look = replace(self.look, year=found.year)
        return found

    def person(self, session: Session, officer: Officer) -> Person:
        found = session.get(Person, self.number("person"))
        if found is None or found.agency_id != officer.agency.id:
            raise ConsoleRefused("not_found")
        return found

    def query(self, name: str) -> str:
        return self.request.query_params.get(name, "")[:100]

    def page(
        self, template: str, status: int = 200, headers: Mapping[str, str] | None = None, **context: Any
    ) -> Response:
        # super() without arguments does not work in a dataclass with slots
        return Ask.page(self, f"hr/{template}", status, headers, **self._around, **context)

    def text(self, template: str, **context: Any) -> str:
        return Ask.text(self, f"hr/{template}", **self._around, **context)

    @property
    def _around(self) -> dict[str, Any]:
        """What every page of the console needs."""
        return {"console": STYLE_URL, "steers": self.who is not None and self.who.may_steer, "has": has}

    def refuse_console(self, code: str, **details: Any) -> Response:
        return self.page("refused.html", STATUS.get(code, 409), code=code,
                         why=say(self.look.locale, f"hr.refused.{code}", **details))  # fmt: skip

    def said(self, refusal: SteeringRefused) -> str:
        return refusal.said.en if self.look.locale is Locale.EN else refusal.said.id

    def _with_cookie(self, response: Response) -> Response:
        if self._renewed:
            set_cookie(response, self._renewed, self.at, CONSOLE)
        return response


Handler = Callable[[Desk], Response]


def console(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Make a console page of a plain function."""

    @wraps(handler)
    def page(ask: Ask) -> Response:
        desk = Desk(ask.request, ask.posted, ask.at, ask.look)
        if desk.request.method != "POST":
            kept = urlencode([(k, v) for k, v in desk.request.query_params.multi_items() if k in KEPT])
            desk.look = replace(desk.look, kept_query=f"&{kept}" if kept else "")
        try:
            return handler(desk)
        except ConsoleRefused as refusal:
            return desk.refuse_console(refusal.code, **refusal.details)

    return asks(page)
