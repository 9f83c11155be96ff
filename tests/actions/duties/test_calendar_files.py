"""Which date a calendar is told, when it is told anew, and when it is withdrawn."""

import email
from collections.abc import Callable
from datetime import date, datetime
from email import policy
from typing import Any

import pytest
from sqlalchemy import update

import settings
from actions import steering
from models import Agency, Cycle, Letter
from rules.terms import ActKind, StageKind
from simulation.sink import Sink
from tests.actions.world import World
from tests.mail.posting import assert_sound, send

ORDER: dict[str, Any] = {"decree_no": "800/7/2026", "reason": "Banjir"}
TARGETS = StageKind.TARGET_SETTING


@pytest.fixture
def world(world_at: Callable[[str], World], monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("APPRAISAL_SECRET", "s" * 64)
    settings.load.cache_clear()
    made = world_at("launched")
    with made.db.transaction() as session:
        session.execute(update(Agency).values(calendar_file=True))
    return made


def told(world: World, name: str, kind: str) -> Any:
    return [one.facts.get("calendar") for one in world.all(Letter, kind=kind, person_id=world.people[name])][-1]


def test_an_agency_that_says_nothing_sends_no_files(world_at: Callable[[str], World]) -> None:
    world = world_at("launched")
    world.on("2026-01-05")
    assert told(world, "ani", "stage_invitation") is None


def test_one_entry_for_a_desk_that_changes_its_number_with_its_date_only(world: World) -> None:
    world.on("2026-01-05")
    first = told(world, "ani", "stage_invitation")
    assert (first["sequence"], first["cancelled"]) == (0, False)
    world.on("2026-01-23")
    assert told(world, "ani", "reminder") == first
    with world.db.transaction() as session:
        cycle = session.get_one(Cycle, world.cycle_id)
        steering.extend(session, cycle, TARGETS, date(2026, 2, 4), **ORDER, at=world.at)
    moved = told(world, "ani", "deadline_moved")
    assert (moved["uid"], moved["sequence"]) == (first["uid"], 1)
    assert moved["due"] > first["due"]
    assert told(world, "budi", "deadline_moved")["uid"] != moved["uid"]
    for one in world.all(Letter, kind="deadline_moved"):
        assert one.facts["calendar"]["due"] == one.facts["due"], "what the letter says"


def test_a_desk_that_went_to_somebody_else_is_withdrawn_from_the_calendar(world: World) -> None:
    world.on("2026-01-05")
    world.everybody(ActKind.DRAFT_TARGETS)
    world.tick()
    before = told(world, "head", "stage_invitation")
    cases = [world.case(name).id for name in ("ani", "budi", "citra")]
    with world.db.transaction() as session:
        cycle = session.get_one(Cycle, world.cycle_id)
        steering.reassign(session, cycle, cases, world.people["dodi"], reason="Cuti", at=world.at)
    assert not world.open("head", ActKind.ESTABLISH_TARGETS)
    after = told(world, "head", "reassigned_notice")
    assert after == before | {"cancelled": True, "sequence": before["sequence"] + 1}


def test_it_arrives_beside_the_letter_with_the_date_that_the_letter_says(world: World) -> None:
    world.go("2026-01-05").tick(mail=False)
    with Sink() as sink:
        send(world.db, sink, now=lambda: world.at)
        assert_sound(world.db, sink, everything_out=True)
    for arrived in sink.letters:
        message = email.message_from_bytes(arrived.content, policy=policy.default)
        text, _, file = [part for part in message.walk() if not part.is_multipart()]
        assert file["Content-Type"].params == {"charset": "utf-8", "method": "PUBLISH"}
        lines = file.get_content().split()
        (start,) = [datetime.strptime(one, "DTSTART:%Y%m%dT%H%M%S%z") for one in lines if one.startswith("DTSTART")]
        assert start == world.stage(TARGETS).due_at
        assert "31 Januari 2026 pukul 23.59 WITA" in " ".join(text.get_content().split())
        assert "/a/" in text.get_content()
        assert "/a/" not in file.get_content()
