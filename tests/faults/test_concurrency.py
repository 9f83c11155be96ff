"""F12 to F19: many at once, and things that change between the moment a letter is owed and the moment it leaves."""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from signal import SIGTERM
from typing import Any

import pytest
from sqlalchemy import func, select, update

import clock
from actions.duties import links
from actions.mail import outbox
from actions.mail.outbox import Claimed
from actions.stages import steps
from actions.stages.due import due
from database import Database
from models import Assignment, Base, Letter, Person
from rules.terms import Lane, LetterState, StageKind, StageState, Step
from rules.time.stages import StepRefused
from simulation.sink import Do, Sink
from tests.accidents.world import check_whole
from tests.actions.world import World
from tests.faults.held import BULK, Hold
from tests.faults.runner import PATIENCE, Orders, Process
from tests.mail.office import SECRET
from tests.mail.posting import AT, assert_sound, letter, limit, owe, send, states

ROOT = Path(__file__).parents[2]
EACH = list(Lane)
TARGETS = StageKind.TARGET_SETTING
LATER = timedelta(minutes=31)


# ---- F12


def at_once(*what: Callable[[], Any]) -> list[Any]:
    barrier = threading.Barrier(len(what))

    def begin(one: Callable[[], Any]) -> Any:
        barrier.wait()
        return one()

    with ThreadPoolExecutor(len(what)) as pool:
        return list(pool.map(begin, what))


def owe_very_many(db: Database, count: int) -> None:
    """Copies of one letter's row, to as many people as there are."""
    (first,) = owe(db, 1)
    with db.transaction() as session:
        row = dict(session.execute(select(Letter.__table__).where(Letter.id == first)).mappings().one())
        more = [
            row | {"id": first + n, "key": f"{row['key']}:{n}", "message_id": f"<{n}@many.example>"}
            for n in range(1, count)
        ]
        session.connection().execute(Letter.__table__.insert(), more)


def claim_all(db: Database, owner: str) -> list[Claimed]:
    mine: list[Claimed] = []
    while True:
        with db.transaction() as session:
            got = outbox.claim(session, owner, EACH, 500, at=AT)
        if not got:
            return mine
        mine += got


def test_f12_of_twenty_thousand_letters_no_two_claimers_ever_get_the_same(both: Database) -> None:
    owe_very_many(both, 20_000)
    for round_, claimers in enumerate((2, 4), 1):
        shares = at_once(*[lambda n=n: claim_all(both, f"c{n}") for n in range(claimers)])
        assert all(shares) or both.is_sqlite, "each got some; SQLite may let one of them wait for all others"
        taken = Counter(one.id for share in shares for one in share)
        assert (len(taken), set(taken.values())) == (20_000, {1})
        with both.reading() as session:
            held = dict(session.execute(select(Letter.id, Letter.lease_owner)).tuples().all())
            assert session.scalars(select(Letter.attempts).distinct()).all() == [round_]
        assert all(held[one.id] == one.owner for share in shares for one in share)
        for share in shares:
            with both.transaction() as session:
                assert outbox.give_back(session, share) == len(share)
    assert states(both) == {"queued": 20_000}
    assert_sound(both, Sink())


@pytest.mark.parametrize("dispatchers", [2, 4])
def test_f12_dispatchers_at_once_send_each_letter_once(both: Database, dispatchers: int) -> None:
    owe(both, 300, wave="a")
    owe(both, 60)
    with Sink() as sink:
        processes = [Process(Orders(both.url, sink.port, connections=2)) for _ in range(dispatchers)]
        assert [one.end() for one in processes] == [0] * dispatchers
        assert sum(sink.copies().values()) == len(sink.copies()) == 360
        assert_sound(both, sink, everything_out=True)


# ---- F13, F18: a world of people


@pytest.fixture
def world(both: Database) -> World:
    """On the first day of target setting; nothing is opened yet."""
    return World.make(both).go("2026-01-05")


def rows(db: Database) -> dict[str, int]:
    with db.reading() as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }


def take(world: World, step: Step, occasion: str = "") -> str:
    try:
        steps.run(world.db.transaction, world.ref(TARGETS, step, occasion), at=world.at, size=2)
    except StepRefused as refused:
        return str(refused)
    return "done"


