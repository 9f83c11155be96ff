"""Rates, connection caps and the circuit breaker, in the database: k dispatchers together keep one limit.

All times are the database's clock. Each take is one statement that refills and takes at once.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from actions.store.bulk import insert_new
from actions.store.row_sets import RowSet
from models import Bucket, Letter
from models.letter import IN_DOUBT_SQL
from rules.mail.limits import RECOVERY_SECONDS, SLOWEST, Limit, check_scope, longest_wait
from rules.terms import LetterState

RELAY = "relay"
LEARNED_LEAST = 10.0
"""Letters a second: what is assumed of a server that asks for less before anything was seen of it."""
_EMPTY = {"words": "", "factor": 1.0, "burst": 1.0, "tokens": 0.0, "taken": 0, "refilled": 0.0, "slowed": 0.0,
          "failures": 0, "down_until": 0.0, "down_reason": ""}  # fmt: skip
_WORDS = {
    "sqlite": {"now": "((julianday('now') - 2440587.5) * 86400.0)", "least": "min", "greatest": "max",
               "whole": "CAST({0} AS INTEGER)"},
    "postgresql": {"now": "CAST(extract(epoch FROM statement_timestamp()) AS double precision)", "least": "LEAST",
                   "greatest": "GREATEST", "whole": "CAST(floor({0}) AS integer)"},
}  # fmt: skip


def _dialect(session: Session) -> Mapping[str, str]:
    return _WORDS[session.get_bind().dialect.name]


def seconds_now(session: Session) -> float:
    """The database's clock in seconds since 1970."""
    return float(session.execute(text(f"SELECT {_dialect(session)['now']}")).scalar_one())


def take(session: Session, scope: str, want: int, *, keep: int = 0) -> int:
    """Take up to `want` tokens, leaving `keep` of those there are to others; how many were got.

    Refills first, and lets a rate that was cut grow back. A scope without a rate gives what is wanted.
    """
    word = _dialect(session)
    passed = f"{word['greatest']}(0.0, {word['now']} - refilled)"
    there = f"{word['least']}(burst, tokens + {passed} * COALESCE(per_second, learned) * factor)"
    whole = word["whole"].format(there)
    got = f"{word['least']}(CAST(:want AS INTEGER), {word['greatest']}(0, {whole} - CAST(:keep AS INTEGER)))"
    statement = text(
        f"UPDATE bucket SET taken = {got}, tokens = {there} - {got},"  # noqa: S608 - our own words only
        f" factor = {word['least']}(1.0, factor + {passed} / :recovery),"
        f" refilled = {word['greatest']}(refilled, {word['now']})"
        " WHERE scope = :scope AND (per_second IS NOT NULL OR (learned IS NOT NULL AND factor < 1.0))"
        " RETURNING taken"
    )
    values = {"want": want, "keep": keep, "recovery": RECOVERY_SECONDS, "scope": scope}
    taken = session.execute(statement, values).scalar_one_or_none()
    return want if taken is None else int(taken)


def give(session: Session, scope: str, count: int) -> None:
    """Put back what was taken and not used."""
    if count > 0:
        more = update(Bucket).where(Bucket.scope == scope).values(tokens=Bucket.tokens + count)
        session.execute(more.execution_options(synchronize_session=False))


def set_limit(session: Session, scope: str, limit: Limit | None, *, max_connections: int | None = None) -> Bucket:
    """Set or lift the limit of a scope; it holds for every claim from the commit on. LimitRefused for other scopes.

    `max_connections`: letters under way at once over all dispatchers; 0 lifts it, None leaves it.
    """
    bucket = _locked(session, check_scope(scope))
    bucket.words = _words(limit)
    bucket.per_second = limit.per_second if limit else None
    bucket.burst = float(limit.burst) if limit else 1.0
    bucket.tokens, bucket.refilled = min(bucket.tokens, bucket.burst), seconds_now(session)
    bucket.learned, bucket.factor = None, 1.0
    if max_connections is not None:
        bucket.max_connections = max_connections or None
    session.flush()
    return bucket


def _words(limit: Limit | None) -> str:
    names = {1: "s", 60: "min", 3600: "h", 86400: "day"}
    return f"{limit.amount}/{names[limit.seconds]}" if limit else ""


def _locked(session: Session, scope: str) -> Bucket:
    insert_new(session, Bucket, [{**_EMPTY, "scope": scope}])
    query = select(Bucket).filter_by(scope=scope).with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one()


def limits(session: Session) -> Sequence[Bucket]:
    """All limits, the relay's first."""
    found = session.scalars(select(Bucket).execution_options(populate_existing=True)).all()
    return sorted(found, key=lambda bucket: (not bucket.scope.startswith(RELAY), bucket.scope))


def slow_down(session: Session, scope: str, *, observed: float) -> None:
    """Halve the rate, at most once a second; without a limit it is half of what was `observed` (letters a second)."""
    bucket, now = _locked(session, scope), seconds_now(session)
    if now - bucket.slowed < 1.0:
        return
    if bucket.per_second is None and (bucket.learned is None or bucket.factor >= 1.0):
        learned = max(LEARNED_LEAST, observed)
        bucket.learned, bucket.burst, bucket.tokens, bucket.refilled, bucket.factor = (
            learned,
            learned / 10,
            0.0,
            now,
            1.0,
        )
    bucket.factor, bucket.slowed = max(SLOWEST, bucket.factor / 2), now
    session.flush()


