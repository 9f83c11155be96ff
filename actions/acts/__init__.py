"""Every kind of act: one file each with its form, what it shows and what it does."""

from collections.abc import Mapping

from actions.acts import (
    account_for,
    acknowledge,
    decide_objection,
    draft_targets,
    establish_targets,
    explain,
    give_feedback,
    object,
    override_distribution,
    report_progress,
    score,
    self_assess,
    set_unit_predicate,
)
from actions.acts.act import Act
from rules.words import ActKind

ACTS: Mapping[ActKind, Act] = {
    module.ACT.kind: module.ACT
    for module in (
        account_for, acknowledge, decide_objection, draft_targets,
        establish_targets, explain, give_feedback, object, override_distribution, report_progress, score, self_assess, set_unit_predicate,
    )
}  # fmt: skip
