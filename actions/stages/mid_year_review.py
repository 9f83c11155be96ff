"""Mid-year review: employees report, raters answer; a missing report leaves the plan as it is."""

from actions.stages import default_plans
from actions.stages.common import CLOSE, INVITE, REHOLD, REMIND, ask, cases, employee_duty
from actions.stages.steps import Phase, appraisals
from rules.terms import ActKind, Step

PLANS = Phase("plans", appraisals, lambda context, lo, hi: default_plans.ensure_plans(context, cases(context, lo, hi)))
"""Whoever joined after target setting gets a plan first."""

PHASES = {
    Step.OPEN: (
        PLANS,
        *default_plans.officials(Step.OPEN, PLANS.name),
        ask(lambda _c, _l, case: [employee_duty(ActKind.REPORT_PROGRESS, case)]),
        INVITE,
    ),
    Step.REMIND: REMIND,
    Step.LAPSE: (REHOLD,),
    Step.CLOSE: (CLOSE,),
}
