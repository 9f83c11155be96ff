"""From an agency's folder to a launched cycle: the same way for the command line, the JSON API and the flow."""

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

import policies
import settings
from actions.cycle import cycles, launch_checks
from actions.cycle.cycles import Launch, LaunchRefused
from actions.cycle.launch_dates import NO_WAY, Way, settled
from actions.roster import imports
from actions.roster.agency_files import AgencyFolder, read_agency
from actions.roster.decisions import Decisions, decisions_of
from actions.roster.imports import ImportReport
from models import Agency, Cycle
from policies import PackRefused
from rules.pack.pack import Pack
from rules.roster.doctor import Problem
from rules.terms import StageKind

Transaction = Callable[[], AbstractContextManager[Session]]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Launched:
    """Ids and counts only: they may be shown anywhere."""

    agency: str
    year: int
    cycle_id: int
    pack: str
    rows: int
    held_back: int
    """Rows of the roster that the doctor keeps out until HR mends them."""
    again: bool
    """The cycle was there before."""


class FolderUnknown(LaunchRefused):
    """Not the name of a folder among the agencies; says the same whatever there is elsewhere."""


def named_folder(name: str) -> Path:
    """The folder of that name right below the agencies directory: all that is read for who asks from a form.

    FolderUnknown for paths, links that lead out, and names of nothing, in the same words.
    """
    agencies = settings.load().agencies_dir.resolve()
    plain = bool(name) and name not in (".", "..") and not set(name) & set("/\\\0")
    folder = agencies / name if plain else agencies
    if not plain or folder.resolve().parent != agencies or not folder.is_dir():
        raise FolderUnknown(["there is no agency folder of that name: HR names one below the agencies directory"])
    return folder


def find_folder(name: str) -> Path:
    """The folder of an agency named as in the agencies directory, or by a path."""
    here, listed = Path(name), settings.load().agencies_dir / name
    return listed if "/" not in name and listed.is_dir() else here


def pack_of(folder: AgencyFolder) -> Pack:
    """The agency's pack with what it decides otherwise; PackRefused names every key that does not hold."""
    chosen = folder.agency
    pack = policies.load(chosen.policy.pack)
    try:
        merged = json.dumps(json.loads(pack.canonical) | chosen.policy_overrides, default=str)
    except (ValueError, RecursionError):
        raise PackRefused("agency.yaml: policy.overrides: a key contains itself: HR mends the anchors") from None
    return policies.parse(merged, "agency.yaml: policy.overrides")


def zone_of(folder: AgencyFolder) -> ZoneInfo:
    return ZoneInfo(folder.agency.zone)


def prepare(folder: AgencyFolder, year: int) -> Launch:
    """What HR decides once a year, read from the agency's folder."""
    calendar = folder.calendar
    if not MINYEAR <= year < MAXYEAR:
        raise LaunchRefused([f"{year} is no year of a cycle: HR checks the year"])
    return Launch(
        folder.agency.code, year, pack_of(folder), calendar.for_year(year), calendar.plan_default_after.in_cycle(year)
    )


def check_year(wanted: Launch, today: date) -> None:
    """Refuse a year that was mistyped: nothing of it lies ahead, or nothing of it for a long time."""
    last = wanted.stages[StageKind.FINALIZATION].closes_on
    if last < today:
        raise LaunchRefused([f"every date of {wanted.agency} {wanted.year} has passed ({last}): HR checks the year"])
    if wanted.year > today.year + 1:
        raise LaunchRefused([f"{wanted.agency} {wanted.year} is too far ahead: the next year at most can be launched"])


