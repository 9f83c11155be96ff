"""Invented people: when they read their mail, and when, or whether, they act."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from rules.terms import ActKind, StageKind
from simulation.answers import Mind

RARELY_LATE = frozenset({ActKind.DECIDE_OBJECTION, ActKind.EXAMINE, ActKind.CONCLUDE_FINDING, ActKind.ACCOUNT_FOR,
                         ActKind.SET_UNIT_PREDICATE, ActKind.DECIDE_RECOMMENDATION,
                         ActKind.OVERRIDE_DISTRIBUTION})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Habit:
    """How one person treats one duty. `delay` counts from the day of the letter; None: never."""

    delay: timedelta | None


def mind_of(seed: int, nip: str, occasion: str, *, refused: int = 0) -> Mind:
    """The same person in the same situation always thinks the same, whatever else happens in the year.

    `refused`: how often what they sent was not taken; they think anew each time, so that no refusal lasts for ever.
    """
    occasion = f"{occasion}#{refused}" if refused else occasion
    rng = Random(hashlib.sha256(f"{seed}|{nip}|{occasion}".encode()).digest())
    leaning = Random(hashlib.sha256(f"{seed}|{nip}".encode()).digest()).random()
    return Mind(rng, generous=leaning)


def habit_of(seed: int, nip: str, kind: ActKind, stage: StageKind, subject: str, *, days: int) -> Habit:
    """Most act in the first days, some at the last moment or after a reminder, a few never; `days` until it is due."""
    rng = mind_of(seed, nip, f"habit|{stage.value}|{kind.value}|{subject}").rng
    roll = rng.random()
    soon = timedelta(days=rng.randint(0, max(1, min(9, days // 2))))
    if kind is ActKind.OBJECT:
        return Habit(timedelta(days=rng.randint(2, 9)) if roll < 0.08 else None)
    if kind is ActKind.ACKNOWLEDGE:
        return Habit(timedelta(days=rng.randint(0, 4)) if roll < 0.9 else None)
    if kind in RARELY_LATE:
        return Habit(soon)
    if roll < 0.82:
        return Habit(soon)
    if roll < 0.95:
        return Habit(timedelta(days=max(1, days - rng.randint(0, 2))))
    return Habit(None)
