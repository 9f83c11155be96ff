"""The queue of letters: claim with a lease, check freshness, settle behind a fence, reap what a dead process held.

The database's own clock decides on leases, so that no machine's wrong clock steals a letter; deadlines use `at`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.orm import Session

from actions.bulk import insert_new
from models import ActionLink, Letter, MailAttempt, MailSwitch, Person, Stage, Wave
from rules.smtp_outcomes import again_after_ambiguous
from rules.words import AddressState, Lane, LetterState, LinkState, Locale, SmtpPhase, StageState

LEASE = timedelta(minutes=35)
"""At least three times the longest send: ten minutes for the reply to the final dot, and a margin."""
WAITING = (LetterState.QUEUED, LetterState.DEFERRED)
TIED_TO_STAGE = frozenset({"stage_invitation", "reminder"})
"""Kinds that make no sense once their stage is closed."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A letter that this owner alone may send; `attempt` fences every later write."""

    id: int
    owner: str
    attempt: int
    kind: str
    lane: Lane
    wave_id: int | None
    person_id: int
    link_id: int | None
    kid: int | None
    code_id: int | None
    locale: Locale
    facts: Mapping[str, Any]
    address: str
    domain: str
    name: str
    message_id: str
    in_reply_to: str | None
    first_tried_at: datetime | None
    charged: int
    ambiguities: int
    not_after: datetime | None
    content_sha256: str | None


@dataclass(frozen=True, slots=True)
class Settled:
    """How one attempt ended."""

    state: LetterState
    phase: SmtpPhase
    code: int | None = None
    reply: str = ""
    charge: bool = False
    again_in: timedelta | None = None
    address_state: AddressState | None = None
    content_sha256: str | None = None


def database_now(session: Session) -> datetime:
    """The database's clock, aware, in UTC."""
    if session.get_bind().dialect.name == "sqlite":
        said = session.execute(text("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')")).scalar_one()
        return datetime.fromisoformat(said).replace(tzinfo=UTC)
    return session.execute(select(func.clock_timestamp())).scalar_one().astimezone(UTC)


def claim(
    session: Session, owner: str, lanes: Collection[Lane], limit: int, *, at: datetime, lease: timedelta = LEASE
) -> list[Claimed]:
    """Take up to `limit` letters that are due; two claimers never get the same one. Stale ones are ended instead."""
    if paused(session):
        return []
    now = database_now(session)
    stopped = select(Wave.id).where(Wave.paused_at.is_not(None))
    due = (
        select(Letter.id)
        .where(Letter.lane.in_(lanes), Letter.state.in_(WAITING), Letter.next_at <= at,
               or_(Letter.wave_id.is_(None), Letter.wave_id.not_in(stopped)))
        .order_by(Letter.next_at, Letter.id).limit(limit).with_for_update(skip_locked=True)
    )  # fmt: skip
    take = (
        update(Letter).where(Letter.id.in_(due.scalar_subquery()))
        .values(state=LetterState.SENDING, lease_owner=owner, lease_until=now + lease, attempts=Letter.attempts + 1)
        .returning(Letter.id).execution_options(synchronize_session=False)
    )  # fmt: skip
    ids = session.scalars(take).all()
    return _fresh(session, owner, ids, at) if ids else []


def _fresh(session: Session, owner: str, ids: Sequence[int], at: datetime) -> list[Claimed]:
    query = (
        select(Letter, Person, ActionLink, Stage.state)
        .join(Person, Person.id == Letter.person_id)
        .outerjoin(ActionLink, ActionLink.id == Letter.link_id)
        .outerjoin(Stage, Stage.id == Letter.stage_id)
        .where(Letter.id.in_(ids)).order_by(Letter.next_at, Letter.id).execution_options(populate_existing=True)
    )  # fmt: skip
    good = []
    for letter, person, link, stage in session.execute(query).tuples():
        if (end := _stale(letter, person, link, stage, at)) is not None:
            letter.state, letter.reply = end
            letter.ended_at, letter.lease_owner, letter.lease_until = at, None, None
            letter.attempts -= 1
            continue
        if letter.first_tried_at is None:
            letter.address, letter.domain = person.email, person.email.rsplit("@", 1)[-1].lower()
            letter.first_tried_at = at
        good.append(_claimed(letter, person, link, owner))
    session.flush()
    return good


