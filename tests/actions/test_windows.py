"""Each person is told only their own true time to object: in the letter, in the receipt and in the calendar file."""

from datetime import timedelta

from sqlalchemy import select, update

from actions.line.objection_windows import window_of
from models import Agency, Letter, Stage
from notifications.calendar_file import calendar_file
from notifications.compose import compose
from rules.terms import ActKind, Locale, StageKind
from tests.actions.world import World, local

OBJECTIONS = StageKind.OBJECTION_HANDLING


def test_before_receipt_the_letter_says_what_the_time_hangs_on_with_its_own_date(issued: World) -> None:
    ani = issued.people["ani"]
    letter = issued.one(Letter, kind="result_issued", person_id=ani)
    said = compose(letter.kind, letter.facts | {"url": "http://x/a/b"}, Locale.EN).text
    said = " ".join(said.split())
    assert "14 days from when you confirm receipt" in said
    assert "confirmed on Thursday, 21 January 2027, you may object until Thursday, 4 February 2027." in said
    assert "19 February" not in said
    assert "12 February" not in said, "the date of the stage is nobody's deadline"


def test_a_window_that_has_not_begun_counts_from_today_and_from_the_deemed_receipt(issued: World) -> None:
    ani, stage = issued.people["ani"], issued.stage(OBJECTIONS)
    issued.go("2027-01-25 10:00")
    with issued.db.reading() as session:
        letter = session.scalars(select(Letter).filter_by(kind="result_issued", person_id=ani)).one()
        assert letter.accepted_at is not None
        window = window_of(session, ani, session.get_one(Stage, stage.id), at=issued.at)
        assert window is not None
        assert window.until == local("2027-02-08 23:59") + timedelta(seconds=59)
        assert window.deemed == local("2027-01-28 23:59") + timedelta(seconds=59)
        assert window.deemed_until == local("2027-02-11 23:59") + timedelta(seconds=59)
        assert window_of(session, issued.people["ppk"], session.get_one(Stage, stage.id), at=issued.at) is None


def test_after_receipt_there_is_one_date_and_receipt_and_calendar_say_it(issued: World) -> None:
    with issued.db.transaction() as session:
        session.execute(update(Agency).values(calendar_file=True))
    issued.go("2027-01-25 10:00").act("ani", ActKind.ACKNOWLEDGE)
    ani, stage = issued.people["ani"], issued.stage(OBJECTIONS)
    with issued.db.reading() as session:
        assert window_of(session, ani, session.get_one(Stage, stage.id), at=issued.at) is None
        query = select(Letter).filter_by(kind="receipt", person_id=ani).order_by(Letter.id.desc())
        receipt = session.scalars(query.limit(1)).one()
        said = compose("receipt", receipt.facts | {"url": "http://x/a/b"}, Locale.EN).text
        assert "You may object to this result until Monday, 8 February 2027" in " ".join(said.split())
        calendar = calendar_file(receipt.facts, Locale.ID, stamp=issued.at)
        assert "DTSTART:20270208T155959Z" in calendar


def test_who_never_confirmed_is_told_once_that_their_time_to_object_runs_and_until_when(issued: World) -> None:
    with issued.db.transaction() as session:
        session.execute(update(Agency).values(calendar_file=True))
    issued.go("2027-01-25 10:00").act("budi", ActKind.ACKNOWLEDGE)
    issued.on("2027-01-29")
    issued.on("2027-01-30")
    ani = issued.one(Letter, kind="receipt_deemed", person_id=issued.people["ani"])
    assert not issued.all(Letter, kind="receipt_deemed", person_id=issued.people["budi"])
    until = issued.result("ani").objection_until
    assert until == local("2027-02-11 23:59") + timedelta(seconds=59)
    said = " ".join(compose("receipt_deemed", ani.facts | {"url": "http://x/a/b"}, Locale.ID).text.split())
    assert "Dianggap diterima: Kamis, 28 Januari 2027" in said
    assert "Keberatan sampai: Kamis, 11 Februari 2027 pukul 23.59 WITA" in said
    assert "DTSTART:20270211T155959Z" in calendar_file(ani.facts, Locale.ID, stamp=issued.at)
    assert ani.not_after is None, "a right does not end with its stage"
