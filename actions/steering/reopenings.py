"""Asking for an act again that was done or had lapsed: one, a unit's, or a whole stage's; history is kept."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.duties.assignments import Duty
from actions.duties.invitations import invite, open_duties_of
from actions.duties.notices import name_of
from actions.line.deadlines import deadlines_of, units_below
from actions.line.holders import line_on
from actions.steering import involved, rounds
from actions.steering.preview import Preview, Said, SteeringRefused, act_name, require, situation, stage_name, touched
from actions.store import trail
from models import Appraisal, Assignment, Cycle, Stage
from rules.terms import ActKind, AssignmentState, StageKind, StageState

REOPENABLE = frozenset(
    {ActKind.DRAFT_TARGETS, ActKind.REPORT_PROGRESS, ActKind.GIVE_FEEDBACK, ActKind.SELF_ASSESS, ActKind.SCORE,
     ActKind.SET_UNIT_PREDICATE, ActKind.ACCOUNT_FOR, ActKind.OVERRIDE_DISTRIBUTION}
)  # fmt: skip
"""Not among them: a plan is established anew when it is drafted anew; objections and audits have an order by law."""
ENDED = (AssignmentState.DONE, AssignmentState.LAPSED)
NAMED = 10
_Again = tuple[Assignment, Duty]
"""What had ended, and what is asked anew for it."""


def acts_done(
    session: Session, cycle_id: int, stage: StageKind, kind: ActKind, *, unit: int | None = None,
    person: int | None = None, appraisal: int | None = None,
) -> Sequence[int]:  # fmt: skip
    """Newest rounds of a kind of act that are done or lapsed: of one person, a unit with all below, or all."""
    row = session.scalars(select(Stage).filter_by(cycle_id=cycle_id, kind=stage)).one()
    query = rounds.last_rounds(row.id).where(Assignment.kind == kind, Assignment.state.in_(ENDED))
    if unit is not None:
        query = query.where(Assignment.unit_id.in_(units_below(session, unit)))
    if person is not None:
        query = query.where(Assignment.person_id == person)
    if appraisal is not None:
        query = query.where(Assignment.appraisal_id == appraisal)
    return [one.id for one in session.scalars(query)]


def reopen(
    session: Session, cycle: Cycle, acts: Sequence[int], *, reason: str, at: datetime, by: int | None = None,
    preview: bool = False,
) -> Preview:  # fmt: skip
    """Ask for these acts again; what was submitted before stays, and counts until something new takes its place.

    Refused: in a stage that is closed for the person (an extension comes first), once the result is issued (then an
    objection or the audit changes it), and for acts whose order the law fixes.
    """
    agency, _, today = situation(session, cycle, at)
    require(reason=reason)
    query = select(Assignment).where(Assignment.id.in_(acts)).order_by(Assignment.id)
    listed = session.scalars(query if preview else query.with_for_update()).all()
    stages = {one.stage_id: session.get_one(Stage, one.stage_id) for one in listed}
    if not listed or any(stage.cycle_id != cycle.id for stage in stages.values()):
        raise SteeringRefused("Tidak ada tindakan yang dapat diminta ulang.", "There is no act to ask for again.")
    for one in listed:
        _check(session, stages[one.stage_id], one, at)
    cases = rounds.cases_of(session, listed)
    involved.check_cases(session, by, cases.values())
    again = rounds.duties_again(session, listed, cases, line_on(session, agency.id, today))
    left = len(listed) - len(again)
    notes = [Said(f"{left} tidak dapat diminta ulang: berkasnya sudah berakhir atau tidak ada pejabatnya.",
                  f"{left} cannot be asked again: the case is over or has no official.")] if left else []  # fmt: skip
    seen = Preview(
        "reopen", touched(session, [(duty.holder.person_id, "asked_again") for _, duty in again]),
        {"asked_again": len(again)}, notes,
    )  # fmt: skip
    if preview or not again:
        return seen
    for stage_id, stage in stages.items():
        duties = [(one, duty) for one, duty in again if one.stage_id == stage_id]
        rounds.ask_again(session, stage_id, [duty for _, duty in duties], at=at)
        scored = [case for one, _ in duties if (case := cases.get(one.appraisal_id or 0)) is not None]
        rounds.may_be_rated_again(session, [case for case in scored if stage.kind is StageKind.SUPERVISOR_SCORING])
        _tell(session, stage, duties, cases, by=by, reason=reason, at=at)
    for one, duty in again:
        trail.record(session, agency.id, "act.reopened", one.subject, at=at, actor=trail.Actor(by), why=reason,
                     before={"kind": one.kind.value, "round": one.round, "state": one.state.value},
                     after={"round": duty.round, "person": duty.holder.person_id})  # fmt: skip
    return seen


def _tell(
    session: Session, stage: Stage, asked: Sequence[_Again], cases: Mapping[int, Appraisal], *, by: int | None,
    reason: str, at: datetime,
) -> None:  # fmt: skip
    """One letter to each person: what is asked again of them, who reopened it, why, and whose case it is."""
    session.flush()
    asked_of: dict[int, list[_Again]] = defaultdict(list)
    for act, duty in asked:
        asked_of[duty.holder.person_id].append((act, duty))
    opened = open_duties_of(session, stage, asked_of, at)
    officer = name_of(session, by)
    for person, again in asked_of.items():
        kinds = Counter(act.kind for act, _ in again)
        facts = {
            "by": officer,
            "at": at.isoformat(),
            "reason": reason,
            "duties": [{"kind": kind.value, "count": count} for kind, count in kinds.items()],
            **_employees(session, person, again, cases),
        }
        acts = sorted(act.id for act, _ in again)
        occasion = "reopened-" + hashlib.sha256(repr(acts).encode()).hexdigest()[:12]
        duties = [duty for duty in opened.get(person, []) if duty.kind in kinds]
        invite(session, stage, [person], kind="asked_again", occasion=occasion, at=at, duties={person: duties},
               more=facts)  # fmt: skip


def _employees(
    session: Session, reader: int, again: Sequence[_Again], cases: Mapping[int, Appraisal]
) -> dict[str, Any]:  # fmt: skip
    """Whose cases the acts are about, by name, where that is not the reader alone."""
    about = [cases.get(act.appraisal_id or 0) for act, _ in again]
    concerned = {case.employee_id for case in about if case is not None}
    if concerned <= {reader}:
        return {}
    names = sorted(name_of(session, person) for person in concerned)
    return {"employees": names[:NAMED], "more": max(0, len(names) - NAMED)}


def _check(session: Session, stage: Stage, one: Assignment, at: datetime) -> None:
    if one.kind not in REOPENABLE:
        raise SteeringRefused(
            f"Tugas “{act_name(one.kind).id}” tidak diminta ulang: urutannya diatur oleh peraturan.",
            f"The act “{act_name(one.kind).en}” is not asked again: the law fixes its order.",
        )
    if one.kind is ActKind.SET_UNIT_PREDICATE and one.state is AssignmentState.DONE:
        raise SteeringRefused(
            "Predikat unit sudah ditetapkan dan menjadi dasar penilaian; PPK yang dapat mengoreksinya.",
            "The unit's predicate is set and ratings rest on it; only the appointing authority corrects it.",
        )
    if one.state not in ENDED:
        raise SteeringRefused(
            f"Tugas “{act_name(one.kind).id}” belum selesai, jadi masih dapat dilakukan.",
            f"The act “{act_name(one.kind).en}” has not ended: it can still be done.",
        )
    if stage.state is not StageState.OPEN or deadlines_of(session, stage).closes(one) < at:
        raise SteeringRefused(
            f"Tahap {stage_name(stage.kind).id} sudah ditutup bagi yang bersangkutan; perpanjang lebih dahulu.",
            f"The stage {stage_name(stage.kind).en} is closed for them; HR gives an extension first (cycle extend).",
        )
    case = session.get(Appraisal, one.appraisal_id) if one.appraisal_id else None
    if case is not None and one.kind in (ActKind.SCORE, ActKind.SELF_ASSESS) and rounds.issued(session, case.id):
        raise SteeringRefused(
            "Hasil sudah disampaikan; perubahan hanya melalui keberatan atau rekomendasi audit.",
            "The result was issued; it changes only by an objection or a recommendation of the audit.",
        )
