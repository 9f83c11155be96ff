"""perform(): the one way in which a person's act changes anything, with every guard in the same transaction."""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from actions.acts.act import Act, ActForm, Acting, ActInvalid, ActRefused, Done
from actions.acts.reading import read
from actions.acts.table import ACTS
from actions.desk import receipts
from actions.line.calendars import calendar_of
from actions.line.deadlines import deadlines_of
from actions.line.holders import holds_role, line_for_one
from actions.store import trail
from models import ActingMandate, Agency, Appraisal, Assignment, Cycle, Draft, Person, Stage, Submission
from rules.pack.contradictions import Doubt
from rules.pack.pack import Pack
from rules.terms import AssignmentState, CycleState, Proof, Role, StageState

RECEIPT_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class StaleForm(ActRefused):
    """Somebody saved in between: `details` has what is stored now, the caller still has what was sent."""


@dataclass(frozen=True, slots=True)
class Receipt:
    number: str
    kind: str
    at: datetime
    summary: Mapping[str, Any]
    again: bool = False
    """The same form had been sent before; nothing happened twice."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A form as it arrived. `version` is the assignment's when the form was made, `nonce` the form's own."""

    data: Mapping[str, Any]
    version: int
    nonce: str
    proof: Proof = Proof.LINK

    @property
    def sha256(self) -> str:
        return hashlib.sha256(json.dumps(self.data, sort_keys=True, default=str).encode()).hexdigest()


def situation(session: Session, assignment: Assignment, person_id: int, *, at: datetime) -> Acting:
    """Gather what an act needs to know; reads only."""
    stage = session.get_one(Stage, assignment.stage_id)
    cycle = session.get_one(Cycle, stage.cycle_id)
    agency = session.get_one(Agency, cycle.agency_id)
    calendar = calendar_of(session, agency, at)
    case = session.get_one(Appraisal, assignment.appraisal_id) if assignment.appraisal_id else None
    return Acting(
        session=session, at=at, today=calendar.local_date(at), agency=agency, cycle=cycle, stage=stage,
        pack=Pack.model_validate_json(cycle.pack), calendar=calendar, assignment=assignment,
        person=session.get_one(Person, person_id), appraisal=case,
    )  # fmt: skip


def perform(session: Session, assignment_id: int, person_id: int, sent: Sent, *, at: datetime) -> Receipt:
    """Carry out what `person_id` sent for an assignment; a repeated nonce returns the first receipt.

    Refused (ActRefused, nothing changed): not theirs, closed, paused, done already, withdrawn, made from an older
    version, mandate or role over, code missing, or content that does not fit the form.
    """
    assignment = _locked(session, assignment_id)
    if (before := _sent_before(session, assignment, person_id, sent)) is not None:
        return before
    acting = _allowed(session, assignment, person_id, sent, at=at)
    act = ACTS[assignment.kind]
    with session.begin_nested():  # whatever a refused act wrote before it was refused is undone at once
        form = _read(act, acting, sent)
        done = act.carry_out(acting, form)
    return _settle(acting, act, sent, done, form.model_dump(mode="json", exclude={"confirm"}))


@dataclass(frozen=True, slots=True)
class Checked:
    """What would follow from a form, and what in it contradicts itself; nothing of it has happened."""

    follows: Mapping[str, Any]
    doubts: Sequence[Doubt]
    digest: str
    """Of the form and of all that was said of it: who confirms something else is shown it first."""


def check(session: Session, assignment_id: int, person_id: int, sent: Sent, *, at: datetime) -> Checked | None:
    """Try an act and take it back at once; refused like perform(). None if this form was sent already."""
    assignment = _locked(session, assignment_id)
    if _sent_before(session, assignment, person_id, sent) is not None:
        return None
    acting = _allowed(session, assignment, person_id, sent, at=at)
    act = ACTS[assignment.kind]
    form = _read(act, acting, sent)
    doubts = act.doubts(acting, form)
    trial = session.begin_nested()
    try:
        follows = act.carry_out(acting, form).follows
    finally:
        trial.rollback()
    said = [sent.sha256, follows, [[doubt.code, doubt.place, doubt.details] for doubt in doubts]]
    digest = hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:32]
    return Checked(follows, doubts, digest)


def _allowed(session: Session, assignment: Assignment, person_id: int, sent: Sent, *, at: datetime) -> Acting:
    if assignment.person_id != person_id:
        raise ActRefused("not_yours")
    acting = situation(session, assignment, person_id, at=at)
    if acting.appraisal is not None:
        session.refresh(acting.appraisal, with_for_update=True)
    _check_open(acting)
    _check_person(acting)
    if assignment.version != sent.version:
        raise StaleForm("stale", version=assignment.version)
    if ACTS[assignment.kind].proof is Proof.CODE and sent.proof is not Proof.CODE:
        raise ActRefused("code_needed")
    return acting


def assignment_for_update(session: Session, assignment_id: int) -> Assignment | None:
    """The locked row as it is now; a page may have read an older version of it in the same transaction.

    SQLAlchemy refuses to lock and refresh at once what it holds in another version, so the row is locked first.
    """
    session.execute(select(Assignment.id).where(Assignment.id == assignment_id).with_for_update())
    return session.get(Assignment, assignment_id, populate_existing=True)


