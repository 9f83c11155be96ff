"""Delivery without a mail server: the real outbox, with every letter accepted by nobody in particular."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

from sqlalchemy.orm import Session

from actions.mail import outbox
from rules.terms import Lane, LetterState, SmtpPhase

BATCH = 500


def accept_all(transaction: Callable[[], AbstractContextManager[Session]]) -> Callable[[datetime], None]:
    """A `deliver` for a simulated year: claims, settles as accepted, until nothing is due."""

    def deliver(at: datetime) -> None:
        while True:
            with transaction() as session:
                claimed = outbox.claim(session, "simulation", tuple(Lane), BATCH, at=at)
            if not claimed:
                return
            with transaction() as session:
                done = outbox.Settled(LetterState.ACCEPTED, SmtpPhase.DONE, 250, "2.0.0 simulated")
                for one in claimed:
                    outbox.settle(session, one, done, at=at)

    return deliver
