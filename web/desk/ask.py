"""One request of one person: who they are, what they sent, and the answer in their language."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

import clock
import database
from actions.access import languages, sessions
from actions.access.sessions import Visit
from actions.acts.act import ActRefused
from actions.store import throttles
from rules.terms import Proof
from web import render
from web.desk import forms
from web.desk.forms import FormRefused, Posted
from web.render import Look, look_for
from web.sessions import REFRESH, read_cookie, set_cookie
from web.texts import has, holes

STATUS = {"not_yours": 404, "not_found": 404, "link": 404, "stop_over": 404,
          "code_many": 429, "code_guessed": 429, "code_waits": 403,
          "code_waits_stopped": 403, "too_many": 429, "bad_request": 400,
          "confirm": 422, "text_length": 422, "code_none": 422, "too_large": 413, "no_session": 401, "rested": 401,
          "not_active": 403, "not_independent": 403, "mandate_over": 403, "role_over": 403,
          "code_needed": 403}  # fmt: skip
"""409 for the rest: the state of things is not what the act needs."""


KEPT = ("task", "case", "receipt", "from", "done", "files")
"""What of a query a switch of language carries along."""


class NoVisit(ActRefused):
    """There is no session (`no_session`), or it rested too long (`rested`): then the look says whose it was."""


@dataclass(slots=True)
class Ask:
    request: Request
    posted: Posted
    at: datetime
    look: Look
    _renewed: str = field(default="", repr=False)

    @property
    def path(self) -> str:
        return self.request.url.path

    def number(self, name: str) -> int:
        """A number of the path; one that no database holds is -1, which fits nothing."""
        number = int(self.request.path_params[name])
        return number if number < 1 << 63 else -1

    def query_number(self, name: str) -> int:
        """A whole number of the query, 0 for anything else."""
        text = self.request.query_params.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0

    def visit(self, session: Session, *, write: bool = False) -> Visit:
        """Whose desk this is; NoVisit if nobody's. `write`: a form was sent, so it must be from this person's page."""
        kept = read_cookie(self.request)
        found = sessions.find(session, kept[0], at=self.at, seen=kept[1]) if kept else None
        if kept is None or found is None:
            raise NoVisit("no_session")
        self.know(found)
        if found.rested:
            raise NoVisit("rested")
        if write:
            if self.posted.whole("who") != found.person.id:
                raise ActRefused("other_person", name=found.person.name)
            if not throttles.take(session, f"session:{found.row.id}", 60, throttles.MINUTE, at=self.at):
                raise too_many(throttles.MINUTE, self.at)
            found.row.seen_at = self.at
        if self.at - kept[1] >= REFRESH:
            self._renewed = kept[0]
        return found

    def know(self, visit: Visit) -> None:
        """Take over for the page what it says about its reader."""
        self.look = replace(
            look_for(self.request.query_params.get("lang"), visit.person.locale), zone=visit.agency.zone,
            agency=visit.agency.name, contact=visit.agency.contact, year=visit.cycle.year, person=visit.person.name,
            person_id=visit.person.id, other_language=self.look.other_language,
            kept_query=self.look.kept_query,
        )  # fmt: skip

    def keep_language(self, session: Session, visit: Visit) -> None:
        """Whoever acts in a language that they picked is written to in it from now on."""
        if self.look.chosen is not None:
            languages.choose(session, visit.person, self.look.chosen, at=self.at)

    def page(
        self, template: str, status: int = 200, headers: Mapping[str, str] | None = None, **context: Any
    ) -> Response:
        return self._with_cookie(render.page(self.look, template, status, headers, **context))

    def file(self, content: bytes, name: str, media_type: str) -> Response:
        """Something to keep. The name is ours and plain; the browser saves it under that."""
        disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
        return self._with_cookie(Response(content, media_type=media_type, headers=disposition))

    def go(self, path: str, fragment: str = "") -> Response:
        """303 to a path of ours in the language that was picked."""
        return self._with_cookie(RedirectResponse(self.look.url(path) + (f"#{fragment}" if fragment else ""), 303))

    def keep(self, secret: str) -> None:
        """Set this secret in the cookie of the answer."""
        self._renewed = secret

    def _with_cookie(self, response: Response) -> Response:
        if self._renewed:
            set_cookie(response, self._renewed, self.at)
        return response

    def text(self, template: str, **context: Any) -> str:
        """A page as text, to be read by ourselves."""
        return render.text(self.look, template, **context)

    def refuse(
        self, code: str, mine: Mapping[str, str] | None = None, *, kept: str = "", **details: Any
    ) -> Response:  # fmt: skip
        """The page that says why not; `mine` is shown, so that nothing that was typed is lost.

        `kept`: the form that has it as a draft.
        """
        shown = {name: render.readable(value, self.look) for name, value in details.items()}
        known = code if has(f"refused.{code}") else "other"
        shown = {name: shown.get(name, "–") for name in holes(f"refused.{known}.why") | shown.keys()}
        return self.page(
            "refusal.html", STATUS.get(code, 409), retry_after(details), code=known, details=shown | {"code": code},
            mine=self.named(mine or {}), kept=kept, asked_for=self._asked_for,
        )  # fmt: skip

    @property
    def _asked_for(self) -> str:
        """The query by which a code leads back to where it was asked for."""
        return urlencode({name: value for name in ("task", "case", "receipt") if (value := self.posted.get(name))})

    def named(self, fields: Mapping[str, str]) -> list[tuple[str, str]]:
        from web.desk.errors import place_name

        return [(place_name(name, self.look.locale), value) for name, value in fields.items() if value.strip()]


Handler = Callable[[Ask], Response]


def retry_after(details: Mapping[str, Any]) -> dict[str, str]:
    """The header of a refused flood, where it is known when the next try counts."""
    return {"Retry-After": str(details["retry_after"])} if "retry_after" in details else {}


def asks(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Make a page of a plain function: read the form, give it the time, turn refusals into pages."""

    async def endpoint(request: Request) -> Response:
        body = await request.body() if request.method == "POST" else b""
        return await run_in_threadpool(_answer, handler, request, body)

    endpoint.__name__ = handler.__name__
    return endpoint


