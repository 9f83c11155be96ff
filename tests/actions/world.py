"""A small agency to act in: three units, eight people under the appointing authority, three auditors, one cycle.

`World` keeps the time, opens stages by ticking, and lets people act through the same forms as everybody.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, text

import database
import policies
from actions.acts.table import ACTS
from actions.audit import ceremony
from actions.cases import results
from actions.cycle import cycles
from actions.desk import desks
from actions.desk.perform import Receipt, Sent, perform
from actions.mail import outbox
from actions.stages import steps
from actions.stages.due import due
from actions.stages.steps import StepRef
from database import Database
from models import (
    Absence,
    ActingMandate,
    Agency,
    Appraisal,
    Assignment,
    Base,
    Cycle,
    Person,
    Posting,
    RoleGrant,
    Stage,
    Supervision,
    Unit,
)
from rules.files.agency_files import StageDates
from rules.pack.pack import Pack
from rules.terms import (
    AbsenceKind,
    ActingKind,
    ActKind,
    AssignmentState,
    BehaviorValue,
    Lane,
    LetterState,
    PostGroup,
    Proof,
    Role,
    SmtpPhase,
    StageKind,
    Step,
)

ZONE = ZoneInfo("Asia/Makassar")
CODE, YEAR = "kota", 2026
STARTED = date(2020, 1, 1)
PEOPLE = {
    # name: (unit, head of it, superior)
    "ppk": ("ROOT", True, None),
    "chief": ("DINAS", True, "ppk"),
    "head": ("SEKOLAH", True, "chief"),
    "hr": ("DINAS", False, "chief"),
    "ani": ("SEKOLAH", False, "head"),
    "budi": ("SEKOLAH", False, "head"),
    "citra": ("SEKOLAH", False, "head"),
    "dodi": ("DINAS", False, "chief"),
}
AUDITORS = ("aud1", "aud2", "aud3")
ROLES = {"ppk": Role.APPOINTING_AUTHORITY, "hr": Role.PERFORMANCE_ADMIN} | dict.fromkeys(AUDITORS, Role.AUDITOR)
DATES = {
    StageKind.TARGET_SETTING: StageDates(date(2026, 1, 5), date(2026, 1, 31), date(2026, 1, 31)),
    StageKind.MID_YEAR_REVIEW: StageDates(date(2026, 7, 1), date(2026, 7, 17), date(2026, 7, 20)),
    StageKind.SUPERVISOR_SCORING: StageDates(date(2026, 12, 1), date(2027, 1, 15), date(2027, 1, 20)),
    StageKind.OBJECTION_HANDLING: StageDates(date(2027, 1, 21), date(2027, 2, 12), date(2027, 2, 19)),
    StageKind.AUDIT_SAMPLING: StageDates(date(2027, 1, 21), date(2027, 3, 5), date(2027, 3, 10)),
    StageKind.FINALIZATION: StageDates(date(2027, 3, 11), date(2027, 3, 24), date(2027, 3, 31)),
}
REASONS = "Realisasi dua indikator belum memperhitungkan pekerjaan tambahan."
NOTES = [{"value": v.value, "seen": "meets", "text": "Terlihat pada pelayanan sehari-hari."} for v in BehaviorValue]
MEETS = {"result_rating": "meets", "behavior_rating": "meets", "notes": NOTES}
ABOVE = {"result_rating": "above", "behavior_rating": "above", "notes": NOTES}
BELOW = {"result_rating": "below", "behavior_rating": "below", "notes": NOTES}
ITEMS = [
    {
        "title": "Pelayanan sesuai standar", "kind": "main",
        "indicators": [
            {"text": "Layanan selesai", "aspect": "quantity", "target": "100", "unit": "layanan"},
            {"text": "Lama layanan", "aspect": "time", "target": "4", "unit": "hari", "lower_is_better": True},
        ],
    }
]  # fmt: skip


def local(text: str) -> datetime:
    """`2027-02-14 23:59` in the agency's zone, as UTC; a day alone means nine in the morning."""
    moment = datetime.fromisoformat(text if " " in text else f"{text} 09:00")
    return moment.replace(tzinfo=ZONE).astimezone(UTC)


