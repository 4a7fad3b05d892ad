"""Readings of sensors beside their video, alerts that still hold, and where a bus topic was read to."""

import sqlalchemy as sa
from alembic.operations import Operations

REVISION = "0004"


def upgrade(op: Operations) -> None:
    """A reading is known by sensor, time and name, so that one that arrives twice is stored once."""
    op.create_table(
        "reading",
        sa.Column("sensor_id", sa.Text, primary_key=True),
        sa.Column("at_us", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
    )
    op.create_index("reading_by_time", "reading", ["at_us"])
    op.create_table(
        "bus_position",
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("position", sa.Text, nullable=False),
    )
    op.create_table(
        "camera_alert",
        sa.Column("sensor_id", sa.Text, primary_key=True),
        sa.Column("alert_id", sa.Text, nullable=False),
        sa.Column("since_us", sa.BigInteger, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
