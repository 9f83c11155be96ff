"""Many claimers and no letter twice; a fence behind each; and letters that no longer make sense are never sent."""

import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from actions.duties import links
from actions.mail import letters, outbox
from actions.mail.letters import certificate
from actions.mail.outbox import Claimed, Settled
from database import Database
from models import Letter, MailAttempt, Person, Stage
from notifications.kinds import LIVES, Life
from rules.terms import ActKind, AddressState, Lane, LetterState, Locale, SmtpPhase, StageKind, StageState
from tests.actions.world import World, local

ACCEPTED = Settled(LetterState.ACCEPTED, SmtpPhase.DONE, 250, "2.0.0 queued")
LANES = tuple(Lane)


def owe(world: World, number: int) -> None:
    """So many letters to the people of the world, in turn."""
    people = list(world.people.values())
    owed = [
        letters.Owed("final_letter", f"final_letter:{n}:2026", people[n % len(people)], f"p{n}@kota.example",
                     Locale.ID, {}, cycle_id=world.cycle_id)
        for n in range(number)
    ]  # fmt: skip
    with world.db.transaction() as session:
        assert letters.queue(session, owed, at=world.at) == number
        assert letters.queue(session, owed, at=world.at) == 0, "the second time is the same letters"


def claim(world: World, owner: str, limit: int = 100) -> list[Claimed]:
    with world.db.transaction() as session:
        return list(outbox.claim(session, owner, LANES, limit, at=world.at))


def settle(world: World, one: Claimed, how: Settled = ACCEPTED) -> bool:
    with world.db.transaction() as session:
        return outbox.settle(session, one, how, at=world.at)


