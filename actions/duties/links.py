"""Links into desks: made when a desk opens, the same in every reminder, ended by a new generation."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.sql.base import ExecutableOption

from actions.store.bulk import insert_new, portions
from models import ActionLink, Agency, Cycle, Person, Stage
from rules.refused import Refused
from rules.terms import LinkState


class LinkRefused(Refused):
    """Unknown, forged or revoked: all look the same from outside."""


@dataclass(frozen=True, slots=True)
class OpenedLink:
    link: ActionLink
    person: Person
    stage: Stage
    cycle: Cycle


def kid_of(cycle: Cycle) -> int:
    """One key per cycle, so that a cycle's links die with it: its year, folded into a byte."""
    return cycle.year % 251 + 1


def ensure_links(session: Session, stage: Stage, kid: int, people: Iterable[int], *, at: datetime) -> dict[int, int]:
    """Give each person one active link to their desk in the stage and return person -> link."""
    listed = sorted(set(people))
    found = _active(session, stage, listed)
    missing = [person for person in listed if person not in found]
    generations = _generations(session, stage, missing)
    rows = [
        {"id": secrets.randbits(63) or 1, "person_id": person, "stage_id": stage.id, "kid": kid, "made_at": at,
         "generation": generations.get(person, 0) + 1, "state": LinkState.ACTIVE, "revoked_reason": ""}
        for person in missing
    ]  # fmt: skip
    insert_new(session, ActionLink, rows)
    return _active(session, stage, listed) if missing else found


def _active(session: Session, stage: Stage, people: list[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for portion in portions(people):
        query = select(ActionLink.person_id, ActionLink.id).where(
            ActionLink.stage_id == stage.id, ActionLink.state == LinkState.ACTIVE, ActionLink.person_id.in_(portion)
        )
        found.update((person, link) for person, link in session.execute(query))
    return found


def _generations(session: Session, stage: Stage, people: list[int]) -> dict[int, int]:
    last: dict[int, int] = {}
    for portion in portions(people):
        query = select(ActionLink.person_id, ActionLink.generation).where(
            ActionLink.stage_id == stage.id, ActionLink.person_id.in_(portion)
        )
        for person, generation in session.execute(query):
            last[person] = max(last.get(person, 0), generation)
    return last


def open_link(session: Session, link_id: int | None) -> OpenedLink:
    """Return what an (already verified) link leads to; LinkRefused if it is unknown or revoked."""
    return opened(session.scalar(_link(), {"b_id": link_id}) if link_id is not None else None)


def opened(link: ActionLink | None) -> OpenedLink:
    """`open_link` for one that was read together `with_desk`."""
    if link is None or link.kid != kid_of(link.stage.cycle):
        raise LinkRefused
    return OpenedLink(link, link.person, link.stage, link.stage.cycle)


@cache
def _link():
    """Made once, as each page asks it: making a statement costs as much as executing it."""
    query = select(ActionLink).where(ActionLink.id == bindparam("b_id"), ActionLink.state == LinkState.ACTIVE)
    return query.options(*with_desk())


def with_desk() -> Sequence[ExecutableOption]:
    """What a link leads to comes along, but for what few pages need of it: that is read when somebody asks for it."""
    cycle = joinedload(ActionLink.stage).joinedload(Stage.cycle)
    return [
        joinedload(ActionLink.person).load_only(Person.name, Person.locale, Person.email, Person.active_to),
        cycle.load_only(Cycle.agency_id, Cycle.year, Cycle.state),
        cycle.joinedload(Cycle.agency).load_only(Agency.code, Agency.name, Agency.zone, Agency.contact),
    ]


def revoke_links(
    session: Session, person_id: int, reason: str, *, at: datetime, stage_id: int | None = None
) -> list[int]:
    """End the person's active links (all, or those of one stage) and return the stages concerned."""
    query = select(ActionLink).filter_by(person_id=person_id, state=LinkState.ACTIVE).with_for_update()
    if stage_id is not None:
        query = query.filter_by(stage_id=stage_id)
    links = session.scalars(query).all()
    for link in links:
        link.state, link.revoked_at, link.revoked_reason = LinkState.REVOKED, at, reason
    session.flush()
    return [link.stage_id for link in links]
