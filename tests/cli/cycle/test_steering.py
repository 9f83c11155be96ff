"""`appraisal cycle extend` and its kin: without --yes nothing changes, with it what was shown is done."""

import json
from typing import Any

import pytest
import typer
from sqlalchemy import func, select
from typer.testing import CliRunner

from actions.steering import SteeringRefused
from cli.cycle.steering import register
from database import Database
from models import ActingMandate, Appraisal, Assignment, Extension, Person, TrailEntry
from rules.terms import ActKind, AssignmentState

pytest_plugins = ["tests.lived"]
app = typer.Typer()
register(app)
EXTEND = ["extend", "mamuju", "--year", "2026", "--stage", "target_setting", "--until", "2026-01-28", "--decree",
          "800/1/2026", "--reason", "Jaringan terputus"]  # fmt: skip


def run(*args: str) -> Any:
    done = CliRunner().invoke(app, [*args, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_more_time_is_only_shown_until_yes_is_said(january: Database) -> None:
    seen = run(*EXTEND)
    with january.reading() as session:
        assert not session.scalars(select(Extension)).all()
    done = run(*EXTEND, "--yes")
    assert (seen.pop("done"), done.pop("done")) == (False, True)
    assert seen == done
    assert len(done["people"]) == done["counts"]["letters"] > 0
    with january.reading() as session:
        assert session.scalars(select(Extension)).one().decree_no == "800/1/2026"


def test_the_other_commands_find_people_by_nip_and_act(january: Database) -> None:
    with january.reading() as session:
        case = session.scalars(select(Appraisal).filter(Appraisal.rater_id > 1).order_by(Appraisal.id.desc())).first()
        assert case is not None
        nips = dict(session.execute(select(Person.id, Person.nip)).tuples().all())
        done_before = session.scalar(
            select(func.count()).select_from(Assignment).filter_by(kind=ActKind.DRAFT_TARGETS, state="done")
        )
        new = session.scalars(select(Appraisal.rater_id).where(Appraisal.rater_id.not_in(
            [case.rater_id, case.authority_id, case.employee_id]), Appraisal.rater_id != 1)).first()  # fmt: skip
        assert new is not None
        assert case.rater_id is not None
        session.expunge_all()
    moved = run("reassign", "mamuju", "--year", "2026", "--to", nips[new], "--employee", nips[case.employee_id],
                "--reason", "Mutasi", "--by", nips[3], "--yes")  # fmt: skip
    assert moved["counts"]["cases"] == 1
    acts = run("delegate", "mamuju", "--principal", nips[case.rater_id], "--to", nips[new], "--kind", "plh",
               "--decree", "821/9", "--begins", "2026-01-20", "--ends", "2026-01-22", "--yes")  # fmt: skip
    assert acts["counts"]["mandates"] == 1
    again = run("reopen", "mamuju", "--year", "2026", "--stage", "target_setting", "--act", "draft_targets",
                "--reason", "Indikator berubah", "--yes")  # fmt: skip
    assert again["counts"]["asked_again"] == done_before
    run("address", "mamuju", "--person", nips[case.employee_id], "--address", "baru@mamuju.example", "--reason",
        "Salah ketik", "--yes")  # fmt: skip
    with january.reading() as session:
        assert session.get_one(Appraisal, case.id).rater_id == new
        assert session.scalars(select(ActingMandate).filter_by(decree_no="821/9")).one().person_id == new
        assert session.get_one(Person, case.employee_id).email == "baru@mamuju.example"
        assert session.scalars(select(Assignment).filter_by(round=2, state=AssignmentState.OPEN)).all()
        entry = session.scalars(select(TrailEntry).filter_by(type="appraisal.reassigned")).one()
        assert entry.actor_id == 3


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([*EXTEND, "--person", "123"], "No NIP 123"),
        ([*EXTEND, "--unit", "NOWHERE"], "No unit NOWHERE"),
        ([arg if arg != "mamuju" else "nowhere" for arg in EXTEND], "no cycle"),
    ],
)
def test_who_or_what_is_not_there_is_refused_by_name(january: Database, args: list[str], words: str) -> None:
    with pytest.raises(SteeringRefused, match=words):
        CliRunner().invoke(app, args, catch_exceptions=False)


def test_a_stage_or_an_act_that_does_not_exist_is_refused_with_the_list(january: Database) -> None:
    done = CliRunner().invoke(app, [arg if arg != "target_setting" else "scorng" for arg in EXTEND])
    assert done.exit_code == 2
    assert "supervisor_scoring" in done.output


@pytest.mark.parametrize(
    "order",
    [
        ["reassign", "mamuju", "--year", "2026", "--to", "", "--employee", "1", "--reason", "r"],
        ["delegate", "mamuju", "--principal", "", "--to", "1", "--kind", "plh", "--decree", "d", "--begins",
         "2026-01-20", "--ends", "2026-01-22"],
        ["address", "mamuju", "--person", "", "--address", "a@b.example", "--reason", "r"],
    ],
)  # fmt: skip
def test_a_person_left_empty_is_asked_for_by_option(january: Database, order: list[str]) -> None:
    done = CliRunner().invoke(app, [*order, "--yes"])
    assert done.exit_code == 2
    assert "name the NIP" in done.output
