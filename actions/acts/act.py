"""What an act is: who owes it, how sure we must be of them, its form, what it shows and what it does."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints
from sqlalchemy.orm import Session

from actions.store.trail import Actor
from models import Agency, Appraisal, Assignment, Cycle, Person, Stage
from rules.files.plain_text import plain
from rules.pack.contradictions import Doubt
from rules.pack.pack import Pack
from rules.refused import Refused
from rules.terms import ActKind, Proof
from rules.time.calendar import Calendar


class ActRefused(Refused):
    """The act is not allowed; `code` names the page that says why, `details` fill it in."""

    def __init__(self, code: str, **details: Any) -> None:
        super().__init__(code, details)
        self.code, self.details = code, details

    def __str__(self) -> str:
        return f"{self.code} {self.details}" if self.details else self.code


class ActInvalid(ActRefused):
    """The form's content is wrong; `errors` maps a field (`items.0.title`) to what is wrong with it."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("invalid", errors=dict(errors))
        self.errors = dict(errors)


def _plain(text: object) -> object:
    return plain(text) if isinstance(text, str) else text


_CLEAN = BeforeValidator(_plain)
"""Stands last, and so comes first: what nobody sees is not counted."""
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=4000), _CLEAN]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300), _CLEAN]
MaybeText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000), _CLEAN]


class ActForm(BaseModel):
    """Content that only a person gives; `confirm` is an unticked box, so a lone button submits nothing."""

    model_config = ConfigDict(extra="forbid")

    confirm: Literal["yes"]


@dataclass(slots=True)
class Acting:
    """Everything an act needs to know of the situation; `today` is in the agency's zone."""

    session: Session
    at: datetime
    today: date
    agency: Agency
    cycle: Cycle
    stage: Stage
    pack: Pack
    calendar: Calendar
    assignment: Assignment
    person: Person
    appraisal: Appraisal | None = None

    @property
    def actor(self) -> Actor:
        return Actor(self.person.id, self.assignment.mandate_id)

    @property
    def case(self) -> Appraisal:
        if self.appraisal is None:
            raise ActRefused("no_case")
        return self.appraisal


@dataclass(slots=True)
class Done:
    """What an act changed: for the trail, and in few words for the receipt."""

    after: Mapping[str, Any]
    before: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    summary: Mapping[str, Any] = field(default_factory=dict)
    """Shown back to the person who acted, on the done page only."""
    follows: Mapping[str, Any] = field(default_factory=dict)
    """What the act makes of the case, such as the predicate: shown before it is final."""


def no_problems(_acting: Acting, _form: Any) -> Mapping[str, str]:
    return {}


def no_doubts(_acting: Acting, _form: Any) -> Sequence[Doubt]:
    return ()


@dataclass(frozen=True, slots=True)
class Act:
    kind: ActKind
    proof: Proof
    form: type[ActForm]
    show: Callable[[Acting], dict[str, Any]]
    """What the page needs to know; changes nothing."""
    carry_out: Callable[[Acting, Any], Done]
    """Only with a form of which neither the types nor `problems` had anything to say."""
    problems: Callable[[Acting, Any], Mapping[str, str]] = no_problems
    """Field -> code of what is wrong beyond its type. The form may be half read: None stands for the unreadable."""
    doubts: Callable[[Acting, Any], Sequence[Doubt]] = no_doubts
    """What contradicts itself in the form: a warning, never a refusal."""

    @property
    def weighty(self) -> bool:
        """Whether a page shows first what follows from it: whatever asks for a code does."""
        return self.proof is Proof.CODE
