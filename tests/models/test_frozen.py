"""Frozen rows are refused by the database itself, on SQLite and on PostgreSQL, and both ways of making it agree."""

from pathlib import Path

import pytest
from sqlalchemy import JSON, Boolean, Connection, Integer, LargeBinary, create_engine, inspect, text
from sqlalchemy.exc import DatabaseError

from actions.audit import ceremony
from actions.store import schema, trail
from database import Database
from models import Base, Cycle, TrailEntry
from models.base import UtcDateTime
from models.frozen import FROZEN, Frozen
from rules.terms import ActKind
from tests.actions.world import World


def guards(connection: Connection) -> set[str]:
    if connection.dialect.name == "sqlite":
        return set(connection.scalars(text("SELECT sql FROM sqlite_master WHERE type = 'trigger'")))
    query = "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
    return set(connection.scalars(text(query)))


def test_migrations_and_models_make_the_same_guards(both: Database, tmp_path: Path, postgres_server: str) -> None:
    assert schema.differences(both) == []
    with both.engine.connect() as connection:
        migrated = guards(connection)
    if both.is_sqlite:
        engine = create_engine(f"sqlite:///{tmp_path}/created.db")
        Base.metadata.create_all(engine)
        with engine.connect() as connection:
            created = guards(connection)
    else:
        with both.engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
        Base.metadata.create_all(both.engine)
        with both.engine.connect() as connection:
            created = guards(connection)
    assert created == migrated
    assert len(migrated) == sum(1 + one.delete for one in FROZEN)


def test_every_guard_names_columns_that_are_there(db: Database) -> None:
    tables = {name: {c["name"] for c in inspect(db.engine).get_columns(name)} for name in Base.metadata.tables}
    for one in FROZEN:
        assert set(one.columns) <= tables[one.table], one
        assert {one.once} - {""} <= tables[one.table], one


@pytest.fixture
def rows(both: Database) -> World:
    """A world on either database that was audited and objected to, so that every frozen table has a row."""
    world = World.make(both).to_issued()
    world.act("ani", ActKind.OBJECT)
    world.act("ani", ActKind.EXPLAIN)
    world.act("head", ActKind.EXPLAIN)
    world.act("chief", ActKind.DECIDE_OBJECTION)
    with both.transaction() as session:
        cycle = session.get_one(Cycle, world.cycle_id)
        ceremony.annul(session, cycle, "Daftar pegawai memuat nama ganda.", at=world.at)
        ceremony.freeze(session, cycle, at=world.at)
    world.publish_and_roll()
    world.everybody(ActKind.EXAMINE)
    world.tick()
    return world


def test_what_is_frozen_can_neither_be_changed_nor_deleted(rows: World) -> None:
    for one in FROZEN:
        with rows.db.engine.connect() as connection:
            since = f" WHERE {one.once} IS NOT NULL" if one.once else ""
            id = connection.scalar(text(f"SELECT min(id) FROM {one.table}{since}"))
        assert id is not None, f"{one.table} has no row to try"
        for column in one.columns:
            refused(
                rows.db, one, f"UPDATE {one.table} SET {column} = {other(rows.db, one.table, column)} WHERE id = {id}"
            )
        if one.delete:
            refused(rows.db, one, f"DELETE FROM {one.table} WHERE id = {id}")


def other(db: Database, table: str, column: str) -> str:
    """An SQL literal of the column's type that differs from what is there."""
    kind = Base.metadata.tables[table].c[column].type
    literals = {
        Boolean: f"NOT {column}",
        Integer: "987654",
        UtcDateTime: "'2031-01-01 00:00:00'",
        JSON: "'{\"forged\": true}'",
        LargeBinary: "x'00'" if db.is_sqlite else "'\\x00'::bytea",
    }
    return next((literal for type_, literal in literals.items() if isinstance(kind, type_)), "'forged'")


def refused(db: Database, one: Frozen, statement: str) -> None:
    with pytest.raises(DatabaseError) as caught, db.engine.begin() as connection:
        connection.exec_driver_sql(statement)
    assert "never changes" in str(caught.value), (statement, str(caught.value))


def test_personal_data_may_be_erased_from_the_trail_but_not_replaced(both: Database) -> None:
    world = World.make(both)
    with both.engine.begin() as connection:
        connection.execute(text("UPDATE trail_entry SET content = NULL, salt = NULL WHERE seq = 1"))
    with both.reading() as session:
        assert trail.verify(session, 1) == []
    with pytest.raises(DatabaseError, match="never changes"), both.engine.begin() as connection:
        connection.execute(text("UPDATE trail_entry SET content = '{}' WHERE seq = 1"))
    assert world.all(TrailEntry)[0].content is None
