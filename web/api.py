"""The JSON API under /api/v1: launch and status for HR, the desk for programs. The same actions as the pages.

HR's bearer token is the secret of a console session, got with a mailed code and what its asker kept. A desk is opened
with the token of its mailed link, or with the secret of a desk session once a mailed code proved who is there.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path as Folder
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, FastAPI, Header, Path, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

import clock
import database
import settings
from actions.access import codes, knocks, sessions, signin
from actions.access.codes import CodeRefused, Verdict
from actions.access.sessions import Visit
from actions.access.signin import Officer
from actions.acts.act import ActInvalid, ActRefused
from actions.cycle import cycles, launching, progress
from actions.cycle.cycles import LaunchRefused
from actions.cycle.launch_dates import Way
from actions.desk import desks
from actions.desk.perform import Receipt, Sent, check, perform
from actions.mail import letters
from actions.roster.agency_files import read_agency
from actions.roster.decisions import Decisions, read_pairs
from actions.roster.identity import ImportRefused
from actions.store import throttles
from models import Agency, Assignment, Cycle
from policies import PackRefused
from rules.files.agency_files import AgencyFileRefused
from rules.refused import Refused
from rules.roster.columns import RosterRefused
from rules.terms import Door, Proof, StageKind
from web.desk import knocking
from web.desk.ask import STATUS, retry_after
from web.desk.knocking import ASKS_A_MINUTE
from web.desk.landing import BAD_TOKENS, BadToken, client_of, opened_by
from web.desk.proofs import refused_code

BASE = "/api/v1"
FOLDER = r"[a-z0-9][a-z0-9_-]{0,59}"
REFUSED = (AgencyFileRefused, PackRefused, RosterRefused, ImportRefused, LaunchRefused)
"""What a launch may be refused with: the lines name who mends what."""
Secret = Annotated[str, Field(min_length=1, max_length=100)]


class Problem(BaseModel):
    """Every answer that is not a success. Codes are those of the pages' refusals."""

    code: str
    details: dict[str, Any] = {}


class ApiRefused(Refused):
    def __init__(self, status: int, code: str, **details: Any) -> None:
        super().__init__(code)
        self.status, self.code, self.details = status, code, details


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AskToSignIn(_Body):
    address: Annotated[str, Field(min_length=3, max_length=254)]


class SignIn(_Body):
    request: Secret
    code: Annotated[str, Field(min_length=1, max_length=20)]


class Launch(_Body):
    agency_dir: Annotated[str, Field(pattern=f"^{FOLDER}$", description="Name of a folder among the agencies.")]
    year: Annotated[int, Field(ge=2000, le=2999)]
    preview: Annotated[bool, Field(description="List what would happen to whom, by name; change nothing.")] = False
    seen: Annotated[str, Field(max_length=32, description="Digest of the preview; refused if it is outdated.")] = ""
    confirm_leavers: Annotated[bool, Field(description="It is meant that so many people leave.")] = False
    same_person: Annotated[
        dict[Annotated[str, Field(max_length=30)], Annotated[str, Field(max_length=30)]],
        Field(max_length=1000, description="Old NIP -> corrected NIP of the same person."),
    ] = {}
    without_held_back: Annotated[str, Field(max_length=1000, description="Why to go on without those held back.")] = ""
    without_officer: Annotated[str, Field(max_length=1000, description="Why to go on without HR officer or PPK.")] = ""
    shift: bool = Field(False, description="If dates have passed: what has passed begins today, the rest moves along.")
    begin_at: StageKind | None = Field(None, description="If dates have passed: the stages before this are not held.")
    anyway: Annotated[str, Field(max_length=500)] = Field(
        "", description="If dates have passed: why the calendar stands all the same."
    )


class Act(_Body):
    data: dict[str, Any] = Field(description="What the act's form holds; its JSON schema comes with the task.")
    version: Annotated[int, Field(ge=0, lt=2**31)]
    nonce: Annotated[str, Field(min_length=8, max_length=64)]
    seen: Annotated[str, Field(max_length=64)] = Field(
        "", description="From a check, if there was one: what follows now must still be what was said then."
    )


class Code(_Body):
    code: Annotated[str, Field(min_length=1, max_length=20)]


class Asked(BaseModel):
    request: str
    """Kept by whoever asked: the code of the letter counts only together with it."""


