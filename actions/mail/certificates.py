"""The launch certificate: once the first wave has gone out, HR is told that everybody got their letter, or not."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

import settings
from actions.line.calendars import calendar_of
from actions.line.holders import role_holders
from actions.mail import letters
from models import Agency, Appraisal, Cycle, Letter, Person, Stage, Wave
from rules.terms import LetterState, Role, StageKind

UNDER_WAY = (LetterState.QUEUED, LetterState.SENDING, LetterState.DEFERRED)


def certify_launch(session: Session, cycle: Cycle, *, at: datetime) -> int:
    """Owe HR the certificate once no letter of the opening wave is under way; a second call owes nothing new."""
    stage = session.scalars(select(Stage).filter_by(cycle_id=cycle.id, kind=StageKind.TARGET_SETTING)).one()
    wave = session.scalar(select(Wave).filter_by(key=f"{StageKind.TARGET_SETTING.value}.open:{stage.id}"))
    if wave is None or session.scalar(
        select(Letter.id).where(Letter.wave_id == wave.id, Letter.state.in_(UNDER_WAY)).limit(1)
    ):
        return 0
    agency = session.get_one(Agency, cycle.agency_id)
    today = calendar_of(session, agency, at).local_date(at)
    facts = _facts(session, agency, cycle, wave, at)
    owed = [
        letters.owed_to(
            person, "launch_certificate", f"launch_certificate:{wave.id}.{person.id}:done",
            facts | {"name": person.name}, cycle_id=cycle.id,
        )
        for person in session.scalars(
            select(Person).where(Person.id.in_(role_holders(agency.id, Role.PERFORMANCE_ADMIN, today)))
        )
    ]  # fmt: skip
    return letters.queue(session, owed, at=at)


def _facts(session: Session, agency: Agency, cycle: Cycle, wave: Wave, at: datetime) -> dict[str, object]:
    counted = session.execute(
        select(Letter.state, func.count()).where(Letter.wave_id == wave.id).group_by(Letter.state)
    ).tuples()
    states = dict(counted.all())
    found = letters.certificate(session, stage_id=wave.stage_id)
    people, units = session.execute(
        select(func.count(), func.count(Appraisal.unit_id.distinct())).where(Appraisal.cycle_id == cycle.id)
    ).one()
    accepted = states.get(LetterState.ACCEPTED, 0) + states.get(LetterState.DELIVERED, 0)
    ambiguous = states.get(LetterState.AMBIGUOUS, 0)
    return {
        "agency": agency.name, "contact": agency.contact, "year": cycle.year, "zone": agency.zone,
        "at": at.isoformat(), "people": people, "units": units, "url": f"{settings.load().base_url}/hr",
        "counts": {
            "owed": sum(states.values()), "accepted": accepted, "open": 0, "ambiguous": ambiguous,
            "bounced": sum(states.values()) - accepted - ambiguous, "missing": found.missing, "doubled": found.doubled,
            "restored": found.restored,
        },
        "stages": [
            {"stage": stage.kind.value, "opens": stage.opens_at.isoformat(), "due": stage.due_at.isoformat()}
            for stage in session.scalars(select(Stage).filter_by(cycle_id=cycle.id).order_by(Stage.opens_at))
        ],
    }  # fmt: skip
