"""The forms with which HR steers: each first says whom it touches, and is done only once that was confirmed."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import Response
from starlette.routing import Route

import database
from actions import console as looks
from actions import steering, waiting
from actions.signin import Officer
from actions.steering import Preview, SteeringRefused
from actions.steering.preview import Said
from models import Agency, Cycle, Person, Stage, Unit
from notifications import words
from rules.words import ActingKind, CycleState, Locale, Role, StageKind
from web import console_codes
from web.console_ask import ConsoleRefused, Desk, console, refused
from web.texts import say

SHOWN = 50
FIELDS = {
    "extend": ("stage", "until", "decree_no", "reason", "unit", "person", "keep_later"),
    "reassign": ("new", "role", "decree_no", "reason", "rater", "employees"),
    "delegate": ("principal", "acting", "kind", "decree_no", "from_on", "to_on"),
    "pause": ("reason",),
    "resume": ("reason",),
    "address": ("address", "reason"),
    "resend": ("stage", "reason"),
    "confirm_address": ("reason",),
}
"""What each form holds; what else is sent with it is not shown and not sent on."""
Word = TypeVar("Word", bound=StrEnum)
Order = Callable[[Session, bool], Preview]
"""An act of steering with all that it needs; True asks for the preview only."""


class _Fields:
    """What a form said, as the actions want it; what cannot be read is refused in words."""

    def __init__(self, desk: Desk, session: Session, agency: Agency) -> None:
        self.desk, self.session, self.agency = desk, session, agency

    def text(self, name: str) -> str:
        return self.desk.posted.get(name).strip()

    def person(self, name: str) -> int | None:
        return self.of_nip(self.text(name)) if self.text(name) else None

    def needed(self, name: str) -> int:
        if (found := self.person(name)) is None:
            labels = {loc: say(loc, f"hr.field.{name}") for loc in (Locale.ID, Locale.EN)}
            raise SteeringRefused(
                say(Locale.ID, "hr.refused.missing", what=labels[Locale.ID]),
                say(Locale.EN, "hr.refused.missing", what=labels[Locale.EN]),
            )
        return found

    def of_nip(self, nip: str) -> int:
        found = self.session.scalar(select(Person.id).filter_by(agency_id=self.agency.id, nip=nip))
        if found is None:
            raise refused("nip", nip=nip[:30])
        return found

    def unit(self, name: str) -> int | None:
        if not (code := self.text(name)):
            return None
        found = self.session.scalar(select(Unit.id).filter_by(agency_id=self.agency.id, code=code))
        if found is None:
            raise refused("unit", unit=code[:60])
        return found

    def day(self, name: str) -> date:
        try:
            return date.fromisoformat(self.text(name))
        except ValueError:
            raise refused("day", text=self.text(name)[:20]) from None

    def one_of(self, name: str, allowed: type[Word]) -> Word:
        try:
            return allowed(self.text(name))
        except ValueError:
            raise ConsoleRefused("bad_request") from None


def _order(desk: Desk, officer: Officer, cycle: Cycle, what: str, session: Session) -> Order:
    """Read the form of that name; SteeringRefused says what cannot be read."""
    fields = _Fields(desk, session, officer.agency)
    at, by, reason = desk.at, officer.person.id, fields.text("reason")
    if what == "extend":
        kind, until, decree = fields.one_of("stage", StageKind), fields.day("until"), fields.text("decree_no")
        unit, person, keep = fields.unit("unit"), fields.person("person"), fields.text("keep_later") == "yes"
        return lambda s, look: steering.extend(
            s, s.get_one(Cycle, cycle.id), kind, until, decree_no=decree, reason=reason, unit=unit, person=person,
            at=at, by=by, keep_later=keep, preview=look,
        )  # fmt: skip
    if what == "reassign":
        new, role, decree = fields.needed("new"), fields.one_of("role", Role), fields.text("decree_no")
        cases = _cases(fields, cycle)
        return lambda s, look: steering.reassign(
            s, s.get_one(Cycle, cycle.id), cases, new, role=role, decree_no=decree, reason=reason, at=at, by=by,
            preview=look,
        )  # fmt: skip
    if what == "delegate":
        principal, acting, kind = (
            fields.needed("principal"),
            fields.needed("acting"),
            fields.one_of("kind", ActingKind),
        )
        decree, from_on, to_on = fields.text("decree_no"), fields.day("from_on"), fields.day("to_on")
        return lambda s, look: steering.delegate(
            s, principal, acting, kind, decree_no=decree, from_on=from_on, to_on=to_on, at=at, by=by, preview=look
        )  # fmt: skip
    act = {"pause": steering.pause, "resume": steering.resume}.get(what)
    if act is None:
        raise ConsoleRefused("not_found")
    return lambda s, look: act(s, s.get_one(Cycle, cycle.id), reason=reason, at=at, by=by, preview=look)


def _cases(fields: _Fields, cycle: Cycle) -> list[int]:
    """The appraisals that the form names; refused as a whole, naming them, if some of the people have none."""
    nips = list(dict.fromkeys(fields.text("employees").replace(",", " ").split()))
    if (rater := fields.person("rater")) is not None:
        if nips:
            raise refused("both")
        return list(steering.cases_rated_by(fields.session, cycle.id, rater))
    found = looks.cases_of(fields.session, cycle, nips)
    if unknown := [nip[:30] for nip in nips if nip not in found]:
        raise refused("nips", nips=", ".join(unknown))
    if without := [f"{name} ({nip})" for nip, (name, case) in found.items() if case is None]:
        raise refused("no_case", people="; ".join(without), year=cycle.year)
    return [case for _, case in found.values() if case is not None]


def steer(desk: Desk) -> Response:
    """`GET /hr/c/<id>/steer`: the forms."""
    with database.reading() as session:
        officer = desk.officer(session)
        return _forms(desk, session, desk.cycle(session, officer), {})


def _forms(
    desk: Desk, session: Session, cycle: Cycle, values: Mapping[str, str], what: str = "", wrong: str = ""
) -> Response:
    stages = session.scalars(select(Stage).filter_by(cycle_id=cycle.id)).all()
    order = list(StageKind)
    units = session.execute(
        select(Unit.code, Unit.name).filter_by(agency_id=cycle.agency_id).order_by(Unit.code).limit(500)
    )
    nip = looks.nip_of_case(session, cycle, desk.query_number("case"))
    prefilled = {"stage": desk.query("stage"), "employees": nip}
    return desk.page(
        "steer.html", 422 if wrong else 200, tab="steer", cycle=cycle, what=what, wrong=wrong,
        stages=sorted(stages, key=lambda one: order.index(one.kind)), units=units.tuples().all(),
        values=defaultdict(str, {**prefilled, **values}), paused=cycle.state is CycleState.PAUSED,
    )  # fmt: skip


def do(desk: Desk) -> Response:
    """`POST /hr/c/<id>/<what>`: without `seen` the preview; with the digest that the preview had, the act."""
    what = desk.request.path_params["what"]
    try:
        with database.transaction() as session:
            officer = desk.officer(session, write=True, steer=True)
            cycle = desk.cycle(session, officer)
            order, back = _order(desk, officer, cycle, what, session), f"/hr/c/{cycle.id}/steer"
        if (code := _code_first(desk, what, back)) is not None:
            return code
        with database.transaction() as session:
            desk.officer(session, write=True, steer=True)
            return _preview_or_do(desk, session, order, what, back)
    except SteeringRefused as refusal:
        with database.reading() as session:
            cycle = desk.cycle(session, desk.officer(session))
            return _forms(desk, session, cycle, desk.posted.content("who", "seen"), what, desk.said(refusal))


def _sent(desk: Desk, what: str) -> dict[str, str]:
    """The order as it was sent, without what no form of it holds."""
    return {name: value for name, value in desk.posted.content("who", "seen").items() if name in FIELDS[what]}


def _code_first(desk: Desk, what: str, back: str) -> Response | None:
    """What was seen and confirmed asks for a code before it is done."""
    return console_codes.asked_for(desk, what, _sent(desk, what), back) if desk.posted.get("seen") else None


def _preview_or_do(desk: Desk, session: Session, order: Order, what: str, back: str) -> Response:
    seen, shown = order(session, True), desk.posted.get("seen")
    if shown != seen.digest:
        return desk.page(
            "preview.html", what=what, seen=seen, people=seen.people[:SHOWN], back=back, action=desk.path,
            touched=len({one.person_id for one in seen.people}), changed=bool(shown),
            fields=_sent(desk, what), notes=[_said(desk, note) for note in seen.notes],
        )  # fmt: skip
    done = order(session, False)
    return desk.page(
        "done.html", what=what, seen=done, people=done.people[:SHOWN], back=back,
        touched=len({one.person_id for one in done.people}), notes=[_said(desk, note) for note in done.notes],
    )  # fmt: skip


def _said(desk: Desk, note: Said) -> str:
    return note.en if desk.look.locale is Locale.EN else note.id


def person(desk: Desk) -> Response:
    """`GET /hr/p/<id>`: cases, duties and letters of one person; what letters and forms said is not shown."""
    with database.reading() as session:
        officer = desk.officer(session)
        found = desk.person(session, officer)
        return _person(desk, session, found, {})


def _person(
    desk: Desk, session: Session, found: Person, values: Mapping[str, str], what: str = "", wrong: str = ""
) -> Response:
    shown = looks.person_page(session, found.id, at=desk.at)
    stages = {stage.id: stage for _, stage, _, _ in shown.duties}
    return desk.page(
        "person.html", 422 if wrong else 200, shown=shown, stages=list(stages.values()), what=what, wrong=wrong,
        names=words.LETTERS[desk.look.locale],
        values=defaultdict(str, values), pending=waiting.pending(session, found.id, at=desk.at),
    )  # fmt: skip


def do_person(desk: Desk) -> Response:
    """`POST /hr/p/<id>/<what>`: correct the address, or send the invitation again."""
    what = desk.request.path_params["what"]
    try:
        with database.transaction() as session:
            officer = desk.officer(session, write=True, steer=True)
            found = desk.person(session, officer)
            order, back = _person_order(desk, officer, found.id, what), f"/hr/p/{found.id}"
        if (code := _code_first(desk, what, back)) is not None:
            return code
        with database.transaction() as session:
            desk.officer(session, write=True, steer=True)
            return _preview_or_do(desk, session, order, what, back)
    except SteeringRefused as refusal:
        with database.reading() as session:
            found = desk.person(session, desk.officer(session))
            values = desk.posted.content("who", "seen")
            return _person(desk, session, found, values, what, desk.said(refusal))


def _person_order(desk: Desk, officer: Officer, person_id: int, what: str) -> Order:
    at, by, reason = desk.at, officer.person.id, desk.posted.get("reason")
    address, stage = desk.posted.get("address"), desk.posted.whole("stage")
    if what == "address":
        return lambda s, look: steering.correct_address(
            s, person_id, address, reason=reason, at=at, by=by, preview=look
        )  # fmt: skip
    if what == "confirm_address":
        return lambda s, look: steering.confirm_address(s, person_id, reason=reason, at=at, by=by, preview=look)
    if what == "resend":
        return lambda s, look: steering.resend(s, person_id, stage, reason=reason, at=at, by=by, preview=look)
    raise ConsoleRefused("not_found")


ROUTES = [
    Route("/hr/c/{cycle:int}/steer", console(steer), methods=["GET"]),
    Route("/hr/c/{cycle:int}/{what:str}", console(do), methods=["POST"]),
    Route("/hr/p/{person:int}", console(person), methods=["GET"]),
    Route("/hr/p/{person:int}/{what:str}", console(do_person), methods=["POST"]),
]
