import json
from dataclasses import replace
from decimal import Decimal
from itertools import product

import pytest

import policies
from rules.pack.numeric import Measured, MeasuredItem, ScoreRefused
from rules.pack.pack import Pack
from rules.pack.predicates import Inputs, NotDerivable, derive, explain, outcome
from rules.terms import ItemKind, Locale, ObjectionOutcome, OrgPredicate, Predicate, Rating

QUADRANT = policies.load("permenpanrb-6-2022")
NUMERIC = policies.load("pp-30-2019")
D = Decimal
RATED = Inputs(OrgPredicate.GOOD, Rating.ABOVE, Rating.MEETS)
PROVED = {"innovation": "Loket antar", "innovation_evidence": "SK 12/2025"}

FOUR: list[str] = ["service_orientation", "commitment", "initiative", "cooperation"]


def scored(skp: str, behavior: str, **more: object) -> Inputs:
    return Inputs(skp_score=D(skp), behavior_score=D(behavior), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("score", "innovation", "predicate"),
    [
        ("120", True, Predicate.VERY_GOOD), ("110", True, Predicate.VERY_GOOD), ("110", False, Predicate.GOOD),
        ("115", False, Predicate.GOOD), ("109.99", True, Predicate.GOOD), ("90", False, Predicate.GOOD),
        ("89.999", False, Predicate.SUFFICIENT), ("70", False, Predicate.SUFFICIENT), ("69.99", False, Predicate.POOR),
        ("50", False, Predicate.POOR), ("49.99", False, Predicate.VERY_POOR), ("0", False, Predicate.VERY_POOR),
    ],
)  # fmt: skip
def test_the_golden_bands(score: str, innovation: bool, predicate: Predicate) -> None:
    found = derive(NUMERIC, scored(score, score, **PROVED if innovation else {}))
    assert (found.predicate, found.score) == (predicate, D(score))


def test_the_golden_weights() -> None:
    assert derive(NUMERIC, scored("109", "112", **PROVED)).predicate is Predicate.GOOD
    assert derive(NUMERIC, scored("109", "112", peer_opinion=True)).predicate is Predicate.GOOD
    with_peers = derive(NUMERIC, scored("109", "112", peer_opinion=True, **PROVED))
    assert (with_peers.predicate, with_peers.score) == (Predicate.VERY_GOOD, D("110.2"))
    edge = derive(NUMERIC, scored("89.99", "90.02"))
    assert (edge.predicate, edge.score) == (Predicate.SUFFICIENT, D("89.999"))


def test_a_score_above_the_scale_is_refused() -> None:
    with pytest.raises(ScoreRefused, match=r"120\.01"):
        derive(NUMERIC, scored("120.01", "120"))


@pytest.mark.parametrize("half", [{"innovation": "Loket antar"}, {"innovation_evidence": "SK 12/2025"},
                                  {"innovation": " ", "innovation_evidence": "SK"}])  # fmt: skip
def test_an_innovation_counts_only_with_text_and_evidence(half: dict[str, str]) -> None:
    assert derive(NUMERIC, scored("115", "115", **half)).predicate is Predicate.GOOD


@pytest.mark.parametrize("given", list(product([True, False], repeat=3)))
def test_nothing_is_presumed_for_a_silent_official(given: tuple[bool, bool, bool]) -> None:
    names = ("org_predicate", "result_rating", "behavior_rating")
    inputs = replace(RATED, **{name: None for name, there in zip(names, given, strict=True) if not there})
    if all(given):
        assert derive(QUADRANT, inputs).predicate is Predicate.GOOD
        return
    with pytest.raises(NotDerivable) as refused:
        derive(QUADRANT, inputs)
    assert refused.value.missing == tuple(name for name, there in zip(names, given, strict=True) if not there)


def test_the_organisation_comes_before_its_people_only_where_the_law_says_so() -> None:
    assert derive(NUMERIC, scored("90", "90")).why["steps"][0]["rule"] == "skp"


def plan(*actuals: int | None, kind: ItemKind = ItemKind.MAIN) -> tuple[MeasuredItem, ...]:
    return tuple(MeasuredItem(f"item {n}", kind, (Measured(f"indicator {n}", 100, actual),))
                 for n, actual in enumerate(actuals))  # fmt: skip


def test_missing_scores_and_actuals_are_named() -> None:
    for inputs, missing in [
        (Inputs(), ("skp_score", "behavior_score")),
        (Inputs(items=plan(100, None), behavior_score=D(90)), ("the actual of 'indicator 1'",)),
        (Inputs(items=plan(100, kind=ItemKind.ADDITIONAL), behavior_score=D(90)), ("a main item",)),
        (Inputs(items=(MeasuredItem("bare", ItemKind.MAIN, ()),), behavior_score=D(90)), ("an indicator of 'bare'",)),
        (Inputs(skp_score=D(90), behavior_aspects=dict.fromkeys(FOUR[1:], D(90))),
         ("behavior_aspects.service_orientation",)),
    ]:  # fmt: skip
        with pytest.raises(NotDerivable) as refused:
            derive(NUMERIC, inputs)
        assert refused.value.missing == missing


