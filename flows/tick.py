"""Every few minutes: what is due as of now? Start it, once; what was missed is due still."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from prefect import State, flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import PrefectException
from prefect.states import Completed, Failed

from actions.stages.leases import of_stage
from actions.stages.steps import StepRef
from tasks import cycles, leases, reports, runs
from tasks.cycles import Todo
from tasks.runs import Outcome

Failures = list[str]
MOST_AT_ONCE = 2
"""Where ticks take longer than the time between them, no more than so many keep workers busy."""


@flow(name="tick", flow_run_name="tick")
def tick() -> State:
    """Read the database and start one short run per step that is due; two ticks at once start the same run once."""
    with leases.alive("tick"):
        return _tick()


def _tick() -> State:
    todo, failures = cycles.look(), Failures()
    if sum(name.startswith("tick:") for name in todo.signs.alive) > MOST_AT_ONCE:
        return Completed(name="Skipped", message=f"{MOST_AT_ONCE} ticks are under way already")
    with get_client(sync_client=True) as client:
        _tidy(client, todo, failures)
        counts = _start_steps(client, todo, failures)
        counts.update(_start_others(client, todo, failures))
    for one in todo.running:
        with _noting(f"showing {one.agency} {one.year}", failures):
            cycles.book(one.agency, one.year)
            reports.write_status(one.agency, one.year)
    if failures:
        return Failed(message=f"{len(failures)} failed: {'; '.join(failures)}. Done: {reports.told(counts)}")
    return Completed(name="Completed" if any(counts.values()) else "Idle", message=reports.told(counts))


def _tidy(client: SyncPrefectClient, todo: Todo, failures: Failures) -> None:
    """What a power cut leaves behind: runs that are shown as under way, and ticks that nobody ran in time."""
    with _noting("burying the dead", failures):
        runs.bury(client, todo.signs)
        cycles.forget_the_dead()
        runs.cancel_missed(client, "tick")


def _start_steps(client: SyncPrefectClient, todo: Todo, failures: Failures) -> Counter[str]:
    """The steps of a stage have an order, so one at a time; one that is stuck is told and does not hold the next."""
    counts: Counter[str] = Counter()
    busy: set[tuple[str, int, str]] = set()
    for ref, key in todo.due:
        stage = (ref.agency, ref.year, ref.stage.value)
        if stage in busy:
            continue
        with _noting(runs.name_of(ref), failures):
            outcome = _start_step(client, ref, key, todo)
            counts[outcome.value] += 1
            if outcome is Outcome.STUCK:
                runs.tell_stuck(ref, key)
            else:
                busy.add(stage)
    return counts


def _start_step(client: SyncPrefectClient, ref: StepRef, key: str, todo: Todo) -> Outcome:
    if of_stage(ref) in todo.signs.alive:
        return Outcome.RUNNING
    return runs.start_step(client, ref, key, todo.signs)


def _start_others(client: SyncPrefectClient, todo: Todo, failures: Failures) -> Counter[str]:
    counts, signs = Counter[str](), todo.signs
    for one in todo.running:
        if not one.enrolled:
            parameters = {"agency_dir": one.agency, "year": one.year, "import_roster": False, "preview": False}
            tags = [f"agency:{one.agency}", f"year:{one.year}"]
            with _noting(f"enrolling {one.agency} {one.year}", failures):
                counts["enrolments"] += runs.start_alone(client, "annual-cycle", parameters, tags=tags, signs=signs)
    if todo.letters:
        with _noting("letters", failures):
            counts["mail runs"] += runs.start_alone(client, "deliver-mail", {}, tags=[], signs=signs)
    with _noting("repair", failures):
        runs.start_hourly(client, "repair", signs)
    return counts


@contextmanager
def _noting(what: str, failures: Failures) -> Iterator[None]:
    """One that cannot be started does not keep the others from it, but the tick ends red."""
    try:
        yield
    except (PrefectException, OSError) as error:
        failures.append(f"{what}: {type(error).__name__}")