class Begun(BaseModel):
    secret: str
    """Shown once: only its hash is stored."""


Authorization = Annotated[str, Header(description="Bearer, Link or Desk, a space, and the token or secret.")]
Number = Annotated[int, Path(ge=1, lt=2**63)]
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem} for status in (400, 401, 403, 404, 409, 413, 422, 429)
}
router = APIRouter(prefix=BASE, responses=PROBLEMS)


def _secret(authorization: str, scheme: str) -> str:
    kind, _, secret = authorization.partition(" ")
    return secret.strip() if kind.lower() == scheme.lower() else ""


def _officer(session: Session, authorization: str, at: datetime, *, steer: bool = False) -> Officer:
    secret = _secret(authorization, "bearer")
    found = signin.find(session, secret, at=at) if secret else None
    if found is None or found.rested:
        raise ApiRefused(401, "no_session")
    if steer and not found.may_steer:
        raise ApiRefused(403, "read_only")
    return found


def _used(session: Session, officer: Officer, at: datetime) -> None:
    """Note a sign of life: a program has no cookie that could carry it."""
    if not throttles.take(session, f"console:{officer.person.id}", 120, throttles.MINUTE, at=at):
        raise _too_many(at)
    officer.row.seen_at = at


def _code_mailed(session: Session, who: Visit | Officer, at: datetime) -> dict[str, str]:
    with _code_refusals(at):
        code = codes.request(session, who, master=settings.load().master, at=at)
    return {"valid_until": code.expires_at.isoformat()}


@contextmanager
def _code_refusals(at: datetime) -> Iterator[None]:
    """What is refused of a code becomes an answer of the API."""
    try:
        yield
    except CodeRefused as refused:
        raise _no_code(refused, at) from refused


def _proven(verdict: Verdict) -> Begun:
    if verdict.secret is None:
        raise ApiRefused(422, "code_wrong", tries_left=verdict.tries_left)
    return Begun(secret=verdict.secret)


# HR


@router.post("/session/request", status_code=202, operation_id="ask_to_sign_in")
def ask_to_sign_in(request: Request, body: AskToSignIn, later: BackgroundTasks) -> Asked:
    """Mail a sign-in code to an officer; the answer is the same, and as quick, for any address."""
    at = clock.now()
    with database.transaction() as session:
        key = f"ask:{client_of(request)}"
        if not throttles.take(session, key, ASKS_A_MINUTE, throttles.MINUTE, at=at):
            raise _too_many(at)
    later.add_task(knocking.answer, at)
    return Asked(request=knocking.put_down(Door.CONSOLE, body.address, at=at))


@router.post("/session", status_code=201, operation_id="sign_in")
def sign_in(body: SignIn) -> Begun:
    """Enter the mailed code; the secret is the bearer token of what follows, for eight hours at most."""
    at = clock.now()
    try:
        with database.transaction() as session:
            entered = signin.enter(
                session, knocks.digest(body.request), body.code, master=settings.load().master, at=at
            )
    except CodeRefused as refused:
        raise _no_code(refused, at) from refused
    if not entered.secret:
        raise ApiRefused(422, "code_wrong", tries_left=entered.tries_left)
    return Begun(secret=entered.secret)


@router.delete("/session", status_code=204, operation_id="sign_out")
def sign_out(authorization: Authorization = "") -> None:
    """End the session of the bearer token."""
    at = clock.now()
    with database.transaction() as session:
        signin.end(session, _officer(session, authorization, at), at=at)


@router.post("/session/code", status_code=202, operation_id="ask_to_confirm")
def ask_to_confirm(authorization: Authorization = "") -> dict[str, str]:
    """Mail a code for weighty acts to the officer's address on file."""
    at = clock.now()
    with database.transaction() as session:
        officer = _officer(session, authorization, at, steer=True)
        _used(session, officer, at)
        return _code_mailed(session, officer, at)


@router.post("/session/code/verify", operation_id="confirm")
def confirm(body: Code, authorization: Authorization = "") -> Begun:
    """Enter the code; the session goes on under the new secret, and weighty acts are taken for a quarter of an hour."""
    at = clock.now()
    with _code_refusals(at), database.transaction() as session:
        officer = _officer(session, authorization, at, steer=True)
        verdict = codes.verify(session, officer, body.code, master=settings.load().master, at=at)
    return _proven(verdict)