def relay_failed(session: Session, reason: str = "") -> float:
    """Leave the relay alone for a random time that doubles with each failure; seconds. Counts once while it is down."""
    bucket, now = _locked(session, RELAY), seconds_now(session)
    bucket.down_since, bucket.down_reason = bucket.down_since or now, reason[:200]
    if bucket.down_until <= now:
        bucket.failures += 1
        bucket.down_until = now + random.uniform(0, longest_wait(bucket.failures))  # noqa: S311 - only spread
        session.flush()
    return bucket.down_until - now


def relay_works(session: Session) -> None:
    """Somebody got through: everybody may try."""
    works = update(Bucket).where(Bucket.scope == RELAY, Bucket.failures > 0).values(
        failures=0, down_until=0.0, down_since=None, down_reason=""
    )  # fmt: skip
    session.execute(works.execution_options(synchronize_session=False))


def relay_down(session: Session) -> tuple[datetime, str] | None:
    """Since when nobody gets through to the relay, and what it was last met with; None: as far as is known it works."""
    bucket = session.scalar(select(Bucket).filter_by(scope=RELAY).execution_options(populate_existing=True))
    if bucket is None or bucket.down_since is None:
        return None
    return datetime.fromtimestamp(bucket.down_since, UTC), bucket.down_reason


_ANY = RowSet("SELECT scope FROM bucket LIMIT 1", found=[Bucket.scope])


@dataclass(slots=True)
class Allowance:
    """What one claim may take; reads the limits once, and writes only where there is one."""

    session: Session
    now: float
    relay: Sequence[Bucket]
    domains: Mapping[str, Bucket]

    @classmethod
    def load(cls, session: Session) -> "Allowance | None":
        """None where nothing at all is limited."""
        if not _ANY.execute(session):  # cheaper than to find no objects
            return None
        found = limits(session)
        domains = {bucket.scope.partition(":")[2]: bucket for bucket in found if bucket.scope.startswith("domain:")}
        return cls(session, seconds_now(session), [one for one in found if one.scope.startswith(RELAY)], domains)

    @property
    def limited(self) -> bool:
        return any(_limits(bucket) for bucket in [*self.relay, *self.domains.values()])

    @property
    def down_for(self) -> float:
        """Seconds for which the relay is left alone."""
        return max([bucket.down_until - self.now for bucket in self.relay], default=0.0)

    @property
    def probing(self) -> bool:
        """Whether nobody has got through since the relay was last down: then one letter is enough to find out."""
        return any(bucket.failures for bucket in self.relay)

    def of_relay(self, want: int, keep: int) -> int:
        """Take for so many letters; the same again with `back` for those not found."""
        for bucket in self.relay:
            if bucket.max_connections is not None:
                _lock(self.session, bucket.scope)
                want = min(want, bucket.max_connections - _under_way(self.session))
        granted = max(0, want)
        got: dict[str, int] = {}
        for bucket in self.relay:
            if _has_rate(bucket):
                granted = got[bucket.scope] = take(self.session, bucket.scope, granted, keep=keep)
        for scope, taken in got.items():
            give(self.session, scope, taken - granted)
        return granted

    def back(self, count: int) -> None:
        for bucket in self.relay:
            if _has_rate(bucket):
                give(self.session, bucket.scope, count)

    def of_domain(self, domain: str, want: int, keep: int) -> int:
        """Take for so many letters to the domain; `want` are under way already as far as the cap is concerned."""
        bucket = self.domains[domain]
        if bucket.max_connections is not None:
            _lock(self.session, bucket.scope)
            over = _under_way(self.session, domain) - bucket.max_connections
            want = max(0, want - max(0, over))
        return take(self.session, bucket.scope, want, keep=keep) if _has_rate(bucket) and want else want

    def shut_domains(self) -> set[str]:
        """Domains that can take nothing now, so that a claim need not look at their letters."""
        return {name for name, bucket in self.domains.items() if _limits(bucket) and not self._open(name, bucket)}

    def _open(self, name: str, bucket: Bucket) -> bool:
        if _has_rate(bucket) and tokens(bucket, self.now) < 1:
            return False
        cap = bucket.max_connections
        return cap is None or _under_way(self.session, name) < cap


def tokens(bucket: Bucket, now: float) -> float:
    """How many are there now."""
    return min(bucket.burst, bucket.tokens + max(0.0, now - bucket.refilled) * (rate(bucket) or 0.0))


def rate(bucket: Bucket) -> float | None:
    """Letters a second in force; None: as fast as it goes."""
    base = bucket.per_second if bucket.per_second is not None else bucket.learned
    return base * bucket.factor if base is not None and _has_rate(bucket) else None


def _has_rate(bucket: Bucket) -> bool:
    return bucket.per_second is not None or (bucket.learned is not None and bucket.factor < 1.0)


def _limits(bucket: Bucket) -> bool:
    return _has_rate(bucket) or bucket.max_connections is not None


def _lock(session: Session, scope: str) -> None:
    """So that two claims do not both count before either has taken."""
    session.execute(select(Bucket.scope).filter_by(scope=scope).with_for_update())


def _under_way(session: Session, domain: str | None = None) -> int:
    query = select(func.count()).select_from(Letter).where(text(IN_DOUBT_SQL), Letter.state == LetterState.SENDING)
    return session.scalar(query if domain is None else query.where(Letter.domain == domain)) or 0
