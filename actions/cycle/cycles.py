"""Launching a cycle and steering it while it runs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, or_, select, update
from sqlalchemy.orm import Session

from actions.line.calendars import calendar_of
from actions.line.holders import line_above
from actions.mail import letters
from actions.store import trail
from actions.store.bulk import insert_new
from models import (
    Absence,
    Agency,
    Appraisal,
    Assignment,
    Cycle,
    Extension,
    Objection,
    Person,
    Posting,
    Result,
    RosterImport,
    Segment,
    Stage,
    Supervision,
)
from rules.files.agency_files import StageDates
from rules.pack.pack import Pack
from rules.refused import Refused
from rules.terms import (
    AbsenceKind,
    AppraisalState,
    AssignmentState,
    CycleState,
    EmploymentKind,
    StageKind,
    StageState,
)
from rules.time.stages import OVER

ENROLL_BATCH = 2000
NO_PLAN = (AbsenceKind.UNPAID, AbsenceKind.STUDY, AbsenceKind.PRE_RETIREMENT, AbsenceKind.SUSPENDED)
"""No plan is made for these (PermenPANRB 8/2021, annex, item 7)."""


class LaunchRefused(Refused):
    """The cycle cannot be launched; each line says what blocks it, who can fix it and how."""

    def __init__(self, reasons: list[str], *, brief: str = "") -> None:
        super().__init__("\n".join(reasons))
        self.reasons = reasons
        self.brief = brief
        """The same in codes and counts, for where no name may stand; empty where no reason names anybody."""


class AgencyRefused(Refused):
    """There is no such agency; the message lists those there are."""


LISTED = 20
"""So many agencies are named when another is asked for."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What HR decides once a year."""

    agency: str
    year: int
    pack: Pack
    stages: Mapping[StageKind, StageDates]
    plan_default_after: date
    not_held: tuple[StageKind, ...] = ()
    """Stages that the cycle begins after."""
    why: str = ""
    """Why it is launched with dates that have passed, or with others than the calendar's; kept on the trail."""


def demand_agency(session: Session, code: str) -> None:
    """Refuse the code of an agency that is not there: nothing to show of it would look like nothing to do."""
    if session.scalar(select(Agency.id).filter_by(code=code)) is not None:
        return
    known = session.scalars(select(Agency.code).order_by(Agency.code)).all()
    if not known:
        raise AgencyRefused(
            f"There is no agency {code}, nor any other yet: HR takes one in with `appraisal cycle launch`."
        )
    more = f" and {len(known) - LISTED} more" if len(known) > LISTED else ""
    raise AgencyRefused(f"There is no agency {code}; there are: {', '.join(known[:LISTED])}{more}. Write one of these.")


def find(session: Session, agency: str, year: int) -> Cycle | None:
    if not MINYEAR <= year <= MAXYEAR:  # a database takes no number of any size
        return None
    query = select(Cycle).join(Agency, Agency.id == Cycle.agency_id).where(Agency.code == agency, Cycle.year == year)
    return session.scalar(query)


def launch(session: Session, wanted: Launch, *, at: datetime, by: int | None = None) -> Cycle:
    """Create the cycle with its six stages; asked again with the same decisions it returns the one there is."""
    agency = session.scalar(select(Agency).filter_by(code=wanted.agency).with_for_update())
    if agency is None:
        raise LaunchRefused([f"agency {wanted.agency} is not known: HR imports its roster first"])
    pack = wanted.pack
    if (there := find(session, wanted.agency, wanted.year)) is not None:
        if not same_pack(there, pack):
            raise LaunchRefused(
                [f"{wanted.agency} {wanted.year} runs on pack {there.pack_name} {there.pack_version}, which a running"
                 " cycle keeps; HR launches the next year with another"]
            )  # fmt: skip
        return there
    demand_people(session, agency)
    cycle = Cycle(
        agency_id=agency.id, year=wanted.year, pack_name=pack.name, pack_version=pack.version, pack=pack.canonical,
        pack_sha256=pack.sha256, plan_default_after=wanted.plan_default_after, launched_at=at, launched_by_id=by,
    )  # fmt: skip
    session.add(cycle)
    session.flush()
    calendar = calendar_of(session, agency, at)
    for kind in StageKind:
        dates = wanted.stages[kind]
        session.add(
            Stage(cycle_id=cycle.id, kind=kind, opens_at=calendar.start_of_day(dates.opens_on),
                  due_at=calendar.end_of_day(dates.due_on), closes_at=calendar.end_of_day(dates.closes_on),
                  state=StageState.SKIPPED if kind in wanted.not_held else StageState.PLANNED)
        )  # fmt: skip
    session.flush()
    after = {"pack": pack.name, "version": pack.version, "pack_sha256": pack.sha256,
             "stages": {kind.value: [d.isoformat() for d in days] for kind, days in wanted.stages.items()}}  # fmt: skip
    after |= {"not_held": [kind.value for kind in wanted.not_held]} if wanted.not_held else {}
    trail.record(session, agency.id, "cycle.launched", f"cycle:{cycle.id}", at=at, actor=trail.Actor(by), after=after,
                 why=wanted.why)  # fmt: skip
    return cycle


