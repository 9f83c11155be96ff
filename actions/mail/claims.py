"""Taking letters that are due: urgent first, within all limits, past waves that are stopped, and only what is fresh.

The database's own clock decides on leases and limits, so that no machine's wrong clock steals a letter; deadlines use
`at`.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import EllipsisType
from typing import Any, NamedTuple

from sqlalchemy import case, func, select, text, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from actions.mail.limits import Allowance, rate
from actions.store.row_sets import RowSet, full_name
from models import ActionLink, Letter, MailSwitch, Person, Stage, StepCode, Wave
from models.letter import WAITING_SQL
from notifications.kinds import LASTING, PINNED, WITH_STAGE
from rules.terms import AddressState, Lane, LetterState, LinkState, Locale, StageState

LEASE = timedelta(minutes=35)
"""At least three times the longest send: ten minutes for the reply to the final dot, and a margin."""
WAITING = (LetterState.QUEUED, LetterState.DEFERRED)
CANARY_WAIT = timedelta(minutes=10)
YIELD = timedelta(minutes=10)
"""Others leave tokens to urgent letters for so long; older ones nobody seems to serve."""
SOON, LATEST = 0.01, 0.5
"""Seconds to wait for a token: at least and at most, so that a changed limit is seen within a second."""

Fence = tuple[int, int, str]
"""Letter, attempt, owner: what tells one claim of a letter from any other."""


class Claimed(NamedTuple):
    """A letter that this owner alone may send; its `fence` stands before every later write."""

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
    bugs: int = 0

    @property
    def fence(self) -> Fence:
        return self.id, self.attempt, self.owner


@dataclass(frozen=True, slots=True)
class Taken:
    """What a claim got. `wait`: seconds after which more may be had; None: nothing else is due."""

    letters: Sequence[Claimed]
    wait: float | None = None


def database_now(session: Session) -> datetime:
    """The database's clock, aware, in UTC."""
    ((now,),) = _NOW.execute(session)
    return now


def paused(session: Session) -> str:
    """Why delivery is stopped for everybody; empty if it is not."""
    found = _PAUSED.execute(session)
    return found[0][0] or "paused" if found else ""


_NOW = RowSet("SELECT {now}", found=[Letter.lease_until])
_PAUSED = RowSet("SELECT reason FROM mail_switch WHERE id = 1 AND paused_at IS NOT NULL", found=[MailSwitch.reason])


def claim(
    session: Session, owner: str, lanes: Collection[Lane], limit: int, *, at: datetime, lease: timedelta = LEASE
) -> list[Claimed]:
    """Take up to `limit` letters that are due; two claimers never get the same one. Stale ones are ended instead."""
    return list(take_due(session, owner, lanes, limit, at=at, lease=lease).letters)


def take_due(
    session: Session, owner: str, lanes: Collection[Lane], limit: int, *, at: datetime, lease: timedelta = LEASE,
    allowance: Allowance | EllipsisType | None = ...,
) -> Taken:  # fmt: skip
    """`claim`, and when to ask again. `allowance`: what was loaded in this transaction, if it was."""
    if limit <= 0 or paused(session):
        return Taken([])
    wanted = [lane for lane in Lane if lane in lanes]
    if isinstance(allowance, EllipsisType):
        allowance = Allowance.load(session)
    while True:
        if allowance is None or not allowance.limited:
            ids, wait = _Claim(session, owner, at, lease, None).take(wanted, limit), None
        else:
            ids, wait = _take_limited(session, owner, wanted, limit, allowance, at, lease)
        fresh = _fresh(session, owner, ids, at) if ids else []
        if allowance is not None:
            allowance.back(len(ids) - len(fresh))
        if fresh or not ids:  # stale ones were only ended: what is behind them is still due
            return Taken(fresh, wait)
        allowance = Allowance.load(session)


def _take_limited(
    session: Session, owner: str, lanes: Sequence[Lane], limit: int, allowance: Allowance, at: datetime,
    lease: timedelta,
) -> tuple[list[int], float | None]:  # fmt: skip
    if not is_due(session, lanes, at=at):
        return [], None
    urgent = _urgent(session, at) if Lane.URGENT not in lanes else Counter()
    claiming = _Claim(session, owner, at, lease, allowance, urgent)
    room = allowance.of_relay(limit, keep=urgent.total())
    ids = claiming.take(lanes, room)
    allowance.back(room - len(ids))
    return ids, _wait(allowance) if room < limit or claiming.shut else None


def _wait(allowance: Allowance) -> float:
    rates = [found for one in [*allowance.relay, *allowance.domains.values()] if (found := rate(one)) is not None]
    return min(LATEST, max(SOON, 1 / max(rates))) if rates else LATEST / 5