def send_world(world: World, sink: Sink, **more: Any) -> Counter[str]:
    return Counter(send(world.db, sink, now=lambda: world.at, **more))


def test_f13_a_flow_that_is_run_twice_leaves_no_new_row(world: World) -> None:
    with Sink() as sink:
        assert take(world, Step.OPEN) == "done"
        before = rows(world.db)
        assert before["letter"] == 7
        assert take(world, Step.OPEN) == "already done"
        assert rows(world.db) == before
        send_world(world, sink)
        before = rows(world.db)
        assert take(world, Step.OPEN) == "already done"
        assert send_world(world, sink) == {}
        assert rows(world.db) == before
        assert len(sink.letters) == 7
        assert_sound(world.db, sink, everything_out=True)
        check_whole(world.db)


def test_f18_two_reminder_runs_at_once_remind_nobody_twice(world: World) -> None:
    with Sink() as sink:
        take(world, Step.OPEN)
        send_world(world, sink)
        world.go("2026-01-15 07:00")
        with world.db.reading() as session:
            (occasion,) = {one.occasion for one in due(session, at=world.at) if one.step is Step.REMIND}
        said = at_once(*[lambda: take(world, Step.REMIND, occasion)] * 2)
        assert "done" in said
        reminded = Counter(one.person_id for one in world.all(Letter, kind="reminder"))
        assert len(reminded) == 7
        assert set(reminded.values()) == {1}
        assert send_world(world, sink) == {"accepted": 7}
        assert_sound(world.db, sink, everything_out=True)
        check_whole(world.db)


# ---- F14


ALONE = "import sys; sys.modules['prefect'] = None; from cli.main import main; main()"
"""The command line where Prefect is not even installed."""


def test_f14_letters_leave_by_the_resident_dispatcher_though_prefect_is_gone(both: Database, tmp_path: Path) -> None:
    """Nothing of Prefect can be imported, and its address leads to nobody, while a wave and a later one go out."""
    clock.move_to(AT)
    owe(both, 60, wave="a")
    with Sink() as sink:
        env = {
            **os.environ, "APPRAISAL_DATABASE_URL": both.url, "APPRAISAL_SECRET": SECRET,
            "APPRAISAL_HOME": str(tmp_path), "APPRAISAL_SMTP_URL": f"smtp://127.0.0.1:{sink.port}",
            "PREFECT_API_URL": "http://127.0.0.1:9/api",
        }  # fmt: skip
        command = [sys.executable, "-c", ALONE, "mail", "deliver", "--resident"]
        with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL) as process:
            sink.wait_for_letters(60, seconds=PATIENCE)
            owe(both, 5, wave="b")
            sink.wait_for_letters(65, seconds=PATIENCE)
            process.terminate()
            assert process.wait(PATIENCE) == 0
        assert_sound(both, sink, everything_out=True)


# ---- F15 to F17: what changes while a letter is on its way


def test_f15_a_stage_that_closes_while_its_wave_is_sent_ends_the_rest_of_it(
    world: World, sink: Sink, hold: Hold
) -> None:
    take(world, Step.OPEN)
    with world.db.transaction() as session:
        session.execute(update(Letter).values(not_after=None))  # so that only the stage's own state can end them
    with hold.at("DOT", lambda: world.at):
        world.go("2026-02-01 07:00")
        assert take(world, Step.CLOSE) == "done"
        assert world.stage(TARGETS).state is StageState.CLOSED
    invitations = world.all(Letter, kind="stage_invitation")
    assert Counter(one.state for one in invitations) == {LetterState.ACCEPTED: 1, LetterState.EXPIRED: 6}
    arrived = {one.message_id for one in sink.letters} & {one.message_id for one in invitations}
    assert len(arrived) == 1, "what was past its dot could not be called back"
    assert_sound(world.db, sink)


