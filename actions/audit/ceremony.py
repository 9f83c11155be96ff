"""The audit: plan and frame are frozen and published before the seed is made; the order of events is the security."""

import hashlib
import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions.audit import conflicts
from actions.duties import assignments
from actions.duties.assignments import Duty
from actions.line.calendars import calendar_of
from actions.line.holders import Holder, role_holders
from actions.store import trail
from actions.store.bulk import insert_new
from models import (
    Actual,
    Agency,
    Appraisal,
    AuditDraw,
    AuditDrawItem,
    AuditEvaluation,
    AuditFrameItem,
    AuditItem,
    AuditPlan,
    Cycle,
    Examination,
    Indicator,
    Person,
    Plan,
    RatingRecord,
    Result,
    ResultItem,
    SelfAssessment,
    Stage,
)
from rules.audit import draw as drawing
from rules.audit.sampling import Ladder, ladder
from rules.pack.pack import Pack
from rules.proof.chain import commitment
from rules.proof.merkle import root, roster_leaves
from rules.refused import Refused
from rules.terms import (
    ActKind,
    Arm,
    AuditItemState,
    PlanState,
    Predicate,
    Rating,
    Role,
    StageKind,
    StageState,
    Stratum,
)

COPIES = 3
"""So many of one rater's forms with the same words are a flag (not a verdict)."""


class AuditRefused(Refused):
    """The audit cannot take this step; the message says what has to come first, and who does it."""


def plan_of(session: Session, cycle_id: int) -> AuditPlan | None:
    """The plan that counts: the newest that was not annulled."""
    query = select(AuditPlan).where(AuditPlan.cycle_id == cycle_id, AuditPlan.annulled_at.is_(None))
    return session.scalar(query.order_by(AuditPlan.attempt.desc()).limit(1))


def need_plan(session: Session, cycle_id: int) -> AuditPlan:
    if (plan := plan_of(session, cycle_id)) is None or plan.frozen_at is None:
        raise AuditRefused("The frame is not frozen yet: it is when the audit stage opens, or with `audit freeze`.")
    return plan


def unfrozen(session: Session, cycle: Cycle) -> int:
    """1 while the cycle's pack wants an audit whose frame nobody has frozen (or frozen anew), else 0."""
    plan = plan_of(session, cycle.id)
    return int((plan is None or plan.frozen_at is None) and Pack.model_validate_json(cycle.pack).audit.enabled)


def freeze(session: Session, cycle: Cycle, *, at: datetime, by: int | None = None) -> AuditPlan | None:
    """Freeze plan and frame over every locked rating; a second call returns what is frozen. None: audit is off.

    AuditRefused before the audit's stage has opened, or with too few auditors.
    """
    pack = Pack.model_validate_json(cycle.pack)
    if (there := plan_of(session, cycle.id)) is not None:
        return there
    if not pack.audit.enabled:
        return None
    stage = session.scalars(select(Stage).filter_by(cycle_id=cycle.id, kind=StageKind.AUDIT_SAMPLING)).one()
    if stage.state is StageState.PLANNED:
        opens = f"{stage.opens_at:%Y-%m-%d %H:%M} UTC"
        raise AuditRefused(f"Audit sampling opens at {opens}: until then scores may change, and nothing is frozen.")
    auditors = session.scalars(role_holders(cycle.agency_id, Role.AUDITOR, _today(session, cycle, at))).all()
    if len(auditors) < (needed := pack.audit.min_auditors):
        raise AuditRefused(f"{len(auditors)} auditors are registered, {needed} are needed: HR adds them to the roster.")
    attempts = session.scalar(select(func.max(AuditPlan.attempt)).filter_by(cycle_id=cycle.id)) or 0
    plan = AuditPlan(cycle_id=cycle.id, attempt=attempts + 1, settings=pack.audit.model_dump(mode="json"))
    session.add(plan)
    session.flush()
    rows = _frame(session, cycle, plan, pack)
    insert_new(session, AuditFrameItem, rows)
    _seal(session, cycle, plan, pack, rows, at)
    after = {"plan_sha256": plan.plan_sha256, "roster_sha256": plan.roster_sha256, "root": plan.merkle_root,
             "population": plan.population or 0}  # fmt: skip
    trail.record(
        session, cycle.agency_id, "roster.frozen", f"audit:{plan.id}", at=at, actor=trail.Actor(by), after=after
    )
    trail.checkpoint(session, cycle.agency_id, "roster.frozen", at=at)
    return plan