def same_pack(cycle: Cycle, pack: Pack) -> bool:
    """Whether the cycle runs on this pack; keys that packs have only since it was launched make it no other one."""
    pinned, wanted = json.loads(cycle.pack), json.loads(pack.canonical)
    return pinned == {key: value for key, value in wanted.items() if key in pinned}


def demand_people(session: Session, agency: Agency) -> None:
    """Refuse an agency without anybody, with the true cause."""
    if session.scalar(select(Person.id).filter_by(agency_id=agency.id).limit(1)) is None:
        raise LaunchRefused([_why_empty(session, agency)])


def _why_empty(session: Session, agency: Agency) -> str:
    """Nobody is there: no roster was taken in, or everybody on it stands under another agency's code."""
    last = select(RosterImport.problems).filter_by(agency_id=agency.id).order_by(RosterImport.id.desc()).limit(1)
    nips = [told["nip"] for told in json.loads(session.scalar(last) or "[]") if told["code"] == "serves_elsewhere"]
    if not nips:
        return f"{agency.name} has no people: HR imports the roster with `appraisal roster import`"
    query = (
        select(Agency.code, func.count()).join(Person, Person.agency_id == Agency.id)
        .where(Person.nip.in_(nips[:LISTED])).group_by(Agency.code).order_by(func.count().desc(), Agency.code)
    )  # fmt: skip
    there = [code for code, _ in session.execute(query).tuples()]
    return (
        f"{agency.name} has no people of its own: all {len(nips)} of its roster stand under the code "
        f"{' and '.join(there)} already. If it is the same agency, HR writes that code in agency.yaml; if they moved "
        "here, the other agency takes them off its roster first, then HR imports again"
    )


@dataclass(frozen=True, slots=True)
class Enrolled:
    last: int
    """Person id up to which everybody is enrolled; pass it on as `after`."""
    added: int
    done: bool


def enroll(session: Session, cycle_id: int, *, after: int, at: datetime, size: int = ENROLL_BATCH) -> Enrolled:
    """Give the next people (by id) their appraisal; who has one already keeps it. Call until `done`."""
    cycle = session.get_one(Cycle, cycle_id)
    agency = session.get_one(Agency, cycle.agency_id)
    today = calendar_of(session, agency, at).local_date(at)
    people = select(Person.id, Person.employment).where(
        Person.agency_id == agency.id, Person.id > after, or_(Person.active_to.is_(None), Person.active_to >= today)
    )  # fmt: skip
    employments = dict(session.execute(people.order_by(Person.id).limit(size)).tuples().all())
    ids = list(employments)
    if not ids:
        cycle.enrolled_at = cycle.enrolled_at or at
        return Enrolled(after, 0, done=True)
    posts = select(Posting.person_id, Posting.unit_id, Posting.post, Posting.from_on)
    postings = {row.person_id: row for row in session.execute(_in_force(posts, Posting, today, ids))}
    supervised = _in_force(select(Supervision.person_id, Supervision.superior_id), Supervision, today, ids)
    superiors = dict(session.execute(supervised).tuples().all())
    line = line_above(session, agency.id, superiors.values(), today)
    away = _away_all_year(session, cycle, ids)
    rows = []
    for person in ids:
        if (posting := postings.get(person)) is None:
            continue  # auditors and other outsiders have a role, but no post that is appraised
        rater = superiors.get(person)
        authority = line.authority(person, rater)
        state, why = AppraisalState.PLAN_DRAFT, ""
        if employments[person] is EmploymentKind.STATE_OFFICIAL:
            state, why = AppraisalState.EXCLUDED, "state_official"
        elif rater is None:
            state, why = AppraisalState.EXCLUDED, "rated_above_agency"
        elif person in away:
            state, why = AppraisalState.EXCLUDED, f"away_{away[person].value}"
        rows.append({
            "cycle_id": cycle.id, "employee_id": person, "unit_id": posting.unit_id, "rater_id": rater,
            "authority_id": authority.person_id if authority else None, "state": state, "explanation": why,
            "explained_at": at if why else None, "version": 1,
        })  # fmt: skip
    added = insert_new(session, Appraisal, rows)
    _open_segments(session, cycle, ids, postings)
    return Enrolled(ids[-1], added, done=False)


