"""The other side of the soak: who owes letters, tidies up after the dead, and counts in the end."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count, cycle

from sqlalchemy import func, select, text, update

from actions.mail import letters, limits, outbox
from benchmarks.kills.process import BEGINS, IN_ALL
from database import Database
from models import Agency, Bucket, Cycle, Letter, MailAttempt, Person
from models.letter import WAITING_SQL
from notifications.samples import samples
from rules.mail.limits import Limit
from rules.terms import CycleState, Lane, LetterState, Locale
from simulation.sink import Sink

KIND = "launch_certificate"
PEOPLE = 200
PORTION, WAVE = 50, 500
RATE, WINDOW = 150, 10.0
"""Letters a second that all dispatchers together may send, and the window in which that is checked."""
MOST_PER_WINDOW = round(RATE * WINDOW) + RATE // 10 + 2 * 3 * IN_ALL
"""With the burst, and what two dispatchers had claimed before the window began."""
UNDER_WAY = (LetterState.QUEUED, LetterState.DEFERRED, LetterState.SENDING)
LANES = cycle([Lane.URGENT, Lane.INVITATION, Lane.REMINDER, Lane.DIGEST])


@dataclass
class Office:
    db: Database
    now: Callable[[], datetime]
    cycle_id: int = 0
    owed: int = 0
    _people: list[Person] = field(default_factory=list)
    _numbers: count = field(default_factory=count)

    def __post_init__(self) -> None:
        with self.db.transaction() as session:
            agency = Agency(code="soak", name="Soak", zone="Asia/Jakarta", indicators="{}")
            session.add(agency)
            session.flush()
            self._people = [
                Person(agency_id=agency.id, nip=f"{n:018d}", name=f"Pegawai {n}", email=f"p{n}@soak.example",
                       active_from=date(2020, 1, 1))
                for n in range(PEOPLE)
            ]  # fmt: skip
            made = Cycle(agency_id=agency.id, year=2026, state=CycleState.RUNNING, pack_name="p", pack_version="1",
                         pack="{}", pack_sha256="", plan_default_after=BEGINS.date(), launched_at=BEGINS)  # fmt: skip
            session.add_all([*self._people, made])
            session.flush()
            self.cycle_id = made.id
            limits.set_limit(session, "relay", Limit.parse(f"{RATE}/s"))

    def keep_owing(self) -> None:
        """See that there are always letters waiting."""
        with self.db.reading() as session:
            waiting = session.scalar(select(func.count()).select_from(Letter).where(text(WAITING_SQL))) or 0
        if waiting < 2 * PORTION:
            self._owe()

    def _owe(self) -> None:
        at, facts = self.now(), samples(KIND, Locale.ID)[0]
        with self.db.transaction() as session:
            wave = letters.wave_of(session, f"soak:{self.owed // WAVE}", self.cycle_id, None, at=at)
            numbers = [next(self._numbers) for _ in range(PORTION)]
            owed = [letters.owed_to(self._people[n % PEOPLE], KIND, f"{KIND}:soak:{n}", facts) for n in numbers]
            self.owed += letters.queue(session, owed, at=at, wave=wave)
            keys, lane = [f"{KIND}:soak:{n}" for n in numbers], next(LANES)
            session.execute(update(Letter).where(Letter.key.in_(keys)).values(lane=lane))

    def bury(self, owner: str) -> None:
        """As if the dead one's leases had ended; take back what it held."""
        with self.db.transaction() as session:
            past = outbox.database_now(session) - timedelta(seconds=1)
            held = update(Letter).where(Letter.state == LetterState.SENDING, Letter.lease_owner.startswith(owner))
            session.execute(held.values(lease_until=past))
        with self.db.transaction() as session:
            outbox.reap(session, at=self.now())

    def tidy(self) -> None:
        """What the hourly repair does; and the relay is forgiven as soon as if hours had passed."""
        with self.db.transaction() as session:
            outbox.resolve_ambiguous(session, at=self.now())
        with self.db.transaction() as session:
            session.execute(update(Bucket).values(down_until=0.0, factor=1.0, learned=None))

    def hurry(self) -> int:
        """As if the waiting of all letters were over; how many are not through."""
        with self.db.transaction() as session:
            outbox.reap(session, at=self.now())
            outbox.resolve_ambiguous(session, at=self.now() + timedelta(hours=1))
            session.execute(update(Letter).where(text(WAITING_SQL)).values(next_at=BEGINS))
        with self.db.reading() as session:
            doubtful = (Letter.state == LetterState.AMBIGUOUS) & Letter.ended_at.is_(None)
            left = select(func.count()).select_from(Letter).where(Letter.state.in_(UNDER_WAY) | doubtful)
            return session.scalar(left) or 0


@dataclass(frozen=True, slots=True)
class Count:
    """Of one soak, from the tables and the mail server."""

    letters: int
    lost: int
    """Neither arrived nor on HR's list."""
    left_to_hr: int
    """In doubt twice and perhaps never arrived: a person decides."""
    copies: int
    """Second and later copies of a letter, in all."""
    copies_after_kills: int
    most_copies_of_a_kill: int
    most_doubts_of_a_kill: int
    beyond_doubt: int
    """Copies for which no doubt is on record: must be none."""

    @classmethod
    def of(cls, db: Database, sink: Sink) -> "Count":
        copies = sink.copies()
        with db.reading() as session:
            found = session.execute(select(Letter.id, Letter.message_id, Letter.state, Letter.ambiguities)).all()
            died = select(MailAttempt.owner, MailAttempt.letter_id).where(
                MailAttempt.outcome == LetterState.AMBIGUOUS, MailAttempt.reply.contains("died")
            )
            doubts = [(owner.split("/")[0], letter) for owner, letter in session.execute(died).tuples()]
        extra = {row.id: copies[row.message_id] - 1 for row in found}
        unspent, of_kill = Counter({id: more for id, more in extra.items() if more > 0}), Counter[str]()
        for owner, letter in sorted(doubts):
            if unspent[letter] > 0:
                unspent[letter] -= 1
                of_kill[owner] += 1
        missing = [row.state for row in found if extra[row.id] < 0]
        return cls(
            len(found), sum(state is not LetterState.AMBIGUOUS for state in missing),
            sum(state is LetterState.AMBIGUOUS for state in missing), sum(more for more in extra.values() if more > 0),
            of_kill.total(), max(of_kill.values(), default=0),
            max(Counter(owner for owner, _ in doubts).values(), default=0),
            sum(max(0, extra[row.id] - row.ambiguities) for row in found),
        )  # fmt: skip
