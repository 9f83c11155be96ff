"""The HR console: how far a cycle is, who is late and why, mail, and what was changed. Reading changes nothing."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import database
import settings
from actions.access import knocks, languages, signin
from actions.access.signin import CodeRefused
from actions.audit.progress import progress_of
from actions.console import attention
from actions.console import mail as waves
from actions.console import overview as looks
from actions.console.roster import count_held
from actions.cycle import progress
from actions.mail import letters
from models import Cycle, Stage
from notifications import words
from rules.terms import ActKind, Door, Locale, StageKind, StageState
from rules.time.stages import OVER
from web.desk import knocking
from web.form_pages import form, only_turned
from web.hr import roster, sessions, steering
from web.hr.ask import STYLE, ConsoleRefused, Desk, console
from web.hr.audit_steps import audit_steps
from web.hr.pictures import parts, tracks
from web.render import day
from web.sessions import CONSOLE, KNOCK, clear_cookie, read_cookie, read_known, set_cookie, set_known
from web.texts import say

FAILED = ("failed_perm", "held", "bounced_hard", "bounced_soft", "ambiguous", "suppressed", "expired")
WAITING = ("queued", "sending", "deferred")
NOT_BEGUN = (StageState.PLANNED, StageState.SKIPPED)


# signing in


def home(desk: Desk) -> Response:
    """`GET /hr`: the cycles of the agency; for whoever is not signed in, the form that asks for a code."""
    with database.reading() as session:
        try:
            officer = desk.officer(session)
        except ConsoleRefused:
            return desk.page("signin.html")
        cycles = []
        for cycle in looks.cycles_of(session, officer.agency.id):
            stages = progress.of_cycle(session, cycle, at=desk.at)
            now = next((one for one in stages if one.state not in OVER), stages[-1])
            cycles.append((cycle, now, sum(looks.states_of(session, cycle.id).values()), parts(now.tally)))
        return desk.page("home.html", cycles=cycles, held=count_held(session, officer.agency.id))


def ask_for_code(desk: Desk) -> Response:
    """`POST /hr/link`: always the same answer, as quickly, whoever asks for whichever address."""
    said = desk.posted.get("address").strip()
    if said and knocking.too_often(desk):
        raise ConsoleRefused("too_many")
    response = form(desk, "sent.html", {})
    if said:
        set_cookie(response, knocking.put_down(Door.CONSOLE, said, at=desk.at), desk.at, KNOCK)
        knocking.answered_later(response, desk.at)
    return response


def code_form(desk: Desk) -> Response:
    """`GET /hr/code`: where the code of the letter is typed; the same for every browser."""
    return form(desk, "sent.html", {})


def enter(desk: Desk) -> Response:
    """`POST /hr/code`: the right code, in the browser that asked for it, begins a session."""
    typed, kept, known = desk.posted.get("code"), read_cookie(desk.request, KNOCK), read_known(desk.request)
    if only_turned(desk):
        return form(desk, "sent.html", {"code": typed})
    if not typed.strip():
        return form(desk, "sent.html", {}, {"code": say(desk.look.locale, "hr.in.empty")})
    if kept is None:
        raise ConsoleRefused("code_elsewhere")
    try:
        with database.transaction() as session:
            entered = signin.enter(
                session, knocks.digest(kept[0]), typed, master=settings.load().master, at=desk.at,
                known=known.person_id if known else 0,
            )  # fmt: skip
    except CodeRefused as refused:
        raise ConsoleRefused(f"code_{refused.why}") from refused
    if not entered.secret:
        return form(desk, "sent.html", {}, {"code": say(desk.look.locale, "code.wrong", n=entered.tries_left)})
    response = desk.go("/hr")
    set_cookie(response, entered.secret, desk.at, CONSOLE)
    set_known(response, entered.person_id, desk.at)
    clear_cookie(response, KNOCK)
    return response


def leave(desk: Desk) -> Response:
    """`POST /hr/end`: the session is over."""
    with contextlib.suppress(ConsoleRefused), database.transaction() as session:
        signin.end(session, desk.officer(session, write=True), at=desk.at)
    response = desk.go("/hr")
    clear_cookie(response, CONSOLE)
    return response


def language(desk: Desk) -> Response:
    """`POST /hr/language`: the language of this visit holds for the console, other pages and letters."""
    if desk.posted.get("confirm") != "yes" or desk.posted.get("language") not in set(Locale):
        raise ConsoleRefused("confirm")
    with database.transaction() as session:
        officer = desk.officer(session, write=True)
        languages.choose(session, officer.person, Locale(desk.posted.get("language")), at=desk.at)
    return desk.go("/hr")


# one cycle


def _stage(desk: Desk, session: Session, cycle: Cycle) -> Stage:
    """The stage of the query; without one, the first that is not over and has begun."""
    stages = {one.kind: one for one in session.scalars(select(Stage).filter_by(cycle_id=cycle.id))}
    if (wanted := desk.query("stage")) in set(StageKind):
        return stages[StageKind(wanted)]
    running = [kind for kind in StageKind if stages[kind].state not in (StageState.PLANNED, *OVER)]
    begun = [kind for kind in StageKind if stages[kind].state not in NOT_BEGUN]
    return stages[(running[:1] or begun[-1:] or [StageKind.TARGET_SETTING])[0]]


def overview(desk: Desk) -> Response:
    """`GET /hr/c/<id>`: the year as a picture, what needs attention, and the units of one stage, worst first."""
    with database.reading() as session:
        cycle = desk.cycle(session, desk.officer(session))
        stage = _stage(desk, session, cycle)
        stages = progress.of_cycle(session, cycle, at=desk.at)
        start = desk.query_number("from")
        units = progress.of_units(session, cycle, at=desk.at, stage=stage.kind)
        units.sort(key=lambda one: (-one.tally.overdue, one.tally.percent if one.tally.percent is not None else 101))
        listed = [(one, parts(one.tally)) for one in units[start : start + looks.PAGE]]
        late = next(one.tally.overdue for one in stages if one.stage is stage.kind)
        return desk.page(
            "cycle.html", tab="progress", cycle=cycle, tracks=tracks(stages, desk.at), stage=stage.kind.value,
            kinds=[one.stage.value for one in stages if one.state not in NOT_BEGUN],
            units=looks.Slice(listed, len(units), start), states=looks.states_of(session, cycle.id),
            path=f"/hr/c/{cycle.id}?stage={stage.kind.value}",
            attention=_attention(session, cycle, stage, late, [one.stage for one in stages if one.starved]),
        )  # fmt: skip


def _attention(
    session: Session, cycle: Cycle, stage: Stage, late: int, starved: Sequence[StageKind]
) -> list[tuple[str, int, str]]:
    """What somebody has to look at: a code, how many, and where."""
    base = f"/hr/c/{cycle.id}"
    found = [("starved", len(starved), f"{base}/steer?stage={starved[0].value if starved else ''}")]
    found.append(("late", late, f"{base}/late?stage={stage.kind.value}"))
    counts = attention.cases(session, cycle.id).items()
    found += [(show, count, f"{base}/cases?show={show}") for show, count in counts]
    found.append(("held_back", count_held(session, cycle.agency_id), "/hr/roster"))
    found.append(("mail", attention.mail(session, cycle.id), f"{base}/mail"))
    return [(code, count, where) for code, count, where in found if count]


def late(desk: Desk) -> Response:
    """`GET /hr/c/<id>/late`: who is late, and what is known of why."""
    with database.reading() as session:
        cycle = desk.cycle(session, desk.officer(session))
        stage = _stage(desk, session, cycle)
        found = looks.late(session, cycle, stage, at=desk.at, start=desk.query_number("from"))
        begun = select(Stage.kind).where(Stage.cycle_id == cycle.id, Stage.state.not_in(NOT_BEGUN))
        kinds = set(session.scalars(begun))
        return desk.page(
            "late.html", tab="late", cycle=cycle, late=found, stage=stage.kind.value,
            kinds=[kind.value for kind in StageKind if kind in kinds],
            path=f"/hr/c/{cycle.id}/late?stage={stage.kind.value}",
        )  # fmt: skip


def cases(desk: Desk) -> Response:
    """`GET /hr/c/<id>/cases`: appraisals of one list. `POST`: those that a name or NIP fits, which no address keeps."""
    show = desk.posted.get("show") or desk.query("show")
    show, text = show if show in looks.SHOWN else "all", _searched(desk)
    start = max(desk.posted.whole("from"), 0) if desk.request.method == "POST" else desk.query_number("from")
    with database.reading() as session:
        cycle = desk.cycle(session, desk.officer(session))
        found = looks.cases(session, cycle.id, show, text=text, start=start)
        return desk.page(
            "cases.html", tab="cases", cycle=cycle, cases=found, show=show, q=text, shows=list(looks.SHOWN),
            counts=looks.count_cases(session, cycle.id), path=f"/hr/c/{cycle.id}/cases?show={show}",
        )  # fmt: skip


def _searched(desk: Desk) -> str:
    """What was typed into a search; it is sent as a form, so that no name or NIP stands in an address or a log."""
    return desk.posted.get("q").strip()


def mail(desk: Desk) -> Response:
    """`GET /hr/c/<id>/mail`: letters by fate, the certificate, the waves, and who did not get what."""
    with database.reading() as session:
        cycle = desk.cycle(session, desk.officer(session))
        if wanted := desk.query_number("wave"):
            return _wave(desk, session, cycle, wanted)
        found = looks.not_reached(session, cycle.id, start=desk.query_number("from"))
        return desk.page(
            "mail.html", tab="mail", cycle=cycle, fates=_sums(looks.fates(session, cycle.id)), wave=None,
            names=words.LETTERS[desk.look.locale], certificate=letters.certificate(session, cycle_id=cycle.id),
            waves=waves.waves_of(session, cycle.id, start=desk.query_number("waves")), path=f"/hr/c/{cycle.id}/mail?",
            missed=replace(found, rows=[waves.missed(*row) for row in found.rows]), unwritten=None,
            outlook=waves.Outlook.of(session),
        )  # fmt: skip


def _wave(desk: Desk, session: Session, cycle: Cycle, wave_id: int) -> Response:
    """The mail page of one wave: everybody who has no letter of it, and why."""
    if (line := waves.wave_of(session, cycle.id, wave_id)) is None:
        raise ConsoleRefused("not_found")
    return desk.page(
        "mail.html", tab="mail", cycle=cycle, fates=_sums(line.fates), wave=line, waves=None,
        names=words.LETTERS[desk.look.locale], certificate=letters.certificate(session, wave_id=wave_id),
        path=f"/hr/c/{cycle.id}/mail?wave={wave_id}",
        missed=waves.without_letter(session, wave_id, start=desk.query_number("from")),
        unwritten=waves.unwritten(session, line.wave.stage_id, start=desk.query_number("unwritten")),
        outlook=waves.Outlook.of(session),
    )  # fmt: skip


def _sums(fates: Mapping[str, Mapping[str, int]]) -> list[tuple[str, tuple[int, ...]]]:
    """Kind, and how many are owed, waiting, accepted, failed, other: the last four add up to the first."""
    found = []
    for kind, counts in fates.items():
        owed = sum(counts.values())
        waiting = sum(counts.get(state, 0) for state in WAITING)
        good = counts.get("accepted", 0) + counts.get("delivered", 0)
        failed = sum(counts.get(state, 0) for state in FAILED)
        found.append((kind, (owed, waiting, good, failed, owed - waiting - good - failed)))
    return found


def changes(desk: Desk) -> Response:
    """`GET /hr/c/<id>/changes`: extensions, mandates, overrides, defaults, and who steered what."""
    with database.reading() as session:
        cycle = desk.cycle(session, desk.officer(session))
        found = looks.changes(session, cycle, start=desk.query_number("from"), starts=_starts(desk))
        return desk.page(
            "changes.html", tab="changes", cycle=cycle, changes=found, path=f"/hr/c/{cycle.id}/changes?",
            changed=partial(_changed, desk),
        )  # fmt: skip


def _starts(desk: Desk) -> dict[str, int]:
    return {name: desk.query_number(name) for name in ("extensions", "mandates", "overrides")}


def _changed(desk: Desk, code: str, details: Mapping[str, Any]) -> str:
    """What an entry of the trail changed, as a sentence."""
    locale = desk.look.locale
    whole = "hr.whole" if code == "until" else "hr.nobody"
    said = {
        name: say(locale, whole) if value is None
        else day(value, desk.look.zone, locale) if isinstance(value, datetime)
        else say(locale, f"act.{value.value}") if isinstance(value, ActKind) else value
        for name, value in details.items()
    }  # fmt: skip
    return say(locale, f"hr.changed.{code}", **said)


def audit(desk: Desk) -> Response:
    """`GET /hr/c/<id>/audit`: how far the audit is, and the commands of its ceremony."""
    with database.reading() as session:
        officer = desk.officer(session)
        cycle = desk.cycle(session, officer)
        found = progress_of(session, cycle)
        steps = audit_steps(officer.agency.code, cycle.year, found, desk.look.locale)
        return desk.page("audit.html", tab="audit", cycle=cycle, audit=found, steps=steps)


def people(desk: Desk) -> Response:
    """`POST /hr/p`: people whose name or NIP fits. `GET`: nobody yet."""
    with database.reading() as session:
        officer, text = desk.officer(session), _searched(desk)
        found = looks.find_people(session, officer.agency.id, text, start=max(desk.posted.whole("from"), 0))
        return desk.page("people.html", q=text, people=found)


async def style(_request: Request) -> Response:
    return Response(STYLE, media_type="text/css", headers={"Cache-Control": "public, max-age=31536000, immutable"})


ROUTES = [
    Route("/static/console.css", style),
    Route("/hr", console(home), methods=["GET"]),
    Route("/hr/link", console(ask_for_code), methods=["POST"]),
    Route("/hr/code", console(code_form), methods=["GET"]),
    Route("/hr/code", console(enter), methods=["POST"]),
    Route("/hr/end", console(leave), methods=["POST"]),
    Route("/hr/language", console(language), methods=["POST"]),
    Route("/hr/c/{cycle:int}", console(overview), methods=["GET"]),
    Route("/hr/c/{cycle:int}/late", console(late), methods=["GET"]),
    Route("/hr/c/{cycle:int}/cases", console(cases), methods=["GET", "POST"]),
    Route("/hr/c/{cycle:int}/mail", console(mail), methods=["GET"]),
    Route("/hr/c/{cycle:int}/changes", console(changes), methods=["GET"]),
    Route("/hr/c/{cycle:int}/audit", console(audit), methods=["GET"]),
    Route("/hr/p", console(people), methods=["GET", "POST"]),
    *roster.ROUTES,
    *sessions.ROUTES,
    *steering.ROUTES,
]
