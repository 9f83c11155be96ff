"""A calendar file beside letters, where an agency wants it"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'


def upgrade() -> None:
    op.add_column('agency', sa.Column('calendar_file', sa.Boolean(), nullable=False, server_default=sa.false()))