@pytest.mark.parametrize(("claimers", "number"), [(2, 600), (4, 2000)])
def test_claimers_at_once_take_each_letter_once_and_leave_none(both: Database, claimers: int, number: int) -> None:
    world = World.make(both)
    owe(world, number)
    taken: Counter[int] = Counter()
    settled: list[bool] = []
    barrier = threading.Barrier(claimers)

    def work(owner: str) -> None:
        barrier.wait()
        idle = 0
        while idle < 3:
            with both.transaction() as session:
                mine = outbox.claim(session, owner, LANES, 97, at=world.at)
            idle = 0 if mine else idle + 1
            taken.update(one.id for one in mine)
            with both.transaction() as session:
                settled.extend(outbox.settle(session, one, ACCEPTED, at=world.at) for one in mine)

    threads = [threading.Thread(target=work, args=(f"c{n}",)) for n in range(claimers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(taken), set(taken.values())) == (number, {1})
    assert (len(settled), all(settled)) == (number, True)
    with both.reading() as session:
        found = certificate(session, cycle_id=world.cycle_id)
        assert session.scalar(select(func.count()).select_from(MailAttempt)) == number
    assert (found.states, found.doubled, found.missing) == ({"accepted": number}, 0, 0)


def test_whoever_lost_the_lease_settles_nothing(both: Database) -> None:
    world = World.make(both)
    owe(world, 1)
    (first,) = claim(world, "first")
    expire(world)
    with both.transaction() as session:
        outbox.reap(session, at=world.at)
    (second,) = claim(world, "second")
    assert (second.id, second.owner) == (first.id, "second")
    assert settle(world, first) is False
    assert world.one(Letter).state is LetterState.SENDING
    assert settle(world, second) is True
    assert settle(world, second) is False, "once"


def expire(world: World) -> None:
    with world.db.transaction() as session:
        session.execute(update(Letter).values(lease_until=outbox.database_now(session) - timedelta(seconds=1)))


def test_a_living_lease_is_not_reaped_and_a_renewed_one_lives(both: Database) -> None:
    world = World.make(both)
    owe(world, 2)
    held = claim(world, "alive")
    with both.transaction() as session:
        assert not any(outbox.reap(session, at=world.at).values())
    expire(world)
    with both.transaction() as session:
        assert outbox.renew(session, held) == 2
        assert not any(outbox.reap(session, at=world.at).values())


def test_what_was_claimed_but_not_begun_can_be_given_back_at_once(both: Database) -> None:
    world = World.make(both)
    owe(world, 5)
    mine = claim(world, "first", 3)
    with both.transaction() as session:
        assert outbox.give_back(session, mine) == 3
        assert outbox.give_back(session, mine) == 0
    assert len(claim(world, "second")) == 5


@pytest.mark.parametrize("why", ["expired", "stage closed", "link revoked", "dead address", "blocked address"])
def test_a_letter_that_makes_no_sense_any_more_is_ended_and_not_sent(launched: World, why: str) -> None:
    launched.go("2026-01-05").tick(mail=False)
    launched.go("2026-01-05 12:00")
    ani = launched.people["ani"]
    stage = launched.stage(StageKind.TARGET_SETTING)
    with launched.db.transaction() as session:
        if why == "expired":
            session.execute(update(Letter).where(Letter.person_id == ani).values(not_after=launched.at))
            launched.go("2026-01-05 12:01")
        elif why == "stage closed":
            session.execute(update(Stage).where(Stage.id == stage.id).values(state=StageState.CLOSED))
        elif why == "link revoked":
            links.revoke_links(session, ani, "salah orang", at=launched.at)
        else:
            state = AddressState.HARD if why == "dead address" else AddressState.BLOCKED
            session.execute(update(Person).where(Person.id == ani).values(email_state=state))
    sent = {one.person_id for one in claim(launched, "c")}
    assert ani not in sent
    assert bool(sent) is (why != "stage closed"), "its neighbours go out"
    letter = launched.one(Letter, person_id=ani)
    assert letter.state is {
        "expired": LetterState.EXPIRED, "stage closed": LetterState.EXPIRED, "link revoked": LetterState.CANCELLED,
    }.get(why, LetterState.HELD)  # fmt: skip
    assert letter.reply
    assert letter.lease_owner is None


def test_a_right_or_a_result_never_ends_with_a_date_or_a_stage(launched: World) -> None:
    """Neither as it is queued today, nor as an older version had queued it, with an end."""
    stage, ani = launched.stage(StageKind.OBJECTION_HANDLING), launched.people["ani"]
    end, lasting = launched.at + timedelta(hours=1), {kind for kind, life in LIVES.items() if life is Life.LASTING}
    with launched.db.transaction() as session:
        person = session.get_one(Person, ani)
        owed = [letters.owed_to(person, kind, f"{kind}:1:x", {}, stage_id=stage.id, not_after=end) for kind in LIVES]
        letters.queue(session, owed, at=launched.at)
        assert set(session.scalars(select(Letter.kind).where(Letter.not_after.is_(None)))) == lasting
        session.execute(update(Letter).values(not_after=end))
        session.execute(update(Stage).where(Stage.id == stage.id).values(state=StageState.CLOSED))
    launched.at = end + timedelta(days=1)
    sent = claim(launched, "c")
    assert {one.kind for one in sent} == lasting
    assert {one.not_after for one in sent} == {None}


def test_a_receipt_goes_out_though_its_stage_has_closed(targets: World) -> None:
    targets.go("2026-01-31 23:58").act("ani", ActKind.DRAFT_TARGETS)
    targets.go("2026-02-01 07:00").tick(mail=False)
    assert targets.stage(StageKind.TARGET_SETTING).state is StageState.CLOSED
    assert "receipt" in {one.kind for one in claim(targets, "c")}


def test_one_key_is_one_letter_and_one_message_id(launched: World) -> None:
    owe(launched, 1)
    letter = launched.one(Letter)
    assert letter.message_id == letters.message_id("final_letter:0:2026")
    assert letter.message_id != letters.message_id("final_letter:1:2026")


def test_the_certificate_adds_up_and_misses_nobody(targets: World) -> None:
    with targets.db.reading() as session:
        found = certificate(session, cycle_id=targets.cycle_id)
    assert found.clean
    assert found.owed == sum(found.states.values()) == found.planned
    delete_letter(targets, targets.people["ani"])
    with targets.db.reading() as session:
        found = certificate(session, cycle_id=targets.cycle_id)
    assert (found.missing, found.clean) == (1, False), "somebody owes something and no letter covers it"


def delete_letter(world: World, person_id: int) -> None:
    with world.db.transaction() as session:
        letter = session.scalars(select(Letter).filter_by(person_id=person_id)).one()
        for attempt in session.scalars(select(MailAttempt).filter_by(letter_id=letter.id)):
            session.delete(attempt)
        session.flush()
        session.delete(letter)


def test_an_accepted_letter_without_proof_is_missing_and_one_proven_twice_is_doubled(targets: World) -> None:
    first, second, *_ = targets.all(Letter)
    with targets.db.transaction() as session:
        session.execute(update(MailAttempt).where(MailAttempt.letter_id == first.id).values(outcome=None))
        session.add(
            MailAttempt(letter_id=second.id, number=2, owner="x", begun_at=targets.at, outcome=LetterState.ACCEPTED)
        )
    with targets.db.reading() as session:
        found: Any = certificate(session, cycle_id=targets.cycle_id)
    assert (found.missing, found.doubled, found.clean) == (1, 1, False)
    assert targets.at < local("2026-01-06")
