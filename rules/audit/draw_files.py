"""The two files a draw is made from, in the one form they can have: anything else is refused, nothing is repaired."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Any, NoReturn

from rules.refused import Refused

HEADER = "appraisal_id,stratum"
NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""Ids, strata, arms, auditors and the cycle: nothing that could be read in two ways once it is hashed."""


class DrawRefused(Refused, ValueError):
    """The draw, or a file for it, is not what everybody agreed on before the seed was known."""


@dataclass(frozen=True, slots=True)
class ArmRule:
    strata: frozenset[str]
    take: tuple[int, ...]
    """How many appraisals are drawn in all by the end of each stage."""


@dataclass(frozen=True, slots=True)
class Plan:
    cycle: str
    arms: Mapping[str, ArmRule]
    """In the order of their names."""
    sha256: str

    @property
    def stages(self) -> int:
        return len(next(iter(self.arms.values())).take)


@dataclass(frozen=True, slots=True)
class Roster:
    rows: tuple[tuple[str, str], ...]
    """Id and stratum, ascending by id."""
    sha256: str


def named(value: object, what: str) -> str:
    """The value if it is a name of 1 to 64 of `A-Za-z0-9._-`, else DrawRefused."""
    if not (isinstance(value, str) and NAME.fullmatch(value)):
        raise DrawRefused(f"{what} {value!r} is not 1 to 64 letters, digits, dots, underscores or hyphens")
    return value


def roster_bytes(rows: Iterable[tuple[str, str]]) -> bytes:
    """The roster file of (appraisal id, stratum) in any order; an id that comes twice is refused."""
    ordered = sorted((named(id_, "appraisal id"), named(stratum, f"stratum of {id_}")) for id_, stratum in rows)
    for (id_, _), (following, _) in pairwise(ordered):
        if id_ == following:
            raise DrawRefused(f"appraisal {id_} is in the roster twice")
    return "".join(f"{line}\n" for line in [HEADER, *map(",".join, ordered)]).encode("ascii")


def plan_bytes(plan: Mapping[str, Any]) -> bytes:
    """The plan file; a rate is text (`"0.10"`), a float is refused."""
    _refuse_floats(plan)
    try:
        return json.dumps(plan, sort_keys=True, separators=(",", ":")).encode("ascii") + b"\n"
    except TypeError as error:
        raise DrawRefused(f"the plan cannot be written as JSON: {error}") from error


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise DrawRefused(f"the plan has the float {value!r}: write the number as text")
    if isinstance(value, Mapping):
        for key, part in value.items():
            if not isinstance(key, str):
                raise DrawRefused(f"the plan has the key {key!r}, which is not text")
            _refuse_floats(part)
    elif isinstance(value, list | tuple):
        for part in value:
            _refuse_floats(part)


def read_roster(data: bytes) -> Roster:
    """Refuses a BOM, CR, a missing last LF, blank lines, other columns, ids that are unsorted or come twice."""
    text = _ascii(data, "roster")
    lines = text.split("\n")
    if lines.pop():
        raise DrawRefused("the roster does not end with a line feed")
    if not lines or lines[0] != HEADER:
        raise DrawRefused(f"the first line of the roster is not {HEADER}")
    rows = tuple(_row(number, line) for number, line in enumerate(lines[1:], 2))
    if not rows:
        raise DrawRefused("the roster has no appraisal")
    for number, ((id_, _), (following, _)) in enumerate(pairwise(rows), 3):
        if id_ >= following:
            fault = "comes twice" if id_ == following else f"stands after {id_}: ids ascend by byte value"
            raise DrawRefused(f"roster line {number}: {following} {fault}")
    return Roster(rows, sha256(data).hexdigest())


def _row(number: int, line: str) -> tuple[str, str]:
    id_, comma, stratum = line.partition(",")
    if not comma:
        raise DrawRefused(f"roster line {number}: {line!r} is not an id, a comma and a stratum")
    return named(id_, f"roster line {number}: appraisal id"), named(stratum, f"roster line {number}: stratum")


def read_plan(data: bytes) -> Plan:
    """Refuses floats, any other spelling of the same JSON, and arms whose counts do not make a sequence of stages."""
    text = _ascii(data, "plan")
    try:
        plan = json.loads(text, parse_float=_no_float, parse_constant=_no_float)
        canonical = isinstance(plan, dict) and plan_bytes(plan) == data
    except DrawRefused:
        raise
    except (ValueError, RecursionError) as error:
        raise DrawRefused(f"the plan is not JSON: {error}") from error
    if not canonical:
        raise DrawRefused(
            "the plan is not in its one spelling: keys sorted, no spaces, ASCII, one line feed at the end"
        )
    arms = plan.get("arms")
    if not (isinstance(arms, dict) and arms):
        raise DrawRefused("the plan names no arms")
    rules = {named(arm, "arm"): _arm_rule(arm, arms[arm]) for arm in sorted(arms)}
    if len({len(rule.take) for rule in rules.values()}) != 1:
        raise DrawRefused("the arms of the plan have different numbers of stages in take")
    return Plan(named(plan.get("cycle"), "cycle"), rules, sha256(data).hexdigest())


def _no_float(text: str) -> NoReturn:
    raise DrawRefused(f"the plan has the float {text}: write the number as text")


def _arm_rule(arm: str, rule: Any) -> ArmRule:
    strata, take = (rule.get("strata"), rule.get("take")) if isinstance(rule, dict) else (None, None)
    if not (isinstance(strata, list) and strata):
        raise DrawRefused(f"arm {arm}: strata is not a list with at least one stratum")
    names = frozenset(named(stratum, f"arm {arm}: stratum") for stratum in strata)
    if not (isinstance(take, list) and take and all(type(count) is int and count >= 0 for count in take)):
        raise DrawRefused(f"arm {arm}: take is not a list of whole numbers, one per stage")
    if take != sorted(take):
        raise DrawRefused(f"arm {arm}: take {take} decreases, but the counts are cumulative")
    return ArmRule(names, tuple(take))


def _ascii(data: bytes, what: str) -> str:
    if data.startswith(b"\xef\xbb\xbf"):
        raise DrawRefused(f"the {what} begins with a byte order mark")
    if b"\r" in data:
        raise DrawRefused(f"the {what} has a carriage return: lines end with a line feed alone")
    try:
        return data.decode("ascii")
    except UnicodeDecodeError as error:
        raise DrawRefused(f"the {what} is not ASCII at byte {error.start}") from error
