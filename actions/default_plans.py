"""HR's labelled default: nobody goes without an established plan because somebody was late.

PermenPANRB 8/2021, annex, item 5: the performance administrator drafts and establishes the plan of whoever has none
after the second week of January, and tells them. What is established here says so and is replaced by a real plan.
"""

import json
from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import select

from actions import assignments, distribution, letters, plans
from actions.invitations import facts_for
from actions.links import ensure_links, kid_of
from actions.steps import Context
from models import Appraisal, Person, Plan
from rules.words import AppraisalState, PlanState

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
    """Establish the agency's indicators of the job family as the plan of each case, and tell everybody concerned."""
    families = json.loads(context.agency.indicators or "{}")
    for case in cases:
        posting = context.session.scalar(assignments.posting_on(case.employee_id, context.today))
        items = families.get(posting.job_family if posting else "") or families.get("default") or PLAIN
        plans.write_plan(
            context.session, case.id, items, PlanState.ESTABLISHED, at=context.at, is_default=True,
            established_at=context.at,
        )  # fmt: skip
        _settle(context, case)
    _tell_officials(context, cases)
    return len(cases)


def _tell_officials(context: Context, cases: Sequence[Appraisal]) -> None:
    """One letter per batch to each rater and to each head of a unit, however many plans it is about."""
    heads = distribution.heads(context.session, context.agency.id, context.today)
    told: dict[tuple[int, str], list[Appraisal]] = defaultdict(list)
    for case in cases:
        head = heads.get(case.unit_id)
        if case.rater_id is not None:
            told[case.rater_id, "rater"].append(case)
        if head is not None and head not in (case.rater_id, case.employee_id):
            told[head, "unit_head"].append(case)
    for (person_id, audience), listed in told.items():
        person = context.session.get_one(Person, person_id)
        _notify(context, person, f"{context.stage.id}.{person_id}.{audience}:{listed[0].id}", audience, len(listed))


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
