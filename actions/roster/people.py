"""The people of a roster: who is new, who changed, who has left; who was held back stays as they are."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from actions.access.address_changes import Moved
from actions.roster import identity
from actions.roster.decisions import Decisions
from actions.roster.filed import BY_HAND, filed_before, filed_in, stands
from actions.roster.identity import COLUMNS, Known, problem_of
from actions.roster.rows import Taking, add_rows, change_rows, in_portions
from models import Agency, Person, Posting
from rules.mail.addresses import parse_address
from rules.roster.changes import ChangeKind
from rules.roster.doctor import Examination, Problem, RosterRow
from rules.terms import AddressState

ELSEWHERE = "serves_elsewhere"
"""Code of the problem of a person who still serves another agency."""
LATELY = timedelta(days=366)


def take_people(
    taking: Taking, examination: Examination, rows: Iterable[RosterRow], problems: list[Problem], said: Decisions
) -> dict[int, RosterRow]:
    """Add and update people by NIP; returns the accepted rows by person.

    Held back are those who still serve elsewhere, and those of whom HR is asked whether they are somebody missing.
    """
    known = _known(taking)
    identity.rename(taking, known, said.same)
    elsewhere = _elsewhere(taking, [row.nip for row in rows if row.nip not in known])
    asked = identity.ask(taking, known, rows, examination.rows_ok, elsewhere, said.waivers, problems)
    agencies = _codes(taking, {there.agency_id for there in elsewhere.values()})
    accepted: list[RosterRow] = []
    for row in examination.rows_ok:
        there = elsewhere.get(row.nip)
        if there is not None and (there.active_to is None or there.active_to >= taking.as_of):
            other = agencies.get(there.agency_id, "?")
            problems.append(problem_of(row, ELSEWHERE, problems, unit=row.unit_code, other=other))
            continue
        if row.nip in asked:
            continue
        if there is not None:
            known[row.nip] = there
        accepted.append(row)
    _write(taking, accepted, known)
    for row in accepted:
        if row.active_from and row.active_from > taking.as_of:
            taking.starts.setdefault(taking.ids[row.nip], row.active_from)
    taking.ids |= {nip: known[old].id for nip, old in asked.items()}  # whoever it is, their people keep them
    taking.counts["returned"] = len(taking.returned)
    taking.counts["addresses"] = len(taking.readdressed)
    return {taking.ids[row.nip]: row for row in accepted}


def _known(taking: Taking) -> dict[str, Known]:
    query = select(*COLUMNS).where(Person.agency_id == taking.agency.id)
    return {row[1]: Known(*row) for row in taking.session.execute(query)}


def _write(taking: Taking, accepted: Sequence[RosterRow], known: Mapping[str, Known]) -> None:
    new = [row for row in accepted if row.nip not in known]
    unfiled = [there.id for row in accepted if (there := known.get(row.nip)) and there.filed is None
               and there.email != parse_address(row.email).ascii]  # fmt: skip
    before = filed_before(taking, unfiled)
    change = [
        changes for row in accepted if (there := known.get(row.nip))
        and (changes := _changes(taking, there._replace(filed=there.filed or before.get(there.id)), row))
    ]  # fmt: skip
    add_rows(taking.session, Person, [_new(taking, row) for row in new])
    change_rows(taking.session, Person, change)
    taking.touched.update(row["id"] for row in change if row.keys() - {"id", "filed"})
    taking.ids = _ids(taking)
    for row in new:
        person = taking.ids[row.nip]
        taking.added.append(person)
        taking.new.add(person)
        taking.note(person, ChangeKind.NEW, after=row.post or row.unit_code)
        taking.starts[person] = _start(taking, row)
    taking.counts["added"] = len(new)


def _elsewhere(taking: Taking, nips: Iterable[str]) -> dict[str, Known]:
    """People of other agencies with these NIPs: an official has one NIP for life."""
    found: dict[str, Known] = {}
    for portion in in_portions(nips):
        for row in taking.session.execute(select(*COLUMNS).where(Person.nip.in_(portion))):
            found[row[1]] = Known(*row)
    return found


def _codes(taking: Taking, agencies: Iterable[int]) -> dict[int, str]:
    query = select(Agency.id, Agency.code).where(Agency.id.in_(sorted(set(agencies))))
    return dict(taking.session.execute(query).tuples().all())


def _ids(taking: Taking) -> dict[str, int]:
    query = select(Person.nip, Person.id).where(Person.agency_id == taking.agency.id)
    return dict(taking.session.execute(query).tuples().all())


def _start(taking: Taking, row: RosterRow) -> date:
    """First day of a new person's relations: of the post, where the file can know; else as the file tells it."""
    if taking.since is None:
        return row.active_from or date(taking.as_of.year, 1, 1)
    return row.active_from if row.active_from and row.active_from > _earliest(taking) else taking.as_of


