"""What the roster's cells said last, so that a correction by hand outlives the same file taken in again"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'


def upgrade() -> None:
    op.add_column('person', sa.Column('filed', sa.JSON(), nullable=True))
