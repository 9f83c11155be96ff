import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rules.audit.draw import (
    Assignment,
    Draw,
    DrawRefused,
    arm_order,
    assign,
    double_audited,
    draw,
    next_doubles,
    plan_bytes,
    rater_extension,
    report_lines,
    roster_bytes,
    without_a_chance,
    work_list,
)

HOUSE = Path(__file__).parents[3]
GOLDEN = Path(__file__).parents[1] / "golden"
VERIFIER = HOUSE / "deploy" / "verify_draw.py"
ROSTER, PLAN = (GOLDEN / "roster12.csv").read_bytes(), (GOLDEN / "plan12.json").read_bytes()
SEED = "08772473296991897540"
ROWS = [("A001", "G"), ("A002", "G"), ("A003", "E"), ("A004", "G"), ("A005", "C"), ("A006", "G"),
        ("A007", "G"), ("A008", "E"), ("A009", "G"), ("A010", "C"), ("A011", "E"), ("A012", "G")]  # fmt: skip
FIRST = draw(ROSTER, PLAN, SEED, 1)
SECOND = draw(ROSTER, PLAN, SEED, 2)


def arms(**changes: Any) -> dict[str, Any]:
    """The golden plan with other arms."""
    usual = {"A": (["E", "G"], [4, 6]), "B": (["E"], [2, 2]), "C": (["C"], [2, 2])} | changes
    named = {name: {"strata": rule[0], "take": rule[1]} for name, rule in usual.items() if rule}
    return {"arms": named, "cycle": "2026"}


# Golden files


@pytest.mark.parametrize("stage", [1, 2])
def test_the_report_is_the_golden_file_byte_by_byte(stage: int) -> None:
    report = "".join(f"{line}\n" for line in report_lines(draw(ROSTER, PLAN, SEED, stage)))
    assert report.encode() == (GOLDEN / f"out12_{stage}.txt").read_bytes()


