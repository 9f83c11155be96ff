"""Taking in an agency's folder: who works there, in which post, under whom; the same file twice changes nothing."""

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.roster import notes, relations, rights
from actions.roster import people as roster_people
from actions.roster.agency import take_agency, take_holidays, take_units
from actions.roster.agency_files import AgencyFolder
from actions.roster.decisions import Decisions, corrections_file, decisions_of, renamed
from actions.roster.files import read_roster
from actions.roster.follow import follow
from actions.roster.identity import SAME_PERSON, ImportRefused
from actions.roster.notes import changes_of, losses_of, unconfirmed
from actions.roster.people import ELSEWHERE
from actions.roster.rows import Taking
from actions.store import trail
from models import Agency, Posting, RosterImport, Supervision
from rules.roster.changes import Change, ChangeKind, digest_of
from rules.roster.doctor import Examination, Problem, RosterItem, RosterRow, examine
from rules.roster.losses import Loss

__all__ = ["Decisions", "ImportRefused", "ImportReport", "import_folder"]

Transaction = Callable[[], AbstractContextManager[Session]]
Progress = Callable[[str, int, int], None]
"""What is being done, how much of it is done, and of how much."""

COUNTED = (
    "added", "changed", "unchanged", "left", "held_back", "returned", "moves", "new_superiors", "addresses", "units",
    "roles", "mandates", "absences", "holidays", "leavers_waiting", "appraisals_opened", "appraisals_closed",
    "appraisals_reopened", "raters_changed", "assignments_moved", "assignments_withdrawn", "assignments_stuck",
    "links_revoked", "kept", "latecomers",
)  # fmt: skip


class _Unmade(Exception):
    """A preview: what was done is undone."""


@dataclass(slots=True)
class ImportReport:
    """added + changed + unchanged + held_back = rows of the file; who returned is among the changed."""

    agency: str
    as_of: date
    rows: int
    same_file: bool = False
    """The file that was taken in last, again: nothing was changed."""
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    people: list[Change] = field(default_factory=list)
    """What happens to whom, one line for each change."""
    losses: list[Loss] = field(default_factory=list)
    """Parts of the agency that lose more people than is likely."""
    preview: bool = False
    """Nothing of it was done."""

    @property
    def digest(self) -> str:
        """Names this very list, without saying anything of anybody."""
        return digest_of(self.people, self.counts)

    def as_json(self) -> dict[str, Any]:
        return {
            "agency": self.agency, "as_of": self.as_of.isoformat(), "rows": self.rows, "same_file": self.same_file,
            "preview": self.preview, "digest": self.digest, "counts": self.counts,
            "people": [change.as_json() for change in self.people],
            "losses": [loss._asdict() for loss in self.losses],
            "problems": [_told(problem) for problem in self.problems],
        }  # fmt: skip


def import_folder(
    transaction: Transaction,
    folder: AgencyFolder,
    *,
    as_of: date,
    at: datetime,
    by: int | None = None,
    progress: Progress | None = None,
    said: Decisions | None = None,
    preview: bool = False,
    demand: Callable[[Session, ImportReport], None] | None = None,
) -> ImportReport:
    """Take in the folder in one transaction, with relations that begin on `as_of`.

    Rows that the doctor holds back change nothing, and nobody counts as having left because of them. Refused with
    ImportRefused: a day before the last import's, a roster without a single usable row, so many leavers that nobody
    confirmed, and another list than the one that `said` names as seen. RosterRefused as by `read_roster`. `preview`
    does the same and undoes it, so that what is shown is what happens. `demand` may raise before anything lasts.
    """
    said = decisions_of(folder, said or Decisions())
    report = _examined(folder, said, as_of, progress)
    if not preview:
        with transaction() as session:
            _take(session, folder, report, said, at=at, by=by, progress=progress, demand=demand)
        return report.report
    with contextlib.suppress(_Unmade), transaction() as session:
        unasked = replace(said, leavers=True, seen="")
        _take(session, folder, report, unasked, at=at, by=by, progress=progress, demand=demand)
        raise _Unmade
    report.report.preview = True
    return report.report


@dataclass(slots=True)
class _Examined:
    """A folder read once, before anything is locked."""

    report: ImportReport
    examination: Examination
    listed: list[RosterRow]
    sha256: str


