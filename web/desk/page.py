"""The desk: what is owed, what was done, and the ways out."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from starlette.responses import Response
from starlette.routing import Route

import database
from actions.access import languages, sessions
from actions.acts.act import ActRefused
from actions.desk import desks, disputes, receipts
from actions.desk.desks import Desk
from actions.line.objection_windows import window_of
from models import Assignment, Submission
from rules.pack.pack import Pack
from rules.terms import AssignmentState, Locale, Proof
from web.desk import sent, sheets
from web.desk.ask import Ask, NoVisit, asks
from web.sessions import clear_cookie

PAGE = 40
CLEAR = {"Clear-Site-Data": '"cookies", "storage"'}


def desk(ask: Ask) -> Response:
    """`GET /w`: what is owed and what is done; 40 to a page, so that a rater's page stays light."""
    with database.glance() as session:
        visit = ask.visit(session)
        found = desks.desk_of(session, visit.person.id, visit.stage.id)
        cases = desks.cases_of(session, visit.person.id, visit.cycle.id)
        own = [case.id for case in cases if case.own]
        staff = [case for case in cases if not case.own]
        window = window_of(session, visit.person.id, visit.stage, at=ask.at)
        return ask.page(
            "desk.html", **_shown(ask, found), now=ask.at, mine=own[0] if own else None, window=window,
            staff=_slice(ask, "files", staff), news=desks.news_of(session, visit.person.id, cases),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Slice:
    """Some of a long list, and how to come to the rest of it."""

    name: str
    rows: Sequence[Any]
    start: int
    all: int

    @property
    def more(self) -> bool:
        return self.start + len(self.rows) < self.all


def _slice(ask: Ask, name: str, rows: Sequence[Any]) -> Slice:
    start = min(ask.query_number(name), max(len(rows) - 1, 0)) // PAGE * PAGE
    return Slice(name, rows[start : start + PAGE], start, len(rows))


def _shown(ask: Ask, found: Desk) -> dict[str, Any]:
    must = [task for task in found.tasks if not task.optional]
    waiting = sorted((t for t in found.open if not t.optional), key=lambda t: (t.due, t.kind.value, t.about, t.number))
    ended = [task for task in found.tasks if task.state is not AssignmentState.OPEN]
    newest = sorted(ended, key=lambda task: task.ended_at or task.due, reverse=True)
    return {
        "desk": found, "stage": found.stage.kind.value, "closed": found.closed, "size": PAGE,
        "tasks": _slice(ask, "from", waiting), "rights": [task for task in found.open if task.optional],
        "ended": _slice(ask, "done", newest), "all": len(must),
        "done": sum(task.state is AssignmentState.DONE for task in must),
    }  # fmt: skip


def done(ask: Ask) -> Response:
    """`GET /w/done/<receipt>`: what was recorded, for whoever sent it, and what comes next."""
    with database.reading() as session:
        visit = ask.visit(session)
        found = session.scalar(
            select(Submission).filter_by(receipt_no=ask.request.path_params["receipt"], person_id=visit.person.id)
        )
        one = session.get_one(Assignment, found.assignment_id) if found else None
        if found is None or one is None or one.stage_id != visit.stage.id:
            raise ActRefused("not_yours")
        here = desks.desk_of(session, visit.person.id, visit.stage.id)
        hidden = found.proof == Proof.CODE.value and visit.proof is not Proof.CODE
        following = next((task for task in here.open if not task.optional), None)
        labels = sheets.Labels(Pack.model_validate_json(visit.cycle.pack), ask.look)
        return ask.page(
            "done.html", receipt=found.receipt_no, at=found.at, kind=one.kind.value, hidden=hidden, next=following,
            recorded=sheets.recorded(one.kind, {} if hidden else found.summary, labels),
            content=[] if hidden or found.content is None else sent.in_full(session, one.kind, found.content, labels),
            digested=one.role in receipts.DIGESTED,
        )  # fmt: skip


def end(ask: Ask) -> Response:
    """`POST /w/end`: the session is over and the browser forgets what it has of us. One that ended is ended again."""
    with contextlib.suppress(NoVisit), database.transaction() as session:
        sessions.end(session, ask.visit(session, write=True), at=ask.at)
    return farewell(ask, "ended")


def farewell(ask: Ask, code: str) -> Response:
    """The last page: whose cookie it was, the browser forgets."""
    response = ask.page("farewell.html", headers=CLEAR, code=code)
    clear_cookie(response)
    return response


def language(ask: Ask) -> Response:
    """`POST /w/language`: the language of this visit holds for pages and letters; a lone press keeps nothing."""
    if ask.posted.get("confirm") != "yes" or ask.posted.get("language") not in set(Locale):
        raise ActRefused("confirm")
    with database.transaction() as session:
        visit = ask.visit(session, write=True)
        languages.choose(session, visit.person, Locale(ask.posted.get("language")), at=ask.at)
    return ask.go("/w")


def not_me(ask: Ask) -> Response:
    """`POST /a/notme`: ends the link for good."""
    if ask.posted.get("confirm") != "yes":
        with database.reading() as session:
            ask.visit(session)
        raise ActRefused("confirm")
    with database.transaction() as session:
        disputes.not_me(session, ask.visit(session, write=True), at=ask.at)
    return farewell(ask, "notme")


ROUTES = [
    Route("/w", asks(desk), methods=["GET"]),
    Route("/w/done/{receipt:str}", asks(done), methods=["GET"]),
    Route("/w/language", asks(language), methods=["POST"]),
    Route("/w/end", asks(end), methods=["POST"]),
    Route("/a/notme", asks(not_me), methods=["POST"]),
]
