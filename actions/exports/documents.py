"""Evaluation documents for whoever may read them, one at a time and all of a cycle."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from actions.acts.act import ActRefused
from actions.exports.facts import Facts, document_facts
from actions.exports.files import ExportRefused, demand_final
from actions.line.calendars import calendar_of
from actions.line.holders import holds_role, line_for_one
from models import Agency, Appraisal, Assignment, Cycle, Objection, Person, RatingRecord, Result
from private_files import replacing
from rules.terms import AssignmentState, Role


def document_for(session: Session, person_id: int, appraisal_id: int, at: datetime) -> tuple[str, bytes]:
    """File name and PDF for a reader: employee, rater, authority, or HR of the agency today; else ActRefused."""
    from notifications.documents import evaluation_document

    case, person = session.get(Appraisal, appraisal_id), session.get(Person, person_id)
    if case is None or person is None or not _may_read(session, person, case, at):
        raise ActRefused("not_yours")
    facts = document_facts(session, appraisal_id, at)
    return file_name(facts), evaluation_document(facts)


def document_cases(session: Session, cycle_id: int, *, nip: str = "", draft: bool = False) -> list[tuple[int, str]]:
    """Appraisal id and NIP of each case that has a document; refused while the cycle is not final."""
    demand_final(session, cycle_id, draft=draft)
    query = select(Appraisal.id, Person.nip).join(Person, Person.id == Appraisal.employee_id).where(
        Appraisal.cycle_id == cycle_id,
        or_(Appraisal.explained_at.is_not(None), Appraisal.id.in_(
            select(Result.appraisal_id).where(Result.issued_at.is_not(None)))),
    ).order_by(Appraisal.id)  # fmt: skip
    found = list(session.execute(query.where(Person.nip == nip) if nip else query).tuples())
    if nip and not found:
        raise ExportRefused(f"{nip} has no issued result and no explanation in this cycle: check the NIP, or wait.")
    return found


def write_documents(session: Session, cases: Sequence[tuple[int, str]], folder: Path, at: datetime) -> Iterator[str]:
    """Write one PDF per case, whole or not at all, and yield each file's name as it is done."""
    from notifications.documents import evaluation_document

    for appraisal_id, nip in cases:
        facts = document_facts(session, appraisal_id, at)
        name = f"{nip}-{file_name(facts)}"
        with replacing(folder / name) as path:
            path.write_bytes(evaluation_document(facts))
        yield name
        session.expunge_all()


def file_name(facts: Facts) -> str:
    """Names number, version and state, never the person."""
    draft = "" if facts["final"] else "-DRAFT"
    return f"evaluasi-{facts['no'].replace('/', '-').lower()}-v{facts['version']}{draft}.pdf"


def _may_read(session: Session, person: Person, case: Appraisal, at: datetime) -> bool:
    cycle = session.get_one(Cycle, case.cycle_id)
    agency = session.get_one(Agency, cycle.agency_id)
    today = calendar_of(session, agency, at).local_date(at)
    if person.id in (case.employee_id, case.rater_id, case.authority_id):
        return True
    judged = select(RatingRecord.id).filter_by(appraisal_id=case.id, official_id=person.id)
    decided = select(Objection.id).filter_by(appraisal_id=case.id, decided_by_id=person.id)
    asked = select(Assignment.id).where(
        Assignment.appraisal_id == case.id, Assignment.person_id == person.id, Assignment.state == AssignmentState.OPEN,
        Assignment.role.in_((Role.RATER, Role.OBJECTION_AUTHORITY)),
    )  # fmt: skip
    if any(session.scalar(query.limit(1)) is not None for query in (judged, decided, asked)):
        return True
    holder = line_for_one(session, agency.id, today).rater(case.employee_id, case.rater_id)
    if holder is not None and holder.person_id == person.id:
        return True
    return person.agency_id == agency.id and holds_role(session, person, Role.PERFORMANCE_ADMIN, today)
