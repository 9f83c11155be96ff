"""A restored backup does not send yesterday's letters again on its own."""

from pathlib import Path

import pytest
from sqlalchemy import select, update

from actions.mail import outbox, waves
from actions.recovery import restores
from actions.store import schema
from database import Database
from models import Letter, MailSwitch
from rules.terms import LetterState
from tests.mail.posting import AT, letter, owe


def reason(db: Database) -> str:
    with db.reading() as session:
        return outbox.paused(session)


def test_it_is_noticed_on_both_databases(both: Database, tmp_path: Path) -> None:
    mark, other = restores.Mark(tmp_path / "home"), restores.Mark(tmp_path / "other machine")
    for _ in range(3):
        mark.beat(both, at=AT)
    other.beat(both, at=AT)
    assert reason(both) == ""
    with both.transaction() as session:
        session.execute(update(MailSwitch).values(beats=MailSwitch.beats - 3))
    mark.beat(both, at=AT)
    assert "0 letters would go out now" in reason(both)
    with both.transaction() as session:
        outbox.resume(session)
    mark.beat(both, at=AT)
    assert reason(both) == ""


@pytest.mark.parametrize("spoiled", ["", "{", "[]", '{"beats": "many"}', '{"beats": null}'])
def test_a_spoiled_mark_stops_nothing(db: Database, tmp_path: Path, spoiled: str) -> None:
    mark = restores.Mark(tmp_path)
    mark.beat(db, at=AT)
    (file,) = tmp_path.glob("outbox-*.json")
    file.write_text(spoiled)
    mark.beat(db, at=AT)
    assert reason(db) == ""
    assert '"beats": 2' in file.read_text()


def test_two_databases_do_not_mistake_each_other(tmp_path: Path) -> None:
    mark, made = restores.Mark(tmp_path / "home"), []
    for name, beats in (("old", 5), ("new", 1)):
        db = Database(f"sqlite:///{tmp_path}/{name}.db", durable=False)
        schema.upgrade(db)
        for _ in range(beats):
            mark.beat(db, at=AT)
        made.append(db)
    assert [reason(db) for db in made] == ["", ""]
    with made[0].reading() as one, made[1].reading() as two:
        assert one.scalars(select(MailSwitch.identity)).one() != two.scalars(select(MailSwitch.identity)).one()
    for db in made:
        db.close()


def test_held_letters_say_why(db: Database) -> None:
    (owed,) = owe(db, 1)
    with db.transaction() as session:
        waves.hold_waiting(session, at=AT)
    found = letter(db, owed)
    assert (found.state, found.ended_at) == (LetterState.HELD, AT)
    assert "before the database was restored" in found.reply
    with db.reading() as session:
        assert session.scalars(select(Letter.state)).all() == [LetterState.HELD]
