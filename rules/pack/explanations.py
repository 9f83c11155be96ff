"""The reasons of a predicate in words, from the stored reasons alone."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from rules.exact import exact, shown
from rules.terms import ItemKind, Locale

if TYPE_CHECKING:
    from rules.pack.predicates import Derivation

Labels = Mapping[str, Mapping[str, str]]
Step = Mapping[str, Any]


def explain(derivation: "Derivation | Mapping[str, Any]", locale: Locale) -> list[str]:
    """Tell a derivation, or the `why` that was stored of one, sentence by sentence; numbers are cut, never rounded."""
    why = derivation if isinstance(derivation, Mapping) else derivation.why
    labels = why["labels"][locale.value]
    sentences = [_told(step, labels, locale) for step in why["steps"]]
    pack = why["pack"]
    by = "Aturan yang dipakai" if locale is Locale.ID else "Rules used"
    versions = "versi" if locale is Locale.ID else "version"
    return [*sentences, f"{by}: {pack['name']}, {versions} {pack['version']} ({pack['sha256'][:12]})."]


def _told(step: Step, labels: Labels, locale: Locale) -> str:
    sentence = _SENTENCES[step["rule"]](step, labels, locale is Locale.ID)
    return f"{sentence} ({step['source']['text']})." if "source" in step else f"{sentence}."


def _number(text: str, indonesian: bool) -> str:
    digits = shown(exact(text)).rstrip("0").rstrip(".")
    return digits.replace(".", ",") if indonesian else digits


def _org_predicate(step: Step, labels: Labels, indonesian: bool) -> str:
    word = labels["organisation"].get(step["organisation"], step["organisation"])
    return f"Predikat kinerja organisasi: {word}" if indonesian else f"Predicate of the organisation: {word}"


def _matrix(step: Step, labels: Labels, indonesian: bool) -> str:
    result, behavior = labels["ratings"][step["result"]], labels["ratings"][step["behavior"]]
    predicate = labels["predicates"][step["predicate"]]
    if indonesian:
        return f"Hasil kerja {result} dan perilaku kerja {behavior}: predikat kinerja {predicate}"
    return f"Work result {result} and behaviour {behavior}: predicate {predicate}"


def _indicator(step: Step, labels: Labels, indonesian: bool) -> str:
    target, actual, percent, value = (
        _number(step[key], indonesian) for key in ("target", "actual", "percent", "value")
    )
    main = step["kind"] == ItemKind.MAIN.value
    notes = [word for said, word in (
        (step["lower_is_better"], "makin rendah makin baik" if indonesian else "lower is better"),
        (step["target_is_maximum"], "target adalah capaian maksimum" if indonesian else "the target is the maximum"),
        (not main, "tambahan, tidak dihitung" if indonesian else "additional, not counted"),
    ) if said]  # fmt: skip
    note = f" ({'; '.join(notes)})" if notes else ""
    if indonesian:
        return f"{step['indicator']}: target {target}, realisasi {actual}, capaian {percent}%, nilai {value}{note}"
    return f"{step['indicator']}: target {target}, actual {actual}, {percent}% achieved, value {value}{note}"


def _skp(step: Step, labels: Labels, indonesian: bool) -> str:
    score = _number(step["score"], indonesian)
    if indonesian:
        return f"Nilai SKP {score}" + (", rata-rata rencana hasil kerja utama" if step["measured"] else "")
    return f"SKP score {score}" + (", the mean of the main items" if step["measured"] else "")


def _behavior(step: Step, labels: Labels, indonesian: bool) -> str:
    score = _number(step["score"], indonesian)
    parts = [
        f"{labels['aspects'].get(key, key)} {_number(v, indonesian)}" for key, v in sorted(step["aspects"].items())
    ]
    of = (" (rata-rata: " if indonesian else " (mean of: ") + "; ".join(parts) + ")" if parts else ""
    return (f"Nilai perilaku kerja {score}" if indonesian else f"Behaviour score {score}") + of


def _weights(step: Step, labels: Labels, indonesian: bool) -> str:
    skp, behavior, score = (_number(step[key], indonesian) for key in ("skp", "behavior", "score"))
    shares = [_number(str(100 * exact(step[key])), indonesian) for key in ("skp_weight", "behavior_weight")]
    sum_ = f"{shares[0]}% × {skp} + {shares[1]}% × {behavior} = {score}"
    if indonesian:
        peers = "dengan" if step["peer_opinion"] else "tanpa"
        return f"Nilai akhir: {sum_}, {peers} pendapat rekan kerja dan bawahan"
    peers = "with" if step["peer_opinion"] else "without"
    return f"Final score: {sum_}, {peers} the opinion of colleagues and subordinates"


def _band(step: Step, labels: Labels, indonesian: bool) -> str:
    predicate, least = labels["predicates"][step["predicate"]], _number(step["at_least"], indonesian)
    score = _number(step["score"], indonesian)
    if indonesian:
        text = f"Nilai {score} mencapai batas {least}: predikat kinerja {predicate}"
    else:
        text = f"A score of {score} reaches {least}: predicate {predicate}"
    if "innovation_proved" not in step:
        return text
    best = labels["predicates"][step["with_innovation"]]
    if step["innovation_proved"]:
        return text + (", dengan inovasi yang dibuktikan" if indonesian else ", with a proved innovation")
    no_proof = f", karena {best} memerlukan inovasi yang diuraikan dan dibuktikan"
    return text + (no_proof if indonesian else f", because {best} needs an innovation that is described and proved")


_SENTENCES: dict[str, Callable[[Step, Labels, bool], str]] = {
    "org_predicate": _org_predicate,
    "matrix": _matrix,
    "indicator": _indicator,
    "skp": _skp,
    "behavior": _behavior,
    "weights": _weights,
    "band": _band,
}