@dataclass
class World:
    db: Database
    at: datetime
    people: dict[str, int] = field(default_factory=dict)
    units: dict[str, int] = field(default_factory=dict)
    cycle_id: int = 0

    # ---- making it

    @classmethod
    def make(cls, db: Database, *, pack: Mapping[str, Any] | str = "permenpanrb-6-2022") -> "World":
        """Launch and enrol; `pack` names one, or overrides keys of the default."""
        world = cls(db, local("2025-12-29"))
        world._people()
        world._launch(pack)
        return world

    def _people(self) -> None:
        with self.db.transaction() as session:
            agency = Agency(code=CODE, name="Pemerintah Kota", zone="Asia/Makassar", contact="bkpsdm@kota.example")
            session.add(agency)
            session.flush()
            for code, parent in (("ROOT", None), ("DINAS", "ROOT"), ("SEKOLAH", "DINAS")):
                unit = Unit(agency_id=agency.id, code=code, name=code.title(), parent_id=self.units.get(parent or ""))
                session.add(unit)
                session.flush()
                self.units[code] = unit.id
            for number, name in enumerate((*PEOPLE, *AUDITORS), 1):
                person = Person(agency_id=agency.id, nip=f"{198000 + number:018d}", name=name.title(),
                                email=f"{name}@kota.example", active_from=STARTED)  # fmt: skip
                session.add(person)
                session.flush()
                self.people[name] = person.id
                if name in ROLES:
                    session.add(RoleGrant(person_id=person.id, role=ROLES[name], from_on=STARTED))
            for name, (unit, heads, superior) in PEOPLE.items():
                session.add(Posting(person_id=self.people[name], unit_id=self.units[unit], post=f"Jabatan {name}",
                                    post_group=PostGroup.JA, is_unit_head=heads, from_on=STARTED))  # fmt: skip
                if superior:
                    session.add(Supervision(person_id=self.people[name], superior_id=self.people[superior],
                                            from_on=STARTED))  # fmt: skip

    def _launch(self, pack: Mapping[str, Any] | str) -> None:
        chosen = policies.load(pack if isinstance(pack, str) else policies.DEFAULT)
        if not isinstance(pack, str) and pack:
            chosen = Pack.model_validate(chosen.model_dump(mode="json") | dict(pack))
        with self.db.transaction() as session:
            launch = cycles.Launch(CODE, YEAR, chosen, DATES, date(2026, 1, 14))
            self.cycle_id = cycles.launch(session, launch, at=self.at).id
        with self.db.transaction() as session:
            last = cycles.enroll(session, self.cycle_id, after=0, at=self.at).last
            cycles.enroll(session, self.cycle_id, after=last, at=self.at)

    def copied(self, path: Path) -> "World":
        """The same world in a copy of its (SQLite) database, for a test to spoil."""
        there = self.db.url.removeprefix("sqlite:///")
        self.db.close()  # writes the log back into the file
        shutil.copy(there, path)
        return World(
            Database(f"sqlite:///{path}", durable=False), self.at, dict(self.people), dict(self.units), self.cycle_id
        )

    # ---- time

    def go(self, when: str) -> "World":
        """Move the clock, without ticking."""
        self.at = local(when)
        return self

    def tick(self, *, mail: bool = True) -> list[str]:
        """Run what is due until nothing is; returns `stage.step/occasion` in order."""
        done: list[str] = []
        for _ in range(20):
            with self.db.transaction() as session:
                found = due(session, at=self.at)
            found = [ref for ref in found if ref.step not in steps.REPEATABLE or label(ref) not in done]
            if not found:
                break
            for ref in found:
                steps.run(self.db.transaction, ref, at=self.at)
                done.append(label(ref))
        else:
            raise AssertionError(f"steps stay due: {found}")
        if mail:
            self.deliver()
        return done

    def on(self, when: str) -> list[str]:
        return self.go(when).tick()

    def deliver(self) -> None:
        """Accept every letter that is due."""
        while True:
            with self.db.transaction() as session:
                claimed = outbox.claim(session, "world", tuple(Lane), 500, at=self.at)
                for one in claimed:
                    outbox.settle(session, one, outbox.Settled(LetterState.ACCEPTED, SmtpPhase.DONE, 250), at=self.at)
            if not claimed:
                return

    def ref(self, stage: StageKind, step: Step, occasion: str = "") -> StepRef:
        return StepRef(CODE, YEAR, stage, step, occasion, self.stage(stage).revision)

    # ---- looking

    def one(self, model: type[Base], **where: Any) -> Any:
        (found,) = self.all(model, **where)
        return found

    def all(self, model: type[Base], **where: Any) -> list[Any]:
        with self.db.reading() as session:
            found = list(session.scalars(select(model).filter_by(**where).order_by(*model.__table__.primary_key)))
            session.expunge_all()
            return found

    def stage(self, kind: StageKind) -> Any:
        return self.one(Stage, cycle_id=self.cycle_id, kind=kind)

    def case(self, name: str) -> Any:
        return self.one(Appraisal, employee_id=self.people[name])

    def result(self, name: str) -> Any:
        with self.db.reading() as session:
            found = results.current(session, self.case(name).id)
            session.expunge_all()
            return found

    def open(self, who: str | None, kind: ActKind, about: str | None = None) -> list[Any]:
        """Open assignments of a kind: of one person, or about one employee's case."""
        found = self.all(Assignment, kind=kind, state=AssignmentState.OPEN)
        case = self.case(about).id if about else None
        return [a for a in found if who in (None, self.name(a.person_id)) and case in (None, a.appraisal_id)]

    def task(self, who: str, kind: ActKind, about: str | None = None) -> Any:
        (found,) = self.open(who, kind, about)
        return found

    def last(self, who: str, kind: ActKind, about: str | None = None) -> Any:
        """The newest assignment of a kind, whatever became of it."""
        case = self.case(about).id if about else None
        listed = self.all(Assignment, kind=kind, person_id=self.people[who])
        return [a for a in listed if case in (None, a.appraisal_id)][-1]

    def name(self, person_id: int) -> str:
        return next(name for name, number in self.people.items() if number == person_id)

    def cycle(self) -> Any:
        return self.one(Cycle, id=self.cycle_id)

    # ---- acting

    def sheet(self, task: Any) -> desks.Sheet:
        with self.db.reading() as session:
            return desks.sheet(session, task.person_id, task.stage_id, task.id, at=self.at)

    def form(self, task: Any, **changes: Any) -> dict[str, Any]:
        """A valid form of the act, with some fields as given."""
        return valid(task.kind, self.sheet(task).shown) | changes

    def send(
        self, task: Any, data: Mapping[str, Any], *, who: str | None = None, version: int | None = None,
        nonce: str = "", proof: Proof = Proof.CODE,
    ) -> Receipt:  # fmt: skip
        person = self.people[who] if who else task.person_id
        sent = Sent(data, task.version if version is None else version, nonce or f"n{task.id}.{task.version}", proof)
        with self.db.transaction() as session:
            return perform(session, task.id, person, sent, at=self.at)

    def act(self, who: str, kind: ActKind, about: str | None = None, **changes: Any) -> Receipt:
        task = self.task(who, kind, about)
        return self.send(task, self.form(task, **changes))

    def everybody(self, *kinds: ActKind, but: tuple[str, ...] = ()) -> None:
        """Let everybody do what they owe of these kinds, one kind after the other; `but` for the cases of some."""
        spared = {self.case(name).id for name in but}
        for kind in kinds:
            for task in self.open(None, kind):
                if task.appraisal_id not in spared:
                    self.send(task, self.form(task))

    # ---- facts that change

    def add(self, *rows: Base) -> None:
        with self.db.transaction() as session:
            session.add_all(rows)

    def away(self, name: str, first: str, last: str) -> None:
        self.add(Absence(person_id=self.people[name], kind=AbsenceKind.LEAVE, from_on=date.fromisoformat(first),
                         to_on=date.fromisoformat(last)))  # fmt: skip

    def mandate(self, who: str, principal: str, first: str, last: str) -> None:
        self.add(ActingMandate(person_id=self.people[who], principal_id=self.people[principal], kind=ActingKind.PLH,
                               decree_no="800/1", from_on=date.fromisoformat(first),
                               to_on=date.fromisoformat(last)))  # fmt: skip

    def left(self, name: str, last_day: str) -> None:
        with self.db.transaction() as session:
            session.get_one(Person, self.people[name]).active_to = date.fromisoformat(last_day)

    def unguarded(self) -> "World":
        """Drop the database's own guards (SQLite), as somebody with the owner's rights could."""
        with self.db.engine.begin() as connection:
            for name in connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        return self

    # ---- a year in leaps

    def to_plans(self) -> "World":
        """Every plan established; target setting still open."""
        self.on("2026-01-05")
        self.everybody(ActKind.DRAFT_TARGETS, ActKind.ESTABLISH_TARGETS)
        return self

    def to_mid_year(self) -> "World":
        self.to_plans().on("2026-02-02")
        self.on("2026-07-01")
        return self

    def to_scoring(self) -> "World":
        """Scoring is open, predicates set, everybody reported; nobody is rated yet."""
        self.to_mid_year()
        self.everybody(ActKind.REPORT_PROGRESS, ActKind.GIVE_FEEDBACK)
        self.on("2026-07-22")
        self.on("2026-12-01")
        self.everybody(ActKind.SET_UNIT_PREDICATE, ActKind.SELF_ASSESS)
        return self

    def to_issued(self) -> "World":
        """Everybody is rated `meets`, results are issued and their letters accepted on 21 January, at nine."""
        self.to_scoring().everybody(ActKind.SCORE)
        self.on("2027-01-21")
        return self

    def publish_and_roll(self, *, seed: str = "08772473296991897540") -> None:
        """The public part of the audit: publish now, roll a day later, draw."""
        with self.db.transaction() as session:
            ceremony.publish(session, session.get_one(Cycle, self.cycle_id), "Papan pengumuman 700/12", at=self.at)
        self.at += timedelta(hours=24)
        with self.db.transaction() as session:
            ceremony.record_seed(
                session, session.get_one(Cycle, self.cycle_id), seed, "Berita acara 700/13", at=self.at
            )
        self.tick()


