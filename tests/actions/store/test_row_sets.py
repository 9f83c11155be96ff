from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, IntegrityError

from actions.store.row_sets import RowSet
from database import Database
from models import Bucket, MailEvent, Person
from rules.terms import AddressState

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
NASTY = ("", "NULL", "'; DROP TABLE bucket; --", "{given} %s :at", 'é "quoted" \\ \n\t', "\N{SNOWMAN} 国")

ADD = RowSet(
    "INSERT INTO mail_event (source, event_id, status, diagnostic, kind, letter_id, at)"
    " SELECT source, event_id, '', diagnostic, 'x', letter_id, {at} FROM {given} WHERE true ON CONFLICT DO NOTHING",
    {"source": MailEvent.source, "event_id": MailEvent.event_id, "diagnostic": MailEvent.diagnostic,
     "letter_id": MailEvent.letter_id},
    shared={"at": MailEvent.at},
)  # fmt: skip


def test_whatever_stands_in_a_row_arrives_as_it_is(both: Database) -> None:
    rows = [("t", str(number), told, None) for number, told in enumerate(NASTY)]
    with both.transaction() as session:
        assert list(ADD.execute(session, rows, at=AT)) == []
        assert list(ADD.execute(session, rows, at=AT)) == [], "no second time"
    with both.reading() as session:
        found = session.scalars(select(MailEvent).order_by(MailEvent.id)).all()
    assert [(one.event_id, one.diagnostic, one.letter_id, one.at) for one in found] == [
        (number, told, None, AT) for _, number, told, _ in rows
    ]


def test_what_is_found_has_the_types_of_the_models(both: Database) -> None:
    find = RowSet(
        "SELECT given.state, mail_event.at, mail_event.letter_id FROM mail_event"
        " JOIN {given} ON given.event_id = mail_event.event_id ORDER BY mail_event.id",
        {"event_id": MailEvent.event_id, "state": Person.email_state},
        found=[Person.email_state, MailEvent.at, MailEvent.letter_id],
    )
    with both.transaction() as session:
        ADD.execute(session, [("t", "1", "", None), ("t", "2", "", None)], at=AT)
        found = find.execute(session, [("2", AddressState.HARD), ("3", AddressState.OK)])
    assert list(found) == [(AddressState.HARD, AT, None)]


def test_no_rows_are_no_error(both: Database) -> None:
    with both.transaction() as session:
        ADD.execute(session, [], at=AT)
        assert session.scalars(select(MailEvent)).all() == []


def test_an_error_is_one_of_sqlalchemys_and_tells_no_values(both: Database) -> None:
    secret = "someone@private.example"
    with pytest.raises(IntegrityError) as refused, both.transaction() as session:
        ADD.execute(session, [("t", "1", secret, 987654321)], at=AT)
    assert secret not in str(refused.value)
    wrong = RowSet("SELECT nothing FROM {given}", {"name": Bucket.scope}, found=[Bucket.scope])
    with pytest.raises(DBAPIError), both.transaction() as session:
        wrong.execute(session, [("a",)])
    with both.transaction() as session:
        ADD.execute(session, [("t", "2", "fine", None)], at=AT)
