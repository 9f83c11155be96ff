"""Who joins after planning: time of their own to draft a plan, an invitation within a working day, and HR is told.

The stage opens again for them, and for who rates them, as by an extension; for nobody else does anything change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select

from actions.duties.invitations import invite
from actions.line.calendars import calendar_of
from actions.line.holders import line_on, role_holders
from actions.mail import letters
from actions.roster.rows import Taking, in_portions
from models import Appraisal, Cycle, Extension, Letter, Person, Stage, StageStep, Unit
from rules.terms import AppraisalState, Role, StageKind, StageState, Step
from rules.time.calendar import Calendar

DAYS_TO_DRAFT = 10
"""Working days that a newcomer has to draft a plan, the day of the invitation not counted."""
DAYS_TO_ESTABLISH = 5
"""Working days after that for who rates them."""
LISTED = 20
"""So many newcomers are named in the letter to HR; the console has them all."""
MORNING = timedelta(hours=7)


@dataclass(frozen=True, slots=True)
class Latecomer:
    case: int
    person: int
    rater: int | None
    unit: str


def welcome(taking: Taking, cycle: Cycle, lo: int, hi: int) -> bool:
    """Open target setting again for new appraisals from `lo` to `hi`, if its time is over and scoring lies ahead.

    Returns whether it did; then the open stages after it have nothing to ask of these people yet.
    """
    stages = {stage.kind: stage for stage in taking.session.scalars(select(Stage).filter_by(cycle_id=cycle.id))}
    planning, scoring = stages[StageKind.TARGET_SETTING], stages[StageKind.SUPERVISOR_SCORING]
    calendar = calendar_of(taking.session, taking.agency, taking.at)
    today = calendar.local_date(_now(taking, calendar))
    due_on = calendar.add_working_days(today, DAYS_TO_DRAFT)
    over = planning.state is StageState.CLOSED or (
        planning.state is StageState.OPEN and planning.due_at < _now(taking, calendar)
    )
    ahead = scoring.state is StageState.PLANNED and calendar.end_of_day(due_on) < scoring.opens_at
    found = _latecomers(taking, cycle, lo, hi)
    if not (over and ahead and found):
        return False
    until = calendar.add_working_days(due_on, DAYS_TO_ESTABLISH)
    _give_time(taking, planning, found, calendar.end_of_day(due_on), calendar.end_of_day(until))
    return True


def _now(taking: Taking, calendar: Calendar) -> datetime:
    return max(taking.at, calendar.start_of_day(taking.as_of))


def _latecomers(taking: Taking, cycle: Cycle, lo: int, hi: int) -> list[Latecomer]:
    query = (
        select(Appraisal.id, Appraisal.employee_id, Appraisal.rater_id, Unit.name)
        .join(Unit, Unit.id == Appraisal.unit_id)
        .where(Appraisal.cycle_id == cycle.id, Appraisal.id.between(lo, hi),
               Appraisal.state == AppraisalState.PLAN_DRAFT)
        .order_by(Appraisal.id)
    )  # fmt: skip
    return [Latecomer(*row) for row in taking.session.execute(query)]


def _give_time(taking: Taking, planning: Stage, found: Sequence[Latecomer], due: datetime, until: datetime) -> None:
    line = line_on(taking.session, taking.agency.id, taking.as_of)
    raters = {
        holder.person_id for each in found if (holder := line.rater(each.person, each.rater)) is not None
    }  # fmt: skip
    why = "Pegawai baru menyusun SKP setelah tahap perencanaan / a newcomer drafts a plan after planning"
    for person, moment in (*((each.person, due) for each in found), *((rater, until) for rater in sorted(raters))):
        taking.session.add(
            Extension(stage_id=planning.id, person_id=person, due_at=moment, decree_no=f"impor {taking.as_of}",
                      reason=why, at=taking.at)
        )  # fmt: skip
    planning.revision += 1
    if planning.state is StageState.CLOSED:
        planning.state = StageState.OPEN
        closes = select(StageStep).where(StageStep.stage_id == planning.id, StageStep.step == Step.CLOSE,
                                         ~StageStep.occasion.startswith("r"))  # fmt: skip
        for step in taking.session.scalars(closes):
            step.occasion = f"r{planning.revision}:{step.occasion}"
    taking.session.flush()


def invite_latecomers(taking: Taking, cycle: Cycle, lo: int, hi: int) -> None:
    """Write to the newcomers, at most one letter a day, and one letter about all of them to each HR officer."""
    planning = taking.session.scalars(
        select(Stage).filter_by(cycle_id=cycle.id, kind=StageKind.TARGET_SETTING)
    ).one()  # fmt: skip
    calendar = calendar_of(taking.session, taking.agency, taking.at)
    at = _now(taking, calendar)
    today = calendar.local_date(at)
    working = calendar.next_working_day(today)
    when = at if working == today else calendar.start_of_day(working) + MORNING
    found = _latecomers(taking, cycle, lo, hi)
    written = _written_to(taking, [each.person for each in found], calendar.start_of_day(working))
    people = [each.person for each in found if each.person not in written]
    invite(taking.session, planning, people, kind="stage_invitation", occasion=f"joined-{today}", at=when)
    _tell_hr(taking, cycle, found, today, calendar, at=when)
    taking.counts["latecomers"] += len(found)


def _written_to(taking: Taking, people: Sequence[int], since: datetime) -> set[int]:
    """Who has a letter of the day already; the sweep of the next working day tells them."""
    found: set[int] = set()
    for ids in in_portions(people):
        query = select(Letter.person_id).where(Letter.person_id.in_(ids), Letter.queued_at >= since)
        found |= {person for person in taking.session.scalars(query) if person is not None}
    return found


def _tell_hr(
    taking: Taking, cycle: Cycle, found: Sequence[Latecomer], today: date, calendar: Calendar, *, at: datetime
) -> None:
    names = _names(taking, [each.person for each in found])
    due = calendar.end_of_day(calendar.add_working_days(today, DAYS_TO_DRAFT))
    facts = {
        "agency": taking.agency.name, "contact": taking.agency.contact, "year": cycle.year, "zone": taking.agency.zone,
        "due": due.isoformat(), "total": len(found),
        "people": [{"person": names[each.person], "unit": each.unit} for each in found[:LISTED]],
    }  # fmt: skip
    officers = role_holders(taking.agency.id, Role.PERFORMANCE_ADMIN, taking.as_of)
    key = f"newcomers_notice:{cycle.id}.{found[0].case}"
    letters.queue(taking.session, [
        letters.owed_to(officer, "newcomers_notice", f"{key}.{officer.id}", facts | {"name": officer.name},
                        cycle_id=cycle.id)
        for officer in taking.session.scalars(select(Person).where(Person.id.in_(officers)).order_by(Person.id))
    ], at=at)  # fmt: skip


def _names(taking: Taking, people: Sequence[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    for ids in in_portions(people):
        query = select(Person.id, Person.name).where(Person.id.in_(ids))
        found |= dict(taking.session.execute(query).tuples().all())
    return found
