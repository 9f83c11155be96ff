"""Every few minutes: what is due as of now? Start it, once; what was missed is due still."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from prefect import State, flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import PrefectException
from prefect.states import Completed, Failed

from tasks import cycles, reports, runs
from tasks.cycles import Todo
from tasks.runs import Outcome

Failures = list[str]


@flow(name="tick", flow_run_name="tick")
def tick() -> State:
    """Read the database and start one short run per step that is due; two ticks at once start the same run once."""
    todo, failures = cycles.look(), Failures()
    with get_client(sync_client=True) as client:
        counts = _start_steps(client, todo, failures)
        counts.update(_start_others(client, todo, failures))
    for one in todo.running:
        with _noting(f"showing {one.agency} {one.year}", failures):
            cycles.book(one.agency, one.year)
            reports.write_status(one.agency, one.year)
    if failures:
        return Failed(message=f"{len(failures)} failed: {'; '.join(failures)}. Done: {reports.told(counts)}")
    return Completed(name="Completed" if any(counts.values()) else "Idle", message=reports.told(counts))


def _start_steps(client: SyncPrefectClient, todo: Todo, failures: Failures) -> Counter[str]:
    """The steps of a stage have an order, so one at a time; one that is stuck is told and does not hold the next."""
    counts: Counter[str] = Counter()
    busy: set[tuple[str, int, str]] = set()
    for ref, key in todo.due:
        stage = (ref.agency, ref.year, ref.stage.value)
        if stage in busy:
            continue
        with _noting(runs.name_of(ref), failures):
            outcome = runs.start_step(client, ref, key)
            counts[outcome.value] += 1
            if outcome is Outcome.STUCK:
                runs.tell_stuck(ref, key)
            else:
                busy.add(stage)
    return counts


def _start_others(client: SyncPrefectClient, todo: Todo, failures: Failures) -> Counter[str]:
    counts: Counter[str] = Counter()
    for one in todo.running:
        if not one.enrolled:
            parameters = {"agency_dir": one.agency, "year": one.year, "import_roster": False, "preview": False}
            tags = [f"agency:{one.agency}", f"year:{one.year}"]
            with _noting(f"enrolling {one.agency} {one.year}", failures):
                counts["enrolments"] += runs.start_alone(client, "annual-cycle", parameters, tags=tags)
    if todo.letters:
        with _noting("letters", failures):
            counts["mail runs"] += runs.start_alone(client, "deliver-mail", {}, tags=[])
    with _noting("repair", failures):
        runs.start_hourly("repair")
    return counts


@contextmanager
def _noting(what: str, failures: Failures) -> Iterator[None]:
    """One that cannot be started does not keep the others from it, but the tick ends red."""
    try:
        yield
    except (PrefectException, OSError) as error:
        failures.append(f"{what}: {type(error).__name__}")
