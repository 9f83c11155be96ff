"""A pause and a resume are told: one letter a person, with what it means for their own dates."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from actions import steering
from actions.cycle.cycles import find
from database import Database
from models import Assignment, Cycle, Letter, Stage
from rules.terms import AssignmentState, LetterState, StageKind

pytest_plugins = ["tests.lived"]

NOON = datetime(2026, 1, 7, 4, tzinfo=UTC)


def test_a_pause_and_a_resume_tell_everybody_concerned_once_and_name_the_new_date(january: Database) -> None:
    with january.transaction() as session:
        cycle = find(session, "mamuju", 2026)
        assert cycle is not None
        owing = set(session.scalars(select(Assignment.person_id).filter_by(state=AssignmentState.OPEN)))
        stage = session.scalars(select(Stage).filter_by(kind=StageKind.TARGET_SETTING)).one()
        old_due, waiting = stage.due_at, session.scalars(select(Letter)).first()
        assert waiting is not None
        waiting.state, waiting.not_after, waiting.kind = LetterState.QUEUED, stage.closes_at, "stage_invitation"
        seen = steering.pause(session, cycle, reason="Banjir", at=NOON, preview=True)
        assert {one.person_id for one in seen.people} == owing
        assert steering.pause(session, cycle, reason="Banjir", at=NOON) == seen
        later = NOON + timedelta(days=8, hours=-1)
        resumed = steering.resume(session, cycle, reason="Surut", at=later)
        assert resumed.counts["letters"] == len(owing)
        assert any("Sunday" in note.en for note in resumed.notes), "24 January and 8 days are a Sunday"
    with january.reading() as session:
        for kind in ("cycle_paused", "cycle_resumed"):
            letters = session.scalars(select(Letter).filter_by(kind=kind)).all()
            assert Counter(one.person_id for one in letters) == dict.fromkeys(owing, 1)
            assert all(one.link_id is not None for one in letters)
        told = letters[0].facts["dates"]
        new = (old_due + timedelta(days=8)).isoformat()
        assert told == [{"stage": "target_setting", "due": new, "old_due": old_due.isoformat()}]
        cycle = session.scalars(select(Cycle)).one()
        assert cycle.plan_default_after.isoformat() == "2026-01-22", "no default plan before the days are given back"
        stage = session.scalars(select(Stage).filter_by(kind=StageKind.TARGET_SETTING)).one()
        kept = session.scalars(select(Letter).filter_by(state=LetterState.QUEUED, kind="stage_invitation")).first()
        assert kept is not None
        assert kept.not_after == stage.closes_at, "what waits to be sent may be sent as much later"
