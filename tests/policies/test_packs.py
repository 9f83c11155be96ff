import copy
import json
import re
from decimal import Decimal
from typing import Any

import pytest
import yaml

import policies
from policies import PackRefused
from rules.pack.pack import Pack, day_of
from rules.terms import Locale, OrgPredicate, Predicate, Rating, Role, Scheme


def content(name: str) -> dict[str, Any]:
    return copy.deepcopy(yaml.safe_load((policies.FOLDER / f"{name}.yaml").read_text("utf-8")))


def refusal(changed: dict[str, Any]) -> str:
    with pytest.raises(PackRefused) as refused:
        policies.parse(yaml.safe_dump(changed), "bad.yaml")
    return str(refused.value)


def test_the_default_pack_is_the_quadrant_method_and_comes_first() -> None:
    assert policies.names() == ["permenpanrb-6-2022", "pp-30-2019"]
    assert policies.load(policies.DEFAULT).scheme is Scheme.QUADRANT
    assert policies.load("pp-30-2019").scheme is Scheme.NUMERIC


@pytest.mark.parametrize("name", policies.names())
def test_a_pack_comes_back_from_its_own_json_with_the_same_hash(name: str) -> None:
    pack = policies.load(name)
    again = Pack.model_validate_json(pack.canonical)
    assert again == pack
    assert again.canonical == pack.canonical
    assert policies.parse(pack.canonical, name).sha256 == pack.sha256
    assert re.fullmatch(r"[0-9a-f]{64}", pack.sha256)


@pytest.mark.parametrize("name", policies.names())
def test_canonical_json_has_no_float_and_no_spare_space(name: str) -> None:
    def refuse(text: str) -> None:
        raise AssertionError(f"a float: {text}")

    canonical = policies.load(name).canonical
    assert json.dumps(json.loads(canonical, parse_float=refuse), sort_keys=True, separators=(",", ":"),
                      ensure_ascii=False) == canonical  # fmt: skip


def test_one_changed_value_changes_the_hash() -> None:
    changed = content("permenpanrb-6-2022") | {"objection_days": 15}
    assert policies.parse(yaml.safe_dump(changed), "x").sha256 != policies.load("permenpanrb-6-2022").sha256


@pytest.mark.parametrize("name", policies.names())
def test_every_value_of_the_files_says_where_it_comes_from(name: str) -> None:
    marks = ("law", "attributed to the law, check", "practice", "our choice")
    text = (policies.FOLDER / f"{name}.yaml").read_text("utf-8")
    for key in ("matrix", "bands", "distribution", "objection_days", "decision_days", "deemed_receipt_days", "audit"):
        lines = text.splitlines()
        at = next((n for n, line in enumerate(lines) if line.startswith(f"{key}:")), None)
        if at is not None:
            near = " ".join(lines[max(0, at - 2) : at + 3]).lower()
            assert any(mark in near for mark in marks), key


def test_the_values_of_the_law_are_in_the_packs() -> None:
    for name in policies.names():
        pack = policies.load(name)
        assert (pack.objection_days, pack.day_kind.value, pack.decision_days) == (14, "calendar", 30)
        assert day_of(pack.plan_deadline, 2026).isoformat() == "2026-01-31"
        assert day_of(pack.plan_default_after, 2026).isoformat() == "2026-01-14"
        assert pack.reminder_offsets == (-14, -7, -3, -1, 0, 1, 3, 7)
        assert [rung.role for rung in pack.escalation] == [
            Role.OBJECTION_AUTHORITY, Role.PERFORMANCE_ADMIN, Role.APPOINTING_AUTHORITY]  # fmt: skip
        assert pack.audit.tolerable == Decimal("0.10")
        assert sum(pack.audit.ladder_alphas) == pack.audit.alpha


@pytest.mark.parametrize("name", policies.names())
def test_predicates_have_words_in_both_languages(name: str) -> None:
    pack = policies.load(name)
    assert pack.label(Predicate.VERY_GOOD, Locale.ID) == "Sangat Baik"
    assert all(pack.label(predicate, locale) for predicate in pack.scale for locale in Locale)


def test_a_pack_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        policies.load("pp-30-2019").objection_days = 3  # type: ignore[misc]


def test_an_unknown_pack_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(PackRefused, match=r"'pp-46-2011'.*permenpanrb-6-2022, pp-30-2019"):
        policies.load("pp-46-2011")
    with pytest.raises(PackRefused):
        policies.load("../policies/pp-30-2019")


def test_a_matrix_with_a_hole_is_refused() -> None:
    changed = content("permenpanrb-6-2022")
    del changed["matrix"]["above"]["meets"], changed["matrix"]["below"]
    assert "matrix: no predicate for result/behaviour above/meets, below/above, below/meets, below/below" in (
        refusal(changed)
    )


