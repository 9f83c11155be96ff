"""What HR looks at while a cycle runs: who is late and why, cases without officials, mail, what was changed.

Every list is a page of a query with a limit, every number one grouped query: it stays quick with 100,000 appraisals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session, aliased

from actions.console import trail_subjects
from actions.cycle import progress
from actions.duties.assignments import posting_on
from actions.line.calendars import calendar_of
from actions.line.deadlines import deadlines_of
from actions.mail.checks import NOT_REACHED
from actions.store.bulk import portions
from models import (
    Absence,
    ActingMandate,
    ActionLink,
    Agency,
    Appraisal,
    Assignment,
    Chain,
    Cycle,
    Draft,
    Extension,
    Letter,
    Person,
    Plan,
    Posting,
    RoleGrant,
    Stage,
    TrailEntry,
    Unit,
    UnitPredicate,
    WebSession,
)
from rules.pack.pack import Pack
from rules.terms import ActKind, AppraisalState, AssignmentState, LetterState, PlanState, Role, StageState

PAGE = 50


@dataclass(frozen=True, slots=True)
class Slice:
    """One page of a list; `total` counts all of it."""

    rows: Sequence[Any]
    total: int
    start: int = 0

    @property
    def more(self) -> bool:
        return self.start + len(self.rows) < self.total


def cycles_of(session: Session, agency_id: int) -> Sequence[Cycle]:
    """The agency's cycles, newest first."""
    return session.scalars(select(Cycle).filter_by(agency_id=agency_id).order_by(Cycle.year.desc())).all()


def states_of(session: Session, cycle_id: int) -> Mapping[AppraisalState, int]:
    query = select(Appraisal.state, func.count()).where(Appraisal.cycle_id == cycle_id).group_by(Appraisal.state)
    counts = dict(session.execute(query).tuples().all())
    return {state: counts[state] for state in AppraisalState if state in counts}


# who is late


@dataclass(frozen=True, slots=True)
class Late:
    person_id: int
    person: str
    kind: ActKind
    about: str
    unit: str
    due: datetime
    days: int
    why: str
    """A code: away, mail, predicate, draft, opened, unopened."""


def late(session: Session, cycle: Cycle, stage: Stage, *, at: datetime, start: int = 0) -> Slice:
    """Duties open past their own deadline, oldest first, and what is known of why."""
    employee = aliased(Person)
    past = [Assignment.stage_id == stage.id, Assignment.state == AssignmentState.OPEN,
            Assignment.optional.is_(False), progress.past(session, stage, at)]  # fmt: skip
    total = session.scalar(select(func.count()).select_from(Assignment).where(*past)) or 0
    query = (
        select(Assignment, Person.name, employee.name, Unit.name)
        .join(Person, Person.id == Assignment.person_id)
        .outerjoin(Appraisal, Appraisal.id == Assignment.appraisal_id)
        .outerjoin(employee, employee.id == Appraisal.employee_id)
        .outerjoin(Unit, Unit.id == Assignment.unit_id)
        .where(*past).order_by(Assignment.id).offset(start).limit(PAGE)
    )  # fmt: skip
    found = session.execute(query).tuples().all()
    agency = session.get_one(Agency, cycle.agency_id)
    calendar = calendar_of(session, agency, at)
    today, deadlines = calendar.local_date(at), deadlines_of(session, stage)
    why = _why(session, cycle, stage, [one for one, *_ in found], today)
    rows = [
        Late(one.person_id, person, one.kind, about or "", unit or "", due := deadlines.due(one),
             (today - calendar.local_date(due)).days, why[one.id])
        for one, person, about, unit in found
    ]  # fmt: skip
    return Slice(rows, total, start)


def _why(session: Session, cycle: Cycle, stage: Stage, listed: Sequence[Assignment], today: Any) -> dict[int, str]:
    people = sorted({one.person_id for one in listed})
    away = set(session.scalars(select(Absence.person_id).where(
        Absence.person_id.in_(people), Absence.from_on <= today, Absence.to_on >= today
    )))  # fmt: skip
    got = select(Letter.person_id, Letter.state).where(Letter.person_id.in_(people), Letter.stage_id == stage.id)
    fates: dict[int, LetterState] = dict(session.execute(got.order_by(Letter.id)).tuples().all())
    opened = set(session.scalars(select(ActionLink.person_id).join(
        WebSession, WebSession.link_id == ActionLink.id
    ).where(ActionLink.person_id.in_(people), ActionLink.stage_id == stage.id)))  # fmt: skip
    drafts = set(session.scalars(select(Draft.assignment_id).where(Draft.assignment_id.in_([o.id for o in listed]))))
    waiting = _waiting_for_predicate(session, cycle, listed)
    found = {}
    for one in listed:
        signs = (
            (one.person_id in away, "away"), (fates.get(one.person_id) in NOT_REACHED, "mail"),
            (one.id in waiting, "predicate"), (one.id in drafts, "draft"), (one.person_id in opened, "opened"),
        )  # fmt: skip
        found[one.id] = next((code for holds, code in signs if holds), "unopened")
    return found


