"""What came back changes letters, addresses and HR's work: once, in any order, and only with our signature."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from actions.mail import bounce_notices, bounces, checks, letters, outbox
from actions.steering import correct_address
from database import Database
from models import Agency, Assignment, Letter, MailEvent, Person, Wave
from notifications.compose import compose
from rules.mail.bounces import PRESUMED_DELIVERED, EventKind
from rules.mail.smtp_outcomes import classify
from rules.proof.tokens import verp
from rules.terms import AddressState, LetterState, Locale, SmtpPhase
from tests.actions.world import World
from tests.mail.office import AT, DOMAIN, Office, report

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REPORTS = ["postfix", "postfix_full", "postfix_refused", "postfix_delayed", "postfix_success", "away_id", "truncated"]


def state(office: Office, *ids: int) -> tuple[Any, ...]:
    siti = office.person("siti")
    return (*((one.state, one.reply) for one in map(office.letter, ids)), siti.email_state, siti.soft_bounces)


def tell(office: Office, at: datetime = AT) -> dict[str, int]:
    with office.db.transaction() as session:
        return dict(bounce_notices.tell_hr(session, at=at))


# states


@pytest.mark.parametrize(
    ("name", "letter", "address", "soft"),
    [
        ("postfix", LetterState.BOUNCED_HARD, AddressState.HARD, 0),
        ("qmail", LetterState.BOUNCED_HARD, AddressState.HARD, 0),
        ("postfix_full", LetterState.BOUNCED_SOFT, AddressState.SOFT, 1),
        ("postfix_refused", LetterState.BOUNCED_SOFT, AddressState.BLOCKED, 0),
        ("postfix_success", LetterState.DELIVERED, AddressState.OK, 0),
        ("postfix_delayed", LetterState.ACCEPTED, AddressState.OK, 0),
        ("truncated_early", LetterState.ACCEPTED, AddressState.OK, 0),
    ],
)
def test_f54_a_report_decides_about_letter_and_address(
    office: Office, name: str, letter: LetterState, address: AddressState, soft: int
) -> None:
    (one,) = office.send("siti")
    assert office.take(one, name).new
    siti = office.person("siti")
    assert (office.letter(one).state, siti.email_state, siti.soft_bounces) == (letter, address, soft)
    assert office.person("dewi").email_state is AddressState.OK


def test_the_reason_stands_with_the_letter_and_in_mail_status(office: Office) -> None:
    (one,) = office.send("siti")
    office.take(one, "postfix")
    with office.db.reading() as session:
        found = checks.overview(session)
    assert found["came_back"] == {"hard": 1}
    assert [(row["name"], row["state"]) for row in found["not_reached"]] == [("Siti", "bounced_hard")]
    assert found["not_reached"][0]["why"].startswith("5.1.1 550 5.1.1 <siti@kota.example>: Recipient")


def test_the_sixth_letter_in_a_row_that_comes_back_holds_the_next_and_a_delivery_lets_it_go(each: Office) -> None:
    ids = each.send("siti", 7)
    for one in ids[:5]:
        each.take(one, "postfix_full")
    assert state(each)[-2:] == (AddressState.SOFT, 5)
    each.take(ids[5], "postfix_full")
    assert state(each)[-2:] == (AddressState.BLOCKED, 6)
    (held,) = each.owe("siti")
    assert each.begin() == []
    assert each.letter(held).state is LetterState.HELD
    each.take(ids[6], "postfix_success")
    assert state(each)[-2:] == (AddressState.OK, 0)
    assert each.letter(held).state is LetterState.QUEUED
    assert [one.id for one in each.begin()] == [held]


def test_silence_for_six_days_counts_as_a_delivery_and_resets(office: Office) -> None:
    first = office.send("siti", 5)
    (silent,) = office.send("siti", at=AT + HOUR)
    last = AT + HOUR + PRESUMED_DELIVERED
    (late,) = office.send("siti", at=last)
    for one in first:
        office.take(one, "postfix_full", at=AT + HOUR)
    office.take(late, "postfix_full", at=last - HOUR)
    assert state(office)[-2:] == (AddressState.BLOCKED, 6)
    office.take(late, "postfix_full", at=last)
    assert state(office)[-2:] == (AddressState.SOFT, 1)
    assert office.letter(silent).state is LetterState.ACCEPTED


# F49 to F51: how often and in which order


def test_f49_the_same_report_three_times_is_one_event(each: Office) -> None:
    (one,) = each.send("siti")
    taken = [each.take(one, "postfix_full", event="dsn-1").new for _ in range(3)]
    assert taken == [True, False, False]
    assert len(each.events()) == 1
    assert state(each)[-1] == 1
    each.take(one, "postfix_full", event="dsn-1", source="other")
    assert state(each)[-2:] == (AddressState.SOFT, 1)


def test_f49_three_reports_in_all_orders_end_alike(each: Office) -> None:
    ends = set()
    for number, order in enumerate(permutations(["postfix_full", "postfix", "postfix_success"])):
        each.people["siti"] = each.hire(f"siti{number}")
        (one,) = each.send("siti")
        for name in (*order, *order):
            each.take(one, name, event=f"{number}:{name}")
        ends.add(state(each, one))
    assert len(ends) == 1
    assert {end[-2] for end in ends} == {AddressState.HARD}


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@given(data=st.data())
@given_settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)
def test_f49_any_reports_in_any_order_end_alike(
    request: pytest.FixtureRequest, database: str, data: st.DataObject
) -> None:
    """Several letters, reports and the recording of our own replies, twice in different orders."""
    if not (kept := getattr(request.node, "office", None)):
        kept = request.node.office = Office.make(request.getfixturevalue("db" if database == "sqlite" else "pg"))
    count = data.draw(st.integers(1, 8), "letters")
    reports = st.tuples(st.integers(0, count - 1), st.sampled_from(REPORTS))
    happened: list[tuple[int, str]] = data.draw(st.lists(reports, max_size=12), "reports")
    happened += [(number, "reply") for number in range(count)]
    other = data.draw(st.permutations(happened), "order")
    ends = []
    for order in (happened, other):
        kept.people["siti"] = kept.hire(f"siti{len(kept.people)}{kept.taken}")
        ids = kept.owe("siti", count)
        ours = {one.id: one for one in kept.begin()}
        for number, name in order:
            if name == "reply":
                kept.end(ours[ids[number]])
            else:
                kept.take(ids[number], name)
        words = state(kept, *ids)
        ends.append(
            [(one, "") if one is LetterState.ACCEPTED else (one, why) for one, why in words[:-2]] + [words[-2:]]
        )
    assert ends[0] == ends[1]


def test_f50_a_bounce_before_our_own_record_of_the_reply_is_kept(each: Office) -> None:
    (one,) = each.owe("siti")
    (claimed,) = each.begin()
    assert each.letter(one).state is LetterState.SENDING
    each.take(one, "postfix")
    assert each.end(claimed) is False
    letter = each.letter(one)
    assert (letter.state, letter.lease_owner) == (LetterState.BOUNCED_HARD, None)
    with each.db.reading() as session:
        assert letters.certificate(session).clean


def test_f50_a_bounce_answers_what_nobody_knew_and_the_letter_is_not_sent_again(office: Office) -> None:
    (one,) = office.owe("siti")
    (claimed,) = office.begin()
    office.end(claimed, LetterState.AMBIGUOUS)
    office.take(one, "postfix_full")
    assert office.letter(one).state is LetterState.BOUNCED_SOFT
    with office.db.transaction() as session:
        assert outbox.resolve_ambiguous(session, at=AT + DAY) == 0
        assert letters.certificate(session).missing == 0
    assert office.begin(at=AT + DAY) == []


def test_f51_a_bounce_after_the_delivery_counts(each: Office) -> None:
    (one,) = each.send("siti")
    each.take(one, "postfix_success")
    assert each.letter(one).state is LetterState.DELIVERED
    each.take(one, "postfix", at=AT + DAY)
    assert state(each, one)[0][0] is LetterState.BOUNCED_HARD
    assert state(each)[-2] is AddressState.HARD


def test_what_we_ended_ourselves_stays_ended(office: Office) -> None:
    (one,) = office.send("siti")
    with office.db.transaction() as session:
        session.get_one(Letter, one).state = LetterState.CANCELLED
    office.take(one, "postfix_full")
    assert office.letter(one).state is LetterState.CANCELLED
    (waiting,) = office.owe("siti")
    office.take(waiting, "postfix_full")
    assert office.letter(waiting).state is LetterState.QUEUED


def test_a_late_report_about_the_old_address_says_nothing_of_the_new_one(office: Office) -> None:
    old, older = office.send("siti", 2)
    office.take(old, "postfix")
    later = AT + HOUR
    with office.db.transaction() as session:
        correct_address(session, office.people["siti"], "siti.baru@kota.example", reason="Pindah", at=later)
    office.take(older, "postfix", at=later)
    assert office.letter(older).state is LetterState.BOUNCED_HARD
    assert office.person("siti").email_state is AddressState.OK
    (new,) = office.send("siti", at=later + HOUR)
    office.take(new, "postfix_full", at=later + HOUR)
    assert office.person("siti").email_state is AddressState.SOFT


def test_an_address_that_changed_unnoticed_is_not_judged_by_letters_to_another(office: Office) -> None:
    (one,) = office.send("siti")
    with office.db.transaction() as session:
        session.get_one(Person, office.people["siti"]).email = "siti.baru@kota.example"
    office.take(one, "postfix")
    assert office.letter(one).state is LetterState.BOUNCED_HARD
    assert office.person("siti").email_state is AddressState.OK


def test_an_address_that_hr_confirms_is_judged_anew(office: Office) -> None:
    old, again = office.send("siti", 2)
    office.take(old, "postfix")
    with office.db.transaction() as session:
        correct_address(session, office.people["siti"], "siti@kota.example", reason="Kotak dibuka", at=AT + HOUR)
    office.take(again, "postfix", at=AT + DAY)
    assert office.person("siti").email_state is AddressState.OK


def test_an_address_that_a_server_refused_while_we_spoke_stays_dead(office: Office) -> None:
    (one,) = office.send("siti")
    with office.db.transaction() as session:
        session.get_one(Person, office.people["siti"]).email_state = AddressState.HARD
    office.take(one, "postfix_success")
    assert office.person("siti").email_state is AddressState.HARD


# F52, F53, F55: what must change nothing


def test_f52_a_report_with_a_wrong_signature_is_kept_and_changes_nothing(each: Office) -> None:
    (one,) = each.send("siti")
    before = state(each, one)
    good = each.address(one)
    number = good.partition(".")[0].removeprefix("b+")
    forged = [
        good.replace(f"b+{number}.", f"b+{int(number) + 1}."), f"b+{number}.aaaaaaaa@{DOMAIN}", f"b+{number}@{DOMAIN}",
        verp(one, domain=DOMAIN, master=b"another secret, and long enough!!"),
    ]  # fmt: skip
    for address in forged:
        taken = each.take(one, "postfix", to=address)
        assert (taken.kind, taken.letter_id) == (EventKind.FORGED, None), address
    assert state(each, one) == before
    assert [event.letter_id for event in each.events("forged")] == [None] * len(forged)


def test_f52_the_envelope_id_and_our_message_id_prove_nothing(each: Office) -> None:
    (one,) = each.send("siti")
    before = state(each, one)
    by_id = report("postfix").replace(b"Original-Envelope-Id: 42", b"Original-Envelope-Id: %d" % one)
    by_message = report("exchange").replace(
        b"<5f1c0a4be2d94c7d8a3a2b1c0d9e8f70@appraisal.example>", each.letter(one).message_id.encode()
    )
    by_nothing = report("postfix").replace(b"Original-Envelope-Id: 42", b"Original-Envelope-Id: " + b"9" * 40)
    for raw, letter in ((by_id, one), (by_message, one), (by_nothing, None)):
        taken = each.take(one, raw, to=f"postmaster@{DOMAIN}")
        assert (taken.kind, taken.letter_id) == (EventKind.UNVERIFIED, letter)
    assert state(each, one) == before


def test_f52_a_signature_for_a_letter_that_this_database_lost_is_kept(each: Office) -> None:
    assert each.take(987654321, "postfix") == bounces.Taken(EventKind.UNKNOWN, None, True)


def test_f52_the_signature_decides_whatever_letter_the_report_names(office: Office) -> None:
    one, other = office.send("siti", 2)
    raw = report("postfix").replace(b"Original-Envelope-Id: 42", b"Original-Envelope-Id: %d" % other)
    assert office.take(one, raw).letter_id == one
    assert office.letter(other).state is LetterState.ACCEPTED


@pytest.mark.parametrize(
    "name",
    ["away_id", "away_en", "away_de", "away_outlook", "away_bare", "loop", "read_receipt", "quoted_report", "not_spam"],
)
def test_f53_an_automatic_answer_is_no_bounce_and_is_never_answered(office: Office, name: str) -> None:
    (one,) = office.send("siti")
    before = state(office, one)
    assert office.take(one, name).kind in (EventKind.AUTO_REPLY, EventKind.OTHER)
    assert state(office, one) == before
    assert tell(office) == {"told": 0, "nobody_to_tell": 0}
    with office.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Letter)) == 1


def test_f53_no_report_of_any_kind_makes_a_letter_by_itself(office: Office) -> None:
    (one,) = office.send("siti")
    for name in ("postfix", "complaint", "postfix_refused", "loop"):
        office.take(one, name)
    with office.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Letter)) == 1


def test_f55_what_nobody_can_read_is_kept_and_changes_nothing(each: Office) -> None:
    (one,) = each.send("siti")
    before = state(each, one)
    for raw in (b"", b"\0" * 1000, b"\xff\xfe\x00garbage", report("truncated_early")):
        assert each.take(one, raw).new
    assert state(each, one) == before
    assert len(each.events("other", "unreadable")) == 4


def test_f55_an_odd_name_of_an_event_is_still_one_event(each: Office) -> None:
    (one,) = each.send("siti")
    for odd in ("x" * 5000, "nul\0nul", "\udcff"):
        assert [each.take(one, "postfix_full", event=odd).new for _ in range(2)] == [True, False]


def test_f55_hostile_words_reach_hr_without_a_link_or_a_control_sign(office: Office) -> None:
    (one,) = office.send("siti")
    office.take(one, "hostile")
    tell(office)
    for notice in office.all("bounce_notice"):
        written = compose(notice.kind, notice.facts, notice.locale)
        assert "https://jahat.example" not in written.text + written.html
        assert "jahat" in written.text
        assert not any(sign in written.text for sign in "\u202e\x07\u2028")


# our own reputation


def test_a_wave_that_is_refused_for_our_sake_stops_and_no_address_is_called_dead(db: Database) -> None:
    world = World.make(db)
    office = Office.of(db, world.people)
    with db.transaction() as session:
        wave = letters.wave_of(session, "test", world.cycle_id, None, at=AT)
        person = session.get_one(Person, min(world.people.values()))
        owed = [letters.owed_to(person, "reminder", f"reminder:{n}", {}) for n in range(200)]
        letters.queue(session, owed, at=AT, wave=wave)
    for one in office.begin():
        office.end(one)
    ids = [one.id for one in office.all("reminder")]
    for one in ids[:2]:
        office.take(one, "postfix_refused")
    with db.reading() as session:
        assert session.scalars(select(Wave).filter_by(key="test")).one().paused_at is None
    office.take(ids[2], "postfix_refused")
    with db.reading() as session:
        stopped = session.scalars(select(Wave).filter_by(key="test")).one()
        assert stopped.paused_reason.startswith("3 of 200 came back refused for our sake: 5.7.1")
        assert not session.scalars(select(Person).filter_by(email_state=AddressState.HARD)).all()


# HR


def test_hr_gets_one_notice_a_working_day_with_names_addresses_and_reasons(each: Office) -> None:
    hard, soft = each.send("siti", 2)
    each.take(hard, "postfix")
    assert tell(each) == {"told": 1, "nobody_to_tell": 0}
    each.take(soft, "postfix_full")
    assert tell(each, AT + HOUR) == {"told": 0, "nobody_to_tell": 0}
    assert tell(each, AT + DAY) == {"told": 1, "nobody_to_tell": 0}
    assert tell(each, AT + 2 * DAY) == {"told": 0, "nobody_to_tell": 0}
    notices = each.all("bounce_notice")
    assert [notice.person_id for notice in notices] == [each.people["dewi"], each.people["hasan"]] * 2
    assert len({notice.key for notice in notices}) == 4
    indonesian, english = notices[:2]
    assert indonesian.facts["letters"] == [
        {"person": "Siti", "unit": "Dinas Pendidikan", "address": "siti@kota.example", "kind": "stage_invitation",
         "reason": f"Alamat tidak ada atau tidak aktif: {each.letter(hard).reply}"}
    ]  # fmt: skip
    assert english.facts["letters"][0]["reason"].startswith("The address does not exist or is disabled: 5.1.1")
    assert indonesian.facts["url"] == "http://127.0.0.1:8080/hr"
    for notice in notices:
        written = compose(notice.kind, notice.facts, Locale(notice.locale))
        assert "Dinas Pendidikan" in written.text
        assert "http://127.0.0.1:8080/hr" in written.text


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        ("5.0.0", "554 delivery error: dd This user doesn't have a warga.example account (siti@warga.example)", "hard"),
        ("5.0.0", "554 delivery error: dd This mailbox is disabled (554.30). - mta1.warga.example", "hard"),
        ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied. AS(1) [HK2.prod.protection.example]", "hard"),
        ("5.0.0", "550 No Such User Here", "hard"),
        ("5.0.0", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found by SMTP address lookup", "hard"),
        ("5.2.2", "552-5.2.2 The email account that you tried to reach is over quota", "soft"),
        ("5.7.133", "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required", "soft"),
        ("5.4.4", "Host or domain name not found. Name service error for name=kota.example type=A", "soft"),
    ],
)
def test_hr_never_reads_that_an_address_may_be_right_beside_the_word_that_nobody_is_there(
    office: Office, status: str, said: str, kind: str
) -> None:
    (one,) = office.send("siti")
    head, _, body = report("postfix").partition(b"Status: 5.1.1")
    diagnostic = body.index(b"\n\n")
    raw = head + f"Status: {status}\nDiagnostic-Code: smtp; {said}".encode() + body[diagnostic:]
    assert office.take(one, raw).kind == kind
    tell(office)
    reason = office.all("bounce_notice")[0].facts["letters"][0]["reason"]
    words = "Alamat tidak ada atau tidak aktif" if kind == "hard" else "Dikembalikan; alamat mungkin benar"
    assert reason.startswith(words)
    assert said in reason


def test_hr_reads_that_nobody_is_there_when_our_own_relay_says_so(office: Office) -> None:
    (one,) = office.owe("siti")
    (claimed,) = office.begin()
    outcome = classify(SmtpPhase.RCPT, 550, "No Such User")
    with office.db.transaction() as session:
        how = outbox.Settled(outcome.state, SmtpPhase.RCPT, 550, "No Such User", address_state=outcome.address_state)
        assert outbox.settle(session, claimed, how, at=AT)
    tell(office)
    reason = office.all("bounce_notice")[0].facts["letters"][0]["reason"]
    assert reason == "Alamat tidak ada atau tidak aktif: No Such User"
    assert office.letter(one).state is LetterState.FAILED_PERM


def test_hr_is_left_alone_on_days_off_and_told_on_the_next_working_day(office: Office) -> None:
    (one,) = office.send("siti")
    office.take(one, "postfix")
    saturday = datetime(2026, 1, 10, 2, 0, tzinfo=UTC)
    assert tell(office, saturday)["told"] == 0
    assert tell(office, datetime(2025, 12, 25, 2, 0, tzinfo=UTC))["told"] == 0
    assert tell(office, saturday + 2 * DAY)["told"] == 1


def test_a_letter_that_gets_worse_is_told_again(office: Office) -> None:
    (one,) = office.send("siti")
    office.take(one, "postfix_full")
    tell(office)
    office.take(one, "postfix", at=AT + HOUR)
    assert tell(office, AT + DAY)["told"] == 1


def test_a_letter_that_fails_again_after_the_correction_is_told_again(office: Office) -> None:
    (one,) = office.owe("siti")
    (claimed,) = office.begin()
    office.end(claimed, LetterState.FAILED_PERM)
    with office.db.transaction() as session:
        session.get_one(Person, office.people["siti"]).email_state = AddressState.HARD
    assert tell(office)["told"] == 1
    later = AT + DAY
    with office.db.transaction() as session:
        correct_address(session, office.people["siti"], "siti.salah@kota.example", reason="Salah ketik", at=later)
    assert tell(office, later)["told"] == 0
    claimed = {sent.id: sent for sent in office.begin(at=later)}
    office.end(claimed[one], LetterState.FAILED_PERM, at=later)
    assert tell(office, later + HOUR)["told"] == 1


def test_letters_that_were_refused_or_held_are_told_too(office: Office) -> None:
    office.owe("siti", 2)
    first, second = office.begin()
    office.end(first, LetterState.FAILED_PERM)
    office.end(second)
    office.take(second.id, "postfix")
    office.owe("siti")
    office.begin()
    assert tell(office)["told"] == 3
    reasons = [row["reason"] for row in office.all("bounce_notice")[0].facts["letters"]]
    assert [reason.partition(":")[0] for reason in reasons] == [
        "Ditolak oleh server surat", "Alamat tidak ada atau tidak aktif", "Ditahan",
    ]  # fmt: skip


def test_a_notice_lists_fifty_letters_and_counts_all(office: Office) -> None:
    ids = office.send("siti", 53)
    for one in ids:
        office.take(one, "postfix_full")
    assert tell(office)["told"] == 53
    notice = office.all("bounce_notice")[0]
    assert (len(notice.facts["letters"]), notice.facts["total"]) == (50, 53)
    assert tell(office, AT + DAY)["told"] == 0


def test_a_dead_address_of_hr_is_told_to_the_other_and_of_all_hr_to_the_authority(office: Office) -> None:
    (one,) = office.send("siti")
    office.take(one, "postfix")
    tell(office)
    for claimed in office.begin():
        office.end(claimed)
    to_dewi, to_hasan = office.all("bounce_notice")
    office.take(to_dewi.id, "postfix")
    assert tell(office, AT + DAY)["told"] == 1
    assert [notice.person_id for notice in office.all("bounce_notice")[2:]] == [office.people["hasan"]]
    office.take(to_hasan.id, "postfix")
    assert tell(office, AT + 2 * DAY)["told"] == 1
    assert [notice.person_id for notice in office.all("bounce_notice")[3:]] == [office.people["bupati"]]


def test_what_nobody_can_be_told_of_stays_owed_and_is_counted(office: Office) -> None:
    (one,) = office.send("siti")
    office.take(one, "postfix")
    with office.db.transaction() as session:
        for person in session.scalars(select(Person)):
            person.email_state = AddressState.HARD
    assert tell(office) == {"told": 0, "nobody_to_tell": 1}
    with office.db.transaction() as session:
        session.get_one(Person, office.people["bupati"]).email_state = AddressState.OK
    assert tell(office) == {"told": 1, "nobody_to_tell": 0}


def test_another_agency_s_hr_is_not_told(office: Office) -> None:
    (one,) = office.send("siti")
    office.take(one, "postfix")
    with office.db.transaction() as session:
        other = Agency(code="desa", name="Desa", zone="Asia/Jakarta")
        session.add(other)
        session.flush()
        for name in ("siti", "hasan"):
            session.get_one(Person, office.people[name]).agency_id = other.id
    tell(office)
    assert [notice.person_id for notice in office.all("bounce_notice")] == [office.people["hasan"]]


# complaints


def test_a_complaint_is_told_to_hr_and_the_letter_stays_delivered(each: Office) -> None:
    (one,) = each.send("siti")
    raw = report("complaint").replace(b"b+42.aaaaaaaa@" + DOMAIN.encode(), each.address(one).encode())
    assert each.take(one, raw, to="abuse@appraisal.example").letter_id == one
    assert state(each, one)[0][0] is LetterState.ACCEPTED
    assert tell(each)["told"] == 1
    assert each.all("bounce_notice")[0].facts["letters"][0]["reason"] == "Sampai, tetapi ditandai sebagai spam"
    assert tell(each, AT + DAY)["told"] == 0
    with each.db.reading() as session:
        assert bounces.complained(session, each.people.values()) == {each.people["siti"]}


def test_a_forged_complaint_silences_nobody(office: Office) -> None:
    (one,) = office.send("siti")
    assert office.take(one, "complaint", to="abuse@appraisal.example").kind is EventKind.UNVERIFIED
    with office.db.reading() as session:
        assert bounces.complained(session, office.people.values()) == set()


def test_who_complained_is_reminded_of_what_is_mandatory_only(db: Database) -> None:
    world = World.make(db)
    world.on("2026-01-05")
    spared, other = sorted({task.person_id for task in world.all(Assignment)})[:2]
    with db.transaction() as session:
        for task in session.scalars(select(Assignment).where(Assignment.person_id.in_([spared, other]))):
            task.optional, task.told_at = True, None
        letter = session.scalars(select(Letter).filter_by(person_id=spared)).first()
        assert letter is not None
        session.add(MailEvent(source="test", event_id="1", letter_id=letter.id, kind="complaint", at=world.at))
    assert reminded(world, "2026-01-06") == {other}
    with db.transaction() as session:
        for task in session.scalars(select(Assignment).filter_by(person_id=spared)):
            task.optional = False
    assert spared in reminded(world, "2026-01-07")


def reminded(world: World, when: str) -> set[int]:
    before = {letter.id for letter in world.all(Letter)}
    world.on(when)
    return {letter.person_id for letter in world.all(Letter, kind="reminder") if letter.id not in before}
