"""What the cells of the roster said last: an older file never undoes what HR decided after it."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import select

from actions.roster.rows import Taking, in_portions
from models import Chain, TrailEntry
from rules.mail.addresses import parse_address
from rules.roster.doctor import RosterRow

BY_HAND = ("name", "email", "locale")
"""What people correct beside the file."""


def filed_in(row: RosterRow) -> dict[str, Any]:
    """What the cells of a row say that somebody may decide otherwise."""
    return {
        "name": row.name,
        "email": parse_address(row.email).ascii,
        "locale": row.locale.value if row.locale else "",
        "superior": row.superior_nip,
    }


def stands(filed: Mapping[str, Any] | None, cell: str, now: object, said: object) -> bool:
    """Whether what is on record stays: the file repeats what it said before, and somebody changed it since."""
    if filed is None or cell not in filed or now == said:
        return False
    return str(filed[cell]).casefold() == str(said).casefold() and str(now).casefold() != str(said).casefold()


def filed_before(taking: Taking, people: Iterable[int]) -> dict[int, dict[str, Any]]:
    """For people of whom nothing was filed yet: the address that was on record when HR first corrected it by hand."""
    found: dict[int, dict[str, Any]] = {}
    subjects = {f"person:{person}": person for person in people}
    for portion in in_portions(subjects):
        query = select(TrailEntry.subject, TrailEntry.content).where(
            TrailEntry.type == "person.address_corrected", TrailEntry.subject.in_(portion)
        )
        for subject, content in taking.session.execute(query.order_by(TrailEntry.id.desc())):
            if content and (address := content.get("before", {}).get("address")):
                found[subjects[subject]] = {"email": address}
    return found


class Named(NamedTuple):
    """Whom HR named last for a case, by decree; None where the line decides."""

    rater: int | None = None
    authority: int | None = None


NOBODY = Named()


def reassigned_by_hand(taking: Taking) -> dict[int, Named]:
    """Case -> whom HR named for it; that they still hold it is for the caller to see."""
    found: dict[int, Named] = {}
    query = (
        select(TrailEntry.subject, TrailEntry.content)
        .join(Chain, Chain.id == TrailEntry.chain_id)
        .where(Chain.agency_id == taking.agency.id, TrailEntry.type == "appraisal.reassigned")
        .order_by(TrailEntry.id)
    )
    for subject, content in taking.session.execute(query):
        before, after = (content or {}).get("before", {}), (content or {}).get("after", {})
        case = int(subject.partition(":")[2])
        new = {key: after.get(key) for key in ("rater", "authority") if after.get(key) != before.get(key)}
        found[case] = found.get(case, NOBODY)._replace(**new)
    return found
