"""The folder decides the launch, the same for everybody; progress and plan are counted from what is in the database."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

import policies
from actions.cycle import cycles, foresight, launching, progress
from actions.cycle.cycles import LaunchRefused
from actions.cycle.launching import Launched
from actions.roster.agency_files import read_agency
from actions.stages import due, steps
from actions.stages.steps import StepRef
from database import Database
from models import Agency, Assignment, Cycle, Extension, Stage, Unit
from policies import PackRefused
from rules.files.agency_files import AgencyFileRefused
from rules.terms import AssignmentState, DistributionMode, Locale, StageKind, StageState, Step
from rules.time.stages import StepRefused

EXAMPLES = Path(__file__).parents[3] / "examples"
EARLY = datetime(2026, 12, 21, 2, tzinfo=UTC)
OPENS = datetime(2027, 1, 4, 2, tzinfo=UTC)
OPENING = StepRef("palu", 2027, StageKind.TARGET_SETTING, Step.OPEN)


@pytest.fixture
def launched(db: Database) -> Launched:
    made = launching.launch_folder(db.transaction, EXAMPLES / "palu", 2027, at=EARLY)
    launching.enroll_all(db.transaction, made.cycle_id, at=EARLY)
    return made


@pytest.fixture
def opened(db: Database, launched: Launched) -> Launched:
    steps.run(db.transaction, OPENING, at=OPENS)
    return launched


def test_an_agency_is_found_by_name_and_by_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(EXAMPLES.parent)
    assert launching.find_folder("palu") == Path("examples/palu")
    assert launching.find_folder(str(EXAMPLES / "palu")) == EXAMPLES / "palu"
    assert launching.find_folder("nowhere") == Path("nowhere")


def test_the_pack_takes_what_the_agency_decides_otherwise() -> None:
    wanted = launching.prepare(read_agency(EXAMPLES / "palu"), 2027)
    assert wanted.pack.min_peer_givers == 4
    assert wanted.pack.distribution_mode is DistributionMode.WARN
    assert wanted.pack.sha256 != policies.load(wanted.pack.name).sha256
    assert wanted.stages[StageKind.TARGET_SETTING].opens_on == date(2027, 1, 2)


def test_an_override_that_the_law_does_not_know_is_refused(tmp_path: Path) -> None:
    for path in (EXAMPLES / "palu").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    said = (tmp_path / "agency.yaml").read_text("utf-8")
    (tmp_path / "agency.yaml").write_text(said.replace("min_peer_givers: 4", "objection_days: 0"), "utf-8")
    with pytest.raises(PackRefused, match=r"agency\.yaml: policy\.overrides: objection_days"):
        launching.pack_of(read_agency(tmp_path))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("code: 2026-99-99\n", "month must be"),
        ("code: " + "9" * 5000, "cannot be read"),
        ("name: " + "x" * 401, "name: String should have at most 400 characters"),
        ("roles: {auditor: " + "x" * 401 + "}", "roles.auditor: String should have at most 400 characters"),
        ("a: " + "[" * 5000, "too deeply"),
        (None, "Is a directory"),
    ],
)
def test_a_file_of_the_agency_that_cannot_be_read_is_refused_by_name(
    tmp_path: Path, content: str | None, says: str
) -> None:
    for path in (EXAMPLES / "palu").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "agency.yaml").unlink()
    if content is None:
        (tmp_path / "agency.yaml").mkdir()
    else:
        (tmp_path / "agency.yaml").write_text(content, "utf-8")
    with pytest.raises(AgencyFileRefused, match=rf"agency\.yaml: .*{says}"):
        read_agency(tmp_path)


def test_a_key_that_stands_twice_is_refused_with_its_lines_in_every_file(tmp_path: Path) -> None:
    for path in (EXAMPLES / "palu").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    lines = {}
    for name, again in (("agency", "code: other"), ("calendar", "plan_default_after: Y-01-15")):
        path = tmp_path / f"{name}.yaml"
        said = path.read_text("utf-8").rstrip("\n")
        path.write_text(f"{said}\n{again}\n", "utf-8")
        first = next(n for n, line in enumerate(said.splitlines(), 1) if line.startswith(again.split(":")[0]))
        lines[path.name] = (said.count("\n") + 2, again.split(":")[0], first)
    said = (tmp_path / "agency.yaml").read_text("utf-8").replace("min_peer_givers: 4", "x: {y: 1, y: 2}")
    (tmp_path / "agency.yaml").write_text(said, "utf-8")
    with pytest.raises(AgencyFileRefused) as refused:
        read_agency(tmp_path)
    for name, (line, key, first) in lines.items():
        assert f"{name}: line {line}: the key {key!r} stands in line {first} already: HR keeps one" in str(
            refused.value
        )
    assert "the key 'y' stands in line" in str(refused.value)


def test_what_a_merge_brings_may_be_said_otherwise(tmp_path: Path) -> None:
    for path in (EXAMPLES / "palu").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    said = (tmp_path / "agency.yaml").read_text("utf-8")
    merged = "<<: {min_peer_givers: 3}\n    min_peer_givers: 4"
    (tmp_path / "agency.yaml").write_text(said.replace("min_peer_givers: 4", merged), "utf-8")
    assert read_agency(tmp_path).agency.policy.overrides["min_peer_givers"] == 4


def test_an_override_that_contains_itself_is_refused(tmp_path: Path) -> None:
    for path in (EXAMPLES / "palu").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    said = (tmp_path / "agency.yaml").read_text("utf-8")
    (tmp_path / "agency.yaml").write_text(said.replace("min_peer_givers: 4", "x: &x [*x]"), "utf-8")
    with pytest.raises(PackRefused, match="contains itself"):
        launching.pack_of(read_agency(tmp_path))


@pytest.mark.parametrize(
    ("year", "says"),
    [
        (2020, "has passed"),
        (2029, "too far ahead"),
        (0, "no year"),
        (-5, "no year"),
        (9999, "no year"),
        (10**20, "no year"),
    ],
)
def test_a_mistyped_year_is_refused_before_anything_is_taken_in(db: Database, year: int, says: str) -> None:
    with pytest.raises(LaunchRefused, match=says):
        launching.launch_folder(db.transaction, EXAMPLES / "palu", year, at=EARLY)
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Agency)) == 0
        assert cycles.find(session, "palu", year) is None


def test_a_person_may_leave_open_what_is_due_anyway(db: Database, launched: Launched) -> None:
    with db.reading() as session:
        asked = StepRef("palu", 2027, StageKind.TARGET_SETTING, Step.OPEN, revision=0)
        assert due.resolve(session, asked, at=OPENS) == OPENING
        with pytest.raises(StepRefused, match="opens 2027-01-01 16:00 UTC"):
            due.resolve(session, asked, at=EARLY)
        with pytest.raises(StepRefused, match="has no step issue"):
            due.resolve(session, StepRef("palu", 2027, StageKind.TARGET_SETTING, Step.ISSUE), at=OPENS)


def test_a_later_stage_is_not_opened_by_its_date_alone(db: Database, launched: Launched) -> None:
    late = datetime(2028, 4, 1, tzinfo=UTC)
    asked = StepRef("palu", 2027, StageKind.FINALIZATION, Step.OPEN)
    with db.reading() as session, pytest.raises(StepRefused, match="waits for what comes before it"):
        due.resolve(session, asked, at=late)


def test_progress_counts_duties_their_end_and_what_is_late(db: Database, opened: Launched) -> None:
    with db.transaction() as session:
        cycle = session.get_one(Cycle, opened.cycle_id)
        total = session.scalar(select(func.count()).select_from(Assignment)) or 0
        some = session.scalars(select(Assignment.id).order_by(Assignment.id).limit(3)).all()
        session.execute(update(Assignment).where(Assignment.id.in_(some)).values(state=AssignmentState.DONE))
        one, *others = progress.of_cycle(session, cycle, at=OPENS)
        assert (one.state, one.tally) == (StageState.OPEN, progress.Tally(total, 3, 0))
        assert one.tally.percent == 3 * 100 // total
        assert one.next_action == "closes 2027-01-31"
        assert others[0].next_action == "opens 2027-06-26"
        late = progress.of_cycle(session, cycle, at=one.due_at + timedelta(hours=1))[0]
        assert late.tally.overdue == total - 3


def test_more_time_for_a_unit_is_no_delay(db: Database, opened: Launched) -> None:
    with db.transaction() as session:
        cycle = session.get_one(Cycle, opened.cycle_id)
        stage = session.scalars(select(Stage).filter_by(kind=StageKind.TARGET_SETTING)).one()
        at = stage.due_at + timedelta(hours=1)
        roots = session.scalars(select(Unit.id).filter_by(parent_id=None)).all()
        assert progress.of_cycle(session, cycle, at=at)[0].tally.overdue > 0
        until = at + timedelta(days=9)
        session.add_all(
            Extension(stage_id=stage.id, unit_id=unit, due_at=until, decree_no="1", reason="x", at=at) for unit in roots
        )
        session.flush()
        assert progress.of_cycle(session, cycle, at=at)[0].tally.overdue == 0


def test_units_add_up_to_the_stage(both: Database) -> None:
    made = launching.launch_folder(both.transaction, EXAMPLES / "palu", 2027, at=EARLY)
    launching.enroll_all(both.transaction, made.cycle_id, at=EARLY)
    steps.run(both.transaction, OPENING, at=OPENS)
    with both.reading() as session:
        cycle = session.get_one(Cycle, made.cycle_id)
        whole = progress.of_cycle(session, cycle, at=OPENS)[0].tally
        units = progress.of_units(session, cycle, at=OPENS)
    assert {unit.stage for unit in units} == {StageKind.TARGET_SETTING}
    assert len(units) > 3
    assert sum(unit.tally.expected for unit in units) == whole.expected > 0


@pytest.mark.parametrize(
    ("locale", "note"),
    [
        (Locale.ID, "Penetapan Sasaran Kinerja: dibuka 2027-01-02 adalah hari libur (Sabtu)"),
        (Locale.EN, "Target setting: opens 2027-01-02 is a day off (Saturday)"),
    ],
)
def test_a_plan_counts_every_letter_of_an_opening_and_no_reminder_after_the_close(
    db: Database, locale: Locale, note: str
) -> None:
    seen = foresight.foresee(db.transaction, EXAMPLES / "palu", 2027, at=EARLY, locale=locale)
    first = seen.stages[0]
    assert first.letters == {"stage_invitation": seen.appraised}
    assert len(first.recipients) == seen.appraised
    assert seen.load[first.opens] == seen.appraised
    assert all(one.opens < r.on <= one.closes for one in seen.stages for r in one.reminders)
    assert seen.people >= seen.appraised + sum(seen.excluded.values())
    assert note in seen.notes


def test_rounds_count_only_times_with_an_effect(db: Database, opened: Launched) -> None:
    ref = StepRef("palu", 2027, StageKind.TARGET_SETTING, Step.LAPSE, "now")
    steps.run(db.transaction, ref, at=OPENS)
    with db.reading() as session:
        assert steps.rounds(session, ref) == 0
    with db.transaction() as session:
        assignment = session.scalars(select(Assignment)).first()
        assert assignment is not None
        from models import StageStep

        row = session.scalars(select(StageStep).filter_by(occasion="now/rehold")).one()
        row.counts = '{"moved": 1}'
        steps.finish(session, ref, at=OPENS)
    with db.reading() as session:
        assert steps.rounds(session, ref) == 1
    with db.transaction() as session:
        steps.begin(session, ref, at=OPENS)
        assert session.scalars(select(StageStep.counts).filter_by(occasion="now/rehold")).one() == "{}"


def test_dates_ahead_are_openings_and_closes_in_order(db: Database, opened: Launched) -> None:
    with db.reading() as session:
        cycle = session.get_one(Cycle, opened.cycle_id)
        agency = session.get_one(Agency, cycle.agency_id)
        ahead = due.boundaries(session, cycle, agency, at=OPENS)
        assert cycles.find(session, "palu", 2027) is cycle
    assert [when for _, when in ahead] == sorted(when for _, when in ahead)
    assert len(ahead) == 11
    assert ahead[0][0] == StepRef("palu", 2027, StageKind.TARGET_SETTING, Step.CLOSE)