def test_f16_who_is_replaced_between_claim_and_send_gets_no_letter_and_the_new_one_does(
    world: World, sink: Sink, hold: Hold
) -> None:
    take(world, Step.OPEN)
    with hold.at("DATA", lambda: world.at):
        first = {one.person_id for one in world.all(Letter) if one.first_tried_at}
        replaced = next(one for one in world.all(Letter) if one.person_id not in first)
        with world.db.transaction() as session:
            links.revoke_links(session, replaced.person_id, "salah orang", at=world.at)
            duty = session.scalars(select(Assignment).filter_by(person_id=replaced.person_id)).one()
            duty.person_id = world.people["hr" if world.name(replaced.person_id) != "hr" else "ani"]
    ended = world.one(Letter, id=replaced.id)
    assert (ended.state, ended.reply) == (LetterState.CANCELLED, "its link was revoked: salah orang")
    assert replaced.address not in {one.to for one in sink.letters}
    assert len(sink.letters) == 6, "its neighbours go out"
    assert_sound(world.db, sink)


def test_f17_a_letter_goes_where_its_person_is_when_it_leaves(both: Database, sink: Sink, hold: Hold) -> None:
    owed = owe(both, 6)
    with hold.at("DATA", lambda: AT), both.transaction() as session:
        session.execute(update(Person).values(email="new." + Person.email))
    first, *others = [one.to for one in sink.letters]
    assert (first, sorted(others)) == ("p0@kota.example", [f"new.p{n}@kota.example" for n in range(1, 6)])
    assert letter(both, owed[5]).address == "new.p5@kota.example"
    assert_sound(both, sink, everything_out=True)


def test_f17_where_a_copy_may_be_out_the_next_one_is_the_same_and_goes_to_the_same_address(
    both: Database, sink: Sink
) -> None:
    owe(both, 3)
    sink.on("DOT", Do(drop=True, keep=True), times=1)
    assert send(both, sink, connections=1, lanes=BULK) == {"accepted": 2, "ambiguous": 1}
    with both.transaction() as session:
        session.execute(update(Person).values(email="new." + Person.email))
        assert outbox.resolve_ambiguous(session, at=AT + LATER) == 1
    assert send(both, sink, now=lambda: AT + LATER) == {"accepted": 1}
    assert Counter(one.to for one in sink.letters).most_common(1) == [("p0@kota.example", 2)]
    assert_sound(both, sink, everything_out=True)


# ---- F19


@contextmanager
def residents(db: Database, sink: Sink, count: int) -> Iterator[None]:
    processes = [Process(Orders(db.url, sink.port, resident=True, connections=2)) for _ in range(count)]
    try:
        yield
    finally:
        for one in processes:
            one.say(SIGTERM)
        assert [one.end() for one in processes] == [0] * count


def test_f19_processes_keep_one_limit_together_and_a_change_of_it_holds_within_a_second(both: Database) -> None:
    limit(both, "relay", "20/s")
    owe(both, 120)
    with Sink() as sink:
        with residents(both, sink, 2):
            sink.wait_for_letters(30, seconds=PATIENCE)
            limit(both, "relay", "1/s")
            time.sleep(1.0)
            before = len(sink.letters)
            time.sleep(1.0)
            assert len(sink.letters) - before <= 2
            limit(both, "relay", "none")
            sink.wait_for_letters(120, seconds=PATIENCE)
        assert Counter(one.connection for one in sink.letters).keys() >= {1, 2}
        assert sink.letters[29].at - sink.letters[0].at >= 1.0, "twenty a second, and a burst of two"
        assert_sound(both, sink, everything_out=True)


def test_f19_a_pause_holds_within_a_second_in_all_processes_until_it_is_over(both: Database) -> None:
    limit(both, "relay", "40/s")
    owe(both, 120)
    with Sink() as sink:
        with residents(both, sink, 2):
            sink.wait_for_letters(10, seconds=PATIENCE)
            with both.transaction() as session:
                outbox.pause(session, "enough", at=AT)
            time.sleep(1.0)
            before = len(sink.letters)
            time.sleep(0.5)
            assert len(sink.letters) == before < 120
            limit(both, "relay", "none")
            with both.transaction() as session:
                outbox.resume(session)
            sink.wait_for_letters(120, seconds=PATIENCE)
        assert_sound(both, sink, everything_out=True)
