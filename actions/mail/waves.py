"""Letters that go out together: counted, let go by a second person if they are many, stopped and resumed.

Small waves need nobody.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

import settings
from actions.line.holders import holds_role
from actions.mail import limits as mail_limits
from actions.mail.claims import paused
from actions.mail.limits import Allowance
from actions.store import trail
from models import Agency, Assignment, Cycle, Installation, Letter, Person, Stage, Wave
from rules.mail.limits import seconds_for
from rules.refused import Refused
from rules.terms import AssignmentState, LetterState, Role, StageKind

RELEASE_ABOVE, CANARY = 1000, 50
RELEASERS = (Role.PERFORMANCE_ADMIN, Role.APPOINTING_AUTHORITY, Role.OPS)
WAITING = (LetterState.QUEUED, LetterState.DEFERRED)


class WaveRefused(Refused):
    """There is no such wave, or it cannot be done with it; the message says why and what to do."""


def expected(session: Session, stage_id: int | None) -> int:
    """How many people of a stage no letter has told yet: the size that its next wave will have at least."""
    if stage_id is None:
        return 0
    query = select(func.count(Assignment.person_id.distinct())).where(
        Assignment.stage_id == stage_id, Assignment.state == AssignmentState.OPEN, Assignment.told_at.is_(None)
    )
    return session.scalar(query) or 0


def gate(session: Session, wave: Wave) -> None:
    """Hold a wave for its release, or send a few of its letters ahead, if it is large; nothing leaves before that."""
    if wave.released_at is not None or wave.awaits_release:
        return
    size, limit, ahead = max(wave.planned, wave.expected), *_limits(session)
    wave.awaits_release = limit is not None and size > limit
    if wave.canary is None and ahead and size > max(ahead, _canary_above()):
        wave.canary = ahead
    session.flush()


def _limits(session: Session) -> tuple[int | None, int]:
    """Above how many letters a wave is held (None: never), and how many go ahead; a simulated year has no people."""
    chosen = settings.load()
    played = session.scalar(select(Installation.kind)) == "simulation"
    above, canary = chosen.mail_release_above, chosen.mail_canary
    return (
        above if above is not None else None if played else RELEASE_ABOVE,
        canary if canary is not None else 0 if played else CANARY,
    )


def _canary_above() -> int:
    """A canary that was asked for is sent before any wave that is larger than it."""
    return 0 if settings.load().mail_canary is not None else RELEASE_ABOVE


def find(session: Session, key: str, *, lock: bool = False) -> Wave:
    query = select(Wave).filter_by(key=key)
    wave = session.scalar(query.with_for_update() if lock else query)
    if wave is None:
        raise WaveRefused(f"There is no wave {key!r}; `appraisal mail waves` lists them.")
    return wave


def opening(session: Session, agency: str, year: int, stage: StageKind) -> Wave:
    """The wave that opens a stage; WaveRefused while it is not built yet."""
    query = (
        select(Stage.id).join(Cycle, Cycle.id == Stage.cycle_id).join(Agency, Agency.id == Cycle.agency_id)
        .where(Agency.code == agency, Cycle.year == year, Stage.kind == stage)
    )  # fmt: skip
    stage_id = session.scalar(query)
    wave = session.scalar(select(Wave).filter_by(key=f"{stage.value}.open:{stage_id}"))
    if wave is None:
        raise WaveRefused(
            f"The letters that open {stage.value} in {agency} {year} are not written yet;"
            " `appraisal cycle plan` shows who would get what, and when."
        )
    return wave


def release(session: Session, key: str, nip: str, *, at: datetime) -> Wave:
    """Let a held wave go; a second person does, with a role in the agency, never who launched the cycle."""
    wave = find(session, key, lock=True)
    if not wave.awaits_release:
        raise WaveRefused(f"Wave {key} awaits no release.")
    cycle = session.get_one(Cycle, wave.cycle_id)
    agency = session.get_one(Agency, cycle.agency_id)
    person = session.scalar(select(Person).filter_by(nip=nip, agency_id=agency.id))
    if person is None:
        raise WaveRefused(f"Nobody in {agency.code} has NIP {nip}.")
    if person.id == cycle.launched_by_id:
        raise WaveRefused(f"{person.name} launched the cycle: somebody else has to release its letters.")
    today = at.astimezone(ZoneInfo(agency.zone)).date()
    if not any(holds_role(session, person, role, today) for role in RELEASERS):
        raise WaveRefused(f"{person.name} is neither HR, appointing authority nor ops of {agency.code}.")
    wave.awaits_release, wave.released_at, wave.released_by_id = False, at, person.id
    session.flush()
    trail.record(session, agency.id, "wave.released", f"wave:{wave.id}", at=at, actor=trail.Actor(person.id),
                 after={"key": key, "planned": wave.planned})  # fmt: skip
    return wave


def pause(session: Session, key: str, reason: str, *, at: datetime) -> Wave:
    wave = find(session, key, lock=True)
    wave.paused_at, wave.paused_reason = wave.paused_at or at, reason
    session.flush()
    return wave


def resume(session: Session, key: str) -> Wave:
    """Let a stopped wave go on; it does not stand for a release."""
    wave = find(session, key, lock=True)
    if wave.paused_at is None:
        raise WaveRefused(f"Wave {key} is not stopped.")
    wave.paused_at, wave.paused_reason = None, ""
    session.flush()
    return wave


UNDER_WAY = (*WAITING, LetterState.SENDING)


class Hold(StrEnum):
    """What a waiting letter waits for."""

    NOTHING = "queued"
    STOPPED = "held: delivery is stopped"
    RELAY = "queued: the relay is down"
    RELEASE = "waiting for release"
    WAVE = "held: its wave is stopped"
    CANARY = "waiting for the canary"


@dataclass(frozen=True, slots=True)
class Outlook:
    """What stands in the way of all letters: why delivery is stopped, and since when the relay takes nothing."""

    stopped: str = ""
    down_since: datetime | None = None
    down_reason: str = ""

    @classmethod
    def of(cls, session: Session) -> "Outlook":
        since, reason = mail_limits.relay_down(session) or (None, "")
        return cls(paused(session), since, reason)

    @property
    def hold(self) -> Hold:
        if self.stopped:
            return Hold.STOPPED
        return Hold.RELAY if self.down_since is not None else Hold.NOTHING

    @property
    def words(self) -> str:
        """Empty if nothing does."""
        if self.stopped:
            return f"delivery is stopped: {self.stopped}"
        if self.down_since is not None:
            return f"the relay is down since {self.down_since:%Y-%m-%d %H:%M} UTC: {self.down_reason}"
        return ""


def holds(wave: Wave | None, waiting: int, outlook: Outlook, at: datetime) -> Mapping[Hold, int]:
    """How many of a wave's waiting letters wait for what; None: letters of no wave."""
    if wave is not None and wave.awaits_release:
        return {Hold.RELEASE: waiting}
    if wave is not None and wave.paused_at is not None:
        return {Hold.WAVE: waiting}
    if wave is not None and wave.canary:
        ahead = min(wave.canary, waiting)
        return {outlook.hold: ahead, Hold.CANARY: waiting - ahead} if waiting > ahead else {outlook.hold: ahead}
    if wave is not None and wave.canary_until is not None and wave.canary_until > at:
        return {Hold.CANARY: waiting}
    return {outlook.hold: waiting}


