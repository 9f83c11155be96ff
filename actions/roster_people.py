"""The people of a roster: who is new, who changed, who has left; who was held back stays as they are."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import select

from actions.roster_rows import Taking, add_rows, change_rows, in_portions
from models import Person, Posting
from rules.addresses import parse_address
from rules.roster import Examination, Problem, RosterRow
from rules.words import AddressState


class Known(NamedTuple):
    id: int
    nip: str
    agency_id: int
    name: str
    email: str
    locale: str
    employment: str
    active_from: date
    active_to: date | None


ELSEWHERE = "serves_elsewhere"
"""Code of the problem of a person who still serves another agency."""
COLUMNS = (Person.id, Person.nip, Person.agency_id, Person.name, Person.email, Person.locale, Person.employment,
           Person.active_from, Person.active_to)  # fmt: skip


def take_people(
    taking: Taking, examination: Examination, rows: Iterable[RosterRow], problems: list[Problem]
) -> dict[int, RosterRow]:
    """Add and update people by NIP; returns the accepted rows by person. Who still serves elsewhere is held back."""
    query = select(*COLUMNS).where(Person.agency_id == taking.agency.id)
    known = {row[1]: Known(*row) for row in taking.session.execute(query)}
    elsewhere = _elsewhere(taking, [row.nip for row in rows if row.nip not in known])
    accepted: list[RosterRow] = []
    for row in examination.rows_ok:
        there = elsewhere.get(row.nip)
        if there is not None and (there.active_to is None or there.active_to >= taking.as_of):
            hr = problems[0].hr if problems else []
            problems.append(Problem(row.row, row.nip, row.name, ELSEWHERE, {"unit": row.unit_code}, hr))
            continue
        if there is not None:
            known[row.nip] = there
        accepted.append(row)
    new = [row for row in accepted if row.nip not in known]
    change = [changes for row in accepted if row.nip in known and (changes := _changes(taking, known[row.nip], row))]
    add_rows(taking.session, Person, [_new(taking, row) for row in new])
    change_rows(taking.session, Person, change)
    taking.touched.update(row["id"] for row in change)
    taking.ids = _ids(taking)
    for row in new:
        person = taking.ids[row.nip]
        taking.added.append(person)
        taking.starts[person] = _start(taking, row)
    for row in accepted:
        if row.active_from and row.active_from > taking.as_of:
            taking.starts.setdefault(taking.ids[row.nip], row.active_from)
    taking.counts["added"] = len(new)
    taking.counts["returned"] = len(taking.returned)
    taking.counts["addresses"] = len(taking.readdressed)
    return {taking.ids[row.nip]: row for row in accepted}


def _elsewhere(taking: Taking, nips: Iterable[str]) -> dict[str, Known]:
    """People of other agencies with these NIPs: an official has one NIP for life."""
    found: dict[str, Known] = {}
    for portion in in_portions(nips):
        for row in taking.session.execute(select(*COLUMNS).where(Person.nip.in_(portion))):
            found[row[1]] = Known(*row)
    return found


def _ids(taking: Taking) -> dict[str, int]:
    query = select(Person.nip, Person.id).where(Person.agency_id == taking.agency.id)
    return dict(taking.session.execute(query).tuples().all())


def _start(taking: Taking, row: RosterRow) -> date:
    """First day of a new person's relations: of service, where the file can know; else as the file tells it."""
    if taking.since is None:
        return row.active_from or date(taking.as_of.year, 1, 1)
    return row.active_from if row.active_from and row.active_from > taking.since else taking.as_of


def _new(taking: Taking, row: RosterRow) -> dict[str, Any]:
    return {
        "agency_id": taking.agency.id, "nip": row.nip, "name": row.name, "email": parse_address(row.email).ascii,
        "locale": row.locale or taking.agency.locale, "employment": row.employment,
        "active_from": row.active_from or _start(taking, row), "active_to": row.active_to,
    }  # fmt: skip


def _changes(taking: Taking, there: Known, row: RosterRow) -> dict[str, Any]:
    """What to set, with the id; empty if nothing is to be set."""
    said = {
        "agency_id": taking.agency.id, "name": row.name, "email": parse_address(row.email).ascii,
        "locale": row.locale or there.locale, "employment": row.employment,
        "active_from": row.active_from or there.active_from, "active_to": row.active_to,
    }  # fmt: skip
    changes = {key: value for key, value in said.items() if getattr(there, key) != value}
    if "email" in changes:
        changes |= {"email_changed_at": taking.at, "email_state": AddressState.OK, "soft_bounces": 0}
        taking.readdressed.append(there.id)
    if there.active_to and there.active_to < taking.as_of and taking.in_service(row):
        taking.returned.append(there.id)
    return {"id": there.id, **changes} if changes else {}


def find_leavers(
    taking: Taking, accepted: Mapping[int, RosterRow], rows: Sequence[RosterRow], problems: Iterable[Problem]
) -> None:
    """Find who serves no longer, and end their service.

    They are people whom the file does not name, from the day before `as_of`, and people whom it names with a last
    day that is over. While a row cannot be read at all nobody is missed: it could be any of them.
    """
    named = {row.nip for row in rows}
    mistyped = {word for row in rows if row.nip not in taking.ids for word in (row.email.lower(), row.name)} - {""}
    unreadable = any(problem.holds_row and problem.code == "row_malformed" for problem in problems)
    posted = _posted(taking)
    change = []
    query = select(*COLUMNS).where(Person.agency_id == taking.agency.id)
    for person in (Known(*row) for row in taking.session.execute(query)):
        last = min(person.active_to or taking.eve, taking.eve)
        over = person.active_to == last
        if person.id in accepted:
            if over and person.id in posted:
                taking.leavers[person.id] = last
        elif person.nip in named or (not over and mistyped.intersection((person.email.lower(), person.name))):
            if over:  # back in the file, but held back: still not somebody to rate others
                taking.gone.add(person.id)
        elif unreadable and not over:
            taking.counts["leavers_waiting"] += 1
        else:
            taking.gone.add(person.id)
            if not over or person.id in posted:
                taking.leavers[person.id] = last
            if not over:
                change.append({"id": person.id, "active_to": last})
    change_rows(taking.session, Person, change)
    taking.counts["left"] = len(taking.leavers)


def _posted(taking: Taking) -> set[int]:
    """People with a posting that has no end."""
    query = select(Posting.person_id).join(Person, Person.id == Posting.person_id)
    return set(taking.session.scalars(query.where(Person.agency_id == taking.agency.id, Posting.to_on.is_(None))))
