"""What HR and the appointing authority do at their desks in an invented year."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.line.holders import role_holders
from actions.steering.reassignments import reassign
from models import Appraisal, Cycle, Objection
from rules.terms import AppraisalState, ObjectionState, Role


def name_authorities(session: Session, cycle: Cycle, *, at: datetime) -> int:
    """Where the head of the region is the rater nobody stands above: once such a case is objected to, an official from
    outside is named for it."""
    lacking = session.scalars(
        select(Appraisal.id)
        .join(Objection, Objection.appraisal_id == Appraisal.id)
        .where(
            Objection.state.in_((ObjectionState.FILED, ObjectionState.UNDER_EXAMINATION)),
            Appraisal.cycle_id == cycle.id, Appraisal.rater_id.is_not(None), Appraisal.authority_id.is_(None),
            Appraisal.state != AppraisalState.EXCLUDED, Appraisal.finalized_at.is_(None),
        )
    ).all()  # fmt: skip
    outsiders = session.scalars(role_holders(cycle.agency_id, Role.AUDITOR, at.date())).all()
    if lacking and outsiders:
        reassign(
            session, cycle, lacking, outsiders[-1], role=Role.OBJECTION_AUTHORITY, decree_no="800/45/2027",
            reason="Atasan Pejabat Penilai Kinerja tidak ada di daerah; ditunjuk pejabat dari luar.", at=at,
        )  # fmt: skip
    return len(lacking)
