"""The agency itself as its folder describes it: name, zone, suggestions for plans, days off, units."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from actions.roster.agency_files import AgencyFolder
from actions.roster.rows import Taking, add_rows, change_rows
from models import Agency, Holiday, Unit
from rules.roster.doctor import RosterUnit


def take_agency(session: Session, agency: Agency | None, folder: AgencyFolder) -> tuple[Agency, bool]:
    """Create or update the agency itself; also says whether anything of it changed."""
    said = folder.agency
    facts = {"name": said.name, "zone": said.zone, "locale": said.locale, "contact": said.contact,
             "indicators": json.dumps(suggestions(folder), ensure_ascii=False),
             "calendar_file": said.calendar_file}  # fmt: skip
    if agency is None:
        agency = Agency(code=said.code, **facts)
        session.add(agency)
        session.flush()
        return agency, True
    changed = {key: value for key, value in facts.items() if getattr(agency, key) != value}
    for key, value in changed.items():
        setattr(agency, key, value)
    session.flush()
    return agency, bool(changed)


def suggestions(folder: AgencyFolder) -> dict[str, list[dict[str, Any]]]:
    """Family -> items in the shape that `plans.write_plan` takes."""
    return {
        family: [
            {"title": item.title, "kind": item.kind.value, "assigned_by": item.team,
             "indicators": [indicator.model_dump(mode="json") for indicator in item.indicators]}
            for item in content.items
        ]
        for family, content in folder.indicators.families.items()
    }  # fmt: skip


def take_holidays(taking: Taking, folder: AgencyFolder) -> None:
    """Bring the agency's days off of four years to what its calendar says; those before `as_of` stay as they were."""
    session, agency, year = taking.session, taking.agency.id, taking.as_of.year
    days = {on: name for y in range(year - 1, year + 3) for on, name in folder.calendar.holidays_for(y).items()}
    query = select(Holiday.on, Holiday.name).filter_by(agency_id=agency)
    there = dict(session.execute(query).tuples().all())
    ending = [on for on, name in there.items() if on >= taking.as_of and on <= max(days, default=on)
              and days.get(on) != name]  # fmt: skip
    session.execute(delete(Holiday).where(Holiday.agency_id == agency, Holiday.on.in_(ending)))
    new = [on for on in sorted(days) if on not in there or on in ending]
    add_rows(session, Holiday, [{"agency_id": agency, "on": on, "name": days[on]} for on in new])
    taking.counts["holidays"] = len({*new, *ending})


def take_units(taking: Taking, units: Mapping[str, RosterUnit]) -> dict[str, int]:
    """Create and update units and return code -> id; a unit that is no longer named stays, for the past hangs on it."""
    session, agency = taking.session, taking.agency.id
    query = select(Unit.code, Unit.id, Unit.name, Unit.parent_id).filter_by(agency_id=agency)
    there = {code: (unit, name, parent) for code, unit, name, parent in session.execute(query)}
    new = [unit for code, unit in units.items() if code not in there]
    add_rows(session, Unit, [
        {"agency_id": agency, "code": unit.code, "name": unit.name or unit.code, "parent_id": None} for unit in new
    ])  # fmt: skip
    ids = dict(session.execute(select(Unit.code, Unit.id).filter_by(agency_id=agency)).tuples().all())
    change = []
    for unit in units.values():
        _, name, parent = there.get(unit.code, (0, unit.name or unit.code, None))
        wanted = {"name": unit.name or name, "parent_id": ids.get(unit.parent)}
        if wanted != {"name": name, "parent_id": parent}:
            change.append({"id": ids[unit.code], **wanted})
    change_rows(session, Unit, change)
    taking.counts["units"] = len({ids[unit.code] for unit in new} | {row["id"] for row in change})
    return ids
