"""One reminder per person and day, on working days only, for what is owed; overdue climbs."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from actions.line.calendars import calendar_of
from actions.stages.due import due, resolve
from actions.stages.steps import StepRef
from database import Database
from models import Agency, Assignment, Extension, Letter, Stage
from rules.terms import ActKind, StageKind, StageState, Step
from rules.time.stages import StepRefused
from tests.actions.world import CODE, YEAR, ZONE, World, local


def days_of(world: World, who: str, kind: str = "reminder") -> list[str]:
    listed = world.all(Letter, kind=kind, person_id=world.people[who])
    return [f"{letter.queued_at.astimezone(ZONE):%m-%d}" for letter in listed]


def live(world: World, first: str, last: str) -> None:
    """Tick every morning."""
    day = date.fromisoformat(first)
    while day <= date.fromisoformat(last):
        world.on(f"{day} 07:00")
        day += timedelta(days=1)


def test_the_reminder_days_of_target_setting_fall_on_working_days(targets: World) -> None:
    """Due on Saturday 31 January: days 14, 7, 3 and 1 before and the day itself, moved back to working days."""
    targets.act("ani", ActKind.DRAFT_TARGETS)
    live(targets, "2026-01-06", "2026-02-01")
    assert days_of(targets, "ani") == []
    assert days_of(targets, "budi") == ["01-15", "01-23", "01-28", "01-30"]


def test_a_reminder_lists_all_that_is_owed_in_one_letter(targets: World) -> None:
    for name in ("ani", "budi", "citra"):
        targets.act(name, ActKind.DRAFT_TARGETS)
    live(targets, "2026-01-06", "2026-01-15")
    letters = targets.all(Letter, kind="reminder", person_id=targets.people["head"])
    assert [letter.facts["duties"] for letter in letters][-1] == [
        {"kind": "draft_targets", "count": 1}, {"kind": "establish_targets", "count": 3},
    ]  # fmt: skip


def test_whoever_was_not_told_yet_is_told_on_the_next_working_day(targets: World) -> None:
    targets.go("2026-01-08").act("ani", ActKind.DRAFT_TARGETS)  # a Thursday
    targets.on("2026-01-08 18:00")
    assert targets.task("head", ActKind.ESTABLISH_TARGETS, "ani").told_at is None
    targets.on("2026-01-09 07:00")
    assert targets.task("head", ActKind.ESTABLISH_TARGETS, "ani").told_at == targets.at
    targets.act("budi", ActKind.DRAFT_TARGETS)
    targets.on("2026-01-10 07:00")
    targets.on("2026-01-11 07:00")
    assert targets.task("head", ActKind.ESTABLISH_TARGETS, "budi").told_at is None, "not on a weekend"
    targets.on("2026-01-12 07:00")
    assert targets.task("head", ActKind.ESTABLISH_TARGETS, "budi").told_at == targets.at
    assert days_of(targets, "head") == ["01-09", "01-12"]


def test_a_missed_tick_is_made_good_once(targets: World) -> None:
    """Nothing ran on the reminder day, nor on the two after it."""
    targets.on("2026-01-26 07:00")
    targets.on("2026-01-26 12:00")
    assert days_of(targets, "budi") == ["01-26"]


def test_ticking_all_day_long_sends_no_second_letter(targets: World) -> None:
    for hour in range(7, 20):
        targets.on(f"2026-01-23 {hour:02}:05")
    assert Counter(days_of(targets, "budi")).most_common(1) == [("01-23", 1)]


def test_two_desks_on_one_day_are_one_reminder_and_the_other_desk_follows(issued: World) -> None:
    """Objections and audit run side by side: nobody hears of both on one morning, and nothing stays untold."""
    with issued.db.transaction() as session:
        for kind in (StageKind.OBJECTION_HANDLING, StageKind.AUDIT_SAMPLING):
            session.add(
                Assignment(stage_id=issued.stage(kind).id, kind=ActKind.EXAMINE, subject=f"item:{kind.value}",
                           role="auditor", person_id=issued.people["aud1"], opened_at=local("2027-01-21 10:00"),
                           optional=False, state="open", round=1)
            )  # fmt: skip
    issued.on("2027-01-22 07:00")
    told = [a.told_at for a in issued.all(Assignment, person_id=issued.people["aud1"])]
    assert told == [issued.at, None]
    issued.on("2027-01-25 07:00")
    assert [a.told_at for a in issued.all(Assignment, person_id=issued.people["aud1"])][1] == issued.at
    assert days_of(issued, "aud1") == ["01-22", "01-25"]


def test_a_right_is_announced_once_and_nobody_is_reminded_of_it(issued: World) -> None:
    live(issued, "2027-01-22", "2027-02-08")
    assert days_of(issued, "ani") == []
    assert len(issued.all(Letter, kind="result_issued", person_id=issued.people["ani"])) == 1


@pytest.fixture
def late(scoring: World) -> World:
    """The head rates nobody until long after the due day (15 January; the stage closes on the 20th)."""
    with scoring.db.transaction() as session:
        stage = scoring.stage(StageKind.SUPERVISOR_SCORING)
        session.execute(update(Stage).where(Stage.id == stage.id).values(closes_at=local("2027-01-29 23:59")))
    scoring.everybody(ActKind.SCORE, but=("ani",))
    return scoring


def test_what_is_overdue_climbs_rung_by_rung(late: World) -> None:
    """A Friday: one day later is Monday's, three days later Monday too, seven later the Friday after."""
    live(late, "2027-01-14", "2027-01-24")
    assert days_of(late, "chief", "escalation") == [], "what Monday's more urgent rung tells HR is not told below"
    assert (days_of(late, "hr", "escalation"), days_of(late, "ppk", "escalation")) == (["01-18"], ["01-22"])
    letter = late.one(Letter, kind="escalation", person_id=late.people["hr"])
    assert letter.facts["days_late"] == 3
    assert letter.facts["units"] == [{"unit": "Sekolah", "open": 1, "people": ["Head"]}]


