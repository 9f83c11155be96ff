"""The desk and its tasks: read, draft, submit; what was done; and the ways out."""

import contextlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response
from starlette.routing import Route

import database
from actions import deadlines, desks, disputes, sessions
from actions.acts.act import ActInvalid, ActRefused
from actions.desks import CaseLine, Desk, Sheet, Task
from actions.perform import Sent, StaleForm, perform
from actions.sessions import Visit
from models import Assignment, Submission
from rules.pack import Pack
from rules.words import AssignmentState, Proof
from web import errors, forms, sheets
from web.ask import Ask, NoVisit, allow, asks, need_code
from web.forms import Posted, nest, row_numbers
from web.render import readable
from web.sessions import clear_cookie
from web.sheets import CONTROLS

PAGE = 40
SUBMITS_AN_HOUR = 240
CLEAR = {"Clear-Site-Data": '"cookies", "storage"'}
SHOW_BOTH = frozenset({"done_already", "nonce_reused"})


def desk(ask: Ask) -> Response:
    """`GET /w`: what is owed and what is done; 40 to a page, so that a rater's page stays light."""
    with database.glance() as session:
        visit = ask.visit(session)
        found = desks.desk_of(session, visit.person.id, visit.stage.id)
        cases = desks.cases_of(session, visit.person.id, visit.cycle.id)
        return ask.page("desk.html", **_shown(found, ask.query_number("from")), now=ask.at, **_files(cases))


def _shown(found: Desk, start: int) -> dict[str, Any]:
    must = [task for task in found.tasks if not task.optional]
    waiting = sorted((t for t in found.open if not t.optional), key=lambda t: (t.due, t.kind.value, t.about))
    return {
        "desk": found, "stage": found.stage.kind.value, "closed": found.closed, "start": start, "size": PAGE,
        "tasks": waiting[start : start + PAGE], "more": len(waiting) > start + PAGE,
        "rights": [task for task in found.open if task.optional], "ended": _newest(found.tasks), "all": len(must),
        "done": sum(task.state is AssignmentState.DONE for task in must),
    }  # fmt: skip


def _files(cases: Sequence[CaseLine]) -> dict[str, Any]:
    """The person's own file, and those of the people they rate."""
    own = [case.id for case in cases if case.own]
    staff = [(case.id, case.employee) for case in cases if not case.own]
    return {"mine": own[0] if own else None, "staff": staff[:PAGE]}


def _newest(tasks: Sequence[Task]) -> list[Task]:
    ended = [task for task in tasks if task.state is not AssignmentState.OPEN]
    return sorted(ended, key=lambda task: task.ended_at or task.due, reverse=True)[:PAGE]


def task(ask: Ask) -> Response:
    """`GET /w/task/<id>`: the form. A weighty one is shown only once a code was entered."""
    with database.reading() as session:
        visit = ask.visit(session)
        sheet = _sheet(session, visit, ask)
        if sheet.task.state is not AssignmentState.OPEN:
            return _ended(session, visit, ask, sheet.task)
        if sheet.act.proof is Proof.CODE and visit.proof is not Proof.CODE:
            return ask.go(f"/w/code?task={sheet.task.id}")
        return _form(ask, session, sheet, sheets.first_values(sheet, ask.look))


def _sheet(session: Session, visit: Visit, ask: Ask) -> Sheet:
    return desks.sheet(session, visit.person.id, visit.stage.id, ask.number("id"), at=ask.at)


def _form(
    ask: Ask, session: Session, sheet: Sheet, values: dict[str, str], wrong: dict[str, str] | None = None,
    draft_at: str | None = None,
) -> Response:  # fmt: skip
    """The page of a task, with what was typed and what is wrong with it."""
    context = sheets.context_of(sheet, ask.look)
    kept = sheet.draft_at.isoformat() if sheet.draft_at else ""
    return ask.page(
        f"acts/{sheet.task.kind.value}.html", 422 if wrong else 200, values=defaultdict(str, values),
        errors=wrong or {},
        named=[(name, errors.place_name(name, ask.look.locale), text) for name, text in (wrong or {}).items()],
        rows=lambda name: row_numbers(values, name) or [0], kept=kept if draft_at is None else draft_at,
        due=deadlines.deadlines_of(session, sheet.acting.stage).due(sheet.task), **context,
    )  # fmt: skip