def _examined(folder: AgencyFolder, said: Decisions, as_of: date, progress: Progress | None) -> _Examined:
    tell = progress or _quietly
    rows: list[RosterItem] = []
    read = renamed(read_roster(folder.roster, lambda done, of: tell("read", done, of)), said.same)
    examination = examine(_kept(read, rows), as_of, said.waivers)
    if not examination.rows_ok:
        raise ImportRefused(f"{folder.roster.name}: no row can be taken in; HR mends what `roster check` finds")
    report = ImportReport(folder.agency.code, as_of, examination.counts["rows"], problems=list(examination.problems))
    return _Examined(report, examination, [row for row in rows if isinstance(row, RosterRow)], sha256_of(folder))


def _quietly(_what: str, _done: int, _of: int) -> None:
    pass


def _take(
    session: Session, folder: AgencyFolder, seen: _Examined, said: Decisions, *, at: datetime, by: int | None,
    progress: Progress | None, demand: Callable[[Session, ImportReport], None] | None,
) -> None:  # fmt: skip
    report, as_of = seen.report, seen.report.as_of
    agency, last = _lock_agency(session, folder.agency.code)
    if last is not None and as_of < last.as_of:
        raise ImportRefused(
            f"{agency.code if agency else ''}: a roster as of {last.as_of} was taken in already; an earlier day "
            f"({as_of}) would rewrite history. HR imports as of {last.as_of} or later", "earlier_day"
        )  # fmt: skip
    if last is not None and _taken_before(last, seen.sha256, as_of) and not said.same:
        report.same_file = True
        accepted = len(seen.examination.rows_ok)
        report.counts = dict.fromkeys(COUNTED, 0) | {"unchanged": accepted, "held_back": report.rows - accepted}
        if demand is not None:
            demand(session, report)
        return
    agency, changed = take_agency(session, agency, folder)
    taking = Taking(session, agency, as_of, at, last.as_of if last else None)
    take_holidays(taking, folder)
    take_roster(taking, seen.examination, seen.listed, report, said, progress or _quietly)
    report.counts = {name: taking.counts[name] for name in COUNTED}
    report.people = changes_of(taking)
    if said.seen and said.seen != report.digest:
        raise ImportRefused(
            "Sejak pratinjau itu ada yang berubah; Pengelola Kinerja melihat pratinjau lagi. / "
            "something has changed since that preview; HR looks at a new one", "preview_outdated",
        )  # fmt: skip
    _conclude(taking, report, folder, seen.sha256, changed=changed, by=by)
    if demand is not None:
        demand(session, report)


def sha256_of(folder: AgencyFolder) -> str:
    """One hash of everything in the folder that an import reads."""
    digest = hashlib.sha256()
    names = [folder.directory / f"{name}.yaml" for name in ("agency", "calendar", "indicators")]
    corrections = corrections_file(folder)
    more = [path for path in (folder.waivers, corrections) if path is not None]
    for path in (*names, folder.roster, *more):
        digest.update(f"{path.suffix}:{path.stat().st_size}:".encode())
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()


def _kept(rows: Iterable[RosterItem], into: list[RosterItem]) -> Iterator[RosterItem]:
    for row in rows:
        into.append(row)
        yield row


def _lock_agency(session: Session, code: str) -> tuple[Agency | None, RosterImport | None]:
    agency = session.scalar(select(Agency).filter_by(code=code).with_for_update())
    if agency is None:
        return None, None
    last = select(RosterImport).filter_by(agency_id=agency.id).order_by(RosterImport.id.desc()).limit(1)
    return agency, session.scalar(last)


def _taken_before(last: RosterImport, sha256: str, as_of: date) -> bool:
    """The same file has something new to say only in a new year (days off), of people who then served elsewhere, and
    of those whose question is still open."""
    open_ends = ELSEWHERE in last.problems or SAME_PERSON in last.problems
    return (last.sha256, last.as_of.year) == (sha256, as_of.year) and not open_ends


