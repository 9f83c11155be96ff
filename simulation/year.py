"""Runs a whole year: the tick, the mail and invented people, on the virtual clock, through the real actions."""

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

import clock
from actions.acts.act import ActInvalid, ActRefused
from actions.cases import results
from actions.cycle import cycles
from actions.desk import desks
from actions.desk.perform import Sent, perform
from actions.line.calendars import calendar_of
from actions.mail import certificates, letters
from actions.stages import steps
from actions.stages.due import due
from models import Agency, Appraisal, Assignment, Cycle, Letter, Person, Stage
from rules.terms import ActKind, AssignmentState, CycleState, LetterState, Proof, StageState
from rules.time.calendar import Calendar
from rules.time.stages import StepRefused
from simulation import ceremony, office
from simulation.answers import Asked, answer
from simulation.people import habit_of, mind_of

Transaction = Callable[[], AbstractContextManager[Session]]
DELIVERED = (LetterState.ACCEPTED, LetterState.DELIVERED)


@dataclass(slots=True)
class Report:
    """What happened in a simulated year; `explained` cases end without a result, with the reason on record."""

    agency: str
    year: int
    people: int = 0
    days: int = 0
    acts: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    late: Counter[str] = field(default_factory=Counter)
    """Duties that ended without an act, by stage and kind."""
    letters_per_day: Counter[str] = field(default_factory=Counter)
    certificate: letters.Certificate | None = None
    trail: list[str] = field(default_factory=list)
    finished: bool = False

    @property
    def clean(self) -> bool:
        return bool(self.finished and self.certificate and self.certificate.clean and not self.trail)


@dataclass(slots=True)
class Planned:
    on: date
    person_id: int
    assignment_id: int
    attempts: int = 0
    refused: int = 0
    """How often the answer itself was not taken; waiting for somebody else is no such time."""


