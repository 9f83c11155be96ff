"""Forms become nested data and back, and what does not fit is refused rather than guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.desk.forms import FormRefused, flatten, nest, read, row_numbers

PLAIN = "application/x-www-form-urlencoded"


def test_names_with_dots_become_lists_and_records():
    data = nest({"items.0.title": "A", "items.1.title": "B", "items.0.indicators.0.text": "x", "confirm": "yes"}).data
    assert data == {
        "items": [{"title": "A", "indicators": [{"text": "x"}]}, {"title": "B"}], "confirm": "yes",
    }  # fmt: skip


def test_rows_that_stay_empty_are_left_out_and_the_rest_closes_up():
    nested = nest({"items.0.title": " ", "items.4.title": "B", "items.4.unit": ""})
    assert nested.data == {"items": [{"title": "B"}]}
    assert nested.field_of("items.0.unit") == "items.4.unit"
    assert nested.field_of("items") == "items"
    assert nested.field_of("elsewhere.0") == "elsewhere.0"


def test_a_row_that_the_page_numbers_itself_is_empty_when_nothing_was_typed_in_it():
    fields = {
        "notes.0.value": "service",
        "notes.1.value": "loyal",
        "notes.1.seen": "above",
        "actuals.0.indicator_id": "3",
    }
    assert nest(fields).data == {"notes": [{"value": "loyal", "seen": "above"}], "actuals": [{"indicator_id": "3"}]}


@pytest.mark.parametrize("fields", [{"a": "1", "a.b": "2"}, {"a.b": "1", "a": "2"}, {"a.0.b": "1", "a.0": "x"}])
def test_fields_that_contradict_each_other_are_refused(fields):
    with pytest.raises(FormRefused):
        nest(fields)


@pytest.mark.parametrize(
    "body",
    [b"a=1&a=1", b"a=%FF", b"a=%00", b"A=1", b"a..b=1", b".a=1", b"a.1000=1", b"a.b.c.d.e.f=1", b"\xc3=1", b"=1"],
)
def test_a_body_that_no_page_of_ours_sends_is_refused(body):
    with pytest.raises(FormRefused):
        read(body, PLAIN)


def test_a_body_of_another_type_is_refused_and_none_is_an_empty_form():
    with pytest.raises(FormRefused):
        read(b"{}", "application/json")
    assert read(b"", "").fields == {}


_words = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
_values = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1).filter(lambda text: text.strip() == text)
_trees = st.dictionaries(
    _words,
    st.recursive(_values, lambda inner: st.lists(st.dictionaries(_words, inner, min_size=1), min_size=1), max_leaves=8),
)


@given(_trees)
def test_what_is_flattened_comes_back_as_it_was(tree):
    numbers = {"target", "value", "score"}
    if not numbers & {name.split(".")[-1] for name in flatten(tree)}:
        assert nest(flatten(tree)).data == tree


@given(st.binary(max_size=200))
def test_no_body_makes_anything_worse_than_a_refusal(body):
    try:
        nest(read(body, PLAIN).fields)
    except FormRefused:
        return


def test_ticked_boxes_are_sent_and_others_are_not():
    assert flatten({"a": True, "b": False, "c": None}) == {"a": "true"}


def test_rows_are_counted_from_the_names_alone():
    assert row_numbers({"items.3.title": "", "items.0.indicators.1.text": "", "other.7.x": ""}, "items") == [0, 3]
