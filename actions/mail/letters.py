"""Owing letters: a row in the transaction that makes it owed, with a key that makes the second time harmless."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from actions.mail import waves
from actions.store.bulk import insert_new, portions
from models import Letter, Person, Wave
from notifications.kinds import KINDS, LASTING, LIVES, Life
from rules.terms import LetterState, Locale


@dataclass(frozen=True, slots=True)
class Owed:
    """One letter owed to one person. `key` is `<kind>:<what>:<occasion>`."""

    kind: str
    key: str
    person_id: int
    address: str
    locale: Locale
    facts: Mapping[str, Any]
    link_id: int | None = None
    code_id: int | None = None
    stage_id: int | None = None
    cycle_id: int | None = None
    not_after: datetime | None = None
    not_before: datetime | None = None
    """When it goes out; at once if there is no such time."""
    thread: str | None = None
    """Key of the letter that this one follows up."""


def owed_to(person: Person, kind: str, key: str, facts: Mapping[str, Any], **more: Any) -> Owed:
    return Owed(kind, key, person.id, person.email, person.locale, facts, **more)


def message_id(key: str, domain: str = "appraisal.example") -> str:
    """A Message-ID that follows from the key alone, so a copy is recognisably the same letter."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain}>"


def queue(session: Session, letters: Iterable[Owed], *, at: datetime, wave: Wave | None = None) -> int:
    """Put the letters that are not owed yet into the outbox; the number that was new is added to the wave's plan."""
    rows = [_row(letter, at, wave) for letter in letters]
    added = insert_new(session, Letter, rows)
    if wave is not None:
        wave.planned += added
        waves.gate(session, wave)
    return added


def _row(letter: Owed, at: datetime, wave: Wave | None) -> dict[str, Any]:
    return {
        "key": letter.key, "kind": letter.kind, "lane": KINDS[letter.kind].lane, "wave_id": wave.id if wave else None,
        "cycle_id": letter.cycle_id, "stage_id": letter.stage_id, "person_id": letter.person_id,
        "link_id": letter.link_id, "code_id": letter.code_id, "locale": letter.locale, "facts": dict(letter.facts),
        "address": letter.address, "domain": letter.address.rsplit("@", 1)[-1].lower(),
        "message_id": message_id(letter.key), "in_reply_to": message_id(letter.thread) if letter.thread else None,
        "state": LetterState.QUEUED, "attempts": 0, "charged": 0, "bugs": 0, "ambiguities": 0, "queued_at": at,
        "next_at": letter.not_before or at, "reply": "",
        "not_after": None if LIVES[letter.kind] is Life.LASTING else letter.not_after,
    }  # fmt: skip


UNSENT = (*waves.WAITING, LetterState.SENDING, LetterState.HELD, LetterState.FAILED_PERM)
"""What may still go out, at once or once HR has mended an address."""


def keep_useful(session: Session, stage_id: int, until: datetime, people: Iterable[int] | None = None) -> int:
    """Let letters that wait be sent until a later moment, for the date that they are about has moved; how many."""
    theirs = [Letter.stage_id == stage_id, Letter.state.in_(UNSENT), Letter.not_after < until,
              Letter.kind.not_in(LASTING)]  # fmt: skip
    count = 0
    for portion in [None] if people is None else portions(sorted(set(people))):
        moved = update(Letter).where(*theirs, *([Letter.person_id.in_(portion)] if portion is not None else []))
        moved = moved.values(not_after=until).returning(Letter.id)
        count += len(session.execute(moved.execution_options(synchronize_session=False)).all())
    return count


def wave_of(session: Session, key: str, cycle_id: int, stage_id: int | None, *, at: datetime) -> Wave:
    """Return the wave of that key, made on first use and locked until the transaction ends."""
    find = select(Wave).filter_by(key=key).with_for_update().execution_options(populate_existing=True)
    if (wave := session.scalar(find)) is not None:
        return wave
    row = {
        "key": key, "cycle_id": cycle_id, "stage_id": stage_id, "planned": 0, "made_at": at, "paused_reason": "",
        "expected": waves.expected(session, stage_id), "awaits_release": False,
    }  # fmt: skip
    insert_new(session, Wave, [row])
    return session.scalars(find).one()


@dataclass(frozen=True, slots=True)
class Certificate:
    """What became of every letter of a cycle, a stage or a wave; the counts add up to `owed`."""

    owed: int
    states: Mapping[str, int]
    missing: int
    doubled: int
    planned: int
    doubtful: int = 0
    repeated: int = 0
    restored: int = 0

    @property
    def open(self) -> int:
        return sum(self.states.get(state, 0) for state in ("queued", "sending", "deferred")) + self.doubtful

    @property
    def clean(self) -> bool:
        """Nothing missing, doubled or still under way, no copy that a restore may have let out.

        As many rows as were planned as well.

        What was sent again after a process or connection died is told in `repeated` and leaves it clean: the copies
        are one letter, the same to the last byte and of the same Message-ID, at most one per connection that died.
        """
        return not (self.missing or self.doubled or self.open or self.restored) and self.owed == sum(
            self.states.values()
        )


def certificate(
    session: Session, *, cycle_id: int | None = None, stage_id: int | None = None, wave_id: int | None = None
) -> Certificate:
    """Count the letters by fate from the tables alone.

    missing: accepted letters without an accepted attempt, and open mandatory assignments that no letter ever covered;
    doubled: letters with more than one accepted attempt; doubtful: those that may be lost and are yet to be sent again;
    repeated: accepted ones that were, so that some people may have two copies; restored: accepted ones that may have
    gone out before as well, after the backup that was restored was made.
    """
    from actions.mail import checks

    where = [Letter.cycle_id == cycle_id] if cycle_id is not None else []
    where += [Letter.stage_id == stage_id] if stage_id is not None else []
    where += [Letter.wave_id == wave_id] if wave_id is not None else []
    counted = session.execute(select(Letter.state, func.count()).where(*where).group_by(Letter.state))
    states = {state.value: count for state, count in counted}
    planned = select(func.coalesce(func.sum(Wave.planned), 0))
    planned = planned.where(Wave.cycle_id == cycle_id) if cycle_id is not None else planned
    planned = planned.where(Wave.id == wave_id) if wave_id is not None else planned
    return Certificate(
        owed=sum(states.values()),
        states=states,
        missing=checks.count_missing(session, cycle_id=cycle_id, stage_id=stage_id, wave_id=wave_id),
        doubled=checks.count_doubled(session, where),
        planned=session.scalar(planned) or 0,
        doubtful=checks.count_doubtful(session, where),
        repeated=checks.count_repeated(session, where),
        restored=checks.count_restored(session, where),
    )
