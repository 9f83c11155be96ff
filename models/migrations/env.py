"""Runs the migrations on the connection that `actions.store.schema` hands over."""

from alembic import context
from sqlalchemy import Enum

from models import Base
from models.base import ExactDecimal, UtcDateTime


def render(kind, item, _context):
    """Write plain column types: a migration must mean the same when the models have moved on."""
    if kind != "type":
        return False
    if isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if isinstance(item, ExactDecimal | Enum):
        return "sa.String(40)"
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
    render_item=render,
)
with context.begin_transaction():
    context.run_migrations()