def test_the_superior_is_told_first_where_the_days_allow_it(late: World) -> None:
    with late.db.transaction() as session:
        session.execute(update(Stage).where(Stage.kind == StageKind.SUPERVISOR_SCORING)
                        .values(due_at=local("2027-01-11 23:59")))  # fmt: skip
    live(late, "2027-01-10", "2027-01-20")
    climbed = {who: days_of(late, who, "escalation") for who in ("chief", "hr", "ppk")}
    assert climbed == {"chief": ["01-12"], "hr": ["01-14"], "ppk": ["01-18"]}


def test_whoever_acted_in_time_is_not_named(late: World) -> None:
    late.everybody(ActKind.SCORE)
    live(late, "2027-01-14", "2027-01-24")
    assert late.all(Letter, kind="escalation") == []


def test_an_extension_moves_the_reminders_of_whom_it_is_for(targets: World) -> None:
    targets.add(
        Extension(stage_id=targets.stage(StageKind.TARGET_SETTING).id, person_id=targets.people["budi"],
                  due_at=local("2026-02-13 23:59"), decree_no="800/9", reason="Banjir", at=targets.at)
    )  # fmt: skip
    live(targets, "2026-01-23", "2026-02-15")
    assert days_of(targets, "citra") == ["01-23", "01-28", "01-30"], "and none once it is closed for them"
    assert days_of(targets, "budi") == ["01-30", "02-06", "02-10", "02-12", "02-13"]


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_happens_nobody_is_reminded_twice_a_day_or_on_a_day_off(world_at: Any, data: st.DataObject) -> None:
    """Random days ticked, some several times; people draft, return and establish at random; an extension comes late."""
    world: World = world_at("targets")
    day = date(2026, 1, 6)
    while day <= date(2026, 2, 2):
        day += timedelta(days=data.draw(st.integers(1, 4), label="days"))
        for hour in data.draw(st.lists(st.sampled_from([6, 12, 20]), max_size=2, unique=True), label="hours"):
            world.on(f"{day} {hour:02}:00")
        if data.draw(st.booleans(), label="acts"):
            open_ = [*world.open(None, ActKind.DRAFT_TARGETS), *world.open(None, ActKind.ESTABLISH_TARGETS)]
            if open_ and world.stage(StageKind.TARGET_SETTING).state is StageState.OPEN and day <= date(2026, 1, 31):
                task = data.draw(st.sampled_from(open_), label="task")
                returns = task.kind is ActKind.ESTABLISH_TARGETS and data.draw(st.booleans(), label="returns")
                more = {"decision": "return", "reason": "Target disesuaikan dahulu."} if returns else {}
                world.send(task, world.form(task, **more))
    with world.db.reading() as session:
        calendar = calendar_of(session, session.get_one(Agency, 1), world.at)
    reminded = Counter(
        (m.person_id, calendar.local_date(m.queued_at)) for m in world.all(Letter, kind="reminder")
    )  # fmt: skip
    assert max(reminded.values(), default=1) == 1
    assert all(calendar.is_working_day(day) for _, day in reminded)
    world.db.close()