def _today(session: Session, cycle: Cycle, at: datetime) -> date:
    return calendar_of(session, session.get_one(Agency, cycle.agency_id), at).local_date(at)


def _frame(session: Session, cycle: Cycle, plan: AuditPlan, pack: Pack) -> list[dict[str, Any]]:
    """A row per locked rating of a rater, with its stratum; the reasons stay with the audit's management."""
    query = (
        select(Appraisal, RatingRecord, Result)
        .join(RatingRecord, RatingRecord.appraisal_id == Appraisal.id)
        .join(Result, Result.rating_id == RatingRecord.id)
        .where(Appraisal.cycle_id == cycle.id, RatingRecord.role == Role.RATER, RatingRecord.locked_at.is_not(None))
        .order_by(Appraisal.id, RatingRecord.number)
    )
    found = list({row[0].id: row for row in session.execute(query).tuples()}.values())  # a rater's last rating
    unproven = _without_evidence(session, [case.id for case, _, _ in found])
    gaps, copied = _gaps(session, cycle.id), _copied([rating for _, rating, _ in found])
    rows = []
    for case, rating, result in found:
        certain = ["extreme_without_evidence"] if result.predicate in _EXTREME and case.id in unproven else []
        flags = (["self_gap"] if _gap(rating, gaps.get(case.id)) else []) + (["copied"] if rating.id in copied else [])
        flags += ["acting_rater"] if rating.mandate_id is not None else []
        stratum = Stratum.CERTAINTY if certain else Stratum.FLAGGED if flags else Stratum.GENERAL
        salt = secrets.token_bytes(16)
        content = {"rating": rating.id, "predicate": result.predicate.value, "score": str(result.score)}
        rows.append({
            "plan_id": plan.id, "appraisal_id": case.id, "code": f"{cycle.year}-{case.id:09d}", "stratum": stratum,
            "reasons": certain + flags, "rating_id": rating.id, "salt": salt, "commitment": commitment(salt, content),
        })  # fmt: skip
    return _at_most_certain(rows, Fraction(str(pack.audit.certainty_share_max)))


_EXTREME = frozenset({Predicate.VERY_GOOD, Predicate.VERY_POOR})


def _at_most_certain(rows: list[dict[str, Any]], share: Fraction) -> list[dict[str, Any]]:
    """Above its share of the frame the certainty rule would leave no sample to speak of: its cases are flagged."""
    certain = [row for row in rows if row["stratum"] is Stratum.CERTAINTY]
    if len(certain) > share * len(rows):
        for row in certain:
            row["stratum"] = Stratum.FLAGGED
    return rows


def _without_evidence(session: Session, cases: Sequence[int]) -> set[int]:
    """Cases with an indicator of the established plan whose last report has no evidence, or no report at all."""
    bare = (
        select(Plan.appraisal_id).join(ResultItem, ResultItem.plan_id == Plan.id)
        .join(Indicator, Indicator.item_id == ResultItem.id)
        .outerjoin(Actual, (Actual.indicator_id == Indicator.id) & (Actual.evidence != ""))
        .where(Plan.state == PlanState.ESTABLISHED, Actual.id.is_(None), Plan.appraisal_id.in_(cases)).distinct()
    )  # fmt: skip
    return set(session.scalars(bare))


def _gaps(session: Session, cycle_id: int) -> Mapping[int, Rating | None]:
    query = (
        select(SelfAssessment.appraisal_id, SelfAssessment.result_rating)
        .join(Appraisal, Appraisal.id == SelfAssessment.appraisal_id)
        .where(Appraisal.cycle_id == cycle_id).order_by(SelfAssessment.number)
    )  # fmt: skip
    return dict(session.execute(query).tuples().all())


_LEVEL = {Rating.BELOW: 0, Rating.MEETS: 1, Rating.ABOVE: 2}


def _gap(rating: RatingRecord, own: Rating | None) -> bool:
    return bool(own and rating.result_rating and abs(_LEVEL[own] - _LEVEL[rating.result_rating]) >= 2)


