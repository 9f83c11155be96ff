"""A desk: everything one person owes, or may do, in one stage of one cycle, and what they did there."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, Literal

from sqlalchemy import Row, bindparam, exists, func, select
from sqlalchemy.orm import Session

from actions.acts.act import Act, Acting, ActRefused
from actions.acts.table import ACTS
from actions.desk.perform import assignment_for_update, situation
from actions.line.deadlines import deadlines_of
from actions.store.bulk import insert_new
from models import Agency, Appraisal, Assignment, Cycle, Draft, Finding, Note, Person, Stage, Submission, Unit
from rules.terms import ActKind, AssignmentState, NoteKind, Role, StageState
from rules.time.stages import FROM_RECEIPT

SHORTEST_NOTE, LONGEST_NOTE = 3, 4000


@dataclass(frozen=True, slots=True)
class Task:
    """One line of a desk. `about` is the employee or unit concerned."""

    id: int
    kind: ActKind
    role: Role
    state: AssignmentState
    optional: bool
    about: str
    unit: str
    due: datetime
    closes: datetime
    ended_at: datetime | None
    drafted: bool
    """Whether something is kept that was not sent yet."""
    receipt: str | None
    """Of what this person sent last."""
    waits: bool = False
    """Its clock has not begun: `due` means nothing yet."""
    nip: str = ""
    """Of the employee, only where another of the same name is on the desk."""
    number: int = 0
    """Of a file that is read blind: counted on this desk alone, so that it tells one from another and nothing else."""
    finding: str = ""
    """The attribute of the finding that it is about."""


@dataclass(frozen=True, slots=True)
class Desk:
    person: Person
    agency: Agency
    cycle: Cycle
    stage: Stage
    tasks: Sequence[Task]

    @property
    def open(self) -> Sequence[Task]:
        return [task for task in self.tasks if task.state is AssignmentState.OPEN]

    @property
    def closed(self) -> bool:
        return self.stage.state is StageState.CLOSED


def desk_of(session: Session, person_id: int, stage_id: int) -> Desk:
    """Read a desk; changes nothing."""
    stage = session.get_one(Stage, stage_id)
    cycle = session.get_one(Cycle, stage.cycle_id)
    deadlines = deadlines_of(session, stage)
    rows = session.connection().execute(_lines(), {"b_stage": stage_id, "b_person": person_id}).all()
    twice = _shared([(row.employee, row.nip) for row in rows if row.employee])
    blind = {id: n for n, id in enumerate((row.id for row in rows if row.kind is ActKind.EXAMINE), 1)}
    findings = _findings(session, rows)
    tasks = [
        Task(row.id, row.kind, row.role, row.state, row.optional, _about(row), row.unit or "",
             deadlines.due_for(person_id, row.unit_id, row.due_at),
             deadlines.closes_for(person_id, row.unit_id, row.due_at), row.ended_at, row.drafted, row.receipt_no,
             row.kind in FROM_RECEIPT and row.due_at is None,
             row.nip if row.employee in twice and row.kind is not ActKind.EXAMINE else "", blind.get(row.id, 0),
             findings.get(row.id, ""))
        for row in rows
        if row.state is not AssignmentState.WITHDRAWN
    ]  # fmt: skip
    return Desk(session.get_one(Person, person_id), session.get_one(Agency, cycle.agency_id), cycle, stage, tasks)


@cache
def _lines():
    """All that the page of a desk says of its tasks, in one statement of plain columns: people open it all the time."""
    stage, person = bindparam("b_stage"), bindparam("b_person")
    last = (
        select(Submission.receipt_no)
        .where(Submission.assignment_id == Assignment.id, Submission.person_id == person)
        .order_by(Submission.id.desc()).limit(1).scalar_subquery()
    )  # fmt: skip
    drafted = exists().where(Draft.assignment_id == Assignment.id, Draft.person_id == person)
    return (
        select(
            Assignment.id, Assignment.kind, Assignment.role, Assignment.state, Assignment.optional, Assignment.unit_id,
            Assignment.due_at, Assignment.ended_at, Assignment.appraisal_id, Person.name.label("employee"),
            Person.nip, Assignment.subject,
            Unit.name.label("unit"), drafted.label("drafted"), last.label("receipt_no"),
        )
        .select_from(Assignment)
        .outerjoin(Appraisal, Appraisal.id == Assignment.appraisal_id)
        .outerjoin(Person, Person.id == Appraisal.employee_id)
        .outerjoin(Unit, Unit.id == func.coalesce(Appraisal.unit_id, Assignment.unit_id))
        .where(Assignment.stage_id == stage, Assignment.person_id == person)
        .order_by(Assignment.id)
    )  # fmt: skip


def _shared(people: Iterable[tuple[str, str]]) -> set[str]:
    """Names that stand for more than one of the people."""
    names = [name for name, _ in set(people)]
    return {name for name in names if names.count(name) > 1}


def _findings(session: Session, rows: Sequence[Row[Any]]) -> dict[int, str]:
    """Assignment -> attribute of its finding: one file may have several."""
    known = {row.id: int(row.subject.split(":")[1]) for row in rows if row.kind in _OF_FINDINGS}
    if not known:
        return {}
    query = select(Finding.id, Finding.attribute).where(Finding.id.in_(known.values()))
    attributes = {id: attribute.value for id, attribute in session.execute(query)}
    return {id: attributes.get(finding, "") for id, finding in known.items()}


_OF_FINDINGS = frozenset({ActKind.REPLY_TO_FINDING, ActKind.CONCLUDE_FINDING})


def _about(row: Row[Any]) -> str:
    if row.appraisal_id is None:
        return row.unit or ""
    blind = row.kind is ActKind.EXAMINE
    return "" if blind else row.employee


@dataclass(frozen=True, slots=True)
class Sheet:
    """A form about to be shown: what the act shows, the version it is made from, a nonce, and any draft."""

    task: Assignment
    act: Act
    acting: Acting
    shown: Mapping[str, Any]
    version: int
    nonce: str
    draft: Mapping[str, Any] | None
    draft_is_old: bool
    draft_at: datetime | None = None
    number: int = 0
    """Of a file that is read blind, as on the desk."""


def sheet(session: Session, person_id: int, stage_id: int, assignment_id: int, *, at: datetime) -> Sheet:
    """Read what is needed to show an act's form; ActRefused if it is not on this person's desk."""
    assignment = session.get(Assignment, assignment_id)
    if assignment is None or assignment.person_id != person_id or assignment.stage_id != stage_id:
        raise ActRefused("not_yours")
    acting = situation(session, assignment, person_id, at=at)
    act = ACTS[assignment.kind]
    draft = session.get(Draft, (assignment_id, person_id))
    return Sheet(
        assignment, act, acting, act.show(acting), assignment.version, secrets.token_urlsafe(16),
        draft.body if draft else None, bool(draft and draft.version != assignment.version),
        draft.at if draft else None, _number(session, assignment),
    )  # fmt: skip


def _number(session: Session, assignment: Assignment) -> int:
    if assignment.kind is not ActKind.EXAMINE:
        return 0
    query = select(func.count()).select_from(Assignment).where(
        Assignment.stage_id == assignment.stage_id, Assignment.person_id == assignment.person_id,
        Assignment.kind == ActKind.EXAMINE, Assignment.id <= assignment.id,
    )  # fmt: skip
    return session.scalar(query) or 0


def keep_draft(
    session: Session, person_id: int, assignment_id: int, body: Mapping[str, Any], version: int, *, at: datetime,
    based_on: datetime | Literal["any"] | None = "any",
) -> datetime:  # fmt: skip
    """Keep half-written work as it is, checked only for whose it is; 200 kB at most.

    `based_on` is when the draft that it goes on from was kept: ActRefused("draft_changed") if there is another by now,
    unless that says the same, as when a button is tapped twice. Returns when the draft that stands now was kept.
    """
    assignment = assignment_for_update(session, assignment_id)
    if assignment is None or assignment.person_id != person_id:
        raise ActRefused("not_yours")
    if assignment.state is not AssignmentState.OPEN:
        raise ActRefused("closed", closed_at=assignment.ended_at)
    if len(str(body)) > 200_000:
        raise ActRefused("too_large")
    there = session.get(Draft, (assignment_id, person_id), populate_existing=True)
    same = there is not None and _content(there.body) == _content(body)
    if there is not None and based_on != "any" and there.at != based_on and not same:
        raise ActRefused("draft_changed")
    if there is not None and there.version == version and there.body == dict(body):
        return there.at
    session.merge(Draft(assignment_id=assignment_id, person_id=person_id, body=dict(body), version=version, at=at))
    session.flush()
    return at


def _content(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value}


def add_note(
    session: Session, person_id: int, appraisal_id: int, text: str, nonce: str, *, at: datetime, today: date,
    reply_to: int | None = None,
) -> None:  # fmt: skip
    """An activity by the employee or feedback by the rater, at any time of the year; the same nonce adds once."""
    from actions.store import trail

    case = session.get(Appraisal, appraisal_id)
    if case is None or (kind := note_kind(session, person_id, case, today)) is None:
        raise ActRefused("not_yours")
    cycle = session.get_one(Cycle, case.cycle_id)
    if case.finalized_at is not None:
        raise ActRefused("closed", closed_at=case.finalized_at)
    if not SHORTEST_NOTE <= len(text.strip()) <= LONGEST_NOTE:
        raise ActRefused("text_length")
    row = {"appraisal_id": case.id, "author_id": person_id, "kind": kind, "reply_to_id": reply_to, "on": today,
           "text": text.strip(), "nonce": nonce, "at": at}  # fmt: skip
    if insert_new(session, Note, [row]):
        trail.record(
            session, cycle.agency_id, f"note.{kind.value}", f"appraisal:{case.id}", at=at,
            actor=trail.Actor(person_id), after={"text": text.strip()},
        )  # fmt: skip
        if kind is NoteKind.FEEDBACK:
            _tell_of_feedback(session, person_id, case, at=at, today=today)


def _tell_of_feedback(session: Session, rater_id: int, case: Appraisal, *, at: datetime, today: date) -> None:
    """One letter a day, however many notes; it leads to the desk that was opened last."""
    from actions.duties.notices import name_of, tell

    opened = select(Stage).where(Stage.cycle_id == case.cycle_id, Stage.state != StageState.PLANNED)
    stage = session.scalars(opened.order_by(Stage.opens_at.desc(), Stage.id.desc()).limit(1)).first()
    if stage is not None:
        facts = {"by": name_of(session, rater_id), "report": False}
        occasion = f"{case.id}-{today.isoformat()}"
        tell(session, stage, case.employee_id, "feedback_given", occasion, facts, at=at)


def note_kind(session: Session, person_id: int, case: Appraisal, today: date) -> NoteKind | None:
    """What a note of this person on the case is; None if they are neither its employee nor its rater."""
    from actions.line.holders import line_for_one

    if person_id == case.employee_id:
        return NoteKind.ACTIVITY
    agency_id = session.get_one(Cycle, case.cycle_id).agency_id
    rater = line_for_one(session, agency_id, today).rater(case.employee_id, case.rater_id)
    return NoteKind.FEEDBACK if person_id in (rater.person_id if rater else None, case.rater_id) else None


def notes_of(session: Session, appraisal_id: int) -> Sequence[Note]:
    return session.scalars(select(Note).filter_by(appraisal_id=appraisal_id).order_by(Note.at.desc())).all()


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A case that a person may look into: their own, or one that they rate."""

    id: int
    employee: str
    own: bool
    nip: str = ""
    """Only where another of the same name is among them."""


