"""One run at a time: the lease of a dead one ends, the lease of a living one does not, a hung one loses its own."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from actions.mail.claims import database_now
from actions.stages import leases
from actions.stages.leases import LeaseLost
from database import Database
from models import Lease

NAME = "stage:contoh:2027:target_setting"


def end(db: Database) -> None:
    """As if the minute had passed without a sign of life."""
    with db.transaction() as session:
        session.execute(update(Lease).values(until=database_now(session) - timedelta(seconds=1)))


def taken(db: Database, holder: str) -> leases.Held | None:
    with db.transaction() as session:
        return leases.take(session, NAME, holder)


def test_who_lives_keeps_it_and_who_died_loses_it(both: Database) -> None:
    first = taken(both, "a")
    assert first is not None
    assert taken(both, "b") is None
    end(both)
    second = taken(both, "b")
    assert second is not None
    with both.transaction() as session:
        assert leases.renew(session, first) is False
        assert leases.renew(session, second) is True
        assert leases.living(session) == {NAME: "b"}
    with pytest.raises(LeaseLost), both.transaction() as session:
        leases.demand(session, first)
    with both.transaction() as session:
        leases.demand(session, second)
        leases.release(session, first)
        assert session.scalar(select(Lease.holder)) == "b", "who lost it does not release it"
        leases.release(session, second)
        assert leases.living(session) == {}


def test_who_holds_it_and_asks_again_gets_it_with_a_new_token(both: Database) -> None:
    first, again = taken(both, "a"), taken(both, "a")
    assert first is not None
    assert again is not None
    with pytest.raises(LeaseLost), both.transaction() as session:
        leases.demand(session, first)


def test_renewing_lasts_a_minute_from_now(both: Database) -> None:
    held = taken(both, "a")
    assert held is not None
    end(both)
    with both.transaction() as session:
        assert leases.living(session) == {}
        assert leases.renew(session, held)
        left = session.scalars(select(Lease.until)).one() - database_now(session)
        assert timedelta(seconds=55) < left <= leases.LASTS
        assert timedelta(minutes=2) >= leases.LASTS


def test_a_batch_in_progress_neither_stops_the_heart_nor_lets_another_in(pg: Database) -> None:
    """The batch is kept or lost as a whole before anybody else begins."""
    held = taken(pg, "a")
    assert held is not None
    with pg.transaction() as batch:
        leases.demand(batch, held)
        with pg.transaction() as session:
            assert leases.renew(session, held)
        end(pg)
        assert taken(pg, "b") is None
    assert taken(pg, "b") is not None


def test_a_process_that_hangs_in_a_batch_does_not_hold_it_for_ever(
    pg: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = taken(pg, "a")
    with pg.transaction() as session:
        leases.demand(session, held)
        silent = session.connection().exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar_one()
        assert silent == "90s"
    with pg.transaction() as session:
        assert session.connection().exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar_one() == "0"


def test_what_the_dead_left_is_removed(both: Database) -> None:
    taken(both, "a")
    with both.transaction() as session:
        assert leases.forget_the_dead(session) == 0
    end(both)
    with both.transaction() as session:
        assert leases.forget_the_dead(session) == 1
