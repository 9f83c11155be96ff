"""Telling HR who was not reached: one letter per working day to each of them, with names, addresses and reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

import settings
from actions.line.calendars import calendar_of
from actions.line.holders import role_holders
from actions.mail import letters
from actions.store.bulk import insert_new
from models import Agency, Cycle, Letter, MailEvent, Person, Posting, Unit
from rules.mail.bounces import EventKind, status_of
from rules.mail.refusals import Blame, blame
from rules.terms import AddressState, LetterState, Locale, Role

LISTED = 50
"""Letters in one notice; the count is complete and the console has them all."""
LOST = (LetterState.BOUNCED_HARD, LetterState.BOUNCED_SOFT, LetterState.FAILED_PERM, LetterState.HELD)
DEAD = (AddressState.HARD, AddressState.BLOCKED)
SOURCE = "notice"

_REASONS: Mapping[str, tuple[str, str]] = {
    LetterState.BOUNCED_HARD: ("Alamat tidak ada atau tidak aktif", "The address does not exist or is disabled"),
    LetterState.BOUNCED_SOFT: ("Dikembalikan; alamat mungkin benar", "Came back; the address may be right"),
    LetterState.FAILED_PERM: ("Ditolak oleh server surat", "Refused by the mail server"),
    LetterState.HELD: ("Ditahan", "Held"),
    AddressState.HARD: ("Ditahan: alamat tidak aktif", "Held: the address is dead"),
    AddressState.BLOCKED: ("Ditahan: alamat berulang kali menolak surat", "Held: the address keeps refusing letters"),
    EventKind.COMPLAINT: ("Sampai, tetapi ditandai sebagai spam", "Arrived, but was marked as spam"),
}


@dataclass(frozen=True, slots=True)
class _Lost:
    letter_id: int
    state: str
    """What HR is told of: the letter's state, or the complaint."""
    address: str
    kind: str
    reply: str
    since: str
    person_id: int
    person: str
    person_state: AddressState

    @classmethod
    def of(cls, row: Any, state: str | None = None) -> "_Lost":
        since = row.ended_at.isoformat() if row.ended_at is not None else ""
        return cls(row.id, state or row.state, row.address, row.kind, row.reply, since, row.person_id, row.name,
                   row.email_state)  # fmt: skip

    def reason(self, locale: Locale) -> str:
        dead = self.state == LetterState.HELD and self.person_state in DEAD
        gone = self.state == LetterState.FAILED_PERM and blame(status_of("", self.reply), self.reply) is Blame.ADDRESS
        if gone:
            return f"{_REASONS[LetterState.BOUNCED_HARD][locale is not Locale.ID]}: {self.reply}"
        words = _REASONS[self.person_state if dead else self.state][locale is not Locale.ID]
        silent = dead or self.state == EventKind.COMPLAINT or not self.reply
        return words if silent else f"{words}: {self.reply}"


def tell_hr(session: Session, *, at: datetime) -> Mapping[str, int]:
    """Owe HR of every agency the notice of what they were not told yet; none on days off and no second on one day.

    `told`: letters that a notice now covers; `nobody_to_tell`: those of agencies where neither HR nor the appointing
    authority has an address that takes mail, which stay owed.
    """
    counts = {"told": 0, "nobody_to_tell": 0}
    for agency_id in session.scalars(select(Agency.id).order_by(Agency.id)).all():
        if not _untold(session, agency_id, limit=1):
            continue
        # two of these at once would each mark letters as told that only the other one's notice lists
        agency = session.get_one(Agency, agency_id, with_for_update=True)
        calendar = calendar_of(session, agency, at)
        today = calendar.local_date(at)
        people = _who_hears(session, agency_id, today)
        if not calendar.is_working_day(today) or _told_on(session, agency_id, people, today):
            continue
        lost = _untold(session, agency_id)
        counts["told" if people else "nobody_to_tell"] += len(lost)
        if people and lost:
            _tell(session, agency, people, lost, today, at=at)
    return counts


