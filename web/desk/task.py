"""A task: read its form, check the answers of a weighty one, send it; what is refused says why and loses nothing."""

import contextlib
from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import database
from actions.access.sessions import Visit
from actions.acts.act import ActInvalid, ActRefused
from actions.desk.desks import Sheet
from actions.desk.perform import Checked, Sent, StaleForm, check, perform
from models import Assignment, Submission
from rules.terms import AssignmentState, Proof
from web.desk import drafts, errors, sheets
from web.desk.ask import Ask, NoVisit, allow, asks
from web.desk.forms import nest
from web.desk.sheets import CONTROLS
from web.desk.task_pages import check_page, form_page, sheet_of
from web.render import SCRIPT

SUBMITS_AN_HOUR = 240
SHOW_BOTH = frozenset({"done_already", "nonce_reused"})


def task(ask: Ask) -> Response:
    """`GET /w/task/<id>`: the form. A weighty one is shown only once a code was entered."""
    with database.reading() as session:
        visit = ask.visit(session)
        sheet = sheet_of(session, visit, ask)
        if sheet.task.state is not AssignmentState.OPEN:
            return _ended(session, visit, ask, sheet.task)
        if sheet.act.proof is Proof.CODE and visit.proof is not Proof.CODE:
            return ask.go(f"/w/code?task={sheet.task.id}")
        return form_page(ask, session, sheet, sheets.first_values(sheet, ask.look))


def _ended(session: Session, visit: Visit, ask: Ask, ended: Assignment) -> Response:
    query = select(Submission.receipt_no).filter_by(assignment_id=ended.id, person_id=visit.person.id)
    if (number := session.scalar(query.order_by(Submission.id.desc()))) is not None:
        return ask.go(f"/w/done/{number}")
    return ask.refuse("withdrawn" if ended.state is AssignmentState.WITHDRAWN else "closed", closed_at=ended.ended_at)


def submit(ask: Ask) -> Response:
    """`POST /w/task/<id>`: everything in one transaction, or a page that says why not and keeps what was typed.

    A weighty act is first tried and taken back: what would follow is shown, and done once that was confirmed.
    """
    number, typed = ask.number("id"), ask.posted.content(*CONTROLS)
    nested = nest(typed)
    try:
        with database.transaction() as session:
            visit = ask.visit(session, write=True)
            sheet = sheet_of(session, visit, ask)
            allow(session, f"submits:{visit.row.id}", SUBMITS_AN_HOUR, ask)
            sent = Sent(nested.data, ask.posted.whole("version"), ask.posted.get("nonce")[:64], visit.proof)
            checked = _unconfirmed(ask, session, sheet, visit, sent)
            if checked is not None:
                return _to_check(ask, session, sheet, typed, checked)
            ask.keep_language(session, visit)
            receipt = perform(session, number, visit.person.id, sent, at=ask.at)
        return ask.go(f"/w/done/{receipt.number}")
    except NoVisit as gone:
        return drafts.rescued(ask, number, typed, gone)
    except ActInvalid as invalid:
        kept = drafts.kept_aside(ask, number, typed)
        with database.reading() as session:
            sheet = sheet_of(session, ask.visit(session), ask)
            sheet = replace(sheet, nonce=ask.posted.get("nonce")[:64])
            wrong = errors.said(invalid, nested, typed, ask.look.locale)
            return form_page(ask, session, sheet, typed, wrong, None if kept else ask.posted.get("draft_at"))
    except ActRefused as refused:
        return _refused(ask, number, typed, refused)


def _unconfirmed(ask: Ask, session: Session, sheet: Sheet, visit: Visit, sent: Sent) -> Checked | None:
    """What has to be shown first; None for a light act, or if just this was shown and confirmed."""
    if not sheet.act.weighty:
        return None
    checked = check(session, sheet.task.id, visit.person.id, sent, at=ask.at)
    aware = checked is None or not checked.doubts or ask.posted.get("aware") == "yes"
    return None if checked is None or (ask.posted.get("seen") == checked.digest and aware) else checked


def _to_check(ask: Ask, session: Session, sheet: Sheet, typed: dict[str, str], checked: Checked) -> Response:
    """The draft is kept meanwhile: whoever goes back finds what they had."""
    draft_at = ask.posted.get("draft_at")
    sheet = replace(sheet, nonce=ask.posted.get("nonce")[:64])
    with contextlib.suppress(ActRefused):  # another draft is there; the page itself holds what was typed
        draft_at = drafts.keep(session, sheet.acting.person.id, sheet.task.id, typed, ask).isoformat()
    return check_page(ask, session, sheet, typed, checked, draft_at)


def _refused(ask: Ask, number: int, typed: Mapping[str, str], refused: ActRefused) -> Response:
    if isinstance(refused, StaleForm) or refused.code in SHOW_BOTH:
        return drafts.show_both(ask, typed, refused)
    if refused.code == "code_needed":
        return drafts.to_code(ask, number, dict(typed))
    kept = drafts.kept_aside(ask, number, typed)
    return ask.refuse(refused.code, typed, kept=f"/w/task/{number}" if kept else "", **refused.details)


async def script(_request: Request) -> Response:
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(SCRIPT, media_type="text/javascript", headers=headers)


ROUTES = [
    Route("/static/keep.js", script),
    Route("/w/task/{id:int}", asks(task), methods=["GET"]),
    Route("/w/task/{id:int}", asks(submit), methods=["POST"]),
    *drafts.ROUTES,
]
