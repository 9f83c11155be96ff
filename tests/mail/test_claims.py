"""What may be taken, in which order, by whom; on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

import settings
from actions.mail import claims, outbox, waves
from actions.mail.claims import CANARY_WAIT, Claimed
from database import Database
from models import Letter, MailAttempt, Person, Wave
from rules.terms import Lane, LetterState, SmtpPhase
from tests.mail.posting import AT, due_again, letter, limit, lose_leases, owe, states
from tests.mail.test_limits import age

EACH = list(Lane)


def claim(db: Database, count: int = 100, lanes: list[Lane] = EACH, *, at=AT, owner: str = "me") -> list[Claimed]:
    with db.transaction() as session:
        return outbox.claim(session, owner, lanes, count, at=at)


def ids(claimed: list[Claimed]) -> list[int]:
    return [one.id for one in claimed]


def test_urgent_letters_go_first_then_invitations_in_their_order(both: Database) -> None:
    digests, invitations = owe(both, 2, lane=Lane.DIGEST), owe(both, 3, lane=Lane.INVITATION)
    urgent = owe(both, 2, lane=Lane.URGENT, at=AT + timedelta(hours=1))
    assert ids(claim(both, at=AT + timedelta(hours=1))) == [*urgent, *invitations, *digests]
    assert claim(both) == []


def test_two_claimers_never_get_the_same(both: Database) -> None:
    owed = owe(both, 50, wave="a")
    with both.transaction() as session:
        first = outbox.claim(session, "one", EACH, 20, at=AT)
    assert sorted(ids(first) + ids(claim(both, owner="two"))) == owed


def test_a_claim_writes_no_attempt_and_a_death_before_the_dot_leaves_no_doubt(both: Database) -> None:
    owe(both, 3)
    sure, also_sure, doubtful = claim(both)
    with both.transaction() as session:
        assert session.scalars(select(MailAttempt)).all() == []
        assert outbox.mark_dots(session, [doubtful], at=AT, contents={doubtful.fence: "c" * 64}) == {doubtful.fence}
    assert lose_leases(both) == {"requeued": 2, "ambiguous": 1}
    assert states(both) == {"queued": 2, "ambiguous": 1}
    assert letter(both, doubtful.id).content_sha256 == "c" * 64
    assert {one.id for one in claim(both)} == {sure.id, also_sure.id}
    with both.reading() as session:
        told = {
            one.letter_id: (one.number, one.owner, one.phase, one.outcome)
            for one in session.scalars(select(MailAttempt))
        }
    assert told == {
        sure.id: (1, "me", SmtpPhase.CONNECT, LetterState.QUEUED),
        also_sure.id: (1, "me", SmtpPhase.CONNECT, LetterState.QUEUED),
        doubtful.id: (1, "me", SmtpPhase.DOT, LetterState.AMBIGUOUS),
    }


def test_who_lost_the_lease_may_neither_end_a_letter_nor_send_its_dot(both: Database) -> None:
    owe(both, 1)
    (late,) = claim(both)
    lose_leases(both)
    (again,) = claim(both, owner="other")
    with both.transaction() as session:
        assert outbox.mark_dots(session, [late], at=AT) == set()
        assert not outbox.settle(session, late, outbox.Settled(LetterState.FAILED_PERM, SmtpPhase.DOT), at=AT)
        assert outbox.give_back(session, [late]) == 0
        assert outbox.mark_dots(session, [again], at=AT) == {again.fence}


def test_a_letter_that_somebody_ended_meanwhile_is_ours_no_longer(both: Database) -> None:
    owe(both, 1)
    (one,) = claim(both)
    with both.transaction() as session:
        session.execute(update(Letter).values(state=LetterState.CANCELLED))
        assert outbox.mark_dots(session, [one], at=AT) == set()
        assert not outbox.settle(session, one, outbox.Settled(LetterState.FAILED_PERM, SmtpPhase.DOT), at=AT)
        assert outbox.give_back(session, [one]) == 0
    assert states(both) == {"cancelled": 1}


def test_a_letter_that_kills_its_process_is_tried_ever_later(both: Database) -> None:
    owe(both, 1)
    waits = []
    for _ in range(4):
        (one,) = claim(both)
        lose_leases(both)
        waits.append((letter(both, one.id).next_at - AT) // timedelta(minutes=1))
        due_again(both)
    assert waits == [0, 0, 4, 16]


def test_a_late_acceptance_spares_the_second_copy(both: Database) -> None:
    owe(both, 1)
    (one,) = claim(both)
    with both.transaction() as session:
        outbox.mark_dots(session, [one], at=AT)
    lose_leases(both)
    with both.transaction() as session:
        assert not outbox.settle(session, one, outbox.Settled(LetterState.ACCEPTED, SmtpPhase.DONE, 250), at=AT)
        assert outbox.resolve_ambiguous(session, at=AT + timedelta(hours=1)) == 0
    assert states(both) == {"accepted": 1}


def test_settling_many_tells_which_were_ours(both: Database) -> None:
    owe(both, 3)
    first, second, third = claim(both)
    with both.transaction() as session:
        outbox.give_back(session, [second])
        how = outbox.Settled(LetterState.ACCEPTED, SmtpPhase.DONE, 250, "2.0.0 ok")
        assert outbox.settle_all(session, [(one, how) for one in (first, second, third)], at=AT) == [True, False, True]
    assert states(both) == {"accepted": 2, "queued": 1}


def test_an_end_that_is_told_twice_counts_once(both: Database) -> None:
    owe(both, 1)
    (one,) = claim(both)
    with both.transaction() as session:
        assert outbox.mark_dots(session, [one, one], at=AT) == {one.fence}
        lost = outbox.Settled(LetterState.AMBIGUOUS, SmtpPhase.DOT, reply="cancelled")
        kept = outbox.Settled(LetterState.ACCEPTED, SmtpPhase.DONE, 250, "2.0.0 ok")
        assert outbox.settle_all(session, [(one, lost), (one, kept)], at=AT) == [True, True]
    with both.reading() as session:
        (attempt,) = session.scalars(select(MailAttempt)).all()
        assert (attempt.outcome, attempt.reply) == (LetterState.ACCEPTED, "2.0.0 ok")
        letter = session.get_one(Letter, one.id)
        assert (letter.state, letter.reply, letter.ambiguities) == (LetterState.ACCEPTED, "2.0.0 ok", 0)


def test_the_limit_of_the_relay_is_shared_and_unused_tokens_go_back(both: Database) -> None:
    limit(both, "relay", "100/s")
    owe(both, 4)
    age(both, "relay", 5)
    assert len(claim(both, 8)) == 4
    owe(both, 40)
    assert 6 <= len(claim(both, 20, owner="other")) <= 10, "what came back, and what flowed in meanwhile"
    with both.transaction() as session:
        taken = claims.take_due(session, "me", EACH, 20, at=AT)
    assert taken.wait is not None


def test_nothing_due_is_told_from_no_tokens(both: Database) -> None:
    limit(both, "relay", "1/h")
    with both.transaction() as session:
        assert claims.take_due(session, "me", EACH, 9, at=AT) == claims.Taken([], None)
    owe(both, 1)
    with both.transaction() as session:
        assert claims.take_due(session, "me", EACH, 9, at=AT).wait is not None


def test_a_slow_domain_holds_up_nobody_else(both: Database) -> None:
    limit(both, "domain:gmail.example", "20/s")
    slow, quick = owe(both, 30, domain="gmail.example"), owe(both, 5)
    age(both, "domain:gmail.example", 5)
    got = ids(claim(both, 10))
    assert got == [*slow[:2], *quick], "two at once is the burst of twenty a second"
    assert letter(both, slow[2]).state is LetterState.QUEUED
    assert letter(both, slow[2]).lease_owner is None


def test_no_more_than_so_many_are_under_way_to_a_domain(both: Database) -> None:
    limit(both, "domain:kota.example", "none", connections=3)
    owe(both, 10)
    first = claim(both)
    assert len(first) == 3
    assert claim(both, owner="other") == []
    with both.transaction() as session:
        outbox.give_back(session, first[:1])
    assert len(claim(both, owner="other")) == 1


def test_no_more_than_so_many_are_under_way_in_all(both: Database) -> None:
    limit(both, "relay", "none", connections=4)
    owe(both, 10)
    assert len(claim(both, 3)) == 3
    assert len(claim(both, 9, owner="other")) == 1


def test_others_leave_their_tokens_to_what_is_urgent(both: Database) -> None:
    limit(both, "relay", "1/s")
    owe(both, 5, lane=Lane.INVITATION)
    (urgent,) = owe(both, 1, lane=Lane.URGENT)
    bulk = [lane for lane in Lane if lane is not Lane.URGENT]
    age(both, "relay", 5)
    assert claim(both, 5, bulk) == []
    assert ids(claim(both, 5, [Lane.URGENT])) == [urgent]
    age(both, "relay", 5)
    assert len(claim(both, 5, bulk)) == 1


def test_an_urgent_letter_that_nobody_serves_does_not_stop_the_rest_for_ever(both: Database) -> None:
    limit(both, "relay", "1/s")
    owe(both, 5, lane=Lane.INVITATION)
    owe(both, 1, lane=Lane.URGENT)
    age(both, "relay", 5)
    assert len(claim(both, 5, [Lane.INVITATION], at=AT + timedelta(minutes=11))) == 1


def test_a_new_address_counts_as_long_as_no_copy_can_be_out(both: Database) -> None:
    first, second = owe(both, 2)
    with both.transaction() as session:
        session.execute(update(Letter).where(Letter.id == second).values(ambiguities=1, first_tried_at=AT))
        session.execute(update(Person).values(email="baru@Baru.example"))
    assert {one.id: one.address for one in claim(both)} == {first: "baru@Baru.example", second: "p1@kota.example"}
    assert letter(both, first).domain == "baru.example"


def test_a_large_wave_waits_for_its_release_and_small_ones_do_not(
    both: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPRAISAL_MAIL_RELEASE_ABOVE", "5")
    settings.load.cache_clear()
    small, large = owe(both, 5, wave="small"), owe(both, 6, wave="large")
    alone = owe(both, 2)
    assert sorted(ids(claim(both))) == sorted([*small, *alone])
    with both.reading() as session:
        assert outbox.next_due(session, EACH) is None, "what awaits its release is not due"
        assert waves.seen(session, waves.find(session, "large")).stands.startswith("awaiting release")
    with both.transaction() as session:
        session.execute(update(Wave).values(awaits_release=False, released_at=AT))
    assert ids(claim(both)) == large
    more = owe(both, 3, wave="large")
    assert ids(claim(both)) == more, "released once is released"


def test_in_a_simulated_year_nobody_is_asked(both: Database) -> None:
    owe(both, 60, wave="a")
    with both.transaction() as session:
        wave = session.scalars(select(Wave)).one()
        wave.planned = 100_000
        waves.gate(session, wave)
        assert (wave.awaits_release, wave.canary) == (False, None)


def test_a_few_go_ahead_and_the_rest_follows_after_the_wait(both: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPRAISAL_MAIL_CANARY", "4")
    settings.load.cache_clear()
    owed = owe(both, 20, wave="a")
    assert ids(claim(both, 3)) == owed[:3]
    assert ids(claim(both, 20)) == owed[3:4]
    assert claim(both) == []
    later = AT + CANARY_WAIT
    assert claim(both, at=later - timedelta(seconds=1)) == []
    assert ids(claim(both, at=later)) == owed[4:]


def test_a_stopped_wave_is_passed_by_and_the_next_one_goes_out(both: Database) -> None:
    stopped, going = owe(both, 10, wave="a"), owe(both, 3, wave="b")
    with both.transaction() as session:
        waves.pause(session, "a", "wrong text", at=AT)
    assert ids(claim(both)) == going
    with both.transaction() as session:
        with pytest.raises(waves.WaveRefused):
            waves.resume(session, "b")
        waves.resume(session, "a")
    assert ids(claim(both)) == stopped


def test_what_is_stale_is_ended_and_hides_nothing_behind_it(both: Database) -> None:
    limit(both, "relay", "10/s")
    stale, (good,) = owe(both, 12), owe(both, 1)
    age(both, "relay", 5)
    with both.transaction() as session:
        session.execute(update(Letter).where(Letter.id.in_(stale)).values(not_after=AT - timedelta(seconds=1)))
    assert ids(claim(both, 3)) == [good]
    assert states(both) == {"expired": 12, "sending": 1}
    assert letter(both, stale[0]).attempts == 0


def test_claims_use_the_index_of_what_waits(db: Database) -> None:
    owe(db, 3)
    with db.reading() as session:
        for wave in ("wave_id IS NULL", "wave_id = 1"):
            plan = session.execute(text(
                f"EXPLAIN QUERY PLAN SELECT id FROM letter WHERE {claims.WAITING_SQL} AND lane = 'urgent' AND {wave}"
                " AND next_at <= '2027' ORDER BY next_at, id LIMIT 10"
            )).all()  # fmt: skip
            assert "ix_letter_waiting" in plan[0][3]
            assert not any("TEMP B-TREE" in row[3] for row in plan)