class Year:
    """One cycle, driven day by day; `deliver` sends what is due and returns when nothing more is."""

    def __init__(
        self, transaction: Transaction, agency: str, year: int, *, seed: int,
        deliver: Callable[[datetime], None], on_day: Callable[[date], None] | None = None,
    ) -> None:  # fmt: skip
        self.transaction, self.agency, self.year, self.seed = transaction, agency, year, seed
        self.deliver, self.on_day = deliver, on_day or (lambda _day: None)
        self.plans: dict[int, Planned] = {}
        self.report = Report(agency, year)

    def run(self, *, until: date) -> Report:
        """Live day after day until the cycle is closed or `until` is over."""
        with self.transaction() as session:
            calendar = calendar_of(session, self._agency(session), clock.now())
        day = calendar.local_date(clock.now())
        while day <= until:
            self._live(day, calendar)
            self.report.days += 1
            with self.transaction() as session:
                cycle = cycles.find(session, self.agency, self.year)
                if cycle is not None and cycle.state is CycleState.CLOSED:
                    break
                day = max(day + timedelta(days=1), self._next_opening(session, cycle, calendar))
        self._conclude()
        return self.report

    @staticmethod
    def _next_opening(session: Session, cycle: Cycle | None, calendar: Calendar) -> date:
        """The day of the next opening while no stage is open and nothing can happen; else the beginning of time."""
        if cycle is None or cycle.enrolled_at is None:
            return date.min
        stages = session.scalars(select(Stage).filter_by(cycle_id=cycle.id)).all()
        if any(stage.state in (StageState.OPENING, StageState.OPEN, StageState.CLOSING) for stage in stages):
            return date.min
        ahead = [stage.opens_at for stage in stages if stage.state is StageState.PLANNED]
        return calendar.local_date(min(ahead)) if ahead else date.min

    def _live(self, day: date, calendar: Calendar) -> None:
        morning = calendar.start_of_day(day) + timedelta(hours=7)
        if clock.now() < morning:
            clock.move_to(morning)
        self.on_day(day)
        self.tick(morning)
        self.deliver(morning)
        with self.transaction() as session:
            if (cycle := cycles.find(session, self.agency, self.year)) is not None:
                certificates.certify_launch(session, cycle, at=morning)
                office.name_authorities(session, cycle, at=morning)
        self._plan(day, calendar)
        noon = morning + timedelta(hours=4)
        todays = [plan for plan in self.plans.values() if plan.on <= day]
        if todays:
            clock.move_to(noon)
            for plan in sorted(todays, key=lambda p: p.assignment_id):
                self._act(plan, noon, day)
            self.deliver(noon)
        self._ceremony(noon)

    def tick(self, at: datetime) -> None:
        """Run every due step until nothing is due any more, as the tick does by and by."""
        found: list[steps.StepRef] = []
        for _ in range(20):
            with self.transaction() as session:
                found = due(session, at=at)
            if not found:
                return
            for ref in found:
                try:
                    counts = steps.run(self.transaction, ref, at=at)
                except StepRefused:
                    continue
                self.report.steps[f"{ref.stage.value}.{ref.step.value}"] += 1
                if not counts and ref.step in steps.REPEATABLE:
                    return
        raise RuntimeError(f"steps stay due: {found}")

    def _plan(self, day: date, calendar: Calendar) -> None:
        """Whoever was mailed about an open duty makes up their mind when to act on it."""
        with self.transaction() as session:
            query = (
                select(Assignment, Person, Stage).join(Person, Person.id == Assignment.person_id)
                .join(Stage, Stage.id == Assignment.stage_id).join(Cycle, Cycle.id == Stage.cycle_id)
                .where(Assignment.state == AssignmentState.OPEN, Cycle.year == self.year, self._mailed())
                .order_by(Assignment.id)
            )  # fmt: skip
            for assignment, person, stage in session.execute(query).tuples():
                known = self.plans.get(assignment.id)
                if known is not None and known.person_id == person.id:
                    continue
                days = ((assignment.due_at or stage.due_at) - clock.now()).days
                habit = habit_of(
                    self.seed,
                    person.nip,
                    assignment.kind,
                    stage.kind,
                    f"{assignment.subject}.{assignment.round}",
                    days=days,
                )
                on = day + habit.delay if habit.delay is not None else date.max
                self.plans[assignment.id] = Planned(on, person.id, assignment.id)

    @staticmethod
    def _mailed():
        return (
            select(Letter.id)
            .where(Letter.person_id == Assignment.person_id, Letter.stage_id == Assignment.stage_id,
                   Letter.state.in_(DELIVERED), Letter.accepted_at >= Assignment.opened_at)
            .exists()
        )  # fmt: skip

    def _act(self, plan: Planned, at: datetime, day: date) -> None:
        plan.on, plan.attempts = day + timedelta(days=1), plan.attempts + 1
        if plan.attempts > 60:
            plan.on = date.max
        with self.transaction() as session:
            assignment = session.get(Assignment, plan.assignment_id)
            if assignment is None or assignment.state is not AssignmentState.OPEN:
                plan.on = date.max
                return
            sheet = desks.sheet(session, plan.person_id, assignment.stage_id, assignment.id, at=at)
            data = self._answer(session, sheet, plan.refused)
            kind, version, nonce = assignment.kind, sheet.version, sheet.nonce
        try:
            with self.transaction() as session:
                perform(session, plan.assignment_id, plan.person_id, Sent(data, version, nonce, Proof.CODE), at=at)
        except ActRefused as refused:
            self.report.refused[f"{kind.value}: {refused}"[:160]] += 1
            plan.refused += isinstance(refused, ActInvalid)
            return
        plan.on = date.max
        self.report.acts[kind.value] += 1

    def _answer(self, session: Session, sheet: desks.Sheet, refused: int) -> dict[str, Any]:
        occasion = f"{sheet.task.kind.value}|{sheet.task.subject}.{sheet.task.round}"
        mind = mind_of(self.seed, sheet.acting.person.nip, occasion, refused=refused)
        return answer(asked_of(session, sheet), mind)

    def _ceremony(self, at: datetime) -> None:
        """The audit's public part is done by people outside: publishing the roster, and rolling dice a day later."""
        with self.transaction() as session:
            cycle = cycles.find(session, self.agency, self.year)
            if cycle is not None:
                ceremony.hold(session, cycle, self.seed, at=at)

    def _conclude(self) -> None:
        from actions.store import trail

        with self.transaction() as session:
            agency = self._agency(session)
            cycle = cycles.find(session, self.agency, self.year)
            if cycle is None:
                return
            cases = session.scalars(select(Appraisal).filter_by(cycle_id=cycle.id)).all()
            self.report.people = len(cases)
            self.report.states = Counter(case.state.value for case in cases)
            self.report.finished = cycle.state is CycleState.CLOSED and all(case.finalized_at for case in cases)
            lapsed = (
                select(Stage.kind, Assignment.kind).join(Stage, Stage.id == Assignment.stage_id)
                .where(Stage.cycle_id == cycle.id, Assignment.state == AssignmentState.LAPSED,
                       Assignment.optional.is_(False))
            )  # fmt: skip
            self.report.late = Counter(f"{s.value}.{k.value}" for s, k in session.execute(lapsed).tuples())
            sent = select(Letter.accepted_at).where(Letter.cycle_id == cycle.id, Letter.accepted_at.is_not(None))
            day = calendar_of(session, self._agency(session), clock.now()).local_date
            self.report.letters_per_day = Counter(day(at).isoformat() for at in session.scalars(sent) if at)
            self.report.certificate = letters.certificate(session, cycle_id=cycle.id)
            self.report.trail = trail.verify(session, agency.id)

    def _agency(self, session: Session) -> Agency:
        return session.scalars(select(Agency).filter_by(code=self.agency)).one()


def asked_of(session: Session, sheet: desks.Sheet) -> Asked:
    """What the form tells the person who fills it in."""
    shown = sheet.shown
    plan: Iterable[dict[str, Any]] = shown.get("plan") or ()
    return Asked(
        kind=sheet.task.kind,
        indicators=[(i["id"], Decimal(i["target"])) for item in plan for i in item["indicators"]],
        suggestions=shown.get("suggestions") or (),
        proposal=bool(shown.get("proposed")),
        numeric=sheet.acting.pack.scheme.value == "numeric",
        aspects=[one.key for one in sheet.acting.pack.behavior_aspects],
        measured=sheet.task.kind is not ActKind.EXAMINE
        and sheet.task.appraisal_id is not None
        and bool(results.measured(session, sheet.task.appraisal_id)),
        best=(shown.get("result") or {}).get("predicate") == sheet.acting.pack.scale[0].value,
    )