def launch_folder(
    transaction: Transaction, directory: Path, year: int, *, at: datetime, by: int | None = None,
    import_roster: bool = True, progress: Progress | None = None, said: Decisions | None = None, ready: bool = True,
    way: Way = NO_WAY,
) -> Launched:  # fmt: skip
    """Take in the folder's roster and create the cycle; the people are enrolled by `enroll_all` or batch by batch.

    `way`: how to go on where dates of the calendar have passed; a cycle that is there keeps the dates that it has.
    Refusals: AgencyFileRefused, PackRefused, RosterRefused, ImportRefused, LaunchRefused. Nothing is launched then,
    nor taken in. A launch that is none but a look (`ready=False`) is not asked whether it could go on.
    """
    folder = read_agency(directory)
    wanted = prepare(folder, year)
    today = at.astimezone(zone_of(folder)).date()
    check_year(wanted, today)
    with transaction() as session:
        known = cycles.find(session, wanted.agency, year) is not None
    decided = decisions_of(folder, said or Decisions())
    wanted = wanted if known else settled(wanted, way.or_stand(decided.dates_stand), today)
    rows = held_back = 0
    if import_roster:
        report = imports.import_folder(
            transaction, folder, as_of=today, at=at, by=by, progress=progress, said=said,
            demand=lambda session, seen: _demand_ready(session, wanted, seen.problems, decided, today),
        )  # fmt: skip
        rows, held_back = report.rows, report.counts["held_back"]
    with transaction() as session:
        again = cycles.find(session, wanted.agency, year) is not None
        agency = session.scalar(select(Agency).filter_by(code=wanted.agency))
        cycle = cycles.launch(session, wanted, at=at, by=by)
        if agency is not None and ready and not again:
            problems = launch_checks.last_problems(session, agency.id)
            waived = launch_checks.demand_ready(session, agency, problems, decided, today)
            launch_checks.record_waived(session, cycle, waived, decided, at=at, by=by)
        return Launched(
            wanted.agency, year, cycle.id, f"{cycle.pack_name} {cycle.pack_version}", rows, held_back, again
        )


def _demand_ready(
    session: Session, wanted: Launch, problems: Sequence[Problem], decided: Decisions, today: date
) -> None:
    """Refuse before the roster is taken in; a cycle that runs already only takes in a roster once more."""
    if cycles.find(session, wanted.agency, wanted.year) is None:
        agency = session.scalars(select(Agency).filter_by(code=wanted.agency)).one()
        launch_checks.demand_ready(session, agency, problems, decided, today)


def look_at(
    transaction: Transaction, directory: Path, year: int, *, at: datetime, said: Decisions | None = None,
    way: Way = NO_WAY,
) -> "Outlook":  # fmt: skip
    """What a launch would do to whom and what would stop it; changes nothing. Refusals of the folder as at a launch."""
    folder = read_agency(directory)
    wanted = prepare(folder, year)
    today = at.astimezone(zone_of(folder)).date()
    check_year(wanted, today)
    decided = decisions_of(folder, said or Decisions())
    stops = _passed(transaction, wanted, way.or_stand(decided.dates_stand), today)

    def note(session: Session, seen: ImportReport) -> None:
        try:
            _demand_ready(session, wanted, seen.problems, decided, today)
        except LaunchRefused as refused:
            stops.extend(refused.reasons)

    report = imports.import_folder(
        transaction, folder, as_of=today, at=at, said=said, preview=True, demand=note
    )  # fmt: skip
    return Outlook(report, stops)


def _passed(transaction: Transaction, wanted: Launch, way: Way, today: date) -> list[str]:
    """What the launch would be refused for because its dates have passed."""
    try:
        with transaction() as session:
            if cycles.find(session, wanted.agency, wanted.year) is None:
                settled(wanted, way, today)
    except LaunchRefused as refused:
        return list(refused.reasons)
    return []


@dataclass(frozen=True, slots=True)
class Outlook:
    report: ImportReport
    stops: list[str]
    """What HR mends or waives first."""


def enroll_all(
    transaction: Transaction, cycle_id: int, *, at: datetime, progress: Callable[[int], None] | None = None
) -> int:
    """Give everybody their appraisal, a transaction per batch; returns how many are new."""
    with transaction() as session:
        if session.get_one(Cycle, cycle_id).enrolled_at is not None:
            return 0
    last = added = 0
    while True:
        with transaction() as session:
            batch = cycles.enroll(session, cycle_id, after=last, at=at)
        last, added = batch.last, added + batch.added
        if batch.done:
            return added
        if progress:
            progress(added)


def findings(session: Session, cycle_id: int, *, at: datetime) -> launch_checks.Findings:
    """What of a launched cycle somebody has to look at."""
    agency = session.get_one(Agency, session.get_one(Cycle, cycle_id).agency_id)
    return launch_checks.findings(session, cycle_id, at.astimezone(ZoneInfo(agency.zone)).date())
