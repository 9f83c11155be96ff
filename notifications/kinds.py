"""The letters that we write: what each must be told, how urgent it is, and which secret is added while composing."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Any

from rules.terms import Lane


class FactsMissing(Exception):
    """A letter was owed without something that it must say; `names` lists what."""

    def __init__(self, kind: str, names: AbstractSet[str]) -> None:
        super().__init__(f"{kind}: {', '.join(sorted(names))} missing")
        self.kind, self.names = kind, names


class Secret(StrEnum):
    """What is derived from the master secret while composing, and so never stands in the outbox."""

    DESK_LINK = "desk_link"
    """`url`: the link to the person's desk."""
    SIGN_IN_CODE = "sign_in_code"
    """`code`: eight digits that sign HR in, in the browser that asked for them."""
    STOP_LINK = "stop_link"
    """`url`: a link that stops a change of the reader's address."""
    CODE = "code"
    """`code`: eight digits."""


@dataclass(frozen=True)
class Kind:
    """One kind of letter. Facts are JSON: instants as ISO 8601, stages, acts and audiences by value."""

    name: str
    lane: Lane
    facts: frozenset[str]
    secret: Secret | None = None
    """None: `url`, where the letter has one, is a plain address among the facts."""
    secret_needed: bool = True
    optional: Mapping[str, Any] = field(default_factory=dict)
    """Facts that may be left out, with what then stands for them."""
    follows_up: bool = False
    """Whether it is threaded under the invitation to the same desk."""

    def filled(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Return all facts that the templates know; FactsMissing if one is lacking. Others are left out."""
        if missing := self._needed - facts.keys():
            raise FactsMissing(self.name, missing)
        return {name: facts.get(name, usual) for name, usual in self._known.items()}

    @cached_property
    def _needed(self) -> frozenset[str]:
        return self.facts | ({_SECRET_FACT[self.secret]} if self.secret and self.secret_needed else set())

    @cached_property
    def _known(self) -> Mapping[str, Any]:
        """All that the templates know, in an order that is the same in all processes, with what else stands for it."""
        return {**dict.fromkeys(sorted(self._needed)), "url": None, **self.optional}

    def check(self, facts: Mapping[str, Any]) -> None:
        """Raise FactsMissing if a letter owed with these facts could not be written later."""
        if missing := self.facts - facts.keys():
            raise FactsMissing(self.name, missing)


_SECRET_FACT = {Secret.DESK_LINK: "url", Secret.STOP_LINK: "url", Secret.SIGN_IN_CODE: "code", Secret.CODE: "code"}
_WHO = frozenset({"name", "agency", "contact"})
_CYCLE = _WHO | {"year", "zone"}
_STAGE = _CYCLE | {"stage"}
_DESK = _STAGE | {"due", "duties"}


def _kinds(*kinds: Kind) -> Mapping[str, Kind]:
    return MappingProxyType({kind.name: kind for kind in kinds})


KINDS = _kinds(
    Kind("stage_invitation", Lane.INVITATION, _DESK, Secret.DESK_LINK),
    Kind("reminder", Lane.REMINDER, _DESK, Secret.DESK_LINK, optional={"days_left": None}, follows_up=True),
    # audience: superior, hr, ppk. units: [{unit, open, people: [name, ...]}]; `days_late` counts from the due date.
    Kind("escalation", Lane.DIGEST, _STAGE | {"due", "audience", "days_late", "units"}),
    # until: the end of the window to object, where it began with what was sent.
    Kind("receipt", Lane.URGENT, _STAGE | {"act", "at", "receipt_no"}, Secret.DESK_LINK, optional={"until": None},
         follows_up=True),
    # acts: [{act, employee, at, receipt_no}] of one day, in their order; `employee` is empty where none is concerned.
    Kind("receipt_digest", Lane.DIGEST, _CYCLE | {"on", "acts"}, Secret.DESK_LINK),
    Kind("step_code", Lane.URGENT, _WHO | {"minutes"}, Secret.CODE, optional={"year": None}),
    Kind("sign_in", Lane.URGENT, _WHO | {"minutes"}, Secret.SIGN_IN_CODE, optional={"year": None}),
    # deemed_days: after so many days a delivered result counts as received even if it was never opened.
    Kind("result_issued", Lane.INVITATION, _CYCLE | {"objection_days"}, Secret.DESK_LINK,
         optional={"day_kind": "calendar", "deemed_days": None, "if_on": None, "if_until": None, "until": None}),
    # at: since when the result counts as received; until: the end of the window to object that began then.
    Kind("receipt_deemed", Lane.INVITATION, _CYCLE | {"at", "until"}, Secret.DESK_LINK, follows_up=True),
    # cause: objection, audit, correction. audience: employee, rater, or None for a wording that suits both.
    Kind("corrected_result", Lane.INVITATION, _CYCLE | {"cause", "at"}, Secret.DESK_LINK, secret_needed=False,
         optional={"changed": True, "audience": None, "employee": "", "by": ""}),
    # audience: employee, rater, unit_head. employees: how many plans the letter speaks of.
    Kind("default_plan_notice", Lane.INVITATION, _CYCLE | {"audience", "at"}, Secret.DESK_LINK, secret_needed=False,
         optional={"employee": None, "employees": 1}),
    # `by` is a name in all of these; `reason` is why it was returned, or why the employee wanted other targets.
    Kind("plan_returned", Lane.INVITATION, _STAGE | {"by", "at", "reason", "due"}, Secret.DESK_LINK, follows_up=True),
    Kind("plan_established", Lane.INVITATION, _STAGE | {"by", "at", "version"}, Secret.DESK_LINK, follows_up=True),
    # `by`: empty where ops did it. employees: whose cases, where the reader is somebody else; `more` than are listed.
    Kind("asked_again", Lane.INVITATION, _DESK | {"by", "at", "reason"}, Secret.DESK_LINK,
         optional={"employees": (), "more": 0}, follows_up=True),
    # report: whether it answers the mid-year report, or came in between.
    Kind("feedback_given", Lane.INVITATION, _CYCLE | {"by", "at"}, Secret.DESK_LINK, optional={"report": True}),
    Kind("targets_changed", Lane.INVITATION, _CYCLE | {"by", "at", "agreed"}, Secret.DESK_LINK,
         optional={"reason": ""}),
    # audience: new (takes over), old (hands over), employee.
    Kind("reassigned_notice", Lane.INVITATION, _STAGE | {"audience"}, Secret.DESK_LINK, secret_needed=False,
         optional={"duties": (), "due": None, "decree": ""}),
    Kind("deadline_moved", Lane.INVITATION, _STAGE | {"old_due", "due", "decree"}, Secret.DESK_LINK,
         secret_needed=False, optional={"reason": ""}, follows_up=True),
    # dates: [{stage, due, old_due}], the person's open desks; both None while a date waits for receipt.
    Kind("cycle_paused", Lane.INVITATION, _CYCLE | {"at", "reason", "dates"}, Secret.DESK_LINK, secret_needed=False),
    Kind("cycle_resumed", Lane.INVITATION, _CYCLE | {"at", "reason", "dates"}, Secret.DESK_LINK, secret_needed=False),
    # audience: employee, rater, authority.
    Kind("objection_notice", Lane.INVITATION, _CYCLE | {"audience", "at", "due"}, Secret.DESK_LINK,
         secret_needed=False, optional={"employee": "", "explain_by": None}),
    # audience: employee, rater. filed: when the objection was.
    Kind("objection_decided", Lane.INVITATION, _CYCLE | {"audience", "employee", "by", "at", "changed", "filed"},
         Secret.DESK_LINK),
    # audience: rater, authority.
    Kind("objection_withdrawn", Lane.INVITATION, _CYCLE | {"audience", "employee", "at"}, Secret.DESK_LINK),
    # audience: rater (replies to a finding), auditor (concludes it), authority (decides on a recommendation).
    Kind("audit_notice", Lane.INVITATION, _CYCLE | {"audience", "employee", "at", "due"}, Secret.DESK_LINK,
         optional={"silent": False}),
    Kind("final_letter", Lane.INVITATION, _CYCLE | {"at"}, Secret.DESK_LINK, secret_needed=False,
         optional={"document_no": ""}),
    # letters: [{person, unit, address, kind, reason}]; `total` may be more than are listed.
    Kind("bounce_notice", Lane.DIGEST, _CYCLE | {"letters", "total"}),
    # audience: old (who may stop it), new. until: when codes go to the new address.
    Kind("address_changed", Lane.INVITATION, _WHO | {"zone", "audience", "at", "until"}, Secret.STOP_LINK,
         secret_needed=False, optional={"year": None}),
    # cause: supervisor (who rates whom is disputed), not_me (a link reached somebody else), address_stopped. To HR.
    Kind("correction_notice", Lane.INVITATION, _CYCLE | {"cause", "person", "reported_by", "at"}),
    # people: [{person, unit}], who joined after planning; `total` may be more than are listed. To HR.
    Kind("newcomers_notice", Lane.DIGEST, _CYCLE | {"people", "total", "due"}),
    # counts: {owed, accepted, open, bounced, ambiguous, missing, doubled, restored}; stages: [{stage, opens, due}].
    Kind("launch_certificate", Lane.DIGEST, _CYCLE | {"at", "people", "units", "counts", "stages"}),
)  # fmt: skip


class Life(StrEnum):
    """What ends a letter that was not sent yet."""

    WITH_STAGE = "with_stage"
    """It asks for something in a stage, and makes no sense once that is closed."""
    WITH_DATE = "with_date"
    """It tells of a date, or how things stood; where it was given an end, it makes no sense after that."""
    WITH_SECRET = "with_secret"  # noqa: S105 - a word, no secret
    """It carries a code or a link to sign in, and ends with that."""
    LASTING = "lasting"
    """It carries a right, a result or an account of what happened: no date and no close of a stage ends it."""


LIVES: Mapping[str, Life] = MappingProxyType({
    "stage_invitation": Life.WITH_STAGE,
    "reminder": Life.WITH_STAGE,
    "deadline_moved": Life.WITH_DATE,
    "cycle_paused": Life.LASTING,
    "cycle_resumed": Life.LASTING,
    "step_code": Life.WITH_SECRET,
    "sign_in": Life.WITH_SECRET,
    "escalation": Life.WITH_DATE,
    "receipt": Life.LASTING,
    "receipt_digest": Life.LASTING,
    "plan_returned": Life.LASTING,
    "plan_established": Life.LASTING,
    "feedback_given": Life.LASTING,
    "targets_changed": Life.LASTING,
    "objection_decided": Life.LASTING,
    "objection_withdrawn": Life.LASTING,
    "audit_notice": Life.LASTING,
    "asked_again": Life.LASTING,
    "result_issued": Life.LASTING,
    "receipt_deemed": Life.LASTING,
    "corrected_result": Life.LASTING,
    "default_plan_notice": Life.LASTING,
    "reassigned_notice": Life.LASTING,
    "objection_notice": Life.LASTING,
    "final_letter": Life.LASTING,
    "bounce_notice": Life.WITH_DATE,
    "correction_notice": Life.LASTING,
    "newcomers_notice": Life.LASTING,
    "address_changed": Life.LASTING,
    "launch_certificate": Life.WITH_DATE,
})  # fmt: skip
"""Every kind stands here: a new one is not queued before somebody has decided what ends it."""
PINNED = frozenset({"address_changed"})
"""Written to one address, whatever is on record since."""
WITH_STAGE = frozenset(kind for kind, life in LIVES.items() if life is Life.WITH_STAGE)
LASTING = frozenset(kind for kind, life in LIVES.items() if life is Life.LASTING)
