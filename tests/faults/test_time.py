"""F45, F46, F48: clocks that are wrong, days that are odd, and a scheduler that was away.

F47, a deadline that passes between reading a form and sending it, stands beside the pages in tests/web/test_submit.py.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text, update

import clock
import database
from actions.acts.act import ActRefused
from actions.mail import outbox
from database import Database
from models import Agency, Letter
from notifications import words
from notifications.compose import compose
from rules.files.agency_files import StageDates
from rules.terms import ActKind, LetterState, Locale, StageKind, StageState
from rules.time.calendar import Calendar
from simulation.sink import Sink
from tests.actions import world as worlds
from tests.actions.world import World
from tests.mail.posting import AT, assert_sound, dispatcher, letter, owe, send, states

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WRONG = [-DAY, -HOUR, HOUR, DAY]


# ---- F45: the worker's clock is wrong


@pytest.fixture
def real(pg: Database) -> Iterator[Database]:
    """A database in earnest, that lives in real time."""
    with pg.transaction() as session:
        session.execute(text("UPDATE installation SET kind = 'production', virtual_now = NULL"))
    earnest = Database(pg.url)
    database.use(earnest)
    yield earnest
    earnest.close()


def off_by(monkeypatch: pytest.MonkeyPatch, error: timedelta) -> None:
    class Wrong(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + error

    monkeypatch.setattr(clock, "datetime", Wrong)


@pytest.mark.parametrize("error", WRONG)
def test_f45_a_worker_whose_clock_is_wrong_goes_by_the_database(
    real: Database, error: timedelta, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    at = datetime.now(UTC)
    good, early, late = owe(real, 3, at=at)
    with real.transaction() as session:
        session.execute(update(Letter).where(Letter.id == good).values(not_after=at + HOUR / 2))
        session.execute(update(Letter).where(Letter.id == early).values(next_at=at + HOUR / 2))
        session.execute(update(Letter).where(Letter.id == late).values(not_after=at - HOUR / 2))
    off_by(monkeypatch, error)
    assert abs(clock.now() - at) < timedelta(minutes=1)
    assert f"off by {error.total_seconds():.0f} s" in caplog.text
    with Sink() as sink:
        assert send(real, sink, now=clock.now) == {"accepted": 1}
        assert [letter(real, id).state for id in (good, early, late)] == [
            LetterState.ACCEPTED, LetterState.QUEUED, LetterState.EXPIRED,
        ]  # fmt: skip
        assert_sound(real, sink)


def test_f45_a_clock_that_is_set_right_is_believed_at_once(real: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as wrong:
        off_by(wrong, DAY)
        clock.now()
    before = datetime.now(UTC)
    assert before <= clock.now() <= datetime.now(UTC)


def test_f45_while_the_database_is_away_the_last_that_it_said_counts(
    real: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    off_by(monkeypatch, HOUR)
    clock.now()
    monkeypatch.setattr(clock, "ASK_AGAIN", 0.0)
    monkeypatch.setattr(real, "reading", _away)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)


@contextmanager
def _away() -> Iterator[Any]:
    raise database.PoolExhausted
    yield


@pytest.mark.parametrize("error", [-HOUR, DAY])
def test_f45_no_wrong_clock_steals_a_lease_or_forgets_one(both: Database, error: timedelta) -> None:
    owe(both, 4)
    with both.transaction() as session:
        held = outbox.claim(session, "other", tuple(dispatcher(both, Sink()).lanes), 2, at=AT)
    with both.transaction() as session:
        assert outbox.reap(session, at=AT + error) == {"requeued": 0, "ambiguous": 0}
    with Sink() as sink:
        ahead = error > timedelta(0)
        assert send(both, sink, now=lambda: AT + error) == ({"accepted": 2} if ahead else {})
        with both.transaction() as session:
            assert outbox.still_ours(session, held) == {one.id for one in held}
            outbox.give_back(session, held)
        assert send(both, sink) == {"accepted": 2 if ahead else 4}
        assert states(both) == {"accepted": 4}
        assert set(sink.copies().values()) == {1}
        assert_sound(both, sink, everything_out=True)


# ---- F46: days that are odd

ODD_DAYS = [
    # zone, last day, how long that day is, when it ends in UTC
    ("Asia/Makassar", date(2028, 2, 29), 24, "2028-02-29T15:59:59"),
    ("Pacific/Pago_Pago", date(2028, 2, 29), 24, "2028-03-01T10:59:59"),
    ("Pacific/Kiritimati", date(2028, 2, 29), 24, "2028-02-29T09:59:59"),
    ("Pacific/Kiritimati", date(2026, 12, 31), 24, "2026-12-31T09:59:59"),
    ("America/New_York", date(2026, 3, 8), 23, "2026-03-09T03:59:59"),
    ("America/New_York", date(2026, 11, 1), 25, "2026-11-02T04:59:59"),
    ("Australia/Lord_Howe", date(2026, 4, 5), 24.5, "2026-04-05T13:29:59"),
    ("America/Havana", date(2026, 3, 8), 23, "2026-03-09T03:59:59"),  # has no midnight
    ("America/Santiago", date(2026, 4, 4), 25, "2026-04-05T03:59:59"),  # has 23:59:59 twice
    ("Africa/Casablanca", date(2026, 2, 15), 25, "2026-02-15T23:59:59"),
]


@pytest.mark.parametrize(("zone", "day", "hours", "end"), ODD_DAYS)
def test_f46_a_day_ends_with_its_last_second_wherever_and_however_long_it_is(
    zone: str, day: date, hours: float, end: str
) -> None:
    calendar = Calendar(zone)
    last = calendar.end_of_day(day)
    assert last == datetime.fromisoformat(end).replace(tzinfo=UTC)
    second = timedelta(seconds=1)
    assert last + second - calendar.start_of_day(day) == timedelta(hours=hours)
    assert last + second == calendar.start_of_day(day + DAY)
    assert calendar.in_time(last, day)
    assert calendar.in_time(last + second / 2, day)
    assert not calendar.in_time(last + second, day)
    facts = {
        "name": "Siti", "agency": "Kota", "year": day.year, "stage": "target_setting", "zone": zone, "contact": "x",
        "due": last.isoformat(), "url": "u", "duties": [{"kind": "draft_targets", "count": 1}],
    }  # fmt: skip
    named = {"Asia/Makassar": "WITA"}.get(zone, zone)
    for locale, time in ((Locale.ID, "pukul 23.59"), (Locale.EN, "at 23:59")):
        said = compose("stage_invitation", facts, locale).text
        assert f"{words.day(day.isoformat(), zone, locale)} {time} {named}" in " ".join(said.split())


class Elsewhere(World):
    zone = "Asia/Makassar"

    def _people(self) -> None:
        super()._people()
        with self.db.transaction() as session:
            session.execute(update(Agency).values(zone=self.zone))


@pytest.mark.parametrize(
    ("zone", "day"),
    [("Pacific/Pago_Pago", date(2026, 1, 31)), ("Pacific/Kiritimati", date(2026, 1, 31)),
     ("America/New_York", date(2026, 3, 8)), ("America/Santiago", date(2026, 4, 4))],
)  # fmt: skip
def test_f46_what_the_letter_says_is_when_the_desk_takes_the_last_act(
    db: Database, zone: str, day: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    dates = {**worlds.DATES, StageKind.TARGET_SETTING: StageDates(date(2026, 1, 5), day, day)}
    monkeypatch.setattr(worlds, "DATES", dates)
    monkeypatch.setattr(Elsewhere, "zone", zone)
    world = Elsewhere.make(db)
    world.at = datetime(2026, 1, 5, 12, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    world.tick(mail=False)
    told = next(one.facts["due"] for one in world.all(Letter, kind="stage_invitation"))
    due = datetime.fromisoformat(told)
    assert due.astimezone(ZoneInfo(zone)).date() == day
    one, other = world.open(None, ActKind.DRAFT_TARGETS)[:2]
    form = {task.id: world.form(task) for task in (one, other)}
    world.at = due + timedelta(milliseconds=999)
    world.send(one, form[one.id])
    world.at = due + timedelta(seconds=1)
    with pytest.raises(ActRefused) as refused:
        world.send(other, form[other.id])
    assert refused.value.details["closed_at"] == due


# ---- F48: the scheduler was away


def test_f48_what_should_have_gone_out_while_nobody_sent_is_not_sent_late(both: Database) -> None:
    stale, good = owe(both, 5, wave="a"), owe(both, 3, wave="a")
    with both.transaction() as session:
        session.execute(update(Letter).where(Letter.id.in_(stale)).values(not_after=AT + HOUR))
        session.execute(update(Letter).where(Letter.id.in_(good)).values(not_after=AT + 3 * DAY))
    with Sink() as sink:
        assert send(both, sink, now=lambda: AT + 2 * DAY) == {"accepted": 3}
        assert states(both) == {"accepted": 3, "expired": 5}
        assert {one.to for one in sink.letters} == {letter(both, id).address for id in good}
        assert "its time had passed" in letter(both, stale[0]).reply
        assert_sound(both, sink)


def test_f48_a_letter_whose_last_second_is_now_goes_out_and_one_second_later_does_not(db: Database) -> None:
    now, past = owe(db, 2)
    with db.transaction() as session:
        session.execute(update(Letter).where(Letter.id == now).values(not_after=AT))
        session.execute(update(Letter).where(Letter.id == past).values(not_after=AT - timedelta(seconds=1)))
    with Sink() as sink:
        assert send(db, sink) == {"accepted": 1}
        assert_sound(db, sink)


def test_f48_a_scheduler_that_was_away_from_before_a_stage_until_after_it_asks_nobody_for_what_is_over(
    db: Database,
) -> None:
    world = World.make(db)
    world.go("2026-01-04").tick(mail=False)
    world.go("2026-02-02")
    world.tick(mail=False)
    state = world.stage(StageKind.TARGET_SETTING).state
    assert state is StageState.PLANNED, "it does not open and close at once: HR extends it"
    with Sink() as sink:
        send(db, sink, now=lambda: world.at)
        with db.reading() as session:
            stage = world.stage(StageKind.TARGET_SETTING).id
            kinds = set(
                session.scalars(select(Letter.kind).where(Letter.stage_id == stage, Letter.accepted_at.is_not(None)))
            )
        assert not kinds & {"stage_invitation", "reminder"}
        assert_sound(db, sink)


def test_f48_one_that_was_away_over_reminders_sends_one_and_not_all_that_were_missed(db: Database) -> None:
    world = World.make(db)
    with Sink() as sink:
        for day in ("2026-01-05", "2026-01-30"):
            world.go(day).tick(mail=False)
            send(db, sink, now=lambda: world.at)
        reminders = world.all(Letter, kind="reminder")
        assert reminders
        assert len({one.person_id for one in reminders}) == len(reminders)
        assert_sound(db, sink)
