"""Who has a post but no appraisal gets one, with what the open stages ask; a new address gets new links."""

from datetime import date

from sqlalchemy import exists, func, or_, select, update

from actions.access import address_changes
from actions.cycle import cycles
from actions.line.calendars import calendar_of
from actions.roster.follow import latecomers
from actions.roster.rows import Taking, in_portions, table_of
from actions.stages.steps import StepRef, context_of, phases_of
from models import ActionLink, Appraisal, Assignment, Cycle, Person, Posting, Stage
from rules.terms import AssignmentState, LinkState, StageKind, StageState, Step


def enroll(taking: Taking, cycle: Cycle) -> None:
    """Give whoever has a post but no appraisal yet theirs, with what the open stages ask; the launch comes first."""
    if cycle.enrolled_at is None or taking.as_of > date(cycle.year, 12, 31):
        return
    session = taking.session
    last_case = session.scalar(select(func.max(Appraisal.id))) or 0
    calendar = calendar_of(session, taking.agency, taking.at)
    at = max(taking.at, calendar.start_of_day(taking.as_of))
    missing = _without_appraisal(taking, cycle)
    while missing:
        enrolled = cycles.enroll(session, cycle.id, after=missing[0] - 1, at=at)
        missing = [person for person in missing if person > enrolled.last] if not enrolled.done else []
    session.flush()
    new = select(func.count(), func.max(Appraisal.id)).where(Appraisal.cycle_id == cycle.id, Appraisal.id > last_case)
    count, newest = session.execute(new).one()
    taking.counts["appraisals_opened"] += count
    if not count:
        return
    late = latecomers.welcome(taking, cycle, last_case + 1, newest)
    ask(taking, cycle, last_case + 1, newest, until=StageKind.TARGET_SETTING if late else None)
    if late:
        session.flush()
        latecomers.invite_latecomers(taking, cycle, last_case + 1, newest)


def _without_appraisal(taking: Taking, cycle: Cycle) -> list[int]:
    has_one = exists().where(Appraisal.cycle_id == cycle.id, Appraisal.employee_id == Person.id)
    query = (
        select(Person.id)
        .join(Posting, Posting.person_id == Person.id)
        .where(
            Person.agency_id == taking.agency.id, Posting.to_on.is_(None), Posting.from_on <= taking.as_of, ~has_one,
            or_(Person.active_to.is_(None), Person.active_to >= taking.as_of),
        )
        .order_by(Person.id)
    )  # fmt: skip
    return list(taking.session.scalars(query))


def ask(taking: Taking, cycle: Cycle, lo: int, hi: int, *, until: StageKind | None = None) -> None:
    """Do for these appraisals what the opening of each open stage did for the others; whom it asks counts as untold.

    `until`: the only stage that asks them, where what comes after it would be too early.
    """
    stages = select(Stage).where(Stage.cycle_id == cycle.id, Stage.state.in_((StageState.OPENING, StageState.OPEN)))
    if until is not None:
        stages = stages.where(Stage.kind == until)
    for stage in taking.session.scalars(stages.order_by(Stage.id)).all():
        ref = StepRef(taking.agency.code, cycle.year, stage.kind, Step.OPEN)
        context = context_of(taking.session, ref, at=taking.at)
        for phase in phases_of(stage.kind, Step.OPEN):
            if phase.name in ("plans", "ask"):
                phase.take(context, lo, hi)


# addresses


def renew_links(taking: Taking) -> None:
    """Links mailed to an address that was changed end; their owners count as untold and get new ones."""
    address_changes.note(taking.session, taking.agency, taking.addresses, at=taking.at)
    for ids in in_portions(taking.readdressed):
        links = table_of(ActionLink)
        ended = update(links).where(links.c.person_id.in_(ids), links.c.state == LinkState.ACTIVE)
        values = {"state": LinkState.REVOKED, "revoked_at": taking.at, "revoked_reason": "address_changed"}
        taking.counts["links_revoked"] += taking.session.connection().execute(ended.values(values)).rowcount
        untold = update(Assignment).where(Assignment.person_id.in_(ids), Assignment.state == AssignmentState.OPEN)
        values = {"told_at": None, "version": Assignment.version + 1}
        taking.session.execute(untold.values(values).execution_options(synchronize_session=False))