def _earliest(taking: Taking) -> date:
    """A post that began since is told late; one from before is service elsewhere, or long since."""
    year_ago = taking.as_of - LATELY
    return min(taking.since or year_ago, year_ago)


def _new(taking: Taking, row: RosterRow) -> dict[str, Any]:
    return {
        "agency_id": taking.agency.id, "nip": row.nip, "name": row.name, "email": parse_address(row.email).ascii,
        "locale": row.locale or taking.agency.locale, "employment": row.employment,
        "active_from": row.active_from or _start(taking, row), "active_to": row.active_to, "filed": filed_in(row),
    }  # fmt: skip


def _changes(taking: Taking, there: Known, row: RosterRow) -> dict[str, Any]:
    """What to set, with the id; empty if nothing is to be set. What HR decided since the last file stands."""
    filed = filed_in(row)
    said = {
        "agency_id": taking.agency.id, "name": row.name, "email": filed["email"],
        "locale": row.locale or there.locale, "employment": row.employment,
        "active_from": row.active_from or there.active_from, "active_to": row.active_to,
    }  # fmt: skip
    changes = {key: value for key, value in said.items() if getattr(there, key) != value}
    for cell in [cell for cell in BY_HAND if cell in changes]:
        if stands(there.filed, cell, getattr(there, cell), said[cell]):
            del changes[cell]
            taking.note(there.id, ChangeKind.KEPT, cell, said[cell], getattr(there, cell))
    if "email" in changes:
        changes |= {"email_changed_at": taking.at, "email_state": AddressState.OK, "soft_bounces": 0}
        taking.readdressed.append(there.id)
        taking.addresses.append(Moved(there.id, there.email, said["email"]))
        taking.note(there.id, ChangeKind.ADDRESS, "email", there.email, said["email"])
    _note_rest(taking, there, changes)
    if there.filed is not None and there.filed.get("superior", filed["superior"]) != filed["superior"]:
        taking.superiors_said.add(there.id)
    if there.active_to and there.active_to < taking.as_of and taking.in_service(row):
        taking.returned.append(there.id)
        taking.note(there.id, ChangeKind.RETURNED, after=row.post or row.unit_code)
    _start_anew(taking, there, row)
    if there.filed != filed:
        changes["filed"] = filed
    return {"id": there.id, **changes} if changes else {}


def _note_rest(taking: Taking, there: Known, changes: Mapping[str, Any]) -> None:
    """Whatever else changes of a person; that one stays in service is no news to anybody who returns."""
    for cell in ("agency_id", "name", "locale", "employment", "active_from", "active_to"):
        if cell not in changes or (cell == "active_to" and changes[cell] is None):
            continue
        if cell == "agency_id":
            taking.note(there.id, ChangeKind.CORRECTED, "agency", "", taking.agency.code)
            continue
        taking.note(there.id, ChangeKind.CORRECTED, cell, _shown(getattr(there, cell)), _shown(changes[cell]))


def _shown(value: object) -> str:
    return "" if value is None else str(value)


def _start_anew(taking: Taking, there: Known, row: RosterRow) -> None:
    """A first day that the file names anew is that of the new post, also when it is told late."""
    begins = row.active_from
    if begins is None or begins == there.active_from or not _earliest(taking) < begins < taking.as_of:
        return
    if there.active_to is None or there.active_to < begins:
        taking.starts[there.id] = begins


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
        if person.id in taking.asked:
            continue
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
    for person_id, last in taking.leavers.items():
        taking.note(person_id, ChangeKind.LEAVES, "active_to", "", last.isoformat())
    taking.counts["left"] = len(taking.leavers)


def _posted(taking: Taking) -> set[int]:
    """People with a posting that has no end."""
    query = select(Posting.person_id).join(Person, Person.id == Posting.person_id)
    return set(taking.session.scalars(query.where(Person.agency_id == taking.agency.id, Posting.to_on.is_(None))))