def run_verifier(*arguments: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-I", VERIFIER, *map(str, arguments)], capture_output=True, check=False)


@pytest.mark.parametrize("stage", [1, 2])
def test_the_verifier_for_outsiders_prints_the_golden_file(stage: int) -> None:
    done = run_verifier(GOLDEN / "roster12.csv", GOLDEN / "plan12.json", SEED, stage)
    assert done.returncode == 0
    assert done.stdout == (GOLDEN / f"out12_{stage}.txt").read_bytes()


@pytest.mark.parametrize(
    ("roster", "plan", "seed", "stage"),
    [
        (ROSTER.replace(b"\n", b"\r\n"), PLAN, SEED, 1),
        (ROSTER[:-1], PLAN, SEED, 1),
        (ROSTER.replace(b"A002", b"A001"), PLAN, SEED, 1),
        (ROSTER, PLAN[:-1], SEED, 1),
        (ROSTER, b"{\n", SEED, 1),
        (ROSTER, plan_bytes({"cycle": "2026"}), SEED, 1),
        (ROSTER, plan_bytes(arms(B=(["E"], [4, 4]))), SEED, 1),
        (ROSTER, PLAN, SEED[1:], 1),
        (ROSTER, PLAN, SEED, 0),
        (ROSTER, PLAN, SEED, 3),
        (ROSTER, PLAN, SEED, -1),
    ],
)
def test_the_verifier_refuses_what_is_not_a_draw_and_prints_none(
    roster: bytes, plan: bytes, seed: str, stage: int, tmp_path: Path
) -> None:
    (tmp_path / "roster.csv").write_bytes(roster)
    (tmp_path / "plan.json").write_bytes(plan)
    done = run_verifier(tmp_path / "roster.csv", tmp_path / "plan.json", seed, stage)
    assert done.returncode == 1
    assert done.stdout == b""
    assert done.stderr.startswith(b"not a valid draw")


def test_the_golden_files_are_what_the_builders_write() -> None:
    assert roster_bytes(reversed(ROWS)) == ROSTER
    assert plan_bytes(arms()) == PLAN


# What is refused


@pytest.mark.parametrize(
    ("roster", "message"),
    [
        (b"\xef\xbb\xbf" + ROSTER, "byte order mark"),
        (ROSTER.replace(b"\n", b"\r\n"), "carriage return"),
        (ROSTER.replace(b"A006,G\n", b"A006,G\r\n"), "carriage return"),
        (ROSTER[:-1], "does not end with a line feed"),
        (ROSTER + b"\n", "line 14"),
        (ROSTER.replace(b"A005,C\n", b"A005,C\n\n"), "line 7"),
        (b"", "first line"),
        (b"\n", "first line"),
        (ROSTER.partition(b"\n")[2], "first line"),
        (b"appraisal_id,stratum\n", "no appraisal"),
        (ROSTER.replace(b"A002", b"A001"), "A001 comes twice"),
        (ROSTER.replace(b"A001,G\nA002,G\n", b"A002,G\nA001,G\n"), "ascend by byte value"),
        (ROSTER.replace(b"A001", b"a001"), "ascend by byte value"),
        (ROSTER.replace(b"A003,E", b"A003,E,x"), "stratum 'E,x'"),
        (ROSTER.replace(b"A003,E", b"A003"), "line 4"),
        (ROSTER.replace(b"A003,E", b'"A003",E'), "line 4"),
        (ROSTER.replace(b"A003,E", b"A003, E"), "stratum ' E'"),
        (ROSTER.replace(b"A003,E", b"A003,"), "stratum ''"),
        (ROSTER.replace(b"A003,E", "A003,É".encode()), "not ASCII"),
        (ROSTER.replace(b"A003", b"A" * 65), "appraisal id"),
        (ROSTER.replace(b"A003,E", b"A003,D"), "no arm of the plan names the stratum D"),
    ],
)
def test_a_roster_out_of_form_is_refused_and_not_repaired(roster: bytes, message: str) -> None:
    with pytest.raises(DrawRefused, match=message):
        draw(roster, PLAN, SEED)


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (b"\xef\xbb\xbf" + PLAN, "byte order mark"),
        (PLAN[:-1], "one spelling"),
        (PLAN + b"\n", "one spelling"),
        (PLAN.replace(b"\n", b"\r\n"), "carriage return"),
        (PLAN.replace(b":", b": "), "one spelling"),
        (PLAN.replace(b'"cycle"', b'"alpha":1,"cycle"'), "one spelling"),
        (PLAN.replace(b'"2026"}', b'"2026","cycle":"2026"}'), "one spelling"),
        (PLAN.replace(b"2026", "2026é".encode()), "not ASCII"),
        (b"[]\n", "one spelling"),
        (b"{\n", "not JSON"),
        (b"[" * 100_000 + b"\n", "not JSON"),
        (b'{"arms":' + b"1" * 5_000 + b"}\n", "not JSON"),
        (PLAN.replace(b'"cycle"', b'"tau":0.1,"cycle"'), "float 0.1"),
        (PLAN.replace(b'"cycle"', b'"tau":NaN,"cycle"'), "float NaN"),
        (plan_bytes({"arms": {}, "cycle": "2026"}), "no arms"),
        (plan_bytes({"cycle": "2026"}), "no arms"),
        (plan_bytes({"arms": ["A"], "cycle": "2026"}), "no arms"),
        (plan_bytes({**arms(), "cycle": "2026/27"}), "cycle '2026/27'"),
        (plan_bytes({**arms(), "cycle": 2026}), "cycle 2026"),
        (plan_bytes({"arms": arms()["arms"]}), "cycle None"),
        (plan_bytes(arms(**{"B,1": (["E"], [2, 2])})), "arm 'B,1'"),
        (plan_bytes({**arms(), "arms": {"A": [1]}}), "strata"),
        (plan_bytes(arms(A=([], [4, 6]))), "strata"),
        (plan_bytes(arms(A=("EG", [4, 6]))), "strata"),
        (plan_bytes(arms(A=(["E", "G\r"], [4, 6]))), "stratum"),
        (plan_bytes(arms(A=(["E", 7], [4, 6]))), "stratum 7"),
        (plan_bytes(arms(A=(["E", "G"], []))), "take"),
        (plan_bytes(arms(A=(["E", "G"], 4))), "take"),
        (plan_bytes(arms(A=(["E", "G"], ["4", "6"]))), "take"),
        (plan_bytes(arms(A=(["E", "G"], [True, 6]))), "take"),
        (plan_bytes(arms(A=(["E", "G"], [-1, 6]))), "take"),
        (plan_bytes(arms(A=(["E", "G"], [6, 4]))), "decreases"),
        (plan_bytes(arms(A=(["E", "G"], [4, 5, 6]))), "different numbers of stages"),
        (plan_bytes(arms(A=(["E", "G"], [4, 11]))), "takes 11, but only 10"),
        (plan_bytes(arms(C=None)), "no arm of the plan names the stratum C"),
    ],
)  # fmt: skip
def test_a_plan_out_of_form_is_refused(plan: bytes, message: str) -> None:
    with pytest.raises(DrawRefused, match=message):
        draw(ROSTER, plan, SEED)


