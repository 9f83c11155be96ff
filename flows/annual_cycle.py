"""What HR starts once a year: roster, cycle, an appraisal for everybody, and the dates ahead for ops to see."""

from prefect import State, flow
from prefect.states import Completed, Failed

from actions.cycle.launching import Launched
from rules.terms import StageKind
from tasks import cycles, leases, reports


@flow(name="annual-cycle", flow_run_name="{agency_dir} {year} · launch")
def annual_cycle(
    agency_dir: str, year: int, import_roster: bool = True, preview: bool = False, confirm_leavers: bool = False,
    seen: str = "", shift: bool = False, begin_at: StageKind | None = None,
) -> State:  # fmt: skip
    """Launch an agency's yearly cycle. Run again with the same folder it changes nothing.

    The form looks first: with `preview` it counts what would happen, and changes nothing. Reasons to launch in spite of
    something stand in the folder's waivers.csv, corrected NIPs in its nip_corrections.csv: neither belongs in a form.

    Args:
        agency_dir: Name of the agency's folder in the agencies directory, for instance mamuju.
        year: Year of the cycle, for instance 2027.
        import_roster: Take in the roster first; without it the people who are known already are appraised.
        preview: Only count what would happen to how many; switch it off to launch.
        confirm_leavers: It is meant that so many people leave, as the preview says.
        seen: The digest that the preview gave; the launch is refused if anything changed since.
        shift: If dates have passed: what has passed begins today, and what follows moves along.
        begin_at: If dates have passed: the stage to begin at; the stages before it are not held.
    """
    with leases.alive("launch"):
        way = cycles.Way(shift, begin_at)
        if preview:
            return _look(agency_dir, year, confirm_leavers, way)
        return _launch(cycles.launch(agency_dir, year, import_roster, confirm_leavers, seen, way), year)


def _launch(launched: Launched | str, year: int) -> State:
    if isinstance(launched, str):
        return Failed(message=launched)
    after = added = 0
    while not (batch := cycles.enroll(launched.cycle_id, after)).done:
        after, added = batch.last, added + batch.added
    counts = {"rows": launched.rows, "held_back": launched.held_back, "enrolled": added}
    if added:
        reports.note("cycle.launched", launched.agency, year, {"pack": launched.pack, **counts})
    booked = cycles.book(launched.agency, year)
    reports.write_status(launched.agency, year)
    message = f"{launched.pack}: {reports.told(counts | booked)}"
    if found := cycles.findings(launched.cycle_id):
        return Failed(message=f"launched, but somebody has to look: {'; '.join(found)}. {message}")
    return Completed(message=message)


def _look(agency_dir: str, year: int, confirm_leavers: bool, way: cycles.Way) -> State:
    """What a launch would do, in counts; red where something would stop it."""
    seen = cycles.preview(agency_dir, year, confirm_leavers, way)
    if isinstance(seen, str):
        return Failed(message=seen)
    told = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in seen.items() if count)
    if seen["stops"]:
        who = f"names and ways on: appraisal cycle launch {agency_dir} --year {year} --dry-run"
        return Failed(message=f"a launch would be stopped: {told}. {who}")
    return Completed(name="Preview", message=f"nothing was changed: {told}. To launch, run again with preview off")
