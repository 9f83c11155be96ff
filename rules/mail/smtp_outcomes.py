"""What a mail server's answer means for the letter, the address and the wave: by phase and code, not by exception."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from rules.mail.refusals import DEAD_ADDRESS, Blame, blame
from rules.terms import AddressState, LetterState, SmtpPhase

RETRY_DELAYS = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 240))
AFTER_AMBIGUOUS = timedelta(minutes=30)
MOST_BUGS = 5
"""After so many failures on our own side a letter is held: trying more would only hide that."""
NEVER_TWICE = frozenset({"step_code", "sign_in"})
"""Worthless by the time we know better, and a second code would confuse; the person asks for another."""

NOT_AUTHORISED = frozenset({530, 534, 535, 538})
SETUP_SHARE, IN_A_ROW = 0.01, 20
SEVERAL_DOMAINS = 2
"""What independent servers refuse one after the other is hardly about so many addresses."""

_ENHANCED = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})(?!\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Outcome:
    state: LetterState
    charge_attempt: bool = False
    """Whether it was about this letter, so that its next try waits longer."""
    address_state: AddressState | None = None
    """What is now known of the address; None leaves it as it is."""
    stop_wave: bool = False
    """At once: every other letter would fail alike until a person acts."""
    our_setup: bool = False
    """We are refused, not the letter: counts towards `wave_must_stop`."""
    refused: bool = False
    """Refused for good, and nothing is certain of the address: so many in a row may still be our fault."""
    our_bug: bool = False
    slow_down: bool = False
    """Halve the rate."""
    close: bool = False
    """The connection must not be used again."""


ACCEPTED = Outcome(LetterState.ACCEPTED, charge_attempt=True)


def enhanced_code(code: int | None, text: str) -> str:
    """Return the enhanced status (RFC 3463) at the start of a reply, if it agrees with the code; else ''."""
    found = _ENHANCED.match(text)
    return ".".join(found.groups()) if found and code is not None and found[1] == str(code)[0] else ""


def classify(phase: SmtpPhase, code: int | None, text: str, *, bug: bool = False) -> Outcome:
    """Say what follows from how far a letter got and the last reply; `code` None: no reply, or none to be understood.

    `bug`: an exception of our own side before the dot, rather than a silent server; charged, so that it waits longer
    each time and never blocks the queue.
    """
    at_dot = phase in (SmtpPhase.DOT, SmtpPhase.DONE)
    if code is None or not 200 <= code < 600 or (at_dot and 300 <= code < 400):
        return _no_reply(at_dot, bug)
    if code < 400:
        return _good_reply(at_dot)
    if code in NOT_AUTHORISED:
        return Outcome(LetterState.QUEUED, stop_wave=True, close=True)
    if phase is SmtpPhase.CONNECT:
        return Outcome(LetterState.QUEUED, slow_down=True, close=True)
    if code == 503:
        return Outcome(LetterState.QUEUED, our_bug=True, close=True)
    if code < 500:
        return _refused_for_now(phase, code, enhanced_code(code, text))
    return _refused_for_good(phase, enhanced_code(code, text), text)


def _no_reply(at_dot: bool, bug: bool) -> Outcome:
    if at_dot:
        return Outcome(LetterState.AMBIGUOUS, charge_attempt=True, close=True)
    return Outcome(LetterState.QUEUED, charge_attempt=bug, our_bug=bug, close=True)


def _good_reply(at_dot: bool) -> Outcome:
    if at_dot:
        return ACCEPTED
    return Outcome(LetterState.QUEUED, our_bug=True, close=True)


def _refused_for_now(phase: SmtpPhase, code: int, enhanced: str) -> Outcome:
    slow = code in (421, 454) or enhanced.startswith("4.7.")
    if code == 421 and phase is not SmtpPhase.DOT:
        return Outcome(LetterState.QUEUED, slow_down=True, close=True)
    return Outcome(LetterState.DEFERRED, charge_attempt=True, slow_down=slow, close=code == 421)


def _refused_for_good(phase: SmtpPhase, enhanced: str, text: str) -> Outcome:
    """At MAIL only we can be meant; what a server says of a recipient at RCPT is work for HR and no fault of ours."""
    whom = Blame.US if phase is SmtpPhase.MAIL else blame(enhanced, text)
    dead = whom is Blame.ADDRESS and phase is SmtpPhase.RCPT
    return Outcome(
        LetterState.FAILED_PERM, charge_attempt=True, address_state=AddressState.HARD if dead else None,
        our_setup=whom is Blame.US, refused=not (dead and enhanced in DEAD_ADDRESS),
    )  # fmt: skip


def retry_delay(charged: int) -> timedelta:
    """How long a deferred letter waits after its `charged`-th own failure (1, 2, ...); the last delay repeats."""
    return RETRY_DELAYS[min(max(charged, 1), len(RETRY_DELAYS)) - 1]


def again_after_ambiguous(kind: str, ambiguities: int) -> timedelta | None:
    """When to send a letter once more whose fate is unknown, counted from then; None: never, a person decides."""
    return AFTER_AMBIGUOUS if ambiguities <= 1 and kind not in NEVER_TWICE else None


@dataclass(slots=True)
class Health:
    """What is known of a wave while it is sent: whether it is the letters or our set-up that is refused."""

    tried: int = 0
    our_setup: int = 0
    _row: list[str] = field(default_factory=list)
    """Domains of the refusals since anything was last accepted."""
    _ours_in_a_row: int = 0

    def trouble(self, outcome: Outcome, domain: str) -> str:
        """Count one outcome; in words why the wave must stop, empty while it need not.

        Only a refusal stops a wave, so whoever quotes the reply quotes what was wrong.
        """
        self.tried += 1
        if outcome.state is LetterState.ACCEPTED:
            self._row.clear()
            self._ours_in_a_row = 0
        if outcome.stop_wave:
            return "the relay refuses us, not the letter"
        if outcome.refused:
            self._row.append(domain)
        if outcome.our_setup:
            self.our_setup += 1
            self._ours_in_a_row += 1
            if wave_must_stop(self.our_setup, self.tried, self._ours_in_a_row):
                return f"{self.our_setup} of {self.tried} refused for our set-up"
        if outcome.refused and row_must_stop(self._row):
            return f"{len(self._row)} refused in a row, at {len(set(self._row))} domains"
        return ""


def wave_must_stop(our_setup: int, tried: int, in_a_row: int) -> bool:
    """Whether so many were refused for our own set-up that the rest of the wave would only do harm."""
    return in_a_row >= IN_A_ROW or (tried >= 100 and our_setup > tried * SETUP_SHARE)


def row_must_stop(domains: Sequence[str]) -> bool:
    """Whether refusals that nothing accepted interrupts, by domain, are probably not about the addresses."""
    return len(domains) >= IN_A_ROW and len(set(domains)) >= SEVERAL_DOMAINS