@pytest.mark.parametrize(
    "seed", ["", SEED[1:], SEED[:-1] + " ", SEED + "\n", "é" * 20, "1" * 401, int(SEED), SEED.encode()]
)
def test_a_seed_that_is_not_20_to_400_printable_characters_is_refused(seed: Any) -> None:
    with pytest.raises(DrawRefused, match="seed"):
        draw(ROSTER, PLAN, seed)


def test_a_leading_zero_of_the_seed_counts() -> None:
    with pytest.raises(DrawRefused, match="seed"):
        draw(ROSTER, PLAN, str(int(SEED)))
    assert draw(ROSTER, PLAN, "0" + SEED).draw_key != FIRST.draw_key
    assert draw(ROSTER, PLAN, "!~" * 200)


@pytest.mark.parametrize("stage", [0, -1, 3, True, "1", 1.0])
def test_a_stage_that_the_plan_does_not_have_is_refused(stage: Any) -> None:
    with pytest.raises(DrawRefused, match="stage"):
        draw(ROSTER, PLAN, SEED, stage)


def test_refusals_do_not_depend_on_assertions() -> None:
    code = "from rules.audit.draw import draw; draw(b'', b'', '')"
    done = subprocess.run([sys.executable, "-O", "-c", code], cwd=HOUSE, capture_output=True, text=True, check=False)
    assert "DrawRefused" in done.stderr


@pytest.mark.parametrize(
    "row", [("A 1", "G"), ("", "G"), ("A1", "é"), ("A1", "G,"), ("A" * 65, "G"), (1, "G"), ("A1\n", "G")]
)
def test_no_roster_is_written_with_names_that_could_be_read_in_two_ways(row: Any) -> None:
    with pytest.raises(DrawRefused, match="is not 1 to 64"):
        roster_bytes([("A0", "G"), row])


def test_no_roster_is_written_with_an_id_twice() -> None:
    with pytest.raises(DrawRefused, match="A1 is in the roster twice"):
        roster_bytes([("A1", "G"), ("A2", "G"), ("A1", "E")])


@pytest.mark.parametrize("plan", [{"a": 0.1}, {"a": [{"b": (1.0,)}]}, {1: "a"}, {"a": {None: 1}}, {"a": {1, 2}}])
def test_no_plan_is_written_with_floats_or_what_json_has_not(plan: Any) -> None:
    with pytest.raises(DrawRefused):
        plan_bytes(plan)


def test_a_plan_escapes_what_is_not_ascii() -> None:
    plan = {**arms(), "title": "Audité"}
    assert b"Audit\\u00e9" in plan_bytes(plan)
    assert draw(ROSTER, plan_bytes(plan), SEED).draw_key != FIRST.draw_key


def test_who_could_never_be_drawn_is_named() -> None:
    assert without_a_chance(ROSTER, PLAN) == []
    assert without_a_chance(ROSTER, plan_bytes(arms(C=(["C"], [0, 0])))) == ["A005", "A010"]
    assert without_a_chance(ROSTER, plan_bytes(arms(A=(["E", "G"], [0, 0]), C=(["C"], [0, 1])))) == [
        id_ for id_, stratum in ROWS if stratum == "G"
    ]


# Invariants

NAMES = st.text(st.sampled_from("Aa0._-Zz9"), min_size=1, max_size=6)
STRATA = st.sampled_from("CEG")
ROSTERS = st.dictionaries(NAMES, STRATA, min_size=1, max_size=20)
SEEDS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=20, max_size=24)


@st.composite
def draws(pick: Callable[..., Any]) -> tuple[dict[str, str], bytes, str]:
    rows = pick(ROSTERS)

    def rule(*strata: str) -> tuple[list[str], list[int]]:
        pool = sum(stratum in strata for stratum in rows.values())
        return list(strata), sorted(pick(st.lists(st.integers(0, pool), min_size=3, max_size=3)))

    return rows, plan_bytes(arms(A=rule("E", "G"), B=rule("E"), C=rule("C"))), pick(SEEDS)


