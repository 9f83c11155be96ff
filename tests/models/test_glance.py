"""A glance asks and cannot write, whatever the session is told."""

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from database import Database
from models import Agency


def _write(db: Database) -> None:
    with db.glance() as session:
        session.add(Agency(code="kota", name="Kota", zone="Asia/Makassar"))
        session.flush()
        session.commit()


def test_what_a_glance_writes_by_mistake_is_not_there(both: Database) -> None:
    if both.is_sqlite:
        with both.glance() as session:
            session.add(Agency(code="kota", name="Kota", zone="Asia/Makassar"))
            session.flush()
    else:
        with pytest.raises(DBAPIError, match="read-only transaction"):
            _write(both)
    with both.glance() as session:
        assert session.query(Agency).count() == 0
    with both.transaction() as session:
        session.add(Agency(code="kota", name="Kota", zone="Asia/Makassar"))
    with both.glance() as session:
        assert session.query(Agency).one().name == "Kota", "and what others wrote is seen"


def test_a_server_begins_no_transaction_for_a_glance(pg: Database) -> None:
    with pg.glance() as session:
        connection = session.connection().connection.driver_connection
        assert connection is not None
        assert connection.autocommit
        assert connection.info.transaction_status.name == "IDLE"
        session.execute(text("SELECT 1"))
        assert connection.info.transaction_status.name == "IDLE"


def test_a_connection_that_the_server_ended_is_not_used_again(pg: Database) -> None:
    with pg.glance() as session:
        pid = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with pg.transaction() as session:
        session.execute(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": pid})
    made: list[int] = []
    event.listen(pg._glancing_engine, "connect", lambda *_: made.append(1))
    for _ in range(50):
        with pg.glance() as session:
            if session.execute(text("SELECT pg_backend_pid()")).scalar_one() != pid:
                break
    assert made == [1]
    with pg.glance() as session, pytest.raises(DBAPIError, match="read-only"):
        session.execute(text("DELETE FROM agency"))