def _answer(handler: Handler, request: Request, body: bytes) -> Response:
    look = look_for(request.query_params.get("lang"))
    if request.method != "POST":
        kept = urlencode([(k, v) for k, v in request.query_params.multi_items() if k in KEPT])
        look = replace(look, other_language=True, kept_query=f"&{kept}" if kept else "")
    ask = Ask(request, Posted(), clock.now(), look)
    try:
        if request.method == "POST":
            ask.posted = forms.read(body, request.headers.get("content-type", ""))
        return handler(ask)
    except ActRefused as refused:
        return ask.refuse(refused.code, **refused.details)
    except FormRefused:
        return ask.refuse("bad_request")


def need_code(visit: Visit) -> None:
    """Refuse unless a mailed code was entered in this session."""
    if visit.proof is not Proof.CODE:
        raise ActRefused("code_needed")


def allow(session: Session, key: str, limit: int, ask: Ask) -> None:
    """Count one of so many an hour; refused, and rolled back with the rest, when there were too many."""
    if not throttles.take(session, key, limit, throttles.HOUR, at=ask.at):
        raise too_many(throttles.HOUR, ask.at)


def too_many(window: timedelta, at: datetime) -> ActRefused:
    return ActRefused("too_many", retry_after=throttles.seconds_left(window, at=at))


def limited(ask: Ask, key: str, limit: int) -> bool:
    """Count a failure in a transaction of its own, for it must outlive the refusal; True once there were too many.

    A form sent without content guesses nothing, and so leaves no trace.
    """
    if ask.request.method == "POST" and not ask.posted.fields and "referer" not in ask.request.headers:
        return False
    with database.reading() as session:
        if throttles.used_up(session, key, limit, throttles.MINUTE, at=ask.at):
            return True
    with database.transaction() as session:
        return not throttles.take(session, key, limit, throttles.MINUTE, at=ask.at)
