"""Whom a refusal is about, in the words that mail servers really use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.mail.refusals import Blame, blame

ADDRESS, MAILBOX, US, UNSAID = Blame.ADDRESS, Blame.MAILBOX, Blame.US, Blame.UNSAID


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("5.0.0", "554 delivery error: dd This user doesn't have a warga.example account (budi@warga.example) [0]"),
        ("5.0.0", "554 delivery error: dd Sorry, your message cannot be delivered. This mailbox is disabled (554.30)."),
        ("5.0.0", "554 delivery error: dd Not a valid recipient - mta7.warga.example"),
        ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [HK2APC01FT012.example]"),
        ("5.5.0", "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)."),
        ("5.0.0", "550 No Such User Here"),
        ("", "550 no such user here"),
        ("", "550 5.1.1x unrouteable address"),
        ("5.0.0", "550 Unrouteable address"),
        ("5.0.0", "550 <budi@kota.example>: User unknown in local recipient table"),
        ("5.0.0", "host mx.kota.example[192.0.2.7] said: 550 <budi@kota.example>: Recipient rejected: unknown user"),
        ("5.3.0", "553 5.3.0 <budi@kota.example>... Addressee unknown, relay=[192.0.2.1]"),
        ("5.7.1", "550 5.7.1 <budi@kota.example>... User unknown"),
        ("5.0.0", "550 5.0.0 Mailbox not found"),
        ("5.0.0", "550 The email account that you tried to reach does not exist."),
        ("5.0.0", "550 This account has been suspended"),
        ("5.0.0", "550 sorry, this address no longer accepts mail"),
        ("5.0.0", "550 Invalid recipient"),
        ("5.0.0", "550 Pengguna budi tidak ditemukan"),
        ("5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"),
        ("5.1.1", ""),
        ("5.2.1", "550 5.2.1 The email account that you tried to reach is disabled."),
    ],
)
def test_an_account_that_is_not_there_is_known_by_any_words(status: str, words: str) -> None:
    assert blame(status, words) is ADDRESS


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("5.2.2", "552-5.2.2 The email account that you tried to reach is over quota"),
        ("5.0.0", "552 Requested mail action aborted: exceeded storage allocation"),
        ("5.0.0", "550 mailbox of this user is full, account temporarily disabled"),
        ("5.2.1", "550 5.2.1 The user you are trying to contact is receiving mail too quickly"),
        ("5.7.133", "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required"),
        ("5.7.124", "550 5.7.124 sender not in allowed-senders list"),
        ("5.7.1", "550 5.7.1 RESOLVER.RST.NotAuthorized; not authorized"),
        ("5.7.1", "554 5.7.1 <budi@kota.example>: Recipient address rejected: Access denied"),
        ("5.0.0", "550 You are not authorized to send to this list, no such user for you"),
    ],
)
def test_somebody_who_takes_no_letter_now_is_not_dead_and_not_our_fault(status: str, words: str) -> None:
    assert blame(status, words) is MAILBOX


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("5.7.1", "550 5.7.1 Service unavailable, client host blocked"),
        ("5.7.1", "554 5.7.1 <budi@kota.example>: Relay access denied"),
        ("5.7.1", "550 5.7.1 Requested action not taken: mailbox unavailable"),
        ("5.7.26", "550-5.7.26 This mail has been blocked because the sender is unauthenticated"),
        ("5.7.606", "550 5.7.606 Access denied, banned sending IP [192.0.2.1]"),
        ("5.0.0", "554 Your IP [192.0.2.1] was found on a blocklist; user unknown"),
        ("", "Spam"),
        ("", "550 Sender address rejected: Domain not found"),
        ("5.1.0", "550 5.1.0 Sender denied as sender's email address is not on SPF list"),
        ("5.1.8", ""),
        ("", "550 relaying denied"),
        ("5.0.0", "550 message rejected"),
    ],
)
def test_what_is_said_of_us_is_never_taken_for_a_dead_address(status: str, words: str) -> None:
    assert blame(status, words) is US


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("5.4.4", "Host or domain name not found. Name service error for name=kota.example type=A: Host not found"),
        ("5.4.1", "550 5.4.1 no answer from host"),
        ("5.4.1", "550 5.4.1 Domain not found"),
        ("5.0.0", "554 Transaction failed"),
        ("", "501 Syntax"),
        ("", "see 5.1.1"),
        ("4.2.2", "user unknown"),
        ("", ""),
    ],
)
def test_what_says_too_little_is_left_open(status: str, words: str) -> None:
    assert blame(status, words) is UNSAID


@given(st.sampled_from(["", "5.0.0", "5.7.1", "5.4.1", "5.1.0"]), st.text(max_size=300))
def test_any_words_are_read(status: str, words: str) -> None:
    assert blame(status, words) in Blame
