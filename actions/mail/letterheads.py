"""The name under which an agency's letters go out."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Agency


@dataclass(frozen=True, slots=True)
class Letterhead:
    code: str
    name: str
    contact: str
    zone: str


def letterheads(session: Session) -> list[Letterhead]:
    """Of every agency in the database, by code."""
    found = session.scalars(select(Agency).order_by(Agency.code))
    return [Letterhead(one.code, one.name, one.contact, one.zone) for one in found]
