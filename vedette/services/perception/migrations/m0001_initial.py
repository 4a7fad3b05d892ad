"""First free track id by key, so that no id is given twice, whatever happens to the process."""

import sqlalchemy as sa
from alembic.operations import Operations

REVISION = "0001"


def upgrade(op: Operations) -> None:
    """Creates the table of counters."""
    op.create_table(
        "track_counter",
        sa.Column("key", sa.String(200), primary_key=True),
        sa.Column("next_id", sa.BigInteger, nullable=False),
    )