@dataclass(frozen=True, slots=True)
class Seen:
    """A wave as it stands."""

    wave: Wave
    agency: str
    states: Mapping[str, int]
    seconds: float
    """How long the rest takes at the limits in force."""
    outlook: Outlook = Outlook()

    @property
    def waiting(self) -> int:
        return sum(self.states.get(state.value, 0) for state in WAITING)

    @property
    def under_way(self) -> int:
        """Waiting or being sent."""
        return sum(self.states.get(state.value, 0) for state in UNDER_WAY)

    @property
    def stands(self) -> str:
        """What keeps it from going on; empty if nothing does."""
        wave = self.wave
        if wave.awaits_release:
            return f"awaiting release: `appraisal mail release {wave.key} --by NIP`"
        if wave.paused_at is not None:
            return f"stopped: {wave.paused_reason}"
        if self.outlook.words and self.waiting:
            return self.outlook.words
        if wave.canary:
            return f"canary: the first {wave.canary} go ahead"
        if wave.canary_until is not None and self.waiting:
            until = f"{wave.canary_until:%Y-%m-%d %H:%M} UTC"
            return f"canary: a few went ahead; the rest follows after {until}"
        return ""


def seen(session: Session, wave: Wave) -> Seen:
    counted = select(Letter.state, func.count()).where(Letter.wave_id == wave.id).group_by(Letter.state)
    states = {state.value: count for state, count in session.execute(counted)}
    agency = select(Agency.code).join(Cycle, Cycle.agency_id == Agency.id).where(Cycle.id == wave.cycle_id)
    left = seconds_left(session, wave.id)
    return Seen(wave, session.scalars(agency).one(), states, left, Outlook.of(session))


def all_of(session: Session, *, agency: str = "", everything: bool = False) -> Sequence[Seen]:
    """Waves that are not through, oldest first; `everything`: those as well that are."""
    query = select(Wave).join(Cycle, Cycle.id == Wave.cycle_id).join(Agency, Agency.id == Cycle.agency_id)
    if agency:
        query = query.where(Agency.code == agency)
    found = [seen(session, wave) for wave in session.scalars(query.order_by(Wave.id))]
    return [one for one in found if everything or one.under_way or one.wave.awaits_release]


def seconds_left(session: Session, wave_id: int) -> float:
    """How long the waiting letters of a wave take, through the relay's and all domains' limits."""
    counted = select(Letter.domain, func.count()).where(Letter.wave_id == wave_id, Letter.state.in_(WAITING))
    return seconds_through(session, Counter(dict(session.execute(counted.group_by(Letter.domain)).tuples().all())))


def seconds_through(session: Session, letters: Counter[str]) -> float:
    """How long so many letters, by domain, take at the limits in force."""
    if (limits := Allowance.load(session)) is None:
        return seconds_for(letters.total(), [])
    times = [seconds_for(letters.total(), [_flow(bucket, limits.now) for bucket in limits.relay])]
    times += [
        seconds_for(count, [_flow(limits.domains[domain], limits.now)])
        for domain, count in letters.items()
        if domain in limits.domains
    ]
    return max(times)


def _flow(bucket: mail_limits.Bucket, now: float) -> tuple[float, float]:
    rate = mail_limits.rate(bucket)
    return (mail_limits.tokens(bucket, now), rate) if rate is not None else (float("inf"), 0.0)


def hold_waiting(session: Session, *, at: datetime) -> int:
    """Keep back every waiting letter, for HR to decide: after a restore they may have gone out before; how many."""
    held = update(Letter).where(Letter.state.in_(WAITING)).values(
        state=LetterState.HELD, ended_at=at, reply="it may have gone out before the database was restored"
    ).returning(Letter.id)  # fmt: skip
    return len(session.execute(held.execution_options(synchronize_session=False)).all())