def _copied(ratings: Sequence[RatingRecord]) -> set[int]:
    """Ratings of one official whose words are the same on several forms, whatever the spacing and case."""
    alike: dict[tuple[int, str], list[int]] = defaultdict(list)
    for rating in ratings:
        alike[rating.official_id, " ".join(rating.feedback.lower().split())].append(rating.id)
    return {one for group in alike.values() if len(group) >= COPIES for one in group}


def _seal(
    session: Session, cycle: Cycle, plan: AuditPlan, pack: Pack, rows: Sequence[Mapping[str, Any]], at: datetime
) -> None:
    by_stratum = {stratum: [row for row in rows if row["stratum"] is stratum] for stratum in Stratum}
    assured = len(by_stratum[Stratum.FLAGGED]) + len(by_stratum[Stratum.GENERAL])
    rungs = ladder_of(assured, pack) if assured else None
    sizes = [step.n for step in rungs.steps] if rungs else [0]
    risk = min(pack.audit.risk_take, len(by_stratum[Stratum.FLAGGED]))
    certain = len(by_stratum[Stratum.CERTAINTY])
    arms = {
        Arm.ASSURANCE.value: {"strata": [Stratum.FLAGGED.value, Stratum.GENERAL.value], "take": sizes},
        Arm.RISK.value: {"strata": [Stratum.FLAGGED.value], "take": [risk] * len(sizes)},
        Arm.CERTAINTY.value: {"strata": [Stratum.CERTAINTY.value], "take": [certain] * len(sizes)},
    }
    code = session.get_one(Agency, cycle.agency_id).code
    content = {"cycle": f"{code}-{cycle.year}-{plan.attempt}", "arms": arms, "settings": plan.settings,
               "acceptance": [step.c for step in rungs.steps] if rungs else [0]}  # fmt: skip
    frozen = drawing.plan_bytes(content)
    roster = drawing.roster_bytes((row["code"], row["stratum"].value) for row in rows)
    plan.plan, plan.plan_sha256 = frozen, hashlib.sha256(frozen).hexdigest()
    plan.roster, plan.roster_sha256 = roster, hashlib.sha256(roster).hexdigest()
    plan.merkle_root = root(roster_leaves(roster))
    everybody = session.execute(
        select(Appraisal.state, func.count()).filter_by(cycle_id=cycle.id).group_by(Appraisal.state)
    )
    plan.reconciliation = {"framed": len(rows), "by_state": {state.value: count for state, count in everybody}}
    plan.population, plan.frozen_at = len(rows), at
    session.flush()


def ladder_of(assured: int, pack: Pack) -> Ladder:
    """The declared ladder for so many appraisals in the assurance arm."""
    return ladder(assured, pack.audit.tolerable, pack.audit.ladder_alphas, pack.audit.acceptance)


def publish(session: Session, cycle: Cycle, where: str, *, at: datetime, by: int | None = None) -> AuditPlan:
    """Record where the hashes were published outside this database; from here the wait runs."""
    plan = need_plan(session, cycle.id)
    if plan.published_at is not None:
        return plan
    if len(where.strip()) < 5:
        raise AuditRefused("Say where it was published, so that others can look: notice page, letter number, holders.")
    plan.published_at, plan.published_where = at, where.strip()
    after = {"roster_sha256": plan.roster_sha256, "plan_sha256": plan.plan_sha256, "where": plan.published_where}
    trail.record(
        session, cycle.agency_id, "roster.published", f"audit:{plan.id}", at=at, actor=trail.Actor(by), after=after
    )
    return plan


