"""What must hold of letters whatever went wrong, from the tables and the mail server alone: invariants I1 to I8."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from actions.mail import checks, claims, outbox
from actions.store import trail
from database import Database
from models import Agency, Letter, MailAttempt, Wave
from rules.terms import LetterState
from simulation.sink import Arrival, Sink


@dataclass(frozen=True, slots=True)
class _Seen:
    """The tables, and what had arrived before and after they were read."""

    before: Sequence[Arrival]
    after: Sequence[Arrival]
    letters: Sequence[Letter]
    proven: frozenset[int]
    waves: Mapping[int, int]
    listed: frozenset[int]
    trail_holds: bool
    now: datetime

    @classmethod
    def of(cls, db: Database, sink: Sink) -> "_Seen":
        before = list(sink.letters)
        with db.reading() as session:
            accepted = select(MailAttempt.letter_id).filter_by(outcome=LetterState.ACCEPTED)
            letters = session.scalars(select(Letter)).all()
            proven = frozenset(session.scalars(accepted))
            waves = {wave.id: wave.planned for wave in session.scalars(select(Wave))}
            listed = frozenset(row["id"] for row in checks.overview(session)["not_reached"])
            holds = not any(trail.verify(session, agency) for agency in session.scalars(select(Agency.id)).all())
            now = outbox.database_now(session)
        return cls(before, list(sink.letters), letters, proven, waves, listed, holds, now)

    @property
    def states(self) -> Counter[LetterState]:
        return Counter(one.state for one in self.letters)

    @property
    def accepted(self) -> list[Letter]:
        return [one for one in self.letters if one.state is LetterState.ACCEPTED]


def breaches(
    db: Database, sink: Sink, *, deaths: int = 0, everything_out: bool = False, under_way: bool = False,
    most_per_window: tuple[float, int] | None = None,
) -> list[str]:  # fmt: skip
    """What does not hold, in words; nothing if all is well.

    `deaths`: copies for which there may be no doubt on record. `everything_out`: whether all that is owed should have
    been accepted by now; what was given up must be on HR's list in any case. `under_way`: dispatchers are at work.
    `most_per_window`: seconds, and the most letters that the limits allow in any window of that length.
    """
    seen = _Seen.of(db, sink)
    found = [*_covered(seen), *_copied(seen, deaths), *_in_order(seen)]
    if everything_out and set(seen.states) - {LetterState.ACCEPTED}:
        found.append(f"I1: not all out: {dict(seen.states)}")
    if not under_way and seen.states[LetterState.SENDING]:
        found.append("I6: still held")
    if most_per_window is not None and sink.busiest(most_per_window[0]) > most_per_window[1]:
        found.append("I7: faster than the limit")
    return found


def _covered(seen: _Seen) -> Iterator[str]:
    arrived = {one.message_id for one in seen.after}
    if any(one.message_id not in arrived for one in seen.accepted):
        yield "I1: accepted, but never arrived"
    if any(one.id not in seen.proven for one in seen.accepted):
        yield "I1: accepted, but no attempt says so"
    if any(one.state in (LetterState.FAILED_PERM, LetterState.HELD) and one.id not in seen.listed
           for one in seen.letters):  # fmt: skip
        yield "I1: given up, and HR is not told"


def _copied(seen: _Seen, deaths: int) -> Iterator[str]:
    copies = Counter(one.message_id for one in seen.before)
    doubts = {one.message_id: one.ambiguities for one in seen.letters}
    if any(count > 1 + doubts[id] + deaths for id, count in copies.items()):
        yield "I2: more copies of a letter than doubts"
    if copies.total() - len(copies) > sum(doubts.values()) + deaths:
        yield "I2: too many copies"
    if len({(one.message_id, one.content) for one in seen.before}) > len(copies):
        yield "I4: copies differ"


def _in_order(seen: _Seen) -> Iterator[str]:
    if any(one.not_after and one.accepted_at and one.accepted_at > one.not_after for one in seen.accepted):
        yield "I3: accepted after the time when it made no sense any more"
    if not seen.trail_holds:
        yield "I5: the trail is broken"
    if any(one.lease_until and one.lease_until < seen.now - 2 * claims.LEASE for one in seen.letters):
        yield "I6: a lease forgotten"
    there = Counter(one.wave_id for one in seen.letters)
    if any(planned != there[wave] for wave, planned in seen.waves.items()):
        yield "I8: a wave is not what was planned"
