"""Finding every broken promise: mended where that is possible, red where a person has to look."""

from prefect import State, flow
from prefect.states import Completed, Failed

from tasks import leases, reports, runs
from tasks import repair as repairs


@flow(name="repair", flow_run_name="repair")
def repair() -> State:
    """Take back letters of dead processes, tell HR of lost ones, name late steps, count what only people can mend."""
    with leases.alive("repair"):
        return _repair()


def _repair() -> State:
    reaped, lost = repairs.reap(), repairs.tell_hr()
    mended = {**reaped, "lost_letters_told": lost["told"]}
    repairs.forget()
    late = repairs.overdue_steps()
    for one in late:
        payload = {"stage": one.ref.stage.value, "step": one.ref.step.value, "hours": one.hours}
        reports.note("stage.overdue", one.ref.agency, one.ref.year, payload, once=f"{runs.key_of(one.ref)}:{one.hours}")
    broken = {**repairs.broken(), "steps_overdue": len(late), "lost_letters_untold": lost["nobody_to_tell"]}
    if any(broken.values()):
        return Failed(message=f"somebody has to look: {reports.told(broken)}; mended: {reports.told(mended)}")
    name = "Mended" if any(mended.values()) else "Clean"
    return Completed(name=name, message=reports.told(mended))