def _untold(session: Session, agency_id: int, limit: int | None = None) -> list[_Lost]:
    """Letters that ended without reaching anybody, and complaints, since HR last heard of that letter and state."""
    told = exists().where(MailEvent.letter_id == Letter.id, MailEvent.kind == EventKind.TOLD)
    spam = exists().where(MailEvent.letter_id == Letter.id, MailEvent.kind == EventKind.COMPLAINT)
    query = (
        select(Letter.id, Letter.state, Letter.address, Letter.kind, Letter.reply, Letter.ended_at, Letter.person_id,
               Person.name, Person.email_state)
        .join(Person, Person.id == Letter.person_id).where(Person.agency_id == agency_id)
        .order_by(Letter.id).limit(limit)
    )  # fmt: skip
    again = or_(Letter.ended_at.is_(None), MailEvent.at >= Letter.ended_at)
    lost = query.where(Letter.state.in_(LOST), ~told.where(MailEvent.status == Letter.state, again))
    complaints = query.where(spam, ~told.where(MailEvent.status == EventKind.COMPLAINT.value))
    return [_Lost.of(row) for row in session.execute(lost)] + [
        _Lost.of(row, EventKind.COMPLAINT.value) for row in session.execute(complaints)
    ]


def _key(agency_id: int, person_id: int, today: date) -> str:
    return f"bounce_notice:{agency_id}.{person_id}:{today.isoformat()}"


def _told_on(session: Session, agency_id: int, people: Sequence[Person], today: date) -> bool:
    keys = [_key(agency_id, person.id, today) for person in people]
    return session.scalar(select(Letter.id).where(Letter.key.in_(keys)).limit(1)) is not None


def _who_hears(session: Session, agency_id: int, today: date) -> Sequence[Person]:
    """HR whose own address takes mail; else the appointing authority, so that a dead address of HR is no dead end."""
    for role in (Role.PERFORMANCE_ADMIN, Role.APPOINTING_AUTHORITY):
        query = select(Person).where(
            Person.id.in_(role_holders(agency_id, role, today)), Person.email_state.not_in(DEAD)
        )
        if people := session.scalars(query.order_by(Person.id)).all():
            return people
    return []


def _tell(
    session: Session, agency: Agency, people: Sequence[Person], lost: Sequence[_Lost], today: date, *, at: datetime
) -> None:
    year = session.scalar(select(func.max(Cycle.year)).filter_by(agency_id=agency.id)) or today.year
    units = _units(session, {one.person_id for one in lost[:LISTED]}, today)
    owed = []
    for person in people:
        facts = {
            "name": person.name, "agency": agency.name, "contact": agency.contact, "year": year, "zone": agency.zone,
            "total": len(lost), "url": f"{settings.load().base_url.rstrip('/')}/hr",
            "letters": [
                {"person": one.person, "unit": units.get(one.person_id, ""), "address": one.address,
                 "kind": one.kind, "reason": one.reason(person.locale)}
                for one in lost[:LISTED]
            ],
        }  # fmt: skip
        owed.append(letters.owed_to(person, "bounce_notice", _key(agency.id, person.id, today), facts))
    letters.queue(session, owed, at=at)
    told = [
        {"source": SOURCE, "event_id": f"{one.letter_id}:{one.state}:{one.since}", "letter_id": one.letter_id,
         "kind": EventKind.TOLD.value, "status": str(one.state), "diagnostic": "", "at": at}
        for one in lost
    ]  # fmt: skip
    insert_new(session, MailEvent, told)


def _units(session: Session, people: set[int], today: date) -> dict[int, str]:
    query = (
        select(Posting.person_id, Unit.name).join(Unit, Unit.id == Posting.unit_id)
        .where(Posting.person_id.in_(people), Posting.from_on <= today,
               or_(Posting.to_on.is_(None), Posting.to_on >= today))
        .order_by(Posting.id)
    )  # fmt: skip
    return dict(session.execute(query).tuples().all())
