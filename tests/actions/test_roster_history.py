"""Whatever files follow one another, what was true of a day stays true of it."""

import random
from collections import defaultdict
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from actions.cycle import cycles, launching
from actions.roster.agency_files import read_agency
from database import Database
from models import Appraisal, Base, Person, Posting, RoleGrant, Segment, Supervision
from rules.terms import AppraisalState
from tests.actions.rosters import Roster, every, morning, unchanged

DATED: tuple[tuple[type[Base], str], ...] = (
    (Posting, "person_id"), (Supervision, "person_id"), (RoleGrant, "person_id"), (Segment, "appraisal_id"),
)  # fmt: skip
START = date(2026, 1, 1)


def shuffle(roster: Roster, dice: random.Random, away: dict[str, dict[str, str]], number: int) -> None:
    """A few changes of every sort, some of them bad."""
    staff = [nip for nip, row in roster.rows.items() if row["superior_nip"] and row["is_unit_head"] == "tidak"]
    heads = [nip for nip, row in roster.rows.items() if row["is_unit_head"] == "ya" and row["superior_nip"]]
    for nip in dice.sample(staff, 5):
        row = roster[nip]
        match dice.randrange(7):
            case 0:
                row["superior_nip"] = dice.choice(heads)
            case 1:
                boss = roster[dice.choice(heads)]
                row |= {key: boss[key] for key in ("unit_code", "unit_name", "parent_unit_code")}
                row["superior_nip"] = boss["nip"]
            case 2:
                away[nip] = roster.rows.pop(nip)
            case 3:
                row["email"] = f"baru.{number}.{nip}@mamuju.example"
            case 4:
                row["roles"] = dice.choice(["", "performance_admin", "ops"])
            case 5:
                row["email"] = dice.choice(["bukan alamat", f"{nip}@mamuju.example"])
            case _:
                new = f"19{dice.randrange(70, 99)}0101202601100{number % 10}"
                if new not in roster.rows:
                    roster.add(new, nip, active_from="2026-01-05")
    if away and dice.random() < 0.5:
        nip = dice.choice(sorted(away))
        roster[nip] = away.pop(nip)
    if dice.random() < 0.3:
        roster.leave(dice.choice(heads))


def dated(db: Database, model: type[Base]) -> dict[int, dict[str, Any]]:
    return {row.id: {c.name: getattr(row, c.name) for c in model.__table__.columns} for row in every(db, model)}


def check_history(before: dict[int, dict[str, Any]], after: dict[int, dict[str, Any]], as_of: date) -> None:
    """What began before `as_of` is as it was, or has got an end that lies before it."""
    for key, row in before.items():
        if row["from_on"] < as_of:
            ended = after[key]["to_on"]
            assert after[key] | {"to_on": None} == row | {"to_on": None}
            assert ended == row["to_on"] or (row["to_on"] is None and ended < as_of)


def check_no_overlap(rows: dict[int, dict[str, Any]], owner: str, *, parallel: str = "") -> None:
    by_owner: dict[Any, list[tuple[date, date]]] = defaultdict(list)
    for row in rows.values():
        by_owner[row[owner], row.get(parallel)].append((row["from_on"], row["to_on"] or date.max))
    for spans in by_owner.values():
        spans.sort()
        assert all(end < start for (_, end), (start, _) in pairwise(spans))


@pytest.mark.parametrize("seed", range(6))
def test_history_is_only_ever_closed_and_added_to(db: Database, tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    roster = Roster(tmp_path)
    away: dict[str, dict[str, str]] = {}
    roster.take(db, START)
    with db.transaction() as session:
        cycle = cycles.launch(session, launching.prepare(read_agency(roster.directory), 2026), at=morning(START))
    launching.enroll_all(db.transaction, cycle.id, at=morning(START))
    day = START
    for number in range(6):
        day += timedelta(days=dice.choice([0, 1, 30]))
        shuffle(roster, dice, away, number)
        before = {model: dated(db, model) for model, _ in DATED}
        report = roster.take(db, day)
        after = {model: dated(db, model) for model, _ in DATED}
        for model, owner in DATED:
            check_history(before[model], after[model], day)
            check_no_overlap(after[model], owner, parallel="role" if model is RoleGrant else "")
        assert report.rows == sum(report.counts[name] for name in ("added", "changed", "unchanged", "held_back"))
        check_now(db, roster, {problem.row for problem in report.problems if problem.holds_row}, day)
        with unchanged(db):
            assert roster.take(db, day).same_file
        roster.rows = dict(sorted(roster.rows.items(), key=lambda _: dice.random()))
        with unchanged(db, but=("roster_import",)):
            roster.take(db, day)


def check_now(db: Database, roster: Roster, held: set[int], day: date) -> None:
    """The relations in force are those of the file, and the running cycle has the same raters."""
    people = {one.nip: one for one in every(db, Person)}
    boss = {row.person_id: row.superior_id for row in every(db, Supervision) if row.to_on is None}
    rater = {one.employee_id: one.rater_id for one in every(db, Appraisal) if one.state is AppraisalState.PLAN_DRAFT}
    for line, row in enumerate(roster.rows.values(), 2):
        if line in held or not row["superior_nip"]:
            continue
        person, superior = people[row["nip"]], people.get(row["superior_nip"])
        if superior is not None and (superior.active_to is None):
            assert boss[person.id] == superior.id
            assert person.active_from > day or rater[person.id] == superior.id
    for person in people.values():
        if person.active_to is not None:
            assert person.id not in boss
            assert person.id not in rater
            assert person.id not in {superior for one, superior in boss.items()}
