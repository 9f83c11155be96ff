"""What HR starts once a year: roster, cycle, an appraisal for everybody, and the dates ahead for ops to see."""

from prefect import State, flow
from prefect.states import Completed, Failed

from tasks import cycles, reports


@flow(name="annual-cycle", flow_run_name="{agency_dir} {year} · launch")
def annual_cycle(agency_dir: str, year: int, import_roster: bool = True) -> State:
    """Launch an agency's yearly cycle. Run again with the same folder it changes nothing.

    Args:
        agency_dir: The agency's folder: its name in the agencies directory, for instance mamuju, or a path.
        year: Year of the cycle, for instance 2027.
        import_roster: Take in the roster first; without it the people who are known already are appraised.
    """
    launched = cycles.launch(agency_dir, year, import_roster)
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
    return Completed(message=f"{launched.pack}: {reports.told(counts | booked)}")