def record_seed(
    session: Session, cycle: Cycle, seed: str, minutes: str, *, at: datetime, by: int | None = None
) -> AuditPlan:
    """Record the seed that was rolled in public; refused before the published frame has stood its time, and twice."""
    plan = need_plan(session, cycle.id)
    pack = Pack.model_validate_json(cycle.pack)
    if plan.published_at is None:
        raise AuditRefused("The frame is not published yet: whoever knew the seed could still choose the sample.")
    if at < (ready_at := plan.published_at + timedelta(hours=pack.audit.wait_hours)):
        raise AuditRefused(f"The published frame has to stand until {ready_at.isoformat(timespec='minutes')}.")
    if plan.seed is not None and plan.seed != seed:
        raise AuditRefused("The seed is recorded; there is no second roll.")
    if session.scalar(select(AuditPlan.id).filter_by(cycle_id=cycle.id, seed=seed).where(AuditPlan.id != plan.id)):
        raise AuditRefused("This seed was rolled for the frame that was annulled: a new frame needs a new roll.")
    if not drawing.SEED.fullmatch(seed) or len(seed) < pack.audit.min_seed_digits:
        raise AuditRefused(
            f"The seed is text of at least {pack.audit.min_seed_digits} printable ASCII characters without spaces;"
            " keep leading zeros."
        )
    if len(minutes.strip()) < 5:
        raise AuditRefused("Name the signed minutes and the witnesses, one of them for the employees.")
    if plan.seed is None:
        plan.seed, plan.seed_minutes, plan.seed_recorded_at = seed, minutes.strip(), at
        after = {"seed": seed, "minutes": plan.seed_minutes}
        trail.record(
            session, cycle.agency_id, "seed.recorded", f"audit:{plan.id}", at=at, actor=trail.Actor(by), after=after
        )
    return plan


def annul(session: Session, cycle: Cycle, reason: str, *, at: datetime, by: int | None = None) -> None:
    """Annul a frame that was wrong, once and before the draw; freezing anew needs a new seed."""
    plan = need_plan(session, cycle.id)
    pack = Pack.model_validate_json(cycle.pack)
    if plan.attempt > pack.audit.max_annulments:
        raise AuditRefused("A frame was annulled before: this one stands, wrong rows become voids or deviations.")
    if session.scalar(select(AuditDraw.id).filter_by(plan_id=plan.id).limit(1)) is not None:
        raise AuditRefused("The sample is drawn: the frame stands, wrong rows become voids or deviations.")
    if len(reason.strip()) < 10:
        raise AuditRefused("An annulment is public: give its reason.")
    plan.annulled_at, plan.annulled_reason = at, reason.strip()
    trail.record(
        session, cycle.agency_id, "roster.annulled", f"audit:{plan.id}", at=at, actor=trail.Actor(by), why=reason
    )


def draw(session: Session, cycle: Cycle, stage_no: int, *, at: datetime) -> AuditDraw:
    """Draw one stage of the sample and give every new item its examiners; the same stage again changes nothing."""
    plan = need_plan(session, cycle.id)
    if plan.seed is None or plan.seed_recorded_at is None or plan.published_at is None:
        raise AuditRefused("No seed is recorded yet: it is rolled in public after the frame has been published.")
    wait = timedelta(hours=Pack.model_validate_json(cycle.pack).audit.wait_hours)
    if plan.seed_recorded_at < plan.published_at + wait:
        raise AuditRefused("The seed is older than the published frame with its wait.")
    there = session.scalar(select(AuditDraw).filter_by(plan_id=plan.id, stage_no=stage_no))
    if there is not None:
        return there
    if ready(session, cycle, at=at)[0] != stage_no:
        raise AuditRefused(f"Stage {stage_no} is not the next to draw: the stage before it has to be evaluated first.")
    assert plan.roster is not None
    assert plan.plan is not None
    drawn = drawing.draw(plan.roster, plan.plan, plan.seed, stage_no)
    row = AuditDraw(
        plan_id=plan.id, stage_no=stage_no, draw_key=drawn.draw_key, draw_sha256=drawn.draw_sha256, drawn_at=at
    )
    session.add(row)
    session.flush()
    framed = {item.code: item for item in session.scalars(select(AuditFrameItem).filter_by(plan_id=plan.id))}
    insert_new(session, AuditDrawItem, [
        {"draw_id": row.id, "arm": Arm(one.arm), "rank": one.rank, "frame_item_id": framed[one.id].id,
         "ticket": one.ticket}
        for one in drawn.items
    ])  # fmt: skip
    doubles = set(drawing.double_audited(drawn))
    insert_new(session, AuditItem, [
        {"plan_id": plan.id, "frame_item_id": framed[code].id, "appraisal_id": framed[code].appraisal_id,
         "state": AuditItemState.DRAWN, "double": code in doubles, "void_reason": ""}
        for code in drawing.work_list(drawn)
    ])  # fmt: skip
    _assign(session, cycle, plan, drawn, framed, at)
    after = {"stage": stage_no, "draw_sha256": drawn.draw_sha256, "items": len(drawing.work_list(drawn))}
    trail.record(session, cycle.agency_id, f"draw.published.{stage_no}", f"audit:{plan.id}", at=at, after=after)
    return row


