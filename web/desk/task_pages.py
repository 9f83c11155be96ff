"""The pages of a task: its form, its answers to be checked, and two texts between which a person chooses."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response

from actions.access.sessions import Visit
from actions.acts.act import ActRefused
from actions.desk import desks
from actions.desk.desks import Sheet
from actions.desk.perform import Checked
from actions.line import deadlines
from actions.line.objection_windows import Window, window_of
from models import Submission
from rules.pack.contradictions import Doubt
from rules.terms import AssignmentState
from rules.time.stages import FROM_RECEIPT
from web.desk import errors, forms, rows, sheets
from web.desk.ask import Ask
from web.desk.forms import row_numbers
from web.desk.places import Places
from web.form_pages import Wrong, summary
from web.render import readable
from web.texts import say


def sheet_of(session: Session, visit: Visit, ask: Ask) -> Sheet:
    return desks.sheet(session, visit.person.id, visit.stage.id, ask.number("id"), at=ask.at)


def form_page(
    ask: Ask, session: Session, sheet: Sheet, values: dict[str, str], wrong: Wrong | None = None,
    draft_at: str | None = None,
) -> Response:  # fmt: skip
    """The form of a task, with what was typed and what is wrong with it."""
    template, context = _form(ask, session, sheet, values, wrong or {}, draft_at)
    if wrong:
        places = Places(ask.text(template, **context))
        context["named"] = summary(ask, places, wrong)
    return ask.page(template, 422 if wrong else 200, **context)


def _form(
    ask: Ask, session: Session, sheet: Sheet, values: dict[str, str], wrong: Wrong, draft_at: str | None
) -> tuple[str, dict[str, Any]]:
    kept = sheet.draft_at.isoformat() if sheet.draft_at else ""
    undo = ask.posted.get("undo") or str((sheet.draft or {}).get("undo", ""))
    suggested = [item["title"] for item in sheet.shown.get("suggestions") or []]
    return f"acts/{sheet.task.kind.value}.html", sheets.context_of(sheet, ask.look) | {
        "values": defaultdict(str, values), "errors": wrong, "named": [], "dispute": ask.posted.get("dispute"),
        "rows": lambda name: row_numbers(values, name) or [0], "kept": kept if draft_at is None else draft_at,
        "due": deadlines.deadlines_of(session, sheet.acting.stage).due(sheet.task), "window": _window(session, sheet),
        "undo": undo, "removed": rows.title_of(undo), "weighty": sheet.act.weighty,
        "suggest": bool(suggested) and not rows.all_suggested(values, suggested),
    }  # fmt: skip


def _window(session: Session, sheet: Sheet) -> Window | None:
    """The window to object that has not begun, on the tasks that it is about."""
    if sheet.task.kind not in FROM_RECEIPT or sheet.task.due_at is not None:
        return None
    return window_of(session, sheet.acting.person.id, sheet.acting.stage, at=sheet.acting.at)


def places_of(ask: Ask, session: Session, sheet: Sheet, values: Mapping[str, str]) -> Places:
    """How the form names its fields and what they hold, with these values in it."""
    template, context = _form(ask, session, sheet, dict(values), {}, None)
    return Places(ask.text(template, **context))


def check_page(
    ask: Ask, session: Session, sheet: Sheet, typed: Mapping[str, str], checked: Checked, draft_at: str
) -> Response:
    """Everything that was filled in, what follows from it, and what in it contradicts itself; nothing is final yet."""
    places = places_of(ask, session, sheet, typed)
    confirm = places.controls.get("confirm")
    context, result = sheets.context_of(sheet, ask.look), checked.follows
    unaware = bool(ask.posted.get("seen")) and not ask.posted.get("aware")
    return ask.page(
        "check.html", typed=typed, seen=checked.digest, kept=draft_at, unaware=unaware and bool(checked.doubts),
        answers=[(place, held) for place, held in places.filled() if confirm is None or place != confirm.place],
        confirmed=confirm.label if confirm else "", doubts=[_said(ask, doubt, places) for doubt in checked.doubts],
        follows=sheets.recorded(sheet.task.kind, _plain(result), context["labels"]),
        predicate=result.get("predicate"), score=result.get("score"), why=result.get("why"), **context,
    )  # fmt: skip


def _plain(follows: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in follows.items() if name not in ("predicate", "score", "why")}


def _said(ask: Ask, doubt: Doubt, places: Places) -> str:
    place = places.place(doubt.place) or errors.place_name(doubt.place, ask.look.locale)
    details = dict(doubt.details)
    if "choice" in details:
        details["choice"] = say(ask.look.locale, str(details["choice"]))
    return say(ask.look.locale, f"doubt.{doubt.code}", place=place, **details)


def both_page(ask: Ask, session: Session, sheet: Sheet, typed: Mapping[str, str], refused: ActRefused) -> Response:
    """What was typed beside what is stored; neither is lost, and a person chooses."""
    query = select(Submission).filter_by(assignment_id=sheet.task.id, person_id=sheet.acting.person.id)
    submitted = session.scalar(query.order_by(Submission.id.desc()))
    values = {name: value for name, value in typed.items() if name != "confirm"}
    if submitted:
        summary = forms.flatten(submitted.summary)
        stored = ask.named({name: value for name, value in summary.items() if name != "kind"})
    else:
        stored = places_of(ask, session, sheet, sheets.first_values(sheet, ask.look)).filled()
    return ask.page(
        "conflict.html", 409, code=refused.code, stored=stored, typed=values, task=sheet.task.id,
        details={name: readable(value, ask.look) for name, value in refused.details.items()},
        mine=places_of(ask, session, sheet, values).filled(), version=sheet.version,
        kept=sheet.draft_at.isoformat() if sheet.draft_at else "",
        still_open=sheet.task.state is AssignmentState.OPEN, receipt=submitted.receipt_no if submitted else "",
    )  # fmt: skip
