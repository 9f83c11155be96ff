"""What a commit waits for: the disk, unless a later commit that does is to come before anything relies on it."""

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from database import Database

ASKED = {True: "PRAGMA synchronous", False: "SHOW synchronous_commit"}
FULL, NORMAL, OFF = 2, 1, 0


def waits(session: Session, db: Database) -> object:
    return session.execute(text(ASKED[db.is_sqlite])).scalar_one()


def each_in_turn(db: Database) -> list[object]:
    found = []
    for lasting in (True, False, False, True):
        with db.transaction(lasting=lasting) as session:
            found.append(waits(session, db))
    with db.writing() as connection:
        found.append(connection.execute(text(ASKED[db.is_sqlite])).scalar_one())
    return found


def test_only_what_need_not_last_does_not_wait_for_the_disk(both: Database) -> None:
    db = Database(both.url)
    expected = [FULL, NORMAL, NORMAL, FULL, FULL] if db.is_sqlite else ["on", "off", "off", "on", "on"]
    assert each_in_turn(db) == expected
    db.close()


def test_who_only_reads_waits_for_the_disk_as_well_for_the_last_one_to_close_the_file_empties_its_journal(
    db: Database,
) -> None:
    reader = Database(db.url)
    with reader.reading() as session:
        assert waits(session, reader) == FULL
    reader.close()


def test_a_database_that_is_thrown_away_never_waits(db: Database) -> None:
    assert each_in_turn(db) == [OFF] * 5


def fail(on: Session | Connection) -> None:
    on.execute(text("UPDATE mail_switch SET reason = 'b'"))
    raise ZeroDivisionError


@pytest.mark.parametrize("lasting", [True, False])
def test_what_is_committed_is_there_for_all_and_what_fails_is_not(both: Database, lasting: bool) -> None:
    with both.transaction(lasting=lasting) as session:
        session.execute(text("INSERT INTO mail_switch (id, reason, identity, beats) VALUES (2, 'a', '', 0)"))
    for way in (lambda: both.transaction(lasting=lasting), both.writing):
        with pytest.raises(ZeroDivisionError), way() as on:
            fail(on)
    with both.reading() as session:
        assert session.execute(text("SELECT reason FROM mail_switch WHERE id = 2")).scalar_one() == "a"
