"""The proof by mail of what somebody sent: to an employee at once, to an official once a day for all they did.

Officials act for dozens of people in an afternoon; the page confirms each act at once, and a code went to the same
address before the weighty ones.
"""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.acts.act import Acting
from actions.duties import calendar_files
from actions.duties.links import ensure_links, kid_of
from actions.duties.notices import employee_of
from actions.mail import letters
from models import Letter, Unit
from rules.terms import ActKind, LetterState, Role

DIGESTED = frozenset({Role.RATER, Role.UNIT_HEAD, Role.AUDITOR})
"""Roles in which people act for many in one day."""
EVENING = time(17)
"""When the digest of a day leaves, in the agency's zone; what comes later is in the next day's."""


def owe(acting: Acting, kind: ActKind, number: str, *, until: str | None = None) -> None:
    """Queue the receipt, or add it to the day's digest that is still waiting.

    `until`: the deadline that began with what was sent; the receipt says it, and the person's calendar is told.
    """
    facts = {
        "name": acting.person.name, "agency": acting.agency.name, "year": acting.cycle.year, "zone": acting.agency.zone,
        "contact": acting.agency.contact,
    }  # fmt: skip
    entry = {"act": kind.value, "at": acting.at.isoformat(), "receipt_no": number}
    if acting.assignment.role in DIGESTED:
        _add_to_digest(acting, facts, entry | {"employee": _about(acting)})
        return
    own = facts | entry | {"stage": acting.stage.kind.value, "until": until} | _dated(acting, until)
    letters.queue(
        acting.session, [_owed(acting, "receipt", f"receipt:{acting.assignment.id}:{number}", own)], at=acting.at
    )


def _dated(acting: Acting, until: str | None) -> dict[str, Any]:
    if until is None or not acting.agency.calendar_file:
        return {}
    person = acting.person.id
    before = calendar_files.told_before(acting.session, acting.agency, acting.stage, [person])
    return calendar_files.entry(acting.agency, acting.cycle, acting.stage, person, until, before.get(person))


def _owed(acting: Acting, kind: str, key: str, facts: dict[str, Any], **more: Any) -> letters.Owed:
    link = ensure_links(acting.session, acting.stage, kid_of(acting.cycle), [acting.person.id], at=acting.at)
    return letters.owed_to(
        acting.person, kind, key, facts, link_id=link[acting.person.id], stage_id=acting.stage.id,
        cycle_id=acting.cycle.id, **more,
    )  # fmt: skip


def _about(acting: Acting) -> str:
    """Whom or what the act was about; the examined stay unnamed."""
    if acting.assignment.kind is ActKind.EXAMINE:
        return ""
    if acting.appraisal is not None:
        return employee_of(acting.session, acting.appraisal)
    unit = acting.session.get(Unit, acting.assignment.unit_id) if acting.assignment.unit_id else None
    return unit.name if unit else ""


def evening_of(acting: Acting) -> datetime:
    """When the digest goes out that holds an act of now; its local day is the digest's."""
    zone = ZoneInfo(acting.calendar.zone)
    evening = datetime.combine(acting.today, EVENING, zone)
    return evening if acting.at < evening else datetime.combine(acting.today + timedelta(days=1), EVENING, zone)


def _add_to_digest(acting: Acting, facts: dict[str, Any], entry: dict[str, Any]) -> None:
    """One letter a person and day. One that a dispatcher has already held keeps its bytes: then there is a second."""
    leaves = evening_of(acting)
    day = leaves.date()
    for number in range(1, 100):
        key = f"receipt_digest:{acting.cycle.id}.{acting.person.id}:{day.isoformat()}" + f".{number}" * (number > 1)
        told = facts | {"on": day.isoformat(), "acts": [entry]}
        if letters.queue(acting.session, [_owed(acting, "receipt_digest", key, told, not_before=leaves)], at=acting.at):
            return
        if _appended(acting.session, key, entry):
            return
    raise RuntimeError("a hundred digests in one day: dispatchers send them before their evening")


def _appended(session: Session, key: str, entry: dict[str, Any]) -> bool:
    query = select(Letter).filter_by(key=key).with_for_update().execution_options(populate_existing=True)
    digest = session.scalars(query).one()
    if digest.state is not LetterState.QUEUED or digest.attempts:
        return False
    digest.facts = digest.facts | {"acts": [*digest.facts["acts"], entry]}
    session.flush()
    return True
