"""A small agency whose letters come back: two in HR, the appointing authority, and people to write to."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from actions.mail import bounces, letters, outbox
from actions.mail.bounces import Taken
from database import Database
from models import Agency, Letter, MailEvent, Person, Posting, RoleGrant, Unit
from rules.proof.tokens import verp
from rules.terms import Lane, LetterState, Locale, PostGroup, Role, SmtpPhase

AT = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
"""Monday, ten in the morning in Makassar."""
SECRET = "0123456789abcdef0123456789abcdef"
MASTER = SECRET.encode()
DOMAIN = "bounce.appraisal.example"
REPORTS = Path(__file__).parent / "dsn"
STARTED = date(2020, 1, 1)
HR = {"dewi": Locale.ID, "hasan": Locale.EN}


def report(name: str) -> bytes:
    return (REPORTS / f"{name}.eml").read_bytes()


@dataclass
class Office:
    db: Database
    people: dict[str, int] = field(default_factory=dict)
    unit_id: int = 0
    agency_id: int = 0
    taken: int = 0

    @classmethod
    def make(cls, db: Database) -> "Office":
        office = cls(db)
        with db.transaction() as session:
            agency = Agency(code="kota", name="Pemerintah Kota", zone="Asia/Makassar", contact="bkpsdm@kota.example")
            session.add(agency)
            session.flush()
            unit = Unit(agency_id=agency.id, code="DINAS", name="Dinas Pendidikan")
            session.add(unit)
            session.flush()
            office.agency_id, office.unit_id = agency.id, unit.id
        for name, locale in HR.items():
            office.hire(name, Role.PERFORMANCE_ADMIN, locale)
        office.hire("bupati", Role.APPOINTING_AUTHORITY)
        office.hire("siti")
        return office

    @classmethod
    def of(cls, db: Database, people: dict[str, int]) -> "Office":
        """The same ways to send and take in for people that there are already."""
        return cls(db, people)

    def hire(self, name: str, role: Role | None = None, locale: Locale = Locale.ID) -> int:
        with self.db.transaction() as session:
            person = Person(agency_id=self.agency_id, nip=f"{199000 + len(self.people):018d}", name=name.title(),
                            email=f"{name}@kota.example", active_from=STARTED, locale=locale)  # fmt: skip
            session.add(person)
            session.flush()
            session.add(Posting(person_id=person.id, unit_id=self.unit_id, post="Guru", post_group=PostGroup.JF,
                                from_on=STARTED))  # fmt: skip
            if role is not None:
                session.add(RoleGrant(person_id=person.id, role=role, from_on=STARTED))
            self.people[name] = person.id
            return person.id

    def owe(self, name: str, count: int = 1, *, kind: str = "stage_invitation", at: datetime = AT) -> list[int]:
        """Queue letters to one person; the ids, in the order of sending."""
        with self.db.transaction() as session:
            person = session.get_one(Person, self.people[name])
            start = len(session.scalars(select(Letter.id).filter_by(person_id=person.id)).all())
            keys = [f"{kind}:{person.id}:{start + n}" for n in range(count)]
            letters.queue(session, [letters.owed_to(person, kind, key, {}) for key in keys], at=at)
            return [session.scalars(select(Letter.id).filter_by(key=key)).one() for key in keys]

    def begin(self, *, at: datetime = AT) -> list[outbox.Claimed]:
        """Hand over what is due, and do not record yet how that ended."""
        with self.db.transaction() as session:
            claimed = list(outbox.claim(session, "office", list(Lane), 500, at=at))
            outbox.mark_dots(session, claimed, at=at)
        return claimed

    def end(self, one: outbox.Claimed, state: LetterState = LetterState.ACCEPTED, *, at: datetime = AT) -> bool:
        with self.db.transaction() as session:
            return outbox.settle(session, one, outbox.Settled(state, SmtpPhase.DONE, 250, "2.0.0 ok"), at=at)

    def send(self, name: str, count: int = 1, *, kind: str = "stage_invitation", at: datetime = AT) -> list[int]:
        """Owe letters and have them accepted, one after the other."""
        ids = self.owe(name, count, kind=kind, at=at)
        for one in self.begin(at=at):
            assert self.end(one, at=at)
        return ids

    def take(
        self,
        letter_id: int,
        name: str | bytes,
        *,
        event: str = "",
        to: str = "",
        at: datetime = AT,
        source: str = "test",
    ) -> Taken:
        """Let a report about a letter arrive, at its signed bounce address unless another is given."""
        self.taken += 1
        raw = name if isinstance(name, bytes) else report(name)
        with self.db.transaction() as session:
            return bounces.take(
                session, raw, to or self.address(letter_id), source, event or f"event{self.taken}", master=MASTER,
                at=at,
            )  # fmt: skip

    @staticmethod
    def address(letter_id: int) -> str:
        return verp(letter_id, domain=DOMAIN, master=MASTER)

    def letter(self, letter_id: int) -> Any:
        with self.db.reading() as session:
            return session.get_one(Letter, letter_id)

    def person(self, name: str) -> Any:
        with self.db.reading() as session:
            return session.get_one(Person, self.people[name])

    def all(self, kind: str) -> list[Any]:
        with self.db.reading() as session:
            return list(session.scalars(select(Letter).filter_by(kind=kind).order_by(Letter.id)))

    def events(self, *kinds: str) -> list[Any]:
        with self.db.reading() as session:
            query = select(MailEvent).order_by(MailEvent.id)
            return list(session.scalars(query.where(MailEvent.kind.in_(kinds)) if kinds else query))
