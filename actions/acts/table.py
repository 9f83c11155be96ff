"""Every kind of act: one file each with its form, what it shows and what it does."""

from collections.abc import Mapping

from actions.acts import (
    account_for,
    acknowledge,
    conclude_finding,
    decide_objection,
    decide_recommendation,
    draft_targets,
    establish_targets,
    examine,
    explain,
    give_feedback,
    object,
    override_distribution,
    reply_to_finding,
    report_progress,
    score,
    self_assess,
    set_unit_predicate,
)
from actions.acts.act import Act
from rules.terms import ActKind

MODULES = (
    draft_targets, establish_targets, report_progress, give_feedback, set_unit_predicate, self_assess, score,
    override_distribution, acknowledge, object, explain, decide_objection, examine, reply_to_finding, conclude_finding,
    decide_recommendation, account_for,
)  # fmt: skip
ACTS: Mapping[ActKind, Act] = {module.ACT.kind: module.ACT for module in MODULES}
