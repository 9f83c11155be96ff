"""Since when the relay does not answer, when a dispatcher was last at work, and which restore this is"""

import sqlalchemy as sa
from alembic import op

from models.base import UtcDateTime

revision = '0008'
down_revision = '0007'


def upgrade() -> None:
    with op.batch_alter_table('bucket') as batch_op:
        batch_op.add_column(sa.Column('down_since', sa.Float(), nullable=True))
        batch_op.add_column(sa.Column('down_reason', sa.String(length=200), server_default='', nullable=False))
    with op.batch_alter_table('mail_switch') as batch_op:
        batch_op.add_column(sa.Column('beat_at', UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('marked', sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column('generation', sa.Integer(), server_default='1', nullable=False))
        batch_op.add_column(sa.Column('restored_at', UtcDateTime(timezone=True), nullable=True))