def test_a_plan_with_actuals_gives_the_score_and_says_how() -> None:
    items = (*plan(100, 80), *plan(None, 7, kind=ItemKind.ADDITIONAL))
    found = derive(NUMERIC, Inputs(items=items, behavior_score=D(100)))
    assert found.score == D("92.65")
    assert [step["rule"] for step in found.why["steps"]] == ["indicator"] * 3 + ["skp", "behavior", "weights", "band"]
    assert "indicator 0: target 100, realisasi 100, capaian 100%, nilai 109" in explain(found, Locale.ID)[0]
    assert "additional, not counted" in explain(found, Locale.EN)[2]


def test_a_stated_score_that_contradicts_its_parts_is_refused() -> None:
    with pytest.raises(ScoreRefused, match=r"SKP 120 was stated, but the plan gives 109"):
        derive(NUMERIC, Inputs(items=plan(100), skp_score=D(120), behavior_score=D(100)))
    four = dict.fromkeys(FOUR, D(90))
    with pytest.raises(ScoreRefused, match="behaviour 91 was stated, but its aspects give 90"):
        derive(NUMERIC, Inputs(skp_score=D(90), behavior_score=D(91), behavior_aspects=four))


def test_a_stored_score_never_leaves_its_band() -> None:
    """A third of the plan at 30 % has no end in decimals; what is kept of it is cut."""
    found = derive(NUMERIC, Inputs(items=plan(30, 60, 60), behavior_score=D(60)))
    assert found.score == D("47.146892")


def test_a_result_is_explained_from_stored_json_alone() -> None:
    pack = Pack.model_validate_json(QUADRANT.canonical)
    stored = json.loads(json.dumps(derive(pack, RATED).why))
    assert stored["pack"] == {"name": pack.name, "version": "1", "sha256": QUADRANT.sha256}
    assert explain(stored, Locale.ID) == [
        "Predikat kinerja organisasi: Baik (PermenPANRB 6/2022 pasal 24-25).",
        "Hasil kerja di atas ekspektasi dan perilaku kerja sesuai ekspektasi: predikat kinerja Baik"
        " (lampiran PermenPANRB 6/2022).",
        f"Aturan yang dipakai: permenpanrb-6-2022, versi 1 ({pack.sha256[:12]}).",
    ]
    assert explain(stored, Locale.EN)[1] == (
        "Work result above expectation and behaviour as expected: predicate Good (lampiran PermenPANRB 6/2022)."
    )


def test_a_numeric_result_is_told_with_cut_numbers_and_the_missing_innovation() -> None:
    four = dict.fromkeys(FOUR, D("112.5"))
    told = explain(derive(NUMERIC, Inputs(skp_score=D("110.009"), behavior_aspects=four)), Locale.ID)
    assert told[0] == "Nilai SKP 110."
    assert told[1].startswith("Nilai perilaku kerja 112,5 (rata-rata: Komitmen 112,5; Kerja sama 112,5;")
    assert told[2] == (
        "Nilai akhir: 70% × 110 + 30% × 112,5 = 110,75, tanpa pendapat rekan kerja dan bawahan"
        " (PP 30/2019 pasal 41 ayat (2)-(4))."
    )
    assert told[3] == (
        "Nilai 110,75 mencapai batas 110: predikat kinerja Baik, karena Sangat Baik memerlukan inovasi yang"
        " diuraikan dan dibuktikan (PP 30/2019 pasal 41)."
    )
    proved = explain(derive(NUMERIC, scored("115", "115", peer_opinion=True, **PROVED)), Locale.EN)
    assert proved[2].startswith("Final score: 60% × 115 + 40% × 115 = 115, with the opinion of colleagues")
    assert (
        proved[3] == "A score of 115 reaches 110: predicate Very good, with a proved innovation (PP 30/2019 pasal 41)."
    )


@pytest.mark.parametrize(("result", "behavior", "locale"), list(product(Rating, Rating, Locale)))
def test_every_cell_can_be_told_in_both_languages(result: Rating, behavior: Rating, locale: Locale) -> None:
    found = derive(QUADRANT, replace(RATED, result_rating=result, behavior_rating=behavior))
    assert QUADRANT.label(found.predicate, locale) in explain(found, locale)[1]


def test_whether_a_decision_raised_or_lowered() -> None:
    poor = derive(QUADRANT, replace(RATED, behavior_rating=Rating.BELOW))
    good = derive(QUADRANT, RATED)
    assert outcome(QUADRANT, poor, good) is ObjectionOutcome.RAISE
    assert outcome(QUADRANT, good, poor) is ObjectionOutcome.LOWER
    assert outcome(QUADRANT, good, derive(QUADRANT, RATED)) is ObjectionOutcome.KEEP
    low, high = derive(NUMERIC, scored("95", "95")), derive(NUMERIC, scored("96", "95"))
    assert outcome(NUMERIC, low, high) is ObjectionOutcome.RAISE
    assert outcome(NUMERIC, high, low) is ObjectionOutcome.LOWER


def test_two_packs_side_by_side_judge_by_their_own_rules() -> None:
    assert derive(QUADRANT, RATED).score is None
    assert derive(NUMERIC, scored("75", "75")).predicate is Predicate.SUFFICIENT
    with pytest.raises(NotDerivable):
        derive(NUMERIC, RATED)
