"""Codes that count only in the browser that asked, and who waits after their address was changed"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'

ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        'knock',
        sa.Column('id', ID, nullable=False),
        sa.Column('door', sa.String(40), nullable=False),
        sa.Column('said', sa.String(254), nullable=False),
        sa.Column('browser_sha256', sa.String(64), nullable=False),
        sa.Column('made_at', AT, nullable=False),
        sa.Column('expires_at', AT, nullable=False),
        sa.Column('answered_at', AT, nullable=True),
        sa.Column('tries', sa.Integer(), nullable=False),
        sa.Column('used_at', AT, nullable=True),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_knock')),
    )
    op.create_index(op.f('ix_knock_browser_sha256'), 'knock', ['browser_sha256'])
    op.create_table(
        'signin_code',
        sa.Column('id', ID, nullable=False),
        sa.Column('knock_id', ID, nullable=False),
        sa.Column('person_id', ID, nullable=False),
        sa.Column('salt', sa.String(32), nullable=False),
        sa.Column('code_hmac', sa.String(64), nullable=False),
        sa.Column('made_at', AT, nullable=False),
        sa.Column('same_as_id', ID, nullable=True),
        sa.Column('used_at', AT, nullable=True),
        sa.ForeignKeyConstraint(['knock_id'], ['knock.id'], name=op.f('fk_signin_code_knock_id')),
        sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_signin_code_person_id')),
        sa.ForeignKeyConstraint(['same_as_id'], ['signin_code.id'], name=op.f('fk_signin_code_same_as_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_signin_code')),
    )
    op.create_index(op.f('ix_signin_code_knock_id'), 'signin_code', ['knock_id'])
    op.create_index(op.f('ix_signin_code_person_id'), 'signin_code', ['person_id'])
    op.create_table(
        'address_change',
        sa.Column('id', ID, nullable=False),
        sa.Column('person_id', ID, nullable=False),
        sa.Column('before', sa.Text(), nullable=False),
        sa.Column('after', sa.Text(), nullable=False),
        sa.Column('by_id', ID, nullable=True),
        sa.Column('at', AT, nullable=False),
        sa.Column('waits_until', AT, nullable=False),
        sa.Column('stopped_at', AT, nullable=True),
        sa.Column('confirmed_at', AT, nullable=True),
        sa.Column('confirmed_by_id', ID, nullable=True),
        sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_address_change_person_id')),
        sa.ForeignKeyConstraint(['by_id'], ['person.id'], name=op.f('fk_address_change_by_id')),
        sa.ForeignKeyConstraint(['confirmed_by_id'], ['person.id'], name=op.f('fk_address_change_confirmed_by_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_address_change')),
    )
    op.create_index(op.f('ix_address_change_person_id'), 'address_change', ['person_id'])
    op.add_column('web_session', sa.Column('confirmed_at', AT, nullable=True))
    op.add_column('step_code', sa.Column('same_as_id', ID, nullable=True))
    # links that opened the console by themselves, for a quarter of an hour: none of them counts any more
    op.execute("UPDATE letter SET state = 'expired', reply = 'signing in works another way now'"
               " WHERE kind = 'sign_in' AND state IN ('queued', 'deferred', 'sending', 'ambiguous', 'held')")
    op.drop_table('signin_link')
