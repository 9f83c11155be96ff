"""HR's labelled default: nobody goes without an established plan because somebody was late.

PermenPANRB 8/2021, annex, item 5: the performance administrator drafts and establishes the plan of whoever has none
after the second week of January, and tells them. What is established here says so and is replaced by a real plan.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import Select, exists, func, select

from actions.cases import distribution, plans
from actions.duties import assignments
from actions.duties.invitations import facts_for
from actions.duties.links import ensure_links, kid_of
from actions.mail import letters
from actions.stages.steps import Context, Counts, Phase
from models import Appraisal, Person, Plan, StageStep
from rules.terms import AppraisalState, PlanState, Step

PLAIN = [
    {
        "title": "Melaksanakan tugas jabatan sesuai uraian jabatan", "kind": "main", "assigned_by": "",
        "indicators": [{"text": "Tugas jabatan yang selesai tepat waktu", "aspect": "quantity", "target": "100",
                        "unit": "%", "target_is_maximum": True}],
    }
]  # fmt: skip
"""For a job family for which the agency named no indicators: what every job description promises."""


def with_plan(context: Context, cases: Sequence[Appraisal], *states: PlanState) -> set[int]:
    """Ids of the cases that have a plan version (in one of the states, if any is named)."""
    query = select(Plan.appraisal_id).where(Plan.appraisal_id.in_([case.id for case in cases]))
    return set(context.session.scalars(query.where(Plan.state.in_(states)) if states else query))


def establish_defaults(context: Context, cases: Sequence[Appraisal]) -> int:
    """Establish the agency's indicators of the job family as the plan of each case, and tell its employee."""
    families = json.loads(context.agency.indicators or "{}")
    for case in cases:
        posting = context.session.scalar(assignments.posting_on(case.employee_id, context.today))
        items = families.get(posting.job_family if posting else "") or families.get("default") or PLAIN
        plans.write_plan(
            context.session, case.id, items, PlanState.ESTABLISHED, at=context.at, is_default=True,
            established_at=context.at,
        )  # fmt: skip
        _settle(context, case)
    return len(cases)


def officials(step: Step, established: str) -> tuple[Phase, Phase]:
    """The phases after `established` that tell each rater, and then each head of a unit, of all that was done there.

    One letter to each, however many batches it took.
    """

    def told(context: Context) -> Select[tuple[Appraisal]]:
        begun = select(StageStep.begun_at).where(
            StageStep.stage_id == context.stage.id, StageStep.step == step,
            StageStep.occasion == f"{context.occasion}/{established}",
        )  # fmt: skip
        made = exists().where(
            Plan.appraisal_id == Appraisal.id, Plan.is_default, Plan.state == PlanState.ESTABLISHED,
            Plan.established_at >= begun.scalar_subquery(),
        )  # fmt: skip
        return select(Appraisal).where(Appraisal.cycle_id == context.cycle.id, made)

    def raters(context: Context, after: int, size: int) -> Sequence[int]:
        query = told(context).where(Appraisal.rater_id > after).with_only_columns(Appraisal.rater_id)
        found = context.session.scalars(query.distinct().order_by(Appraisal.rater_id).limit(size))
        return [rater for rater in found if rater is not None]

    def tell_raters(context: Context, lo: int, hi: int) -> Counts:
        query = (
            told(context).where(Appraisal.rater_id.between(lo, hi)).with_only_columns(Appraisal.rater_id, func.count())
        )
        counted = context.session.execute(query.group_by(Appraisal.rater_id)).tuples()
        found = {rater: count for rater, count in counted if rater is not None}
        return {"raters_told": _tell(context, step, "rater", found)}

    def units(context: Context) -> dict[int, list[int]]:
        """Head -> the units of theirs in which something was done."""
        heads = distribution.heads(context.session, context.agency.id, context.today)
        where = context.session.scalars(told(context).with_only_columns(Appraisal.unit_id).distinct())
        of_head: dict[int, list[int]] = defaultdict(list)
        for unit in where:
            if (head := heads.get(unit)) is not None:
                of_head[head].append(unit)
        return of_head

    def heads(context: Context, after: int, size: int) -> Sequence[int]:
        return sorted(head for head in units(context) if head > after)[:size]

    def tell_heads(context: Context, lo: int, hi: int) -> Counts:
        found = {}
        for head, of_head in units(context).items():
            if lo <= head <= hi:
                others = Appraisal.rater_id.is_distinct_from(head) & (Appraisal.employee_id != head)
                query = told(context).where(Appraisal.unit_id.in_(of_head), others).with_only_columns(func.count())
                found[head] = context.session.scalar(query) or 0
        return {"heads_told": _tell(context, step, "unit_head", found)}

    return Phase("raters", raters, tell_raters), Phase("heads", heads, tell_heads)


