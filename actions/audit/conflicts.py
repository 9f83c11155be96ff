"""Who must not examine whom: the facts of one agency, gathered for the rule that decides."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cached_property

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models import (
    Appraisal,
    Assignment,
    AuditItem,
    Cycle,
    Examination,
    Objection,
    Posting,
    RatingRecord,
    Segment,
    Statement,
    Supervision,
)
from rules.audit.conflicts import LEVELS, YEARS, Conflict, Facts, Stay, Tie, conflicts
from rules.terms import ActKind, AssignmentState, Role

Ends = date | None
"""The last day of something; None while it lasts."""


class Conflicts:
    """Answers for pairs of auditor and appraisal. Kinship and business are declared item by item, on the form."""

    def __init__(self, session: Session, cycle: Cycle, auditors: Sequence[int], today: date) -> None:
        self.session, self.cycle, self.auditors, self.today = session, cycle, list(auditors), today
        self.since = today - timedelta(days=366 * YEARS)
        self._above: dict[int, dict[int, tuple[int, Ends]]] = {}
        self._lived: dict[int, tuple[Stay, ...]] = {}
        self._cases: dict[int, tuple[frozenset[int], frozenset[int]]] = {}

    def none(self, auditor: int, appraisal_id: int) -> bool:
        return not self.of(auditor, appraisal_id)

    def of(self, auditor: int, appraisal_id: int) -> list[Conflict]:
        """Why the auditor must not examine it; empty if they may."""
        return conflicts(self.facts(auditor, self.session.get_one(Appraisal, appraisal_id)), self.today)

    def facts(self, auditor: int, case: Appraisal) -> Facts:
        if case.id not in self._cases:
            self._cases[case.id] = self._raters(case), self._parties(case)
        raters, parties = self._cases[case.id]
        people = raters | {case.employee_id}
        return Facts(
            auditor=auditor, ratee=case.employee_id, raters=raters,
            ties=tuple(tie for person in people for tie in self._ties(auditor, person)),
            auditor_stays=self._stays(auditor),
            case_stays=tuple(stay for person in sorted(people) for stay in self._stays(person)),
            auditor_rated_by=frozenset(self._rated_by[auditor]),
            ratee_unit=case.unit_id, own_examiners_units=frozenset(self._examiners_units[auditor]),
            objection_parties=parties,
            raters_examined=tuple(frozenset(found[auditor]) for found in self._examined_before),
            declined=(auditor, case.id) in self._declined,
        )  # fmt: skip

    def _raters(self, case: Appraisal) -> frozenset[int]:
        """Of every segment of the year, and whoever signed."""
        segments = select(Segment.rater_id).filter_by(appraisal_id=case.id)
        signed = select(RatingRecord.official_id).filter_by(appraisal_id=case.id, role=Role.RATER)
        found = {case.rater_id, *self.session.scalars(segments), *self.session.scalars(signed)}
        return frozenset(person for person in found if person is not None)

    def _parties(self, case: Appraisal) -> frozenset[int]:
        """Whoever decides, was heard or owed anything else on the case."""
        about = select(Objection.id).filter_by(appraisal_id=case.id)
        decided = select(Objection.decided_by_id).filter_by(appraisal_id=case.id)
        heard = select(Statement.by_id).where(Statement.objection_id.in_(about))
        owed = select(Assignment.person_id).where(
            Assignment.appraisal_id == case.id, Assignment.role != Role.AUDITOR, Assignment.kind != ActKind.ACCOUNT_FOR
        )
        found = {case.authority_id}
        for query in (decided, heard, owed):
            found.update(self.session.scalars(query))
        return frozenset(person for person in found if person is not None)

    def _ties(self, auditor: int, person: int) -> list[Tie]:
        found = []
        if (up := self._superiors(person).get(auditor)) is not None:
            found.append(Tie(up[0], up[1]))
        if (down := self._superiors(auditor).get(person)) is not None:
            found.append(Tie(-down[0], down[1]))
        return found

    def _superiors(self, person: int) -> dict[int, tuple[int, Ends]]:
        """Everyone up to three levels above the person in the last years: (levels, last day)."""
        if person not in self._above:
            found: dict[int, tuple[int, Ends]] = {}
            level: dict[int, Ends] = {person: None}
            for levels in range(1, LEVELS + 1):
                above: dict[int, Ends] = {}
                query = select(Supervision.person_id, Supervision.superior_id, Supervision.to_on).where(
                    Supervision.person_id.in_(level), self._recent(Supervision)
                )
                for below, superior, to_on in self.session.execute(query).tuples():
                    above[superior] = _later(above.get(superior, date.min), _earlier(level[below], to_on))
                for superior, until in above.items():
                    found.setdefault(superior, (levels, until))
                level = above
            self._above[person] = found
        return self._above[person]

    def _stays(self, person: int) -> tuple[Stay, ...]:
        if person not in self._lived:
            query = select(Posting.unit_id, Posting.to_on).where(Posting.person_id == person, self._recent(Posting))
            self._lived[person] = tuple(Stay(unit, until) for unit, until in self.session.execute(query).tuples())
        return self._lived[person]

    def _recent(self, table: type[Posting] | type[Supervision]):
        return or_(table.to_on.is_(None), table.to_on >= self.since)

    @cached_property
    def _rated_by(self) -> dict[int, set[int]]:
        """Who rates the auditors themselves, in this cycle or any before."""
        found: dict[int, set[int]] = defaultdict(set)
        own = select(Appraisal.employee_id, Appraisal.rater_id).where(Appraisal.employee_id.in_(self.auditors))
        signed = (
            select(Appraisal.employee_id, RatingRecord.official_id)
            .join(RatingRecord, RatingRecord.appraisal_id == Appraisal.id)
            .where(Appraisal.employee_id.in_(self.auditors))
        )
        for query in (own, signed):
            for auditor, rater in self.session.execute(query).tuples():
                if rater is not None:
                    found[auditor].add(rater)
        return found

    @cached_property
    def _examiners_units(self) -> dict[int, set[int]]:
        """Where those serve who examine the auditors' own appraisals in this cycle."""
        found: dict[int, set[int]] = defaultdict(set)
        query = (
            select(Appraisal.employee_id, Examination.auditor_id)
            .join(AuditItem, AuditItem.appraisal_id == Appraisal.id)
            .join(Examination, Examination.item_id == AuditItem.id)
            .where(Appraisal.cycle_id == self.cycle.id, Appraisal.employee_id.in_(self.auditors))
        )
        for auditor, examiner in self.session.execute(query).tuples():
            found[auditor] |= {stay.unit for stay in self._stays(examiner) if stay.until is None}
        return found

    @cached_property
    def _examined_before(self) -> list[dict[int, set[int]]]:
        """Whose ratings the auditors examined in each of the two cycles before, the last first."""
        found: list[dict[int, set[int]]] = [defaultdict(set), defaultdict(set)]
        query = (
            select(Cycle.year, Examination.auditor_id, Appraisal.rater_id)
            .join(AuditItem, AuditItem.id == Examination.item_id)
            .join(Appraisal, Appraisal.id == AuditItem.appraisal_id).join(Cycle, Cycle.id == Appraisal.cycle_id)
            .where(Cycle.agency_id == self.cycle.agency_id, Cycle.year.in_([self.cycle.year - 1, self.cycle.year - 2]),
                   Examination.auditor_id.in_(self.auditors), Examination.locked_at.is_not(None))
        )  # fmt: skip
        for year, auditor, rater in self.session.execute(query).tuples():
            if rater is not None:
                found[self.cycle.year - year - 1][auditor].add(rater)
        return found

    @cached_property
    def _declined(self) -> set[tuple[int, int]]:
        """(auditor, appraisal) of what was handed back: asked and done, but without a reading."""
        asked = select(Assignment.person_id, Assignment.appraisal_id).where(
            Assignment.kind == ActKind.EXAMINE, Assignment.state == AssignmentState.DONE,
            Assignment.person_id.in_(self.auditors),
        )  # fmt: skip
        read = (
            select(Examination.auditor_id, AuditItem.appraisal_id)
            .join(AuditItem, AuditItem.id == Examination.item_id)
            .where(Examination.auditor_id.in_(self.auditors))
        )
        read_by = set(self.session.execute(read).tuples())
        return {(a, c) for a, c in self.session.execute(asked).tuples() if c is not None} - read_by


def _earlier(one: Ends, other: Ends) -> Ends:
    return min((day for day in (one, other) if day is not None), default=None)


def _later(one: Ends, other: Ends) -> Ends:
    return None if one is None or other is None else max(one, other)
