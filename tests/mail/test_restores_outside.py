"""A restored home, mark and all, is noticed by what was not restored with it."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import update

from actions.mail import outbox
from actions.recovery import restores
from actions.store import schema
from database import Database
from models import MailSwitch
from simulation.sink import Sink
from tests.mail.posting import AT, owe, send, states


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restores, "WATCH_SECONDS", 0.3)


def reason(db: Database) -> str:
    with db.reading() as session:
        return outbox.paused(session)


class Site:
    """A home with its database, and what this machine remembers outside of it."""

    def __init__(self, folder: Path, *, machine: str = "here", state: str = "state") -> None:
        self.home, self.machine = folder / "home", machine
        self.outside = folder / state
        self.db = Database(f"sqlite:///{self.home}/appraisal.db", durable=False)

    def send(self, sink: Sink, limit: int = 100_000) -> dict[str, int]:
        mark = restores.Mark(self.home, self.outside, self.machine)
        return dict(send(self.db, sink, limit, mark=mark))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    schema.upgrade(made.db)
    return made


def test_a_whole_home_that_was_set_back_sends_nothing_until_a_person_says_so(site: Site, tmp_path: Path) -> None:
    owe(site.db, 64)
    with Sink() as sink:
        assert site.send(sink, 1) == {"accepted": 1}
        site.db.close()
        shutil.copytree(site.home, tmp_path / "backup")
        assert site.send(sink) == {"accepted": 63}
        site.db.close()
        shutil.rmtree(site.home)
        shutil.copytree(tmp_path / "backup", site.home)
        restored = Site(tmp_path)
        assert restored.send(sink) == {}
        assert len(sink.letters) == 64, "none twice"
        assert "older than what this machine has sent" in reason(restored.db)
        assert "63 letters would go out now, perhaps again" in reason(restored.db)
        with restored.db.transaction() as session:
            outbox.resume(session)
        assert restored.send(sink) == {"accepted": 63}
        assert restored.send(sink) == {}
        assert reason(restored.db) == ""


def test_a_home_set_back_by_less_than_a_beat_is_noticed_by_the_letter_that_was_accepted_last(
    site: Site, tmp_path: Path
) -> None:
    owe(site.db, 5)
    with Sink() as sink:
        site.send(sink, 1)
        site.db.close()
        shutil.copytree(site.home, tmp_path / "backup")
        site.send(sink)
        with site.db.reading() as session:
            beats = session.get_one(MailSwitch, 1).beats
        site.db.close()
        shutil.rmtree(site.home)
        shutil.copytree(tmp_path / "backup", site.home)
        restored = Site(tmp_path)
        with restored.db.transaction() as session:
            session.execute(update(MailSwitch).values(beats=beats))
        assert restored.send(sink) == {}
        assert "does not know a letter that was accepted at 2026-01-05" in reason(restored.db)
        assert "4 letters would go out now" in reason(restored.db)


@pytest.mark.parametrize("copied", [False, True], ids=["another state folder", "state folder copied along"])
def test_a_home_that_starts_on_another_machine_is_asked_about_once(site: Site, tmp_path: Path, copied: bool) -> None:
    owe(site.db, 5)
    with Sink() as sink:
        site.send(sink, 2)
        site.db.close()
        moved = Site(tmp_path, machine="elsewhere", state="state" if copied else "new state")
        assert moved.send(sink) == {}
        assert "this machine has never sent for this database" in reason(moved.db)
        assert "3 letters would go out now" in reason(moved.db)
        with moved.db.transaction() as session:
            outbox.resume(session)
        assert moved.send(sink) == {"accepted": 3}


def test_a_new_database_and_one_from_before_are_not_asked_about(site: Site, tmp_path: Path) -> None:
    owe(site.db, 3)
    with Sink() as sink:
        assert site.send(sink, 1) == {"accepted": 1}, "nothing was ever sent"
        with site.db.transaction() as session:
            session.execute(update(MailSwitch).values(marked=False))
        shutil.rmtree(site.outside)
        assert site.send(sink, 1) == {"accepted": 1}, "no mark was ever made outside"
        assert site.send(sink) == {"accepted": 1}
        assert [path.stat().st_mode & 0o777 for path in site.outside.iterdir()] == [0o600]
        assert site.outside.stat().st_mode & 0o777 == 0o700


def test_a_machine_that_joins_others_at_work_is_not_asked_about(both: Database, tmp_path: Path) -> None:
    owe(both, 3)
    old = restores.Mark(tmp_path / "a", tmp_path / "a state", "a")
    with Sink() as sink:
        send(both, sink, 1, mark=old)
        new = restores.Mark(tmp_path / "b", tmp_path / "b state", "b")
        beats = iter([True])

        def beat_meanwhile(seconds: float) -> None:
            if next(beats, False):
                old.beat(both, at=AT)

        restores.time.sleep, slept = beat_meanwhile, restores.time.sleep
        try:
            assert send(both, sink, mark=new) == {"accepted": 2}
        finally:
            restores.time.sleep = slept
    assert reason(both) == ""


def test_a_folder_that_takes_no_mark_stops_nothing(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.outside.write_text("a file")
    owe(site.db, 2)
    with Sink() as sink:
        assert site.send(sink) == {"accepted": 2}
    assert sum("cannot be written" in message for message in caplog.messages) == 1


def test_said_to_be_restored_it_waits_and_opens_no_old_door(both: Database) -> None:
    owe(both, 4)
    with Sink() as sink:
        send(both, sink, 1)
        with both.transaction() as session:
            before = session.get_one(MailSwitch, 1).identity
            again = restores.restored(session, AT, at=AT)
            switch = session.get_one(MailSwitch, 1)
            assert (switch.generation, switch.restored_at, switch.identity != before) == (2, AT, True)
        assert (again.total, dict(again.letters)) == (3, {"launch_certificate": 3})
        assert send(both, sink) == {}
    assert states(both) == {"accepted": 1, "queued": 3}
    assert reason(both).startswith("a backup of 2026-01-05 02:00 UTC was restored. 3 letters would go out now")
