"""Two owners may have made attempts of the same number, where a crash undid the claim of one"""

from alembic import op

revision = '0004'
down_revision = '0003'


def upgrade() -> None:
    with op.batch_alter_table('mail_attempt') as batch_op:
        batch_op.drop_constraint(op.f('uq_mail_attempt_letter_id_number'), type_='unique')
        batch_op.create_unique_constraint(
            op.f('uq_mail_attempt_letter_id_number_owner'), ['letter_id', 'number', 'owner']
        )
