"""From what an official judged to the predicate, and the reasons of it as data that can be told in words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from rules.exact import Exact, exact, exact_text, stored
from rules.pack.explanations import explain
from rules.pack.numeric import (
    Measured,
    MeasuredItem,
    ScoreRefused,
    annual_skp,
    band_of,
    behavior_mean,
    indicator_value,
    on_scale,
    percent,
    weighted,
)
from rules.pack.pack import Pack
from rules.pack.quadrant import quadrant
from rules.terms import ItemKind, ObjectionOutcome, OrgPredicate, Predicate, Rating, Scheme

__all__ = ["Derivation", "Inputs", "NotDerivable", "derive", "explain", "outcome"]

Step = dict[str, Any]


class NotDerivable(Exception):
    """Something is missing, and nothing is presumed; `missing` names it."""

    def __init__(self, missing: list[str]) -> None:
        super().__init__(f"no predicate without: {', '.join(missing)}")
        self.missing = tuple(missing)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What was judged; None or empty means that it was not. A pack asks only for what its scheme uses."""

    org_predicate: OrgPredicate | None = None
    result_rating: Rating | None = None
    behavior_rating: Rating | None = None
    skp_score: Exact | None = None
    items: tuple[MeasuredItem, ...] = ()
    """Instead of `skp_score`: the plan with what was reached."""
    behavior_score: Exact | None = None
    behavior_aspects: Mapping[str, Exact] = field(default_factory=dict)
    """Instead of `behavior_score`."""
    peer_opinion: bool = False
    innovation: str = ""
    innovation_evidence: str = ""


@dataclass(frozen=True, slots=True)
class Derivation:
    predicate: Predicate
    score: Decimal | None
    """Cut to six decimals; None where there are no scores."""
    why: dict[str, Any]
    """JSON: pack, labels and steps; enough to explain it without the pack."""


def derive(pack: Pack, inputs: Inputs) -> Derivation:
    """Derive the predicate, or raise NotDerivable, or ScoreRefused for a number outside the scale."""
    quadrants = pack.scheme is Scheme.QUADRANT
    missing = ["org_predicate"] if pack.org_predicate_required and inputs.org_predicate is None else []
    missing += _missing_ratings(inputs) if quadrants else _missing_scores(pack, inputs)
    if missing:
        raise NotDerivable(missing)
    steps: list[Step] = []
    if inputs.org_predicate is not None:
        steps.append({"rule": "org_predicate", "organisation": inputs.org_predicate.value})
    predicate, score = (_by_quadrant if quadrants else _by_scores)(pack, inputs, steps)
    for step in steps:
        if source := pack.sources.get(_SOURCE_OF.get(step["rule"], "")):
            step["source"] = source.model_dump()
    return Derivation(predicate, score, _why(pack, steps))


_SOURCE_OF = {"org_predicate": "org_predicate_required", "matrix": "matrix", "weights": "weights", "band": "bands",
              "indicator": "achievement"}  # fmt: skip


def outcome(pack: Pack, before: Derivation, after: Derivation) -> ObjectionOutcome:
    """Whether a result was kept, raised or lowered: by the predicate, and within one by the score."""
    old = (-pack.rank(before.predicate), before.score or 0)
    new = (-pack.rank(after.predicate), after.score or 0)
    if new == old:
        return ObjectionOutcome.KEEP
    return ObjectionOutcome.RAISE if new > old else ObjectionOutcome.LOWER


def _missing_ratings(inputs: Inputs) -> list[str]:
    return [name for name in ("result_rating", "behavior_rating") if getattr(inputs, name) is None]


def _missing_scores(pack: Pack, inputs: Inputs) -> list[str]:
    missing = ["skp_score"] if inputs.skp_score is None and not inputs.items else []
    main = [item for item in inputs.items if item.kind is ItemKind.MAIN]
    missing += ["a main item"] if inputs.items and not main else []
    missing += [f"an indicator of {item.title!r}" for item in main if not item.indicators]
    missing += [f"the actual of {i.text!r}" for item in main for i in item.indicators if i.actual is None]
    if inputs.behavior_score is None and not inputs.behavior_aspects:
        return [*missing, "behavior_score"]
    wanted = (
        [aspect.key for aspect in pack.behavior_aspects if not aspect.leaders_only] if inputs.behavior_aspects else []
    )
    return missing + [f"behavior_aspects.{key}" for key in wanted if key not in inputs.behavior_aspects]


