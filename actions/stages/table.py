"""What the clock does to each stage, as phases over appraisals and people."""

from actions.stages import (
    audit_sampling,
    finalization,
    mid_year_review,
    objection_handling,
    supervisor_scoring,
    target_setting,
)
from actions.stages.steps import Phase
from rules.terms import StageKind, Step

PHASES: dict[tuple[StageKind, Step], tuple[Phase, ...]] = {
    (stage, step): phases
    for stage, module in {
        StageKind.TARGET_SETTING: target_setting,
        StageKind.MID_YEAR_REVIEW: mid_year_review,
        StageKind.SUPERVISOR_SCORING: supervisor_scoring,
        StageKind.OBJECTION_HANDLING: objection_handling,
        StageKind.AUDIT_SAMPLING: audit_sampling,
        StageKind.FINALIZATION: finalization,
    }.items()
    for step, phases in module.PHASES.items()
}
