"""Launching late: nothing is launched with dates that have passed before HR has seen what that would do."""

import json
import shutil
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from actions.console import attention
from actions.cycle import cycles, foresight, launching, progress
from actions.cycle.cycles import LaunchRefused
from actions.cycle.launch_dates import DatesPassed, Way, past_of, settled
from actions.roster.agency_files import read_agency
from actions.stages.due import due
from database import Database
from models import Appraisal, Cycle, Letter, Person, Plan, Stage, TrailEntry
from rules.pack.pack import Pack
from rules.terms import AppraisalState, StageKind, StageState, Step
from simulation.delivery import accept_all
from simulation.year import Year

EXAMPLES = Path(__file__).parents[3] / "examples"
MAMUJU = EXAMPLES / "mamuju"
DECEMBER = datetime(2026, 12, 1, 2, tzinfo=UTC)
TARGETS, REVIEW, SCORING, OBJECTIONS, AUDIT, FINAL = StageKind


def launch(db: Database, at: datetime, way: Way) -> int:
    made = launching.launch_folder(db.transaction, MAMUJU, 2026, at=at, way=way)
    launching.enroll_all(db.transaction, made.cycle_id, at=at)
    return made.cycle_id


def tick(db: Database, at: datetime) -> list[str]:
    year = Year(db.transaction, "mamuju", 2026, seed=1, deliver=accept_all(db.transaction))
    year.tick(at)
    return sorted(year.report.steps)


def stages(db: Database) -> dict[StageKind, Stage]:
    with db.reading() as session:
        return {stage.kind: stage for stage in session.scalars(select(Stage))}


def test_a_launch_in_december_is_refused_with_what_has_passed_and_the_ways_on(db: Database) -> None:
    with pytest.raises(DatesPassed) as refused:
        launch(db, DECEMBER, Way())
    assert [one.stage for one in refused.value.past] == [TARGETS, REVIEW]
    said = refused.value.said
    for words in ("2026-01-02 to 2026-01-31; 0 days are left of at least 14", "everybody gets the default plan",
                  "--shift", "--begin-at supervisor_scoring", '--anyway "REASON"'):  # fmt: skip
        assert words in said.en
    assert "tidak diluncurkan" in said.id
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Person)) == 0, "not even the roster is taken in"


def test_beginning_at_the_stage_of_today_holds_no_stage_before(db: Database) -> None:
    cycle_id = launch(db, DECEMBER, Way(begin_at=SCORING))
    assert not [step for step in tick(db, DECEMBER) if not step.startswith("supervisor_scoring.")]
    states = {kind: stage.state for kind, stage in stages(db).items()}
    assert (states[TARGETS], states[REVIEW], states[SCORING]) == (
        StageState.SKIPPED,
        StageState.SKIPPED,
        StageState.OPEN,
    )
    with db.reading() as session:
        told = progress.of_cycle(session, session.get_one(Cycle, cycle_id), at=DECEMBER)
        assert told[0].next_action == told[1].next_action == "not held: the cycle began after it"
        assert not any(one.starved for one in told)
        assert session.scalars(select(Letter).filter_by(kind="stage_invitation")).all()


def test_a_shifted_calendar_begins_today_with_every_day_it_was_given(db: Database) -> None:
    before = {kind: (s.closes_on - s.opens_on).days for kind, s in _calendar().items()}
    launch(db, DECEMBER, Way(shift=True))
    found = stages(db)
    days = {kind: (stage.closes_at.date() - stage.opens_at.date()).days - 1 for kind, stage in found.items()}
    assert days == before
    assert found[TARGETS].opens_at == datetime(2026, 11, 30, 16, tzinfo=UTC), "1 December in Makassar"
    order = [found[kind] for kind in (TARGETS, REVIEW, SCORING, OBJECTIONS, FINAL)]
    assert all(one.closes_at < two.opens_at for one, two in pairwise(order))
    assert tick(db, DECEMBER) == ["target_setting.open"]
    with db.reading() as session:
        assert not session.scalars(select(Plan)).all()
        assert session.scalars(select(Cycle)).one().plan_default_after == date(2026, 12, 13)
        entry = session.scalars(select(TrailEntry).filter_by(type="cycle.launched")).one()
        assert entry.content is not None
        assert entry.content["why"] == "the calendar was shifted"


def _calendar():
    return read_agency(MAMUJU).calendar.for_year(2026)


def test_going_ahead_with_a_reason_opens_and_closes_nothing_that_has_passed(db: Database) -> None:
    cycle_id = launch(db, DECEMBER, Way(anyway="Sistem baru dipasang November"))
    steps = tick(db, DECEMBER)
    assert steps == ["supervisor_scoring.open"]
    states = {kind: stage.state for kind, stage in stages(db).items()}
    assert (states[TARGETS], states[REVIEW]) == (StageState.PLANNED, StageState.PLANNED)
    with db.reading() as session:
        told = progress.of_cycle(session, session.get_one(Cycle, cycle_id), at=DECEMBER)
        assert [one.starved for one in told] == [True, True, False, False, False, False]
        assert told[0].next_action == "HR extends it: its time passed on 2026-01-24 before it could open"
        assert not session.scalars(select(Letter).filter_by(state="expired")).all()
        entry = session.scalars(select(TrailEntry).filter_by(type="cycle.launched")).one()
        assert entry.content is not None
        assert entry.content["why"] == "Sistem baru dipasang November"