def _waiting_for_predicate(session: Session, cycle: Cycle, listed: Sequence[Assignment]) -> set[int]:
    """Ratings that cannot be given because the unit's own predicate has to come first."""
    scoring = [one for one in listed if one.kind is ActKind.SCORE]
    if not scoring or not Pack.model_validate_json(cycle.pack).org_predicate_required:
        return set()
    units = {one.unit_id for one in scoring}
    query = select(UnitPredicate.unit_id).where(UnitPredicate.cycle_id == cycle.id, UnitPredicate.unit_id.in_(units))
    there = set(session.scalars(query))
    return {one.id for one in scoring if one.unit_id not in there}


# cases


@dataclass(frozen=True, slots=True)
class CaseLine:
    id: int
    employee_id: int
    employee: str
    nip: str
    unit: str
    rater: str
    authority: str
    state: AppraisalState
    explanation: str


NOT_OVER = Appraisal.state.not_in((AppraisalState.EXCLUDED, AppraisalState.NOT_RATABLE, AppraisalState.CLOSED_EARLY))
SHOWN: Mapping[str, tuple[ColumnElement[bool], ...]] = {
    "no_rater": (Appraisal.rater_id.is_(None), NOT_OVER),
    "no_authority": (Appraisal.authority_id.is_(None), Appraisal.rater_id.is_not(None), NOT_OVER),
    "not_rated": (Appraisal.state == AppraisalState.NOT_RATED,),
    "ended": (~NOT_OVER,),
    "all": (),
}


def count_cases(session: Session, cycle_id: int) -> Mapping[str, int]:
    """How many cases each list has."""
    query = select(func.count()).select_from(Appraisal).where(Appraisal.cycle_id == cycle_id)
    return {show: session.scalar(query.where(*where)) or 0 for show, where in SHOWN.items()}


def cases(session: Session, cycle_id: int, show: str, *, text: str = "", start: int = 0) -> Slice:
    """Cases of one list (a key of SHOWN), by unit and name; `text` is part of a name or a NIP."""
    where = [Appraisal.cycle_id == cycle_id, *SHOWN[show], *([_named(Person, text)] if text.strip() else [])]
    base = select(func.count()).select_from(Appraisal).join(Person, Person.id == Appraisal.employee_id)
    query = _lines().where(*where).order_by(Appraisal.id).offset(start).limit(PAGE)
    rows = [CaseLine(*row) for row in session.execute(query).tuples()]
    return Slice(rows, session.scalar(base.where(*where)) or 0, start)


def _lines() -> Select[tuple[int, int, str, str, str, str, str, AppraisalState, str]]:
    rater, authority = aliased(Person), aliased(Person)
    return (
        select(Appraisal.id, Person.id, Person.name, Person.nip, Unit.name, func.coalesce(rater.name, ""),
               func.coalesce(authority.name, ""), Appraisal.state, Appraisal.explanation)
        .join(Person, Person.id == Appraisal.employee_id).join(Unit, Unit.id == Appraisal.unit_id)
        .outerjoin(rater, rater.id == Appraisal.rater_id).outerjoin(authority, authority.id == Appraisal.authority_id)
    )  # fmt: skip


def cases_of(session: Session, cycle: Cycle, nips: Sequence[str]) -> Mapping[str, tuple[str, int | None]]:
    """NIP -> the name and the appraisal in the cycle, if there is one; a NIP that is on no roster is left out."""
    found: dict[str, tuple[str, int | None]] = {}
    for portion in portions(nips):
        query = (
            select(Person.nip, Person.name, Appraisal.id)
            .outerjoin(Appraisal, (Appraisal.employee_id == Person.id) & (Appraisal.cycle_id == cycle.id))
            .where(Person.agency_id == cycle.agency_id, Person.nip.in_(portion)).order_by(Person.id)
        )  # fmt: skip
        found |= {nip: (name, case) for nip, name, case in session.execute(query).tuples()}
    return found