def _stale(
    letter: Letter, person: Person, link: ActionLink | None, stage: StageState | None, at: datetime
) -> tuple[LetterState, str] | None:
    """What ends a letter before it is sent: too late, its link revoked, its stage over, or no address to send to."""
    if letter.not_after is not None and at > letter.not_after:
        return LetterState.EXPIRED, "its time had passed before it could be sent"
    if stage is StageState.CLOSED and letter.kind in TIED_TO_STAGE:
        return LetterState.EXPIRED, "its stage had closed before it could be sent"
    if link is not None and link.state is LinkState.REVOKED:
        return LetterState.CANCELLED, f"its link was revoked: {link.revoked_reason}"
    if person.email_state in (AddressState.HARD, AddressState.BLOCKED):
        return LetterState.HELD, f"the address is {person.email_state.value}: HR finds another one"
    return None


def _claimed(letter: Letter, person: Person, link: ActionLink | None, owner: str) -> Claimed:
    return Claimed(
        letter.id, owner, letter.attempts, letter.kind, letter.lane, letter.wave_id, letter.person_id, letter.link_id,
        link.kid if link else None, letter.code_id, letter.locale, letter.facts, letter.address, letter.domain,
        person.name, letter.message_id, letter.in_reply_to, letter.first_tried_at, letter.charged, letter.ambiguities,
        letter.not_after, letter.content_sha256,
    )  # fmt: skip


def begin_attempts(session: Session, claimed: Sequence[Claimed], *, at: datetime) -> None:
    """Note that these letters are about to be handed over, before the first byte is."""
    insert_new(session, MailAttempt, [
        {"letter_id": one.id, "number": one.attempt, "owner": one.owner, "begun_at": at, "reply": ""}
        for one in claimed
    ])  # fmt: skip


def settle(session: Session, one: Claimed, how: Settled, *, at: datetime) -> bool:
    """Record how an attempt ended; False, and nothing changed, if the lease was lost to somebody else meanwhile."""
    ended = how.state not in WAITING and how.state is not LetterState.AMBIGUOUS
    values: dict[str, Any] = {
        "state": how.state, "lease_owner": None, "lease_until": None, "reply_code": how.code, "reply": how.reply[:500],
        "next_at": at + (how.again_in or timedelta(0)), "charged": one.charged + how.charge,
        "ended_at": at if ended else None,
    }  # fmt: skip
    if how.state is LetterState.ACCEPTED:
        values["accepted_at"] = at
    if how.content_sha256:
        values["content_sha256"] = how.content_sha256
    if how.state is LetterState.AMBIGUOUS:
        values["ambiguities"] = one.ambiguities + 1
    fenced = update(Letter).where(
        Letter.id == one.id, Letter.lease_owner == one.owner, Letter.attempts == one.attempt,
        Letter.state == LetterState.SENDING,
    )  # fmt: skip
    written = session.connection().execute(fenced.values(values).returning(Letter.id)).first() is not None
    attempt = update(MailAttempt).where(MailAttempt.letter_id == one.id, MailAttempt.number == one.attempt)
    session.connection().execute(
        attempt.values(ended_at=at, phase=how.phase, code=how.code, reply=how.reply[:500], outcome=how.state)
    )
    if written and how.address_state is not None:
        here = Person.id == one.person_id, Person.email == one.address
        session.connection().execute(update(Person).where(*here).values(email_state=how.address_state))
    return written


