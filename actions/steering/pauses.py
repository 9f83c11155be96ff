"""Stopping a cycle and going on, with whom it touches."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions.cycle import cycles
from actions.line.calendars import calendar_of
from actions.steering import later_stages
from actions.steering.pause_letters import Dates, open_dates, tell
from actions.steering.preview import Preview, Problems, Said, SteeringRefused, require, stage_name, touched
from models import Agency, Assignment, Cycle, Stage
from rules.terms import AssignmentState, CycleState
from rules.time.stages import OVER


def pause(
    session: Session, cycle: Cycle, *, reason: str, at: datetime, by: int | None = None, preview: bool = False
) -> Preview:
    """Stop the cycle; everybody with something open is told, and what it means for their dates."""
    problems = Problems()
    problems.look(_check_running, cycle)
    problems.look(require, reason=reason)
    problems.refuse()
    dates = open_dates(session, cycle)
    seen = Preview("pause", touched(session, [(one, "letter") for one in dates]), _open(session, cycle, dates), [
        Said("Tidak ada tahap yang dibuka, diingatkan, ditutup, atau menerima isian sampai siklus dilanjutkan.",
             "Nothing opens, reminds, closes or is accepted until the cycle is resumed."),
    ])  # fmt: skip
    if not preview:
        cycles.pause(session, cycle, reason, at=at, by=by)
        tell(session, cycle, "cycle_paused", dates, reason=reason, at=at)
    return seen


def resume(
    session: Session, cycle: Cycle, *, reason: str, at: datetime, by: int | None = None, preview: bool = False
) -> Preview:
    """Go on; dates that lay ahead when it stopped move by as many days as it stood still."""
    problems = Problems()
    problems.look(_check_paused, cycle)
    problems.look(require, reason=reason)
    problems.refuse()
    days = cycles.stood_still(cycle, at).days
    dates = open_dates(session, cycle)
    people = touched(session, [(one, "letter") for one in dates])
    seen = Preview("resume", people, _open(session, cycle, dates) | {"days": days}, [
        Said(f"Semua tanggal yang belum lewat mundur {days} hari.", f"All dates that lie ahead move by {days} days."),
        *_days_off(session, cycle, days, at),
    ])  # fmt: skip
    if not preview:
        cycles.resume(session, cycle, reason, at=at, by=by)
        tell(session, cycle, "cycle_resumed", dates, reason=reason, at=at, after=open_dates(session, cycle))
    return seen


def _check_running(cycle: Cycle) -> None:
    if cycle.state is not CycleState.RUNNING:
        words = "dihentikan sementara" if cycle.state is CycleState.PAUSED else "sudah ditutup"
        raise SteeringRefused(f"Siklus ini {words}.", f"The cycle is {cycle.state.value}.")


def _check_paused(cycle: Cycle) -> None:
    if cycle.state is not CycleState.PAUSED or cycle.paused_at is None:
        raise SteeringRefused("Siklus tidak sedang dihentikan.", "The cycle is not paused.")


def _days_off(session: Session, cycle: Cycle, days: int, at: datetime) -> Iterator[Said]:
    """A warning for each stage that will be due on a day off."""
    calendar = calendar_of(session, session.get_one(Agency, cycle.agency_id), at)
    for stage in session.scalars(select(Stage).filter_by(cycle_id=cycle.id).order_by(Stage.opens_at)):
        if stage.state not in OVER and cycle.paused_at is not None and stage.due_at > cycle.paused_at:
            name, day = stage_name(stage.kind), calendar.local_date(stage.due_at) + timedelta(days=days)
            what = Said(f"Batas waktu tahap {name.id}", f"The deadline of {name.en}")
            yield from later_stages.days_off(calendar, {what: day})


def _open(session: Session, cycle: Cycle, dates: Dates) -> dict[str, int]:
    query = select(func.count(), func.count(Assignment.person_id.distinct())).select_from(Assignment).join(
        Stage, Stage.id == Assignment.stage_id
    ).where(Stage.cycle_id == cycle.id, Assignment.state == AssignmentState.OPEN)  # fmt: skip
    duties, people = session.execute(query).one()
    return {"people": people, "open": duties, "letters": len(dates)}
