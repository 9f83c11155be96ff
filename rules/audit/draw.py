"""The audit's draw: a pure function of roster, plan, seed and stage that anyone can do again (`deploy/verify_draw.py`).

Every ticket is compared as 64 hex digits and the seed stays text: no modulo, no floats, no random generator.
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice

from rules.audit.draw_files import DrawRefused, Plan, Roster, named, plan_bytes, read_plan, read_roster, roster_bytes
from rules.terms import Arm

__all__ = [
    "Assigned", "Assignment", "Draw", "DrawItem", "DrawRefused", "arm_order", "assign", "double_audited", "draw",
    "next_doubles", "plan_bytes", "rater_extension", "report_lines", "roster_bytes", "without_a_chance", "work_list",
]  # fmt: skip

SEED = re.compile(r"[\x21-\x7e]{20,400}")
EXTENSION = 10
"""How many more appraisals of one rater are examined after a confirmed deviation."""


@dataclass(frozen=True, slots=True)
class DrawItem:
    arm: str
    rank: int
    """From 1, within the arm."""
    id: str
    ticket: str


@dataclass(frozen=True, slots=True)
class Draw:
    stage: int
    roster_sha256: str
    plan_sha256: str
    draw_key: str
    items: tuple[DrawItem, ...]
    """By arm and rank; an appraisal can be in several arms."""
    draw_sha256: str
    take: tuple[int, ...]
    """Counts of the assurance arm at the end of each stage up to this one."""

    def ids(self, arm: str) -> list[str]:
        return [item.id for item in self.items if item.arm == arm]


@dataclass(frozen=True, slots=True)
class Assignment:
    appraisal_id: str
    auditor: str
    reader: int
    """1, or 2 for the second reading of a double-audited item."""


@dataclass(frozen=True, slots=True)
class Assigned:
    assignments: tuple[Assignment, ...]
    external: tuple[tuple[str, int], ...]
    """Appraisal id and reader for whom nobody without a conflict is left: an external auditor is needed."""


def draw(roster: bytes, plan: bytes, seed: str, stage: int = 1) -> Draw:
    """Draw everything up to and including `stage` (from 1); DrawRefused for anything out of form."""
    frame, rules = read_roster(roster), read_plan(plan)
    if type(stage) is not int or not 1 <= stage <= rules.stages:
        raise DrawRefused(f"stage {stage!r} is not one of the {rules.stages} stages of the plan")
    _check(frame, rules)
    key = _draw_key(frame, rules, seed)
    order = _order(key, frame)
    items = tuple(
        item for arm, rule in rules.arms.items() for item in _arm(arm, rule.strata, order, rule.take[stage - 1])
    )
    lines = "".join(f"{item.arm},{item.rank},{item.id}\n" for item in items)
    take = rules.arms[Arm.ASSURANCE].take[:stage] if Arm.ASSURANCE in rules.arms else ()
    return Draw(stage, frame.sha256, rules.sha256, key, items, _sha(lines), take)


def arm_order(roster: bytes, plan: bytes, seed: str, arm: str) -> list[DrawItem]:
    """The whole arm in ticket order, beyond what is drawn: the next ticket replaces a void."""
    frame, rules = read_roster(roster), read_plan(plan)
    _check(frame, rules)
    if arm not in rules.arms:
        raise DrawRefused(f"the plan has no arm {arm}")
    return _arm(arm, rules.arms[arm].strata, _order(_draw_key(frame, rules, seed), frame))


def without_a_chance(roster: bytes, plan: bytes) -> list[str]:
    """Ids that no arm could ever draw, because every arm for their stratum takes nothing; the plan must be refused."""
    frame, rules = read_roster(roster), read_plan(plan)
    reached = {stratum for rule in rules.arms.values() if rule.take[-1] for stratum in rule.strata}
    return [id_ for id_, stratum in frame.rows if stratum not in reached]


def _check(frame: Roster, rules: Plan) -> None:
    sizes: dict[str, int] = {}
    for _, stratum in frame.rows:
        sizes[stratum] = sizes.get(stratum, 0) + 1
    named_strata = {stratum for rule in rules.arms.values() for stratum in rule.strata}
    if unnamed := sorted(sizes.keys() - named_strata):
        raise DrawRefused(f"no arm of the plan names the stratum {', '.join(unnamed)} of the roster")
    for arm, rule in rules.arms.items():
        pool = sum(sizes.get(stratum, 0) for stratum in rule.strata)
        if rule.take[-1] > pool:
            raise DrawRefused(f"arm {arm} takes {rule.take[-1]}, but only {pool} appraisals are in its strata")


def _draw_key(frame: Roster, rules: Plan, seed: str) -> str:
    if not (isinstance(seed, str) and SEED.fullmatch(seed)):
        raise DrawRefused("the seed is not text of 20 to 400 printable ASCII characters without spaces")
    # The stage is left out: a key of its own for each stage would reshuffle what was already examined.
    return _sha("".join(f"{part}\n" for part in ("audit-draw/1", rules.cycle, rules.sha256, frame.sha256, seed)))


def _order(key: str, frame: Roster) -> list[tuple[str, str, str]]:
    return sorted((_sha(f"{key}\n{id_}"), id_, stratum) for id_, stratum in frame.rows)


def _arm(
    arm: str, strata: Collection[str], order: Iterable[tuple[str, str, str]], take: int | None = None
) -> list[DrawItem]:
    pool = ((ticket, id_) for ticket, id_, stratum in order if stratum in strata)
    return [DrawItem(arm, rank, id_, ticket) for rank, (ticket, id_) in enumerate(islice(pool, take), 1)]


def _sha(text: str) -> str:
    return sha256(text.encode("ascii")).hexdigest()


def report_lines(result: Draw) -> list[str]:
    """What the stand-alone verifier prints, line by line without LF; the first two lines end in a space."""
    return [
        f"roster_sha256 {result.roster_sha256} ",
        f"plan_sha256 {result.plan_sha256} ",
        f"draw_key {result.draw_key}",
        *(f"{item.arm},{item.rank},{item.id},{item.ticket}" for item in result.items),
        f"draw_sha256 {result.draw_sha256}",
    ]


def work_list(result: Draw) -> list[str]:
    """All arms merged in ticket order, each appraisal once: the order in which work is given out hides the arm."""
    return [id_ for _, id_ in sorted({(item.ticket, item.id) for item in result.items})]


def double_audited(result: Draw) -> list[str]:
    """Who gets a second reader up to this stage; a later stage adds to the list and drops nobody."""
    assured, chosen = result.ids(Arm.ASSURANCE), []
    for count in result.take:
        chosen += next_doubles(result.draw_key, assured[:count], chosen)
    return chosen


def next_doubles(draw_key: str, assured: Sequence[str], chosen: Collection[str]) -> list[str]:
    """The ids to add so that a quarter of the `assured` (arm A without voids), rounded up, is double-audited."""
    quota = -(-len(assured) // 4) - len(set(assured) & set(chosen))
    rest = sorted((_sha(f"{draw_key}\ndouble\n{id_}"), id_) for id_ in set(assured) - set(chosen))
    return [id_ for _, id_ in rest[: max(quota, 0)]]


def rater_extension(draw_key: str, remaining: Iterable[str]) -> list[str]:
    """Which of a rater's remaining appraisals to examine after a confirmed deviation; they never enter the estimate."""
    return [id_ for _, id_ in sorted((_sha(f"{draw_key}\n{id_}"), id_) for id_ in remaining)][:EXTENSION]