def _ended(session: Session, visit: Visit, ask: Ask, ended: Assignment) -> Response:
    query = select(Submission.receipt_no).filter_by(assignment_id=ended.id, person_id=visit.person.id)
    if (number := session.scalar(query.order_by(Submission.id.desc()))) is not None:
        return ask.go(f"/w/done/{number}")
    return ask.refuse("withdrawn" if ended.state is AssignmentState.WITHDRAWN else "closed", closed_at=ended.ended_at)


def submit(ask: Ask) -> Response:
    """`POST /w/task/<id>`: everything in one transaction, or a page that says why not and keeps what was typed."""
    number, typed = ask.number("id"), ask.posted.content(*CONTROLS)
    sent = nest(typed)
    try:
        with database.transaction() as session:
            visit = ask.visit(session, write=True)
            _sheet(session, visit, ask)
            form = Sent(sent.data, ask.posted.whole("version"), ask.posted.get("nonce")[:64], visit.proof)
            receipt = perform(session, number, visit.person.id, form, at=ask.at)
            allow(session, f"submits:{visit.link.id}", SUBMITS_AN_HOUR, ask)
        return ask.go(f"/w/done/{receipt.number}")
    except NoVisit as gone:
        return _rescued(ask, number, typed, gone)
    except ActInvalid as invalid:
        return _again(ask, typed, errors.said(invalid, sent, typed, ask.look.locale))
    except ActRefused as refused:
        if isinstance(refused, StaleForm) or refused.code in SHOW_BOTH:
            return _both(ask, typed, refused)
        if refused.code == "code_needed":
            return _to_code(ask, number, typed)
        return ask.refuse(refused.code, typed, **refused.details)


def _again(ask: Ask, typed: dict[str, str], wrong: dict[str, str]) -> Response:
    with database.reading() as session:
        sheet = replace(_sheet(session, ask.visit(session), ask), nonce=ask.posted.get("nonce")[:64])
        return _form(ask, session, sheet, typed, wrong, ask.posted.get("draft_at"))


def _both(ask: Ask, typed: dict[str, str], refused: ActRefused) -> Response:
    """What was typed beside what is stored; neither is lost, and a person chooses."""
    with database.reading() as session:
        visit = ask.visit(session)
        sheet = _sheet(session, visit, ask)
        query = select(Submission).filter_by(assignment_id=sheet.task.id, person_id=visit.person.id)
        submitted = session.scalar(query.order_by(Submission.id.desc()))
        stored = forms.flatten(submitted.summary) if submitted else sheets.first_values(sheet, ask.look)
        still_open = sheet.task.state is AssignmentState.OPEN
        kept = sheet.draft_at.isoformat() if sheet.draft_at else ""
        stored.pop("kind", None)
        details = {name: readable(value, ask.look) for name, value in refused.details.items()}
        typed.pop("confirm", None)
        return ask.page(
            "conflict.html", 409, code=refused.code, details=details, mine=ask.named(typed), stored=ask.named(stored),
            typed=typed, task=sheet.task.id, version=sheet.version, kept=kept, still_open=still_open,
            receipt=submitted.receipt_no if submitted else "",
        )  # fmt: skip


def _to_code(ask: Ask, number: int, typed: dict[str, str]) -> Response:
    with database.transaction() as session:
        visit = ask.visit(session)
        _keep(session, visit.person.id, number, typed, ask)
    return ask.go(f"/w/code?task={number}")


def _rescued(ask: Ask, number: int, typed: dict[str, str], gone: NoVisit) -> Response:
    """A session that rested too long takes nothing in, but what its owner typed in it becomes a draft."""
    if gone.code == "rested" and ask.posted.whole("who") == ask.look.person_id:
        try:
            with database.transaction() as session:
                _keep(session, ask.look.person_id, number, typed, ask)
        except ActRefused:
            return ask.refuse("no_session", typed)
    return ask.refuse(gone.code, typed)


