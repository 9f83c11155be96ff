"""Taking in what comes back: every message once, judged with all that was said before, so that any order ends alike.

Only a bounce address that we signed changes anything; whatever else arrives is kept as an event and looked at by
nobody but people. Nothing here ever answers a message.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

import settings
from actions.mail.outbox import pause_wave
from actions.store.bulk import insert_new, portions
from models import Letter, MailEvent, Person
from notifications import dsn
from notifications.dsn import Report
from rules.mail.bounces import FATES, LETTER_STATES, PRESUMED_DELIVERED, EventKind, fate, standing
from rules.mail.smtp_outcomes import wave_must_stop
from rules.proof.tokens import Masters, verp_letter
from rules.terms import AddressState, LetterState

OUT_OF_OUR_HANDS = (
    LetterState.SENDING, LetterState.QUEUED, LetterState.DEFERRED, LetterState.ACCEPTED, LetterState.AMBIGUOUS,
    LetterState.DELIVERED, LetterState.BOUNCED_SOFT, LetterState.BOUNCED_HARD,
)  # fmt: skip
"""States that a report overrules, once the letter was tried: it knows more than we do. What we ended stays ended."""
_MAX_ID = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Taken:
    """What one message was; `letter_id` is proven unless the kind says otherwise."""

    kind: EventKind
    letter_id: int | None
    new: bool
    """False: it had been taken in before, and nothing changed."""


def take(
    session: Session, raw: bytes, envelope_to: str, source: str, event_id: str, *, master: Masters, at: datetime
) -> Taken:
    """Take in one message that arrived for `envelope_to`; the same source and event id again change nothing."""
    report = dsn.read(raw)
    kind, letter_id = _whose(session, report, envelope_to, master)
    letter, person = _lock(session, letter_id) if kind in (*FATES, EventKind.COMPLAINT) else (None, None)
    row = {
        "source": source[:40], "event_id": _key(event_id), "letter_id": letter_id, "kind": kind.value,
        "status": report.status, "diagnostic": report.diagnostic, "at": at,
    }  # fmt: skip
    new = insert_new(session, MailEvent, [row]) == 1
    if new and letter is not None and person is not None and kind in FATES:
        _decide_letter(session, letter, at)
        _judge_address(session, person, at)
        if kind is EventKind.BLOCKED:
            _stop_refused_wave(session, letter, report, at)
        session.flush()
    return Taken(kind, letter_id, new)


def addressed_to(raw: bytes, *, master: Masters) -> str:
    """The bounce address that a mail server noted on a stored message: a signed one if there is any, '' if none."""
    domain, found = settings.load().bounce_domain, dsn.recipients(raw)
    signed = (one for one in found if verp_letter(one, domain=domain, master=master) is not None)
    ours = (one for one in found if one.lower().endswith(f"@{domain.lower()}"))
    return next(signed, None) or next(ours, None) or next(iter(found), "")


def complained(session: Session, people: Iterable[int]) -> set[int]:
    """Those who marked a letter of ours as spam: they are sent what is mandatory, and no more."""
    found: set[int] = set()
    for portion in portions(sorted(set(people))):
        query = select(Letter.person_id).join(MailEvent, MailEvent.letter_id == Letter.id)
        found |= set(session.scalars(query.where(MailEvent.kind == EventKind.COMPLAINT, Letter.person_id.in_(portion))))
    return found


def blocked(session: Session, domain: str) -> Sequence[int]:
    """People whose address at a domain is held although it may be good, by id."""
    query = select(Person.id).where(
        Person.email_state == AddressState.BLOCKED, func.lower(Person.email).endswith(f"@{domain.lower()}")
    )
    return session.scalars(query.order_by(Person.id)).all()


def _key(event_id: str) -> str:
    if len(event_id) <= 200 and event_id.isprintable():
        return event_id
    return hashlib.sha256(event_id.encode("utf-8", "surrogatepass")).hexdigest()


def _whose(session: Session, report: Report, envelope_to: str, master: Masters) -> tuple[EventKind, int | None]:
    """What the message is and which letter it is about; a letter is proven by a signed address, or only claimed."""
    domain = settings.load().bounce_domain
    for address in (envelope_to, *report.senders):
        if (signed := verp_letter(address, domain=domain, master=master)) is not None:
            known = session.scalar(select(Letter.id).filter_by(id=signed))
            return (report.kind, known) if known is not None else (EventKind.UNKNOWN, None)
    if envelope_to.lower().startswith("b+"):
        return EventKind.FORGED, None
    if report.kind in (*FATES, EventKind.UNDER_WAY, EventKind.COMPLAINT):
        return EventKind.UNVERIFIED, _claimed(session, report)
    return report.kind, None


def _claimed(session: Session, report: Report) -> int | None:
    named = int(report.envelope_id) if report.envelope_id.isascii() and report.envelope_id.isdigit() else 0
    if 0 < named <= _MAX_ID and (found := session.scalar(select(Letter.id).filter_by(id=named))) is not None:
        return found
    return session.scalar(select(Letter.id).filter_by(message_id=report.message_id)) if report.message_id else None


def _lock(session: Session, letter_id: int | None) -> tuple[Letter | None, Person | None]:
    """The letter first and then its person, as the dispatcher does: two reports at once wait, none deadlocks."""
    if letter_id is None or (letter := session.get(Letter, letter_id, with_for_update=True)) is None:
        return None, None
    return letter, session.get_one(Person, letter.person_id, with_for_update=True)


def _decide_letter(session: Session, letter: Letter, at: datetime) -> None:
    """Its state by everything said so far; a dispatcher that still holds it loses the lease, and knows less."""
    if letter.state not in OUT_OF_OUR_HANDS or letter.first_tried_at is None:
        return
    said = session.scalars(select(MailEvent).where(MailEvent.letter_id == letter.id, MailEvent.kind.in_(FATES))).all()
    decided = fate({event.kind for event in said})
    assert decided is not None
    words = min((f"{event.status} {event.diagnostic}".strip() for event in said if event.kind == decided), default="")
    letter.state, letter.reply = LETTER_STATES[decided], words[:500]
    letter.lease_owner, letter.lease_until = None, None
    letter.accepted_at, letter.ended_at = letter.accepted_at or at, letter.ended_at or at


def _judge_address(session: Session, person: Person, at: datetime) -> None:
    """What is known of the person's address by the letters sent to it since it was last written down."""
    said = dict[int, set[str]]()
    events = select(MailEvent.letter_id, MailEvent.kind).join(Letter, Letter.id == MailEvent.letter_id)
    for letter_id, kind in session.execute(events.where(Letter.person_id == person.id, MailEvent.kind.in_(FATES))):
        said.setdefault(letter_id, set()).add(kind)
    query = select(Letter).where(
        Letter.person_id == person.id, Letter.first_tried_at.is_not(None),
        or_(Letter.id.in_(said), Letter.state == LetterState.ACCEPTED),
    )  # fmt: skip
    fates = [
        fate(said.get(one.id, ())) or (EventKind.DELIVERED if _silent(one, at) else None)
        for one in session.scalars(query.order_by(Letter.first_tried_at, Letter.id))
        if _sent_to_current(one, person)
    ]
    found, before = standing(fates), person.email_state
    person.soft_bounces = found.soft
    if before is not AddressState.HARD:
        person.email_state = found.state
    if before is AddressState.BLOCKED and person.email_state in (AddressState.OK, AddressState.SOFT):
        _let_go(session, person, at)