def assign(
    draw_key: str,
    work: Sequence[str],
    doubles: Collection[str],
    auditors: Collection[str],
    may_examine: Callable[[str, str], bool],
    standing: Sequence[Assignment] = (),
) -> Assigned:
    """Give each reading of `work` (in ticket order) to the least loaded auditor whom `may_examine(auditor, id)` allows.

    What is `standing` from before counts as load and is not given out again; only what is new is returned.
    """
    load = dict.fromkeys((named(auditor, "auditor") for auditor in auditors), 0)
    readers: dict[str, dict[int, str]] = {}
    for past in standing:
        load[past.auditor] = load.get(past.auditor, 0) + 1
        readers.setdefault(past.appraisal_id, {})[past.reader] = past.auditor
    given, external = [], []
    for id_ in work:
        had = readers.setdefault(id_, {})
        for reader in (1, 2) if id_ in doubles else (1,):
            if reader in had:
                continue
            free = [x for x in auditors if x not in had.values() and may_examine(x, id_)]
            if not free:
                external.append((id_, reader))
                continue
            auditor = min(free, key=lambda x: (load[x], _sha(f"{draw_key}\nassign\n{id_}\n{x}")))
            load[auditor] += 1
            had[reader] = auditor
            given.append(Assignment(id_, auditor, reader))
    return Assigned(tuple(given), tuple(external))
