"""Remember what is undone."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Changes the schema."""
    op.add_column("sagas", sa.Column("undone", sa.Integer(), server_default="0", nullable=False))