def _assign(
    session: Session, cycle: Cycle, plan: AuditPlan, drawn: drawing.Draw, framed: Mapping[str, AuditFrameItem],
    at: datetime,
) -> None:  # fmt: skip
    items = {item.frame_item_id: item for item in session.scalars(select(AuditItem).filter_by(plan_id=plan.id))}
    by_code = {code: items[item.id] for code, item in framed.items() if item.id in items}
    for code in drawing.double_audited(drawn):
        by_code[code].double = True
    today = _today(session, cycle, at)
    auditors = session.scalars(role_holders(cycle.agency_id, Role.AUDITOR, today)).all()
    standing = _standing(session, {item.id: code for code, item in by_code.items()})
    refusals = conflicts.Conflicts(session, cycle, auditors, today)
    assigned = drawing.assign(
        drawn.draw_key, drawing.work_list(drawn), drawing.double_audited(drawn), [str(a) for a in auditors],
        lambda auditor, code: refusals.none(int(auditor), by_code[code].appraisal_id), standing,
    )  # fmt: skip
    known = {(one.appraisal_id, one.reader) for one in standing}
    for one in assigned.assignments:
        if (one.appraisal_id, one.reader) not in known:
            ask_to_examine(session, cycle, by_code[one.appraisal_id], int(one.auditor), one.reader, at=at)


def _standing(session: Session, codes: Mapping[int, str]) -> list[drawing.Assignment]:
    query = select(Examination).where(Examination.item_id.in_(codes)).order_by(Examination.id)
    return [drawing.Assignment(codes[e.item_id], str(e.auditor_id), e.reader) for e in session.scalars(query)]


def ask_to_examine(session: Session, cycle: Cycle, item: AuditItem, auditor: int, reader: int, *, at: datetime) -> None:
    """Give one reading of an item to an examiner."""
    row = {"item_id": item.id, "reader": reader, "auditor_id": auditor, "no_conflict_declared": False, "text": ""}
    insert_new(session, Examination, [row])
    if item.state is AuditItemState.DRAWN:
        item.state = AuditItemState.ASSIGNED
    session.flush()
    stage = assignments.stage_of(session, cycle.id, StageKind.AUDIT_SAMPLING)
    subject = f"item:{item.id}:{reader}"
    number = assignments.next_round(session, stage.id, ActKind.EXAMINE, subject)
    case = session.get_one(Appraisal, item.appraisal_id)
    duty = Duty(ActKind.EXAMINE, subject, Role.AUDITOR, Holder(auditor), case.id, case.unit_id, round=number)
    assignments.open_duties(session, stage.id, [duty], at=at)


FINISHED = frozenset({
    AuditItemState.CONCUR, AuditItemState.CONFIRMED, AuditItemState.WITHDRAWN, AuditItemState.RECOMMENDED,
    AuditItemState.DECIDED, AuditItemState.NOT_EXAMINED, AuditItemState.VOID,
})  # fmt: skip


def ready(session: Session, cycle: Cycle, *, at: datetime) -> tuple[int, int]:
    """Numbers of the audit stage that can be drawn, and of the one that can be evaluated; 0 for none."""
    plan = plan_of(session, cycle.id)
    if plan is None or plan.seed is None or plan.closed_at is not None:
        return 0, 0
    drawn = session.scalar(select(func.max(AuditDraw.stage_no)).filter_by(plan_id=plan.id)) or 0
    evaluated = session.scalar(select(func.max(AuditEvaluation.stage_no)).filter_by(plan_id=plan.id)) or 0
    if drawn == evaluated:
        return drawn + 1, 0
    left = select(func.count()).select_from(AuditItem).where(
        AuditItem.plan_id == plan.id, AuditItem.state.not_in(FINISHED)
    )  # fmt: skip
    return 0, (0 if session.scalar(left) else drawn)


def holder_names(session: Session, people: Sequence[int]) -> Mapping[int, str]:
    return dict(session.execute(select(Person.id, Person.name).where(Person.id.in_(people))).tuples().all())


def audit_stage(session: Session, cycle: Cycle) -> Stage:
    return assignments.stage_of(session, cycle.id, StageKind.AUDIT_SAMPLING)