def nip_of_case(session: Session, cycle: Cycle, case_id: int) -> str:
    """The NIP of whose appraisal it is; empty if the cycle has no such appraisal."""
    query = select(Person.nip).join(Appraisal, Appraisal.employee_id == Person.id)
    return session.scalar(query.where(Appraisal.id == case_id, Appraisal.cycle_id == cycle.id)) or ""


def _named(person: Any, text: str) -> ColumnElement[bool]:
    like = "%" + text.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    return or_(person.name.ilike(like, escape="\\"), person.nip.like(like, escape="\\"))


# mail


def fates(session: Session, cycle_id: int) -> Mapping[str, Mapping[str, int]]:
    """Kind of letter -> fate -> how many."""
    query = select(Letter.kind, Letter.state, func.count()).where(Letter.cycle_id == cycle_id)
    found: dict[str, dict[str, int]] = {}
    for kind, state, count in session.execute(query.group_by(Letter.kind, Letter.state).order_by(Letter.kind)):
        found.setdefault(kind, {})[state.value] = count
    return found


def not_reached(session: Session, cycle_id: int, *, start: int = 0) -> Slice:
    """Letters that did not reach their person, newest first: (letter, name)."""
    where = Letter.cycle_id == cycle_id, Letter.state.in_(NOT_REACHED)
    query = select(Letter, Person.name, Person.email_state).join(Person, Person.id == Letter.person_id).where(*where)
    total = session.scalar(select(func.count()).select_from(Letter).where(*where)) or 0
    rows = session.execute(query.order_by(Letter.id.desc()).offset(start).limit(PAGE)).tuples().all()
    return Slice(rows, total, start)


# what was changed by hand


STEERED = ("stage.extended", "appraisal.reassigned", "act.reopened", "mandate.recorded", "person.address_corrected",
           "person.address_confirmed",
           "person.address_stopped",
           "letter.resent", "cycle.paused", "cycle.resumed", "override_distribution", "line.disputed", "link.not_me",
           "account_for", "person.nip_corrected", "cycle.launched_despite")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Changes:
    extensions: Slice
    """With stage, unit and person by name, the latter two empty where they do not apply."""
    mandates: Slice
    overrides: Slice
    """Unit, who, why."""
    default_plans: int
    entries: Slice
    """What people steered, newest first: `trail_subjects.Told`."""


def changes(session: Session, cycle: Cycle, *, start: int = 0, starts: Mapping[str, int] | None = None) -> Changes:
    """Everything that went another way than planned, because somebody decided so or did not act.

    `starts`: where the lists beside that of the entries begin, by name.
    """
    extended = (
        select(Extension, Stage.kind, func.coalesce(Unit.name, ""), func.coalesce(Person.name, ""))
        .join(Stage, Stage.id == Extension.stage_id)
        .outerjoin(Unit, Unit.id == Extension.unit_id).outerjoin(Person, Person.id == Extension.person_id)
        .where(Stage.cycle_id == cycle.id).order_by(Extension.id.desc())
    )  # fmt: skip
    principal = aliased(Person)
    acting = (
        select(ActingMandate, Person.name, principal.name).join(Person, Person.id == ActingMandate.person_id)
        .join(principal, principal.id == ActingMandate.principal_id).where(Person.agency_id == cycle.agency_id)
        .order_by(ActingMandate.id.desc())
    )  # fmt: skip
    overridden = (
        select(Unit.name, Person.name, UnitPredicate.override_reason).join(Unit, Unit.id == UnitPredicate.unit_id)
        .join(Person, Person.id == UnitPredicate.overridden_by_id).where(UnitPredicate.cycle_id == cycle.id)
        .order_by(Unit.name, UnitPredicate.id)
    )  # fmt: skip
    plans = select(func.count()).select_from(Plan).join(Appraisal, Appraisal.id == Plan.appraisal_id).where(
        Appraisal.cycle_id == cycle.id, Plan.is_default, Plan.state == PlanState.ESTABLISHED
    )  # fmt: skip
    lists = {"extensions": extended, "mandates": acting, "overrides": overridden}
    slices = {name: slice_of(session, query, (starts or {}).get(name, 0)) for name, query in lists.items()}
    return Changes(default_plans=session.scalar(plans) or 0, entries=_entries(session, cycle, start), **slices)


