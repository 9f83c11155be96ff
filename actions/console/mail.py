"""The waves of a cycle as HR reads them, and who has no letter of a wave, with the reason."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import case, exists, func, select
from sqlalchemy.orm import Session

from actions.console.overview import PAGE, Slice, slice_of
from actions.mail.waves import Outlook
from models import Assignment, Letter, Person, Stage, Wave
from rules.terms import AddressState, AssignmentState, LetterState, StageKind

__all__ = ["Outlook", "WaveLine", "missed", "unwritten", "wave_of", "waves_of", "without_letter"]
GOT = (LetterState.ACCEPTED, LetterState.DELIVERED)
UNDER_WAY = (LetterState.QUEUED, LetterState.SENDING, LetterState.DEFERRED)


@dataclass(frozen=True, slots=True)
class WaveLine:
    """One wave with its letters counted; the stage is None if it belongs to none."""

    wave: Wave
    stage: StageKind | None
    fates: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Kind of letter -> fate -> how many."""

    @property
    def got(self) -> int:
        return self._of(GOT)

    @property
    def under_way(self) -> int:
        return self._of(UNDER_WAY)

    @property
    def owed(self) -> int:
        return sum(sum(counts.values()) for counts in self.fates.values())

    @property
    def waits(self) -> str:
        """What its letters wait for: `release`, `stopped` or `canary`; empty if for nothing of their own."""
        if self.wave.awaits_release:
            return "release"
        if self.wave.paused_at is not None:
            return "stopped"
        return "canary" if self.wave.canary else ""

    def _of(self, states: Sequence[LetterState]) -> int:
        return sum(counts.get(state, 0) for counts in self.fates.values() for state in states)


def waves_of(session: Session, cycle_id: int, *, start: int = 0) -> Slice:
    """The waves of the cycle that have letters, newest first: `WaveLine`."""
    planned = Wave.cycle_id == cycle_id, Wave.planned > 0
    query = select(Wave, Stage.kind).outerjoin(Stage, Stage.id == Wave.stage_id).where(*planned)
    found = session.execute(query.order_by(Wave.id.desc()).offset(start).limit(PAGE)).tuples().all()
    total = session.scalar(select(func.count()).select_from(Wave).where(*planned)) or 0
    return Slice(_counted(session, found), total, start)


def wave_of(session: Session, cycle_id: int, wave_id: int) -> WaveLine | None:
    """One wave, if it is one of the cycle."""
    query = select(Wave, Stage.kind).outerjoin(Stage, Stage.id == Wave.stage_id)
    found = session.execute(query.where(Wave.id == wave_id, Wave.cycle_id == cycle_id)).tuples().all()
    return next(iter(_counted(session, found)), None)


def _counted(session: Session, found: Sequence[tuple[Wave, StageKind | None]]) -> list[WaveLine]:
    counted: dict[int, dict[str, dict[str, int]]] = defaultdict(dict)
    query = select(Letter.wave_id, Letter.kind, Letter.state, func.count()).where(
        Letter.wave_id.in_([wave.id for wave, _ in found])
    )
    for wave_id, kind, state, count in session.execute(query.group_by(Letter.wave_id, Letter.kind, Letter.state)):
        counted[wave_id].setdefault(kind, {})[state.value] = count
    return [WaveLine(wave, stage, counted[wave.id]) for wave, stage in found]


@dataclass(frozen=True, slots=True)
class Missed:
    letter: Letter
    person: str
    address_state: AddressState
    why: str
    """A code: the state of the letter, or what is known beyond it."""
    reply: str
    """What the mail server said, or our own dispatcher where no code says it."""


def without_letter(session: Session, wave_id: int, *, start: int = 0) -> Slice:
    """Everybody without their letter of the wave, whom it may still reach last: `Missed`."""
    where = Letter.wave_id == wave_id, Letter.state.not_in(GOT)
    query = select(Letter, Person.name, Person.email_state).join(Person, Person.id == Letter.person_id).where(*where)
    order = case((Letter.state.in_(UNDER_WAY), 2), (Letter.state == LetterState.CANCELLED, 1), else_=0)
    total = session.scalar(select(func.count()).select_from(Letter).where(*where)) or 0
    rows = session.execute(query.order_by(order, Letter.id).offset(start).limit(PAGE)).tuples().all()
    return Slice([missed(*row) for row in rows], total, start)


def unwritten(session: Session, stage_id: int | None, *, start: int = 0) -> Slice:
    """People who have an open duty in the stage, were told of it by its record, and have no letter there."""
    query = (
        select(Person.id, Person.name).join(Assignment, Assignment.person_id == Person.id)
        .where(Assignment.stage_id == stage_id, Assignment.state == AssignmentState.OPEN,
               Assignment.optional.is_(False), Assignment.told_at.is_not(None),
               ~exists().where(Letter.person_id == Person.id, Letter.stage_id == stage_id))
        .distinct().order_by(Person.name, Person.id)
    )  # fmt: skip
    return slice_of(session, query, start)


def missed(letter: Letter, person: str, address_state: AddressState) -> Missed:
    """Why the person has no letter."""
    dead = address_state in (AddressState.HARD, AddressState.BLOCKED)
    why = letter.state.value
    if letter.state is LetterState.HELD and dead:
        why = "held_address"
    if letter.state is LetterState.AMBIGUOUS and letter.ended_at is not None:
        why = "ambiguous_ended"
    said = why in ("held_address", LetterState.EXPIRED, LetterState.CANCELLED, LetterState.QUEUED)
    return Missed(letter, person, address_state, why, "" if said else letter.reply)
