"""More time by decree: for a whole stage, a unit with all below it, or one person; it may come late.

A stage that has closed already opens again for whom the extension is; what had lapsed there is asked in a new round.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions.duties.assignments import Duty
from actions.duties.invitations import invite
from actions.line.deadlines import Deadlines, deadlines_of, units_below
from actions.line.holders import line_on
from actions.mail import letters
from actions.mail.letters import wave_of
from actions.steering import involved, later_stages, rounds
from actions.steering.later_stages import MovedStage
from actions.steering.preview import (
    Preview,
    Problems,
    Said,
    SteeringRefused,
    require,
    situation,
    stage_name,
    touched,
)
from actions.store import trail
from models import Agency, Appraisal, Assignment, AuditPlan, Cycle, Extension, Person, Stage, StageStep, Unit
from rules.pack.pack import Pack
from rules.terms import ActKind, AssignmentState, StageKind, StageState, Step
from rules.time.calendar import DAY, Calendar
from rules.time.following import lacking


@dataclass(slots=True)
class _Plan:
    stage: Stage
    due_at: datetime
    closes_at: datetime
    moved: list[Assignment] = field(default_factory=list)
    """Open, and due later from now on."""
    again: list[tuple[Assignment, Duty]] = field(default_factory=list)
    told: dict[int, tuple[datetime, datetime]] = field(default_factory=dict)
    """person -> the earliest date that moves for them, and what it becomes."""
    later: list[MovedStage] = field(default_factory=list)
    """The stages after it that move along."""


def extend(
    session: Session, cycle: Cycle, kind: StageKind, until: date, *, decree_no: str, reason: str,
    unit: int | None = None, person: int | None = None, at: datetime, by: int | None = None, keep_later: bool = False,
    preview: bool = False,
) -> Preview:  # fmt: skip
    """Give more time until the end of `until`, a day in the agency's zone; the later stages move along.

    Refused: a day that has passed, brings nothing or lies years ahead, no decree or reason, a closed cycle, scoring
    once objections are closed, because a late result could not be objected to any more, and `keep_later` where a later
    stage would be left with less than the pack's least length.
    """
    agency, calendar, today = situation(session, cycle, at)
    query = select(Stage).filter_by(cycle_id=cycle.id, kind=kind)
    stage = session.scalars(query if preview else query.with_for_update()).one()
    deadlines, problems = deadlines_of(session, stage), Problems()
    problems.look(_check_state, session, stage)
    problems.look(_check_dates, calendar, deadlines, until, today, unit, person)
    problems.look(_check_scope, session, agency, unit, person)
    problems.look(_check_not_involved, session, by, person)
    problems.look(require, decree_no=decree_no, reason=reason)
    problems.refuse()
    plan = _plan(session, cycle, stage, deadlines, calendar, until, today, unit, person)
    _see_later(session, cycle, plan, deadlines, calendar, whole=unit is None and person is None, keep=keep_later)
    told = [*plan.told, *(who for one in plan.later for who in one.told)]
    counts = {"moved": len(plan.moved), "asked_again": len(plan.again), "letters": len(told)}
    seen = Preview(
        "extend", touched(session, [(one, "deadline_moved") for one in told]),
        counts | ({"later_stages": len(plan.later)} if plan.later else {}),
        _notes(session, cycle, plan, calendar, today), {one.stage.kind.value: one.dates for one in plan.later},
    )  # fmt: skip
    if not preview:
        row = Extension(stage_id=stage.id, unit_id=unit, person_id=person, due_at=plan.due_at, decree_no=decree_no,
                        reason=reason, by_id=by, at=at)  # fmt: skip
        _carry_out(session, cycle, plan, row, calendar, at=at)
    return seen


def _see_later(
    session: Session, cycle: Cycle, plan: _Plan, deadlines: Deadlines, calendar: Calendar, *, whole: bool, keep: bool
) -> None:
    """Find what moves along; refused if it is to stay where it is and cannot."""
    was = later_stages.last_day(deadlines, calendar)
    ends = max(was, *map(calendar.local_date, (plan.due_at, plan.closes_at)))
    if keep:
        later_stages.refuse_starving(session, cycle, plan.stage.kind, ends, calendar)
    elif ends > was:
        plan.later = later_stages.that_move(session, cycle, plan.stage.kind, was, ends, calendar, whole=whole)


def _check_scope(session: Session, agency: Agency, unit: int | None, person: int | None) -> None:
    if unit is not None and person is not None:
        raise SteeringRefused(
            "Pilih satu: unit atau pegawai, tidak keduanya.",
            "Name a unit or a person, not both.",
            field="person",
        )
    for table, key in ((Unit, unit), (Person, person)):
        found = session.get(table, key) if key is not None else None
        if key is not None and (found is None or found.agency_id != agency.id):
            raise SteeringRefused(
                f"Unit atau pegawai itu tidak ada di {agency.name}; periksa daftar pegawai.",
                f"No such unit or person in {agency.name}; see the roster.",
                field="unit" if table is Unit else "person",
            )


def _check_not_involved(session: Session, by: int | None, person: int | None) -> None:
    if person is not None:
        involved.check_person(session, by, person, field="person")


def _check_dates(
    calendar: Calendar, deadlines: Deadlines, until: date, today: date, unit: int | None, person: int | None
) -> None:
    if until < today:
        raise SteeringRefused(
            f"{until:%d-%m-%Y} sudah lewat: pilih hari ini atau sesudahnya.",
            f"{until} has passed: name today or a later day.",
            field="until",
        )
    if not calendar.covers(until):
        last = max(calendar.years)
        raise SteeringRefused(
            f"{until:%d-%m-%Y} terlalu jauh: paling lambat 31-12-{last}; periksa tahunnya.",
            f"{until} is too far ahead: 31 December {last} at the latest; check the year.",
            field="until",
        )
    given = deadlines.stage.due_at
    if person is not None:
        given = max(given, deadlines.by_person.get(person, given))
    if unit is not None:
        given = max(given, deadlines.by_unit.get(unit, given))
    if until <= calendar.local_date(given):
        there = calendar.local_date(given)
        raise SteeringRefused(
            f"Batas waktu sudah {there:%d-%m-%Y}; perpanjangan harus sesudahnya.",
            f"The deadline is {there} already; an extension goes beyond it.",
            field="until",
        )


def _check_state(session: Session, stage: Stage) -> None:
    if stage.state is StageState.SKIPPED:
        raise SteeringRefused(
            "Tahap ini tidak diadakan: siklus dimulai sesudahnya.",
            "The stage is not held: the cycle began after it. HR extends a stage that is.",
            field="stage",
        )
    if stage.state in (StageState.OPENING, StageState.CLOSING):
        raise SteeringRefused(
            "Tahap sedang dibuka atau ditutup; ulangi beberapa menit lagi.",
            "The stage is being opened or closed just now; try again in a few minutes.",
            field="stage",
        )
    later = {
        StageKind.SUPERVISOR_SCORING: StageKind.OBJECTION_HANDLING,
        StageKind.OBJECTION_HANDLING: StageKind.FINALIZATION,
        StageKind.AUDIT_SAMPLING: StageKind.FINALIZATION,
    }.get(stage.kind)  # fmt: skip
    if stage.state is not StageState.CLOSED or later is None:
        return
    over = session.scalar(select(Stage.state).filter_by(cycle_id=stage.cycle_id, kind=later))
    if over is StageState.CLOSED:
        raise SteeringRefused(
            f"Tahap {stage_name(later).id} sudah ditutup; perpanjang tahap itu lebih dahulu.",
            f"The stage {stage_name(later).en} that follows is closed; HR extends that one first.",
            field="stage",
        )


def _plan(
    session: Session, cycle: Cycle, stage: Stage, deadlines: Deadlines, calendar: Calendar, until: date, today: date,
    unit: int | None, person: int | None,
) -> _Plan:  # fmt: skip
    whole = unit is None and person is None
    new = calendar.end_of_day(until)
    grace = until - calendar.local_date(stage.due_at)
    closes = calendar.end_of_day(calendar.local_date(stage.closes_at) + grace) if whole else stage.closes_at
    plan = _Plan(stage, new, closes)
    inside = _inside(session, unit, person)
    last = rounds.last_rounds(stage.id).where(*inside)
    for one in session.scalars(last.where(Assignment.state == AssignmentState.OPEN)):
        if deadlines.due(one) < new and not (whole and one.due_at is not None):
            plan.moved.append(one)
            _note(plan, one.person_id, deadlines.due(one), optional=one.optional)
    if stage.state is StageState.CLOSED:
        lapsed = session.scalars(last.where(Assignment.state == AssignmentState.LAPSED, Assignment.due_at.is_(None)))
        listed = lapsed.all()
        cases = rounds.cases_of(session, listed)
        line = line_on(session, cycle.agency_id, today)
        plan.again = rounds.duties_again(session, listed, cases, line)
        for one, duty in plan.again:
            _note(plan, duty.holder.person_id, deadlines.due(one), optional=one.optional)
    return plan


def _inside(session: Session, unit: int | None, person: int | None) -> list:
    if person is not None:
        return [Assignment.person_id == person]
    return [Assignment.unit_id.in_(units_below(session, unit))] if unit is not None else []


def _note(plan: _Plan, person: int, old: datetime, *, optional: bool) -> None:
    """A right that nobody waits for moves along, but nobody is written to about it."""
    if not optional:
        before = plan.told.get(person, (old, plan.due_at))[0]
        plan.told[person] = (min(before, old), plan.due_at)


def _notes(session: Session, cycle: Cycle, plan: _Plan, calendar: Calendar, today: date) -> list[Said]:
    notes = []
    if plan.stage.state is StageState.CLOSED:
        notes.append(Said("Tahap ini sudah ditutup dan dibuka kembali untuk yang disebut di sini.",
                          "The stage has closed and opens again for those named here."))  # fmt: skip
    notes += later_stages.days_off(
        calendar, {Said("Batas waktu baru", "The new deadline"): calendar.local_date(plan.due_at)}
    )
    notes += [*later_stages.said_of(plan.later), *later_stages.dates_off(calendar, plan.later)]
    notes += [*_still_short(cycle, plan, calendar, today), *_clocks(session, cycle, plan)]
    if plan.stage.kind is StageKind.TARGET_SETTING and cycle.plan_default_after >= today:
        day = cycle.plan_default_after + DAY
        notes.append(Said(f"Rencana baku tetap ditetapkan mulai {day:%d-%m-%Y} bagi yang belum punya.",
                          f"Default plans are still established from {day} on for whoever has none."))  # fmt: skip
    if plan.stage.kind is StageKind.SUPERVISOR_SCORING and plan.again and _frozen(session, cycle):
        notes.append(Said("Kerangka audit sudah dibekukan: hasil yang menyusul tidak ikut diundi.",
                          "The audit's frame is frozen: results that follow now are not in the draw."))  # fmt: skip
    return notes


def _still_short(cycle: Cycle, plan: _Plan, calendar: Calendar, today: date) -> Iterator[Said]:
    """A stage whose time had passed before it opened, and that would not have its least length even so."""
    stage, local = plan.stage, calendar.local_date
    opens, closes = local(stage.opens_at), local(plan.closes_at)
    least = Pack.model_validate_json(cycle.pack).least(stage.kind)
    if stage.state is StageState.PLANNED and (short := lacking(opens, closes, today, least)):
        yield Said(f"Tahap ini masih kurang {short} hari dari lama paling sedikit dan tidak ditutup sebelum cukup.",
                   f"The stage is still {short} days short of its least length; it does not close before.")  # fmt: skip


def _clocks(session: Session, cycle: Cycle, plan: _Plan) -> Iterator[Said]:
    """Personal clocks run from receipt or filing; an extension neither moves nor ends them."""
    stages = select(Stage.id).where(Stage.cycle_id == cycle.id, Stage.id.in_([one.stage.id for one in plan.later]))
    running = select(func.count()).select_from(Assignment).where(
        Assignment.stage_id.in_(stages), Assignment.state == AssignmentState.OPEN, Assignment.due_at.is_not(None)
    )  # fmt: skip
    if count := session.scalar(running):
        yield Said(f"{count} batas waktu perorangan (keberatan, penjelasan, keputusan) tetap seperti semula.",
                   f"{count} personal clocks (objections, statements, decisions) stay as they are.")  # fmt: skip


def _frozen(session: Session, cycle: Cycle) -> bool:
    query = select(AuditPlan.id).where(AuditPlan.cycle_id == cycle.id, AuditPlan.frozen_at.is_not(None))
    return session.scalar(query.limit(1)) is not None


def _carry_out(
    session: Session, cycle: Cycle, plan: _Plan, row: Extension, calendar: Calendar, *, at: datetime
) -> None:
    stage = plan.stage
    before = {"due": stage.due_at.isoformat(), "closes": stage.closes_at.isoformat(), "state": stage.state.value}
    session.add(row)
    if row.unit_id is None and row.person_id is None:
        stage.due_at, stage.closes_at = max(plan.due_at, stage.due_at), plan.closes_at
    stage.revision += 1
    if stage.state is StageState.CLOSED:
        _open_again(session, plan, at=at)
    session.flush()
    everybody = row.unit_id is None and row.person_id is None
    letters.keep_useful(session, stage.id, max(plan.closes_at, plan.due_at), None if everybody else plan.told)
    _tell(session, cycle, plan, row, at=at)
    later_stages.move(session, cycle, plan.later, calendar, at=at, by=row.by_id, decree=row.decree_no,
                      reason=row.reason, occasion=f"extension-{row.id}")  # fmt: skip
    after = {"due": row.due_at.isoformat(), "closes": stage.closes_at.isoformat(), "state": stage.state.value,
             "unit": row.unit_id, "person": row.person_id, "decree": row.decree_no, "revision": stage.revision,
             "moved": len(plan.moved), "asked_again": len(plan.again),
             "later": [one.stage.kind.value for one in plan.later]}  # fmt: skip
    trail.record(session, cycle.agency_id, "stage.extended", f"stage:{stage.id}", at=at, actor=trail.Actor(row.by_id),
                 before=before, after=after, why=f"{row.decree_no}: {row.reason}")  # fmt: skip


def _open_again(session: Session, plan: _Plan, *, at: datetime) -> None:
    """Open the stage anew; its close (and issue) of before stay on record under another occasion and are due again."""
    stage = plan.stage
    stage.state = StageState.OPEN
    query = select(StageStep).where(StageStep.stage_id == stage.id, StageStep.step.in_((Step.CLOSE, Step.ISSUE)),
                                    ~StageStep.occasion.startswith("r"))  # fmt: skip
    for step in session.scalars(query):
        step.occasion = f"r{stage.revision}:{step.occasion}"
    rounds.ask_again(session, stage.id, [duty for _, duty in plan.again], at=at)
    scored = [duty.appraisal_id for one, duty in plan.again if one.kind is ActKind.SCORE]
    rounds.may_be_rated_again(session, [session.get_one(Appraisal, case) for case in scored])


def _tell(session: Session, cycle: Cycle, plan: _Plan, row: Extension, *, at: datetime) -> None:
    if not plan.told:
        return
    wave = wave_of(session, f"deadline_moved:{row.id}", cycle.id, plan.stage.id, at=at)
    groups: dict[tuple[datetime, datetime], list[int]] = defaultdict(list)
    for person, dates in plan.told.items():
        groups[dates].append(person)
    for (old, new), people in groups.items():
        more = {"old_due": old.isoformat(), "due": new.isoformat(), "decree": row.decree_no, "reason": row.reason}
        invite(session, plan.stage, people, kind="deadline_moved", occasion=f"extension-{row.id}", at=at, wave=wave,
               more=more)  # fmt: skip
