"""Whether mail is complete: answers from the tables alone."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from models import Assignment, Letter, MailAttempt, Stage
from rules.words import AssignmentState, LetterState

DELIVERED = (LetterState.ACCEPTED, LetterState.DELIVERED, LetterState.BOUNCED_SOFT, LetterState.BOUNCED_HARD)


def count_missing(session: Session, *, cycle_id: int | None = None, stage_id: int | None = None) -> int:
    """Promises without a letter: accepted letters that no attempt proves, and open duties that none covers."""
    unproven = select(func.count()).select_from(Letter).where(
        Letter.state.in_(DELIVERED),
        ~exists().where(MailAttempt.letter_id == Letter.id, MailAttempt.outcome == LetterState.ACCEPTED),
    )  # fmt: skip
    uncovered = select(func.count()).select_from(Assignment).join(Stage, Stage.id == Assignment.stage_id).where(
        Assignment.state == AssignmentState.OPEN, Assignment.optional.is_(False), Assignment.told_at.is_not(None),
        ~exists().where(Letter.person_id == Assignment.person_id, Letter.stage_id == Assignment.stage_id),
    )  # fmt: skip
    if cycle_id is not None:
        unproven = unproven.where(Letter.cycle_id == cycle_id)
        uncovered = uncovered.where(Stage.cycle_id == cycle_id)
    if stage_id is not None:
        unproven = unproven.where(Letter.stage_id == stage_id)
        uncovered = uncovered.where(Stage.id == stage_id)
    return (session.scalar(unproven) or 0) + (session.scalar(uncovered) or 0)


def count_doubled(session: Session, where: Sequence[ColumnElement[bool]]) -> int:
    """Letters that a server accepted more than once."""
    twice = (
        select(MailAttempt.letter_id).join(Letter, Letter.id == MailAttempt.letter_id)
        .where(MailAttempt.outcome == LetterState.ACCEPTED, *where)
        .group_by(MailAttempt.letter_id).having(func.count() > 1).subquery()
    )  # fmt: skip
    return session.scalar(select(func.count()).select_from(twice)) or 0