def _let_go(session: Session, person: Person, at: datetime) -> None:
    """Send what was held only while the address was; what has become stale meanwhile ends when it is claimed."""
    held = update(Letter).where(
        Letter.person_id == person.id, Letter.state == LetterState.HELD, Letter.first_tried_at.is_(None)
    )
    session.execute(held.values(state=LetterState.QUEUED, next_at=at, ended_at=None, reply=""))


def _sent_to_current(letter: Letter, person: Person) -> bool:
    """A late report about an address that HR has corrected says nothing of the new one, nor of one confirmed since."""
    tried, changed = letter.first_tried_at, person.email_changed_at
    return letter.address == person.email and tried is not None and (changed is None or tried >= changed)


def _silent(letter: Letter, at: datetime) -> bool:
    return letter.accepted_at is not None and letter.accepted_at + PRESUMED_DELIVERED <= at


def _stop_refused_wave(session: Session, letter: Letter, report: Report, at: datetime) -> None:
    """Stop a wave of which too much is refused for our sake: every further letter would do harm."""
    if letter.wave_id is None:
        return
    mine = Letter.wave_id == letter.wave_id
    tried = session.scalar(select(func.count()).select_from(Letter).where(mine, Letter.first_tried_at.is_not(None)))
    events = select(func.count(MailEvent.letter_id.distinct())).join(Letter, Letter.id == MailEvent.letter_id)
    refused = session.scalar(events.where(mine, MailEvent.kind == EventKind.BLOCKED)) or 0
    if wave_must_stop(refused, tried or 0, in_a_row=0):
        reason = f"{refused} of {tried} came back refused for our sake: {report.status} {report.diagnostic}"
        pause_wave(session, letter.wave_id, reason[:300], at=at)