def _by_quadrant(pack: Pack, inputs: Inputs, steps: list[Step]) -> tuple[Predicate, None]:
    assert inputs.result_rating
    assert inputs.behavior_rating
    predicate = quadrant(pack, inputs.result_rating, inputs.behavior_rating)
    steps.append({"rule": "matrix", "result": inputs.result_rating.value, "behavior": inputs.behavior_rating.value,
                  "predicate": predicate.value})  # fmt: skip
    return predicate, None


def _by_scores(pack: Pack, inputs: Inputs, steps: list[Step]) -> tuple[Predicate, Decimal]:
    skp, behavior = _skp(pack, inputs, steps), _behavior(pack, inputs, steps)
    score = weighted(pack, skp, behavior, peer_opinion=inputs.peer_opinion)
    assert pack.weights
    weights = pack.weights.with_peers if inputs.peer_opinion else pack.weights.without_peers
    steps.append({"rule": "weights", "skp": exact_text(skp), "skp_weight": exact_text(weights.skp),
                  "behavior": exact_text(behavior), "behavior_weight": exact_text(weights.behavior),
                  "peer_opinion": inputs.peer_opinion, "score": exact_text(score)})  # fmt: skip
    return _banded(pack, inputs, score, steps), stored(score)


def _banded(pack: Pack, inputs: Inputs, score: Fraction, steps: list[Step]) -> Predicate:
    """Innovation counts if it is both described and proved."""
    band = band_of(pack, score)
    proved = bool(inputs.innovation.strip() and inputs.innovation_evidence.strip())
    predicate = band.otherwise if band.otherwise and not proved else band.predicate
    step: Step = {"rule": "band", "score": exact_text(score), "at_least": exact_text(band.at_least),
                  "predicate": predicate.value}  # fmt: skip
    if band.needs_innovation:
        step |= {"innovation_proved": proved, "with_innovation": band.predicate.value}
    steps.append(step)
    return predicate


def _skp(pack: Pack, inputs: Inputs, steps: list[Step]) -> Fraction:
    judged = None if inputs.skp_score is None else on_scale(pack, inputs.skp_score, "SKP")
    if not inputs.items:
        assert judged is not None
        steps.append({"rule": "skp", "score": exact_text(judged), "measured": False})
        return judged
    steps += [_measured(pack, item, one) for item in inputs.items for one in item.indicators if one.actual is not None]
    measured = annual_skp(pack, inputs.items)
    if judged is not None and judged != measured:
        raise ScoreRefused(f"SKP {exact_text(judged)} was stated, but the plan gives {exact_text(measured)}")
    steps.append({"rule": "skp", "score": exact_text(measured), "measured": True})
    return measured


def _measured(pack: Pack, item: MeasuredItem, one: Measured) -> Step:
    return {
        "rule": "indicator",
        "item": item.title,
        "kind": item.kind.value,
        "indicator": one.text,
        "target": exact_text(one.target),
        "actual": exact_text(one.actual or 0),
        "lower_is_better": one.lower_is_better,
        "target_is_maximum": one.target_is_maximum,
        "percent": exact_text(percent(one)),
        "value": exact_text(indicator_value(pack, one)),
    }


def _behavior(pack: Pack, inputs: Inputs, steps: list[Step]) -> Fraction:
    aspects = {key: exact_text(value) for key, value in inputs.behavior_aspects.items()}
    score = on_scale(pack, inputs.behavior_score, "behaviour") if inputs.behavior_score is not None else None
    if aspects:
        average = behavior_mean(pack, inputs.behavior_aspects)
        if score is not None and score != average:
            raise ScoreRefused(f"behaviour {exact_text(score)} was stated, but its aspects give {exact_text(average)}")
        score = average
    assert score is not None
    steps.append({"rule": "behavior", "score": exact_text(score), "aspects": aspects})
    return exact(score)


def _why(pack: Pack, steps: list[Step]) -> dict[str, Any]:
    labels = {locale.value: words.model_dump(mode="json") for locale, words in pack.labels.items()}
    for locale in pack.labels:
        labels[locale.value]["aspects"] = {aspect.key: aspect.title[locale] for aspect in pack.behavior_aspects}
    return {"pack": {"name": pack.name, "version": pack.version, "sha256": pack.sha256},
            "scheme": pack.scheme.value, "steps": steps, "labels": labels}  # fmt: skip
