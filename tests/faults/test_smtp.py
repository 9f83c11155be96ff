"""What mail servers do wrong, and what our own set-up does wrong to them: the real dispatcher, both databases."""

import dataclasses
import time
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select, update

from actions.mail import claims, dispatcher, limits, outbox
from actions.mail.dispatcher import Dispatcher
from database import Database
from models import Bucket, Letter, Person, Wave
from notifications.relay import Relay
from notifications.smtp import Connection, Timeouts
from rules.terms import AddressState, Lane, LetterState
from simulation.sink import Do, Sink
from tests.faults.certificates import certificate
from tests.mail.posting import AT, assert_sound, due_again, letter, owe, post_to, send, states
from tests.mail.test_dispatch import running

ONE_LANE = (Lane.DIGEST,)
"""Without the urgent lane and its own connections: what happens is easier to count."""
BEFORE_THE_DOT = ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "BODY")
SCALE = 100
"""Time is this much faster where a test waits for a late server."""
FASTER = Timeouts(**{name: seconds / SCALE for name, seconds in dataclasses.asdict(Timeouts()).items()})
BRIEF = Timeouts(**dict.fromkeys(dataclasses.asdict(Timeouts()), 0.5))


def to_relay(db: Database, url: str, *, connections: int = 2) -> Dispatcher:
    post = dataclasses.replace(post_to(25), relay=Relay.parse(url))
    return Dispatcher(db, post, ONE_LANE, lambda: AT, connections)


def drain(one: Dispatcher) -> dict[str, int]:
    return dict(dispatcher._loop(one.drain(100_000)))


def let_the_relay_be_tried(db: Database) -> None:
    """As if the time were over for which it is left alone."""
    with db.transaction() as session:
        session.execute(update(Bucket).values(down_until=0.0, factor=1.0, learned=None))


def send_until_all_are_out(db: Database, sink: Sink, *, rounds: int = 12, **more) -> None:
    """Again and again, as if the waiting between the tries were over each time."""
    for _ in range(rounds):
        send(db, sink, **more)
        if set(states(db)) == {"accepted"}:
            return
        with db.transaction() as session:
            outbox.resolve_ambiguous(session, at=AT + timedelta(minutes=31))
        due_again(db)
        let_the_relay_be_tried(db)


def charged(db: Database) -> int:
    with db.reading() as session:
        return sum(session.scalars(select(Letter.charged)))


def addresses_marked(db: Database) -> int:
    with db.reading() as session:
        return len(session.scalars(select(Person.id).where(Person.email_state != AddressState.OK)).all())


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "Connection", partial(Connection, timeouts=FASTER))


def test_f20_a_relay_that_is_down_is_left_alone_by_everybody_and_tried_with_one_letter(
    both: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "longest_wait", lambda failures: 100.0)
    monkeypatch.setattr(limits.random, "uniform", lambda low, high: high)
    owe(both, 30)
    with Sink() as sink:
        port = sink.port
    down = Sink(port=port)
    assert set(send(both, down)) == {"queued"}
    assert states(both) == {"queued": 30}
    with both.reading() as session:
        assert not any(session.scalars(select(Letter.charged)))
    with Sink(port=port) as sink:
        assert send(both, sink) == {"queued": 30}, "told, and not tried"
        assert sink.connections == 0
        with both.transaction() as session:
            session.execute(update(Bucket).values(down_until=0.0))
        probes: list[int] = []
        real = claims.take_due

        def counted(session, owner, lanes, room, **more):
            probes.append(room)
            return real(session, owner, lanes, room, **more)

        monkeypatch.setattr(outbox, "take_due", counted)
        assert send(both, sink, lanes=(Lane.DIGEST,))["accepted"] == 30
        assert probes[0] == 1
        assert max(probes) > 1
    with both.reading() as session:
        assert session.get_one(Bucket, "relay").failures == 0
    assert_sound(both, sink)