# ---- what is due


def test_an_extended_duty_past_its_own_date_leaves_nothing_due(issued: World) -> None:
    """A clock that ran out but was put off by decree must not make the tick run in circles."""
    issued.act("ani", ActKind.OBJECT)
    issued.add(
        Extension(stage_id=issued.stage(StageKind.OBJECTION_HANDLING).id, person_id=issued.people["head"],
                  due_at=local("2027-02-05 23:59"), decree_no="800/9", reason="Sakit", at=issued.at)
    )  # fmt: skip
    issued.act("ani", ActKind.EXPLAIN)
    issued.on("2027-01-29 07:00")
    with issued.db.reading() as session:
        assert [ref.step for ref in due(session, at=issued.at)] == []
    assert issued.act("head", ActKind.EXPLAIN, "ani")


def test_a_late_extension_puts_off_the_close(targets: World) -> None:
    targets.add(
        Extension(stage_id=targets.stage(StageKind.TARGET_SETTING).id, unit_id=targets.units["DINAS"],
                  due_at=local("2026-02-10 23:59"), decree_no="800/9", reason="Banjir", at=targets.at)
    )  # fmt: skip
    assert "target_setting.close" not in targets.on("2026-02-02")
    targets.act("ani", ActKind.DRAFT_TARGETS)
    assert "target_setting.close" in targets.on("2026-02-11 00:00")


def asked(world: World, step: Step, stage: StageKind = StageKind.TARGET_SETTING, **more: Any) -> StepRef:
    ref = StepRef(CODE, YEAR, stage, step, more.get("occasion", ""), more.get("revision", 0))
    with world.db.reading() as session:
        return resolve(session, ref, at=world.at)


def test_what_is_asked_for_by_hand_is_completed_from_what_is_due_or_refused_in_words(targets: World) -> None:
    for step, why in ((Step.CLOSE, "not due now: the stage is open, closes 2026-01-31"), (Step.OPEN, "already done")):
        with pytest.raises(StepRefused, match=why):
            asked(targets, step)
    with pytest.raises(StepRefused, match="opens 2026-06-30"):
        asked(targets, Step.OPEN, StageKind.MID_YEAR_REVIEW)
    with pytest.raises(StepRefused, match="revision 9"):
        asked(targets, Step.CLOSE, revision=9)
    targets.go("2026-01-23 07:00")
    assert asked(targets, Step.REMIND).occasion == "2026-01-23"
    targets.go("2026-02-01 00:30")
    assert asked(targets, Step.CLOSE) == targets.ref(StageKind.TARGET_SETTING, Step.CLOSE)


def test_a_tick_with_nothing_due_writes_nothing(both: Database) -> None:
    world = World.make(both)
    world.on("2026-01-05")
    from tests.actions.rosters import unchanged

    with unchanged(both):
        assert world.on("2026-01-05 09:05") == []
