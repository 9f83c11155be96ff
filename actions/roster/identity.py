"""Who is who on a roster: a corrected NIP is the same person, if HR says so; until then nothing happens to either."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import or_, select, update

from actions.roster.rows import Taking, in_portions
from models import Person, Posting, Unit
from rules.refused import Refused
from rules.roster import same_person
from rules.roster.changes import ChangeKind
from rules.roster.doctor import Problem, RosterRow
from rules.roster.losses import Loss

SAME_PERSON = "same_person"
"""Code of the problem of a new NIP that may be a missing person's."""


class Known(NamedTuple):
    id: int
    nip: str
    agency_id: int
    name: str
    email: str
    locale: str
    employment: str
    active_from: date
    active_to: date | None
    filed: dict[str, Any] | None


COLUMNS = (Person.id, Person.nip, Person.agency_id, Person.name, Person.email, Person.locale, Person.employment,
           Person.active_from, Person.active_to, Person.filed)  # fmt: skip


class ImportRefused(Refused):
    """The folder is not taken in at all; the text says why and what to do."""

    def __init__(self, text: str, code: str = "refused", counts: Mapping[str, int] | None = None) -> None:
        super().__init__(text)
        self.code, self.counts = code, dict(counts or {})
        """What may be said where no name may stand."""

    @property
    def brief(self) -> str:
        return ", ".join([self.code, *(f"{name} {count}" for name, count in self.counts.items())])


class LeaversUnconfirmed(ImportRefused):
    """So many would leave that somebody has to say that it is meant."""

    def __init__(self, text: str, losses: Sequence[Loss], leaving: int) -> None:
        super().__init__(text, "leavers_unconfirmed", {"leaving": leaving, "parts": len(losses)})
        self.losses = losses


def problem_of(row: RosterRow, code: str, problems: Sequence[Problem], **facts: str) -> Problem:
    """A problem that only the database shows; HR's names are those that the doctor found."""
    return Problem(row.row, row.nip, row.name, code, facts, problems[0].hr if problems else [])


def rename(taking: Taking, known: dict[str, Known], same: Mapping[str, str]) -> None:
    """Give people their corrected NIP; one that was given before is passed over."""
    for old, new in same.items():
        there = known.pop(old, None)
        if there is None and new in known:
            continue
        if there is None or new in known:
            if there is not None:
                known[old] = there
            raise ImportRefused(_cannot(old, new, there), "same_person_refused")
        taken = select(Person.agency_id).where(Person.nip == new)
        if taking.session.scalar(taken) is not None:
            known[old] = there
            raise ImportRefused(_cannot(old, new, there), "same_person_refused")
        change = update(Person).where(Person.id == there.id).values(nip=new)
        taking.session.execute(change.execution_options(synchronize_session=False))
        known[new] = there._replace(nip=new)
        taking.touched.add(there.id)
        taking.renamed.append((there.id, old, new))
        taking.note(there.id, ChangeKind.NIP, "nip", old, new)


def _cannot(old: str, new: str, there: Known | None) -> str:
    if there is None:
        return (f"NIP {old} tidak ada pada data pegawai instansi ini: Pengelola Kinerja memeriksa OLD={old}. / "
                f"there is nobody with NIP {old} in this agency: HR checks what stands before the =")  # fmt: skip
    return (f"NIP {new} sudah dimiliki orang lain: {there.name} ({old}) tidak dapat memakainya; Pengelola Kinerja "
            f"mencocokkan dengan SK. / NIP {new} is somebody else's already: {there.name} ({old}) cannot have it; "
            "HR compares with the decree")  # fmt: skip


def ask(
    taking: Taking, known: Mapping[str, Known], rows: Iterable[RosterRow], rows_ok: Sequence[RosterRow],
    elsewhere: Mapping[str, Known], waivers: Mapping[tuple[str, str], str], problems: list[Problem],
) -> dict[str, str]:  # fmt: skip
    """New NIP -> the NIP of the missing person it may be; a waiver with a reason says that they are two people."""
    named = {row.nip for row in rows}
    new = {row.nip: row for row in rows_ok if row.nip not in known and row.nip not in elsewhere}
    gone = [there for nip, there in known.items() if nip not in named
            and (there.active_to is None or there.active_to >= taking.as_of)]  # fmt: skip
    if not new or not gone:
        return {}
    units = _units(taking, [there.id for there in gone])
    missing = [same_person.Known(there.nip, there.name, _addresses(there), units.get(there.id, "")) for there in gone]
    arriving = [same_person.Known(row.nip, row.name, frozenset({row.email.casefold()}), row.unit_code)
                for row in new.values()]  # fmt: skip
    asked: dict[str, str] = {}
    for person, other in same_person.pairs(arriving, missing):
        row = new[person.nip]
        problem = problem_of(row, SAME_PERSON, problems, other_name=other.name, value=other.nip, unit=row.unit_code)
        problem.waived = waivers.get((row.nip, SAME_PERSON), "").strip()
        problems.append(problem)
        if not problem.waived:
            asked[row.nip] = other.nip
            taking.asked.add(known[other.nip].id)
    return asked


def _addresses(there: Known) -> frozenset[str]:
    """The one on record, and the one the file had."""
    filed = str((there.filed or {}).get("email", ""))
    return frozenset({there.email.casefold(), filed.casefold()} - {""})


def _units(taking: Taking, people: Iterable[int]) -> dict[int, str]:
    """Person -> code of the unit they sit in."""
    found: dict[int, str] = {}
    for ids in in_portions(people):
        query = select(Posting.person_id, Unit.code).join(Unit, Unit.id == Posting.unit_id)
        in_force = or_(Posting.to_on.is_(None), Posting.to_on >= taking.as_of)
        found |= dict(taking.session.execute(query.where(Posting.person_id.in_(ids), in_force)).tuples().all())
    return found
