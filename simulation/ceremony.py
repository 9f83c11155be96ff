"""What people outside the engine do for the audit: publish the frozen frame, and roll dice in public a day later."""

from datetime import datetime, timedelta
from random import Random

from sqlalchemy.orm import Session

from actions.audit import ceremony
from models import Cycle
from rules.pack.pack import Pack


def hold(session: Session, cycle: Cycle, seed: int, *, at: datetime) -> None:
    """Take the next step of the ceremony if its time has come."""
    plan = ceremony.plan_of(session, cycle.id)
    if plan is None or plan.seed is not None:
        return
    if plan.published_at is None:
        ceremony.publish(session, cycle, "Papan pengumuman BKPSDM dan laman Inspektorat, nomor 700/12", at=at)
        return
    wait = timedelta(hours=Pack.model_validate_json(cycle.pack).audit.wait_hours)
    if at >= plan.published_at + wait:
        dice = Random(f"{seed}|{cycle.year}|dice")
        rolled = "".join(str(dice.randint(0, 9)) for _ in range(20))
        ceremony.record_seed(
            session, cycle, rolled, "Berita acara 700/13, disaksikan wakil Korpri dan Inspektorat", at=at
        )
