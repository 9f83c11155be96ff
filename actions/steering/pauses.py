"""Stopping a cycle and going on, with whom it touches."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions import cycles
from actions.steering.preview import Preview, Said, SteeringRefused, require
from models import Assignment, Cycle, Stage
from rules.words import AssignmentState, CycleState


def pause(
    session: Session, cycle: Cycle, *, reason: str, at: datetime, by: int | None = None, preview: bool = False
) -> Preview:
    """Stop the cycle; nobody is named, for everybody with something open is touched: the counts say how many."""
    require(reason=reason)
    if cycle.state is not CycleState.RUNNING:
        words = "dihentikan sementara" if cycle.state is CycleState.PAUSED else "sudah ditutup"
        raise SteeringRefused(f"Siklus ini {words}.", f"The cycle is {cycle.state.value}.")
    seen = Preview("pause", (), _open(session, cycle), [
        Said("Tidak ada tahap yang dibuka, diingatkan, ditutup, atau menerima isian sampai siklus dilanjutkan.",
             "Nothing opens, reminds, closes or is accepted until the cycle is resumed."),
    ])  # fmt: skip
    if not preview:
        cycles.pause(session, cycle, reason, at=at, by=by)
    return seen


def resume(
    session: Session, cycle: Cycle, *, reason: str, at: datetime, by: int | None = None, preview: bool = False
) -> Preview:
    """Go on; dates that lay ahead when it stopped move by as many days as it stood still."""
    require(reason=reason)
    if cycle.state is not CycleState.PAUSED or cycle.paused_at is None:
        raise SteeringRefused("Siklus tidak sedang dihentikan.", "The cycle is not paused.")
    days = cycles.stood_still(cycle, at).days
    seen = Preview("resume", (), _open(session, cycle) | {"days": days}, [
        Said(f"Semua tanggal yang belum lewat mundur {days} hari.", f"All dates that lie ahead move by {days} days."),
    ])  # fmt: skip
    if not preview:
        cycles.resume(session, cycle, reason, at=at, by=by)
    return seen


def _open(session: Session, cycle: Cycle) -> dict[str, int]:
    query = select(func.count(), func.count(Assignment.person_id.distinct())).select_from(Assignment).join(
        Stage, Stage.id == Assignment.stage_id
    ).where(Stage.cycle_id == cycle.id, Assignment.state == AssignmentState.OPEN)  # fmt: skip
    duties, people = session.execute(query).one()
    return {"people": people, "open": duties}
