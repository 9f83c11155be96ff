"""What entries of the trail are about and what they changed, in names: one query for each kind of thing on a page."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from models import (
    Appraisal,
    AuditItem,
    Cycle,
    Finding,
    Objection,
    Person,
    Recommendation,
    Stage,
    TrailEntry,
    Unit,
)
from rules.terms import ActKind, StageKind


@dataclass(frozen=True, slots=True)
class About:
    """Whom or what an entry is about; what does not apply is empty."""

    name: str = ""
    """Of a person or a unit."""
    person_id: int | None = None
    stage: StageKind | None = None
    year: int = 0


Change = tuple[str, Mapping[str, Any]]
"""A code and its details: names, days, kinds of act; None is nobody."""


@dataclass(frozen=True, slots=True)
class Told:
    """One entry as people read it."""

    entry: TrailEntry
    who: str
    """Empty: the clock."""
    about: About
    changes: Sequence[Change] = field(default_factory=list)


def tell(session: Session, entries: Sequence[tuple[TrailEntry, str]]) -> Sequence[Told]:
    """Put names to the entries, each of which comes with the name of who acted."""
    wanted: dict[str, set[int]] = defaultdict(set)
    for entry, _ in entries:
        kind, number = _parts(entry.subject)
        wanted[kind].add(number)
        for kind, number in _mentioned(entry):
            wanted[kind].add(number)
    known = {kind: _abouts(session, kind, wanted[kind]) for kind in _ASK if wanted[kind]}
    told = []
    for entry, who in entries:
        kind, number = _parts(entry.subject)
        told.append(Told(entry, who, known.get(kind, {}).get(number, About()), _changes(entry, known)))
    return told


def _parts(subject: str) -> tuple[str, int]:
    """`objection:7:rater` is the objection 7."""
    kind, _, rest = subject.partition(":")
    number = rest.partition(":")[0]
    return kind, int(number) if number.isdecimal() else 0


def _of_case(owner: Any, case: Any) -> Select[Any]:
    return select(owner.id, Person.id, Person.name).join(Appraisal, Appraisal.id == case).join(
        Person, Person.id == Appraisal.employee_id
    )  # fmt: skip


def _of_item(owner: Any) -> Select[Any]:
    return (
        select(owner.id, Person.id, Person.name).join(AuditItem, AuditItem.id == owner.item_id)
        .join(Appraisal, Appraisal.id == AuditItem.appraisal_id).join(Person, Person.id == Appraisal.employee_id)
    )  # fmt: skip


def _person(person_id: int, name: str) -> About:
    return About(name, person_id)


_ASK: Mapping[str, tuple[Select[Any], Callable[..., About]]] = {
    "person": (select(Person.id, Person.id, Person.name), _person),
    "appraisal": (select(Appraisal.id, Person.id, Person.name).join(Person, Person.id == Appraisal.employee_id),
                  _person),
    "objection": (_of_case(Objection, Objection.appraisal_id), _person),
    "item": (_of_case(AuditItem, AuditItem.appraisal_id), _person),
    "finding": (_of_item(Finding), _person),
    "recommendation": (_of_item(Recommendation), _person),
    "unit": (select(Unit.id, Unit.name), lambda name: About(name)),
    "stage": (select(Stage.id, Stage.kind, Cycle.year).join(Cycle, Cycle.id == Stage.cycle_id),
              lambda kind, year: About(stage=kind, year=year)),
    "cycle": (select(Cycle.id, Cycle.year), lambda year: About(year=year)),
}  # fmt: skip
"""Kind of subject -> its query (the id first), and what the rest of a row says."""


def _abouts(session: Session, kind: str, numbers: Iterable[int]) -> Mapping[int, About]:
    query, read = _ASK[kind]
    by_id = query.selected_columns[0]
    return {number: read(*rest) for number, *rest in session.execute(query.where(by_id.in_(sorted(numbers))))}


def _content(entry: TrailEntry) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Before and after; both are empty once personal data was erased."""
    content = entry.content or {}
    return content.get("before") or {}, content.get("after") or {}


def _mentioned(entry: TrailEntry) -> list[tuple[str, int]]:
    """People and units that an entry names by their id, beside its subject."""
    before, after = _content(entry)
    officials = [side.get(name) for side in (before, after) for name in ("rater", "authority")]
    people = officials if entry.type == "appraisal.reassigned" else [after.get("person")]
    units = [after.get("unit")] if entry.type == "stage.extended" else []
    return [("person", one) for one in people if isinstance(one, int)] + [
        ("unit", one) for one in units if isinstance(one, int)
    ]


def _changes(entry: TrailEntry, known: Mapping[str, Mapping[int, About]]) -> list[Change]:
    before, after = _content(entry)

    def name(of: Any, kind: str = "person") -> str | None:
        about = known.get(kind, {}).get(of)
        return about.name if about else None

    if entry.type == "appraisal.reassigned":
        return [(role, {"a": name(before.get(role)), "b": name(after.get(role))})
                for role in ("rater", "authority") if before.get(role) != after.get(role)]  # fmt: skip
    if entry.type == "stage.extended" and "due" in after:
        whom = name(after.get("person")) or name(after.get("unit"), "unit")
        return [("until", {"at": datetime.fromisoformat(after["due"]), "whom": whom})]
    if entry.type == "act.reopened" and "kind" in before:
        return [("asked", {"act": ActKind(before["kind"]), "person": name(after.get("person"))})]
    if entry.type == "mandate.recorded" and "kind" in after:
        return [("acting", {"person": name(after.get("person")), "kind": after["kind"].capitalize()})]
    if entry.type == "person.address_corrected" and "address" in after:
        return [("address", {"a": before.get("address"), "b": after["address"]})]
    if entry.type == "cycle.resumed" and after.get("days"):
        return [("days", {"n": after["days"]})]
    return []