def _open_segments(session: Session, cycle: Cycle, ids, postings: Mapping[int, Row[Any]]) -> None:
    query = select(Appraisal.id, Appraisal.employee_id, Appraisal.rater_id).where(
        Appraisal.cycle_id == cycle.id, Appraisal.employee_id.in_(ids)
    )
    insert_new(session, Segment, [
        {"appraisal_id": case, "number": 1, "unit_id": postings[person].unit_id, "rater_id": rater,
         "post": postings[person].post, "from_on": max(postings[person].from_on, date(cycle.year, 1, 1)), "to_on": None}
        for case, person, rater in session.execute(query) if person in postings
    ])  # fmt: skip


def _in_force(query, table, today: date, ids):
    return query.where(
        table.person_id.in_(ids), table.from_on <= today, or_(table.to_on.is_(None), table.to_on >= today)
    )


def _away_all_year(session: Session, cycle: Cycle, ids) -> dict[int, AbsenceKind]:
    query = select(Absence.person_id, Absence.kind).where(
        Absence.person_id.in_(ids), Absence.kind.in_(NO_PLAN), Absence.from_on <= date(cycle.year, 1, 31),
        Absence.to_on >= date(cycle.year, 12, 31),
    )  # fmt: skip
    return dict(session.execute(query).tuples().all())


def pause(session: Session, cycle: Cycle, reason: str, *, at: datetime, by: int | None = None) -> None:
    """Stop the cycle: nothing opens, reminds, closes or is accepted until it is resumed."""
    if cycle.state is not CycleState.RUNNING:
        return
    cycle.state, cycle.paused_at = CycleState.PAUSED, at
    trail.record(
        session, cycle.agency_id, "cycle.paused", f"cycle:{cycle.id}", at=at, actor=trail.Actor(by), why=reason
    )


def stood_still(cycle: Cycle, at: datetime) -> timedelta:
    """How long a paused cycle has stood still, in whole days, begun ones counted; a clock set back adds none."""
    stood = max(at - cycle.paused_at, timedelta(0)) if cycle.paused_at else timedelta(0)
    return timedelta(days=-(-stood // timedelta(days=1)))


def resume(session: Session, cycle: Cycle, reason: str, *, at: datetime, by: int | None = None) -> timedelta:
    """Go on; every date that lies ahead moves by as long as the cycle stood still, at least to the end of that day."""
    if cycle.state is not CycleState.PAUSED or cycle.paused_at is None:
        return timedelta(0)
    days = stood_still(cycle, at)
    for stage in session.scalars(select(Stage).filter_by(cycle_id=cycle.id).with_for_update()):
        if stage.state in OVER:
            continue
        stage.opens_at += days if stage.opens_at > cycle.paused_at else timedelta(0)
        stage.due_at += days if stage.due_at > cycle.paused_at else timedelta(0)
        stage.closes_at += days if stage.closes_at > cycle.paused_at else timedelta(0)
        stage.revision += 1
        letters.keep_useful(session, stage.id, stage.closes_at)
    stood_since = calendar_of(session, session.get_one(Agency, cycle.agency_id), at).local_date(cycle.paused_at)
    if cycle.plan_default_after >= stood_since:
        cycle.plan_default_after += days
    _shift_clocks(session, cycle, cycle.paused_at, days)
    paused_at, cycle.state, cycle.paused_at = cycle.paused_at, CycleState.RUNNING, None
    after = {"paused_at": paused_at.isoformat(), "days": days.days}
    trail.record(
        session,
        cycle.agency_id,
        "cycle.resumed",
        f"cycle:{cycle.id}",
        at=at,
        actor=trail.Actor(by),
        after=after,
        why=reason,
    )
    return days


def _shift_clocks(session: Session, cycle: Cycle, since: datetime, days: timedelta) -> None:
    """Move what runs on a clock of its own: extensions, statements, decisions, the windows to object."""
    stages = select(Stage.id).filter_by(cycle_id=cycle.id)
    cases = select(Appraisal.id).filter_by(cycle_id=cycle.id)
    clocks = (
        (Extension, Extension.due_at, Extension.stage_id.in_(stages)),
        (Assignment, Assignment.due_at, Assignment.stage_id.in_(stages) & (Assignment.state == AssignmentState.OPEN)),
        (Result, Result.objection_until, Result.appraisal_id.in_(cases)),
        (Objection, Objection.statements_until, Objection.appraisal_id.in_(cases)),
        (Objection, Objection.decide_until, Objection.appraisal_id.in_(cases)),
    )  # fmt: skip
    for table, column, ours in clocks:
        ahead = session.scalars(select(column).where(ours, column > since).distinct()).all()
        for moment in sorted((one for one in ahead if one is not None), reverse=True):  # last first: none moves twice
            moved = update(table).where(ours, column == moment).values({column: moment + days})
            session.execute(moved.execution_options(synchronize_session=False))
    session.expire_all()