def _keep(session: Session, person_id: int, number: int, typed: dict[str, str], ask: Ask) -> None:
    body = {name: value for name, value in typed.items() if name != "confirm"}
    based_on = _instant(ask.posted)
    desks.keep_draft(session, person_id, number, body, ask.posted.whole("version"), at=ask.at, based_on=based_on)


def _instant(posted: Posted) -> datetime | None:
    try:
        at = datetime.fromisoformat(posted.get("draft_at"))
    except ValueError:
        return None
    return at if at.tzinfo else None


def draft(ask: Ask) -> Response:
    """`POST /w/task/<id>/draft`: keep it as it is. 204 for a program, back to the form for a person."""
    number, typed, place = ask.number("id"), ask.posted.content(*CONTROLS), ""
    try:
        with database.transaction() as session:
            visit = ask.visit(session, write=True)
            sheet = _sheet(session, visit, ask)
            if sheet.act.proof is Proof.CODE:
                need_code(visit)
            typed, place = _changed(ask, sheet, typed)
            worth = sheet.draft is not None or ask.posted.get("add") or any(value.strip() for value in typed.values())
            if typed and worth:
                _keep(session, visit.person.id, number, typed, ask)
    except NoVisit as gone:
        return _rescued(ask, number, typed, gone)
    except ActRefused as refused:
        if refused.code == "draft_changed":
            return _both(ask, typed, refused)
        return ask.refuse(refused.code, typed, **refused.details)
    if "text/html" not in ask.request.headers.get("accept", ""):
        return Response(status_code=204)
    return ask.go(f"/w/task/{number}", place)


def _changed(ask: Ask, sheet: Sheet, typed: dict[str, str]) -> tuple[dict[str, str], str]:
    """What a button of the form does to it beside saving: a row more, a row less, the agency's suggestions.

    Suggestions never replace a draft: mail scanners press lone buttons.
    """
    if ask.posted.get("use") == "suggestions" and sheet.draft is None:
        return sheets.plan_fields(sheet.shown.get("suggestions") or [], ask.look), "items"
    if path := ask.posted.get("add"):
        return sheets.with_row(typed, path)
    if path := ask.posted.get("drop"):
        return sheets.without_row(typed, path), path.split(".")[0]
    return typed, ""


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
        )  # fmt: skip


def end(ask: Ask) -> Response:
    """`POST /w/end`: the session is over and the browser forgets what it has of us. One that ended is ended again."""
    with contextlib.suppress(NoVisit), database.transaction() as session:
        sessions.end(session, ask.visit(session, write=True), at=ask.at)
    return _farewell(ask, "ended")


def _farewell(ask: Ask, code: str) -> Response:
    response = ask.page("farewell.html", headers=CLEAR, code=code)
    clear_cookie(response)
    return response


def not_me(ask: Ask) -> Response:
    """`POST /a/notme`: ends the link for good."""
    if ask.posted.get("confirm") != "yes":
        with database.reading() as session:
            ask.visit(session)
        raise ActRefused("confirm")
    with database.transaction() as session:
        disputes.not_me(session, ask.visit(session, write=True), at=ask.at)
    return _farewell(ask, "notme")


def wrong_supervisor(ask: Ask) -> Response:
    """`POST /w/task/<id>/wrong-supervisor`: a case for HR; the task goes on meanwhile."""
    text = ask.posted.get("text")
    with database.transaction() as session:
        visit = ask.visit(session, write=True)
        disputes.wrong_supervisor(session, visit, ask.number("id"), text, at=ask.at)
    return ask.page("disputed.html", task=ask.number("id"))


ROUTES = [
    Route("/w", asks(desk), methods=["GET"]),
    Route("/w/task/{id:int}", asks(task), methods=["GET"]),
    Route("/w/task/{id:int}", asks(submit), methods=["POST"]),
    Route("/w/task/{id:int}/draft", asks(draft), methods=["POST"]),
    Route("/w/task/{id:int}/wrong-supervisor", asks(wrong_supervisor), methods=["POST"]),
    Route("/w/done/{receipt:str}", asks(done), methods=["GET"]),
    Route("/w/end", asks(end), methods=["POST"]),
    Route("/a/notme", asks(not_me), methods=["POST"]),
]
