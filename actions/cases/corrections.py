"""Telling everybody concerned that a result was looked at again: the letter that supersedes the old one."""

from actions.acts.act import Acting
from actions.duties.invitations import facts_for
from actions.duties.links import ensure_links, kid_of
from actions.duties.notices import employee_of
from actions.mail import letters
from models import Person


def announce(acting: Acting, occasion: str, *, cause: str, changed: bool) -> None:
    """Queue the letter to the employee and to the rater; what changed stands on the desk, not in the mail."""
    case, employee = acting.case, employee_of(acting.session, acting.case)
    people = [person for person in (case.employee_id, case.rater_id) if person is not None]
    links = ensure_links(acting.session, acting.stage, kid_of(acting.cycle), people, at=acting.at)
    owed = []
    for person_id in people:
        person = acting.session.get_one(Person, person_id)
        facts = facts_for(acting.agency, acting.cycle, acting.stage, person, []) | {
            "audience": "employee" if person_id == case.employee_id else "rater",
            "cause": cause, "at": acting.at.isoformat(), "changed": changed, "employee": employee,
            "by": acting.person.name,
        }  # fmt: skip
        owed.append(
            letters.owed_to(
                person, "corrected_result", f"corrected_result:{case.id}.{person_id}:{occasion}", facts,
                link_id=links[person_id],
                stage_id=acting.stage.id, cycle_id=acting.cycle.id,
            )
        )  # fmt: skip
    letters.queue(acting.session, owed, at=acting.at)
