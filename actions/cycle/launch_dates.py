"""Launching after some of the year's dates have passed: refused with the list of them, unless HR chose a way on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from actions.cycle.cycles import Launch, LaunchRefused
from actions.steering.preview import Said, stage_name
from rules.files.agency_files import StageDates
from rules.terms import StageKind
from rules.time.calendar import DAY
from rules.time.following import FOLLOWED_BY, Dates, follow

LISTED_FIRST = StageKind.TARGET_SETTING


@dataclass(frozen=True, slots=True)
class Way:
    """How HR goes on where dates have passed; none of them: it is refused, and nothing is launched."""

    shift: bool = False
    """The stages whose time has passed begin today, with all the days they were given; what follows moves along."""
    begin_at: StageKind | None = None
    """The stages before this one are not held."""
    anyway: str = ""
    """Why the calendar stands as it is; what has passed is not opened until HR extends it."""

    def or_stand(self, reason: str) -> "Way":
        """This way; where none was chosen, to go ahead for the reason that the agency's folder gives, if it does."""
        return self if self != NO_WAY else Way(anyway=reason)


NO_WAY = Way()


@dataclass(frozen=True, slots=True)
class Past:
    """One thing that has passed, and what launching all the same would do."""

    stage: StageKind
    what: Said
    would: Said


class DatesPassed(LaunchRefused):
    """Dates of the calendar lie behind; `past` lists them and `ways` the ways on, both in two languages."""

    def __init__(self, wanted: Launch, today: date, past: Sequence[Past]) -> None:
        self.past = past
        self.ways = _ways(_stage_of(wanted, today))
        head = Said(
            f"{wanted.agency} {wanted.year} tidak diluncurkan: hari ini {today:%d-%m-%Y}, dan ini sudah lewat:",
            f"{wanted.agency} {wanted.year} is not launched: today is {today}, and this has passed:",
        )
        listed = [Said(f"- {one.what.id}: {one.would.id}", f"- {one.what.en}: {one.would.en}") for one in past]
        lines = [head, *listed, Said("Jalan lain:", "Ways on:"), *self.ways]
        super().__init__([line.en for line in lines])
        self.said = Said("\n".join(line.id for line in lines), "\n".join(line.en for line in lines))


def _ways(today_is_in: StageKind | None) -> list[Said]:
    ways = [
        Said("- geser kalender: --shift (tahap yang lewat mulai hari ini, berikutnya ikut mundur)",
             "- shift the calendar: --shift (what has passed begins today, what follows moves along)"),
    ]  # fmt: skip
    if today_is_in is not None:
        name = stage_name(today_is_in)
        ways.append(
            Said(f"- mulai dari tahap {name.id}: --begin-at {today_is_in.value} (tahap sebelumnya tidak diadakan)",
                 f"- begin at {name.en}: --begin-at {today_is_in.value} (the stages before it are not held)"),
        )  # fmt: skip
    ways.append(
        Said('- tetap dengan alasan: --anyway "ALASAN" (yang lewat tidak dibuka sampai diperpanjang Pengelola Kinerja)',
             '- go ahead with a reason: --anyway "REASON" (what has passed is not opened until HR extends it)'),
    )  # fmt: skip
    return ways


def _days(wanted: Launch) -> dict[StageKind, Dates]:
    return {kind: Dates(*dates) for kind, dates in wanted.stages.items()}


def too_late(wanted: Launch, kind: StageKind, today: date) -> bool:
    """Whether a stage that opened today would be due already, or have less than its least length."""
    dates = Dates(*wanted.stages[kind])
    left = (dates.closes - max(dates.opens, today)).days + 1
    return dates.due < today or left < dates.needed(wanted.pack.least(kind))


def _stage_of(wanted: Launch, today: date) -> StageKind | None:
    """The first stage that there is still time for, if it is not the first of all."""
    found = next((kind for kind in StageKind if not too_late(wanted, kind, today)), None)
    return None if found is LISTED_FIRST else found