def test_f20_a_relay_that_goes_away_in_a_wave_and_is_away_for_two_hours_gets_the_rest_when_it_is_back(
    both: Database,
) -> None:
    owe(both, 40, wave="a")
    with Sink() as sink:
        port = sink.port
        sink.on("MAIL", Do(reset=True), after=15)
        send(both, sink, lanes=ONE_LANE)
        before = len(sink.letters)
        assert 12 <= before <= 15
        assert set(states(both)) == {"accepted", "queued"}
    gone = Sink(port=port)
    for minute in range(1, 120, 30):
        let_the_relay_be_tried(both)
        assert set(send(both, gone, lanes=ONE_LANE, now=lambda m=minute: AT + timedelta(minutes=m))) == {"queued"}
    assert charged(both) == before, "what a relay does that is away is no letter's fault"
    with Sink(port=port) as back:
        let_the_relay_be_tried(both)
        assert send(both, back, now=lambda: AT + timedelta(hours=2)) == {"accepted": 40 - before}
        back.letters += sink.letters
        assert_sound(both, back, everything_out=True)


def test_f21_a_relay_whose_name_is_not_found_is_a_relay_that_is_down(both: Database) -> None:
    owe(both, 10, wave="a")
    counts = drain(to_relay(both, "smtps://relay.invalid:465"))
    assert set(counts) == {"queued"}
    assert states(both) == {"queued": 10}
    assert charged(both) == 0
    assert "Error" in letter(both, 1).reply, "why it waits can be read"
    with Sink() as sink:
        let_the_relay_be_tried(both)
        send_until_all_are_out(both, sink)
        assert_sound(both, sink, everything_out=True)


@pytest.mark.parametrize("fault", ["expired", "unknown", "another's", "stripped", "refused"])
def test_f22_without_sound_tls_no_letter_and_no_password_leaves(both: Database, tmp_path: Path, fault: str) -> None:
    owe(both, 5, wave="a")
    pem, context = certificate(
        tmp_path, "other.example" if fault == "another's" else "localhost", days=-1 if fault == "expired" else 1
    )
    offered = ("AUTH PLAIN",) if fault == "stripped" else ("AUTH PLAIN", "STARTTLS")
    trusted = "" if fault == "unknown" else f"?ca={pem}"
    with Sink(extensions=offered, tls=context) as sink:
        if fault == "refused":
            sink.on("STARTTLS", "454 4.7.0 not now")
        assert set(drain(to_relay(both, f"smtp+starttls://us:secret@localhost:{sink.port}{trusted}"))) == {"queued"}
        assert not any(line.upper().startswith(("AUTH", "MAIL")) for _, line in sink.commands)
        assert states(both) == {"queued": 5}
        assert_sound(both, sink)


def test_f22_the_same_letters_go_out_once_the_certificate_is_in_order(both: Database, tmp_path: Path) -> None:
    owe(both, 5)
    pem, context = certificate(tmp_path)
    with Sink(extensions=("AUTH PLAIN", "STARTTLS"), tls=context) as sink:
        url = f"smtp+starttls://us:secret@localhost:{sink.port}?ca={pem}"
        assert drain(to_relay(both, url)) == {"accepted": 5}
        assert any(line.startswith("AUTH PLAIN") for _, line in sink.commands)
        assert_sound(both, sink, everything_out=True)


def test_f23_a_log_in_refused_in_a_wave_stops_it_and_charges_nobody(both: Database) -> None:
    owe(both, 60, wave="a")
    owe(both, 5, wave="b")
    with Sink(extensions=("AUTH PLAIN",), max_letters=5) as sink:
        sink.on("AUTH", "535 5.7.8 the password has expired", after=2)
        drain(to_relay(both, f"smtp://us:secret@127.0.0.1:{sink.port}"))
        out = len(sink.letters)
        assert out == 10
        assert sink.reached["AUTH"] <= 2 + 4, "asked again and again, an account is locked"
        assert states(both) == {"accepted": out, "queued": 65 - out}
        assert charged(both) == out
        with both.reading() as session:
            stopped = session.scalars(select(Wave).where(Wave.paused_at.is_not(None))).all()
            assert stopped
            assert all(wave.paused_reason.startswith("the relay refuses us") for wave in stopped)
        sink.forget()
        sink.max_letters = None
        with both.transaction() as session:
            outbox.resume_waves(session)
        send_until_all_are_out(both, sink)
        assert_sound(both, sink, everything_out=True)


