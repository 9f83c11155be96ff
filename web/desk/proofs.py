"""The mailed code, asked for once in a session before weighty acts."""

import re
from datetime import datetime

from starlette.responses import Response
from starlette.routing import Route

import database
import settings
from actions.access import codes
from actions.access.codes import CodeRefused
from actions.access.sessions import Visit
from actions.acts.act import ActRefused
from rules.terms import Proof
from web.desk.ask import Ask, asks
from web.sessions import Known, read_known, set_known

NOBODY = Known(0, "")

ASKED_FROM = {"task": re.compile(r"[1-9]\d{0,17}"), "case": re.compile(r"[1-9]\d{0,17}"),
              "receipt": re.compile(r"[A-Z2-9]{10}")}  # fmt: skip
"""Pages that a code leads back to, and what tells one from another."""


def code_form(ask: Ask) -> Response:
    """`GET /w/code?task=<id>`: asks for a code, or for its digits if one is on its way."""
    with database.reading() as session:
        visit = ask.visit(session)
        if visit.proof is Proof.CODE:
            return _onward(ask)
        code = codes.outstanding(session, visit, at=ask.at)
        until, address = code.expires_at if code else None, _hinted(visit)
    return ask.page("code.html", asked_for=asked_for(ask), until=until, address=address, wrong=None)


def _hinted(visit: Visit) -> str:
    """The address on file, shortened: its owner knows it, nobody else learns it."""
    local, _, domain = visit.person.email.rpartition("@")
    return f"{local[:2]}…@{domain}"


def asked_for(ask: Ask) -> tuple[str, str]:
    """From which page a code was asked for: its kind, and which one; a task of number 0 is the desk."""
    for kind, fits in ASKED_FROM.items():
        given = ask.posted.get(kind) or ask.request.query_params.get(kind, "")
        if fits.fullmatch(given):
            return kind, given
    return "task", "0"


def _onward(ask: Ask) -> Response:
    """Back to where the code was asked for."""
    kind, which = asked_for(ask)
    page = {"task": "task", "case": "case", "receipt": "done"}[kind]
    return ask.go("/w" if which == "0" else f"/w/{page}/{which}")


def request_code(ask: Ask) -> Response:
    """`POST /w/code`: mails a code to the address on file."""
    try:
        with database.transaction() as session:
            visit = ask.visit(session, write=True)
            codes.request(session, visit, master=settings.load().master, at=ask.at)
    except CodeRefused as refused:
        raise refused_code(refused, ask.at) from refused
    return ask.go("/w/code?{}={}".format(*asked_for(ask)))


def verify_code(ask: Ask) -> Response:
    """`POST /w/code/verify`: a right code gives the session a new secret; a wrong one is counted."""
    master = settings.load().master
    try:
        with database.transaction() as session:
            visit = ask.visit(session, write=True)
            known = (read_known(ask.request) or NOBODY).person_id == visit.person.id
            verdict = codes.verify(session, visit, ask.posted.get("code"), master=master, at=ask.at, known=known)
            address = _hinted(visit)
    except CodeRefused as refused:
        raise refused_code(refused, ask.at) from refused
    if verdict.secret is None:
        return ask.page(
            "code.html", 422, asked_for=asked_for(ask), until=ask.at, address=address, wrong=verdict.tries_left
        )  # fmt: skip
    ask.keep(verdict.secret)
    response = _onward(ask)
    if not known:
        set_known(response, visit.person.id, ask.at)
    return response


def refused_code(refused: CodeRefused, at: datetime) -> ActRefused:
    """Why there is no code, with the moment from which there is."""
    details: dict[str, object] = {"until": refused.until} if refused.until else {}
    if refused.until and refused.why in ("many", "guessed"):
        details["retry_after"] = max(1, int((refused.until - at).total_seconds()))
    code = "waits_stopped" if refused.why == "waits" and refused.until is None else refused.why
    return ActRefused(f"code_{code}", **details)


ROUTES = [
    Route("/w/code", asks(code_form), methods=["GET"]),
    Route("/w/code", asks(request_code), methods=["POST"]),
    Route("/w/code/verify", asks(verify_code), methods=["POST"]),
]