def cases_of(session: Session, person_id: int, cycle_id: int) -> Sequence[CaseLine]:
    """The person's own case first, then the cases of the people they rate."""
    rows = session.connection().execute(_cases(), {"b_cycle": cycle_id, "b_person": person_id})
    listed = rows.all()
    twice = _shared([(name, nip) for _, _, name, nip in listed])
    found = [
        CaseLine(id, name, employee == person_id, nip if name in twice else "") for id, employee, name, nip in listed
    ]
    return sorted(found, key=lambda one: (not one.own, one.employee.casefold(), one.id))


@dataclass(frozen=True, slots=True)
class News:
    """Something that somebody else did about a case that this person may look into."""

    what: str
    """plan_returned, plan_established, feedback, decided, audit."""
    case: int
    employee: str
    """Empty where it is the reader's own case."""
    by: str
    at: datetime


_OWN_NEWS = {ActKind.ESTABLISH_TARGETS, ActKind.GIVE_FEEDBACK}
_SHARED_NEWS = {ActKind.DECIDE_OBJECTION, ActKind.DECIDE_RECOMMENDATION}
_WHAT = {ActKind.GIVE_FEEDBACK: "feedback", ActKind.DECIDE_OBJECTION: "decided", ActKind.DECIDE_RECOMMENDATION: "audit"}
MOST_NEWS = 3


