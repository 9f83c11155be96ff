"""Reading reports of other mail servers, and whatever else arrives at a bounce address."""

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifications import dsn
from rules.mail.bounces import HOLD_AT, EventKind, classify, fate, standing, status_of
from rules.terms import AddressState
from tests.mail.office import REPORTS, report

OUR_MESSAGE_ID = "<5f1c0a4be2d94c7d8a3a2b1c0d9e8f70@appraisal.example>"
ENDS = [b"\n", b"\r\n"]


@pytest.mark.parametrize("end", ENDS, ids=["LF", "CRLF"])
@pytest.mark.parametrize(
    ("name", "kind", "status"),
    [
        ("postfix", "hard", "5.1.1"),
        ("postfix_full", "soft", "5.2.2"),
        ("postfix_expired", "soft", "4.4.1"),
        ("postfix_refused", "blocked", "5.7.1"),
        ("postfix_delayed", "under_way", "4.4.1"),
        ("postfix_relayed", "under_way", "2.0.0"),
        ("postfix_success", "delivered", "2.0.0"),
        ("exchange", "hard", "5.1.10"),
        ("microsoft365", "hard", "5.1.10"),
        ("gmail", "hard", "5.1.1"),
        ("sendmail", "hard", "5.1.1"),
        ("qmail", "hard", "5.1.1"),
        ("qmail_local", "soft", "5.2.2"),
        ("smtputf8", "hard", "5.1.1"),
        ("several", "hard", "5.2.1"),
    ],
)
def test_f54_reports_of_every_mail_server_say_the_same(name: str, kind: str, status: str, end: bytes) -> None:
    found = dsn.read(report(name).replace(b"\n", end))
    assert (found.kind, found.status) == (kind, status)
    assert found.message_id == OUR_MESSAGE_ID


def test_f54_the_message_id_of_the_report_itself_is_never_taken_for_ours() -> None:
    for path in REPORTS.glob("*.eml"):
        assert dsn.read(path.read_bytes()).message_id in ("", OUR_MESSAGE_ID), path.name
    headless = report("postfix").partition(b"Content-Description: Undelivered Message Headers")[0]
    assert dsn.read(headless).message_id == ""


def test_f54_the_envelope_id_is_read_from_the_report_part() -> None:
    assert [dsn.read(report(name)).envelope_id for name in ("postfix", "sendmail", "smtputf8", "gmail")] == [
        "42", "42", "42", "",
    ]  # fmt: skip


def test_f54_the_words_of_the_other_server_are_kept_on_one_line() -> None:
    assert dsn.read(report("postfix")).diagnostic == (
        "550 5.1.1 <siti@kota.example>: Recipient address rejected: User unknown in virtual mailbox table"
    )
    assert dsn.read(report("qmail_local")).diagnostic == "User is over the quota. You can try again later. (#5.2.2)"


def test_f55_hostile_words_are_cut_and_cleaned() -> None:
    words = dsn.read(report("hostile")).diagnostic
    assert words.isprintable()
    assert len(words) <= dsn.MAX_WORDS
    raw = report("postfix").replace(b"5.1.1 <siti@kota.example>: Rec", b"5.1.1 a\x00b\x1b[31m\xff\x85 Rec")
    assert dsn.read(raw).diagnostic.isprintable()


@pytest.mark.parametrize("end", ENDS, ids=["LF", "CRLF"])
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("away_id", "auto_reply"), ("away_en", "auto_reply"), ("away_de", "auto_reply"), ("away_outlook", "auto_reply"),
        ("away_bare", "other"), ("loop", "auto_reply"), ("read_receipt", "auto_reply"), ("quoted_report", "other"),
    ],
)  # fmt: skip
def test_f53_whatever_has_no_delivery_report_is_no_bounce(name: str, kind: str, end: bytes) -> None:
    assert dsn.read(report(name).replace(b"\n", end)) == dsn.Report(EventKind(kind))


def test_f53_a_report_that_is_marked_as_an_automatic_answer_is_still_a_report() -> None:
    assert b"Auto-Submitted: auto-replied" in report("postfix")
    assert dsn.read(report("postfix")).kind is EventKind.HARD


def test_a_complaint_names_the_letter_and_its_sender_and_praise_is_none() -> None:
    found = dsn.read(report("complaint"))
    assert (found.kind, found.message_id) == (EventKind.COMPLAINT, OUR_MESSAGE_ID)
    assert set(found.senders) == {"b+42.aaaaaaaa@bounce.appraisal.example"}
    assert dsn.read(report("not_spam")).kind is EventKind.OTHER


def test_f55_a_report_that_breaks_off_is_soft_or_unreadable_and_never_hard() -> None:
    assert dsn.read(report("truncated")).kind is EventKind.SOFT
    assert dsn.read(report("truncated_early")).kind is EventKind.UNREADABLE
    whole = report("postfix")
    said = whole.index(b"Status: 5.1.1")
    for cut in range(0, said, 97):
        assert dsn.read(whole[:cut]).kind not in (EventKind.HARD, EventKind.BLOCKED, EventKind.DELIVERED)


def test_f55_of_a_report_of_20_megabytes_only_the_beginning_is_read() -> None:
    small = report("exchange")
    huge = small.replace(b"Yth. Siti Rahma", b"Yth. Siti Rahma\n" + b"lampiran " * 2_300_000)
    assert len(huge) > 20_000_000
    tracemalloc.start()
    try:
        assert dsn.read(huge) == dsn.read(small)
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


