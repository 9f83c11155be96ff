"""Acting mandates (Plt, Plh): somebody acts in an official's post between two days, by decree."""

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.duties.invitations import invite
from actions.line.calendars import calendar_of
from actions.line.holders import line_on
from actions.stages.common import move
from actions.steering import involved
from actions.steering.preview import Preview, Problems, Said, SteeringRefused, require, touched
from actions.store import trail
from models import ActingMandate, Agency, Appraisal, Assignment, Person, Stage
from rules.roster.columns import LONGEST_MANDATE
from rules.terms import ActingKind, AssignmentState, Role


def delegate(
    session: Session, principal: int, person: int, kind: ActingKind, *, decree_no: str, from_on: date, to_on: date,
    at: datetime, by: int | None = None, preview: bool = False,
) -> Preview:  # fmt: skip
    """Record a mandate; the principal's open duties as rater move when it begins and come back when it ends.

    Refused: a mandate of somebody for themself, over already, longer than a year or beginning more than a year ahead,
    of people who left, or while another one for the same post is in force. The same mandate recorded again is the same
    mandate.
    """
    problems = Problems()
    problems.look(_people, session, principal, person)
    problems.look(involved.check_official, by, principal, field="principal")
    problems.look(involved.check_official, by, person, field="acting")
    problems.look(involved.check_person, session, by, principal, field="principal")
    problems.look(require, decree_no=decree_no)
    there = session.scalar(
        select(ActingMandate).filter_by(person_id=person, principal_id=principal, from_on=from_on)
    )  # fmt: skip
    again = there is not None and (there.kind, there.decree_no, there.to_on) == (kind, decree_no, to_on)
    official, acting = session.get(Person, principal), session.get(Person, person)
    if not again and official is not None and acting is not None:
        agency = session.get_one(Agency, official.agency_id)
        problems.look(_check_days, from_on, to_on, calendar_of(session, agency, at).local_date(at))
        problems.look(_check_posts, session, official, acting, from_on, to_on)
    problems.refuse()
    official, acting = _people(session, principal, person)
    agency = session.get_one(Agency, official.agency_id)
    today = calendar_of(session, agency, at).local_date(at)
    if there is not None and again:
        return Preview("delegate", (), {"mandates": 0, "moved": 0, "letters": 0}, (_known(there),))
    begins = from_on <= today
    duties = _duties(session, principal)
    moving = [one for one in duties if one.appraisal is None or one.appraisal.employee_id != person]
    stay = len(duties) - len(moving)
    people = [(person, "acts"), (principal, "represented")]
    people += [(duty.appraisal.employee_id, "concerned") for duty in moving if duty.appraisal]
    counts = {
        "mandates": 1,
        "moved": len(moving) if begins else 0,
        "will_move": 0 if begins else len(moving),
        "letters": len({duty.stage_id for duty in moving}) if begins else 0,
    }
    notes = _notes(acting, from_on, stay, begins=begins)
    seen = Preview("delegate", touched(session, people), counts, notes)
    if preview:
        return seen
    row = ActingMandate(person_id=person, principal_id=principal, kind=kind, decree_no=decree_no, from_on=from_on,
                        to_on=to_on)  # fmt: skip
    session.add(row)
    session.flush()
    if begins:
        _move_now(session, agency.id, row, moving, today, at=at)
    after = {"person": person, "kind": kind.value, "decree": decree_no, "from": from_on.isoformat(),
             "to": to_on.isoformat()}  # fmt: skip
    trail.record(session, agency.id, "mandate.recorded", f"person:{principal}", at=at, actor=trail.Actor(by),
                 after=after, why=decree_no)  # fmt: skip
    return seen


def _people(session: Session, principal: int, person: int) -> tuple[Person, Person]:
    official, acting = session.get(Person, principal), session.get(Person, person)
    if official is None or acting is None or official.agency_id != acting.agency_id:
        raise SteeringRefused(
            "Keduanya harus ada dalam daftar pegawai instansi yang sama; Pengelola Kinerja mengimpornya.",
            "Both must be on the roster of one agency; HR imports them.",
            field="principal" if official is None else "acting",
        )
    if principal == person:
        raise SteeringRefused(
            "Tidak ada yang menjadi Plt/Plh bagi dirinya sendiri.", "Nobody acts for themself.", field="acting"
        )
    return official, acting