def news_of(session: Session, person_id: int, cases: Sequence[CaseLine]) -> Sequence[News]:
    """What others decided lately about the person's own case, and what became of those that they rated."""
    if not cases:
        return []
    names = {case.id: "" if case.own else case.employee for case in cases}
    own = [case.id for case in cases if case.own] or [-1]
    found = session.connection().execute(_news(), {"b_person": person_id, "b_cases": list(names), "b_own": own})
    return [
        News(_WHAT.get(kind) or _plan_news(summary), case, names[case], by, at) for kind, case, summary, by, at in found
    ]


def _plan_news(summary: Mapping[str, Any]) -> str:
    return "plan_returned" if summary.get("decision") == "return" else "plan_established"


@cache
def _news():
    query = (
        select(Assignment.kind, Assignment.appraisal_id, Submission.summary, Person.name, Submission.at)
        .join(Submission, Submission.assignment_id == Assignment.id).join(Person, Person.id == Submission.person_id)
        .where(Assignment.appraisal_id.in_(bindparam("b_cases", expanding=True)),
               Submission.person_id != bindparam("b_person"))
    )  # fmt: skip
    own = Assignment.appraisal_id.in_(bindparam("b_own", expanding=True))
    told = (own & Assignment.kind.in_(_OWN_NEWS)) | Assignment.kind.in_(_SHARED_NEWS)
    return query.where(told).order_by(Submission.id.desc()).limit(MOST_NEWS)


@cache
def _cases():
    person = bindparam("b_person")
    query = select(Appraisal.id, Appraisal.employee_id, Person.name, Person.nip)
    query = query.join(Person, Person.id == Appraisal.employee_id)
    return query.where(
        Appraisal.cycle_id == bindparam("b_cycle"), (Appraisal.employee_id == person) | (Appraisal.rater_id == person)
    )