def give_back(session: Session, claimed: Sequence[Claimed]) -> int:
    """Return letters that were claimed but not begun, at once: a process that stops keeps nobody waiting."""
    returned = 0
    for one in claimed:
        fenced = update(Letter).where(
            Letter.id == one.id, Letter.lease_owner == one.owner, Letter.attempts == one.attempt,
            Letter.state == LetterState.SENDING,
        )  # fmt: skip
        values = {"state": LetterState.QUEUED, "lease_owner": None, "lease_until": None}
        returned += session.connection().execute(fenced.values(values).returning(Letter.id)).first() is not None
    return returned


def renew(session: Session, owner: str, *, lease: timedelta = LEASE) -> int:
    """Push out the leases of a living owner."""
    held = update(Letter).where(Letter.lease_owner == owner, Letter.state == LetterState.SENDING)
    return session.connection().execute(held.values(lease_until=database_now(session) + lease)).rowcount


def reap(session: Session, *, at: datetime, limit: int = 1000) -> Mapping[str, int]:
    """Take letters whose lease ran out: not begun, back to the queue; begun, nobody knows whether they arrived."""
    now = database_now(session)
    query = select(Letter).where(Letter.state == LetterState.SENDING, Letter.lease_until < now)
    expired = session.scalars(query.limit(limit).with_for_update(skip_locked=True)).all()
    counts = {"requeued": 0, "ambiguous": 0}
    for letter in expired:
        begun = session.scalar(select(MailAttempt).filter_by(letter_id=letter.id, number=letter.attempts))
        letter.lease_owner, letter.lease_until = None, None
        if begun is None:
            letter.state, letter.next_at = LetterState.QUEUED, at
            counts["requeued"] += 1
            continue
        letter.state, letter.ambiguities, letter.next_at = LetterState.AMBIGUOUS, letter.ambiguities + 1, at
        letter.reply = "the process that was sending it died"
        begun.ended_at, begun.outcome, begun.phase = at, LetterState.AMBIGUOUS, SmtpPhase.DOT
        counts["ambiguous"] += 1
    session.flush()
    return counts


def resolve_ambiguous(session: Session, *, at: datetime, limit: int = 1000) -> int:
    """Send again, once and byte by byte the same, what may have been lost; a code never: it can be asked for anew."""
    query = select(Letter).where(Letter.state == LetterState.AMBIGUOUS, Letter.ended_at.is_(None))
    sent_again = 0
    for letter in session.scalars(query.limit(limit).with_for_update(skip_locked=True)):
        wait = again_after_ambiguous(letter.kind, letter.ambiguities)
        if wait is None:
            letter.ended_at = at
        elif letter.next_at + wait <= at:
            letter.state, letter.next_at = LetterState.QUEUED, at
            sent_again += 1
    session.flush()
    return sent_again


def paused(session: Session) -> str:
    """Why delivery is stopped for everybody; empty if it is not."""
    switch = session.get(MailSwitch, 1)
    return (switch.reason or "paused") if switch is not None and switch.paused_at is not None else ""


def pause(session: Session, reason: str, *, at: datetime) -> None:
    """Stop delivery in all processes."""
    session.merge(MailSwitch(id=1, paused_at=at, reason=reason))
    session.flush()


def resume(session: Session) -> None:
    session.merge(MailSwitch(id=1, paused_at=None, reason=""))
    session.flush()


def resume_waves(session: Session) -> int:
    """Let all stopped waves go on; returns how many."""
    stopped = update(Wave).where(Wave.paused_at.is_not(None)).values(paused_at=None, paused_reason="")
    return len(session.execute(stopped.returning(Wave.id)).all())


def pause_wave(session: Session, wave_id: int, reason: str, *, at: datetime) -> None:
    """Stop one wave: our side is wrong, and every further letter would be lost the same way."""
    wave = session.get_one(Wave, wave_id, with_for_update=True)
    if wave.paused_at is None:
        wave.paused_at, wave.paused_reason = at, reason
        session.flush()


def next_due(session: Session, lanes: Collection[Lane]) -> datetime | None:
    """When the next waiting letter may be sent."""
    return session.scalar(select(func.min(Letter.next_at)).where(Letter.lane.in_(lanes), Letter.state.in_(WAITING)))
