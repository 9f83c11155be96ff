"""Weighty acts in the console ask for a mailed code: nobody does them with a session that was left open or taken."""

from collections.abc import Mapping

from starlette.responses import Response

import database
import settings
from actions.access import codes
from actions.access.signin import CodeRefused
from web.form_pages import form
from web.hr.ask import ConsoleRefused, Desk
from web.sessions import read_known
from web.texts import say

LIGHT = frozenset({"resend"})
"""Orders that only send again what was sent before; all others are weighty."""


def asked_for(desk: Desk, what: str, fields: Mapping[str, str], back: str) -> Response | None:
    """The page that asks for a code, before a confirmed order is carried out; None if one counts already.

    The order travels along in the page, so that nothing is typed twice.
    """
    if what in LIGHT:
        return None
    typed, master, wrong = desk.posted.get("code"), settings.load().master, None
    try:
        with database.transaction() as session:
            officer = desk.officer(session, write=True, steer=True)
            if officer.confirmed(desk.at):
                return None
            known = read_known(desk.request)
            if typed.strip():
                verdict = codes.verify(
                    session, officer, typed, master=master, at=desk.at,
                    known=known is not None and known.person_id == officer.person.id,
                )  # fmt: skip
                if verdict.secret is not None:
                    desk.keep(verdict.secret)
                    return None
                wrong = verdict.tries_left
            elif codes.outstanding(session, officer, at=desk.at) is None or desk.posted.get("again"):
                codes.request(session, officer, master=master, at=desk.at)
    except CodeRefused as refused:
        raise ConsoleRefused(_code_of(refused)) from refused
    said = {} if wrong is None else {"code": say(desk.look.locale, "code.wrong", n=wrong)}
    return form(
        desk, "code.html", {}, said, what=what, fields=fields, action=desk.path, back=back,
        seen=desk.posted.get("seen"),
    )  # fmt: skip


def _code_of(refused: CodeRefused) -> str:
    if refused.why == "waits":
        return "code_waits_stopped" if refused.until is None else "code_waits"
    return {"none": "code_over"}.get(refused.why, f"code_{refused.why}")
