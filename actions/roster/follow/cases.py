"""Appraisals as a roster import sees them, a few columns each, and their segments: time in one post under one rater."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row, select

from actions.roster.rows import Taking, add_rows, change_rows, in_portions
from models import Appraisal, Cycle, Posting, Segment
from rules.terms import AppraisalState

LEFT_SERVICE = "left_service"
RATED_ABOVE = "rated_above_agency"
"""Excluded because nobody in the agency is above the employee."""
ENDED = frozenset(
    {AppraisalState.FINAL, AppraisalState.EXCLUDED, AppraisalState.NOT_RATABLE, AppraisalState.CLOSED_EARLY}
)
"""What a change of the roster no longer touches."""
EARNED = frozenset({AppraisalState.ISSUED, AppraisalState.OBJECTED, AppraisalState.DECIDED})
"""A result that was issued stands, and so does the right to object, when the employee leaves after it."""


class Case(NamedTuple):
    id: int
    employee: int
    unit: int
    rater: int | None
    authority: int | None
    state: AppraisalState
    explanation: str


def cases_of(taking: Taking, cycle: Cycle) -> list[Case]:
    query = select(Appraisal.id, Appraisal.employee_id, Appraisal.unit_id, Appraisal.rater_id, Appraisal.authority_id,
                   Appraisal.state, Appraisal.explanation)  # fmt: skip
    return [Case(*row) for row in taking.session.execute(query.where(Appraisal.cycle_id == cycle.id))]


def posts_of(taking: Taking, people: Iterable[int]) -> dict[int, tuple[int, str]]:
    """Person -> unit and post."""
    found: dict[int, tuple[int, str]] = {}
    for ids in in_portions(people):
        query = select(Posting.person_id, Posting.unit_id, Posting.post)
        for person, unit, post in taking.session.execute(
            query.where(Posting.person_id.in_(ids), Posting.to_on.is_(None))
        ):
            found[person] = unit, post
    return found


def change_segments(taking: Taking, cycle: Cycle, cases: Iterable[Case]) -> None:
    """End the segment of the old post or rater and begin the next; after the cycle's year no time is counted anew."""
    if taking.as_of > date(cycle.year, 12, 31):
        return
    by_id = {case.id: case for case in cases}
    posts = posts_of(taking, [case.employee for case in by_id.values()])
    add: list[dict[str, Any]] = []
    change: list[dict[str, Any]] = []
    for case_id, last in _last_segments(taking, by_id).items():
        case = by_id[case_id]
        unit, post = posts.get(case.employee, (case.unit, last.post))
        new = {"unit_id": unit, "rater_id": case.rater, "post": post}
        if last.to_on is None and new == {"unit_id": last.unit_id, "rater_id": last.rater_id, "post": last.post}:
            continue
        if last.from_on >= taking.as_of:
            change.append({"id": last.id, **new, "to_on": None})
            continue
        begins = min(taking.start(case.employee), taking.as_of)
        if begins <= (last.to_on or last.from_on):
            begins = taking.as_of
        if last.to_on is None:
            change.append({"id": last.id, "to_on": begins - timedelta(days=1)})
        add.append({"appraisal_id": case_id, "number": last.number + 1, **new, "from_on": begins, "to_on": None})
    change_rows(taking.session, Segment, change)
    add_rows(taking.session, Segment, add)


def end_segments(taking: Taking, last_days: Mapping[int, date]) -> None:
    change_rows(taking.session, Segment, [
        {"id": last.id, "to_on": max(last.from_on, last_days[case])}
        for case, last in _last_segments(taking, last_days).items() if last.to_on is None
    ])  # fmt: skip


def _last_segments(taking: Taking, cases: Iterable[int]) -> dict[int, Row[Any]]:
    last: dict[int, Row[Any]] = {}
    columns = (Segment.id, Segment.appraisal_id, Segment.number, Segment.unit_id, Segment.rater_id, Segment.post,
               Segment.from_on, Segment.to_on)  # fmt: skip
    for ids in in_portions(cases):
        query = select(*columns).where(Segment.appraisal_id.in_(ids)).order_by(Segment.number)
        last |= {row.appraisal_id: row for row in taking.session.execute(query)}
    return last
