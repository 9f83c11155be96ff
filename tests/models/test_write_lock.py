"""On SQLite one writes at a time: the others wait for their turn, not for SQLite's next look."""

import threading
import time

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

import database
from database import Database


def test_who_waits_for_the_write_lock_has_it_soon_after_it_is_free(db: Database) -> None:
    taken, freed = threading.Event(), []

    def hold() -> None:
        with db.transaction() as session:
            session.connection()
            taken.set()
            time.sleep(0.135)
        freed.append(time.monotonic())

    waits = []
    for _ in range(5):
        taken.clear()
        holder = threading.Thread(target=hold)
        holder.start()
        taken.wait()
        with db.transaction() as session:
            session.connection()
            waits.append(time.monotonic())
        holder.join()
    late = sorted(got - free for got, free in zip(waits, freed, strict=True))
    assert late[0] < 0.01, "SQLite alone looks after 128 and 178 ms"


def test_a_lock_that_is_never_given_back_is_an_error_after_the_full_time(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_MILLISECONDS", 300)
    other = Database(db.url)
    with db.transaction() as session:
        session.connection()
        began = time.monotonic()
        with pytest.raises(OperationalError, match="locked"), other.transaction() as waiting:
            waiting.connection()
        assert time.monotonic() - began >= 0.3
    with other.transaction() as session:
        assert session.execute(text("SELECT 1")).scalar_one() == 1
    other.close()
