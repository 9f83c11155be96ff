"""Scoring is extended after its close: what follows moves along, nobody loses a right, and the audit is a real one."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

import clock
from actions import steering
from actions.cycle.cycles import find
from actions.line.calendars import calendar_of
from database import Database
from models import Agency, Appraisal, AuditDraw, AuditPlan, Cycle, Letter, Result, Stage
from rules.pack.pack import Pack
from rules.terms import LetterState, ReceiptKind, StageKind, StageState
from simulation.throwaway import simulate

EXAMPLES = Path(__file__).parents[2] / "examples"
YEAR = 2026
SCORING = StageKind.SUPERVISOR_SCORING
LATER = (StageKind.OBJECTION_HANDLING, StageKind.AUDIT_SAMPLING, StageKind.FINALIZATION)
ORDER = {"decree_no": "800/77/2027", "reason": "Jaringan terputus sebulan penuh"}


def stages_of(session: Session) -> dict[StageKind, Stage]:
    return {stage.kind: stage for stage in session.scalars(select(Stage))}


def a_month_later(day: date, months: int) -> date:
    month = day.month + months
    return date(day.year, month, min(day.day, 28))


def extending(db: Database, agency: str, months: int) -> Callable[[date], None]:
    """HR gives more time on the second morning after the close, when the results are issued."""
    done: list[date] = []

    def on_day(day: date) -> None:
        with db.transaction() as session:
            cycle = find(session, agency, YEAR)
            assert cycle is not None
            scoring = stages_of(session)[SCORING]
            if done or scoring.state is not StageState.CLOSED:
                return
            calendar = calendar_of(session, session.get_one(Agency, cycle.agency_id), clock.now())
            until = a_month_later(calendar.local_date(scoring.due_at), months)
            steering.extend(session, cycle, SCORING, until, **ORDER, at=clock.now())
            done.append(day)

    return on_day


@pytest.mark.parametrize(("agency", "months"), [("mamuju", 1), ("samarinda", 2)])
def test_the_year_ends_whole_on_sqlite(db: Database, agency: str, months: int) -> None:
    check(db, agency, months)


@pytest.mark.parametrize(("agency", "months"), [("mamuju", 2), ("samarinda", 1)])
def test_the_year_ends_whole_on_postgresql(pg: Database, agency: str, months: int) -> None:
    check(pg, agency, months)


def check(db: Database, agency: str, months: int) -> None:
    report = simulate(db, EXAMPLES / agency, YEAR, seed=5, on_day=extending(db, agency, months))
    assert report.clean, report
    with db.reading() as session:
        cycle = session.scalars(select(Cycle)).one()
        stages = stages_of(session)
        assert {stage.state for stage in stages.values()} == {StageState.CLOSED}
        _stages_follow(session, cycle, stages)
        _letters_and_receipts(session, cycle, stages[StageKind.OBJECTION_HANDLING])
        _a_real_audit(session, stages[StageKind.AUDIT_SAMPLING])


def _stages_follow(session: Session, cycle: Cycle, stages: dict[StageKind, Stage]) -> None:
    local = calendar_of(session, session.get_one(Agency, cycle.agency_id), clock.now()).local_date
    leasts = Pack.model_validate_json(cycle.pack).leasts
    for kind in LATER[:2]:
        left = local(stages[kind].closes_at) - local(stages[SCORING].closes_at)
        assert left >= timedelta(days=leasts[kind]), kind
    ended = max(local(stages[kind].closes_at) for kind in LATER[:2])
    assert local(stages[StageKind.FINALIZATION].opens_at) > ended


def _letters_and_receipts(session: Session, cycle: Cycle, objections: Stage) -> None:
    told = session.scalars(select(Letter).filter_by(kind="result_issued")).all()
    assert {letter.state for letter in told} == {LetterState.ACCEPTED}
    issued = select(Appraisal.employee_id).join(Result, Result.appraisal_id == Appraisal.id)
    assert {letter.person_id for letter in told} == set(session.scalars(issued.where(Result.issued_at.is_not(None))))
    pack, agency = Pack.model_validate_json(cycle.pack), session.get_one(Agency, cycle.agency_id)
    calendar = calendar_of(session, agency, clock.now())
    deemed = select(Result, Appraisal.employee_id).join(Appraisal, Appraisal.id == Result.appraisal_id)
    found = session.execute(deemed.filter(Result.receipt_kind == ReceiptKind.DEEMED)).tuples().all()
    assert found, "somebody never opened theirs"
    first: dict[int, datetime] = {}
    for letter in told:
        assert letter.accepted_at is not None
        first[letter.person_id] = min(letter.accepted_at, first.get(letter.person_id, letter.accepted_at))
    for result, employee in found:
        assert result.received_at == calendar.deemed_receipt(first[employee], pack.deemed_receipt_days)
        assert result.objection_until == calendar.window_end(result.received_at, pack.objection_days, pack.day_kind)
        assert result.objection_until <= objections.closes_at


def _a_real_audit(session: Session, audit: Stage) -> None:
    plan = session.scalars(select(AuditPlan)).one()
    assert plan.frozen_at is not None
    assert plan.closed_at is not None
    assert plan.statement is not None
    assert plan.statement["drawn"] > 0
    assert plan.closed_at - plan.frozen_at > timedelta(days=2)
    assert session.scalars(select(AuditDraw)).all()
    assert plan.closed_at <= audit.closes_at + timedelta(days=1)
