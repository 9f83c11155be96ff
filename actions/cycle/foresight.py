"""Seeing a cycle before it is launched: who would get what and when. Works in a throwaway database only."""

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions.cycle import launching
from actions.cycle.launch_dates import Past, Way, past_of
from actions.duties.invitations import first_kind
from actions.line.calendars import calendar_of
from actions.roster import imports
from actions.roster.agency_files import read_agency
from actions.roster.imports import ImportReport
from actions.stages import steps
from actions.stages.steps import StepRef
from actions.steering.preview import Said
from models import Agency, Appraisal, Cycle, Letter, Person, Stage
from notifications import words
from rules.pack.pack import Pack
from rules.terms import AppraisalState, Locale, StageKind, Step
from rules.time.calendar import Calendar
from rules.time.reminders import occasions

Transaction = Callable[[], AbstractContextManager[Session]]
OPENED = (StageKind.TARGET_SETTING, StageKind.MID_YEAR_REVIEW, StageKind.SUPERVISOR_SCORING)
"""Stages whose opening does not depend on what people did before."""


@dataclass(slots=True)
class Reminding:
    on: date
    at_most: int
    """If nobody does anything before."""
    escalates_to: str | None


@dataclass(slots=True)
class StagePlan:
    stage: StageKind
    opens: date
    due: date
    closes: date
    letters: dict[str, int]
    """Kind of letter -> how many on the opening day."""
    reminders: list[Reminding]
    recipients: list[tuple[str, str, str]] = field(default_factory=list)
    """NIP, name and kind of letter, for who wants to see the list."""


@dataclass(slots=True)
class Plan:
    agency: str
    year: int
    pack: str
    people: int
    appraised: int
    excluded: dict[str, int]
    without_rater: int
    without_authority: int
    rows: int
    held_back: int
    stages: list[StagePlan]
    problems: list[dict[str, Any]]
    notes: list[str]

    @property
    def load(self) -> dict[date, int]:
        """Letters per day, at most: reminders counted as if nobody had done anything."""
        days: Counter[date] = Counter()
        for stage in self.stages:
            days[stage.opens] += sum(stage.letters.values())
            for reminder in stage.reminders:
                days[reminder.on] += reminder.at_most
        return dict(sorted(days.items()))


def foresee(transaction: Transaction, directory: Path, year: int, *, at: datetime, locale: Locale = Locale.ID) -> Plan:
    """Launch the folder in the given empty database and open what can be opened; refusals as by `launch_folder`."""
    folder = read_agency(directory)
    today = at.astimezone(launching.zone_of(folder)).date()
    passed = past_of(launching.prepare(folder, year), today)
    report = imports.import_folder(transaction, folder, as_of=today, at=at)
    way = Way(anyway="seen before it is launched")
    launched = launching.launch_folder(
        transaction, directory, year, at=at, import_roster=False, ready=False, way=way
    )  # fmt: skip
    launching.enroll_all(transaction, launched.cycle_id, at=at)
    for kind in OPENED:
        with transaction() as session:
            opens_at = session.scalars(select(Stage.opens_at).filter_by(cycle_id=launched.cycle_id, kind=kind)).one()
        steps.run(transaction, StepRef(launched.agency, year, kind, Step.OPEN), at=max(opens_at, at))
    with transaction() as session:
        seen = _plan(session, session.get_one(Cycle, launched.cycle_id), report, at=at, locale=locale)
    seen.notes[:0] = [_refused(one, locale) for one in passed]
    return seen


def _refused(past: Past, locale: Locale) -> str:
    """What the launch itself would refuse."""
    if locale is Locale.EN:
        return f"the launch would be refused, {past.what.en} has passed: {past.would.en}"
    return f"peluncuran akan ditolak, {past.what.id} sudah lewat: {past.would.id}"


