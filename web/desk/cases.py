"""The file of one employee: plan, result, notes of the year; one's own, or of somebody one rates."""

import secrets

from sqlalchemy.orm import Session
from starlette.responses import Response
from starlette.routing import Route

import database
from actions.access.sessions import Visit
from actions.acts.act import ActRefused
from actions.cases import case_files, plans, results
from actions.desk import desks
from actions.exports import document_for
from actions.line.calendars import calendar_of
from models import Appraisal, Person
from rules.pack.pack import Pack
from rules.terms import NoteKind, PlanState, Proof
from web.desk.ask import Ask, asks, need_code
from web.desk.sheets import Labels
from web.form_pages import Wrong, form, only_turned
from web.texts import say


def case(ask: Ask) -> Response:
    """`GET /w/case/<id>`: one's own by the link; somebody else's only once a code was entered."""
    with database.reading() as session:
        visit = ask.visit(session)
        return _page(ask, session, visit, ask.number("id"), secrets.token_urlsafe(16))


def _page(ask: Ask, session: Session, visit: Visit, number: int, nonce: str, wrong: Wrong | None = None) -> Response:
    found, kind = _case(session, visit, ask, number)
    if kind is NoteKind.FEEDBACK and visit.proof is not Proof.CODE:
        return ask.go(f"/w/code?case={found.id}")
    plan = plans.current_plan(session, found.id, PlanState.ESTABLISHED)
    notes = desks.notes_of(session, found.id)
    rater = session.get(Person, found.rater_id) if found.rater_id else None
    labels = Labels(Pack.model_validate_json(visit.cycle.pack), ask.look)
    return form(
        ask, "case.html", {"text": ask.posted.get("text")}, wrong, case=found.id,
        employee=session.get_one(Person, found.employee_id).name,
        s=results.shown(session, found.id), is_default=bool(plan and plan.is_default), notes=notes,
        own=kind is NoteKind.ACTIVITY, labels=labels, rater=rater.name if rater else "",
        nonce=nonce, open=found.finalized_at is None,
        story=case_files.story(session, found), documented=case_files.has_document(session, found),
    )  # fmt: skip


def document(ask: Ask) -> Response:
    """`GET /w/case/<id>/document`: the evaluation document as PDF, for whoever may read the file on the page."""
    with database.reading() as session:
        visit = ask.visit(session)
        found, kind = _case(session, visit, ask, ask.number("id"))
        if kind is NoteKind.FEEDBACK and visit.proof is not Proof.CODE:
            return ask.go("/w/code")
        if not case_files.has_document(session, found):
            raise ActRefused("no_result")
        name, pdf = document_for(session, visit.person.id, found.id, ask.at)
    return ask.file(pdf, name, "application/pdf")


def _case(session: Session, visit: Visit, ask: Ask, number: int) -> tuple[Appraisal, NoteKind]:
    found = session.get(Appraisal, number)
    today = calendar_of(session, visit.agency, ask.at).local_date(ask.at)
    if found is None or found.cycle_id != visit.cycle.id:
        raise ActRefused("not_yours")
    if (kind := desks.note_kind(session, visit.person.id, found, today)) is None:
        raise ActRefused("not_yours")
    return found, kind


def note(ask: Ask) -> Response:
    """`POST /w/note`: an activity, or feedback, on any day of the year."""
    number, nonce = ask.posted.whole("case"), ask.posted.get("nonce")[:64]
    try:
        with database.transaction() as session:
            visit = ask.visit(session, write=True)
            if only_turned(ask):
                return _page(ask, session, visit, number, nonce)
            _found, kind = _case(session, visit, ask, number)
            if kind is NoteKind.FEEDBACK:
                need_code(visit)
            today = calendar_of(session, visit.agency, ask.at).local_date(ask.at)
            desks.add_note(
                session, visit.person.id, number, ask.posted.get("text"), nonce, at=ask.at, today=today,
            )  # fmt: skip
    except ActRefused as refused:
        if refused.code == "text_length":
            with database.reading() as session:
                return _page(ask, session, ask.visit(session), number, nonce, {"text": _length(ask)})
        return ask.refuse(refused.code, {"text": ask.posted.get("text")}, **refused.details)
    return ask.go(f"/w/case/{number}", "notes")


def _length(ask: Ask) -> str:
    """What is wrong with a note: too much, or nothing that could be read."""
    count = len(ask.posted.get("text").strip())
    if count <= desks.LONGEST_NOTE:
        return say(ask.look.locale, "wrong.short" if count else "wrong.missing", min=desks.SHORTEST_NOTE)
    return say(ask.look.locale, "wrong.long", max=desks.LONGEST_NOTE, n=count, over=count - desks.LONGEST_NOTE)


ROUTES = [
    Route("/w/case/{id:int}", asks(case), methods=["GET"]),
    Route("/w/case/{id:int}/document", asks(document), methods=["GET"]),
    Route("/w/note", asks(note), methods=["POST"]),
]
