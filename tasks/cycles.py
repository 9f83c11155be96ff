"""Launching a cycle in batches, showing its dates ahead, and looking for what is due."""

from dataclasses import dataclass
from datetime import UTC, datetime

from prefect import task
from prefect.client.orchestration import get_client
from prefect.states import Cancelled
from sqlalchemy import select

import clock
import database
from actions.cycle import cycles, launching
from actions.cycle.cycles import Enrolled
from actions.cycle.launch_dates import NO_WAY, Way
from actions.cycle.launching import Launched
from actions.mail import outbox
from actions.roster.imports import Decisions
from actions.stages import due, leases, steps
from actions.stages.leases import Signs
from actions.stages.steps import REPEATABLE, StepRef
from models import Agency, Cycle
from rules.roster.changes import people_by_kind
from rules.terms import CycleState, Lane
from tasks import runs
from tasks.failing import RETRY, guarded
from tasks.refused import REFUSALS, told


@dataclass(frozen=True, slots=True)
class CycleRef:
    agency: str
    year: int
    cycle_id: int
    enrolled: bool


@dataclass(frozen=True, slots=True)
class Todo:
    """What the tick found; `due` with the key under which each is started."""

    due: list[tuple[StepRef, str]]
    running: list[CycleRef]
    letters: bool
    """Some letter may be sent now."""
    signs: Signs
    """Which runs live."""


@task(name="launch", **RETRY)
def launch(
    agency_dir: str,
    year: int,
    import_roster: bool,
    confirm_leavers: bool = False,
    seen: str = "",
    way: Way = NO_WAY,
) -> Launched | str:
    """Import and launch; a refusal comes back as code and counts. Without import, a cycle that is there is taken up."""
    at = clock.now()
    with guarded():
        if not import_roster and (there := _there(agency_dir, year)) is not None:
            return there
        try:
            return launching.launch_folder(
                database.transaction, launching.named_folder(agency_dir), year, at=at, import_roster=import_roster,
                said=Decisions(leavers=confirm_leavers, seen=seen), way=way,
            )  # fmt: skip
        except REFUSALS as refused:
            return told(refused)


@task(name="look at the launch", **RETRY)
def preview(agency_dir: str, year: int, confirm_leavers: bool = False, way: Way = NO_WAY) -> dict[str, int | str] | str:
    """Count what a launch would do; names stay out of Prefect, `appraisal cycle launch --dry-run` lists them."""
    at = clock.now()
    with guarded():
        try:
            folder, said = launching.named_folder(agency_dir), Decisions(leavers=confirm_leavers)
            outlook = launching.look_at(database.transaction, folder, year, at=at, said=said, way=way)
        except REFUSALS as refused:
            return told(refused)
    counts: dict[str, int | str] = {"rows": outlook.report.rows}
    counts |= {kind.value: count for kind, count in people_by_kind(outlook.report.people).items()}
    held = outlook.report.counts["held_back"]
    return counts | {"held_back": held, "stops": len(outlook.stops), "digest": outlook.report.digest}


@task(name="findings", **RETRY)
def findings(cycle_id: int) -> list[str]:
    """What of the launched cycle somebody has to look at; counts and roles only."""
    with guarded(), database.reading() as session:
        return [english for _, english in launching.findings(session, cycle_id, at=clock.now()).sentences()]


def _there(agency: str, year: int) -> Launched | None:
    with database.reading() as session:
        if (cycle := cycles.find(session, agency, year)) is None:
            return None
        return Launched(agency, year, cycle.id, f"{cycle.pack_name} {cycle.pack_version}", 0, 0, again=True)


@task(name="enroll", task_run_name="enroll after {after}", **RETRY)
def enroll(cycle_id: int, after: int) -> Enrolled:
    """Give the next people their appraisal; who has one keeps it."""
    with guarded(), database.transaction() as session:
        if session.get_one(Cycle, cycle_id).enrolled_at is not None:
            return Enrolled(after, 0, done=True)
        return cycles.enroll(session, cycle_id, after=after, at=clock.now())


@task(name="look", **RETRY)
def look() -> Todo:
    """Everything that is due as of now, in one reading."""
    at = clock.now()
    with guarded(), database.reading() as session:
        found = [(ref, _key(session, ref, at)) for ref in due.due(session, at=at)]
        query = select(Agency.code, Cycle.year, Cycle.id, Cycle.enrolled_at).join(Agency)
        running = [
            CycleRef(agency, year, cycle_id, enrolled is not None)
            for agency, year, cycle_id, enrolled in session.execute(
                query.where(Cycle.state == CycleState.RUNNING).order_by(Cycle.id)
            ).tuples()
        ]
        waiting = None if outbox.paused(session) else outbox.next_due(session, list(Lane))
        due_mail = (waiting is not None and waiting <= at) or outbox.is_overdue(session, at=at)
        return Todo(found, running, due_mail, leases.signs(session))


def _key(session, ref: StepRef, at: datetime) -> str:
    """What comes again has the day and the count of times it had an effect in its key: repeatable, yet two ticks at
    once mean the same run, and one that runs without effect is seen to be stuck."""
    round = f"{at:%Y%m%d}.{steps.rounds(session, ref)}" if ref.step in REPEATABLE else ""
    return runs.key_of(ref, round)


def forget_the_dead() -> int:
    """Remove what runs that died left of their leases."""
    with guarded(), database.transaction() as session:
        return leases.forget_the_dead(session)


@task(name="book the year", **RETRY)
def book(agency: str, year: int) -> dict[str, int]:
    """Make the runs booked ahead match the dates of the cycle: a view for ops, which the guard in each step backs."""
    at = clock.now()
    with guarded(), database.reading() as session:
        cycle = cycles.find(session, agency, year)
        assert cycle is not None
        ahead = due.boundaries(session, cycle, session.get_one(Agency, cycle.agency_id), at=at)
    wanted = {runs.booked_key(ref): (ref, when) for ref, when in ahead if when > datetime.now(UTC)}
    with get_client(sync_client=True) as client:
        there = {str(run.idempotency_key): run for run in runs.booked(client, agency, year)}
        stale = [
            run for key, run in there.items()
            if key not in wanted and run.expected_start_time and run.expected_start_time > datetime.now(UTC)
        ]  # fmt: skip
        for run in stale:
            client.set_flow_run_state(run.id, Cancelled(message="superseded: the date moved, or it was done before"))
    missing = [one for key, one in wanted.items() if key not in there]
    for ref, when in missing:
        runs.start(
            runs.deployment_of(ref), runs.parameters_of(ref), key=runs.booked_key(ref), name=runs.name_of(ref),
            tags=["booked", *runs.tags_of(ref)], when=when,
        )  # fmt: skip
    return {"booked": len(missing), "superseded": len(stale)}
