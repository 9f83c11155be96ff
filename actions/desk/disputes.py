"""What a person says is wrong with what we believe of them: their supervisor, or that the mail was for them at all."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.access import lost_links
from actions.access.sessions import Visit, end
from actions.acts.act import ActRefused
from actions.duties import links
from actions.line.calendars import calendar_of
from actions.line.holders import role_holders
from actions.mail import letters
from actions.store import trail
from models import ActionLink, Appraisal, Assignment, Person, Stage
from rules.terms import AssignmentState, Role, StageState


def wrong_supervisor(session: Session, visit: Visit, assignment_id: int, text: str, *, at: datetime) -> None:
    """Open a correction case for HR; nothing else stops or moves. Only for a case on the person's own desk."""
    assignment = session.get(Assignment, assignment_id)
    if assignment is None or (assignment.person_id, assignment.stage_id) != (visit.person.id, visit.stage.id):
        raise ActRefused("not_yours")
    if assignment.appraisal_id is None:
        raise ActRefused("no_case")
    if not 3 <= len(text.strip()) <= 4000:
        raise ActRefused("text_length")
    case = session.get_one(Appraisal, assignment.appraisal_id)
    entry = trail.record(
        session, visit.agency.id, "line.disputed", f"appraisal:{assignment.appraisal_id}", at=at,
        actor=trail.Actor(visit.person.id, assignment.mandate_id), why=text.strip(),
        after={"assignment": assignment.id, "role": assignment.role.value},
    )  # fmt: skip
    _tell_hr(session, visit, "supervisor", session.get_one(Person, case.employee_id), entry.seq, at=at)


def _tell_hr(session: Session, visit: Visit, cause: str, about: Person, number: int, *, at: datetime) -> None:
    today = calendar_of(session, visit.agency, at).local_date(at)
    facts = {
        "agency": visit.agency.name, "contact": visit.agency.contact, "year": visit.cycle.year, "at": at.isoformat(),
        "zone": visit.agency.zone, "cause": cause, "person": about.name, "reported_by": visit.person.name,
    }  # fmt: skip
    admins = role_holders(visit.agency.id, Role.PERFORMANCE_ADMIN, today)
    letters.queue(session, [
        letters.owed_to(admin, "correction_notice", f"correction_notice:{visit.agency.id}.{admin.id}:{number}",
                        facts | {"name": admin.name}, cycle_id=visit.cycle.id)
        for admin in session.scalars(select(Person).where(Person.id.in_(admins)))
    ], at=at)  # fmt: skip


def not_me(session: Session, visit: Visit, *, at: datetime) -> None:
    """End the link and every session that it opened; HR is told whose address to look at."""
    links.revoke_links(session, visit.person.id, "not me", at=at, stage_id=visit.stage.id)
    end(session, visit, at=at)
    entry = trail.record(
        session, visit.agency.id, "link.not_me", f"person:{visit.person.id}", at=at,
        after={"stage": visit.stage.id, "link": str(visit.link.id)},
    )  # fmt: skip
    _tell_hr(session, visit, "not_me", visit.person, entry.seq, at=at)


def reissue(session: Session, link_id: int, *, at: datetime) -> bool:
    """Mail a link that works to the address on file of whoever an old (genuine) link was made for.

    False, which the page does not tell: nothing on that desk, the stage is closed, or enough were sent already.
    """
    link = session.get(ActionLink, link_id)
    if link is None or (stage := _open_desk(session, link)) is None:
        return False
    return lost_links.mail_link(session, link.person_id, stage, at=at)


def _open_desk(session: Session, link: ActionLink) -> Stage | None:
    stage = session.get_one(Stage, link.stage_id)
    has_desk = select(Assignment.id).where(
        Assignment.stage_id == stage.id, Assignment.person_id == link.person_id,
        Assignment.state != AssignmentState.WITHDRAWN,
    ).limit(1)  # fmt: skip
    return None if stage.state is StageState.CLOSED or session.scalar(has_desk) is None else stage
