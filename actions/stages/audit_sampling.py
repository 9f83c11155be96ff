"""Audit sampling."""

from actions.stages.common import CLOSE, REHOLD, REMIND
from actions.steps import Phase
from rules.words import Step

PHASES: dict[Step, tuple[Phase, ...]] = {
    Step.OPEN: (),
    Step.FREEZE: (),
    Step.REMIND: REMIND,
    Step.LAPSE: (REHOLD,),
    Step.CLOSE: (CLOSE,),
}