def past_of(wanted: Launch, today: date) -> list[Past]:
    """What has passed of a calendar that is launched today."""
    found = []
    for kind in StageKind:
        if too_late(wanted, kind, today):
            found.append(Past(kind, _span(kind, wanted.stages[kind], today, wanted), _would(kind)))
    if LISTED_FIRST not in {one.stage for one in found} and wanted.plan_default_after < today:
        day = wanted.plan_default_after
        found.append(Past(
            LISTED_FIRST,
            Said(f"masa menyusun rencana sendiri (sampai {day:%d-%m-%Y})", f"the days to draft a plan (until {day})"),
            Said("rencana baku langsung ditetapkan bagi semua", "default plans for everybody at once"),
        ))  # fmt: skip
    return found


def _span(kind: StageKind, dates: StageDates, today: date, wanted: Launch) -> Said:
    name, left = stage_name(kind), max((dates.closes_on - today).days + 1, 0)
    least = Dates(*dates).needed(wanted.pack.least(kind))
    return Said(
        f"{name.id} ({dates.opens_on:%d-%m-%Y} sampai {dates.closes_on:%d-%m-%Y}; tersisa {left} hari dari paling "
        f"sedikit {least})",
        f"{name.en} ({dates.opens_on} to {dates.closes_on}; {left} days are left of at least {least})",
    )


def _would(kind: StageKind) -> Said:
    """What launching with the date as it is would do to people."""
    return {
        StageKind.TARGET_SETTING: Said("tidak ada yang sempat menyusun rencana; semua mendapat rencana baku",
                                       "nobody could draft a plan; everybody gets the default plan"),
        StageKind.MID_YEAR_REVIEW: Said("tidak ada laporan dan umpan balik tengah tahun",
                                        "no reports and no feedback at mid-year"),
        StageKind.SUPERVISOR_SCORING: Said("tidak ada yang sempat dinilai", "nobody could be rated"),
        StageKind.OBJECTION_HANDLING: Said("waktu keberatan sampai putusan tidak cukup",
                                           "too little time to object, be heard and have it decided"),
        StageKind.AUDIT_SAMPLING: Said("audit tidak sempat dilaksanakan", "no audit could be held"),
        StageKind.FINALIZATION: Said("siklus tidak sempat ditutup", "the cycle could not be closed in time"),
    }[kind]  # fmt: skip


def settled(wanted: Launch, way: Way, today: date) -> Launch:
    """The launch with the dates that HR's way gives it; DatesPassed, a LaunchRefused, if something has passed and no
    way was chosen, LaunchRefused if the way leads nowhere."""
    if sum((way.shift, way.begin_at is not None, bool(way.anyway.strip()))) > 1:
        raise LaunchRefused(["choose one way: shift the calendar, begin at a stage, or go ahead with a reason"])
    past = past_of(wanted, today)
    if way.begin_at is not None:
        return _begun_at(wanted, way.begin_at, today, past)
    if not past or way.anyway.strip():
        return replace(wanted, why=way.anyway.strip()) if past else wanted
    if way.shift:
        return _shifted(wanted, today, past)
    raise DatesPassed(wanted, today, past)


def _begun_at(wanted: Launch, kind: StageKind, today: date, past: Sequence[Past]) -> Launch:
    not_held = tuple(one for one in StageKind if list(StageKind).index(one) < list(StageKind).index(kind))
    if left := [one for one in past if one.stage not in not_held]:
        raise DatesPassed(wanted, today, left)
    if kind in (StageKind.OBJECTION_HANDLING, StageKind.AUDIT_SAMPLING, StageKind.FINALIZATION):
        raise LaunchRefused([f"a cycle cannot begin at {kind.value}: without ratings there is nothing to do in it"])
    return replace(wanted, not_held=not_held)


def _shifted(wanted: Launch, today: date, past: Sequence[Past]) -> Launch:
    days, first = _days(wanted), past[0].stage
    by = max(today - days[first].opens, 0 * DAY)
    new = days[first].later(by)
    moved = days | {first: new} | follow(days, first, days[first].closes, new.closes, wanted.pack.leasts, whole=True)
    stages: Mapping[StageKind, StageDates] = {kind: StageDates(one.opens, one.due, one.closes)
                                              for kind, one in moved.items()}  # fmt: skip
    default = wanted.plan_default_after + (by if first is LISTED_FIRST else 0 * DAY)
    shifted = replace(wanted, stages=stages, plan_default_after=default, why="the calendar was shifted")
    if again := [one for one in past_of(shifted, today) if one.stage in (first, *FOLLOWED_BY[first])]:
        raise DatesPassed(shifted, today, again)
    return shifted
