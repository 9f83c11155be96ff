"""A mail server with moods: at random it drops, defers, says goodbye, dawdles, and loses its own acknowledgements."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from simulation.sink import Arrival, Do, Sink

LATER = "451 4.3.0 local trouble"
GREY = "450 4.2.0 greylisted, see you later"
BYE = "421 4.3.2 shutting down"
Moods = Mapping[str, Sequence[tuple[float, Do]]]
MOODS: Moods = {
    # phase: how often in a thousand, what then
    "CONNECT": [(5, Do(BYE)), (5, Do(drop=True))],
    "MAIL": [(4, Do(LATER)), (4, Do(BYE)), (3, Do(reset=True))],
    "RCPT": [(10, Do(GREY)), (4, Do(drop=True)), (5, Do(wait=0.3))],
    "DATA": [(4, Do(LATER)), (3, Do(BYE))],
    "BODY": [(4, Do(reset=True))],
    "DOT": [
        (10, Do(drop=True, keep=True)), (5, Do(reset=True, keep=True)), (5, Do(drop=True)), (2, Do(silent=True)),
        (4, Do(LATER)), (3, Do(BYE)), (20, Do(wait=0.5)), (3, Do(drip=0.01)),
    ],
}  # fmt: skip
SLOWEST = 0.06
"""Seconds for an ordinary reply to a dot: so that letters are past it most of the time when a process is killed."""


@dataclass
class Moody(Sink):
    seed: int = 0
    calm: bool = False
    """Friendly from now on."""
    faults: int = 0
    _chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)  # noqa: S311 - repeatable, not secret

    def _rule(self, phase: str, to: str) -> Do:
        usual = super()._rule(phase, to)
        if self.calm or phase not in MOODS:
            return usual
        left = self._chance.uniform(0, 1000)
        for share, do in MOODS[phase]:
            if (left := left - share) < 0:
                self.faults += 1
                return do
        return Do(wait=self._chance.uniform(0, SLOWEST)) if phase == "DOT" else usual

    def _keep(self, letter: Arrival) -> None:
        """Of a great many letters only what tells two copies apart."""
        digest = sha256(letter.content).hexdigest().encode()
        short = b"Message-ID: %b\r\n\r\n%b" % (letter.message_id.encode(), digest)
        super()._keep(Arrival(letter.at, letter.to, letter.envelope_from, short, letter.connection))
        self.commands.clear()
