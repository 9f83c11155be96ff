from datetime import timedelta

import pytest

from rules.mail.refusals import DEAD_ADDRESS
from rules.mail.smtp_outcomes import (
    Health,
    Outcome,
    again_after_ambiguous,
    classify,
    enhanced_code,
    retry_delay,
    wave_must_stop,
)
from rules.terms import AddressState, LetterState, SmtpPhase

EARLY = [SmtpPhase.CONNECT, SmtpPhase.MAIL, SmtpPhase.RCPT, SmtpPhase.DATA, SmtpPhase.BODY]
REFUSING = [SmtpPhase.MAIL, SmtpPhase.RCPT, SmtpPhase.DATA, SmtpPhase.DOT]


@pytest.mark.parametrize("phase", EARLY)
def test_silence_before_the_dot_leaves_the_letter_queued_and_uncharged(phase: SmtpPhase) -> None:
    assert classify(phase, None, "") == Outcome(LetterState.QUEUED, close=True)
    ours = classify(phase, None, "", bug=True)
    assert ours == Outcome(LetterState.QUEUED, charge_attempt=True, close=True, our_bug=True)


def test_silence_or_nonsense_after_the_dot_is_ambiguous() -> None:
    for code in (None, -1, 0, 199, 354, 600):
        outcome = classify(SmtpPhase.DOT, code, "")
        assert (outcome.state, outcome.close) == (LetterState.AMBIGUOUS, True)


def test_only_a_good_reply_to_the_dot_means_accepted() -> None:
    assert classify(SmtpPhase.DOT, 250, "2.0.0 Ok: queued as 4X").state is LetterState.ACCEPTED
    for phase in EARLY:
        assert classify(phase, 250, "2.0.0 Ok").state is LetterState.QUEUED


@pytest.mark.parametrize("phase", REFUSING)
@pytest.mark.parametrize("code", [450, 451, 452, 454])
def test_a_passing_refusal_defers_the_letter(phase: SmtpPhase, code: int) -> None:
    outcome = classify(phase, code, "4.2.0 Greylisted")
    assert outcome.state is LetterState.DEFERRED
    assert outcome.charge_attempt
    assert outcome.address_state is None
    assert outcome.slow_down is (code == 454)


def test_a_throttling_server_is_met_with_half_the_rate() -> None:
    assert classify(SmtpPhase.RCPT, 450, "4.7.1 Too many").slow_down
    assert classify(SmtpPhase.MAIL, 421, "4.7.0 Try later") == Outcome(LetterState.QUEUED, slow_down=True, close=True)
    after_dot = classify(SmtpPhase.DOT, 421, "4.3.2 Shutting down")
    assert (after_dot.state, after_dot.slow_down, after_dot.close) == (LetterState.DEFERRED, True, True)


@pytest.mark.parametrize("status", sorted(DEAD_ADDRESS))
def test_a_dead_address_is_known_only_by_its_enhanced_code_at_rcpt(status: str) -> None:
    at_rcpt = classify(SmtpPhase.RCPT, 550, f"{status} No such user")
    assert (at_rcpt.state, at_rcpt.address_state) == (LetterState.FAILED_PERM, AddressState.HARD)
    assert not at_rcpt.our_setup
    for phase in (SmtpPhase.MAIL, SmtpPhase.DATA, SmtpPhase.DOT):
        assert classify(phase, 550, f"{status} No").address_state is None


@pytest.mark.parametrize(
    ("code", "text", "ours"),
    [(550, "5.7.1 Blocked by policy", True), (554, "Spam", True), (553, "5.1.8 No", True),
     (550, "No such user here", False), (552, "5.2.2 Full", False), (550, "see 5.1.1", False),
     (550, "4.1.1 odd", False), (501, "Syntax", False), (550, "5.7.133 members only", False)],
)  # fmt: skip
def test_only_what_is_said_of_us_counts_against_us(code: int, text: str, ours: bool) -> None:
    outcome = classify(SmtpPhase.RCPT, code, text)
    assert (outcome.state, outcome.our_setup) == (LetterState.FAILED_PERM, ours)
    nobody = AddressState.HARD if "No such user" in text else None
    assert outcome.address_state is nobody
    assert classify(SmtpPhase.MAIL, code, text).our_setup, "at MAIL nobody else can be meant"