def test_f55_parts_nested_without_end_are_unreadable_and_no_crash() -> None:
    nested = b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (number, number) for number in range(5000)
    )
    assert dsn.read(nested).kind in (EventKind.UNREADABLE, EventKind.OTHER)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_f55_garbage_is_read_without_an_error(data: st.DataObject) -> None:
    raw = bytearray(report(data.draw(st.sampled_from(["postfix", "gmail", "qmail", "complaint", "smtputf8"]))))
    for _ in range(data.draw(st.integers(0, 8))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=40))
    found = dsn.read(bytes(raw))
    assert found.diagnostic.isprintable()
    assert len(found.status) <= 9
    assert isinstance(dsn.recipients(bytes(raw)), list)


@given(st.binary(max_size=2000))
def test_f55_unknown_bytes_are_no_bounce(raw: bytes) -> None:
    assert dsn.read(raw).kind in (EventKind.OTHER, EventKind.AUTO_REPLY, EventKind.UNREADABLE)


def test_the_mail_server_s_note_on_a_stored_message_is_found() -> None:
    head = b"Return-Path: <>\nX-Original-To: <b+7.abcdefgh@b.example>\nDelivered-To: bounces@b.example\n\n"
    assert dsn.recipients(head + b"Delivered-To: jahat@b.example\n") == ["b+7.abcdefgh@b.example", "bounces@b.example"]


# what a status means


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("5.1.1", "hard"), ("5.1.2", "hard"), ("5.1.3", "hard"), ("5.1.6", "hard"), ("5.1.10", "hard"),
        ("5.2.1", "hard"), ("5.2.2", "soft"), ("5.2.3", "soft"), ("5.3.0", "soft"), ("5.3.4", "soft"),
        ("5.4.4", "soft"), ("5.0.0", "soft"), ("4.0.0", "soft"), ("4.1.1", "soft"), ("4.7.1", "soft"), ("", "soft"),
        ("5.7.0", "blocked"), ("5.7.1", "blocked"), ("5.7.26", "blocked"), ("5.1.7", "blocked"), ("5.1.8", "blocked"),
        ("5.10.1", "soft"), ("5.2.10", "soft"),
    ],
)  # fmt: skip
def test_a_failure_is_classed_by_its_enhanced_status(status: str, kind: str) -> None:
    assert classify("failed", status) == kind


@pytest.mark.parametrize(
    ("action", "status", "kind"),
    [
        ("delayed", "4.4.1", "under_way"), ("relayed", "2.0.0", "under_way"), ("delivered", "", "delivered"),
        ("expanded", "2.0.0", "delivered"), ("", "", "unreadable"), ("", "2.1.5", "delivered"), ("", "5.1.1", "hard"),
        ("nonsense", "", "unreadable"),
    ],
)  # fmt: skip
def test_the_action_goes_before_the_status(action: str, status: str, kind: str) -> None:
    assert classify(action, status) == kind


@pytest.mark.parametrize(
    ("given_", "said", "status"),
    [
        ("5.0.0", "550 5.1.1 no such user", "5.1.1"), ("5.1.1", "550 5.7.1 policy", "5.1.1"),
        ("5.0.0", "450 4.2.2 full", "5.0.0"), ("", "550-5.1.10 gone", "5.1.10"), ("", "host 5.1.1.7 refused", ""),
        ("5.1.1 (bad destination)", "", "5.1.1"), ("", "(#5.2.2)", "5.2.2"), ("x", "", ""),
    ],
)  # fmt: skip
def test_what_the_other_server_said_itself_goes_before_a_general_status(given_: str, said: str, status: str) -> None:
    assert status_of(given_, said) == status


SOFT, HARD, BLOCKED, DELIVERED = EventKind.SOFT, EventKind.HARD, EventKind.BLOCKED, EventKind.DELIVERED


def test_the_sixth_soft_bounce_in_a_row_holds_the_address_and_a_delivery_resets() -> None:
    assert standing([SOFT] * 5).state is AddressState.SOFT
    assert standing([SOFT] * HOLD_AT).state is AddressState.BLOCKED
    assert standing([SOFT] * 5 + [None, SOFT]).state is AddressState.BLOCKED
    after = standing([SOFT] * 5 + [DELIVERED, SOFT])
    assert (after.state, after.soft) == (AddressState.SOFT, 1)
    assert standing([SOFT] * HOLD_AT + [DELIVERED]).state is AddressState.OK
    assert standing([]).state is AddressState.OK


def test_a_dead_address_stays_dead_and_a_refusal_for_our_sake_ends_with_a_delivery() -> None:
    assert standing([HARD, DELIVERED]).state is AddressState.HARD
    assert standing([BLOCKED, SOFT]).state is AddressState.BLOCKED
    assert standing([BLOCKED, DELIVERED]).state is AddressState.OK
    assert standing([BLOCKED]).soft == 0


def test_the_weightiest_word_decides_about_a_letter() -> None:
    assert fate({"delivered", "hard", "soft"}) is HARD
    assert fate({"soft", "delivered"}) is SOFT
    assert fate({"under_way", "told"}) is None
