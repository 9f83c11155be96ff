"""The language that a person chose: it holds for their pages and for every letter that is queued from then on."""

from datetime import datetime

from sqlalchemy.orm import Session

from actions.store import trail
from models import Person
from rules.terms import Locale


def choose(session: Session, person: Person, locale: Locale, *, at: datetime) -> None:
    """Write to this person in this language. A roster that says something else leaves it, until its cell changes."""
    if person.locale is locale:
        return
    before = person.locale
    person.locale = locale
    session.flush()
    trail.record(
        session, person.agency_id, "person.language_chosen", f"person:{person.id}", at=at,
        actor=trail.Actor(person.id), before={"locale": before.value}, after={"locale": locale.value},
    )  # fmt: skip