def _tell(context: Context, step: Step, audience: str, employees: Mapping[int, int]) -> int:
    told = {person_id: count for person_id, count in employees.items() if count}
    for person_id, count in sorted(told.items()):
        person = context.session.get_one(Person, person_id)
        _notify(context, person, f"{context.stage.id}.{person_id}.{audience}:{step.value}", audience, count)
    return len(told)


def establish_as_drafted(context: Context, cases: Sequence[Appraisal]) -> int:
    """Establish the employee's own last version, labelled, where the rater did not answer in time."""
    made = 0
    for case in cases:
        plan = plans.current_plan(context.session, case.id, PlanState.SUBMITTED, PlanState.RETURNED, PlanState.DRAFT)
        if plan is not None:
            plan.state, plan.is_default, plan.established_at = PlanState.ESTABLISHED, True, context.at
            _settle(context, case)
            made += 1
    return made


def replace_defaults(context: Context, cases: Sequence[Appraisal]) -> int:
    """At the end of target setting a plain default gives way to what its employee drafted late: `ensure_plans` next."""
    query = select(Plan.appraisal_id).where(
        Plan.appraisal_id.in_([case.id for case in cases]), Plan.state == PlanState.ESTABLISHED, Plan.is_default
    )
    plain = set(context.session.scalars(query))
    late = with_plan(context, [case for case in cases if case.id in plain], PlanState.SUBMITTED)
    for appraisal_id in sorted(late):
        plans.supersede(context.session, appraisal_id, PlanState.ESTABLISHED)
    return len(late)


def ensure_plans(context: Context, cases: Sequence[Appraisal]) -> dict[str, int]:
    """Give every case an established plan: their own last version first, else the default."""
    established = with_plan(context, cases, PlanState.ESTABLISHED)
    lacking = [case for case in cases if case.id not in established]
    own = with_plan(context, lacking, PlanState.SUBMITTED, PlanState.RETURNED, PlanState.DRAFT)
    return {
        "established_as_drafted": establish_as_drafted(context, [case for case in lacking if case.id in own]),
        "default_plans": establish_defaults(context, [case for case in lacking if case.id not in own]),
    }


def _settle(context: Context, case: Appraisal) -> None:
    session = context.session
    if case.state in (AppraisalState.PLAN_DRAFT, AppraisalState.PLAN_SUBMITTED):
        case.state = AppraisalState.PLAN_ESTABLISHED
    session.flush()
    person = session.get_one(Person, case.employee_id)
    _notify(context, person, f"{case.id}:{context.stage.kind.value}", "employee", 1)


def _notify(context: Context, person: Person, about: str, audience: str, employees: int) -> None:
    """The notice stays true when the stage has closed, so it never expires."""
    link = ensure_links(context.session, context.stage, kid_of(context.cycle), [person.id], at=context.at)
    facts = facts_for(context.agency, context.cycle, context.stage, person, [])
    facts |= {"audience": audience, "at": context.at.isoformat(), "employees": employees}
    notice = letters.owed_to(
        person, "default_plan_notice", f"default_plan_notice:{about}", facts, link_id=link[person.id],
        stage_id=context.stage.id, cycle_id=context.cycle.id,
    )  # fmt: skip
    letters.queue(context.session, [notice], at=context.at)
