"""Postings and superiors as dated rows: closed and begun anew, never rewritten."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import select

from actions.roster.rows import Taking, add_rows, change_rows, drop_rows
from models import Person, Posting, Supervision
from rules.roster.doctor import RosterRow
from rules.terms import Role

DAY = timedelta(days=1)
OUTSIDERS = frozenset({Role.AUDITOR, Role.OPS})
POSTING = ("unit_id", "post", "post_group", "job_family", "is_unit_head")

Values = tuple[Any, ...]


class Current(NamedTuple):
    """The relation in force, or the one that is to begin."""

    id: int
    from_on: date
    values: Values


def current(taking: Taking, model: type[Posting] | type[Supervision], columns: Iterable[str]) -> dict[int, Current]:
    """Person -> their relation that has no end yet, for the whole agency."""
    named = [getattr(model, column) for column in columns]
    query = (
        select(model.person_id, model.id, model.from_on, *named)
        .join(Person, Person.id == model.person_id)
        .where(Person.agency_id == taking.agency.id, model.to_on.is_(None))
    )
    return {row[0]: Current(row[1], row[2], tuple(row[3:])) for row in taking.session.execute(query)}


def renew(
    taking: Taking,
    model: type[Posting] | type[Supervision],
    columns: tuple[str, ...],
    there: Mapping[int, Current],
    wanted: Mapping[int, Values | None],
) -> list[int]:
    """Bring relations to what is wanted (None: no relation) and return whose changed.

    One that began before `as_of` ends the day before it, or before the first day of the post where the file tells that
    late; one that begins on that day or later is not history yet and is corrected in place.
    """
    add: list[dict[str, Any]] = []
    change: list[dict[str, Any]] = []
    drop: list[int] = []
    changed = [
        person for person, values in wanted.items() if values != (there[person].values if person in there else None)
    ]
    for person in changed:
        now, values = there.get(person), wanted[person]
        new = dict(zip(columns, values, strict=True)) if values is not None else None
        if now is not None and now.from_on >= taking.as_of:
            if new is None:
                drop.append(now.id)
            else:
                change.append({"id": now.id, **new})
            continue
        begins = taking.start(person)
        if now is not None:
            begins = begins if begins > now.from_on else taking.as_of
            change.append({"id": now.id, "to_on": min(begins, taking.as_of) - DAY})
        if new is not None:
            add.append({"person_id": person, **new, "from_on": begins, "to_on": None})
    drop_rows(taking.session, model, drop)
    change_rows(taking.session, model, change)
    add_rows(taking.session, model, add)
    return changed


def end_with_service(taking: Taking, model: type[Posting] | type[Supervision], there: Mapping[int, Current],
                     last_days: Mapping[int, date]) -> None:  # fmt: skip
    """Close what leavers held on their last day; what had not begun by `as_of` never begins."""
    gone = [(there[person], last) for person, last in last_days.items() if person in there]
    drop_rows(taking.session, model, [now.id for now, _ in gone if now.from_on >= taking.as_of])
    change_rows(taking.session, model, [
        {"id": now.id, "to_on": max(now.from_on, last)} for now, last in gone if now.from_on < taking.as_of
    ])  # fmt: skip


def posting_wanted(row: RosterRow, unit_id: int) -> Values | None:
    """The post of a row; auditors and operators from outside, who have no superior, hold none that is appraised."""
    if not row.superior_nip and OUTSIDERS.intersection(row.roles):
        return None
    return unit_id, row.post, row.post_group, row.job_family, row.is_unit_head


class Superiors:
    """Who is whose superior after this import: past those who were held back or have left, up the line."""

    def __init__(self, taking: Taking, rows: Iterable[RosterRow], there: Mapping[int, Current]) -> None:
        self.taking = taking
        self.named = {row.nip: row.superior_nip for row in rows}
        self.there = there

    def of(self, row: RosterRow) -> Values | None:
        """The superior of an accepted row; None also where the line ends in nobody known, or in the person."""
        nip, passed = row.superior_nip, {row.nip}
        while nip and nip not in passed:
            passed.add(nip)
            person = self.taking.ids.get(nip)
            if person is not None and person not in self.taking.gone:
                return (person,)
            nip = self.named.get(nip, "")
        return None

    def past_gone(self, person: int) -> Values | None:
        """The superior of somebody whose row was held back, when the one they have is gone."""
        superior, passed = self._above(person), {person}
        while superior is not None and superior in self.taking.gone and superior not in passed:
            passed.add(superior)
            superior = self._above(superior)
        return None if superior is None or superior in passed else (superior,)

    def _above(self, person: int) -> int | None:
        return self.there[person].values[0] if person in self.there else None
