"""What a link opens before anybody has acted: a page that changes nothing, and one button that begins a session."""

import ipaddress
from datetime import datetime

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import database
import settings
from actions.access import sessions
from actions.desk import disputes
from actions.duties import links
from actions.duties.invitations import open_duties_of
from actions.duties.links import LinkRefused, OpenedLink
from actions.line.calendars import calendar_of
from actions.line.objection_windows import window_of
from models import Agency
from rules.proof.tokens import tidy, verify
from rules.roster.names import short_name
from rules.terms import StageState
from web import alarm
from web.desk.ask import Ask, asks, limited
from web.form_pages import form, only_turned
from web.render import HERE, STYLE, look_for
from web.sessions import set_cookie
from web.texts import say

KIDS = frozenset(range(1, 252))
"""All that `links.kid_of` can give; which of them counts, the cycle of the link says."""
BAD_TOKENS = 20
"""A minute, from one address; only failures count, for offices share one."""
KEEP = {"Cache-Control": "public, max-age=604800"}
ICON, OLD_ICON = ((HERE / "static" / name).read_bytes() for name in ("icon.svg", "favicon.ico"))


class BadToken(Exception):
    pass


def opened_by(session: Session, token: str, at: datetime) -> OpenedLink:
    """What a token leads to; BadToken for unknown, forged and revoked alike. No query before the signature is right."""
    try:
        opened = _opened_by(session, token, at)
    except BadToken:
        alarm.links.note(bad=True, at=at)
        raise
    alarm.links.note(bad=False, at=at)
    return opened


def _opened_by(session: Session, token: str, at: datetime) -> OpenedLink:
    masters = settings.load().masters
    try:
        opened = links.open_link(session, verify(token, master=masters, kids=KIDS))
    except LinkRefused:
        raise BadToken from None
    if verify(token, master=masters, kids={opened.link.kid}) is None:
        raise BadToken  # signed with the key of another cycle
    if (left := opened.person.active_to) is not None:
        agency = session.get_one(Agency, opened.cycle.agency_id)
        if left < calendar_of(session, agency, at).local_date(at):
            raise BadToken
    return opened


def client_of(request: Request) -> str:
    """Who to count failures for: an address, of IPv6 the network. Headers of proxies are the server's business."""
    try:
        address = ipaddress.ip_address(request.client.host if request.client else "")
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _bad(ask: Ask) -> Response:
    if limited(ask, f"bad:{client_of(ask.request)}", BAD_TOKENS):
        return ask.refuse("too_many")
    return ask.refuse("link")


def landing(ask: Ask) -> Response:
    """`GET /a/<token>`: for whom, which stage, until when; nothing else, and nothing changes."""
    token = tidy(ask.request.path_params["token"])
    try:
        with database.glance() as session:
            opened = opened_by(session, token, ask.at)
            agency = session.get_one(Agency, opened.cycle.agency_id)
            duties = open_duties_of(session, opened.stage, [opened.person.id]).get(opened.person.id, [])
            window = window_of(session, opened.person.id, opened.stage, at=ask.at)
            dues = [duty.due for duty in duties if not duty.optional]
            dues = dues or [duty.due for duty in duties if not duty.waits]
            ask.look = look_for(
                ask.request.query_params.get("lang"), opened.person.locale, zone=agency.zone, agency=agency.name,
                contact=agency.contact, year=opened.cycle.year, other_language=True,
            )  # fmt: skip
            stage, closed = opened.stage, opened.stage.state is StageState.CLOSED
            return ask.page(
                "landing.html", token=token.lower(), name=short_name(opened.person.name), stage=stage.kind.value,
                due=min(dues) if dues else None, closed=stage.closes_at if closed else None, window=window,
            )  # fmt: skip
    except BadToken:
        return _bad(ask)


def begin(ask: Ask) -> Response:
    """`POST /a`: the token from the page begins a session, always a new one."""
    try:
        with database.transaction() as session:
            opened = opened_by(session, tidy(ask.posted.get("token")), ask.at)
            secret = sessions.begin(session, opened, at=ask.at)
    except BadToken:
        return _bad(ask)
    response = ask.go("/w")
    set_cookie(response, secret, ask.at)
    return response


def reissue(ask: Ask) -> Response:
    """`POST /a/reissue`: an old link is enough. It comes from the field, or from the page that the button stood on."""
    if only_turned(ask):
        return form(ask, "reissue.html", {"token": ask.posted.get("token")})
    given = ask.posted.get("token") or ask.request.headers.get("referer", "")
    token = given.split("?")[0].split("#")[0].rstrip("/").rsplit("/", 1)[-1]
    link_id = verify(tidy(token), master=settings.load().masters, kids=KIDS)
    if link_id is None:
        if limited(ask, f"bad:{client_of(ask.request)}", BAD_TOKENS):
            return ask.refuse("too_many")
        if ask.posted.get("token"):
            return ask.page("reissued.html")
        return form(ask, "reissue.html", {}, {"token": say(ask.look.locale, "wrong.missing")})
    with database.transaction() as session:
        disputes.reissue(session, link_id, at=ask.at)
    return ask.page("reissued.html")


async def style(_request: Request) -> Response:
    return Response(STYLE, media_type="text/css", headers={"Cache-Control": "public, max-age=31536000, immutable"})


async def icon(_request: Request) -> Response:
    return Response(ICON, media_type="image/svg+xml", headers=KEEP)


async def old_icon(_request: Request) -> Response:
    """What browsers and mail programs ask for unasked."""
    return Response(OLD_ICON, media_type="image/x-icon", headers=KEEP)


ROUTES = [
    Route("/static/style.css", style),
    Route("/static/icon.svg", icon),
    Route("/favicon.ico", old_icon),
    Route("/a", asks(begin), methods=["POST"]),
    Route("/a/reissue", asks(reissue), methods=["POST"]),
    Route("/a/{token}", asks(landing), methods=["GET"]),
]