def _entries(session: Session, cycle: Cycle, start: int) -> Slice:
    where = [TrailEntry.chain_id == select(Chain.id).filter_by(agency_id=cycle.agency_id).scalar_subquery(),
             TrailEntry.type.in_(STEERED), TrailEntry.at >= cycle.launched_at]  # fmt: skip
    query = select(TrailEntry, Person.name).outerjoin(Person, Person.id == TrailEntry.actor_id).where(*where)
    total = session.scalar(select(func.count()).select_from(TrailEntry).where(*where)) or 0
    rows = session.execute(query.order_by(TrailEntry.id.desc()).offset(start).limit(PAGE)).tuples().all()
    return Slice(trail_subjects.tell(session, [(entry, who or "") for entry, who in rows]), total, start)


# one person


@dataclass(frozen=True, slots=True)
class PersonPage:
    person: Person
    unit: str
    post: str
    roles: Sequence[Role]
    cases: Sequence[CaseLine]
    rates: int
    """How many employees of a running cycle this person rates."""
    duties: Slice
    """Open ones with their stage, whom they are about, and when they are due."""
    letters: Slice
    """The newest first; what they said is not shown."""


def slice_of(session: Session, query: Select[Any], start: int) -> Slice:
    """One page of what a query finds, and how much that is in all."""
    total = session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    return Slice(session.execute(query.offset(start).limit(PAGE)).tuples().all(), total, start)


def person_page(session: Session, person_id: int, *, at: datetime, duties: int = 0, letters: int = 0) -> PersonPage:
    person = session.get_one(Person, person_id)
    today = calendar_of(session, session.get_one(Agency, person.agency_id), at).local_date(at)
    posting: Posting | None = session.scalar(posting_on(person_id, today))
    unit = session.get(Unit, posting.unit_id) if posting else None
    roles = select(RoleGrant.role).where(
        RoleGrant.person_id == person_id, RoleGrant.from_on <= today,
        or_(RoleGrant.to_on.is_(None), RoleGrant.to_on >= today),
    )  # fmt: skip
    rates = select(func.count()).select_from(Appraisal).where(
        Appraisal.rater_id == person_id, Appraisal.finalized_at.is_(None), NOT_OVER
    )  # fmt: skip
    of_person = Letter.person_id == person_id
    written = select(Letter).where(of_person).order_by(Letter.id.desc()).offset(letters).limit(PAGE)
    all_letters = session.scalar(select(func.count()).select_from(Letter).where(of_person)) or 0
    return PersonPage(
        person, unit.name if unit else "", posting.post if posting else "", session.scalars(roles).all(),
        _own_cases(session, person_id), session.scalar(rates) or 0,
        _duties(session, person_id, duties), Slice(session.scalars(written).all(), all_letters, letters),
    )  # fmt: skip


def _own_cases(session: Session, person_id: int) -> Sequence[CaseLine]:
    query = _lines().where(Appraisal.employee_id == person_id).order_by(Appraisal.id.desc())
    return [CaseLine(*row) for row in session.execute(query).tuples()]


def _duties(session: Session, person_id: int, start: int) -> Slice:
    employee = aliased(Person)
    open_now = (Assignment.person_id == person_id, Assignment.state == AssignmentState.OPEN,
                Stage.state != StageState.CLOSED)  # fmt: skip
    count = select(func.count()).select_from(Assignment).join(Stage, Stage.id == Assignment.stage_id).where(*open_now)
    query = (
        select(Assignment, Stage, func.coalesce(employee.name, Unit.name, ""))
        .join(Stage, Stage.id == Assignment.stage_id)
        .outerjoin(Appraisal, Appraisal.id == Assignment.appraisal_id)
        .outerjoin(employee, employee.id == Appraisal.employee_id).outerjoin(Unit, Unit.id == Assignment.unit_id)
        .where(*open_now).order_by(Assignment.id).offset(start).limit(PAGE)
    )  # fmt: skip
    listed = session.execute(query).tuples().all()
    deadlines = {stage.id: deadlines_of(session, stage) for _, stage, _ in listed}
    rows = [(one, stage, about, deadlines[stage.id].due(one)) for one, stage, about in listed]
    return Slice(rows, session.scalar(count) or 0, start)


def find_people(session: Session, agency_id: int, text: str, *, start: int = 0) -> Slice:
    """People whose name or NIP contains the text, a page of them; nobody for less than two letters."""
    if len(text.strip()) < 2:
        return Slice((), 0)
    where = Person.agency_id == agency_id, _named(Person, text)
    total = session.scalar(select(func.count()).select_from(Person).where(*where)) or 0
    query = select(Person).where(*where).order_by(Person.name, Person.id)
    return Slice(session.scalars(query.offset(start).limit(PAGE)).all(), total, start)
