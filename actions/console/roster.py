"""The roster as HR's console shows it: the last import, and who is held back, why, and what to do."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.cycle import launch_checks
from models import Person, RosterImport
from rules.roster.doctor import Problem


@dataclass(frozen=True, slots=True)
class RosterPage:
    taken: RosterImport
    counts: Mapping[str, int]
    held: Sequence[Problem]
    """Each with a person, or a row that could not be read at all."""
    rest: Sequence[Problem]
    """Blocking problems whose people take part all the same."""

    @property
    def rows(self) -> int:
        return sum(self.counts.get(name, 0) for name in ("added", "changed", "unchanged", "held_back"))


def roster_of(session: Session, agency_id: int) -> RosterPage | None:
    """What the last import of the agency left to do; None if there was none."""
    query = select(RosterImport).filter_by(agency_id=agency_id).order_by(RosterImport.id.desc()).limit(1)
    if (taken := session.scalar(query)) is None:
        return None
    problems = launch_checks.last_problems(session, agency_id)
    rest = [problem for problem in problems if problem.blocks and not problem.holds_row]
    return RosterPage(taken, json.loads(taken.counts), launch_checks.held_back(problems), rest)


def known_by_nip(session: Session, agency_id: int, problems: Sequence[Problem]) -> dict[str, int]:
    """NIP -> person, of those who are on record all the same."""
    nips = {problem.nip for problem in problems} - {""}
    query = select(Person.nip, Person.id).where(Person.agency_id == agency_id, Person.nip.in_(nips))
    return dict(session.execute(query).tuples().all())


def count_held(session: Session, agency_id: int) -> int:
    """How many rows of the last import are held back."""
    query = select(RosterImport.counts).filter_by(agency_id=agency_id).order_by(RosterImport.id.desc()).limit(1)
    return json.loads(session.scalar(query) or "{}").get("held_back", 0)
