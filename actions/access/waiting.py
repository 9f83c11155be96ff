"""A new address waits: until then no code goes to it, unless a second HR officer has agreed."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import AddressChange


def pending(session: Session, person_id: int, *, at: datetime) -> AddressChange | None:
    """The newest change of the person's address, while it still waits; one that was stopped waits for an officer."""
    query = select(AddressChange).filter_by(person_id=person_id).order_by(AddressChange.id.desc()).limit(1)
    newest = session.scalar(query)
    if newest is None or newest.confirmed_at is not None:
        return None
    return newest if newest.stopped_at is not None or at < newest.waits_until else None


def check(session: Session, person_id: int, *, at: datetime, refused: Callable[[datetime | None], Exception]) -> None:
    """Raise what `refused` makes while the address waits; it is told until when, None if an officer has to agree."""
    if (change := pending(session, person_id, at=at)) is not None:
        raise refused(None if change.stopped_at is not None else change.waits_until)
