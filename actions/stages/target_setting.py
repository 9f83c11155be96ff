"""Target setting: employees draft, raters establish, HR establishes a labelled default for whoever has none."""

from actions.stages import default_plans
from actions.stages.common import CLOSE, INVITE, REHOLD, REMIND, ask, cases, employee_duty
from actions.stages.steps import Context, Counts, Phase, appraisals
from rules.terms import ActKind, Step


def _default(context: Context, lo: int, hi: int) -> Counts:
    listed = cases(context, lo, hi)
    drafted = default_plans.with_plan(context, listed)
    missing = [case for case in listed if case.id not in drafted]
    return {"default_plans": default_plans.establish_defaults(context, missing)}


def _ensure(context: Context, lo: int, hi: int) -> Counts:
    listed = cases(context, lo, hi)
    return {"defaults_replaced": default_plans.replace_defaults(context, listed),
            **default_plans.ensure_plans(context, listed)}  # fmt: skip


PHASES = {
    Step.OPEN: (ask(lambda _c, _l, case: [employee_duty(ActKind.DRAFT_TARGETS, case)]), INVITE),
    Step.REMIND: REMIND,
    Step.LAPSE: (REHOLD,),
    Step.DEFAULT: (Phase("default", appraisals, _default), *default_plans.officials(Step.DEFAULT, "default")),
    Step.CLOSE: (CLOSE, Phase("plans", appraisals, _ensure), *default_plans.officials(Step.CLOSE, "plans")),
}