@given(draws(), st.randoms())
def test_the_order_in_which_rows_come_changes_nothing(case: tuple[dict[str, str], bytes, str], random: Any) -> None:
    rows, plan, seed = case
    shuffled = list(rows.items())
    random.shuffle(shuffled)
    assert roster_bytes(shuffled) == roster_bytes(rows.items())
    assert draw(roster_bytes(shuffled), plan, seed) == draw(roster_bytes(rows.items()), plan, seed)


@given(draws())
def test_each_stage_begins_with_the_stage_before_in_every_arm(case: tuple[dict[str, str], bytes, str]) -> None:
    rows, plan, seed = case
    stages = [draw(roster_bytes(rows.items()), plan, seed, stage) for stage in (1, 2, 3)]
    for before, after in pairwise(stages):
        assert before.draw_key == after.draw_key
        for arm in "ABC":
            assert after.ids(arm)[: len(before.ids(arm))] == before.ids(arm)
        doubles = double_audited(before)
        assert double_audited(after)[: len(doubles)] == doubles
        assert len(double_audited(after)) == -(-len(after.ids("A")) // 4)
        assert set(double_audited(after)) <= set(after.ids("A"))


@given(draws(), st.sampled_from("ABC"))
def test_an_arm_is_the_beginning_of_its_whole_order(case: tuple[dict[str, str], bytes, str], arm: str) -> None:
    rows, plan, seed = case
    roster = roster_bytes(rows.items())
    drawn = [item for item in draw(roster, plan, seed, 3).items if item.arm == arm]
    whole = arm_order(roster, plan, seed, arm)
    assert whole[: len(drawn)] == drawn
    assert [item.ticket for item in whole] == sorted(item.ticket for item in whole)
    assert {item.id for item in whole} == {
        id_ for id_, stratum in rows.items() if stratum in {"A": "EG", "B": "E", "C": "C"}[arm]
    }


@given(st.sampled_from(["roster", "plan", "seed"]), st.integers(0), st.integers(0, 255))
def test_any_changed_byte_changes_the_key_or_is_refused(what: str, position: int, byte: int) -> None:
    parts = {"roster": ROSTER, "plan": PLAN, "seed": SEED.encode()}
    at = position % len(parts[what])
    assume(parts[what][at] != byte)
    parts[what] = parts[what][:at] + bytes([byte]) + parts[what][at + 1 :]
    try:
        changed = draw(parts["roster"], parts["plan"], parts["seed"].decode("latin-1"))
    except DrawRefused:
        return
    assert changed.draw_key != FIRST.draw_key


@given(draws())
def test_the_first_of_the_risk_arm_are_those_of_the_assurance_arm_in_its_stratum(
    case: tuple[dict[str, str], bytes, str],
) -> None:
    rows, plan, seed = case
    result = draw(roster_bytes(rows.items()), plan, seed, 3)
    flagged = [id_ for id_ in result.ids("A") if rows[id_] == "E"]
    shared = min(len(flagged), len(result.ids("B")))
    assert flagged[:shared] == result.ids("B")[:shared]


def test_an_arm_that_the_plan_has_not_is_refused() -> None:
    with pytest.raises(DrawRefused, match="no arm D"):
        arm_order(ROSTER, PLAN, SEED, "D")


# Second readers and assignment


def test_double_audits_are_kept_from_stage_to_stage() -> None:
    assert double_audited(FIRST) == ["A004"]
    assert double_audited(SECOND)[0] == "A004"
    assert len(double_audited(SECOND)) == 2


def test_a_void_neither_drops_a_pair_nor_counts_for_one() -> None:
    key, assured = FIRST.draw_key, FIRST.ids("A")
    order = next_doubles(key, assured, [])
    assert order == ["A004"]
    replaced = [*[id_ for id_ in assured if id_ != "A001"], "A002"]
    assert next_doubles(key, replaced, order) == []
    without = [*[id_ for id_ in assured if id_ != "A004"], "A002"]
    assert len(next_doubles(key, without, order)) == 1


def test_a_plan_without_an_assurance_arm_has_no_double_audits() -> None:
    roster = roster_bytes([("A1", "C")])
    result = draw(roster, plan_bytes(arms(A=None, B=None, C=(["C"], [1]))), SEED)
    assert double_audited(result) == []


def everyone(result: Draw, may: Callable[[str, str], bool] = lambda _auditor, _id: True, **more: Any) -> Any:
    auditors = more.pop("auditors", ["X1", "X2", "X3"])
    return assign(result.draw_key, work_list(result), double_audited(result), auditors, may, **more)


GIVEN = (
    Assignment("A012", "X2", 1), Assignment("A005", "X3", 1), Assignment("A001", "X1", 1), Assignment("A009", "X2", 1),
    Assignment("A004", "X1", 1), Assignment("A004", "X3", 2), Assignment("A003", "X2", 1), Assignment("A011", "X1", 1),
    Assignment("A010", "X3", 1),
)  # fmt: skip


def test_the_known_assignment_of_the_first_stage() -> None:
    assert everyone(FIRST).assignments == GIVEN
    assert everyone(FIRST).external == ()
    assert everyone(FIRST, auditors=["X3", "X1", "X2"]).assignments == GIVEN


def test_the_work_list_has_every_appraisal_once_in_ticket_order() -> None:
    tickets = {item.id: item.ticket for item in SECOND.items}
    assert work_list(SECOND) == sorted(tickets, key=lambda id_: tickets[id_])
    both = draw(ROSTER, plan_bytes(arms(A=(["E", "G"], [10, 10]))), SEED)
    assert sorted(work_list(both)) == [id_ for id_, _ in ROWS]


def test_the_second_stage_adds_to_what_stands() -> None:
    added = everyone(SECOND, standing=GIVEN)
    assert {a.appraisal_id for a in added.assignments if a.reader == 1} == {"A002", "A007"}
    second = [a for a in added.assignments if a.reader == 2]
    assert [a.appraisal_id for a in second] == double_audited(SECOND)[1:]
    pairs = [(a.appraisal_id, a.auditor) for a in (*GIVEN, *added.assignments)]
    assert len(pairs) == len(set(pairs))
    assert everyone(FIRST, standing=GIVEN).assignments == ()


def test_where_nobody_is_free_of_conflict_an_external_auditor_is_needed() -> None:
    done = everyone(FIRST, lambda auditor, id_: id_ != "A005" and (id_ != "A004" or auditor == "X2"))
    assert done.external == (("A005", 1), ("A004", 2))
    assert [a for a in done.assignments if a.appraisal_id == "A004"] == [Assignment("A004", "X2", 1)]
    assert everyone(FIRST, auditors=[]).external[-1] == ("A010", 1)


@given(st.sets(st.tuples(st.sampled_from(["X1", "X2", "X3", "X4"]), st.sampled_from([id_ for id_, _ in ROWS]))))
def test_no_assignment_goes_to_an_auditor_with_a_conflict(refused: set[tuple[str, str]]) -> None:
    done = everyone(SECOND, lambda auditor, id_: (auditor, id_) not in refused, auditors=["X1", "X2", "X3", "X4"])
    assert not {(a.auditor, a.appraisal_id) for a in done.assignments} & refused
    wanted = {(id_, 1) for id_ in work_list(SECOND)} | {(id_, 2) for id_ in double_audited(SECOND)}
    given_out = [(a.appraisal_id, a.reader) for a in done.assignments]
    assert sorted([*given_out, *done.external]) == sorted(wanted)
    for id_ in double_audited(SECOND):
        readers = [a.auditor for a in done.assignments if a.appraisal_id == id_]
        assert len(readers) == len(set(readers))


def test_load_is_shared_evenly_and_counts_what_stands() -> None:
    busy = [Assignment(f"B{number}", "X1", 1) for number in range(20)]
    assert {a.auditor for a in everyone(FIRST, standing=busy).assignments} == {"X2", "X3"}
    gone = [Assignment("B1", "X9", 1)]
    assert everyone(FIRST, standing=gone).assignments == GIVEN


def test_an_auditor_whose_name_could_be_read_in_two_ways_is_refused() -> None:
    with pytest.raises(DrawRefused, match="auditor"):
        everyone(FIRST, auditors=["X1\nX2"])


def test_a_rater_is_examined_further_in_ticket_order_up_to_ten() -> None:
    order = [item.id for item in arm_order(ROSTER, PLAN, SEED, "A")]
    assert rater_extension(FIRST.draw_key, sorted(order)[:9]) == [id_ for id_ in order if id_ in sorted(order)[:9]]
    assert len(rater_extension(FIRST.draw_key, [id_ for id_, _ in ROWS])) == 10
