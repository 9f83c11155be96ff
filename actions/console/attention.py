"""What of a cycle still needs somebody: each count goes down when the thing is done, and is gone once it is over."""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, aliased

from actions.console.overview import NOT_OVER
from actions.mail.checks import DELIVERED, NOT_REACHED
from models import Appraisal, Letter, Stage
from notifications.kinds import LASTING
from rules.terms import AppraisalState
from rules.time.stages import OVER

STILL_OPEN = Appraisal.finalized_at.is_(None)
CASES: Mapping[str, tuple[ColumnElement[bool], ...]] = {
    "no_rater": (Appraisal.rater_id.is_(None), NOT_OVER, STILL_OPEN),
    "no_authority": (Appraisal.authority_id.is_(None), Appraisal.rater_id.is_not(None), NOT_OVER, STILL_OPEN),
    "not_rated": (Appraisal.state == AppraisalState.NOT_RATED, Appraisal.explained_at.is_(None), STILL_OPEN),
}


def cases(session: Session, cycle_id: int) -> Mapping[str, int]:
    """Cases that lack an official, or an account of why nobody rated them, by the list of the console they are in."""
    query = select(func.count()).select_from(Appraisal).where(Appraisal.cycle_id == cycle_id)
    return {show: session.scalar(query.where(*where)) or 0 for show, where in CASES.items()}


def mail(session: Session, cycle_id: int) -> int:
    """Letters that did not arrive and still matter.

    Those that carry a right or a result always do; the others while their stage is not over and nothing later has
    reached the person.
    """
    later = aliased(Letter)
    reached = (
        select(later.id)
        .where(later.person_id == Letter.person_id, later.stage_id == Letter.stage_id, later.id > Letter.id,
               later.state.in_(DELIVERED[:2]))
        .exists()
    )  # fmt: skip
    alive = or_(Stage.id.is_(None), Stage.state.not_in(OVER)) & ~reached
    query = (
        select(func.count()).select_from(Letter).outerjoin(Stage, Stage.id == Letter.stage_id)
        .where(Letter.cycle_id == cycle_id, Letter.state.in_(NOT_REACHED), or_(Letter.kind.in_(LASTING), alive))
    )  # fmt: skip
    return session.scalar(query) or 0
