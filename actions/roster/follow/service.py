"""Appraisals of people who leave service end early and are explained; if they come back, they go on where they were."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from actions.roster.follow.cases import EARNED, ENDED, LEFT_SERVICE, Case, end_segments
from actions.roster.rows import Taking, change_rows, in_portions
from models import Appraisal, Assignment, Plan, Result, SelfAssessment, Stage
from rules.terms import AppraisalState, AssignmentState, PlanState, StageState


def close_leavers(taking: Taking, cases: Iterable[Case]) -> None:
    """An appraisal of somebody who left ends without a result, explained; what is still owed for it is withdrawn."""
    closing = {case.id: case for case in cases if case.state not in ENDED | EARNED}
    change_rows(taking.session, Appraisal, [
        {"id": case, "state": AppraisalState.CLOSED_EARLY, "explanation": LEFT_SERVICE, "explained_at": taking.at}
        for case in closing
    ])  # fmt: skip
    withdrawn: list[int] = []
    for ids in in_portions(closing):
        query = select(Assignment.id).where(Assignment.appraisal_id.in_(ids))
        withdrawn += taking.session.scalars(query.where(Assignment.state == AssignmentState.OPEN))
    change_rows(taking.session, Assignment, [
        {"id": duty, "state": AssignmentState.WITHDRAWN, "ended_at": taking.at} for duty in withdrawn
    ])  # fmt: skip
    end_segments(taking, {case.id: taking.leavers[case.employee] for case in closing.values()})
    taking.closed += closing
    taking.counts["appraisals_closed"] += len(closing)
    taking.counts["assignments_withdrawn"] += len(withdrawn)


def reopen_returned(taking: Taking, cases: Iterable[Case]) -> list[int]:
    """Undo what `close_leavers` did for people whom a later file names again; returns the appraisals."""
    reopening = [case.id for case in cases if case.state is AppraisalState.CLOSED_EARLY
                 and case.explanation == LEFT_SERVICE]  # fmt: skip
    change: list[dict[str, Any]] = []
    duties: list[int] = []
    for ids in in_portions(reopening):
        states = _states_reached(taking, ids)
        change += [{"id": case, "state": states.get(case, AppraisalState.PLAN_DRAFT), "explanation": "",
                    "explained_at": None} for case in ids]  # fmt: skip
        query = (
            select(Assignment.id)
            .join(Stage, Stage.id == Assignment.stage_id)
            .join(Appraisal, Appraisal.id == Assignment.appraisal_id)
            .where(
                Assignment.appraisal_id.in_(ids), Assignment.state == AssignmentState.WITHDRAWN,
                Assignment.ended_at == Appraisal.explained_at, Stage.state != StageState.CLOSED,
            )
        )  # fmt: skip
        duties += taking.session.scalars(query)
    change_rows(taking.session, Appraisal, change)
    change_rows(taking.session, Assignment, [
        {"id": duty, "state": AssignmentState.OPEN, "ended_at": None, "told_at": None} for duty in duties
    ])  # fmt: skip
    taking.counts["appraisals_reopened"] += len(reopening)
    return reopening


def _states_reached(taking: Taking, ids: Iterable[int]) -> dict[int, AppraisalState]:
    """How far each appraisal had come, by what there is of it."""
    states: dict[int, AppraisalState] = {}
    for plan_state, state in ((PlanState.SUBMITTED, AppraisalState.PLAN_SUBMITTED),
                              (PlanState.ESTABLISHED, AppraisalState.PLAN_ESTABLISHED)):  # fmt: skip
        query = select(Plan.appraisal_id).where(Plan.appraisal_id.in_(ids), Plan.state == plan_state)
        states |= dict.fromkeys(taking.session.scalars(query), state)
    assessed = select(SelfAssessment.appraisal_id).where(SelfAssessment.appraisal_id.in_(ids))
    states |= dict.fromkeys(taking.session.scalars(assessed), AppraisalState.SELF_ASSESSED)
    results = select(Result.appraisal_id, Result.issued_at)
    for case, issued in taking.session.execute(
        results.where(Result.appraisal_id.in_(ids), Result.superseded_at.is_(None))
    ):
        states[case] = AppraisalState.ISSUED if issued else AppraisalState.RATED
    return states