def _urgent(session: Session, at: datetime) -> Counter[str]:
    """Urgent letters by domain that are due and that somebody is about to send."""
    query = select(Letter.domain, func.count()).where(
        text(WAITING_SQL), Letter.lane == Lane.URGENT, Letter.next_at.between(at - YIELD, at)
    )
    return Counter(dict(session.execute(query.group_by(Letter.domain)).tuples().all()))


_NEXT = (  # by lane first, which one index alone has in that order: others would be searched from end to end
    f"(SELECT CASE WHEN lane = {{lane}} THEN wave_id END FROM letter WHERE {WAITING_SQL}"  # noqa: S608
    " AND (lane, wave_id) >= ({lane}, AFTER + 1) ORDER BY lane, wave_id LIMIT 1)"
)
_WAVES = RowSet(  # the distinct waves of a lane, a seek for each: a million letters are not read
    f"WITH RECURSIVE waiting(id) AS (SELECT {_NEXT.replace('AFTER', '0')} UNION ALL"  # noqa: S608
    f" SELECT {_NEXT.replace('AFTER', 'waiting.id')} FROM waiting WHERE waiting.id IS NOT NULL)"
    " SELECT wave.id, wave.canary IS NOT NULL FROM waiting JOIN wave ON wave.id = waiting.id"
    " WHERE wave.paused_at IS NULL AND NOT wave.awaits_release"
    " AND (wave.canary_until IS NULL OR wave.canary_until <= {at}) ORDER BY wave.id",
    shared={"lane": Letter.lane, "at": Wave.canary_until},
    found=[Wave.id, Wave.awaits_release],
)


def _waves(session: Session, lane: Lane, at: datetime) -> Sequence[tuple[int, bool]]:
    """Waves with waiting letters that are not stopped, oldest first, and whether a few go out ahead of the rest."""
    return [(id, ahead) for id, ahead in _WAVES.execute(session, lane=lane, at=at)]


def is_due(session: Session, lanes: Iterable[Lane], *, at: datetime) -> bool:
    """Whether a letter that is not stopped may go out now."""
    due = next_due(session, list(lanes), at=at)
    return due is not None and due <= at


def next_due(session: Session, lanes: Collection[Lane], *, at: datetime | None = None) -> datetime | None:
    """When the next waiting letter may be sent; letters of stopped waves do not count.

    `at` lets waves go on whose canary has waited long enough.
    """
    first = []
    for lane in lanes:
        for wave in [None, *(wave for wave, _ in _waves(session, lane, at or datetime.now(UTC)))]:
            of = Letter.wave_id.is_(None) if wave is None else Letter.wave_id == wave
            query = select(func.min(Letter.next_at)).where(text(WAITING_SQL), Letter.lane == lane, of)
            first.append(session.scalar(query))
    return min((due for due in first if due is not None), default=None)


def count_due(session: Session, lanes: Collection[Lane], *, at: datetime) -> int:
    """How many letters would go out now if nothing stood in the way; those of stopped waves do not count."""
    count = 0
    for lane in lanes:
        of = Letter.wave_id.is_(None) | Letter.wave_id.in_([wave for wave, _ in _waves(session, lane, at)])
        query = select(func.count()).select_from(Letter).where(text(WAITING_SQL), Letter.lane == lane, of)
        count += session.scalar(query.where(Letter.next_at <= at)) or 0
    return count


def _take(of_wave: str) -> RowSet:
    return RowSet(
        f"WITH due AS (SELECT letter.id FROM letter WHERE {WAITING_SQL} AND lane = {{lane}}"  # noqa: S608
        f" AND next_at <= {{at}} AND {of_wave} AND domain NOT IN (SELECT given.domain FROM {{given}})"
        " ORDER BY next_at, letter.id LIMIT {room} {skipping})"
        " UPDATE letter SET state = 'sending', lease_owner = {me}, lease_until = {until}, attempts = attempts + 1,"
        " first_tried_at = coalesce(first_tried_at, {at}) WHERE id IN (SELECT id FROM due)"
        " RETURNING id, domain, next_at",
        {"domain": Letter.domain},
        shared={"lane": Letter.lane, "at": Letter.next_at, "room": Letter.attempts, "me": Letter.lease_owner,
                "until": Letter.lease_until, "wave": Letter.wave_id},
        found=[Letter.id, Letter.domain, Letter.next_at],
    )  # fmt: skip


_TAKE_LONE, _TAKE_OF_WAVE = _take("wave_id IS NULL"), _take("wave_id = {wave}")


