"""Draining the outbox: invitations, reminders and digests; the resident dispatcher sends what is urgent."""

from collections import Counter

from prefect import State, flow
from prefect.states import Completed, Failed

from tasks import leases, mail, reports

MOST_BATCHES = 100


@flow(name="deliver-mail", flow_run_name="letters")
def deliver_mail() -> State:
    """Send the letters that are due, thousands to a task run, until none is. Several runs never send the same one."""
    with leases.alive("mail"):
        return _drain()


def _drain() -> State:
    counts: Counter[str] = Counter()
    for number in range(1, MOST_BATCHES + 1):
        due, stopped = mail.waiting()
        if stopped:
            return Completed(name="Stopped", message=f"delivery is stopped; {reports.told(counts)}")
        if not due:
            break
        sent = mail.deliver(number)
        counts.update(sent)
        if mail.is_down(sent):
            reports.note_mail(counts)
            return Failed(message=f"the relay takes nothing, letters wait for the next tick; {reports.told(counts)}")
        if not any(sent.values()):
            break
    return Completed(message=reports.told(counts))
