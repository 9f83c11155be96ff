"""Steering a cycle while it runs: more time, another official, a mandate, an act asked anew, a corrected address.

Each function says with `preview=True` whom it would touch and changes nothing; without, it does it and says the same.
"""

from actions.steering.addresses import confirm_address, correct_address, resend, stages_owing
from actions.steering.extensions import extend
from actions.steering.mandates import delegate
from actions.steering.pauses import pause, resume
from actions.steering.preview import Preview, SteeringRefused, Touched
from actions.steering.reassignments import cases_rated_by, reassign
from actions.steering.renewals import renew_links
from actions.steering.reopenings import acts_done, reopen

__all__ = [
    "Preview",
    "SteeringRefused",
    "Touched",
    "acts_done",
    "cases_rated_by",
    "confirm_address",
    "correct_address",
    "delegate",
    "extend",
    "pause",
    "reassign",
    "renew_links",
    "reopen",
    "resend",
    "resume",
    "stages_owing",
]