@dataclass(slots=True)
class _Claim:
    session: Session
    owner: str
    at: datetime
    lease: timedelta
    allowance: Allowance | None
    urgent: Counter[str] = field(default_factory=Counter)
    shut: set[str] = field(default_factory=set)
    """Domains that take no more now."""

    def take(self, lanes: Iterable[Lane], room: int) -> list[int]:
        ids: list[int] = []
        if self.allowance is not None:
            self.shut = self.allowance.shut_domains()
        until = database_now(self.session) + self.lease
        for lane in lanes:
            if len(ids) >= room:
                break
            ids += self._of_wave(lane, None, room - len(ids), until)
            for wave, ahead in _waves(self.session, lane, self.at) if len(ids) < room else ():
                left = room - len(ids)
                found = self._of_wave(lane, wave, self._canary(wave, left) if ahead else left, until)
                if ahead and found:
                    self._count_canary(wave, len(found))
                ids += found
        return ids

    def _canary(self, wave: int, room: int) -> int:
        """How many may be taken: all, unless a few are sent ahead first."""
        if room <= 0:
            return 0
        query = select(Wave.canary).where(Wave.id == wave, Wave.canary > 0, Wave.canary_until.is_(None))
        left = self.session.scalar(query.with_for_update())
        return room if left is None else min(room, left)

    def _of_wave(self, lane: Lane, wave: int | None, room: int, until: datetime) -> list[int]:
        ids: list[int] = []
        while room > len(ids):
            take = _TAKE_LONE if wave is None else _TAKE_OF_WAVE
            rows = take.execute(
                self.session, [(domain,) for domain in sorted(self.shut)], lane=lane, at=self.at, me=self.owner,
                room=room - len(ids), until=until, wave=wave,
            )  # fmt: skip
            found = [(id, domain) for id, domain, _ in sorted(rows, key=lambda row: (row[2], row[0]))]
            over = self._beyond(found)
            ids += [id for id, _ in found if id not in over]
            if not over:
                break
        return ids

    def _beyond(self, found: Sequence[tuple[int, str]]) -> set[int]:
        """Let go of letters to domains that take no more; what is let go waits as before."""
        if self.allowance is None or not self.allowance.domains:
            return set()
        over: set[int] = set()
        for domain, count in sorted(Counter(domain for _, domain in found).items()):
            if domain in self.allowance.domains:
                granted = self.allowance.of_domain(domain, count, self.urgent[domain])
                over.update([id for id, of in found if of == domain][granted:])
                if granted < count:
                    self.shut.add(domain)
        if over:
            back = update(Letter).where(Letter.id.in_(over)).execution_options(synchronize_session=False)
            self.session.execute(back.values(
                state=LetterState.QUEUED, lease_owner=None, lease_until=None, attempts=Letter.attempts - 1,
                first_tried_at=case((Letter.attempts > 1, Letter.first_tried_at)),
            ))  # fmt: skip
        return over

    def _count_canary(self, wave: int, count: int) -> None:
        ahead = update(Wave).where(Wave.id == wave, Wave.canary > 0, Wave.canary_until.is_(None))
        ahead = ahead.values(canary=Wave.canary - count).returning(Wave.canary)
        left = self.session.execute(ahead.execution_options(synchronize_session=False)).scalar_one_or_none()
        if left is not None and left <= 0:
            rest = update(Wave).where(Wave.id == wave).values(canary=0, canary_until=self.at + CANARY_WAIT)
            self.session.execute(rest.execution_options(synchronize_session=False))


class _Row(NamedTuple):
    """A letter and what decides whether it still makes sense."""

    id: int
    attempts: int
    kind: str
    lane: Lane
    wave_id: int | None
    person_id: int
    link_id: int | None
    code_id: int | None
    locale: Locale
    facts: Mapping[str, Any]
    address: str
    domain: str
    message_id: str
    in_reply_to: str | None
    first_tried_at: datetime | None
    charged: int
    ambiguities: int
    not_after: datetime | None
    content_sha256: str | None
    bugs: int
    name: str
    email: str
    email_state: AddressState
    kid: int | None
    link_state: LinkState | None
    revoked_reason: str | None
    stage_state: StageState | None
    expires_at: datetime | None
    used_at: datetime | None


