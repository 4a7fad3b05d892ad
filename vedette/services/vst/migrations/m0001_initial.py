"""The first shape: sensors, segments, gaps, garbage, the deletion ledger and where ids go on."""

import sqlalchemy as sa
from alembic.operations import Operations

REVISION = "0001"


def upgrade(op: Operations) -> None:
    """Creates all tables."""
    _sensors(op)
    _recordings(op)
    _deletions(op)


def _sensors(op: Operations) -> None:
    op.create_table(
        "sensor",
        sa.Column("sensor_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("url", sa.Text, nullable=False, unique=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("details", sa.LargeBinary, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
    )


def _recordings(op: Operations) -> None:
    op.create_table(
        "segment",
        sa.Column("segment_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("stream_id", sa.Text, nullable=False),
        sa.Column("recording_id", sa.BigInteger, nullable=False),
        sa.Column("start_us", sa.BigInteger, nullable=False),
        sa.Column("end_us", sa.BigInteger, nullable=False),
        sa.Column("media_us", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("codec", sa.Text, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
    )
    op.create_index("segment_by_time", "segment", ["stream_id", "start_us", "end_us"])
    op.create_index("segment_by_age", "segment", ["start_us"])
    op.create_table(
        "gap",
        sa.Column("stream_id", sa.Text, primary_key=True),
        sa.Column("start_us", sa.BigInteger, primary_key=True),
        sa.Column("end_us", sa.BigInteger, nullable=True),
        sa.Column("cause", sa.Text, nullable=False),
    )
    op.create_table(
        "id_block",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("next_id", sa.BigInteger, nullable=False),
    )


def _deletions(op: Operations) -> None:
    op.create_table(
        "garbage",
        sa.Column("segment_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("stream_id", sa.Text, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "deletion",
        sa.Column("deletion_id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("stream_id", sa.Text, nullable=False),
        sa.Column("start_us", sa.BigInteger, nullable=False),
        sa.Column("end_us", sa.BigInteger, nullable=False),
        sa.Column("segments", sa.Integer, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
    )
