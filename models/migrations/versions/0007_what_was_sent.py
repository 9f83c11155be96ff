"""All that somebody sent, for them to read again"""

import sqlalchemy as sa
from alembic import op

from models.frozen import Frozen, statements

revision = '0007'
down_revision = '0006'

FROZEN = (Frozen("submission", ("content",), name="content", delete=False),)


def upgrade() -> None:
    op.add_column('submission', sa.Column('content', sa.JSON(), nullable=True))
    for statement in statements(op.get_bind().dialect.name, FROZEN):
        op.execute(statement)
