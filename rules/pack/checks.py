"""What makes a policy pack whole: no hole, no overlap, no word without a label. Each problem is said in words."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

from rules.pack.pack import ANY, Pack
from rules.terms import DistributionMode, Locale, OrgPredicate, Predicate, Rating, Scheme


def problems(pack: Pack) -> list[str]:
    """List everything that is wrong with a pack; empty if it can be used."""
    if len(set(pack.scale)) != len(pack.scale):
        return ["scale: a predicate is named twice"]
    rating = _quadrant(pack) if pack.scheme is Scheme.QUADRANT else _numeric(pack)
    return [
        *rating,
        *_off_scale(pack),
        *_distribution(pack),
        *_labels(pack),
        *_time(pack),
        *_audit(pack),
        *_credit(pack),
    ]


def _quadrant(pack: Pack) -> Iterator[str]:
    if pack.matrix is None:
        yield "matrix: a quadrant pack needs one"
        return
    matrix = pack.matrix
    holes = [f"{r.value}/{b.value}" for r in Rating for b in Rating if b not in matrix.get(r, {})]
    if holes:
        yield f"matrix: no predicate for result/behaviour {', '.join(holes)}"
        return
    if any(p not in pack.scale for row in matrix.values() for p in row.values()):
        return  # said once, by _off_scale
    order = list(Rating)  # best first
    for better, worse in pairwise(order):
        for other in order:
            if pack.rank(matrix[better][other]) > pack.rank(matrix[worse][other]):
                yield f"matrix: result {better.value} is worse than {worse.value} at behaviour {other.value}"
            if pack.rank(matrix[other][better]) > pack.rank(matrix[other][worse]):
                yield f"matrix: behaviour {better.value} is worse than {worse.value} at result {other.value}"


def _numeric(pack: Pack) -> Iterator[str]:
    for key in ("weights", "bands", "achievement"):
        if not getattr(pack, key):
            yield f"{key}: a numeric pack needs it"
    for name in ("without_peers", "with_peers") if pack.weights else ():
        weights = getattr(pack.weights, name)
        if weights.skp + weights.behavior != 1:
            yield f"weights.{name}: {weights.skp} and {weights.behavior} do not add up to 1"
    keys = [aspect.key for aspect in pack.behavior_aspects]
    if len(set(keys)) != len(keys):
        yield "behavior_aspects: a key is used twice"
    yield from _bands(pack)
    yield from _achievement(pack)


def _bands(pack: Pack) -> Iterator[str]:
    bands = sorted(pack.bands or (), key=lambda band: band.at_least)
    if not bands:
        return
    if bands[0].at_least != 0:
        yield f"bands: nothing covers scores below {bands[0].at_least}"
    if bands[-1].below is not None:
        yield f"bands: the highest, {bands[-1].predicate.value}, must be open above"
    elif bands[-1].at_least > pack.score_maximum:
        yield f"bands: {bands[-1].predicate.value} starts above the maximum {pack.score_maximum}"
    for low, high in pairwise(bands):
        if low.below is None or low.below > high.at_least:
            yield f"bands: {low.predicate.value} and {high.predicate.value} overlap from {high.at_least}"
        elif low.below < high.at_least:
            yield f"bands: nothing covers {low.below} up to {high.at_least}"
        if {low.predicate, high.predicate} <= {*pack.scale} and pack.rank(high.predicate) >= pack.rank(low.predicate):
            yield f"bands: {high.predicate.value} has higher scores, but is not better than {low.predicate.value}"
    for band in bands:
        if band.needs_innovation != (band.otherwise is not None):
            yield f"bands.{band.predicate.value}: needs_innovation and otherwise go together"


def _achievement(pack: Pack) -> Iterator[str]:
    if pack.achievement is None:
        return
    rows = pack.achievement.rows
    expected, value = 0, None
    for row in rows:
        if row.first != expected:
            yield f"achievement: expected a row from {expected} %, found {row.first} %"
        if row.last is None and row is not rows[-1]:
            yield f"achievement: the row from {row.first} % is open, but not the last"
            return
        if row.last is not None and row.last < row.first:
            yield f"achievement: the row from {row.first} % ends at {row.last} %"
        if not 0 <= row.low <= row.high <= pack.score_maximum or (value is not None and row.low < value):
            yield f"achievement: the values from {row.first} % fall, or leave 0 to {pack.score_maximum}"
        if row.low != row.high and row.last in (None, row.first):
            yield f"achievement: the row from {row.first} % is one point or open and needs one value"
        expected, value = (row.last if row.last is not None else row.first) + 1, row.high
    if rows[-1].last is not None:
        yield f"achievement: nothing above {rows[-1].last} %"
    if not 0 <= pack.achievement.at_maximum <= pack.score_maximum:
        yield f"achievement.at_maximum: outside 0 to {pack.score_maximum}"


def _off_scale(pack: Pack) -> Iterator[str]:
    used: dict[str, Iterable[Predicate]] = {
        "matrix": [p for row in (pack.matrix or {}).values() for p in row.values()],
        "bands": [p for band in pack.bands or () for p in (band.predicate, band.otherwise) if p],
        "distribution": [p for rules in pack.distribution.values() for rule in rules for p in rule.of],
        "ak_table": pack.ak_table.multipliers if pack.ak_table else (),
        "allowance_table": pack.allowance_table or (),
    }
    for key, predicates in used.items():
        if strange := sorted({p.value for p in predicates} - {p.value for p in pack.scale}):
            yield f"{key}: not on the scale: {', '.join(strange)}"


def _distribution(pack: Pack) -> Iterator[str]:
    if ANY in pack.distribution and len(pack.distribution) > 1:
        yield "distribution: 'any' stands alone"
    wanted = pack.distribution_mode is not DistributionMode.OFF and ANY not in pack.distribution
    if wanted and (missing := [o.value for o in OrgPredicate if o not in pack.distribution]):
        yield f"distribution: no pattern for {', '.join(missing)}"
    if pack.unit_head_result is not None and (
        gaps := [o.value for o in OrgPredicate if o not in pack.unit_head_result]
    ):
        yield f"unit_head_result: nothing for {', '.join(gaps)}"
    for key, rules in pack.distribution.items():
        named = [p for rule in rules for p in rule.of]
        if len(set(named)) != len(named):
            yield f"distribution.{key}: a predicate stands in two rules"
        for rule in rules:
            if rule.at_least is not None and rule.at_most is not None and rule.at_least > rule.at_most:
                yield f"distribution.{key}: at least {rule.at_least} is more than at most {rule.at_most}"


def _labels(pack: Pack) -> Iterator[str]:
    for locale in Locale:
        if locale not in pack.title:
            yield f"title: none for {locale.value}"
        if (labels := pack.labels.get(locale)) is None:
            yield f"labels: none for {locale.value}"
            continue
        missing = [f"predicates.{p.value}" for p in pack.scale if p not in labels.predicates]
        if pack.scheme is Scheme.QUADRANT:
            missing += [f"ratings.{r.value}" for r in Rating if r not in labels.ratings]
        if pack.org_predicate_required:
            missing += [f"organisation.{o.value}" for o in OrgPredicate if o not in labels.organisation]
        if missing:
            yield f"labels.{locale.value}: no words for {', '.join(missing)}"


def _time(pack: Pack) -> Iterator[str]:
    if list(pack.reminder_offsets) != sorted(set(pack.reminder_offsets)):
        yield "reminder_offsets: each once, in rising order"
    for rung in pack.escalation:
        if rung.offset not in pack.reminder_offsets:
            yield f"escalation: day +{rung.offset} is no reminder day"
    if len({rung.offset for rung in pack.escalation}) != len(pack.escalation):
        yield "escalation: two rungs on one day"
    if pack.plan_default_after >= pack.plan_deadline:
        yield "plan_default_after: must come before plan_deadline"


def _audit(pack: Pack) -> Iterator[str]:
    audit = pack.audit
    if len(audit.ladder_alphas) != len(audit.acceptance):
        yield "audit: as many ladder_alphas as acceptance numbers"
    if sum(audit.ladder_alphas) > audit.alpha:
        yield f"audit: ladder_alphas add up to more than alpha {audit.alpha}"
    if list(audit.acceptance) != sorted(set(audit.acceptance)):
        yield "audit.acceptance: numbers must rise"


def _credit(pack: Pack) -> Iterator[str]:
    if pack.ak_table and (missing := [p.value for p in pack.scale if p not in pack.ak_table.multipliers]):
        yield f"ak_table: no multiplier for {', '.join(missing)}"
