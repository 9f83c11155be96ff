"""What Prefect shows of a failure says what and where, and none of the values."""

import pytest
from prefect.states import Failed
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

import database
from tasks.failing import Broken, _may_pass, guarded


def broken_by(error: Exception) -> Broken:
    with pytest.raises(Broken) as caught, guarded():
        raise error
    return caught.value


def test_the_message_of_the_error_is_not_repeated() -> None:
    broken = broken_by(KeyError("Siti Aminah"))
    assert "Siti" not in str(broken)
    assert str(broken).startswith("KeyError at ")
    assert broken.__suppress_context__


def test_where_it_happened_is_named_by_our_own_lines(db: database.Database) -> None:
    with pytest.raises(Broken) as caught, guarded(), db.transaction() as session:
        session.execute(text("SELECT * FROM nowhere WHERE email = :email"), {"email": "siti@contoh.example"})
    assert str(caught.value).startswith("OperationalError at tests/tasks/test_failing.py:")
    assert "siti@" not in str(caught.value)


def test_only_what_passes_by_itself_is_tried_again() -> None:
    lost = broken_by(OperationalError("SELECT 1", {}, Exception("server closed the connection")))
    assert _may_pass(None, None, Failed(data=lost)) is True
    twice = broken_by(IntegrityError("INSERT", {}, Exception("duplicate key (email)=(siti@contoh.example)")))
    assert _may_pass(None, None, Failed(data=twice)) is False
    assert _may_pass(None, None, Failed(data=ValueError())) is False