def _locked(session: Session, assignment_id: int) -> Assignment:
    """The assignment, for this transaction alone. Its stage is shared by acts, but cannot begin to close meanwhile."""
    stage_id = session.scalar(select(Assignment.stage_id).where(Assignment.id == assignment_id))
    if stage_id is None:
        raise ActRefused("not_yours")
    session.get(Stage, stage_id, with_for_update={"read": True}, populate_existing=True)
    assignment = assignment_for_update(session, assignment_id)
    assert assignment is not None
    return assignment


def _sent_before(session: Session, assignment: Assignment, person_id: int, sent: Sent) -> Receipt | None:
    query = select(Submission).filter_by(assignment_id=assignment.id, nonce=sent.nonce)
    if (found := session.scalar(query)) is None:
        return None
    if found.person_id != person_id:
        raise ActRefused("not_yours")
    if found.body_sha256 != sent.sha256:
        raise ActRefused("nonce_reused")
    return Receipt(found.receipt_no, assignment.kind.value, found.at, found.summary, again=True)


def _check_open(acting: Acting) -> None:
    assignment, stage = acting.assignment, acting.stage
    if assignment.state is AssignmentState.DONE:
        raise ActRefused("done_already", ended_at=assignment.ended_at)
    if assignment.state is AssignmentState.WITHDRAWN:
        raise ActRefused("withdrawn", ended_at=assignment.ended_at)
    if stage.state is StageState.PLANNED:
        raise ActRefused("not_open_yet", opens_at=stage.opens_at)
    deadlines = deadlines_of(acting.session, stage)
    running = stage.state in (StageState.OPENING, StageState.OPEN)
    if assignment.state is AssignmentState.LAPSED or not running or not deadlines.accepts(assignment, acting.at):
        closes = deadlines.closes(assignment)
        raise ActRefused("closed", closed_at=min(closes, assignment.ended_at or closes))
    if acting.cycle.state is not CycleState.RUNNING:
        raise ActRefused("paused")


def _check_person(acting: Acting) -> None:
    person, assignment = acting.person, acting.assignment
    if not person.active_from <= acting.today <= (person.active_to or date.max):
        raise ActRefused("not_active")
    if assignment.mandate_id is not None:
        mandate = acting.session.get_one(ActingMandate, assignment.mandate_id)
        if not mandate.from_on <= acting.today <= mandate.to_on:
            raise ActRefused("mandate_over", to_on=mandate.to_on.isoformat())
    if not _holds_role(acting):
        raise ActRefused("role_over", role=assignment.role.value)


GRANTED = frozenset({Role.AUDITOR, Role.PERFORMANCE_ADMIN, Role.APPOINTING_AUTHORITY})


def _holds_role(acting: Acting) -> bool:
    """Whether the person holds today the role in which they were asked; whoever is appraised has no other part."""
    role, person, case = acting.assignment.role, acting.person, acting.appraisal
    if role in GRANTED:
        return holds_role(acting.session, person, role, acting.today)
    if case is None:
        return True
    if (role is Role.EMPLOYEE) is not (person.id == case.employee_id):
        return False
    if role is not Role.RATER or acting.assignment.mandate_id is not None or person.id == case.rater_id:
        return True
    holder = line_for_one(acting.session, acting.agency.id, acting.today).rater(case.employee_id, case.rater_id)
    return holder is not None and holder.person_id == person.id


def _read(act: Act, acting: Acting, sent: Sent) -> ActForm:
    """The form, or everything that is wrong with it in one refusal: its types and what the act itself asks for."""
    form, wrong = read(act.form, sent.data)
    errors = {".".join(map(str, error["loc"])) or "form": error["msg"] for error in wrong.errors()} if wrong else {}
    for place, code in act.problems(acting, form).items():
        errors.setdefault(place, code)
    if errors:
        raise ActInvalid(errors) from wrong
    return form


def _settle(acting: Acting, act: Act, sent: Sent, done: Done, content: dict[str, Any]) -> Receipt:
    session, assignment = acting.session, acting.assignment
    assignment.state, assignment.ended_at = AssignmentState.DONE, acting.at
    number = "".join(secrets.choice(RECEIPT_ALPHABET) for _ in range(10))
    summary = {"kind": act.kind.value} | dict(done.summary)
    session.add(
        Submission(assignment_id=assignment.id, person_id=acting.person.id, nonce=sent.nonce, receipt_no=number,
                   body_sha256=sent.sha256, proof=sent.proof.value, summary=summary, content=content,
                   at=acting.at)
    )  # fmt: skip
    session.execute(delete(Draft).where(Draft.assignment_id == assignment.id))
    session.flush()
    receipts.owe(acting, act.kind, number, until=done.summary.get("objection_until"))
    trail.record(
        session, acting.agency.id, act.kind.value, assignment.subject, at=acting.at, actor=acting.actor,
        before=done.before, after=done.after, why=done.why,
    )  # fmt: skip
    return Receipt(number, act.kind.value, acting.at, summary)
