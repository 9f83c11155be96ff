"""Signs of life of the runs that are at work"""

import sqlalchemy as sa
from alembic import op

from models.base import UtcDateTime

revision = '0009'
down_revision = '0008'


def upgrade() -> None:
    op.create_table(
        'lease',
        sa.Column('name', sa.String(length=120), nullable=False),
        sa.Column('holder', sa.String(length=60), nullable=False),
        sa.Column('token', sa.String(length=32), nullable=False),
        sa.Column('until', UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('name', name=op.f('pk_lease')),
    )
