"""What stops a launch: people whom the roster holds back, and a cycle that nobody could sign in to."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions.cycle.cycles import LaunchRefused, demand_people
from actions.line.holders import role_holders
from actions.roster.decisions import Decisions
from actions.store import trail
from models import Agency, Appraisal, Cycle, RosterImport
from rules.roster.doctor import Problem
from rules.roster.texts import ROLE_NAMES
from rules.terms import AppraisalState, Locale, Role, Severity

NEEDED = (Role.PERFORMANCE_ADMIN, Role.APPOINTING_AUTHORITY)
"""Without the first nobody signs in to the console, without the second nobody names officials."""
UNFILLED = "role_unfilled"
SHOWN = 200
"""So many problems are told in a refusal; the doctor lists all."""


class Stop(NamedTuple):
    """One sentence in both languages, and what may be said of it where no name may stand."""

    id: str
    en: str
    brief: str


@dataclass(frozen=True, slots=True)
class Waived:
    """What a launch went on in spite of, for the trail."""

    held_back: int = 0
    roles: tuple[Role, ...] = ()

    @property
    def nothing(self) -> bool:
        return not self.held_back and not self.roles


def demand_ready(session: Session, agency: Agency, problems: Sequence[Problem], said: Decisions, today: date) -> Waived:
    """Refuse a launch with blocking problems or without HR officer or appointing authority, naming each.

    Either may be waived with a reason; what was waived comes back.
    """
    demand_people(session, agency)
    blocking = [problem for problem in problems if problem.blocks and problem.code != UNFILLED]
    missing = unfilled(session, agency, today)
    stops: list[Stop] = []
    if blocking and not said.without_held_back.strip():
        stops += _blocked(agency, blocking)
    if missing and not said.without_officer.strip():
        stops += [_unfilled(agency, role) for role in missing]
    if stops:
        raise LaunchRefused(
            [f"{stop.id} / {stop.en}" for stop in stops], brief="; ".join(stop.brief for stop in stops if stop.brief)
        )
    return Waived(len({problem.row for problem in blocking}), tuple(missing))


def unfilled(session: Session, agency: Agency, today: date) -> list[Role]:
    return [role for role in NEEDED if session.scalars(role_holders(agency.id, role, today)).first() is None]


def _blocked(agency: Agency, blocking: Sequence[Problem]) -> list[Stop]:
    rows = sorted({problem.row for problem in blocking})
    listed = ", ".join(map(str, rows[:20])) + (", ..." if len(rows) > 20 else "")
    first = Stop(
        f"{agency.code}: {len(blocking)} masalah menghambat; pegawai berikut tidak akan ikut. Perbaiki berkasnya, atau "
        "luncurkan tanpa mereka dengan --without-held-back ALASAN",
        f"{len(blocking)} problems block; these people would not take part. Mend the file, or launch without them with "
        "--without-held-back REASON",
        f"{len(blocking)} problems block (rows {listed}): HR runs `appraisal roster check`",
    )
    lines = [Stop(_line(problem, Locale.ID), _line(problem, Locale.EN), "") for problem in blocking[:SHOWN]]
    more = len(blocking) - len(lines)
    return [first, *lines, *([Stop(f"... +{more}", f"... +{more}", "")] if more else [])]


def _line(problem: Problem, locale: Locale) -> str:
    who = f"{problem.name} ({problem.nip})" if problem.name else problem.nip
    row = ("Baris" if locale is Locale.ID else "Row") + f" {problem.row}: " if problem.row else ""
    message, fixer, remedy = problem.text(locale)
    return f"{row}{who + ': ' if who else ''}{message} ({fixer}) {remedy} [{problem.code}]"


def _unfilled(agency: Agency, role: Role) -> Stop:
    name_id, name_en = ROLE_NAMES[role]
    return Stop(
        f"{agency.code}: tidak ada {name_id} pada daftar pegawai yang bertugas hari ini. Isi kolom roles "
        f"({role.value}) pada orang yang ditunjuk, atau luncurkan dengan --without-officer ALASAN",
        f"there is no {name_en} on the roster who serves today. Fill in roles ({role.value}) for the person "
        "appointed, or launch with --without-officer REASON",
        f"nobody holds the role {role.value}",
    )


def last_problems(session: Session, agency_id: int) -> list[Problem]:
    """What the last import found, in the words of today."""
    query = select(RosterImport.problems).filter_by(agency_id=agency_id).order_by(RosterImport.id.desc()).limit(1)
    return [problem for told in json.loads(session.scalar(query) or "[]") if (problem := _read(told)) is not None]


def _read(told: dict[str, Any]) -> Problem | None:
    """A problem as it was kept; one from before its words were kept is passed over."""
    if "facts" not in told:
        return None
    return Problem(told["row"], told["nip"], told["name"], told["code"], told["facts"], [], told["waived"])


def held_back(problems: Iterable[Problem]) -> list[Problem]:
    """Those whose people take no part until somebody mends their rows."""
    return [problem for problem in problems if problem.holds_row and problem.severity is not Severity.NOTE]


def record_waived(
    session: Session, cycle: Cycle, waived: Waived, said: Decisions, *, at: datetime, by: int | None
) -> None:
    """Keep why a launch went on all the same."""
    if waived.nothing:
        return
    reasons = {said.without_held_back.strip(): waived.held_back, said.without_officer.strip(): waived.roles}
    why = "; ".join(reason for reason, what in reasons.items() if what)
    after = {"held_back": waived.held_back, "roles": [role.value for role in waived.roles]}
    trail.record(session, cycle.agency_id, "cycle.launched_despite", f"cycle:{cycle.id}", at=at,
                 actor=trail.Actor(by), after=after, why=why)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Findings:
    """What of a launched cycle somebody has to look at."""

    appraisals: int
    excluded: int
    roles: tuple[Role, ...]

    @property
    def mostly_excluded(self) -> bool:
        return self.excluded * 2 > self.appraisals or not self.appraisals

    @property
    def green(self) -> bool:
        return not self.mostly_excluded and not self.roles

    def sentences(self) -> list[tuple[str, str]]:
        """What is wrong, in Indonesian and English; names nobody."""
        found: list[tuple[str, str]] = []
        if self.mostly_excluded:
            found.append((
                f"{self.excluded} dari {self.appraisals} pegawai tidak ikut dinilai: Pengelola Kinerja memeriksa "
                "atasan dan ketidakhadiran dalam daftar pegawai",
                f"{self.excluded} of {self.appraisals} people are excluded: HR checks superiors and absences on the "
                "roster",
            ))  # fmt: skip
        for role in self.roles:
            name_id, name_en = ROLE_NAMES[role]
            found.append((f"tidak ada {name_id} yang bertugas hari ini: isi kolom roles dan impor lagi",
                          f"there is no {name_en} today: HR fills in roles and imports again"))  # fmt: skip
        return found


def findings(session: Session, cycle_id: int, today: date) -> Findings:
    cycle = session.get_one(Cycle, cycle_id)
    agency = session.get_one(Agency, cycle.agency_id)
    query = select(Appraisal.state, func.count()).where(Appraisal.cycle_id == cycle_id).group_by(Appraisal.state)
    states = dict(session.execute(query).tuples().all())
    return Findings(
        sum(states.values()), states.get(AppraisalState.EXCLUDED, 0), tuple(unfilled(session, agency, today))
    )
