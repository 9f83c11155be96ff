"""Roles, acting mandates and absences that a roster tells of."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Row, select

from actions.roster.rows import Taking, add_rows, change_rows, drop_rows, in_portions
from models import Absence, ActingMandate, Person, RoleGrant
from rules.roster.changes import ChangeKind
from rules.roster.columns import Mandate
from rules.roster.doctor import RosterRow
from rules.terms import Role


def take_roles(taking: Taking, roles: Mapping[int, tuple[Role, ...]]) -> None:
    """Grant and end roles so that each person has those that are named, from `as_of` on."""
    add, change, drop = [], [], []
    held: dict[int, dict[Role, tuple[int, date]]] = defaultdict(dict)
    query = (
        select(RoleGrant.person_id, RoleGrant.role, RoleGrant.id, RoleGrant.from_on)
        .join(Person, Person.id == RoleGrant.person_id)
        .where(Person.agency_id == taking.agency.id, RoleGrant.to_on.is_(None))
    )
    for person, role, grant, from_on in taking.session.execute(query):
        held[person][role] = grant, from_on
    for person, wanted in roles.items():
        has = held.get(person, {})
        add += [
            {"person_id": person, "role": role, "from_on": taking.start(person), "to_on": None}
            for role in wanted if role not in has
        ]  # fmt: skip
        ending = [has[role] for role in has if role not in wanted]
        drop += [grant for grant, from_on in ending if from_on >= taking.as_of]
        change += [{"id": grant, "to_on": taking.eve} for grant, from_on in ending if from_on < taking.as_of]
        if ending or set(wanted) - set(has):
            taking.touched.add(person)
            note_rights(taking, person, "roles", "; ".join(sorted(has)), "; ".join(sorted(wanted)))
    drop_rows(taking.session, RoleGrant, drop)
    change_rows(taking.session, RoleGrant, change)
    add_rows(taking.session, RoleGrant, add)
    taking.counts["roles"] += len(add) + len(drop) + len(change)


def note_rights(taking: Taking, person: int, cell: str, before: str, after: str) -> None:
    """Note what changes of somebody who was there; who is new brings it along."""
    if person not in taking.new:
        taking.note(person, ChangeKind.RIGHTS, cell, before, after)


def take_mandates(taking: Taking, rows: Mapping[int, RosterRow]) -> None:
    """Take in acting mandates. One ends by its date; the same decree told anew replaces what it said before."""
    told = {
        person: (taking.ids[mandate.principal_nip], mandate)
        for person, row in rows.items()
        if (mandate := row.mandate) and taking.ids.get(mandate.principal_nip, person) != person
    }
    there: dict[int, list[Row[Any]]] = defaultdict(list)
    for ids in in_portions(told):
        for row in taking.session.execute(select(*MANDATE).where(ActingMandate.person_id.in_(ids))):
            there[row.person_id].append(row)
    add: list[dict[str, Any]] = []
    change: list[dict[str, Any]] = []
    for person, (principal, mandate) in told.items():
        before = len(add) + len(change)
        _mandate(taking, person, principal, mandate, there[person], add, change)
        if len(add) + len(change) > before:
            taking.touched.add(person)
            taking.counts["mandates"] += 1
            said = f"{mandate.kind.value.capitalize()} {mandate.decree}, {mandate.from_on} - {mandate.to_on}"
            note_rights(taking, person, "mandate", "", said)
    change_rows(taking.session, ActingMandate, change)
    add_rows(taking.session, ActingMandate, add)


MANDATE = (ActingMandate.person_id, ActingMandate.id, ActingMandate.principal_id, ActingMandate.kind,
           ActingMandate.decree_no, ActingMandate.from_on, ActingMandate.to_on)  # fmt: skip


def _mandate(
    taking: Taking, person: int, principal: int, told: Mandate, there: Sequence[Row[Any]], add: list[dict[str, Any]],
    change: list[dict[str, Any]],
) -> None:  # fmt: skip
    new = {"kind": told.kind, "decree_no": told.decree, "to_on": told.to_on}
    alike = [m for m in there if m.principal_id == principal and {key: getattr(m, key) for key in new} == new]
    if any(m.from_on >= told.from_on for m in alike):
        return
    start = told.from_on
    for old in there:
        same_key = (old.principal_id, old.from_on) == (principal, told.from_on)
        if same_key and (old.from_on >= taking.as_of or (old.kind, old.decree_no) == (told.kind, told.decree)):
            change.append({"id": old.id, **new})
            return
        if same_key or (old.decree_no == told.decree and old.to_on >= taking.as_of):
            start = max(told.from_on, taking.as_of)
            if old.to_on >= taking.as_of:
                change.append({"id": old.id, "to_on": max(old.from_on, taking.eve)})
    if start <= told.to_on:
        add.append({"person_id": person, "principal_id": principal, **new, "from_on": start})


def take_absences(taking: Taking, rows: Mapping[int, RosterRow]) -> None:
    """Take in absences; the same one with another end is lengthened or shortened."""
    told = {person: away for person, row in rows.items() if (away := row.away)}
    there: dict[tuple[int, Any, date], tuple[int, date]] = {}
    for ids in in_portions(told):
        query = select(Absence.person_id, Absence.kind, Absence.from_on, Absence.id, Absence.to_on)
        for person, kind, from_on, row_id, to_on in taking.session.execute(query.where(Absence.person_id.in_(ids))):
            there[person, kind, from_on] = row_id, to_on
    add, change = [], []
    for person, away in told.items():
        known = there.get((person, away.kind, away.from_on))
        if known is None:
            add.append({"person_id": person, "kind": away.kind, "from_on": away.from_on, "to_on": away.to_on})
        elif known[1] != away.to_on:
            change.append({"id": known[0], "to_on": away.to_on})
        else:
            continue
        taking.touched.add(person)
        note_rights(taking, person, "absence", "", f"{away.kind.value}, {away.from_on} - {away.to_on}")
    add_rows(taking.session, Absence, add)
    change_rows(taking.session, Absence, change)
    taking.counts["absences"] += len(add) + len(change)


def end_rights(taking: Taking) -> None:
    """End the roles and mandates of those who leave; a mandate may have been used and so keeps at least a day."""
    for ids in in_portions(taking.leavers):
        grants = select(RoleGrant.id, RoleGrant.person_id, RoleGrant.from_on)
        found = taking.session.execute(grants.where(RoleGrant.person_id.in_(ids), RoleGrant.to_on.is_(None))).all()
        drop_rows(taking.session, RoleGrant, [row for row, _, from_on in found if from_on >= taking.as_of])
        change_rows(taking.session, RoleGrant, [
            {"id": row, "to_on": max(from_on, taking.leavers[person])}
            for row, person, from_on in found if from_on < taking.as_of
        ])  # fmt: skip
        mandates = select(ActingMandate.id, ActingMandate.person_id, ActingMandate.from_on)
        in_force = ActingMandate.person_id.in_(ids), ActingMandate.to_on >= taking.as_of
        change_rows(taking.session, ActingMandate, [
            {"id": row, "to_on": max(from_on, taking.leavers[person])}
            for row, person, from_on in taking.session.execute(mandates.where(*in_force))
        ])  # fmt: skip
