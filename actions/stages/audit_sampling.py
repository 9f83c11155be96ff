"""Audit sampling: freeze, draw once people published and rolled, examine, evaluate; at the close the deadline rule."""

from datetime import datetime

from actions.audit import ceremony, evaluation, items
from actions.stages.common import CLOSE, INVITE, REHOLD, REMIND, lapse_open
from actions.stages.steps import Context, Counts, Phase, once, owing
from rules.terms import ActKind, Step


def _freeze(context: Context, _lo: int, _hi: int) -> Counts:
    plan = ceremony.freeze(context.session, context.cycle, at=context.at)
    return {"framed": (plan.population or 0) if plan else 0}


def _draw(context: Context, _lo: int, _hi: int) -> Counts:
    ceremony.draw(context.session, context.cycle, int(context.occasion), at=context.at)
    return {"draws": 1}


def _evaluate(context: Context, _lo: int, _hi: int) -> Counts:
    decision = evaluation.evaluate(context.session, context.cycle, int(context.occasion), at=context.at)
    return {decision.value: 1}


def _lapse(context: Context, lo: int, hi: int) -> Counts:
    """Silence is no consent: it is recorded as silence, and the examiner concludes."""
    ended = lapse_open(context, lo, hi, all_of_them=False)
    for assignment in ended:
        if assignment.kind is ActKind.REPLY_TO_FINDING:
            silent(context, assignment.subject, context.at)
    return {"lapsed": len(ended)}


def silent(context: Context, subject: str, at: datetime) -> None:
    finding = items.finding_of(context.session, subject)
    if finding.reply is None:
        finding.reply, finding.replied_at = "", at
        items.ask_conclusion(context.session, context.stage, finding, at=at)


def _deadline(context: Context, _lo: int, _hi: int) -> Counts:
    return {"not_examined": evaluation.close_by_deadline(context.session, context.cycle, at=context.at)}


PHASES = {
    Step.OPEN: (),
    Step.FREEZE: (Phase("freeze", once, _freeze),),
    Step.DRAW: (Phase("draw", once, _draw), INVITE),
    Step.REMIND: REMIND,
    Step.LAPSE: (Phase("lapse", owing, _lapse), REHOLD),
    Step.EVALUATE: (Phase("evaluate", once, _evaluate),),
    Step.CLOSE: (CLOSE, Phase("deadline", once, _deadline)),
}