def take_roster(
    taking: Taking, examination: Examination, listed: list[RosterRow], report: ImportReport, said: Decisions,
    tell: Progress,
) -> None:  # fmt: skip
    """Bring people and their relations to what the rows say, then let the running cycles follow."""
    steps = iter(range(1, 6))
    units = take_units(taking, examination.units)
    tell("people", next(steps), 5)
    accepted = roster_people.take_people(taking, examination, listed, report.problems, said)
    roster_people.find_leavers(taking, accepted, listed, report.problems)
    report.losses = losses_of(taking)
    if report.losses and not said.leavers:
        raise unconfirmed(taking, report.losses)
    tell("relations", next(steps), 5)
    _take_relations(taking, accepted, listed, units)
    tell("rights", next(steps), 5)
    serving = {person: row for person, row in accepted.items() if taking.in_service(row)}
    rights.take_roles(taking, {person: row.roles for person, row in serving.items()})
    rights.take_mandates(taking, serving)
    rights.take_absences(taking, serving)
    rights.end_rights(taking)
    tell("cycles", next(steps), 5)
    follow.follow(taking)
    taking.counts["kept"] = sum(note.kind is ChangeKind.KEPT for note in taking.notes)
    tell("done", next(steps), 5)
    report.problems.sort(key=lambda problem: problem.row)
    taking.counts["held_back"] = report.rows - len(accepted)
    new = set(taking.added)
    taking.counts["changed"] = len((taking.touched & set(accepted)) - new)
    taking.counts["unchanged"] = len(accepted) - len(new) - taking.counts["changed"]


def _take_relations(
    taking: Taking, accepted: Mapping[int, RosterRow], listed: Iterable[RosterRow], units: Mapping[str, int]
) -> None:
    postings = relations.current(taking, Posting, relations.POSTING)
    wanted = {
        person: relations.posting_wanted(row, units[row.unit_code])
        for person, row in accepted.items() if taking.in_service(row)
    }  # fmt: skip
    taking.moved = relations.renew(taking, Posting, relations.POSTING, postings, wanted)
    relations.end_with_service(taking, Posting, postings, taking.leavers)

    superiors = relations.current(taking, Supervision, ("superior_id",))
    above = relations.Superiors(taking, listed, superiors)
    lines = {person: above.of(row) for person, row in accepted.items()}
    for person, now in superiors.items():
        if person not in lines and person not in taking.gone and now.values[0] in taking.gone:
            lines[person] = above.past_gone(person)
    taking.led_anew = relations.renew(taking, Supervision, ("superior_id",), superiors, lines)
    ending = {person: last for person, last in taking.leavers.items() if person in taking.gone}
    relations.end_with_service(taking, Supervision, superiors, ending)  # the line still climbs past the others
    notes.note_relations(taking, postings, wanted, superiors, lines, units)
    taking.touched.update(taking.moved, taking.led_anew)
    taking.counts["moves"] = sum(person in postings for person in taking.moved)
    taking.counts["new_superiors"] = sum(person in superiors for person in taking.led_anew)


def _conclude(
    taking: Taking, report: ImportReport, folder: AgencyFolder, sha256: str, *, changed: bool, by: int | None
) -> None:
    session, agency = taking.session, taking.agency
    problems = [_told(problem) | {"name": problem.name, "facts": dict(problem.facts)} for problem in report.problems]
    taken = RosterImport(
        agency_id=agency.id, sha256=sha256, file_name=folder.roster.name, as_of=taking.as_of, at=taking.at,
        counts=json.dumps(report.counts), problems=json.dumps(problems),
    )  # fmt: skip
    session.add(taken)
    session.flush()
    quiet = ("unchanged", "held_back", "leavers_waiting", "kept")
    if not changed and not any(count for name, count in report.counts.items() if name not in quiet):
        return
    new = set(taking.added)
    after = {
        "as_of": taking.as_of.isoformat(), "sha256": sha256, "counts": report.counts,
        "left": sorted(taking.leavers), "moved": sorted({*taking.moved} - new), "returned": sorted(taking.returned),
        "led_anew": sorted({*taking.led_anew} - new), "readdressed": sorted(taking.readdressed),
        "raters": taking.raters, "closed": taking.closed,
    }  # fmt: skip
    if taking.since is not None:  # the first import adds everybody
        after["added"] = sorted(new)
    for person, old, now in taking.renamed:
        trail.record(session, agency.id, "person.nip_corrected", f"person:{person}", at=taking.at,
                     actor=trail.Actor(by), before={"nip": old}, after={"nip": now})  # fmt: skip
    subject = f"roster_import:{taken.id}"
    trail.record(session, agency.id, "roster.imported", subject, at=taking.at, actor=trail.Actor(by), after=after)


def _told(problem: Problem) -> dict[str, Any]:
    return {"row": problem.row, "nip": problem.nip, "code": problem.code, "severity": problem.severity.value,
            "holds_row": problem.holds_row, "waived": problem.waived}  # fmt: skip
