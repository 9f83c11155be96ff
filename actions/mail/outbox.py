"""The queue of letters: settle behind a fence, give back, renew, reap what a dead process held, stop and go on.

`actions.mail.claims` takes letters from it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import delete, exists, select, text, update
from sqlalchemy.orm import Session

from actions.mail.claims import (
    LEASE,
    WAITING,
    Claimed,
    Fence,
    Taken,
    claim,
    count_due,
    database_now,
    next_due,
    paused,
    take_due,
)
from actions.store.row_sets import On, RowSet, connection_of
from models import Letter, MailAttempt, MailSwitch, Person, Wave
from models.letter import IN_DOUBT_SQL
from rules.mail.limits import again_after_death
from rules.mail.smtp_outcomes import AFTER_AMBIGUOUS, NEVER_TWICE, again_after_ambiguous
from rules.terms import AddressState, LetterState, SmtpPhase

__all__ = [
    "LEASE", "WAITING", "Claimed", "Settled", "SmtpPhase", "Taken", "claim", "count_due", "database_now",
    "expire", "give_back", "is_overdue", "mark_dots", "next_due", "on_record", "pause", "pause_wave", "paused", "reap",
    "release", "renew", "resolve_ambiguous", "resume", "resume_waves", "settle", "settle_all", "still_ours", "take_due",
]  # fmt: skip


class Settled(NamedTuple):
    """How one attempt ended."""

    state: LetterState
    phase: SmtpPhase
    code: int | None = None
    reply: str = ""
    charge: bool = False
    again_in: timedelta | None = None
    address_state: AddressState | None = None
    content_sha256: str | None = None
    bug: bool = False
    """It failed on our own side."""


def mark_dots(
    on: On, claimed: Sequence[Claimed], *, at: datetime, contents: Mapping[Fence, str] | None = None
) -> set[Fence]:
    """Note that the final dots are about to go out; those of the letters that are still ours and may be ended so.

    Nothing is on record of a letter before: without its dot no server keeps it. `contents`: their SHA-256.
    """
    hashes = contents or {}
    if not (rows := {one.fence: (*one.fence, hashes.get(one.fence)) for one in claimed}):
        return set()
    return {(id, number, owner) for id, number, owner in _DOT.execute(on, list(rows.values()), at=at)}


_OURS = (
    "letter.id = given.id AND letter.attempts = given.attempt AND letter.lease_owner = given.owner"
    " AND letter.state = 'sending'"
)
"""The fence: still under the lease of this very attempt."""
_FENCED = {"id": Letter.id, "attempt": Letter.attempts, "owner": Letter.lease_owner}
_DOT = RowSet(
    "INSERT INTO mail_attempt (letter_id, number, owner, content_sha256, begun_at, phase, reply)"  # noqa: S608
    " SELECT letter.id, letter.attempts, letter.lease_owner, given.content, {at}, 'dot', ''"
    f" FROM {{given}} JOIN letter ON {_OURS} WHERE true {{locked}}"
    " ON CONFLICT (letter_id, number, owner) DO UPDATE SET phase = 'dot' RETURNING letter_id, number, owner",
    {**_FENCED, "content": MailAttempt.content_sha256},
    shared={"at": MailAttempt.begun_at},
    found=[MailAttempt.letter_id, MailAttempt.number, MailAttempt.owner],
)


def settle(session: Session, one: Claimed, how: Settled, *, at: datetime) -> bool:
    """Record how an attempt ended; False, and the letter is untouched, if the lease was lost meanwhile.

    The attempt itself keeps what really happened, so that a copy that was sent twice is counted as such.
    """
    return settle_all(session, [(one, how)], at=at)[0]


def settle_all(on: On, ended: Sequence[tuple[Claimed, Settled]], *, at: datetime) -> list[bool]:
    """`settle` for many at once."""
    if not ended:
        return []
    # PostgreSQL takes no row twice in one statement; of several claims of a letter the fence lets one through
    letters = {one.fence: _row(one, how, at) for one, how in ended}
    ours = set(_SETTLE.execute(on, list(letters.values()), at=at))
    attempts = {
        one.fence: (*one.fence, how.phase, how.code, how.reply[:500], how.state, how.content_sha256)
        for one, how in ended
    }
    _END.execute(on, list(attempts.values()), at=at)
    for one, how in ended:
        if (one.id, one.attempt) in ours and how.address_state is not None:
            here = Person.id == one.person_id, Person.email == one.address
            connection_of(on).execute(update(Person).where(*here).values(email_state=how.address_state))
    return [(one.id, one.attempt) in ours for one, _ in ended]


_SETTLE = RowSet(
    "UPDATE letter SET state = given.state, reply_code = given.reply_code, reply = given.reply,"  # noqa: S608
    " next_at = given.next_at, charged = given.charged, bugs = given.bugs, ambiguities = given.ambiguities,"
    " ended_at = given.ended_at, lease_owner = NULL, lease_until = NULL,"
    " accepted_at = CASE WHEN given.state = 'accepted' THEN {at} ELSE letter.accepted_at END,"
    " content_sha256 = coalesce(given.content_sha256, letter.content_sha256)"
    f" FROM {{given}} WHERE {_OURS} RETURNING letter.id, letter.attempts",
    {**_FENCED, "state": Letter.state, "reply_code": Letter.reply_code, "reply": Letter.reply,
     "next_at": Letter.next_at, "charged": Letter.charged, "bugs": Letter.bugs, "ambiguities": Letter.ambiguities,
     "ended_at": Letter.ended_at, "content_sha256": Letter.content_sha256},
    shared={"at": Letter.accepted_at},
    found=[Letter.id, Letter.attempts],
)  # fmt: skip
_END = RowSet(
    "INSERT INTO mail_attempt (letter_id, number, owner, begun_at, ended_at, phase, code, reply, outcome,"
    " content_sha256)"
    " SELECT letter_id, number, owner, {at}, {at}, phase, code, reply, outcome, content_sha256 FROM {given} WHERE true"
    " ON CONFLICT (letter_id, number, owner) DO UPDATE SET ended_at = excluded.ended_at, phase = excluded.phase,"
    " code = excluded.code, reply = excluded.reply, outcome = excluded.outcome",
    {"letter_id": MailAttempt.letter_id, "number": MailAttempt.number, "owner": MailAttempt.owner,
     "phase": MailAttempt.phase, "code": MailAttempt.code, "reply": MailAttempt.reply,
     "outcome": MailAttempt.outcome, "content_sha256": MailAttempt.content_sha256},
    shared={"at": MailAttempt.ended_at},
)  # fmt: skip


def on_record(on: On, ended: Iterable[tuple[Claimed, Settled]]) -> set[int]:
    """Letters whose attempts ended like this already: a commit was done, and only the word of it was lost."""
    found = set()
    for one, how in ended:
        this = select(MailAttempt.outcome).filter_by(letter_id=one.id, number=one.attempt, owner=one.owner)
        if connection_of(on).scalar(this.where(MailAttempt.ended_at.is_not(None))) is how.state:
            found.add(one.id)
    return found


def _row(one: Claimed, how: Settled, at: datetime) -> tuple[Any, ...]:
    ended = how.state not in WAITING and how.state is not LetterState.AMBIGUOUS
    return (
        *one.fence, how.state, how.code, how.reply[:500], at + how.again_in if how.again_in else at,
        one.charged + how.charge, one.bugs + how.bug, one.ambiguities + (how.state is LetterState.AMBIGUOUS),
        at if ended else None, how.content_sha256,
    )  # fmt: skip


def still_ours(on: On, claimed: Iterable[Claimed]) -> set[int]:
    """Which of the letters are still under the lease of this very attempt; they stay locked to the end."""
    held = {one.fence for one in claimed}
    return {id for (id,) in _HELD.execute(on, list(held))} if held else set()


_HELD = RowSet(
    f"SELECT letter.id FROM {{given}} JOIN letter ON {_OURS} {{locked}}",  # noqa: S608
    _FENCED,
    found=[Letter.id],
)


def give_back(on: On, claimed: Sequence[Claimed]) -> int:
    """Return letters of which nothing was sent, at once: a process that stops keeps nobody waiting.

    An attempt that was noted ahead of time did not take place.
    """
    if not (ours := still_ours(on, claimed)):
        return 0
    back = update(Letter).where(Letter.id.in_(ours))
    connection_of(on).execute(back.values(state=LetterState.QUEUED, lease_owner=None, lease_until=None))
    unused = delete(MailAttempt).where(
        MailAttempt.letter_id.in_(ours), MailAttempt.owner.in_({one.owner for one in claimed}),
        MailAttempt.ended_at.is_(None),
    )  # fmt: skip
    connection_of(on).execute(unused)
    return len(ours)


def renew(session: Session, claimed: Collection[Claimed], *, lease: timedelta = LEASE) -> int:
    """Push out the leases of what a living process knows that it holds.

    What only the database says that it holds, after a restored copy or a claim whose commit was not answered, must be
    reaped like a dead one's.
    """
    held = update(Letter).where(
        Letter.id.in_([one.id for one in claimed]), Letter.lease_owner.in_({one.owner for one in claimed}),
        Letter.state == LetterState.SENDING,
    )  # fmt: skip
    return session.connection().execute(held.values(lease_until=database_now(session) + lease)).rowcount


def release(session: Session, owners: Iterable[str]) -> int:
    """Return all that is held under names of which nobody knows what they hold: the word of their claim was lost."""
    held = update(Letter).where(
        text(IN_DOUBT_SQL), Letter.lease_owner.in_(list(owners)), Letter.state == LetterState.SENDING
    )  # fmt: skip
    return (
        session.connection().execute(held.values(state=LetterState.QUEUED, lease_owner=None, lease_until=None)).rowcount
    )


def reap(session: Session, *, at: datetime, limit: int = 1000) -> Mapping[str, int]:
    """Take letters whose lease ran out: before the dot, back to the queue; from it on, nobody knows if they arrived."""
    now = database_now(session)
    query = select(Letter).where(
        text(IN_DOUBT_SQL), Letter.state == LetterState.SENDING, Letter.lease_until < now
    )  # fmt: skip
    expired = session.scalars(query.order_by(Letter.id).limit(limit).with_for_update(skip_locked=True)).all()
    counts = {"requeued": 0, "ambiguous": 0}
    for place, letter in enumerate(expired):
        this = {"letter_id": letter.id, "number": letter.attempts, "owner": letter.lease_owner or ""}
        begun = session.scalar(select(MailAttempt).filter_by(**this))
        doubtful = begun is not None and begun.phase in (None, SmtpPhase.DOT, SmtpPhase.DONE)
        letter.lease_owner, letter.lease_until = None, None
        if doubtful:
            letter.state, letter.ambiguities = LetterState.AMBIGUOUS, letter.ambiguities + 1
            letter.next_at = min(at, begun.begun_at) if begun else at  # in doubt since then, not since it was noticed
            letter.content_sha256 = (begun and begun.content_sha256) or letter.content_sha256
            letter.reply = "the process that was sending it died"
        else:
            wait = again_after_death(letter.attempts)  # apart, lest one that kills takes the others along each time
            letter.state, letter.next_at = LetterState.QUEUED, at + wait + wait * place / len(expired)
        if begun is None:
            begun = MailAttempt(**this, begun_at=at, phase=SmtpPhase.CONNECT)
            session.add(begun)
        begun.ended_at, begun.outcome, begun.reply = at, letter.state, "the process that was sending it died"
        begun.phase = SmtpPhase.DOT if doubtful else begun.phase
        counts["ambiguous" if doubtful else "requeued"] += 1
    session.flush()
    return counts


def expire(session: Session, owners: Iterable[str]) -> int:
    """End the leases of dispatchers that are known to be gone, so that they are reaped at once."""
    now, count = database_now(session), 0
    for owner in owners:
        held = update(Letter).where(
            text(IN_DOUBT_SQL), Letter.state == LetterState.SENDING, Letter.lease_until >= now,
            Letter.lease_owner.startswith(f"{owner}/", autoescape=True),
        )  # fmt: skip
        count += session.connection().execute(held.values(lease_until=now - timedelta(seconds=1))).rowcount
    return count


def is_overdue(session: Session, *, at: datetime) -> bool:
    """Whether a letter waits for `reap` or `resolve_ambiguous`."""
    dead = (Letter.state == LetterState.SENDING) & (Letter.lease_until < database_now(session))
    waited = Letter.next_at <= at - AFTER_AMBIGUOUS
    ends = (Letter.ambiguities > 1) | Letter.kind.in_(NEVER_TWICE)
    doubtful = (Letter.state == LetterState.AMBIGUOUS) & Letter.ended_at.is_(None) & (waited | ends)
    return session.scalar(select(Letter.id).where(text(IN_DOUBT_SQL), dead | doubtful).limit(1)) is not None


def resolve_ambiguous(session: Session, *, at: datetime, limit: int = 1000) -> int:
    """Send again, once and byte by byte the same, what may have been lost; a code never: it can be asked for anew.

    A letter whose attempt turned out to be accepted, by a process that lost its lease, is accepted.
    """
    query = select(Letter).where(
        text(IN_DOUBT_SQL), Letter.state == LetterState.AMBIGUOUS, Letter.ended_at.is_(None)
    )  # fmt: skip
    sent_again = 0
    for letter in session.scalars(query.limit(limit).with_for_update(skip_locked=True)):
        wait = again_after_ambiguous(letter.kind, letter.ambiguities)
        if session.scalar(select(exists().where(_accepted(letter.id)))):
            letter.state, letter.accepted_at, letter.ended_at = LetterState.ACCEPTED, at, at
        elif wait is None:
            letter.ended_at = at
        elif letter.next_at + wait <= at:
            letter.state, letter.next_at = LetterState.QUEUED, at
            sent_again += 1
    session.flush()
    return sent_again


def _accepted(letter_id: int):
    return (MailAttempt.letter_id == letter_id) & (MailAttempt.outcome == LetterState.ACCEPTED)


def pause(session: Session, reason: str, *, at: datetime) -> None:
    """Stop delivery in all processes."""
    switch = _switch(session)
    switch.paused_at, switch.reason = at, reason
    session.flush()


def resume(session: Session) -> None:
    switch = _switch(session)
    switch.paused_at, switch.reason = None, ""
    session.flush()


def _switch(session: Session) -> MailSwitch:
    return session.merge(MailSwitch(id=1))


def resume_waves(session: Session) -> int:
    """Let all stopped waves go on, but for those that await their release; returns how many."""
    stopped = update(Wave).where(Wave.paused_at.is_not(None)).values(paused_at=None, paused_reason="")
    return len(session.execute(stopped.returning(Wave.id)).all())


def pause_wave(session: Session, wave_id: int, reason: str, *, at: datetime) -> None:
    """Stop one wave: our side is wrong, and every further letter would be lost the same way."""
    wave = session.get_one(Wave, wave_id, with_for_update=True)
    if wave.paused_at is None:
        wave.paused_at, wave.paused_reason = at, reason
        session.flush()