@pytest.mark.parametrize("phase", [SmtpPhase.CONNECT, SmtpPhase.MAIL, SmtpPhase.RCPT])
@pytest.mark.parametrize("code", [530, 534, 535, 538])
def test_a_refused_log_in_stops_the_wave_and_charges_no_letter(phase: SmtpPhase, code: int) -> None:
    assert classify(phase, code, "5.7.8 No") == Outcome(LetterState.QUEUED, stop_wave=True, close=True)


def test_503_is_our_bug_and_never_the_letters_end() -> None:
    for phase in REFUSING:
        assert classify(phase, 503, "5.5.1 Bad sequence") == Outcome(LetterState.QUEUED, our_bug=True, close=True)


@pytest.mark.parametrize("code", [421, 450, 554, 550])
def test_whatever_a_server_says_on_connecting_is_not_about_the_letter(code: int) -> None:
    outcome = classify(SmtpPhase.CONNECT, code, "5.1.1 no")
    assert (outcome.state, outcome.charge_attempt, outcome.address_state) == (LetterState.QUEUED, False, None)


def test_no_refusal_ever_loses_a_letter_unseen() -> None:
    final = {LetterState.ACCEPTED, LetterState.FAILED_PERM, LetterState.AMBIGUOUS}
    for phase in SmtpPhase:
        for code in [None, *range(200, 600)]:
            outcome = classify(phase, code, "")
            assert outcome.state in final | {LetterState.QUEUED, LetterState.DEFERRED}
            assert outcome.state is not LetterState.ACCEPTED or phase in (SmtpPhase.DOT, SmtpPhase.DONE)


def test_an_enhanced_code_counts_only_in_front_and_in_its_own_class() -> None:
    assert enhanced_code(550, " 5.1.10 Gone") == "5.1.10"
    assert enhanced_code(550, "4.1.1 Gone") == ""
    assert enhanced_code(550, "Gone 5.1.1") == ""
    assert enhanced_code(None, "5.1.1") == ""


def test_delays_grow_and_then_stay() -> None:
    assert [retry_delay(n) // timedelta(minutes=1) for n in (0, 1, 2, 3, 4, 5, 6, 99)] == [
        1,
        1,
        5,
        15,
        60,
        240,
        240,
        240,
    ]


def test_a_letter_of_unknown_fate_goes_out_once_more_but_a_code_never() -> None:
    assert again_after_ambiguous("stage_invitation", 1) == timedelta(minutes=30)
    assert again_after_ambiguous("stage_invitation", 2) is None
    assert again_after_ambiguous("step_code", 1) is None
    assert again_after_ambiguous("sign_in", 1) is None


def tried(health: Health, text: str, domains: list[str]) -> list[str]:
    outcome = classify(SmtpPhase.RCPT, 550, text)
    return [reason for domain in domains if (reason := health.trouble(outcome, domain))]


def test_refusals_of_addresses_stop_a_wave_only_in_an_unbroken_row_at_several_domains() -> None:
    accepted = classify(SmtpPhase.DOT, 250, "2.0.0 kept")
    assert tried(Health(), "No Such User", ["kota.example"] * 500) == []
    assert tried(Health(), "5.1.1 gone", ["a.example", "b.example"] * 250) == [], "certain: it is the addresses"
    broken = Health()
    for _ in range(30):
        assert tried(broken, "No Such User", ["a.example"] * 10 + ["b.example"] * 9) == []
        assert broken.trouble(accepted, "a.example") == ""
    row = tried(Health(), "No Such User", ["a.example"] * 10 + ["b.example"] * 10)
    assert row == ["20 refused in a row, at 2 domains"]


def test_what_was_accepted_never_stops_a_wave() -> None:
    health, accepted = Health(), classify(SmtpPhase.DOT, 250, "2.0.0 kept")
    assert tried(health, "5.7.1 not from you", ["kota.example"] * 5) == []
    assert [health.trouble(accepted, "kota.example") for _ in range(200)] == [""] * 200
    assert tried(health, "5.7.1 not from you", ["kota.example"]) == ["6 of 206 refused for our set-up"]


def test_a_wave_stops_above_one_percent_or_twenty_in_a_row() -> None:
    assert wave_must_stop(20, 20, 20)
    assert not wave_must_stop(19, 19, 19)
    assert not wave_must_stop(1, 100, 1)
    assert wave_must_stop(2, 100, 1)
    assert not wave_must_stop(10, 1000, 1)
