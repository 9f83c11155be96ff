"""A backup taken while letters leave, put back on both databases: nothing lost, nothing sent again unasked."""

import json
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from typer.testing import CliRunner

import database
import settings
from actions.mail import checks, letters, outbox, waves
from actions.recovery import backups, restores
from actions.recovery.backup_tables import BackupRefused
from actions.store import schema
from cli import main
from database import Database
from models import ActionLink, Letter, MailSwitch, Person, WebSession
from rules.terms import LetterState
from simulation.sink import Sink
from tests.conftest import START, _as_admin, _named, _numbers
from tests.mail.posting import AT, agency_of, owe, send, states

SECRET = "a secret of an office, of more than 32 letters"


class Site:
    """An installation with a database of its own, its home and its state, as its environment has it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, make_url: Callable[[], str]) -> None:
        self.folder, self.home, self.outside = folder, folder / "home", folder / "state"
        self.monkeypatch, self.make_url = monkeypatch, make_url
        self.monkeypatch.setenv("APPRAISAL_STATE_DIR", str(self.outside))
        self.monkeypatch.setenv("APPRAISAL_HOME", str(self.home))
        self.move()
        schema.upgrade(self.db)

    def move(self) -> None:
        """Use another database from now on."""
        if url := self.make_url():
            self.monkeypatch.setenv("APPRAISAL_DATABASE_URL", url)
            self.monkeypatch.setenv("APPRAISAL_SECRET", SECRET)
        self.again()

    def again(self) -> None:
        settings.load.cache_clear()
        database.use(None)
        self.db = Database(settings.load().database, schema=database.SCHEMA)
        database.use(self.db)

    def send(self, sink: Sink, limit: int = 100_000, **more) -> dict[str, int]:
        mark = restores.Mark(self.home, self.outside)
        return dict(send(self.db, sink, limit, mark=mark, **more))

    def backup(self, name: str = "backup", **more) -> Path:
        backups.make(self.db, settings.load(), self.folder / name, at=AT, **more)
        return self.folder / name

    def restore(self, name: str = "backup", **more) -> backups.PutBack:
        self.db.close()
        done = backups.restore(self.folder / name, settings.load(), at=AT, **more)
        self.again()
        return done

    def count(self, model: type) -> int:
        with self.db.reading() as session:
            return session.scalar(select(func.count()).select_from(model)) or 0

    @property
    def reason(self) -> str:
        with self.db.reading() as session:
            return outbox.paused(session)


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    made: list[str] = []

    def postgres() -> str:
        server = request.getfixturevalue("postgres_server")
        made.append(f"appraisal_{next(_numbers)}")
        _as_admin(server, f"CREATE DATABASE {made[-1]}")
        return _named(server, made[-1])

    monkeypatch.delenv("APPRAISAL_SECRET", raising=False)
    monkeypatch.delenv("APPRAISAL_DATABASE_URL", raising=False)
    site = Site(tmp_path, monkeypatch, postgres if request.param == "postgresql" else str)
    yield site
    site.db.close()
    database.use(None)
    settings.load.cache_clear()
    for name in made:
        _as_admin(request.getfixturevalue("postgres_server"), f"DROP DATABASE {name} WITH (FORCE)")


def modes(folder: Path) -> set[str]:
    return {f"{'d' if path.is_dir() else 'f'}{stat.S_IMODE(path.stat().st_mode):o}" for path in folder.rglob("*")}


def test_a_backup_put_back_sends_nothing_unasked_and_says_what_it_would(site: Site) -> None:
    owe(site.db, 64)
    with Sink() as sink:
        assert site.send(sink, 1) == {"accepted": 1}
        folder = site.backup()
        assert site.send(sink) == {"accepted": 63}
        done = site.restore(overwrite=True)
        assert (done.again.total, dict(done.again.letters), done.aside != "") == (63, {"launch_certificate": 63}, True)
        assert states(site.db) == {"accepted": 1, "queued": 63}
        assert site.send(sink) == {}
        assert len(sink.letters) == 64, "none twice"
        assert site.reason.startswith("a backup of 2026-01-05 02:00 UTC was restored. 63 letters would go out now")
        assert modes(folder) <= {"f600", "d700"}
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        with site.db.transaction() as session:
            assert session.get_one(MailSwitch, 1).generation == 2
            assert waves.hold_waiting(session, at=AT) == 63
            outbox.resume(session)
        assert site.send(sink) == {}
        assert site.reason == "", "asked once, and not again"


def test_what_is_let_go_after_a_restore_is_counted_as_perhaps_sent_twice(site: Site) -> None:
    owe(site.db, 4)
    with Sink() as sink:
        assert site.send(sink, 1) == {"accepted": 1}
        site.backup()
        assert site.send(sink) == {"accepted": 3}
        site.restore(overwrite=True)
        owe(site.db, 2)
        with site.db.transaction() as session:
            outbox.resume(session)
        assert site.send(sink) == {"accepted": 5}
    assert len(sink.letters) == 9, "three of them twice"
    with site.db.reading() as session:
        found = letters.certificate(session)
        assert checks.overview(session)["perhaps_twice"] == 3
    assert (found.states, found.missing, found.doubled, found.restored) == ({"accepted": 6}, 0, 0, 3)
    assert not found.clean
    said = CliRunner().invoke(main.app, ["--locale", "en", "mail", "status"]).output
    assert "3 letters may have gone out twice" in said


def test_what_was_kept_back_after_a_restore_went_out_once(site: Site) -> None:
    owe(site.db, 4)
    with Sink() as sink:
        assert site.send(sink, 1) == {"accepted": 1}
        site.backup()
        assert site.send(sink) == {"accepted": 3}
        site.restore(overwrite=True)
        with site.db.transaction() as session:
            waves.hold_waiting(session, at=AT)
            outbox.resume(session)
        assert site.send(sink) == {}
    with site.db.reading() as session:
        assert letters.certificate(session).restored == 0


def test_it_is_as_of_one_instant_while_letters_leave(site: Site) -> None:
    owe(site.db, 400)
    with Sink() as sink:
        sending = threading.Thread(target=site.send, args=(sink,))
        sending.start()
        sink.wait_for_letters(40)
        site.backup()
        arrived = len(sink.letters)
        sending.join()
        done = site.restore(overwrite=True)
    with site.db.reading() as session:
        proven = session.scalar(text(
            "SELECT count(*) FROM letter WHERE state = 'accepted' AND EXISTS (SELECT 1 FROM mail_attempt"
            " WHERE letter_id = letter.id AND outcome = 'accepted')"
        ))  # fmt: skip
        accepted = session.scalar(select(func.count()).where(Letter.state == LetterState.ACCEPTED)) or 0
    assert accepted == proven <= arrived
    assert accepted + done.again.total == 400
    assert site.count(Letter) == 400


def test_it_is_put_back_where_nothing_is_and_new_rows_go_on_after_the_old(site: Site) -> None:
    first = owe(site.db, 3)
    folder = site.backup()
    site.db.close()
    shutil.rmtree(site.home, ignore_errors=True)
    site.move()
    site.db.close()
    assert site.restore().aside == ""
    assert site.count(Person) == 3
    assert min(owe(site.db, 2)) > max(first)
    assert modes(site.home) <= {"f600", "d700", "f644"}
    assert json.loads((folder / "manifest.json").read_text())["version"] == database.SCHEMA
    assert schema.differences(site.db) == []


def test_what_is_in_use_is_not_overwritten_and_a_failure_leaves_all_as_it_was(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    owe(site.db, 2)
    site.backup()
    owe(site.db, 3)
    with pytest.raises(BackupRefused, match="With --overwrite it is moved aside"):
        site.restore()
    with monkeypatch.context() as patched:
        patched.setattr(restores, "restored", lambda *args, **more: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            site.restore(overwrite=True)
    site.again()
    assert site.count(Letter) == 5


def test_who_is_at_work_is_not_pulled_away_under(site: Site) -> None:
    owe(site.db, 2)
    site.backup()
    living = Database(site.db.url)
    with living.reading() as session:
        session.scalar(select(func.count()).select_from(Letter))
        with pytest.raises(BackupRefused, match="are at work on this"):
            site.restore(overwrite=True)
    living.close()


@pytest.mark.parametrize("harm", ["cut", "added", "missing", "manifest"])
def test_a_backup_that_is_not_as_it_was_made_is_refused(site: Site, harm: str) -> None:
    owe(site.db, 2)
    folder = site.backup()
    victim = next(path for path in sorted(folder.rglob("*")) if path.suffix in (".db", ".copy") and path.stat().st_size)
    if harm == "cut":
        victim.write_bytes(victim.read_bytes()[:-1])
    elif harm == "missing":
        victim.unlink()
    elif harm == "added":
        (folder / "home").mkdir(exist_ok=True)
        (folder / "home" / "secret2").write_text("x")
    else:
        (folder / "manifest.json").write_text("{}")
    with pytest.raises(BackupRefused, match="is no backup" if harm == "manifest" else "is not as it was made"):
        site.restore(overwrite=True)
    assert site.count(Letter) == 2


def test_old_sessions_and_codes_open_nothing(site: Site) -> None:
    (owed,) = owe(site.db, 1)
    with site.db.transaction() as session:
        person = session.get_one(Letter, owed).person_id
        session.add(WebSession(secret_sha256="0" * 64, person_id=person, begun_at=AT, seen_at=AT))
    site.backup()
    site.restore(overwrite=True)
    with site.db.reading() as session:
        assert session.scalars(select(WebSession.ended_at)).all() == [AT]


def test_without_its_secret_a_backup_signs_no_link_and_is_not_put_back_by_mistake(site: Site) -> None:
    owe(site.db, 1)
    secret = settings.load().master
    folder = site.backup(with_secrets=False)
    for path in (one for one in folder.rglob("*") if one.is_file()):
        assert secret not in path.read_bytes(), path.name
    shutil.rmtree(site.home, ignore_errors=True)
    site.move()
    site.monkeypatch.setenv("APPRAISAL_SECRET", "another secret of more than 32 letters, surely")
    site.again()
    site.db.close()
    with pytest.raises(BackupRefused, match="The secret here is not the one of the backup"):
        site.restore()
    site.restore(new_secret=True)
    assert site.count(Letter) == 1


def test_a_backup_never_overwrites_another_and_lies_outside_the_home(site: Site) -> None:
    agency_of(site.db)
    site.backup()
    with pytest.raises(BackupRefused, match="is there already"):
        site.backup()
    with pytest.raises(BackupRefused, match="lies in the home"):
        site.backup("home/backup")
    assert not list(site.folder.glob(".*.part"))
    assert site.count(ActionLink) == 0


def test_the_commands_say_what_was_done(site: Site) -> None:
    owe(site.db, 2)
    run = CliRunner()
    made = run.invoke(main.app, ["backup", str(site.folder / "b")], catch_exceptions=False)
    assert "It holds the secret that signs all links" in made.output
    site.db.close()
    done = run.invoke(main.app, ["restore", str(site.folder / "b"), "--overwrite"], catch_exceptions=False)
    assert "Delivery is stopped. 2 letters would go out, perhaps a second time: 2 launch certificate." in done.output
    refused = run.invoke(main.app, ["restore", str(site.folder)])
    assert isinstance(refused.exception, BackupRefused)


def test_a_simulation_is_put_back_as_one(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert START
    owe(db, 2)
    monkeypatch.setenv("APPRAISAL_HOME", str(tmp_path / "other"))
    monkeypatch.setenv("APPRAISAL_STATE_DIR", str(tmp_path / "state"))
    settings.load.cache_clear()
    backups.make(db, settings.load(), tmp_path / "b", at=AT)
    shutil.rmtree(tmp_path / "other", ignore_errors=True)
    backups.restore(tmp_path / "b", settings.load(), at=AT)
    restored = Database(settings.load().database)
    assert restored.simulated
    assert not (tmp_path / "state").exists()
    restored.close()
    settings.load.cache_clear()
