"""What an agency writes about itself: who it is, its calendar, its indicators; checked before anything is launched."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    field_validator,
    model_validator,
)

from rules.files.plain_text import plain
from rules.mail.addresses import MAX_NAME, AddressRefused, parse_address
from rules.refused import Refused
from rules.terms import Aspect, ItemKind, Locale, Role, StageKind


class AgencyFileRefused(Refused):
    """A file of an agency cannot be used; each line names the file and the key."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def _line(value: object) -> object:
    return " ".join(plain(value).split()) if isinstance(value, str) else value


def _written_number(value: object) -> object:
    """Digits as forms take them: those of other scripts look alike to a reader, and `true` is no one."""
    if isinstance(value, bool) or (isinstance(value, str) and not value.isascii()):
        raise ValueError(f"{value!r} is no number: write it like 12.5")
    return value


_SEEN = BeforeValidator(_line)
"""Stands last, and so comes first: what nobody sees, and line breaks, are not counted."""
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), _SEEN]
Line = Annotated[str, Field(min_length=1, max_length=300), _SEEN]
"""As long as the same on a form."""
MaybeLine = Annotated[str, Field(max_length=300), _SEEN]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class YearDay(NamedTuple):
    """A day of the cycle's year Y, or of the year after: `Y-01-31`, `Y+1-03-31`."""

    years_on: int
    month: int
    day: int

    def in_cycle(self, year: int) -> date:
        return date(year + self.years_on, self.month, self.day)

    def __str__(self) -> str:
        return f"Y{'+1' if self.years_on else ''}-{self.month:02}-{self.day:02}"


def _year_day(value: object) -> object:
    if isinstance(value, YearDay):
        return value
    match = re.fullmatch(r"Y(\+1)?-(\d\d)-(\d\d)", str(value))
    if not match:
        raise ValueError(f"{value!r} is not a day of the cycle: write Y-01-31 or Y+1-03-31")
    day = YearDay(int(bool(match[1])), int(match[2]), int(match[3]))
    try:
        day.in_cycle(2025)  # a common year: 29 February would fail three years out of four
    except ValueError:
        raise ValueError(f"{value!r} does not exist in every year") from None
    return day


Day = Annotated[YearDay, BeforeValidator(_year_day), PlainSerializer(str)]


class StageDates(NamedTuple):
    opens_on: date
    due_on: date
    closes_on: date
    """The last day, inclusive."""


class StageCalendar(_Model):
    opens: Day
    due: Day
    closes: Day

    @model_validator(mode="after")
    def _in_order(self) -> "StageCalendar":
        if not self.opens < self.due <= self.closes:
            raise ValueError(f"must be opens < due <= closes, is {self.opens}, {self.due}, {self.closes}")
        return self

    def in_cycle(self, year: int) -> StageDates:
        return StageDates(*(day.in_cycle(year) for day in (self.opens, self.due, self.closes)))


class LocalHoliday(_Model):
    day: Annotated[str, Field(pattern=r"^\d\d-\d\d$")]
    """Month and day, in every year."""
    name: Name

    def in_year(self, year: int) -> date:
        month, day = self.day.split("-")
        return date(year, int(month), int(day))

    @field_validator("day")
    @classmethod
    def _exists(cls, value: str) -> str:
        _year_day(f"Y-{value}")
        return value


