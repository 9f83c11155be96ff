"""A policy pack: what the law and the agency decided, as data. A cycle pins one; its JSON alone explains a result."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from rules.exact import STORED_PLACES
from rules.terms import DayKind, DistributionMode, Locale, OrgPredicate, Predicate, Rating, Role, Scheme, StageKind

MOST = 1_000_000_000
"""No number of a pack is as large."""


def _no_float(value: object) -> object:
    if isinstance(value, bool) or (isinstance(value, str) and not value.isascii()):
        raise ValueError(f"{value!r} is no number")
    if isinstance(value, float):
        raise ValueError(f'write {value} as text, "{value}", so that it stays exact')  # noqa: TRY004 - pydantic's way
    return value


def _short(value: Decimal) -> Decimal:
    if value.is_finite() and abs(value) >= MOST:
        raise ValueError(f"the number must be less than {MOST:,}")
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -STORED_PLACES:
        raise ValueError(f"{value} has more than {STORED_PLACES} decimals")
    return value


def _month_day(value: str) -> str:
    if not re.fullmatch(r"\d\d-\d\d", value):
        raise ValueError(f"{value!r} is not a month and a day like 01-31")
    month, day = map(int, value.split("-"))
    date(2023, month, day)  # not a leap year: 29 February would not exist in most years
    return value


Number = Annotated[Decimal, BeforeValidator(_no_float), AfterValidator(_short)]
Share = Annotated[Number, Field(ge=0, le=1)]
Rate = Annotated[Number, Field(gt=0, lt=1)]
MonthDay = Annotated[str, AfterValidator(_month_day)]
Days = Annotated[int, Field(ge=1, le=366, strict=True)]
Positive = Annotated[int, Field(ge=1, lt=MOST, strict=True)]
Count = Annotated[int, Field(ge=0, lt=MOST, strict=True)]
Offset = Annotated[int, Field(ge=-366, le=366, strict=True)]
Words = Mapping[Locale, str]
ANY = "any"
"""Key of the pattern that applies whatever the predicate of the organisation."""


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Weights(Part):
    skp: Share
    behavior: Share


class WeightRule(Part):
    without_peers: Weights
    with_peers: Weights


class Band(Part):
    """`at_least` <= score < `below`; the highest band has no `below` and ends at the maximum, inclusive."""

    predicate: Predicate
    at_least: Number
    below: Number | None = None
    needs_innovation: bool = False
    otherwise: Predicate | None = None
    """What it is without a proved innovation."""


class AchievementRow(Part):
    """Whole percent `first` to `last` lies on a line from `low` to `high`; no `last`: all above, always `low`."""

    first: Count
    last: Count | None = None
    low: Number
    high: Number


class Achievement(Part):
    rows: tuple[AchievementRow, ...] = Field(min_length=1)
    at_maximum: Number
    """Value of reaching a target beyond which nothing can be attained."""


class BehaviorAspect(Part):
    key: str
    title: Words
    leaders_only: bool = False


class ShareRule(Part):
    """A limit on the ratable people of a unit whose predicate is one of `of`; shares of the whole, exact."""

    of: tuple[Predicate, ...] = Field(min_length=1)
    at_least: Share | None = None
    at_most: Share | None = None
    count_at_least: Count = 0


class CreditLevel(Part):
    title: Words
    coefficient: Number
    to_next_rank: Count
    to_next_level: Count | None = None


class CreditTable(Part):
    multipliers: Mapping[Predicate, Number]
    levels: Mapping[str, CreditLevel]


class Escalation(Part):
    offset: Days
    role: Role


class AuditSettings(Part):
    """What is declared before a draw; shares and rates are exact."""

    enabled: bool = True
    alpha: Rate
    tolerable: Rate
    ladder_alphas: tuple[Rate, ...] = Field(min_length=1)
    acceptance: tuple[Count, ...]
    certainty_share_max: Share
    risk_take: Count
    """At most so many random items of the flagged part, beside the sample that carries the statement."""
    double_share: Share
    wait_hours: Count
    min_seed_digits: Positive
    min_auditors: Positive
    extension_take: Count
    max_annulments: Count
    flag_false_discovery: Rate
    flag_min_cases: Positive


class Source(Part):
    mark: Literal["law", "attributed to the law, check", "practice", "our choice"]
    text: str


class Labels(Part):
    predicates: Mapping[Predicate, str]
    ratings: Mapping[Rating, str] = {}
    organisation: Mapping[OrgPredicate, str] = {}


_LATER = {"least_feedback": None, "address_wait_hours": 24}
"""Keys younger than the first packs, with what holds anyway: left out where they say that, so that a hash stays."""


class Pack(Part):
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    version: str = Field(min_length=1)
    title: Words
    legal_basis: tuple[str, ...] = Field(min_length=1)
    sources: Mapping[str, Source]
    """Where the value of a key comes from; shown when a result is explained."""
    labels: Mapping[Locale, Labels]

    scheme: Scheme
    scale: tuple[Predicate, ...] = Field(min_length=2)
    """Best first."""
    matrix: Mapping[Rating, Mapping[Rating, Predicate]] | None = None
    """Result -> behaviour -> predicate."""
    unit_head_result: Mapping[OrgPredicate, Rating] | None = None
    score_maximum: Number = Decimal(120)
    weights: WeightRule | None = None
    bands: tuple[Band, ...] | None = None
    achievement: Achievement | None = None
    behavior_aspects: tuple[BehaviorAspect, ...] = ()
    segments: Literal["last_rater_judges", "month_weighted"]
    min_peer_givers: Count = 3
    """From how many givers on the opinion of colleagues is shown."""

    org_predicate_required: bool
    distribution: Mapping[OrgPredicate | Literal["any"], tuple[ShareRule, ...]] = {}
    distribution_mode: DistributionMode
    min_unit_size: Positive

    plan_deadline: MonthDay
    plan_default_after: MonthDay
    eval_periods: tuple[Literal["month", "quarter", "half_year", "year"], ...] = Field(min_length=1)
    min_rating_days: Count
    objection_days: Days
    day_kind: DayKind
    statement_days: Days
    decision_days: Days
    objection_levels: Positive
    deemed_receipt_days: Days
    least_feedback: Positive | None = None
    """Characters that the rater's words to the employee need; none: very short words are only warned of."""
    reply_working_days: Days
    least_days: Mapping[StageKind, Positive] = {}
    """How many days each stage needs at the least, first and last included; none in packs of older cycles."""
    reminder_offsets: tuple[Offset, ...]
    """Days before (negative) and after the day it is due."""
    escalation: tuple[Escalation, ...]
    audit: AuditSettings
    address_wait_hours: Annotated[int, Field(ge=0, le=720, strict=True)] = 24
    """So long no code goes to an address that was changed, unless a second HR officer agrees."""
    ak_table: CreditTable | None = None
    allowance_table: Mapping[Predicate, Number] | None = None
    """Factor per predicate, if the agency wants it exported; the tables themselves are the agency's own."""

    @model_validator(mode="after")
    def _holds_together(self) -> "Pack":
        from rules.pack.checks import problems

        if found := problems(self):
            raise ValueError("; ".join(found))
        return self

    @property
    def canonical(self) -> str:
        """JSON with sorted keys, no spaces, and decimals as text: the same pack is always the same bytes in UTF-8."""
        said = self.model_dump(mode="json").items()
        kept = {name: value for name, value in said if _LATER.get(name, ...) != value}
        return json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.canonical.encode()).hexdigest()

    def rank(self, predicate: Predicate) -> int:
        """0 for the best; a predicate that is not on the pack's scale is refused."""
        if predicate not in self.scale:
            raise ValueError(f"{predicate.value} is not on the scale of {self.name}")
        return self.scale.index(predicate)

    def least(self, kind: StageKind) -> int:
        """The least length of a stage in days; objections need no less than their own clocks one after the other."""
        given = self.least_days.get(kind, 1)
        if kind is not StageKind.OBJECTION_HANDLING or kind not in self.least_days:
            return given
        window = self.objection_days if self.day_kind is DayKind.CALENDAR else self.objection_days * 7 // 5 + 2
        return max(given, self.deemed_receipt_days + window + self.statement_days + self.decision_days)

    @property
    def leasts(self) -> dict[StageKind, int]:
        return {kind: self.least(kind) for kind in StageKind}

    def label(self, predicate: Predicate, locale: Locale) -> str:
        return self.labels[locale].predicates[predicate]


def day_of(value: MonthDay, year: int) -> date:
    """The day that a pack's `plan_deadline` or `plan_default_after` means in one year."""
    month, day = map(int, value.split("-"))
    return date(year, month, day)
