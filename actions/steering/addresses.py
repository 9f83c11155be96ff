"""Mail that does not arrive: a corrected address with new links, and an invitation sent once more."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from actions.access import address_changes, waiting
from actions.access.address_changes import Moved
from actions.duties.invitations import first_kind, invite
from actions.duties.links import ensure_links, kid_of, revoke_links
from actions.line.calendars import calendar_of
from actions.steering import involved
from actions.steering.preview import Preview, Problems, Said, SteeringRefused, require, touched
from actions.store import trail
from models import AddressChange, Agency, Assignment, Cycle, Letter, Person, Stage
from notifications.kinds import LASTING, WITH_STAGE
from rules.mail.addresses import AddressRefused, parse_address
from rules.terms import AddressState, AssignmentState, LetterState, Locale, StageState

NOT_GOT = (LetterState.HELD, LetterState.FAILED_PERM)
"""No server ever took these, so they can go out again as they are."""
PERSONAL = ("step_code", "sign_in")
"""Asked for anew by the person; an old one opens nothing."""

COVERING = ("stage_invitation", "result_issued", "asked_again")
"""Letters that say what is owed at a desk, so that no invitation is needed beside them."""


def correct_address(
    session: Session, person_id: int, address: str, *, reason: str, at: datetime, by: int | None = None,
    preview: bool = False,
) -> Preview:  # fmt: skip
    """Write the new address, end every link mailed to the old one, and send what is still of use to the new one.

    Refused: text that is not exactly one address, the same address, or one that another person has.
    """
    person = session.get(Person, person_id, with_for_update=None if preview else True)
    if person is None:
        raise SteeringRefused("Pegawai itu tidak ada.", "There is no such person.")
    problems = Problems()
    problems.look(involved.check_person, session, by, person_id)
    problems.look(_strict, session, person, address)
    problems.look(require, reason=reason)
    problems.refuse()
    wire = _strict(session, person, address)
    held = _held(session, person.id, at)
    stages = stages_owing(session, person.id)
    covered = {letter.stage_id for letter in held if letter.kind in COVERING}
    anew = [stage for stage in stages if stage.id not in covered]
    seen = Preview(
        "correct_address", touched(session, [(person.id, "new_address")]),
        {"letters_again": len(held), "invitations": len(anew), "desks": len(stages)},
        [Said("Tautan yang dikirim ke alamat lama tidak berlaku lagi.", "Links mailed to the old address end."),
         *_waits(session, person.agency_id)],
    )  # fmt: skip
    if preview:
        return seen
    before = {"address": person.email, "state": person.email_state.value}
    person.email, person.email_state, person.soft_bounces = wire, AddressState.OK, 0
    person.email_changed_at = at
    ended = revoke_links(session, person.id, "address_corrected", at=at)
    links = _new_links(session, person.id, {*ended, *(stage.id for stage in stages)}, at=at)
    for letter in held:
        _requeue(letter, person, links, at=at)
    session.flush()
    heard = before["state"] != AddressState.HARD.value
    moved = [Moved(person.id, before["address"], wire, heard)]
    address_changes.note(session, session.get_one(Agency, person.agency_id), moved, at=at, by=by)
    for stage in anew:
        _invite(session, stage, person.id, f"address-{links[stage.id]}", at=at)
    trail.record(session, person.agency_id, "person.address_corrected", f"person:{person.id}", at=at,
                 actor=trail.Actor(by), before=before, after={"address": wire}, why=reason)  # fmt: skip
    return seen


def _waits(session: Session, agency_id: int) -> list[Said]:
    if not (hours := address_changes.wait_hours(session, agency_id)):
        return []
    return [
        Said(
            f"Alamat lama diberi tahu dan dapat menghentikannya; kode baru dikirim ke alamat baru {hours} jam lagi,"
            " kecuali Pengelola Kinerja kedua menyetujuinya lebih awal.",
            f"The old address is told and can stop this; codes go to the new one {hours} hours from now, unless a"
            " second HR officer agrees earlier.",
        )
    ]


def confirm_address(
    session: Session, person_id: int, *, reason: str, at: datetime, by: int, preview: bool = False
) -> Preview:
    """A second officer agrees to a new address: its wait is over. Not whoever changed it, nor anybody involved."""
    problems = Problems()
    problems.look(_waiting, session, person_id, by, at)
    problems.look(involved.check_person, session, by, person_id)
    problems.look(require, reason=reason)
    problems.refuse()
    change = _waiting(session, person_id, by, at)
    seen = Preview("confirm_address", touched(session, [(person_id, "new_address")]), {"addresses": 1})
    if preview:
        return seen
    change.confirmed_at, change.confirmed_by_id = at, by
    person = session.get_one(Person, person_id)
    if change.stopped_at is not None:
        for stage in stages_owing(session, person_id):
            _invite(session, stage, person_id, f"confirmed-{change.id}", at=at)
    trail.record(session, person.agency_id, "person.address_confirmed", f"person:{person_id}", at=at,
                 actor=trail.Actor(by), after={"change": change.id}, why=reason)  # fmt: skip
    return seen


def _waiting(session: Session, person_id: int, by: int, at: datetime) -> AddressChange:
    change = waiting.pending(session, person_id, at=at)
    if change is None:
        raise SteeringRefused("Tidak ada alamat yang menunggu.", "No address is waiting.")
    if change.by_id == by:
        raise SteeringRefused(
            "Bapak/Ibu sendiri yang mengganti alamat ini: Pengelola Kinerja kedua yang menyetujuinya.",
            "You changed this address yourself: a second HR officer agrees to it.",
        )
    return change


def _strict(session: Session, person: Person, address: str) -> str:
    try:
        wire = parse_address(address.strip()).ascii
    except AddressRefused as refused:
        raise SteeringRefused(
            f"Alamat itu tidak dapat dipakai: {refused.reason(Locale.ID)}.",
            f"That address cannot be used: {refused.reason(Locale.EN)}.",
            field="address",
        ) from refused
    if wire == person.email and person.email_state is AddressState.OK:
        raise SteeringRefused("Alamat itu sudah tercatat.", "That address is on record already.", field="address")
    same = select(Person.name).where(func.lower(Person.email) == wire.lower(), Person.id != person.id)
    if (other := session.scalar(same.limit(1))) is not None:
        raise SteeringRefused(
            f"Alamat itu milik {other}: setiap pegawai memerlukan alamat sendiri.",
            f"That address belongs to {other}: everybody needs an address of their own.",
            field="address",
        )
    return wire


def _held(session: Session, person_id: int, at: datetime) -> Sequence[Letter]:
    query = (
        select(Letter).outerjoin(Stage, Stage.id == Letter.stage_id)
        .where(Letter.person_id == person_id, Letter.state.in_(NOT_GOT), Letter.kind.not_in(PERSONAL),
               (Letter.not_after.is_(None)) | (Letter.not_after > at) | Letter.kind.in_(LASTING),
               (Stage.id.is_(None)) | (Stage.state != StageState.CLOSED) | Letter.kind.not_in(WITH_STAGE))
        .order_by(Letter.id)
    )  # fmt: skip
    return session.scalars(query).all()


def stages_owing(session: Session, person_id: int) -> Sequence[Stage]:
    """Stages in which the person can act now."""
    mine = select(Assignment.stage_id).where(
        Assignment.person_id == person_id, Assignment.state == AssignmentState.OPEN
    )
    query = select(Stage).where(Stage.id.in_(mine), Stage.state.in_((StageState.OPENING, StageState.OPEN)))
    return session.scalars(query.order_by(Stage.id)).all()


def _new_links(session: Session, person_id: int, stages: Iterable[int], *, at: datetime) -> dict[int, int]:
    found = {}
    for stage_id in sorted(stages):
        stage = session.get_one(Stage, stage_id)
        cycle = session.get_one(Cycle, stage.cycle_id)
        found[stage_id] = ensure_links(session, stage, kid_of(cycle), [person_id], at=at)[person_id]
    return found


def _requeue(letter: Letter, person: Person, links: dict[int, int], *, at: datetime) -> None:
    """Let a letter that reached nobody go out again; nothing of the failed try is left to differ from."""
    letter.state, letter.next_at, letter.ended_at, letter.reply = LetterState.QUEUED, at, None, ""
    letter.address, letter.domain = person.email, person.email.rsplit("@", 1)[-1].lower()
    letter.first_tried_at, letter.content_sha256, letter.charged, letter.reply_code = None, None, 0, None
    if letter.link_id is not None and letter.stage_id is not None:
        letter.link_id = links.get(letter.stage_id, letter.link_id)


def _invite(session: Session, stage: Stage, person_id: int, occasion: str, *, at: datetime) -> None:
    invite(session, stage, [person_id], kind=first_kind(stage), occasion=occasion, at=at)


def resend(
    session: Session, person_id: int, stage_id: int, *, reason: str, at: datetime, by: int | None = None,
    preview: bool = False,
) -> Preview:  # fmt: skip
    """Send the invitation to one desk once more, with the same link; at most once a day and only while it is open."""
    person, problems = session.get_one(Person, person_id), Problems()
    problems.look(_owing, session, person, stage_id)
    problems.look(_check_takes_mail, person)
    problems.look(require, reason=reason)
    problems.refuse()
    stage = _owing(session, person, stage_id)
    seen = Preview("resend", touched(session, [(person_id, "letter")]), {"letters": 1})
    if preview:
        return seen
    agency = session.get_one(Agency, person.agency_id)
    today = calendar_of(session, agency, at).local_date(at)
    _invite(session, stage, person_id, f"again-{today.isoformat()}", at=at)
    trail.record(session, agency.id, "letter.resent", f"person:{person_id}", at=at, actor=trail.Actor(by),
                 after={"stage": stage_id}, why=reason)  # fmt: skip
    return seen


def _owing(session: Session, person: Person, stage_id: int) -> Stage:
    stage = next((one for one in stages_owing(session, person.id) if one.id == stage_id), None)
    if stage is None:
        raise SteeringRefused(
            f"{person.name} tidak memiliki tugas terbuka pada tahap ini.",
            f"{person.name} owes nothing in this stage.",
            field="stage",
        )
    return stage


def _check_takes_mail(person: Person) -> None:
    if person.email_state in (AddressState.HARD, AddressState.BLOCKED):
        raise SteeringRefused(
            f"Alamat {person.name} tidak menerima surat; perbaiki alamatnya lebih dahulu.",
            f"The address of {person.name} takes no mail; correct it first.",
        )
