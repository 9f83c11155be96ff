"""Another rater or objection authority for one case or many; open duties move at once, history stays."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions.cases import objections
from actions.duties import calendar_files
from actions.duties.assignments import Duty, next_round, open_duties
from actions.duties.invitations import OpenDuty, facts_for, mark_told, open_duties_of
from actions.duties.links import ensure_links, kid_of
from actions.line.deadlines import deadlines_of
from actions.line.holders import Holder, Line, line_on
from actions.mail import letters
from actions.stages.common import move
from actions.steering import involved
from actions.steering.preview import Preview, Problems, Said, SteeringRefused, require, situation, touched
from actions.steering.rounds import BEYOND
from actions.store import trail
from models import (
    Agency,
    Appraisal,
    Assignment,
    AuditItem,
    Cycle,
    Examination,
    Objection,
    Person,
    Plan,
    RatingRecord,
    Segment,
    Stage,
)
from rules.terms import ActKind, AssignmentState, ObjectionState, PlanState, Role, StageKind, StageState


def cases_rated_by(session: Session, cycle_id: int, rater_id: int) -> Sequence[int]:
    """Appraisals of the cycle whose direct superior is this person and that are not over."""
    query = select(Appraisal.id).where(
        Appraisal.cycle_id == cycle_id, Appraisal.rater_id == rater_id, Appraisal.finalized_at.is_(None),
        Appraisal.state.not_in(BEYOND),
    )  # fmt: skip
    return session.scalars(query.order_by(Appraisal.id)).all()


@dataclass(slots=True)
class _Change:
    case: Appraisal
    rater: int | None
    authority: int | None
    moves: list[tuple[Assignment, Holder]] = field(default_factory=list)
    missing: list[tuple[Stage, ActKind]] = field(default_factory=list)
    """What the rater owes by now and nobody was asked, because the case had none."""


@dataclass(slots=True)
class _Plan:
    changes: list[_Change]
    line: Line
    stage: Stage
    """What the letters speak of where no duty moves."""
    notes: list[Said] = field(default_factory=list)

    def handed(self) -> dict[tuple[int, str, int], list[Assignment]]:
        """(person, audience, stage) -> the duties that the letter lists."""
        found: dict[tuple[int, str, int], list[Assignment]] = defaultdict(list)
        for change in self.changes:
            for one, holder in change.moves:
                found[one.person_id, "old", one.stage_id].append(one)
                found[holder.person_id, "new", one.stage_id].append(one)
            found[change.case.employee_id, "employee", self.stage.id]
        return found


def reassign(
    session: Session, cycle: Cycle, cases: Sequence[int], new: int, *, role: Role = Role.RATER, decree_no: str = "",
    reason: str, at: datetime, by: int | None = None, preview: bool = False,
) -> Preview:  # fmt: skip
    """Name another rater (or objection authority) for the cases.

    Refused as a whole: somebody who is the employee, who rates and decides on the same case, who has left, or who
    examined it for the audit; cases that are over. An authority who becomes the rater is replaced up the line.
    """
    agency, _, today = situation(session, cycle, at)
    if role not in (Role.RATER, Role.OBJECTION_AUTHORITY):
        raise SteeringRefused(
            "Hanya Pejabat Penilai Kinerja atau atasannya yang dapat diganti; pilih salah satu.",
            "Only a rater or an objection authority can be replaced: choose one of them.",
            field="role",
        )
    query = select(Appraisal).where(Appraisal.id.in_(cases), Appraisal.cycle_id == cycle.id).order_by(Appraisal.id)
    listed = session.scalars(query if preview else query.with_for_update()).all()
    problems = Problems()
    problems.look(_check_chosen, session, by, listed)
    problems.look(_official, session, agency, new, today)
    problems.look(involved.check_official, by, new, field="new")
    problems.look(require, optional="decree_no", decree_no=decree_no, reason=reason)
    problems.refuse()
    person = _official(session, agency, new, today)
    line = line_on(session, agency.id, today)
    plan = _Plan([], line, _current_stage(session, cycle))
    for case in listed:
        problems.look(_plan_case, session, plan, case, person, role, agency, today)
    problems.refuse()
    handed = plan.handed()
    seen = Preview(
        "reassign", touched(session, [(who, audience) for who, audience, _ in handed]),
        {"cases": len(plan.changes), "moved": sum(len(c.moves) for c in plan.changes),
         "asked": sum(len(c.missing) for c in plan.changes), "letters": len(handed)}, plan.notes,
    )  # fmt: skip
    if not preview and plan.changes:
        _carry_out(session, cycle, agency, plan, role, today, decree_no, reason, at=at, by=by)
    return seen


def _check_chosen(session: Session, by: int | None, listed: Sequence[Appraisal]) -> None:
    if not listed:
        raise SteeringRefused("Tidak ada berkas yang dipilih.", "No case was chosen.", field="employees")
    involved.check_cases(session, by, listed, field="employees")


def _official(session: Session, agency: Agency, new: int, today: date) -> Person:
    person = session.get(Person, new)
    if person is None or person.agency_id != agency.id:
        raise SteeringRefused(
            f"Pejabat itu tidak ada dalam daftar pegawai {agency.name}; Pengelola Kinerja mengimpornya lebih dahulu.",
            f"That official is not on the roster of {agency.name}; HR imports them first.",
            field="new",
        )
    if person.active_to is not None and person.active_to < today:
        raise SteeringRefused(
            f"{person.name} tidak lagi aktif sejak {person.active_to:%d-%m-%Y}; pilih pejabat lain.",
            f"{person.name} left on {person.active_to}; choose another official.",
            field="new",
        )
    return person


def _plan_case(
    session: Session, plan: _Plan, case: Appraisal, person: Person, role: Role, agency: Agency, today: date
) -> None:
    employee = session.get_one(Person, case.employee_id)
    if case.state in BEYOND or case.finalized_at is not None:
        raise SteeringRefused(
            f"Penilaian {employee.name} sudah berakhir; keluarkan dari pilihan.",
            f"The appraisal of {employee.name} is over; leave it out.",
            field="employees",
        )
    if person.id == (case.rater_id if role is Role.RATER else case.authority_id):
        return
    _check_independent(session, case, employee, person, role)
    rater, authority = case.rater_id, case.authority_id
    if role is Role.OBJECTION_AUTHORITY:
        authority = person.id
    else:
        rater = person.id
        authority = _authority(plan, case, employee, person)
    change = _Change(case, rater, authority)
    plan.changes.append(change)
    _plan_moves(session, plan, change, agency, today)


def _check_independent(session: Session, case: Appraisal, employee: Person, person: Person, role: Role) -> None:
    if person.id == employee.id:
        raise SteeringRefused(
            f"{person.name} tidak dapat menangani penilaiannya sendiri; pilih pejabat lain.",
            f"{person.name} cannot deal with their own appraisal; choose another official.",
            field="new",
        )
    rated = select(RatingRecord.official_id).filter_by(appraisal_id=case.id, role=Role.RATER)
    if role is Role.OBJECTION_AUTHORITY and person.id in {case.rater_id, *session.scalars(rated)}:
        raise SteeringRefused(
            f"{person.name} menilai {employee.name}, jadi tidak dapat memutus keberatannya; pilih atasan yang lain.",
            f"{person.name} rates {employee.name} and cannot decide on the objection too; choose another superior.",
            field="new",
        )
    examined = select(Examination.id).join(AuditItem, AuditItem.id == Examination.item_id).where(
        AuditItem.appraisal_id == case.id, Examination.auditor_id == person.id
    )  # fmt: skip
    if session.scalar(examined.limit(1)) is not None:
        raise SteeringRefused(
            f"{person.name} memeriksa berkas ini dalam audit; pilih pejabat lain.",
            f"{person.name} examines this case for the audit; choose another official.",
            field="new",
        )


def _authority(plan: _Plan, case: Appraisal, employee: Person, rater: Person) -> int | None:
    """The authority under the new rater: the one there is, unless that is the new rater; then the next up the line."""
    if case.authority_id is not None and case.authority_id != rater.id:
        return case.authority_id
    found = plan.line.authority(employee.id, rater.id)
    if found is None:
        nobody = Said(f"Di atas {rater.name} tak seorang pun dapat memutus keberatan {employee.name}: PPK menunjuk.",
                      f"Above {rater.name} nobody can decide for {employee.name}: PPK names an official.")  # fmt: skip
        plan.notes.append(nobody)
        return None
    if case.authority_id is not None:
        next_up = Said(f"{rater.name} memutus keberatan {employee.name}; tugas itu pindah ke atasannya.",
                       f"{rater.name} decided objections of {employee.name}; now the next one up does.")  # fmt: skip
        plan.notes.append(next_up)
    return found.person_id


def _plan_moves(session: Session, plan: _Plan, change: _Change, agency: Agency, today: date) -> None:
    case = change.case
    query = select(Assignment).where(
        Assignment.appraisal_id == case.id, Assignment.state == AssignmentState.OPEN,
        Assignment.role.in_((Role.RATER, Role.OBJECTION_AUTHORITY)),
    )  # fmt: skip
    rater = plan.line.rater(case.employee_id, change.rater)
    for one in session.scalars(query.order_by(Assignment.id)):
        holder = rater if one.role is Role.RATER else _decider(plan, change, rater)
        if holder is not None and (holder.person_id, holder.mandate_id) != (one.person_id, one.mandate_id):
            change.moves.append((one, holder))
    if rater is None:
        plan.notes.append(Said("Pejabat baru sedang tidak ada dan tidak ada pengganti di atasnya: tugas belum pindah.",
                               "The new rater is away and nobody stands in: duties do not move yet."))  # fmt: skip
    elif rater.person_id != change.rater:
        name = session.get_one(Person, rater.person_id).name
        why = _ACTING if rater.mandate_id is not None else _CLIMBED
        plan.notes.append(Said(f"Hari ini tugas dipegang {name}: {why.id}.",
                               f"Today the duties are held by {name}: {why.en}."))  # fmt: skip
    if rater is not None:
        change.missing = _missing(session, case)


_ACTING = Said("Plt/Plh pejabat itu", "acting for the official")
_CLIMBED = Said("pejabat di bawahnya sedang tidak ada atau terlibat", "the official below is away, gone or involved")


def _decider(plan: _Plan, change: _Change, rater: Holder | None) -> Holder | None:
    named = change.authority
    barred = {change.case.employee_id, change.rater, rater.person_id if rater else None}
    if named is not None and named not in barred and named in plan.line.active and named not in plan.line.away:
        return Holder(named)
    return plan.line.authority(change.case.employee_id, rater.person_id if rater else change.rater)


def _missing(session: Session, case: Appraisal) -> list[tuple[Stage, ActKind]]:
    """What the rater of the case owes by now without anybody having been asked."""
    found = []
    query = select(Stage).where(Stage.cycle_id == case.cycle_id, Stage.state == StageState.OPEN)
    for stage in session.scalars(query):
        kind = _owed_by_now(session, stage, case)
        asked = select(Assignment.id).filter_by(stage_id=stage.id, kind=kind, appraisal_id=case.id)
        if kind is not None and session.scalar(asked.where(_counts_as_asked(kind)).limit(1)) is None:
            found.append((stage, kind))
    return found


def _counts_as_asked(kind: ActKind):
    """A plan is established anew each time it is drafted; the others are asked once."""
    states = [AssignmentState.OPEN] if kind is ActKind.ESTABLISH_TARGETS else list(AssignmentState)
    return Assignment.state.in_(states)


def _owed_by_now(session: Session, stage: Stage, case: Appraisal) -> ActKind | None:
    if stage.kind is StageKind.SUPERVISOR_SCORING:
        return ActKind.SCORE
    if stage.kind is StageKind.TARGET_SETTING:
        waiting = select(Plan.id).filter_by(appraisal_id=case.id, state=PlanState.SUBMITTED)
        return ActKind.ESTABLISH_TARGETS if session.scalar(waiting) is not None else None
    if stage.kind is StageKind.MID_YEAR_REVIEW:
        reported = select(Assignment.id).filter_by(
            stage_id=stage.id, appraisal_id=case.id, kind=ActKind.REPORT_PROGRESS, state=AssignmentState.DONE
        )
        return ActKind.GIVE_FEEDBACK if session.scalar(reported.limit(1)) is not None else None
    return None


def _current_stage(session: Session, cycle: Cycle) -> Stage:
    """The open stage; between two stages the one that ended last."""
    query = select(Stage).filter_by(cycle_id=cycle.id).order_by(Stage.opens_at)
    stages = session.scalars(query).all()
    running = [stage for stage in stages if stage.state in (StageState.OPENING, StageState.OPEN)]
    begun = [stage for stage in stages if stage.state not in (StageState.PLANNED, StageState.SKIPPED)]
    return (running or begun[-1:] or stages)[0]


def _carry_out(
    session: Session, cycle: Cycle, agency: Agency, plan: _Plan, role: Role, today: date, decree_no: str, reason: str,
    *, at: datetime, by: int | None,
) -> None:  # fmt: skip
    handed = {key: [_as_duty(session, one) for one in duties] for key, duties in plan.handed().items()}
    versions = sorted((change.case.id, change.case.version) for change in plan.changes)
    occasion = hashlib.sha256(repr((role.value, versions)).encode()).hexdigest()[:12]
    for change in plan.changes:
        before = {"rater": change.case.rater_id, "authority": change.case.authority_id}
        _change(session, change, plan.line, today, at=at)
        after = {"rater": change.rater, "authority": change.authority, "decree": decree_no, "moved": len(change.moves)}
        trail.record(session, agency.id, "appraisal.reassigned", f"appraisal:{change.case.id}", at=at,
                     actor=trail.Actor(by), before=before, after=after, why=reason)  # fmt: skip
    _tell(session, cycle, agency, handed, occasion, decree_no, at=at)


def _change(session: Session, change: _Change, line: Line, today: date, *, at: datetime) -> None:
    case = change.case
    if case.rater_id != change.rater:
        _next_segment(session, case, change.rater, today)
    case.rater_id, case.authority_id = change.rater, change.authority
    for one, holder in change.moves:
        move(session, one, holder)
    session.flush()
    holder = line.rater(case.employee_id, case.rater_id)
    for stage, kind in change.missing:
        assert holder is not None
        subject = f"appraisal:{case.id}"
        duty = Duty(kind, subject, Role.RATER, holder, case.id, case.unit_id,
                    round=next_round(session, stage.id, kind, subject))  # fmt: skip
        open_duties(session, stage.id, [duty], at=at)
    _ask_unasked_authority(session, case, today, at=at)


def _next_segment(session: Session, case: Appraisal, rater: int | None, today: date) -> None:
    last = session.scalar(select(Segment).filter_by(appraisal_id=case.id).order_by(Segment.number.desc()).limit(1))
    if last is None or last.from_on >= today:
        if last is not None:
            last.rater_id = rater
        return
    last.to_on = today - timedelta(days=1)
    session.add(
        Segment(appraisal_id=case.id, number=last.number + 1, unit_id=last.unit_id, rater_id=rater, post=last.post,
                from_on=today)
    )  # fmt: skip


def _ask_unasked_authority(session: Session, case: Appraisal, today: date, *, at: datetime) -> None:
    """An objection that waited for an authority to be named goes to them now."""
    query = select(Objection).filter_by(appraisal_id=case.id, state=ObjectionState.UNDER_EXAMINATION)
    stage = session.scalars(select(Stage).filter_by(cycle_id=case.cycle_id, kind=StageKind.OBJECTION_HANDLING)).one()
    for objection in session.scalars(query):
        asked = select(func.count()).select_from(Assignment).filter_by(
            stage_id=stage.id, subject=f"objection:{objection.id}"
        )  # fmt: skip
        if not session.scalar(asked):
            objection.state = ObjectionState.FILED
            agency_id = session.get_one(Cycle, case.cycle_id).agency_id
            objections.ask_authority(session, objection, stage, agency_id, today, at=at)


def _as_duty(session: Session, one: Assignment) -> OpenDuty:
    stage = session.get_one(Stage, one.stage_id)
    return OpenDuty(one.kind, one.optional, deadlines_of(session, stage).due(one), untold=True)


def _tell(
    session: Session, cycle: Cycle, agency: Agency, handed: dict[tuple[int, str, int], list[OpenDuty]], occasion: str,
    decree_no: str, *, at: datetime,
) -> None:  # fmt: skip
    for (person_id, audience, stage_id), duties in handed.items():
        stage, person = session.get_one(Stage, stage_id), session.get_one(Person, person_id)
        facts = facts_for(agency, cycle, stage, person, duties) | {"audience": audience, "decree": decree_no}
        if audience == "old" and not open_duties_of(session, stage, [person_id]):
            before = calendar_files.told_before(session, agency, stage, [person_id]).get(person_id)
            if before is not None:
                due = before["due"]
                facts |= calendar_files.entry(agency, cycle, stage, person_id, due, before, cancelled=True)
        link = ensure_links(session, stage, kid_of(cycle), [person_id], at=at)[person_id]
        key = f"reassigned_notice:{stage_id}.{person_id}:{audience}-{occasion}"
        owed = letters.owed_to(person, "reassigned_notice", key, facts, link_id=link, stage_id=stage_id,
                               cycle_id=cycle.id)  # fmt: skip
        letters.queue(session, [owed], at=at)
        if audience == "new":
            mark_told(session, stage, [person_id], at=at)