@router.post(
    "/cycles", status_code=201, operation_id="launch_cycle",
    responses={200: {"description": "A preview: who, and what would happen to them."}},
)  # fmt: skip
def launch(body: Launch, response: Response, authorization: Authorization = "") -> dict[str, Any]:
    """Take in the agency's roster and launch its cycle; asked again it changes nothing and says so.

    But for a preview it asks for a code of the last quarter of an hour: `code_needed` says where to get one.
    """
    at = clock.now()
    with database.transaction() as session:
        officer = _officer(session, authorization, at, steer=True)
        _used(session, officer, at)
        if not body.preview and not officer.confirmed(at):
            raise ApiRefused(403, "code_needed", ask=f"{BASE}/session/code", enter=f"{BASE}/session/code/verify")
        agency, by = officer.agency.code, officer.person.id
    folder = settings.load().agencies_dir / body.agency_dir
    if not re.fullmatch(FOLDER, body.agency_dir) or not folder.is_dir():
        raise ApiRefused(404, "not_found", agency_dir=body.agency_dir)
    try:
        _check_agency(folder, agency)
        way = Way(body.shift, body.begin_at, body.anyway)
        same = read_pairs(f"{old}={new}" for old, new in body.same_person.items())
        said = Decisions(body.confirm_leavers, same, body.seen, body.without_held_back, body.without_officer)
        if body.preview:
            outlook = launching.look_at(database.transaction, folder, body.year, at=at, said=said, way=way)
            response.status_code = 200
            return {**outlook.report.as_json(), "stops": outlook.stops}
        made = launching.launch_folder(
            database.transaction, folder, body.year, at=at, by=by, said=said, way=way
        )  # fmt: skip
        added = launching.enroll_all(database.transaction, made.cycle_id, at=at)
    except REFUSED as refused:
        raise ApiRefused(422, "launch_refused", reasons=str(refused).splitlines()) from refused
    with database.reading() as session:
        _, _, status = _status(session, authorization, agency, body.year, at)
        found = launching.findings(session, made.cycle_id, at=at)
    counts = {"pack": made.pack, "rows": made.rows, "held_back": made.held_back, "added": added}
    return {"again": made.again, **counts, "attention": [english for _, english in found.sentences()], **status}


def _check_agency(folder: Folder, agency: str) -> None:
    """Nothing of another agency's files is told, not even what is wrong with them."""
    try:
        theirs = read_agency(folder).agency.code
    except AgencyFileRefused:
        if folder.name == agency:
            raise
        theirs = ""
    if theirs != agency:
        raise ApiRefused(403, "other_agency")


def _status(
    session: Session, authorization: str, agency: str, year: int, at: datetime, *, units: bool = False
) -> tuple[Agency, Cycle, dict[str, Any]]:
    officer = _officer(session, authorization, at)
    cycle = cycles.find(session, agency, year) if agency == officer.agency.code else None
    if cycle is None:
        raise ApiRefused(404, "not_found")
    return officer.agency, cycle, progress.as_data(session, cycle, officer.agency, at=at, units=units)


AgencyCode = Annotated[str, Path(pattern=f"^{FOLDER}$")]
CycleYear = Annotated[int, Path(ge=2000, le=2999)]


@router.get("/cycles/{agency}/{year}", operation_id="cycle_status")
def cycle_status(
    agency: AgencyCode, year: CycleYear, authorization: Authorization = "", units: bool = False
) -> dict[str, Any]:
    """How far a cycle is, per stage and, if asked, per unit."""
    with database.reading() as session:
        return _status(session, authorization, agency, year, clock.now(), units=units)[2]


@router.get("/cycles/{agency}/{year}/letters", operation_id="cycle_certificate")
def certificate(agency: AgencyCode, year: CycleYear, authorization: Authorization = "") -> dict[str, Any]:
    """What became of every letter of the cycle; `missing` and `doubled` are counted from the tables alone."""
    with database.reading() as session:
        _, cycle, _ = _status(session, authorization, agency, year, clock.now())
        found = letters.certificate(session, cycle_id=cycle.id)
        return {"owed": found.owed, "states": dict(found.states), "open": found.open, "missing": found.missing,
                "doubled": found.doubled, "perhaps_twice": found.restored,
                "planned": found.planned, "clean": found.clean}  # fmt: skip


# a desk


