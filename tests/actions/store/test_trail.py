"""The trail names every entry that was forged, cut or rewritten; what was said can be erased without breaking it."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from actions.store import trail
from database import Database
from models import Chain, Checkpoint, TrailEntry
from rules.proof.chain import ZERO, canonical_json, chain_hash
from rules.terms import ActKind
from tests.actions.world import World

FORGED = "f" * 64
AGENCY = 1


def verify(world: World) -> list[str]:
    with world.db.reading() as session:
        return trail.verify(session, AGENCY)


def sql(world: World, statement: str, **values: Any) -> None:
    with world.db.engine.begin() as connection:
        connection.execute(text(statement), values)


@pytest.fixture
def chained(targets: World) -> World:
    """Five entries or more, one by a person, and no guards in the database."""
    for name in ("ani", "budi", "citra"):
        targets.act(name, ActKind.DRAFT_TARGETS)
    assert verify(targets) == []
    return targets.unguarded()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("event", '{"seq":3}'),
        ("event", "not json"),
        ("type", "score"),
        ("subject", "appraisal:1"),
        ("actor_id", 1),
        ("actor_id", None),
        ("mandate_id", 1),
        ("at", "2026-01-01 00:00:00.000000"),
        ("content", '{"before":{},"after":{"plan":9},"why":""}'),
        ("content", None),
        ("salt", b"0" * 16),
        ("salt", b"short"),
        ("salt", None),
        ("prev", FORGED),
        ("prev", "no hash"),
        ("hash", FORGED),
        ("seq", 99),
    ],
)
def test_a_forged_column_is_found_and_the_entry_named(chained: World, column: str, value: Any) -> None:
    if column == "mandate_id":
        chained.mandate("budi", "head", "2026-03-01", "2026-03-02")
    sql(chained, f"UPDATE trail_entry SET {column} = :value WHERE seq = 3", value=value)
    found = verify(chained)
    assert found
    assert any(f"entry {99 if column == 'seq' else 3}:" in line or "entry 4:" in line for line in found), found


def test_what_reads_alike_but_is_written_otherwise_is_found(chained: World) -> None:
    """A space more in the event changes no value, but it is not the text that was chained."""
    sql(chained, "UPDATE trail_entry SET event = replace(event, ',', ', ') WHERE seq = 2")
    assert verify(chained) == ["entry 2: was changed after it was written"]


def test_one_forged_entry_does_not_hide_the_next(chained: World) -> None:
    sql(chained, "UPDATE trail_entry SET type = 'score' WHERE seq IN (2, 4)")
    assert [line.split(":")[0] for line in verify(chained)] == ["entry 2", "entry 4"]


def test_an_entry_that_was_taken_out_or_put_in_is_found(chained: World) -> None:
    sql(chained, "DELETE FROM trail_entry WHERE seq = 3")
    assert verify(chained)[:2] == [
        "entry 4: 3 was expected, an entry is missing or doubled",
        "entry 4: does not follow the entry before it",
    ]


def test_a_cut_end_is_seen_against_the_head(chained: World) -> None:
    length = chained.one(Chain).length
    sql(chained, "DELETE FROM trail_entry WHERE seq = :last", last=length)
    assert verify(chained) == [f"the chain ends at {length - 1}, its head says {length}: the end was cut or rewritten"]


def test_a_cut_end_with_a_rewritten_head_is_seen_against_a_checkpoint(chained: World) -> None:
    length = chained.one(Chain).length
    with chained.db.transaction() as session:
        trail.checkpoint(session, AGENCY, "daily", at=chained.at)
    sql(chained, "DELETE FROM trail_entry WHERE seq = :last", last=length)
    before = chained.all(TrailEntry)[-1]
    sql(chained, "UPDATE chain SET length = :length, head = :head", length=length - 1, head=before.hash)
    assert verify(chained) == [f"checkpoint daily at {length} does not match the chain"]


def test_a_chain_rewritten_from_the_middle_is_seen_against_a_checkpoint(chained: World) -> None:
    """Every later hash recomputed, the head as well: only what was kept outside still tells."""
    import json

    with chained.db.transaction() as session:
        trail.checkpoint(session, AGENCY, "daily", at=chained.at)
    prev = chained.all(TrailEntry)[1].hash
    for entry in chained.all(TrailEntry)[2:]:
        event = json.loads(entry.event) | ({"subject": "appraisal:1"} if entry.seq == 3 else {})
        prev_before, prev = prev, chain_hash(prev, event)
        sql(chained, "UPDATE trail_entry SET event = :event, subject = :subject, prev = :prev, hash = :hash"
            " WHERE seq = :seq", event=canonical_json(event).decode(), subject=event["subject"], prev=prev_before,
            hash=prev, seq=entry.seq)  # fmt: skip
    sql(chained, "UPDATE chain SET head = :head", head=prev)
    length = chained.one(Chain).length
    assert verify(chained) == [f"checkpoint daily at {length} does not match the chain"]


def test_erased_personal_data_leaves_the_chain_whole(chained: World) -> None:
    sql(chained, "UPDATE trail_entry SET content = NULL, salt = NULL WHERE seq = 3")
    assert verify(chained) == []


def test_the_first_entry_follows_nothing_and_each_the_one_before(chained: World) -> None:
    entries = chained.all(TrailEntry)
    assert [entry.prev for entry in entries] == [ZERO, *(entry.hash for entry in entries[:-1])]
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))


def test_what_was_said_and_who_said_it_stay_out_of_the_chained_event(chained: World) -> None:
    entry = chained.all(TrailEntry)[-1]
    assert "Pelayanan" not in entry.event
    assert "Citra" not in entry.event
    assert entry.content["after"]["items"] == 1


def test_an_instant_in_another_zone_is_chained_as_the_same_instant(both: Database) -> None:
    world = World.make(both)
    at = datetime(2026, 1, 5, 9, tzinfo=ZoneInfo("Asia/Makassar"))
    with both.transaction() as session:
        trail.record(session, AGENCY, "test", "cycle:1", at=at)
    assert verify(world) == []


def test_a_checkpoint_of_the_same_length_is_the_same(chained: World) -> None:
    before = len(chained.all(Checkpoint))
    for occasion in ("daily", "again"):
        with chained.db.transaction() as session:
            kept = trail.checkpoint(session, AGENCY, occasion, at=chained.at)
            assert kept is not None
            assert kept.occasion == "daily"
    assert len(chained.all(Checkpoint)) == before + 1


def test_every_gate_leaves_a_checkpoint(issued: World) -> None:
    occasions = {kept.occasion for kept in issued.all(Checkpoint)}
    assert {
        "target_setting.close",
        "supervisor_scoring.close",
        "supervisor_scoring.issue",
        "roster.frozen",
    } <= occasions
    assert verify(issued) == []


def test_writers_at_once_make_one_chain(both: Database) -> None:
    import threading

    world = World.make(both)

    def write(number: int) -> None:
        for n in range(5):
            with both.transaction() as session:
                trail.record(session, AGENCY, "test", f"writer:{number}", at=world.at, after={"n": n})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verify(world) == []
    assert len([e for e in world.all(TrailEntry) if e.type == "test"]) == 20
