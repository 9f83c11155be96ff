"""Whether mail is complete: answers from the tables alone."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from actions.mail import waves
from actions.mail.claims import WAITING, database_now
from actions.recovery.restores import COPY
from models import Agency, Assignment, Letter, MailAttempt, MailEvent, MailSwitch, Person, Stage, Wave
from rules.mail.bounces import FATES, EventKind
from rules.mail.smtp_outcomes import again_after_ambiguous
from rules.terms import AssignmentState, LetterState

DELIVERED = (LetterState.ACCEPTED, LetterState.DELIVERED, LetterState.BOUNCED_SOFT, LetterState.BOUNCED_HARD)


def count_missing(
    session: Session, *, cycle_id: int | None = None, stage_id: int | None = None, wave_id: int | None = None
) -> int:
    """Promises without a letter: accepted letters that neither an attempt nor a report proves, and open duties
    that none covers; for a wave, instead of duties, planned letters that are not there.
    """
    unproven = select(func.count()).select_from(Letter).where(
        Letter.state.in_(DELIVERED),
        ~exists().where(MailAttempt.letter_id == Letter.id, MailAttempt.outcome == LetterState.ACCEPTED),
        ~exists().where(MailEvent.letter_id == Letter.id, MailEvent.kind.in_(FATES)),
    )  # fmt: skip
    uncovered = select(func.count()).select_from(Assignment).join(Stage, Stage.id == Assignment.stage_id).where(
        Assignment.state == AssignmentState.OPEN, Assignment.optional.is_(False), Assignment.told_at.is_not(None),
        ~exists().where(Letter.person_id == Assignment.person_id, Letter.stage_id == Assignment.stage_id),
    )  # fmt: skip
    if wave_id is not None:
        there = select(func.count()).select_from(Letter).where(Letter.wave_id == wave_id).scalar_subquery()
        uncovered = select(Wave.planned - there).where(Wave.id == wave_id)
        unproven = unproven.where(Letter.wave_id == wave_id)
    if cycle_id is not None:
        unproven = unproven.where(Letter.cycle_id == cycle_id)
        uncovered = uncovered.where(Stage.cycle_id == cycle_id)
    if stage_id is not None:
        unproven = unproven.where(Letter.stage_id == stage_id)
        uncovered = uncovered.where(Stage.id == stage_id)
    return (session.scalar(unproven) or 0) + (session.scalar(uncovered) or 0)


def count_doubled(session: Session, where: Sequence[ColumnElement[bool]]) -> int:
    """Letters that a server accepted more than once."""
    twice = (
        select(MailAttempt.letter_id).join(Letter, Letter.id == MailAttempt.letter_id)
        .where(MailAttempt.outcome == LetterState.ACCEPTED, *where)
        .group_by(MailAttempt.letter_id).having(func.count() > 1).subquery()
    )  # fmt: skip
    return session.scalar(select(func.count()).select_from(twice)) or 0


def count_doubtful(session: Session, where: Sequence[ColumnElement[bool]]) -> int:
    """Letters of which nobody knows whether they arrived, and that will be sent once more."""
    waiting = select(func.count()).select_from(Letter)
    return session.scalar(waiting.where(Letter.state == LetterState.AMBIGUOUS, Letter.ended_at.is_(None), *where)) or 0


def count_repeated(session: Session, where: Sequence[ColumnElement[bool]]) -> int:
    """Letters accepted after an attempt of which nobody knows whether it arrived: perhaps two copies of one letter."""
    before = exists().where(MailAttempt.letter_id == Letter.id, MailAttempt.outcome == LetterState.AMBIGUOUS)
    accepted = select(func.count()).select_from(Letter).where(Letter.state.in_(DELIVERED), before, *where)
    return session.scalar(accepted) or 0


def count_restored(session: Session, where: Sequence[ColumnElement[bool]]) -> int:
    """Letters accepted after a restore that may have been sent before it, when nobody remembers."""
    before = exists().where(MailAttempt.letter_id == Letter.id, MailAttempt.owner.startswith(COPY))
    accepted = select(func.count()).select_from(Letter).where(Letter.state.in_(DELIVERED), before, *where)
    return session.scalar(accepted) or 0


NOT_REACHED = (
    LetterState.FAILED_PERM, LetterState.HELD, LetterState.BOUNCED_HARD, LetterState.BOUNCED_SOFT,
    LetterState.AMBIGUOUS, LetterState.SUPPRESSED, LetterState.EXPIRED,
)  # fmt: skip


def waiting(session: Session, agency: str = "", *, at: datetime) -> list[dict[str, Any]]:
    """The letters that are still to go, by kind and by what they wait for."""
    where = [Agency.code == agency] if agency else []
    query = (
        select(Letter.kind, Letter.wave_id, func.count()).join(Person, Person.id == Letter.person_id)
        .join(Agency, Agency.id == Person.agency_id).where(Letter.state.in_(WAITING), *where)
        .group_by(Letter.kind, Letter.wave_id).order_by(Letter.kind, Letter.wave_id)
    )  # fmt: skip
    rows = session.execute(query).tuples().all()
    known = {wave.id: wave for wave in session.scalars(select(Wave).where(Wave.id.in_({id for _, id, _ in rows})))}
    outlook, counts = waves.Outlook.of(session), Counter[tuple[str, str]]()
    for kind, wave_id, count in rows:
        for hold, of in waves.holds(known.get(wave_id or 0), count, outlook, at).items():
            counts[kind, hold.value] += of
    return [{"kind": kind, "stands": stands, "count": count} for (kind, stands), count in counts.items() if count]


def outlook(session: Session, *, at: datetime) -> dict[str, Any]:
    """What stands in the way of all letters, and when a dispatcher was last at work."""
    found, switch = waves.Outlook.of(session), session.get(MailSwitch, 1)
    seen = switch.beat_at if switch is not None else None
    return {
        "paused": found.stopped, "relay_down_since": found.down_since and found.down_since.isoformat(),
        "relay_down_reason": found.down_reason, "dispatcher_seen_at": seen and seen.isoformat(),
        "dispatcher_seen_seconds_ago": seen and round((database_now(session) - seen).total_seconds()),
    }  # fmt: skip


def _why(letter: Letter) -> str:
    """Why it did not reach its person, and what becomes of it where somebody waits for that."""
    why = letter.reply or letter.state.value
    if letter.state is not LetterState.AMBIGUOUS:
        return why
    if letter.ended_at is not None:
        return f"{why}; it may have arrived: a person decides"
    again = again_after_ambiguous(letter.kind, letter.ambiguities)
    then = f"the same copy goes out once more after {letter.next_at + again:%Y-%m-%d %H:%M} UTC" if again else "it ends"
    return f"{why}; {then}"


def _of_agency(agency: str) -> list[ColumnElement[bool]]:
    theirs = select(Person.id).join(Agency, Agency.id == Person.agency_id).where(Agency.code == agency)
    return [Letter.person_id.in_(theirs)] if agency else []


def overview(session: Session, agency: str = "") -> dict[str, Any]:
    """The outbox by kind and state, every letter that did not reach its person, with the reason, and what came back.

    What came back is counted for the whole installation: a forged report belongs to no agency.
    """
    where = [Agency.code == agency] if agency else []
    counted = (
        select(Letter.kind, Letter.state, func.count()).join(Person, Person.id == Letter.person_id)
        .join(Agency, Agency.id == Person.agency_id).where(*where).group_by(Letter.kind, Letter.state)
        .order_by(Letter.kind, Letter.state)
    )  # fmt: skip
    missed = (
        select(Letter, Person.name).join(Person, Person.id == Letter.person_id)
        .join(Agency, Agency.id == Person.agency_id).where(*where, Letter.state.in_(NOT_REACHED)).order_by(Letter.id)
    )  # fmt: skip
    events = select(MailEvent.kind, func.count()).where(MailEvent.kind != EventKind.TOLD).group_by(MailEvent.kind)
    return {
        "perhaps_twice": count_restored(session, _of_agency(agency)),
        "came_back": dict(session.execute(events.order_by(MailEvent.kind)).tuples().all()),
        "counts": [{"kind": kind, "state": state.value, "count": n} for kind, state, n in session.execute(counted)],
        "not_reached": [
            {"id": letter.id, "name": name, "address": letter.address, "kind": letter.kind,
             "state": letter.state.value, "why": _why(letter)}
            for letter, name in session.execute(missed).tuples()
        ],
    }  # fmt: skip


def not_reached(session: Session, *, wave_id: int) -> list[dict[str, str]]:
    """Who did not get a letter of the wave, and why."""
    missed = (
        select(Person.name, Letter.address, Letter.state, Letter.reply).join(Person, Person.id == Letter.person_id)
        .where(Letter.wave_id == wave_id, Letter.state.in_((*NOT_REACHED, LetterState.CANCELLED))).order_by(Letter.id)
    )  # fmt: skip
    return [
        {"who": name, "address": address, "state": state.value, "why": reply or state.value}
        for name, address, state, reply in session.execute(missed).tuples()
    ]
