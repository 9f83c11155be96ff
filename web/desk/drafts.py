"""Drafts: whatever leaves a form keeps first what was typed in it, and rows of a form can be removed and restored."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session
from starlette.responses import Response
from starlette.routing import Route

import database
from actions.access import sessions
from actions.acts.act import ActRefused
from actions.desk import desks, disputes
from actions.desk.desks import Sheet
from rules.terms import Locale, Proof
from web.desk import rows, sheets
from web.desk.ask import Ask, NoVisit, asks
from web.desk.forms import Posted
from web.desk.page import farewell
from web.desk.sheets import CONTROLS
from web.desk.task_pages import both_page, form_page, sheet_of
from web.texts import say

KEPT_AT = "Draft-At"


def keep(
    session: Session, person_id: int, number: int, typed: Mapping[str, str], ask: Ask, undo: str = ""
) -> datetime:  # fmt: skip
    """Keep what was typed as a draft; ActRefused("draft_changed") if another one was kept meanwhile."""
    body = {name: value for name, value in typed.items() if name != "confirm"}
    if undo:
        body["undo"] = undo
    based_on = _instant(ask.posted)
    return desks.keep_draft(
        session, person_id, number, body, ask.posted.whole("version"), at=ask.at, based_on=based_on
    )  # fmt: skip


def _instant(posted: Posted) -> datetime | None:
    try:
        at = datetime.fromisoformat(posted.get("draft_at"))
    except ValueError:
        return None
    return at if at.tzinfo else None


def kept_aside(ask: Ask, number: int, typed: Mapping[str, str]) -> bool:
    """Keep what a refusal would lose, in a transaction of its own; False if there is nothing or it cannot be."""
    try:
        with database.transaction() as session:
            visit = ask.visit(session)
            worth = worth_keeping(ask, sheet_of(session, visit, ask), typed)
            if worth:
                keep(session, visit.person.id, number, typed, ask, ask.posted.get("undo"))
    except ActRefused:
        return False
    return worth


def rescued(ask: Ask, number: int, typed: dict[str, str], gone: NoVisit) -> Response:
    """A session that rested too long takes nothing in, but what its owner typed in it becomes a draft."""
    if gone.code == "rested" and ask.posted.whole("who") == ask.look.person_id:
        try:
            with database.transaction() as session:
                keep(session, ask.look.person_id, number, typed, ask, ask.posted.get("undo"))
        except ActRefused:
            return ask.refuse("no_session", typed)
    return ask.refuse(gone.code, typed)


def to_code(ask: Ask, number: int, typed: dict[str, str]) -> Response:
    """To the page that asks for a code; what was typed meanwhile is there after it."""
    with database.transaction() as session:
        visit = ask.visit(session)
        keep(session, visit.person.id, number, typed, ask, ask.posted.get("undo"))
    return ask.go(f"/w/code?task={number}")


def show_both(ask: Ask, typed: Mapping[str, str], refused: ActRefused) -> Response:
    with database.reading() as session:
        return both_page(ask, session, sheet_of(session, ask.visit(session), ask), typed, refused)


def draft(ask: Ask) -> Response:
    """`POST /w/task/<id>/draft`: keep it as it is. A person goes on to where they wanted.

    A program gets 204 and is told what the next one goes on from.
    """
    number, typed = ask.number("id"), ask.posted.content(*CONTROLS)
    kept = None
    try:
        with database.transaction() as session:
            visit = ask.visit(session, write=True)
            sheet = sheet_of(session, visit, ask)
            wanted, undo, place = _changed(ask, sheet, typed)
            if worth_keeping(ask, sheet, wanted):
                kept = keep(session, visit.person.id, number, wanted, ask, undo)
            proven = sheet.act.proof is not Proof.CODE or visit.proof is Proof.CODE
            if ask.posted.get("then") == "end":
                sessions.end(session, visit, at=ask.at)
    except NoVisit as gone:
        return rescued(ask, number, typed, gone)
    except ActRefused as refused:
        if refused.code == "draft_changed":
            return show_both(ask, typed, refused)
        return ask.refuse(refused.code, typed, **refused.details)
    if "text/html" not in ask.request.headers.get("accept", ""):
        return Response(status_code=204, headers={KEPT_AT: kept.isoformat()} if kept else {})
    return _onward(ask, number, place, proven)


def _onward(ask: Ask, number: int, place: str, proven: bool) -> Response:
    wanted = ask.posted.get("then")
    if wanted == "end":
        return farewell(ask, "ended")
    if wanted in set(Locale):
        ask.look = replace(ask.look, chosen=Locale(wanted))
    if wanted == "desk":
        return ask.go("/w")
    return ask.go(f"/w/task/{number}" if proven else f"/w/code?task={number}", place)


def worth_keeping(ask: Ask, sheet: Sheet, typed: Mapping[str, str]) -> bool:
    """Whether there is more in it than the form came with; a draft that exists may also be emptied."""
    if not typed:
        return False
    first = sheets.first_values(sheet, ask.look)
    return sheet.draft is not None or bool(ask.posted.get("add")) or _content(typed) != _content(first)


def _content(fields: Mapping[str, str]) -> dict[str, str]:
    typed = {name: value.strip() for name, value in fields.items() if name != "confirm" and not sheets.is_given(name)}
    return {name: text for name, text in typed.items() if text}


def _changed(ask: Ask, sheet: Sheet, typed: dict[str, str]) -> tuple[dict[str, str], str, str]:
    """What a button of the form does to it beside saving, what can be undone then, and the place to go on at.

    Suggestions are added and replace nothing: mail scanners press lone buttons.
    """
    undo, use = ask.posted.get("undo"), ask.posted.get("use")
    if use == "suggestions":
        known = typed if _content(typed) or sheet.draft is None else sheets.first_values(sheet, ask.look)
        suggested = sheets.plan_fields(sheet.shown.get("suggestions") or [], ask.look)
        return (*_with_undo(rows.with_suggestions(known, suggested), undo),)
    if use == "undo":
        return rows.restored(typed, undo)
    if path := ask.posted.get("add"):
        return (*_with_undo(rows.with_row(typed, path), undo),)
    if path := ask.posted.get("drop"):
        left, undo = rows.without_row(typed, path, undo)
        return left, undo, "undo" if undo else path.split(".")[0]
    return typed, undo, ""


def _with_undo(changed: tuple[dict[str, str], str], undo: str) -> tuple[dict[str, str], str, str]:
    return changed[0], undo, changed[1]


def wrong_supervisor(ask: Ask) -> Response:
    """`POST /w/task/<id>/wrong-supervisor`: a case for HR; the task goes on meanwhile, and keeps what was typed."""
    number, typed = ask.number("id"), ask.posted.content(*CONTROLS)
    try:
        with database.transaction() as session:
            visit = ask.visit(session, write=True)
            disputes.wrong_supervisor(session, visit, number, ask.posted.get("dispute"), at=ask.at)
    except NoVisit as gone:
        return rescued(ask, number, typed, gone)
    except ActRefused as refused:
        if refused.code != "text_length":
            raise
        with database.reading() as session:
            sheet = sheet_of(session, ask.visit(session), ask)
            wrong = {"dispute": say(ask.look.locale, "wrong.dispute")}
            return form_page(ask, session, sheet, typed, wrong, ask.posted.get("draft_at"))
    try:
        with database.transaction() as session:
            visit = ask.visit(session)
            if worth_keeping(ask, sheet_of(session, visit, ask), typed):
                keep(session, visit.person.id, number, typed, ask, ask.posted.get("undo"))
    except ActRefused as refused:
        if refused.code == "draft_changed":
            return show_both(ask, typed, refused)
        raise
    return ask.page("disputed.html", task=number)


ROUTES = [
    Route("/w/task/{id:int}/draft", asks(draft), methods=["POST"]),
    Route("/w/task/{id:int}/wrong-supervisor", asks(wrong_supervisor), methods=["POST"]),
]