def _plan(session: Session, cycle: Cycle, report: ImportReport, *, at: datetime, locale: Locale) -> Plan:
    agency = session.get_one(Agency, cycle.agency_id)
    calendar, pack = calendar_of(session, agency, at), Pack.model_validate_json(cycle.pack)
    stages = session.scalars(select(Stage).filter_by(cycle_id=cycle.id).order_by(Stage.opens_at)).all()
    plans = [_stage(session, cycle, stage, calendar, pack) for stage in stages]
    excluded = select(Appraisal.explanation, func.count()).where(
        Appraisal.cycle_id == cycle.id, Appraisal.state == AppraisalState.EXCLUDED
    )
    people = select(func.count()).select_from(Person).filter_by(agency_id=agency.id)
    appraised = _count(session, cycle, Appraisal.state != AppraisalState.EXCLUDED)
    return Plan(
        agency=agency.code, year=cycle.year, pack=f"{cycle.pack_name} {cycle.pack_version}",
        people=session.scalar(people) or 0, appraised=appraised,
        excluded=dict(session.execute(excluded.group_by(Appraisal.explanation)).tuples().all()),
        without_rater=_count(session, cycle, Appraisal.rater_id.is_(None)),
        without_authority=_count(session, cycle, Appraisal.rater_id.is_not(None), Appraisal.authority_id.is_(None)),
        rows=report.rows, held_back=report.counts["held_back"], stages=plans,
        problems=[
            {"row": one.row, "name": one.name, "code": one.code, "severity": one.severity.value,
             "blocks": one.blocks, **one.text(locale)._asdict()}
            for one in report.problems
        ],
        notes=[note for plan in plans for note in _notes(plan, calendar, calendar.local_date(at), locale)],
    )  # fmt: skip


def _count(session: Session, cycle: Cycle, *where) -> int:
    return (
        session.scalar(select(func.count()).select_from(Appraisal).where(Appraisal.cycle_id == cycle.id, *where)) or 0
    )


def _stage(session: Session, cycle: Cycle, stage: Stage, calendar: Calendar, pack: Pack) -> StagePlan:
    recipients = _recipients(session, cycle, stage)
    opens, due, closes = map(calendar.local_date, (stage.opens_at, stage.due_at, stage.closes_at))
    reminders = []
    if stage.kind in OPENED:  # what the later stages remind of depends on who objects and who is drawn
        rungs = occasions(due, pack.reminder_offsets, calendar, pack.escalation)
        reminders = [
            Reminding(rung.on, len(recipients), rung.escalates_to.value if rung.escalates_to else None)
            for rung in rungs if opens < rung.on <= closes
        ]  # fmt: skip
    letters = Counter(kind for _, _, kind in recipients)
    return StagePlan(stage.kind, opens, due, calendar.local_date(stage.closes_at), dict(letters), reminders, recipients)


def _recipients(session: Session, cycle: Cycle, stage: Stage) -> list[tuple[str, str, str]]:
    """From the letters that the opening owed; for the later stages, from whom it will concern if all are rated."""
    if stage.kind in OPENED:
        query = select(Person.nip, Person.name, Letter.kind).join(Letter, Letter.person_id == Person.id)
        query = query.where(Letter.stage_id == stage.id, Letter.kind == first_kind(stage)).order_by(Person.name)
        return list(session.execute(query).tuples())
    kind = {StageKind.OBJECTION_HANDLING: "result_issued", StageKind.FINALIZATION: "final_letter"}.get(stage.kind)
    if kind is None:
        return []  # auditors are assigned after the draw
    query = select(Person.nip, Person.name).join(Appraisal, Appraisal.employee_id == Person.id)
    query = query.where(Appraisal.cycle_id == cycle.id, Appraisal.state != AppraisalState.EXCLUDED)
    return [(nip, name, kind) for nip, name in session.execute(query.order_by(Person.name)).tuples()]


OPENS, DUE = Said("dibuka", "opens"), Said("batas waktu", "due")


def _notes(plan: StagePlan, calendar: Calendar, today: date, locale: Locale) -> list[str]:
    """What HR may want to move before launching."""
    name = words.STAGES[locale][plan.stage]
    notes = []
    if plan.opens < today:
        notes.append(
            f"{name} would open at once: {plan.opens} has passed"
            if locale is Locale.EN
            else f"{name} akan langsung dibuka: {plan.opens} sudah lewat"
        )
    for what, day in ((OPENS, plan.opens), (DUE, plan.due)):
        if not calendar.is_working_day(day):
            notes.append(_day_off(name, what, day, calendar, locale))
    return notes


def _day_off(name: str, what: Said, day: date, calendar: Calendar, locale: Locale) -> str:
    why = calendar.holidays.get(day, words.WEEKDAYS[locale][day.weekday()])
    if locale is Locale.EN:
        return f"{name}: {what.en} {day} is a day off ({why})"
    return f"{name}: {what.id} {day} adalah hari libur ({why})"