def test_a_matrix_that_punishes_better_work_is_refused() -> None:
    changed = content("permenpanrb-6-2022")
    changed["matrix"]["above"]["meets"] = "needs_improvement"
    assert "matrix: result above is worse than meets at behaviour meets" in refusal(changed)
    changed = content("permenpanrb-6-2022")
    changed["matrix"]["below"]["below"] = "good"
    assert "matrix: behaviour meets is worse than below at result below" in refusal(changed)


def test_a_matrix_with_a_predicate_of_another_scale_is_refused() -> None:
    changed = content("permenpanrb-6-2022")
    changed["matrix"]["below"]["meets"] = "sufficient"
    assert "matrix: not on the scale: sufficient" in refusal(changed)


@pytest.mark.parametrize(
    ("index", "key", "value", "words"),
    [
        (1, "below", 111, "bands: good and very_good overlap from 110"),
        (1, "below", 109, "bands: nothing covers 109 up to 110"),
        (1, "below", None, "bands: good and very_good overlap from 110"),
        (0, "below", 120, "bands: the highest, very_good, must be open above"),
        (4, "at_least", 10, "bands: nothing covers scores below 10"),
        (0, "otherwise", None, "bands.very_good: needs_innovation and otherwise go together"),
        (1, "predicate", "poor", "bands: poor has higher scores, but is not better than sufficient"),
    ],
)
def test_bands_that_overlap_or_leave_holes_are_refused(index: int, key: str, value: object, words: str) -> None:
    changed = content("pp-30-2019")
    changed["bands"][index][key] = value
    assert words in refusal(changed)


def test_weights_add_up_to_one() -> None:
    changed = content("pp-30-2019")
    changed["weights"]["with_peers"]["skp"] = "0.7"
    assert "weights.with_peers: 0.7 and 0.4 do not add up to 1" in refusal(changed)


@pytest.mark.parametrize(
    ("index", "key", "value", "words"),
    [
        (1, "first", 61, "achievement: expected a row from 60 %, found 61 %"),
        (5, "last", 200, "achievement: nothing above 200 %"),
        (3, "low", 50, "achievement: the values from 100 % fall"),
        (3, "low", 100, "achievement: the row from 100 % is one point or open and needs one value"),
        (2, "last", None, "achievement: the row from 80 % is open, but not the last"),
    ],
)
def test_an_achievement_table_without_holes_is_asked_for(index: int, key: str, value: object, words: str) -> None:
    changed = content("pp-30-2019")
    changed["achievement"]["rows"][index][key] = value
    assert words in refusal(changed)


@pytest.mark.parametrize(
    ("name", "key", "words"),
    [
        ("permenpanrb-6-2022", "matrix", "matrix: a quadrant pack needs one"),
        ("pp-30-2019", "weights", "weights: a numeric pack needs it"),
        ("pp-30-2019", "bands", "bands: a numeric pack needs it"),
        ("pp-30-2019", "achievement", "achievement: a numeric pack needs it"),
        ("pp-30-2019", "objection_days", "objection_days: Field required"),
    ],
)
def test_a_pack_without_what_its_scheme_needs_is_refused(name: str, key: str, words: str) -> None:
    changed = content(name)
    del changed[key]
    assert words in refusal(changed)


def test_patterns_are_total_and_name_each_predicate_once() -> None:
    changed = content("permenpanrb-6-2022")
    del changed["distribution"]["poor"]
    changed["distribution"]["good"].append({"of": ["good"], "count_at_least": 1})
    said = refusal(changed)
    assert "distribution: no pattern for poor" in said
    assert "distribution.good: a predicate stands in two rules" in said
    changed = content("pp-30-2019")
    changed["distribution"]["any"][1]["at_least"] = "0.8"
    assert "distribution.any: at least 0.8 is more than at most 0.7" in refusal(changed)


def test_words_for_every_predicate_and_rating_are_asked_for() -> None:
    changed = content("permenpanrb-6-2022")
    del changed["labels"]["en"]["ratings"]["below"], changed["labels"]["id"]
    said = refusal(changed)
    assert "labels: none for id" in said
    assert "labels.en: no words for ratings.below" in said


def test_the_ladder_stays_within_alpha_and_reminders_within_reason() -> None:
    changed = content("permenpanrb-6-2022")
    changed["audit"]["ladder_alphas"] = ["0.05", "0.05"]
    changed["escalation"][0]["offset"] = 2
    changed["reminder_offsets"] = [0, -1, 1, 3, 7]
    said = refusal(changed)
    assert "audit: as many ladder_alphas as acceptance numbers" in said
    assert "audit: ladder_alphas add up to more than alpha 0.05" in said
    assert "escalation: day +2 is no reminder day" in said
    assert "reminder_offsets: each once, in rising order" in said


def test_a_float_is_refused_with_the_way_to_write_it() -> None:
    changed = content("permenpanrb-6-2022")
    changed["audit"]["alpha"] = 0.05
    assert 'audit.alpha: write 0.05 as text, "0.05", so that it stays exact' in refusal(changed)