_ELSEWHERE: Mapping[str, InstrumentedAttribute[Any]] = {
    "name": Person.name, "email": Person.email, "email_state": Person.email_state, "kid": ActionLink.kid,
    "link_state": ActionLink.state, "revoked_reason": ActionLink.revoked_reason, "stage_state": Stage.state,
    "expires_at": StepCode.expires_at, "used_at": StepCode.used_at,
}  # fmt: skip
_COLUMNS = [_ELSEWHERE[name] if name in _ELSEWHERE else getattr(Letter, name) for name in _Row._fields]
_WHOLE = RowSet(
    f"SELECT {', '.join(map(full_name, _COLUMNS))}"  # noqa: S608 - our own words only
    " FROM letter JOIN person ON person.id = letter.person_id"
    " LEFT JOIN action_link ON action_link.id = letter.link_id LEFT JOIN stage ON stage.id = letter.stage_id"
    " LEFT JOIN step_code ON step_code.id = letter.code_id WHERE letter.id IN (SELECT id FROM {given})",
    {"id": Letter.id},
    found=_COLUMNS,
)


def _whole(session: Session, ids: Sequence[int]) -> list[_Row]:
    return [_Row._make(row) for row in _WHOLE.execute(session, [(id,) for id in ids])]


def look(session: Session, ids: Sequence[int], *, at: datetime) -> list[tuple[Claimed, str]]:
    """The letters as they would be sent now, and why one would not be; nothing is changed."""
    return [
        (_claimed(row, "", row.email if _moved(row) else row.address, row.first_tried_at or at),
         ": ".join(_stale(row, at) or ()))
        for row in sorted(_whole(session, ids))
    ]  # fmt: skip


def _fresh(session: Session, owner: str, ids: Sequence[int], at: datetime) -> list[Claimed]:
    """The letters that still make sense, in the order of `ids`; the others are ended."""
    found = {row.id: row for row in _whole(session, ids)}
    good, moved = [], []
    for row in (found[id] for id in ids):
        if (end := _stale(row, at)) is not None:
            _end(session, row, *end, at=at)
            continue
        changed = _moved(row)
        if changed:
            moved.append(row)
        good.append(_claimed(row, owner, row.email if changed else row.address, row.first_tried_at or at))
    for row in moved:
        new = update(Letter).where(Letter.id == row.id).values(address=row.email, domain=domain_of(row.email))
        session.execute(new.execution_options(synchronize_session=False))
    return good


def _moved(row: _Row) -> bool:
    """Whether the letter goes to an address that was written down since; not when a copy may be out already."""
    return row.ambiguities == 0 and row.address != row.email and row.kind not in PINNED


def domain_of(address: str) -> str:
    return address.rsplit("@", 1)[-1].lower()


def _end(session: Session, row: _Row, state: LetterState, why: str, *, at: datetime) -> None:
    """End it as if it had not been claimed."""
    ended = update(Letter).where(Letter.id == row.id).values(
        state=state, reply=why, ended_at=at, lease_owner=None, lease_until=None, attempts=row.attempts - 1,
        first_tried_at=row.first_tried_at if row.attempts > 1 else None,
    )  # fmt: skip
    session.execute(ended.execution_options(synchronize_session=False))


def _stale(row: _Row, at: datetime) -> tuple[LetterState, str] | None:
    """What ends a letter before it is sent: too late, its link revoked, its stage over, or no address to send to."""
    if (last := _last_moment(row)) is not None and at > last:
        return LetterState.EXPIRED, "its time had passed before it could be sent"
    if row.stage_state is StageState.CLOSED and row.kind in WITH_STAGE:
        return LetterState.EXPIRED, "its stage had closed before it could be sent"
    if row.link_state is LinkState.REVOKED:
        return LetterState.CANCELLED, f"its link was revoked: {row.revoked_reason}"
    if row.code_id is not None and (row.used_at is not None or (row.expires_at or at) <= at):
        return LetterState.CANCELLED, "its code is no longer asked for"
    known = row.address == row.email or row.kind not in PINNED
    if known and row.email_state in (AddressState.HARD, AddressState.BLOCKED):
        return LetterState.HELD, f"the address is {row.email_state.value}: HR finds another one"
    return None


def _last_moment(row: _Row) -> datetime | None:
    """Until when it makes sense; letters of older versions may have an end that their kind does not have any more."""
    return None if row.kind in LASTING else row.not_after


def _claimed(row: _Row, owner: str, address: str, first_tried_at: datetime) -> Claimed:
    return Claimed(
        row.id, owner, row.attempts, row.kind, row.lane, row.wave_id, row.person_id, row.link_id, row.kid, row.code_id,
        row.locale, row.facts, address, domain_of(address), row.name, row.message_id, row.in_reply_to, first_tried_at,
        row.charged, row.ambiguities, _last_moment(row), row.content_sha256, row.bugs,
    )  # fmt: skip
