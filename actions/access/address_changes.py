"""Who may change where codes go: the old address is told and can stop it, and the new one waits for its codes."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.access import waiting
from actions.duties import links
from actions.line.calendars import calendar_of
from actions.line.holders import role_holders
from actions.mail import letters
from actions.store import trail
from models import AddressChange, Agency, Cycle, Person
from rules.pack.pack import Pack
from rules.terms import CycleState, Role


class Moved(NamedTuple):
    person_id: int
    before: str
    after: str
    heard: bool = True
    """Whether anybody may read the old address: one that does not exist is not written to."""


def note(
    session: Session, agency: Agency, moved: Iterable[Moved], *, at: datetime, by: int | None = None
) -> Sequence[AddressChange]:
    """Put changes on record, let the new addresses wait, and tell both sides; before the first cycle nothing waits."""
    until = at + timedelta(hours=wait_hours(session, agency.id))
    listed = [one for one in moved if one.before and one.before.lower() != one.after.lower()]
    changes = [
        AddressChange(person_id=one.person_id, before=one.before, after=one.after, by_id=by, at=at, waits_until=until)
        for one in listed
    ]  # fmt: skip
    if until == at:
        return []
    session.add_all(changes)
    session.flush()
    owed: list[letters.Owed] = []
    for change, one in zip(changes, listed, strict=True):
        owed += _letters(session, agency, change, heard=one.heard)
    letters.queue(session, owed, at=at)
    return changes


def wait_hours(session: Session, agency_id: int) -> int:
    """Of the pack of the newest cycle that runs; 0 where none was ever launched."""
    query = select(Cycle).filter_by(agency_id=agency_id).order_by(Cycle.state == CycleState.CLOSED, Cycle.year.desc())
    cycle = session.scalars(query.limit(1)).first()
    return Pack.model_validate_json(cycle.pack).address_wait_hours if cycle else 0


def _letters(session: Session, agency: Agency, change: AddressChange, *, heard: bool) -> list[letters.Owed]:
    person = session.get_one(Person, change.person_id)
    facts = {
        "name": person.name, "agency": agency.name, "contact": agency.contact, "zone": agency.zone,
        "at": change.at.isoformat(), "until": change.waits_until.isoformat(),
    }  # fmt: skip
    sides = [("new", change.after, None)] + ([("old", change.before, change.id)] if heard else [])
    return [
        letters.Owed("address_changed", f"address_changed:{change.id}:{audience}", person.id, address, person.locale,
                     facts | {"audience": audience}, link_id=link)
        for audience, address, link in sides
    ]  # fmt: skip


def stoppable(session: Session, change_id: int | None, *, at: datetime) -> AddressChange | None:
    """The change that an (already verified) stop link is about, if it can still be stopped or was."""
    change = session.get(AddressChange, change_id) if change_id is not None else None
    if change is None or change.confirmed_at is not None:
        return None
    newest = waiting.pending(session, change.person_id, at=at)
    return change if newest is not None and newest.id == change.id else None


def stop(session: Session, change_id: int | None, *, at: datetime) -> bool:
    """End what was mailed to the new address and let no code go there before a second officer agrees; HR is told."""
    if (change := stoppable(session, change_id, at=at)) is None:
        return False
    if change.stopped_at is not None:
        return True
    change.stopped_at = at
    links.revoke_links(session, change.person_id, "address_stopped", at=at)
    person = session.get_one(Person, change.person_id)
    agency = session.get_one(Agency, person.agency_id)
    _tell_hr(session, agency, person, change, at)
    trail.record(session, agency.id, "person.address_stopped", f"person:{person.id}", at=at,
                 after={"change": change.id})  # fmt: skip
    return True


def _tell_hr(session: Session, agency: Agency, person: Person, change: AddressChange, at: datetime) -> None:
    today = calendar_of(session, agency, at).local_date(at)
    cycle = session.scalars(select(Cycle).filter_by(agency_id=agency.id).order_by(Cycle.year.desc()).limit(1)).first()
    facts = {
        "agency": agency.name, "contact": agency.contact, "year": cycle.year if cycle else at.year,
        "at": at.isoformat(), "zone": agency.zone, "cause": "address_stopped", "person": person.name,
        "reported_by": person.name,
    }  # fmt: skip
    told = {*session.scalars(role_holders(agency.id, Role.PERFORMANCE_ADMIN, today)),
            *session.scalars(role_holders(agency.id, Role.APPOINTING_AUTHORITY, today))}  # fmt: skip
    letters.queue(session, [
        letters.owed_to(officer, "correction_notice", f"correction_notice:{agency.id}.{officer.id}:address-{change.id}",
                        facts | {"name": officer.name})
        for officer in session.scalars(select(Person).where(Person.id.in_(told - {person.id})))
    ], at=at)  # fmt: skip