def test_an_unknown_key_and_an_impossible_day_are_refused() -> None:
    changed = content("permenpanrb-6-2022") | {"objection_dayz": 14, "plan_deadline": "02-29"}
    said = refusal(changed)
    assert "objection_dayz: Extra inputs are not permitted" in said
    assert "plan_deadline: day" in said


def test_a_key_that_stands_twice_is_refused_with_its_line() -> None:
    text = (policies.FOLDER / "pp-30-2019.yaml").read_text("utf-8") + "objection_days: 30\n"
    with pytest.raises(PackRefused, match=rf"line {text.count(chr(10))}: the key 'objection_days' stands twice"):
        policies.parse(text, "pp-30-2019.yaml")


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "a: [1\n", "just words"])
def test_what_is_no_pack_at_all_is_refused_in_words(text: str) -> None:
    with pytest.raises(PackRefused, match=r"^odd\.yaml: "):
        policies.parse(text, "odd.yaml")


def test_a_file_is_named_like_its_pack(tmp_path: Any) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text((policies.FOLDER / "pp-30-2019.yaml").read_text("utf-8"), "utf-8")
    with pytest.raises(PackRefused, match=r"ours\.yaml: the pack in it is named 'pp-30-2019'"):
        policies.read(path)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("plan_default_after", "01-31", "plan_default_after: must come before plan_deadline"),
        ("audit.acceptance", [0, 0, 1], "audit.acceptance: numbers must rise"),
        ("audit.acceptance", [2, 1, 0], "audit.acceptance: numbers must rise"),
        ("scale", ["very_good", "good", "good", "poor", "very_poor"], "scale: a predicate is named twice"),
        ("ak_table.multipliers", {"good": 1}, "ak_table: no multiplier for very_good, needs_improvement"),
        ("distribution.any", [], "distribution: 'any' stands alone"),
        ("unit_head_result", {"good": "meets"}, "unit_head_result: nothing for exceptional"),
        ("objection_days", 0, "objection_days: Input should be greater than or equal to 1"),
        ("audit.tolerable", "0.1000001", "audit.tolerable: 0.1000001 has more than 6 decimals"),
        ("audit.tolerable", 1, "audit.tolerable: Input should be less than 1"),
        ("escalation", [{"offset": 1, "role": "ops"}, {"offset": 1, "role": "rater"}], "two rungs on one day"),
        ("day_kind", "banking", "day_kind: Input should be 'calendar' or 'working'"),
        ("legal_basis", [], "legal_basis: Tuple should have at least 1 item"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(path: str, value: object, words: str) -> None:
    changed = content("permenpanrb-6-2022")
    *parents, key = path.split(".")
    place = changed
    for parent in parents:
        place = place[parent]
    place[key] = value
    assert words in refusal(changed)


def test_behaviour_below_expectation_never_gives_better_than_poor() -> None:
    pack = policies.load("permenpanrb-6-2022")
    assert pack.matrix is not None
    for result in Rating:
        assert pack.rank(pack.matrix[result][Rating.BELOW]) >= pack.rank(Predicate.POOR)


def test_a_unit_head_is_rated_by_the_unit_in_every_case() -> None:
    pack = policies.load("permenpanrb-6-2022")
    assert pack.unit_head_result is not None
    assert set(pack.unit_head_result) == set(OrgPredicate)


def test_loading_the_package_reads_no_yaml_yet() -> None:
    import subprocess
    import sys

    code = "import policies, sys; raise SystemExit('yaml' in sys.modules or 'pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=policies.FOLDER.parent, check=False).returncode == 0


@pytest.mark.parametrize("value", [True, "7", 7.0, 10**12])
def test_a_count_of_days_is_a_number_and_nothing_that_could_pass_for_one(value: object) -> None:
    assert "deemed_receipt_days" in refusal(content("permenpanrb-6-2022") | {"deemed_receipt_days": value})


@pytest.mark.parametrize("value", [True, "1e400", "1e-400", "٠", "9" * 32])
def test_a_number_of_a_pack_is_one_of_this_world(value: object) -> None:
    changed = content("pp-30-2019")
    changed["score_maximum"] = value
    assert "score_maximum" in refusal(changed)


@pytest.mark.parametrize("text", ["x: !!bool foo", "x: !!timestamp foo", "x: !!int ''", "x: 2026-02-30"])
def test_a_value_of_a_pack_that_is_none_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(PackRefused, match=r"^ours\.yaml: line 2: "):
        policies.parse(f"# ours\n{text}\n", "ours.yaml")


@pytest.mark.parametrize("text", ["", " ", "a\0b", "a\u202eb", "a\nb", "x" * 100_000])
def test_a_label_that_cannot_be_seen_whole_is_refused(text: str) -> None:
    changed = content("permenpanrb-6-2022")
    changed["labels"]["id"]["predicates"]["good"] = text
    assert "nobody sees" in refusal(changed)
