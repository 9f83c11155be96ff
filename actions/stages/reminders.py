"""Reminding: on working days only, one letter per person and day that lists everything; overdue climbs."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from sqlalchemy import select

from actions.duties import invitations
from actions.line.deadlines import deadlines_of
from actions.line.holders import line_on, role_holders
from actions.mail import bounces, letters
from actions.stages.steps import Context, Counts
from actions.store.bulk import portions
from models import Assignment, Letter, Person, Unit
from rules.terms import AssignmentState, Role
from rules.time.reminders import Occasion, reminder_owed


def _rung(context: Context, due: date, today: date) -> Occasion | None:
    """The reminder day of a due date as of today; the days before the stage opened were never owed."""
    pack, opened = context.pack, context.calendar.local_date(context.stage.opens_at)
    return reminder_owed(due, today, pack.reminder_offsets, context.calendar, escalation=pack.escalation, since=opened)


def due_dates(context: Context) -> set[date]:
    """The distinct local days on which something open in the stage is due: few, however many people there are."""
    deadlines = deadlines_of(context.session, context.stage)
    own = select(Assignment.due_at).where(
        Assignment.stage_id == context.stage.id, Assignment.state == AssignmentState.OPEN,
        Assignment.due_at.is_not(None), Assignment.optional.is_(False),
    )  # fmt: skip
    moments = [context.stage.due_at, *deadlines.by_person.values(), *deadlines.by_unit.values()]
    moments += [moment for moment in context.session.scalars(own.distinct()) if moment is not None]
    return {context.calendar.local_date(moment) for moment in moments}


def owed_on(context: Context, today: date) -> date | None:
    """The reminder day that the stage owes as of today, None if no date has a rung by now."""
    days = [occasion.on for due in due_dates(context) if (occasion := _rung(context, due, today)) is not None]
    return max(days, default=None)


def remind(context: Context, people: Sequence[int], day: date) -> Counts:
    """Remind those of `people` for whom a rung falls on `day`, or who owe something that no letter covered yet."""
    told = told_today(context, people)
    untold = [person for person in people if person not in told]
    duties = invitations.open_duties_of(context.session, context.stage, untold, context.at)
    quiet = bounces.complained(context.session, duties)
    rungs: dict[date, Occasion | None] = {}
    reminded = []
    for person, owed in duties.items():
        for duty in owed:
            due = context.calendar.local_date(duty.due)
            if due not in rungs:
                rungs[due] = _rung(context, due, day)
            occasion = rungs[due]
            untold = duty.untold and not (duty.optional and person in quiet)
            if untold or (not duty.optional and occasion is not None and occasion.on == day):
                reminded.append(person)
                break
    wave = letters.wave_of(
        context.session, f"{context.stage.kind.value}.remind:{context.stage.id}.{day}", context.cycle.id,
        context.stage.id, at=context.at,
    )  # fmt: skip
    by_days: dict[int, list[int]] = defaultdict(list)
    for person in reminded:
        first = min(duty.due for duty in duties[person])
        by_days[(context.calendar.local_date(first) - context.today).days].append(person)
    sent = sum(
        invitations.invite(
            context.session, context.stage, listed, kind="reminder", occasion=day.isoformat(), at=context.at,
            wave=wave, duties=duties, more={"days_left": days},
        )
        for days, listed in by_days.items()
    )  # fmt: skip
    return {"reminders": sent}


CALLS = ("stage_invitation", "reminder", "asked_again")
"""Letters that call somebody to their desk."""


def told_today(context: Context, people: Sequence[int]) -> set[int]:
    """Who was invited or reminded today, at whatever desk: one letter a day, the rest waits for a working day."""
    morning, told = context.calendar.start_of_day(context.today), set()
    for portion in portions(people):
        query = select(Letter.person_id).where(
            Letter.person_id.in_(portion), Letter.kind.in_(CALLS), Letter.queued_at >= morning
        )
        told |= set(context.session.scalars(query))
    return told


def escalate(context: Context, day: date) -> Counts:
    """Tell the next one up who is late: the rater's superior, then HR, then the appointing authority; one list each."""
    late = _late(context, day)
    told: dict[int, list[tuple[Assignment, date]]] = defaultdict(list)
    rung_of: dict[int, Role] = {}
    line = line_on(context.session, context.agency.id, context.today)
    for assignment, due, rung in late:
        for person in _told_of(context, line.superior.get(assignment.person_id), rung):
            told[person].append((assignment, due))
            rung_of[person] = rung.escalates_to or Role.PERFORMANCE_ADMIN
    names = _names(context, {assignment.person_id for assignment, _, _ in late})
    units = dict(
        context.session.execute(select(Unit.id, Unit.name).filter_by(agency_id=context.agency.id)).tuples().all()
    )
    owed = []
    for person_id, listed in told.items():
        person = context.session.get_one(Person, person_id)
        due = min(due for _, due in listed)
        facts = invitations.facts_for(context.agency, context.cycle, context.stage, person, []) | {
            "due": context.calendar.end_of_day(due).isoformat(),
            "audience": AUDIENCES[rung_of[person_id]],
            "days_late": (context.today - due).days,
            "units": _by_unit(listed, names, units),
        }
        key = f"escalation:{context.stage.id}.{person_id}:{day.isoformat()}"
        owed.append(
            letters.owed_to(person, "escalation", key, facts, stage_id=context.stage.id, cycle_id=context.cycle.id)
        )
    return {"escalations": letters.queue(context.session, owed, at=context.at)}


AUDIENCES = {
    Role.OBJECTION_AUTHORITY: "superior",
    Role.PERFORMANCE_ADMIN: "hr",
    Role.APPOINTING_AUTHORITY: "ppk",
}
LISTED = 20
"""Names per unit in one letter; the count is complete and the console has them all."""


def _by_unit(
    listed: Sequence[tuple[Assignment, date]], names: dict[int, str], units: dict[int, str]
) -> list[dict[str, object]]:
    found: dict[str, list[str]] = defaultdict(list)
    for assignment, _ in listed:
        found[units.get(assignment.unit_id or 0, "")].append(names[assignment.person_id])
    return [
        {"unit": unit, "open": len(people), "people": sorted(set(people))[:LISTED]}
        for unit, people in sorted(found.items())
    ]


def _late(context: Context, day: date) -> list[tuple[Assignment, date, Occasion]]:
    deadlines = deadlines_of(context.session, context.stage)
    query = select(Assignment).where(
        Assignment.stage_id == context.stage.id, Assignment.state == AssignmentState.OPEN,
        Assignment.optional.is_(False), Assignment.opened_at < context.at,
    )  # fmt: skip
    if not any(due < day for due in due_dates(context)):
        return []
    found = []
    for assignment in context.session.scalars(query.order_by(Assignment.id)):
        due = context.calendar.local_date(deadlines.due(assignment))
        occasion = _rung(context, due, day) if due < day else None
        if not deadlines.accepts(assignment, context.at):
            continue  # the stage is open for others only
        if occasion is not None and occasion.on == day and occasion.escalates_to is not None:
            found.append((assignment, due, occasion))
    return found


def _told_of(context: Context, superior: int | None, rung: Occasion) -> Sequence[int]:
    if rung.escalates_to is Role.OBJECTION_AUTHORITY:
        return [superior] if superior is not None else []
    assert rung.escalates_to is not None
    return context.session.scalars(role_holders(context.agency.id, rung.escalates_to, context.today)).all()


def _names(context: Context, people: set[int]) -> dict[int, str]:
    return dict(context.session.execute(select(Person.id, Person.name).where(Person.id.in_(people))).tuples().all())
