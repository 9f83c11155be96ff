"""Each example agency lives through a whole year, and every promise of it is kept."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

import database
from actions.stages.finalization import EXPLAINED
from database import Database
from models import Appraisal, AuditPlan, Letter, Objection, RatingRecord, Result, TrailEntry
from rules.terms import ActKind, AppraisalState, LetterState, ObjectionState, Role
from simulation.answers import Asked, answer
from simulation.people import mind_of
from simulation.throwaway import simulate
from simulation.year import Report

EXAMPLES = Path(__file__).parents[2] / "examples"
AGENCIES = ("mamuju", "palu", "samarinda", "bukittinggi", "sabangau")


@pytest.mark.parametrize("agency", AGENCIES)
def test_a_year_of_each_example_ends_with_every_appraisal_final_or_explained(db: Database, agency: str) -> None:
    _check(db, simulate(db, EXAMPLES / agency, 2026, seed=7))


def test_an_authority_who_wants_to_raise_the_best_result_keeps_it(db: Database) -> None:
    """With this seed an objection to the best predicate is decided by somebody who would rather raise it."""
    report = simulate(db, EXAMPLES / "mamuju", 2026, seed=1)
    _check(db, report)
    assert not any("decide_objection" in one for one in report.refused), report.refused


def test_people_think_anew_once_their_answer_was_not_taken() -> None:
    asked = Asked(ActKind.DECIDE_OBJECTION)
    minds = [mind_of(1, "198001012005011001", "decide", refused=times) for times in range(12)]
    assert {answer(asked, mind)["decision"] for mind in minds} == {"keep", "change"}
    assert answer(replace(asked, best=True), mind_of(1, "x", "decide"))["decision"] == "keep"


def test_the_same_year_on_postgresql(pg: Database) -> None:
    _check(pg, simulate(pg, EXAMPLES / "bukittinggi", 2026, seed=7))


def test_a_year_by_numbers_that_ends_in_a_leap_year(tmp_path: Path) -> None:
    """The pack of PP 30/2019: scores, bands and no predicate of the unit before the ratings; with another seed."""
    folder = tmp_path / "bukittinggi"
    shutil.copytree(EXAMPLES / "bukittinggi", folder)
    text = (folder / "agency.yaml").read_text("utf-8")
    (folder / "agency.yaml").write_text(text.replace("permenpanrb-6-2022", "pp-30-2019"), "utf-8")
    leap = Database(f"sqlite:///{tmp_path}/leap.db", durable=False)
    try:
        report = simulate(leap, folder, 2027, seed=11)
        _check(leap, report)
        assert not report.acts["set_unit_predicate"]
        with leap.reading() as session:
            results = session.scalars(select(Result)).all()
            assert all(result.score is not None and result.pack_name == "pp-30-2019" for result in results)
    finally:
        database.use(None)
        leap.close()


def _check(db: Database, report: Report) -> None:
    assert report.clean, report
    assert report.acts["examine"] >= 3, "nobody was examined"
    with db.reading() as session:
        cases = session.scalars(select(Appraisal)).all()
        assert len(cases) == report.people > 0
        assert {case.state for case in cases} <= {AppraisalState.FINAL, *EXPLAINED}
        assert all(case.explanation and case.explained_at for case in cases if case.state in EXPLAINED)
        assert report.states["final"] >= 0.8 * len(cases)
        final = [case.id for case in cases if case.state is AppraisalState.FINAL]
        current = select(Result.appraisal_id).where(Result.superseded_at.is_(None), Result.issued_at.is_not(None))
        assert set(session.scalars(current)) == set(final)
        undecided = Objection.state.in_((ObjectionState.FILED, ObjectionState.UNDER_EXAMINATION))
        assert not session.scalars(select(Objection).where(undecided)).all()
        for objection in session.scalars(select(Objection).where(Objection.decided_by_id.is_not(None))):
            raters = select(RatingRecord.official_id).filter_by(appraisal_id=objection.appraisal_id, role=Role.RATER)
            employee = session.get_one(Appraisal, objection.appraisal_id).employee_id
            assert objection.decided_by_id not in {employee, *session.scalars(raters)}
        plan = session.scalars(select(AuditPlan)).one()
        assert plan.statement is not None
        assert plan.published_at < plan.seed_recorded_at  # type: ignore[operator]
        assert session.scalar(select(func.count()).select_from(TrailEntry))
        letters = dict(session.execute(select(Letter.state, func.count()).group_by(Letter.state)).tuples().all())
        assert set(letters) <= {LetterState.ACCEPTED, LetterState.EXPIRED, LetterState.CANCELLED}, letters