def _desk(session: Session, request: Request, authorization: str, at: datetime) -> tuple[int, int, int, Proof]:
    """Person, stage, link and proof of who knocks: with the mailed link, or with the secret of a desk session."""
    if token := _secret(authorization, "link"):
        try:
            opened = opened_by(session, token, at)
        except BadToken:
            raise _bad_token(request, at) from None
        return opened.person.id, opened.stage.id, opened.link.id, Proof.LINK
    visit = _visit(session, authorization, at)
    return visit.person.id, visit.stage.id, visit.link.id, visit.proof


def _visit(session: Session, authorization: str, at: datetime) -> Visit:
    secret = _secret(authorization, "desk")
    found = sessions.find(session, secret, at=at) if secret else None
    if found is None or found.rested:
        raise ApiRefused(401, "no_session")
    return found


def _bad_token(request: Request, at: datetime) -> ApiRefused:
    """Unknown, forged and revoked look alike; too many from one place are turned away."""
    key = f"bad:{client_of(request)}"
    with database.reading() as session:
        if throttles.used_up(session, key, BAD_TOKENS, throttles.MINUTE, at=at):
            return _too_many(at)
    with database.transaction() as session:
        throttles.take(session, key, BAD_TOKENS, throttles.MINUTE, at=at)
    return ApiRefused(404, "link")


def _often(session: Session, request: Request, link_id: int, at: datetime) -> None:
    """What one client sends with a link; the owner of the link has a count of their own."""
    key = f"link:{link_id}:{client_of(request)}"
    if not throttles.take(session, key, 60, throttles.MINUTE, at=at):
        raise _too_many(at)


def _too_many(at: datetime) -> ApiRefused:
    return ApiRefused(429, "too_many", retry_after=throttles.seconds_left(throttles.MINUTE, at=at))


def _no_code(refused: CodeRefused, at: datetime) -> ApiRefused:
    as_page = refused_code(refused, at)
    return ApiRefused(STATUS[as_page.code], as_page.code, **as_page.details)


@router.post("/desk/session", status_code=201, operation_id="open_desk")
def open_desk(request: Request, authorization: Authorization = "") -> Begun:
    """Begin a session at the desk of a mailed link (`Authorization: Link <token>`), needed to prove who is there."""
    at = clock.now()
    token = _secret(authorization, "link")
    if not token:
        raise ApiRefused(401, "no_session")
    try:
        with database.transaction() as session:
            opened = opened_by(session, token, at)
            _often(session, request, opened.link.id, at)
            return Begun(secret=sessions.begin(session, opened, at=at))
    except BadToken:
        raise _bad_token(request, at) from None


@router.post("/desk/code", status_code=202, operation_id="ask_for_code")
def ask_for_code(authorization: Authorization = "") -> dict[str, str]:
    """Mail a code to the address on file (`Authorization: Desk <secret>`)."""
    at = clock.now()
    with database.transaction() as session:
        return _code_mailed(session, _visit(session, authorization, at), at)


@router.post("/desk/code/verify", operation_id="prove")
def prove(body: Code, authorization: Authorization = "") -> Begun:
    """Enter the code; the session goes on under the new secret, and weighty acts are taken."""
    at = clock.now()
    with _code_refusals(at), database.transaction() as session:
        visit = _visit(session, authorization, at)
        verdict = codes.verify(session, visit, body.code, master=settings.load().master, at=at)
    return _proven(verdict)


@router.get("/desk", operation_id="read_desk")
def read_desk(request: Request, authorization: Authorization = "") -> dict[str, Any]:
    """What the person owes, may do and did at this desk."""
    at = clock.now()
    with database.reading() as session:
        person_id, stage_id, _, proof = _desk(session, request, authorization, at)
        found = desks.desk_of(session, person_id, stage_id)
        return jsonable_encoder({
            "person": found.person.name, "agency": found.agency.code, "year": found.cycle.year,
            "stage": found.stage.kind, "closed": found.closed, "proof": proof,
            "tasks": [{"id": one.id, "kind": one.kind, "role": one.role, "state": one.state, "optional": one.optional,
                       "about": one.about, "unit": one.unit, "due": one.due, "closes": one.closes,
                       "ended_at": one.ended_at} for one in found.tasks],
        })  # fmt: skip