def test_the_folder_can_give_the_reason_where_a_form_has_no_place_for_it(db: Database, tmp_path: Path) -> None:
    folder = shutil.copytree(MAMUJU, tmp_path / "mamuju")
    (folder / "waivers.csv").write_text("nip,code,reason\n*,dates_passed,Sistem baru dipasang November\n")
    seen = launching.look_at(db.transaction, folder, 2026, at=DECEMBER)
    assert not seen.stops
    launching.launch_folder(db.transaction, folder, 2026, at=DECEMBER)
    with db.reading() as session:
        entry = session.scalars(select(TrailEntry).filter_by(type="cycle.launched")).one()
        assert entry.content is not None
        assert entry.content["why"] == "Sistem baru dipasang November"


def test_a_way_that_was_chosen_goes_before_the_reason_in_the_folder() -> None:
    assert Way(shift=True).or_stand("x") == Way(shift=True)
    assert Way().or_stand("x") == Way(anyway="x")
    assert Way().or_stand("") == Way()


@pytest.mark.parametrize(
    ("way", "says"),
    [
        (Way(shift=True, begin_at=SCORING), "one way"),
        (Way(begin_at=OBJECTIONS), "cannot begin at objection_handling"),
        (Way(begin_at=REVIEW), "Mid-year"),
        (Way(anyway="   "), "has passed"),
    ],
)
def test_a_way_that_leads_nowhere_is_refused(db: Database, way: Way, says: str) -> None:
    with pytest.raises(LaunchRefused, match=says):
        launch(db, DECEMBER, way)


@pytest.mark.parametrize(
    ("today", "past"),
    [
        (date(2025, 12, 20), []),
        (date(2026, 1, 14), []),
        (date(2026, 1, 15), [TARGETS]),
        (date(2026, 1, 19), [TARGETS]),
        (date(2026, 2, 3), [TARGETS]),
        (date(2026, 7, 12), [TARGETS, REVIEW]),
        (date(2027, 1, 10), [TARGETS, REVIEW, SCORING]),
        (date(2027, 1, 25), [TARGETS, REVIEW, SCORING, OBJECTIONS]),
    ],
)
def test_what_has_passed_is_what_would_be_due_or_too_short(today: date, past: list[StageKind]) -> None:
    wanted = launching.prepare(read_agency(MAMUJU), 2026)
    assert [one.stage for one in past_of(wanted, today)] == past
    assert settled(wanted, Way(anyway="x"), today).stages == wanted.stages
    if past and past != [TARGETS, REVIEW, SCORING, OBJECTIONS]:
        shifted = settled(wanted, Way(shift=True), today)
        assert not [one for one in past_of(shifted, today) if one.stage in past]


def test_a_cycle_that_runs_is_launched_again_without_a_word_about_its_dates(db: Database) -> None:
    first = launch(db, datetime(2025, 12, 20, tzinfo=UTC), Way())
    assert launch(db, DECEMBER, Way()) == first


def test_a_pack_that_only_has_a_key_more_now_is_no_other_pack() -> None:
    wanted = launching.prepare(read_agency(MAMUJU), 2026).pack
    pinned = json.loads(wanted.canonical)
    assert pinned.pop("least_days")
    assert cycles.same_pack(Cycle(pack=json.dumps(pinned)), wanted)
    assert not cycles.same_pack(Cycle(pack=json.dumps(pinned | {"objection_days": 7})), wanted)
    assert Pack.model_validate(pinned).leasts == dict.fromkeys(StageKind, 1), "a cycle of before is held up by nothing"


def test_a_plan_says_that_the_launch_would_be_refused(db: Database) -> None:
    seen = foresight.foresee(db.transaction, MAMUJU, 2026, at=DECEMBER)
    assert seen.notes[0].startswith("peluncuran akan ditolak, ")
    assert sum(note.startswith("peluncuran akan ditolak") for note in seen.notes) == 2


def test_a_stage_whose_time_passed_waits_for_hr_and_opens_once_it_was_extended(db: Database) -> None:
    from actions.steering import extend

    launch(db, datetime(2025, 12, 20, tzinfo=UTC), Way())
    late = datetime(2026, 7, 13, tzinfo=UTC)  # the engine stood still since December
    assert "mid_year_review.open" not in tick(db, late)
    assert stages(db)[REVIEW].state is StageState.PLANNED
    with db.transaction() as session:
        cycle = cycles.find(session, "mamuju", 2026)
        assert cycle is not None
        assert not [ref for ref in due(session, at=late) if (ref.stage, ref.step) == (REVIEW, Step.OPEN)]
        extend(session, cycle, REVIEW, date(2026, 7, 31), decree_no="800/1", reason="Mesin mati", at=late)
    assert "mid_year_review.open" in tick(db, late)


def test_attention_is_gone_once_the_thing_is_done(db: Database) -> None:
    cycle_id = launch(db, datetime(2025, 12, 20, tzinfo=UTC), Way())
    with db.transaction() as session:
        session.execute(update(Appraisal).where(Appraisal.state == AppraisalState.PLAN_DRAFT).values(
            state=AppraisalState.NOT_RATED, authority_id=None
        ))  # fmt: skip
        found = attention.cases(session, cycle_id)
        assert found["not_rated"] == found["no_authority"] > 10
        session.execute(update(Appraisal).values(explained_at=DECEMBER))
        assert attention.cases(session, cycle_id)["not_rated"] == 0
        session.execute(update(Appraisal).values(finalized_at=DECEMBER))
        assert not any(attention.cases(session, cycle_id).values())
