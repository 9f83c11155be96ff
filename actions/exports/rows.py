"""One row per person of a cycle: the result, or why there is none; streamed, so that memory stays flat."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, func, null, select
from sqlalchemy.orm import Session, aliased

from actions.exports.files import Tally, roster_of
from models import Appraisal, Cycle, Objection, Person, Posting, RatingRecord, Result, Segment, Unit, UnitPredicate
from rules.pack.pack import Pack
from rules.terms import (
    AppraisalState,
    EmploymentKind,
    ObjectionOutcome,
    ObjectionState,
    OrgPredicate,
    Predicate,
    Rating,
    ReceiptKind,
    Role,
    Scheme,
)

PORTION = 1000


class ResultRow(NamedTuple):
    """Result columns are None unless the result was issued: nobody reads in an export what the employee may not yet."""

    appraisal_id: int
    nip: str
    name: str
    employment: EmploymentKind
    unit_code: str
    unit: str
    post: str | None
    rater_nip: str | None
    rater: str | None
    rater_post: str | None
    rater_unit: str | None
    org_predicate: OrgPredicate | None
    result_rating: Rating | None
    behavior_rating: Rating | None
    score: Decimal | None
    predicate: Predicate | None
    version: int
    """Issued results so far; 0 without one."""
    objection: ObjectionState | None
    outcome: ObjectionOutcome | None
    issued_at: datetime | None
    received_at: datetime | None
    receipt: ReceiptKind | None
    finalized_at: datetime | None
    state: AppraisalState
    explanation: str
    explained_at: datetime | None
    why: dict[str, Any] | None
    """Read only where the pack goes by scores."""

    def part(self, rule: str) -> str | None:
        """The score that a step of the derivation came to: `skp`, `behavior`."""
        steps = (self.why or {}).get("steps", [])
        return next((step["score"] for step in steps if step["rule"] == rule), None)


def results_rows(session: Session, cycle_id: int) -> Iterator[ResultRow]:
    """Every person of the cycle once, by unit and NIP."""
    cycle = session.get_one(Cycle, cycle_id)
    numeric = Pack.model_validate_json(cycle.pack).scheme is Scheme.NUMERIC
    stream = session.execute(_query(cycle, numeric).execution_options(yield_per=PORTION))
    return (ResultRow(*row) for row in stream)


def counted(session: Session, cycle_id: int, tally: Tally) -> Iterator[ResultRow]:
    """The rows, each counted in `tally` as it goes by."""
    tally.roster = roster_of(session, cycle_id)
    for row in results_rows(session, cycle_id):
        unit = tally.units.setdefault((row.unit_code, row.unit), Counter())
        if row.predicate is not None:
            tally.with_result += 1
            tally.predicates[row.employment, row.predicate] += 1
            unit[row.predicate.value] += 1
        elif row.explained_at is not None:
            tally.without_result += 1
            unit["without_result"] += 1
        else:
            tally.unfinished += 1
            unit["unfinished"] += 1
        yield row


def _query(cycle: Cycle, numeric: bool) -> Select[Any]:
    employee, rater = aliased(Person), aliased(Person)
    rating, first = aliased(RatingRecord), aliased(RatingRecord)
    last_rating = select(func.max(RatingRecord.number)).where(
        RatingRecord.appraisal_id == Appraisal.id, RatingRecord.role == Role.RATER
    )  # fmt: skip
    last_segment = select(func.max(Segment.number)).where(Segment.appraisal_id == Appraisal.id)
    last_objection = select(func.max(Objection.id)).where(Objection.appraisal_id == Appraisal.id)
    last_post = select(func.max(Posting.from_on)).where(
        Posting.person_id == rater.id, Posting.from_on <= date(cycle.year, 12, 31)
    )  # fmt: skip
    rater_unit = aliased(Unit)
    versions = select(func.count()).where(Result.appraisal_id == Appraisal.id, Result.issued_at.is_not(None))
    current = aliased(Result)
    return (
        select(
            Appraisal.id, employee.nip, employee.name, employee.employment, Unit.code, Unit.name, Segment.post,
            rater.nip, rater.name, Posting.post, rater_unit.name, UnitPredicate.predicate, rating.result_rating,
            rating.behavior_rating, current.score, current.predicate,
            versions.correlate(Appraisal).scalar_subquery(), Objection.state, Objection.outcome, current.issued_at,
            current.received_at, current.receipt_kind, Appraisal.finalized_at, Appraisal.state, Appraisal.explanation,
            Appraisal.explained_at, current.why if numeric else null(),
        )
        .select_from(Appraisal)
        .join(employee, employee.id == Appraisal.employee_id)
        .join(Unit, Unit.id == Appraisal.unit_id)
        .outerjoin(Segment, and_(Segment.appraisal_id == Appraisal.id,
                                 Segment.number == last_segment.correlate(Appraisal).scalar_subquery()))
        .outerjoin(first, and_(first.appraisal_id == Appraisal.id,
                               first.number == last_rating.correlate(Appraisal).scalar_subquery()))
        .outerjoin(rater, rater.id == func.coalesce(first.official_id, Appraisal.rater_id))
        .outerjoin(Posting, and_(Posting.person_id == rater.id,
                                 Posting.from_on == last_post.correlate(rater).scalar_subquery()))
        .outerjoin(rater_unit, rater_unit.id == Posting.unit_id)
        .outerjoin(UnitPredicate, and_(UnitPredicate.cycle_id == Appraisal.cycle_id,
                                       UnitPredicate.unit_id == Appraisal.unit_id))
        .outerjoin(current, and_(current.appraisal_id == Appraisal.id, current.superseded_at.is_(None),
                                 current.issued_at.is_not(None)))
        .outerjoin(rating, rating.id == current.rating_id)
        .outerjoin(Objection, Objection.id == last_objection.correlate(Appraisal).scalar_subquery())
        .where(Appraisal.cycle_id == cycle.id)
        .order_by(Unit.code, employee.nip)
    )  # fmt: skip
