"""Creating and migrating the database, and saying what it is."""

import secrets
from pathlib import Path

from sqlalchemy import Connection, select, text
from sqlalchemy.orm import Session

import database
from database import SchemaRefused
from models import Base, Installation, MailSwitch

MIGRATIONS = Path(__file__).parents[2] / "models" / "migrations"
LOCK = 7_262_025
"""Key of the PostgreSQL advisory lock under which one process at a time migrates."""


def _config(connection: Connection):
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def upgrade(db: database.Database, *, simulation_from: str | None = None) -> str:
    """Create or migrate; `simulation_from` (ISO time) makes an empty one a simulation. Returns its head."""
    from alembic import command
    from alembic.runtime.migration import MigrationContext
    from alembic.util import CommandError

    with db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK})
            connection.commit()
        try:
            command.upgrade(_config(connection), "head")
            connection.commit()
            head = MigrationContext.configure(connection).get_current_revision() or ""
            connection.rollback()
        except CommandError as error:
            raise SchemaRefused(
                f"This database has a version that this program does not know ({error}): a newer one made it. "
                "Ops install that program, or restore the backup from before."
            ) from error
        finally:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK})
                connection.commit()
    with db.transaction() as session:
        _install(session, simulation_from)
    return head


def upgrade_to(db: database.Database, version: str) -> None:
    """Make an empty database as it was at that version, for what a backup of then brings; SchemaRefused if unknown."""
    from alembic import command
    from alembic.util import CommandError

    with db.engine.connect() as connection:
        try:
            command.upgrade(_config(connection), version)
            connection.commit()
        except CommandError as error:
            raise SchemaRefused(
                f"The backup has tables of version {version}, which this program does not know: a newer one made it. "
                "Ops install that program first."
            ) from error


def _install(session: Session, simulation_from: str | None) -> None:
    kind = "simulation" if simulation_from else "production"
    there = session.scalar(select(Installation))
    if there is None:
        session.add(Installation(id=1, kind=kind, virtual_now=simulation_from))
        session.add(MailSwitch(id=1, reason="", identity=secrets.token_hex(16), beats=0))
    elif simulation_from and there.kind != "simulation":
        raise SchemaRefused(
            "This is a production database: it has no virtual clock. Simulate in a database of its own."
        )


def differences(db: database.Database) -> list[object]:
    """What the migrations and the models do not agree on; empty if they match."""
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    with db.engine.connect() as connection:
        options = {"compare_type": True, "render_as_batch": connection.dialect.name == "sqlite"}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata))