def label(ref: StepRef) -> str:
    return f"{ref.stage.value}.{ref.step.value}" + (f"/{ref.occasion}" if ref.occasion else "")


def valid(kind: ActKind, shown: Mapping[str, Any]) -> dict[str, Any]:
    """A form that the act accepts, given what its page shows."""
    plan = shown.get("plan") or ()
    actuals = [
        {"indicator_id": i["id"], "value": i["target"], "evidence": "Laporan bulanan"}
        for item in plan for i in item["indicators"]
    ]  # fmt: skip
    numeric = shown.get("scheme") == "numeric"
    aspects = [{"aspect": one["key"], "score": "100"} for one in shown.get("aspects", ())]
    judged: Mapping[str, Any] = {"aspects": aspects} if numeric else MEETS
    forms: Mapping[ActKind, dict[str, Any]] = {
        ActKind.DRAFT_TARGETS: {"items": ITEMS},
        ActKind.ESTABLISH_TARGETS: {"decision": "establish"},
        ActKind.REPORT_PROGRESS: {"actuals": actuals, "summary": "Semester pertama sesuai rencana."},
        ActKind.GIVE_FEEDBACK: {"feedback": "Pertahankan.", "changes": "agree" if shown.get("proposed") else "none"},
        ActKind.SET_UNIT_PREDICATE: {"predicate": "good", "reason": "Sesuai perjanjian kinerja."},
        ActKind.SELF_ASSESS: {"actuals": actuals, "result_rating": "meets", "behavior_rating": "meets",
                              "text": "Target tercapai."},
        ActKind.SCORE: {"feedback": "Hasil kerja baik."} | judged,
        ActKind.OVERRIDE_DISTRIBUTION: {"reason": "Didukung bukti."},
        ActKind.ACKNOWLEDGE: {},
        ActKind.OBJECT: {"reasons": REASONS},
        ActKind.EXPLAIN: {"answer": "given", "text": "Penjelasan ada pada catatan dialog."},
        ActKind.DECIDE_OBJECTION: {"decision": "keep", "reasons": "Setelah mendengar kedua pihak."},
        ActKind.ACCOUNT_FOR: {"ground": "rater_silent", "explanation": "Pejabat penilai tidak menilai."},
        ActKind.EXAMINE: {"no_conflict": "yes", "evidence_ok": "yes", "procedure_ok": "yes", "text": "Diperiksa."}
        | ({"skp_score": "109"} if numeric else {"result_rating": "meets", "behavior_rating": "meets"}),
        ActKind.REPLY_TO_FINDING: {"reply": "Bukti kami lampirkan kembali."},
        ActKind.CONCLUDE_FINDING: {"conclusion": "withdrawn", "text": "Jawaban memadai."},
        ActKind.DECIDE_RECOMMENDATION: {"outcome": "declined", "reasons": "Berkas telah dilengkapi."},
    }  # fmt: skip
    assert set(forms) == set(ACTS)
    return forms[kind] | {"confirm": "yes"}


def in_use(world: World) -> World:
    """Make the world's database the one of this process."""
    database.use(world.db)
    return world