class CalendarFile(_Model):
    """The six stages in days relative to the year, and the days off that only this agency has."""

    stages: dict[StageKind, StageCalendar]
    plan_default_after: Day
    """From the day after, HR establishes a default plan for whoever has none."""
    holidays: list[LocalHoliday] = []

    @model_validator(mode="after")
    def _stages_follow(self) -> "CalendarFile":
        if missing := [kind.value for kind in StageKind if kind not in self.stages]:
            raise ValueError(f"stages are missing: {', '.join(missing)}")
        targets, review, scoring, objections, audit, final = (self.stages[kind] for kind in StageKind)
        for holds, words in (
            (targets.opens < self.plan_default_after < targets.closes, "plan_default_after lies within target_setting"),
            (targets.closes < review.opens, "mid_year_review opens after target_setting closes"),
            (review.closes < scoring.opens, "supervisor_scoring opens after mid_year_review closes"),
            (scoring.closes < objections.opens, "objection_handling opens after supervisor_scoring closes"),
            (scoring.closes < audit.opens, "audit_sampling opens after supervisor_scoring closes: scores are locked"),
            (objections.closes < final.opens, "finalization opens after objection_handling closes"),
            (audit.closes < final.opens, "finalization opens after audit_sampling closes"),
        ):
            if not holds:
                raise ValueError(f"the order of the stages is broken: {words}")
        return self

    def for_year(self, year: int) -> dict[StageKind, StageDates]:
        """The days of each stage in the cycle of that year."""
        return {kind: self.stages[kind].in_cycle(year) for kind in StageKind}

    def holidays_for(self, year: int) -> dict[date, str]:
        """The agency's own days off in both years that the cycle touches."""
        return {each.in_year(y): each.name for y in (year, year + 1) for each in self.holidays}


class PolicyChoice(_Model):
    pack: str
    overrides: Mapping[str, Any] = {}
    """Keys of the pack that the agency decides otherwise; the pack checks them."""


class AgencyFile(_Model):
    code: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,39}$")]
    name: Annotated[str, Field(min_length=3, max_length=MAX_NAME), _SEEN]
    zone: Literal["Asia/Jakarta", "Asia/Pontianak", "Asia/Makassar", "Asia/Jayapura"]
    """WIB, WIB, WITA or WIT."""
    locale: Locale = Locale.ID
    policy: PolicyChoice
    evaluation_period: Literal["month", "quarter"] = "quarter"
    roles: Mapping[Role, Name] = {}
    """The office behind a role, as letters name it; the people stand in the roster."""
    contact: str
    """Where people write with questions."""
    calendar_file: bool = False
    """Whether invitations and reminders bring the deadline as a calendar file."""

    @property
    def policy_overrides(self) -> dict[str, Any]:
        """What the agency decides otherwise than its pack, the evaluation period included."""
        return {"eval_periods": [self.evaluation_period, "year"], **self.policy.overrides}

    @field_validator("contact")
    @classmethod
    def _reachable(cls, value: str) -> str:
        try:
            parse_address(value)
        except AddressRefused as refused:
            raise ValueError(str(refused)) from refused
        return value


class IndicatorEntry(_Model):
    text: Annotated[str, Field(min_length=5, max_length=300), _SEEN]
    aspect: Aspect
    target: Annotated[Decimal, Field(gt=0, max_digits=15, decimal_places=4), BeforeValidator(_written_number)]
    """As large and as fine as a form takes it."""
    unit: Line
    lower_is_better: bool = False
    target_is_maximum: bool = False

    @model_validator(mode="after")
    def _one_direction(self) -> "IndicatorEntry":
        if self.lower_is_better and self.target_is_maximum:
            raise ValueError("lower_is_better and target_is_maximum exclude each other")
        return self


class ItemEntry(_Model):
    title: Annotated[str, Field(min_length=5, max_length=300), _SEEN]
    kind: ItemKind = ItemKind.MAIN
    team: MaybeLine = ""
    """Name of the team that shares the item; each contributor is still rated alone."""
    indicators: Annotated[list[IndicatorEntry], Field(min_length=1)]


class JobFamily(_Model):
    name: Name
    items: Annotated[list[ItemEntry], Field(min_length=1)]

    @field_validator("items")
    @classmethod
    def _one_main(cls, items: list[ItemEntry]) -> list[ItemEntry]:
        if not any(item.kind is ItemKind.MAIN for item in items):
            raise ValueError("at least one item must be main")
        return items


class IndicatorsFile(_Model):
    """Suggestions for plans per job family, and the source of default plans."""

    families: Annotated[dict[Name, JobFamily], Field(min_length=1)]


def faults_of(file: str, error: ValidationError) -> list[str]:
    """One line per fault: file, key, what is wrong."""
    return [
        f"{file}: {'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors()
    ]
