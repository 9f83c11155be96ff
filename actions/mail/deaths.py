"""Taking back what dispatchers held that are gone: at once on their own machine, elsewhere when their leases end."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from actions.mail import outbox
from actions.mail.presence import Presence
from database import Database


def take_back(db: Database, presence: Presence | None, *, at: datetime) -> Mapping[str, int]:
    """Requeue what was not begun, and send once more, byte by byte the same, what may have been lost; how many.

    Safe to run anywhere and at any time. Whoever only looks writes nothing.
    """
    gone = presence.gone() if presence is not None else []
    counts = Counter(requeued=0, ambiguous=0, sent_again=0)
    if gone:
        with db.transaction() as session:
            outbox.expire(session, gone)
    with db.reading() as session:
        overdue = outbox.is_overdue(session, at=at)
    while overdue:
        with db.transaction() as session:
            reaped = outbox.reap(session, at=at)
        counts.update(reaped)
        overdue = any(reaped.values())
        if not overdue:
            with db.transaction() as session:
                counts["sent_again"] = outbox.resolve_ambiguous(session, at=at)
    for owner in gone:
        assert presence is not None
        presence.forget(owner)
    return counts
