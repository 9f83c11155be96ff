"""Contradictions in a judgement are named for every input there is, and never change anything."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.pack.contradictions import Doubt, of_behavior, of_result, of_text, shares, unused
from rules.pack.numeric import Measured
from rules.terms import BehaviorValue, Rating

A, M, B = Rating.ABOVE, Rating.MEETS, Rating.BELOW
MIRROR = {A: B, M: M, B: A, None: None}
ratings = st.sampled_from(Rating)
overalls = st.none() | ratings
values = st.dictionaries(st.sampled_from(BehaviorValue), ratings)
percents = st.lists(st.fractions(0, 1000), max_size=9)


def seven(*seen: Rating) -> dict[BehaviorValue, Rating]:
    return dict(zip(BehaviorValue, seen, strict=True))


@pytest.mark.parametrize(
    ("overall", "seen", "code"),
    [
        (A, seven(*[B] * 7), "behavior_above"),
        (A, seven(*[M] * 7), "behavior_above"),
        (A, seven(A, B, B, M, M, M, M), "behavior_above"),
        (A, seven(A, M, M, M, M, M, M), None),
        (A, seven(A, B, M, M, M, M, M), None),
        (B, seven(*[A] * 7), "behavior_below"),
        (B, seven(B, M, M, M, M, M, M), None),
        (M, seven(B, B, B, B, M, M, M), "behavior_meets"),
        (M, seven(A, A, A, B, B, B, M), None),
        (M, seven(*[M] * 7), None),
        (None, seven(*[B] * 7), None),
        (A, {}, None),
    ],
)
def test_the_overall_rating_is_held_against_the_seven_values(overall, seen, code):
    assert [doubt.code for doubt in of_behavior(overall, seen)] == ([code] if code else [])


def test_a_doubt_counts_what_it_speaks_of():
    (doubt,) = of_behavior(A, seven(*[B] * 5, M, M))
    assert doubt == Doubt("behavior_above", "behavior_rating", {"above": 0, "meets": 2, "below": 5})


@given(overalls, values)
def test_every_input_has_an_answer_that_counts_right_and_is_the_same_upside_down(overall, seen):
    found = of_behavior(overall, seen)
    mirrored = of_behavior(MIRROR[overall], {value: MIRROR[rating] for value, rating in seen.items()})
    assert len(found) == len(mirrored) <= 1
    for doubt in found:
        assert sum(doubt.details.values()) == len(seen)


@given(ratings, st.sets(st.sampled_from(BehaviorValue), min_size=1))
def test_who_sees_the_same_everywhere_and_rates_so_is_not_doubted(rating, seen):
    assert of_behavior(rating, dict.fromkeys(seen, rating)) == []


@pytest.mark.parametrize(
    ("overall", "reached", "code"),
    [
        (A, [90, 99], "result_above"),
        (A, [90, 100], None),
        (B, [100, 130], "result_below"),
        (B, [99, 130], None),
        (M, [10, 10], None),
        (A, [], None),
    ],
)
def test_the_rating_of_results_is_held_against_what_was_reached(overall, reached, code):
    found = of_result(overall, [Fraction(share) for share in reached])
    assert [doubt.code for doubt in found] == ([code] if code else [])


@given(overalls, percents)
def test_results_are_never_doubted_from_both_sides(overall, reached):
    assert len(of_result(overall, reached)) <= (0 if overall in (None, M) else 1)


@given(st.lists(st.tuples(st.integers(-5, 5), st.none() | st.integers(-5, 500), st.booleans())))
def test_what_cannot_be_measured_is_left_out_and_never_breaks(rows):
    measured = [Measured("x", target, actual, lower) for target, actual, lower in rows]
    assert len(shares(measured)) == sum(t > 0 and a is not None and a >= 0 for t, a, _ in rows)


@pytest.mark.parametrize("text", ["abc", "", None, "   ", "ok ok", "1 2 3", ". . . . . . . .", "Baik"])
def test_words_that_say_nothing_are_doubted(text):
    assert [doubt.code for doubt in of_text("feedback", text)] == ["short_text"]


def test_words_that_say_something_are_not():
    assert of_text("feedback", "Hasil kerja baik tahun ini") == []


@given(st.none() | st.text())
def test_every_text_has_an_answer_and_longer_is_never_worse(text):
    assert len(of_text("feedback", text)) <= 1
    if not of_text("feedback", text):
        assert of_text("feedback", f"{text} dan seterusnya") == []


def test_what_a_choice_leaves_unused_is_named_by_its_field():
    found = unused({"result_rating": A, "innovation": "", "notes": []}, "decision.keep")
    assert [(doubt.place, doubt.details["choice"]) for doubt in found] == [("result_rating", "decision.keep")]
