"""Limits in the database: k dispatchers together keep one, on both databases."""

import threading
import time
from collections import Counter

import pytest
from sqlalchemy import update

from actions.mail import limits, outbox
from actions.mail.limits import seconds_now, take
from database import Database
from models import Bucket
from rules.mail.limits import Limit, LimitRefused, about, check_scope, longest_wait, seconds_for
from rules.terms import Lane
from tests.mail.posting import AT, limit, owe


def age(db: Database, scope: str, seconds: float) -> None:
    """As if the bucket had last been filled so long ago."""
    with db.transaction() as session:
        past = update(Bucket).where(Bucket.scope == scope)
        session.execute(past.values(refilled=Bucket.refilled - seconds, slowed=Bucket.slowed - seconds))


def taken(db: Database, scope: str, want: int, keep: int = 0) -> int:
    with db.transaction() as session:
        return take(session, scope, want, keep=keep)


def bucket(db: Database, scope: str) -> Bucket:
    with db.reading() as session:
        return session.get_one(Bucket, scope)


@pytest.mark.parametrize(
    ("text", "amount", "seconds", "burst"),
    [("50/s", 50, 1, 5), ("30/min", 30, 60, 1), ("1/s", 1, 1, 1), ("10000/day", 10000, 86400, 5000)],
)
def test_a_limit_holds_in_every_window_of_its_length(text: str, amount: int, seconds: int, burst: int) -> None:
    found = Limit.parse(text)
    assert (found.amount, found.seconds, found.burst) == (amount, seconds, burst)
    assert found.burst + found.per_second * seconds <= amount + 1


@pytest.mark.parametrize("text", ["", "fast", "0/s", "5/fortnight", "-1/s", "5"])
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(LimitRefused):
        Limit.parse(text)


def test_scopes_are_the_relay_and_domains() -> None:
    assert check_scope(" Relay ") == "relay"
    assert check_scope("domain:Gmail.com") == "domain:gmail.com"
    for text in ("", "gmail.com", "relay:", "domain:", "bucket"):
        with pytest.raises(LimitRefused):
            check_scope(text)


def test_estimates_are_said_as_precisely_as_they_are_known() -> None:
    assert about(seconds_for(6000, [(0, 0.5)])) == "about 3 h 20 min"
    assert about(seconds_for(100, [(100, 1.0)])) == "about 1 s"
    assert about(seconds_for(1_000_000, [(0, 10_000 / 86400)])) == "about 100 days"
    assert about(seconds_for(5, [(0, 0.0)])).startswith("never")


def test_the_wait_for_an_unreachable_relay_doubles_up_to_five_minutes() -> None:
    assert [longest_wait(n) for n in (1, 2, 3, 8, 9, 500)] == [2, 4, 8, 256, 300, 300]


def test_a_take_refills_and_takes_at_once(both: Database) -> None:
    limit(both, "relay", "50/s")
    age(both, "relay", 10)
    assert taken(both, "relay", 3) == 3
    assert taken(both, "relay", 9) == 2, "the burst is five, whatever the rest was"
    assert taken(both, "relay", 1) == 0
    age(both, "relay", 0.08)
    assert taken(both, "relay", 9) in (3, 4)
    age(both, "relay", 10)
    assert taken(both, "relay", 5, keep=4) == 1
    assert taken(both, "relay", 5, keep=9) == 0
    assert taken(both, "domain:unlimited.example", 7) == 7


def test_a_clock_that_went_back_gives_no_tokens(both: Database) -> None:
    limit(both, "relay", "50/s")
    age(both, "relay", -3600)
    assert taken(both, "relay", 5) == 0


def test_many_takers_never_get_more_than_the_limit(both: Database) -> None:
    limit(both, "relay", "100/s")
    got, end = Counter[int](), time.monotonic() + 1.0

    def greedy(number: int) -> None:
        while time.monotonic() < end:
            got[number] += taken(both, "relay", 3)
            time.sleep(0.005)

    began = time.monotonic()
    takers = [threading.Thread(target=greedy, args=(n,)) for n in range(3)]
    for one in takers:
        one.start()
    for one in takers:
        one.join()
    passed = time.monotonic() - began
    assert 20 < got.total() <= 10 + 91 * passed + 1
    assert all(got[n] for n in range(3))


def test_told_to_slow_down_a_rate_is_halved_once_a_second_and_grows_back(both: Database) -> None:
    limit(both, "relay", "100/s")
    for _ in range(3):
        with both.transaction() as session:
            limits.slow_down(session, "relay", observed=999)
    assert bucket(both, "relay").factor == 0.5
    age(both, "relay", 2)
    with both.transaction() as session:
        limits.slow_down(session, "relay", observed=999)
    assert bucket(both, "relay").factor == 0.25
    age(both, "relay", 75)
    taken(both, "relay", 1)
    assert bucket(both, "relay").factor == pytest.approx(0.5, abs=0.02)
    age(both, "relay", 1000)
    taken(both, "relay", 1)
    assert bucket(both, "relay").factor == 1.0


def test_without_a_limit_half_of_what_went_through_is_tried_until_it_is_well_again(both: Database) -> None:
    with both.transaction() as session:
        limits.slow_down(session, "domain:kota.example", observed=80)
    found = bucket(both, "domain:kota.example")
    assert limits.rate(found) == 40
    age(both, "domain:kota.example", 200)
    taken(both, "domain:kota.example", 1)
    assert limits.rate(bucket(both, "domain:kota.example")) is None
    assert taken(both, "domain:kota.example", 1000) == 1000


def test_the_breaker_counts_once_while_it_is_open_and_is_everybodys(
    both: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits.random, "uniform", lambda low, high: high)  # or it may be over at once
    with both.transaction() as session:
        waits = [limits.relay_failed(session) for _ in range(5)]
    assert bucket(both, "relay").failures == 1
    assert all(wait <= 2 for wait in waits)
    with both.transaction() as session:
        session.execute(update(Bucket).values(down_until=seconds_now(session) - 1))
        limits.relay_failed(session)
        allowance = limits.Allowance.load(session)
        assert allowance is not None
        assert allowance.probing
        assert allowance.down_for <= 4
    assert bucket(both, "relay").failures == 2
    with both.transaction() as session:
        limits.relay_works(session)
        allowance = limits.Allowance.load(session)
    assert allowance is not None
    assert not allowance.probing
    assert allowance.down_for < 0


def test_a_limit_set_again_holds_at_once_and_none_lifts_it(both: Database) -> None:
    limit(both, "relay", "10/s", connections=4)
    assert bucket(both, "relay").max_connections == 4
    limit(both, "relay", "none")
    assert bucket(both, "relay").max_connections == 4
    limit(both, "relay", "none", connections=0)
    assert bucket(both, "relay").max_connections is None
    owe(both, 30)
    with both.transaction() as session:
        assert len(outbox.claim(session, "me", list(Lane), 30, at=AT)) == 30
