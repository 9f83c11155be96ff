"""The forms with which HR steers: each first says whom it touches, and is done only once that was confirmed."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.responses import Response
from starlette.routing import Route

import database
from actions import steering
from actions.access import languages, waiting
from actions.access.signin import Officer
from actions.console import overview as looks
from actions.steering import Preview, SteeringRefused
from actions.steering.preview import Said
from models import Cycle, Person, Stage, Unit
from notifications import words
from rules.terms import ActingKind, CycleState, Locale, Role, StageKind
from web.form_pages import Wrong, form, only_turned
from web.hr import codes
from web.hr.ask import ConsoleRefused, Desk, console
from web.hr.fields import FIELDS, NOBODY, Fields

SHOWN = 50
SUGGESTED = 500
"""Units that a browser proposes while one types; any other can be typed all the same, and the form says so."""
Order = Callable[[Session, bool], Preview]
"""An act of steering with all that it needs; True asks for the preview only."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """An order as its form says it. What cannot be read in the form is refused with all that the action refuses."""

    order: Order
    fields: Fields
    unsure: frozenset[str] = frozenset()
    """Fields that can only be judged once another one was read."""

    def check(self, session: Session) -> None:
        if not self.fields.wrong:
            return
        try:
            self.order(session, True)
        except SteeringRefused as refusal:
            self.fields.add(problem for problem in refusal.all if problem.field not in self.unsure)
        raise Unreadable(self.fields.wrong)


class Unreadable(Exception):
    """What is wrong with a form, by its fields."""

    def __init__(self, wrong: Mapping[str, str]) -> None:
        super().__init__(", ".join(wrong))
        self.wrong = wrong


def _asked(desk: Desk, officer: Officer, cycle: Cycle, what: str, session: Session) -> _Asked:
    """Read the form of that name."""
    fields = Fields(desk, session, officer.agency)
    reads = {"extend": _extension, "reassign": _reassignment, "delegate": _mandate}
    if what in reads:
        return reads[what](fields, cycle, officer.person.id)
    act = {"pause": steering.pause, "resume": steering.resume}.get(what)
    if act is None:
        raise ConsoleRefused("not_found")
    at, by, reason = desk.at, officer.person.id, fields.text("reason")
    return _Asked(lambda s, look: act(s, s.get_one(Cycle, cycle.id), reason=reason, at=at, by=by, preview=look), fields)


def _extension(fields: Fields, cycle: Cycle, by: int) -> _Asked:
    kind, until = fields.one_of("stage", StageKind, StageKind.TARGET_SETTING), fields.day("until")
    unit, person = fields.unit("unit"), fields.person("person", needed=False)
    decree, reason = fields.text("decree_no"), fields.text("reason")
    keep, at = fields.text("keep_later", needed=False) == "yes", fields.desk.at
    return _Asked(lambda s, look: steering.extend(
        s, s.get_one(Cycle, cycle.id), kind, until, decree_no=decree, reason=reason, unit=unit, person=person,
        at=at, by=by, keep_later=keep, preview=look,
    ), fields, frozenset({"until"} if "stage" in fields.wrong else ()))  # fmt: skip


def _reassignment(fields: Fields, cycle: Cycle, by: int) -> _Asked:
    cases, new = _cases(fields, cycle), fields.person("new")
    role = fields.one_of("role", Role, Role.RATER)
    decree, reason, at = fields.text("decree_no", needed=False), fields.text("reason"), fields.desk.at
    return _Asked(lambda s, look: steering.reassign(
        s, s.get_one(Cycle, cycle.id), cases, NOBODY if new is None else new, role=role, decree_no=decree,
        reason=reason, at=at, by=by, preview=look,
    ), fields)  # fmt: skip


def _mandate(fields: Fields, _cycle: Cycle, by: int) -> _Asked:
    principal, acting = (fields.person(name) or NOBODY for name in ("principal", "acting"))
    kind, decree = fields.one_of("kind", ActingKind, ActingKind.PLH), fields.text("decree_no")
    from_on, to_on, at = fields.day("from_on"), fields.day("to_on"), fields.desk.at
    from_on = to_on if "from_on" in fields.wrong else from_on
    return _Asked(lambda s, look: steering.delegate(
        s, principal, acting, kind, decree_no=decree, from_on=from_on, to_on=to_on, at=at, by=by, preview=look
    ), fields)  # fmt: skip


def _cases(fields: Fields, cycle: Cycle) -> list[int]:
    """The appraisals that the form names; refused as a whole, naming them, if some of the people have none."""
    nips, rater = fields.nips("employees"), fields.person("rater", needed=False)
    if nips and rater is not None:
        fields.refuse("rater", "hr.refused.both")
    if not nips and rater is None:
        fields.refuse("employees", "hr.refused.nobody")
    if not nips:
        return [] if rater is None else list(steering.cases_rated_by(fields.session, cycle.id, rater))
    found = looks.cases_of(fields.session, cycle, nips)
    if unknown := [nip for nip in nips if nip not in found]:
        fields.refuse("employees", "hr.refused.nips", nips=", ".join(unknown))
    if without := [f"{name} ({nip})" for nip, (name, case) in found.items() if case is None]:
        fields.refuse("employees", "hr.refused.no_case", people="; ".join(without), year=cycle.year)
    return [case for _, case in found.values() if case is not None]


def steer(desk: Desk) -> Response:
    """`GET /hr/c/<id>/steer`: one form, and the way to the others."""
    with database.reading() as session:
        officer = desk.officer(session)
        cycle = desk.cycle(session, officer)
        nip = looks.nip_of_case(session, cycle, desk.query_number("case"))
        what = desk.query("do") or ("reassign" if nip else "extend")
        values = {"stage": desk.query("stage"), "employees": nip}
        return _forms(desk, session, cycle, what, values)


def _forms(
    desk: Desk, session: Session, cycle: Cycle, what: str, values: Mapping[str, str], wrong: Wrong | None = None
) -> Response:
    stages = session.scalars(select(Stage).filter_by(cycle_id=cycle.id)).all()
    order, paused = list(StageKind), cycle.state is CycleState.PAUSED
    ours = select(Unit.code, Unit.name).filter_by(agency_id=cycle.agency_id).order_by(Unit.code)
    all_units = session.scalar(select(func.count()).select_from(ours.subquery())) or 0
    forms = ("extend", "reassign", "delegate", "resume" if paused else "pause")
    return form(
        desk, "steer.html", values, wrong, tab="steer", cycle=cycle, forms=forms,
        what=what if what in forms or wrong else "extend",
        stages=sorted((one.kind for one in stages), key=order.index), all_units=all_units,
        units=session.execute(ours.limit(SUGGESTED)).tuples().all(),
    )  # fmt: skip


def do(desk: Desk) -> Response:
    """`POST /hr/c/<id>/<what>`: without `seen` the preview; with the digest that the preview had, the act."""
    what = desk.request.path_params["what"]
    try:
        with database.transaction() as session:
            officer = desk.officer(session, write=True, steer=True)
            cycle = desk.cycle(session, officer)
            asked, back = _asked(desk, officer, cycle, what, session), f"/hr/c/{cycle.id}/steer?do={what}"
            if only_turned(desk):
                return _forms(desk, session, cycle, what, _typed(desk))
            asked.check(session)
        return _code_first(desk, what, back) or _carried_out(desk, asked, what, back)
    except (Unreadable, SteeringRefused) as refusal:
        with database.reading() as session:
            cycle = desk.cycle(session, desk.officer(session))
            return _forms(desk, session, cycle, what, _typed(desk), _wrong(desk, refusal))


def _carried_out(desk: Desk, asked: _Asked, what: str, back: str) -> Response:
    with database.transaction() as session:
        officer = desk.officer(session, write=True, steer=True)
        return _preview_or_do(desk, session, officer, asked, what, back)


def _typed(desk: Desk) -> dict[str, str]:
    return desk.posted.content("who", "seen", "then", "code", "from", "again")


def _wrong(desk: Desk, refusal: Unreadable | SteeringRefused) -> Wrong:
    """Field -> what is wrong with it; what concerns no field stands under the empty name."""
    if isinstance(refusal, Unreadable):
        return refusal.wrong
    found: dict[str, list[str]] = defaultdict(list)
    for problem in refusal.all:
        if (said := desk.said(problem)) not in found[problem.field]:
            found[problem.field].append(said)
    return {name: " ".join(said) for name, said in found.items()}


def _sent(desk: Desk, what: str) -> dict[str, str]:
    """The order as it was sent, without what no form of it holds."""
    return {name: value for name, value in _typed(desk).items() if name in FIELDS[what]}


def _code_first(desk: Desk, what: str, back: str) -> Response | None:
    """What was seen and confirmed asks for a code before it is done; turning the pages of a preview does not."""
    confirmed = desk.posted.get("seen") and not desk.posted.get("from")
    return codes.asked_for(desk, what, _sent(desk, what), back) if confirmed else None


def _preview_or_do(
    desk: Desk, session: Session, officer: Officer, asked: _Asked, what: str, back: str
) -> Response:  # fmt: skip
    seen, shown, start = asked.order(session, True), desk.posted.get("seen"), max(desk.posted.whole("from"), 0)
    turns = bool(desk.posted.get("from"))
    if shown != seen.digest or turns:
        return desk.page(
            "preview.html", what=what, seen=seen, people=_slice(seen, start), back=back, action=desk.path,
            touched=len({one.person_id for one in seen.people}), changed=bool(shown) and shown != seen.digest,
            fields=_sent(desk, what), named=asked.fields.named, notes=[_said(desk, note) for note in seen.notes],
        )  # fmt: skip
    if desk.look.chosen is not None:
        languages.choose(session, officer.person, desk.look.chosen, at=desk.at)
    done = asked.order(session, False)
    return desk.page(
        "done.html", what=what, seen=done, people=_slice(done, 0), back=back,
        touched=len({one.person_id for one in done.people}), notes=[_said(desk, note) for note in done.notes],
    )  # fmt: skip


def _slice(seen: Preview, start: int) -> looks.Slice:
    return looks.Slice(seen.people[start : start + SHOWN], len(seen.people), start)


def _said(desk: Desk, note: Said) -> str:
    return note.en if desk.look.locale is Locale.EN else note.id


def person(desk: Desk) -> Response:
    """`GET /hr/p/<id>`: cases, duties and letters of one person; what letters and forms said is not shown."""
    with database.reading() as session:
        found = desk.person(session, desk.officer(session))
        return _person(desk, session, found, desk.query("do"), {})


def _person(
    desk: Desk, session: Session, found: Person, what: str, values: Mapping[str, str], wrong: Wrong | None = None
) -> Response:
    shown = looks.person_page(
        session, found.id, at=desk.at, duties=desk.query_number("duties"), letters=desk.query_number("letters")
    )
    pending = waiting.pending(session, found.id, at=desk.at)
    owing = steering.stages_owing(session, found.id)
    may = {"confirm_address": pending is not None, "address": True, "resend": bool(owing)}
    forms = [name for name, offered in may.items() if offered]
    return form(
        desk, "person.html", values, wrong, shown=shown, stages=owing, what=what if what in forms or wrong else "",
        forms=forms, names=words.LETTERS[desk.look.locale], pending=pending, path=f"/hr/p/{found.id}?",
    )  # fmt: skip


def do_person(desk: Desk) -> Response:
    """`POST /hr/p/<id>/<what>`: correct the address, or send the invitation again."""
    what = desk.request.path_params["what"]
    try:
        with database.transaction() as session:
            officer = desk.officer(session, write=True, steer=True)
            found = desk.person(session, officer)
            asked, back = _asked_of_person(desk, officer, found.id, what, session), f"/hr/p/{found.id}"
            if only_turned(desk):
                return _person(desk, session, found, what, _typed(desk))
            asked.check(session)
        return _code_first(desk, what, back) or _carried_out(desk, asked, what, back)
    except (Unreadable, SteeringRefused) as refusal:
        with database.reading() as session:
            found = desk.person(session, desk.officer(session))
            return _person(desk, session, found, what, _typed(desk), _wrong(desk, refusal))


def _asked_of_person(desk: Desk, officer: Officer, person_id: int, what: str, session: Session) -> _Asked:
    fields = Fields(desk, session, officer.agency)
    at, by, reason = desk.at, officer.person.id, fields.text("reason")
    if what == "address":
        address = fields.text("address")
        return _Asked(lambda s, look: steering.correct_address(
            s, person_id, address, reason=reason, at=at, by=by, preview=look
        ), fields)  # fmt: skip
    if what == "confirm_address":
        return _Asked(lambda s, look: steering.confirm_address(
            s, person_id, reason=reason, at=at, by=by, preview=look
        ), fields)  # fmt: skip
    if what == "resend":
        stage = desk.posted.whole("stage")
        if not fields.text("stage", needed=False):
            fields.refuse("stage", "wrong.choose")
        return _Asked(lambda s, look: steering.resend(
            s, person_id, stage, reason=reason, at=at, by=by, preview=look
        ), fields)  # fmt: skip
    raise ConsoleRefused("not_found")


ROUTES = [
    Route("/hr/c/{cycle:int}/steer", console(steer), methods=["GET"]),
    Route("/hr/c/{cycle:int}/{what:str}", console(do), methods=["POST"]),
    Route("/hr/p/{person:int}", console(person), methods=["GET"]),
    Route("/hr/p/{person:int}/{what:str}", console(do_person), methods=["POST"]),
]
