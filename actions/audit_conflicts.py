"""Who must not examine whom: the facts of one agency, read once for a whole draw."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from actions.holders import line_on
from models import Appraisal, Assignment, Cycle, Objection, Posting, RatingRecord

LEVELS = 3
LOOK_BACK = timedelta(days=730)
"""Conflicts of the last 24 months count."""


class Conflicts:
    """Answers for pairs of auditor and appraisal."""

    def __init__(self, session: Session, cycle: Cycle, auditors: Sequence[int], today: date) -> None:
        self.session, self.cycle, self.auditors = session, cycle, auditors
        self.line = line_on(session, cycle.agency_id, today)
        self.units = self._units([*auditors], today)
        self.involved: dict[int, set[int]] = defaultdict(set)
        self.rated_by: dict[int, set[int]] = defaultdict(set)
        self._read(today)

    def none(self, auditor: int, appraisal_id: int) -> bool:
        return not self.of(auditor, appraisal_id)

    def of(self, auditor: int, appraisal_id: int) -> list[str]:
        """Why the auditor must not examine it; empty if they may."""
        case = self.session.get_one(Appraisal, appraisal_id)
        people = {case.employee_id, case.rater_id, case.authority_id} - {None}
        found = []
        if auditor in people or auditor in self.involved[appraisal_id]:
            found.append("involved")
        if any(auditor in self._above(person) or person in self._above(auditor) for person in people if person):
            found.append("in_the_line")
        if self.units.get(auditor, set()) & self._units_of(case):
            found.append("same_unit")
        if case.rater_id in self.rated_by[auditor]:
            found.append("rated_by_this_rater")
        return found

    def _above(self, person: int) -> set[int]:
        found: set[int] = set()
        for _ in range(LEVELS):
            above = self.line.superior.get(person)
            if above is None or above in found:
                break
            found.add(above)
            person = above
        return found

    def _units(self, people: Sequence[int], today: date) -> dict[int, set[int]]:
        found: dict[int, set[int]] = defaultdict(set)
        since = or_(Posting.to_on.is_(None), Posting.to_on >= today - LOOK_BACK)
        query = select(Posting.person_id, Posting.unit_id).where(Posting.person_id.in_(people), since)
        for person, unit in self.session.execute(query):
            found[person].add(unit)
        return found

    def _units_of(self, case: Appraisal) -> set[int]:
        return {case.unit_id}

    def _read(self, today: date) -> None:
        """Who rated, was heard or decided in any case of the cycle that concerns an auditor."""
        rated = select(RatingRecord.appraisal_id, RatingRecord.official_id).where(
            RatingRecord.official_id.in_(self.auditors)
        )
        decided = select(Objection.appraisal_id, Objection.decided_by_id).where(
            Objection.decided_by_id.in_(self.auditors)
        )
        owed = select(Assignment.appraisal_id, Assignment.person_id).where(
            Assignment.person_id.in_(self.auditors), Assignment.appraisal_id.is_not(None), Assignment.role != "auditor"
        )
        for query in (rated, decided, owed):
            for case, person in self.session.execute(query):
                self.involved[case].add(person)
        own = select(Appraisal.employee_id, Appraisal.rater_id).where(Appraisal.employee_id.in_(self.auditors))
        for auditor, rater in self.session.execute(own):
            if rater is not None:
                self.rated_by[auditor].add(rater)