def test_f23_a_server_that_wants_a_log_in_we_do_not_have_stops_the_wave(both: Database) -> None:
    owe(both, 30, wave="a")
    with Sink() as sink:
        sink.on("MAIL", "530 5.7.0 Authentication required")
        send(both, sink, lanes=ONE_LANE)
        assert states(both) == {"queued": 30}
        assert charged(both) == 0
        with both.reading() as session:
            assert session.scalars(select(Wave)).one().paused_at
        assert sink.reached["MAIL"] <= 2 * 3
        assert_sound(both, sink)


@pytest.mark.parametrize("phase", ["MAIL", "RCPT", "DATA", "DOT"])
def test_f24_a_letter_refused_for_now_waits_longer_each_time_and_its_neighbours_go_out(
    both: Database, phase: str
) -> None:
    owe(both, 9)
    with Sink() as sink:
        sink.on(phase, "451 4.3.0 local trouble", times=1)
        assert send(both, sink, connections=1, lanes=ONE_LANE) == {"accepted": 8, "deferred": 1}
        with both.reading() as session:
            (late,) = session.scalars(select(Letter).where(Letter.state == LetterState.DEFERRED))
        assert (late.charged, late.reply_code, late.next_at - AT) == (1, 451, timedelta(minutes=1))
        assert send(both, sink) == {}, "not before its time"
        assert send(both, sink, now=lambda: AT + timedelta(minutes=1)) == {"accepted": 1}
        assert addresses_marked(both) == 0
        assert_sound(both, sink, everything_out=True)