@router.get("/desk/tasks/{task}", operation_id="read_task")
def read_task(request: Request, task: Number, authorization: Authorization = "") -> dict[str, Any]:
    """A task with what its form shows, the form's JSON schema, and the version and nonce to send back with it."""
    at = clock.now()
    with database.reading() as session:
        person_id, stage_id, _, proof = _desk(session, request, authorization, at)
        sheet = desks.sheet(session, person_id, stage_id, task, at=at)
        if sheet.act.proof is Proof.CODE and proof is not Proof.CODE:
            raise ActRefused("code_needed")
        return jsonable_encoder({
            "id": task, "kind": sheet.act.kind, "state": sheet.task.state, "version": sheet.version,
            "nonce": sheet.nonce, "shown": sheet.shown, "draft": sheet.draft,
            "form": sheet.act.form.model_json_schema(),
        })  # fmt: skip


@router.post("/desk/tasks/{task}", operation_id="act")
def act(request: Request, task: Number, body: Act, authorization: Authorization = "") -> dict[str, Any]:
    """Carry out an act: the same guards as on the page. The same nonce again returns the same receipt."""
    at = clock.now()
    with database.reading() as session:  # a bad token is counted in a transaction of its own
        person_id, stage_id, link_id, proof = _desk(session, request, authorization, at)
    with database.transaction() as session:
        _often(session, request, link_id, at)
        _on_desk(session, person_id, stage_id, task)
        sent = Sent(body.data, body.version, body.nonce, proof)
        if body.seen and (checked := check(session, task, person_id, sent, at=at)) and checked.digest != body.seen:
            raise ActRefused("follows_something_else")
        receipt = perform(session, task, person_id, sent, at=at)
    return _receipt(receipt)


@router.post("/desk/tasks/{task}/check", operation_id="check_act")
def check_act(request: Request, task: Number, body: Act, authorization: Authorization = "") -> dict[str, Any]:
    """What would follow from an act, and what in it contradicts itself; nothing happens.

    A program may act without asking first: the page's own step is for people, and a warning never refuses anything.
    """
    at = clock.now()
    with database.reading() as session:
        person_id, stage_id, link_id, proof = _desk(session, request, authorization, at)
    with database.transaction() as session:
        _often(session, request, link_id, at)
        _on_desk(session, person_id, stage_id, task)
        checked = check(session, task, person_id, Sent(body.data, body.version, body.nonce, proof), at=at)
    if checked is None:
        return {"again": True, "follows": {}, "doubts": [], "seen": ""}
    doubts = [{"code": one.code, "place": one.place, "details": one.details} for one in checked.doubts]
    return jsonable_encoder({"again": False, "follows": checked.follows, "doubts": doubts, "seen": checked.digest})


def _on_desk(session: Session, person_id: int, stage_id: int, task: int) -> None:
    """A link opens one desk: a task of another stage is not reached with it."""
    found = session.get(Assignment, task)
    if found is None or (found.person_id, found.stage_id) != (person_id, stage_id):
        raise ActRefused("not_yours")


def _receipt(receipt: Receipt) -> dict[str, Any]:
    return jsonable_encoder({"receipt": receipt.number, "kind": receipt.kind, "at": receipt.at, "again": receipt.again,
                             "summary": receipt.summary})  # fmt: skip


# refusals


def problem(status: int, code: str, details: Mapping[str, Any] | None = None) -> JSONResponse:
    said = dict(details or {})
    return JSONResponse({"code": code, "details": jsonable_encoder(said)}, status, retry_after(said))


async def _api_refused(_request: Request, refused: Exception) -> JSONResponse:
    assert isinstance(refused, ApiRefused)
    return problem(refused.status, refused.code, refused.details)


async def _act_refused(_request: Request, refused: Exception) -> JSONResponse:
    assert isinstance(refused, ActRefused)
    status = 422 if isinstance(refused, ActInvalid) else STATUS.get(refused.code, 409)
    return problem(status, refused.code, refused.details)


async def _invalid(_request: Request, wrong: Exception) -> JSONResponse:
    assert isinstance(wrong, RequestValidationError)
    errors = {".".join(map(str, error["loc"])): error["msg"] for error in wrong.errors()}
    return problem(422, "invalid", {"errors": errors})


def add_to(app: FastAPI) -> None:
    """Add the API, with its refusals as JSON."""
    app.include_router(router)
    app.add_exception_handler(ApiRefused, _api_refused)
    app.add_exception_handler(ActRefused, _act_refused)
    app.add_exception_handler(RequestValidationError, _invalid)