def _known(there: ActingMandate) -> Said:
    return Said(f"Mandat ini sudah tercatat dengan nomor {there.decree_no}.",
                f"This mandate is on record already under {there.decree_no}.")  # fmt: skip


def _check_days(from_on: date, to_on: date, today: date) -> None:
    if to_on < from_on or to_on < today:
        raise SteeringRefused(
            f"Mandat berakhir {to_on:%d-%m-%Y}: harus sesudah mulainya dan belum lewat.",
            f"The mandate ends on {to_on}: that must be after it begins, and not over.",
            field="to_on",
        )
    if to_on - from_on > LONGEST_MANDATE or from_on - today > LONGEST_MANDATE:
        raise SteeringRefused(
            f"Mandat {from_on:%d-%m-%Y} s.d. {to_on:%d-%m-%Y}: paling lama satu tahun dan dimulai dalam setahun ini; "
            "Pengelola Kinerja menulis tanggal menurut SK, perpanjangan memakai SK tersendiri.",
            f"A mandate from {from_on} to {to_on}: it lasts a year at most and begins within a year; HR writes the "
            "days of the decree, longer than that takes a decree of its own.",
            field="to_on",
        )


def _check_posts(session: Session, official: Person, acting: Person, from_on: date, to_on: date) -> None:
    if acting.active_to is not None and acting.active_to < to_on:
        raise SteeringRefused(
            f"{acting.name} hanya aktif sampai {acting.active_to:%d-%m-%Y}; pilih pejabat lain.",
            f"{acting.name} is in service until {acting.active_to} only; choose another official.",
            field="acting",
        )
    other = select(ActingMandate).where(
        ActingMandate.principal_id == official.id, ActingMandate.from_on <= to_on, ActingMandate.to_on >= from_on
    )  # fmt: skip
    if (found := session.scalar(other.limit(1))) is not None:
        raise SteeringRefused(
            f"Untuk jabatan {official.name} sudah ada mandat {found.decree_no} sampai {found.to_on:%d-%m-%Y}.",
            f"The post of {official.name} has a mandate already, {found.decree_no} until {found.to_on}.",
            field="principal",
        )


def _notes(acting: Person, from_on: date, stay: int, *, begins: bool) -> list[Said]:
    notes = []
    if not begins:
        notes.append(Said(f"Tugas berpindah sendiri pada {from_on:%d-%m-%Y} dan kembali setelah mandat berakhir.",
                          f"Duties move by themselves on {from_on} and come back when the mandate ends."))  # fmt: skip
    if stay:
        notes.append(Said(f"{stay} tugas menyangkut {acting.name} sendiri dan pindah ke pejabat di atasnya.",
                          f"{stay} duties concern {acting.name} themself and go to the official above."))  # fmt: skip
    return notes


def _duties(session: Session, principal: int) -> list[Assignment]:
    from sqlalchemy.orm import joinedload

    query = select(Assignment).where(
        Assignment.person_id == principal, Assignment.state == AssignmentState.OPEN, Assignment.role == Role.RATER,
        Assignment.mandate_id.is_(None),
    )  # fmt: skip
    return list(session.scalars(query.options(joinedload(Assignment.appraisal)).order_by(Assignment.id)))


def _move_now(
    session: Session, agency_id: int, mandate: ActingMandate, moving: list[Assignment], today: date, *, at: datetime
) -> None:
    """What begins today or began before is not waited for: the daily look has been taken perhaps."""
    line = line_on(session, agency_id, today)
    stages: set[int] = set()
    for one in moving:
        case = session.get_one(Appraisal, one.appraisal_id)
        holder = line.rater(case.employee_id, case.rater_id)
        if holder is not None and holder.mandate_id == mandate.id:
            move(session, one, holder)
            stages.add(one.stage_id)
    session.flush()
    for stage_id in sorted(stages):
        stage = session.get_one(Stage, stage_id)
        invite(session, stage, [mandate.person_id], kind="reassigned_notice", occasion=f"mandate-{mandate.id}", at=at,
               more={"audience": "new", "decree": mandate.decree_no})  # fmt: skip