@pytest.mark.parametrize("phase", ["MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.parametrize("reply", ["550 5.1.1 no such user", "554 5.7.1 not from you", "552 5.3.4 too big", "553 what"])
def test_f25_a_letter_refused_for_good_is_work_for_hr_and_its_neighbours_go_out(
    db: Database, phase: str, reply: str
) -> None:
    owe(db, 9)
    with Sink() as sink:
        sink.on(phase, reply, times=1)
        assert send(db, sink, connections=1, lanes=ONE_LANE) == {"accepted": 8, "failed_perm": 1}
        assert addresses_marked(db) == (phase == "RCPT" and "5.1.1" in reply), "only a recipient refused is dead"
        assert_sound(db, sink)


def why_stopped(db: Database) -> list[str]:
    with db.reading() as session:
        return [wave.paused_reason for wave in session.scalars(select(Wave).where(Wave.paused_at.is_not(None)))]


def test_f25_unknown_users_without_an_enhanced_code_are_work_for_hr_and_stop_no_wave(both: Database) -> None:
    ids = owe(both, 195, wave="a")
    with Sink() as sink:
        for number in (3, 50, 120, 194):
            sink.on("RCPT", "550 No Such User", to=f"p{number}@")
        assert send(both, sink) == {"accepted": 191, "failed_perm": 4}
        assert why_stopped(both) == []
        assert addresses_marked(both) == 4
        assert letter(both, ids[3]).reply == "No Such User"
        assert_sound(both, sink)


def test_f25_a_domain_that_refuses_everybody_stops_no_other(both: Database) -> None:
    owe(both, 60, domain="moved.example", wave="a")
    owe(both, 60, wave="a")
    with Sink() as sink:
        sink.on("RCPT", "550 no such user", to="@moved.example")
        assert send(both, sink) == {"accepted": 60, "failed_perm": 60}
        assert why_stopped(both) == []


def test_f36_refused_in_an_unbroken_row_at_several_domains_a_wave_stops_and_quotes_the_refusal(both: Database) -> None:
    for number in range(60):
        owe(both, 5, domain=f"kota{number % 3}.example", wave="a")
    with Sink() as sink:
        sink.on("RCPT", "554 transaction failed")
        send(both, sink, lanes=ONE_LANE)
        assert states(both)["failed_perm"] <= 40
        (reason,) = why_stopped(both)
        assert reason.endswith("refused in a row, at 3 domains: 554 transaction failed")
        assert addresses_marked(both) == 0


def test_f36_the_notice_quotes_the_refusal_and_never_what_was_accepted(both: Database) -> None:
    owe(both, 300, wave="a")
    with Sink() as sink:
        sink.on("RCPT", "550 5.7.1 not from you", to="p30@", times=1)
        sink.on("RCPT", "550 5.7.1 not from you", to="p31@", times=1)
        sink.on("RCPT", "550 5.7.1 never from you", to="p150@", times=1)
        send(both, sink, connections=1, lanes=ONE_LANE)
        (reason,) = why_stopped(both)
        assert reason == "3 of 151 refused for our set-up: 550 5.7.1 never from you"
        assert states(both)["queued"] > 100


@pytest.mark.parametrize("phase", ["EHLO", "MAIL", "RCPT", "DATA", "DOT"])
def test_f26_a_server_that_says_goodbye_is_called_again(both: Database, phase: str) -> None:
    owe(both, 9)
    with Sink() as sink:
        sink.on(phase, "421 4.3.2 shutting down", times=1, after=0 if phase == "EHLO" else 4)
        send(both, sink, connections=1, lanes=ONE_LANE)
        send_until_all_are_out(both, sink)
        assert sink.connections >= 2
        assert charged(both) == (10 if phase == "DOT" else 9), "before the dot it was not about the letter"
        assert_sound(both, sink, everything_out=True)


def test_f26_a_connection_closed_while_it_was_idle_costs_no_letter(both: Database) -> None:
    owe(both, 1)
    with Sink() as sink, running(Dispatcher(both, post_to(sink.port), ONE_LANE, lambda: AT, 1)):
        sink.wait_for_letters(1)
        sink.hang_up()
        owe(both, 3)
        sink.wait_for_letters(4)
    assert charged(both) == 4
    assert_sound(both, sink, everything_out=True)


def test_f27_a_greylisting_server_gets_each_letter_a_second_time_after_a_minute(both: Database) -> None:
    count = 12
    owe(both, count)
    with Sink() as sink:
        for n in range(count):
            sink.on("RCPT", "450 4.2.0 Greylisted, see you later", to=f"p{n}@", times=1)
        assert send(both, sink, lanes=ONE_LANE) == {"deferred": count}
        assert send(both, sink, lanes=ONE_LANE, now=lambda: AT + timedelta(seconds=61)) == {"accepted": count}
        assert sink.reached["RCPT"] == 2 * count
        assert addresses_marked(both) == 0
        assert_sound(both, sink, everything_out=True)


def test_f28_a_relay_that_asks_for_less_gets_less_and_loses_nothing(both: Database) -> None:
    owe(both, 40)
    with Sink(per_second=10) as sink:
        for _ in range(8):
            send(both, sink)
            due_again(both)
            if states(both) == {"accepted": 40}:
                break
        assert states(both) == {"accepted": 40}
        with both.reading() as session:
            assert session.get_one(Bucket, "relay").factor < 1
        assert_sound(both, sink)


def test_f28_throttled_all_along_it_does_not_storm(both: Database) -> None:
    owe(both, 60)
    with Sink() as sink:
        sink.on("RCPT", "454 4.7.0 Throttling failure: Maximum sending rate exceeded")
        with running(Dispatcher(both, post_to(sink.port), ONE_LANE, lambda: AT, 2)):
            sink.wait_for("RCPT", 3)
            time.sleep(1.5)
        assert sink.reached["RCPT"] < 60
        assert sum(states(both).get(state, 0) for state in ("deferred", "queued")) == 60
        with both.reading() as session:
            assert session.get_one(Bucket, "domain:kota.example").factor < 1
        sink.forget()
        due_again(both)
        let_the_relay_be_tried(both)
        send_until_all_are_out(both, sink)
        assert addresses_marked(both) == 0
        assert_sound(both, sink, everything_out=True)


@pytest.mark.parametrize("phase", [*BEFORE_THE_DOT, "DOT"])
def test_f29_a_server_that_falls_silent_is_given_up_after_its_time(
    both: Database, phase: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "Connection", partial(Connection, timeouts=BRIEF))
    owe(both, 6)
    doubtful = phase == "DOT"
    with Sink() as sink:
        if phase == "BODY":
            sink.on("BODY", Do(reset=True), times=1)
        else:
            sink.on(phase, Do(silent=True), times=1)
        send(both, sink, connections=1, lanes=ONE_LANE)
        assert states(both).get("ambiguous", 0) == doubtful
        send_until_all_are_out(both, sink, lanes=ONE_LANE, now=lambda: AT + timedelta(minutes=31))
        assert sum(sink.copies().values()) == 6 + doubtful
        assert_sound(both, sink, everything_out=True)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("phase", "seconds"), [("RCPT", 59), ("RCPT", 61), ("DATA", 61), ("DOT", 61), ("DOT", 540)])
def test_f29_a_late_reply_is_waited_for(db: Database, phase: str, seconds: float) -> None:
    owe(db, 2)
    with Sink() as sink:
        sink.on(phase, Do(wait=seconds / SCALE), times=1)
        assert send(db, sink, connections=1, lanes=ONE_LANE) == {"accepted": 2}
        assert_sound(db, sink, everything_out=True)


def test_f29_a_lease_outlasts_the_longest_send() -> None:
    waits = Timeouts()
    longest = waits.connect + waits.mail + waits.rcpt + waits.data + waits.dot
    assert claims.LEASE.total_seconds() >= 3 * waits.dot
    assert claims.LEASE.total_seconds() > longest + 2 * dispatcher.RENEW_SECONDS


@pytest.mark.parametrize("how", [Do(drop=True), Do(drop=True, keep=True), Do(reset=True, keep=True)])
def test_f30_a_reply_lost_after_the_dot_leaves_a_doubt_that_one_equal_copy_ends(both: Database, how: Do) -> None:
    owe(both, 6)
    with Sink() as sink:
        sink.on("DOT", how, times=1)
        assert send(both, sink) == {"accepted": 5, "ambiguous": 1}
        with both.transaction() as session:
            assert outbox.resolve_ambiguous(session, at=AT + timedelta(minutes=31)) == 1
        due_again(both)
        assert send(both, sink, now=lambda: AT + timedelta(minutes=31)) == {"accepted": 1}
        assert sum(sink.copies().values()) == 7 if how.keep else 6
        assert_sound(both, sink)


LONG = "\r\n".join(["250-" + "x" * 500] * 80 + ["250 2.0.0 kept"])
"""More than 32 kB, of many lines."""


@pytest.mark.parametrize(
    ("phase", "said", "ended"),
    [
        ("DOT", Do(drip=0.005), "accepted"), ("RCPT", Do(drip=0.005), "accepted"),
        ("DOT", Do("250-2.0.0 first\r\n250-2.0.0 second\r\n250 2.0.0 kept"), "accepted"),
        ("DOT", Do(LONG), "accepted"), ("RCPT", Do(LONG), "accepted"),
        ("MAIL", Do("what?"), "queued"), ("RCPT", Do("999 odd"), "queued"), ("DATA", Do("250 go on"), "queued"),
        ("DATA", Do(b"\xff\xfe\r\n"), "queued"), ("RCPT", Do("250"), "accepted"),
        ("DOT", Do("what?", keep=True), "ambiguous"), ("DOT", Do("354 go on", keep=False), "ambiguous"),
        ("DOT", Do(b"\x00\xff\r\n", keep=True), "ambiguous"), ("DOT", Do("250", keep=True), "accepted"),
    ],
)  # fmt: skip
def test_f31_an_odd_reply_is_never_taken_for_more_or_less_than_it_says(
    both: Database, phase: str, said: Do, ended: str
) -> None:
    owe(both, 3)
    with Sink() as sink:
        sink.on(phase, said, times=1)
        send(both, sink, connections=1, lanes=ONE_LANE)
        assert states(both) == ({"accepted": 3} if ended == "accepted" else {"accepted": 2, ended: 1})
        send_until_all_are_out(both, sink, now=lambda: AT + timedelta(minutes=31))
        assert_sound(both, sink, everything_out=True)


def test_f32_a_server_that_allows_few_connections_is_served_over_few(both: Database) -> None:
    owe(both, 40)
    with Sink(max_connections=2) as sink:
        for _ in range(5):
            send(both, sink, connections=5, lanes=(Lane.DIGEST,))
            due_again(both)
            if states(both) == {"accepted": 40}:
                break
            with both.transaction() as session:
                session.execute(update(Bucket).values(down_until=0.0))
        assert states(both) == {"accepted": 40}
        assert_sound(both, sink)


def test_f33_a_server_that_ends_connections_after_a_few_letters_gets_new_ones(db: Database) -> None:
    owe(db, 30)
    with Sink(max_letters=10) as sink:
        send(db, sink, connections=1, lanes=(Lane.DIGEST,))
        due_again(db)
        send(db, sink, connections=1, lanes=(Lane.DIGEST,))
        assert states(db) == {"accepted": 30}
        assert sink.connections >= 3
        assert_sound(db, sink)


def test_f34_a_relay_whose_disk_is_full_gets_everything_once_there_is_room(both: Database) -> None:
    owe(both, 25, wave="a")
    with Sink() as sink:
        sink.on("MAIL", "452 4.3.1 Insufficient system storage", after=5)
        send(both, sink, lanes=ONE_LANE)
        assert states(both) == {"accepted": 5, "deferred": 20}
        assert addresses_marked(both) == 0
        with both.reading() as session:
            assert session.scalars(select(Wave)).one().paused_at is None, "it passes by itself"
        sink.forget()
        assert send(both, sink, now=lambda: AT + timedelta(minutes=1)) == {"accepted": 20}
        assert_sound(both, sink, everything_out=True)


@pytest.mark.parametrize("poison", ["address", "NUL", "long line", "30 MB", "missing"])
def test_f35_one_poisonous_letter_among_a_thousand_harms_no_neighbour(both: Database, poison: str) -> None:
    many = 1000 if poison == "address" else 50
    owed = owe(both, many, wave="a")
    bad = letter(both, owed[many // 2])
    with both.transaction() as session:
        if poison == "address":
            session.execute(update(Person).where(Person.id == bad.person_id).values(email='"p x@y"@kota.example'))
        elif poison == "NUL" and both.is_sqlite:
            session.execute(update(Person).where(Person.id == bad.person_id).values(name="Si\0ti"))
        else:
            facts = dict(bad.facts)
            text = {"long line": "x" * 3000, "30 MB": "x" * 30_000_000, "missing": None, "NUL": "a\u0007b"}[poison]
            spoiled = next(name for name, value in facts.items() if isinstance(value, str))
            facts = {k: v for k, v in facts.items() if k != spoiled} if text is None else facts | {spoiled: text}
            session.execute(update(Letter).where(Letter.id == bad.id).values(facts=facts))
    with Sink() as sink:
        send(both, sink)
        ended = letter(both, bad.id)
        held = poison in ("address", "30 MB", "missing") or (poison == "NUL" and both.is_sqlite)
        assert ended.state is (LetterState.HELD if held else LetterState.ACCEPTED), ended.reply
        assert states(both)["accepted"] == many - held
        assert max(len(line) for one in sink.letters for line in one.content.split(b"\r\n")) <= 998
        assert_sound(both, sink)


def test_f36_refused_for_our_own_set_up_a_wave_stops_early_and_no_address_is_marked_dead(both: Database) -> None:
    owe(both, 500, wave="a")
    owe(both, 5)
    with Sink() as sink:
        sink.on("RCPT", "550 5.7.1 Service unavailable, client host blocked")
        send(both, sink)
        with both.reading() as session:
            assert session.scalars(select(Wave)).one().paused_at
        assert states(both)["failed_perm"] <= 40
        assert states(both)["queued"] >= 465
        assert addresses_marked(both) == 0
        assert_sound(both, sink)
